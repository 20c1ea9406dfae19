"""Talking about a customer with the hands: a colleague mentioned by keys, a file dropped, words mended, taken back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE

pytestmark = pytest.mark.e2e

PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 64
#: a file that comes out of another window and falls onto the drop zone
DROP = """(zone, bytes) => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], "hộp móp.jpg", { type: "image/jpeg" }));
  for (const type of ["dragover", "drop"])
    zone.dispatchEvent(new DragEvent(type, { dataTransfer: files, bubbles: true, cancelable: true }));
}"""


def conversation(page: Page, customer: int = 1) -> Page:
    page.goto(f"/khach-hang/show/{customer}?phan=trao-doi")
    return page


def box(page: Page) -> Locator:
    return page.get_by_label("Viết nội dung trao đổi")


def people(page: Page) -> Locator:
    """Who is offered behind the @."""
    return page.get_by_role("listbox", name="Những người có thể nhắc đến").get_by_role("option")


def said(page: Page) -> Locator:
    return page.locator(".tt-talk > ol > .tt-say")


@pytest.fixture
def lan(desk: Desk) -> Page:
    return conversation(desk("lan"))


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_colleague_is_mentioned_by_keys_and_finds_it_in_the_bell(desk: Desk, size: tuple[int, int]) -> None:
    lan = conversation(desk.page("lan", size))
    before = said(lan).count()
    expect(box(lan)).not_to_be_focused()
    box(lan).click()
    lan.keyboard.type("Nhờ anh @minh")
    offered = people(lan)
    expect(offered).to_have_count(1)
    expect(offered.first).to_contain_text("Phạm Quang Minh")
    expect(box(lan)).to_have_attribute("aria-activedescendant", offered.first.get_attribute("id") or "")
    lan.keyboard.press("Enter")
    expect(box(lan)).to_have_value("Nhờ anh @minh ")
    assert lan.evaluate("document.documentElement.scrollWidth") <= size[0]
    lan.keyboard.type(f"xem giúp {size[0]}")
    lan.keyboard.press("Control+Enter")
    expect(said(lan)).to_have_count(before + 1)
    expect(said(lan).last).to_contain_text(f"Nhờ anh @Phạm Quang Minh xem giúp {size[0]}")
    expect(said(lan).last).to_be_in_viewport()
    expect(box(lan)).to_have_value("")
    expect(box(lan)).to_be_focused()
    expect(lan.locator(".tt-tabs [aria-current] small")).to_have_text(str(before + 1))
    assert lan.url.endswith("?phan=trao-doi")

    minh = desk.page("minh", size)
    minh.goto("/thong-bao/")
    minh.get_by_role("button", name=re.compile(f"nhắc đến bạn ở khách hàng .*{size[0]}")).first.click()
    minh.wait_for_url(re.compile(r"\?phan=trao-doi#tra-loi-\d+$"))
    expect(minh.locator(".tt-say:target")).to_contain_text(f"xem giúp {size[0]}")


def test_the_list_is_walked_by_arrows_closed_by_escape_and_clicked(lan: Page) -> None:
    box(lan).click()
    lan.keyboard.type("@")
    offered = people(lan)
    expect(offered.first).to_have_attribute("aria-selected", "true")
    lan.keyboard.press("ArrowDown")
    expect(offered.nth(1)).to_have_attribute("aria-selected", "true")
    lan.keyboard.press("ArrowUp")
    lan.keyboard.press("ArrowUp")
    expect(offered.last).to_have_attribute("aria-selected", "true")
    lan.keyboard.press("Escape")
    expect(offered).to_have_count(0)
    expect(box(lan)).to_be_focused()
    lan.keyboard.type("phạm quang")
    offered.filter(has_text="Phạm Quang Minh").click()
    expect(box(lan)).to_have_value("@minh ")
    lan.keyboard.type("@khongaicả ")
    expect(offered).to_have_count(0)
    box(lan).fill("")


def test_somebody_who_may_not_see_it_is_refused_and_the_words_stay(lan: Page) -> None:
    before = said(lan).count()
    box(lan).fill("@tuan xem giúp chị ấy")
    lan.get_by_role("button", name="Gửi", exact=True).click()
    expect(lan.get_by_role("alert").filter(has_text="không xem được trang này")).to_be_visible()
    expect(box(lan)).to_have_value("@tuan xem giúp chị ấy")
    expect(box(lan)).to_be_focused()
    box(lan).fill("Không cần nữa")
    lan.keyboard.press("Control+Enter")
    expect(said(lan)).to_have_count(before + 1)


def test_words_that_could_not_be_sent_stay_to_be_sent_again(desk: Desk, lan: Page) -> None:
    lan.route("**/trao-doi/customer/1", lambda route: cut(route))
    box(lan).fill("Mạng chập chờn")
    lan.keyboard.press("Control+Enter")
    expect(lan.get_by_role("alert").filter(has_text="Chưa gửi được")).to_be_visible()
    expect(box(lan)).to_have_value("Mạng chập chờn")
    lan.unroute("**/trao-doi/customer/1")
    lan.keyboard.press("Control+Enter")
    expect(said(lan).last).to_contain_text("Mạng chập chờn")
    desk.complaints[:] = [told for told in desk.complaints if "ERR_FAILED" not in told]


def cut(route: Route) -> None:
    route.abort() if route.request.method == "POST" else route.continue_()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_file_is_dropped_seen_and_sent(desk: Desk, tmp_path: Path, size: tuple[int, int]) -> None:
    lan = conversation(desk.page("lan", size), customer=2)
    before = said(lan).count()
    box(lan).fill("Ảnh chụp hộp")
    lan.locator("[data-drop]").evaluate(DROP, list(PICTURE))
    expect(lan.locator("[data-drop-list]")).to_contain_text("hộp móp.jpg")
    lan.get_by_role("button", name="Gửi", exact=True).click()
    expect(said(lan)).to_have_count(before + 1)
    with lan.expect_download() as download:
        said(lan).last.get_by_role("link", name="hộp móp.jpg").click()
    assert download.value.path().read_bytes() == PICTURE


def test_words_are_mended_taken_away_and_brought_back(lan: Page) -> None:
    before = said(lan).count()
    box(lan).fill("Gọi lại lúc 9 giờ")
    lan.keyboard.press("Control+Enter")
    expect(said(lan)).to_have_count(before + 1)
    mine = said(lan).last
    mine.get_by_text("Sửa", exact=True).click()
    mine.get_by_label("Sửa nội dung").fill("Gọi lại lúc 10 giờ")
    mine.get_by_role("button", name="Lưu", exact=True).click()
    expect(mine).to_contain_text("Gọi lại lúc 10 giờ")
    expect(mine).to_contain_text("đã sửa")
    mine.get_by_role("button", name="Lưu trữ").click()
    expect(said(lan)).to_have_count(before)
    lan.locator(".tt-toast").get_by_role("button", name="Hoàn tác").click()
    expect(said(lan)).to_have_count(before + 1)
    expect(said(lan).last).to_contain_text("Gọi lại lúc 10 giờ")


def test_what_a_colleague_wrote_meanwhile_is_there_on_coming_back(desk: Desk, lan: Page) -> None:
    before = said(lan).count()
    box(lan).fill("Đang viết dở")
    minh = conversation(desk("minh"))
    box(minh).fill("Anh đã gọi rồi")
    minh.keyboard.press("Control+Enter")
    expect(said(minh)).to_have_count(before + 1)
    lan.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(said(lan)).to_have_count(before + 1)
    expect(said(lan).last).to_contain_text("Anh đã gọi rồi")
    expect(box(lan)).to_have_value("Đang viết dở")
    box(lan).fill("")
