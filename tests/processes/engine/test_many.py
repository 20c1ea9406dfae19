"""Is everybody asked who has to be, and does the process go on as soon as enough of them have answered?"""

from __future__ import annotations

import pytest

from app.processes.engine.asking import BY_OTHERS
from app.processes.engine.bpmn import read
from app.processes.engine.core import BY_RETURN, BY_TIMER
from app.processes.engine.events import (
    Cancel,
    EngineRefusal,
    ManyBegun,
    ManyOver,
    OpenTask,
    Refusal,
    Resume,
    Retry,
    Return,
    Start,
    StepPassed,
    Suspend,
    TokenCancelled,
)
from app.processes.engine.lint import Known, check
from app.processes.engine.state import IncidentCode, InstanceStatus
from tests.processes.engine.drawing import bpmn, drawn
from tests.processes.engine.running import Run

TEAM = [11, 12, 13, 14]
DECIDE = 'assign="team:cskh" due="PT1H" outcomes="approve,reject"'
ARROWS = ("start > ask > ok > xor1", "xor1 > pay if ok.outcome = 'approve'", "xor1 > sorry by default", "pay > end",
          "sorry > end")  # fmt: skip


def asked(many, tasks=DECIDE, members=TEAM, data=None, **more):
    """A run at `ok`, which several people decide."""
    definition = drawn(*ARROWS, tasks={"ok": tasks}, many={"ok": many} if many else {}, **more)
    return Run(definition, Start(), people=lambda _rule, _step, _data: members).finish("ask", data)


def say(run, *outcomes, values=None):
    for outcome in outcomes:
        run.finish("ok", values, outcome)
    return run


@pytest.mark.parametrize(
    ("rule", "said", "opened"),
    [
        ("all", ["approve"] * 3, ["ok"]),
        ("all", ["approve"] * 4, ["pay"]),
        ("all", ["approve", "reject"], ["sorry"]),
        ("any", ["approve"], ["pay"]),
        ("any", ["reject"], ["sorry"]),
        ("2", ["approve", "approve"], ["pay"]),
        ("2", ["reject"], ["sorry"]),
        ("9", ["approve"] * 4, ["pay"]),
        ("50%", ["approve"], ["ok"] * 3),
        ("51%", ["approve", "approve"], ["ok"] * 2),
        ("51%", ["approve"] * 3, ["pay"]),
        ("majority", ["reject", "approve", "approve"], ["ok"]),
        ("majority", ["reject", "approve", "approve", "approve"], ["pay"]),
        ("majority", ["reject", "reject"], ["sorry"]),
        ('2" reject="counts', ["reject", "reject"], ["ok"] * 2),
        ('2" reject="counts', ["reject", "reject", "reject"], ["sorry"]),
        ('any" reject="counts', ["reject", "reject", "reject", "approve"], ["pay"]),
    ],
)
def test_enough_answers_decide(rule, said, opened):
    assert say(asked(f'collection="team:cskh" rule="{rule}"'), *said).open == opened


@pytest.mark.parametrize("approval", ["all", "majority", "3"])
def test_an_approval_by_several_asks_those_for_whom_the_step_is(approval):
    run = asked("", f'{DECIDE} approval="{approval}"')
    assert [command.element for command in run.last if isinstance(command, OpenTask)] == TEAM
    assert say(run, "approve", "approve", "approve").open == (["ok"] if approval == "all" else ["pay"])


def test_the_others_are_called_off_and_what_was_said_is_gathered():
    run = say(asked('collection="team:cskh" rule="2" reject="counts"'), "reject", "approve", values={"why": "trễ"})
    run.finish("ok", {}, "approve")
    assert [command.reason for command in run.last if isinstance(command, TokenCancelled)] == [BY_OTHERS]
    assert ManyOver(run.commands_of(ManyBegun)[0].token, "ok", 3, "approve") in run.last
    data = run.state.data
    assert (data["ok.outcome"], data["ok.count_approve"], data["ok.count_reject"]) == ("approve", 2, 1)
    assert (data["ok.total"], data["ok.count"], data["why"]) == (4, 3, "trễ")
    assert data["ok.answers"][0] == {"position": 1, "element": 11, "outcome": "reject", "values": {"why": "trễ"}}
    assert run.state.gatherings == ()


def test_one_after_the_other_the_next_is_asked_when_the_one_before_has_answered():
    run = asked('sequential collection="team:cskh" rule="all"')
    for number in range(4):
        assert run.open == ["ok"]
        assert run.commands_of(OpenTask)[-1].element == TEAM[number]
        run.finish("ok", {}, "approve")
    assert run.open == ["pay"]


@pytest.mark.parametrize(
    ("value", "elements"),
    [(["a", "b"], ("a", "b")), ("a", ("a",)), (7, (7,)), ([{"ten": "Phở"}], ({"ten": "Phở"},))],
)
def test_parts_of_a_value_are_counted_once_when_the_step_is_reached(value, elements):
    run = asked('collection="orders"', 'assign="initiator" due="PT1H"', data={"orders": value})
    assert run.commands_of(ManyBegun)[0].elements == elements
    run.finish("ok", {"orders": ["c"] * 9})
    assert len(run.open) == (len(elements) - 1 or 1)


@pytest.mark.parametrize("data", [{"orders": []}, {"orders": None}, {}])
def test_where_there_is_nothing_to_do_it_for_the_process_goes_on(data):
    run = asked('collection="orders"', data=data)
    assert run.open == ["sorry"]
    assert run.commands_of(StepPassed) == [StepPassed("ok")]
    assert (run.state.data["ok.total"], run.state.data["ok.outcome"]) == (0, None)


@pytest.mark.parametrize(
    ("many", "members", "code"),
    [
        ('collection="team:cskh"', [], IncidentCode.nobody_to_ask),
        ('collection="team:cskh"', range(201), IncidentCode.too_many_to_ask),
    ],
)
def test_an_admin_is_needed_where_it_cannot_be_said_whom_to_ask(many, members, code):
    run = asked(many, members=members)
    assert run.last[-1].code is code
    run.people = lambda _rule, _step, _data: [11]
    assert run.do(Retry(run.token("ok"), "đã thêm người")).open == ["ok"]


def test_a_number_of_times_and_no_decision():
    run = asked('collection="3" rule="2"', 'assign="team:cskh" due="PT1H"')
    assert [command.element for command in run.commands_of(OpenTask)][1:] == [1, 2, 3]
    assert run.finish("ok").finish("ok").open == ["sorry"]


def test_a_clock_at_its_edge_calls_all_of_them_off():
    edge = {"timers": {"edge": "PT1H"}, "edges": {"edge": "ok"}}
    definition = drawn(*ARROWS, "edge > late > end", tasks={"ok": DECIDE}, many={"ok": 'collection="team:x"'}, **edge)
    run = Run(definition, Start(), people=lambda _rule, _step, _data: TEAM).finish("ask")
    assert run.clocks == ["edge"]
    say(run, "approve").strike("edge")
    assert run.open == ["late"]
    assert [command.reason for command in run.last if isinstance(command, TokenCancelled)] == [BY_TIMER] * 4


def test_the_clock_stops_when_enough_have_answered():
    edge = {"timers": {"edge": "R/PT1H"}, "edges": {"edge": "ok beside"}}
    definition = drawn(*ARROWS, "edge > remind > end", tasks={"ok": DECIDE}, many={"ok": 'collection="2"'}, **edge)
    run = say(Run(definition, Start()).finish("ask").strike("edge"), "approve", "approve")
    assert (run.open, run.clocks) == (["remind", "pay"], [])


def test_sent_back_by_one_of_them_all_are_called_off_and_asked_anew():
    run = say(asked('collection="team:cskh"'), "approve")
    run.do(Return(run.token_waiting("ok"), "ask", "thiếu ảnh"))
    assert run.open == ["ask"]
    assert {command.reason for command in run.last if isinstance(command, TokenCancelled)} == {BY_RETURN}
    run.finish("ask")
    assert run.open == ["ok"] * 4
    say(run, *["approve"] * 4)
    assert run.state.data["ok.count"] == 4
    run.do(Return(run.token("pay"), "ok", "hỏi lại"))
    assert run.open == ["ok"] * 4


def test_paused_nobody_answers_and_called_off_nothing_is_left():
    run = asked('collection="team:cskh"').do(Suspend("chờ"))
    with pytest.raises(EngineRefusal) as refused:
        say(run, "approve")
    assert refused.value.code is Refusal.not_running
    say(run.do(Resume()), "approve").do(Cancel("thôi"))
    assert (run.state.tokens, run.state.gatherings, run.state.status) == ((), (), InstanceStatus.cancelled)


@pytest.mark.parametrize(
    ("many", "tasks", "code"),
    [
        ('collection="team:kho"', DECIDE, "unknown-team"),
        ('collection="so-luong"', DECIDE, "unknown-key"),
        ('collection="round_robin:team:cskh"', DECIDE, "bad-collection"),
        ('collection="0"', DECIDE, "bad-collection"),
        ('collection="a b"', DECIDE, "bad-collection"),
        ('rule="all"', DECIDE, "no-collection"),
        ('collection="3" rule="0%"', DECIDE, "bad-rule"),
        ('collection="3" reject="maybe"', DECIDE, "bad-reject"),
        ('collection="3" whom="x"', DECIDE, "unknown-attribute"),
    ],
)
def test_what_cannot_be_asked_of_several_is_named(many, tasks, code):
    definition, problems = read(bpmn("start > ok > end", tasks={"ok": tasks}, many={"ok": many}))
    found = problems + (check(definition, known=Known(teams=frozenset({"cskh"}))) if definition else [])
    assert [(one.element, one.code) for one in found] == [("ok", code)]


def test_a_number_in_the_marker_is_read_and_a_condition_in_it_is_refused():
    times = "<loopCardinality>2</loopCardinality>"
    marker = "<multiInstanceLoopCharacteristics>{}</multiInstanceLoopCharacteristics>"
    task = '<extensionElements><tt:task assign="team:x" due="PT1H"/></extensionElements>'
    step = f'<userTask id="b" name="B">{task}{{}}</userTask>'
    flows = '<sequenceFlow id="x" sourceRef="a" targetRef="b"/><sequenceFlow id="y" sourceRef="b" targetRef="end"/>'

    def read_one(content):
        return read(bpmn("start > a", "c > end", inside=step.format(marker.format(content)) + flows))

    definition, problems = read_one(times)
    assert problems == []
    assert definition is not None
    assert definition.nodes["b"].many.over == 2
    _definition, problems = read_one(times + "<completionCondition>x</completionCondition>")
    assert [problem.code for problem in problems] == ["not-executable"]
