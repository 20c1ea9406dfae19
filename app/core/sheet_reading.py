"""What stands in a sheet that somebody made in Excel? Rows of texts, from XLSX or CSV, within limits. Nothing runs."""

from __future__ import annotations

import csv
import io
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date, datetime, time
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from app.core.errors import BusinessError
from app.core.formats import number_text
from app.core.i18n import _

MEGABYTE = 1024 * 1024
#: a sheet is not read past it, whatever it says of itself
MOST_COLUMNS = 50
LONGEST_CELL = 1_000
#: a workbook is a packed archive: what comes out of it is bounded too
_LARGEST_UNPACKED = 80 * MEGABYTE
#: how every workbook is packed
_PACKED = (ZIP_STORED, ZIP_DEFLATED)
_SEPARATORS = ",;\t"
_XLSX = b"PK\x03\x04"

#: openpyxl has no error of its own for a workbook that is none. SyntaxError is that of a broken XML; of a packed part
#: whose bytes are no longer right comes zlib's, of an encrypted one RuntimeError.
_BROKEN = (
    BadZipFile, KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, EOFError, SyntaxError, zlib.error,
    RuntimeError,
)  # fmt: skip

Rows = list[list[str]]


class SheetRefusedError(BusinessError):
    """This file cannot be read, or is more than is taken at once; the message says what to do."""

    code = "sheet_refused"


def read_sheet(data: bytes, *, name: str = "", most_rows: int, largest: int) -> Rows:
    """The first sheet, heading row included, cells as trimmed texts; rows without anything in them are empty lists.

    Row n of the answer is row n + 1 of the file. Raises SheetRefusedError above `largest` bytes or `most_rows` rows
    below the heading, and for what is neither XLSX nor CSV. `name`: what the file is called, as far as that is known.
    """
    if not data:
        raise SheetRefusedError(_("This file is empty."))
    if len(data) > largest:
        raise SheetRefusedError(
            _("This file is larger than %(size)d MB. Split it into several.", size=largest // MEGABYTE)
        )
    is_workbook = data.startswith(_XLSX) or name.lower().endswith(".xlsx")
    lines = _xlsx(data, most_rows) if is_workbook else _csv(data)
    rows: Rows = []
    filled = 0
    for line in lines:
        cells = [cell.strip()[:LONGEST_CELL] for cell in line[:MOST_COLUMNS]]
        rows.append(cells if any(cells) else [])
        filled += 1 if rows[-1] else 0
        if filled > most_rows + 1 or len(rows) > 2 * most_rows + 1_000:
            told = _("This file has more than %(count)s rows. Split it into several.", count=number_text(most_rows))
            raise SheetRefusedError(told)
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _csv(data: bytes) -> Iterator[list[str]]:
    text = _decoded(data)
    first = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error:
        raise SheetRefusedError(_("This file could not be read. Save it as an Excel workbook (.xlsx).")) from None


def _decoded(data: bytes) -> str:
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        told = _("The letters of this file cannot be read. Save it as “CSV UTF-8”, or as an Excel workbook (.xlsx).")
        raise SheetRefusedError(told) from None
    if "\0" in text:
        raise SheetRefusedError(_("This is neither an Excel workbook (.xlsx) nor a CSV file."))
    return text


def _xlsx(data: bytes, most_rows: int) -> Iterator[list[str]]:
    from openpyxl import load_workbook  # here: a web process that reads no sheet does without it

    refused = SheetRefusedError(_("This file could not be opened. Save it again as an Excel workbook (.xlsx)."))
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            if any(part.compress_type not in _PACKED for part in archive.infolist()):
                raise refused
            if sum(part.file_size for part in archive.infolist()) > _LARGEST_UNPACKED:
                raise SheetRefusedError(_("This workbook holds too much. Keep the sheet with the people alone."))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a workbook lacks is none of our business
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            with closing(book):
                if not book.worksheets:
                    raise refused
                sheet = book.worksheets[0]
                sheet.reset_dimensions()  # some programs write a wrong size into the file
                for row in sheet.iter_rows(max_row=2 * most_rows + 1_002, max_col=MOST_COLUMNS, values_only=True):
                    yield _texts(row)
    except SheetRefusedError:
        raise
    except _BROKEN:
        raise refused from None


def _texts(cells: Iterable[object]) -> list[str]:
    texts = [_text(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case datetime() | date() | time():
            return cell.isoformat()
    return str(cell)
