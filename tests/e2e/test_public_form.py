"""Somebody without an account fills in a form, with a script and without, and so does a program that sends spam."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Desk
from tests.e2e.product import Product

pytestmark = pytest.mark.e2e

#: the worker takes in what came every three seconds
SOON = 60_000


@pytest.fixture
def door(desk: Desk) -> str:
    """Where the form of the demo company stands open, as Hoa reads it on its page."""
    hoa = desk("hoa")
    hoa.goto("/bieu-mau/list/")
    link = hoa.locator("tbody tr", has_text="Góp ý của khách").locator("a.tt-rowlink")
    hoa.goto(f"{link.get_attribute('href')}?tab=cong-khai")
    address = hoa.locator("#dia-chi").input_value()
    expect(hoa.locator(".tt-qr img")).to_be_visible()
    return "/f/" + address.rpartition("/f/")[2]


def test_a_stranger_fills_it_in_and_becomes_a_customer(desk: Desk, door: str) -> None:
    page = desk.nobody()
    page.goto(f"{door}?utm_campaign=to-roi")
    expect(page.get_by_text("Điều gì chưa tốt?")).to_be_hidden()
    page.get_by_label("Tên của bạn").fill("Cù Thị Ngoài")
    page.get_by_label("Số điện thoại").fill("0977 555 121")
    page.get_by_role("button", name="Gửi").click()
    expect(page.locator(".tt-err")).to_have_count(1)  # the stars, beside their question; the rest is still there
    expect(page.get_by_label("Tên của bạn")).to_have_value("Cù Thị Ngoài")
    page.locator("label", has_text=re.compile(r"^\s*2\s*$")).click()
    page.get_by_label("Điều gì chưa tốt?").select_option("packing")
    page.get_by_label("Bạn muốn nhắn gì cho chúng tôi?").fill("Hộp móp hết cả góc.")
    page.wait_for_timeout(3_100)  # nobody fills it in faster than that
    page.get_by_role("button", name="Gửi").click()
    expect(page).to_have_url(re.compile(r"/cam-on$"))
    expect(page.get_by_role("heading")).to_contain_text("Cảm ơn bạn")

    minh = desk("minh")
    minh.goto("/phieu-ngoai/list/?view=0&where=campaign = 'to-roi'")
    row = minh.locator("tbody tr", has_text="Góp ý của khách")
    expect(row).to_have_count(1)
    for _ in range(20):
        if row.get_by_text("Đã nhận").count():
            break
        minh.wait_for_timeout(1_000)
        minh.reload()
    minh.goto("/khach-hang/list/?q=0977555121")
    minh.goto(minh.locator("tbody a.tt-rowlink").first.get_attribute("href") or "")
    expect(minh.get_by_role("heading", name="Cù Thị Ngoài")).to_be_visible()
    expect(minh.get_by_text("Khách tự gửi phiếu").first).to_be_visible()


def test_without_a_script_it_is_filled_in_as_well(browser: Browser, product: Product, door: str) -> None:
    context = browser.new_context(
        base_url=product.url, java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    page.goto(door)
    page.get_by_label("Số điện thoại").fill("0977 555 122")
    page.locator("input[type=radio][value='5']").first.check(force=True)
    page.wait_for_timeout(3_100)
    page.get_by_role("button", name="Gửi").click()
    expect(page).to_have_url(re.compile(r"/cam-on$"))
    assert context.cookies() == []
    context.close()


def test_a_program_that_fills_in_everything_is_looked_at_first(
    desk: Desk, browser: Browser, product: Product, door: str
) -> None:
    context = browser.new_context(base_url=product.url)
    page = context.new_page()
    page.goto(door)
    page.evaluate(
        "document.querySelectorAll('form[data-open-form] input[type=text], form[data-open-form] textarea')"
        ".forEach((one) => { one.value = 'http://vay.example' })"
    )
    page.locator("input[type=radio][value='5']").first.check(force=True)
    page.locator("input[type=tel], input[inputmode=tel]").first.fill("0977 555 123")
    page.get_by_role("button", name="Gửi").click()
    expect(page).to_have_url(re.compile(r"/cam-on$"))
    context.close()
    minh = desk("minh")
    minh.goto("/phieu-ngoai/list/")
    expect(minh.locator("tbody tr", has_text="Ô ẩn")).to_have_count(1)
    minh.locator("tbody tr", has_text="Ô ẩn").locator("a.tt-rowlink").click()
    expect(minh.get_by_text("Ô ẩn mà người thật không nhìn thấy").first).to_be_visible()
