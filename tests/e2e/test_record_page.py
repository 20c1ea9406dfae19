"""A row at a glance beside its list, by mouse and by keys; a record page with its tabs, its history, and on paper."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.looks import PHONE

pytestmark = pytest.mark.e2e

LISTS = ("/khach-hang/list/", "/nhan-su/list/")


def rows(page: Page) -> Locator:
    return page.locator("tr[data-panel]")


def name_of(row: Locator) -> str:
    return row.locator("a.tt-rowlink").get_attribute("title") or ""


@pytest.mark.parametrize("path", LISTS)
def test_a_click_anywhere_in_a_row_shows_it_beside_the_list(path: str, desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto(path)
    first, second = rows(hoa).nth(0), rows(hoa).nth(1)
    first.locator("td").last.click()
    panel = hoa.locator("aside.tt-panel")
    expect(panel.get_by_role("heading", level=2)).to_have_text(name_of(first))
    expect(hoa).to_have_url(re.compile(r"#mo=\d+$"))
    second.locator("td:visible").last.click()
    expect(panel.get_by_role("heading", level=2)).to_have_text(name_of(second))
    hoa.reload()
    expect(panel.get_by_role("heading", level=2)).to_have_text(name_of(second))
    panel.get_by_role("button", name="Đóng phần xem nhanh").click()
    expect(panel).to_be_hidden()
    expect(hoa).not_to_have_url(re.compile("#mo"))


def test_back_closes_the_panel_and_stays_on_the_list(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto(LISTS[0])
    rows(hoa).first.locator("td").last.click()
    expect(hoa.locator("aside.tt-panel")).to_be_visible()
    hoa.go_back()
    expect(hoa.locator("aside.tt-panel")).to_be_hidden()
    expect(rows(hoa).first).to_be_visible()


def test_keys_turn_the_panel_open_the_page_and_give_the_focus_back(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto(LISTS[0])
    panel = hoa.locator("aside.tt-panel")
    hoa.keyboard.press("j")
    hoa.keyboard.press("Enter")
    expect(panel.get_by_role("heading", level=2)).to_have_text(name_of(rows(hoa).nth(0)))
    expect(panel).to_be_focused()
    hoa.keyboard.press("j")
    expect(panel.get_by_role("heading", level=2)).to_have_text(name_of(rows(hoa).nth(1)))
    hoa.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(rows(hoa).nth(1).locator("a.tt-rowlink")).to_be_focused()
    page = rows(hoa).nth(1).locator("a.tt-rowlink").get_attribute("href")
    hoa.keyboard.press("Enter")
    expect(panel).to_be_focused()
    hoa.keyboard.press("Enter")
    hoa.wait_for_url(f"**{page}")


def test_on_a_phone_a_row_leads_to_its_page_where_the_tabs_come_before_the_rail(desk: Desk) -> None:
    hoa = desk.page("hoa", PHONE)
    hoa.goto(LISTS[1])
    rows(hoa).first.click()
    hoa.wait_for_url(re.compile(r"/nhan-su/show/\d+$"))
    rail, parts = hoa.locator(".tt-rail").bounding_box(), hoa.locator(".tt-tabs--card").bounding_box()
    assert rail is not None
    assert parts is not None
    assert parts["y"] < rail["y"]
    assert hoa.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_a_change_is_told_on_the_page(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto(LISTS[0])
    hoa.goto(rows(hoa).first.locator("a.tt-rowlink").get_attribute("href") or "")
    hoa.get_by_role("link", name="Sửa").first.click()
    hoa.get_by_label("Ghi chú").fill("Thích gọi buổi sáng")
    hoa.get_by_role("button", name=re.compile("^Lưu")).first.click()
    hoa.get_by_role("link", name="Lịch sử thay đổi").click()
    newest = hoa.locator(".tt-log .tt-ev").first
    expect(newest).to_contain_text("Lê Thị Hoa")
    expect(newest.locator("dt")).to_have_text("Ghi chú")
    expect(newest.locator("ins")).to_contain_text("Thích gọi buổi sáng")


def test_a_press_is_not_lost_when_what_was_wrong_is_put_right_just_before(desk: Desk) -> None:
    """The line below the date goes, and the button would move up from under the finger."""
    lan = desk.page("lan", PHONE)
    lan.goto(LISTS[0])
    lan.goto(f"/khach-hang/show/{(rows(lan).first.get_attribute('data-panel') or '').rsplit('/', 1)[1]}")
    form = lan.locator("form[data-quick]")
    form.get_by_label("Kết quả").select_option("Đã nói chuyện")
    day = form.get_by_label("Lần liên hệ tới")
    day.fill("31/02/2099")
    lan.keyboard.press("Tab")
    expect(form.get_by_text("Không có ngày 31/02/2099: tháng đó chỉ có 28 ngày.")).to_be_visible()
    day.fill("27/02/2099")
    form.get_by_role("button", name="Ghi lại").click()
    expect(lan.get_by_text("Đã ghi cuộc gọi.")).to_be_visible()


def test_paper_shows_the_record_and_nothing_around_it(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto(LISTS[0])
    hoa.goto(rows(hoa).first.locator("a.tt-rowlink").get_attribute("href") or "")
    hoa.emulate_media(media="print")
    expect(hoa.locator(".tt-printhead")).to_contain_text("In lúc")
    for gone in (".tt-side", ".tt-top", ".tt-tabs a:not([aria-current])", ".tt-rechead__act"):
        expect(hoa.locator(gone).first).to_be_hidden()
    expect(hoa.locator(".tt-tabs [aria-current]")).to_contain_text("Dòng thời gian")
    expect(hoa.get_by_role("heading", level=1)).to_be_visible()
    assert len(hoa.pdf(prefer_css_page_size=True)) > 1000
