"""Customers through whole days of work: classes by rules, a file in and out again, many at once, two made one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Locator, Page, expect

from app.core import clock
from tests.e2e.conftest import Desk
from tests.e2e.looks import PHONE
from tests.e2e.product import Product, Rest

pytestmark = pytest.mark.e2e

#: the worker looks for what waits every few seconds
SOON = 60_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def card(page: Page, heading: str) -> Locator:
    return page.locator("section", has=page.get_by_role("heading", name=heading))


def agree(page: Page, verb: str) -> None:
    """In the dialog that asks before something is done."""
    page.get_by_role("dialog").get_by_role("button", name=verb).click()


def done(page: Page, told: str) -> Locator:
    """The message that says so, with its way back."""
    message = page.locator(".tt-toast", has_text=told)
    expect(message).to_be_visible()
    return message


def test_a_rule_is_changed_tried_and_run_and_tells_whom_it_moved_and_why(desk: Desk, product: Product) -> None:
    lan = Rest(product, "lan")
    number = lan.post("customers/", {"name": "Lâm Thị Sen"})["id"]
    bought = {"bought_on": clock.today("Asia/Ho_Chi_Minh").isoformat(), "product": "Tiệc cưới", "amount": 4_000_000}
    lan.post(f"customers/{number}/purchases", bought)

    hoa = desk("hoa")
    hoa.goto("/xep-nhom/")
    amount, try_it = hoa.get_by_label("VIP: Tiền mua từ"), hoa.get_by_role("button", name="Bao nhiêu khách sẽ chuyển?")
    amount.fill("nhiều")
    try_it.click()
    expect(amount).to_have_value("nhiều")
    expect(amount).to_be_focused()
    amount.fill("3.000.000")
    try_it.click()
    expect(card(hoa, "khách hàng sẽ chuyển").locator("tr", has_text="VIP")).to_be_visible()
    hoa.get_by_role("button", name="Lưu", exact=True).click()
    done(hoa, "Đã lưu quy tắc")
    hoa.get_by_role("button", name="Chạy ngay").click()
    agree(hoa, "Chạy ngay")
    # without a touch
    expect(card(hoa, "Các lần chạy").locator("tbody tr").first).to_contain_text("Đã xong", timeout=SOON)
    move = card(hoa, "Chuyển nhóm gần đây").locator("tr", has_text="Lâm Thị Sen").filter(has_text="VIP")
    expect(move).to_contain_text("4.000.000")
    move.get_by_role("link").click()
    expect(hoa.locator("main")).to_contain_text("VIP")
    expect(hoa.locator("main")).to_contain_text("4.000.000")


HEADINGS = ["Họ tên", "Điện thoại", "Email", "Ngày sinh", "Ghi chú"]
BAD = (
    ["", "0933 610 101", "", "", ""],
    ["Võ Sai Số", "0933 61", "", "", ""],
    ["Võ Sai Ngày", "0933 610 103", "", "31/02/1990", ""],
)


def a_file(folder: Path) -> Path:
    """Ten rows, three of them with a mistake."""
    good = [[f"Võ Thị Nhập {number}", f"0933 610 00{number}", "", "5/3/90", "từ sổ tay"] for number in range(7)]
    book = Workbook()
    sheet: Any = book.active
    for row in (HEADINGS, *good[:4], *BAD, *good[4:]):
        sheet.append(row)
    book.save(folder / "sổ khách.xlsx")
    return folder / "sổ khách.xlsx"


def test_a_file_with_bad_rows_is_brought_in_told_mended_and_taken_back(desk: Desk, tmp_path: Path) -> None:
    hoa = desk("hoa")
    hoa.goto("/nhap/")
    hoa.get_by_role("link", name="Nhập tệp").first.click()
    hoa.locator("input[type=file]").set_input_files(a_file(tmp_path))
    hoa.get_by_role("button", name="Đọc tệp").click()
    expect(hoa.get_by_label("Ngày sinh")).to_have_value("birthday")
    hoa.get_by_role("button", name="Xem trước kết quả").click()
    mistakes = hoa.locator("section[aria-labelledby=error]")
    expect(mistakes.locator("tbody tr")).to_have_count(3, timeout=SOON)
    for told in ("tên", "0933 61", "31/02/1990"):
        expect(mistakes).to_contain_text(told)
    expect(hoa.locator("section[aria-labelledby=new] tbody tr")).to_have_count(7)
    with hoa.expect_download() as coming:
        hoa.get_by_role("link", name="Tải các dòng lỗi (Excel)").click()
    coming.value.save_as(tmp_path / "sai.xlsx")
    sheet: Any = load_workbook(tmp_path / "sai.xlsx").worksheets[0]
    rows = [[cell.value or "" for cell in row] for row in sheet]
    assert rows[0] == ["Dòng", "Lỗi", *HEADINGS]
    assert [(row[0], row[2:]) for row in rows[1:]] == [(6 + place, row) for place, row in enumerate(BAD)]
    assert all(row[1] for row in rows), "each says what is wrong with it"

    hoa.get_by_role("button", name="Ghi 7 dòng").click()
    undo = hoa.get_by_role("button", name="Hoàn tác", exact=True)
    expect(undo).to_be_visible(timeout=SOON)
    hoa.goto("/khach-hang/list/?q=Võ Thị Nhập")
    expect(hoa.locator("tbody tr[data-row]")).to_have_count(7)
    hoa.go_back()
    undo.click()
    agree(hoa, "Hoàn tác")
    expect(hoa.locator("main h2").first).to_have_text("Đã hoàn tác", timeout=SOON)
    hoa.goto("/khach-hang/list/?q=Võ Thị Nhập")
    expect(hoa.locator("tbody tr[data-row]")).to_have_count(0)


def test_several_are_changed_together_and_given_back(desk: Desk, product: Product) -> None:
    lan = Rest(product, "lan")
    for number in range(3):
        lan.post("customers/", {"name": f"Cao Văn Chung {number}", "tier": "small"})
    minh = desk("minh")
    minh.goto("/khach-hang/list/?q=Cao Văn Chung")
    for number in range(3):
        minh.locator("tbody tr[data-row] input[name=rowid]").nth(number).check()
    minh.get_by_role("button", name="Sửa hàng loạt").click()
    minh.locator("input[name=set][value=tier]").check()
    minh.locator("select[name=tier]").select_option("VIP")
    minh.get_by_role("button", name="Xem trước kết quả").click()
    minh.get_by_role("button", name="Sửa 3 khách hàng").click()
    told = done(minh, "Đã sửa 3 khách hàng")
    expect(minh).to_have_url(re.compile("/khach-hang/list/"))
    told.get_by_role("button", name="Hoàn tác").click()
    done(minh, "3 khách hàng đã trở lại như trước")
    tiers = [one["tier"] for one in lan.get("customers/?q=Cao%20V%C4%83n%20Chung")["result"]]
    assert tiers == ["small"] * 3


def test_two_are_made_one_and_two_again_and_those_who_are_not_one_are_asked_no_more(
    desk: Desk, product: Product
) -> None:
    lan = Rest(product, "lan")
    for name in ("Đoàn Thị Kép", "Đoàn Thị Kép Hai", "Đoàn Văn Khác"):
        other = {"email": "kep.hai@vidu.example"} if name.endswith("Hai") else {}
        lan.post("customers/", {"name": name, "phone": "0933 620 001", "duplicate_reason": "Hai người một số", **other})
    minh = desk("minh")
    minh.goto("/nghi-trung/")
    pair = minh.locator("tbody tr", has_text="Đoàn Văn Khác").filter(has_text="Đoàn Thị Kép Hai")
    pair.get_by_role("button", name="Không phải trùng").click()
    done(minh, "không phải trùng")
    expect(pair).to_have_count(0)
    minh.get_by_role("link", name="Không phải trùng").click()
    expect(pair).to_be_visible()
    minh.go_back()
    twice = minh.locator("tbody tr", has_text="Đoàn Thị Kép Hai").filter(has_not_text="Khác")
    twice.locator("a.tt-rowlink").click()
    minh.get_by_role("button", name="Gộp hai hồ sơ").click()
    minh.get_by_role("button", name="Gộp hai hồ sơ").click()
    told = done(minh, "Đã gộp")
    expect(minh.locator("main")).to_contain_text("kep.hai@vidu.example")
    told.get_by_role("button", name="Hoàn tác").click()
    done(minh, "lại là hai khách hàng")
    minh.goto("/khach-hang/list/?q=Đoàn Thị Kép")
    expect(minh.locator("tbody tr[data-row]")).to_have_count(2)


def test_a_segment_counts_while_it_is_put_together_on_a_phone_too(desk: Desk, product: Product) -> None:
    lan = Rest(product, "lan")
    for number in range(2):
        lan.post("customers/", {"name": f"Tạ Thị Giáo {number}"})
    minh = desk.page("minh", PHONE)
    minh.goto("/nhom-khach-hang/moi")
    minh.locator("#name").fill("Cô giáo")
    row = minh.locator("[data-fe-row]").first
    row.get_by_label("Trường", exact=True).select_option("Tên")
    row.get_by_label("Tên: Giá trị").fill("tạ thị giáo")
    expect(minh.locator("[data-segment-count]")).to_have_text("2 khách hàng bạn xem được")
    assert minh.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    minh.get_by_role("button", name="Lưu", exact=True).click()
    done(minh, "Cô giáo")
    minh.goto("/nhom-khach-hang/")
    kept = minh.locator("tbody tr", has_text="Cô giáo")
    expect(kept.locator("[id^=so-]")).to_have_text("2")
    kept.get_by_role("link", name="Mở danh sách").click()
    expect(minh.locator("tbody tr[data-row]")).to_have_count(2)
