"""The palette as people use it: without accents, by the keyboard alone, and with what they had open a moment ago."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Request, Route, expect

from app.core import clock
from tests.e2e.conftest import Desk
from tests.e2e.looks import PHONE

pytestmark = pytest.mark.e2e

DUYEN = "Đặng Thị Mỹ Duyên"


def palette(page: Page, key: str = "Control+k") -> Page:
    """The page with the palette open over it."""
    page.keyboard.press(key)
    expect(page.get_by_role("combobox", name="Tìm nhanh")).to_be_focused()
    return page


def test_a_customer_is_found_without_accents_and_opened_by_enter(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/cong-viec/")
    palette(lan)
    lan.keyboard.type("dang my duyen")
    first = lan.get_by_role("option").first
    expect(first).to_contain_text(DUYEN)
    expect(first).to_have_attribute("aria-selected", "true")
    box = lan.get_by_role("combobox")
    expect(box).to_have_attribute("aria-activedescendant", first.get_attribute("id") or "")
    lan.keyboard.press("Enter")
    expect(lan.get_by_role("heading", name=DUYEN, level=1)).to_be_visible()


def test_the_slash_opens_it_too_where_there_is_no_list_and_can_be_typed_in_it(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/khach-hang/list/")
    lan.keyboard.press("/")
    expect(lan.get_by_role("searchbox", name="Tìm trong danh sách")).to_be_focused()
    expect(lan.get_by_role("dialog")).to_have_count(0)
    lan.goto("/")
    palette(lan, "/")
    lan.keyboard.type("khach/hang")
    expect(lan.get_by_role("combobox")).to_have_value("khach/hang")
    lan.keyboard.press("Escape")
    expect(lan.get_by_role("dialog")).to_have_count(0)


def test_what_was_opened_is_offered_before_anything_is_typed(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/khach-hang/show/1")
    lan.goto("/khach-hang/show/2")
    lan.goto("/cong-viec/")
    palette(lan)
    recent = lan.get_by_role("group", name="Vừa mở").get_by_role("option")
    expect(recent.nth(0)).to_contain_text("Nguyễn Phước Bảo Ân")
    expect(recent.nth(1)).to_contain_text(DUYEN)
    lan.keyboard.press("ArrowDown")
    lan.keyboard.press("Enter")
    expect(lan.get_by_role("heading", name=DUYEN, level=1)).to_be_visible()
    kept = lan.evaluate("JSON.stringify(localStorage)")
    assert "customer:1" in kept
    assert not re.search("Duyên|0903", kept)

    lan.goto("/")
    card = lan.get_by_role("region", name="Vừa mở")
    expect(card.get_by_role("link", name=DUYEN)).to_be_visible()


def test_a_call_is_found_written_down_and_followed_up_by_seventeen_keys(desk: Desk) -> None:
    """Ctrl+K, the last digits, Enter; g, the result, the day of the next call, Enter: within 15 seconds of anybody."""
    lan = desk("lan")
    lan.goto("/cong-viec/")
    palette(lan)
    lan.keyboard.type("8201")
    first = lan.get_by_role("option").first
    expect(first).to_contain_text(DUYEN)
    expect(first.locator("mark")).to_have_text("8 201")
    lan.keyboard.press("Enter")
    expect(lan.get_by_role("heading", name=DUYEN, level=1)).to_be_visible()
    lan.keyboard.press("g")
    expect(lan.get_by_label("Kết quả").first).to_be_focused()
    next_call = f"{clock.today('Asia/Ho_Chi_Minh') + timedelta(days=3):%d/%m}"
    for key in ("ArrowDown", "Tab", "Tab", *next_call, "Enter"):
        lan.keyboard.press(key)
    expect(lan.locator("#toasts")).to_contain_text("Đã ghi cuộc gọi")
    expect(lan.locator(".tt-tl")).to_contain_text("Đã nói chuyện")
    expect(lan.get_by_role("main")).to_contain_text(next_call)


def test_a_phone_number_that_nobody_has_becomes_a_new_customer(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/")
    palette(lan)
    lan.keyboard.type("0966.111.222")
    expect(lan.get_by_role("option").first).to_contain_text("Thêm khách hàng với số 0966 111 222")
    lan.keyboard.press("Enter")
    expect(lan.get_by_label("Số điện thoại")).to_have_value("0966 111 222")


def test_commands_are_found_without_accents_and_are_one_s_own(desk: Desk) -> None:
    hoa, lan = desk("hoa"), desk("lan")
    for page, is_there in ((hoa, 1), (lan, 0)):
        page.goto("/")
        palette(page)
        page.keyboard.type("nhan su")
        commands = page.get_by_role("group", name="Lệnh").get_by_role("option", name="Nhân sự")
        expect(page.get_by_role("option", name="Xem tất cả kết quả")).to_have_count(1)
        expect(commands).to_have_count(is_there)
    hoa.keyboard.press("Enter")
    expect(hoa).to_have_url(re.compile("/nhan-su/list/$"))


def test_a_command_is_called_by_its_name_without_its_key(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/")
    palette(lan)
    lan.keyboard.type("phim tat")
    expect(lan.get_by_role("group", name="Lệnh").locator("[role=option] b")).to_have_text(["Phím tắt"])


def test_a_command_changes_the_page_where_it_stands(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/")
    for typed, theme in (("giao dien toi", "dark"), ("giao dien sang", "light")):
        palette(lan)
        lan.keyboard.type(typed)
        expect(lan.get_by_role("group", name="Lệnh").get_by_role("option")).to_have_count(1)
        lan.keyboard.press("Enter")
        expect(lan.locator("html")).to_have_attribute("data-bs-theme", theme)


def test_escape_gives_the_focus_back(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/")
    opener = lan.get_by_role("link", name="Khách hàng", exact=True)
    opener.focus()
    palette(lan)
    lan.keyboard.type("duyen")
    lan.keyboard.press("Escape")
    expect(lan.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_ctrl_enter_opens_beside_and_keeps_the_palette(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/")
    palette(lan)
    lan.keyboard.type("ung hoang duc")
    expect(lan.get_by_role("option").first).to_contain_text("Ưng Hoàng Đức")
    with lan.context.expect_page() as opened:
        lan.keyboard.press("Control+Enter")
    expect(opened.value.get_by_role("heading", name="Ưng Hoàng Đức", level=1)).to_be_visible()
    expect(lan.get_by_role("combobox")).to_be_visible()


def test_a_late_answer_never_replaces_a_newer_one(desk: Desk) -> None:
    lan = desk("lan")
    held: list[Route] = []

    def hold(route: Route, request: Request) -> None:
        if "q=bao" in request.url:
            held.append(route)
        else:
            route.continue_()

    lan.route("**/tim/goi-y*", hold)
    lan.goto("/")
    palette(lan)
    with lan.expect_request("**/tim/goi-y?q=bao*"):
        lan.keyboard.type("bao an")
    lan.keyboard.press("Control+a")
    lan.keyboard.type("duyen")
    expect(lan.get_by_role("option").first).to_contain_text(DUYEN)
    assert held
    expect(lan.get_by_role("option", name=re.compile("Bảo Ân"))).to_have_count(0)


def test_a_failed_search_says_so(desk: Desk) -> None:
    lan = desk.page("lan")
    lan.route("**/tim/goi-y*", lambda route: route.fulfill(status=503, body="", content_type="text/plain"))
    lan.goto("/")
    palette(lan)
    lan.keyboard.type("duyen")
    expect(lan.get_by_role("listbox")).to_contain_text("Chưa tìm được. Kiểm tra mạng rồi thử lại.")
    desk.close()  # until then the browser tells of each 503, which is what this test is about
    desk.complaints.clear()


def test_words_still_being_composed_are_found_but_not_entered(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/")
    palette(lan)
    session = lan.context.new_cdp_session(lan)
    session.send("Input.imeSetComposition", {"text": "duyên", "selectionStart": 5, "selectionEnd": 5})
    expect(lan.get_by_role("option").first).to_contain_text(DUYEN)
    lan.get_by_role("combobox").dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    expect(lan.get_by_role("combobox")).to_be_visible()
    session.send("Input.insertText", {"text": "duyên"})
    lan.keyboard.press("Enter")
    expect(lan.get_by_role("heading", name=DUYEN, level=1)).to_be_visible()


def test_the_question_mark_tells_the_keys_of_the_page(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/khach-hang/list/")
    lan.keyboard.press("?")
    told = lan.get_by_role("dialog", name="Phím tắt")
    expect(told).to_contain_text("Dòng sau")
    expect(told).to_contain_text("Ctrl KTìm nhanh")
    expect(told).to_contain_text("/Tìm trong danh sách này")
    lan.keyboard.press("Escape")
    expect(told).to_have_count(0)
    lan.goto("/thong-bao/")
    lan.keyboard.press("?")
    expect(told).to_be_visible()
    expect(told).not_to_contain_text("Dòng sau")


def test_on_a_phone_the_menu_is_a_drawer_that_keeps_the_focus(desk: Desk) -> None:
    lan = desk.page("lan", PHONE)
    lan.goto("/cong-viec/")
    opener = lan.locator("[data-drawer-open]")
    opener.click()
    drawer = lan.get_by_role("dialog", name="Thanh bên")
    expect(drawer.get_by_role("link", name=re.compile("Công việc"))).to_be_focused()
    for _press in range(12):
        lan.keyboard.press("Tab")
        assert lan.evaluate("document.activeElement.closest('.tt-side') !== null")
    lan.keyboard.press("Escape")
    expect(opener).to_be_focused()
    opener.click()
    lan.mouse.click(380, 600)
    expect(opener).to_be_focused()


def test_where_the_browser_keeps_nothing_every_part_of_the_page_still_works(desk: Desk) -> None:
    lan = desk.page("lan")
    lan.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
    )
    lan.goto("/khach-hang/list/")
    lan.keyboard.press("j")
    expect(lan.locator("[data-row].is-cursor")).to_have_count(1)
    for name in ("Tối", "Theo máy"):
        lan.locator("summary.tt-me").click()
        lan.get_by_role("button", name=name).click()
        expect(lan.locator("details.tt-menu[open]")).to_have_count(1)
        lan.keyboard.press("Escape")


def test_a_group_stays_folded_from_page_to_page(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto("/")
    group = hoa.locator('details[data-group="admin"]')
    expect(group).to_have_attribute("open", "")
    group.locator("summary").click()
    hoa.goto("/khach-hang/list/")
    expect(group).not_to_have_attribute("open", "")
    hoa.goto("/cai-dat/")
    expect(group).to_have_attribute("open", "")
    hoa.goto("/")
    group.locator("summary").click()
    hoa.goto("/khach-hang/list/")
    expect(group).to_have_attribute("open", "")
