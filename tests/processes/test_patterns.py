"""Does each workflow pattern that we claim run as it should? One drawing per pattern, and which tasks are open when.

The numbers are those of van der Aalst and others (workflowpatterns.com); patterns that are not here are not claimed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from app.processes.engine.bpmn import read
from app.processes.engine.events import CallBegun, CallDone, Cancel, Receive, Start
from app.processes.engine.lint import Known, check
from app.processes.engine.problems import has_errors
from app.processes.engine.state import InstanceStatus
from tests.processes.engine.running import Run

DRAWINGS = Path(__file__).parent / "patterns"
KNOWN = Known(teams=frozenset({"cskh"}), processes={"thu-nghiem": frozenset()})

#: by drawing: values to begin with; then what is done ("step key=1 …", "step:outcome", "!clock", "<message", "*call",
#: "cancel") and what is open after it; the last one ends it
TRACES = {
    "01-sequence": ({}, "a", [("a", "b"), ("b", "")]),
    "02-parallel-split": ({}, "a b", [("b", "a"), ("a", "")]),
    "03-synchronization": ({}, "a b", [("a", "b"), ("b", "c"), ("c", "")]),
    "04-exclusive-choice": ({}, "a", [("a x=1", "b"), ("b", "")]),
    "05-simple-merge": ({}, "a", [("a x=0", "c"), ("c", "d"), ("d", "")]),
    "06-multi-choice": ({}, "a", [("a x=1 y=1", "b c"), ("b", "c"), ("c", "")]),
    "07-structured-synchronizing-merge": ({}, "a", [("a x=1 y=1", "b c"), ("c", "b"), ("b", "e"), ("e", "")]),
    "08-multi-merge": ({}, "a b", [("a", "b c"), ("b", "c c"), ("c", "c"), ("c", "")]),
    "10-arbitrary-cycles": (
        {}, "a", [("a x=1", "b"), ("b y=0", "b"), ("b y=1", "a"), ("a x=0", "")],
    ),
    "11-implicit-termination": ({}, "a b", [("a", "b"), ("b", "c"), ("c", "")]),
    "13-instances-known-when-drawn": ({}, "a a a", [("a", "a a"), ("a", "a"), ("a", "b"), ("b", "")]),
    "14-instances-known-when-run": (
        {"orders": ["x", "y"]}, "a", [("a", "b b"), ("b", "b"), ("b", "c"), ("c", "")],
    ),
    "16-deferred-choice": ({"code": "D1"}, "a", [("a", ""), ("<hear", "b"), ("b", "")]),
    "19-cancel-task": ({}, "a", [("!edge", "c"), ("c", "")]),
    "20-cancel-case": ({}, "a b", [("cancel", "")]),
    "21-structured-loop": ({}, "a", [("a x=1", "a"), ("a x=0", "b"), ("b", "")]),
    "22-recursion": ({}, "a", [("a x=1", ""), ("*call", "b"), ("b", "")]),
    "24-persistent-trigger": ({"code": "D1"}, "a", [("a", ""), ("<hear", "b"), ("b", "")]),
    "26-cancel-instances": ({}, "a a a", [("a", "a a"), ("!edge", "c"), ("c", "")]),
    "27-complete-instances": (
        {}, "a a a a", [("a:reject", "a a a"), ("a:approve", "a a"), ("a:approve", "b"), ("b", "")],
    ),
    "33-generalised-join": (
        {}, "a b", [("a", "b"), ("b", "c"), ("c x=1", "a b"), ("b", "a"), ("a", "c"), ("c x=0", "")],
    ),
    "34-static-partial-join": ({}, "a a a", [("a", "a a"), ("a", "b"), ("b", "")]),
    "35-cancelling-partial-join": ({}, "a a a", [("a:approve", "b"), ("b", "")]),
    "37-local-synchronizing-merge": (
        {"x": 1}, "a", [("a", "c"), ("c again=1 x=0", "b"), ("b", "c"), ("c again=0", "")],
    ),
    "38-general-synchronizing-merge": ({}, "a b", [("a", "b"), ("b x=0", "c"), ("c", "")]),
    "43-explicit-termination": ({}, "a b", [("a", "")]),
}  # fmt: skip


def drawing(name):
    definition, problems = read((DRAWINGS / f"{name}.bpmn").read_bytes())
    assert definition is not None, problems
    assert not has_errors(problems + check(definition, known=KNOWN))
    return definition


def do(run, what):
    step, *pairs = what.split()
    values = {key: int(value) for key, value in (pair.split("=") for pair in pairs)}
    if step == "cancel":
        run.do(Cancel("thôi"))
    elif step[0] == "!":
        run.strike(step[1:])
    elif step[0] == "<":
        waiting = next(one for one in run.state.subscriptions if one.node == step[1:])
        run.do(Receive(waiting.id, {}, 1))
    elif step[0] == "*":
        assert run.commands_of(CallBegun)
        run.do(CallDone(run.token(step[1:]), {"z": 1}))
    else:
        step, _colon, outcome = step.partition(":")
        run.finish(step, values, outcome or None)


@pytest.mark.parametrize("name", TRACES)
def test_the_pattern_opens_the_tasks_that_it_should(name):
    values, opened, steps = TRACES[name]
    run = Run(drawing(name), Start(values))
    assert run.open == opened.split()
    for what, after in steps:
        assert run.state.status is InstanceStatus.running, what
        do(run, what)
        assert sorted(run.open) == sorted(after.split()), what
    over = InstanceStatus.cancelled if steps[-1][0] == "cancel" else InstanceStatus.completed
    assert (run.state.status, run.state.tokens, run.state.timers) == (over, (), ())


def test_every_drawing_of_a_pattern_is_run():
    assert {path.stem for path in DRAWINGS.glob("*.bpmn")} == set(TRACES)
