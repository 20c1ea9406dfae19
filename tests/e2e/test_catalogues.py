"""Keeping a catalogue with the hands: by mouse, by keys and on a phone; what is kept there is what forms offer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import looks
from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE

pytestmark = pytest.mark.e2e


def opened(page: Page, code: str = "touchpoint") -> list[str]:
    """The names of the entries, in their order."""
    page.goto(f"/danh-muc/{code}")
    return names(looks.settled(page))


def names(page: Page) -> list[str]:
    return page.locator(".tt-entry__name b").all_text_contents()


def test_an_entry_is_added_renamed_retired_and_offered_to_customers(desk: Desk) -> None:
    hoa = desk("hoa")
    opened(hoa, "channel")
    hoa.get_by_label("Mục mới").fill("Đại lý\nHội sách")
    hoa.get_by_role("button", name="Thêm", exact=True).click()
    expect(hoa.locator(".tt-toast")).to_contain_text("Đã thêm 2 mục.")
    row = hoa.locator('[data-code="dai-ly"]')
    row.get_by_label("Sửa Đại lý").click()
    row.get_by_label("Tiếng Việt").fill("Nhà phân phối")
    row.get_by_label("Màu").select_option("Hồng")
    row.get_by_role("button", name="Lưu").click()
    expect(row.locator("b")).to_have_text("Nhà phân phối")
    hoa.goto("/khach-hang/add")
    channels = hoa.locator("select[name=source]")
    expect(channels.locator("option", has_text="Nhà phân phối")).to_have_count(1)
    hoa.goto("/danh-muc/channel")
    row.locator(".tt-menu > summary").click()
    row.get_by_role("button", name="Ngừng dùng").click()
    expect(row).to_contain_text("Ngừng dùng")
    hoa.goto("/khach-hang/add")
    expect(channels.locator("option", has_text="Nhà phân phối")).to_have_count(0)


def test_a_new_channel_is_made_from_inside_the_customers_form(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto("/khach-hang/add")
    channels = hoa.locator("select[name=source]")
    channels.select_option("+")
    dialog = hoa.get_by_role("dialog")
    dialog.get_by_label("Tên mục mới").fill("zalo")
    dialog.get_by_role("button", name="Thêm mới").click()
    expect(dialog.get_by_role("alert")).to_contain_text("đã có trong danh mục này")
    desk.complaints.clear()  # the browser notes the refusal that was asked for
    dialog.get_by_label("Tên mục mới").fill("Truyền hình")
    dialog.get_by_role("button", name="Thêm mới").click()
    expect(dialog).to_have_count(0)
    expect(channels).to_have_value("truyen-hinh")


def test_the_order_is_changed_by_keys_and_stays(desk: Desk) -> None:
    hoa = desk("hoa")
    first, second, *rest = opened(hoa)
    hoa.locator("[data-grip]").first.focus()
    hoa.keyboard.press("ArrowDown")
    expect(hoa.locator(".tt-toast")).to_contain_text("Đã lưu thứ tự mới.")
    expect(hoa.locator("[data-grip]").nth(1)).to_be_focused()
    assert opened(hoa) == [second, first, *rest]


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_order_is_changed_by_dragging_and_nothing_is_cut_off(size: tuple[int, int], desk: Desk) -> None:
    hoa = desk.page("hoa", size)
    first, second, third, *rest = opened(hoa, "call-result")
    wanted = [second, third, first, *rest]
    grips = hoa.locator("[data-grip]")
    grips.nth(2).scroll_into_view_if_needed()
    here, there = grips.nth(0).bounding_box(), grips.nth(2).bounding_box()
    assert here
    assert there
    hoa.mouse.move(here["x"] + 8, here["y"] + 12)
    hoa.mouse.down()
    hoa.mouse.move(there["x"] + 8, there["y"] + 4, steps=8)
    for step in range(40):  # a row that is still moving aside makes no room: who drags sees that, and waits with it
        hoa.mouse.move(there["x"] + 8, there["y"] + there["height"] - step % 2)
        if names(hoa) == wanted:
            break
        hoa.wait_for_timeout(100)
    hoa.mouse.up()
    expect(hoa.locator(".tt-toast")).to_contain_text("Đã lưu thứ tự mới.")
    assert opened(hoa, "call-result") == wanted
    assert hoa.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_archiving_says_in_numbers_what_will_happen_and_is_taken_back(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto("/khach-hang/list/")
    for box in hoa.locator('input[name="rowid"]').all()[:1]:
        box.check()
    hoa.locator("[data-bulk]").get_by_role("button", name="Lưu trữ").click()
    dialog = hoa.get_by_role("dialog")
    expect(dialog).to_contain_text("Lưu trữ “")
    dialog.get_by_role("button", name="Lưu trữ").click()
    expect(hoa.locator(".tt-toast")).to_contain_text("Đã lưu trữ 1 khách hàng")
    hoa.locator("[data-toast-undo] button").click()
    expect(hoa.locator(".tt-toast")).to_contain_text("Đã khôi phục 1 khách hàng")
