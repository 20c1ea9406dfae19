"""A field of the company's own, from the day on which Hoa misses it: drawn, filled in, found again everywhere."""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.product import Product, Rest
from tests.e2e.test_every_kind import Builder
from tests.e2e.test_export import kept, menu
from tests.e2e.test_import_and_merge import SOON
from tests.e2e.test_list_filters import LIST, applied, chips, current, keep, row

pytestmark = pytest.mark.e2e

NEW = "/khach-hang/add"
FORM = "Thông tin riêng"
#: tries of this journey on one company
_runs = count(1)


class Own:
    """What this run calls its own: whoever ran here before has left a field, a customer, a view and a segment."""

    def __init__(self, number: int) -> None:
        self.label = f"Số khách mỗi tiệc {number}"
        self.customer = f"Trần Thị Tiệc {number}"
        self.view = f"Tiệc lớn {number}"
        self.segment = f"Khách đặt tiệc {number}"
        self.phone = f"0905 118 {number:03}"


def draw(hoa: Page, own: Own, forms: list[dict[str, Any]]) -> None:
    """Hoa adds the field as she would: to the company's fields, where there are some, or as the first of them."""
    hoa.goto("/bieu-mau/list/")
    if any(one["name"] == FORM for one in forms):
        hoa.goto(address(hoa.get_by_role("link", name=FORM, exact=True).first))
        hoa.get_by_role("link", name="Soạn biểu mẫu").click()
    else:
        hoa.get_by_role("link", name="Biểu mẫu mới").click()
        hoa.get_by_label("Tên biểu mẫu").fill(FORM)
        hoa.get_by_label("Dùng để làm gì").select_option(label="Trường của khách hàng")
        hoa.get_by_role("button", name="Soạn biểu mẫu").click()
    hoa.wait_for_url("**/ve")
    builder = Builder(hoa)
    hoa.locator("[data-kinds] [data-type=integer]").click()
    label = builder.setting("label").locator("input").first
    expect(label).to_be_focused()
    label.fill(own.label)
    # Beside what it is called and whether it must be answered, with what follows from it.
    filtered = builder.panel.get_by_label("Lọc và sắp xếp được")
    expect(filtered).to_have_accessible_description(re.compile("Danh sách khách hàng và nhóm khách hàng"))
    filtered.check()
    expect(hoa.locator("[data-problems-head]")).to_have_text("Không có điều cần sửa")
    expect(hoa.locator("[data-saved]")).to_have_attribute("data-state", "saved")
    builder.publish()
    expect(hoa.locator(".tt-drawing__told[role=status]")).to_contain_text("trên trang mỗi khách hàng")


def address(link: Locator) -> str:
    """Where a row leads: a click would open it beside its list."""
    path = link.get_attribute("href")
    assert path
    return path


def fact(page: Page, own: Own) -> Locator:
    """What the page of the customer says of the field."""
    return page.locator("dl > div, dl").filter(has=page.locator("dt", has_text=own.label)).last


def cells(page: Page, own: Own) -> list[tuple[str, str]]:
    """Name and value of every row, as the column of the field stands in the list."""
    heads = [one.strip() for one in page.locator("thead th").all_inner_texts()]
    place = next(at for at, head in enumerate(heads) if own.label in head)
    rows = page.locator("tr[data-row]").all()
    return [(one.locator(".tt-rowlink").inner_text().strip(), one.locator("td, th").nth(place).inner_text().strip())
            for one in rows]  # fmt: skip


@pytest.fixture
def own() -> Own:
    return Own(next(_runs))


def test_a_field_that_hoa_adds_is_everywhere_at_once(desk: Desk, product: Product, own: Own, tmp_path: Path) -> None:
    hoa, lan, minh, rest = desk("hoa"), desk("lan"), desk("minh"), Rest(product, "hoa")
    # The field is missed.
    lan.goto(NEW)
    expect(lan.get_by_label("Tên khách hàng")).to_be_visible()
    expect(lan.get_by_label(own.label)).to_have_count(0)
    draw(hoa, own, rest.get("forms/?page_size=100")["result"])

    # The form of the customer has it, and his page shows it.
    lan.goto(NEW)
    lan.get_by_label("Tên khách hàng").fill(own.customer)
    lan.get_by_label("Số điện thoại").fill(own.phone)
    lan.get_by_label(own.label).fill("nhiều")
    lan.get_by_role("button", name="Lưu", exact=True).first.click()
    expect(lan.get_by_label(own.label)).to_have_attribute("aria-invalid", "true")
    desk.complaints.clear()  # the browser notes the refusal that was asked for
    lan.get_by_label(own.label).fill("1.200")
    lan.get_by_role("button", name="Lưu", exact=True).first.click()
    lan.wait_for_url(re.compile(r"/khach-hang/show/\d+"))
    expect(fact(lan, own)).to_contain_text("1.200")
    number = int(re.findall(r"/show/(\d+)", lan.url)[0])
    shown = lan.url

    # The list has it as a column, is narrowed by it, and a view keeps both.
    minh.goto(f"{LIST}?view=0")
    minh.locator("details[data-columns] > summary").click()
    minh.locator("details[data-columns]").get_by_label(own.label, exact=True).check()
    minh.locator("details[data-columns]").get_by_role("button", name="Áp dụng").click()
    minh.wait_for_url(re.compile("columns="))
    assert (own.customer, "1.200") in cells(minh, own)
    minh.locator("summary", has_text="Lọc").click()
    editor = minh.locator("[data-filter-editor]")
    row(editor, 0, own.label).get_by_label("Cách so sánh").select_option("từ … trở lên")
    editor.get_by_label(f"{own.label}: Giá trị").fill("1000")
    assert applied(editor).endswith(" >= 1000")
    expect(chips(minh)).to_have_text([f"{own.label} từ 1.000 trở lên"])
    assert cells(minh, own) == [(own.customer, "1.200")]
    keep(minh, own.view)
    minh.goto(f"{LIST}?view=0")
    minh.locator(".tt-views__tabs a", has_text=own.view).click()
    expect(current(minh)).to_have_text(own.view)
    expect(chips(minh)).to_have_count(1)
    assert cells(minh, own) == [(own.customer, "1.200")]

    # What is shown is what is taken away.
    taken = kept(minh, menu(minh).get_by_role("button", name="Excel, cột đang hiện").click, tmp_path)
    assert own.label in taken[0]
    assert [one[taken[0].index(own.label)] for one in taken[1:]] == [1200]
    code = rest.get(f"customers/{number}")["code"]

    # A file says something else of the same customer.
    bring(minh, f"Mã,Họ tên,{own.label}\n{code},{own.customer},2.500\n", own)
    lan.goto(shown)
    expect(fact(lan, own)).to_contain_text("2.500")

    # So does a program, which reads it as a number.
    known = rest.get(f"customers/{number}")
    (key,) = [key for key, value in known["own"].items() if value == 2500]
    changed = {"rev": known["rev"], "own": {key: 3100}}
    assert rest.put(f"customers/{number}", json.dumps(changed).encode(), "application/json")["own"][key] == 3100
    lan.goto(shown)
    expect(fact(lan, own)).to_contain_text("3.100")

    # A segment asks for it, counts who fulfils it, and leads to him.
    lan.goto("/nhom-khach-hang/moi")
    lan.get_by_role("textbox", name="Tên", exact=True).fill(own.segment)
    editor = lan.locator("[data-segment-editor]")
    row(editor, 0, own.label).get_by_label("Cách so sánh").select_option("từ … trở lên")
    editor.get_by_label(f"{own.label}: Giá trị").fill("3.100")
    expect(editor.locator("[data-segment-count]")).to_have_text("1 khách hàng bạn xem được")
    lan.get_by_role("button", name="Lưu", exact=True).click()
    lan.wait_for_url(re.compile(r"/nhom-khach-hang/\d+$"))
    lan.get_by_role("link", name="Mở danh sách").click()
    expect(lan.locator("tr[data-row] .tt-rowlink")).to_have_text([own.customer])


def bring(page: Page, sheet: str, own: Own) -> None:
    """A file is brought in: its column is known by what the field is called, and it overwrites."""
    page.goto("/nhap/moi")
    file = {"name": "tiec.csv", "mimeType": "text/csv", "buffer": sheet.encode()}
    page.locator("input[type=file]").set_input_files(files=[file])
    page.locator("form[action='/nhap/moi'] button[type=submit]").click()
    expect(page.get_by_role("combobox", name=own.label).locator("option:checked")).to_have_text(own.label)
    page.locator("input[name=on_update][value=overwrite]").check()
    page.locator("form[action$='/thu'] button[type=submit]").click()
    write = page.locator("form[action$='/ghi']")
    expect(write).to_be_visible(timeout=SOON)
    write.locator("button[type=submit]").click()
    expect(page.locator("form[action$='/hoan-tac']")).to_have_count(1, timeout=SOON)
