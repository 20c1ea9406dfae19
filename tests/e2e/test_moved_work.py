"""Open work goes with its process file to the next version and back again, by the page: nobody loses what he typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.product import Product, Rest
from tests.e2e.test_answers import publish
from tests.e2e.test_processes import fit
from tests.processes.engine.drawing import bpmn

pytestmark = pytest.mark.e2e

CODE, TYPED = "doi-tra", "Khách gửi ảnh hộp bị móp"
STEP = 'assign="initiator" due="PT4H" form="doi-tra"'


def drawn(rest: Rest, *arrows: str, step: str) -> None:
    drawing = bpmn(*arrows, tasks={step: STEP, "pay": 'assign="initiator" due="PT1H"'})
    rest.put(f"processes/{CODE}/draft", drawing.encode(), "application/xml")
    rest.post(f"processes/{CODE}/publish")


def moved(hoa: Page, to: int, step: str, its_name_there: str) -> None:
    """By the page: which version, what the step is called there, why."""
    hoa.goto(f"/phien-ban/{CODE}/")
    hoa.get_by_role("link", name=f"Phiên bản {to}", exact=True).click()
    expect(hoa.get_by_text(f"“{step}”, bước này không có trong phiên bản kia")).to_be_visible()
    assert fit(hoa) == []
    hoa.get_by_label(step).select_option(its_name_there)
    hoa.get_by_role("button", name="Kiểm tra lại").click()
    hoa.get_by_label("Lý do").fill("Bước này đổi tên")
    assert fit(hoa) == []
    hoa.get_by_role("button", name="Chuyển hồ sơ đã chọn").click()
    expect(hoa.get_by_text(f"Đã chuyển 1 hồ sơ sang phiên bản {to}.")).to_be_visible()
    hoa.reload()  # without the message that passes; nothing is sent again
    assert fit(hoa) == []


def test_work_goes_along_with_its_draft_and_its_due_moment_and_comes_back(product: Product, desk: Desk) -> None:
    fields = [{"key": "ly_do", "type": "text", "label": "Vì sao khách đổi"}]
    publish(product, "doi-tra", "Đổi trả", fields)
    rest, hoa, lan = Rest(product, "hoa"), desk("hoa"), desk("lan")
    rest.post("processes/", {"code": CODE, "name": "Đổi trả hàng"})
    drawn(rest, "start > look > pay > end", step="look")
    begun = Rest(product, "lan").post("instances/", {"process": CODE})
    (task,) = begun["open_tasks"]
    lan.goto(f"/cong-viec/{task['id']}")
    lan.get_by_label("Vì sao khách đổi").fill(TYPED)
    lan.get_by_role("button", name="Lưu nháp").click()
    expect(lan.get_by_text("Đã lưu nháp").first).to_be_visible()

    drawn(rest, "start > check > pay > end", step="check")
    for to, step, there in ((2, "look", "check"), (1, "check", "look")):
        moved(hoa, to, step, there)
        hoa.goto(f"/ho-so/{begun['id']}")
        expect(hoa.locator("section[aria-labelledby=dang-mo]")).to_contain_text(there)
        expect(hoa.get_by_text("Bước này đổi tên").first).to_be_visible()
        lan.goto(f"/cong-viec/{task['id']}")
        expect(lan.get_by_role("heading", level=1)).to_have_text(there)
        expect(lan.get_by_label("Vì sao khách đổi")).to_have_value(TYPED)
        (now,) = rest.get(f"instances/{begun['id']}")["open_tasks"]
        # Whose it is and when it is due are as they were.
        assert now == {**task, "step": there, "name": there}

    lan.get_by_role("button", name="Hoàn thành").first.click()
    expect(lan.locator(".tt-note--ok")).to_contain_text("hoàn thành")
    assert [one["step"] for one in rest.get(f"instances/{begun['id']}")["open_tasks"]] == ["pay"]
