"""What FAB's scripts did on the pages that it makes itself: tabs, deletion and actions, under our policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.core.bookshop import PASSWORD, bookshop
from tests.e2e.looks import DESK

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def address(prepared: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The shop of tests/core/bookshop.py, served."""
    shop = bookshop(tmp_path_factory.mktemp("shop"), prepared("sqlite").app)
    server = make_server("127.0.0.1", 0, shop, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hoa(browser: Browser, address: str) -> Iterator[Page]:
    """The shop's admin. At the end her browser has complained of nothing."""
    complaints: list[str] = []
    context = browser.new_context(base_url=address, viewport={"width": DESK[0], "height": DESK[1]}, locale="vi-VN")
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("Tên đăng nhập").fill("hoa")
    page.get_by_label("Mật khẩu", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url("/")
    yield page
    context.close()
    assert complaints == []


def test_the_opened_tab_is_still_open_after_saving_elsewhere_and_after_going_back(hoa: Page) -> None:
    hoa.goto("/authorview/show/1")
    books = hoa.locator("#tab-BookView")
    expect(books).to_be_hidden()
    hoa.get_by_role("link", name="List Book").click()
    expect(books).to_be_visible()
    expect(hoa.locator("#tab-Home")).to_be_hidden()
    books.get_by_role("link", name="Sửa").first.click()
    hoa.locator("#note").fill("Bản đẹp")
    hoa.get_by_role("button", name="Lưu").click()
    hoa.wait_for_url("/authorview/show/1#tab-BookView")
    expect(books).to_be_visible()
    books.get_by_role("link", name="Truyện Kiều").click()
    hoa.wait_for_url(re.compile("/bookview/show/1"))
    hoa.go_back()
    expect(books).to_be_visible()
    books.get_by_role("link", name="Truyện Kiều").click()
    hoa.get_by_role("link", name="Quay lại").click()
    hoa.wait_for_url("/authorview/show/1#tab-BookView")
    expect(books).to_be_visible()


def test_an_action_runs_on_a_row_inside_a_tab(hoa: Page) -> None:
    hoa.goto("/authorview/show/1#tab-BookView")
    hoa.get_by_label("Chọn Truyện Kiều").check()
    hoa.get_by_role("toolbar").get_by_role("button", name="Praise").click()
    hoa.get_by_role("dialog").get_by_role("button", name="Praise").click()
    expect(hoa.get_by_text("Praised")).to_be_visible()


def test_a_row_is_deleted_after_the_question_alone(hoa: Page) -> None:
    hoa.goto("/labelview/add")
    hoa.locator("#name").fill("Tạm thời")
    with hoa.expect_navigation():
        hoa.get_by_role("button", name="Lưu").click()
    hoa.goto("/labelview/list/")
    row = hoa.locator("[data-row]", has_text="Tạm thời")
    row.locator("button[formaction]").click()
    hoa.get_by_role("dialog").get_by_role("button", name="Quay lại").click()
    expect(row).to_be_visible()
    row.locator("button[formaction]").click()
    hoa.get_by_role("dialog").get_by_role("button", name="Xóa").click()
    expect(row).to_have_count(0)


def test_actions_wait_for_a_choice(hoa: Page) -> None:
    hoa.goto("/itemview/list/")
    bar = hoa.get_by_role("toolbar")
    expect(bar).to_be_hidden()
    hoa.get_by_label("Chọn Dế Mèn").check()
    expect(hoa.locator("[data-row]", has_text="Dế Mèn")).to_have_attribute("aria-selected", "true")
    bar.get_by_role("button", name="Praise").click()
    hoa.get_by_role("dialog").get_by_role("button", name="Praise").click()
    expect(hoa.get_by_text("Praised")).to_be_visible()
