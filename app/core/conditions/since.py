"""How long ago is that? The days on which something lies that is so many days or full years ago."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum, auto

from app.core.conditions.values import Period


class Since(StrEnum):
    """A number that is how long ago a day or moment lies: `days`, or full `years` as with ages."""

    days = auto()
    years = auto()


def lies(since: Since, passed: int, today: date) -> Period:
    """The first and last day of it; what lies beyond the calendar is its end."""
    if since is Since.days:
        day = _moved(today, -passed)
        return Period(day, day)
    return Period(_moved(years_before(today, passed + 1), 1), years_before(today, passed))


def years_before(day: date, years: int) -> date:
    """The same day of an earlier year; of 29 February the day before, where that year has none."""
    year = day.year - years
    if not date.min.year <= year <= date.max.year:
        return date.min if year < date.min.year else date.max
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _moved(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min
