"""Files as answers: kept when they come, seen with the answers, taken by nobody else."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select, update

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.files import StoredFile
from app.forms import services, uploads
from app.forms.models import AnswerFile, Form, Submission
from app.tasks.models import Task
from tests.cast import Cast
from tests.story import Story

PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 64
DRAWN = {"name": "Tìm đơn", "fields": [
    {"key": "finding", "type": "text", "label": "Kết quả", "required": True},
    {"key": "photos", "type": "photo", "label": "Ảnh", "required": True, "max": 2},
]}  # fmt: skip


@pytest.fixture
def asked(app):
    """A task of Vận hành that asks for a photo: its id."""
    with app.app_context():
        story = Story(db.session(), Cast(db.session()))
        task = story.run_to(story.start(), "find-order").id
        with transaction(SYSTEM) as session:
            form = session.scalars(select(Form).where(Form.code == "tinh-trang-don")).one()
            services.save_draft(session, form, DRAWN, by=SYSTEM)
            session.get(Task, task).form_version_id = services.publish_form(session, form, by=SYSTEM).id
        return task


def sent(who, task: int, **answers):
    page = who.post(f"/cong-viec/{task}/hoan-thanh", data={f"answer_{key}": one for key, one in answers.items()})
    return page, BeautifulSoup(page.text, "html.parser")


def a_picture(name="hộp móp.jpg", contents=PICTURE):
    return (io.BytesIO(contents), name)


def test_a_file_is_kept_though_the_page_comes_back_and_is_seen_with_the_answers(app, client, asked):
    tuan = client("tuan")
    page, soup = sent(tuan, asked, photos=a_picture())
    assert page.status_code == 422
    kept = soup.select_one("input[type=checkbox][name=answer_photos]")
    assert kept.has_attr("checked")
    assert "hộp móp.jpg" in kept.parent.text
    page, _soup = sent(tuan, asked, finding="Thấy rồi", photos=kept["value"])
    assert page.status_code == 302
    with app.app_context():
        submission = db.session.scalars(select(Submission).where(Submission.subject_id == asked)).one()
        assert submission.answers["photos"] == [int(kept["value"])]
        path = f"/tep/{db.session.scalars(select(StoredFile.id)).one()}/anh.jpg"
        number = submission.id
    for reader in ("binh", "tuan"):
        with client(reader).get(path) as answer:
            assert (answer.data, answer.headers["Content-Disposition"][:11]) == (PICTURE, "attachment;")
    page = BeautifulSoup(tuan.get(f"/phieu/{number}").text, "html.parser")
    picture = page.select_one(".tt-photos a img")
    assert (picture["alt"], picture["src"]) == ("hộp móp.jpg", picture.parent["href"].removesuffix("?xem=1"))
    with tuan.get(picture.parent["href"]) as answer:
        assert (answer.data, answer.headers["Content-Disposition"][:7]) == (PICTURE, "inline;")
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_nobody_answers_with_a_file_of_somebody_else(app, client, asked):
    tuan, binh = client("tuan"), client("binh")
    _page, soup = sent(tuan, asked, photos=a_picture())
    number = soup.select_one("input[name=answer_photos]")["value"]
    page, soup = sent(binh, asked, finding="x", photos=number)
    assert page.status_code == 422
    assert "hộp móp.jpg" not in page.text
    with app.app_context():
        path = f"/tep/{db.session.scalars(select(StoredFile.id)).one()}/anh.jpg"
    assert binh.get(path).status_code == 404


def test_a_file_that_is_not_taken_is_told_beside_its_question(client, asked):
    page, soup = sent(client("tuan"), asked, finding="x", photos=a_picture("virus.exe", b"MZ"))
    assert page.status_code == 422
    assert soup.find(id="answer_photos-error").text.strip()
    page, soup = sent(client("tuan"), asked, finding="x", photos=[a_picture() for _number in range(3)])
    assert "2" in soup.find(id="answer_photos-error").text


def test_nobody_lets_more_wait_with_a_whole_page_than_one_by_one(app, client, asked, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_WAITING", 1)
    page, soup = sent(client("tuan"), asked, photos=[a_picture(), a_picture()])
    assert page.status_code == 422
    assert soup.find(id="answer_photos-error").text.strip()
    with app.app_context():
        assert db.session.scalar(select(func.count(AnswerFile.id))) == 1


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
def test_cleaning_leaves_the_file_with_which_somebody_answers_at_this_moment(app, client, asked):
    sent(client("tuan"), asked, photos=a_picture())
    with app.app_context():
        with db.engine.connect() as other:
            other.execute(update(AnswerFile).values(field_key="photos"))  # held, as by claim_files
            with transaction(SYSTEM) as session:
                services.forget_files(session, before=clock.now() + timedelta(days=1))
            other.rollback()
        assert db.session.scalar(select(func.count(StoredFile.id))) == 1


def test_files_of_answers_that_nobody_gave_go_after_a_while(app, client, asked):
    sent(client("tuan"), asked, photos=a_picture())
    with app.app_context():
        for days, left in ((-1, 1), (1, 0)):
            with transaction(SYSTEM) as session:
                services.forget_files(session, before=clock.now() + timedelta(days=days))
            counted = (
                db.session.scalar(select(func.count(AnswerFile.id))),
                db.session.scalar(select(func.count(StoredFile.id))),
            )
            assert counted == (left, left)
