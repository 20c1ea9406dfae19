"""All work as a table: a head looks at what is open and gives some of it to somebody; by mouse, by keys, by thumb."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.looks import PHONE
from tests.e2e.product import LATE_DELIVERY, Product, Rest

pytestmark = pytest.mark.e2e

TABLE = "/cong-viec/bang/list/"
RECEIVE = "Tiếp nhận phản ánh và xin lỗi"
LAN, MINH = "Nguyễn Ngọc Lan", "Phạm Quang Minh"


@pytest.fixture
def begun(product: Product) -> list[str]:
    """Two late deliveries that Lan has just begun: their codes. The first step of each waits for CSKH."""
    lan = Rest(product, "lan")
    return [lan.post("instances/", {"process": LATE_DELIVERY, "customer_id": 1})["code"] for _number in range(2)]


def of(*codes: str) -> str:
    """The table of what is open in these process files, with their codes."""
    inside = " or ".join(f"context contains '{code}'" for code in codes)
    columns = "name,due_at,customer,assignee,context"
    return f"{TABLE}?{urlencode({'view': '0', 'where': f'is_open = true and ({inside})', 'columns': columns})}"


def rows(page: Page) -> Locator:
    return page.locator("tbody [data-row]")


def test_a_head_gives_what_he_chooses_to_somebody_with_the_mouse(begun: list[str], desk: Desk) -> None:
    minh = desk("minh")
    minh.goto("/cong-viec/")
    minh.get_by_role("link", name="Dạng bảng").click()
    expect(minh.get_by_role("heading", level=1)).to_contain_text("Bảng công việc")
    tabs = minh.get_by_role("navigation", name="Cách xem")
    expect(tabs.locator("[aria-current]")).to_have_text("Của tôi")

    minh.goto(of(*begun))
    expect(rows(minh)).to_have_count(2)
    expect(rows(minh).filter(has_text=begun[0])).to_contain_text("Chưa có ai nhận")
    minh.get_by_label("Chọn cả trang").check()
    minh.get_by_role("toolbar").get_by_role("button", name="Giao lại").click()
    dialog = minh.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Giao lại 2 công việc")
    dialog.locator("input[role='combobox']").fill("lan")
    dialog.get_by_role("option", name=re.compile(LAN)).click()
    dialog.get_by_label("Lời nhắn").fill("Em làm giúp anh nhé")
    dialog.get_by_role("button", name="Giao lại").click()
    toasts = minh.locator("#toasts")
    expect(toasts).to_contain_text("Đã giao lại 2 công việc")
    for code in begun:
        expect(rows(minh).filter(has_text=code)).to_contain_text(LAN)
    toasts.get_by_role("button", name="Hoàn tác").click()
    expect(toasts).to_contain_text("Đã hoàn tác việc giao lại 2 công việc")
    for code in begun:
        expect(rows(minh).filter(has_text=code)).to_contain_text("Chưa có ai nhận")

    minh.get_by_label("Chọn cả trang").check()
    minh.get_by_role("toolbar").get_by_role("button", name="Giao lại").click()
    dialog.locator("input[role='combobox']").fill("lan")
    dialog.get_by_role("option", name=re.compile(LAN)).click()
    dialog.get_by_role("button", name="Giao lại").click()
    expect(toasts).to_contain_text("Đã giao lại 2 công việc")

    # She has it on her desk now, and the table tells her so.
    lan = desk("lan")
    lan.goto(TABLE)
    lan.get_by_role("navigation", name="Cách xem").get_by_role("link", name="Của tôi").click()
    lan.get_by_role("searchbox", name="Tìm trong danh sách").fill(begun[0])
    lan.keyboard.press("Enter")
    expect(rows(lan)).to_have_count(1)
    rows(lan).get_by_role("link", name=RECEIVE).click()
    panel = lan.get_by_role("complementary", name=RECEIVE)
    expect(panel).to_contain_text(begun[0])
    expect(panel).to_contain_text(LAN)
    panel.get_by_role("link", name="Mở trang đầy đủ").click()
    lan.wait_for_url(re.compile(r"/cong-viec/\d+$"))
    expect(lan.get_by_role("heading", level=1)).to_contain_text(RECEIVE)


def test_nobody_is_given_anything_before_a_person_is_chosen(begun: list[str], desk: Desk) -> None:
    minh = desk("minh")
    minh.goto(of(begun[0]))
    rows(minh).get_by_role("checkbox").check()
    minh.get_by_role("toolbar").get_by_role("button", name="Giao lại").click()
    minh.get_by_role("dialog").get_by_role("button", name="Giao lại").click()
    expect(minh.get_by_text("Chọn người sẽ làm việc này").first).to_be_visible()
    expect(rows(minh)).to_contain_text("Chưa có ai nhận")


def test_work_is_claimed_by_keys_alone_and_enter_in_the_list_claims_nothing(begun: list[str], desk: Desk) -> None:
    lan = desk("lan")
    lan.goto(of(begun[0]))
    box = rows(lan).get_by_role("checkbox")
    box.focus()
    lan.keyboard.press("Space")
    expect(lan.get_by_role("toolbar")).to_be_visible()
    lan.keyboard.press("Enter")
    expect(rows(lan)).to_contain_text("Chưa có ai nhận")
    for _stop in range(20):
        lan.keyboard.press("Tab")
        if lan.locator(":focus").inner_text().strip() == "Nhận việc":
            break
    expect(lan.locator(":focus")).to_have_text("Nhận việc")
    lan.keyboard.press("Enter")
    expect(lan.get_by_role("dialog")).to_contain_text(f"Nhận “{RECEIVE}”?")
    lan.keyboard.press("Enter")
    expect(lan.locator("#toasts")).to_contain_text("Đã nhận 1 công việc")
    expect(rows(lan)).to_contain_text(LAN)


def test_the_table_fits_a_phone_and_work_is_claimed_there(begun: list[str], desk: Desk) -> None:
    lan = desk.page("lan", PHONE)
    lan.goto("/cong-viec/")
    lan.get_by_role("link", name="Dạng bảng").click()
    lan.wait_for_url(re.compile(TABLE))
    assert lan.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    lan.goto(of(begun[1]))
    rows(lan).get_by_role("checkbox").check()
    lan.get_by_role("toolbar").get_by_role("button", name="Nhận việc").click()
    lan.get_by_role("dialog").get_by_role("button", name="Nhận việc").click()
    expect(rows(lan)).to_contain_text(LAN)
    assert lan.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    lan.locator(".tt-listhead").get_by_role("link", name="Hộp việc").click()
    lan.wait_for_url("/cong-viec/")


# what is cut off stands outside the part that scrolls; hidden columns have no width
_WIDER = "() => { const part = document.querySelector('.tt-scroll'); return part.scrollWidth - part.clientWidth; }"
_SMALL = """() => [...document.querySelectorAll("main :is(a, button, summary, input, label):not(.tt-rowlink)")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }))
  .filter((one) => !one.closest("details:not([open]) > :not(summary)") && !one.matches(".tt-check > input, .tt-vh"))
  .map((one) => [one.getAttribute("aria-label") || one.textContent.trim() || one.name, one.getBoundingClientRect()])
  .filter(([_name, box]) => box.width < 44 || box.height < 44).map(([name]) => name)"""


@pytest.mark.parametrize("path", [TABLE, "/khach-hang/list/", "/ho-so/bang/list/"])
def test_no_column_is_cut_off_and_the_sorted_one_stays_beside_the_panel(
    begun: list[str], desk: Desk, path: str
) -> None:
    hoa = desk("hoa")
    hoa.goto(path)
    assert hoa.evaluate(_WIDER) <= 0
    expect(hoa.locator("th[aria-sort]")).to_be_visible()
    rows(hoa).first.locator("td").last.click()
    expect(hoa.locator("aside.tt-panel")).to_be_visible()
    assert hoa.evaluate(_WIDER) <= 0
    expect(hoa.locator("th[aria-sort]")).to_be_visible()
    expect(rows(hoa).first.locator("[data-sorted]")).to_be_visible()


@pytest.mark.parametrize("path", [TABLE, "/khach-hang/list/?view=0&where=name%20contains%20'a'", "/ho-so/bang/list/"])
def test_a_thumb_can_press_whatever_stands_on_a_list(begun: list[str], desk: Desk, path: str) -> None:
    hoa = desk.page("hoa", PHONE)
    hoa.goto(path)
    assert hoa.evaluate(_SMALL) == []


def test_process_files_stand_in_a_table_too(begun: list[str], desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/ho-so/")
    lan.get_by_role("link", name="Dạng bảng").click()
    lan.get_by_role("navigation", name="Cách xem").get_by_role("link", name="Tôi mở").click()
    row = rows(lan).filter(has_text=begun[0])
    expect(row).to_contain_text("Giao hàng chậm")
    row.get_by_role("link", name=begun[0]).press("Enter")
    expect(lan.locator("aside.tt-panel")).to_be_focused()
    lan.keyboard.press("Enter")
    lan.wait_for_url(re.compile(r"/ho-so/\d+$"))
    lan.go_back()
    lan.get_by_role("link", name="Dạng danh sách").click()
    lan.wait_for_url("/ho-so/")
