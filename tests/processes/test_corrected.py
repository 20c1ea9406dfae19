"""What an admin types in the place of an answer is read as its question reads it, and names keep their zeros."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.forms import services as forms
from app.processes import services
from app.processes.models import ProcessInstance
from tests.cast import Cast
from tests.processes.drawn import Drawn
from tests.processes.test_operations import NAMED, STOPPED, stop
from tests.story import MONDAY

FORM = {"name": "Gọi lại", "fields": [
    {"key": "phone", "type": "phone", "label": "Số điện thoại"},
    {"key": "amount", "type": "money", "label": "Số tiền"},
    {"key": "order_code", "type": "text", "label": "Mã đơn"},
]}  # fmt: skip


@pytest.fixture
def instance(app):
    """Of a process whose step, not reached yet, asks for a phone, an amount and a text; it stands still before it."""
    with clock.at(MONDAY):
        with app.app_context():
            with transaction(SYSTEM) as inside:
                form = forms.create_form(inside, code="goi-lai", name="Gọi lại", by=SYSTEM)
                forms.save_draft(inside, form, FORM, by=SYSTEM)
                forms.publish_form(inside, form, by=SYSTEM)
            tasks = {**STOPPED[1]["tasks"], "thank": f'{NAMED} form="goi-lai"'}
            stands, _token = stop(
                Drawn(db.session(), Cast(db.session()), *STOPPED[0], **{**STOPPED[1], "tasks": tasks})
            )
        yield stands


def correct(browser, instance, key, typed):
    page = BeautifulSoup(browser.get(f"/ho-so/{instance}").text, "lxml")
    token = page.select_one("[name=token]")["value"]
    return browser.post(
        f"/ho-so/{instance}/go-vuong",
        data={"token": token, "reason": "Sai", "value_key": key, "value": typed, "flow": ""},
    )


KNOWN = {"text": "007", "number": 7, "ask.order_code": 12, "amount": "x"}
CORRECTED = {
    "a": ("0912345678", "0912345678"),
    "b": ("007", "007"),
    "c": ("0", 0),
    "d": ("0,5", 0.5),
    "e": ("-12", -12),
    "f": (" có ", True),
    "text": ("12", "12"),
    "number": ("12", 12),
    "phone": ("0912 345 678", "+84912345678"),
    "order_code": ("12", "12"),
    "ask.order_code": ("0012", "0012"),
    "amount": ("1", 1),
}


def test_a_value_typed_anew_is_what_its_question_asks_for(app, client, instance):
    hoa = client("hoa")
    with app.app_context(), transaction(Cast(db.session()).hoa) as inside:
        services.correct_values(inside, instance, KNOWN, by=Cast(inside).hoa, reason="Thử")
    answers = {correct(hoa, instance, key, typed).status_code for key, (typed, _kept) in CORRECTED.items()}
    with app.app_context():
        known = db.session().get_one(ProcessInstance, instance).data
        assert {key: repr(known.get(key)) for key in CORRECTED} == {
            key: repr(kept) for key, (_typed, kept) in CORRECTED.items()
        }
    assert answers == {302}


def test_what_its_question_refuses_is_told_beside_it(client, instance):
    answer = correct(client("hoa"), instance, "phone", "091")
    assert answer.status_code == 422
    page = BeautifulSoup(answer.text, "lxml")
    value = page.select_one("[name=value]")
    assert value["value"] == "091"
    assert "0912 345 678" in page.select_one(f"#{value['id']}-error").text
