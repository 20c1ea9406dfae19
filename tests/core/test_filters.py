"""A list is narrowed column by column; what is on stands there in words and can be taken off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers.models import Customer, CustomerKind
from app.customers.services import create_customer
from app.security import queries

LIST = "/khach-hang/list/"


@pytest.fixture
def hoa(app: Flask, client: Callable[..., FlaskClient]) -> FlaskClient:
    """Hoa, with two people of the Website and a company of the fair; the company came a year before."""
    with app.app_context():
        who = queries.actor_of(db.session(), queries.member_by_username(db.session(), "hoa"))
        with transaction(who) as session:
            for name, kind, source in (
                ("Đặng Mỹ Duyên", CustomerKind.person, "Website"),
                ("Trần Văn Bảy", CustomerKind.person, "Website"),
                ("Công ty Sen Hồng", CustomerKind.company, "Hội chợ"),
            ):
                create_customer(session, by=who, name=name, kind=kind, source=source)
        with transaction(SYSTEM) as session:
            old = datetime(2025, 11, 23, 2, tzinfo=UTC)
            session.execute(update(Customer).where(Customer.kind == CustomerKind.company).values(created_at=old))
    return client("hoa")


def page(browser: FlaskClient, query: str) -> BeautifulSoup:
    answer = browser.get(LIST + query)
    assert answer.status_code == 200, answer.text[-2000:]
    return BeautifulSoup(answer.text, "html.parser")


def rows(soup: BeautifulSoup) -> list[str]:
    return sorted(link.text.strip() for link in soup.select("[data-row] .tt-rowlink"))


def chips(soup: BeautifulSoup) -> list[str]:
    return [
        " ".join(chip.select_one(".tt-clip").get_text(" ").split())
        for chip in soup.select(".tt-toolbar .tt-chip:has(.tt-clip)")
    ]


def panel(soup: BeautifulSoup) -> dict[str, Tag]:
    return {row["data-filter"]: row for row in soup.select("[data-filters] [data-filter]")}


def test_panel_offers_each_column_with_its_operators_and_the_right_input(hoa: FlaskClient) -> None:
    offered = panel(page(hoa, ""))
    assert list(offered) == ["kind", "source", "created_at"]
    assert [one.text for one in offered["kind"].select("[data-filter-operator] option")] == ["là", "khác"]
    assert [one["value"] for one in offered["kind"].select("[data-filter-value] option")] == ["", "person", "company"]
    assert offered["source"].select_one("[data-filter-operator] option").text == "có chứa"
    assert offered["source"].select_one("[data-filter-value]")["type"] == "text"
    assert offered["created_at"].select_one("[data-filter-value]")["placeholder"] == "ngày/tháng/năm"
    for row in offered.values():
        chosen = row.select_one("option")["value"]
        assert row.select_one("[data-filter-value]")["name"] == f"_flt_{chosen}_{row['data-filter']}"
        assert row.select_one("[data-filter-value]")["aria-label"]


@pytest.mark.parametrize(
    ("query", "names", "words"),
    [
        ("?_flt_0_kind=company", ["Công ty Sen Hồng"], ["Loại là Công ty"]),
        ("?_flt_2_source=web", ["Trần Văn Bảy", "Đặng Mỹ Duyên"], ["Biết đến qua có chứa web"]),
        ("?_flt_2_created_at=2025-12-01", ["Công ty Sen Hồng"], ["Ngày tạo trước 01/12/2025"]),
        ("?_flt_2_source=web&_flt_1_kind=person", [], ["Loại khác Cá nhân", "Biết đến qua có chứa web"]),
    ],
)
def test_what_is_on_narrows_the_list_and_is_told_in_words(
    query: str, names: list[str], words: list[str], hoa: FlaskClient
) -> None:
    soup = page(hoa, query)
    assert rows(soup) == names
    assert chips(soup) == words


def test_each_filter_is_taken_off_by_its_own_cross(hoa: FlaskClient) -> None:
    soup = page(hoa, "?_flt_2_source=web&_flt_0_kind=company&order=name")
    crosses = [chip.a["href"] for chip in soup.select(".tt-toolbar .tt-chip:has(.tt-clip)")]
    assert crosses == ["?order=name&_flt_2_source=web", "?order=name&_flt_0_kind=company"]
    assert soup.select_one(".tt-filters__foot a")["href"] == "?order=name"
    assert "_flt_" not in crosses[0].replace("_flt_2_source", "")


def test_panel_shows_what_is_on_and_keeps_what_the_list_is_asked_besides(hoa: FlaskClient) -> None:
    soup = page(hoa, "?q=sen&order=name&_flt_0_kind=company&_flt_1_created_at=2025-01-01&_flt_2_created_at=2025-12-31")
    form = soup.select_one("[data-filters] form")
    assert {one["name"]: one["value"] for one in form.select("input[type=hidden]")} == {"q": "sen", "order": "name"}
    assert form.select_one("[name=_flt_0_kind] option[selected]")["value"] == "company"
    assert form.select_one("[name=_flt_1_created_at]")["value"] == "01/01/2025"
    assert form.select_one("[name=_flt_2_created_at]")["value"] == "31/12/2025"
    assert soup.select_one(".tt-filters__count").text == "3"
    assert rows(soup) == ["Công ty Sen Hồng"]


def test_empty_values_ask_for_nothing(hoa: FlaskClient) -> None:
    soup = page(hoa, "?_flt_0_kind=&_flt_2_source=&_flt_1_created_at=")
    assert len(rows(soup)) == 3
    assert chips(soup) == []


def test_a_filter_that_the_panel_cannot_say_stays_on(hoa: FlaskClient) -> None:
    soup = page(hoa, "?_flt_4_source=Hội&_flt_1_created_at=01/01/2026 08:30")
    assert chips(soup) == ["Biết đến qua không bắt đầu bằng Hội", "Ngày tạo từ 01/01/2026 08:30"]
    assert soup.select_one("[data-filters] input[type=hidden][name=_flt_4_source]")["value"] == "Hội"
    assert soup.select_one("[name=_flt_1_created_at]")["value"] == "01/01/2026 08:30"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("_flt_0_kind=gold", "“gold”: Không có trong danh sách để chọn."),
        ("_flt_1_created_at=32/13/2026", "“32/13/2026”:"),
        ("_flt_9_kind=person", "_flt_9_kind"),
        ("_flt_0_owner=1", "_flt_0_owner"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(query: str, says: str, hoa: FlaskClient) -> None:
    answer: Any = hoa.get(f"{LIST}?{query}")
    assert answer.status_code == 400
    assert says in BeautifulSoup(answer.text, "html.parser").get_text(" ")


@pytest.mark.parametrize("address", ["/bieu-mau/list/", "/quy-trinh/list/", "/nhan-su/list/", "/bo-phan/list/"])
def test_lists_of_the_company_are_narrowed_by_name(address: str, client: Callable[..., FlaskClient]) -> None:
    hoa = client("hoa")
    answer = hoa.get(f"{address}?_flt_2_name=zzz")
    assert answer.status_code == 200
    soup = BeautifulSoup(answer.text, "html.parser")
    assert rows(soup) == []
    assert "name" in panel(soup)
