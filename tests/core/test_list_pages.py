"""Pages of a list are found by the row before them: no row is shown twice or left out, forwards and backwards."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, product
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.core import paging
from app.core.db import db, transaction
from app.core.screens import Screen
from app.customers.models import CustomerKind
from app.customers.segments import fields as segment_fields
from app.customers.services import create_customer
from app.security import queries
from tests.pages import tables

LIST = "/khach-hang/list/"
NAMES = ("An", "Bình", "Bình", "Cường", "Dũng", "Đào", "Ánh")


@pytest.fixture
def hoa(app: Flask, client: Callable[..., FlaskClient]) -> FlaskClient:
    """Hoa, and seven customers: two of one name, some without a source."""
    with app.app_context():
        who = queries.actor_of(db.session(), queries.member_by_username(db.session(), "hoa"))
        with transaction(who) as session:
            for number, name in enumerate(NAMES):
                source = "website" if number % 2 else None
                create_customer(session, by=who, name=name, kind=CustomerKind.person, source=source)
    return client("hoa")


def page(browser: FlaskClient, query: str) -> BeautifulSoup:
    answer = browser.get(LIST + query)
    assert answer.status_code == 200, answer.text[-2000:]
    return BeautifulSoup(answer.text, "lxml")


def rows(browser: FlaskClient, query: str) -> BeautifulSoup:
    """The rows of the page, and its turning."""
    answer = browser.get(LIST + query)
    assert answer.status_code == 200, answer.text[-2000:]
    return tables(answer.text, "footer")


def ids(soup: BeautifulSoup) -> list[int]:
    return [int(link["href"].rsplit("/", 1)[1]) for link in soup.select("[data-row] .tt-rowlink")]


def turn(soup: BeautifulSoup, where: str) -> str | None:
    link = soup.select_one(f".tt-pager a[rel={where}][href]")
    return str(link["href"]) if link else None


def walked(browser: FlaskClient, query: str, where: str) -> list[list[int]]:
    pages, here = [], rows(browser, query)
    while True:
        pages.append(ids(here))
        link = turn(here, where)
        if link is None:
            return pages
        here = rows(browser, link)


@pytest.mark.both_databases
@pytest.mark.parametrize("order", ["name", "-code", "-created_at", "source", "-source"])
@pytest.mark.parametrize("most", [paging.COUNT_CAP, 3])
def test_every_row_stands_on_one_page_forwards_and_backwards(
    order: str, most: int, hoa: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "COUNT_CAP", most)  # a list that is counted, and one that is walked
    whole = ids(rows(hoa, f"?order={order}"))
    forwards = walked(hoa, f"?order={order}&page_size=2", "next")
    assert [len(one) for one in forwards] == [2, 2, 2, 1]
    assert [row for one in forwards for row in one] == whole
    assert sorted(whole) == sorted(set(whole))
    last = rows(hoa, f"?order={order}&page_size=2&page=4")
    there, back = [ids(last)], turn(last, "prev")
    while back:
        last = rows(hoa, back)
        there.insert(0, ids(last))
        back = turn(last, "prev")
    assert there == forwards


def test_a_row_that_comes_in_between_moves_nobody_onto_two_pages(app: Flask, hoa: FlaskClient) -> None:
    first = page(hoa, "?page_size=3")
    with app.app_context():
        who = queries.actor_of(db.session(), queries.member_by_username(db.session(), "hoa"))
        with transaction(who) as session:
            create_customer(session, by=who, name="Mới", kind=CustomerKind.person)
    second = page(hoa, turn(first, "next"))
    assert not set(ids(first)) & set(ids(second))


@contextmanager
def listened() -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_a_later_page_skips_nothing_by_counting(hoa: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "COUNT_CAP", 3)
    second = turn(page(hoa, "?page_size=2&order=name"), "next")
    with listened() as statements:
        page(hoa, second)
    (rows,) = [one for one in statements if "AS c0" in one]
    assert "OFFSET" not in rows.rpartition("ORDER BY")[2].removesuffix(" OFFSET ?")
    assert re.search(r"\(customer\.sort_key, customer\.id\) > \(", rows)


@pytest.mark.parametrize(
    "token",
    ["", "x", "W10", "e30", "bnVsbA", "WyJ0ZXh0IiwgImEiLCAwXQ", "WyJtb21lbnQiLCAibW9yZ2VuIiwgMV0",
     "WyJ3aG9sZSIsIHRydWUsIDFd",
     "WyJkYXkiLCAxLCAxXQ", "a" * 1200],
)  # fmt: skip
@pytest.mark.parametrize("side", ["after", "before"])
def test_a_cursor_that_is_none_of_ours_is_refused_with_a_sentence(side: str, token: str, hoa: FlaskClient) -> None:
    answer = hoa.get(f"{LIST}?order=name&{side}={token}")
    assert answer.status_code == 400
    assert "trang đầu" in answer.text or "Chưa hiểu" in answer.text


VALUES = (
    ["text", "\ud800"], ["text", "abc"], ["text", "a" * 900], ["decimal", "1e400000"],
    ["decimal", "NaN"], ["decimal", "1.5"],
    ["whole", 2**62], ["whole", 5], ["whole", -1],
    ["moment", "0001-01-01T00:00:00+14:00"], ["moment", "9999-12-31T23:59:59-14:00"],
    ["moment", "2026-11-22T10:00:00+00:00"], ["moment", "2026-11-22"], ["day", "2026-11-22"],
    ["day", "x"], ["none", None],
    ["text", None], ["gold", 1], [None, None], ["whole", True],
)  # fmt: skip


@pytest.mark.both_databases
def test_no_cursor_that_somebody_makes_up_breaks_a_list(hoa: FlaskClient) -> None:
    orders = ("name", "-code", "kind", "source", "owner.name", "created_at", "-updated_at")
    # An odd number of orders: each of them is met from both sides, and so is each value.
    for (value, order), side in zip(product(VALUES, orders), cycle(("after", "before"))):
        token = base64.urlsafe_b64encode(json.dumps([*value, 5]).encode()).decode().rstrip("=")
        answer = hoa.get(LIST, query_string={"order": order, "page": "2", side: token})
        assert answer.status_code in (200, 400), (value, order, side)


def test_a_cursor_of_another_order_finds_a_page_or_a_refusal_but_never_an_error(hoa: FlaskClient) -> None:
    token = re.search(r"after=([^&]+)", turn(page(hoa, "?page_size=2&order=name"), "next") or "")
    assert token
    for order in ("code", "-created_at", "source"):
        assert hoa.get(f"{LIST}?order={order}&page=2&after={token[1]}").status_code in (200, 400), order


def test_where_rows_are_cards_a_menu_of_links_orders_them_and_keeps_what_is_asked(hoa: FlaskClient) -> None:
    menu = page(hoa, "?order=-name&q=B%C3%ACnh").select(".tt-toolbar .tt-order li")
    assert [one.span.text for one in menu] == ["Tên", "Mã", "Người phụ trách", "Ngày tạo"]
    links = {link["aria-label"]: link for link in menu[0].select("a")}
    assert [told for told, link in links.items() if link.has_attr("aria-current")] == ["Tên: giảm dần"]
    risen = page(hoa, str(links["Tên: tăng dần"]["href"]))
    assert len(ids(risen)) == 2
    assert risen.select_one(".tt-order [aria-current]")["aria-label"] == "Tên: tăng dần"


@pytest.mark.parametrize(
    ("query", "told"),
    [("order=created_by.password", "created_by.password"), ("columns=name,salary", "salary"), ("page=-1", "10.000"),
     ("page_size=1000000000", "100")],
)  # fmt: skip
def test_how_a_list_cannot_be_shown_is_told_over_it_as_it_is_otherwise(query: str, told: str, hoa: FlaskClient) -> None:
    answer = hoa.get(f"{LIST}?q=B%C3%ACnh&{query}")
    assert answer.status_code == 400
    shown = BeautifulSoup(answer.text, "lxml")
    assert told in shown.select_one(".tt-listnote[role=alert]").text
    assert ids(shown) == ids(page(hoa, "?q=B%C3%ACnh"))


def test_a_search_that_is_too_long_is_told_beside_it_and_finds_no_row(hoa: FlaskClient) -> None:
    answer = hoa.get(f"{LIST}?q={'y' * 3000}&order=-name")
    assert answer.status_code == 400
    shown = BeautifulSoup(answer.text, "lxml")
    assert "tối đa 200 ký tự" in shown.select_one("#loc-error").text
    assert shown.select_one("#loc")["value"] == "y" * 3000
    assert not ids(shown)
    assert not shown.select("form[action$='/export'], form[action$='/views']")
    assert len(ids(page(hoa, str(shown.select_one(".tt-empty a")["href"])))) == len(ids(page(hoa, "")))
    assert int(shown.select_one("#loc")["maxlength"]) > 200


def test_what_is_nothing_to_filter_by_shows_no_row_and_a_way_to_all(hoa: FlaskClient) -> None:
    answer = hoa.get(f"{LIST}?colour=red")
    assert answer.status_code == 400
    shown = BeautifulSoup(answer.text, "lxml")
    assert "colour" in shown.select_one(".tt-listnote[role=alert]").text
    assert not ids(shown)
    assert ids(page(hoa, str(shown.select_one(".tt-empty a")["href"])))


def test_every_field_that_narrows_a_list_can_be_a_column_of_it(app: Flask) -> None:
    for screen in app.appbuilder.baseviews:
        if isinstance(screen, Screen):
            # What is counted over other rows is asked of groups of customers, and shown on the page of each.
            shown = {*screen.columns_offered, *segment_fields.FIELDS, *segment_fields.OWN}
            assert set(screen.filter_fields) <= shown, screen.key
