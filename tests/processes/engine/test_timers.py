"""What does a clock do that strikes at the edge of a step, between two, or too late?"""

from __future__ import annotations

import pytest

from app.processes.engine.core import BY_TIMER
from app.processes.engine.events import (
    ArmTimer,
    Cancel,
    Complete,
    DisarmTimer,
    Edit,
    EngineRefusal,
    Fire,
    IncidentSettled,
    OpenTask,
    Refusal,
    Retry,
    Start,
    Suspend,
    TakeFlow,
    TimerFired,
    TokenCancelled,
    WaitBegun,
    WaitOver,
)
from app.processes.engine.state import IncidentCode, InstanceStatus, TokenState
from tests.processes.engine.drawing import drawn
from tests.processes.engine.running import Run

ENDING = drawn("start > ask > end", "edge > chase > end2", timers={"edge": "PT1H"}, edges={"edge": "ask"})
BESIDE = drawn("start > ask > end", "edge > tell > end2", timers={"edge": "R3/PT1H"}, edges={"edge": "ask beside"})
BETWEEN = drawn("start > ask > wait > call > end", timers={"wait": "P2D wall"})


def test_a_step_with_a_clock_at_its_edge_sets_it_going():
    run = Run(ENDING, Start())

    assert run.last[-2:] == (OpenTask(1, "ask"), ArmTimer(2, "edge", 1))
    assert (run.open, run.clocks) == (["ask"], ["edge"])


def test_a_clock_that_ends_the_work_calls_the_step_off_and_goes_its_own_way():
    run = Run(ENDING, Start()).strike("edge")

    assert run.last[:2] == (TimerFired(2, "edge"), TokenCancelled(1, "ask", BY_TIMER))
    assert (run.open, run.clocks) == (["chase"], [])
    assert run.finish("chase").state.status is InstanceStatus.completed


def test_work_that_is_finished_in_time_stops_the_clock():
    run = Run(ENDING, Start()).finish("ask")

    assert DisarmTimer(2, "edge") in run.last
    assert (run.state.status, run.clocks) == (InstanceStatus.completed, [])


@pytest.mark.parametrize("event", [Fire(2), Complete(1)])
def test_whoever_comes_second_is_refused(event):
    first = Complete(1) if isinstance(event, Fire) else Fire(2)
    with pytest.raises(EngineRefusal) as refused:
        Run(ENDING, Start(), first, event)
    assert refused.value.code in (Refusal.finished, Refusal.task_not_open)


def test_a_clock_that_has_struck_does_not_strike_again():
    run = Run(BETWEEN, Start(), Complete(1)).strike("wait")
    with pytest.raises(EngineRefusal) as refused:
        run.do(Fire(3))
    assert refused.value.code is Refusal.timer_gone


def test_a_clock_beside_the_work_strikes_as_often_as_it_says_and_the_work_goes_on():
    run = Run(BESIDE, Start())
    for left in (2, 1):
        run.strike("edge")
        assert [timer.left for timer in run.state.timers] == [left]
    run.strike("edge")
    assert (run.open, run.clocks) == (["ask", "tell", "tell", "tell"], [])


def test_all_clocks_of_a_step_stop_with_it():
    definition = drawn(
        "start > ask > end", "edge1 > tell > end2", "edge2 > chase > end3",
        timers={"edge1": "R/PT1H", "edge2": "P1D wall"}, edges={"edge1": "ask beside", "edge2": "ask"},
    )  # fmt: skip
    run = Run(definition, Start()).strike("edge1").strike("edge1")
    assert run.clocks == ["edge1", "edge2"]

    run.strike("edge2")
    assert (run.open, run.clocks) == (["tell", "tell", "chase"], [])


def test_a_branch_waits_for_a_moment_between_two_steps():
    run = Run(BETWEEN, Start()).finish("ask")
    assert run.last[-2:] == (WaitBegun(2, "wait"), ArmTimer(3, "wait", 2))
    assert (run.open, [token.state for token in run.state.tokens]) == ([], [TokenState.listening])

    run.strike("wait")
    assert run.last == (TimerFired(3, "wait"), WaitOver(2, "wait"), TakeFlow("f2"), OpenTask(4, "call"))


def test_a_moment_that_was_answered_is_waited_for():
    definition = drawn("start > book > wait > call > end", timers={"wait": "appointment"})
    run = Run(definition, Start()).finish("book", {"appointment": "2026-11-30T09:00"})

    (armed,) = [command for command in run.last if isinstance(command, ArmTimer)]
    assert armed.moment == "2026-11-30T09:00:00"


@pytest.mark.parametrize("answer", [None, "", "mai", 20261130, True, "2026-11-31", "9999-01-01"])
def test_without_a_moment_the_branch_stops_until_an_admin_gives_one(answer):
    definition = drawn("start > book > wait > call > end", timers={"wait": "appointment"})
    run = Run(definition, Start()).finish("book", {"appointment": answer})
    (token,) = run.state.tokens
    assert run.last[-1].code is IncidentCode.no_moment
    assert token.state is TokenState.stopped

    run.do(Edit({"appointment": "2026-11-30"}, "khách hẹn lại")).do(Retry(token.id, "đã có ngày hẹn"))
    assert run.last[0] == IncidentSettled(token.id, "wait", reason="đã có ngày hẹn")
    assert run.clocks == ["wait"]
    assert run.strike("wait").open == ["call"]


def test_the_clocks_of_a_called_off_instance_stop():
    run = Run(BESIDE, Start()).strike("edge").do(Cancel("thôi"))

    assert (run.clocks, run.state.tokens) == ([], ())


def test_no_clock_strikes_in_an_instance_that_is_put_aside():
    run = Run(ENDING, Start(), Suspend("chờ khách"))
    with pytest.raises(EngineRefusal) as refused:
        run.strike("edge")
    assert refused.value.code is Refusal.not_running
    assert run.clocks == ["edge"]


def test_the_clock_and_the_last_branch_of_a_join():
    definition = drawn(
        "start > and1 > a > and2 > z > end", "and1 > wait > and2", timers={"wait": "PT1H"},
    )  # fmt: skip
    run = Run(definition, Start()).finish("a")
    assert run.open == []

    assert run.strike("wait").open == ["z"]


def test_an_instance_that_begins_by_itself():
    definition = drawn("start > ask > end", "start2 > check > end2", timers={"start2": "R/P1D wall"})

    assert Run(definition, Start()).open == ["ask"]
    assert Run(definition, Start(at="start2")).open == ["check"]
