"""A list is taken away with the hands: what is filtered, what is chosen, and a long one that the worker writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE
from tests.e2e.product import Product

pytestmark = pytest.mark.e2e

LIST = "/khach-hang/list/"


def menu(page: Page) -> Locator:
    """The opened menu "Xuất" of the list."""
    page.get_by_label("Xuất danh sách này").click()
    return page.locator("details[open] .tt-menu__list")


def kept(page: Page, press: Callable[[], None], folder: Path) -> list[list[object]]:
    """The rows of the workbook that comes when that is done, its header first."""
    with page.expect_download() as coming:
        press()
    place = folder / coming.value.suggested_filename
    coming.value.save_as(place)
    assert place.suffix == ".xlsx"
    book = load_workbook(place)
    assert {cell.data_type for row in book.worksheets[0] for cell in row} <= {"s", "n", "d"}
    return [[cell.value for cell in row] for row in book.worksheets[0]]


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_what_is_filtered_is_what_is_downloaded(size: tuple[int, int], desk: Desk, tmp_path: Path) -> None:
    minh = desk.page("minh", size)
    minh.goto(f"{LIST}?q=nguyen&order=name&page_size=100")
    shown = [name.strip() for name in minh.locator("tr[data-row] .tt-rowlink").all_inner_texts()]
    assert shown
    choices = menu(minh)
    rows = kept(minh, choices.get_by_role("button", name="Excel, cột đang hiện").click, tmp_path)
    assert rows[0][:2] == ["Tên", "Mã"]
    assert [row[0] for row in rows[1:]] == shown
    assert minh.url.endswith("q=nguyen&order=name&page_size=100")


def test_chosen_rows_are_downloaded_by_keyboard(desk: Desk, tmp_path: Path) -> None:
    hoa = desk("hoa")
    hoa.goto(LIST)
    names = hoa.locator("tr[data-row] .tt-rowlink").all_inner_texts()[:2]
    for place in range(2):
        hoa.locator("tr[data-row] input[name=rowid]").nth(place).press("Space")
    button = hoa.get_by_role("button", name="Xuất Excel")
    button.focus()
    rows = kept(hoa, lambda: button.press("Enter"), tmp_path)
    assert [row[0] for row in rows[1:]] == [name.strip() for name in names]


def fill(product: Product, count: int) -> None:
    """So many customers more of Lan's team, by a connection of its own."""
    connection = sqlite3.connect(f"{product.data}/tantam.db", timeout=30)
    with connection:
        connection.executemany(
            "INSERT INTO customer (code, kind, name, sort_key, search_text, team_id, rev, created_at, updated_at)"
            " SELECT ?, 'person', ?, ?, ?, id, 1, '2026-01-01', '2026-01-01' FROM team WHERE code = 'cskh'",
            [(f"DAI{number:06}", f"Dài {number}", f"z{number:06}", f"dài {number}") for number in range(count)],
        )
    connection.close()


def test_a_long_list_is_written_while_one_does_something_else(desk: Desk, product: Product, tmp_path: Path) -> None:
    fill(product, 6_000)
    minh = desk("minh")
    minh.goto(LIST)
    menu(minh).get_by_role("button", name="Excel, mọi cột").click()
    minh.wait_for_url("**/xuat/*")
    expect(minh.get_by_role("heading", name="Khách hàng", level=1)).to_be_visible()
    page = minh.url
    minh.goto("/")  # it is safe to leave
    minh.goto(page)
    fetch = minh.get_by_role("link", name="Tải về")
    expect(fetch).to_be_visible(timeout=60_000)  # by itself: nobody has loaded the page again
    rows = kept(minh, fetch.click, tmp_path)
    assert len([row for row in rows if str(row[0]).startswith("Dài")]) == 6_000
    minh.goto("/thong-bao/")
    minh.get_by_role("button", name="Tệp của bạn đã sẵn sàng: Khách hàng").click()
    expect(minh.get_by_role("link", name="Tải về")).to_be_visible()
    minh.goto("/xuat/")
    expect(minh.locator("tr[data-row]")).to_have_count(1)


def test_staff_who_may_not_export_are_not_asked(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto(LIST)
    expect(lan.locator("tr[data-row]").first).to_be_visible()
    expect(lan.get_by_label("Xuất danh sách này")).to_have_count(0)
