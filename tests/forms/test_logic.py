from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.core.conditions import parse
from app.core.i18n import in_language
from app.forms import logic, rules
from app.forms.fields.base import Context
from app.forms.logic import State
from app.forms.reading import is_seen

YES_NO = [{"value": "refund", "label": "Hoàn tiền"}, {"value": "swap", "label": "Đổi hàng"}]


def when(text: str) -> dict[str, Any]:
    return parse(text).to_json()


def a_field(key: str, kind: str = "text", **settings: Any) -> dict[str, Any]:
    return {"key": key, "type": kind, "label": key.upper(), **settings}


WAY = a_field("way", "choice", options=YES_NO)
FORM = {
    "name": "Phản ánh",
    "sections": [{"key": "first"}, {"key": "money", "visible_if": when("way = 'refund'")}],
    "fields": [
        a_field("total", "calculated", formula="amount * 2", shown_as="money"),
        a_field("account", section="money", required_if=when("amount > 100000")),
        a_field("amount", "money", section="money", required=True),
        a_field("why", visible_if=when("amount > 500000"), keep_hidden=True),
        a_field("rate", "percent", default=5, readonly_if=when("way = 'swap'")),
        WAY,
        a_field("size", "choice", options=[
            {"value": "s", "label": "S"}, {"value": "xl", "label": "XL", "if": when("way = 'swap'")},
        ]),
    ],
}  # fmt: skip


def read(form: dict[str, Any] = FORM, *, is_page: bool = False, before: Any = None, **raw: Any) -> Any:
    assert rules.check_definition(form) == []
    return rules.read_answers(rules.read_definition(form), raw, context=Context(before=before), is_page=is_page)


def codes(*fields: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    return [(one.path, one.code) for one in rules.check_definition({"name": "x", "fields": list(fields), **more})]


def test_a_section_is_asked_with_its_condition_and_its_questions_with_theirs():
    found = read(way="refund", amount=600_000)
    assert list(found.problems) == ["account"]
    assert found.values == {"way": "refund", "amount": 600_000, "rate": 5.0, "total": 1_200_000}
    assert found.states["why"] == State()
    found = read(way="swap")
    assert found.problems == {}
    assert found.values == {"way": "swap", "rate": 5.0}
    assert [key for key, state in found.states.items() if not state.is_shown] == ["amount", "account", "why"]


def test_what_is_not_asked_is_dropped_from_a_page_and_refused_from_a_program():
    typed = {"way": "swap", "amount": "600.000", "account": "123", "why": "x"}
    found = read(is_page=True, **typed)
    assert found.problems == {}
    assert found.values == {"way": "swap", "rate": 5.0, "why": "x"}, "what is kept on purpose is kept"
    assert list(read(**typed).problems) == ["amount", "account"]


def test_what_stands_fast_keeps_the_answer_with_which_it_began():
    assert read(is_page=True, way="swap", rate="9").values["rate"] == 5.0
    assert read(is_page=True, way="swap", rate="9", before={"rate": 7.0}).values["rate"] == 7.0
    assert read(way="swap", rate=5).problems == {}
    assert list(read(way="swap", rate=9).problems) == ["rate"]
    assert read(way="refund", amount=1, rate=9).values["rate"] == 9.0


def test_an_answer_is_offered_with_others_only():
    assert read(way="swap", size="xl").values["size"] == "xl"
    assert list(read(way="refund", amount=1, size="xl").problems) == ["size"]


def test_a_circle_is_told_by_the_names_of_those_in_it():
    form = {"name": "x", "sections": [{"key": "s", "visible_if": when("b = 'x'")}], "fields": [
        a_field("a", "calculated", formula="c * 2"), a_field("b", visible_if=when("a > 1")),
        a_field("c", "integer"), a_field("d", visible_if=when("a > 1")),
    ]}  # fmt: skip
    with in_language("en"):
        told = [(one.path, one.code, str(one.message)) for one in rules.check_definition(form)]
    assert {code for _path, code, _told in told} == {"loop"}
    assert "A, B, C" in told[0][2]
    without = {**form, "sections": []}
    assert rules.check_definition(without) == []


def test_a_condition_on_nothing_and_one_that_is_none_are_refused_with_their_place():
    assert codes(a_field("a", visible_if=when("b = 'x'"))) == [("fields[0]", "dead_reference")]
    assert codes(a_field("a", visible_if="b = 'x'")) == [("fields[0].visible_if", "bad_condition")]
    assert codes(a_field("a", required_if={"and": []})) == [("fields[0].required_if", "bad_condition")]
    assert codes(WAY, a_field("a", "note", required_if=when("way = 'swap'"))) == [
        ("fields[1].required_if", "not_answered")
    ]
    assert codes(WAY, a_field("a", "file", readonly_if=when("way = 'swap'"))) == [
        ("fields[1].readonly_if", "not_locked")
    ]
    option = [{"value": "a", "label": "A", "if": {"field": "way"}}]
    assert codes(WAY, a_field("a", "choice", options=option)) == [("fields[1].options[0].if", "bad_condition")]
    column = a_field("k", visible_if=when("way = 'swap'"))
    assert codes(WAY, a_field("a", "rows", fields=[column])) == [("fields[1].fields[0].visible_if", "not_in_rows")]
    assert codes(a_field("a"), sections=[{"key": "s", "visible_if": 5}]) == [
        ("sections[0].visible_if", "bad_condition")
    ]


def test_conditions_read_aloud_for_a_page_without_a_script():
    definition = rules.read_definition(FORM)
    labels = {one.key: str(one.spec.label) for one in definition.fields}
    words = logic.value_words(definition.fields, Context())
    account = next(one for one in definition.fields if one.key == "account")
    with in_language("en"):
        told = logic.sentences(account, labels, words)
    assert told[0] == "Answer this only when: WAY is “Hoàn tiền”."
    assert told[1].startswith("It must be answered when: AMOUNT is above “100")


def test_the_browser_is_told_only_what_follows_from_something():
    definition = rules.read_definition({"name": "x", "fields": [a_field("a"), WAY]})
    assert logic.for_browser(definition.ordered, {}, Context()) is None
    definition = rules.read_definition(
        {"name": "x", "fields": [a_field("a"), WAY, a_field("b", visible_if=when("way = 'swap'"))]}
    )
    told = logic.for_browser(definition.ordered, {}, Context(me=3))
    assert told is not None
    assert [one["key"] for one in told["fields"]] == ["way", "b"]
    assert told["me"] == 3


def test_a_question_asks_certain_roles_and_keeps_its_answer_from_others():
    form = {"name": "F", "fields": [
        a_field("note"),
        a_field("fault", required=True, edit_roles=["manager"], read_roles=["manager", "admin"]),
    ]}  # fmt: skip
    assert rules.check_definition(form) == []
    definition = rules.read_definition(form)
    staff, manager = Context(roles=frozenset({"staff"})), Context(roles=frozenset({"manager", "staff"}))
    assert rules.read_answers(definition, {}, context=staff).problems == {}
    assert list(rules.read_answers(definition, {"fault": "Kho"}, context=staff).problems) == ["fault"]
    on_page = rules.read_answers(definition, {"fault": "Kho"}, context=staff, is_page=True)
    assert (on_page.values, on_page.states["fault"].is_his) == ({}, False)
    assert list(rules.read_answers(definition, {}, context=manager).problems) == ["fault"]
    kept = replace(staff, before={"fault": "Kho"})
    assert rules.read_answers(definition, {"note": "x"}, context=kept).values == {"note": "x", "fault": "Kho"}
    fault = definition.fields[1]
    assert (is_seen(fault, staff), is_seen(fault, manager)) == (False, True)


def test_what_a_kind_or_a_row_cannot_have_is_refused():
    inside = a_field("rows", "rows", fields=[a_field("a", unique="form"), a_field("b", read_roles=["staff"])])
    total = a_field("t", "calculated", formula="1", edit_roles=["staff"])
    assert codes(inside, total, a_field("p", "yes_no", unique="form")) == [
        ("fields[0].fields[0].unique", "not_in_rows"), ("fields[0].fields[1].read_roles", "not_in_rows"),
        ("fields[1].edit_roles", "not_answered"), ("fields[2].unique", "not_unique"),
    ]  # fmt: skip


def test_of_a_phone_number_a_condition_only_asks_whether_there_is_one():
    phone = a_field("phone", "phone")
    assert codes(phone, a_field("a", visible_if=when("phone not empty"))) == []
    assert codes(phone, a_field("a", visible_if=when("phone contains '0912' and not phone empty"))) == [
        ("fields[1]", "not_comparable")
    ]
    options = [{"value": "s", "label": "S"}, {"value": "m", "label": "M", "if": when("phone = '0912345678'")}]
    assert codes(phone, a_field("a", "choice", options=options)) == [("fields[1]", "not_comparable")]


def test_a_number_is_compared_with_a_number_and_a_day_with_a_day():
    bowls, day = a_field("bowls", "integer"), a_field("day", "date")
    for typed in ("bowls >= 3 and day = this_week()", "bowls in (1, 2.5)", "bowls empty", "day >= '2026-11-23'"):
        assert codes(bowls, day, a_field("a", visible_if=when(typed))) == [], typed
    for typed in ("bowls = '3x'", "bowls = 3 and not (day = 'hôm qua')", "bowls in (1, 'x')", "bowls contains '3'",
                  "bowls = true", "bowls = today()", "day = 3"):  # fmt: skip
        assert codes(bowls, day, a_field("a", visible_if=when(typed))) == [("fields[2]", "not_comparable")], typed
    options = [{"value": "s", "label": "S"}, {"value": "m", "label": "M", "if": when("bowls = '3x'")}]
    assert codes(bowls, day, a_field("a", "choice", options=options)) == [("fields[2]", "not_comparable")]
