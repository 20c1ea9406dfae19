"""How long is left, how late is it, when is that? Moments in the words that people say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum, auto

from app.core.errors import Sentence
from app.core.i18n import _, ngettext
from app.core.vietnamese import format_datetime, format_time, local

MINUTE = timedelta(minutes=1)
# Below this the reader wants to know how long, above it when.
SOON = timedelta(hours=2)
WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))


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


def moment_text(at: datetime, now: datetime, tz: str | tzinfo) -> Sentence:
    """When that is, seen from now: Today 14:30, Tomorrow 09:15, Monday 23/11 09:15; with the year outside this one."""
    there, here = local(at, tz), local(now, tz)
    time = format_time(at, tz)
    match (there.date() - here.date()).days:
        case 0:
            return _("Today %(time)s", time=time)
        case 1:
            return _("Tomorrow %(time)s", time=time)
        case -1:
            return _("Yesterday %(time)s", time=time)
    if there.year != here.year:
        return format_datetime(at, tz)
    return _("%(weekday)s %(day)s %(time)s", weekday=WEEKDAYS[there.weekday()], day=f"{there:%d/%m}", time=time)


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
        return Lateness(kind, moment_text(due_at, at, tz))
    # A started minute counts: 4:30 reads "5 minutes left", never "0 minutes".
    return Lateness(kind, _("%(time)s left", time=length_text(left + MINUTE - timedelta.resolution)))
