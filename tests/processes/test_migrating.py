"""Running instances go on by another version: their work stays with people, and each that cannot is told why."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import transaction
from app.core.errors import InvalidInputError, NotAllowedError, NotFoundError
from app.processes import migrating
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessEvent, ProcessVersion
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import TASK
from tests.story import MONDAY

FIRST = ("start > ask > pay > end", "edge1 > late > end")
CLOCK = {"edges": {"edge1": "pay beside"}, "timers": {"edge1": "PT4H wall"}}
RENAMED = ("start > ask > check > refund > end", "edge1 > late > end")


@pytest.fixture
def drawn(session, cast):
    with clock.at(MONDAY):
        yield Drawn(session, cast, *FIRST, **CLOCK)


def published(drawn, *arrows, **more):
    drawn.publish(*arrows, by=drawn.cast.hoa, **more)


def move(drawn, instance, to, who="hoa", reason="Quy trình mới", **more):
    actor = drawn.cast.actor(who)
    with transaction(actor) as inside:
        of_it = ProcessVersion.process_id == drawn.process_id, ProcessVersion.number == to
        version = inside.scalars(select(ProcessVersion).where(*of_it)).one()
        migrating.move_to_version(inside, instance, version, by=actor, reason=reason, **more)


@pytest.mark.both_databases
def test_open_work_clocks_and_what_was_done_go_along_and_come_back(session, drawn):
    instance = drawn.start(amount=7)
    drawn.finish(instance, "ask")
    task = drawn.task(instance, "pay")
    before = (task.id, task.assignee_id, task.opened_at, task.due_at, drawn.clocks(instance)[0][1])
    tasks = {"tasks": {"refund": TASK + ' outcomes="approve,reject"'}}
    clock_there = {"edges": {"edge1": "refund beside"}, "timers": {"edge1": "PT9H wall"}}
    published(drawn, *RENAMED, **tasks, **clock_there)
    with pytest.raises(migrating.NotMovableError) as refused:
        move(drawn, instance, 2)
    assert "“pay”" in str(refused.value)
    move(drawn, instance, 2, names={"pay": "refund"})
    task = drawn.task(instance, "refund")
    assert (task.id, task.assignee_id, task.opened_at, task.due_at, drawn.clocks(instance)[0][1]) == before
    assert (task.name, task.outcomes) == ("refund", ["approve", "reject"])
    assert drawn.instance(instance).version.number == 2
    drawn.check(instance)
    move(drawn, instance, 1, names={"refund": "pay"})
    move(drawn, instance, 1)  # it is there already
    task = drawn.task(instance, "pay")
    assert (task.id, task.assignee_id, task.opened_at, task.due_at, drawn.clocks(instance)[0][1]) == before
    assert (task.name, task.outcomes) == ("pay", [])
    told = session.scalars(select(ProcessEvent).where(ProcessEvent.kind == "migrated").order_by(ProcessEvent.seq))
    assert [(one.body["from_version"], one.body["to_version"], one.body["map"]) for one in told] == [
        (1, 2, {"pay": "refund"}), (2, 1, {"refund": "pay"}),
    ]  # fmt: skip
    kept = session.scalars(select(AuditEvent).where(AuditEvent.name == "instance.migrated")).all()
    assert [one.reason for one in kept] == ["Quy trình mới"] * 2
    move(drawn, instance, 2, names={"pay": "refund"}, anew=True)
    assert drawn.clocks(instance)[0][1] == MONDAY + timedelta(hours=9)
    drawn.check(instance)
    assert drawn.work_at(MONDAY + timedelta(hours=9)) == 1
    drawn.finish(instance, "refund", outcome="approve")
    drawn.finish(instance, "late")
    assert drawn.instance(instance).status is InstanceStatus.completed
    drawn.check(instance)


@pytest.mark.both_databases
def test_whoever_did_a_step_is_known_by_its_new_name(drawn):
    instance = drawn.start()
    drawn.finish(instance, "ask")
    published(
        drawn, "start > receive > pay > second > end", "edge1 > late > end", **CLOCK,
        tasks={"second": 'assign="same_as:receive" due="PT1H"', "pay": TASK},
    )  # fmt: skip
    with pytest.raises(migrating.NotMovableError) as refused:
        move(drawn, instance, 2)
    assert [one.code.value for one in refused.value.against] == ["done_gone"]
    move(drawn, instance, 2, names={"ask": "receive"})
    drawn.finish(instance, "pay")
    assert drawn.task(instance, "second").assignee.username == "lan"


def test_of_each_it_is_said_first_whether_it_can(session, drawn):
    safe, stays, over = drawn.start(), drawn.start(), drawn.start()
    drawn.finish(stays, "ask")
    for step in ("ask", "pay"):
        drawn.finish(over, step)
    published(drawn, "start > ask > check > end")
    drawn.start()
    hoa = drawn.cast.hoa
    session.rollback()
    version = session.scalars(select(ProcessVersion).where(ProcessVersion.number == 2)).one()
    elsewhere = session.scalars(migrating.running_elsewhere(version, hoa)).unique().all()
    found = migrating.verdicts(session, version, {}, elsewhere)
    assert [(one.instance.id, [why.code.value for why in one.against]) for one in found] == [
        (safe, []), (stays, ["step_gone"]),
    ]  # fmt: skip
    for number in (safe, stays):
        with suppress(migrating.NotMovableError):
            move(drawn, number, 2)
    assert [drawn.instance(one).version.number for one in (safe, stays)] == [2, 1]


def test_who_may_not_and_what_makes_no_sense_is_refused(drawn):
    instance = drawn.start()
    published(drawn, "start > ask > pay > end")
    with pytest.raises((NotAllowedError, NotFoundError)):
        move(drawn, instance, 2, who="lan")
    with pytest.raises(InvalidInputError) as refused:
        move(drawn, instance, 2, reason=" ")
    assert "reason" in refused.value.fields
    assert drawn.instance(instance).version.number == 1
