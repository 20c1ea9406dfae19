"""Date and time: a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from app.core.formats import day_text, exact_text, missing_day, read_day, typed_moment
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.core.vietnamese import as_typed
from app.forms.fields import base
from app.forms.fields.base import Face, FieldSpec, JsonSchema, Kind, Refused, Value
from app.forms.fields.date import DateType
from app.forms.fields.settings import Setting
from app.forms.fields.time import read_time


class DateTimeType(DateType):
    """Typed as 22/11/2026 14:30 in the reader's time zone, or sent as an ISO moment; kept in UTC to the minute. Its day
    is that of the company, as in conditions: the same moment is taken or refused from wherever it comes."""

    code = "date_time"
    settings: ClassVar[tuple[Setting, ...]] = tuple(one for one in DateType.settings if one.name != "maps_to")
    label = _("Date and time")
    index: ClassVar[Kind | None] = Kind.moment
    typed_as: ClassVar[str] = "moment"
    face: ClassVar[Face] = Face(mode="numeric", placeholder=_("dd/mm/yyyy hh:mm"), helper="moment")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        known = isinstance(raw, str) and len(raw) <= base.LONGEST_TYPED
        zone = ZoneInfo(context.time_zone)
        moment = _moment(raw, zone) if known else None  # type: ignore[arg-type]
        if moment is None:
            no_day = missing_day(str(raw).partition(" ")[0]) if known else None
            raise Refused(no_day or _("Day and time are not right yet. Example: 22/11/2026 14:30"))
        day = moment.astimezone(ZoneInfo(DEFAULT_TIME_ZONE)).date()
        earliest, latest = self.bounds(spec)
        if day < earliest:
            raise Refused(_("Not before %(day)s, please.", day=day_text(earliest)))
        if day > latest:
            raise Refused(_("Not after %(day)s, please.", day=day_text(latest)))
        return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}:00Z"

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(exact_text(datetime.fromisoformat(str(value)), context.time_zone))

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return typed_moment(datetime.fromisoformat(str(value)), context.time_zone)

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "string", "format": "date-time"}


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """Aware; what has no zone of its own is a moment in `zone`. None when it is none, or lies beyond the calendar."""
    typed = as_typed(text)
    first, _blank, rest = typed.partition(" ")
    day, time = read_day(first), read_time(rest)
    try:
        if day is not None and time is not None:
            moment = datetime.fromisoformat(f"{day.isoformat()}T{time}")
        elif "T" in typed and date.fromisoformat(typed[:10]):
            moment = datetime.fromisoformat(typed)
        else:
            return None
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        moment.astimezone(UTC), moment.astimezone(zone)
    except (ValueError, OverflowError):
        return None
    return moment
