"""Does an inclusive gateway open every way that holds, and wait for exactly those branches that can still come?"""

from __future__ import annotations

import pytest

from app.processes.engine.events import JoinFired, Start
from app.processes.engine.state import IncidentCode, InstanceStatus
from tests.processes.engine.drawing import drawn
from tests.processes.engine.running import Run

SOME = drawn(
    "start > ior1", "ior1 > a if x = 1", "ior1 > b if y = 1", "ior1 > c by default", "a > ior2 > z > end", "b > ior2",
    "c > ior2",
)  # fmt: skip


@pytest.mark.parametrize(
    ("values", "opened"), [({"x": 1}, ["a"]), ({"x": 1, "y": 1}, ["a", "b"]), ({}, ["c"]), ({"y": "1"}, ["c"])]
)
def test_every_way_that_holds_is_opened_else_the_default(values, opened):
    run = Run(SOME, Start(values))
    assert run.open == opened

    for number, step in enumerate(opened, start=1):
        run.finish(step)
        assert (run.open == ["z"]) == (number == len(opened))
    assert run.finish("z").state.status is InstanceStatus.completed


def test_a_way_without_a_condition_is_always_opened():
    definition = drawn("start > ior1 > a > ior2 > z > end", "ior1 > b if x = 1", "b > ior2")

    assert Run(definition, Start()).open == ["a"]
    assert Run(definition, Start({"x": 1})).open == ["a", "b"]


def test_without_a_way_and_a_default_an_admin_is_needed():
    definition = drawn("start > ask > ior1", "ior1 > a if x = 1", "ior1 > b if x = 2", "a > end", "b > end")

    assert Run(definition, Start()).finish("ask").last[-1].code is IncidentCode.no_way_chosen


def test_the_join_waits_for_a_branch_that_can_still_come_whatever_way():
    # `b` can come to the join or go to its own end: nobody knows before it is done.
    definition = drawn(
        "start > and1 > a > ior1 > z > end", "and1 > b > xor1", "xor1 > ior1 if x = 1", "xor1 > end2 by default"
    )
    waiting = Run(definition, Start()).finish("a")
    assert waiting.open == ["b"]
    assert waiting.finish("b", {"x": 0}).open == ["z"]

    joined = Run(definition, Start()).finish("a").finish("b", {"x": 1})
    assert joined.open == ["z"]
    (fired,) = [command for command in joined.commands if isinstance(command, JoinFired)]
    assert len(fired.consumed) == 2


def test_the_join_does_not_wait_for_what_could_come_by_a_filled_way_too():
    # BPMN 2.0.2, 13.4.3: `c` may come by f-b, which is empty, but also by f-a, which is filled.
    definition = drawn(
        "start > and1 > a > xor1 > ior1 > z > end",
        "and1 > c > xor2",
        "xor2 > xor1 if x = 1",
        "xor2 > b > ior1 by default",
    )
    run = Run(definition, Start()).finish("a")

    assert run.open == ["c", "z"]


def test_a_loop_with_an_inclusive_block_waits_anew_in_each_round():
    definition = drawn(
        "start > xor1 > ior1", "ior1 > a if x = 1", "ior1 > b > ior2 by default", "a > ior2 > again > xor2",
        "xor2 > xor1 if go = 1", "xor2 > end by default", "ior1 > c if y = 1", "c > ior2",
    )  # fmt: skip
    run = Run(definition, Start({"x": 1, "y": 1}))
    for _round in range(3):
        assert run.open == ["a", "c"]
        run.finish("c")
        assert run.open == ["a"]
        run.finish("a").finish("again", {"go": 1})
    run.finish("a").finish("c").finish("again", {"go": 0})
    assert run.state.status is InstanceStatus.completed


def test_a_clock_that_ends_a_branch_frees_the_join():
    definition = drawn(
        "start > and1 > a > ior1 > z > end",
        "and1 > b > ior1",
        "edge > end2",
        timers={"edge": "PT1H"},
        edges={"edge": "b"},
    )
    run = Run(definition, Start()).finish("a")
    assert run.open == ["b"]

    assert run.strike("edge").open == ["z"]


def test_two_joins_that_wait_for_each_other_need_an_admin():
    definition = drawn(
        "start > and1 > a > ior1 > c > xor1 > end by default", "and1 > b > ior2 > d > xor2 > end2 by default",
        "xor1 > ior2 if p = 1", "xor2 > ior1 if p = 1",
    )  # fmt: skip
    run = Run(definition, Start()).finish("a").finish("b")

    assert run.open == []
    assert run.last[-1].code is IncidentCode.stuck_at_join
