"""A form asks what the customer's record holds: it begins with it, and fills in what was empty."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core import links
from app.core.access import SYSTEM, FieldRight, FieldRule
from app.core.db import db, transaction
from app.customers.models import Customer, TimelineEntry
from app.customers.services import create_customer
from app.forms import about_customer, services
from tests.forms.test_filling import opened, publish
from tests.threads import at_once

DRAWN = {
    "name": "Hỏi thăm",
    "fields": [
        {"key": "who", "type": "text", "label": "Tên", "maps_to": "name"},
        {"key": "call", "type": "phone", "label": "Số điện thoại", "maps_to": "phone"},
        {"key": "mail", "type": "email", "label": "Email", "maps_to": "email"},
        {"key": "born", "type": "date", "label": "Sinh nhật", "maps_to": "birthday", "default": "2000-01-01"},
        {"key": "where", "type": "address", "label": "Địa chỉ", "maps_to": "address"},
        {"key": "card", "type": "citizen_id", "label": "Căn cước", "maps_to": "id_number"},
    ],
}  # fmt: skip
ADDRESS = {"province": "01", "ward": "00004", "street": "12 Hàng Bông"}


@pytest.fixture
def asked(app, begun):
    """A published form, and a customer of Lan's with a name and a phone: his number."""
    with app.app_context(), transaction(SYSTEM) as session:
        publish(session, services.create_form(session, code="hoi-tham", name="Hỏi thăm", by=SYSTEM), DRAWN)
    return begun["customer"]


def test_a_form_begins_with_the_record_and_fills_in_what_it_lacks_and_replaces_nothing(app, client, asked):
    with app.app_context():
        before = db.session().get_one(Customer, asked)
        name, number = before.name, before.phone
    lan = client("lan")
    path = f"/dien-phieu/hoi-tham?khach-hang={asked}"
    window = opened(lan, path)

    assert (window["answer_who"], window["answer_call"]) == (name, number)
    assert window["answer_born"] == "01/01/2000"  # the record tells nothing: the form's default
    sent, _page = window.typed(
        who="Tên khác", call="0987 654 321", mail="moi@phosen.example", born="02/03/1990"
    ).send()  # fmt: skip
    read = BeautifulSoup(lan.get(sent.headers["Location"]).text, "html.parser")

    with app.app_context():
        session = db.session()
        after = session.get_one(Customer, asked)
        assert (after.name, after.phone, after.email) == (name, number, "moi@phosen.example")
        assert after.birthday == date(1990, 3, 2)
        told = session.scalars(select(TimelineEntry).where(TimelineEntry.kind == "changed")).one()
        assert told.data == {"fields": ["birthday", "email"], "form": "Hỏi thăm"}
    note = read.select_one(".tt-note--soon").get_text(" ", strip=True)
    assert "Tên" in note
    assert "Số điện thoại" in note
    assert "Sinh nhật" not in note
    assert "từ phiếu “Hỏi thăm”" in lan.get(links.customer_path(asked)).text


def test_the_number_of_somebody_else_stays_an_answer_and_the_rest_is_filled_in(session, cast, asked):
    with transaction(SYSTEM) as inside:
        other = create_customer(inside, by=SYSTEM, name="Người khác", email="chung@phosen.example")
    with transaction(cast.lan) as inside:
        sent = submitted(inside, cast.lan, asked, mail=other.email, born="1990-03-02", where=ADDRESS)

    after = session.get_one(Customer, asked)
    assert sent.answers["mail"] == "chung@phosen.example"
    assert (after.email, after.birthday, after.ward_code) == (None, date(1990, 3, 2), "00004")


def test_what_he_may_not_write_or_read_is_neither_filled_in_nor_begun_with(session, cast, asked):
    who = with_right(cast.lan, birthday=FieldRight.read_only, phone=FieldRight.masked)
    version = services.queries.published_version(session, "hoi-tham")
    assert set(about_customer.context_for(session, version, asked, who).known) == {"name"}
    with transaction(who) as inside:
        submitted(inside, who, asked, born="1990-03-02", card="001090012345")

    after = session.get_one(Customer, asked)
    assert (after.birthday, after.id_number) == (None, "001090012345")


@pytest.mark.parametrize("who", ["tuan", "binh"])
def test_whoever_may_not_change_the_customer_changes_nothing(session, cast, asked, who):
    with transaction(SYSTEM) as inside:
        submitted(inside, getattr(cast, who), asked, born="1990-03-02")
    assert session.get_one(Customer, asked).birthday is None


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
def test_two_who_answer_about_one_customer_at_once_wait_for_each_other(app, cast, asked):
    def answer(number):
        with transaction(cast.lan) as inside:
            return submitted(inside, cast.lan, asked, mail=f"so{number}@phosen.example").id

    found = at_once(app, [partial(answer, number) for number in range(4)])
    assert len({one for one in found if isinstance(one, int)}) == 4, found
    with app.app_context():
        assert db.session().get_one(Customer, asked).email


def submitted(session, who, customer_id, **said):
    version = services.queries.published_version(session, "hoi-tham")
    answers = services.parse_answers(
        version, {"born": None, **said}, context=services.queries.context_for(session, who)
    )
    return services.submit(session, version, answers, by=who, customer_id=customer_id)


def with_right(who, **rights):
    return replace(who, fields={("Customer", key): FieldRule(right) for key, right in rights.items()})
