"""Sheets of any program come in as rows of texts: their letters, separators and numbers; nothing too large."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from app.core.sheet_reading import MOST_COLUMNS, SheetRefusedError, iter_sheet, read_sheet
from app.core.sheet_values import read_number

HEAD = ["Họ tên", "Điện thoại", "Địa chỉ", "Doanh số"]
UU = ["Đặng Thị Ưu Ế", "0912 345 678", "12 Lê Lợi, phường Bến Thành, TP. HCM", "1.250.000,50"]
KY = ["Trần Văn Kỹ", "028 3823 4567", "5 Nguyễn Huệ", "0"]
MEGABYTE = 1024 * 1024


def read(data, **more):
    return read_sheet(data, most_rows=more.pop("most_rows", 100), largest=MEGABYTE, **more)


def csv_of(*rows, separator=",", quoted=False) -> str:
    def cell(text):
        return f'"{text}"' if quoted or separator in text else text

    return "\r\n".join(separator.join(map(cell, row)) for row in rows)


def windows_1258(text: str) -> bytes:
    """As Windows writes it: the letter with its shape, and its tone behind it."""
    out = b""
    for sign in text:
        try:
            out += sign.encode("cp1258")
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", sign)
            tone = next(part for part in parts[1:] if part in "\u0300\u0301\u0303\u0309\u0323")
            out += unicodedata.normalize("NFC", parts.replace(tone, "")).encode("cp1258") + tone.encode("cp1258")
    return out


ENCODINGS = {
    "utf-8": str.encode,
    "mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "windows": windows_1258,
    "mac": lambda text: unicodedata.normalize("NFD", text).encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoted", [False, True])
def test_a_text_reads_the_same_in_every_encoding_and_with_every_separator(encoding, separator, quoted):
    text = csv_of(HEAD, UU, KY, separator=separator, quoted=quoted)
    assert read(ENCODINGS[encoding](text)) == [HEAD, UU, KY]


def test_a_line_that_says_the_separator_is_no_row():
    assert read(b"sep=;\r\n" + csv_of(HEAD, KY, separator=";").encode()) == [HEAD, KY]


def test_one_column_is_a_sheet_too():
    assert read("Họ tên\nLan\n\nBình\n\n".encode()) == [["Họ tên"], ["Lan"], [], ["Bình"]]


@pytest.mark.parametrize(
    "data",
    [
        "Hä tªn,§iÖn tho¹i\nNguyÔn V¨n Hïng,1\nTrÇn ThÞ Lan,2\n§Æng ThÞ ¦u,3".encode("latin-1"),  # TCVN3
        "Hoï teân,Ñieän thoaïi\nNguyeãn Vaên Huøng,1\nTraàn Thò Lan,2".encode("latin-1"),  # VNI
        "Họ tên,1".encode("shift-jis", "replace") + b"\x81\x8d",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"a,b\n1,\x00",
    ],
    ids=["TCVN3", "VNI", "other", "picture", "NUL"],
)
def test_letters_that_would_come_out_wrong_are_refused(data):
    with pytest.raises(SheetRefusedError):
        read(data)


def test_more_columns_than_are_taken_are_refused():
    wide = [f"c{n}" for n in range(200)]
    with pytest.raises(SheetRefusedError, match=str(MOST_COLUMNS)):
        read(csv_of(wide, wide).encode())
    with pytest.raises(SheetRefusedError, match=str(MOST_COLUMNS)):
        read(workbook(wide))
    assert read(csv_of([*wide[:MOST_COLUMNS], "", ""]).encode()) == [wide[:MOST_COLUMNS]]


def workbook(*rows) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def test_numbers_of_a_workbook_are_not_taken_for_others():
    (row,) = read(workbook([1.125, 1250.0, 0.1, 1e-7, 912345678, 1250000.5, True]))
    assert row == ["1.1250", "1250", "0.1", "0.0000001", "912345678", "1250000.5", "True"]
    assert [float(read_number(cell)) for cell in row[:6]] == [1.125, 1250.0, 0.1, 1e-7, 912345678, 1250000.5]


def test_rows_come_one_by_one_and_stop_where_the_sheet_is_too_long():
    rows = iter_sheet(csv_of(HEAD, *[UU] * 5).encode(), most_rows=3, largest=MEGABYTE)
    assert [next(rows) for _row in range(4)] == [HEAD, UU, UU, UU]
    with pytest.raises(SheetRefusedError):
        next(rows)


def test_what_comes_out_of_a_workbook_is_bounded():
    with pytest.raises(SheetRefusedError):
        list(iter_sheet(workbook(*[UU] * 50), most_rows=100, largest=MEGABYTE, unpacked=1_000))


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_refused(data):
    try:
        rows = read(data)
    except SheetRefusedError as refused:
        assert str(refused)  # noqa: PT017 - either is right
    else:
        assert all(isinstance(cell, str) for row in rows for cell in row)
