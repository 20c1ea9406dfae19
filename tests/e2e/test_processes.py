"""Processes by hand: Hoa lets one call a program, Lan goes round a loop and through a linked one, by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import looks
from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE, ZOOMED
from tests.e2e.product import Product, Rest, until
from tests.processes.engine.drawing import bpmn
from tests.receiver import receiver_here

pytestmark = pytest.mark.e2e


def fit(page: Page) -> list[str]:
    """What is wrong with the page as it looks."""
    return [*looks.structure(page, "vi"), *looks.barriers(page), *looks.fit(page, DESK, ZOOMED, PHONE)]


def test_a_process_calls_a_program_is_refused_and_goes_on(product: Product, desk: Desk) -> None:
    rest, hoa = Rest(product, "hoa"), desk("hoa")
    rest.post("processes/", {"code": "bao-kho", "name": "Báo kho"})
    drawing = bpmn("start > ask > end", tasks={"ask": 'assign="initiator" due="PT1H"'})
    rest.put("processes/bao-kho/draft", drawing.encode(), "application/xml")
    with receiver_here() as kho:
        kho.says(404, {})
        hoa.goto("/noi-nhan/")
        hoa.get_by_label("Tên").fill("Kho hàng")
        hoa.get_by_label("Mã").fill("kho")
        hoa.get_by_label("Địa chỉ web").fill(kho.url)
        hoa.get_by_role("button", name="Lưu", exact=True).click()
        expect(hoa.locator("#url-error")).to_contain_text("https://")
        hoa.get_by_label("Nằm trong mạng nội bộ").check()
        hoa.get_by_role("button", name="Lưu", exact=True).click()
        expect(hoa.locator(".tt-table")).to_contain_text("Kho hàng")

        hoa.goto("/tu-dong/bao-kho/")
        hoa.get_by_role("link", name="Gọi phần mềm bên ngoài").click()
        hoa.get_by_label("Tên bước").fill("Báo kho hàng")
        hoa.get_by_label("Nằm giữa hai bước").select_option(label="ask → end")
        hoa.get_by_label("Nơi nhận").select_option("kho")
        hoa.get_by_label("Đường dẫn sau địa chỉ").fill("don-hang")
        hoa.get_by_label("Gửi đi những gì").fill("code = order_code")
        hoa.get_by_label("Giữ lại gì").fill("stock = result.count")
        hoa.get_by_role("button", name="Lưu vào bản nháp").click()
        expect(hoa.locator("#path-error")).to_contain_text("/orders")
        assert fit(hoa) == []
        hoa.get_by_label("Đường dẫn sau địa chỉ").fill("/don-hang")
        hoa.get_by_role("button", name="Lưu vào bản nháp").click()
        expect(hoa.locator(".tt-table")).to_contain_text("Báo kho hàng")
        hoa.reload()  # without the message that passes
        assert fit(hoa) == []
        hoa.get_by_role("button", name="Phát hành").click()
        hoa.locator("dialog[open]").get_by_role("button", name="Phát hành").click()
        expect(hoa.get_by_text("Đã phát hành phiên bản 1")).to_be_visible()

        begun = rest.post("instances/", {"process": "bao-kho", "data": {"order_code": "DH-1"}})
        task = f"tasks/{begun['open_tasks'][0]['id']}"
        rest.post(f"{task}/complete", {"answers": {}, "rev": rest.get(task)["rev"]})
        path = f"instances/{begun['id']}"
        until(lambda: rest.get(path).get("incidents"), "the refusal")
        hoa.goto(f"/ho-so/{begun['id']}")
        expect(hoa.get_by_text("Kho hàng từ chối (mã 404)").first).to_be_visible()
        assert fit(hoa) == []

        kho.says(200, {"result": {"count": 7}})
        hoa.locator("[id^=lead-reason]").first.fill("Kho đã mở lại")
        hoa.get_by_role("button", name="Cho chạy tiếp").click()
        until(lambda: rest.get(path)["status"] == "completed", "the end")
        first, second = kho.heard
        assert first.json == {"code": "DH-1"}
        assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


ME = 'assign="initiator" due="PT1H"'
LOOP = bpmn(
    "start > xor1 > and1 > stock > and2 > decide > xor2", "and1 > carrier > and2",
    "xor2 > xor1 if decide.outcome = 'reject'", "xor2 > end by default",
    tasks={"stock": ME, "carrier": ME, "decide": f'{ME} approval="any" outcomes="approve,reject"'},
)  # fmt: skip


class Lan:
    """She opens the work of a run from its page, and finishes it with a key."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def sees(self, run: int, *steps: str) -> None:
        """That is open in it, and nothing else."""
        self.page.goto(f"/ho-so/{run}")
        rows = self.page.locator(
            "section[aria-labelledby=dang-mo] li b, section[aria-labelledby=dang-mo] li a:not(.btn)"
        )
        expect(rows).to_have_count(len(steps))
        assert sorted(rows.all_inner_texts()) == sorted(steps)

    def opens(self, run: int, step: str) -> None:
        self.page.goto(f"/ho-so/{run}")
        self.page.locator("section[aria-labelledby=dang-mo]").get_by_role("link", name=step, exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(step)

    def finishes(self, run: int, step: str) -> None:
        self.opens(run, step)
        self.page.keyboard.press("e")
        expect(self.page.locator(".tt-note--ok")).to_contain_text("hoàn thành")

    def goes_on(self) -> None:
        """From what is finished to her next task, without a mouse."""
        following = self.page.locator("[data-next]").get_attribute("href")
        self.page.keyboard.press("Enter")
        expect(self.page).to_have_url(re.compile(rf"{following}$"))
        expect(self.page.locator("[data-finish]")).to_be_visible()

    def decides(self, run: int, outcome: str, note: str) -> None:
        self.opens(run, "decide")
        self.page.get_by_label("Lý do hoặc ghi chú").fill(note)
        self.page.get_by_role("button", name=outcome).click()
        expect(self.page.locator(".tt-note--ok")).to_contain_text("hoàn thành")


def test_a_loop_with_a_join_inside_and_a_linked_process(product: Product, desk: Desk) -> None:
    hoa, rest, lan = Rest(product, "hoa"), Rest(product, "lan"), Lan(desk("lan"))
    for code, drawing in (
        ("vong", LOOP), ("kiem-kho", bpmn("start > one > two > end", tasks={"one": ME, "two": ME})),
        ("khieu-nai", bpmn("start > ask > call > look > end", tasks={"ask": ME, "look": ME},
                           calls={"call": "kiem-kho"})),
    ):  # fmt: skip
        hoa.post("processes/", {"code": code, "name": code})
        hoa.put(f"processes/{code}/draft", drawing.encode(), "application/xml")
        hoa.post(f"processes/{code}/publish")

    run = rest.post("instances/", {"process": "vong"})["id"]
    for outcome in ("Từ chối", "Duyệt"):
        lan.sees(run, "stock", "carrier")
        lan.finishes(run, "stock")
        lan.goes_on()
        lan.sees(run, "carrier")
        lan.finishes(run, "carrier")
        lan.sees(run, "decide")
        lan.decides(run, outcome, "Chưa rõ bên vận chuyển")
    lan.sees(run)
    expect(lan.page.locator("header .tt-st--done")).to_have_text("Hoàn thành")

    run = rest.post("instances/", {"process": "khieu-nai"})["id"]
    lan.finishes(run, "ask")
    lan.sees(run)
    child = rest.get(f"instances/{run}")["children"][0]["id"]
    lan.page.locator("section[aria-labelledby=lien-ket]").get_by_role("link").click()
    expect(lan.page.get_by_text("Thuộc hồ sơ")).to_be_visible()
    lan.finishes(child, "one")
    lan.opens(child, "two")
    lan.page.get_by_label("Thao tác với công việc").click()
    lan.page.get_by_role("button", name="Trả lại bước trước").click()
    dialog = lan.page.locator("dialog[open]")
    dialog.get_by_label("Lý do").fill("Thiếu ảnh")
    dialog.get_by_role("button", name="Trả lại", exact=True).click()
    lan.sees(child, "one")
    expect(lan.page.get_by_text("Thiếu ảnh").first).to_be_visible()
    lan.opens(child, "one")
    expect(lan.page.locator(".tt-note--soon")).to_contain_text("Thiếu ảnh")
    lan.page.goto(f"/ho-so/{run}")
    lan.page.get_by_label("Thao tác khác với hồ sơ").click()
    lan.page.get_by_role("button", name="Hủy hồ sơ").click()
    lan.page.locator("dialog[open]").get_by_label("Lý do").fill("Khách thôi")
    lan.page.locator("dialog[open]").get_by_role("button", name="Hủy hồ sơ").click()
    for one in (run, child):
        lan.sees(one)
        expect(lan.page.locator("header .tt-st--done")).to_have_text("Đã hủy")
    assert fit(lan.page) == []
