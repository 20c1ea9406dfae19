"""Own fields are checked as every form is, and what customers have stays what it is."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.datastructures import MultiDict

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.errors import InvalidInputError
from app.customers.services import create_customer
from app.forms import services
from app.forms.own_fields import forms
from app.forms.own_fields.services import change, change_many, not_alone
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


@pytest.mark.both_databases
def test_columns_of_rows_with_values_stay_what_they_are(app, session):
    session.rollback()
    columns = [{"key": "a", "type": "integer", "label": "A"}, {"key": "b", "type": "text", "label": "B"}]
    rows = {"key": "visits", "type": "rows", "label": "Lần ghé", "fields": columns}
    publish([*FIELDS, rows])
    with transaction(SYSTEM) as inside:
        one = create_customer(inside, by=SYSTEM, name="An")
        change(inside, one.id, {"visits": [{"a": 4, "b": "x"}]}, by=SYSTEM, is_new=True)
    for others in (columns[:1], [columns[0], {**columns[1], "type": "integer"}],
                   [columns[0], {**columns[1], "retired": True}]):  # fmt: skip
        with pytest.raises(services.FormNotPublishableError) as refused:
            publish([*FIELDS, {**rows, "fields": others}])
        assert [(one.path, one.code) for one in refused.value.problems] == [
            (f"fields[{len(FIELDS)}].fields", "has_values")
        ]
    more = {"key": "c", "type": "text", "label": "C"}
    publish([*FIELDS, {**rows, "fields": [{**columns[0], "type": "decimal"}, columns[1], more]}])


def test_a_value_wanted_once_is_refused_for_a_second_customer(app, session):
    session.rollback()
    publish([{**one, "unique": "form"} if one["key"] == "dish" else one for one in FIELDS])
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


def test_the_page_brings_back_the_base_that_it_was_given_and_nothing_else(app):
    with app.app_context():
        sealed = forms._signer().dumps({"parties": 2})
        assert forms._read_base(MultiDict({forms.BASE: sealed})) == {"parties": 2}
        for forged in ('{"parties":"abc"}', sealed[:-1], '{"a":"\\ud800"}', "", "[1]"):
            assert forms._read_base(MultiDict({forms.BASE: forged})) == {}


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_whoever_says_several_values_wanted_once_waits_for_all_of_them_together(app, session):
    session.rollback()
    publish([{"key": key, "type": "text", "label": key, "unique": "form"} for key in ("b", "a")])
    told: list[object] = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        if "pg_advisory_xact_lock" in statement and "own field" in str(parameters):
            told.append(parameters)

    with transaction(SYSTEM) as inside:
        one = create_customer(inside, by=SYSTEM, name="An")
    for say in (
        lambda inside: change(inside, one.id, {"a": "1", "b": "2"}, by=SYSTEM, is_new=False),
        lambda inside: change_many(inside, {one.id: {"a": "3", "b": "4"}}, by=SYSTEM),
        lambda inside: not_alone(inside, one.id),
    ):
        told.clear()
        event.listen(db.engine, "before_cursor_execute", note)
        with transaction(SYSTEM) as inside:
            say(inside)
        event.remove(db.engine, "before_cursor_execute", note)
        assert len(told) == 1
