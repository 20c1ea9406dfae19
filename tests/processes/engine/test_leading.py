"""What may an admin do with a branch that cannot go on, and what do ends do that end everything?"""

from __future__ import annotations

import pytest

from app.processes.engine.core import BY_END, MAX_MOVES, decide
from app.processes.engine.events import (
    Cancel,
    Complete,
    DataEdited,
    Edit,
    EndReached,
    EngineRefusal,
    FinishInstance,
    IncidentSettled,
    InstanceResumed,
    InstanceSuspended,
    RaiseIncident,
    Refusal,
    Resume,
    Retry,
    Skip,
    Start,
    Suspend,
    TokenCancelled,
)
from app.processes.engine.state import IncidentCode, InstanceStatus, State, Token, TokenState
from tests.processes.engine.drawing import drawn
from tests.processes.engine.running import TODAY, Run

NO_DEFAULT = drawn(
    "start > ask > xor1", "xor1 > pay if amount > 5", "xor1 > thank if amount < 2", "pay > end", "thank > end"
)
TWO = drawn("start > ask > xor1", "xor1 > and1 if yes = 1", "xor1 > and1 by default", "and1 > z > end")


def stuck():
    run = Run(NO_DEFAULT, Start()).finish("ask", {"amount": 3})
    return run, run.token("xor1")


def test_a_corrected_value_lets_a_stopped_branch_go_on():
    run, token = stuck()
    run.do(Edit({"amount": 9}, "gõ nhầm"))
    assert run.last == (DataEdited(("amount",), "gõ nhầm"),)

    run.do(Retry(token, "đã sửa"))
    assert run.last[0] == IncidentSettled(token, "xor1", reason="đã sửa")
    assert run.open == ["pay"]


def test_trying_again_without_a_change_stops_again():
    run, token = stuck()
    run.do(Retry(token))

    assert run.last[-1] == RaiseIncident(token + 1, "xor1", IncidentCode.no_way_chosen)


def test_a_stopped_branch_is_led_on_by_a_way_of_its_own():
    run, token = stuck()
    with pytest.raises(EngineRefusal) as refused:
        run.do(Skip(token, "f1"))
    assert refused.value.code is Refusal.no_such_way

    run.do(Skip(token, "f3", "khách quen"))
    assert run.open == ["thank"]


def test_an_endless_loop_is_led_out():
    definition = drawn("start > ask > xor1 > xor2", "xor2 > xor1 if go = 1", "xor2 > end by default")
    run = Run(definition, Start()).finish("ask", {"go": 1})
    (token,) = run.state.tokens
    run.do(Edit({"go": 0})).do(Retry(token.id))

    assert run.state.status is InstanceStatus.completed
    assert len(run.commands) > MAX_MOVES


def test_branches_that_wait_for_each_other_are_led_on_together():
    run = Run(TWO, Start()).finish("ask")
    (token,) = run.state.tokens
    assert run.last[-1].code is IncidentCode.stuck_at_join
    with pytest.raises(EngineRefusal) as refused:
        run.do(Retry(token.id))
    assert refused.value.code is Refusal.not_stopped

    run.do(Skip(token.id, "f4", "đủ rồi"))
    assert run.open == ["z"]


def test_what_came_twice_by_one_way_waits_for_its_next_turn():
    parallel = drawn("start > and1 > a > and2 > z > end", "and1 > c > and2")
    two = tuple(Token(number, "and2", "f2", TokenState.joining) for number in (3, 5))
    state = State(status=InstanceStatus.running, tokens=two, next_token=6)
    left = decide(parallel, state, Skip(5, "f3", "thừa"), today=TODAY).state
    assert [(one.id, one.node) for one in left.tokens] == [(3, "and2"), (6, "z")]


def test_what_goes_on_by_itself_is_not_led():
    parallel = drawn("start > and1 > a > and2 > z > end", "and1 > b > and2")
    run = Run(parallel, Start()).finish("a")
    for event in (Retry(run.token("and2")), Skip(run.token("and2"), "f3"), Retry(run.token("b")), Skip(99, "f3")):
        with pytest.raises(EngineRefusal) as refused:
            run.do(event)
        assert refused.value.code is Refusal.not_stopped


def test_an_instance_is_put_aside_and_goes_on():
    run = Run(NO_DEFAULT, Start(), Suspend("chờ khách"))
    assert (run.last, run.state.status) == ((InstanceSuspended("chờ khách"),), InstanceStatus.suspended)
    for event in (Complete(1), Suspend()):
        with pytest.raises(EngineRefusal) as refused:
            run.do(event)
        assert refused.value.code is Refusal.not_running

    assert run.do(Resume()).last == (InstanceResumed(),)
    with pytest.raises(EngineRefusal) as refused:
        run.do(Resume())
    assert refused.value.code is Refusal.not_suspended
    assert run.do(Suspend()).do(Cancel("thôi")).state.status is InstanceStatus.cancelled


@pytest.mark.parametrize(
    ("ending", "status"), [("terminate", InstanceStatus.completed), ("error", InstanceStatus.failed)]
)
def test_an_end_that_ends_everything(ending, status):
    definition = drawn("start > and1 > a > end1", "and1 > b > end2", "and1 > wait > end3", ends={"end1": ending},
                       timers={"wait": "PT1H"})  # fmt: skip
    run = Run(definition, Start()).finish("a")

    assert run.state.status is status
    assert (run.state.tokens, run.clocks) == ((), [])
    assert EndReached("end1") in run.last
    assert [command.node for command in run.last if isinstance(command, TokenCancelled)] == ["b", "wait"]
    assert {command.reason for command in run.last if isinstance(command, TokenCancelled)} == {BY_END}
    assert run.last[-1] == FinishInstance(status, "end1" if ending == "error" else "")


def test_what_was_moving_when_everything_ends_moves_no_more():
    definition = drawn("start > and1 > end1", "and1 > a > end2", ends={"end1": "terminate"})

    assert Run(definition, Start()).state.status is InstanceStatus.completed
