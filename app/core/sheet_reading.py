"""What stands in a sheet that somebody made in Excel? Rows of texts, from XLSX or CSV, within limits. Nothing runs."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from itertools import zip_longest
from math import isfinite
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from app.core.errors import BusinessError
from app.core.formats import number_text
from app.core.i18n import _

MEGABYTE = 1024 * 1024
#: a sheet is not read past it, whatever it says of itself: 50, and the two with which rows with mistakes come back
MOST_COLUMNS = 52
LONGEST_CELL = 1_000
#: a workbook is a packed archive: what comes out of it is bounded too
_LARGEST_UNPACKED = 80 * MEGABYTE
#: the texts of all cells, which are read before the first row, and held in memory
_SHARED = "xl/sharedStrings.xml"
_MOST_SHARED = 60 * MEGABYTE
#: how every workbook is packed
_PACKED = (ZIP_STORED, ZIP_DEFLATED)
_SEPARATORS = ",;\t|"
#: what a spreadsheet writes into a first line of its own
_SAID = re.compile(r'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)
#: from so much of a file its separator is guessed
_SAMPLE = 16 * 1024
_XLSX = b"PK\x03\x04"
#: stands for a formula of which the file keeps no value
NO_VALUE = "=ƒ(…)"
_WITHOUT_VALUE = re.compile(rb"(?:</f>|<f\b[^<>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
#: so much of a part of a workbook is looked at together; a cell that is cut is looked at with the next
_PIECE, _OVERLAP = 1 << 20, 1 << 10

#: openpyxl has no error of its own for a workbook that is none. SyntaxError is that of a broken XML; of a packed part
#: whose bytes are no longer right comes zlib's, of an encrypted one RuntimeError.
_BROKEN = (
    BadZipFile, KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, EOFError, SyntaxError, zlib.error,
    RuntimeError,
)  # fmt: skip

Rows = list[list[str]]


_TOO_MUCH = _("This workbook holds too much. Keep the one sheet that is needed.")


class SheetRefusedError(BusinessError):
    """This file cannot be read, or is more than is taken at once; the message says what to do."""

    code = "sheet_refused"


def read_sheet(data: bytes, *, name: str = "", most_rows: int, largest: int) -> Rows:
    """The first sheet, heading row included, cells as trimmed texts; rows without anything in them are empty lists.

    Row n of the answer is row n + 1 of the file. Raises SheetRefusedError above `largest` bytes or `most_rows` rows
    below the heading, and for what is neither XLSX nor CSV. `name`: what the file is called, as far as that is known.
    """
    rows = list(iter_sheet(data, name=name, most_rows=most_rows, largest=largest))
    while rows and not rows[-1]:
        rows.pop()
    return rows


def iter_sheet(
    data: bytes, *, name: str = "", most_rows: int, largest: int, unpacked: int = _LARGEST_UNPACKED,
    tells_formulas: bool = False, longest_cell: int = LONGEST_CELL,
) -> Iterator[list[str]]:  # fmt: skip
    """The rows of read_sheet() one after the other: memory does not grow with them.

    `unpacked`: how many bytes may come out of a workbook. A text is UTF-8 with or without its mark, UTF-16, or
    Windows-1258; commas, semicolons, tabs or bars part its cells. A sheet of more than MOST_COLUMNS columns is refused.
    `tells_formulas`: a formula that was never counted is NO_VALUE, and not empty. Cells end after `longest_cell` signs.
    """
    if not data:
        raise SheetRefusedError(_("This file is empty."))
    if len(data) > largest:
        raise SheetRefusedError(
            _("This file is larger than %(size)d MB. Split it into several.", size=largest // MEGABYTE)
        )
    is_workbook = data.startswith(_XLSX) or name.lower().endswith(".xlsx")
    filled = 0
    lines = _xlsx(data, most_rows, unpacked, tells_formulas=tells_formulas) if is_workbook else _csv(data)
    for seen, line in enumerate(lines, start=1):
        if any(cell.strip() for cell in line[MOST_COLUMNS:]):
            raise SheetRefusedError(
                _("This sheet has more than %(count)s columns. Keep those that are needed.", count=MOST_COLUMNS)
            )
        cells = [cell.strip()[:longest_cell] for cell in line[:MOST_COLUMNS]]
        is_filled = any(cells)
        filled += is_filled
        if filled > most_rows + 1 or seen > 2 * most_rows + 1_000:
            told = _("This file has more than %(count)s rows. Split it into several.", count=number_text(most_rows))
            raise SheetRefusedError(told)
        yield cells if is_filled else []


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _csv(data: bytes) -> Iterator[list[str]]:
    with io.TextIOWrapper(io.BytesIO(data), _encoding(data), newline="") as lines:
        sample = lines.read(_SAMPLE)
        said = _SAID.match(sample)
        lines.seek(0)
        if said:
            lines.readline()
        try:
            for row in csv.reader(lines, delimiter=said[1] if said else _separator(sample)):
                yield [cell if cell.isascii() else unicodedata.normalize("NFC", cell) for cell in row]
        except csv.Error:
            raise SheetRefusedError(_("This file could not be read. Save it as an Excel workbook (.xlsx).")) from None


def _separator(sample: str) -> str:
    """What cuts most lines into equally many cells, and into most of them. Commas of an address do not."""

    def fitness(separator: str) -> tuple[float, int]:
        try:
            widths = Counter(len(row) for row in csv.reader(io.StringIO(whole, newline=""), delimiter=separator) if row)
        except csv.Error:
            return 0, 0
        width, lines = max(widths.items(), key=lambda one: (one[1], one[0]), default=(0, 0))
        return (lines / widths.total(), width) if width > 1 else (0, 0)

    # The last line of a sample is a half one.
    whole = sample.rpartition("\n")[0] if len(sample) == _SAMPLE else sample
    return max(_SEPARATORS, key=fitness)


def _encoding(data: bytes) -> str:
    """The name of the encoding in which all of it can be read. Raises SheetRefusedError: of none."""
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if is_wide else ["utf-8-sig", "cp1258"]:
        try:
            is_text = _is_text(data, encoding)
        except UnicodeDecodeError:
            continue
        if is_text:
            return encoding
        if encoding != "cp1258":
            raise SheetRefusedError(_("This is neither an Excel workbook (.xlsx) nor a CSV file."))
    raise SheetRefusedError(
        _("The letters of this file cannot be read. Save it as “CSV UTF-8”, or as an Excel workbook (.xlsx).")
    )


def _is_text(data: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    judged = 0
    for start in range(0, len(data) + 1, MEGABYTE):
        part = decoder.decode(data[start : start + MEGABYTE], final=start + MEGABYTE > len(data))
        if "\0" in part:
            return False
        if encoding == "cp1258" and judged < MEGABYTE:
            judged += len(part)
            if not _is_vietnamese(part):
                return False
    return True


#: stand where these fonts have letters
_SIGNS = "µ¶¸¹·¬®©¤¥¦§¨¡¢£ª«º»¼½¾¿"
_WORD = re.compile(rf"(?:\w|[{_SIGNS}\u0300-\u036f])+")
# What older Vietnamese fonts (TCVN3, VNI) look like when they are read as Windows-1258: capitals and signs inside of
# words, letters of other languages, vowels that never stand beside each other.
_ODD = re.compile(
    rf"[a-zđ][À-ÝĂĐƠƯ]|\w[{_SIGNS}]|[{_SIGNS}]\w|[åäëïöüÿçñæœøßÅÄËÏÖÜÇÑÆŒØ\u0300-\u036f]|[ae][âăê]|o[âôơ]"
)
_MOST_ODD = 0.1


def _is_vietnamese(text: str) -> bool:
    words = [word for word in _WORD.findall(unicodedata.normalize("NFC", text)) if not word.isascii()]
    return sum(1 for word in words if _ODD.search(word)) <= _MOST_ODD * len(words)


# ── XLSX ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _xlsx(data: bytes, most_rows: int, unpacked: int, *, tells_formulas: bool) -> Iterator[list[str]]:
    from openpyxl import load_workbook  # here: a web process that reads no sheet does without it

    refused = SheetRefusedError(_("This file could not be opened. Save it again as an Excel workbook (.xlsx)."))
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            if any(part.compress_type not in _PACKED for part in archive.infolist()):
                raise refused
            sizes = {part.filename: part.file_size for part in archive.infolist()}
            if sum(sizes.values()) > unpacked or sizes.get(_SHARED, 0) > _MOST_SHARED:
                raise SheetRefusedError(_TOO_MUCH)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a workbook lacks is none of our business
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            with closing(book):
                if not book.worksheets:
                    raise refused
                sheet = book.worksheets[0]
                sheet.reset_dimensions()  # some programs write a wrong size into the file
                size = {"max_row": 2 * most_rows + 1_002, "values_only": True}
                if not (tells_formulas and _has_uncounted(data)):
                    # As wide as it is, so that no cell is left out unseen; a workbook of nothing but width is stopped.
                    left = (2 * most_rows + 1_002) * MOST_COLUMNS
                    for row in sheet.iter_rows(**size):
                        left -= len(row)
                        if left < 0:
                            raise SheetRefusedError(_TOO_MUCH)
                        yield _texts(row)
                    return
                written = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
                with closing(written):
                    formulas = written.worksheets[0]
                    formulas.reset_dimensions()
                    for row, told in zip(sheet.iter_rows(**size), formulas.iter_rows(**size), strict=True):
                        yield _texts([_counted(*cells) for cells in zip_longest(row, told)])
    except SheetRefusedError:
        raise
    except _BROKEN:
        raise refused from None


def _has_uncounted(data: bytes) -> bool:
    """Is there a formula without its value? Programs that write workbooks leave the counting to Excel."""
    with ZipFile(io.BytesIO(data)) as archive:
        for part in archive.namelist():
            if not part.startswith("xl/worksheets/"):
                continue
            before = b""
            with archive.open(part) as sheet:
                while piece := sheet.read(_PIECE):
                    if _WITHOUT_VALUE.search(before + piece):
                        return True
                    before = piece[-_OVERLAP:]
    return False


def _counted(value: object, written: object) -> object:
    is_formula = (isinstance(written, str) and written.startswith("=")) or type(written).__name__ in _FORMULAS
    return NO_VALUE if value in (None, "") and is_formula else value


#: of openpyxl, for formulas of several cells
_FORMULAS = frozenset({"ArrayFormula", "DataTableFormula"})


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
        case float() if isfinite(cell):
            text = format(Decimal(repr(cell)), "f")
            # Read back as a text, 1.125 could be a thousand and more.
            return f"{text}0" if text[-4:-3] == "." else text
        case datetime() | date() | time():
            return cell.isoformat()
    return str(cell)
