"""What can a condition work out by itself? The table of functions: adding one is adding one entry."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, auto

from app.core.conditions.values import LISTS, day_of


class Kind(StrEnum):
    """What a function takes or gives."""

    number = auto()
    date = auto()
    sized = auto()


@dataclass(frozen=True, slots=True)
class Function:
    """`work_out(today, *args)` gives None when an argument is missing or of another kind."""

    takes: tuple[Kind, ...]
    gives: Kind
    example: str
    work_out: Callable[..., object]


def _today(today: date | None) -> date | None:
    return today


def _days_between(_today: date | None, start: object, end: object) -> int | None:
    first, last = day_of(start), day_of(end)
    return None if first is None or last is None else (last - first).days


def _length(_today: date | None, value: object) -> int | None:
    kind = type(value)
    if issubclass(kind, str):
        return len(unicodedata.normalize("NFC", str.__str__(value)))
    return len(value) if issubclass(kind, LISTS) else None  # type: ignore[arg-type]


FUNCTIONS = {
    "today": Function((), Kind.date, "today()", _today),
    "days_between": Function((Kind.date, Kind.date), Kind.number, "days_between(ordered_on, today())", _days_between),
    "len": Function((Kind.sized,), Kind.number, "len(note)", _length),
}
