"""Date: a calendar day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import ClassVar

from app.core import clock
from app.core.formats import day_problem, day_text, read_day, typed_day
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.customers import identity
from app.customers.rules import UnreadableError
from app.forms.fields import base
from app.forms.fields.base import Face, FieldSpec, Flaw, Group, JsonSchema, Kind, Refused, Value
from app.forms.fields.settings import EARLIEST, LATEST, Day, Setting, maps_to


class DateType(base.FieldType):
    """A day, typed as 22/11/2026 or sent as 2026-11-22; kept as the latter."""

    code = "date"
    label = _("Date")
    group = Group.days
    settings: ClassVar[tuple[Setting, ...]] = (
        Day("min", _("Not before")), Day("max", _("Not after")), maps_to("birthday"),
    )  # fmt: skip
    index: ClassVar[Kind | None] = Kind.date
    typed_as: ClassVar[str] = "day"
    face: ClassVar[Face] = Face(mode="numeric", placeholder=_("dd/mm/yyyy"), helper="date")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        typed = raw if isinstance(raw, str) and len(raw) <= base.LONGEST_TYPED else ""
        day = read_day(typed)
        if day is None:
            raise Refused(day_problem(typed))
        if spec.own.get("maps_to") == "birthday":
            try:
                day = identity.as_birthday(day, typed, today=clock.today(DEFAULT_TIME_ZONE))
            except UnreadableError as unreadable:
                raise Refused(unreadable.sentence) from None
        earliest, latest = self.bounds(spec)
        if day < earliest:
            raise Refused(_("Not before %(day)s, please.", day=day_text(earliest)))
        if day > latest:
            raise Refused(_("Not after %(day)s, please.", day=day_text(latest)))
        return day.isoformat()

    def bounds(self, spec: FieldSpec) -> tuple[date, date]:
        return (
            date.fromisoformat(spec.own["min"]) if "min" in spec.own else EARLIEST,
            date.fromisoformat(spec.own["max"]) if "max" in spec.own else LATEST,
        )

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(day_text(date.fromisoformat(str(value))))

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return typed_day(date.fromisoformat(str(value)))

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        # JSON Schema has no bounds for dates: they are checked when the answer comes.
        return {"type": "string", "format": "date"}

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        flaws = list(super().flaws(given))
        yield from flaws or base.crossed(given, "min", "max")
