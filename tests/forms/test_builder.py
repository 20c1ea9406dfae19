from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from werkzeug.datastructures import MultiDict

from app.core.access import SYSTEM
from app.core.i18n import in_language
from app.forms import library, queries, rules, services
from app.forms.builder import AnswerForm, build_form, typed_in
from app.forms.fields import TYPES
from app.forms.fields.base import Context
from app.forms.models import FormVersion
from tests.forms.examples import COLOURS
from tests.forms.examples import CONTEXT as EVERYTHING
from tests.forms.fields.test_rows import COLUMNS

NASTY = "\"><script>alert(1)</script><b title='"


class OneCustomer:
    def name_of(self, record_id: int) -> str | None:
        return "Nguyễn <b>An</b>" if record_id == 7 else None

    def offered(self) -> list[tuple[int, str]]:
        return []


CONTEXT = Context(OneCustomer())
EVERY_FIELD = [
    {"key": "line", "type": "text", "label": "Dòng", "required": True, "help": "Giúp"},
    {"key": "area", "type": "long_text", "label": "Đoạn", "rows": 7},
    {"key": "count", "type": "integer", "label": "Số"},
    {"key": "amount", "type": "money", "label": "Tiền", "default": 1250000, "max": 2000000},
    {"key": "day", "type": "date", "label": "Ngày"},
    {"key": "few", "type": "choice", "label": "Ít", "options": [{"value": "a", "label": "A"}]},
    {
        "key": "many", "type": "choice", "label": "Nhiều",
        "options": [{"value": str(number), "label": f"Số {number}"} for number in range(9)],
    },
    {"key": "done", "type": "yes_no", "label": "Xong"},
    {"key": "phone", "type": "phone", "label": "Điện thoại"},
    {"key": "who", "type": "customer", "label": "Khách"},
]  # fmt: skip


def a_version(*fields: dict) -> FormVersion:
    raw = {"name": "Phiếu", "fields": list(fields or EVERY_FIELD)}
    assert rules.check_definition(raw) == []
    return FormVersion(definition=raw, checksum=rules.checksum(raw))


def posted(version: FormVersion, **answers: str) -> AnswerForm:
    return build_form(version)(MultiDict({f"answer_{key}": text for key, text in answers.items()}), context=CONTEXT)


def empty(version: FormVersion, **more) -> AnswerForm:
    return build_form(version)(None, context=CONTEXT, **more)


def html(form: AnswerForm, key: str) -> BeautifulSoup:
    return BeautifulSoup(str(form[f"answer_{key}"]()), "lxml")


RIGHT = {
    "line": "Một", "area": "Hai\r\nBa", "count": "1.250", "amount": "500.000", "day": "22/11/2026", "few": "a",
    "many": "3", "done": "no", "phone": "0912 345 678", "who": "7",
}  # fmt: skip


def test_a_posted_form_is_read_like_rest_reads_it(page):
    version = a_version()
    form = posted(version, **RIGHT)
    assert form.validate(), form.errors
    assert form.answers == rules.parse_answers(queries.definition_of(version), RIGHT, context=CONTEXT)
    assert form.answers.values["amount"] == 500000


def test_an_emptied_field_does_not_take_its_default_again(page):
    form = posted(a_version(), line="x", amount="")
    assert form.validate()
    assert form.answers.values == {"line": "x"}


def test_a_new_form_shows_its_defaults(page):
    form = empty(a_version())
    assert html(form, "amount").input["value"] == "1.250.000"
    assert html(form, "line").input["value"] == ""


def test_saved_answers_come_back_as_one_would_type_them(page):
    version = a_version()
    values = rules.parse_answers(queries.definition_of(version), RIGHT, context=CONTEXT).values
    form = empty(version, saved=values)
    assert {field.key: field.typed for field in form.questions} == {**RIGHT, "area": "Hai\nBa"}
    assert html(empty(version, saved={}), "amount").input["value"] == ""


WRONG = {
    "line": "x" * 201, "area": "\x1b[31m", "count": "nhiều", "amount": "2.000.001", "day": "31/02/2026", "few": NASTY,
    "many": NASTY, "done": NASTY, "phone": "0912 34", "who": "8",
}  # fmt: skip


def test_wrong_answers_come_back_exactly_as_typed_with_a_message_at_each(page):
    form = posted(a_version(), **WRONG)
    assert not form.validate()
    assert {field.key for field in form.questions if field.errors} == set(WRONG)
    assert {field.key: field.typed for field in form.questions} == WRONG
    assert all(isinstance(message, str) and message for field in form.questions for message in field.errors)
    assert html(form, "count").input["value"] == "nhiều"
    assert html(form, "count").input["aria-invalid"] == "true"
    assert html(form, "who").find("option", selected=True)["value"] == "8"
    assert html(form, "many").find("option", selected=True)["value"] == NASTY


def test_nothing_that_was_typed_or_drawn_becomes_html(page):
    fields = [
        {**field, "label": NASTY, "help": NASTY,
         **({"options": [{"value": NASTY, "label": NASTY}]} if "options" in field else {})}
        for field in EVERY_FIELD
    ]  # fmt: skip
    version = a_version(*fields)
    for form in (empty(version), posted(version, **dict.fromkeys(RIGHT, NASTY))):
        form.validate()
        for field in form.questions:
            page = BeautifulSoup(f"{field.label()}{field()}", "lxml")
            assert page.find(["script", "b"]) is None
            assert field.label.text == NASTY


def test_a_customers_name_is_shown_and_escaped(page):
    form = posted(a_version(), line="x", who="7")
    chosen = html(form, "who").find("option", selected=True)
    assert (chosen["value"], chosen.text) == ("7", "Nguyễn <b>An</b>")
    assert html(form, "who").select_one("select")["data-lookup"] == "customer"


def test_controls_follow_the_kind_of_field(page):
    form = empty(a_version())
    assert {field.key: field.control for field in form.questions} == {
        "line": "line", "area": "area", "count": "line", "amount": "line", "day": "line", "few": "buttons",
        "many": "list", "done": "buttons", "phone": "line", "who": "lookup",
    }  # fmt: skip
    assert html(form, "area").textarea["rows"] == "7"
    assert html(form, "phone").input["inputmode"] == "tel"
    assert [one["value"] for one in html(form, "done").find_all("input")] == ["yes", "no", ""]
    assert html(form, "line").input["aria-required"] == "true"
    assert html(form, "line").input["aria-describedby"] == "answer_line-help"
    assert form["answer_amount"].unit == "₫"


def test_chosen_answers_are_marked(page):
    form = posted(a_version(), line="x", done="no", few="a", many="3")
    assert html(form, "done").find("input", checked=True)["value"] == "no"
    assert html(form, "few").find("input", checked=True)["value"] == "a"
    assert [one["value"] for one in html(form, "many").find_all("option", selected=True)] == ["3"]


def test_a_leading_line_break_survives_the_browser(page):
    form = posted(a_version(), line="x", area="\nHai")
    assert str(form["answer_area"]()).count("\n") == 2


@pytest.mark.parametrize("key", ["data", "errors", "validate", "meta", "process", "csrf_token", "answers", "questions"])
def test_a_key_may_be_called_like_anything_in_the_form_class(page, key):
    form = posted(a_version({"key": key, "type": "text", "label": "x", "required": True}), **{key: "có"})
    assert form.validate()
    assert form.answers.values == {key: "có"}


def test_other_inputs_of_the_page_are_not_answers(page):
    form = build_form(a_version())(MultiDict({"answer_line": "x", "line": "y", "rev": "3"}), context=CONTEXT)
    assert form.validate()
    assert form.answers.values == {"line": "x"}


def test_a_page_without_our_token_is_no_answer(page):
    form = build_form(a_version())(MultiDict({"answer_line": "x"}), context=CONTEXT, meta={"csrf": True})
    assert not form.validate()
    assert form["csrf_token"].errors
    assert [question.key for question in form.questions if question.errors] == []
    assert BeautifulSoup(form.hidden_tag(), "lxml").input["name"] == "csrf_token"


def test_two_values_for_one_question_count_as_the_first(page):
    form = build_form(a_version())(MultiDict([("answer_line", "một"), ("answer_line", "hai")]), context=CONTEXT)
    assert form.validate()
    assert form.answers.values["line"] == "một"


def test_a_services_refusal_lands_at_its_field(page):
    form = posted(a_version(), **RIGHT)
    assert form.validate()
    form.refuse({"count": ["Hết hàng."], "elsewhere": ["?"]})
    assert form["answer_count"].errors == ["Hết hàng."]
    assert "is-invalid" in html(form, "count").input["class"]


def test_a_class_is_built_once_per_definition(page):
    assert build_form(a_version()) is build_form(a_version())
    assert build_form(a_version()) is not build_form(a_version({"key": "a", "type": "text", "label": "x"}))


def test_each_reader_sees_his_language(page):
    version = a_version(
        {"key": "a", "type": "text", "label": {"vi": "Một", "en": "One"}, "help": {"vi": "Giúp"}},
        {"key": "b", "type": "yes_no", "label": "Xong"},
    )
    with in_language("en"):
        english = empty(version)
        assert english["answer_a"].label.text == "One"
        assert html(english, "b").text == "YesNoNo answer"
    assert empty(version)["answer_a"].label.text == "Một"
    assert html(empty(version), "b").text == "CóKhôngKhông trả lời"
    assert english["answer_a"].description == "Giúp"


def test_shipped_forms_can_be_filled_in_the_browser(session):
    shipped = library.load("phan-anh-giao-cham")
    form = services.create_form(session, code="phan-anh-giao-cham", name=shipped["name"], by=SYSTEM)
    services.save_draft(session, form, shipped, by=SYSTEM)
    version = services.publish_form(session, form, by=SYSTEM)
    filled = posted(version, happened="Trễ", compensation="750.000", apology="Xin lỗi chị")
    assert filled.validate()
    assert services.submit(session, version, filled.answers, by=SYSTEM).answers["compensation"] == 750000


# Every kind of field, drawn and sent as a browser without scripts does it

EVERY_ANSWER = {
    "text": "Một", "long_text": "Hai\nBa", "integer": 1250, "decimal": 2.5, "money": 500000, "percent": 12.5,
    "date": "2026-11-22", "time": "14:30", "date_time": "2026-11-22T07:30:00Z", "yes_no": False, "choice": "blue",
    "choices": ["red", "blue"], "dependent_choice": "other", "stars": 4, "nps": 0, "email": "lan@phosen.vn",
    "phone": "+84912345678", "citizen_id": "001190000123", "tax_code": "0100109106", "customer": 7, "member": 2,
    "team": 5, "address": {"province": "01", "ward": "00004", "street": "12 Lê Lợi"}, "file": [3, 4], "photo": [3],
    "rows": [{"what": "Bánh phở", "count": 2, "price": 15000, "amount": 30000}, {"what": "Hành"}],
    "signature": "M12 80L14 76", "calculated": 500000.0,
}  # fmt: skip


def every_type() -> FormVersion:
    settings = {
        "choice": {"options": COLOURS}, "choices": {"options": COLOURS}, "calculated": {"formula": "money * 1"},
        "dependent_choice": {"depends_on": "choice", "options": [{"value": "other", "label": "Khác", "for": ["blue"]}]},
        "rows": {"fields": COLUMNS},
    }  # fmt: skip
    return a_version(*[{"key": code, "type": code, "label": code, **settings.get(code, {})} for code in TYPES])


def sent_by_a_browser(form: AnswerForm) -> MultiDict:
    """What stands in the inputs of the drawn page, in a browser that runs scripts."""
    page = BeautifulSoup("".join(str(question()) for question in form.questions), "html.parser")
    for one in page(["noscript", "template"]):
        one.decompose()
    sent = MultiDict()
    for one in page.select("input[name], textarea[name], select[name]"):
        if one.name == "textarea":
            sent.add(one["name"], one.text.removeprefix("\n"))
        elif one.name == "select":
            chosen = one.find("option", selected=True) or one.find("option")
            sent.add(one["name"], chosen["value"])
        elif one["type"] not in {"radio", "checkbox", "file"} or one.has_attr("checked"):
            sent.add(one["name"], one["value"])
    return sent


def test_every_answer_that_is_drawn_comes_back_from_the_page(page):
    version = every_type()
    assert set(EVERY_ANSWER) == {code for code, kind in TYPES.items() if kind.has_answer}
    drawn = build_form(version)(None, context=EVERYTHING, saved=EVERY_ANSWER)
    sent = build_form(version)(sent_by_a_browser(drawn), context=EVERYTHING)
    assert sent.validate(), sent.errors
    assert sent.answers.values == EVERY_ANSWER
    again = build_form(version)(None, context=EVERYTHING, draft=typed_in(sent_by_a_browser(drawn)))
    assert sent_by_a_browser(again) == sent_by_a_browser(drawn)


def test_where_no_script_runs_a_signature_is_the_name_that_is_typed(page):
    version = every_type()
    drawn = str(
        next(one() for one in build_form(version)(None, context=EVERYTHING).questions if one.key == "signature")
    )
    typed = BeautifulSoup(drawn, "html.parser").select_one("noscript input")
    sent = MultiDict({typed["name"]: "Lê Thị Hoa", "answer_signature": "M12 80L14 76"})
    kept = build_form(version)(sent, context=EVERYTHING)
    assert kept.validate()
    assert kept.answers.values["signature"] == {"kind": "typed", "name": "Lê Thị Hoa"}
    again = build_form(version)(None, context=EVERYTHING, saved=kept.answers.values)
    assert sent_by_a_browser(again)["answer_signature.name"] == "Lê Thị Hoa"


def test_an_empty_page_of_every_kind_is_no_answer_and_no_mistake(page):
    version = every_type()
    empty_page = sent_by_a_browser(build_form(version)(None, context=EVERYTHING))
    form = build_form(version)(empty_page, context=EVERYTHING)
    assert form.validate(), form.errors
    assert form.answers.values == {}


def test_what_is_wrong_in_a_row_stands_at_its_cell(page):
    version = every_type()
    form = build_form(version)(MultiDict({"answer_rows.0.what": "x", "answer_rows.0.count": "0"}), context=EVERYTHING)
    assert not form.validate()
    cell = html(form, "rows").find("input", attrs={"name": "answer_rows.0.count"})
    assert (cell["value"], cell["aria-invalid"]) == ("0", "true")
    assert html(form, "rows").find(id=f"{cell['id']}-error").text


def test_every_input_of_every_kind_has_a_name_for_who_cannot_see_it(page):
    form = build_form(every_type())(None, context=EVERYTHING, saved=EVERY_ANSWER)
    for question in form.questions:
        drawn = html(form, question.key)
        for one in drawn.select("input:not([type=hidden]), select, textarea"):
            is_told = (
                one.find_parent("label") or one.has_attr("aria-label") or drawn.find("label", attrs={"for": one["id"]})
            )
            assert is_told or one["id"] == question.id


def test_two_hundred_fields_are_filled_quickly_enough_to_be_asked(page):
    version = a_version(*[{"key": f"k{number}", "type": "text", "label": f"Câu {number}"} for number in range(200)])
    form = posted(version, **{f"k{number}": "x" for number in range(200)})
    assert form.validate()
    assert len(form.answers.values) == 200
    assert len([str(field()) for field in form.questions]) == 200
