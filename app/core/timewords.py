"""How long is left, how late is it, when is that? Moments in the words that people say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum, auto

from app.core.errors import Sentence
from app.core.formats import day_text, exact_text, local, time_text, weekday_inside, weekday_text
from app.core.i18n import _, ngettext

MINUTE = timedelta(minutes=1)
# Below this the reader wants to know how long, above it when.
SOON = timedelta(hours=2)


class LatenessKind(StrEnum):
    """The four meanings that the screens colour: red, amber, green, grey."""

    late = auto()
    soon = auto()
    ok = auto()
    none = auto()


@dataclass(frozen=True)
class Lateness:
    """What a badge shows: its meaning and its words."""

    kind: LatenessKind
    text: Sentence
    #: the words are the due moment itself, not how long is left or how late it is
    is_moment: bool = False


def length_text(length: timedelta) -> Sentence:
    """A stretch of time in whole minutes, rounded down: 15 minutes, 1 hour 15 minutes, 3 days."""
    minutes = max(length, timedelta()) // MINUTE
    if minutes >= 24 * 60:
        return ngettext("%(num)d day", "%(num)d days", minutes // (24 * 60))
    hours, minutes = divmod(minutes, 60)
    in_minutes = ngettext("%(num)d minute", "%(num)d minutes", minutes)
    if not hours:
        return in_minutes
    in_hours = ngettext("%(num)d hour", "%(num)d hours", hours)
    return _("%(hours)s %(minutes)s", hours=in_hours, minutes=in_minutes) if minutes else in_hours


_ALONE = {0: _("Today"), 1: _("Tomorrow"), -1: _("Yesterday")}
_INSIDE = {0: _("today"), 1: _("tomorrow"), -1: _("yesterday")}


def moment_text(at: datetime, now: datetime, tz: str | tzinfo) -> Sentence:
    """When that is, seen from now: Today 14:30, Tomorrow 09:15, Monday 23 Nov 09:15; with the year outside this one."""
    return _moment(at, now, tz, _ALONE, weekday_text)


def moment_inside(at: datetime, now: datetime, tz: str | tzinfo) -> Sentence:
    """The same in the middle of a sentence: today 14:30, tomorrow 09:15, Monday 23 Nov 09:15."""
    return _moment(at, now, tz, _INSIDE, weekday_inside)


def until_text(until: datetime, tz: str | tzinfo) -> Sentence:
    """The moment when something ends: to the end of 30/11/2026 (midnight after it), until 30/11/2026 14:30."""
    there = local(until, tz)
    if there.time() == time():
        return _("to the end of %(day)s", day=day_text(there.date() - timedelta(days=1)))
    return _("until %(moment)s", moment=exact_text(until, tz))


def day_heading(day: date, today: date) -> Sentence:
    """Above what happened that day: Today, Yesterday, Monday 23 Nov; with the year outside this one."""
    return _day(day, today, _ALONE, weekday_text)


def _moment(
    at: datetime, now: datetime, tz: str | tzinfo, near: Mapping[int, Sentence], weekday: Callable[[date], Sentence]
) -> Sentence:
    day = _day(local(at, tz).date(), local(now, tz).date(), near, weekday)
    return _("%(day)s %(time)s", day=day, time=time_text(at, tz))


def _day(day: date, today: date, near: Mapping[int, Sentence], weekday: Callable[[date], Sentence]) -> Sentence:
    apart = (day - today).days
    if apart in near:
        return near[apart]
    return weekday(day) if day.year == today.year else day_text(day)


def time_left(due_at: datetime | None, at: datetime, tz: str | tzinfo, *, soon: timedelta = SOON) -> Lateness:
    """How a due moment stands at `at`: late from that very moment on, soon when less than `soon` is left."""
    if due_at is None:
        return Lateness(LatenessKind.none, _("No due date"))
    left = due_at - at
    if left <= -MINUTE:
        return Lateness(LatenessKind.late, _("%(time)s late", time=length_text(-left)))
    if left <= timedelta():
        return Lateness(LatenessKind.late, _("Just due"))
    kind = LatenessKind.soon if left < soon else LatenessKind.ok
    if left > SOON:
        return Lateness(kind, moment_text(due_at, at, tz), is_moment=True)
    # A started minute counts: 4:30 reads "5 minutes left", never "0 minutes".
    return Lateness(kind, _("%(time)s left", time=length_text(left + MINUTE - timedelta.resolution)))
