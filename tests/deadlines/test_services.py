from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.errors import ConflictError, InvalidInputError, NotAllowedError
from app.deadlines import services
from app.deadlines.models import CalendarException, CalendarInterval, ExceptionKind
from app.deadlines.queries import work_calendar
from app.deadlines.rules import Interval, WeeklyInterval

LAN = Actor(user_id=1, username="lan", permissions=frozenset({("view", "Calendar")}))
OFFICE_DAY = (Interval(480, 720), Interval(810, 1050))
SATURDAY_MORNING = WeeklyInterval(5, 480, 720)


@pytest.fixture
def calendar(session):
    return services.create_company_calendar(session, by=SYSTEM, years=[2026])


def week_of(session, calendar):
    session.expire(calendar)
    return [(row.weekday, row.start_minute, row.end_minute) for row in calendar.intervals]


def test_the_company_starts_with_office_hours_and_free_weekends(session, calendar):
    hours = work_calendar(calendar)
    assert hours.time_zone == "Asia/Ho_Chi_Minh"
    assert hours.week == (OFFICE_DAY,) * 5 + ((), ())


def test_public_days_are_exceptions_and_the_swapped_saturday_is_worked_like_a_monday(session, calendar):
    hours = work_calendar(calendar)
    assert hours.intervals_on(date(2026, 8, 22)) == OFFICE_DAY
    for day in (date(2026, 2, 17), date(2026, 4, 27), date(2026, 8, 31), date(2026, 9, 2), date(2026, 11, 24)):
        assert hours.intervals_on(day) == ()
    kinds = {row.date_from: row.kind for row in calendar.exceptions}
    assert kinds[date(2026, 8, 22)] is ExceptionKind.worked
    assert kinds[date(2026, 8, 31)] is ExceptionKind.holiday


def test_refreshing_a_year_twice_adds_it_once(session, calendar):
    assert services.refresh_holidays(session, calendar, by=SYSTEM, year=2026) == 0
    rev = calendar.rev
    assert services.refresh_holidays(session, calendar, by=SYSTEM, year=2027) == 15
    assert calendar.rev == rev + 1
    assert services.refresh_holidays(session, calendar, by=SYSTEM, year=2027) == 0
    assert calendar.rev == rev + 1


def test_refreshing_respects_what_the_company_has_set(session, calendar):
    longer_tet = CalendarException(
        date_from=date(2027, 2, 1), date_to=date(2027, 2, 12), kind=ExceptionKind.holiday, note="Nghỉ Tết"
    )
    calendar.exceptions.append(longer_tet)
    services.refresh_holidays(session, calendar, by=SYSTEM, year=2027)
    in_february = [row.note for row in calendar.exceptions if (row.date_from.year, row.date_from.month) == (2027, 2)]
    assert in_february == ["Nghỉ Tết"]


def test_another_week_replaces_the_old_one_and_counts_as_a_change(session, calendar):
    rev = calendar.rev
    week = [WeeklyInterval(day, 450, 720) for day in range(6)] + [WeeklyInterval(day, 810, 1020) for day in range(5)]
    services.replace_intervals(session, calendar, week, by=SYSTEM, rev=rev)
    assert week_of(session, calendar) == sorted((part.weekday, part.start, part.end) for part in week)
    assert session.scalar(select(func.count()).select_from(CalendarInterval)) == 11
    assert calendar.rev == rev + 1


def test_rows_that_stay_are_not_written_again(session, calendar):
    before = {row.id for row in calendar.intervals}
    services.replace_intervals(
        session, calendar, [*services.OFFICE_WEEK, SATURDAY_MORNING], by=SYSTEM, rev=calendar.rev
    )
    assert before < {row.id for row in calendar.intervals}


def test_an_interval_may_keep_its_start_and_end_earlier(session, calendar):
    services.replace_intervals(session, calendar, [WeeklyInterval(0, 480, 660)], by=SYSTEM, rev=calendar.rev)
    assert week_of(session, calendar) == [(0, 480, 660)]


def test_two_changes_in_one_moment_are_two_revisions(session, calendar):
    rev = calendar.rev
    with clock.at(clock.now()):
        services.replace_intervals(session, calendar, [SATURDAY_MORNING], by=SYSTEM, rev=rev)
        services.replace_intervals(session, calendar, services.OFFICE_WEEK, by=SYSTEM, rev=rev + 1)
    assert calendar.rev == rev + 2


def test_a_calendar_without_hours_is_refused(session, calendar):
    with pytest.raises(services.CalendarWithoutHoursError):
        services.replace_intervals(session, calendar, [], by=SYSTEM, rev=calendar.rev)


def test_impossible_hours_are_refused_beside_their_fields(session, calendar):
    week = [WeeklyInterval(0, 480, 720), WeeklyInterval(0, 700, 800), WeeklyInterval(1, 720, 480)]
    with pytest.raises(InvalidInputError) as refusal:
        services.replace_intervals(session, calendar, week, by=SYSTEM, rev=calendar.rev)
    assert set(refusal.value.fields) == {"intervals.1.start", "intervals.2.end"}
    assert work_calendar(calendar).week[0] == OFFICE_DAY


def test_a_change_on_an_older_revision_is_refused(session, calendar):
    with pytest.raises(ConflictError):
        services.replace_intervals(session, calendar, [SATURDAY_MORNING], by=SYSTEM, rev=calendar.rev - 1)


def test_who_may_only_look_changes_nothing(session, calendar):
    with pytest.raises(NotAllowedError):
        services.replace_intervals(session, calendar, [SATURDAY_MORNING], by=LAN, rev=calendar.rev)
    with pytest.raises(NotAllowedError):
        services.refresh_holidays(session, calendar, by=LAN, year=2027)
    with pytest.raises(NotAllowedError):
        services.create_company_calendar(session, by=LAN, years=[2026])
