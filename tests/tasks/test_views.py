"""The task page: nothing typed is lost, nobody sees what was not handed to him."""

from __future__ import annotations

import io

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.forms.queries import context_for
from app.forms.services import parse_answers
from app.tasks.models import Task
from app.tasks.services import claim_task, complete_task
from tests.cast import Cast
from tests.customers.test_list import counted
from tests.story import ANSWERS, Story

HAPPENED = ANSWERS["receive"]["happened"]


@pytest.fixture
def offered(app, once):
    """Finding the order is offered to Vận hành: the id of that task."""

    def offer() -> int:
        with app.app_context():
            story = Story(db.session(), Cast(db.session()))
            return story.run_to(story.start(), "find-order").id

    return once("order offered", offer)


def typed(app, task_id):
    with app.app_context():
        fields = db.session.get(Task, task_id).form_version.definition["fields"]
        answers = {f"answer_{f['key']}": f["options"][0]["value"] for f in fields if f["type"] == "choice"}
    return {**answers, "answer_finding": "Xe hỏng ở kho Gia Lâm"}


def claim(app, task_id, username):
    with app.app_context():
        who = Cast(db.session()).actor(username)
        with transaction(who) as session:
            claim_task(session, task_id, by=who)


def test_what_was_typed_stays_when_an_answer_is_missing(app, client, offered):
    page = client("tuan").post(f"/cong-viec/{offered}/hoan-thanh", data={"answer_finding": "Xe hỏng ở kho Gia Lâm"})
    assert page.status_code == 422
    soup = BeautifulSoup(page.text, "lxml")
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
    assert HAPPENED not in page.text


def test_a_task_that_a_colleague_has_taken_is_out_of_sight(app, client, offered):
    tuan = client("tuan")
    assert tuan.get(f"/cong-viec/{offered}").status_code == 200
    claim(app, offered, "binh")
    assert tuan.get(f"/cong-viec/{offered}").status_code == 404
    assert tuan.post(f"/trao-doi/task/{offered}", data={"text": "tò mò"}).status_code == 404
    answer = tuan.post(f"/cong-viec/{offered}/nhan", follow_redirects=True)
    assert answer.status_code == 200
    assert "Đỗ Thanh Bình" in answer.text


def test_a_note_carries_a_file_that_only_those_who_see_the_task_can_fetch(app, client, offered):
    binh = client("binh")
    picture = (io.BytesIO(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 64), "hộp móp.jpg")
    data = {"text": "Ảnh chụp", "files": picture}
    answer = binh.post(
        f"/trao-doi/task/{offered}", data=data, content_type="multipart/form-data", follow_redirects=True
    )
    link = BeautifulSoup(answer.text, "lxml").select_one("a.tt-file")["href"]
    with binh.get(link) as fetched:
        assert fetched.status_code == 200
        assert fetched.headers["Content-Disposition"].startswith("attachment")
    claim(app, offered, "binh")
    assert client("tuan").get(link).status_code == 404


def test_a_refused_file_keeps_the_note_that_was_typed(client, offered):
    script = (io.BytesIO(b"<script>alert(1)</script>"), "anh.html")
    page = client("binh").post(
        f"/trao-doi/task/{offered}",
        data={"text": "Ảnh chụp kho", "files": script},
        content_type="multipart/form-data",
    )
    assert page.status_code == 422
    assert "Ảnh chụp kho" in page.text


def finish(app, task_id, username, outcome=None, note="", **answers):
    with app.app_context():
        who = Cast(db.session()).actor(username)
        task = db.session.get(Task, task_id)
        fields = task.form_version.definition["fields"]
        choices = {f["key"]: f["options"][0]["value"] for f in fields if f["type"] == "choice"}
        parsed = parse_answers(task.form_version, {**choices, **answers}, context=context_for(db.session(), who))
        instance_id = task.owner_id
        with transaction(who) as session:
            complete_task(session, task_id, by=who, answers=parsed, outcome=outcome, note=note)
        return db.session.scalars(select(Task.id).where(Task.owner_id == instance_id).order_by(Task.id.desc())).first()


def test_when_the_instance_is_over_its_other_steps_are_closed_to_whoever_helped(app, client, offered):
    update = finish(app, offered, "tuan", finding="Xe hỏng")
    call_back = finish(app, update, "lan", message="Lời nhắn riêng cho khách")
    finish(app, call_back, "lan", satisfied=True, customer_words="Lời khách nói riêng")
    page = client("tuan").get(f"/cong-viec/{offered}")
    assert page.status_code == 200
    assert "Xe hỏng" in page.text
    for private in ("Lời nhắn riêng", "Lời khách nói riêng", HAPPENED, "Mỹ Duyên"):
        assert private not in page.text


def test_a_refused_form_tells_nothing_of_how_a_colleague_finished(app, client, offered):
    tuan = client("tuan")
    finish(app, offered, "binh", note="Ghi chú riêng của Bình", finding="Điều Bình tìm ra")
    for button in ("hoan-thanh", "nhap"):
        page = tuan.post(f"/cong-viec/{offered}/{button}", data=typed(app, offered))
        assert page.status_code == 409
        assert "Đỗ Thanh Bình" in page.text
        assert "Ghi chú riêng" not in page.text
        assert "Điều Bình tìm ra" not in page.text


def test_whoever_began_the_work_reads_the_notes_and_files_that_came_of_it(app, client, offered):
    picture = (io.BytesIO(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 64), "kho.jpg")
    data = {"text": "Hàng còn ở kho Gia Lâm", "files": picture}
    client("binh").post(f"/trao-doi/task/{offered}", data=data, content_type="multipart/form-data")
    lan = client("lan")
    with app.app_context():
        instance_id = db.session.get(Task, offered).owner_id
    page = lan.get(f"/ho-so/{instance_id}")
    assert "Hàng còn ở kho Gia Lâm" in page.text
    with lan.get(BeautifulSoup(page.text, "lxml").select_one("a.tt-file")["href"]) as fetched:
        assert fetched.status_code == 200
    update = finish(app, offered, "binh", finding="Xe hỏng")
    assert "Hàng còn ở kho Gia Lâm" in lan.get(f"/cong-viec/{update}").text


def test_giving_work_to_another_team_leads_back_to_what_one_may_see(app, client, offered):
    with app.app_context():
        lan = Cast(db.session()).lan.user_id
    answer = client("binh").post(f"/cong-viec/{offered}/giao-lai", data={"member_id": lan}, follow_redirects=True)
    assert answer.status_code == 200


def test_a_draft_keeps_the_forms_own_fields_and_no_more(app, client, offered):
    tuan = client("tuan")
    tuan.post(f"/cong-viec/{offered}/nhap", data={"answer_finding": "Đang hỏi kho", "answer_other": "x" * 1000})
    with app.app_context():
        assert db.session.get(Task, offered).draft == {"finding": "Đang hỏi kho"}
    page = tuan.post(f"/cong-viec/{offered}/nhap", data={"answer_finding": "dài " * 20_000})
    assert page.status_code == 422
    assert "dài dài" in page.text


def test_a_start_page_begins_one_process_and_says_so_when_it_is_used_again(app, client, offered):
    lan = client("lan")
    with app.app_context():
        customer = db.session.get(Task, offered).customer_id
    first = {"key": "trang-1", "customer_id": customer}
    addresses = {lan.post("/ho-so/bat-dau/giao-hang-cham", data=first).headers["Location"] for _click in range(2)}
    assert len(addresses) == 1
    other = lan.post("/ho-so/bat-dau/giao-hang-cham", data={"key": "trang-1", "new_name": "Phan Thị Ngưỡng"})
    assert other.status_code == 409
    soup = BeautifulSoup(other.text, "lxml")
    assert soup.find("input", {"name": "new_name"})["value"] == "Phan Thị Ngưỡng"
    assert soup.find("input", {"name": "key"})["value"] != "trang-1"


def test_beside_the_open_task_stands_the_rest_of_its_list(app, client, offered):
    claim(app, offered, "binh")
    assert BeautifulSoup(client("binh").get(f"/cong-viec/{offered}").text, "lxml").select_one(".tt-inbox") is None
    with app.app_context():
        task = db.session.get(Task, offered)
        other = Task(
            name="Báo kho", step="bao-kho", token=99, owner_type=task.owner_type, owner_id=task.owner_id,
            assignee_id=task.assignee_id, state=task.state, team_id=task.team_id,
        )  # fmt: skip
        with transaction(SYSTEM) as session:
            session.add(other)
    pane = BeautifulSoup(client("binh").get(f"/cong-viec/{offered}").text, "lxml").select_one(".tt-inbox")
    assert [link["href"] for link in pane.select("[data-row] a[aria-current]")] == [f"/cong-viec/{offered}"]
    assert "Báo kho" in pane.text
    assert pane.select_one(".tt-tabs [aria-current]").text.strip() == "Của tôi"


def test_what_came_back_begins_with_what_was_answered(app, client, offered):
    binh = client("binh")
    binh.post(f"/cong-viec/{offered}/nhan")
    binh.post(f"/cong-viec/{offered}/tra-lai", data={"to": "receive", "note": "Thiếu mã đơn"})
    with app.app_context():
        newest = select(Task).where(Task.step == "receive").order_by(Task.id.desc()).limit(1)
        again = db.session.scalars(newest).one().id
    lan = client("lan")
    page = BeautifulSoup(lan.get(f"/cong-viec/{again}").text, "lxml")
    assert page.select_one("[name=answer_happened]").text.strip() == HAPPENED
    assert lan.get(f"/api/v1/tasks/{again}").json["former_answers"]["happened"] == HAPPENED


@pytest.mark.parametrize(("who", "most"), [("tuan", 12), ("hoa", 13)])
def test_the_page_asks_the_database_little(app, client, offered, who, most):
    """A task with a form, steps before it and a customer: as many questions however many steps, answers and people to
    whom it may be given: who they are is the one question more of whoever may hand it on."""
    client("tuan").post(f"/cong-viec/{offered}/nhan")
    reader = client(who)
    reader.get(f"/cong-viec/{offered}")
    with counted(app) as statements:
        assert reader.get(f"/cong-viec/{offered}").status_code == 200
    assert len(statements) <= most, statements


def test_an_administrator_who_sees_everything_sees_a_task(client, offered):
    assert client("hoa").get(f"/cong-viec/{offered}").status_code == 200
