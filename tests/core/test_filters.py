"""A list is narrowed by a condition; what is on stands there in words, a part each, and can be taken off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers.models import Customer, CustomerKind
from app.customers.services import create_customer
from app.security import queries

LIST = "/khach-hang/list/"
DUYEN, BAY, SEN = "Đặng Mỹ Duyên", "Trần Văn Bảy", "Công ty Sen Hồng"


@pytest.fixture
def hoa(app: Flask, client: Callable[..., FlaskClient]) -> FlaskClient:
    """Hoa, with two people and a company; the company came a year before, and one of the people is Lan's."""
    with app.app_context():
        who = queries.actor_of(db.session(), queries.member_by_username(db.session(), "hoa"))
        lan = queries.actor_of(db.session(), queries.member_by_username(db.session(), "lan"))
        with transaction(who) as session:
            create_customer(session, by=who, name=BAY, kind=CustomerKind.person, phone="0912 345 678", source="zalo")
            create_customer(session, by=who, name=SEN, kind=CustomerKind.company, note="Hội chợ")
        with transaction(lan) as session:
            create_customer(session, by=lan, name=DUYEN, kind=CustomerKind.person, source="website")
        with transaction(SYSTEM) as session:
            old = datetime(2025, 11, 23, 2, tzinfo=UTC)
            session.execute(update(Customer).where(Customer.kind == CustomerKind.company).values(created_at=old))
    return client("hoa")


def page(browser: FlaskClient, where: str, **more: str) -> BeautifulSoup:
    answer = browser.get(LIST, query_string={"where": where, **more})
    assert answer.status_code == 200, answer.text[-2000:]
    return BeautifulSoup(answer.text, "lxml")


def rows(soup: BeautifulSoup) -> set[str]:
    return {link["title"] for link in soup.select("[data-row] .tt-rowlink")}


def chips(soup: BeautifulSoup) -> list[str]:
    return [chip.text for chip in soup.select(".tt-toolbar .tt-chip .tt-clip")]


def crosses(soup: BeautifulSoup) -> list[dict[str, list[str]]]:
    return [
        parse_qs(urlsplit(link["href"]).query)
        for link in soup.select(".tt-toolbar .tt-chip:has(.tt-clip) a:last-child")
    ]


@pytest.mark.both_databases
def test_every_kind_of_field_narrows_and_reads_in_words(app: Flask, hoa: FlaskClient) -> None:
    with app.app_context():
        lan = queries.member_by_username(db.session(), "lan").id
    for where, found, told in (
        ("kind = 'company'", {SEN}, "Loại là Công ty"),
        ("kind in ('company', 'person')", {SEN, BAY, DUYEN}, "Công ty, Cá nhân"),
        ("name contains 'DUYÊN'", {DUYEN}, "DUYÊN"),
        ("phone contains '345 678'", {BAY}, "345 678"),
        ("phone empty", {SEN, DUYEN}, "trống"),
        ("source = 'website'", {DUYEN}, "Website"),
        ("note not empty", {SEN}, "Ghi chú"),
        ("created_at < '2026-01-01'", {SEN}, "01/01/2026"),
        (f"owner.name = {lan}", {DUYEN}, "Nguyễn Ngọc Lan"),
        ("not owner.name = me()", {DUYEN}, "tôi"),
        ("not kind = 'person'", {SEN}, "Cá nhân"),
    ):
        soup = page(hoa, where)
        assert rows(soup) == found, where
        (chip,) = chips(soup)
        assert told in chip, chip


def test_parts_are_taken_off_one_by_one_and_alternatives_together(hoa: FlaskClient) -> None:
    soup = page(hoa, "kind = 'person' and (source = 'zalo' or source = 'website')", order="name", q="")
    assert rows(soup) == {BAY, DUYEN}
    assert len(chips(soup)) == 2
    assert " hoặc " in chips(soup)[1]
    first, second = crosses(soup)
    assert first == {"order": ["name"], "where": ["source = 'zalo' or source = 'website'"]}
    assert second == {"order": ["name"], "where": ["kind = 'person'"]}
    (only,) = crosses(page(hoa, "kind = 'person'"))
    assert only == {}


def test_the_stored_form_is_understood_and_every_link_goes_on_in_words(hoa: FlaskClient) -> None:
    soup = page(hoa, '{"and": [{"field": "kind", "op": "=", "value": "company"}]}', page_size="1")
    assert rows(soup) == {SEN}
    heads = [parse_qs(urlsplit(link["href"]).query)["where"] for link in soup.select("thead a")]
    assert heads
    assert all(where == ["kind = 'company'"] for where in heads)


def test_an_empty_result_offers_to_take_the_filters_off(hoa: FlaskClient) -> None:
    soup = page(hoa, "name = 'Nobody'")
    assert rows(soup) == set()
    assert "where" not in soup.select_one(".tt-empty a")["href"]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("salary > 5", "salary"),
        ("owner.password = 'x'", "owner.password"),
        ("search_text contains 'x'", "search_text"),
        ("kind = 'gold'", "Loại"),
        ("created_at = 'hôm nay'", "Ngày tạo"),
        ("owner.name = 'Lan'", "Người phụ trách"),
        ("name > 5", "Tên"),
        ("kind ==", "="),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(where: str, told: str, hoa: FlaskClient) -> None:
    answer = hoa.get(LIST, query_string={"where": where})
    assert answer.status_code == 400
    assert told in BeautifulSoup(answer.text, "lxml").main.text


def test_the_editor_learns_by_what_one_may_ask(hoa: FlaskClient, client: Callable[..., FlaskClient]) -> None:
    told = hoa.get("/khach-hang/fields").json
    fields = {one["key"]: one for one in told["fields"]}
    assert {"name", "kind", "phone", "owner.name", "team.name", "created_at"} <= set(fields)
    assert [value for value, _label in fields["kind"]["choices"]] == ["person", "company"]
    assert fields["owner.name"]["choices_url"] == "/chon/nguoi"
    assert {one["kind"] for one in fields.values()} <= set(told["operators"])
    offered = client("lan").get(f"{fields['team.name']['choices_url']}?q=cskh").json
    assert [one["text"] for one in offered["results"]] == ["CSKH"]
