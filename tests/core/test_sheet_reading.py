"""Sheets of any program come in as rows of texts: their letters, separators and numbers; nothing too large."""

from __future__ import annotations

import io
import tracemalloc
import unicodedata
import zipfile
from datetime import datetime

import pytest
import xlsxwriter
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
    rows = iter_sheet(io.BytesIO(csv_of(HEAD, *[UU] * 5).encode()), most_rows=3, largest=MEGABYTE)
    assert [next(rows) for _row in range(4)] == [HEAD, UU, UU, UU]
    with pytest.raises(SheetRefusedError):
        next(rows)


def test_what_comes_out_of_a_workbook_is_bounded():
    with pytest.raises(SheetRefusedError):
        list(iter_sheet(io.BytesIO(workbook(*[UU] * 50)), most_rows=100, largest=MEGABYTE, unpacked=1_000))


SHEET, SHARED = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
FIRST = f'<worksheet {SPACE}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Tên</t></is></c></row>'
LAST = "</sheetData></worksheet>"
LONG = 8 * MEGABYTE


def crafted(**parts: str) -> bytes:
    """A workbook of Excel's kind, in which these parts are other ones."""
    plain, file = io.BytesIO(), io.BytesIO()
    book = xlsxwriter.Workbook(plain, {"in_memory": True})
    book.add_worksheet().write_column(0, 0, ["Tên", "Lan"])
    book.close()
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, parts.pop(name, None) or old.read(name))
        for name, text in parts.items():
            new.writestr(name, text)
    return file.getvalue()


CRAFTED = {
    "a tag without end": {SHEET: f'{FIRST}<row x="{"x" * LONG}"/>{LAST}'},
    "a comment without end": {SHEET: f"{FIRST}<!--{'x' * LONG}-->{LAST}"},
    "a text without end": {SHEET: f'{FIRST}<row><c t="inlineStr"><is><t>{"x" * LONG}</t></is></c></row>{LAST}'},
    "cells without end": {SHEET: f"{FIRST}<row>{'<c/>' * (LONG // 4)}</row>{LAST}"},
    "wide rows": {SHEET: FIRST + 100_000 * '<row><c r="XFD1"/></row>' + LAST},
    "a row far away": {SHEET: f'{FIRST}<row r="1048576"><c t="n"><v>1</v></c></row>{LAST}'},
    "many parts": dict.fromkeys(map(str, range(30_000)), "x"),
    "texts that nothing needs": {SHARED: f"<sst {SPACE}>{'<si><t>Tên</t></si>' * 300_000}</sst>"},
    "texts that grow": {SHEET: f'<!DOCTYPE a [<!ENTITY b "{"x" * 1000}">]>{FIRST}<row>&b;</row>{LAST}'},
}


@pytest.mark.parametrize("kind", CRAFTED)
def test_the_first_rows_of_a_crafted_workbook_take_little_memory(kind):
    data = crafted(**CRAFTED[kind])
    tracemalloc.start()
    try:
        rows = list(iter_sheet(io.BytesIO(data), most_rows=100_000, largest=LONG, only=200))
    except SheetRefusedError as refused:
        assert str(refused)  # noqa: PT017 - either is right
    else:
        assert rows[0] == ["Tên"]
        assert len(rows) <= 200
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < 4 * MEGABYTE


def test_a_workbook_reads_the_same_from_its_head_as_whole():
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    day, bold = book.add_format({"num_format": "dd/mm/yyyy"}), book.add_format({"bold": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["Họ tên", "Ngày", "Tiền"])
    sheet.write(1, 0, " Lan & <Hồ>\n")
    sheet.write_datetime(1, 1, datetime(2026, 3, 5), day)
    sheet.write_formula(1, 2, "=1+1", None, 2)
    sheet.write_rich_string(4, 0, bold, "đậm", " nhạt")
    sheet.write_column(5, 0, [f"Khách {number}" for number in range(20)])
    book.close()
    whole = list(iter_sheet(io.BytesIO(file.getvalue()), most_rows=100, largest=MEGABYTE, tells_formulas=True))
    assert whole[:5] == [
        ["Họ tên", "Ngày", "Tiền"], ["Lan & <Hồ>", "2026-03-05T00:00:00", "2"], [], [], ["đậm nhạt"],
    ]  # fmt: skip
    assert len(whole) == 25
    for only in (3, 10, 200):
        assert list(iter_sheet(io.BytesIO(file.getvalue()), most_rows=100, largest=MEGABYTE, only=only)) == whole[:only]


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_refused(data):
    try:
        rows = read(data)
    except SheetRefusedError as refused:
        assert str(refused)  # noqa: PT017 - either is right
    else:
        assert all(isinstance(cell, str) for row in rows for cell in row)
