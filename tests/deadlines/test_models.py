from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from app.deadlines.models import Calendar, CalendarException, CalendarExceptionInterval, CalendarInterval, ExceptionKind

NEW_YEAR = date(2026, 1, 1)


@pytest.fixture
def calendar(session) -> Calendar:
    calendar = Calendar(code="shop", name="Cửa hàng")
    session.add(calendar)
    session.flush()
    return calendar


def refused(session, row) -> bool:
    """Whether the database itself says no; a savepoint keeps what was there before."""
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize(
    ("weekday", "start", "end"),
    [(7, 480, 720), (-1, 480, 720), (0, 720, 720), (0, 720, 480), (0, -1, 480), (0, 0, 1441)],
)
def test_the_database_refuses_impossible_hours(session, calendar, weekday, start, end):
    assert refused(
        session, CalendarInterval(calendar_id=calendar.id, weekday=weekday, start_minute=start, end_minute=end)
    )


def test_the_database_takes_a_whole_day(session, calendar):
    assert not refused(session, CalendarInterval(calendar_id=calendar.id, weekday=6, start_minute=0, end_minute=1440))


def test_the_database_refuses_impossible_hours_of_an_exception(session, calendar):
    day = CalendarException(calendar_id=calendar.id, date_from=NEW_YEAR, date_to=NEW_YEAR, kind=ExceptionKind.worked)
    assert not refused(session, day)
    assert refused(session, CalendarExceptionInterval(exception_id=day.id, start_minute=720, end_minute=480))


def test_the_database_refuses_an_exception_that_ends_before_it_begins(session, calendar):
    assert refused(
        session,
        CalendarException(
            calendar_id=calendar.id, date_from=NEW_YEAR, date_to=date(2025, 12, 31), kind=ExceptionKind.holiday
        ),
    )


def test_a_code_names_one_calendar(session, calendar):
    assert refused(session, Calendar(code="shop", name="Cửa hàng khác"))
