"""What stands in the first sheet of an Excel workbook? Read as a stream, so that a crafted file is no burden.

openpyxl makes an object of every cell and keeps all texts in memory; a worker that goes through 100,000 rows, and a web
process that shows the first of a large file, need neither. Of openpyxl only the meaning of formats and days is used.
"""

from __future__ import annotations

import posixpath
import re
import struct
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import SEEK_END
from typing import IO, Any, Protocol
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

#: stands for a formula of which the file keeps no value
NO_VALUE = "=ƒ(…)"
#: no cell of Excel holds more signs
_LONGEST_TEXT = 32_767
_MEGABYTE = 1024 * 1024
_PIECE = 64 * 1024
#: in bytes of XML: one tag, a comment, and what is looked at of a sheet of which only the first rows are wanted
_LONGEST_TAG, _LONGEST_HEAD = _MEGABYTE, 4 * _MEGABYTE
#: in bytes: what the table of contents of the archive, the list of sheets and the formats may have
_LARGEST_DIRECTORY, _LARGEST_PART = _MEGABYTE, 8 * _MEGABYTE
#: the texts that cells share are all held in memory
_LARGEST_SHARED = 60 * _MEGABYTE
#: how every workbook is packed
_PACKED = (ZIP_STORED, ZIP_DEFLATED)
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_LONGEST_END = 22 + 65_535
#: columns of a sheet
_WIDEST = 16_384
_PART = re.compile("[.eE]")


class TooMuchError(Exception):
    """More would come out of the file than is taken."""


class NoWorkbookError(Exception):
    """It is packed like no workbook, or has no sheet."""


class _Enough(Exception):
    """Nothing more of this part is needed."""


class _Texts(Protocol):
    def __getitem__(self, place: int, /) -> str: ...


class _Noted(set[int]):
    """Stands for the shared texts while it is not known yet which of them are needed."""

    def __getitem__(self, place: int, /) -> str:
        self.add(place)
        return ""


def workbook_rows(
    file: IO[bytes], *, unpacked: int, most_columns: int, only: int | None = None
) -> Iterator[list[object]]:  # fmt: skip
    """The rows of the first sheet: texts, numbers, days; a row that is left out is an empty list.

    What stands right of `most_columns` is told by one cell more. `only`: the first so many rows, with memory and time
    that do not grow with the file. Raises TooMuchError when more than `unpacked` bytes are packed into it,
    NoWorkbookError, and whatever zipfile and expat raise for a broken file.
    """
    if _directory_size(file) > _LARGEST_DIRECTORY:
        raise TooMuchError
    with ZipFile(file) as archive:
        if any(part.compress_type not in _PACKED for part in archive.infolist()):
            raise NoWorkbookError
        if sum(part.file_size for part in archive.infolist()) > unpacked:
            raise TooMuchError
        book = _Workbook.of(archive)
        if only is None:
            yield from _sheet(archive, book, _shared(archive, book), most_columns)
            return
        needed = _Noted()
        rows = list(_sheet(archive, book, needed, most_columns, only=only))
        texts = _shared(archive, book, needed)
        yield from _sheet(archive, book, texts, most_columns, only=only) if needed else rows


def _directory_size(file: IO[bytes]) -> int:
    """In bytes, the table of contents at the end of an archive: zipfile makes an object of each of its lines."""
    length = file.seek(0, SEEK_END)
    file.seek(max(0, length - _LONGEST_END))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise NoWorkbookError
    size = int(struct.unpack_from("<L", tail, at + 12)[0])
    if at >= 20 and tail[at - 20 : at - 16] == _LOCATOR64:
        file.seek(min(struct.unpack_from("<Q", tail, at - 12)[0], length))
        record = file.read(56)
        if len(record) == 56 and record.startswith(_END64):
            size = int(struct.unpack_from("<Q", record, 40)[0])
    file.seek(0)
    return size


# ── its parts ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Workbook:
    """Where the parts lie that matter, and which formats are those of days."""

    sheet: str
    shared: str | None
    epoch: datetime
    dates: Container[int]
    spans: Container[int]

    @classmethod
    def of(cls, archive: ZipFile) -> _Workbook:
        from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900

        place = next((target for kind, target in _relations(archive, "").values() if kind == "officeDocument"), None)
        if place is None:
            raise NoWorkbookError
        relations = _relations(archive, place)
        sheets: list[str] = []
        epoch = CALENDAR_WINDOWS_1900

        def start(name: str, about: dict[str, str]) -> None:
            nonlocal epoch
            if name == "workbookPr" and about.get("date1904") in ("1", "true"):
                epoch = CALENDAR_MAC_1904
            elif name == "sheet":
                kind, target = relations.get(about.get("id", ""), ("", ""))
                if kind == "worksheet":
                    sheets.append(target)

        _read_part(archive, place, start)
        if not sheets:
            raise NoWorkbookError
        others = dict(relations.values())
        present = set(archive.namelist())
        shared, styles = others.get("sharedStrings"), others.get("styles")
        dates, spans = _formats(archive, styles) if styles in present and styles else ((), ())
        return cls(sheets[0], shared if shared in present else None, epoch, dates, spans)


def _relations(archive: ZipFile, place: str) -> dict[str, tuple[str, str]]:
    """Id → (kind, place in the archive) of what that part refers to."""
    folder, name = posixpath.split(place)
    found: dict[str, tuple[str, str]] = {}

    def start(tag: str, about: dict[str, str]) -> None:
        if tag == "Relationship" and "Target" in about:
            target = posixpath.normpath(posixpath.join("/", folder, about["Target"])).lstrip("/")
            found[about.get("Id", "")] = (about.get("Type", "").rpartition("/")[2], target)

    _read_part(archive, posixpath.join(folder, "_rels", f"{name}.rels"), start)
    return found


def _formats(archive: ZipFile, place: str) -> tuple[set[int], set[int]]:
    """The styles of cells that make a number a day or a time of day, and those that make it a span of time."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

    codes: dict[str, str] = {str(number): code for number, code in BUILTIN_FORMATS.items()}
    used: list[str] = []
    is_used = False

    def start(name: str, about: dict[str, str]) -> None:
        nonlocal is_used
        if name == "numFmt":
            codes[about.get("numFmtId", "")] = about.get("formatCode", "")
        elif name in ("cellXfs", "cellStyleXfs"):
            is_used = name == "cellXfs"
        elif name == "xf" and is_used:
            used.append(about.get("numFmtId", "0"))

    _read_part(archive, place, start)
    dates = {number for number, one in enumerate(used) if is_date_format(codes.get(one, ""))}
    return dates, {number for number in dates if is_timedelta_format(codes.get(used[number], ""))}


def _read_part(archive: ZipFile, place: str, start: Callable[[str, dict[str, str]], None]) -> None:
    """Tell `start` of each tag (name, attributes), without the prefixes of either."""
    if archive.getinfo(place).file_size > _LARGEST_PART:
        raise TooMuchError
    parser = _parser()
    parser.StartElementHandler = lambda name, about: start(
        name.rpartition(":")[2], {key.rpartition(":")[2]: value for key, value in about.items()}
    )
    for _piece in _fed(archive, place, parser):
        pass


def _parser() -> Any:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_told: object) -> None:
    """No workbook declares entities of its own; crafted ones do, to grow."""
    raise NoWorkbookError


def _fed(archive: ZipFile, place: str, parser: Any, most: int | None = None) -> Iterator[None]:
    """Feed the part to the parser piece by piece, at most `most` bytes. Raises TooMuchError for an endless tag."""
    fed = 0
    with archive.open(place) as part:
        while piece := part.read(_PIECE):
            try:
                parser.Parse(piece, False)
            except _Enough:
                yield
                return
            fed += len(piece)
            yield
            if fed - max(parser.CurrentByteIndex, 0) > _LONGEST_TAG:
                raise TooMuchError
            if most is not None and fed >= most:
                return
    parser.Parse(b"", True)


def _shared(archive: ZipFile, book: _Workbook, needed: set[int] | None = None) -> _Texts:
    """The texts that cells refer to by number; of `needed` alone."""
    if book.shared is None or (needed is not None and not needed):
        return {}
    if archive.getinfo(book.shared).file_size > _LARGEST_SHARED:
        raise TooMuchError
    some: dict[int, str] = {}
    every: list[str] = []
    last = max(needed, default=-1) if needed is not None else None
    place, length, is_wanted, is_aside = -1, 0, False, False
    parts: list[str] = []
    parser = _parser()

    def start(name: str, _about: object) -> None:
        nonlocal place, parts, length, is_wanted, is_aside
        if not is_wanted and name == "t":
            return
        if ":" in name:
            name = name.rpartition(":")[2]
        if name == "si":
            place += 1
            is_wanted = needed is None or place in needed
            if last is not None and place > last:
                raise _Enough
            parts, length = [], 0
            parser.EndElementHandler = end if is_wanted else None
        elif is_wanted:
            if name == "t":
                parser.CharacterDataHandler = None if is_aside else text
            elif name == "rPh":  # how a Japanese reads it aloud
                is_aside = True

    def text(data: str) -> None:
        nonlocal length
        if length < _LONGEST_TEXT:
            parts.append(data)
            length += len(data)

    def end(name: str) -> None:
        nonlocal is_aside
        name = name.rpartition(":")[2]
        if name == "t":
            parser.CharacterDataHandler = None
        elif name == "rPh":
            is_aside = False
        elif name == "si":
            whole = "".join(parts).replace("x005F_", "")  # what stands before an underscore that would be a code
            if needed is None:
                every.append(whole)
            else:
                some[place] = whole

    parser.StartElementHandler = start
    for _piece in _fed(archive, book.shared, parser):
        pass
    return every if needed is None else some


# ── its cells ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sheet(
    archive: ZipFile, book: _Workbook, texts: _Texts, most_columns: int, *, only: int | None = None
) -> Iterator[list[object]]:  # fmt: skip
    parser = _parser()
    ready: list[tuple[int, list[object]]] = []
    row: list[object] = []
    parts: list[str] = []
    number = column = length = given = 0
    kind, style = "n", "0"
    is_in_cell = is_formula = has_value = is_aside = False

    def start(name: str, about: dict[str, str]) -> None:
        nonlocal number, row, column, kind, style, parts, length, is_in_cell, is_formula, has_value, is_aside
        if ":" in name:
            name = name.rpartition(":")[2]
        if name == "c":
            at = about.get("r")
            column = _column(at.rstrip("0123456789")) if at else column + 1
            if column > _WIDEST:
                raise NoWorkbookError
            kind, style = about.get("t", "n"), about.get("s", "0")
            parts, length = [], 0
            is_in_cell, is_formula, has_value, is_aside = True, False, False, False
        elif is_in_cell:
            if name == "v" or (name == "t" and not is_aside):
                has_value = True
                parser.CharacterDataHandler = text
            elif name == "f":
                is_formula = True
            elif name == "rPh":
                is_aside = True
        elif name == "row":
            number, row, column = max(int(about.get("r") or 0), number + 1), [], 0

    def text(data: str) -> None:
        nonlocal length
        if length < _LONGEST_TEXT:
            parts.append(data)
            length += len(data)

    def end(name: str) -> None:
        nonlocal is_in_cell, is_aside
        if ":" in name:
            name = name.rpartition(":")[2]
        if name in ("v", "t"):
            parser.CharacterDataHandler = None
        elif name == "c":
            is_in_cell = False
            written = "".join(parts)
            if written:
                value = _value(kind, style, written, book, texts)
            else:  # a formula whose text has no letters was counted
                value = NO_VALUE if is_formula and not (has_value and kind == "str") else ""
            if value != "":
                place = min(column, most_columns + 1)
                row.extend([""] * (place - len(row)))
                row[place - 1] = value
        elif name == "rPh":
            is_aside = False
        elif name == "row":
            ready.append((number, row))
            if only is not None and number >= only:
                raise _Enough
        elif name == "sheetData":
            raise _Enough

    parser.StartElementHandler, parser.EndElementHandler = start, end
    for _piece in _fed(archive, book.sheet, parser, None if only is None else _LONGEST_HEAD):
        for at, cells in ready:
            while given < at - 1 and given != only:
                given += 1
                yield []
            if given != only:
                given += 1
                yield cells
        ready.clear()


@lru_cache(maxsize=1_000)
def _column(letters: str) -> int:
    """A is 1, AB is 28."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _value(kind: str, style: str, written: str, book: _Workbook, texts: _Texts) -> object:
    if kind == "s":
        return texts[int(written)]
    if kind == "n":
        number = float(written) if _PART.search(written) else int(written)
        return _day(number, int(style), book) if int(style) in book.dates else number
    if kind == "b":
        return bool(int(written))
    if kind == "d":
        from openpyxl.utils.datetime import from_ISO8601

        return from_ISO8601(written)
    return written


def _day(number: float, style: int, book: _Workbook) -> object:
    from openpyxl.utils.datetime import from_excel

    try:
        return from_excel(number, book.epoch, timedelta=style in book.spans)
    except (OverflowError, ValueError):
        return "#VALUE!"
