"""Date: a calendar day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from app.core.formats import day_text, read_day, typed_day
from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Face, FieldSpec, Flaw, JsonSchema, Kind, Refused, Value

# A year of three or five digits is a slip of the finger; care work knows no day outside of these.
EARLIEST = date(1900, 1, 1)
LATEST = date(2199, 12, 31)


class DateType(base.FieldType):
    """A day, typed as 22/11/2026 or sent as 2026-11-22; kept as the latter."""

    code = "date"
    label = _("Date")
    settings = frozenset({"min", "max"})
    index = Kind.date
    face = Face(mode="numeric", placeholder=_("dd/mm/yyyy"), helper="date")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        day = read_day(raw) if isinstance(raw, str) and len(raw) <= base.LONGEST_TYPED else None
        if day is None:
            raise Refused(_("This date is not right yet. Example: 22/11/2026"))
        earliest, latest = self.bounds(spec)
        if day < earliest:
            raise Refused(_("Not before %(day)s, please.", day=day_text(earliest)))
        if day > latest:
            raise Refused(_("Not after %(day)s, please.", day=day_text(latest)))
        return day.isoformat()

    def bounds(self, spec: FieldSpec) -> tuple[date, date]:
        return (
            date.fromisoformat(spec.min) if spec.min else EARLIEST,
            date.fromisoformat(spec.max) if spec.max else LATEST,
        )

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(day_text(date.fromisoformat(str(value))))

    def write(self, value: Value, spec: FieldSpec) -> str:
        return typed_day(date.fromisoformat(str(value)))

    def schema(self, spec: FieldSpec) -> JsonSchema:
        # JSON Schema has no bounds for dates: they are checked when the answer comes.
        return {"type": "string", "format": "date"}

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        sound = True
        for name in ("min", "max"):
            limit = given.get(name)
            if limit is not None and not _is_day(limit):
                sound = False
                yield Flaw(name, "bad_limit", _("A limit is a day. Example: 2026-11-22"))
        if sound:
            yield from base.crossed(given, "min", "max")


def _is_day(limit: object) -> bool:
    if not isinstance(limit, str) or len(limit) != 10 or "/" in limit:
        return False
    day = read_day(limit)
    return day is not None and EARLIEST <= day <= LATEST
