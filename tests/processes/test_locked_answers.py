"""What stands fast in a form about a customer is what his record holds, whichever way the answers come in."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core.db import db
from app.core.links import task_path
from app.forms.models import Submission
from app.tasks.models import Task
from tests.processes.test_api import drawing, put_drawing
from tests.rest import Rest

NAME = "Đặng Thị Mỹ Duyên"
FORM = {
    "name": "Xác nhận",
    "fields": [
        {"key": "way", "type": "choice", "label": "Cách", "default": "keep", "options": [
            {"value": "keep", "label": "Giữ nguyên"}, {"value": "new", "label": "Ghi mới"},
        ]},
        {"key": "who", "type": "text", "label": "Tên", "maps_to": "name",
         "readonly_if": {"field": "way", "op": "=", "value": "keep"}},
    ],
}  # fmt: skip


@pytest.fixture
def customer(app):
    """Of Lan's; a process asks the form when it begins, and again at its step."""
    hoa = Rest(app, "hoa")
    for path, body in (("forms/", {"code": "xac-nhan", "name": "Xác nhận"}), ("forms/xac-nhan/publish", {}),
                       ("processes/", {"code": "hoan-tien", "name": "Hoàn tiền"})):  # fmt: skip
        if path.endswith("publish"):
            assert hoa.put("forms/xac-nhan/draft", FORM).status_code == 200
        assert hoa.post(path, body).status_code in {200, 201}, path
    xml = drawing(start_form="xac-nhan").replace('due="PT1H"', 'due="PT1H" form="xac-nhan"')
    assert put_drawing(hoa, "hoan-tien", xml).status_code == 200
    assert hoa.post("processes/hoan-tien/publish").status_code == 200
    return Rest(app, "lan").customer(NAME)["id"]


def answered(app):
    with app.app_context():
        return [one.answers for one in db.session().scalars(select(Submission).order_by(Submission.id))]


def test_a_start_and_a_task_keep_it_however_they_are_sent(app, client, customer):
    lan, rest = client("lan"), Rest(app, "lan")
    begun = lan.post(
        "/ho-so/bat-dau/hoan-tien",
        data={"customer_id": customer, "answer_way": "keep", "answer_who": "Kẻ khác", "key": "a" * 22},
    )
    assert begun.status_code == 302, begun.text
    with app.app_context():
        task = db.session().scalars(select(Task)).one().id
    page = BeautifulSoup(lan.get(task_path(task)).text, "html.parser")
    assert page.select_one("[name=answer_who]")["value"] == NAME
    sent = lan.post(f"{task_path(task)}/hoan-thanh", data={"answer_way": "keep", "answer_who": "Kẻ khác"})
    assert sent.status_code == 302, sent.text
    kept = {"way": "keep", "who": NAME}
    assert answered(app) == [kept, kept]

    about = {"process": "hoan-tien", "customer_id": customer}
    lie = {"way": "keep", "who": "Kẻ khác"}
    assert set(rest.post("instances/", {**about, "data": lie}).json["fields"]) == {"who"}
    assert rest.post("instances/", {**about, "data": {"way": "keep"}}).status_code == 201
    with app.app_context():
        second = db.session().scalars(select(Task.id).order_by(Task.id.desc()).limit(1)).one()
    assert rest.get(f"tasks/{second}").json["form"]["properties"]["who"]["default"] == NAME
    assert set(rest.post(f"tasks/{second}/complete", {"answers": lie}).json["fields"]) == {"who"}
    assert rest.post(f"tasks/{second}/complete", {"answers": {"way": "keep"}}).status_code == 200
    alone = rest.post("forms/xac-nhan/submissions", {"customer_id": customer, "answers": {"way": "keep"}})
    assert alone.status_code == 201, alone.text
    assert answered(app) == [kept] * 5


def test_another_customer_on_the_start_page_is_another_record(app, client, customer):
    other = Rest(app, "lan").customer("Trần Văn Khác", "0977 111 222")["id"]
    sent = client("lan").post(
        f"/ho-so/bat-dau/hoan-tien?khach={customer}",
        data={"customer_id": other, "answer_way": "keep", "answer_who": NAME, "key": "b" * 22},
    )
    assert sent.status_code == 302, sent.text
    assert answered(app) == [{"way": "keep", "who": "Trần Văn Khác"}]
