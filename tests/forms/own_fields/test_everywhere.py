"""A field that an admin adds to customers is there at once: page, forms, list, filters, views, files, interface."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers.models import Customer, TimelineEntry
from app.customers.segments import queries as segment_queries
from app.customers.segments import services as segments
from app.customers.services import archive_customer
from app.forms.own_fields.models import CustomerAnswers, CustomerValue
from tests.cast import Cast
from tests.forms.own_fields.drawing import FIELDS, publish
from tests.pages import tables
from tests.rest import Rest

LIST = "/khach-hang/list/"


@pytest.fixture
def lan(app: Flask) -> Rest:
    return Rest(app, "lan")


@pytest.fixture
def own(app: Flask) -> None:
    with app.app_context():
        publish()
        db.session.remove()


def made(rest: Rest, name: str, **own: object) -> dict:
    answer = rest.post("customers/", {"name": name, "own": own})
    assert answer.status_code == 201, answer.text
    return answer.json


@pytest.fixture
def three(own, lan) -> list[dict]:
    return [
        made(lan, "Trần Văn Đức", dish="Phở tái", parties=12, signed="2026-01-05", channel="zalo", likes=["pho", "bun"],
             limit=5_000_000, vat=True, rate=2.5),
        made(lan, "Đặng Thị Duyên", dish="Bún chả", parties=2, signed="2025-11-20", channel="call", likes=["com"],
             limit=900_000, vat=False, rate=10.0),
        made(lan, "Lê Bảo Trân"),
    ]  # fmt: skip


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [link.text for link in tables(answer.text).select(".tt-rowlink")]


DUC, DUYEN, TRAN = "Trần Văn Đức", "Đặng Thị Duyên", "Lê Bảo Trân"


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("own.parties > 9", {DUC}),
        ("own.parties >= 2 and own.parties <= 12", {DUC, DUYEN}),
        ("own.parties != 12", {DUYEN}),
        ("own.parties empty", {TRAN}),
        ("own.parties not empty", {DUC, DUYEN}),
        ("not (own.parties > 9)", {DUYEN, TRAN}),
        ("own.signed < '2026-01-01'", {DUYEN}),
        ("own.channel = 'zalo'", {DUC}),
        ("own.channel in ('zalo', 'call')", {DUC, DUYEN}),
        ("own.channel != 'zalo'", {DUYEN}),
        ("own.likes = 'bun'", {DUC}),
        ("own.likes != 'bun'", {DUYEN}),
        ("own.dish contains 'bun cha'", {DUYEN}),
        ("own.limit >= 1000000", {DUC}),
        ("own.vat = true", {DUC}),
        ("own.vat = false", {DUYEN}),
        ("own.rate > 9", {DUYEN}),
        ("own.channel = 'zalo' or own.channel = 'call'", {DUC, DUYEN}),
    ],
)
def test_the_list_is_narrowed_by_what_they_are(three, client, where, found):
    assert set(names(client("lan").get(LIST, query_string={"where": where}))) == found


@pytest.mark.both_databases
def test_whoever_is_archived_leaves_the_narrowed_list_of_those_who_see_all(app, three, client):
    hoa, where = client("hoa"), {"where": "own.parties >= 1"}
    assert names(hoa.get(LIST, query_string=where)) == [DUYEN, DUC]
    with app.app_context(), transaction(SYSTEM) as session:
        archive_customer(session, session.get_one(Customer, three[0]["id"]), by=SYSTEM)
    assert names(hoa.get(LIST, query_string=where)) == [DUYEN]
    assert names(hoa.get(LIST, query_string={**where, "archived": "1"})) == [DUC]
    assert names(hoa.get(LIST, query_string={"where": "own.parties >= 1 and own.channel = 'zalo'"})) == []


ORDERED = [
    ("own.parties", [DUYEN, DUC, TRAN]),
    ("-own.parties", [DUC, DUYEN, TRAN]),
    ("own.signed", [DUYEN, DUC, TRAN]),
    ("own.dish", [DUYEN, DUC, TRAN]),
    ("own.channel", [DUC, DUYEN, TRAN]),
    ("-own.channel", [DUYEN, DUC, TRAN]),
    ("own.rate", [DUC, DUYEN, TRAN]),
]


@pytest.mark.both_databases
@pytest.mark.parametrize(("order", "found"), ORDERED)
def test_programs_read_the_list_in_that_order_a_page_at_a_time(three, lan, order, found):
    assert [one["name"] for one in lan.rows("customers/", order=order)] == found
    told, asked = [], {"order": order, "page_size": 1}
    while True:
        page = lan.get("customers/", **asked).json
        told += [one["name"] for one in page["result"]]
        if page["next"] is None:
            break
        asked["after"] = page["next"]
    assert told == found


def test_the_order_by_own_fields_is_told_to_programs(lan):
    listed = lan.get("_openapi").json["paths"]["/api/v1/customers/"]["get"]
    told = {one["name"]: one["description"] for one in listed["parameters"]}
    assert "own.KEY" in told["order"]
    assert lan.get("customers/", order="own.memo_of_nobody").status_code == 400


@pytest.mark.both_databases
@pytest.mark.parametrize(("order", "found"), ORDERED)
def test_the_list_is_ordered_by_what_they_are(three, client, order, found, monkeypatch):
    lan = client("lan")
    assert names(lan.get(f"{LIST}?order={order}")) == found
    from app.core import paging

    monkeypatch.setattr(paging, "is_long", lambda _known: True)
    assert names(lan.get(f"{LIST}?order={order}")) == found
    first = lan.get(f"{LIST}?order={order}&page_size=1")
    assert names(first) == found[:1]
    after = next(one["href"] for one in BeautifulSoup(first.text, "lxml").select("a[href*='after=']"))
    second = lan.get(f"{LIST}{after}")
    assert names(second) == found[1:2]
    after = next(one["href"] for one in BeautifulSoup(second.text, "lxml").select("a[href*='after=']"))
    assert names(lan.get(f"{LIST}{after}")) == found[2:]


def test_a_column_shows_them_as_people_read_them(three, client):
    page = client("lan").get(
        LIST, query_string={"columns": "name,own.dish,own.parties,own.signed,own.channel,own.likes,own.limit,own.vat,"
                            "own.rate,own.memo,own.helper", "where": "own.parties > 9"},
    )  # fmt: skip
    cells = [cell.text for cell in tables(page.text).select("tbody td")[2:]]
    assert cells == ["Phở tái", "12", "05/01/2026", "Zalo", "Phở, Bún", "5.000.000\xa0₫", "Có", "2,5", "", ""]


def test_it_is_there_at_once_and_gone_at_once_when_it_is_retired(three, app, client):
    lan, hoa = client("lan"), client("hoa")
    with app.app_context():
        publish([*FIELDS, {"key": "table", "type": "text", "label": "Bàn quen", "searchable": True}])
        db.session.remove()
    assert "Bàn quen" in lan.get(LIST).text
    assert "Bàn quen" in hoa.get("/khach-hang/add").text
    with app.app_context():
        publish([{**one, "retired": True} if one["key"] == "dish" else one for one in FIELDS])
        db.session.remove()
    assert lan.get(LIST, query_string={"where": "own.dish contains 'bun'"}).status_code == 400
    shown = lan.get(f"/khach-hang/show/{three[0]['id']}").text
    assert "Phở tái" in shown
    assert "Trường không còn hỏi" in shown


@pytest.mark.both_databases
def test_they_are_filled_in_on_the_form_of_the_customer(three, client, app):
    lan, number = client("lan"), three[2]["id"]
    page = lan.get(f"/khach-hang/edit/{number}")
    assert "Món hay dùng" in page.text
    soup = BeautifulSoup(page.text, "lxml")
    sent = {
        one["name"]: one.get("value", "") for one in soup.select("main form input[name]")
        if one.get("type") not in ("radio", "checkbox")
    }  # fmt: skip
    sent |= {one["name"]: "" for one in soup.select("main form select[name], main form textarea[name]")}
    sent |= {"kind": "person"}
    wrong = lan.post(f"/khach-hang/edit/{number}", data={**sent, "answer_parties": "nhiều", "answer_dish": "Cơm tấm"})
    assert wrong.status_code == 422
    assert "Cơm tấm" in wrong.text
    saved = lan.post(f"/khach-hang/edit/{number}", data={
        **sent, "answer_parties": "1.5", "answer_dish": "Cơm tấm"})  # fmt: skip
    assert saved.status_code == 422
    saved = lan.post(f"/khach-hang/edit/{number}", data={
        **sent, "answer_parties": "15", "answer_dish": "Cơm tấm", "answer_signed": "1/2/2026", "answer_channel": "mail",
        "answer_likes": ["com", "pho"]})  # fmt: skip
    assert saved.status_code == 302, BeautifulSoup(saved.text, "lxml").select("[data-problems], .tt-err")
    with app.app_context():
        row = db.session.scalars(select(CustomerAnswers).where(CustomerAnswers.customer_id == number)).one()
        assert row.answers == {
            "dish": "Cơm tấm", "parties": 15, "signed": "2026-02-01", "channel": "mail", "likes": ["pho", "com"],
        }  # fmt: skip
        values = db.session.scalars(select(CustomerValue).where(CustomerValue.customer_id == number)).all()
        assert {(one.field_key, one.item) for one in values} == {
            ("dish", 0), ("parties", 0), ("signed", 0), ("channel", 0), ("likes", 0), ("likes", 1),
        }  # fmt: skip
        entry = db.session.scalars(
            select(TimelineEntry).where(TimelineEntry.customer_id == number).order_by(TimelineEntry.id.desc())
        ).first()
        assert entry.data == {"fields": ["own.channel", "own.dish", "own.likes", "own.parties", "own.signed"]}
    shown = lan.get(f"/khach-hang/show/{number}").text
    for told in ("Cơm tấm", "01/02/2026", "E-mail", "Món hay dùng"):
        assert told in shown


@pytest.mark.both_databases
def test_a_segment_follows_them_until_it_is_frozen(three, app, lan):
    with app.app_context(), transaction(SYSTEM) as session:
        minh = Cast(session).minh
        made_of = segments.create_segment(session, segments.Typed("Hay đặt tiệc", "own.parties >= 2"), by=minh)
        belongs = segment_queries.belongs
        assert segment_queries.count(session, minh, belongs(made_of, minh)) == 2
        segment_id = made_of.id
        assert segments.freeze(session, segment_id, by=minh) == 2
    duyen, tran = (lan.get(f"customers/{three[at]['id']}").json for at in (1, 2))
    assert lan.put(f"customers/{duyen['id']}", {"rev": duyen["rev"], "own": {"parties": 1}}).status_code == 200
    assert lan.put(f"customers/{tran['id']}", {"rev": tran["rev"], "own": {"parties": 9}}).status_code == 200
    for is_frozen, found in ((True, {DUC, DUYEN}), (False, {DUC, TRAN})):
        with app.app_context(), transaction(SYSTEM) as session:
            minh = Cast(session).minh
            if not is_frozen:
                segments.unfreeze(session, segment_id, by=minh)
            segment = session.get_one(segments.Segment, segment_id)
            seen = segment_queries.seen(minh, segment_queries.belongs(segment, minh))
            assert {one.name for one in session.scalars(seen).unique()} == found
