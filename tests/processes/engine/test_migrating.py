"""A running instance goes on by another drawing: where that is safe, and why not where it is not."""

from __future__ import annotations

import pytest

from app.processes.engine.events import EngineRefusal, Fire, Migrate, OpenTask, Start, Suspend
from app.processes.engine.migrating import reasons
from app.processes.engine.state import InstanceStatus, TokenState
from tests.processes.engine.drawing import drawn
from tests.processes.engine.running import TODAY, Run

LINE = drawn("start > a > b > end")
BLOCK = ("start > ask > and1 > a > and2 > last > end", "and1 > b > and2")


def moved(run, new, *, been=(), anew=False, **names):
    """The run, by the new drawing."""
    old, run.definition = run.definition, new
    return run.do(Migrate(old, 1, 2, names, frozenset(been), anew))


def why(run, new, *, been=(), **names):
    return [
        (one.code.value, one.element)
        for one in reasons(run.definition, new, run.state, names, been, today=TODAY)
    ]  # fmt: skip


def test_it_meets_a_step_that_only_the_new_drawing_has():
    run = moved(Run(LINE, Start()), drawn("start > a > check > b > end"))
    run.finish("a").finish("check").finish("b")
    assert run.state.status is InstanceStatus.completed


def test_a_step_of_another_name_takes_its_answers_along():
    run = Run(LINE, Start()).finish("a", {"amount": 7})
    moved(run, drawn("start > receive > refund > end"), been=["a"], a="receive", b="refund")
    assert run.open == ["refund"]
    assert run.state.data == {"amount": 7, "receive.amount": 7}
    assert not [one for one in run.last if isinstance(one, OpenTask)]


@pytest.mark.parametrize(
    ("drawing", "names", "refused"),
    [
        ("start > a > c > end", {}, [("step_gone", "b")]),
        ("start > b > end", {}, [("done_gone", "a")]),
        ("start > wait1 > b > end", {"a": "wait1"}, [("done_changed", "a")]),
        ("start > a > serve1 > end", {"b": "serve1"}, [("other_kind", "b")]),
        ("start > a > c > end", {"b": "a"}, [("two_become_one", "b")]),
    ],
)
def test_what_is_done_or_open_must_be_there_still(drawing, names, refused):
    run = Run(LINE, Start()).finish("a", {"amount": 7})
    more = {"timers": {"wait1": "PT1H"}, "services": {"serve1": 'set field="x" value="1"'}}
    assert why(run, drawn(drawing, **more), been=["a"], **names) == refused
    before = run.state
    with pytest.raises(EngineRefusal):
        moved(run, drawn(drawing, **more), been=["a"], **names)
    assert run.state == before


def test_what_waits_at_a_join_goes_by_its_flow_or_by_its_step():
    run = Run(drawn(*BLOCK), Start()).finish("ask").finish("a")
    other = drawn("start > ask > and1 > b > and2 > last > check > end", "and1 > a > and2")
    moved(run, other)
    waits = next(one for one in run.state.tokens if one.state is TokenState.joining)
    assert other.flows[waits.via].source == "a"
    named = drawn("start > ask > and1 > x > and9 > last > end", "and1 > a > c > and9", "and1 > b > and9")
    run = Run(drawn(*BLOCK), Start()).finish("ask").finish("b")
    assert why(run, named) == [("step_gone", "and2")]
    assert why(run, named, and2="and9") == [("join_left_dead", "and9")]


def test_a_join_that_lost_a_branch_is_passed_at_once_or_named():
    run = Run(drawn(*BLOCK), Start()).finish("ask").finish("a")
    assert why(run, drawn("start > ask > a > last > b > end")) == [("step_gone", "and2")]
    lone = drawn("start > ask > and1 > a > and2 > last > end", "and1 > c > and2", "and1 > b > and2")
    assert why(run, lone) == [("join_left_dead", "and2")]
    out = drawn("start > a > and2 > last > end")
    straight = Run(drawn("start > a > end"), Start())
    moved(straight, out).finish("a")
    assert straight.open == ["last"]


def test_clocks_and_messages_stay_go_and_come():
    old = drawn(
        "start > a > b > end", "edge1 > b", "edge2 > b",
        edges={"edge1": "a beside", "edge2": "a"}, timers={"edge1": "R3/PT1H", "edge2": "P1D"},
    )  # fmt: skip
    new = drawn(
        "start > a > b > end", "edge1 > b", "edge3 > b",
        edges={"edge1": "a beside", "edge3": "a"}, timers={"edge1": "R5/PT2H"}, messages={"edge3": "paid order"},
    )  # fmt: skip
    run = Run(old, Start())
    assert why(run, new) == [("cannot_wait", "a")]
    run = Run(old, Start({"order": "DH-7"}))
    kept = next(one for one in run.state.timers if one.node == "edge1")
    moved(run, new)
    assert run.state.timers == (kept,)
    assert run.heard == [("paid", "DH-7")]
    assert moved(run, new, anew=True).state.timers[0].left == 5
    moved(run, old)
    assert run.clocks == ["edge1", "edge2"]
    assert not run.heard


def test_a_clock_that_has_struck_does_not_begin_again():
    old = drawn("start > a > end", "edge1 > b > end", edges={"edge1": "a beside"}, timers={"edge1": "PT1H"})
    run = Run(old, Start())
    run.do(Fire(run.state.timers[0].id))
    assert run.clocks == []
    assert moved(run, old, anew=True).clocks == []


def test_what_is_paused_or_asks_several_stays():
    run = Run(LINE, Start(), Suspend())
    assert why(run, LINE) == [("not_running", "")]
    several = drawn("start > a > end", many={"a": 'collection="2"'})
    assert {code for code, _step in why(Run(several, Start()), several)} == {"several_asked"}
    assert why(Run(drawn("start > a > end"), Start()), several) == [("other_kind", "a")]


@pytest.mark.parametrize(("key", "against"), [("receive.order", []), ("a.order", [("cannot_wait", "b")])])
def test_what_is_waited_for_there_is_known_by_the_new_name_of_the_step(key, against):
    run = Run(LINE, Start()).finish("a", {"order": "DH-7"})
    drawing = ("start > receive > b > end", "edge > receive")
    new = drawn(*drawing, edges={"edge": "b"}, messages={"edge": f"paid {key}"})
    assert why(run, new, been=["a"], a="receive") == against
    if not against:
        assert moved(run, new, been=["a"], a="receive").heard == [("paid", "DH-7")]
