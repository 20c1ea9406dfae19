"""Does the condition language stay total and lossless on input nobody thought of?"""

from __future__ import annotations

import json
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from app.core.conditions import Condition, ConditionError, joined, parse
from app.core.conditions.expression import parse_expression

PIECES = (
    "a", "b.c", "[d-e]", "[x].y", "and", "or", "not", "và", "hoặc", "không", "in", "contains", "empty", "rỗng", "chứa",
    "this_week()", "last_days", "(7)", "me",
    "(", ")", ",", "=", "!=", ">", ">=", "<", "<=", "==", "1", "-2.5", "500.000", "'t'", '"u"', "''", "true", "sai",
    "today", "len", "days_between", "'2026-11-21'", "[", "]", "'", ".", "\u0301", "\u00a0", "\x00", "\ud800", "🙂",
)  # fmt: skip
KEYS = st.sampled_from(["a", "b.c", "d-e", "x.y", "in", "Today", "a..b", "x. y", "kênh", "__class__", "1", "it's"])
LETTERS = st.characters(exclude_categories=["Cs", "Cc"])
TEXTS = st.text(LETTERS, min_size=1, max_size=12).filter(str.strip)
NUMBERS = st.integers(-(10**15) + 1, 10**15 - 1) | st.decimals(-1000, 1000, places=3).map(float)
DATES = st.dates().map(date.isoformat)
FIELDS = KEYS.map(lambda key: {"field": key})
DAY = st.just({"call": "today", "args": []})
DAYS = st.tuples(FIELDS | DAY | DATES, FIELDS | DAY).map(lambda pair: {"call": "days_between", "args": list(pair)})
PERIOD = st.sampled_from(["this_week", "last_quarter", "next_month", "yesterday"]).map(
    lambda name: {"call": name, "args": []}
) | st.integers(1, 3650).map(lambda days: {"call": "last_days", "args": [days]})
ME = st.sampled_from(["me", "my_teams"]).map(lambda name: {"call": name, "args": []})
LENGTH = FIELDS.map(lambda field: {"call": "len", "args": [field]})


def row(left, ops, values):
    return st.tuples(left, st.sampled_from(ops), values).map(lambda row: {**row[0], "op": row[1], "value": row[2]})


ROWS = st.one_of(
    row(
        FIELDS,
        ["=", "!=", "contains", "not contains"],
        TEXTS | NUMBERS | st.booleans() | FIELDS | DAY | DAYS | PERIOD | ME,
    ),
    row(FIELDS, [">", ">=", "<", "<="], NUMBERS | DATES | FIELDS | DAY | LENGTH | PERIOD),
    row(FIELDS, ["in", "not in"], st.lists(TEXTS | NUMBERS | st.booleans() | PERIOD | ME, min_size=1, max_size=4)),
    row(DAYS | LENGTH, ["=", "!=", ">", "<="], NUMBERS | FIELDS),
    st.tuples(FIELDS | DAYS, st.sampled_from(["empty", "not empty"])).map(lambda row: {**row[0], "op": row[1]}),
)
NODES = st.recursive(
    ROWS,
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(lambda nodes: {"and": nodes}),
        st.lists(parts, min_size=1, max_size=3).map(lambda nodes: {"or": nodes}),
        parts.map(lambda node: {"not": node}),
    ),
    max_leaves=8,
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(), st.dates(), DATES, st.binary(),
    st.datetimes(timezones=st.none() | st.timezones()), st.complex_numbers(),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("abcxy") | st.integers() | st.dates(), inner, max_size=3)
    ),
    max_leaves=6,
)
DATA = st.dictionaries(KEYS | st.sampled_from("bdx"), VALUES, max_size=6)
JSON = st.recursive(
    SCALARS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["and", "or", "not", "field", "op", "value", "call", "args"]), inner)
    ),
    max_leaves=10,
)


def accepted(make, source) -> Condition | None:
    """None when refused; anything but our own refusal fails the test."""
    try:
        return make(source)
    except ConditionError:
        return None


@given(NODES, DATA)
def test_stored_and_typed_forms_mean_the_same(node, data):
    condition = accepted(Condition.from_json, node)
    if condition is None:  # over a cap
        return
    typed = parse(condition.text)
    again = Condition.from_json(json.loads(json.dumps(condition.to_json())))
    assert typed == again == condition
    assert typed.keys == condition.keys
    assert typed.to_json() == again.to_json() == condition.to_json()
    today = date(2026, 11, 22)
    assert joined(typed.parts()) == typed
    assert typed.holds(data, today=today) is again.holds(data, today=today) is condition.holds(data, today=today)


@given(NODES, DATA)
def test_not_is_the_opposite_and_the_answer_always_yes_or_no(node, data):
    condition, opposite = accepted(Condition.from_json, node), accepted(Condition.from_json, {"not": node})
    if condition is not None and opposite is not None:
        assert {condition.holds(data), opposite.holds(data)} == {True, False}


@given(KEYS, NUMBERS | TEXTS | st.booleans(), VALUES)
def test_equal_and_unequal_never_hold_together_and_never_for_a_missing_value(key, literal, value):
    same = Condition.from_json({"field": key, "op": "=", "value": literal})
    other = Condition.from_json({"field": key, "op": "!=", "value": literal})
    assert not (same.holds({key: value}) and other.holds({key: value}))
    assert not same.holds({})
    assert not other.holds({})


@given(
    st.text()
    | st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join)
    | st.lists(st.sampled_from(PIECES)).map("".join),
    DATA,
)
def test_any_text_is_read_or_refused_with_our_own_error(text, data):
    condition = accepted(parse, text)
    if condition is not None:
        assert parse(condition.text) == condition
        assert condition.holds(data) in {True, False}


@given(JSON, DATA)
def test_any_object_is_read_or_refused_with_our_own_error(obj, data):
    condition = accepted(Condition.from_json, obj)
    if condition is not None:
        assert condition.holds(data) in {True, False}


@given(st.text(max_size=30) | st.sampled_from(["a", "today", "len(a)", "days_between(a, today)", "'x'", "5"]), DATA)
def test_the_value_of_an_expression_is_a_plain_one_whatever_the_data(text, data):
    expression = accepted(parse_expression, text)
    if expression is not None:
        found = expression.value(data, today=date(2026, 11, 23))
        assert found is None or isinstance(found, str | int | float | bool | date)
