"""Which day was typed, and how are days and moments shown?"""

from __future__ import annotations

import re
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

from app.core.vietnamese.keyboard import as_typed

_DAY_FIRST = re.compile(r"(?P<day>[0-9]{1,2})/(?P<month>[0-9]{1,2})/(?P<year>[0-9]{4})")
_ISO = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")


def parse_date(text: str) -> date | None:
    """A day as typed (dd/MM/yyyy, leading zeros may be missing) or as a browser sends it (ISO). None if it is none."""
    typed = as_typed(text)
    match = _DAY_FIRST.fullmatch(typed) or _ISO.fullmatch(typed)
    if match is None:
        return None
    try:
        return date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None


def format_date(day: date) -> str:
    """dd/MM/yyyy. A moment is refused (TypeError): its day depends on the time zone, see `format_datetime`."""
    if isinstance(day, datetime):
        raise TypeError("a moment has no day of its own: use format_datetime")
    return f"{day.day:02}/{day.month:02}/{day.year:04}"


def local(moment: datetime, tz: str | tzinfo) -> datetime:
    """The moment on the wall clock of that zone. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"naive datetime {moment!r}: moments are aware UTC")
    return moment.astimezone(ZoneInfo(tz) if isinstance(tz, str) else tz)


def format_time(moment: datetime, tz: str | tzinfo) -> str:
    """HH:mm"""
    return f"{local(moment, tz):%H:%M}"


def format_datetime(moment: datetime, tz: str | tzinfo) -> str:
    """dd/MM/yyyy HH:mm"""
    return f"{format_date(local(moment, tz).date())} {format_time(moment, tz)}"
