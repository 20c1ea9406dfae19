"""Which calendar counts the company's working time?"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, selectinload

from app.core.access import Actor, row_rule, scoped
from app.core.db import connection_of
from app.core.prepared import PreparedRows
from app.core.remembered import kept
from app.deadlines.models import COMPANY, Calendar, CalendarException, CalendarExceptionInterval
from app.deadlines.rules import DayException, Interval, WeeklyInterval, WorkCalendar

# The calendar last used, under what tells its state. `rev` alone would not do: a number that was rolled back returns.
_latest: dict[tuple[int, int, datetime], WorkCalendar] = kept({})


_STATE = PreparedRows(select(Calendar.id, Calendar.rev, Calendar.updated_at).where(Calendar.code == COMPANY))


@row_rule(Calendar)
def _visible_calendars(actor: Actor, action: str) -> ColumnElement[bool]:
    return scoped(actor.scope("Calendar", action), actor, owner_id=Calendar.created_by_id)


def find_company_calendar(session: Session) -> Calendar | None:
    """The row of the company's calendar, or None before the company is set up."""
    return session.scalars(select(Calendar).where(Calendar.code == COMPANY)).one_or_none()


def company_calendar(session: Session) -> WorkCalendar:
    """The company's working time, for `rules.due_at`: one short query unless the calendar has changed.

    Raises sqlalchemy.exc.NoResultFound before the company is set up.
    """
    session.flush()
    calendar_id, rev, updated_at = _STATE.one(connection_of(session), {})
    key = calendar_id, rev, updated_at
    calendar = _latest.get(key)
    if calendar is None:
        calendar = _load(session, calendar_id)
        _latest.clear()
        _latest[key] = calendar
    return calendar


def _load(session: Session, calendar_id: int) -> WorkCalendar:
    whole = (
        select(Calendar)
        .where(Calendar.id == calendar_id)
        .options(
            selectinload(Calendar.intervals),
            selectinload(Calendar.exceptions).selectinload(CalendarException.intervals),
        )
        .execution_options(populate_existing=True)
    )
    return work_calendar(session.scalars(whole).one())


def work_calendar(calendar: Calendar) -> WorkCalendar:
    """The arithmetic's view of the rows."""
    return WorkCalendar.of(
        calendar.time_zone,
        [WeeklyInterval(part.weekday, part.start_minute, part.end_minute) for part in calendar.intervals],
        [DayException(day.date_from, day.date_to, tuple(map(_interval, day.intervals))) for day in calendar.exceptions],
    )


def _interval(row: CalendarExceptionInterval) -> Interval:
    return Interval(row.start_minute, row.end_minute)
