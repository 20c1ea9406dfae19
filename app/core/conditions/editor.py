"""What does the editor of conditions offer? For each kind of field its comparisons, and the periods, as plain data.

`offers()`, in the language of whoever reads, ready for JSON:

{"operators": {"text": [{"op": "contains", "label": "chứa", "value": "one"}, …], "phone": […], …},    for every Kind
 "periods": [{"call": "this_week()", "value": {"call": "this_week", "args": []}, "label": "tuần này"}, …],
 "own": {"person": [{"call": "me()", "value": {"call": "me", "args": []}, "label": "tôi"}], "team": [… my_teams()]}}

An operator is known by `op` and `value` together: a date has "=" with "one" (a day) and "=" with "period".
`op` is that of the stored form (stored.py), or "between". `value` says what stands beside it:
"none"    nothing: {"field": key, "op": op}
"one"     one value: a number, a text, true or false, a date as "2026-11-21", the id of a person or team as a number, or
          the `value` of one of `own`
"list"    several of them, at most 100
"period"  the `value` of one of `periods`
"two"     with "between" only, two values, both included; stored as two rows:
          {"and": [{"field": key, "op": ">=", "value": first}, {"field": key, "op": "<=", "value": last}]}

In the typed form (?where=…) a period and `own` are written as their `call`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.conditions.fields import Field, Kind
from app.core.conditions.wording import BETWEEN, DAY_WORDS, PERIOD_WORDS, WORDS, call_text
from app.core.errors import Sentence
from app.core.i18n import _

Offer = tuple[str, Sentence, str]


def _called(words: Mapping[str, Sentence], *offered: str) -> tuple[Offer, ...]:
    """("contains: one", …) → ("contains", what it is called, "one"), …"""
    return tuple((op, words[op], value) for op, value in (one.split(": ") for one in offered))


_EMPTY = _called(WORDS, "empty: none", "not empty: none")
_BETWEEN: Offer = ("between", BETWEEN, "two")
_TEXT = (
    *_called(WORDS, "contains: one", "not contains: one", "=: one", "!=: one", "in: list", "not in: list"),
    *_EMPTY,
)
_PHONE = (*_called(WORDS, "contains: one", "=: one", "!=: one"), *_EMPTY)
_NUMBER = (
    *_called(WORDS, "=: one", ">=: one", "<=: one"),
    _BETWEEN,
    *_called(WORDS, ">: one", "<: one", "!=: one"),
    *_EMPTY,
)
_DAY = (
    *_called(PERIOD_WORDS, "=: period"),
    *_called(DAY_WORDS, "=: one", "<: one", ">: one"),
    _BETWEEN,
    *_called(DAY_WORDS, ">=: one", "<=: one"),
    *_called(PERIOD_WORDS, "!=: period"),
    *_called(DAY_WORDS, "!=: one"),
    *_EMPTY,
)
_CHOICE = (*_called(WORDS, "=: one", "in: list", "!=: one", "not in: list"), *_EMPTY)
_YES_NO = (*_called(WORDS, "=: one"), *_EMPTY)

OPERATORS: dict[Kind, tuple[Offer, ...]] = {
    Kind.text: _TEXT,
    Kind.phone: _PHONE,
    Kind.number: _NUMBER,
    Kind.decimal: _NUMBER,
    Kind.money: _NUMBER,
    Kind.date: _DAY,
    Kind.moment: _DAY,
    Kind.choice: _CHOICE,
    Kind.yes_no: _YES_NO,
    Kind.person: _CHOICE,
    Kind.team: _CHOICE,
}
#: (function, its argument) in the order in which people need them
PERIODS: tuple[tuple[str, int | None], ...] = (
    ("today", None),
    ("yesterday", None),
    ("tomorrow", None),
    ("this_week", None),
    ("last_week", None),
    ("next_week", None),
    ("this_month", None),
    ("last_month", None),
    ("next_month", None),
    ("last_days", 7),
    ("last_days", 30),
    ("last_days", 90),
    ("next_days", 7),
    ("next_days", 30),
    ("this_quarter", None),
    ("last_quarter", None),
    ("this_year", None),
    ("last_year", None),
)
OWN: dict[Kind, tuple[str, ...]] = {Kind.person: ("me",), Kind.team: ("my_teams",)}


def offers() -> dict[str, Any]:
    """What all lists have in common; the shape stands above."""
    return {
        "operators": {
            str(kind): [{"op": op, "label": str(label), "value": value} for op, label, value in offered]
            for kind, offered in OPERATORS.items()
        },
        "periods": [_call(function, argument) for function, argument in PERIODS],
        "own": {str(kind): [_call(function) for function in functions] for kind, functions in OWN.items()},
    }


def field_offer(field: Field, choices_url: str | None = None) -> dict[str, Any]:
    """{"key", "label", "kind", "choices": [[value, label], …], "choices_url", "within"}: persons, teams and what is too
    much to be listed are looked up, the last within what another field says."""
    choices_url = field.choices_url or choices_url
    choices: list[list[Any]] = [] if choices_url else [[value, str(label)] for value, label in field.choices.items()]
    if field.kind is Kind.yes_no and not choices:
        choices = [[True, str(_("yes"))], [False, str(_("no"))]]
    return {
        "key": field.key,
        "label": str(field.label),
        "kind": str(field.kind),
        "choices": choices,
        "choices_url": choices_url,
        "within": field.within,
    }


def _call(function: str, argument: int | None = None) -> dict[str, Any]:
    args = [] if argument is None else [argument]
    return {
        "call": f"{function}({', '.join(map(str, args))})",
        "value": {"call": function, "args": args},
        "label": str(call_text(function, *args)),
    }
