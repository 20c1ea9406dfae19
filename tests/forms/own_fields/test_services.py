"""Own fields are checked as every form is, and what customers have stays what it is."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.access import SYSTEM
from app.core.db import db
from app.core.errors import InvalidInputError
from app.customers.services import create_customer
from app.forms import services
from app.forms.own_fields.services import change
from tests.forms.own_fields.drawing import FIELDS, publish
from tests.rest import Rest


@pytest.fixture
def lan(app: Flask) -> Rest:
    with app.app_context():
        publish()
        db.session.remove()
    return Rest(app, "lan")


def test_wrong_and_unknown_values_are_refused_beside_their_keys(lan):
    answer = lan.post("customers/", {"name": "An", "own": {
        "parties": "nhiều", "signed": "2026-13-01", "channel": "fax", "likes": ["x"], "vat": "maybe",
        "nothing": 1}})  # fmt: skip
    assert answer.status_code == 422
    assert set(answer.json["fields"]) == {
        "own.parties", "own.signed", "own.channel", "own.likes", "own.vat", "own.nothing",
    }  # fmt: skip
    assert lan.rows("customers/") == []


def test_an_older_revision_is_refused(lan):
    made = lan.post("customers/", {"name": "An", "own": {"parties": 1}}).json
    assert lan.put(f"customers/{made['id']}", {"rev": made["rev"], "own": {"parties": 2}}).status_code == 200
    late = lan.put(f"customers/{made['id']}", {"rev": made["rev"], "own": {"parties": 3}})
    assert late.status_code == 409
    assert lan.get(f"customers/{made['id']}").json["own"]["parties"] == 2


@pytest.mark.both_databases
def test_a_field_with_values_keeps_its_type_and_is_retired_instead_of_removed(app, session):
    session.rollback()
    publish()
    from app.core.db import transaction

    with transaction(SYSTEM) as inside:
        one = create_customer(inside, by=SYSTEM, name="An")
        change(inside, one.id, {"dish": "Phở", "parties": 2}, by=SYSTEM, is_new=True)
    for fields in (
        [{**one, "type": "integer"} if one["key"] == "dish" else one for one in FIELDS],
        [one for one in FIELDS if one["key"] != "dish"],
    ):
        with pytest.raises(services.FormNotPublishableError) as refused:
            publish(fields)
        assert [one.code for one in refused.value.problems] == ["has_values"]
    publish([{**one, "type": "decimal"} if one["key"] == "parties" else one for one in FIELDS])  # fmt: skip


def test_a_value_wanted_once_is_refused_for_a_second_customer(app, session):
    session.rollback()
    publish([{**one, "unique": "form"} if one["key"] == "dish" else one for one in FIELDS])
    from app.core.db import transaction

    with transaction(SYSTEM) as inside:
        first, second = (create_customer(inside, by=SYSTEM, name=name) for name in ("An", "Bình"))
        change(inside, first.id, {"dish": "Phở"}, by=SYSTEM, is_new=False)
        with pytest.raises(InvalidInputError) as refused:
            change(inside, second.id, {"dish": "Phở"}, by=SYSTEM, is_new=False)
        assert set(refused.value.fields) == {"own.dish"}


def test_required_and_conditional_fields_hold_for_programs_too(app, lan):
    asked_when = {"field": "channel", "op": "=", "value": "zalo"}
    with app.app_context():
        publish([{**one, "required": True} if one["key"] == "channel"
                 else {**one, "visible_if": asked_when} if one["key"] == "dish" else one
                 for one in FIELDS])  # fmt: skip
        db.session.remove()
    missing = lan.post("customers/", {"name": "An"})
    assert missing.status_code == 422
    assert set(missing.json["fields"]) == {"own.channel"}
    unasked = lan.post("customers/", {"name": "An", "own": {"channel": "call", "dish": "Phở"}})
    assert unasked.status_code == 422
    assert set(unasked.json["fields"]) == {"own.dish"}
    assert lan.post("customers/", {"name": "An", "own": {"channel": "zalo", "dish": "Phở"}}).status_code == 201


def test_such_a_form_is_not_filled_in_by_itself(lan, client):
    assert "Thông tin riêng" not in client("lan").get("/dien-phieu/").text
    assert lan.post("forms/truong-khach/submissions", {"answers": {"dish": "Phở"}}).status_code == 422


def test_there_is_one_form_for_them(app, lan):
    again = Rest(app, "hoa").post("forms/", {"code": "khac", "name": "Khác", "purpose": "customers"})
    assert again.status_code == 422
    assert set(again.json["fields"]) == {"purpose"}
