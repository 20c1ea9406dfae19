"""Hoa covers the phone numbers for staff; Lan opens one with a reason, and shares the customer with Tuấn."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.conftest import Desk

pytestmark = pytest.mark.e2e


def address(link: Locator) -> str:
    """Where a row leads: a click would open it beside its list."""
    path = link.get_attribute("href")
    assert path
    return path


def test_a_number_is_covered_opened_with_a_reason_and_its_customer_shared(desk: Desk) -> None:
    hoa = desk("hoa")
    hoa.goto("/vai-tro/list/")
    hoa.goto(address(hoa.get_by_role("link", name="Nhân viên").first))
    hoa.get_by_role("link", name="Quyền theo trường").click()
    hoa.get_by_label("Số điện thoại: Che bớt").first.check()
    hoa.get_by_label("Số điện thoại: được mở, có ghi lý do").first.check()
    hoa.get_by_role("button", name="Lưu").click()
    expect(hoa.locator(".tt-toast")).to_contain_text("đã đổi 1 trường")

    lan = desk("lan")
    lan.goto("/khach-hang/list/")
    covered = lan.locator("table tbody tr", has_text="•• •••").first
    lan.goto(address(covered.locator("a.tt-rowlink")))
    name = lan.locator("h1").inner_text()
    expect(lan.locator(".tt-rail .tt-covered__v").first).to_contain_text("•• •••")
    lan.get_by_role("link", name="Mở xem: Số điện thoại").click()
    dialog = lan.get_by_role("dialog")
    dialog.get_by_role("button", name="Mở xem").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Ghi ngắn gọn lý do")
    desk.complaints.clear()  # the browser notes the refusal that was asked for
    dialog.get_by_label("Bạn cần xem để làm gì").fill("Gọi lại cho khách")
    dialog.get_by_role("button", name="Mở xem").click()
    expect(dialog).to_have_count(0)
    expect(lan.locator(".tt-rail [data-covered] .tt-value").first).not_to_contain_text("•")

    lan.get_by_role("link", name="Chia sẻ", exact=True).first.click()
    lan.locator("#chia-nguoi-ts-control").fill("Tuấn")
    lan.locator(".ts-dropdown [data-selectable]", has_text="Tuấn").first.click()
    lan.get_by_label("Lý do").fill("Làm thay mình tuần này")
    lan.get_by_role("button", name="Chia sẻ").click()
    expect(lan.locator(".tt-toast")).to_contain_text("Đã chia sẻ với")

    tuan = desk("tuan")
    tuan.goto("/thong-bao/")
    tuan.get_by_text("Làm thay mình tuần này").first.click()
    expect(tuan.locator("h1")).to_have_text(name)
    expect(tuan.locator(".tt-covered__v").first).to_contain_text("•• •••")
