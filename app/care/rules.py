"""On which day is which customer cared for? Evenly over the coming working days, the longest silence first."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.deadlines.rules import WorkCalendar

#: working days over which one click spreads its tasks
DAYS = 5
#: days that are looked through for working ones: a year of holidays is no calendar
_FARTHEST = 366
#: minutes before the end of the day from which a task counts as soon due
_WARN = timedelta(hours=2)

Who = TypeVar("Who", bound=Hashable)


def working_days(calendar: WorkCalendar, after: date, count: int) -> list[date]:
    """The next so many days with working hours; fewer where the calendar has none."""
    days = (after + timedelta(days=ahead) for ahead in range(1, _FARTHEST + 1))
    found = []
    for day in days:
        if calendar.intervals_on(day):
            found.append(day)
        if len(found) == count:
            break
    return found


def spread(customers: Mapping[Who, Sequence[int]], days: Sequence[date]) -> dict[int, date]:
    """Customer → day: of each person's customers, in their order, as many on one day as on the other, or one more."""
    return {
        customer: days[place * len(days) // len(some)]
        for some in customers.values() for place, customer in enumerate(some)
    }  # fmt: skip


def deadline(calendar: WorkCalendar, day: date) -> tuple[datetime, datetime]:
    """(due, warn): when work ends on that day, and when that is near; in the calendar's own zone."""
    minute = max(part.end for part in calendar.intervals_on(day))
    end = datetime.combine(day, time(), ZoneInfo(calendar.time_zone)) + timedelta(minutes=minute)
    return end, end - _WARN
