"""Hoa lets a process call a program without writing XML; it is refused, she sees why, and lets it try again."""

from __future__ import annotations

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
        expect(hoa.get_by_text("kho từ chối (mã 404)").first).to_be_visible()
        assert fit(hoa) == []

        kho.says(200, {"result": {"count": 7}})
        hoa.locator("[id^=lead-reason]").first.fill("Kho đã mở lại")
        hoa.get_by_role("button", name="Cho chạy tiếp").click()
        until(lambda: rest.get(path)["status"] == "completed", "the end")
        first, second = kho.heard
        assert first.json == {"code": "DH-1"}
        assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
