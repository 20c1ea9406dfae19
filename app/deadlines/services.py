"""How does the company set its working time?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from app.core import clock
from app.core.access import Actor
from app.core.errors import BusinessError, ConflictError, InvalidInputError
from app.core.i18n import DEFAULT_LANGUAGE, _, in_language
from app.deadlines.models import (
    COMPANY,
    Calendar,
    CalendarException,
    CalendarExceptionInterval,
    CalendarInterval,
    ExceptionKind,
)
from app.deadlines.rules import Interval, WeeklyInterval, interval_problems, vietnamese_days

# 08:00–12:00 and 13:30–17:30, Monday to Friday (spec §6, office hours).
OFFICE_HOURS = (Interval(8 * 60, 12 * 60), Interval(13 * 60 + 30, 17 * 60 + 30))
OFFICE_WEEK = tuple(WeeklyInterval(weekday, part.start, part.end) for weekday in range(5) for part in OFFICE_HOURS)


class CalendarWithoutHoursError(BusinessError):
    """A calendar in which nobody ever works has no due moments."""

    message = _("A work calendar needs working hours on at least one day.")


def create_company_calendar(session: Session, *, by: Actor, years: Iterable[int]) -> Calendar:
    """The company's calendar with office hours, Saturday and Sunday off, and the public days of these years.

    Raises IntegrityError (at flush) when the company has one already: see `queries.find_company_calendar`.
    """
    by.must("edit", "Calendar")
    with in_language(DEFAULT_LANGUAGE):
        calendar = Calendar(code=COMPANY, name=str(_("Company working hours")))
    calendar.intervals = [_interval_row(part) for part in OFFICE_WEEK]
    session.add(calendar)
    for year in sorted(set(years)):
        _add_public_days(calendar, year)
    session.flush()
    return calendar


def replace_intervals(
    session: Session, calendar: Calendar, intervals: Sequence[WeeklyInterval], *, by: Actor, rev: int
) -> None:
    """Give the calendar another week. Days that differ from their week keep their own hours.

    Raises CalendarWithoutHoursError, ConflictError when `rev` is no longer the calendar's, and InvalidInputError
    with fields `intervals.N.weekday|start|end`, N being the place in `intervals`.
    """
    by.must("edit", "Calendar")
    if calendar.rev != rev:
        raise ConflictError
    if not intervals:
        raise CalendarWithoutHoursError
    problems = interval_problems(intervals)
    if problems:
        raise InvalidInputError(fields={f"intervals.{field}": why for field, why in problems.items()})
    wanted = set(intervals)
    kept = [row for row in calendar.intervals if _weekly(row) in wanted]
    new = wanted - set(map(_weekly, kept))
    calendar.intervals = kept
    # Rows that go must be gone before one with the same start comes.
    session.flush()
    calendar.intervals.extend(map(_interval_row, sorted(new)))
    _mark_changed(calendar)
    session.flush()


def refresh_holidays(session: Session, calendar: Calendar, *, by: Actor, year: int) -> int:
    """Add the public days of that year which the calendar does not know yet; returns how many.

    A day that already has an exception stays as the company set it. Asking twice changes nothing more.
    """
    by.must("edit", "Calendar")
    added = _add_public_days(calendar, year)
    if added:
        _mark_changed(calendar)
        session.flush()
    return added


def _add_public_days(calendar: Calendar, year: int) -> int:
    set_by_company = [(known.date_from, known.date_to) for known in calendar.exceptions]
    new = [
        public
        for public in vietnamese_days(year)
        if not any(first <= public.day <= last for first, last in set_by_company)
    ]
    with in_language(DEFAULT_LANGUAGE):
        swapped = str(_("Working day in place of a swapped day off"))
    for public in new:
        calendar.exceptions.append(
            CalendarException(
                date_from=public.day,
                date_to=public.day,
                kind=ExceptionKind.worked if public.worked else ExceptionKind.holiday,
                intervals=_usual_hours(calendar) if public.worked else [],
                note=swapped if public.worked else public.name,
            )
        )
    return len(new)


def _usual_hours(calendar: Calendar) -> list[CalendarExceptionInterval]:
    """The hours of the week's first working day: a swapped Saturday is worked like a Monday."""
    week = sorted(map(_weekly, calendar.intervals))
    return [
        CalendarExceptionInterval(start_minute=part.start, end_minute=part.end)
        for part in week
        if part.weekday == week[0].weekday
    ]


def _mark_changed(calendar: Calendar) -> None:
    """Let `rev` grow although only rows below the calendar changed, even twice in one moment."""
    calendar.updated_at = clock.now()
    flag_modified(calendar, "updated_at")


def _weekly(row: CalendarInterval) -> WeeklyInterval:
    return WeeklyInterval(row.weekday, row.start_minute, row.end_minute)


def _interval_row(part: WeeklyInterval) -> CalendarInterval:
    return CalendarInterval(weekday=part.weekday, start_minute=part.start, end_minute=part.end)
