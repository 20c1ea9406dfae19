"""Hoa invites a colleague, who comes in by the mail; then Tuấn leaves, and Bình has his work."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import looks
from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE, ZOOMED
from tests.e2e.product import Product, Rest, until
from tests.notifications.sink import Sink

pytestmark = pytest.mark.e2e

OWN = "trời hôm nay xanh quá"
WORK = "Kiểm kho cuối ngày"


def fit(page: Page) -> list[str]:
    """What is wrong with the page as it looks."""
    return [*looks.structure(page, "vi"), *looks.barriers(page), *looks.fit(page, DESK, ZOOMED, PHONE)]


def link_in(mails: Sink, address: str) -> str:
    def mail() -> str | None:
        texts = [one.get_body(("plain",)).get_content() for one in mails.mails if one["To"] == address]
        return texts[-1] if texts else None

    text = until(mail, f"the invitation of {address}")
    found = re.search(r"/loi-moi/\S+", text)
    assert found is not None, text
    return found.group()


def test_a_colleague_comes_in_by_an_invitation(desk: Desk, mails: Sink) -> None:
    hoa = desk("hoa")
    hoa.goto("/nhan-su/list/")
    hoa.get_by_role("link", name="Thêm thành viên").click()
    expect(hoa.locator("h1")).to_have_text("Thêm thành viên")
    assert fit(hoa) == []
    hoa.get_by_label("Họ và tên đệm").fill("Đặng Thị")
    hoa.get_by_label("Tên", exact=False).nth(1).fill("Ngọc Ánh")
    expect(hoa.locator("#username")).to_have_value("anh.dang")
    hoa.locator("#username").fill("lan")
    expect(hoa.locator("#username-error")).to_contain_text("lan2")
    hoa.locator("#username").fill("anh.dang")
    expect(hoa.locator("#username-error")).to_have_count(0)
    hoa.locator("#email").fill("anh@phosen.example")
    hoa.locator("#team_id").select_option(label="CSKH")
    hoa.locator("[data-save]").click()
    expect(hoa.locator("h1")).to_have_text("Đặng Thị Ngọc Ánh")
    expect(hoa.locator(".tt-rechead")).to_contain_text("Đã mời")

    anh = desk.nobody()
    anh.goto(link_in(mails, "anh@phosen.example"))
    assert fit(anh) == []
    expect(anh.locator("#password-help")).to_contain_text("128")
    anh.locator("#password").fill(OWN)
    anh.locator("#repeat").fill(OWN)
    anh.get_by_role("button", name="Đặt mật khẩu và bắt đầu").click()
    anh.wait_for_url("/")
    anh.context.clear_cookies()
    anh.goto("/login/")
    anh.get_by_label("Tên đăng nhập").fill("anh@phosen.example")
    anh.get_by_label("Mật khẩu", exact=True).fill(OWN)
    anh.get_by_role("button", name="Đăng nhập").click()
    anh.wait_for_url("/")
    hoa.reload()
    expect(hoa.locator(".tt-rechead .tt-st")).to_have_count(0)


def test_who_leaves_hands_everything_to_one_person(desk: Desk, product: Product) -> None:
    rest = Rest(product, "hoa")
    rest.publish("kiem-kho", WORK, assign="user:tuan", due="PT4H")
    rest.post("instances/", {"process": "kiem-kho", "customer_id": None, "data": {}})
    tuan = desk("tuan")
    tuan.goto("/cong-viec/")
    expect(tuan.locator("main")).to_contain_text(WORK)

    hoa = desk("hoa")
    number = product.rows("SELECT id FROM ab_user WHERE username = 'tuan'")[0][0]
    hoa.goto(f"/nhan-su/show/{number}")
    hoa.locator(".tt-rechead summary").click()
    hoa.get_by_role("button", name="Bàn giao và ngừng làm việc").click()
    hoa.wait_for_url(f"/nhan-su/ngung/{number}")
    hoa.get_by_role("button", name="Bàn giao và ngừng làm việc").click()
    expect(hoa.locator("#to-tasks-error")).to_be_visible()
    assert fit(hoa) == []
    hoa.locator(".ts-control input").first.fill("binh")
    hoa.locator(".ts-dropdown .option", has_text="Đỗ Thanh Bình").first.click()
    hoa.get_by_role("button", name="Bàn giao và ngừng làm việc").click()
    hoa.wait_for_url(f"/nhan-su/show/{number}")
    expect(hoa.locator(".tt-rechead")).to_contain_text("Không còn làm việc")

    tuan.goto("/cong-viec/")
    expect(tuan).to_have_url(re.compile("/login/"))
    binh = desk("binh")
    binh.goto("/cong-viec/")
    expect(binh.locator("main")).to_contain_text(WORK)
    binh.goto("/thong-bao/")
    expect(binh.locator("main")).to_contain_text("Trần Anh Tuấn")


def test_a_first_password_is_changed_before_anything_else(desk: Desk, product: Product) -> None:
    hoa = desk("hoa")
    number = product.rows("SELECT id FROM ab_user WHERE username = 'dat'")[0][0]
    hoa.goto(f"/nhan-su/mat-khau-dau/{number}")
    hoa.get_by_role("button", name="Tạo mật khẩu đầu tiên").click()
    password = hoa.locator(".tt-secret dd").nth(1).inner_text()
    assert fit(hoa) == []
    dat = desk.nobody()
    dat.goto("/login/")
    dat.get_by_label("Tên đăng nhập").fill("dat")
    dat.get_by_label("Mật khẩu", exact=True).fill(password)
    dat.get_by_role("button", name="Đăng nhập").click()
    dat.wait_for_url("/mat-khau-moi")
    assert fit(dat) == []
    dat.goto("/khach-hang/list/")
    expect(dat).to_have_url(re.compile("/mat-khau-moi"))
    dat.locator("#password").fill(OWN)
    dat.locator("#repeat").fill(OWN)
    dat.get_by_role("button", name="Lưu mật khẩu").click()
    dat.wait_for_url("/")
