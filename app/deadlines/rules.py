"""When is work due, if only working time counts? Arithmetic over intervals, holidays and swapped days; no database."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum, auto
from typing import Self
from zoneinfo import ZoneInfo

from app.core.errors import BusinessError, Sentence
from app.core.i18n import _

MINUTE = timedelta(minutes=1)
DAY_MINUTES = 24 * 60
WEEK_DAYS = 7
# Tết takes nine days; two years without enough time mean a wrong calendar, not a long holiday.
LONGEST_SEARCH_DAYS = 2 * 366


class Clock(StrEnum):
    """Which time a deadline counts: only the working time of the calendar, or all of it."""

    calendar = auto()
    wall = auto()


class CalendarHasNoTimeError(BusinessError):
    """Two years of the calendar do not hold the time asked for."""

    message = _("The work calendar has not enough working time within two years.")


@dataclass(frozen=True, order=True)
class Interval:
    """Working time within one day, in minutes after midnight on the wall: start included, end not; 1440 is midnight."""

    start: int
    end: int


@dataclass(frozen=True, order=True)
class WeeklyInterval:
    """Working time on one weekday (0 is Monday)."""

    weekday: int
    start: int
    end: int


@dataclass(frozen=True)
class DayException:
    """The days from `first` to `last` (included) have these intervals instead of their week's; a holiday has none."""

    first: date
    last: date
    intervals: tuple[Interval, ...] = ()

    def days(self) -> Iterator[date]:
        for offset in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=offset)


def interval_problems(intervals: Sequence[WeeklyInterval]) -> dict[str, list[Sentence]]:
    """What is wrong with the hours of a week, by field: `N.weekday`, `N.start` or `N.end`, N counting from 0.

    Intervals that touch (one ends at 12:00, the next begins then) do not overlap.
    """
    problems: dict[str, list[Sentence]] = {}
    last_end: dict[int, int] = {}
    for place, part in sorted(enumerate(intervals), key=lambda numbered: numbered[1]):
        if not 0 <= part.weekday < WEEK_DAYS:
            problems[f"{place}.weekday"] = [_("Choose a day from Monday to Sunday.")]
        elif not 0 <= part.start < DAY_MINUTES:
            problems[f"{place}.start"] = [_("Write a time from 00:00 to 23:59.")]
        elif not part.start < part.end <= DAY_MINUTES:
            problems[f"{place}.end"] = [_("Working hours must end after their start and by 24:00.")]
        elif part.start < last_end.get(part.weekday, 0):
            problems[f"{place}.start"] = [_("These hours overlap with others on the same day.")]
        else:
            last_end[part.weekday] = part.end
    return problems


def utc(at: datetime) -> datetime:
    """The same moment in UTC. Raises ValueError for a naive one, which would be read in the machine's own zone."""
    if at.tzinfo is None:
        raise ValueError(f"naive datetime {at!r}: moments are aware UTC")
    return at.astimezone(UTC)


@dataclass(frozen=True)
class WorkCalendar:
    """The working time of a company: seven weekdays, the days that differ, and the time zone of its walls.

    A wall-clock time stands for the first moment at which the clock shows it or more: an hour that the clock skips in
    spring is not worked, an hour that it repeats in autumn belongs to the interval that it interrupts.
    Raises ValueError when intervals are reversed, outside the day or overlapping, or when two exceptions share a day.
    """

    time_zone: str
    week: tuple[tuple[Interval, ...], ...]
    exceptions: tuple[DayException, ...] = ()
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _by_day: Mapping[date, tuple[Interval, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != WEEK_DAYS:
            raise ValueError("a week has seven days")
        by_day: dict[date, tuple[Interval, ...]] = {}
        for exception in self.exceptions:
            for day in exception.days():
                if day in by_day:
                    raise ValueError(f"two exceptions on {day}")
                by_day[day] = tuple(sorted(exception.intervals))
        for hours in (*self.week, *by_day.values()):
            if interval_problems([WeeklyInterval(0, part.start, part.end) for part in hours]):
                raise ValueError(f"impossible working hours: {hours}")
        object.__setattr__(self, "week", tuple(tuple(sorted(intervals)) for intervals in self.week))
        object.__setattr__(self, "_zone", ZoneInfo(self.time_zone))
        object.__setattr__(self, "_by_day", by_day)

    @classmethod
    def of(cls, time_zone: str, weekly: Iterable[WeeklyInterval], exceptions: Sequence[DayException] = ()) -> Self:
        """The calendar from a flat list of weekly intervals."""
        week: list[list[Interval]] = [[] for _weekday in range(WEEK_DAYS)]
        for part in weekly:
            week[part.weekday].append(Interval(part.start, part.end))
        return cls(time_zone, tuple(map(tuple, week)), tuple(exceptions))

    def intervals_on(self, day: date) -> tuple[Interval, ...]:
        """The working hours of that day, by the clock on the wall."""
        return self._by_day.get(day, self.week[day.weekday()])

    def is_working(self, at: datetime) -> bool:
        """Whether `at` is working time: the first minute of an interval is, its end is not."""
        moment = utc(at)
        return any(start <= moment < end for start, end in self._spans_on(self._day(moment)))

    def next_working_moment(self, at: datetime) -> datetime:
        """`at` itself in working time, else the next start of work, in UTC. Raises CalendarHasNoTimeError."""
        moment = utc(at)
        for start, end in self._spans_from(moment):
            if moment < end:
                return max(moment, start)
        raise CalendarHasNoTimeError

    def add_working_time(self, start: datetime, amount: timedelta) -> datetime:
        """The moment at which `amount` of working time has passed since `start` (aware), in UTC.

        It falls on the end of an interval rather than on the start of the next one; nothing to add gives `start`.
        Raises CalendarHasNoTimeError when two years do not hold that much, ValueError for a negative amount.
        """
        if amount < timedelta():
            raise ValueError("working time cannot be taken away")
        moment = utc(start)
        if not amount:
            return moment
        for span_start, span_end in self._spans_from(moment):
            begins = max(moment, span_start)
            free = span_end - begins
            if free >= amount:
                return begins + amount
            amount -= max(free, timedelta())
        raise CalendarHasNoTimeError

    def working_time_between(self, begin: datetime, end: datetime) -> timedelta:
        """The working time in [begin, end); zero when `end` is not later."""
        begin, end = utc(begin), utc(end)
        total, day, last = timedelta(), self._day(begin), self._day(end)
        while day <= last:
            for span_start, span_end in self._spans_on(day):
                total += max(min(end, span_end) - max(begin, span_start), timedelta())
            day += timedelta(days=1)
        return total

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()

    def _spans_from(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        first = self._day(moment)
        for offset in range(LONGEST_SEARCH_DAYS):
            yield from self._spans_on(first + timedelta(days=offset))

    def _spans_on(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The working hours of that day as moments in UTC, in order; without those that the clock skips."""
        for part in self.intervals_on(day):
            start, end = self._moment(day, part.start), self._moment(day, part.end)
            if start < end:
                yield start, end

    def _moment(self, day: date, minute: int) -> datetime:
        wall = datetime(day.year, day.month, day.day) + minute * MINUTE  # noqa: DTZ001 - a reading of the wall clock
        moment = wall.replace(tzinfo=self._zone).astimezone(UTC)
        if moment.astimezone(self._zone).replace(tzinfo=None) == wall:
            return moment
        # The clock skips this reading: it jumps past it somewhere between the two ways to understand it.
        earliest = wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        minutes = range((moment - earliest) // MINUTE + 1)
        jump = bisect_left(
            minutes, wall, key=lambda passed: (earliest + passed * MINUTE).astimezone(self._zone).replace(tzinfo=None)
        )
        return earliest + jump * MINUTE


def due_at(start: datetime, amount: timedelta, clock: str, calendar: WorkCalendar) -> datetime:
    """The moment at which work begun at `start` is due, in UTC. `clock` is a Clock or its stored name."""
    if Clock(clock) is Clock.wall:
        return utc(start) + amount
    return calendar.add_working_time(start, amount)


@dataclass(frozen=True, order=True)
class PublicDay:
    """A day that the state takes out of the working week, or gives to it (`worked`: swapped for a day off)."""

    day: date
    worked: bool
    #: the holiday's name in Vietnamese; empty for a worked day
    name: str = ""


def vietnamese_days(year: int) -> tuple[PublicDay, ...]:
    """The public holidays of Vietnam in that year with their substitutes, and the swapped working days, by date.

    Source: the library `holidays`; what a later decree swaps comes with its updates.
    """
    # Imported when used: only making and refreshing a calendar needs it.
    from holidays import country_holidays

    # The library lists worked days of other years too, such as a December day worked for one in January.
    found = country_holidays("VN", years=year, language="vi")
    holidays = [PublicDay(day, worked=False, name=name) for day, name in found.items()]
    worked = [PublicDay(day, worked=True) for day in found.weekend_workdays]
    return tuple(sorted(public for public in holidays + worked if public.day.year == year))
