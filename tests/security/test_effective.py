"""What somebody may do with a record is told with its reasons, and the reasons never tell another story."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM, FieldRight, FieldRule, Scope, get_visible
from app.core.accounts import Role
from app.core.db import transaction
from app.core.errors import NotAllowedError, NotFoundError
from app.customers.models import Customer
from app.processes.models import Process, ProcessInstance
from app.security import effective, field_rights, role_services, services
from app.security.effective import Way
from app.security.models import Member, Right, RoleProfile, Team
from app.security.roles import RESOURCES
from app.tasks.models import Task

KINDS = {"Customer": Customer, "Task": Task, "Instance": ProcessInstance, "Process": Process, "Member": Member,
         "Team": Team}  # fmt: skip
PEOPLE = ("lan", "minh", "hoa", "tuan", "binh")


def told(session, cast, username: str, resource: str, record_id: int):
    found = effective.explain(session, cast.member(username), resource, KINDS[resource], record_id)
    return {one.action: one for one in found}


def ways(verdict) -> set[Way]:
    return {reason.way for reason in verdict.because}


@pytest.fixture
def busy(story):
    """A process begun by Lan, an instance of it, its tasks, and things handed over, still and no longer."""
    instance = story.start()
    with transaction(SYSTEM) as inside:
        customer, cast = story.customer_id, story.cast
        tuan = cast.member("tuan")
        services.hand_over(inside, "Customer", customer, right=Right.edit, reason="share", member_id=tuan.id,
                           until=clock.now() + timedelta(days=2))  # fmt: skip
        ended = inside.scalars(select(Customer.id).where(Customer.id != customer)).first()
        if ended is not None:
            services.hand_over(inside, "Customer", ended, right=Right.view, reason="share", member_id=tuan.id,
                               until=clock.now() - timedelta(days=2))  # fmt: skip
        services.hand_over(inside, "Instance", instance, right=Right.view, reason="share",
                           team_id=cast.team("van-hanh").id)  # fmt: skip
    return {"Instance": instance, "Customer": story.customer_id, "Task": story.task(instance, "receive").id}


def test_verdict_and_rule_never_disagree(session, cast, busy):
    """Whatever the page says is what every screen does: asked of everybody, for everything there is."""
    with transaction(SYSTEM) as inside:  # roles of one member only, with an odd mixture of reaches
        made = role_services.create_role(inside, label_vi="Trực", by=SYSTEM)
        odd = {("Customer", "delete"): Scope.own, ("Task", "edit"): Scope.subtree, ("Instance", "view"): Scope.team,
               ("Team", "edit"): Scope.subtree, ("Member", "view"): Scope.team}  # fmt: skip
        role_services.change_rights(inside, made, odd, rev=made.rev, by=SYSTEM)
        role_services.assign_roles(inside, cast.member("binh"), ["Staff", made.name], by=SYSTEM)
        role_services.assign_roles(inside, cast.member("tuan"), [], by=SYSTEM)
    asked = allowed = 0
    for resource, model in KINDS.items():
        keys = session.scalars(select(model.id)).all()
        assert keys, resource
        for username in PEOPLE:
            for key in keys:
                for action, verdict in told(session, cast, username, resource, key).items():
                    try:
                        get_visible(session, model, key, cast.actor(username), action)
                        may = True
                    except (NotFoundError, NotAllowedError):
                        may = False
                    assert verdict.allowed is may, (username, resource, key, action)
                    assert verdict.because, (username, resource, key, action)
                    no = {Way.nothing, Way.ended}
                    assert bool(ways(verdict) & no) is not may, (username, resource, key, action, verdict.because)
                    asked, allowed = asked + 1, allowed + may
    assert asked > 150
    assert 0 < allowed < asked


def test_it_says_through_which_role_and_how_far(session, cast, busy):
    lan = told(session, cast, "lan", "Customer", busy["Customer"])
    assert list(lan) == [action for action in RESOURCES["Customer"] if action != "add"]
    assert ways(lan["view"]) == {Way.role}
    assert str(lan["view"].because[0].sentence) == "Qua vai trò Nhân viên: Xem, phạm vi “Bộ phận”."
    assert ways(lan["export"]) == {Way.nothing}
    assert "Nhân viên" in str(lan["export"].because[0].sentence)


def test_it_says_what_was_shared_until_when_and_what_has_ended(session, cast, busy):
    tuan = told(session, cast, "tuan", "Customer", busy["Customer"])
    for action in ("view", "edit"):
        assert ways(tuan[action]) == {Way.grant}
        assert tuan[action].because[0].until == clock.now() + timedelta(days=2)
    assert not tuan["delete"].allowed
    with clock.at(clock.now() + timedelta(days=3)):
        tuan = told(session, cast, "tuan", "Customer", busy["Customer"])
    assert not tuan["view"].allowed
    assert Way.ended in ways(tuan["view"])
    assert ways(told(session, cast, "tuan", "Instance", busy["Instance"])["view"]) == {Way.grant}


def test_work_that_is_offered_is_told_as_such(session, cast, busy):
    with transaction(SYSTEM) as inside:
        one = inside.scalars(select(RoleProfile).join(Role).where(Role.name == "Staff")).one()
        role_services.change_rights(inside, one, {("Task", "view"): Scope.none}, rev=one.rev, by=SYSTEM)
    assert ways(told(session, cast, "lan", "Task", busy["Task"])["view"]) == {Way.offer}


def test_it_says_what_a_person_reads_of_each_field_and_which_role_says_so(session, cast):
    staff = session.scalars(select(Role).where(Role.name == "Staff")).one()
    wanted = {("Customer", "phone"): FieldRule(FieldRight.masked, may_reveal=True)}
    field_rights.change(session, staff, wanted, version=field_rights.version_of({}), by=SYSTEM)

    def of(username: str, field: str) -> tuple[str, bool, str]:
        found = effective.explain_fields(session, cast.member(username), "Customer")
        one = next(one for one in found if str(one.label) == field)
        return one.right, one.may_reveal, " ".join(map(str, one.because))

    assert of("lan", "Số điện thoại") == ("masked", True, "Qua vai trò Nhân viên.")
    assert of("lan", "Email") == ("full", True, "Không vai trò nào hạn chế trường này.")
    role_services.assign_roles(session, cast.member("lan"), ["Staff", "Manager"], by=SYSTEM)
    told = of("lan", "Số điện thoại")
    assert told[0] == "full"
    assert told[2].endswith("Vai trò Nhân viên cho “Che bớt”; quyền rộng nhất được tính.")


def test_a_record_that_there_is_not_is_told_as_such(client):
    answer = client("hoa").get("/quyen-hieu-luc/?loai=customer&ban-ghi=xyz")
    assert answer.status_code == 404
    assert "Không có mục này" in answer.text
