"""How do rows become a sheet that people open in Excel, or a file that programs read? Pure; nothing in it can run."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO

from app.core.conditions.fields import Kind
from app.core.errors import BusinessError, Sentence
from app.core.formats import local, number_text, typed_day
from app.core.i18n import _, in_language
from app.core.vietnamese import show_phone

#: a sheet of Excel holds 1,048,576 rows; the first is the header
MOST_ROWS = 1_048_575
#: UTF-16 units in one cell of Excel
LONGEST_TEXT = 32_767
#: stands at the end of a text that was longer
CUT = " […]"
#: Excel counts with 15 digits; a longer number would come out as another one
_MOST_DIGITS = 15
#: Excel knows no day before, and takes 1900 for a leap year
_FIRST_DAY = date(1900, 3, 1)
#: of so many rows the longest texts decide how wide the columns are
_MEASURED = 1_000
_NARROWEST, _WIDEST = 8, 60

#: What makes a cell of a CSV file run (OWASP, CSV Injection), full-width forms included: Excel folds them in Asia.
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Control characters but tab and line end, halves of surrogate pairs, and the two that XML refuses.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_FORBIDDEN_IN_TITLE = re.compile(r"[\[\]:*?/\\]")
_LONGEST_TITLE = 31
_PHONE = re.compile(r"\+?[0-9]+")

_NUMBERS = {Kind.number: "#,##0", Kind.decimal: "#,##0.##########", Kind.money: '#,##0 "₫"'}
_DAY, _MOMENT = "dd/mm/yyyy", "dd/mm/yyyy hh:mm"

Value = Any
#: a moment is naive here: on the reader's wall clock
Cell = str | int | float | date | None


class TooManyRowsError(BusinessError):
    """More rows than a sheet can hold."""

    code = "too_many_rows"


@dataclass(frozen=True)
class Header:
    """A column of the sheet. `words`: value → what people read, for choices and whatever the kind does not say."""

    label: Sentence
    kind: Kind
    words: Callable[[Value], object] | None = None


def write_xlsx(
    file: BinaryIO,
    title: Sentence,
    headers: Sequence[Header],
    rows: Iterable[Sequence[Value]],
    *,
    time_zone: str,
    language: str,
    scratch: Path | None = None,
    more: Sequence[tuple[Sentence, Sequence[Header], Iterable[Sequence[Value]]]] = (),
) -> int:
    """Write a workbook of one sheet and return how many rows it has. Memory does not grow with the rows.

    `more`: sheets behind it, each with its title, headers and rows.

    Numbers, amounts, days and moments (on the wall clock of `time_zone`) keep their type, everything else is text and
    never a formula. `scratch` is where rows lie until the end (None: the machine's temporary folder).
    Raises TooManyRowsError past MOST_ROWS; what was written until then is no workbook.
    """
    from xlsxwriter import Workbook  # here: a web process that exports nothing does without it

    options = {"constant_memory": True, "tmpdir": str(scratch) if scratch else None}
    with in_language(language), Workbook(file, options) as book:
        name = clean(str(title))
        book.set_properties({"title": name})
        written = _write_sheet(book, name, headers, rows, time_zone)
        for told, heads, lines in more:
            _write_sheet(book, clean(str(told)), heads, lines, time_zone)
    return written


def _write_sheet(
    book: Any, name: str, headers: Sequence[Header], rows: Iterable[Sequence[Value]], time_zone: str
) -> int:
    sheet = _Sheet(book, book.add_worksheet(sheet_title(name)), headers, time_zone)
    written = 0
    for written, row in enumerate(_counted(rows), start=1):
        sheet.write(written, row)
    sheet.finish(written)
    return written


class _Sheet:
    """The one sheet of a workbook, from its header to its last row."""

    def __init__(self, book: Any, sheet: Any, headers: Sequence[Header], time_zone: str) -> None:
        self._sheet, self._headers, self._time_zone = sheet, headers, time_zone
        self._text = book.add_format({"num_format": "@"})
        self._day, self._moment = (book.add_format({"num_format": pattern}) for pattern in (_DAY, _MOMENT))
        self._numbers = {kind: book.add_format({"num_format": pattern}) for kind, pattern in _NUMBERS.items()}
        bold = book.add_format({"bold": True, "num_format": "@", "bottom": 1})
        labels = [_for_xml(clean(str(header.label))) for header in headers]
        for place, label in enumerate(labels):
            sheet.write_string(0, place, label, bold)
        # Beside its label a head has the button of the filter.
        self._widths = [len(label) + 3 for label in labels]

    def write(self, number: int, row: Sequence[Value]) -> None:
        for place, (header, value) in enumerate(zip(self._headers, row, strict=True)):
            width = self._write(number, place, header, _cell(header, value, self._time_zone))
            if number <= _MEASURED:
                self._widths[place] = max(self._widths[place], width + 1)

    def _write(self, number: int, place: int, header: Header, cell: Cell) -> int:
        """Returns how wide it is shown, in characters."""
        match cell:
            case None:
                return 0
            case str():
                self._sheet.write_string(number, place, _for_xml(cell), self._text)
                return max(map(len, cell.splitlines()), default=0)
            case datetime():
                self._sheet.write_datetime(number, place, cell, self._moment)
                return len(_MOMENT)
            case date():
                self._sheet.write_datetime(number, place, cell, self._day)
                return len(_DAY)
        self._sheet.write_number(number, place, cell, self._numbers[header.kind])
        return len(f"{cell:,}") + 2

    def finish(self, rows: int) -> None:
        for place, width in enumerate(self._widths):
            self._sheet.set_column(place, place, min(max(width, _NARROWEST), _WIDEST))
        if self._headers:
            self._sheet.freeze_panes(1, 0)
            self._sheet.autofilter(0, 0, max(rows, 1), len(self._headers) - 1)


def write_csv(
    file: BinaryIO, headers: Sequence[Header], rows: Iterable[Sequence[Value]], *, time_zone: str, language: str
) -> int:
    """Write comma-separated UTF-8 with its mark and return how many rows it has: for programs (ADR 0016).

    Days and moments (on the wall clock of `time_zone`) are ISO, numbers bare. A text that a spreadsheet would run gets
    an apostrophe in front. Raises TooManyRowsError past MOST_ROWS.
    """
    file.write("\ufeff".encode())
    lines = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    written = 0
    try:
        writer = csv.writer(lines)
        with in_language(language):
            writer.writerow([_plain(clean(str(header.label))) for header in headers])
            for row in _counted(rows):
                writer.writerow(
                    [_plain(_cell(header, value, time_zone)) for header, value in zip(headers, row, strict=True)]
                )
                written += 1
    finally:
        lines.detach()
    return written


def clean(text: str) -> str:
    """What a cell can hold: nothing invisible that steers a program, one kind of line end, at most LONGEST_TEXT."""
    text = _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    # Only a character beyond the first plane takes two units.
    if len(text) * 2 <= LONGEST_TEXT or _units(text) <= LONGEST_TEXT:
        return text
    kept = text.encode("utf-16-le")[: 2 * (LONGEST_TEXT - len(CUT))]
    return kept.decode("utf-16-le", "ignore") + CUT


def sheet_title(text: str) -> str:
    """A name that Excel takes for a sheet."""
    name = _FORBIDDEN_IN_TITLE.sub(" ", " ".join(text.split())).strip("' ")
    while _units(name) > _LONGEST_TITLE:
        name = name[:-1]
    # Excel keeps this name for itself.
    return name.rstrip("' ") if name and name.lower() != "history" else "Sheet1"


def runs(text: str) -> bool:
    """Would a spreadsheet take this text from a CSV file for a formula? What is not seen before it does not count."""
    if text.startswith(_RUNS):
        return True
    for sign in text:
        if not sign.isspace() and unicodedata.category(sign) != "Cf":
            return sign in _RUNS
    return False


def _counted(rows: Iterable[Sequence[Value]]) -> Iterator[Sequence[Value]]:
    for number, row in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise TooManyRowsError(
                _("A sheet holds at most %(count)s rows. Narrow the list first.", count=number_text(MOST_ROWS))
            )
        yield row


def _cell(header: Header, value: Value, time_zone: str) -> Cell:
    """What stands in the cell: a number, a day, a moment on the wall clock (naive), a text, or nothing."""
    if value is None or value == "":
        return None
    if header.words is not None:
        return clean(str(header.words(value)))
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if header.kind in _NUMBERS and isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, datetime):
        there = local(value, time_zone).replace(tzinfo=None, second=0, microsecond=0)
        return there if there.date() >= _FIRST_DAY else f"{typed_day(there.date())} {there:%H:%M}"
    if isinstance(value, date):
        return value if value >= _FIRST_DAY else typed_day(value)
    if header.kind is Kind.phone and _PHONE.fullmatch(str(value)):
        return clean(show_phone(str(value)))
    return clean(str(value))


def _number(value: float | Decimal) -> int | float | str:
    if isinstance(value, int):
        return value if len(str(abs(value))) <= _MOST_DIGITS else str(value)
    if isinstance(value, Decimal):
        exact = value.is_finite() and len(value.normalize().as_tuple().digits) <= _MOST_DIGITS
        return float(value) if exact else str(value)
    return value if isfinite(value) else str(value)


def _plain(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return f"'{cell}" if runs(cell) else cell
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M}"
        case date():
            return cell.isoformat()
        case float():
            return format(Decimal(repr(cell)), "f").removesuffix(".0")
    return str(cell)


def _for_xml(text: str) -> str:
    # XlsxWriter takes a text between these two for XML of its own and writes it as it is.
    return f"{text} " if text.startswith("<r>") and text.endswith("</r>") else text


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


__all__ = ["LONGEST_TEXT", "MOST_ROWS", "Header", "TooManyRowsError", "clean", "runs", "sheet_title", "write_csv",
           "write_xlsx"]  # fmt: skip
