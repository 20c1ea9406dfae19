"""What follows while one answers, in the browser as on the server; two at one drawing; photos that are looked at."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.e2e.conftest import Desk
from tests.e2e.looks import PHONE
from tests.e2e.product import Product, Rest
from tests.e2e.test_every_kind import PHOTO, asked

pytestmark = pytest.mark.e2e

GROUPS = ("Món ăn", "Giao hàng")


def options(*labels: str) -> list[dict[str, Any]]:
    return [{"value": f"v{number}", "label": label} for number, label in enumerate(labels)]


#: each group has four of its own: together more than are drawn as buttons
PARTS = [
    {"value": f"p{group}{number}", "label": f"{label} {number}", "for": [f"v{group}"]}
    for group, label in enumerate(GROUPS) for number in range(4)
]  # fmt: skip
FIELDS: list[dict[str, Any]] = [
    {"key": "nhom", "type": "choice", "label": "Nhóm", "options": options(*GROUPS)},
    {"key": "chi_tiet", "type": "dependent_choice", "label": "Chi tiết", "depends_on": "nhom", "options": PARTS},
    {"key": "don", "type": "rows", "label": "Các đơn", "fields": [
        {"key": "dat", "type": "date", "label": "Ngày đặt"},
        {"key": "tre", "type": "calculated", "label": "Số ngày", "formula": "days(dat, today())"},
    ]},
    {"key": "luc", "type": "date_time", "label": "Lúc nào"},
    {"key": "truoc", "type": "text", "label": "Trước mùng một",
     "visible_if": {"field": "luc", "op": "<", "value": "2026-11-01"}},
    {"key": "anh", "type": "photo", "label": "Ảnh", "max": 3},
]  # fmt: skip


def publish(product: Product, code: str, name: str, fields: list[dict[str, Any]]) -> None:
    hoa = Rest(product, "hoa")
    hoa.post("forms/", {"code": code, "name": name})
    kept = hoa.put(f"forms/{code}/draft", json.dumps({"name": name, "fields": fields}).encode(), "application/json")
    assert kept["draft"]["problems"] == []
    hoa.post(f"forms/{code}/publish", {"rev": kept["draft"]["rev"]})


@pytest.fixture(scope="module")
def form(product: Product) -> str:
    """The address at which it is filled in."""
    publish(product, "theo-nhau", "Theo nhau", FIELDS)
    return "/dien-phieu/theo-nhau"


def offered(page: Page) -> list[str]:
    return asked(page, "Chi tiết").locator("select option:not([value=''])").all_inner_texts()


def test_a_list_that_hangs_on_another_answer_offers_what_fits_that_one_however_often_it_is_changed(
    desk: Desk, form: str
) -> None:
    lan = desk("lan")
    lan.goto(form)
    for number in (0, 1, 0, 1):
        asked(lan, "Nhóm").get_by_text(GROUPS[number], exact=True).click()
        assert offered(lan) == [f"{GROUPS[number]} {part}" for part in range(4)]
    choice = asked(lan, "Chi tiết").locator("select")
    choice.select_option(label="Giao hàng 3")
    asked(lan, "Nhóm").get_by_text(GROUPS[0], exact=True).click()
    expect(choice).to_have_value("")  # what fits no more is not sent
    asked(lan, "Nhóm").get_by_text(GROUPS[1], exact=True).click()
    choice.select_option(label="Giao hàng 2")
    lan.get_by_role("button", name="Gửi", exact=True).click()
    lan.wait_for_url(re.compile(r"/phieu/[0-9]+$"))
    expect(lan.locator(".tt-answers")).to_contain_text("Giao hàng 2")


def test_a_column_that_counts_to_this_day_is_told_while_one_types(desk: Desk, form: str) -> None:
    lan = desk("lan")
    lan.goto(form)
    rows = asked(lan, "Các đơn")
    days = rows.locator("tbody tr").first.locator("[data-worked]")
    expect(days).to_have_text("—")
    rows.locator("tbody tr").first.locator("input").first.fill("01/01/2026")
    expect(days).to_have_text(re.compile(r"^[\d.]+$"))
    told = days.inner_text()
    lan.get_by_role("button", name="Gửi", exact=True).click()
    lan.wait_for_url(re.compile(r"/phieu/[0-9]+$"))
    expect(lan.locator(".tt-answers")).to_contain_text(told)


def test_photos_stand_in_small_with_the_answers_and_open_when_pressed(desk: Desk, form: str) -> None:
    lan = desk("lan")
    lan.goto(form)
    photo = FilePayload(name="bàn hai.png", mimeType="image/png", buffer=PHOTO["buffer"])
    asked(lan, "Ảnh").locator("input[type=file]").set_input_files([PHOTO, photo])
    expect(asked(lan, "Ảnh").locator("input[type=checkbox]:checked")).to_have_count(2)
    lan.get_by_role("button", name="Gửi", exact=True).click()
    lan.wait_for_url(re.compile(r"/phieu/[0-9]+$"))
    phone = desk.page("lan", PHONE)
    phone.goto(lan.url)
    small = phone.get_by_role("link", name="bàn hai.png")
    small.scroll_into_view_if_needed()
    assert small.locator("img").evaluate("async (one) => { await one.decode(); return one.naturalWidth }") == 1
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    with phone.context.expect_page() as opened:
        small.click()
    expect(opened.value.locator("img")).to_have_count(1)


def test_moments_are_those_of_whoever_types_to_browser_and_server(desk: Desk, form: str) -> None:
    tuan = desk("tuan")
    tuan.goto("/tai-khoan/")
    tuan.locator("[name=time_zone]").select_option("Europe/Berlin")
    tuan.get_by_role("button", name="Lưu").first.click()
    tuan.goto(form)
    moment, before = asked(tuan, "Lúc nào").locator("input.form-control").first, asked(tuan, "Trước mùng một")
    moment.fill("31/10/2026 12:00")
    expect(before).to_be_visible()
    moment.fill("31/10/2026 23:00")  # in Vietnam the next month has begun
    expect(before).to_be_hidden()
    moment.fill("31/10/2026 12h30")
    before.locator("input").fill("còn nhớ")
    tuan.get_by_role("button", name="Gửi", exact=True).click()
    tuan.wait_for_url(re.compile(r"/phieu/[0-9]+$"))
    expect(tuan.locator(".tt-answers")).to_contain_text("còn nhớ")


def test_two_at_one_drawing_the_second_is_told_and_goes_on_with_what_he_chose(desk: Desk, product: Product) -> None:
    publish(product, "hai-nguoi", "Hai người", [{"key": "a", "type": "text", "label": "Câu một"}])
    first, second = desk("hoa"), desk.page("hoa")
    for page in (first, second):
        page.goto("/bieu-mau/hai-nguoi/ve")
        page.locator("[data-canvas] .tt-fcell__pick[aria-label^='Câu một']").click()
    label = "[data-properties] [data-setting='label'] input"
    first.locator(label).first.fill("Câu của người kia")
    expect(first.locator("[data-saved]")).to_have_attribute("data-state", "saved")

    def lost(route: Route) -> None:
        route.abort() if "base" in (route.request.post_data_json or {}) else route.continue_()

    desk.complaints.clear()
    second.route("**/draft", lost)
    second.locator(label).first.fill("Câu của tôi")
    conflict = second.locator(".tt-conflict")
    expect(conflict).to_be_focused()
    expect(second.locator("[data-saved]")).to_have_attribute("data-state", "conflict")
    second.unroute("**/draft")
    conflict.get_by_role("button").nth(1).click()  # theirs
    mine = second.locator("[data-canvas] .tt-fcell__pick")
    expect(mine).to_have_attribute("aria-label", re.compile("^Câu của người kia"))
    if not second.locator(label).first.is_visible():
        mine.click()
    expect(second.locator(label).first).to_have_value("Câu của người kia")
    second.locator(label).first.fill("Câu sau cùng")
    expect(second.locator("[data-saved]")).to_have_attribute("data-state", "saved")
    drawn = Rest(product, "hoa").get("forms/hai-nguoi")["draft"]["schema"]["fields"][0]["label"]
    assert drawn in ("Câu sau cùng", {"vi": "Câu sau cùng"})
    # The browser tells of the answer 409 and of the request that was cut; nothing else.
    assert [one for one in desk.complaints if "409" not in one and "ERR_FAILED" not in one] == []
    desk.complaints.clear()
