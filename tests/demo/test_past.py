"""The past is measured in working time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.deadlines.rules import CalendarHasNoTimeError, DayException, Interval, WorkCalendar
from app.demo.past import WorkingPast

OFFICE = (Interval(8 * 60, 12 * 60), Interval(13 * 60 + 30, 17 * 60 + 30))
TET = DayException(date(2027, 2, 4), date(2027, 2, 12))
CALENDAR = WorkCalendar(
    "Asia/Ho_Chi_Minh", (*[OFFICE] * 5, (), ()), (TET, DayException(date(2026, 11, 24), date(2026, 11, 24)))
)

MOMENTS = st.datetimes(datetime(2026, 6, 1), datetime(2027, 3, 31)).map(lambda moment: moment.replace(tzinfo=UTC))


@given(MOMENTS, st.integers(0, 60 * 480))
def test_so_many_working_minutes_have_passed_since(now, minutes):
    past = WorkingPast(CALENDAR, now)
    then = past.ago(minutes)
    assert then <= now
    assert CALENDAR.working_time_between(then, past.now) == timedelta(minutes=minutes)


@given(MOMENTS, st.integers(1, 5_000))
def test_whatever_happened_happened_in_working_hours(now, minutes):
    then = WorkingPast(CALENDAR, now).ago(minutes)
    assert CALENDAR.is_working(then) or CALENDAR.is_working(then - timedelta(seconds=1))


def test_it_is_quiet_while_nobody_works():
    lunch = WorkingPast(CALENDAR, datetime(2026, 11, 23, 5, 30, tzinfo=UTC))
    assert lunch.is_quiet_for(timedelta(minutes=60))
    assert not lunch.is_quiet_for(timedelta(minutes=61))


def test_a_company_that_never_works_has_no_past():
    with pytest.raises(CalendarHasNoTimeError):
        WorkingPast(WorkCalendar("Asia/Ho_Chi_Minh", ((),) * 7), datetime(2026, 11, 23, tzinfo=UTC)).ago(1)
