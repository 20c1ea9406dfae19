"""What may this person do, and what was handed to him? Read once, and anew whenever it may have changed."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import event, select

from app.core import clock
from app.core.access import ACTIONS, SYSTEM, Scope
from app.core.db import db, transaction
from app.customers.models import Customer
from app.customers.services import create_customer
from app.security import queries
from app.security.grants import granted
from app.security.models import Grant, Right, RoleScope, Team
from app.security.roles import RESOURCE_LABELS, RESOURCES, ROLE_LABELS, SHIPPED
from app.security.services import (
    create_team,
    end_grants,
    ensure_roles,
    hand_over,
    rights_changed,
)
from app.security.teams import add_person, appoint_head
from tests.story import MONDAY


@contextmanager
def statements():
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


# ── roles and scopes ──
def test_the_four_roles_begin_with_what_is_shipped(session, cast):
    assert cast.lan.scope("Customer") is Scope.team
    assert cast.minh.scope("Customer") is Scope.subtree
    assert cast.hoa.scope("Customer", "delete") is Scope.all
    assert not cast.lan.may("delete", "Customer")
    assert not cast.minh.may("edit", "Setting")


def test_every_right_is_one_of_the_seven_and_has_a_word_for_people():
    assert {action for actions in RESOURCES.values() for action in actions} <= set(ACTIONS)
    assert set(RESOURCE_LABELS) == set(RESOURCES)
    assert set(ROLE_LABELS) == set(SHIPPED)
    for role, resources in SHIPPED.items():
        for resource, actions in resources.items():
            assert set(actions) <= set(RESOURCES[resource]), (role, resource)


def test_an_auditor_sees_all_and_changes_nothing():
    for resource, actions in SHIPPED["Auditor"].items():
        assert set(actions) <= {"view", "export"}, resource
        assert set(actions.values()) <= {Scope.all}


def test_of_several_roles_the_widest_reach_wins(session, cast):
    with transaction() as inside:
        user = inside.get_one(User, cast.lan.user_id)
        right = next(p for p in user.roles[0].permissions if str(p) == "can view on Customer")
        for name, scope in (("Hẹp", Scope.own), ("Rộng", Scope.all)):
            role = Role(name=name)
            inside.add(role)
            inside.flush()
            role.permissions = [right]
            inside.add(RoleScope(role_id=role.id, resource="Customer", action="view", scope=scope))
            user.roles.append(role)
        rights_changed(inside, [user.id])
    assert cast.lan.scope("Customer") is Scope.all
    assert cast.lan.scope("Customer", "edit") is Scope.team


def test_making_the_roles_again_leaves_what_an_admin_has_changed(session, cast):
    with transaction() as inside:
        staff = queries.role_by_code(inside, "Staff")
        scope = inside.scalars(select(RoleScope).where(RoleScope.role_id == staff.id, RoleScope.resource == "Customer"))
        for row in scope:
            row.scope = Scope.own
        gone = next(p for p in staff.permissions if p.view_menu.name == "Team")
        staff.permissions.remove(gone)
        ensure_roles(inside)
    assert cast.lan.scope("Customer") is Scope.own
    assert not cast.lan.may("view", "Team")


# ── the cache ──
def test_rights_are_read_once(session, cast):
    assert cast.lan
    member = cast.member("lan")
    with statements() as seen:
        assert queries.actor_of(session, member).may("view", "Customer")
    assert seen == []


def test_changed_rights_count_at_once(session, cast):
    assert cast.lan.team_ids == {cast.team("cskh").id}
    with transaction() as inside:
        add_person(inside, cast.team("van-hanh"), cast.member("lan"), by=SYSTEM)
    assert cast.lan.team_ids == {cast.team("cskh").id, cast.team("van-hanh").id}
    with transaction() as inside:
        appoint_head(inside, cast.team("van-hanh"), cast.member("lan"), by=SYSTEM)
    assert cast.lan.headed_team_ids == {cast.team("van-hanh").id}
    assert cast.binh.headed_team_ids == set()  # whom she replaced


def test_another_process_learns_of_it_from_the_member_row(session, cast):
    """Only the row tells: this process has the old rights in its cache and nobody calls it."""
    version = cast.member("lan").rights_version
    assert cast.lan.may("view", "Customer")
    with db.engine.begin() as other:
        role_id = other.scalar(select(Role.id).where(Role.name == "Staff"))
        other.exec_driver_sql(f"DELETE FROM ab_permission_view_role WHERE role_id = {role_id}")
        other.exec_driver_sql(f"UPDATE member SET rights_version = {version + 1} WHERE id = {cast.lan.user_id}")
    session.rollback()
    assert not cast.lan.may("view", "Customer")


def test_rights_of_an_undone_transaction_are_not_remembered(session, cast):
    before = cast.lan.team_ids
    with pytest.raises(RuntimeError), transaction() as inside:  # noqa: PT012
        add_person(inside, cast.team("van-hanh"), cast.member("lan"), by=SYSTEM)
        assert cast.lan.team_ids != before
        raise RuntimeError
    with transaction() as inside:
        rights_changed(inside, [cast.member("lan").id])  # the same version number again, other rights
    assert cast.lan.team_ids == before


# ── teams ──
def test_teams_below_are_found_at_any_depth(session, cast):
    with transaction() as inside:
        parent = cast.team("cskh")
        for depth in range(5):
            parent = create_team(inside, code=f"t{depth}", name=f"T{depth}", parent=parent, by=SYSTEM)
    assert len(queries.teams_below(session, [cast.team("cskh").id])) == 6
    assert queries.teams_below(session, []) == set()
    assert cast.team("t4").id in cast.minh.headed_team_ids


def test_a_circle_of_teams_does_not_hang(session, cast):
    cskh, van_hanh = cast.team("cskh").id, cast.team("van-hanh").id
    with transaction() as inside:
        inside.get_one(Team, cskh).parent_id = van_hanh
        inside.get_one(Team, van_hanh).parent_id = cskh
    assert queries.teams_below(session, [cskh]) == {cskh, van_hanh}


def test_one_team_of_a_member_is_the_primary_one(session, cast):
    with transaction() as inside:
        add_person(inside, cast.team("van-hanh"), cast.member("lan"), primary=True, by=SYSTEM)
    assert queries.primary_team_of(session, cast.lan.user_id).code == "van-hanh"
    assert cast.lan.primary_team_id == cast.team("van-hanh").id


def test_who_has_left_is_in_no_list_of_colleagues(session, cast):
    with transaction() as inside:
        inside.get_one(User, cast.minh.user_id).active = False
    assert [member.user.username for member in queries.members_of_team(session, cast.team("cskh").id)] == ["lan"]
    assert queries.members_with_role(session, "Manager") == [cast.member("binh")]
    assert cast.minh.user_id not in [member.id for member in session.scalars(queries.active_members())]


# ── what was handed over ──
@pytest.fixture
def customer_id(session, cast) -> int:
    with transaction(cast.lan) as inside:
        return create_customer(inside, by=cast.lan, name="Đặng Thị Mỹ Duyên", phone=None).id


GRANTS = {
    "to himself": ({"member": "tuan"}, True),
    "to his team": ({"team": "van-hanh"}, True),
    "to somebody else": ({"member": "binh"}, False),
    "to another team": ({"team": "cskh"}, False),
    "to edit": ({"member": "tuan", "right": Right.edit}, True),
    "only the header": ({"member": "tuan", "right": Right.header}, False),
    "until later": ({"member": "tuan", "until": MONDAY + timedelta(minutes=1)}, True),
    "until now": ({"member": "tuan", "until": MONDAY}, False),
    "until before": ({"member": "tuan", "until": MONDAY - timedelta(days=1)}, False),
    "ended": ({"member": "tuan", "ended_at": MONDAY - timedelta(days=1)}, False),
    "another record": ({"member": "tuan", "record_id": 999}, False),
    "another table": ({"member": "tuan", "resource": "Instance"}, False),
}


@pytest.mark.both_databases
@pytest.mark.parametrize("case", GRANTS)
def test_what_was_handed_over_is_seen(session, cast, customer_id, case):
    values, expected = GRANTS[case]
    values = {"resource": "Customer", "record_id": customer_id, "right": Right.view, "reason": "share", **values}
    member, team = values.pop("member", None), values.pop("team", None)
    with transaction() as inside:
        inside.add(
            Grant(
                member_id=cast.actor(member).user_id if member else None,
                team_id=cast.team(team).id if team else None,
                **values,
            )
        )
    with clock.at(MONDAY):
        rule = granted("Customer", Customer.id, cast.tuan)
        assert (session.scalar(select(Customer.id).where(rule)) is not None) is expected


def test_the_header_is_seen_by_who_asks_for_it(session, cast, customer_id):
    with transaction() as inside:
        hand_over(inside, "Customer", customer_id, right=Right.header, reason="task:1", member_id=cast.tuan.user_id)
    assert session.scalar(select(Customer.id).where(granted("Customer", Customer.id, cast.tuan, Right.header)))


def test_a_grant_is_for_exactly_one_receiver(session, cast, customer_id):
    with pytest.raises(Exception, match="one_receiver"), transaction() as inside:
        hand_over(inside, "Customer", customer_id, right=Right.view, reason="share")
    with pytest.raises(Exception, match="one_receiver"), transaction() as inside:
        hand_over(
            inside, "Customer", customer_id, right=Right.view, reason="share",
            member_id=cast.tuan.user_id, team_id=cast.team("cskh").id,
        )  # fmt: skip


def test_handing_over_twice_is_one_grant_and_again_after_its_end_a_new_one(session, cast, customer_id):
    def live() -> int:
        return len(session.scalars(select(Grant).where(Grant.ended_at.is_(None))).all())

    give = {"right": Right.view, "reason": "task:1", "member_id": cast.tuan.user_id}
    with transaction() as inside:
        hand_over(inside, "Customer", customer_id, **give)
        hand_over(inside, "Customer", customer_id, **give)
    assert live() == 1
    with transaction() as inside:
        end_grants(inside, reason="task:1")
    assert live() == 0
    with transaction() as inside:
        hand_over(inside, "Customer", customer_id, **give)
    assert live() == 1


def test_ending_what_a_team_had_leaves_what_a_person_has(session, cast, customer_id):
    with transaction() as inside:
        hand_over(inside, "Customer", customer_id, right=Right.view, reason="task:1", member_id=cast.tuan.user_id)
        hand_over(inside, "Customer", customer_id, right=Right.view, reason="task:1", team_id=cast.team("cskh").id)
        hand_over(inside, "Customer", customer_id, right=Right.view, reason="task:2", team_id=cast.team("cskh").id)
        end_grants(inside, reason="task:1", teams_only=True)
    live = session.execute(select(Grant.reason, Grant.member_id.is_not(None)).where(Grant.ended_at.is_(None))).all()
    assert {tuple(row) for row in live} == {("task:1", True), ("task:2", False)}


def test_nobody_has_no_grants(session, customer_id):
    assert session.scalar(select(Customer.id).where(granted("Customer", Customer.id, SYSTEM))) is None


def test_names_are_found_in_any_case_and_by_mail(session, cast):
    for typed in ("lan", "LAN", " Lan ", "lan@phosen.example", "Lan@PhoSen.example"):
        assert queries.member_signing_in(session, typed) == cast.member("lan"), typed
    for typed in ("", "la", "lan%", "_an", "lan@phosen"):
        assert queries.member_signing_in(session, typed) is None, typed
