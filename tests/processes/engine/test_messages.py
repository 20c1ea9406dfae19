"""What waits for a message waits for its own, and of several things that are waited for the first one wins."""

from __future__ import annotations

import pytest

from app.processes.engine.bpmn import read
from app.processes.engine.core import BY_MESSAGE
from app.processes.engine.events import Cancel, EngineRefusal, Receive, Refusal, Retry, Start, TakeFlow, TokenCancelled
from app.processes.engine.lint import Known, check
from app.processes.engine.problems import Severity
from app.processes.engine.state import IncidentCode, InstanceStatus
from tests.processes.engine.drawing import bpmn, drawn
from tests.processes.engine.running import Run

HEARING = drawn("start > ask > hear > call > end", messages={"hear": "paid order_code amount,paid_at"})
FIRST = drawn(
    "start > ask > race1", "race1 > wait1 > chase > xor1", "race1 > wait2 > thank > xor1", "race1 > hear3 > xor1",
    "xor1 > call > end",
    timers={"wait1": "PT1H"}, messages={"wait2": "paid order_code amount", "hear3": "refused order_code"},
)  # fmt: skip
ORDER = {"order_code": "DH-7"}


def test_a_message_goes_on_with_the_values_that_were_asked_for_and_no_others():
    run = Run(HEARING, Start(ORDER)).finish("ask")
    assert (run.open, run.heard) == ([], [("paid", "DH-7")])
    run.receive("hear", amount=5, salary=6)
    assert (run.open, run.heard) == (["call"], [])
    assert run.state.data == {"order_code": "DH-7", "start.order_code": "DH-7", "amount": 5, "hear.amount": 5}


@pytest.mark.parametrize(
    ("value", "key"), [(12, "12"), (12.0, "12"), (" 12 ", "12"), ("a  b", "a b"), ("x" * 200, "x" * 200)]
)
def test_the_key_is_worked_out_when_it_is_armed(value, key):
    assert Run(HEARING, Start({"order_code": value})).finish("ask").heard == [("paid", key)]


@pytest.mark.parametrize("data", [{}, {"order_code": None}, {"order_code": " "}, {"order_code": True},
                                  {"order_code": "x" * 201}])  # fmt: skip
def test_without_a_key_it_stops_until_a_value_is_put_right(data):
    run = Run(HEARING, Start(data)).finish("ask")
    assert [command.code for command in run.last if hasattr(command, "code")] == [IncidentCode.no_key]
    assert run.heard == []
    run.state = run.state.__class__(**{**{f: getattr(run.state, f) for f in run.state.__slots__}, "data": ORDER})
    run.do(Retry(run.token("hear")))
    assert run.heard == [("paid", "DH-7")]


def test_of_several_things_the_first_one_wins_and_the_others_are_waited_for_no_more():
    run = Run(FIRST, Start(ORDER)).finish("ask")
    assert (run.clocks, run.heard) == (["wait1"], [("paid", "DH-7"), ("refused", "DH-7")])
    late = next(one.id for one in run.state.subscriptions if one.node == "hear3")
    run.receive("wait2", amount=5)
    assert (run.open, run.clocks, run.heard) == (["thank"], [], [])
    assert [run.definition.follow(c.flow).id for c in run.last if isinstance(c, TakeFlow)] == ["wait2", "thank"]
    with pytest.raises(EngineRefusal) as refused:
        run.do(Receive(late))
    assert refused.value.code is Refusal.message_gone
    run.finish("thank").finish("call")
    assert run.state.status is InstanceStatus.completed


def test_the_clock_of_such_a_gateway_may_win_too():
    run = Run(FIRST, Start(ORDER)).finish("ask").strike("wait1")
    assert (run.open, run.clocks, run.heard) == (["chase"], [], [])


def test_calling_off_ends_the_waiting():
    run = Run(FIRST, Start(ORDER)).finish("ask").do(Cancel("Khách đổi ý"))
    assert (run.state.tokens, run.clocks, run.heard) == ((), [], [])


def test_a_message_at_the_edge_ends_the_work_or_happens_beside_it():
    arrows = ("start > ask > end", "edge > call > end2")
    ending = Run(drawn(*arrows, edges={"edge": "ask"}, messages={"edge": "paid order_code"}), Start(ORDER))
    ending.receive("edge")
    assert (ending.open, ending.heard) == (["call"], [])
    assert [c.reason for c in ending.last if isinstance(c, TokenCancelled)] == [BY_MESSAGE]

    beside = Run(drawn(*arrows, edges={"edge": "ask beside"}, messages={"edge": "paid order_code"}), Start(ORDER))
    beside.receive("edge").receive("edge")
    assert (beside.open, beside.heard) == (["ask", "call", "call"], [("paid", "DH-7")])
    assert beside.finish("ask").heard == []


def test_a_deadline_may_sit_at_the_edge_of_waiting_for_a_message():
    run = Run(drawn("start > hear > call > end", "edge > chase > end2", edges={"edge": "hear"},
                    timers={"edge": "PT1H"}, messages={"hear": "paid order_code"}), Start(ORDER))  # fmt: skip
    assert (run.clocks, run.heard) == (["edge"], [("paid", "DH-7")])
    run.strike("edge")
    assert (run.open, run.clocks, run.heard) == (["chase"], [], [])


def problems_of(*arrows, begun_by=(), **more):
    definition, problems = read(bpmn(*arrows, **more))
    if definition is not None:
        problems = [*problems, *check(definition, known=Known(begun_by=dict.fromkeys(begun_by, "Kia")))]
    return {(one.element, one.code) for one in problems if one.severity is Severity.error}


def test_what_is_sound_has_no_problem():
    assert problems_of("start > ask > race1", "race1 > wait1 > end", "race1 > hear2 > end2",
                       timers={"wait1": "PT1H"}, messages={"hear2": "paid order_code"}) == set()  # fmt: skip


@pytest.mark.parametrize(
    ("arrows", "more", "found"),
    [
        (["start > hear > end"], {"messages": {"hear": "paid"}}, ("hear", "bad-correlation")),
        (["start > hear > end"], {"messages": {"hear": "paid 1.000.000"}}, ("hear", "bad-correlation")),
        (["start > hear > end"], {"messages": {"hear": "paid os.system('x')"}}, ("hear", "bad-correlation")),
        (["start > hear > end"], {"messages": {"hear": " order_code"}}, ("hear", "bad-message")),
        (["start > hear > end"], {}, ("hear", "bad-message")),
        (["start > hear > end"], {"messages": {"hear": "paid order_code a.b"}}, ("hear", "bad-takes")),
        (["start > ask > end"], {"messages": {"start": "paid order_code"}}, ("start", "bad-correlation")),
        (["start > ask > end"], {"messages": {"start": "paid"}, "begun_by": ["paid"]}, ("start", "message-taken")),
        (["start > wait > end"], {"messages": {"wait": "paid a"}, "timers": {"wait": "PT1H"}}, ("wait", "no-timer")),
        (["start > race1 > wait1 > end"], {"timers": {"wait1": "PT1H"}}, ("race1", "no-choice")),
        (["start > race1 > ask > end", "race1 > wait1 > end"], {"timers": {"wait1": "PT1H"}},
         ("ask", "not-waited-for")),
        (["start > race1 > wait1 > end", "race1 > wait2 > end", "wait2 > ask > wait1"],
         {"timers": {"wait1": "PT1H", "wait2": "PT1H"}}, ("wait1", "waited-for-twice")),
        (["start > and1 > race1", "and1 > ask > and2 > end", "race1 > wait1 > and2", "race1 > wait2 > and2"],
         {"timers": {"wait1": "PT1H", "wait2": "PT1H"}}, ("and2", "dead-join")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_element(arrows, more, found):
    assert found in problems_of(*arrows, **more)


def test_a_message_may_be_named_where_it_is_drawn():
    xml = bpmn("start > hear > end", messages={"hear": " order_code"}, around='<message id="m1" name="Đã  trả tiền"/>')
    definition, problems = read(xml.replace('<receiveTask id="hear">', '<receiveTask id="hear" messageRef="m1">'))
    assert problems == []
    assert definition.nodes["hear"].message.name == "Đã trả tiền"
