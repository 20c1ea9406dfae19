"""A file is brought in, who is in it a second time is made all the same and found, the two become one and two again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Desk

pytestmark = pytest.mark.e2e

#: the worker looks for waiting files every two seconds
SOON = 60_000
SHEET = "Họ tên,Điện thoại,Email\nLý Thị Hai,0933 444 555,hai@vidu.example\nLý Văn Mới,0933 444 556,\n"


def test_a_file_is_brought_in_and_whoever_is_in_it_a_second_time_becomes_one_with_himself(desk: Desk) -> None:
    lan = desk("lan")
    lan.goto("/khach-hang/add")
    lan.locator("input[name=name]").fill("Lý Thị Hai Lần")
    lan.locator("input[name=phone]").fill("0933 444 555")
    lan.locator("[data-save]").first.click()
    expect(lan).to_have_url(re.compile(r"/khach-hang/show/\d+"))

    minh = desk("minh")
    minh.goto("/nhap/moi")
    file = {"name": "khach.csv", "mimeType": "text/csv", "buffer": SHEET.encode()}
    minh.locator("input[type=file]").set_input_files(files=[file])
    minh.locator("form[action='/nhap/moi'] button[type=submit]").click()
    minh.locator("form[action$='/thu'] button[type=submit]").click()
    write = minh.locator("form[action$='/ghi']")
    expect(write).to_be_visible(timeout=SOON)
    write.locator("input[name=on_duplicate][value=make]").check()
    write.locator("#reason").fill("Hai người dùng chung số")
    write.locator("button[type=submit]").click()
    expect(minh.locator("form[action$='/hoan-tac']")).to_have_count(1, timeout=SOON)

    minh.goto("/nghi-trung/")
    minh.locator("tr", has_text="Lý Thị Hai Lần").first.locator("a.tt-rowlink").click()
    minh.locator("button[form=gop]").click()
    minh.locator("button[name=sure][value='1']").click()
    expect(minh).to_have_url(re.compile(r"/khach-hang/show/\d+"))
    expect(minh.get_by_text("hai@vidu.example").first).to_be_visible()

    minh.goto("/nghi-trung/?muc=da-gop")
    merged = minh.locator("tr", has_text="Lý Thị Hai Lần")
    merged.locator("form[action$='/hoan-tac'] button").click()
    minh.get_by_role("dialog").get_by_role("button", name="Hoàn tác").click()
    expect(minh).to_have_url(re.compile(r"/khach-hang/show/\d+"))
    minh.goto("/khach-hang/list/?q=0933444555")
    expect(minh.locator("tbody tr", has_text="Lý Thị Hai")).to_have_count(2)
