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
#: minutes: no task is due at 09:07
_STEP = 30
#: so long before it is due a task counts as soon due
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


def deadlines(calendar: WorkCalendar, day: date, count: int) -> list[tuple[datetime, datetime]]:
    """(due, warn) of so many tasks of one person: spread over the working hours of that day, the last one due when work
    ends; on half hours, in the calendar's own zone."""
    parts = sorted((part.start, part.end) for part in calendar.intervals_on(day))
    whole = sum(end - start for start, end in parts)
    midnight = datetime.combine(day, time(), ZoneInfo(calendar.time_zone))
    found = []
    for place in range(1, count + 1):
        left = min(whole, -(-whole * place // count // _STEP) * _STEP)
        minute = parts[-1][1]
        for start, end in parts:
            if left <= end - start:
                minute = start + left
                break
            left -= end - start
        due = midnight + timedelta(minutes=minute)
        found.append((due, due - _WARN))
    return found
