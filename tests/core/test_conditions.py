"""Does the condition language mean what docs/conditions.md says?"""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import IntEnum, StrEnum
from pathlib import Path

import pytest

from app.core import clock
from app.core.conditions import MAX_DEPTH, MAX_NODES, MAX_TEXT, Condition, ConditionError, joined, parse
from app.core.errors import BusinessError
from app.core.i18n import in_language

VECTORS = Path(__file__).parents[1] / "vectors"
SHARED = json.loads((VECTORS / "conditions.json").read_text(encoding="utf-8"))
ATTACKS = json.loads((VECTORS / "expression_attacks.json").read_text(encoding="utf-8"))
TODAY = date.fromisoformat(SHARED["today"])


def refusal(text: str) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize("vector", SHARED["vectors"], ids=lambda vector: vector["text"])
def test_shared_vectors_hold_as_typed_and_as_stored(vector):
    condition = parse(vector["text"])
    stored = Condition.from_json(json.loads(json.dumps(condition.to_json())))
    assert condition.holds(vector["data"], today=TODAY) is vector["holds"]
    assert stored.holds(vector["data"], today=TODAY) is vector["holds"]
    assert stored == condition == parse(condition.text)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack["name"])
def test_an_attack_is_refused_at_once(attack):
    started = time.process_time()
    with pytest.raises(ConditionError):
        parse(attack["text"])
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("compensation>500000", "compensation > 500000"),
        ("  a = 1\n\tAND\u00a0b = 2 ", "a = 1 and b = 2"),
        ("a = 1 và b = 2 hoặc không c = 3", "a = 1 and b = 2 or not c = 3"),
        ("((a = 1))", "a = 1"),
        ("(a = 1 or b = 2) or c = 3", "a = 1 or b = 2 or c = 3"),
        ("a = 1 and (b = 2 or c = 3)", "a = 1 and (b = 2 or c = 3)"),
        ("not (a = 1 and b = 2)", "not (a = 1 and b = 2)"),
        ("not not a = 1", "not not a = 1"),
        ("x không rỗng", "x not empty"),
        ("x không trong (đúng, sai)", "x not in (true, false)"),
        ("[tiep-nhan].outcome = 'x'", "[tiep-nhan].outcome = 'x'"),
        ("[approve].[outcome] = 'x'", "approve.outcome = 'x'"),
        ("[approve.outcome] = 'x'", "approve.outcome = 'x'"),
        ("[ a b ] = 'x'", "[a b] = 'x'"),
        ("[a..b] = 'x'", "[a..b] = 'x'"),
        ("[in] = 1", "[in] = 1"),
        ("[Len] = 1", "[Len] = 1"),
        ("in.x = 1", "in.x = 1"),
        ('a = "x"', "a = 'x'"),
        ('a = "it\'s"', 'a = "it\'s"'),
        ("a = 'say \"it''s\"'", "a = 'say \"it''s\"'"),
        ("a = 1.50", "a = 1.5"),
        ("a = 2.0", "a = 2"),
        ("a = -0", "a = 0"),
        ("a = 0.0000001", "a = 0.0000001"),
        ("a = 12.3450", "a = 12.3450"),
        ("a = 1234.567", "a = 1234.567"),
        ("due < TODAY", "due < today()"),
        ("days_between([a-b],today)>3", "days_between([a-b], today()) > 3"),
        ("spent > [budget]", "spent > [budget]"),
        ("at = THIS_WEEK and owner = me", "at = this_week() and owner = me()"),
        ("at in (today, last_days( 7 ), '2026-11-21')", "at in (today(), last_days(7), '2026-11-21')"),
        ("[me] = 1", "[me] = 1"),
    ],
)
def test_the_canonical_text_is_one_spelling(typed, canonical):
    assert parse(typed).text == canonical
    assert parse(canonical).text == canonical


@pytest.mark.parametrize(
    ("text", "hint", "position"),
    [
        ("", "empty", 0),
        ("  ", "empty", 0),
        ("x == 1", "Write = instead of ==", 2),
        ("x <> 1", "Write != instead of <>", 2),
        ("x => 1", "Write >= instead", 2),
        ("x ≥ 1", "Write >= instead of ≥", 2),
        ("x = 1 && y = 2", "Write and instead of &&", 6),
        ("x = “a”", 'Write " instead of “', 4),
        ("x > 500.000", "Write 500000,", 4),
        ("x > 12.345", "12.3450", 4),
        ("x > 1.250.000", "Write 1250000,", 4),
        ("x > 1.2.3", "without separators", 4),
        ("x > 500,000", "without separators", 7),
        ("x in (500,000)", "does not start with 0", 10),
        ("x > 500_000", "with digits only", 4),
        ("x > 5tr", "with digits only", 4),
        ("x > 1e5", "with digits only", 4),
        ("x > 1234567890123456", "at most 15 digits", 4),
        ("x > 0.1234567890123456", "at most 15 digits", 4),
        ("phone = 0912345678", "in quotes", 8),
        ("x = approve", "'approve'", 4),
        ("x in (approve)", "'approve'", 6),
        ("x > '500000'", "without quotes", 4),
        ("x > true", "without quotes", 4),
        ("x = ''", "field empty", 4),
        ("x contains ' '", "field empty", 11),
        ("500000 < x", "Put the field first", 0),
        ("'a' = x", "Put the field first", 0),
        ("1 < x < 5", "Put the field first", 0),
        ("x > 1 < 5", "One comparison at a time", 6),
        ("x", "a comparison is missing", 1),
        ("vip and x = 1", "a comparison is missing", 4),
        ("x not = 1", "a comparison is missing", 6),
        ("x =", "a value is missing", 3),
        ("x = 1 and", "a field is missing", 9),
        ("x = 1 y = 2", 'Join two conditions with "and" or "or"', 6),
        ("(x = 1", "Here ) is missing", 6),
        ("x in 'a'", "Here ( is missing", 5),
        ("x in ()", "a value is missing", 6),
        ("x = 1)", "closes nothing", 5),
        ("x = 'abc", "no closing quote", 4),
        ("[abc = 1", "no closing bracket", 0),
        ("[] = 1", "key", 0),
        ("x = 1; y = 2", "; has no meaning", 5),
        ("x\u200b= 1", "U+200B", 1),
        ("x = 'a\x00'", "cannot be shown", 4),
        ("x = '\ud800'", "cannot be shown", 4),
        ("tiếp.x = 1", "[tiếp]", 0),
        ("x.__class__ = 1", "[__class__]", 0),
        ("f(x) = 1", "There is no function f", 0),
        ("len(x, y) = 1", "Write len(note)", 0),
        ("len('abc') = 3", "Write len(note)", 0),
        ("len(x) = 'a'", "cannot be compared", 9),
        ("len(x) > today", "cannot be compared", 9),
        ("today = 5", "cannot be compared", 8),
        ("len(x) contains 1", "Only a field can contain", 16),
        ("days_between(a) > 1", "days_between(ordered_on", 0),
        ("days_between('mai', today) > 1", "days_between(ordered_on", 0),
        ("at = last_days()", "last_days(7), with 1 to 3650 days", 5),
        ("at = last_days(0)", "1 to 3650", 5),
        ("at = next_days(3651)", "next_days(7), with 1 to 3650", 5),
        ("at = last_days(1.5)", "1 to 3650", 5),
        ("at = last_days(true)", "1 to 3650", 5),
        ("at = last_days([n])", "1 to 3650", 5),
        ("at = this_week(1)", "Write this_week()", 5),
        ("this_week() = [at]", "brackets: [this_week]", 14),
        ("me = 'x'", "brackets: [me]", 5),
        ("my_teams() empty", "Put the field first", 16),
        ("at > me()", "a date such as", 5),
        ("len(x) = this_week()", "cannot be compared", 9),
        ("days_between(this_week(), today) > 1", "days_between(ordered_on", 0),
        ("x in (len([y]))", "In a list stand values", 5),
        ("x in (weekly())", "There is no function weekly", 6),
    ],
)
def test_a_refusal_says_what_to_write_and_where(text, hint, position):
    error = refusal(text)
    assert hint in str(error)
    assert error.position == position


def test_the_error_is_one_of_the_products_refusals():
    error = refusal("x ==")
    assert isinstance(error, BusinessError)
    assert error.status == 422
    assert error.code == "condition"


@pytest.mark.parametrize("text", ["x > 0.125", "x > 0.500", "x > 1234.567", "x > 1.5", "x > 1.2500", "x > -0.125"])
def test_a_decimal_that_cannot_be_thousands_is_taken_as_typed(text):
    assert parse(text).to_json()["value"] == float(text.split()[-1])


def test_a_text_of_500_characters_is_read_and_one_more_is_not():
    fits = f"x = '{'ế' * (MAX_TEXT - 6)}'"
    assert parse(fits).text == fits
    assert "500" in str(refusal(fits + " "))
    assert "500" in str(refusal("x" * 10**6))


def test_a_canonical_text_beyond_the_cap_is_refused_so_that_it_can_always_be_typed_again():
    assert "500" in str(refusal(" or ".join(f"x=0.{n}" for n in range(1, 50)) + " or x=" + "1" * 15 + " or y=1" * 6))


def test_120_parts_are_read_and_121_are_not():
    fits = "x in (" + ",".join(["1"] * (MAX_NODES - 2)) + ")"
    assert parse(fits)
    assert "120" in str(refusal(fits.replace(")", ",1)")))
    with pytest.raises(ConditionError, match="120"):
        Condition.from_json({"field": "x", "op": "in", "value": [1] * (MAX_NODES - 1)})


@pytest.mark.parametrize("opening", ["(", "not "])
def test_20_levels_are_read_and_21_are_not(opening):
    closing = ")" if opening == "(" else ""
    assert parse(opening * MAX_DEPTH + "x = 1" + closing * MAX_DEPTH)
    assert "20" in str(refusal(opening * (MAX_DEPTH + 1) + "x = 1" + closing * (MAX_DEPTH + 1)))


def test_groups_nest_to_20_levels_in_the_stored_form():
    node: dict[str, object] = {"field": "x", "op": "=", "value": 1}
    for _level in range(MAX_DEPTH):
        node = {"not": node}
    assert parse(Condition.from_json(node).text) == Condition.from_json(node)
    with pytest.raises(ConditionError, match="20"):
        Condition.from_json({"not": node})


def test_function_calls_nest_without_exhausting_python():
    assert "20" in str(refusal("x = " + "len(" * 100))


def test_the_stored_form_is_the_documented_one():
    text = "a > 1 and (b in ('x', 'y') or not c empty) and days_between(d, today()) <= [e.f] and g = true"
    assert parse(text).to_json() == {
        "and": [
            {"field": "a", "op": ">", "value": 1},
            {"or": [{"field": "b", "op": "in", "value": ["x", "y"]}, {"not": {"field": "c", "op": "empty"}}]},
            {
                "call": "days_between",
                "args": [{"field": "d"}, {"call": "today", "args": []}],
                "op": "<=",
                "value": {"field": "e.f"},
            },
            {"field": "g", "op": "=", "value": True},
        ]
    }


def endless() -> object:
    node: dict[str, object] = {}
    node["and"] = [node, node]
    return node


@pytest.mark.parametrize(
    "obj",
    [
        None,
        [],
        "x = 1",
        {},
        {"and": []},
        {"and": {}},
        {"and": [None]},
        {"xor": [{"field": "x", "op": "empty"}]},
        {"and": [{"field": "x", "op": "empty"}], "or": [{"field": "x", "op": "empty"}]},
        {"not": [{"field": "x", "op": "empty"}]},
        {"field": "x"},
        {"field": "x", "op": "=="},
        {"field": "x", "op": "==", "value": 1},
        {"field": "x", "op": ["="], "value": 1},
        {"field": "x", "op": "="},
        {"field": "x", "op": "=", "value": None},
        {"field": "x", "op": "=", "value": [1]},
        {"field": "x", "op": "=", "value": ""},
        {"field": "x", "op": "=", "value": "a\x00"},
        {"field": "x", "op": "=", "value": "a\ud800"},
        {"field": "x", "op": "=", "value": "a" * 501},
        {"field": "x", "op": "=", "value": float("nan")},
        {"field": "x", "op": "=", "value": float("inf")},
        {"field": "x", "op": "=", "value": 0.1 + 0.2},
        {"field": "x", "op": "=", "value": 10**400},
        {"field": "x", "op": "=", "value": 1, "more": 1},
        {"field": "x", "op": "empty", "value": 1},
        {"field": "x", "op": "in", "value": 1},
        {"field": "x", "op": "in", "value": []},
        {"field": "x", "op": "in", "value": [{"field": "y"}]},
        {"field": "x", "op": ">", "value": "abc"},
        {"field": "", "op": "empty"},
        {"field": 5, "op": "empty"},
        {"field": " x", "op": "empty"},
        {"field": "a[b", "op": "empty"},
        {"field": "a\nb", "op": "empty"},
        {"field": "x" * 201, "op": "empty"},
        {"field": "x", "call": "len", "args": [], "op": "empty"},
        {"call": "eval", "args": [], "op": "empty"},
        {"call": "len", "args": [], "op": "=", "value": 1},
        {"call": "len", "args": [5], "op": "=", "value": 1},
        {"call": "len", "args": {"field": "x"}, "op": "=", "value": 1},
        {"call": "len", "args": [{"field": "x"}], "op": "=", "value": "a"},
        {"field": "x", "op": "=", "value": {"call": "len", "args": [{"field": "y"}], "op": "="}},
        {"field": "x", "op": "in", "value": [{"call": "len", "args": [{"field": "y"}]}]},
        {"field": "x", "op": "in", "value": [{"call": "this_week"}]},
        {"field": "x", "op": "=", "value": {"call": "last_days", "args": ["7"]}},
        {"field": "x", "op": "=", "value": {"call": "last_days", "args": [10**9]}},
        {"call": "this_week", "args": [], "op": "=", "value": {"field": "x"}},
        endless(),
    ],
    ids=lambda obj: repr(obj)[:60],
)
def test_a_stored_form_with_anything_unknown_is_refused(obj):
    with pytest.raises(ConditionError) as caught:
        Condition.from_json(obj)
    assert caught.value.position is None


def test_keys_are_those_on_both_sides_and_in_functions():
    condition = parse("a = 1 or not [b-c].d in ('x') and days_between(e, today) > [f] and len(g) = 1")
    assert condition.keys == {"a", "b-c.d", "e", "f", "g"}


def test_conditions_are_values():
    assert parse("a=1") == parse("[a] = 1.0")
    assert parse("a = 1") != parse("a = true")
    assert len({parse("a=1"), parse("a = 1")}) == 1
    with pytest.raises(AttributeError):
        parse("a = 1").text = "b = 1"  # type: ignore[misc]


@pytest.mark.parametrize("stored", [500001, 500001.0, Decimal("500000.01"), 10**400, Decimal("1e999999")])
def test_numbers_of_every_kind_compare_by_value(stored):
    assert parse("x > 500000").holds({"x": stored})
    assert not parse("x <= 500000").holds({"x": stored})


def test_a_decimal_equals_the_number_as_typed():
    assert parse("x = 0.1").holds({"x": Decimal("0.1")})
    assert parse("x in (0.1)").holds({"x": Decimal("0.10")})
    assert parse("x = [y]").holds({"x": 0.1, "y": Decimal("0.1")})


@pytest.mark.parametrize(
    "stored", [float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), 1j, b"1", object(), {}]
)
@pytest.mark.parametrize("text", ["x = 1", "x != 1", "x > 1", "x <= 1", "x in (1)", "x not in (1)", "x contains 1"])
def test_what_is_no_number_compares_false(stored, text):
    assert not parse(text).holds({"x": stored})


def test_enum_members_compare_as_what_is_stored():
    state = StrEnum("state", {"ready": "ready"})
    level = IntEnum("level", {"high": 3})
    assert parse("x = 'ready' and y >= 3").holds({"x": state.ready, "y": level.high})


def test_dates_and_moments_compare_with_iso_texts():
    data = {"day": date(2026, 11, 21), "at": datetime(2026, 11, 21, 17, 0, tzinfo=UTC)}
    assert parse("day = '2026-11-21' and day < [at] and at = '2026-11-22'").holds(data)
    assert parse("at = '2026-11-22T00:00' and at = '2026-11-21T17:00Z'").holds(data)
    assert parse("days_between(day, at) = 1").holds(data)
    assert not parse("day != 20261121").holds(data)


class Nowhere(tzinfo):
    """A zone that cannot tell its offset."""


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
        datetime(2026, 1, 1, tzinfo=Nowhere()),
    ],
)
def test_a_moment_without_a_day_here_compares_false(moment):
    assert not parse("x > '2026-01-01' or x <= '2026-01-01' or days_between(x, today) > 0").holds({"x": moment})


class Hostile:
    """Raises whatever is asked of it."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    "text", ["x = 'a'", "x > 1", "x in ('a')", "x contains 'a'", "x.y = 1", "len(x) > 0", "days_between(x, x) > 0"]
)
def test_no_code_of_a_stored_object_runs(text):
    assert not parse(text).holds({"x": Hostile()})
    assert not parse(text).holds({"x": [Hostile()]} if "len" not in text else {})


def test_a_text_or_list_of_more_than_10000_is_not_looked_into():
    assert parse("x contains 'a'").holds({"x": "a" * 10_000})
    assert not parse("x contains 'a'").holds({"x": "a" * 10_001})
    assert not parse("x contains 'a'").holds({"x": ["a"] * 10_001})
    assert parse("len(x) = 10001 and x not empty").holds({"x": "a" * 10_001})


def test_today_is_the_clocks_day_in_the_company():
    with clock.at(datetime(2026, 11, 21, 17, 0, tzinfo=UTC)):
        assert parse("x = today").holds({"x": "2026-11-22"})
        assert parse("x = today").holds({"x": "2026-11-21"}, today=date(2026, 11, 21))


def test_me_is_nobody_unless_it_is_told():
    assert parse("owner = me()").holds({"owner": 3}, me=3)
    assert parse("owner in (me(), 9)").holds({"owner": 3}, me=3)
    assert not parse("owner = me() or owner != me()").holds({"owner": 3})
    assert parse("at = this_week() and owner != me()").holds({"at": "2026-11-22", "owner": 3}, today=TODAY, me=4)


@pytest.mark.parametrize("today", [date.min, date.max])
def test_a_period_beyond_the_calendar_compares_false(today):
    for call in ("last_week()", "next_week()", "next_month()", "last_month()", "last_days(3650)", "next_days(3650)"):
        texts = f"x = {call}", f"x != {call}", f"x < {call}", f"x > {call}", f"x in ({call})", f"x not in ({call})"
        held = [parse(text).holds({"x": date(2026, 11, 22)}, today=today) for text in texts]
        assert sum(held) in {0, 3}  # the period is not there, or it is elsewhere: !=, < or >, not in


def test_a_list_of_periods_asks_the_clock_for_the_day():
    with clock.at(datetime(2026, 11, 21, 17, 0, tzinfo=UTC)):
        assert parse("x in (today())").holds({"x": "2026-11-22"})


def test_a_condition_comes_apart_into_what_must_hold_and_is_put_together_again():
    condition = parse("a = 1 and (b = 2 or c = 3) and not (d = 4 and e = 5)")
    assert [part.text for part in condition.parts()] == ["a = 1", "b = 2 or c = 3", "not (d = 4 and e = 5)"]
    assert joined(condition.parts()) == condition
    assert condition.without(1) == parse("a = 1 and not (d = 4 and e = 5)")
    assert [part.text for part in parse("a = 1 or b = 2").parts()] == ["a = 1 or b = 2"]
    span = parse("a = 1 and b >= 2 and b <= 5 and b <= 4")
    assert [part.text for part in span.parts()] == ["a = 1", "b >= 2 and b <= 5", "b <= 4"]
    assert span.without(1) == parse("a = 1 and b <= 4")
    assert parse("a = 1 or b = 2").without(0) is None
    assert joined([]) is None
    assert joined([parse("a = 1 or b = 2"), parse("c = 3 and d = 4")]) == parse("(a = 1 or b = 2) and c = 3 and d = 4")


def test_conditions_that_are_too_big_together_are_refused():
    with pytest.raises(ConditionError, match="500"):
        joined([parse(f"x = '{'a' * 400}'"), parse(f"y = '{'a' * 400}'")])


LABELS = {"created_at": "Ngày tạo", "owner": "Người phụ trách", "kind": "Loại", "price": "Giá", "team": "Bộ phận"}


@pytest.mark.parametrize(
    ("typed", "vietnamese", "english"),
    [
        ("created_at = this_week()", "Ngày tạo trong tuần này", "Ngày tạo is in this week"),
        ("created_at != last_month()", "Ngày tạo ngoài tháng trước", "Ngày tạo is not in last month"),
        ("created_at = last_days(7)", "Ngày tạo trong 7 ngày qua", "Ngày tạo is in the last 7 days"),
        ("created_at in (today(), next_days(30))", "Ngày tạo trong hôm nay, 30 ngày tới", None),
        ("created_at = today()", "Ngày tạo trong hôm nay", "Ngày tạo is in today"),
        ("created_at < yesterday()", "Ngày tạo trước hôm qua", "Ngày tạo before yesterday"),
        ("created_at >= '2026-11-21'", "Ngày tạo từ <2026-11-21>", "Ngày tạo since <2026-11-21>"),
        ("created_at <= this_year()", "Ngày tạo đến hết năm nay", "Ngày tạo until the end of this year"),
        ("created_at = '2026-11-21'", "Ngày tạo là ngày <2026-11-21>", "Ngày tạo is the day <2026-11-21>"),
        ("price >= 5 and price <= 9", "Giá từ <5> đến <9>", "Giá from <5> to <9>"),
        ("price <= 9 and price >= 5", "Giá từ <9> trở xuống và Giá từ <5> trở lên", None),
        ("price >= 5 or price <= 9", "Giá từ <5> trở lên hoặc Giá từ <9> trở xuống", None),
        ("owner = me()", "Người phụ trách là tôi", "Người phụ trách is me"),
        ("team = my_teams()", "Bộ phận là bộ phận của tôi", "Bộ phận is my teams"),
        ("kind = 'company'", "Loại là <company>", "Loại is <company>"),
        ("kind != 'company' or price > 5", "Loại không là <company> hoặc Giá trên <5>", None),
        ("kind in ('a', 'b')", "Loại là một trong <a>, <b>", "Loại is one of <a>, <b>"),
        ("kind empty", "Loại trống", "Loại is empty"),
    ],
)
def test_a_condition_reads_as_people_would_say_it(app, typed, vietnamese, english):
    for language, expected in (("vi", vietnamese), ("en", english)):
        with app.app_context(), in_language(language):
            said = parse(typed).sentence(LABELS, lambda _key, value: f"<{value}>")
        assert expected is None or said == expected


def test_a_condition_reads_as_a_sentence_with_labels():
    condition = parse("compensation > 500000 and (approve.outcome in ('approve', 'reject') or not paid = true)")
    assert condition.sentence({"compensation": "Tiền bồi thường", "paid": "Đã trả"}) == (
        "Tiền bồi thường is above 500000 and (approve.outcome is one of 'approve', 'reject' or not (Đã trả is yes))"
    )
    assert parse("days_between(a, today) <= 3 and len(b) not empty").sentence() == (
        "the days from a to today is at most 3 and the length of b is filled in"
    )


def test_the_documented_examples_are_read():
    page = (Path(__file__).parents[2] / "docs" / "conditions.md").read_text(encoding="utf-8")
    stored = Condition.from_json(json.loads(page.split("```json\n")[1].split("```")[0]))
    typed = parse(page.split('parse("')[1].split('")')[0])
    assert stored.keys == {"compensation", "channel", "note", "spent", "budget", "due"}
    assert typed.holds({"compensation": 600000, "approve.outcome": "approve"})
