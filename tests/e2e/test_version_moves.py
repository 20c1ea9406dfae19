"""Hoa publishes a new version by hand and takes all running process files along at once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import looks
from tests.e2e.conftest import Desk
from tests.e2e.looks import DESK, PHONE, ZOOMED
from tests.e2e.product import Product, Rest, until
from tests.processes.engine.drawing import bpmn

pytestmark = pytest.mark.e2e

ME = 'assign="initiator" due="PT1H"'
FILES = 27


def fit(page: Page) -> list[str]:
    return [*looks.structure(page, "vi"), *looks.barriers(page), *looks.fit(page, DESK, ZOOMED, PHONE)]


def publish(rest: Rest, code: str, *arrows: str, steps: list[str]) -> None:
    rest.put(f"processes/{code}/draft", bpmn(*arrows, tasks=dict.fromkeys(steps, ME)).encode(), "application/xml")
    rest.post(f"processes/{code}/publish")


def test_all_files_go_to_the_next_version_and_who_stays_is_told(product: Product, desk: Desk) -> None:
    rest, hoa, code = Rest(product, "hoa"), desk("hoa"), f"chuyen-{uuid4().hex[:6]}"
    rest.post("processes/", {"code": code, "name": "Đổi trả hàng"})
    publish(rest, code, "start > ask > check > end", steps=["ask", "check"])
    begun = [rest.post("instances/", {"process": code}) for _one in range(FILES)]
    *_others, stays = begun
    task = f"tasks/{stays['open_tasks'][0]['id']}"
    rest.post(f"{task}/complete", {"answers": {}, "rev": rest.get(task)["rev"]})
    publish(rest, code, "start > ask > look > end", steps=["ask", "look"])

    def version(one: Any) -> int:
        return int(rest.get(f"instances/{one['id']}")["version"])

    before = rest.get(f"instances/{begun[0]['id']}")["open_tasks"]
    hoa.goto(f"/phien-ban/{code}/")
    expect(hoa.locator(".tt-pager")).to_contain_text("1–25")
    assert fit(hoa) == []
    hoa.get_by_role("button", name="Chuyển tất cả hồ sơ chuyển được").click()
    assert hoa.url.endswith(f"/phien-ban/{code}/")  # the browser itself asks for the reason first
    hoa.get_by_label("Lý do").fill("Quy trình mới")
    hoa.get_by_role("button", name="Chuyển tất cả hồ sơ chuyển được").click()
    expect(hoa.get_by_text("đã chuyển 26 hồ sơ sang phiên bản này, 1 hồ sơ giữ nguyên.")).to_be_visible()
    expect(hoa.get_by_text("Hồ sơ đang ở “check”, bước này không có trong phiên bản kia.")).to_be_visible()
    assert fit(hoa) == []
    assert [version(begun[0]), version(stays)] == [2, 1]
    assert rest.get(f"instances/{begun[0]['id']}")["open_tasks"] == before
    until(lambda: any("đã chuyển 26 hồ sơ" in line for line in bell(hoa)), "the bell")

    # The step has another name there: said so, the last one goes along.
    hoa.goto(f"/phien-ban/{code}/")
    hoa.get_by_label("check").select_option("look")
    hoa.get_by_role("button", name="Kiểm tra lại").click()
    hoa.get_by_label("Lý do").fill("“check” nay là “look”")
    hoa.get_by_role("button", name="Chuyển hồ sơ đã chọn").click()
    expect(hoa.get_by_text("Đã chuyển 1 hồ sơ sang phiên bản 2")).to_be_visible()
    assert version(stays) == 2
    hoa.reload()  # without the message that passes
    assert fit(hoa) == []


def bell(page: Page) -> list[str]:
    page.goto("/thong-bao/")
    return page.locator("main").all_inner_texts()
