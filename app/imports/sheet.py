"""What stands in the file: the names of its columns, how each is written, and its rows one after the other?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

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
#: cells of a column that are shown to whoever matches it
SAMPLES = 3


@dataclass(frozen=True)
class Opened:
    """A file whose heading was found. `rows`: (number in the file, its cells), the filled ones below the heading."""

    headings: Sequence[str]
    habits: Sequence[Habits]
    samples: Sequence[Sequence[str]]
    rows: Iterator[tuple[int, list[str]]]


def open_sheet(data: bytes, name: str) -> Opened:
    """Raises SheetRefusedError for what is no sheet, too large, or without names of columns."""
    lines = iter_sheet(
        data,
        name=name,
        most_rows=MOST_ROWS,
        largest=LARGEST_FILE,
        unpacked=_UNPACKED,
        tells_formulas=True,
        longest_cell=NOTE_LENGTH + 1,  # one that is cut is too long for whatever it holds
    )
    head = list(islice(lines, _MEASURED))
    at = heading_row(head[:HEADING_WITHIN])
    if at is None:
        raise SheetRefusedError(
            _("The row with the names of the columns was not found. Put names such as “Họ tên” and “Số điện thoại” "
              "above the data.")
        )  # fmt: skip
    headings = head[at]
    below = [row for row in head[at + 1 :] if row]
    if not below:
        raise SheetRefusedError(_("There is nothing below the names of the columns."))
    columns = [[row[place] if place < len(row) else "" for row in below] for place in range(len(headings))]
    samples = [list(islice(filter(None, column), SAMPLES)) for column in columns]
    habits = [habits_of(column) for column in columns]

    def rows() -> Iterator[tuple[int, list[str]]]:
        read = chain(head[at + 1 :], lines)
        for number, row in enumerate(read, start=at + 2):
            if row:
                yield number, row

    return Opened(headings, habits, samples, rows())
