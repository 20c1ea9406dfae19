"""Who may more than another? Rights, reaches, the teams in them, and fields."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.access import SYSTEM, Actor, FieldRight, FieldRule, Scope
from app.security.role_rules import is_beyond

CSKH, NIGHT, HR = 1, 2, 3
PHONE = {("Customer", "phone"): FieldRule(FieldRight.masked)}


def person(scope, *teams, below=(), heads=(), right=("Customer", "view"), **more):
    return Actor(
        user_id=7, permissions=frozenset({(right[1], right[0])}), scopes={right: scope}, team_ids=frozenset(teams),
        subtree_team_ids=frozenset({*teams, *below}), headed_team_ids=frozenset(heads), **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("by", "other", "beyond"),
    [
        (person(Scope.team, HR), person(Scope.team, CSKH), True),
        (person(Scope.team, HR), person(Scope.own, CSKH), True),
        (person(Scope.own, HR), person(Scope.own, CSKH), True),
        (person(Scope.subtree, HR), person(Scope.subtree, HR, below=[NIGHT]), True),
        (person(Scope.own, CSKH), person(Scope.own, CSKH, heads=[CSKH]), True),
        (person(Scope.team, CSKH), person(Scope.team, CSKH, NIGHT), True),
        (person(Scope.team, CSKH, NIGHT), person(Scope.team, CSKH), False),
        (person(Scope.subtree, CSKH, below=[NIGHT]), person(Scope.team, NIGHT), False),
        (person(Scope.all), person(Scope.all, CSKH, heads=[CSKH]), False),
        (person(Scope.all), person(Scope.team, CSKH, NIGHT), False),
        (person(Scope.team, HR, right=("Customer", "add")), person(Scope.all, CSKH, right=("Customer", "add")), False),
        (person(Scope.all, HR, right=("Task", "view")), person(Scope.own, HR), True),
        (SYSTEM, person(Scope.all, CSKH), False),
    ],
)
def test_the_same_reach_over_other_teams_is_more(by, other, beyond):
    assert is_beyond(by, other) is beyond


def test_fields_count_where_the_other_comes_in_at_all():
    covered, whole = person(Scope.all, fields=PHONE), person(Scope.own, CSKH)
    assert is_beyond(covered, whole)
    assert not is_beyond(covered, replace(whole, fields=PHONE))
    opening = {("Customer", "phone"): FieldRule(FieldRight.masked, may_reveal=True)}
    assert is_beyond(covered, replace(whole, fields=opening))
    calendar = person(Scope.all, right=("Calendar", "view"))
    assert not is_beyond(replace(covered, permissions=covered.permissions | calendar.permissions,
                                 scopes={**covered.scopes, **calendar.scopes}), calendar)  # fmt: skip
