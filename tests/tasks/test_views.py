"""The task page: nothing typed is lost, nobody sees what was not handed to him."""

from __future__ import annotations

import io

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers.services import create_customer
from app.forms.queries import context_for
from app.forms.services import parse_answers
from app.processes import library, queries, services
from app.security import queries as security
from app.tasks.models import Task
from app.tasks.services import claim_task, complete_task

RECEIVED = {"happened": "Đơn trễ một ngày, khách bực", "compensation": 0, "apology": "Em xin lỗi chị"}


def actor(username):
    return security.actor_of(db.session(), security.member_by_username(db.session(), username))


@pytest.fixture
def offered(app):
    """Finding the order is offered to Vận hành: the id of that task."""
    with app.app_context():
        with transaction(SYSTEM) as session:
            library.install(session, "giao-hang-cham", by=SYSTEM)
        lan = actor("lan")
        with transaction(lan) as session:
            customer = create_customer(session, by=lan, name="Đặng Thị Mỹ Duyên", phone="0912 345 678")
            process = queries.process_by_code(session, "giao-hang-cham")
            services.start_instance(session, process, by=lan, customer=customer)
        task = db.session.scalars(select(Task)).one()
        answers = parse_answers(task.form_version, RECEIVED, context=context_for(db.session(), lan))
        task_id = task.id
        with transaction(lan) as session:
            complete_task(session, task_id, by=lan, answers=answers)
        return db.session.scalars(select(Task.id).where(Task.step == "find-order")).one()


def typed(app, task_id):
    with app.app_context():
        fields = db.session.get(Task, task_id).form_version.definition["fields"]
        answers = {f"answer_{f['key']}": f["options"][0]["value"] for f in fields if f["type"] == "choice"}
    return {**answers, "answer_finding": "Xe hỏng ở kho Gia Lâm"}


def claim(app, task_id, username):
    with app.app_context():
        who = actor(username)
        with transaction(who) as session:
            claim_task(session, task_id, by=who)


def test_what_was_typed_stays_when_an_answer_is_missing(app, client, offered):
    page = client("tuan").post(f"/cong-viec/{offered}/hoan-thanh", data={"answer_finding": "Xe hỏng ở kho Gia Lâm"})
    assert page.status_code == 422
    soup = BeautifulSoup(page.text, "html.parser")
    assert "Xe hỏng ở kho Gia Lâm" in soup.find("textarea", {"name": "answer_finding"}).text
    assert soup.select(".tt-err")


@pytest.mark.parametrize("button", ["hoan-thanh", "nhap"])
def test_what_was_typed_stays_when_somebody_was_faster(app, client, offered, button):
    tuan = client("tuan")
    claim(app, offered, "binh")
    page = tuan.post(f"/cong-viec/{offered}/{button}", data=typed(app, offered))
    assert page.status_code == 409
    assert "Đỗ Thanh Bình" in page.text
    assert "Xe hỏng ở kho Gia Lâm" in page.text
    assert "Mỹ Duyên" not in page.text
    assert RECEIVED["happened"] not in page.text


def test_a_task_that_a_colleague_has_taken_is_out_of_sight(app, client, offered):
    tuan = client("tuan")
    assert tuan.get(f"/cong-viec/{offered}").status_code == 200
    claim(app, offered, "binh")
    assert tuan.get(f"/cong-viec/{offered}").status_code == 404
    assert tuan.post(f"/cong-viec/{offered}/ghi-chu", data={"text": "tò mò"}).status_code == 404
    answer = tuan.post(f"/cong-viec/{offered}/nhan", follow_redirects=True)
    assert answer.status_code == 200
    assert "Đỗ Thanh Bình" in answer.text


def test_a_note_carries_a_file_that_only_those_who_see_the_task_can_fetch(app, client, offered):
    binh = client("binh")
    picture = (io.BytesIO(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 64), "hộp móp.jpg")
    answer = binh.post(
        f"/cong-viec/{offered}/ghi-chu", data={"text": "Ảnh chụp", "files": picture}, content_type="multipart/form-data",
        follow_redirects=True,
    )  # fmt: skip
    link = BeautifulSoup(answer.text, "html.parser").select_one("a.tt-file")["href"]
    with binh.get(link) as fetched:
        assert fetched.status_code == 200
        assert fetched.headers["Content-Disposition"].startswith("attachment")
    claim(app, offered, "binh")
    assert client("tuan").get(link).status_code == 404


def test_a_refused_file_keeps_the_note_that_was_typed(client, offered):
    script = (io.BytesIO(b"<script>alert(1)</script>"), "anh.html")
    page = client("binh").post(
        f"/cong-viec/{offered}/ghi-chu", data={"text": "Ảnh chụp kho", "files": script}, content_type="multipart/form-data"
    )
    assert page.status_code == 422
    assert "Ảnh chụp kho" in page.text
