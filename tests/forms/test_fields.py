from __future__ import annotations

import json
import re
from datetime import date

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.forms import rules
from app.forms.fields import TYPES
from app.forms.fields.base import Context, Control, FieldSpec, Kind

MILLION = "9" * 1_000_000
COLOURS = [{"value": "red", "label": "Đỏ"}, {"value": "blue", "label": {"vi": "Xanh", "en": "Blue"}}]


class TwoCustomers:
    """Lan may see customers 1 and 7."""

    def name_of(self, customer_id: int) -> str | None:
        return {1: "Nguyễn Văn An", 7: "Công ty Sao Mai"}.get(customer_id)


CONTEXT = Context(TwoCustomers())


def a_field(code: str, **properties) -> rules.FormField:
    if code == "choice":
        properties.setdefault("options", COLOURS)
    given = {"key": "k", "type": code, "label": "Câu hỏi", **properties}
    assert rules.check_definition({"name": "Thử", "fields": [given]}) == []
    return rules.read_field(given)


def read(code: str, raw: object, **properties):
    one = a_field(code, **properties)
    return one.type.parse(raw, one.spec, CONTEXT)


ACCEPTED = [
    # type, raw, value, shown
    ("text", "  PS-00123 ", "PS-00123", "PS-00123"),
    ("text", "một\ndòng", "một dòng", "một dòng"),
    ("text", "e\u0323\u0302", "ệ", "ệ"),
    ("text", "<b>đậm</b>", "<b>đậm</b>", "<b>đậm</b>"),
    ("long_text", "một\r\nhai  \rba\n", "một\nhai\nba", "một\nhai\nba"),
    ("long_text", "cột\tcột", "cột\tcột", "cột\tcột"),
    ("integer", "1.250.000", 1250000, "1.250.000"),
    ("integer", "1 250", 1250, "1.250"),
    ("integer", "-12", -12, "-12"),
    ("integer", "０１２", 12, "12"),
    ("integer", 0, 0, "0"),
    ("integer", 5.0, 5, "5"),
    ("integer", 2**53 - 1, 2**53 - 1, "9.007.199.254.740.991"),
    ("money", "500.000 đ", 500000, "500.000\u00a0₫"),
    ("money", "500,000", 500000, "500.000\u00a0₫"),
    ("money", 1250000, 1250000, "1.250.000\u00a0₫"),
    ("date", "22/11/2026", "2026-11-22", "22/11/2026"),
    ("date", "1/2/2026", "2026-02-01", "01/02/2026"),
    ("date", "2026-11-22", "2026-11-22", "22/11/2026"),
    ("date", "29/02/2028", "2028-02-29", "29/02/2028"),
    ("choice", "blue", "blue", "Xanh"),
    ("yes_no", True, True, "Yes"),
    ("yes_no", "no", False, "No"),
    ("yes_no", "CÓ", True, "Yes"),
    ("yes_no", "co\u0301", True, "Yes"),
    ("phone", "0912 345 678", "+84912345678", "0912 345 678"),
    ("phone", "+84 912.345.678", "+84912345678", "0912 345 678"),
    ("customer", "7", 7, "Công ty Sao Mai"),
    ("customer", 1, 1, "Nguyễn Văn An"),
]


@pytest.mark.parametrize(("code", "raw", "value", "shown"), ACCEPTED)
def test_right_input_is_read_and_shown(code, raw, value, shown):
    one = a_field(code)
    parsed = one.type.parse(raw, one.spec, CONTEXT)
    assert parsed.problems == ()
    assert parsed.value == value
    assert type(parsed.value) is type(value)
    assert one.type.show(parsed.value, one.spec, CONTEXT) == shown


@pytest.mark.parametrize(("code", "raw", "value", "shown"), ACCEPTED)
def test_what_is_written_back_reads_the_same(code, raw, value, shown):
    one = a_field(code)
    assert one.type.parse(one.type.write(value, one.spec), one.spec, CONTEXT).value == value


EVERY_TYPE = sorted(TYPES)
NEVER = [
    [],
    {},
    [1],
    {"a": {"b": [1]}},
    ["yes"],
    b"bytes",
    date(2026, 11, 22),
    Ellipsis,
    float("nan"),
    float("inf"),
    -float("inf"),
]
REFUSED = (
    [(code, raw) for code in EVERY_TYPE for raw in NEVER]
    + [(code, MILLION) for code in EVERY_TYPE]
    + [(code, raw) for code in EVERY_TYPE for raw in ("a\0b", "1\0", "22/11/2026\0", "\ud800", "x\x1b[31m")]
    + [(code, raw) for code in EVERY_TYPE if code != "yes_no" for raw in (True, False)]
    + [(code, 10**400) for code in EVERY_TYPE]
    + [("integer", raw) for raw in ("abc", "1,5", "1.5", 1.5, "12.34.56", "1e5", "0x10", "٣", "²", "--1", "1_000")]
    + [("integer", 2**53), ("integer", -(2**53)), ("integer", "9.007.199.254.740.992")]
    + [("money", raw) for raw in ("năm trăm", "1.5", 0.5, "$5", "5 triệu", "９" * 30)]
    + [("date", raw) for raw in ("31/02/2026", "2026-02-30", "11/22/2026", "22/11/026", "00/01/2026", "20261122",
                                 20261122, "2026-11-22T10:00:00", "01/01/0001", "31/12/9999", "hôm nay")]
    + [("choice", raw) for raw in ("green", "RED", "Đỏ", 1, "red ")]
    + [("yes_no", raw) for raw in (1, 0, 1.0, "maybe", "t", "on")]
    + [("phone", raw) for raw in ("123", "0912", 912345678, "0912 345 67x", "0912345678; 0987654321")]
    + [("customer", raw) for raw in (2, 0, -1, "-1", 2**31, "99999999999", "An", "1.0", 1.5, "１")]
    + [("text", "a" * 201), ("long_text", "a" * 5001), ("text", 12), ("long_text", 12)]
)  # fmt: skip


@pytest.mark.parametrize(("code", "raw"), REFUSED, ids=lambda part: repr(part)[:30])
def test_wrong_input_is_refused_with_one_sentence(code, raw):
    parsed = read(code, raw)
    assert parsed.value is None
    assert len(parsed.problems) == 1
    assert str(parsed.problems[0])


@pytest.mark.parametrize("code", EVERY_TYPE)
@pytest.mark.parametrize("raw", [None, "", "  ", "\t\n", "\u00a0\u200b\ufeff "])
def test_nothing_is_no_answer_and_a_problem_only_where_one_is_required(code, raw):
    assert read(code, raw) == rules.TYPES[code].parse(None, FieldSpec("k", code, "x"), CONTEXT)
    assert read(code, raw).problems == ()
    assert len(read(code, raw, required=True).problems) == 1


@pytest.mark.parametrize(("code", "raw"), [("integer", 0), ("integer", "0"), ("yes_no", False), ("yes_no", "no")])
def test_zero_and_no_are_answers(code, raw):
    assert read(code, raw, required=True).problems == ()


@pytest.mark.parametrize(
    ("code", "properties", "low", "high", "below", "above"),
    [
        ("integer", {"min": 0, "max": 10}, 0, 10, -1, 11),
        ("money", {"min": 1000, "max": 5000}, "1.000", "5.000", "999", "5.001"),
        ("date", {"min": "2026-01-01", "max": "2026-12-31"}, "01/01/2026", "31/12/2026", "31/12/2025", "01/01/2027"),
        ("text", {"min_length": 2, "max_length": 4}, "ab", "abcd", "a", "abcde"),
        ("long_text", {"min_length": 2, "max_length": 4}, "a\nb", "abcd", "a", "abcde"),
    ],
)
def test_limits_belong_to_what_is_allowed(code, properties, low, high, below, above):
    assert read(code, low, **properties).problems == ()
    assert read(code, high, **properties).problems == ()
    assert len(read(code, below, **properties).problems) == 1
    assert len(read(code, above, **properties).problems) == 1


@pytest.mark.parametrize(
    ("code", "raw", "example"),
    [
        ("phone", "0912 34", "0912 345 678"),
        ("date", "x", "22/11/2026"),
        ("integer", "x", "1.250"),
        ("money", "x", "500.000"),
    ],
)
def test_a_refusal_gives_an_example_that_would_be_accepted(code, raw, example):
    assert example in str(read(code, raw).problems[0])
    assert read(code, example).problems == ()


def test_a_limit_is_told_as_people_write_it():
    assert "1.000.000" in str(read("integer", 1_000_001, max=1_000_000).problems[0])
    assert "500.000\u00a0₫" in str(read("money", 500_001, max=500_000).problems[0])
    assert "31/12/2026" in str(read("date", "01/01/2027", max="2026-12-31").problems[0])


def test_a_customer_out_of_sight_shows_no_name():
    one = a_field("customer")
    assert "Sao Mai" in one.type.show(7, one.spec, CONTEXT)
    assert "Sao Mai" not in one.type.show(7, one.spec, Context())
    assert len(one.type.parse(7, one.spec, Context()).problems) == 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates()
    | st.text(alphabet="0123456789.,-+/ ()₫đ") | st.sampled_from(["red", "yes", "0912 345 678", "22/11/2026"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@pytest.mark.parametrize("code", EVERY_TYPE)
@given(raw=ANYTHING)
def test_reading_never_raises_and_what_was_read_survives_every_way(code, raw):
    one = a_field(code)
    parsed = one.type.parse(raw, one.spec, CONTEXT)
    assert parsed.value is None or not parsed.problems
    if parsed.value is None:
        return
    stored = json.loads(json.dumps(parsed.value))
    assert stored == parsed.value
    assert one.type.parse(stored, one.spec, CONTEXT).value == parsed.value
    assert one.type.parse(one.type.write(stored, one.spec), one.spec, CONTEXT).value == parsed.value
    shown = one.type.show(stored, one.spec, CONTEXT)
    if one.type.face.control not in {Control.choice, Control.lookup}:
        assert one.type.parse(shown, one.spec, CONTEXT).value == parsed.value
    if one.type.index is not None:
        assert isinstance(one.type.indexed(stored), {"text": str, "number": float, "date": date}[one.type.index])


@pytest.mark.parametrize(("code", "raw", "value", "shown"), ACCEPTED)
def test_the_schema_takes_the_values(code, raw, value, shown):
    one = a_field(code)
    jsonschema.Draft202012Validator(one.type.schema(one.spec)).validate(value)


@pytest.mark.parametrize(
    ("code", "properties", "wrong"),
    [
        ("integer", {"max": 10}, 11),
        ("integer", {}, "12"),
        ("money", {"min": 0}, -1),
        ("money", {}, 1.5),
        ("choice", {}, "green"),
        ("yes_no", {}, "yes"),
        ("text", {"max_length": 3}, "abcd"),
        ("text", {"required": True}, ""),
        ("phone", {}, "gọi sau"),
        ("customer", {}, 0),
        ("date", {}, 20261122),
    ],
)
def test_the_schema_refuses_what_is_refused(code, properties, wrong):
    one = a_field(code, **properties)
    assert not jsonschema.Draft202012Validator(one.type.schema(one.spec)).is_valid(wrong)


def test_schemas_say_what_integrations_lean_on():
    assert a_field("money", min=0, max=9).type.schema(a_field("money", min=0, max=9).spec) == {
        "type": "integer", "minimum": 0, "maximum": 9,
    }  # fmt: skip
    assert TYPES["date"].schema(FieldSpec("k", "date", "x")) == {"type": "string", "format": "date"}
    colours = a_field("choice")
    assert colours.type.schema(colours.spec)["oneOf"] == [
        {"const": "red", "title": "Đỏ"},
        {"const": "blue", "title": "Xanh"},
    ]


def test_the_nine_types_are_found_in_their_files():
    assert set(TYPES) == {
        "text", "long_text", "integer", "money", "date", "choice", "yes_no", "phone", "customer",
    }  # fmt: skip
    for code, kind in TYPES.items():
        assert kind.code == code
        assert type(kind).__module__ == f"app.forms.fields.{code}"
        assert str(kind.label)
        assert kind.index is None or kind.index in Kind


def test_no_sentence_repeats_what_was_typed():
    # A lazy sentence counts as safe HTML, so nothing foreign may stand in it.
    for code in EVERY_TYPE:
        for sentence in read(code, "<script>").problems:
            assert not re.search("[<>]", str(sentence))
