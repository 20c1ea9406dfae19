"""Are forms filled in without losing a word? By mouse, by keys, on a phone; two at one record; files on their way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, expect
from werkzeug.serving import make_server

from app import create_app
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.security import queries
from config import TestConfig
from tests.cast import PASSWORD
from tests.core.library import METADATA, Shelf
from tests.core.shelves import SCREENS
from tests.e2e import looks
from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE

pytestmark = pytest.mark.e2e

SHELVES = 45


@pytest.fixture(scope="module")
def library(prepared: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A library whose volumes have look-ups, moments and numbers: its address."""
    prepared("sqlite").begin_anew("")
    url = prepared("sqlite").app.config["SQLALCHEMY_DATABASE_URI"]
    app = create_app(TestConfig(tmp_path_factory.mktemp("library"), database_url=url))
    with app.app_context():
        for screen in SCREENS:
            app.appbuilder.add_view_no_menu(screen)  # type: ignore[attr-defined]
        METADATA.create_all(db.engine)
        with transaction(SYSTEM) as session:
            lan = queries.member_by_username(session, "lan")
            assert lan is not None
            session.add_all(Shelf(name=f"Kệ {number:02}", owner_id=lan.id) for number in range(SHELVES))
        db.session.remove()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def reader(browser: Browser, library: str) -> Iterator[Callable[..., Page]]:
    """reader() → Lan at the library; at the end no browser has complained."""
    complaints: list[str] = []
    contexts = []

    def open_page(size: tuple[int, int] = DESK) -> Page:
        context = browser.new_context(
            base_url=library, viewport={"width": size[0], "height": size[1]}, locale="vi-VN", reduced_motion="reduce"
        )
        contexts.append(context)
        context.on("console", lambda said: looks.REFUSED_PAGE.match(said.text) or complaints.append(said.text))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        page.goto("/login/")
        page.get_by_label("Tên đăng nhập").fill("lan")
        page.get_by_label("Mật khẩu", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        page.wait_for_url("/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def on_new_customer(page: Page) -> Page:
    page.goto("/khach-hang/add")
    expect(page.get_by_label("Tên khách hàng")).to_be_focused()
    return page


# ── what is wrong ──


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_summary_has_the_focus_and_leads_to_each_field(size: tuple[int, int], desk: Desk) -> None:
    lan = desk.page("lan", size)
    lan.goto("/khach-hang/add")
    lan.get_by_label("Số điện thoại").fill("12")
    lan.get_by_role("button", name="Lưu").click()
    summary = lan.get_by_role("alert").filter(has_text="2 mục")
    expect(summary).to_be_focused()
    lan.keyboard.press("Tab")
    lan.keyboard.press("Tab")
    lan.keyboard.press("Enter")
    phone = lan.get_by_label("Số điện thoại")
    expect(phone).to_be_focused()
    expect(phone).to_have_attribute("aria-invalid", "true")
    expect(phone).to_have_accessible_description(re.compile("Số điện thoại chưa đúng"))
    lan.set_viewport_size({"width": size[0], "height": 3000})  # nothing lies half under the foot that stays
    assert looks.barriers(lan) == []
    lan.set_viewport_size({"width": size[0], "height": size[1]})
    assert looks.fit(lan, size) == []


def test_a_paste_of_a_megabyte_is_told_at_once_and_stays_whole(desk: Desk) -> None:
    lan = on_new_customer(desk("lan"))
    name = lan.get_by_label("Tên khách hàng")
    name.evaluate(
        "(field, text) => { field.value = text; field.dispatchEvent(new Event('input', { bubbles: true })) }",
        "ế" * 350_000,
    )
    expect(lan.get_by_text("Đang có 350000 ký tự, nhận tối đa 200")).to_be_visible()
    expect(name).to_have_attribute("aria-invalid", "true")
    lan.keyboard.press("Control+s")
    expect(lan.locator("[data-problems]")).to_be_focused()
    assert len(name.input_value()) == 350_000
    name.fill("Ưng Hoàng Đức")
    expect(lan.get_by_text("ký tự, nhận tối đa")).to_have_count(0)


# ── saving by keys, leaving ──


def test_ctrl_s_saves_and_one_lands_on_the_new_record_with_the_way_to_the_list(desk: Desk) -> None:
    lan = on_new_customer(desk("lan"))
    lan.keyboard.press("Escape")
    lan.locator("h1").click()
    lan.keyboard.press("?")
    expect(lan.get_by_role("dialog").get_by_text("Trong biểu mẫu")).to_be_visible()
    lan.keyboard.press("Escape")
    lan.get_by_label("Tên khách hàng").fill("Phan Thị Thu Hà")
    lan.get_by_label("Ghi chú").fill("Gọi buổi sáng")
    lan.keyboard.press("Control+Enter")
    expect(lan.get_by_role("heading", name="Phan Thị Thu Hà", level=1)).to_be_visible()
    lan.locator("#toasts").get_by_role("link", name="Xem danh sách").click()
    lan.wait_for_url(re.compile("/khach-hang/list/"))


def test_leaving_with_changes_asks_in_our_words_and_undone_changes_do_not(desk: Desk) -> None:
    lan = on_new_customer(desk("lan"))
    name = lan.get_by_label("Tên khách hàng")
    name.fill("Phan Thị")
    lan.get_by_role("navigation").get_by_role("link", name="Công việc").first.click()
    asked = lan.get_by_role("dialog", name=re.compile("thay đổi chưa lưu"))
    expect(asked.get_by_role("button", name="Ở lại")).to_be_focused()
    lan.keyboard.press("Enter")
    expect(asked).to_have_count(0)
    expect(name).to_have_value("Phan Thị")

    # By the browser's own ways out comes its own question.
    with lan.expect_event("dialog") as asks:
        lan.once("dialog", lambda dialog: dialog.dismiss())
        lan.evaluate("setTimeout(() => location.assign('/'))")
    assert asks.value.type == "beforeunload"
    expect(name).to_have_value("Phan Thị")

    name.fill("")
    lan.get_by_role("navigation").get_by_role("link", name="Công việc").first.click()
    lan.wait_for_url(re.compile("/cong-viec/"))

    on_new_customer(lan)
    name.fill("Phan Thị")
    lan.get_by_role("navigation").get_by_role("link", name="Công việc").first.click()
    lan.get_by_role("dialog").get_by_role("button", name="Rời đi, không lưu").click()
    lan.wait_for_url(re.compile("/cong-viec/"))


# ── money, numbers, days ──


def start_complaint(page: Page) -> None:
    page.goto("/")
    page.locator("header").get_by_text("Tạo mới").click()
    page.get_by_role("link", name="Chạy quy trình").first.click()
    page.get_by_role("link", name="Giao hàng chậm").click()
    # an input once the script has made a look-up of the select
    page.get_by_role("combobox", name="Khách hàng").and_(page.locator("input")).fill("Đặng Thị")
    page.get_by_role("option", name="Đặng Thị Mỹ Duyên").click()
    page.get_by_role("main").get_by_role("button", name="Bắt đầu").click()
    expect(page.get_by_label("Số tiền bồi thường")).to_be_visible()


def test_money_is_written_in_groups_while_one_types_and_pastes(desk: Desk) -> None:
    lan = desk("lan")
    start_complaint(lan)
    amount = lan.get_by_label("Số tiền bồi thường")
    amount.press_sequentially("1250000")
    expect(amount).to_have_value("1.250.000")
    for _turn in range(4):
        lan.keyboard.press("ArrowLeft")
    lan.keyboard.type("9")
    expect(amount).to_have_value("12.509.000")
    assert amount.evaluate("field => field.selectionStart") == len("12.509")
    for pasted in ("1250000", "1,250,000", "1.250.000 đ", "1 250 000 ₫"):
        amount.fill(pasted)
        expect(amount).to_have_value("1.250.000")
    amount.fill("sáu trăm")
    expect(amount).to_have_value("sáu trăm")


def test_a_backspace_behind_the_sign_of_a_group_takes_the_digit_before_it(desk: Desk) -> None:
    lan = desk("lan")
    start_complaint(lan)
    amount = lan.get_by_label("Số tiền bồi thường")
    amount.fill("1250000")
    amount.evaluate("field => field.setSelectionRange(2, 2)")  # 1.|250.000
    amount.press("Backspace")
    expect(amount).to_have_value("250.000")
    amount.evaluate("field => field.setSelectionRange(3, 3)")  # 250|.000
    amount.press("Delete")
    expect(amount).to_have_value("25.000")
    assert amount.evaluate("field => field.selectionStart") == len("25.0")


def test_a_wrong_or_too_large_amount_is_said_when_one_leaves_it(desk: Desk) -> None:
    lan = desk("lan")
    start_complaint(lan)
    amount, told = lan.get_by_label("Số tiền bồi thường"), lan.locator("main .tt-err")
    amount.fill("99999999999999999999")
    amount.blur()
    expect(told).to_have_text(re.compile("^Nhập nhiều nhất "))
    expect(amount).to_have_attribute("aria-invalid", "true")
    amount.fill("sáu trăm")
    amount.blur()
    expect(told).to_have_text("Số tiền chưa đúng. Ví dụ: 500.000")
    amount.fill("600000")
    amount.blur()
    expect(told).to_have_count(0)
    expect(amount).not_to_have_attribute("aria-invalid", "true")


def test_a_day_is_read_as_people_type_it_and_what_is_none_is_said_when_one_leaves_it(
    reader: Callable[..., Page],
) -> None:
    lan = reader()
    lan.goto("/sach/add")
    printed, told = lan.locator("#bought_at"), lan.locator("main .tt-err")
    for typed in ("251126", "25112026", "25/11/26", "25-11-2026", "25.11.26"):
        printed.fill(typed)
        printed.blur()
        expect(printed).to_have_value("25/11/2026")
    printed.fill("31/02/2026")
    printed.blur()
    expect(told).to_have_text("Không có ngày 31/02/2026: tháng đó chỉ có 28 ngày.")
    expect(printed).to_have_value("31/02/2026")
    printed.fill("28/02/2026")
    printed.blur()
    expect(told).to_have_count(0)


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_moment_is_typed_or_picked_in_vietnamese(size: tuple[int, int], reader: Callable[..., Page]) -> None:
    lan = reader(size)
    lan.goto("/sach/add")
    bought = lan.locator("#bought_at")
    bought.fill("1/2/2026 8:30")
    bought.blur()
    expect(bought).to_have_value("01/02/2026 08:30")
    bought.press("Alt+ArrowDown")
    calendar = lan.get_by_role("dialog", name="Chọn ngày và giờ")
    expect(calendar.get_by_role("columnheader").first).to_have_text(re.compile("Thứ Hai"))
    expect(calendar.get_by_role("button", name="1 tháng 2", exact=True)).to_be_focused()
    assert looks.barriers(lan) == []
    lan.keyboard.press("ArrowRight")
    lan.keyboard.press("PageDown")
    expect(calendar.get_by_role("button", name="2 tháng 3", exact=True)).to_be_focused()
    lan.keyboard.press("Enter")
    expect(bought).to_have_value("02/03/2026 08:30")
    expect(bought).to_be_focused()

    lan.get_by_role("button", name="Chọn ngày và giờ").click()
    box = calendar.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size[0]
    assert box["y"] + box["height"] <= size[1]
    calendar.get_by_label("Giờ").fill("14:05")
    calendar.get_by_role("button", name="15 tháng 3", exact=True).click()
    expect(bought).to_have_value("15/03/2026 14:05")
    lan.get_by_role("button", name="Chọn ngày và giờ").click()
    lan.keyboard.press("Escape")
    expect(bought).to_be_focused()
    lan.get_by_role("button", name="Chọn ngày và giờ").click()
    calendar.get_by_role("button", name="Xóa ngày").click()
    expect(bought).to_have_value("")


def test_a_number_is_written_in_groups_when_one_leaves_it(reader: Callable[..., Page]) -> None:
    lan = reader()
    lan.goto("/sach/add")
    pages = lan.get_by_label("Pages")
    for typed, written in (("1250", "1.250"), ("12500000", "12.500.000"), ("1,250", "1,250"), ("nhiều", "nhiều")):
        pages.fill(typed)
        pages.blur()
        expect(pages).to_have_value(written)


# ── looking up, adding inside ──


def test_a_look_up_pages_on_by_keys(reader: Callable[..., Page]) -> None:
    lan = reader()
    lan.goto("/sach/add")
    lan.get_by_role("combobox", name="Shelf").and_(lan.locator("input")).click()
    options = lan.get_by_role("option")
    expect(options.filter(has_text="Kệ")).to_have_count(20)
    expect(lan.get_by_text("Cuộn xuống để xem thêm")).to_be_attached()
    for _turn in range(20):
        lan.keyboard.press("ArrowDown")
    expect(options.filter(has_text="Kệ")).to_have_count(40)
    lan.locator("#shelf-ts-dropdown").evaluate("list => (list.scrollTop = list.scrollHeight)")
    expect(options.filter(has_text="Kệ 44")).to_be_attached()
    expect(lan.get_by_text("Cuộn xuống để xem thêm")).to_have_count(0)


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_row_is_added_inside_and_comes_back_chosen(size: tuple[int, int], reader: Callable[..., Page]) -> None:
    lan = reader(size)
    lan.goto("/sach/add")
    lan.locator("#title").fill(f"Số đỏ {size[0]}")
    shelf = lan.get_by_role("combobox", name="Shelf").and_(lan.locator("input"))
    shelf.click()
    lan.keyboard.type(f"Kệ mới {size[0]}")
    lan.locator(".ts-dropdown .create").click()
    dialog = lan.get_by_role("dialog", name="Add a shelf")
    name = dialog.get_by_role("textbox")
    expect(name).to_have_value(f"Kệ mới {size[0]}")
    assert looks.barriers(lan) == []
    name.fill("")
    dialog.get_by_role("button", name="Lưu và chọn").click()
    expect(dialog.locator("[data-problems]")).to_be_focused()
    name.fill(f"Kệ cạnh cửa {size[0]}")
    # Closed by mistake: it is still there.
    lan.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    lan.get_by_role("link", name="Thêm mới").first.click()
    expect(name).to_have_value(f"Kệ cạnh cửa {size[0]}")
    lan.keyboard.press("Control+s")
    expect(dialog).to_have_count(0)
    expect(lan.locator("#shelf-ts-control").locator("xpath=..")).to_contain_text(f"Kệ cạnh cửa {size[0]}")
    expect(lan.locator("#title")).to_have_value(f"Số đỏ {size[0]}")


# ── two at one record ──


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_two_people_change_one_customer_and_the_second_chooses(size: tuple[int, int], desk: Desk) -> None:
    lan, hoa = desk.page("lan", size), desk("hoa")
    name = f"Khách {size[0]}"
    on_new_customer(lan) if size == DESK else lan.goto("/khach-hang/add")
    lan.get_by_label("Tên khách hàng").fill(name)
    lan.get_by_label("Ghi chú").fill("Ban đầu")
    lan.get_by_role("button", name="Lưu").click()
    expect(lan.get_by_role("heading", name=name, level=1)).to_be_visible()
    edit = re.sub("/show/", "/edit/", lan.url.split("?")[0])

    lan.goto(edit)
    hoa.goto(edit)
    hoa.get_by_label("Tên khách hàng").fill(f"{name} Hoa")
    hoa.locator("input#email").fill(f"khach{size[0]}@phosen.example")
    hoa.get_by_role("button", name="Lưu").click()
    expect(hoa.locator("#toasts")).to_contain_text("Đã lưu")

    lan.get_by_label("Tên khách hàng").fill(f"{name} Lan")
    lan.get_by_label("Ghi chú").fill("Lan gõ lâu lắm")
    lan.keyboard.press("Control+s")
    expect(lan.locator(".tt-conflict")).to_be_focused()
    expect(lan.locator(".tt-conflict")).to_contain_text("Hoa")
    names = lan.get_by_role("group", name="Tên khách hàng")
    for words in (f"{name} Lan", f"{name} Hoa", "cả hai cùng sửa"):
        expect(names).to_contain_text(words)
    expect(lan.locator("fieldset#email").get_by_role("radio").nth(1)).to_be_checked()
    expect(lan.get_by_role("group", name="Ghi chú").get_by_role("radio").nth(0)).to_be_checked()
    assert looks.barriers(lan) == []
    assert looks.fit(lan, size) == []

    # Not chosen yet: a sentence, and nothing is lost.
    lan.get_by_role("button", name="Lưu").click()
    expect(lan.locator("[data-problems]")).to_contain_text("Chọn giữ bên nào")
    expect(lan.get_by_role("group", name="Ghi chú")).to_contain_text("Lan gõ lâu lắm")
    lan.get_by_role("button", name=re.compile("Lấy hết của .*Hoa")).click()
    expect(lan.get_by_role("group", name="Ghi chú").get_by_role("radio").nth(1)).to_be_checked()
    lan.get_by_role("button", name="Lấy hết của tôi").click()
    lan.locator("fieldset#email").get_by_role("radio").nth(1).check()
    lan.get_by_role("button", name="Lưu").click()
    expect(lan.get_by_role("heading", name=f"{name} Lan", level=1)).to_be_visible()
    lan.goto(edit)
    expect(lan.locator("input#email")).to_have_value(f"khach{size[0]}@phosen.example")
    expect(lan.get_by_label("Ghi chú")).to_have_value("Lan gõ lâu lắm")


# ── files ──


def test_files_are_judged_before_they_are_sent_and_seen_on_their_way(desk: Desk, tmp_path: Path) -> None:
    lan = desk("lan")
    start_complaint(lan)
    address = lan.url
    picture, program = tmp_path / "hình.txt", tmp_path / "phần mềm.exe"
    picture.write_bytes("Chữ\n".encode() * 1_000_000)
    program.write_bytes(b"MZ")
    zone = lan.locator("[data-drop]").first
    files = zone.locator("input[type=file]")
    files.set_input_files([picture, program])
    expect(zone.get_by_role("alert")).to_contain_text("phần mềm.exe không nhận được")
    expect(zone.locator(".tt-file")).to_have_count(1)
    text = zone.locator("xpath=ancestor::form").locator("textarea")
    text.fill("Ảnh khách gửi")
    network = lan.context.new_cdp_session(lan)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    network.send("Network.emulateNetworkConditions", slow)
    zone.locator("xpath=ancestor::form").locator("button[type=submit]").click()
    expect(lan.get_by_role("progressbar", name="Đang tải tệp lên")).to_be_visible()
    expect(lan.locator(".tt-upload__far")).to_contain_text(re.compile(r"[1-9]\d?%"))
    lan.get_by_role("button", name="Dừng tải lên").click()
    expect(lan.get_by_text("Đã dừng tải lên. Nội dung và tệp vẫn còn ở đây.")).to_be_visible()
    expect(text).to_have_value("Ảnh khách gửi")
    expect(zone.locator(".tt-file")).to_have_count(1)
    network.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    with lan.expect_response(lambda answer: answer.request.method == "POST") as sent:
        zone.locator("xpath=ancestor::form").locator("button[type=submit]").click()
    assert isinstance(sent.value, Response)
    assert sent.value.status == 200
    expect(lan.get_by_role("link", name="hình.txt")).to_be_visible()
    assert lan.url.split("#")[0].split("?")[0] == address.split("#")[0].split("?")[0]
