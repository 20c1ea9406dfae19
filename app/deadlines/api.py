"""Working calendars for programs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core import edge
from app.core.access import visible
from app.core.api import Api, equals, listing, verb
from app.deadlines.models import Calendar, CalendarException, CalendarExceptionInterval, CalendarInterval

_ORDERS = {"name": Calendar.name, "code": Calendar.code, "id": Calendar.id}


class CalendarApi(Api):
    resource_name = "calendars"
    resource = "Calendar"

    @verb("/", "GET", "When the company works: usual weeks and other days", query=listing(_ORDERS, code="exactly"))
    def index(self) -> dict[str, Any]:
        return self.page(
            select(Calendar).where(visible(Calendar, edge.actor())),
            show=_shown,
            orders=_ORDERS,
            default_order="name",
            filters={"code": equals(Calendar.code)},
            key=Calendar.id,
            load=(
                selectinload(Calendar.intervals),
                selectinload(Calendar.exceptions).joinedload(CalendarException.intervals),
            ),
        )


def _shown(calendar: Calendar) -> dict[str, Any]:
    """`weekday` 0 is Monday; the days of an exception include both ends."""
    return {
        "id": calendar.id,
        "code": calendar.code,
        "name": calendar.name,
        "time_zone": calendar.time_zone,
        "week": [{"weekday": part.weekday, **_hours(part)} for part in calendar.intervals],
        "exceptions": [
            {
                "from": day.date_from.isoformat(),
                "to": day.date_to.isoformat(),
                "kind": day.kind,
                "note": day.note,
                "hours": [_hours(part) for part in day.intervals],
            }
            for day in calendar.exceptions
        ],
        "rev": calendar.rev,
    }


def _hours(part: CalendarInterval | CalendarExceptionInterval) -> dict[str, str]:
    """Midnight at the end of a day is 24:00."""
    return {"start": _clock(part.start_minute), "end": _clock(part.end_minute)}


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
