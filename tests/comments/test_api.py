"""Comments for programs."""

from __future__ import annotations

import pytest

from app.core.db import db, transaction
from app.security.models import Right
from app.security.services import hand_over
from tests.cast import Cast
from tests.comments.conftest import member
from tests.rest import Rest, install_late_delivery


@pytest.fixture
def customer_id(app):
    return Rest(app, "lan").customer()["id"]


def said(rest, customer_id, text="Khách cần gọi lại", **more):
    answer = rest.post("comments/", {"resource": "Customer", "record_id": customer_id, "text": text}, **more)
    assert answer.status_code == 201, answer.text
    return answer.json


def test_said_read_edited_archived_and_back(app, customer_id):
    lan = Rest(app, "lan")
    comment = said(lan, customer_id, "@minh xem")
    assert (comment["author"], comment["mentions"], comment["rev"]) == ("lan", ["minh"], 1)
    (row,) = lan.rows("comments/", resource="Customer", record=customer_id)
    assert row == comment
    edited = lan.put(f"comments/{comment['id']}", {"text": "@minh @hoa xem", "rev": 1}).json
    assert (edited["mentions"], edited["rev"], edited["edited_at"] is not None) == (["minh", "hoa"], 2, True)
    assert lan.put(f"comments/{comment['id']}", {"text": "x", "rev": 1}).status_code == 409
    gone = lan.post(f"comments/{comment['id']}/archive").json
    assert gone["archived_at"] is not None
    assert lan.rows("comments/", resource="Customer", record=customer_id) == []
    assert len(lan.rows("comments/", resource="Customer", record=customer_id, archived=1)) == 1
    assert lan.post(f"comments/{comment['id']}/restore").json["archived_at"] is None
    assert lan.get(f"comments/{comment['id']}").json["text"] == "@minh @hoa xem"


def test_the_same_key_says_it_once(app, customer_id):
    lan = Rest(app, "lan")
    assert said(lan, customer_id, key="k1") == said(lan, customer_id, key="k1")
    assert len(lan.rows("comments/", resource="Customer", record=customer_id)) == 1
    other = {"resource": "Customer", "record_id": customer_id, "text": "khác"}
    assert lan.post("comments/", other, key="k1").status_code == 409


def test_what_was_taken_away_is_seen_by_those_alone_who_may_bring_it_back(app, customer_id):
    lan, minh, tuan = (Rest(app, username) for username in ("lan", "minh", "tuan"))
    with app.app_context():
        hoa = Cast(db.session()).hoa
        with transaction(hoa) as session:
            to = member(session, "tuan").id
            hand_over(session, "Customer", customer_id, right=Right.view, reason="share", member_id=to)
    gone, stays, own = (
        said(lan, customer_id, "Nhầm khách")["id"],
        said(lan, customer_id)["id"],
        said(tuan, customer_id)["id"],
    )
    assert tuan.get(f"comments/{gone}").status_code == 200
    lan.post(f"comments/{gone}/archive")
    tuan.post(f"comments/{own}/archive")

    def listed(reader):
        return {one["id"] for one in reader.rows("comments/", resource="Customer", record=customer_id, archived=1)}

    assert [reader.get(f"comments/{gone}").status_code for reader in (lan, minh, tuan)] == [200, 200, 404]
    assert [reader.get(f"comments/{own}").status_code for reader in (lan, minh, tuan)] == [200, 200, 200]
    assert listed(lan) == listed(minh) == {gone, stays, own}
    assert listed(tuan) == {stays, own}
    assert tuan.post(f"comments/{gone}/restore").status_code == 404


def test_beyond_ones_sight_there_is_nothing(app, customer_id):
    comment, tuan = said(Rest(app, "lan"), customer_id), Rest(app, "tuan")
    assert tuan.get("comments/", resource="Customer", record=customer_id).status_code == 404
    assert tuan.get(f"comments/{comment['id']}").status_code == 404
    body = {"resource": "Customer", "record_id": customer_id, "text": "x"}
    assert tuan.post("comments/", body).status_code == 404
    assert tuan.put(f"comments/{comment['id']}", {"text": "x"}).status_code == 404
    assert tuan.post(f"comments/{comment['id']}/archive").status_code == 404


@pytest.mark.parametrize(
    "query",
    [{"resource": ""}, {"record": ""}, {"resource": "Role"}, {"record": "x"}, {"page": -1}, {"page_size": 10**9},
     {"order": "author.password"}, {"nguoi": 1}, {"archived": "có"}],
)  # fmt: skip
def test_a_question_that_cannot_be_understood_is_told_so(app, customer_id, query):
    answer = Rest(app, "lan").get("comments/", **{"resource": "Customer", "record": customer_id, **query})
    assert answer.status_code == 400
    assert answer.json["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [({"text": ""}, "text"), ({"text": "x" * 10_001}, "text"), ({"text": "@tuan"}, "text"),
     ({"resource": "Role"}, "resource"), ({"record_id": "1"}, "record_id"), ({"text": None}, "text"),
     ({"files": []}, "files")],
)  # fmt: skip
def test_what_does_not_fit_is_told_beside_its_key(app, customer_id, body, field):
    sent = {"resource": "Customer", "record_id": customer_id, "text": "x", **body}
    answer = Rest(app, "lan").post("comments/", sent)
    assert answer.status_code == 422
    assert field in answer.json["fields"]


def test_a_note_on_a_task_is_a_comment(app):
    lan = Rest(app, "lan")
    install_late_delivery(app)
    (task,) = lan.start(lan.customer(phone="0903 118 299")["id"])["open_tasks"]
    lan.post(f"tasks/{task['id']}/comment", {"text": "Đã gọi kho"})
    (row,) = lan.rows("comments/", resource="Task", record=task["id"])
    (note,) = lan.get(f"tasks/{task['id']}").json["comments"]
    assert set(note) == {"id", "author", "text", "at"}
    assert (note["id"], note["author"], note["text"], note["at"]) == (row["id"], "lan", "Đã gọi kho", row["at"])
