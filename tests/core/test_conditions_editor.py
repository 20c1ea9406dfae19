"""Is everything that the editor offers a condition that a list understands, and called as people say it?"""

from __future__ import annotations

import json
from datetime import date

import pytest
from sqlalchemy import column, literal

from app.core.conditions import Condition, parse
from app.core.conditions.editor import OPERATORS, PERIODS, field_offer, offers
from app.core.conditions.fields import Field, Kind
from app.core.conditions.shown import value_word
from app.core.conditions.sql import Reader, where
from app.core.i18n import in_language

READER = Reader(3, frozenset({1}), "Asia/Ho_Chi_Minh", date(2026, 11, 22))
SAMPLES = {
    Kind.text: "Sen", Kind.phone: "0912", Kind.number: 5, Kind.decimal: 1.5, Kind.money: 500000,
    Kind.date: "2026-11-21", Kind.moment: "2026-11-21", Kind.choice: "company", Kind.yes_no: True, Kind.person: 3,
    Kind.team: 1,
}  # fmt: skip
CHOICES = {"person": "Cá nhân", "company": "Doanh nghiệp"}


def a_field(kind: Kind) -> Field:
    return Field("x", "Tên", kind, column("x"), CHOICES if kind is Kind.choice else {})


def rows_of(kind: Kind, op: str, beside: str) -> list[dict[str, object]]:
    """What the editor stores for this operator."""
    one = SAMPLES[kind]
    if beside == "none":
        return [{"field": "x", "op": op}]
    if beside == "two":
        return [{"field": "x", "op": ">=", "value": one}, {"field": "x", "op": "<=", "value": one}]
    if beside == "period":
        return [{"field": "x", "op": op, "value": period["value"]} for period in offers()["periods"]]
    own = [offered["value"] for offered in offers()["own"].get(str(kind), [])]
    return [{"field": "x", "op": op, "value": [value] if beside == "list" else value} for value in [one, *own]]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_operator_is_one_that_a_list_understands(kind):
    for op, _label, beside in OPERATORS[kind]:
        for row in rows_of(kind, op, beside):
            condition = Condition.from_json(row)
            where(condition, {"x": a_field(kind)}, reader=READER)
            assert parse(condition.text) == condition


def test_an_operator_is_known_by_what_it_does_and_what_stands_beside_it():
    for kind, offered in OPERATORS.items():
        assert len({(op, beside) for op, _label, beside in offered}) == len(offered), kind
        assert {beside for _op, _label, beside in offered} <= {"none", "one", "list", "period", "two"}


def test_the_offer_is_plain_data_in_the_language_of_the_reader(app):
    with app.app_context(), in_language("vi"):
        told = offers()
    assert json.loads(json.dumps(told)) == told
    assert set(told["operators"]) == set(map(str, Kind))
    assert [one["label"] for one in told["operators"]["text"][:4]] == ["chứa", "không chứa", "là", "không là"]
    assert [one["label"] for one in told["operators"]["moment"][:5]] == ["trong", "là ngày", "trước", "sau", "từ … đến"]
    labels = {one["call"]: one["label"] for one in told["periods"]}
    assert len(labels) == len(PERIODS)
    assert (labels["today()"], labels["this_week()"], labels["last_days(7)"]) == ("hôm nay", "tuần này", "7 ngày qua")
    assert all(parse(f"x = {one['call']}").to_json()["value"] == one["value"] for one in told["periods"])
    assert told["own"]["person"] == [{"call": "me()", "value": {"call": "me", "args": []}, "label": "tôi"}]


def test_a_field_tells_its_label_its_choices_and_where_they_are_looked_up(app):
    with app.app_context(), in_language("vi"):
        assert field_offer(a_field(Kind.choice)) == {
            "key": "x", "label": "Tên", "kind": "choice", "choices_url": None, "within": "",
            "choices": [["person", "Cá nhân"], ["company", "Doanh nghiệp"]],
        }  # fmt: skip
        assert field_offer(a_field(Kind.person), "/look/")["choices_url"] == "/look/"
        assert field_offer(a_field(Kind.yes_no))["choices"] == [[True, "có"], [False, "không"]]


@pytest.mark.parametrize(
    ("kind", "value", "word"),
    [
        (Kind.choice, "company", "Doanh nghiệp"),
        (Kind.choice, "retired", "retired"),
        (Kind.date, "2026-11-21", "21/11/2026"),
        (Kind.moment, "2026-11-21", "21/11/2026"),
        (Kind.moment, "2026-11-21T10:30", "21/11/2026 10:30"),
        (Kind.moment, "2026-11-21T10:30Z", "21/11/2026 17:30"),
        (Kind.moment, "9999-12-31T23:59Z", "9999-12-31T23:59Z"),
        (Kind.date, "mai", "mai"),
        (Kind.money, 500000, "500.000\u00a0₫"),
        (Kind.number, 1250, "1.250"),
        (Kind.decimal, 2.5, "2,5"),
        (Kind.yes_no, True, "có"),
        (Kind.text, "Sen", "“Sen”"),
        (Kind.person, 3, "3"),
    ],
)
def test_a_value_is_called_as_the_list_shows_it(app, kind, value, word):
    field = Field("x", "Tên", kind, literal(1), CHOICES)
    with app.app_context(), in_language("vi"):
        assert value_word(field, value, "Asia/Ho_Chi_Minh") == word
