"""Hoa looks how the system stands, tries whether mails leave, and sees what would go with the demo company."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import looks
from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE, ZOOMED
from tests.e2e.product import until
from tests.notifications.sink import Sink

pytestmark = pytest.mark.e2e


def fit(page: Page) -> list[str]:
    """What is wrong with the page as it looks."""
    return [*looks.structure(page, "vi"), *looks.barriers(page), *looks.fit(page, DESK, ZOOMED, PHONE)]


def test_the_system_is_looked_after_from_one_page(desk: Desk, mails: Sink) -> None:
    hoa = desk("hoa")
    hoa.goto("/")
    hoa.get_by_role("link", name="Trang quản trị").click()
    expect(hoa.locator("h1")).to_have_text("Trang quản trị")
    assert fit(hoa) == []
    hoa.get_by_role("button", name="Gửi thư thử").click()
    expect(hoa.locator("#thu-thu")).to_contain_text("Đã gửi")  # by itself: the page is not opened anew
    mail = until(lambda: next((one for one in mails.mails if one["To"] == "hoa@phosen.example"), None), "the test mail")
    assert "Thư thử" in mail["Subject"]
    hoa.reload()
    expect(hoa.locator(".tt-begin .is-done").filter(has_text="Gửi thư thử thành công")).to_have_count(1)
    assert fit(hoa) == []

    hoa.get_by_role("link", name="Sửa thông tin công ty").click()
    hoa.get_by_label("Mã số thuế").fill("12345")
    hoa.get_by_role("button", name="Lưu", exact=True).click()
    expect(hoa.locator("#tax_code-error")).to_contain_text("0312345673")
    assert fit(hoa) == []
    hoa.get_by_label("Mã số thuế").fill("0312345673")
    hoa.get_by_role("button", name="Lưu", exact=True).click()
    expect(hoa.get_by_label("Mã số thuế")).to_have_value("0312345673")

    hoa.goto("/quan-tri/")
    expect(hoa.locator(".tt-admin")).to_contain_text("0312345673")
    hoa.get_by_role("link", name="Xem những gì sẽ gỡ").click()
    expect(hoa.locator(".tt-problems")).to_contain_text("tài khoản mẫu")  # she is of the demo herself
    expect(hoa.get_by_role("button", name="Lưu trữ và đóng")).to_have_count(0)
    assert fit(hoa) == []
