"""Work is put on another step by hand: by whoever may, with the reason in the log."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import transaction
from app.core.errors import InvalidInputError, NotAllowedError, NotFoundError
from app.processes import services
from app.processes.applying import BranchGoneError
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessEvent
from app.tasks.models import TaskState
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import TASK
from tests.story import MONDAY

ARROWS = ("start > ask > and1 > a > b > and2 > last > end", "and1 > c > and2")
TASKS = {"tasks": {"b": TASK.replace("initiator", "user:tuan")}}


@pytest.fixture
def drawn(session, cast):
    with clock.at(MONDAY):
        yield Drawn(session, cast, *ARROWS, **TASKS)


def move(drawn, instance, at, to, who="hoa", reason="Đã làm ngoài giấy"):
    actor = drawn.cast.actor(who)
    with transaction(actor) as inside:
        services.move_branch(inside, instance, to, at=at, by=actor, reason=reason)


@pytest.mark.both_databases
def test_it_goes_forward_and_back_with_its_reason_in_the_log(session, drawn):
    instance = drawn.start()
    drawn.finish(instance, "ask")
    move(drawn, instance, "a", "b")
    assert drawn.open(instance) == ["c", "b"]
    assert drawn.task(instance, "a").state is TaskState.cancelled
    drawn.finish(instance, "b", who="tuan")
    move(drawn, instance, "and2", "b", reason="Sai số liệu")
    again = drawn.task(instance, "b")
    assert (again.attempt, again.assignee.username) == (2, "tuan")
    drawn.check(instance)
    told = session.scalars(select(ProcessEvent).where(ProcessEvent.kind == "branch_moved")).all()
    assert [(one.node, one.body["to"], one.actor_id) for one in told] == [
        ("a", "b", drawn.cast.hoa.user_id), ("and2", "b", drawn.cast.hoa.user_id),
    ]  # fmt: skip
    kept = session.scalars(select(AuditEvent).where(AuditEvent.name == "instance.moved")).all()
    assert [one.reason for one in kept] == ["Đã làm ngoài giấy", "Sai số liệu"]
    for step, who in (("b", "tuan"), ("c", "lan"), ("last", "lan")):
        drawn.finish(instance, step, who=who)
    assert drawn.instance(instance).status is InstanceStatus.completed


@pytest.mark.both_databases
def test_a_join_that_would_wait_for_ever_is_named_and_nothing_happens(drawn):
    instance = drawn.start()
    drawn.finish(instance, "ask")
    with pytest.raises(InvalidInputError) as refused:
        move(drawn, instance, "a", "last")
    assert "“and2”" in str(refused.value.fields["to"][0])
    assert drawn.open(instance) == ["a", "c"]
    drawn.check(instance)


def test_who_may_not_and_what_is_not_there_is_refused(drawn):
    instance = drawn.start()
    with pytest.raises((NotAllowedError, NotFoundError)):
        move(drawn, instance, "ask", "last", who="lan")
    with pytest.raises(BranchGoneError):
        move(drawn, instance, "b", "last")
    for at, to, reason, beside in (
        ("ask", "and2", "x", "to"),
        ("xx", "a", "x", "from"),
        ("ask", "last", " ", "reason"),
    ):
        with pytest.raises(InvalidInputError) as refused:
            move(drawn, instance, at, to, reason=reason)
        assert beside in refused.value.fields
    move(drawn, instance, "ask", "last")
    assert drawn.open(instance) == ["last"]
