from __future__ import annotations

import copy

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidInputError
from app.core.i18n import in_language
from app.forms import library, rules
from app.forms.fields.base import Context

CONTEXT = Context()


def a_form(*fields: dict, **more) -> dict:
    return {"name": {"vi": "Phiếu", "en": "Slip"}, "fields": list(fields) or [a_field()], **more}


def a_field(key="note", type="text", label="Ghi chú", **more) -> dict:
    return {"key": key, "type": type, "label": label, **more}


def found(raw: object) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in rules.check_definition(raw)]


def option(value="a", label="A") -> dict:
    return {"value": value, "label": label}


@pytest.mark.parametrize(
    "raw",
    [
        a_form(),
        {"name": "Tên một thứ tiếng", "fields": [a_field()]},
        a_form(a_field(label={"vi": "Ghi chú"}, help={"en": "Anything"}, required=True, default="x", searchable=True)),
        a_form(a_field(type="choice", options=[option(), option("b", {"vi": "B"})], default="b")),
        a_form(a_field(type="integer", min=-5, max=5, default="3"), a_field("k2", "yes_no", default=False)),
        a_form(a_field(type="money", min=0, default="500.000")),
        a_form(a_field(type="date", min="2026-01-01", max="2026-01-01")),
        a_form(a_field(type="long_text", rows=6, min_length=0, max_length=20000)),
        a_form(*[a_field(f"k{number}") for number in range(200)]),
        a_form(a_field("a" + "b" * 40)),
    ],
)
def test_a_well_drawn_form_has_no_problems(raw):
    assert found(raw) == []
    assert rules.read_definition(raw).fields


CROSSED = {"min": 5, "max": 1}


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (None, ("", "not_an_object")),
        ([], ("", "not_an_object")),
        ({"fields": [a_field()]}, ("name", "bad_words")),
        (a_form(name=""), ("name", "no_words")),
        (a_form(name={}), ("name", "bad_words")),
        (a_form(name={"fr": "x"}), ("name", "unknown_language")),
        (a_form(name={"vi": 5}), ("name", "bad_words")),
        (a_form(name="x" * 501), ("name", "bad_words")),
        (a_form(theme="dark"), ("theme", "unknown_property")),
        ({"name": "x"}, ("fields", "no_fields")),
        ({"name": "x", "fields": []}, ("fields", "no_fields")),
        ({"name": "x", "fields": {}}, ("fields", "no_fields")),
        (a_form(*[a_field(f"k{number}") for number in range(201)]), ("fields", "too_many_fields")),
        ({"name": "x", "fields": ["note"]}, ("fields[0]", "not_an_object")),
        (a_form(a_field(key="Note")), ("fields[0].key", "bad_key")),
        (a_form(a_field(key="2nd")), ("fields[0].key", "bad_key")),
        (a_form(a_field(key="ghi_chú")), ("fields[0].key", "bad_key")),
        (a_form(a_field(key="a.b")), ("fields[0].key", "bad_key")),
        (a_form(a_field(key="note\n")), ("fields[0].key", "bad_key")),
        (a_form(a_field(key="a" * 42)), ("fields[0].key", "bad_key")),
        (a_form(a_field(key=None)), ("fields[0].key", "bad_key")),
        (a_form(a_field(), a_field()), ("fields[1].key", "duplicate_key")),
        (a_form(a_field(type="password")), ("fields[0].type", "unknown_type")),
        (a_form(a_field(type=["text"])), ("fields[0].type", "unknown_type")),
        (a_form(a_field(label="")), ("fields[0].label", "no_words")),
        (a_form(a_field(label="\u200b")), ("fields[0].label", "no_words")),
        (a_form(a_field(help=5)), ("fields[0].help", "bad_words")),
        (a_form(a_field(required="yes")), ("fields[0].required", "not_yes_or_no")),
        (a_form(a_field(searchable=1)), ("fields[0].searchable", "not_yes_or_no")),
        (a_form(a_field(type="long_text", searchable=True)), ("fields[0].searchable", "not_searchable")),
        (a_form(a_field(widget="x")), ("fields[0].widget", "unknown_property")),
        (a_form(a_field(options=[option()])), ("fields[0].options", "unknown_property")),
        (a_form(a_field(type="choice")), ("fields[0].options", "no_options")),
        (a_form(a_field(type="choice", options=[])), ("fields[0].options", "no_options")),
        (a_form(a_field(type="choice", options="ab")), ("fields[0].options", "no_options")),
        (a_form(a_field(type="choice", options=["a"])), ("fields[0].options[0]", "bad_option")),
        (a_form(a_field(type="choice", options=[{**option(), "x": 1}])), ("fields[0].options[0]", "bad_option")),
        (a_form(a_field(type="choice", options=[option("")])), ("fields[0].options[0].value", "bad_value")),
        (a_form(a_field(type="choice", options=[option(" a")])), ("fields[0].options[0].value", "bad_value")),
        (a_form(a_field(type="choice", options=[option("a\nb")])), ("fields[0].options[0].value", "bad_value")),
        (a_form(a_field(type="choice", options=[option(1)])), ("fields[0].options[0].value", "bad_value")),
        (
            a_form(a_field(type="choice", options=[option(), option()])),
            ("fields[0].options[1].value", "duplicate_value"),
        ),
        (a_form(a_field(type="choice", options=[option(label="")])), ("fields[0].options[0].label", "no_words")),
        (
            a_form(a_field(type="choice", options=[option(str(number)) for number in range(201)])),
            ("fields[0].options", "too_many_options"),
        ),
        (a_form(a_field(type="choice", options=[option()], default="z")), ("fields[0].default", "bad_default")),
        (a_form(a_field(type="integer", **CROSSED)), ("fields[0].max", "bounds_crossed")),
        (a_form(a_field(type="integer", min="1")), ("fields[0].min", "bad_limit")),
        (a_form(a_field(type="integer", min=True)), ("fields[0].min", "bad_limit")),
        (a_form(a_field(type="integer", min=1.5)), ("fields[0].min", "bad_limit")),
        (a_form(a_field(type="integer", max=2**60)), ("fields[0].max", "bad_limit")),
        (a_form(a_field(type="integer", max=5, default=6)), ("fields[0].default", "bad_default")),
        (a_form(a_field(type="date", min="22/11/2026")), ("fields[0].min", "bad_limit")),
        (a_form(a_field(type="date", min="2026-02-30")), ("fields[0].min", "bad_limit")),
        (a_form(a_field(type="date", min="2026-02-02", max="2026-02-01")), ("fields[0].max", "bounds_crossed")),
        (a_form(a_field(max_length=501)), ("fields[0].max_length", "bad_length")),
        (a_form(a_field(max_length=0)), ("fields[0].max_length", "bad_length")),
        (a_form(a_field(min_length=-1)), ("fields[0].min_length", "bad_length")),
        (a_form(a_field(min_length=5, max_length=4)), ("fields[0].max_length", "bounds_crossed")),
        (a_form(a_field(type="long_text", rows=1)), ("fields[0].rows", "bad_rows")),
        (a_form(a_field(type="customer", default=1)), ("fields[0].default", "no_default")),
        (a_form(a_field(label="NUL \0")), ("", "not_storable")),
        (a_form(a_field(label="\ud800")), ("", "not_storable")),
        (a_form(a_field(type="integer", max=float("nan"))), ("", "not_storable")),
        (a_form(a_field(default={1, 2})), ("", "not_storable")),
        (a_form(a_field(default="x" * 600_000)), ("", "too_large")),
    ],
)
def test_a_flaw_is_named_where_it_is(raw, problem):
    assert problem in found(raw)


def test_all_problems_are_named_at_once():
    raw = a_form(a_field(key="X"), a_field(type="choice", options=[]), a_field("m", "money", min=5, max=1))
    assert len(found(raw)) == 3


def test_depth_without_end_is_refused():
    deep: list = []
    for _level in range(100_000):
        deep = [deep]
    assert found({"name": "x", "fields": deep}) == [("", "not_storable")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([*rules.TYPES, "key", "label"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
PROPERTIES = st.sampled_from(
    ["key", "type", "label", "help", "required", "default", "options", "min", "max", "min_length", "max_length", "rows",
     "searchable", "other"]
)  # fmt: skip


@given(raw=JSON, changes=st.lists(st.tuples(PROPERTIES, JSON), max_size=4), kind=st.sampled_from(sorted(rules.TYPES)))
def test_any_definition_is_judged_and_a_faultless_one_can_be_used(raw, changes, kind):
    rules.check_definition(raw)
    drawn = a_form({**a_field(type=kind), **dict(changes)})
    if not rules.check_definition(drawn):
        definition = rules.read_definition(drawn)
        jsonschema.Draft202012Validator.check_schema(rules.json_schema(definition))
        for one in definition.fields:
            one.type.parse("1", one.spec, CONTEXT)


def test_the_checksum_knows_content_not_order():
    assert rules.checksum({"a": 1, "b": "ệ"}) == rules.checksum({"b": "ệ", "a": 1})
    assert rules.checksum({"a": 1}) != rules.checksum({"a": True})


# Answers

ORDER = rules.read_definition(
    a_form(
        a_field("happened", "long_text", required=True),
        a_field("amount", "money", required=True, min=0),
        a_field("day", "date"),
        a_field("urgent", "yes_no", default=False),
        a_field("colour", "choice", options=[option("red", "Đỏ")]),
    )
)


def test_typed_and_json_answers_come_to_the_same():
    typed = {"happened": " Trễ 2 ngày ", "amount": "750.000", "day": "22/11/2026", "urgent": "yes", "colour": "red"}
    as_json = {"happened": "Trễ 2 ngày", "amount": 750000, "day": "2026-11-22", "urgent": True, "colour": "red"}
    answers = rules.parse_answers(ORDER, typed, context=CONTEXT)
    assert answers == rules.parse_answers(ORDER, as_json, context=CONTEXT)
    assert answers.values == as_json


def test_a_key_left_out_takes_the_default_and_an_emptied_one_does_not():
    least = {"happened": "x", "amount": 0}
    assert rules.parse_answers(ORDER, least, context=CONTEXT).values == {**least, "urgent": False}
    assert rules.parse_answers(ORDER, {**least, "urgent": None}, context=CONTEXT).values == least


def test_every_problem_is_told_under_its_key():
    raw = {"amount": -1, "day": "31/02/2026", "colour": "green", "x": 1, "<script>": 2}
    with pytest.raises(InvalidInputError) as refused:
        rules.parse_answers(ORDER, raw, context=CONTEXT)
    assert set(refused.value.fields) == {"happened", "amount", "day", "colour", "x", "<script>"}
    assert "<" not in str(refused.value.fields["<script>"][0])
    assert refused.value.status == 422


def test_ten_thousand_unknown_keys_are_not_all_repeated():
    raw = {"happened": "x", "amount": 1, **{f"{number:05}" * 1000: 1 for number in range(10_000)}}
    with pytest.raises(InvalidInputError) as refused:
        rules.parse_answers(ORDER, raw, context=CONTEXT)
    assert len(refused.value.fields) == rules.MOST_UNKNOWN_KEYS
    assert max(map(len, refused.value.fields)) <= 200


def test_a_key_that_no_text_can_hold_is_still_told():
    with pytest.raises(InvalidInputError) as refused:
        rules.parse_answers(ORDER, {"\ud800": 1, "happened": "x", "amount": 1}, context=CONTEXT)
    assert "".join(refused.value.fields).encode()


@pytest.mark.parametrize("raw", [None, [], "happened", 5, [["happened", "x"]]])
def test_answers_that_are_no_object_are_refused(raw):
    with pytest.raises(InvalidInputError):
        rules.parse_answers(ORDER, raw, context=CONTEXT)


# JSON Schema and the shipped forms


def test_the_schema_is_in_the_readers_language(page):
    raw = a_form(a_field(label={"vi": "Ghi chú", "en": "Note"}, help={"en": "Anything"}, default=" x ", required=True))
    definition = rules.read_definition(raw)
    with in_language("vi"):
        assert rules.json_schema(definition) == {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Phiếu",
            "type": "object",
            "properties": {
                "note": {
                    "title": "Ghi chú", "description": "Anything", "default": "x",
                    "type": "string", "maxLength": 200, "minLength": 1,
                }
            },
            "required": ["note"],
            "additionalProperties": False,
        }  # fmt: skip
    with in_language("en"):
        assert rules.json_schema(definition)["properties"]["note"]["title"] == "Note"


@pytest.mark.parametrize("code", library.codes())
def test_a_shipped_form_can_be_published_and_speaks_both_languages(code):
    raw = library.load(code)
    assert rules.FORM_CODE.fullmatch(code)
    assert found(raw) == []
    for words in [raw["name"], *(one["label"] for one in raw["fields"])]:
        assert set(words) == {"vi", "en"}
    jsonschema.Draft202012Validator.check_schema(rules.json_schema(rules.read_definition(raw)))


def test_the_complaint_form_asks_what_the_process_needs():
    definition = rules.read_definition(library.load("phan-anh-giao-cham"))
    answers = {"happened": "Trễ", "compensation": 700000, "apology": "Xin lỗi chị"}
    assert rules.parse_answers(definition, answers, context=CONTEXT).values == answers
    jsonschema.Draft202012Validator(rules.json_schema(definition)).validate(answers)
    for wrong in (-1, 1_000_000_001, "nhiều", None, True):
        with pytest.raises(InvalidInputError) as refused:
            rules.parse_answers(definition, {**answers, "compensation": wrong}, context=CONTEXT)
        assert list(refused.value.fields) == ["compensation"]


def test_a_form_that_is_not_shipped_is_said_so():
    with pytest.raises(LookupError):
        library.load("../../../etc/passwd")


def test_reading_a_definition_leaves_it_as_it_was():
    raw = library.load("tinh-trang-don")
    before = copy.deepcopy(raw)
    rules.read_definition(raw)
    assert raw == before
