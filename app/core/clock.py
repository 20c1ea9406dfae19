"""What time is it? The one place that asks the machine; everything else is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_set_to: ContextVar[datetime | None] = ContextVar("clock", default=None)


def of_machine() -> datetime:
    """What the machine's clock says, whatever a thread has been told, aware UTC."""
    return datetime.now(UTC)  # noqa: TID251 - here and nowhere else


def now() -> datetime:
    """The present moment, aware UTC."""
    return _set_to.get() or of_machine()


def told() -> datetime | None:
    """The moment that it is said to be, if anybody has said so."""
    return _set_to.get()


def today(time_zone: str) -> date:
    """The calendar day in that zone."""
    return now().astimezone(ZoneInfo(time_zone)).date()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Inside, it is that moment: the demo company's past is lived through the same services as its present."""
    if moment.tzinfo is None:
        raise ValueError("the clock takes aware moments only")
    token = _set_to.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _set_to.reset(token)
