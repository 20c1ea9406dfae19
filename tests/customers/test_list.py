"""The list of customers: found, ordered and turned at a cost that does not grow with the table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import event, select

from app.core import paging
from app.core.access import SYSTEM, Scope
from app.core.db import db, transaction
from app.customers.services import create_customer
from app.security.models import Right, RoleScope
from app.security.queries import actor_of, member_by_username, role_by_code
from app.security.services import hand_over, rights_changed
from tests.pages import tables

NAMES = ("Trần Văn Đức", "Đặng Thị Mỹ Duyên", "Nguyễn Đình Phước", "Lê Bảo Trân")
LIST = "/khach-hang/list/"


@pytest.fixture
def four(app: Flask) -> None:
    """Lan's customers, with two ways to reach each."""
    with app.app_context():
        lan = actor_of(db.session(), member_by_username(db.session(), "lan"))
        for number, name in enumerate(NAMES):
            with transaction(lan) as session:
                create_customer(session, by=lan, name=name, phone=f"090311826{number}", email=f"a{number}@example.com")
        db.session.remove()


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [link.text for link in tables(answer.text).select(".tt-rowlink")]


def heading(browser, path: str) -> str:
    return BeautifulSoup(browser.get(path).text, "lxml").h1.text.strip()


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_more) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.both_databases
def test_it_is_searched_ordered_and_turned(app, four, client):
    lan = client("lan")
    assert names(lan.get(LIST)) == list(reversed(NAMES))
    assert names(lan.get(f"{LIST}?order=created_at")) == list(NAMES)
    assert names(lan.get(f"{LIST}?order=name")) == [NAMES[1], NAMES[0], NAMES[2], NAMES[3]]
    assert names(lan.get(f"{LIST}?q=duyen")) == names(lan.get(f"{LIST}?q=0903118261")) == [NAMES[1]]
    assert names(lan.get(f"{LIST}?q=duyen&order=name")) == [NAMES[1]]
    assert names(lan.get(f"{LIST}?page=2&page_size=3")) == [NAMES[0]]
    assert names(client("tuan").get(LIST)) == []


def test_each_row_shows_how_the_customer_is_reached_and_who_looks_after_him(four, client):
    first = BeautifulSoup(client("minh").get(LIST).text, "lxml").select_one("tbody tr")
    assert first.select_one("input")["aria-labelledby"] == f"chon {first.select_one('.tt-rowlink')['id']}"
    cells = [cell.text for cell in first.select("td[data-label]")]
    assert cells[1:4] == ["0903 118 263", "a3@example.com", "Nguyễn Ngọc Lan"]


@pytest.mark.parametrize("who", ["lan", "minh", "hoa"])
def test_it_takes_at_most_eight_queries(app, four, client, who):
    with app.app_context():
        with transaction(SYSTEM) as session:
            tuan = actor_of(session, member_by_username(session, "tuan"))
        with transaction(tuan) as session:
            shared = create_customer(session, by=tuan, name="Bùi Chia Sẻ").id
        with transaction(SYSTEM) as session:
            lan = member_by_username(session, "lan")
            hand_over(session, "Customer", shared, right=Right.view, reason="share", member_id=lan.id)
        db.session.remove()
    browser = client(who)
    browser.get(LIST)
    with counted(app) as statements:
        browser.get(LIST)
    assert 0 < len(statements) <= 8, statements


def test_a_long_list_is_counted_once_a_minute_and_a_short_one_every_time(app, four, client, monkeypatch):
    lan = client("lan")

    def counts(path: str = LIST) -> int:
        with counted(app) as statements:
            lan.get(path)
        return len([one for one in statements if "count(" in one and "FROM customer" in one])

    assert [counts(), counts()] == [1, 1]
    monkeypatch.setattr(paging, "COUNT_CAP", 3)
    first = f"{LIST}?page_size=2"
    assert [counts(first), counts(first)] == [1, 0]
    assert "hơn 3" in heading(lan, first)
    paging.forget_counts()
    assert counts(first) == 1


def test_a_long_list_is_told_exactly_once_its_end_is_seen(app, four, client, monkeypatch):
    """Whatever is remembered of its length: rows may have gone, and rights with them."""
    monkeypatch.setattr(paging, "COUNT_CAP", 3)
    lan = client("lan")
    assert "hơn 3" in heading(lan, f"{LIST}?page_size=3")
    assert heading(lan, f"{LIST}?page_size=3&page=2") == "Khách hàng 4"
    assert heading(lan, LIST) == "Khách hàng 4"


def test_what_is_remembered_of_a_list_ends_with_the_right_to_it(app, four, client, monkeypatch):
    monkeypatch.setattr(paging, "COUNT_CAP", 3)
    minh = client("minh")
    assert "hơn 3" in heading(minh, f"{LIST}?page_size=2")
    with app.app_context(), transaction(SYSTEM) as session:
        role = role_by_code(session, "Manager")
        reach = session.scalars(select(RoleScope).filter_by(role_id=role.id, resource="Customer", action="view")).one()
        reach.scope = Scope.own
        rights_changed(session, [member_by_username(session, "minh").id])
    assert heading(minh, f"{LIST}?page_size=2") == "Khách hàng 0"
