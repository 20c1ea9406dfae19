from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.deadlines.rules import (
    CalendarHasNoTimeError,
    Clock,
    DayException,
    Interval,
    WeeklyInterval,
    WorkCalendar,
    due_at,
    interval_problems,
    vietnamese_days,
)

VIETNAM = "Asia/Ho_Chi_Minh"
NEW_YORK = "America/New_York"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OFFICE_DAY = (Interval(8 * 60, 12 * 60), Interval(13 * 60 + 30, 17 * 60 + 30))
OFFICE_WEEK = (OFFICE_DAY,) * 5 + ((), ())
SWAPS_AND_HOLIDAYS = tuple(
    DayException(public.day, public.day, OFFICE_DAY if public.worked else ()) for public in vietnamese_days(2026)
)
OFFICE = WorkCalendar(VIETNAM, OFFICE_WEEK, SWAPS_AND_HOLIDAYS)
ALWAYS = WorkCalendar(NEW_YORK, ((Interval(0, 1440),),) * 7)
NEVER = WorkCalendar(VIETNAM, ((),) * 7)


NEW_YEAR = DayException(date(2026, 1, 1), date(2026, 1, 2))


def at(text: str, zone: str = VIETNAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


# The worked examples of spec §5.5.
@pytest.mark.parametrize(
    ("start", "amount", "due"),
    [
        ("2026-11-20T16:45", 2 * HOUR, "2026-11-23T09:15"),  # over the weekend
        ("2026-11-23T15:00", 4 * HOUR, "2026-11-25T09:30"),  # 24/11 is a holiday
        ("2026-08-21T17:00", HOUR, "2026-08-22T08:30"),  # that Saturday is worked instead of 31/08
        ("2026-11-20T12:30", 15 * MINUTE, "2026-11-20T13:45"),  # created at lunch
    ],
)
def test_due_moments_of_the_spec(start, amount, due):
    assert OFFICE.add_working_time(at(start), amount) == at(due)


def test_a_pause_over_lunch_of_the_spec():
    paused = OFFICE.working_time_between(at("2026-11-20T10:00"), at("2026-11-20T14:00"))
    assert paused == timedelta(hours=2, minutes=30)


def test_the_day_swapped_away_is_not_worked():
    assert OFFICE.next_working_moment(at("2026-08-31T09:00")) == at("2026-09-03T08:00")


def test_work_ends_on_the_end_of_an_interval_not_on_the_next_start():
    assert OFFICE.add_working_time(at("2026-11-20T10:00"), 2 * HOUR) == at("2026-11-20T12:00")
    assert OFFICE.add_working_time(at("2026-11-20T16:30"), HOUR) == at("2026-11-20T17:30")


def test_start_on_the_end_minute_of_an_interval():
    assert OFFICE.add_working_time(at("2026-11-20T12:00"), 15 * MINUTE) == at("2026-11-20T13:45")
    assert OFFICE.add_working_time(at("2026-11-20T17:30"), MINUTE) == at("2026-11-23T08:01")


def test_nothing_to_add_is_due_at_once_even_at_night():
    assert OFFICE.add_working_time(at("2026-11-21T23:00"), timedelta()) == at("2026-11-21T23:00")


def test_seconds_are_kept():
    assert OFFICE.add_working_time(at("2026-11-20T11:59:30"), MINUTE) == at("2026-11-20T13:30:30")


def test_tet_takes_nine_days():
    assert OFFICE.add_working_time(at("2026-02-13T17:00"), HOUR) == at("2026-02-23T08:30")


@pytest.mark.parametrize(
    ("moment", "working"),
    [
        ("2026-11-20T08:00", True),
        ("2026-11-20T07:59:59", False),
        ("2026-11-20T12:00", False),
        ("2026-11-20T13:30", True),
        ("2026-11-20T17:30", False),
        ("2026-11-21T09:00", False),
        ("2026-08-22T09:00", True),
        ("2026-11-24T09:00", False),
    ],
)
def test_an_interval_holds_its_start_and_not_its_end(moment, working):
    assert OFFICE.is_working(at(moment)) is working
    assert (OFFICE.next_working_moment(at(moment)) == at(moment)) is working


def test_other_hours_replace_the_week_for_their_days():
    short = DayException(date(2026, 12, 30), date(2026, 12, 31), (Interval(480, 720),))
    calendar = WorkCalendar(VIETNAM, OFFICE_WEEK, (short,))
    assert calendar.add_working_time(at("2026-12-30T11:00"), 2 * HOUR) == at("2026-12-31T09:00")
    assert calendar.working_time_between(at("2026-12-30T00:00"), at("2027-01-01T00:00")) == 8 * HOUR


def test_a_night_shift_is_two_intervals():
    nights = WorkCalendar(VIETNAM, ((Interval(22 * 60, 1440), Interval(0, 6 * 60)),) * 7)
    assert nights.add_working_time(at("2026-11-20T23:00"), 3 * HOUR) == at("2026-11-21T02:00")


def test_a_calendar_without_enough_time_says_so_instead_of_searching_for_ever():
    for ask in (lambda: NEVER.add_working_time(at("2026-11-20T09:00"), MINUTE),
                lambda: NEVER.next_working_moment(at("2026-11-20T09:00")),
                lambda: OFFICE.add_working_time(at("2026-11-20T09:00"), timedelta(days=365))):  # fmt: skip
        with pytest.raises(CalendarHasNoTimeError):
            ask()


def test_time_between_is_never_negative():
    assert OFFICE.working_time_between(at("2026-11-20T14:00"), at("2026-11-20T10:00")) == timedelta()


def test_time_cannot_be_taken_away():
    with pytest.raises(ValueError, match="taken away"):
        OFFICE.add_working_time(at("2026-11-20T14:00"), -MINUTE)


def test_naive_moments_are_refused():
    naive = datetime(2026, 11, 20, 9)
    for ask in (lambda: OFFICE.add_working_time(naive, timedelta()), lambda: OFFICE.is_working(naive),
                lambda: due_at(naive, HOUR, Clock.wall, OFFICE)):  # fmt: skip
        with pytest.raises(ValueError, match="naive"):
            ask()


def test_the_wall_clock_counts_all_time():
    start = at("2026-11-20T16:45")
    assert due_at(start, 2 * HOUR, Clock.wall, OFFICE) == at("2026-11-20T18:45")
    assert due_at(start, 2 * HOUR, "calendar", OFFICE) == at("2026-11-23T09:15")


# In New York the clock skips 02:00–03:00 on 8 March 2026 and repeats 01:00–02:00 on 1 November 2026.
def test_a_spring_night_is_an_hour_shorter():
    assert ALWAYS.working_time_between(at("2026-03-08T00:00", NEW_YORK), at("2026-03-09T00:00", NEW_YORK)) == 23 * HOUR
    assert ALWAYS.add_working_time(at("2026-03-08T01:30", NEW_YORK), HOUR) == at("2026-03-08T03:30", NEW_YORK)


def test_an_autumn_night_is_an_hour_longer():
    assert ALWAYS.working_time_between(at("2026-11-01T00:00", NEW_YORK), at("2026-11-02T00:00", NEW_YORK)) == 25 * HOUR


def test_office_hours_after_the_change_keep_their_wall_clock():
    office = WorkCalendar(NEW_YORK, (OFFICE_DAY,) * 7)
    assert office.add_working_time(at("2026-03-07T17:00", NEW_YORK), HOUR) == at("2026-03-08T08:30", NEW_YORK)


@pytest.mark.parametrize(
    ("hours", "worked"),
    [
        (Interval(60, 150), HOUR),  # 01:00–02:30 loses the half that the clock skips
        (Interval(150, 240), HOUR),  # 02:30–04:00 begins when the clock shows 03:00
        (Interval(125, 175), timedelta()),  # 02:05–02:55 does not happen
    ],
)
def test_skipped_wall_time_is_not_worked(hours, worked):
    night = WorkCalendar(NEW_YORK, ((hours,),) * 7)
    day = at("2026-03-08T00:00", NEW_YORK)
    assert night.working_time_between(day, day + 23 * HOUR) == worked
    assert night.is_working(night.next_working_moment(day))


@pytest.mark.parametrize(
    ("week", "exceptions"),
    [
        (((Interval(480, 480),),) + ((),) * 6, ()),
        (((Interval(720, 480),),) + ((),) * 6, ()),
        (((Interval(-1, 480),),) + ((),) * 6, ()),
        (((Interval(480, 1441),),) + ((),) * 6, ()),
        (((Interval(480, 720), Interval(700, 800)),) + ((),) * 6, ()),
        (((),) * 6, ()),
        (OFFICE_WEEK, (NEW_YEAR, NEW_YEAR)),
        (OFFICE_WEEK, (DayException(date(2026, 1, 1), date(2026, 1, 1), (Interval(9, 3),)),)),
    ],
)  # fmt: skip
def test_impossible_calendars_are_bugs(week, exceptions):
    with pytest.raises(ValueError, match=r"impossible|seven|two exceptions"):
        WorkCalendar(VIETNAM, week, exceptions)


def test_problems_name_the_field_of_the_interval_as_it_was_given():
    week = [
        WeeklyInterval(0, 13 * 60, 17 * 60),
        WeeklyInterval(0, 8 * 60, 13 * 60 + 1),
        WeeklyInterval(1, 12 * 60, 8 * 60),
        WeeklyInterval(7, 8 * 60, 12 * 60),
        WeeklyInterval(2, 1440, 1440),
        WeeklyInterval(3, 8 * 60, 1441),
        WeeklyInterval(4, 8 * 60, 12 * 60),
        WeeklyInterval(4, 12 * 60, 14 * 60),
        WeeklyInterval(4, 8 * 60, 12 * 60),
    ]
    assert set(interval_problems(week)) == {"0.start", "2.end", "3.weekday", "4.start", "5.end", "8.start"}


def test_an_interval_inside_another_does_not_hide_the_next_overlap():
    week = [WeeklyInterval(0, 0, 600), WeeklyInterval(0, 60, 120), WeeklyInterval(0, 300, 400)]
    assert set(interval_problems(week)) == {"1.start", "2.start"}


def test_public_days_of_2026():
    days = vietnamese_days(2026)
    assert [public.day for public in days if public.worked] == [date(2026, 8, 22)]
    assert [f"{public.day:%d/%m}" for public in days if not public.worked] == [
        "01/01", "16/02", "17/02", "18/02", "19/02", "20/02", "26/04", "27/04", "30/04", "01/05", "31/08", "01/09",
        "02/09", "24/11",
    ]  # fmt: skip
    assert days[-1].name == "Ngày Văn hóa Việt Nam"


def test_a_december_day_worked_for_january_belongs_to_december():
    assert date(2014, 12, 27) in [public.day for public in vietnamese_days(2014) if public.worked]


class Oracle:
    """Working time by walking over every minute with the clock on the wall; slow, and written another way.

    Where the wall clock goes back, its highest reading counts.
    """

    def __init__(self, calendar: WorkCalendar, first: datetime, minutes: int) -> None:
        self.working: list[bool] = []
        zone = ZoneInfo(calendar.time_zone)
        highest = datetime(1, 1, 1)
        for passed in range(-1440, minutes):
            wall = (first + passed * MINUTE).astimezone(zone).replace(tzinfo=None)
            highest = max(highest, wall)
            minute = highest.hour * 60 + highest.minute
            hours = next(
                (day.intervals for day in calendar.exceptions if day.first <= highest.date() <= day.last),
                calendar.week[highest.weekday()],
            )
            if passed >= 0:
                self.working.append(any(part.start <= minute < part.end for part in hours))
        self.first = first

    def add(self, start: int, amount: int) -> int | None:
        """The minute at which `amount` working minutes have passed; None if later than the oracle looked."""
        at = start
        while amount:
            if at == len(self.working):
                return None
            amount -= self.working[at]
            at += 1
        return at


# From the Friday before the clock changes to the Wednesday after it.
LOOKED = 6 * 1440
FIRSTS = {
    "spring": at("2026-03-06T00:00", NEW_YORK),
    "autumn": at("2026-10-30T00:00", NEW_YORK),
    "Tết": at("2026-02-13T00:00"),
    "24/11": at("2026-11-20T00:00"),
}


@st.composite
def hours_of_a_day(draw: st.DrawFn) -> tuple[Interval, ...]:
    edges = sorted(draw(st.sets(st.integers(0, 96), max_size=6)))
    return tuple(Interval(a * 15, b * 15) for a, b in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def calendars(draw: st.DrawFn, first: datetime, zone: str) -> WorkCalendar:
    week = tuple(draw(st.lists(hours_of_a_day(), min_size=7, max_size=7)))
    day = first.astimezone(ZoneInfo(zone)).date()
    offsets = sorted(draw(st.sets(st.integers(0, 6), max_size=3)))
    different = tuple(
        DayException(day + timedelta(offset), day + timedelta(offset), draw(hours_of_a_day())) for offset in offsets
    )
    return WorkCalendar(zone, week, different)


@given(st.data(), st.sampled_from(sorted(FIRSTS)), st.sampled_from([VIETNAM, NEW_YORK]))
def test_arithmetic_agrees_with_walking_over_every_minute(data, season, zone):
    first = FIRSTS[season]
    calendar = data.draw(calendars(first, zone))
    oracle = Oracle(calendar, first, LOOKED)
    for _round in range(10):
        begin, end = sorted(data.draw(st.tuples(st.integers(0, LOOKED - 1), st.integers(0, LOOKED - 1))))
        amount = data.draw(st.integers(0, 600))
        assert calendar.is_working(first + begin * MINUTE) is oracle.working[begin]
        assert calendar.working_time_between(first + begin * MINUTE, first + end * MINUTE) == MINUTE * sum(
            oracle.working[begin:end]
        )
        due = oracle.add(begin, amount)
        if due is not None:
            assert calendar.add_working_time(first + begin * MINUTE, amount * MINUTE) == first + due * MINUTE
        if True in oracle.working[begin:]:
            expected = first + oracle.working.index(True, begin) * MINUTE
            assert calendar.next_working_moment(first + begin * MINUTE) == expected


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
AMOUNTS = st.timedeltas(timedelta(), timedelta(hours=200))
SUMMER_TIME = WorkCalendar(NEW_YORK, ((Interval(30, 150), *OFFICE_DAY),) * 7)
CALENDARS = st.sampled_from([OFFICE, ALWAYS, SUMMER_TIME])


@given(CALENDARS, MOMENTS, AMOUNTS, AMOUNTS)
def test_adding_in_two_steps_is_adding_at_once(calendar, start, one, other):
    in_steps = calendar.add_working_time(calendar.add_working_time(start, one), other)
    assert in_steps == calendar.add_working_time(start, one + other)


@given(CALENDARS, MOMENTS, AMOUNTS)
def test_between_is_the_inverse_of_adding(calendar, start, amount):
    assert calendar.working_time_between(start, calendar.add_working_time(start, amount)) == amount


@given(CALENDARS, MOMENTS, MOMENTS, AMOUNTS, AMOUNTS)
def test_later_and_longer_work_is_never_due_earlier(calendar, one, other, little, much):
    little, much = sorted((little, much))
    earlier, later = sorted((one, other))
    assert calendar.add_working_time(earlier, little) <= calendar.add_working_time(later, little)
    assert calendar.add_working_time(earlier, little) <= calendar.add_working_time(earlier, much)


@given(CALENDARS, MOMENTS)
def test_the_next_working_moment_is_working_and_costs_no_working_time(calendar, moment):
    following = calendar.next_working_moment(moment)
    assert calendar.is_working(following)
    assert calendar.working_time_between(moment, following) == timedelta()
