"""A condition with a number that is none: told beside its field at once, kept as typed, nothing goes on without it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE
from tests.e2e.product import Product, Rest
from tests.e2e.test_list_filters import LIST, applied, opened, row

pytestmark = pytest.mark.e2e

TIMES = "Số lần mua"
NO_NUMBER = "Số chưa đúng. Ví dụ: 1.250.000"
NOT_COUNTED = "Chưa đếm: còn điều kiện chưa đúng."
NOT_KEPT = "Chưa lưu: còn giá trị chưa đúng."
_numbers = count(1)


def value(editor: Locator, field: str = TIMES) -> Locator:
    return editor.get_by_label(f"{field}: Giá trị")


def told(editor: Locator) -> Locator:
    """The sentences beside the rows."""
    return editor.locator("[data-fe-row] .tt-err")


def stands_beside(editor: Locator, field: Locator) -> None:
    """The sentence is that of this very field, for eyes and for ears."""
    expect(told(editor)).to_have_text(NO_NUMBER)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(NO_NUMBER)


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_number_that_is_none_is_told_while_it_stands_in_the_filter(size: tuple[int, int], desk: Desk) -> None:
    hoa = desk.page("hoa", size)
    editor = opened(hoa)
    row(editor, 0, TIMES)
    value(editor).press_sequentially("12")
    expect(told(editor)).to_have_count(0)
    value(editor).press_sequentially("a")
    stands_beside(editor, value(editor))
    assert hoa.evaluate("document.documentElement.scrollWidth") <= size[0]
    # It stays as it was typed, whatever is done with the other rows and with its own.
    editor.get_by_role("button", name="Thêm điều kiện").click()
    stands_beside(editor, value(editor))
    expect(value(editor)).to_have_value("12a")
    editor.locator("[data-fe-row]").nth(1).get_by_role("button", name="Bỏ điều kiện này").click()
    editor.get_by_label(f"{TIMES}: Cách so sánh").select_option("từ … đến")
    expect(editor.get_by_label(f"{TIMES}: Từ")).to_have_value("12a")
    stands_beside(editor, editor.get_by_label(f"{TIMES}: Từ"))
    editor.get_by_label(f"{TIMES}: Đến").fill("9b")
    stands_beside(editor, editor.get_by_label(f"{TIMES}: Đến"))
    editor.get_by_label(f"{TIMES}: Đến").fill("9")
    stands_beside(editor, editor.get_by_label(f"{TIMES}: Từ"))
    editor.get_by_role("button", name="Áp dụng").click()
    expect(editor.get_by_label(f"{TIMES}: Từ")).to_be_focused()
    assert hoa.url.endswith(LIST)
    editor.get_by_label(f"{TIMES}: Từ").fill("3")
    expect(told(editor)).to_have_count(0)
    assert applied(editor) == "bought_times >= 3 and bought_times <= 9"


def test_it_is_told_in_the_language_of_whoever_types(desk: Desk) -> None:
    tuan = desk.page("tuan")

    def reads(language: str) -> None:
        tuan.goto(LIST)
        tuan.locator(f"button[name=language][value={language}]").first.evaluate("(one) => one.click()")
        expect(tuan.locator("html")).to_have_attribute("lang", language)

    reads("en")
    editor = tuan.locator("[data-filter-editor]")
    editor.locator("summary").click()
    editor.locator("[data-fe-row]").first.get_by_label("Field", exact=True).select_option(value="bought_times")
    editor.locator(".tt-fe__value input").fill("twelve")
    expect(told(editor)).to_have_text("This is not a number. Example: 1,250,000")
    reads("vi")


def test_a_day_that_is_none_is_told_when_one_leaves_it_and_stays(desk: Desk) -> None:
    hoa = desk("hoa")
    editor = opened(hoa)
    row(editor, 0, "Ngày tạo").get_by_label("Ngày tạo: Cách so sánh").select_option("là ngày")
    day = value(editor, "Ngày tạo")
    day.press_sequentially("31/02/2026")
    expect(told(editor)).to_have_count(0)
    day.blur()
    expect(told(editor)).to_have_text("Ngày chưa đúng. Ví dụ: 31/12/2026")
    editor.get_by_role("button", name="Thêm điều kiện").click()
    expect(value(editor, "Ngày tạo")).to_have_value("31/02/2026")
    expect(told(editor)).to_have_count(1)


def test_rows_do_not_become_words_while_a_number_in_them_is_none(desk: Desk) -> None:
    hoa = desk("hoa")
    editor = opened(hoa)
    row(editor, 0, TIMES)
    value(editor).fill("12a")
    editor.get_by_role("button", name="Viết điều kiện bằng chữ").click()
    expect(editor.locator("textarea")).to_be_hidden()
    expect(value(editor)).to_be_focused()
    stands_beside(editor, value(editor))
    value(editor).fill("12")
    editor.get_by_role("button", name="Viết điều kiện bằng chữ").click()
    expect(editor.locator("textarea")).to_have_value("bought_times = 12")


# ── a segment ──


@pytest.fixture
def segment(desk: Desk) -> Callable[[], tuple[Page, Locator]]:
    """The page of a new segment with two conditions; how many belong to it is told."""

    def begin() -> tuple[Page, Locator]:
        hoa = desk("hoa")
        hoa.goto("/nhom-khach-hang/moi?where=kind = 'person' and bought_times >= 0")
        editor = hoa.locator("[data-segment-editor]")
        expect(editor.locator("[data-fe-row]")).to_have_count(2)
        expect(editor.locator("[data-segment-count]")).to_contain_text("khách hàng bạn xem được")
        return hoa, editor

    return begin


def test_a_segment_does_not_count_and_is_not_kept_without_it(segment: Callable[[], tuple[Page, Locator]]) -> None:
    hoa, editor = segment()
    counted = editor.locator("[data-segment-count]")
    asked: list[str] = []
    hoa.on("request", lambda request: asked.append(request.url) if request.url.endswith("/dem") else None)
    value(editor).fill("12a")
    expect(counted).to_have_text(NOT_COUNTED)
    stands_beside(editor, value(editor))
    # Another condition that changes meanwhile is counted no more than this one.
    editor.get_by_label("Loại: Cách so sánh").select_option("không là")
    expect(counted).to_have_text(NOT_COUNTED)
    hoa.get_by_label("Tên", exact=True).fill(f"Mua nhiều {next(_numbers)}")
    hoa.get_by_role("button", name="Lưu", exact=True).click()
    expect(value(editor)).to_be_focused()
    assert hoa.url.partition("?")[0].endswith("/moi")
    assert asked == []
    value(editor).fill("1")
    expect(counted).to_contain_text("khách hàng bạn xem được")
    expect(told(editor)).to_have_count(0)
    hoa.get_by_role("button", name="Lưu", exact=True).click()
    hoa.wait_for_url(re.compile(r"/nhom-khach-hang/\d+$"))
    expect(hoa.locator("[data-fe-typed] textarea")).to_have_value("kind != 'person' and bought_times >= 1")


def test_what_only_the_server_refuses_is_counted_no_more(segment: Callable[[], tuple[Page, Locator]]) -> None:
    _hoa, editor = segment()
    row(editor, 1, "Tuổi")
    value(editor, "Tuổi").fill("1,5")
    expect(told(editor)).to_have_text(re.compile("“Tuổi” là số nguyên"))
    expect(editor.locator("[data-segment-count]")).to_have_text(NOT_COUNTED)


def test_leaving_with_a_number_that_is_none_asks_first(segment: Callable[[], tuple[Page, Locator]]) -> None:
    hoa, editor = segment()
    value(editor).fill("12a")
    hoa.get_by_role("link", name="Quay lại").click()
    asked = hoa.get_by_role("dialog", name=re.compile("thay đổi chưa lưu"))
    asked.get_by_role("button", name="Ở lại").click()
    expect(value(editor)).to_have_value("12a")
    value(editor).fill("0")


# ── a form that is drawn ──


@pytest.fixture
def drawn(product: Product) -> Callable[[], Any]:
    """The draft of a form in which a reason is asked when there are three or more: its code."""

    def make() -> str:
        hoa = Rest(product, "hoa")
        code = f"so-luong-{len(hoa.get('forms/')['result'])}-{next(_numbers)}"
        hoa.post("forms/", {"code": code, "name": f"Số lượng {code}"})
        asked_if = {"field": "so_bat", "op": ">=", "value": 3}
        fields = [
            {"key": "so_bat", "type": "integer", "label": "Số bát"},
            {"key": "kenh", "type": "text", "label": "Kênh"},
            {"key": "ly_do", "type": "text", "label": "Lý do", "visible_if": asked_if},
        ]
        sent = json.dumps({"name": f"Số lượng {code}", "fields": fields}).encode()
        assert hoa.put(f"forms/{code}/draft", sent, "application/json")["draft"]["problems"] == []
        return code

    return make


def test_the_builder_keeps_no_condition_without_the_row_that_is_wrong(
    desk: Desk, product: Product, drawn: Callable[[], str]
) -> None:
    hoa, code = desk("hoa"), drawn()
    rest = Rest(product, "hoa")

    def kept() -> Any:
        return rest.get(f"forms/{code}")["draft"]["schema"]["fields"][2].get("visible_if")

    before = kept()
    hoa.goto(f"/bieu-mau/{code}/ve")
    hoa.locator("[data-canvas] .tt-fcell__pick[aria-label^='Lý do']").click()
    hoa.get_by_role("tab", name="Điều kiện").click()
    when = hoa.locator("details[data-setting=visible_if]")
    when.locator("summary").first.click()
    value(when, "Số bát").fill("3x")
    stands_beside(when, value(when, "Số bát"))
    expect(when.locator("summary").first).to_contain_text(NOT_KEPT)
    # A row that is right is not kept alone either.
    when.get_by_role("button", name="Thêm điều kiện").click()
    row(when, 1, "Kênh")
    value(when, "Kênh").fill("zalo")
    expect(value(when, "Số bát")).to_have_value("3x")
    hoa.get_by_role("tab", name="Chính").click()
    hoa.locator("[data-setting=label] input").first.fill("Lý do vỡ")
    expect(hoa.locator("[data-saved]")).to_have_attribute("data-state", "saved")
    assert kept() == before
    hoa.get_by_role("tab", name="Điều kiện").click()
    # One finds it as one left it.
    expect(value(when, "Số bát")).to_have_value("3x")
    stands_beside(when, value(when, "Số bát"))
    value(when, "Số bát").fill("4")
    expect(when.locator("summary").first).not_to_contain_text(NOT_KEPT)
    expect(hoa.locator("[data-saved]")).to_have_attribute("data-state", "saved")
    assert kept() == {"and": [
        {"field": "so_bat", "op": ">=", "value": 4}, {"field": "kenh", "op": "contains", "value": "zalo"},
    ]}  # fmt: skip
