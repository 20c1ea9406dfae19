"""Can the day be done without a mouse? A late delivery from sign-in to its end, and whatever opens and closes, by keys.

Every stop of the Tab key is looked at: it must be marked for the eye, lie on the screen, and nothing may cover it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cast import PASSWORD
from tests.e2e import looks
from tests.e2e.looks import DESK, PHONE, Ear
from tests.e2e.product import LATE_DELIVERY, Product, Rest

pytestmark = pytest.mark.e2e

RECEIVE, FIND, UPDATE = "Tiếp nhận phản ánh và xin lỗi", "Tìm đơn hàng và tình trạng giao", "Cập nhật cho khách"
APPROVE, CALL_BACK = "Duyệt bồi thường", "Gọi lại xác nhận hài lòng"
_MOST_STOPS = 90


class Hands:
    """Somebody who has a keyboard and nothing else."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def go(self, key: str = "Enter") -> None:
        """Press it; another page comes."""
        with self.page.expect_navigation():
            self.press(key)

    def skip(self) -> None:
        """Follow the skip link, on which one stands."""
        self.press("Enter")
        expect(self.page).to_have_url(re.compile("#noi-dung$"))

    def type(self, text: str) -> None:
        self.page.keyboard.insert_text(text)

    def stop(self) -> str:
        """The name of what has the focus."""
        at = looks.probe(self.page, "stop")
        self.wrong += [what for what in at["wrong"] if what not in self.wrong]
        assert at["inside"], f"the focus left what is open: {at['name']}"
        return str(at["name"])

    def to(self, name: str, key: str = "Tab") -> None:
        """Go from stop to stop until one bears this name."""
        met = []
        for _stop in range(_MOST_STOPS):
            self.press(key)
            met.append(self.stop())
            if re.search(name, met[-1]):
                return
        raise AssertionError(f"no “{name}” among {met}")

    def into(self, name: str, text: str) -> None:
        self.to(name)
        self.type(text)

    def until(self, name: str) -> None:
        """The focus comes there by itself."""
        expect(self.page.locator(":focus")).to_have_accessible_name(re.compile(name))

    def said(self, sentence: str) -> None:
        expect(self.page.locator("#toasts")).to_contain_text(sentence)

    def on_page(self, title: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(title)

    def open_work(self, task: str, customer: str) -> None:
        """From any page by the menu, then down the list: Enter opens what the cursor is on."""
        self.page.goto("/")
        self.to("^Công việc")
        self.go()
        self.on_page("Công việc")
        self.move_to(task, customer)
        self.go()
        self.on_page(task)

    def move_to(self, *words: str) -> None:
        for _row in range(30):
            self.press("j")
            here = self.page.locator("[data-row].is-cursor").inner_text()
            if all(word in here for word in words):
                self.stop()
                return
        raise AssertionError(f"no row with {words}")


@pytest.fixture
def hands(browser: Browser, product: Product) -> Iterator[Callable[..., Hands]]:
    """hands("lan") → Lan, signed in by keys. In the end each stop was marked, and no browser has complained."""
    everybody: list[tuple[Hands, Ear]] = []

    def sit_down(who: str, size: tuple[int, int] = DESK) -> Hands:
        context = browser.new_context(
            base_url=product.url,
            viewport={"width": size[0], "height": size[1]},
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            reduced_motion="reduce",
        )
        context.set_default_timeout(20_000)
        ear, one = Ear(context, product.url), Hands(context.new_page())
        everybody.append((one, ear))
        one.page.goto("/login/")
        one.until("Tên đăng nhập")
        one.type(who)
        one.into("Mật khẩu", PASSWORD)
        one.go()
        expect(one.page).to_have_url(f"{product.url}/")
        return one

    yield sit_down
    for one, ear in everybody:
        one.page.context.close()
        assert one.wrong == []
        assert ear.heard() == []


def test_a_late_delivery_is_put_right_without_a_mouse(hands: Callable[..., Hands]) -> None:
    lan, minh, binh = hands("lan"), hands("minh"), hands("binh")
    customer = "Trịnh Thị Quỳnh Như"

    # Lan starts the process for somebody who has never called before.
    lan.to("Tạo mới")
    lan.press("Enter", "ArrowDown")
    lan.until("Chạy quy trình")
    lan.go()
    lan.to("Giao hàng chậm")
    lan.go()
    lan.on_page("Giao hàng chậm")
    looks.settled(lan.page)
    lan.to("^Khách hàng bắt buộc")
    lan.type(customer)
    expect(lan.page.locator(".ts-dropdown .create")).to_be_visible()
    lan.press("Enter")
    lan.until("Số điện thoại")
    lan.type("0903 118 301")
    lan.to("Bắt đầu")
    lan.go()
    lan.said("Đã mở hồ sơ HS-")
    lan.on_page(RECEIVE)
    lan.into("Khách phản ánh gì", "Đơn trễ một ngày")
    lan.into("Số tiền bồi thường", "650000")
    lan.into("Lời xin lỗi", "Em xin lỗi chị")
    lan.to("Hoàn thành")
    lan.go()
    lan.said(f"Đã xong “{RECEIVE}”")

    # Bình takes it from what waits in his team.
    binh.to("^Công việc")
    binh.go()
    binh.to("Chờ nhận")
    binh.go()
    binh.move_to(FIND, customer)
    binh.go("n")
    binh.said("Bạn đã nhận việc này")
    binh.on_page(FIND)
    binh.to("Đơn hàng đang ở đâu")
    binh.press("ArrowDown")
    binh.into("Kết quả kiểm tra", "Xe hỏng ở Gia Lâm")
    binh.to("Hoàn thành")
    binh.go()
    binh.said(f"Đã xong “{FIND}”")

    lan.open_work(UPDATE, customer)
    lan.to("Gọi điện|Điện thoại|Kênh")
    lan.press("Space")
    lan.into("Nội dung đã báo khách", "Hẹn giao sáng mai trước 9 giờ")
    lan.to("Hoàn thành")
    lan.go()
    lan.said(f"Đã xong “{UPDATE}”")

    minh.open_work(APPROVE, customer)
    minh.into("Lý do hoặc ghi chú", "Khách quen, lỗi của mình")
    minh.to("^Duyệt")
    minh.go()
    minh.said(f"Đã xong “{APPROVE}”")

    lan.open_work(CALL_BACK, customer)
    lan.to("Gọi được")
    lan.press("Space")
    lan.to("^Có")
    lan.press("Space")
    lan.to("Hoàn thành")
    lan.go()
    lan.said(f"Đã xong “{CALL_BACK}”")


def test_the_skip_link_comes_first_and_leads_past_the_menu(hands: Callable[..., Hands]) -> None:
    lan = hands("lan")
    lan.page.goto("/khach-hang/list/")
    lan.press("Tab")
    assert lan.stop() == "Đến nội dung chính"
    lan.skip()
    lan.press("Tab")
    assert lan.page.evaluate("document.activeElement.closest('main') !== null")


PAGES = ("/", "/cong-viec/", "/khach-hang/list/", "/khach-hang/add", f"/ho-so/bat-dau/{LATE_DELIVERY}")


def test_the_tab_key_goes_through_a_page_as_the_eye_does(hands: Callable[..., Hands]) -> None:
    """Each stop of a page stands below the one before or right of it; nothing jumps the queue."""
    lan = hands("lan")
    for path in PAGES:
        lan.page.goto(path)
        assert lan.page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0
        looks.settled(lan.page)
        lan.page.locator(".tt-skip").focus()
        lan.skip()
        before, left, bottom = "", 0.0, 0.0
        for _stop in range(_MOST_STOPS):
            lan.press("Tab")
            place = looks.probe(lan.page, "place")
            if place is None:
                break
            name = lan.stop()
            assert place[1] >= bottom - 4 or place[0] > left, f"{path}: “{name}” comes after “{before}”"
            before, (left, bottom) = name, place
        assert before, path


def test_menus_close_by_escape_and_give_the_focus_back(hands: Callable[..., Hands]) -> None:
    lan = hands("lan")
    for menu, first in (("Tạo mới", "Chạy quy trình"), ("Tài khoản của bạn", "Tài khoản của bạn")):
        lan.to(menu)
        lan.press("Enter", "ArrowDown")
        lan.until(first)
        lan.press("ArrowUp", "ArrowDown")
        lan.until(first)
        lan.press("Escape")
        lan.until(menu)
        expect(lan.page.locator("details.tt-menu[open]")).to_have_count(0)


def test_a_dialog_keeps_the_focus_and_gives_it_back(hands: Callable[..., Hands], product: Product) -> None:
    rest = Rest(product, "hoa")
    rest.publish("goi-lai", "Gọi lại cho khách", assign="user:lan", due="PT8H")
    task = rest.post("instances/", {"process": "goi-lai", "customer_id": None})["open_tasks"][0]["id"]
    minh = hands("minh")
    minh.page.goto(f"/cong-viec/{task}")
    minh.to("Thao tác với công việc")
    minh.press("Enter", "ArrowDown", "ArrowDown")
    minh.until("^Giao lại$")
    minh.press("Enter")
    dialog = minh.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _round in range(8):
        minh.press("Tab")
        minh.stop()
    minh.press("Escape")
    expect(dialog).to_be_hidden()
    minh.until("Thao tác với công việc")


def test_the_palette_opens_from_anywhere_and_gives_the_focus_back(hands: Callable[..., Hands]) -> None:
    lan = hands("lan")
    lan.to("Thông báo")
    lan.press("Control+k")
    dialog = lan.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert lan.stop()
    lan.press("Escape")
    expect(dialog).to_be_hidden()
    lan.until("Thông báo")
    lan.press("Control+k")
    expect(dialog).to_be_visible()
    lan.type("khach")
    expect(dialog.get_by_role("option", name=re.compile("Khách hàng")).first).to_be_visible()
    lan.press("Escape")


def test_a_lookup_closes_by_escape_and_takes_what_was_found_by_enter(hands: Callable[..., Hands]) -> None:
    lan = hands("lan")
    lan.page.goto(f"/ho-so/bat-dau/{LATE_DELIVERY}")
    looks.settled(lan.page)
    lan.to("^Khách hàng bắt buộc")
    lan.type("duyen")
    found = lan.page.locator(".ts-dropdown .option[data-selectable]")
    expect(found).to_have_count(1)
    lan.press("Escape")
    expect(found).to_be_hidden()
    lan.press("ArrowDown")
    expect(found).to_be_visible()
    lan.press("Enter")
    expect(lan.page.locator(".ts-control .item")).to_contain_text("Đặng Thị Mỹ Duyên")


def test_on_a_phone_the_drawer_keeps_the_focus_and_gives_it_back(hands: Callable[..., Hands]) -> None:
    lan = hands("lan", PHONE)
    lan.to("Mở danh mục")
    lan.press("Enter")
    for _round in range(20):
        lan.press("Tab")
        lan.stop()
    lan.press("Escape")
    lan.until("Mở danh mục")
