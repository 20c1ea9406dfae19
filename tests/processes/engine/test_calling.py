"""What goes in and comes back when a process calls another one, and who catches its errors?"""

from __future__ import annotations

import pytest

from app.processes.engine.bpmn import read
from app.processes.engine.events import (
    CallBegun,
    CallDone,
    EngineRefusal,
    Failed,
    FinishInstance,
    RaiseIncident,
    Refusal,
    Retry,
    Return,
    Start,
    Suspend,
    TokenCancelled,
)
from app.processes.engine.lint import Known, check
from app.processes.engine.state import IncidentCode, InstanceStatus
from tests.processes.engine.drawing import bpmn, drawn
from tests.processes.engine.running import Run

KEYS = 'kiem-tra in="amount, who=ask.name" out="result, note=why"'
CALL = drawn("start > ask > call > look > end", calls={"call": KEYS})
ERROR = {"edges": {"edge": "call", "edge2": "call"}, "errors": {"edge": "late", "edge2": ""}}
CAUGHT = drawn(
    "start > ask > call > look > end", "edge > chase > end", "edge2 > mend > end", calls={"call": KEYS}, **ERROR
)


def called(definition=CALL, **data):
    run = Run(definition, Start()).finish("ask", data)
    return run, run.token("call")


def test_declared_values_go_in_and_come_back():
    run, token = called(amount=5, name="Lan", secret=1)
    assert run.commands_of(CallBegun) == [CallBegun(token, "call", {"amount": 5, "who": "Lan"})]
    assert CALL.nodes["call"].call.values_out({"result": 1, "why": "x", "other": 2}) == {"result": 1, "note": "x"}
    run.do(CallDone(token, {"result": 1}))
    assert run.open == ["look"]
    assert (run.state.data["result"], run.state.data["call.result"]) == (1, 1)


@pytest.mark.parametrize(("error", "opened"), [("late", "chase"), ("other", "mend"), ("", "mend")])
def test_an_error_is_caught_at_the_edge_by_its_code_else_by_the_one_for_any(error, opened):
    run, token = called(CAUGHT)
    run.do(Failed(token, error, IncidentCode.call_failed))
    assert run.open == [opened]
    assert run.state.data["call.error"] == error


@pytest.mark.parametrize(("definition", "error"), [(CALL, "late"), (CAUGHT, None)])
def test_what_nothing_catches_needs_an_admin_who_can_try_again(definition, error):
    run, token = called(definition)
    run.do(Failed(token, error, IncidentCode.call_failed))
    assert run.last[-1] == RaiseIncident(run.token("call"), "call", IncidentCode.call_failed)
    run.do(Retry(run.token("call"), "đã sửa"))
    assert len(run.commands_of(CallBegun)) == 2


def test_paused_or_withdrawn_nothing_waits_for_the_linked_run():
    run, token = called()
    run.do(Suspend("chờ"))
    with pytest.raises(EngineRefusal) as refused:
        run.do(CallDone(token))
    assert refused.value.code is Refusal.not_running
    both = Run(drawn("start > ask > and1 > call > and2 > end", "and1 > b > and2", calls={"call": KEYS}), Start())
    both.finish("ask")
    token = both.token("call")
    both.do(Return(both.token("b"), "ask", "sai"))
    assert token in [command.token for command in both.last if isinstance(command, TokenCancelled)]
    with pytest.raises(EngineRefusal) as refused:
        both.do(CallDone(token))
    assert refused.value.code is Refusal.nothing_waits


def test_an_error_end_tells_its_code():
    xml = bpmn(
        "start > ask > end", inside="", errors={"end": "e1"}, around='<error id="e1" errorCode="TRE" name="Trễ"/>'
    )
    definition, problems = read(xml)
    assert (definition is not None, problems) == (True, [])
    run = Run(definition, Start()).finish("ask")
    assert run.last[-1] == FinishInstance(InstanceStatus.failed, "end", "TRE")


@pytest.mark.parametrize(
    ("arrows", "more", "known", "codes"),
    [
        (("start > call > end",), {"calls": {"call": "khong-co"}}, {}, ["unknown-process"]),
        (("start > call > end",), {"calls": {"call": "a"}}, {"a": None}, ["process-not-published"]),
        (("start > call > end",), {"calls": {"call": "a"}}, {"a": frozenset({"x"})}, ["input-missing"]),
        (("start > call > end",), {"calls": {"call": 'a in="x=y"'}}, {"a": frozenset({"x"})}, ["unknown-key"]),
        (("start > call > end",), {"calls": {"call": 'a out="x"'}}, {"a": frozenset()}, []),
        (("start > call > end",), {"calls": {"call": 'a in="x y"'}}, {"a": frozenset()}, ["bad-in"]),
        (("start > call > end",), {"calls": {"call": 'a version="3"'}}, {"a": frozenset()}, ["bad-version"]),
        (("start > call > end",), {"calls": {"call": ""}}, {}, ["no-process-called"]),
        (
            ("start > ask > end", "edge > end"),
            {"edges": {"edge": "ask"}, "errors": {"edge": ""}},
            {},
            ["no-error-comes"],
        ),
    ],
)
def test_what_keeps_a_call_from_being_published_is_named(arrows, more, known, codes):
    definition, problems = read(bpmn(*arrows, **more))
    found = problems + (check(definition, known=Known(processes=known)) if definition else [])
    assert [problem.code for problem in found] == codes
