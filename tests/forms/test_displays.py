from __future__ import annotations

from bs4 import BeautifulSoup

from app.forms.displays import display
from tests.forms.examples import CONTEXT, a_field
from tests.forms.fields.test_rows import COLUMNS

NASTY = "<script>alert(1)</script>"


def shown(code: str, value, **settings) -> BeautifulSoup:
    one = a_field(code, **settings)
    return BeautifulSoup(str(display(one, value, CONTEXT)), "html.parser")


def test_a_signature_is_drawn_again():
    assert shown("signature", "M1 1L2 2").select_one("svg path")["d"] == "M1 1L2 2"


def test_a_name_that_was_typed_as_signature_is_told_as_one():
    told = display(a_field("signature"), {"kind": "typed", "name": NASTY}, CONTEXT)
    assert told == f"Signed by typing the name: {NASTY}"
    assert not hasattr(told, "__html__")  # escaped where it is drawn


def test_rows_are_a_table_with_their_sums():
    rows = [{"what": NASTY, "count": 2, "price": 1000, "amount": 2000}, {"what": "Hành", "amount": 500}]
    table = shown("rows", rows, fields=COLUMNS, sums=["amount"])
    assert table.find("script") is None
    assert [one.text for one in table.select("thead th")] == ["Tên hàng", "Số lượng", "Đơn giá", "Thành tiền"]
    assert [one.text for one in table.select("tbody td")][:2] == [NASTY, "2"]
    assert table.select("tfoot th")[-1].text == "2.500\u00a0₫"


def test_what_needs_no_more_stays_text():
    assert display(a_field("text"), NASTY, CONTEXT) == NASTY
    assert not hasattr(display(a_field("text"), NASTY, CONTEXT), "__html__")


def test_a_file_out_of_sight_has_no_name():
    page = shown("file", [3, 99])
    assert "anh.jpg" in page.text
    assert len(page.text) > len("anh.jpg")
