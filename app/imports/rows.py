"""One row of the file on its way: what was read, what it is found to be, what became of it; and how cells are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.core import clock
from app.core.access import Actor
from app.core.errors import Sentence
from app.core.formats import local
from app.core.i18n import _
from app.core.sheet_values import Habits, is_shortened, missing_date, read_date, read_time
from app.core.workbook_reading import NO_VALUE
from app.customers import rules
from app.customers.duplicates.hard import HardKey, contact_key
from app.customers.models import ContactKind
from app.customers.rules import UnreadableError
from app.imports.fields import known as all_fields
from app.imports.fields import plain
from app.imports.models import LABEL_LENGTH, Finding, ImportJob, Outcome

#: of a cell in a sentence
_QUOTED = 60
#: of a label
BETWEEN = " · "
_SEVERAL = re.compile(r"[;\n]|,(?!\d{3}\b)|/(?=\s*\+?\d{6})| {2,}")
_NOON = time(12)


@dataclass
class Row:
    """`values` is what its target makes of the cells."""

    number: int
    values: Any = None
    finding: Finding = Finding.new
    reasons: list[str] = field(default_factory=list)
    #: whoever brought the file is to read the reasons, though nothing is wrong enough to leave the row out
    is_told: bool = False
    label: str = ""
    #: which customer it is about, or like whom it looks, by hard keys
    keys: list[HardKey] = field(default_factory=list)
    #: the record that it is about; after writing, the one that was written
    record_id: int | None = None
    #: an earlier row of the same lot that looks the same
    twin: Row | None = None
    outcome: Outcome | None = None
    before: dict[str, Any] | None = None

    def wrong(self, label: Sentence, sentence: Sentence) -> None:
        self.finding = Finding.error
        self.reasons.append(f"{label}: {sentence}" if label else str(sentence))

    def tell(self, label: Sentence, sentence: Sentence) -> None:
        """Something of it is not taken as it stands there; the rest is written."""
        self.is_told = True
        self.reasons.append(f"{label}: {sentence}")

    @property
    def is_good(self) -> bool:
        return self.finding is not Finding.error


class Target(Protocol):
    """What the rows of a file are written to."""

    def read(self, number: int, cells: Sequence[str]) -> Row:
        """Without the database."""

    def judge(self, session: Session, rows: Sequence[Row], *, is_written: bool) -> None:
        """Who of them is new, known, doubled? `is_written`: the rows before these are in the database already."""

    def write(self, session: Session, rows: Sequence[Row]) -> None:
        """Those that were judged, in the transaction that judged them. Sets outcome, record_id and before."""


@dataclass(frozen=True)
class Cells:
    """How the cells of this file are read: which column holds what, as this person writes."""

    who: Actor
    today: date
    #: field → the places of its columns
    places: Mapping[str, Sequence[int]]
    habits: Sequence[Habits]
    labels: Mapping[str, Sentence]
    #: catalogue → plain label or code → code
    codes: Mapping[str, dict[str, str]]

    def has_values(self, row: Row, cells: Sequence[str]) -> bool:
        """Are all cells that count values? A formula that was never counted is told, and nothing else of the row."""
        if NO_VALUE not in cells:
            return row.is_good
        for key, places in self.places.items():
            if any(place < len(cells) and cells[place] == NO_VALUE for place in places):
                row.wrong(self.labels[key], _("the cell is a formula without a value. Open the file in Excel, save it "
                                              "and bring it again."))  # fmt: skip
        return row.is_good

    def texts(self, cells: Sequence[str], key: str) -> Iterator[tuple[str, Habits]]:
        """The filled cells of that field."""
        for place in self.places.get(key, ()):
            if place < len(cells) and cells[place]:
                yield cells[place], self.habits[place]

    def text(self, cells: Sequence[str], key: str) -> str:
        for place in self.places.get(key, ()):
            if place < len(cells) and cells[place]:
                return cells[place]
        return ""

    def read(self, row: Row, cells: Sequence[str], key: str, read: Callable[[str], Any]) -> Any:
        """What `read` makes of the cell; None for an empty one, and for one that is wrong, which is told."""
        text = self.text(cells, key)
        if not text:
            return None
        try:
            return read(text)
        except UnreadableError as unreadable:
            row.wrong(self.labels[key], with_cell(text, unreadable.sentence))
            return None

    def day(self, row: Row, cells: Sequence[str], key: str) -> date | None:
        if key not in self.places:
            return None
        for text, habits in self.texts(cells, key):
            day = read_date(text, habits)
            if day is not None:
                return day
            no_day = _("“%(text)s” is not a day. Example: %(example)s", text=quoted(text), example="31/12/1990")
            row.wrong(self.labels[key], missing_date(text, habits) or no_day)
            return None
        return None

    def moment(self, row: Row, cells: Sequence[str], key: str, time_key: str) -> datetime | None:
        """The moment on his clock; without a time of day, noon."""
        day = self.day(row, cells, key)
        if day is None:
            return None
        text = self.text(cells, time_key)
        at = read_time(text) if text else read_time(self.text(cells, key))
        if text and at is None:
            row.wrong(self.labels[time_key], with_cell(text, _("This is no time of day. Example: 14:30")))
            return None
        return datetime.combine(day, at or _NOON, ZoneInfo(self.who.time_zone))

    @property
    def noon(self) -> datetime:
        """Of today: as which today without a time of day is taken, even before it."""
        return datetime.combine(self.today, _NOON, ZoneInfo(self.who.time_zone))

    def code(
        self, row: Row, cells: Sequence[str], key: str, catalogue: str, *, may_lack: bool = False
    ) -> str | None:  # fmt: skip
        """`may_lack`: for want of such an entry the row is not left out, the cell is."""
        text = self.text(cells, key)
        if not text:
            return None
        known = self.codes[catalogue]
        code = known.get(text)
        if code is None and (code := known.get(plain(text))) is not None:
            known[text] = code  # many rows say the same
        if code is None and may_lack:
            row.tell(self.labels[key], _("“%(text)s” is not in the list of the catalogue: left out, the rest is taken.",
                                         text=quoted(text)))  # fmt: skip
        elif code is None:
            row.wrong(self.labels[key], _("“%(text)s” is not in the list of the catalogue.", text=quoted(text)))
        return code

    def contacts(self, row: Row, cells: Sequence[str], kind: ContactKind) -> Iterator[rules.Contact]:
        """All of that kind; a cell may hold several."""
        for text, _habits in self.texts(cells, kind.value):
            try:
                yield from _contacts(kind, text)
            except UnreadableError as unreadable:
                row.wrong(self.labels[kind.value], with_cell(text, unreadable.sentence))


def cells_of(session: Session, job: ImportJob, who: Actor, habits: Sequence[Habits], used: Sequence[str]) -> Cells:
    """`used`: the catalogues whose words can stand in it."""
    places: dict[str, list[int]] = {}
    for place, key in enumerate(job.mapping):
        if key:
            places.setdefault(key, []).append(place)
    codes = {
        name: {
            word: one.code
            for one in reversed(catalogues.entries(session, name)) if not one.retired
            for word in (plain(one.label_vi), plain(one.label_en), plain(one.code)) if word
        }
        for name in used
    }  # fmt: skip
    labels = {one.key: one.label for one in all_fields(job.target)}
    return Cells(who, local(clock.now(), who.time_zone).date(), places, habits, labels, codes)


def _contacts(kind: ContactKind, text: str) -> list[rules.Contact]:
    if kind in rules.PHONE_KINDS:
        if is_shortened(text):
            raise UnreadableError(
                _("Excel has shortened this number, its last digits are lost. Make the column a text and try again.")
            )
        # Excel takes a phone number for a number and drops its first zero.
        if text.isascii() and text.isdigit() and len(text) in (9, 10) and text[0] != "0" and not text.startswith("1"):
            text = f"0{text}"
    try:
        return [rules.read_contact(kind, text)]
    except UnreadableError:
        parts = [part for part in _SEVERAL.split(text) if part.strip()]
        if len(parts) < 2:
            raise
        return [rules.read_contact(kind, part.strip()) for part in parts]


def quoted(text: str) -> str:
    """As much of a cell as stands in a sentence."""
    return f"{text[: _QUOTED - 1]}…" if len(text) > _QUOTED else text


def with_cell(text: str, sentence: Sentence) -> Sentence:
    """The sentence behind the cell that it is about, unless it quotes the cell itself."""
    cell = f"“{quoted(text)}”"
    return sentence if cell in str(sentence) else f"{cell} – {sentence}"


def read_line(longest: int) -> Callable[[str], str | None]:
    """For Cells.read: one line of at most so many signs."""
    return lambda text: rules.read_line(text, longest) or None


def read_word(text: str, words: Mapping[str, Any]) -> Any:
    """What it means by a list of plain words. Raises UnreadableError."""
    found = words.get(plain(text))
    if found is None:
        raise UnreadableError(_("“%(text)s” was not understood.", text=quoted(text)))
    return found


def keys_of(contacts: Sequence[rules.Contact]) -> Iterator[HardKey]:
    for one in contacts:
        key = contact_key(one.kind, one.value)
        if key is not None:
            yield key


def label_of(*parts: str | None) -> str:
    return BETWEEN.join(part for part in parts if part)[:LABEL_LENGTH]
