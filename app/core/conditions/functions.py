"""What can a condition work out by itself? The table of functions: adding one is adding one entry."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum, auto
from functools import lru_cache

from app.core.conditions.values import LISTS, Period, day_of

MAX_DAYS = 3650  # of last_days and next_days: ten years


class Kind(StrEnum):
    """What a function takes or gives."""

    number = auto()
    date = auto()
    period = auto()
    sized = auto()
    #: a whole number that stands in the condition itself, 1 to MAX_DAYS
    days = auto()
    #: the id of a member
    person = auto()
    #: the ids of teams
    teams = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a condition cannot find in the data: the company's calendar day, and who asks."""

    today: date | None = None
    me: object = None


@dataclass(frozen=True, slots=True)
class Function:
    """`work_out(asked, *args)` gives None when an argument is missing or of another kind."""

    takes: tuple[Kind, ...]
    gives: Kind
    example: str
    work_out: Callable[..., object]
    asks_the_day: bool = False

    @property
    def is_constant(self) -> bool:
        """Is it the same for every row? Only such a call stands in a list."""
        return all(kind is Kind.days for kind in self.takes)


def _days_between(_asked: Asked, start: object, end: object) -> int | None:
    first, last = day_of(start), day_of(end)
    return None if first is None or last is None else (last - first).days


def _length(_asked: Asked, value: object) -> int | None:
    kind = type(value)
    if issubclass(kind, str):
        return len(unicodedata.normalize("NFC", str.__str__(value)))
    return len(value) if issubclass(kind, LISTS) else None  # type: ignore[arg-type]


def _day(offset: int) -> Callable[[date], date]:
    return lambda today: today + timedelta(days=offset)


def _week(offset: int) -> Callable[[date], Period]:
    """Monday to Sunday."""

    def of(today: date) -> Period:
        monday = today + timedelta(days=7 * offset - today.weekday())
        return Period(monday, monday + timedelta(days=6))

    return of


def _months(length: int, offset: int) -> Callable[[date], Period]:
    """Calendar months, quarters (3) and years (12), counted from the one that holds today."""

    def of(today: date) -> Period:
        month = (today.year * 12 + today.month - 1) // length * length + length * offset
        return Period(_first_of(month), _first_of(month + length) - timedelta(days=1))

    return of


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def _last_days(today: date, days: int) -> Period:
    return Period(today - timedelta(days=days - 1), today)


def _next_days(today: date, days: int) -> Period:
    return Period(today, today + timedelta(days=days - 1))


def _on_calendar(
    name: str, gives: Kind, make: Callable[..., date | Period], takes: tuple[Kind, ...] = ()
) -> tuple[str, Function]:
    @lru_cache(maxsize=32)
    def counted_from(today: date, *args: object) -> date | Period | None:
        try:
            return make(today, *args)
        except (OverflowError, ValueError):  # beyond the years 1 and 9999
            return None

    def work_out(asked: Asked, *args: object) -> date | Period | None:
        return None if asked.today is None else counted_from(asked.today, *args)

    example = f"{name}({'7' if takes else ''})"
    return name, Function(takes, gives, example, work_out, asks_the_day=True)


def _on_data(
    name: str, takes: tuple[Kind, ...], example: str, work_out: Callable[..., int | None]
) -> tuple[str, Function]:
    return name, Function(takes, Kind.number, example, work_out)


FUNCTIONS: dict[str, Function] = dict(
    [
        _on_calendar("today", Kind.date, _day(0)),
        _on_data("days_between", (Kind.date, Kind.date), "days_between(ordered_on, today())", _days_between),
        _on_data("len", (Kind.sized,), "len(note)", _length),
        _on_calendar("yesterday", Kind.date, _day(-1)),
        _on_calendar("tomorrow", Kind.date, _day(1)),
        _on_calendar("this_week", Kind.period, _week(0)),
        _on_calendar("last_week", Kind.period, _week(-1)),
        _on_calendar("next_week", Kind.period, _week(1)),
        _on_calendar("this_month", Kind.period, _months(1, 0)),
        _on_calendar("last_month", Kind.period, _months(1, -1)),
        _on_calendar("next_month", Kind.period, _months(1, 1)),
        _on_calendar("this_quarter", Kind.period, _months(3, 0)),
        _on_calendar("last_quarter", Kind.period, _months(3, -1)),
        _on_calendar("this_year", Kind.period, _months(12, 0)),
        _on_calendar("last_year", Kind.period, _months(12, -1)),
        _on_calendar("last_days", Kind.period, _last_days, (Kind.days,)),
        _on_calendar("next_days", Kind.period, _next_days, (Kind.days,)),
        ("me", Function((), Kind.person, "me()", lambda asked: asked.me)),
        # Only a list knows them (sql.py): elsewhere nothing is equal to it.
        ("my_teams", Function((), Kind.teams, "my_teams()", lambda _asked: None)),
    ]
)  # fmt: skip
