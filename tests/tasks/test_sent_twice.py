"""A second click on a button of the task page, or the page sent again, does nothing more and says the same."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.tasks.models import Task, TaskEvent
from tests.cast import Cast
from tests.story import Story
from tests.threads import at_once

pytestmark = pytest.mark.both_databases


@pytest.fixture
def offered(app, once):
    """Finding the order is offered to Vận hành: the id of that task."""

    def offer() -> int:
        with app.app_context():
            story = Story(db.session(), Cast(db.session()))
            return story.run_to(story.start(), "find-order").id

    return once("order offered", offer)


@pytest.fixture
def typed(app, offered):
    """What finishing takes."""
    with app.app_context():
        fields = db.session.get(Task, offered).form_version.definition["fields"]
        colleague = Cast(db.session()).tuan.user_id
    choices = {f"answer_{one['key']}": one["options"][0]["value"] for one in fields if one["type"] == "choice"}
    answers = {**choices, "answer_finding": "Xe hỏng ở kho Gia Lâm"}
    return {
        "nhan": {}, "tra": {}, "nhap": answers, "hoan-thanh": answers,
        "giao-lai": {"member_id": colleague, "note": "Bạn gần kho hơn"},
        "tra-lai": {"to": "receive", "note": "Thiếu mã đơn"},
    }  # fmt: skip


def the_form(person, task_id, button):
    """What the page itself sends with that button."""
    page = BeautifulSoup(person.get(f"/cong-viec/{task_id}").text, "lxml")
    at = "hoan-thanh" if button == "nhap" else button
    form = page.select_one(f'form[action="/cong-viec/{task_id}/{at}"]')
    return {name: form.select_one(f"[name={name}]")["value"] for name in ("rev", "key")}


def happened(app):
    with app.app_context():
        return db.session.scalar(select(func.count(TaskEvent.id)))


@pytest.mark.parametrize("button", ["nhan", "tra", "nhap", "hoan-thanh", "giao-lai", "tra-lai"])
def test_the_second_click_does_nothing_and_says_the_same(app, client, offered, typed, button):
    binh, path = client("binh"), f"/cong-viec/{offered}/{button}"
    if button in ("tra", "tra-lai"):
        binh.post(f"/cong-viec/{offered}/nhan", follow_redirects=True)
    sent = {**the_form(binh, offered, button), **typed[button]}
    first = binh.post(path, data=sent)
    told, counted = binh.get(first.location).text, happened(app)
    second = binh.post(path, data=sent)
    assert (first.status_code, second.status_code) == (302, 302)
    assert second.location == first.location
    assert says(binh.get(second.location).text) == says(told) != []
    assert happened(app) == counted


def says(page):
    return [one.text.strip() for one in BeautifulSoup(page, "lxml").select(".tt-toast")]


def test_other_answers_under_the_key_of_a_used_page_are_refused_and_stay_typed(app, client, offered, typed):
    binh, path = client("binh"), f"/cong-viec/{offered}/hoan-thanh"
    sent = {**the_form(binh, offered, "hoan-thanh"), **typed["hoan-thanh"]}
    binh.post(path, data=sent)
    counted = happened(app)
    refused = binh.post(path, data={**sent, "answer_finding": "Đã tìm ra ở kho khác"})
    assert refused.status_code == 409
    assert "Bạn đã dùng trang này rồi" in refused.text
    assert "Đã tìm ra ở kho khác" in refused.text
    assert happened(app) == counted


def test_two_clicks_at_the_same_moment_finish_it_once(app, client, offered, typed):
    people = [client("binh"), client("binh")]
    sent = {**the_form(people[0], offered, "hoan-thanh"), **typed["hoan-thanh"]}
    counted = happened(app)
    finish = [lambda one=one: one.post(f"/cong-viec/{offered}/hoan-thanh", data=sent) for one in people]
    answers = at_once(app, finish, moment=clock.now())
    assert [(one.status_code, one.location) for one in answers] == [(302, f"/cong-viec/{offered}")] * 2
    with app.app_context():
        done = select(func.count(TaskEvent.id)).where(TaskEvent.task_id == offered, TaskEvent.kind == "completed")
        assert db.session.scalar(done) == 1
        assert happened(app) > counted
