"""Is every process that could strand its instances refused, and no sound one?"""

from __future__ import annotations

import pytest

from app.processes.engine import soundness
from app.processes.engine.bpmn import read
from app.processes.engine.lint import Known, check
from app.processes.engine.problems import Severity, has_errors
from tests.processes.engine.drawing import TASK, bpmn, drawn

TASK_WITH_FORM = TASK + ' form="phan-anh"'

KNOWN = Known(
    forms={"phan-anh": frozenset({"amount", "doer"})},
    roles=frozenset({"Staff", "Manager"}),
    teams=frozenset({"cskh", "vang"}),
    users=frozenset({"lan"}),
    people={"phan-anh": frozenset({"doer"})},
    empty=frozenset({"team:vang", "role:Manager"}),
)


def findings(definition, severity=None):
    problems = check(definition, known=KNOWN)
    return [(p.element, p.code) for p in problems if severity is None or p.severity is severity]


def findings_of_task(attributes):
    return findings(drawn("start > ask > end", tasks={"ask": attributes}))


@pytest.mark.parametrize(
    "arrows",
    [
        ["start > end"],
        ["start > a > end"],
        ["start > and1 > a > and2 > end", "and1 > b > and2"],
        ["start > and1 > a > end1", "and1 > b > end2"],
        ["start > a > xor1", "xor1 > a if amount > 1", "xor1 > end by default"],
        [
            "start > and1 > xor1 > a > xor2",
            "xor2 > xor1 if amount > 1",
            "xor2 > and2 by default",
            "and1 > b > and2 > end",
        ],
        [
            "start > xor1 > and1 > a > and2 > b > xor2",
            "and1 > c > and2",
            "xor2 > xor1 if amount > 1",
            "xor2 > end by default",
        ],
    ],
    ids=["empty", "sequence", "parallel", "two ends", "loop", "loop in parallel", "parallel in loop"],
)
def test_sound_process_has_no_problem(arrows):
    assert findings(drawn(*arrows, tasks=dict.fromkeys("abc", TASK_WITH_FORM))) == []


# The graph.


@pytest.mark.parametrize(
    ("arrows", "expected"),
    [
        (["ask > end"], [("p", "no-start")]),
        (["start1 > ask > end", "start2 > ask"], [("start2", "several-starts")]),
        (["start > ask"], [("p", "no-end")]),
        (["start > ask > end", "other > end"], [("other", "unreachable")]),
        (["start > and1 > ask > end", "and1 > sink"], [("sink", "no-way-out")]),
        (["start > ask > start", "ask > end"], [("start", "flow-into-start")]),
        (["start > ask > end > more > end2"], [("end", "flow-out-of-end")]),
        (["start > ask > xor1 > xor2 > end by default", "xor2 > xor1 if amount > 1"], [("xor1", "automatic-loop")]),
        (["start > ask > xor1 > end by default", "xor1 > xor1 if amount > 1"], [("xor1", "automatic-loop")]),
    ],
)  # fmt: skip
def test_broken_graph_is_named(arrows, expected):
    tasks = {"ask": TASK_WITH_FORM}

    assert findings(drawn(*arrows, tasks=tasks), Severity.error) == expected


# Soundness.


@pytest.mark.parametrize(
    ("arrows", "expected"),
    [
        (["start > a > xor1 > and1 > end by default", "xor1 > b if amount > 1", "b > and1"], ("and1", "dead-join")),
        (
            ["start > and1 > a > and2 > end", "and1 > xor1 > and2 by default", "xor1 > end if amount > 1"],
            ("and2", "dead-join"),
        ),
        (["start > and1 > a > and2 > end", "and1 > b > and2", "and1 > c > a"], ("and2", "dead-join")),
        (["start > and1 > a > end", "a > and1"], ("and1", "dead-join")),
        (["start > xor1 > a > and1 > xor1", "and1 > end"], ("xor1", "never-ends")),
        (["start > xor1 > a > and1 > xor1", "and1 > b > xor1", "and1 > end"], ("xor1", "never-ends")),
    ],
    ids=[
        "join behind a choice",
        "skipped join",
        "surplus token",
        "join waits for itself",
        "loop renews itself",
        "loop multiplies",
    ],
)
def test_unsound_process_is_named(arrows, expected):
    tasks = dict.fromkeys("abc", TASK_WITH_FORM)

    assert findings(drawn(*arrows, tasks=tasks), Severity.error) == [expected]


def test_step_behind_an_exclusive_merge_of_parallel_branches_may_run_twice():
    definition = drawn("start > and1 > a > xor1 > z > end", "and1 > b > xor1")

    assert findings(definition) == [("z", "runs-twice")]
    assert not has_errors(check(definition, known=KNOWN))


def test_check_gives_up_with_a_warning_where_there_is_too_much_to_explore(monkeypatch):
    monkeypatch.setattr(soundness, "MAX_STATES", 3)

    assert findings(drawn("start > a > b > c > end")) == [("p", "too-branched")]


def test_wide_process_is_checked_whole():
    """Forty branches with a choice each: exploring their interleavings would never end."""
    arrows = ["start > ask > and1", "and2 > end"]
    for n in range(40):
        arrows += [f"and1 > xor{n}a", f"xor{n}a > a{n} if amount > 1", f"xor{n}a > b{n} by default"]
        arrows += [f"a{n} > xor{n}b > and2", f"b{n} > xor{n}b"]
    definition = drawn(*arrows, tasks={"ask": TASK_WITH_FORM})

    assert findings(definition) == []


def test_long_process_is_checked_whole():
    assert findings(drawn(" > ".join(["start", *(f"t{n}" for n in range(1_900)), "end"]))) == []


# Conditions.


@pytest.mark.parametrize(
    ("arrows", "expected"),
    [
        (["ask > xor1", "xor1 > a", "xor1 > end by default"], [("f2", "no-condition")]),
        (["ask > xor1", "xor1 > a", "xor1 > end"], [("f2", "no-condition"), ("f3", "no-condition")]),
        (["ask > a if amount > 1"], [("f1", "condition-not-allowed")]),
        (["ask > and1 > end", "and1 > a if amount > 1"], [("f3", "condition-not-allowed")]),
        (["ask > xor1", "xor1 > a if amount > 1", "xor1 > end if amount < 9"], [("xor1", "no-default")]),
        (["ask > xor1", "xor1 > a if amonut > 1", "xor1 > end by default"], [("f2", "unknown-key")]),
        (["ask > xor1", "xor1 > a if ask.amount > 1", "xor1 > end by default"], []),
        (["ask > xor1", "xor1 > a if ask.outcome = 'approve'", "xor1 > end by default"], [("f2", "unknown-key")]),
    ],
)
def test_undecided_choice_is_named(arrows, expected):
    definition = drawn("start > ask", *arrows, "a > end", tasks={"ask": TASK_WITH_FORM})

    assert findings(definition) == expected


def test_condition_on_the_default_flow_is_named():
    xml = bpmn(
        "start > ask > xor1",
        "xor1 > a if amount > 1",
        "xor1 > end if amount < 9",
        "a > end",
        tasks={"ask": TASK_WITH_FORM},
    )
    definition, _ = read(xml.replace('id="xor1"', 'id="xor1" default="f3"'))

    assert findings(definition) == [("f3", "condition-on-default")]


def test_outcome_of_an_approval_may_be_asked_for():
    definition = drawn(
        "start > ask > xor1", "xor1 > a if ask.outcome = 'approve'", "xor1 > end by default", "a > end",
        tasks={"ask": TASK + ' approval="any"'},
    )  # fmt: skip

    assert findings(definition) == []


def test_an_unknown_key_does_not_stop_publishing():
    definition = drawn("start > xor1", "xor1 > a if x > 1", "xor1 > end by default", "a > end")

    assert {code for _element, code in findings(definition, Severity.warning)} == {"unknown-key"}
    assert findings(definition, Severity.error) == []


# Steps.


@pytest.mark.parametrize(
    "assign",
    ["role:Staff", "team:cskh", "user:lan", "initiator", "head", "head:cskh", "owner", "field:doer", "field:ask.doer",
     "round_robin:team:cskh", "least_open:role:Staff"],
)  # fmt: skip
def test_step_that_somebody_can_do_is_fine(assign):
    assert findings_of_task(f'assign="{assign}" due="PT1H" warn="PT5M" form="phan-anh"') == []


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ('due="PT1H"', "no-assignee"),
        ('assign="role:Boss" due="PT1H"', "unknown-role"),
        ('assign="team:kho" due="PT1H"', "unknown-team"),
        ('assign="head:kho" due="PT1H"', "unknown-team"),
        ('assign="user:ai-do" due="PT1H"', "unknown-user"),
        ('assign="field:amount" due="PT1H" form="phan-anh"', "field-names-nobody"),
        ('assign="field:other.doer" due="PT1H" form="phan-anh"', "unknown-field"),
        ('assign="same_as:ask" due="PT1H"', "unknown-step"),
        ('assign="same_as:start" due="PT1H"', "unknown-step"),
        ('assign="round_robin:team:kho" due="PT1H"', "unknown-team"),
        ('assign="least_open:role:Boss" due="PT1H"', "unknown-role"),
        ('assign="initiator" due="PT1H" form="khong-co"', "unknown-form"),
        ('assign="initiator" due="PT1H" notBy="nobody"', "unknown-step"),
        ('assign="initiator" due="PT1H" notBy="ask"', "unknown-step"),
        ('assign="initiator" due="PT1H" notBy="start"', "unknown-step"),
    ],
)
def test_step_that_cannot_be_done_is_named(attributes, code):
    definition = drawn("start > ask > end", tasks={"ask": attributes})

    assert findings(definition) == [("ask", code)]
    assert has_errors(check(definition, known=KNOWN))


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ('assign="initiator"', "no-due"),
        ('assign="initiator" due="PT5M" warn="PT5M"', "warn-too-early"),
        ('assign="initiator" due="P2D"', "many-working-hours"),
        ('assign="initiator" due="PT1H" stage="khong-co"', "unknown-stage"),
        ('assign="field:ai_do" due="PT1H"', "unknown-field"),
        ('assign="team:vang" due="PT1H"', "nobody-there"),
        ('assign="round_robin:role:Manager" due="PT1H"', "nobody-there"),
        ('assign="least_open:team:cskh" due="PT1H" approval="all" outcomes="approve,reject"', "picker-of-several"),
    ],
)
def test_step_that_may_surprise_is_a_warning(attributes, code):
    definition = drawn("start > ask > end", tasks={"ask": attributes})

    assert findings(definition, Severity.warning) == [("ask", code)]
    assert not has_errors(check(definition, known=KNOWN))


def test_days_on_the_wall_clock_are_what_they_seem():
    assert findings_of_task('assign="initiator" due="P2D" clock="wall"') == []


def test_lane_without_a_role_does_not_say_who():
    lane = '<laneSet id="l"><lane id="k" name="CSKH"><flowNodeRef>ask</flowNodeRef></lane></laneSet>'

    assert findings(drawn("start > ask > end", tasks={"ask": 'due="PT1H"'}, inside=lane)) == [("ask", "no-assignee")]


def test_lane_role_must_exist():
    lane = '<laneSet id="l"><lane id="k" name="CSKH" tt:role="Boss"><flowNodeRef>ask</flowNodeRef></lane></laneSet>'

    assert findings(drawn("start > ask > end", tasks={"ask": 'due="PT1H"'}, inside=lane)) == [("ask", "unknown-role")]


def test_start_form_must_exist():
    assert findings(drawn("start > ask > end", tasks={"start": 'form="khong-co"'})) == [("start", "unknown-form")]


def test_what_reading_complained_about_is_not_complained_about_twice():
    definition, problems = read(bpmn("start > ask > end", tasks={"ask": 'assign="everybody" due="soon"'}))

    assert [problem.code for problem in problems] == ["bad-assign", "bad-duration"]
    assert findings(definition) == []


# Clocks, inclusive gateways, and ends that end everything.


def errors_of(*arrows, severity=Severity.error, **more):
    return findings(drawn(*arrows, **more), severity)


@pytest.mark.parametrize(
    ("arrows", "more"),
    [
        (["start > a > wait > b > end"], {"timers": {"wait": "PT1H"}}),
        (["start > a > end", "edge > b > end2"], {"timers": {"edge": "PT1H"}, "edges": {"edge": "a"}}),
        (["start > a > end", "edge > b > end2"], {"timers": {"edge": "PT1H"}, "edges": {"edge": "a beside"}}),
        (["start > a > xor1 > end", "edge > b > xor1"], {"timers": {"edge": "PT1H"}, "edges": {"edge": "a"}}),
        (["start > xor1 > wait > xor1"], {"timers": {"wait": "PT1H"}}),
        (["start > a > xor1 > end", "start2 > b > xor1"], {"timers": {"start2": "R/P1D wall"}}),
        (["start > ior1 > a > ior2 > end", "ior1 > b if amount > 1", "b > ior2"], {}),
        (["start > and1 > a > ior1 > c > end", "and1 > b > ior1"], {}),
        (["start > and1 > a > end1", "and1 > b > c > end2"], {"ends": {"end1": "terminate"}}),
        (["start > and1 > a > end1", "and1 > b > and2", "and1 > c > and2 > end2"], {"ends": {"end1": "error"}}),
    ],
)
def test_sound_processes_with_clocks_and_inclusive_gateways_have_no_error(arrows, more):
    # A clock that goes round and round never ends: that is the one thing wrong with it.
    expected = [("p", "no-end")] if "xor1 > wait" in arrows[0] else []
    assert errors_of(*arrows, tasks=dict.fromkeys("abc", TASK_WITH_FORM), **more) == expected


@pytest.mark.parametrize(
    ("arrows", "more", "expected"),
    [
        # Of an event that ends the work only one branch is left: the join waits for ever.
        (
            ["start > and1 > a > and2 > end", "and1 > b > and2", "edge > c > xor1", "xor1 > and2"],
            {"timers": {"edge": "PT1H"}, "edges": {"edge": "a"}}, [("and2", "dead-join")],
        ),
        (["start > ior1 > a > and1 > end", "ior1 > b if amount > 1", "b > and1"], {}, [("and1", "dead-join")]),
        (["start > a > edge", "edge > end"], {"timers": {"edge": "PT1H"}, "edges": {"edge": "a"}},
         [("edge", "flow-into-edge")]),
        (["start > a > end", "edge > b > end2"],
         {"timers": {"edge": "PT1H", "start": "R/P1D wall"}, "edges": {"edge": "a"},
          "tasks": {"start": 'form="phan-anh"'}}, [("start", "form-without-person")]),
    ],
)  # fmt: skip
def test_unsound_ones_are_named(arrows, more, expected):
    tasks = {**dict.fromkeys("abc", TASK_WITH_FORM), **more.pop("tasks", {})}
    assert errors_of(*arrows, tasks=tasks, **more) == expected


def test_what_runs_beside_and_meets_again_runs_twice():
    arrows = ["start > a > xor1 > b > end", "edge > xor1"]
    found = findings(drawn(*arrows, timers={"edge": "PT1H"}, edges={"edge": "a beside"}), Severity.warning)

    assert ("b", "runs-twice") in found


def test_days_of_working_time_and_unknown_moments_are_warned_of():
    found = errors_of(
        "start > ask > wait > wait2 > end", timers={"wait": "P2D", "wait2": "appointment"}, severity=Severity.warning,
        tasks={"ask": TASK_WITH_FORM},
    )  # fmt: skip

    assert found == [("wait2", "unknown-key"), ("wait", "many-working-hours")]


def test_an_inclusive_gateway_may_have_flows_without_a_condition_and_needs_a_default_otherwise():
    assert errors_of("start > ior1 > ask > end", "ior1 > end2 if amount > 1", tasks={"ask": TASK_WITH_FORM}) == []
    found = errors_of(
        "start > ior1", "ior1 > ask if amount > 2", "ior1 > end2 if amount > 1", "ask > end",
        tasks={"ask": TASK_WITH_FORM},
    )  # fmt: skip
    assert found == [("ior1", "no-default")]
