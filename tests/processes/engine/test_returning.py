"""To which steps may work be sent back, and what is withdrawn then?"""

from __future__ import annotations

import pytest

from app.processes.engine.core import BY_RETURN
from app.processes.engine.events import (
    Complete,
    EngineRefusal,
    OpenTask,
    Refusal,
    Return,
    ReturnTask,
    Start,
    TokenCancelled,
)
from app.processes.engine.returning import ways_back
from app.processes.engine.state import InstanceStatus
from tests.processes.engine.drawing import drawn
from tests.processes.engine.running import Run

LINE = drawn("start > a > b > c > end")
BLOCK = drawn("start > a > and1 > b > c > and2 > z > end", "and1 > d > e > and2")
LOOP = drawn(
    "start > xor1 > and1 > t5 > t6 > and2 > t9 > xor2 > end by default",
    "and1 > t7 > t8 > and2",
    "xor2 > xor1 if again = 1",
)


def ways(run, step):
    """By step to which `step` may be returned: the steps, or joins, from which tokens are withdrawn."""
    token = next(token for token in run.state.tokens if token.node == step)
    where = {token.id: token.node for token in run.state.tokens}
    found = ways_back(run.definition, run.state.tokens, token)
    return {target: sorted(where[one] for one in withdrawn) for target, withdrawn in found.items()}


def back(run, step, to, reason="thiếu ảnh"):
    return run.do(Return(run.token(step), to, reason))


def test_every_step_before_is_offered_the_nearest_first():
    run = Run(LINE, Start()).finish("a").finish("b")

    assert list(ways(run, "c")) == ["b", "a"]
    assert ways(Run(LINE, Start()), "a") == {}


def test_the_earlier_step_is_opened_again_and_the_later_one_waits_for_it():
    run = back(Run(LINE, Start()).finish("a").finish("b"), "c", "a")
    assert run.last == (ReturnTask(3, "c", "a", "thiếu ảnh"), OpenTask(4, "a"))
    assert run.open == ["a"]

    run.finish("a").finish("b").finish("c")
    assert run.state.status is InstanceStatus.completed


def test_within_a_branch_the_other_branches_stay():
    run = Run(BLOCK, Start()).finish("a").finish("b").finish("d")
    assert ways(run, "c") == {"b": ["c"], "a": ["c", "e"]}

    back(run, "c", "b")
    assert sorted(run.open) == ["b", "e"]


def test_to_before_the_split_withdraws_every_branch_also_those_at_the_join():
    run = Run(BLOCK, Start()).finish("a").finish("b").finish("c")
    assert ways(run, "d") == {"a": ["and2", "d"]}

    back(run, "d", "a")
    assert run.open == ["a"]
    assert TokenCancelled(5, "and2", BY_RETURN) in run.last
    for step in ("a", "b", "d", "c", "e", "z"):
        run.finish(step)
    assert run.state.status is InstanceStatus.completed


def test_into_a_branch_that_is_joined_already_there_is_no_way():
    run = Run(BLOCK, Start())
    for step in ("a", "b", "c", "d", "e"):
        run.finish(step)

    assert ways(run, "z") == {"a": ["z"]}


def test_into_a_branch_of_a_choice_there_is_no_way_from_behind_it():
    definition = drawn("start > a > xor1", "xor1 > b by default", "xor1 > c if n = 2", "b > xor2 > z > end", "c > xor2")
    run = Run(definition, Start()).finish("a").finish("b")

    assert list(ways(run, "z")) == ["a"]


def test_in_a_loop_only_steps_of_every_way_count():
    run = Run(LOOP, Start()).finish("t5")
    assert ways(run, "t6") == {"t5": ["t6"]}
    for step in ("t6", "t7", "t8"):
        run.finish(step)
    assert ways(run, "t9") == {}


def test_in_the_second_round_of_a_loop_the_branches_are_joined_again():
    run = Run(LOOP, Start())
    for step in ("t5", "t6", "t7", "t8"):
        run.finish(step)
    run.finish("t9", {"again": 1}).finish("t5").finish("t6")
    assert ways(run, "t7") == {}
    run.finish("t7")
    back(run, "t8", "t7")
    assert run.open == ["t7"]
    run.finish("t7").finish("t8")
    assert run.open == ["t9"]


def test_what_was_set_in_motion_beside_a_step_is_withdrawn_with_it():
    definition = drawn(
        "start > a > b > c > end", "edge > tell > end2", timers={"edge": "PT1H"}, edges={"edge": "b beside"}
    )
    run = Run(definition, Start()).finish("a").strike("edge").finish("b")
    assert ways(run, "c") == {"b": ["c", "tell"], "a": ["c", "tell"]}

    # From what runs beside, the step itself has gone on already: only all of it together can be done again.
    assert ways(run, "tell") == {"b": ["c", "tell"], "a": ["c", "tell"]}


def test_where_a_branch_may_be_beyond_recall_there_is_no_way_back():
    # What runs beside `b` cannot call back the branch of `b`, which may have gone through the join already.
    definition = drawn(
        "start > and1 > a > b > and2 > z > end", "and1 > x > and2", "edge > tell > end2",
        timers={"edge": "PT1H"}, edges={"edge": "b beside"},
    )  # fmt: skip
    run = Run(definition, Start()).finish("a").strike("edge")
    assert ways(run, "tell") == {}
    assert ways(run, "b") == {"a": ["b", "tell"]}


def test_the_clocks_of_what_is_withdrawn_stop_and_those_of_the_step_begin_anew():
    definition = drawn("start > a > b > end", "edge > c > end2", timers={"edge": "PT1H"}, edges={"edge": "a"})
    run = Run(definition, Start()).finish("a")
    assert run.clocks == []

    assert back(run, "b", "a").clocks == ["edge"]


@pytest.mark.parametrize(("step", "to"), [("b", "b"), ("b", "c"), ("b", "nothing"), ("b", "start"), ("a", "b")])
def test_another_step_is_refused(step, to):
    run = Run(LINE, Start())
    if step == "b":
        run.finish("a")
    with pytest.raises(EngineRefusal) as refused:
        back(run, step, to)
    assert refused.value.code is Refusal.no_way_back


def test_what_is_done_is_not_sent_back():
    run = Run(LINE, Start(), Complete(1))
    with pytest.raises(EngineRefusal) as refused:
        run.do(Return(1, "a"))
    assert refused.value.code is Refusal.task_not_open
