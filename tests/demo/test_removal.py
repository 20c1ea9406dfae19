"""The demo goes for good, a few records a time, and takes nothing real with it."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core import chain, clock, settings, turns
from app.core.access import SYSTEM
from app.core.accounts import User
from app.core.audit import AuditEvent, AuditSensitive
from app.core.db import Entity, transaction
from app.core.errors import BusinessError, InvalidInputError, NotAllowedError
from app.core.removing import RemovalPermit
from app.customers.models import Customer
from app.customers.services import change_customer, create_customer
from app.demo import removal
from app.demo.models import DemoRemoval, RemovalPhase
from app.demo.people import COLLEAGUES, PEOPLE
from app.demo.running import Removal
from app.demo.telling import tell_of_removal
from app.forms.models import Form
from app.notifications.models import Notification
from app.processes.models import Process, ProcessEvent
from app.security import queries, teams
from app.security.models import Member, Team
from app.security.queries import present_actor
from app.security.services import create_member
from app.tasks.models import Task

NAME = "Công ty Phở Sen"
#: what an installation has of itself, and what tells of the removal
KEPT = {
    "ab_user", "ab_user_role", "audit_event", "audit_sensitive", "counter", "demo_removal", "member", "notification",
    "setting",
}  # fmt: skip


def an_owner():
    """The administrator of the real company."""
    with transaction(SYSTEM) as inside:
        member = create_member(inside, username="chu", family_name="Trần", given_name="Chủ", email="chu@that.vn",
                               password_hash="x", roles=["Admin"], by=SYSTEM)  # fmt: skip
        return queries.actor_of(inside, member)


@pytest.fixture
def owner(session, cast, story):
    """He came after the demo was made: the cast, a customer, and a run of its process. The clock stands still."""
    story.start()
    with transaction(SYSTEM) as inside:
        for one in (*inside.scalars(select(Process)), *inside.scalars(select(Form))):
            one.created_by_id = cast.hoa.user_id  # as in the demo, where Hoa has made them
        settings.put(inside, "demo_loaded_at", clock.now().isoformat(), by=SYSTEM)
    return an_owner()


@pytest.fixture
def later(owner):
    """After the demo was made."""
    with clock.at(clock.now() + timedelta(hours=1)):
        yield


def ask(by, *, with_tried=False) -> None:
    with transaction(by) as inside:
        removal.ask(inside, f" {NAME.upper()} ", with_tried=with_tried, by=by)


def work() -> None:
    turns.run_waiting(Removal, present_actor, tell_of_removal)


def rows(session) -> dict[str, int]:
    return {
        table.name: count for table in Entity.metadata.sorted_tables
        if (count := session.scalar(select(func.count()).select_from(table)))
    }  # fmt: skip


def test_of_the_whole_demo_nothing_is_left_but_the_log_which_names_nobody(phosen, empty_rows):
    owner = an_owner()
    with clock.at(clock.now() + timedelta(hours=1)):
        told = removal.plan(phosen, by=owner)
        assert (told.stays, told.hindrances, told.goes["member"]) == ([], [], len((*PEOPLE, *COLLEAGUES)))
        ask(owner)
        assert [one.username for one in phosen.scalars(queries.active_members())] == ["chu"]  # closed at once
        work()
        done = removal.latest(phosen)
        # the places of its people in teams are emptied before
        gone = {name: count for name, count in told.goes.items() if name != "team_member"}
        assert (done.phase, done.kept, done.gone) == (RemovalPhase.removed, {}, gone)
        left = rows(phosen)
        assert {name: count for name, count in left.items() if name not in KEPT} == empty_rows
        assert (left["member"], left["ab_user_role"], left["notification"]) == (1, 1, 1)
        assert phosen.scalar(select(Notification.user_id)) == owner.user_id
        assert phosen.scalar(select(User.username).where(User.username == "lan")) is None
        told_of = select(AuditEvent.record_id).join(AuditSensitive, AuditSensitive.event_id == AuditEvent.id)
        assert set(phosen.scalars(told_of)) == {owner.user_id}
        assert removal.plan(phosen, by=owner) is None
    with clock.at(clock.now() + timedelta(hours=2)):
        chain.seal()
        assert chain.verify(phosen)[1] is None


@pytest.fixture
def empty_rows(phosen, initialised, shared_app):
    """Table → rows of an installation without a company."""
    with sqlite3.connect(initialised) as connection:
        names = [table.name for table in Entity.metadata.sorted_tables if table.name not in KEPT]
        counts = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
    return {name: count for name, count in counts.items() if count}


@pytest.mark.both_databases
@pytest.mark.usefixtures("later")
def test_a_worker_that_stops_leaves_the_rest_to_the_next_one_and_real_things_stay(session, owner, monkeypatch):
    with transaction(owner) as inside:
        mine = create_customer(inside, by=owner, name="Khách thật").id
    ask(owner)
    session.rollback()
    (number,) = (session.scalar(select(DemoRemoval.id)),)
    for _turn in range(2):  # each has time for one lot
        turns.leases.claim(DemoRemoval, owner="died", at=clock.now(), limit=1, lease=turns.LEASE)
        Removal(number, "died", clock.now() - timedelta(seconds=1), present_actor, tell_of_removal).attempt()
    half = session.get_one(DemoRemoval, number)
    assert half.is_working
    assert 0 < half.records_done < half.records_all
    session.rollback()
    work()
    session.rollback()
    done = session.get_one(DemoRemoval, number)
    assert (done.phase, done.kept, done.problem) == (RemovalPhase.removed, {}, None)
    assert list(session.scalars(select(Customer.id))) == [mine]
    for model in (Task, ProcessEvent, Process, Form, Team, RemovalPermit):
        assert session.scalar(select(func.count()).select_from(model)) == 0
    assert [one.username for one in session.scalars(select(Member))] == ["chu"]
    assert removal.plan(session, by=owner) is None


@pytest.mark.usefixtures("later")
def test_what_real_work_hangs_on_stays_and_what_was_only_tried_goes_when_asked(session, cast, story, owner):
    with transaction(owner) as inside:
        real = create_customer(inside, by=owner, name="Khách thật")
        teams.add_person(inside, cast.team("cskh"), inside.get_one(Member, owner.user_id), by=SYSTEM)
        tried = inside.get_one(Customer, story.customer_id)
        change_customer(inside, tried, by=owner, rev=tried.rev, note="Thử ghi chú")
        real_id = real.id
    told = removal.plan(session, by=owner)
    stays = {(one.table, one.why): one.count for one in told.stays}
    assert stays["customer", "tried"] == 1
    assert (stays["process", "held"], stays["team", "drawn"]) == (1, 2)  # what runs for him, and needs
    assert told.tried == 1
    ask(owner)
    work()
    session.rollback()
    assert session.scalar(select(func.count(Customer.id))) == 2
    assert removal.plan(session, by=owner).tried == 1  # it can still go
    ask(owner, with_tried=True)
    work()
    session.rollback()
    assert list(session.scalars(select(Customer.id))) == [real_id]
    assert [one.code for one in session.scalars(select(Team))] == ["cskh"]
    assert session.scalar(select(func.count(Process.id))) == 0


@pytest.mark.usefixtures("later")
def test_a_customer_and_a_task_in_the_hands_of_the_demo_are_handed_over_first(session, cast, owner):
    with transaction(owner) as inside:
        create_customer(inside, by=owner, name="Khách thật", owner=inside.get_one(Member, cast.lan.user_id))
    told = removal.plan(session, by=owner)
    assert "1 khách hàng thật" in " ".join(map(str, told.hindrances))
    with pytest.raises(removal.DemoNeededError):
        ask(owner)
    assert len(session.scalars(queries.active_members()).all()) == len(PEOPLE) + 1


@pytest.mark.usefixtures("later")
def test_a_demo_account_does_not_remove_itself_and_nobody_else_does_without_the_right(session, cast, owner):
    assert "tài khoản mẫu" in " ".join(map(str, removal.plan(session, by=cast.hoa).hindrances))
    for who in (cast.lan, cast.minh):
        with pytest.raises(NotAllowedError):
            ask(who)
    with pytest.raises(InvalidInputError) as refused, transaction(owner) as inside:
        removal.ask(inside, "Công ty khác", with_tried=False, by=owner)
    assert list(refused.value.fields) == ["typed"]
    ask(owner)
    with pytest.raises(BusinessError):
        ask(owner)


def test_without_a_demo_there_is_nothing_to_remove(session, cast):
    assert removal.plan(session, by=cast.hoa) is None
