"""What every kind of field does, tried with the examples that stand in its own test file (tests/forms/fields/)."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from importlib import import_module
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.forms.fields import TYPES
from app.forms.fields.base import FieldSpec, Group, Kind
from tests.forms.examples import CONTEXT, Examples, a_field

MILLION = "9" * 1_000_000


def _examples() -> dict[str, Examples]:
    files = sorted((Path(__file__).parent / "fields").glob("test_*.py"))
    found = [import_module(f"tests.forms.fields.{file.stem}").EXAMPLES for file in files]
    return {one.code: one for one in found}


EXAMPLES = _examples()
ANSWERED = [code for code in EXAMPLES if TYPES[code].has_answer and not TYPES[code].is_worked_out]
RIGHT = [(code, *case) for code in ANSWERED for case in EXAMPLES[code].right]
EVERY_RIGHT = [(one.code, *case) for one in EXAMPLES.values() for case in one.right]
NEVER = [[], {}, [1], {"a": {"b": [1]}}, ["yes"], b"bytes", date(2026, 11, 22), Ellipsis, float("nan"), float("inf"),
         -float("inf"), MILLION, "a\0b", "1\0", "22/11/2026\0", "\ud800", "x\x1b[31m", 10**400]  # fmt: skip


def field_of(code: str, **settings):
    return a_field(code, **{**EXAMPLES[code].settings, **settings})


def read(code: str, raw: object, **settings):
    one = field_of(code, **settings)
    return one.type.parse(raw, one.spec, CONTEXT)


def test_every_file_of_a_type_has_its_file_of_examples():
    assert set(EXAMPLES) == set(TYPES)
    for code, kind in TYPES.items():
        assert kind.code == code
        assert type(kind).__module__ == f"app.forms.fields.{code}"
        assert str(kind.label)
        assert kind.group in Group
        assert kind.index is None or kind.index in Kind
        assert all(str(setting.label) and setting.editor for setting in kind.settings)
        assert EXAMPLES[code].right or not kind.has_answer


@pytest.mark.parametrize(("code", "raw", "value", "shown"), EVERY_RIGHT)
def test_right_input_is_read_and_shown(code, raw, value, shown):
    one = field_of(code)
    if one.type.is_worked_out:
        found = one.type.worked_out(one.spec, CONTEXT)
    else:
        parsed = one.type.parse(raw, one.spec, CONTEXT)
        assert parsed.problems == ()
        found = parsed.value
    assert found == value
    assert type(found) is type(value)
    assert one.type.show(found, one.spec, CONTEXT) == shown


@pytest.mark.parametrize(("code", "raw", "value", "shown"), RIGHT)
def test_what_is_written_back_reads_the_same(code, raw, value, shown):
    one = field_of(code)
    assert one.type.parse(one.type.write(value, one.spec, CONTEXT), one.spec, CONTEXT).value == value


WRONG = (
    [(one.code, raw) for one in EXAMPLES.values() for raw in one.wrong]
    + [(code, raw) for code in ANSWERED for raw in NEVER if not TYPES[code].is_empty(raw)]
    + [(code, raw) for code in ANSWERED if code != "yes_no" for raw in (True, False)]
)


@pytest.mark.parametrize(("code", "raw"), WRONG, ids=lambda part: repr(part)[:30])
def test_wrong_input_is_refused_with_one_sentence(code, raw):
    parsed = read(code, raw)
    assert parsed.value is None
    assert len(parsed.problems) == 1
    # A lazy sentence counts as safe HTML, so nothing foreign may stand in it.
    assert re.search("[^<>]", str(parsed.problems[0]))
    assert not re.search("[<>]", str(parsed.problems[0]))


@pytest.mark.parametrize("code", ANSWERED)
@pytest.mark.parametrize("raw", [None, "", "  ", "\t\n", "\u00a0\u200b\ufeff "])
def test_nothing_is_no_answer_and_a_problem_only_where_one_is_required(code, raw):
    assert read(code, raw) == TYPES[code].parse(None, FieldSpec("k", code, "x"), CONTEXT)
    assert read(code, raw).problems == ()
    assert len(read(code, raw, required=True).problems) == 1


PARTS = st.sampled_from(["province", "ward", "street", "what", "count", "price", ""])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates()
    | st.text(alphabet="0123456789.,-+/ ()₫đ:hgM L%") | st.sampled_from(["red", "yes", "0912 345 678"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | PARTS, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
NAMES = st.sampled_from(["", "ward", "0.what", "0.", "1.count.x", ".", "²", "0"])
INDEXED = {Kind.text: str, Kind.number: float, Kind.date: date, Kind.moment: datetime}


@pytest.mark.parametrize("code", ANSWERED)
@given(raw=ANYTHING)
def test_reading_never_raises_and_what_was_read_survives_every_way(code, raw):
    one = field_of(code)
    parsed = one.type.parse(raw, one.spec, CONTEXT)
    assert parsed.value is None or not parsed.problems
    if parsed.value is None:
        return
    stored = json.loads(json.dumps(parsed.value))
    assert stored == parsed.value
    assert one.type.parse(stored, one.spec, CONTEXT).value == parsed.value
    assert one.type.parse(one.type.write(stored, one.spec, CONTEXT), one.spec, CONTEXT).value == parsed.value
    shown = one.type.show(stored, one.spec, CONTEXT)
    if EXAMPLES[code].is_typed_as_shown:
        assert one.type.parse(shown, one.spec, CONTEXT).value == parsed.value
    if one.type.index is not None:
        assert all(isinstance(part, INDEXED[one.type.index]) for part in one.type.indexed(stored))


@pytest.mark.parametrize("code", ["address", "choices", "file", "rows"])
@given(posted=st.dictionaries(NAMES | st.text(max_size=5), st.lists(st.text(max_size=5), min_size=1), max_size=4))
def test_whatever_a_page_sends_is_read_without_a_stumble(code, posted):
    one = field_of(code)
    one.type.parse(one.type.gather(posted), one.spec, CONTEXT)


@pytest.mark.parametrize(("code", "raw", "value", "shown"), EVERY_RIGHT)
def test_the_schema_takes_the_values(code, raw, value, shown):
    one = field_of(code)
    schema = one.type.schema(one.spec, CONTEXT)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize(
    ("code", "settings", "wrong"),
    [
        ("integer", {"max": 10}, 11),
        ("integer", {}, "12"),
        ("decimal", {"max": 2.5}, 2.6),
        ("money", {"min": 0}, -1),
        ("money", {}, 1.5),
        ("percent", {}, 101),
        ("choice", {}, "green"),
        ("choices", {}, ["red", "green"]),
        ("choices", {}, ["red", "red"]),
        ("yes_no", {}, "yes"),
        ("text", {"max_length": 3}, "abcd"),
        ("text", {"required": True}, ""),
        ("phone", {}, "gọi sau"),
        ("customer", {}, 0),
        ("date", {}, 20261122),
        ("time", {}, "24:00"),
        ("citizen_id", {}, "12"),
        ("address", {}, {"province": "01"}),
        ("rows", {"max": 1}, [{"what": "a"}, {"what": "b"}]),
        ("rows", {}, [{"count": 1}]),
        ("signature", {}, "M1 1Z"),
        ("file", {"max": 1}, [1, 2]),
    ],
)
def test_the_schema_refuses_what_is_refused(code, settings, wrong):
    one = field_of(code, **settings)
    assert not jsonschema.Draft202012Validator(one.type.schema(one.spec, CONTEXT)).is_valid(wrong)


def test_schemas_say_what_integrations_lean_on():
    money, colours = field_of("money", min=0, max=9), field_of("choice")
    assert money.type.schema(money.spec, CONTEXT) == {"type": "integer", "minimum": 0, "maximum": 9}
    assert TYPES["date"].schema(FieldSpec("k", "date", "x"), CONTEXT) == {"type": "string", "format": "date"}
    assert colours.type.schema(colours.spec, CONTEXT)["oneOf"] == [
        {"const": "red", "title": "Đỏ"},
        {"const": "blue", "title": "Xanh"},
    ]


def test_every_type_and_everything_that_can_be_set_stands_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs" / "forms.md").read_text(encoding="utf-8")
    for code, kind in TYPES.items():
        for name in (code, *(setting.name for setting in kind.settings)):
            assert f"`{name}`" in guide, name
