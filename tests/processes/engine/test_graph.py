"""Are the small texts of the tt: extension read as they are written?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.processes.engine.graph import AssignKind, AssignRule, Picker, parse_approval, parse_outcomes
from app.processes.engine.timing import parse_duration


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("role:Staff", AssignRule(AssignKind.role, "Staff")),
        ("team:cskh", AssignRule(AssignKind.team, "cskh")),
        ("user:lan", AssignRule(AssignKind.user, "lan")),
        ("initiator", AssignRule(AssignKind.initiator)),
        ("owner", AssignRule(AssignKind.owner)),
        ("head", AssignRule(AssignKind.head)),
        ("head:cskh", AssignRule(AssignKind.head, "cskh")),
        ("field:care_person", AssignRule(AssignKind.field, "care_person")),
        ("same_as:receive", AssignRule(AssignKind.same_as, "receive")),
        ("round_robin:role:Staff", AssignRule(AssignKind.role, "Staff", Picker.round_robin)),
        ("least_open:team:cskh", AssignRule(AssignKind.team, "cskh", Picker.least_open)),
        (" team: cskh ", AssignRule(AssignKind.team, "cskh")),
    ],
)
def test_assignment_rules_are_read(text, rule):
    assert AssignRule.parse(text) == rule


@pytest.mark.parametrize(
    "text",
    ["", "cskh", "role", "role:", "team:", "user:", "field:", "same_as:", "initiator:lan", "owner:x", "Team:cskh",
     "round_robin", "round_robin:", "round_robin:cskh", "round_robin:user:lan", "round_robin:initiator",
     "round_robin:team", "least_open:round_robin:team:cskh"],
)  # fmt: skip
def test_other_texts_are_no_assignment_rules(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the text itself is the message
        AssignRule.parse(text)


@pytest.mark.parametrize("text", ["role:Staff", "initiator", "head", "head:cskh", "round_robin:team:cskh"])
def test_assignment_rule_is_shown_as_it_is_written(text):
    assert str(AssignRule.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT5M", timedelta(minutes=5)),
        ("PT1H30M", timedelta(minutes=90)),
        ("PT90S", timedelta(seconds=90)),
        ("P2D", timedelta(days=2)),
        ("P1W", timedelta(weeks=1)),
        ("P1DT2H", timedelta(hours=26)),
    ],
)
def test_durations_are_read(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "5M",
        "PT5",
        "pt5m",
        "PT0M",
        "P0D",
        "-PT5M",
        "P1M",
        "P1Y",
        "PT1.5H",
        "PT5M ago",
        "PT٥M",
        "PT9999999H",
    ],
)
def test_other_texts_are_no_durations(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the text itself is the message
        parse_duration(text)


def test_outcomes_are_distinct_codes():
    assert parse_outcomes("approve, reject,need_more-info") == ("approve", "reject", "need_more-info")


@pytest.mark.parametrize("text", ["", "approve,", ",", "approve,approve", "Duyệt", "Approve", "a b", "1st", "a" * 41])
def test_other_texts_are_no_outcomes(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the text itself is the message
        parse_outcomes(text)


@pytest.mark.parametrize("text", ["any", "all", "majority", "1", "12"])
def test_approvals_are_a_word_or_a_number(text):
    assert parse_approval(text) == text


@pytest.mark.parametrize("text", ["", "some", "0", "-1", "100", "1.5", "50%"])
def test_other_texts_are_no_approvals(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the text itself is the message
        parse_approval(text)
