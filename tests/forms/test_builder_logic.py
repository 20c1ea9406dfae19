"""Does a page ask what is to be asked: drawn for every browser, and worked on by a script where there is one?"""

from __future__ import annotations

import json

import pytest
from bs4 import BeautifulSoup
from flask import Flask, get_template_attribute
from werkzeug.datastructures import MultiDict

from app.core.conditions import parse
from app.forms import rules
from app.forms.builder import AnswerForm, build_form
from app.forms.fields.base import Context
from app.forms.models import FormVersion
from tests.forms.test_logic import FORM, WAY, a_field, when


def a_version(form=FORM) -> FormVersion:
    assert rules.check_definition(form) == []
    return FormVersion(definition=form, checksum=rules.checksum(form))


def posted(version: FormVersion, **answers: str) -> AnswerForm:
    return build_form(version)(MultiDict({f"answer_{key}": text for key, text in answers.items()}), context=Context())


@pytest.fixture
def drawn(app: Flask, page):
    """The page of a form, as every place draws it."""
    del page

    def draw(form: AnswerForm) -> BeautifulSoup:
        return BeautifulSoup(str(get_template_attribute("_parts/fields.html", "fields")(form)), "html.parser")

    return draw


def unasked(page: BeautifulSoup) -> set[str]:
    return {str(one["data-question"]) for one in page.select("[data-question].tt-unasked")}


def test_what_is_not_asked_is_marked_for_the_script_and_explained_for_browsers_without(drawn):
    page = drawn(build_form(a_version())(None, context=Context()))
    assert unasked(page) == {"account", "amount", "why"}
    assert [("tt-unasked" in one.get("class", [])) for one in page.select("[data-section]")] == [False, True]
    assert "WAY" in page.select_one('[data-question="account"] noscript').text
    assert page.select_one('[data-question="account"] [data-needed-mark]').has_attr("hidden")
    assert page.select_one('[data-question="rate"] noscript') is not None
    sizes = page.select('[data-question="size"] input')
    # The last one stands there for browsers without a script, which cannot take a choice back.
    assert [(one["value"], one.find_parent("noscript") is None) for one in sizes] == [
        ("s", True), ("xl", True), ("", False),
    ]  # fmt: skip
    assert page.select_one("[data-fill-told]")["role"] == "status"


def test_the_page_comes_back_as_the_answers_stand(drawn):
    version = a_version()
    page = drawn(posted(version, way="refund", amount="600.000"))
    assert unasked(page) == set()
    assert page.select_one('[data-question="total"] output').text == "1.200.000\xa0₫"
    assert not page.select_one('[data-question="account"] [data-needed-mark]').has_attr("hidden")
    page = drawn(posted(version, way="swap", rate="9"))
    assert page.select_one('[data-question="rate"] input')["value"] == "5"


def test_a_draft_is_drawn_as_its_answers_stand(drawn):
    form = build_form(a_version())(None, context=Context(), draft={"way": "refund", "amount": "7"})
    page = drawn(form)
    assert unasked(page) == {"why"}
    assert page.select_one('[data-question="total"] output').text == "14\xa0₫"


def test_a_page_without_a_script_sends_what_is_not_asked_and_it_is_dropped(page):
    form = posted(a_version(), way="swap", amount="nhiều", account="1", why="giữ", rate="9")
    assert form.validate(), form.errors
    assert form.answers.values == {"way": "swap", "why": "giữ", "rate": 5.0}
    wrong = posted(a_version(), way="refund", amount="600.000")
    assert not wrong.validate()
    assert [one.key for one in wrong.questions if one.errors] == ["account"]


def test_saved_answers_are_what_stands_fast(page):
    version = a_version()
    form = build_form(version)(None, context=Context(), saved={"way": "swap", "rate": 7.0})
    assert form["answer_rate"].typed == "7"
    told = json.loads(form.live)
    (rate,) = [one for one in told["fields"] if one["key"] == "rate"]
    assert (rate["begin"], rate["written"]) == (7.0, "7")


def test_nothing_is_sent_to_a_script_that_has_nothing_to_do(drawn):
    page = drawn(build_form(a_version({"name": "x", "fields": [WAY, a_field("a")]}))(None, context=Context()))
    assert page.select_one("[data-fill], [data-fill-told]") is None
    assert [one["value"] for one in page.select("noscript input")] == [""]  # no choice, which can be taken back


def test_what_an_admin_wrote_in_a_condition_stays_text(drawn):
    nasty = "\"'><script>alert(1)</script>"
    fields = [
        a_field("a", label=nasty),
        a_field("b", visible_if=parse(f"a = '{nasty.replace(chr(39), chr(39) * 2)}'").to_json()),
    ]
    page = drawn(
        build_form(a_version({"name": "x", "sections": [{"key": "s", "title": nasty}], "fields": fields}))(None)
    )
    assert page.find("script") is None
    assert json.loads(page.select_one("[data-fill]")["data-fill"])["fields"][0]["label"] == nasty


def test_two_hundred_questions_that_follow_from_each_other_are_judged_in_time_to_be_asked(page):
    fields = [a_field("f0", "integer"), *(
        a_field(f"f{number}", "integer", visible_if=when(f"f{number - 1} > 0")) for number in range(1, 200)
    )]  # fmt: skip
    version = a_version({"name": "x", "fields": fields[::-1]})
    form = posted(version, **{f"f{number}": "1" for number in range(200)})
    assert form.validate()
    assert len(form.answers.values) == 200
    assert len(posted(version, f0="0", f1="1").reading.values) == 1
