"""Narrowing a list with the hands: rows are added and dropped, the address says what is asked, chips take it off."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE

pytestmark = pytest.mark.e2e


def opened(page: Page) -> Locator:
    """The panel of the customer list."""
    page.goto("/khach-hang/list/")
    page.locator(".tt-filters > summary").click()
    return page.locator(".tt-filters__panel")


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_list_is_narrowed_by_a_span_of_days_and_widened_again(size: tuple[int, int], desk: Desk) -> None:
    hoa = desk.page("hoa", size)
    panel = opened(hoa)
    panel.get_by_label("Loại", exact=True).select_option("Công ty")
    panel.get_by_label("Ngày tạo", exact=True).fill("01/01/2026")
    panel.locator("[data-filter-add]").select_option("Ngày tạo")
    expect(panel.get_by_label("Ngày tạo", exact=True)).to_have_count(2)
    expect(panel.get_by_label("Ngày tạo", exact=True).last).to_be_focused()
    panel.get_by_label("Ngày tạo: cách so sánh").last.select_option("trước")
    panel.get_by_label("Ngày tạo", exact=True).last.fill("31/12/2035")
    panel.get_by_role("button", name="Áp dụng").click()
    hoa.wait_for_url(
        re.compile(r"\?_flt_0_kind=company&_flt_1_created_at=01%2F01%2F2026&_flt_2_created_at=31%2F12%2F2035$")
    )
    chips = hoa.locator(".tt-toolbar .tt-chip:has(.tt-clip)")
    expect(chips).to_have_text(["Loại là Công ty", "Ngày tạo từ 01/01/2026", "Ngày tạo trước 31/12/2035"])
    assert hoa.evaluate("document.documentElement.scrollWidth") <= size[0]
    for left in (2, 1, 0):
        chips.first.get_by_role("link").click()
        expect(chips).to_have_count(left)
    hoa.wait_for_url("/khach-hang/list/?")


def test_a_date_that_is_none_is_not_sent(desk: Desk) -> None:
    hoa = desk("hoa")
    panel = opened(hoa)
    panel.get_by_label("Ngày tạo", exact=True).fill("hôm qua")
    panel.get_by_role("button", name="Áp dụng").click()
    expect(panel.locator("input:invalid")).to_have_count(1)
    assert hoa.url.endswith("/khach-hang/list/")


def test_a_row_is_dropped_and_comes_back_and_escape_closes_the_panel(desk: Desk) -> None:
    hoa = desk("hoa")
    panel = opened(hoa)
    panel.get_by_role("button", name="Bỏ điều kiện này: Loại").click()
    expect(panel.get_by_label("Loại", exact=True)).to_be_hidden()
    expect(panel).to_be_visible()
    panel.locator("[data-filter-add]").select_option("Loại")
    expect(panel.get_by_label("Loại", exact=True)).to_be_focused()
    hoa.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(hoa.locator(".tt-filters > summary")).to_be_focused()
