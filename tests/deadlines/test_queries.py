from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import NoResultFound

from app.core.access import SYSTEM, Actor, Scope, visible
from app.core.db import db, transaction
from app.deadlines import services
from app.deadlines.models import Calendar
from app.deadlines.queries import company_calendar, find_company_calendar
from app.deadlines.rules import WeeklyInterval

MONDAY_MORNING = WeeklyInterval(0, 480, 720)


@pytest.fixture
def statements(app):
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_more):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    return seen


def test_before_the_company_is_set_up_there_is_no_calendar(session):
    assert find_company_calendar(session) is None
    with pytest.raises(NoResultFound):
        company_calendar(session)


def test_the_calendar_counts_the_companys_hours(session):
    services.create_company_calendar(session, by=SYSTEM, years=[2026])
    hours = company_calendar(session)
    assert hours.intervals_on(date(2026, 8, 22)) == hours.intervals_on(date(2026, 11, 23)) != ()
    assert hours.intervals_on(date(2026, 11, 24)) == ()


def test_an_unchanged_calendar_costs_one_query(session, statements):
    services.create_company_calendar(session, by=SYSTEM, years=[2026])
    first = company_calendar(session)
    statements.clear()
    assert company_calendar(session) is first
    assert len(statements) == 1


def test_a_change_is_seen_at_once(session):
    calendar = services.create_company_calendar(session, by=SYSTEM, years=[2026])
    company_calendar(session)
    services.replace_intervals(session, calendar, [MONDAY_MORNING], by=SYSTEM, rev=calendar.rev)
    assert company_calendar(session).week[1] == ()
    services.refresh_holidays(session, calendar, by=SYSTEM, year=2027)
    assert company_calendar(session).intervals_on(date(2027, 5, 3)) == ()


def test_a_change_that_was_rolled_back_is_forgotten(app):
    with transaction(SYSTEM) as session:
        services.create_company_calendar(session, by=SYSTEM, years=[2026])
    with pytest.raises(ZeroDivisionError):
        undone()
    with transaction(SYSTEM) as session:
        change(session, [*services.OFFICE_WEEK, WeeklyInterval(5, 480, 720)])
        assert company_calendar(session).week[5] != ()


def undone():
    with transaction(SYSTEM) as session:
        change(session, [MONDAY_MORNING])
        assert company_calendar(session).week[1] == ()
        raise ZeroDivisionError


def change(session, week):
    calendar = find_company_calendar(session)
    services.replace_intervals(session, calendar, week, by=SYSTEM, rev=calendar.rev)


def test_everybody_with_the_right_sees_the_calendar_and_nobody_else(session):
    calendar = services.create_company_calendar(session, by=SYSTEM, years=[])
    lan = Actor(user_id=7, permissions=frozenset({("view", "Calendar")}), scopes={("Calendar", "view"): Scope.all})
    stranger = Actor(user_id=8)
    assert session.scalars(select(Calendar).where(visible(Calendar, lan))).all() == [calendar]
    assert session.scalars(select(Calendar).where(visible(Calendar, stranger))).all() == []
    assert session.scalars(select(Calendar).where(visible(Calendar, lan, "edit"))).all() == []
