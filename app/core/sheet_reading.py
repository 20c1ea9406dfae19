"""What stands in a sheet that somebody made in Excel? Rows of texts, from XLSX or CSV, within limits. Nothing runs."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from math import isfinite
from typing import IO
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile

from app.core.errors import BusinessError
from app.core.formats import number_text
from app.core.i18n import _
from app.core.workbook_reading import NO_VALUE, NoWorkbookError, TooMuchError, workbook_rows

MEGABYTE = 1024 * 1024
#: a sheet is not read past it, whatever it says of itself: 50, and the two with which rows with mistakes come back
MOST_COLUMNS = 52
LONGEST_CELL = 1_000
#: a workbook is a packed archive: what comes out of it is bounded too
_LARGEST_UNPACKED = 80 * MEGABYTE
#: in signs, a row of a text: the longest texts in every column
_LONGEST_ROW = 2 * MEGABYTE
_SEPARATORS = ",;\t|"
#: what a spreadsheet writes into a first line of its own
_SAID = re.compile(r'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)
#: from so much of a file its separator is guessed
_SAMPLE = 16 * 1024
_XLSX = b"PK\x03\x04"

#: What comes of a workbook that is none. Of a packed part whose bytes are no longer right comes zlib's, of an encrypted
#: one RuntimeError.
_BROKEN = (
    BadZipFile, LookupError, ValueError, TypeError, AttributeError, OSError, EOFError, ExpatError, zlib.error,
    RuntimeError,
)  # fmt: skip

Rows = list[list[str]]


_UNREADABLE = _("This file could not be read. Save it as an Excel workbook (.xlsx).")


class SheetRefusedError(BusinessError):
    """This file cannot be read, or is more than is taken at once; the message says what to do."""

    code = "sheet_refused"


def read_sheet(data: bytes, *, name: str = "", most_rows: int, largest: int) -> Rows:
    """The first sheet, heading row included, cells as trimmed texts; rows without anything in them are empty lists.

    Row n of the answer is row n + 1 of the file. Raises SheetRefusedError above `largest` bytes or `most_rows` rows
    below the heading, and for what is neither XLSX nor CSV. `name`: what the file is called, as far as that is known.
    """
    rows = list(iter_sheet(io.BytesIO(data), name=name, most_rows=most_rows, largest=largest))
    while rows and not rows[-1]:
        rows.pop()
    return rows


def iter_sheet(
    file: IO[bytes], *, name: str = "", most_rows: int, largest: int, unpacked: int = _LARGEST_UNPACKED,
    tells_formulas: bool = False, longest_cell: int = LONGEST_CELL, only: int | None = None,
) -> Iterator[list[str]]:  # fmt: skip
    """The rows of read_sheet() one after the other: memory does not grow with them. The file is used up, and closed.

    `unpacked`: how many bytes may come out of a workbook. A text is UTF-8 with or without its mark, UTF-16, or
    Windows-1258; commas, semicolons, tabs or bars part its cells. A sheet of more than MOST_COLUMNS columns is refused.
    `tells_formulas`: a formula that was never counted is NO_VALUE, and not empty. Cells end after `longest_cell` signs.
    `only`: the first so many rows, for somebody who waits: a large file takes no longer than a small one.
    """
    with file:
        length = file.seek(0, io.SEEK_END)
        file.seek(0)
        if not length:
            raise SheetRefusedError(_("This file is empty."))
        if length > largest:
            raise SheetRefusedError(
                _("This file is larger than %(size)d MB. Split it into several.", size=largest // MEGABYTE)
            )
        is_workbook = file.read(len(_XLSX)) == _XLSX or name.lower().endswith(".xlsx")
        file.seek(0)
        filled = 0
        lines = _xlsx(file, unpacked, only, tells_formulas=tells_formulas) if is_workbook else _csv(file)
        for seen, line in enumerate(islice(lines, only), start=1):
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


def _csv(file: IO[bytes]) -> Iterator[list[str]]:
    encoding = _encoding(file)
    file.seek(0)
    with io.TextIOWrapper(file, encoding, newline="") as lines:
        sample = lines.read(_SAMPLE)
        said = _SAID.match(sample)
        lines.seek(0)
        if said:
            lines.readline()
        taken = 0

        def row_by_row() -> Iterator[str]:
            nonlocal taken
            while line := lines.readline(_LONGEST_ROW + 1):
                taken += len(line)
                if taken > _LONGEST_ROW:
                    raise SheetRefusedError(_UNREADABLE)
                yield line

        try:
            for row in csv.reader(row_by_row(), delimiter=said[1] if said else _separator(sample)):
                taken = 0
                yield [cell if cell.isascii() else unicodedata.normalize("NFC", cell) for cell in row]
        except csv.Error:
            raise SheetRefusedError(_UNREADABLE) from None


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


def _encoding(file: IO[bytes]) -> str:
    """The name of the encoding in which all of it can be read. Raises SheetRefusedError: of none."""
    file.seek(0)
    is_wide = file.read(2) in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ["utf-16"] if is_wide else ["utf-8-sig", "cp1258"]:
        file.seek(0)
        try:
            is_text = _is_text(file, encoding)
        except UnicodeDecodeError:
            continue
        if is_text:
            return encoding
        if encoding != "cp1258":
            raise SheetRefusedError(_("This is neither an Excel workbook (.xlsx) nor a CSV file."))
    raise SheetRefusedError(
        _("The letters of this file cannot be read. Save it as “CSV UTF-8”, or as an Excel workbook (.xlsx).")
    )


def _is_text(file: IO[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    judged, is_over = 0, False
    while not is_over:
        piece = file.read(MEGABYTE)
        is_over = not piece
        part = decoder.decode(piece, final=is_over)
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


def _xlsx(file: IO[bytes], unpacked: int, only: int | None, *, tells_formulas: bool) -> Iterator[list[str]]:
    try:
        for row in workbook_rows(file, unpacked=unpacked, most_columns=MOST_COLUMNS, only=only):
            texts = [_text(cell) for cell in row]
            yield texts if tells_formulas or NO_VALUE not in texts else [one.replace(NO_VALUE, "") for one in texts]
    except TooMuchError:
        raise SheetRefusedError(_("This workbook holds too much. Keep the one sheet that is needed.")) from None
    except (NoWorkbookError, *_BROKEN):
        raise SheetRefusedError(
            _("This file could not be opened. Save it again as an Excel workbook (.xlsx).")
        ) from None


def _text(cell: object) -> str:
    match cell:
        case str():
            return cell
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case float() if isfinite(cell):
            text = format(Decimal(repr(cell)), "f")
            # Read back as a text, 1.125 could be a thousand and more.
            return f"{text}0" if text[-4:-3] == "." else text
        case datetime() | date() | time():
            return cell.isoformat()
    return str(cell)
