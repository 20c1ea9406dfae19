"""Hoa makes a role by copying one, changes it by keys, gives it to Lan, asks why, and looks at the product as Lan."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import looks
from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE, ZOOMED

pytestmark = pytest.mark.e2e


def wrong(page: Page) -> list[str]:
    return [*looks.structure(page, "vi"), *looks.barriers(page), *looks.fit(page, DESK, ZOOMED, PHONE)]


def test_a_role_is_made_changed_given_and_explained(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto("/vai-tro/list/")
    hoa.goto(hoa.locator("main a.tt-rowlink", has_text="Chăm sóc khách hàng").get_attribute("href") or "")
    hoa.get_by_role("link", name="Sao chép").click()
    expect(hoa.locator("#like option:checked")).to_have_text("Nhân viên")
    hoa.locator("#label_vi").fill("Trưởng ca")
    hoa.locator("#purpose").fill("Xếp ca và duyệt đổi ca.")
    hoa.locator("[data-save], .btn-primary").last.click()
    expect(hoa.locator("h1")).to_have_text("Trưởng ca")

    hoa.reload()  # without the message, which lies over the page and goes by itself
    bar = hoa.locator("[data-savebar]")
    expect(bar).to_be_hidden()
    hoa.locator("select[name='Customer.view']").focus()
    for _step in range(4):  # add, edit, archive, export
        hoa.keyboard.press("ArrowRight")
    expect(hoa.locator("select[name='Customer.export']")).to_be_focused()
    hoa.locator("select[name='Customer.export']").select_option("own")
    expect(bar).to_contain_text("1 thay đổi chưa lưu")
    expect(bar).to_contain_text("Khách hàng: Xuất: Không → Của mình")
    assert wrong(hoa) == []
    hoa.get_by_role("link", name="Khách hàng", exact=True).first.click()
    expect(hoa.locator("dialog[open]")).to_contain_text("chưa lưu")
    hoa.get_by_role("button", name="Ở lại").click()
    hoa.get_by_role("button", name="Bỏ thay đổi").click()
    expect(bar).to_be_hidden()
    hoa.locator("select[name='Customer.export']").select_option("own")
    hoa.keyboard.press("Control+s")
    expect(hoa.locator(".tt-toast")).to_contain_text("Đã đổi 1 quyền")
    expect(hoa.locator("select[name='Customer.export']")).to_have_value("own")

    hoa.goto("/nhan-su/list/")
    lan = hoa.locator("main a.tt-rowlink[title='Nguyễn Ngọc Lan']").get_attribute("href") or ""
    number = lan.split("/")[-1]
    hoa.goto(f"/nhan-su/edit/{number}")
    hoa.get_by_label("Trưởng ca").check()
    hoa.locator("[data-save], .btn-primary").last.click()
    hoa.wait_for_url(re.compile("/nhan-su/show/"))
    hoa.locator(".tt-rechead__act summary").click()
    hoa.get_by_role("link", name="Xem quyền hiệu lực").click()
    expect(hoa.locator("#ban-ghi + .ts-wrapper")).to_be_visible()
    assert wrong(hoa) == []
    lookup = hoa.locator("#ban-ghi + .ts-wrapper input")
    lookup.click()
    lookup.press_sequentially("duy")
    hoa.locator(".ts-dropdown [data-selectable]").first.click()
    hoa.get_by_role("button", name="Xem quyền").click()
    expect(hoa.locator(".tt-verdict").first).to_contain_text("Xem: ")

    hoa.get_by_role("button", name="Xem như người này").click()
    banner = hoa.locator(".tt-looking")
    expect(banner).to_contain_text("Bạn đang xem như Nguyễn Ngọc Lan")
    assert wrong(hoa) == []
    hoa.goto("/vai-tro/list/")
    expect(banner).to_be_visible()
    expect(hoa.locator("h1")).not_to_have_text("Vai trò")
    hoa.get_by_role("button", name="Thôi xem như Nguyễn Ngọc Lan").click()
    expect(banner).to_have_count(0)
