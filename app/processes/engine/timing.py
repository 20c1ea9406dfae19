"""When does a timer strike? How BPMN writes it down: after a while, at a moment, again and again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum, auto

_DURATION = re.compile(
    r"P(?:([0-9]{1,4})W)?(?:([0-9]{1,5})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})S)?)?"
)
_REPEAT = re.compile(r"R([0-9]{0,4})/(?:([^/]+)/)?(P[^/]+)")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T.+)?")
#: a clock that strikes more often than this would flood people with work
SHORTEST_PERIOD = timedelta(minutes=1)


class Clock(StrEnum):
    """How a duration counts: working time on the assignee's calendar, or all time."""

    calendar = auto()
    wall = auto()


@dataclass(frozen=True, slots=True)
class TimerSpec:
    """After `amount` (counted on `clock`); at a `moment`, or at the one that the value `key` names; or, with `repeats`,
    every `amount`, `times` times (None: without end), the first time at `moment` or else after one `amount`.

    A moment without a zone is meant on the company's walls.
    """

    amount: timedelta | None = None
    clock: Clock = Clock.calendar
    moment: datetime | None = None
    key: str = ""
    repeats: bool = False
    times: int | None = 1


def parse_duration(text: str) -> timedelta:
    """Read an ISO 8601 duration in weeks to seconds; ValueError when it is malformed or not longer than nothing.

    Months and years have no fixed length and are refused.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or text.strip().endswith("T"):
        raise ValueError(text)
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    duration = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not duration:
        raise ValueError(text)
    return duration


def parse_moment(text: str) -> datetime:
    """Read `2026-11-23`, `2026-11-23T09:00` or one with a zone; ValueError when it is none of them."""
    text = text.strip()
    if _MOMENT.fullmatch(text) is None:
        raise ValueError(text)
    moment = datetime.fromisoformat(text) if "T" in text else datetime.combine(date.fromisoformat(text), time())
    if not 1900 <= moment.year <= 9000:
        raise ValueError(text)
    return moment


def parse_repeat(text: str) -> tuple[int | None, datetime | None, timedelta]:
    """Read `R3/PT1H`, `R/P1D` or `R/2026-11-23T08:00/P1D`: how often, from when, how long between two; or ValueError.

    `R1` is once; `R` and `R-1` alone mean without end, `R0` and periods under SHORTEST_PERIOD are refused.
    """
    match = _REPEAT.fullmatch(text.strip().replace("R-1/", "R/"))
    if match is None:
        raise ValueError(text)
    times, first, period = match.groups()
    amount = parse_duration(period)
    if (times and int(times) == 0) or amount < SHORTEST_PERIOD:
        raise ValueError(text)
    return (int(times) if times else None), (parse_moment(first) if first else None), amount
