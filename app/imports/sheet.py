"""What stands in the file: the names of its columns, how each is written, and its rows one after the other?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO

from app.core.i18n import _
from app.core.sheet_reading import MEGABYTE, SheetRefusedError, iter_sheet
from app.core.sheet_values import HEADING_WITHIN, Habits, habits_of, heading_row
from app.customers.rules import NOTE_LENGTH

MOST_ROWS = 200_000
LARGEST_FILE = 50 * MEGABYTE
#: what may come out of a workbook: rows of a hundred thousand customers, and no bomb
_UNPACKED = 300 * MEGABYTE
#: rows by which the habits of a column are told
_MEASURED = 2_000
#: rows that are read while somebody waits for the page
_AT_ONCE = 200
#: cells of a column that are shown to whoever matches it
SAMPLES = 3


@dataclass(frozen=True)
class Head:
    """The names of the columns, and a few cells of each."""

    headings: Sequence[str]
    samples: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Opened:
    """A file whose heading was found. `rows`: (number in the file, its cells), the filled ones below the heading."""

    headings: Sequence[str]
    habits: Sequence[Habits]
    rows: Iterator[tuple[int, list[str]]]


def read_head(file: IO[bytes], name: str) -> Head:
    """For a web process: the rest of a large file is left to the worker. Raises what open_sheet raises."""
    headings, below, _at = _split(list(_lines(file, name, only=_AT_ONCE)))
    samples = [list(islice(filter(None, column), SAMPLES)) for column in _columns(headings, below)]
    return Head(headings, samples)


def open_sheet(file: IO[bytes], name: str) -> Opened:
    """Raises SheetRefusedError for what is no sheet, too large, or without names of columns."""
    lines = _lines(file, name)
    head = list(islice(lines, _MEASURED))
    headings, below, at = _split(head)

    def rows() -> Iterator[tuple[int, list[str]]]:
        read = chain(head[at + 1 :], lines)
        for number, row in enumerate(read, start=at + 2):
            if row:
                yield number, row

    return Opened(headings, [habits_of(column) for column in _columns(headings, below)], rows())


def _lines(file: IO[bytes], name: str, *, only: int | None = None) -> Iterator[list[str]]:
    return iter_sheet(
        file,
        name=name,
        most_rows=MOST_ROWS,
        largest=LARGEST_FILE,
        unpacked=_UNPACKED,
        tells_formulas=True,
        longest_cell=NOTE_LENGTH + 1,  # one that is cut is too long for whatever it holds
        only=only,
    )


def _split(head: Sequence[list[str]]) -> tuple[list[str], list[list[str]], int]:
    """The names of the columns, the filled rows below them, and where they stand. Raises SheetRefusedError."""
    at = heading_row(head[:HEADING_WITHIN])
    if at is None:
        raise SheetRefusedError(
            _("The row with the names of the columns was not found. Put names such as “Họ tên” and “Số điện thoại” "
              "above the data.")
        )  # fmt: skip
    below = [row for row in head[at + 1 :] if row]
    if not below:
        raise SheetRefusedError(_("There is nothing below the names of the columns."))
    return head[at], below, at


def _columns(headings: Sequence[str], rows: Sequence[list[str]]) -> list[list[str]]:
    return [[row[place] if place < len(row) else "" for row in rows] for place in range(len(headings))]
