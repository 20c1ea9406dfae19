"""Time of day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from app.core.i18n import _
from app.core.vietnamese import as_typed
from app.forms.fields import base
from app.forms.fields.base import Face, FieldSpec, Flaw, Group, JsonSchema, Kind, Refused, Value
from app.forms.fields.settings import ClockTime, Setting

#: 14:30, 14h30, 14g30, 14.30, 8h, 1430
_TYPED = re.compile(r"(?P<hour>[0-9]{1,2}) ?(?:[:hg.] ?(?P<minute>[0-9]{2})|[hg]|(?<=[0-9]{2})(?P<close>[0-9]{2}))")


def read_time(text: str) -> str | None:
    """What was typed as "14:30"; None when it is no time of day."""
    match = _TYPED.fullmatch(as_typed(text).lower()) if len(text) <= base.LONGEST_TYPED else None
    if match is None:
        return None
    hour, minute = int(match["hour"]), int(match["minute"] or match["close"] or 0)
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 else None


class TimeType(base.FieldType):
    """Kept as "14:30", which also is its order."""

    code = "time"
    label = _("Time")
    group = Group.days
    settings: ClassVar[tuple[Setting, ...]] = (ClockTime("min", _("Not before")), ClockTime("max", _("Not after")))
    index: ClassVar[Kind | None] = Kind.text
    typed_as: ClassVar[str] = "time"
    face: ClassVar[Face] = Face(mode="numeric", placeholder="08:30")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        time = read_time(raw) if isinstance(raw, str) else None
        if time is None:
            raise Refused(_("This is not a time of day yet. Example: 14:30"))
        if "min" in spec.own and time < spec.own["min"]:
            raise Refused(_("Not before %(time)s, please.", time=spec.own["min"]))
        if "max" in spec.own and time > spec.own["max"]:
            raise Refused(_("Not after %(time)s, please.", time=spec.own["max"]))
        return time

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(value)

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        flaws = list(super().flaws(given))
        yield from flaws or base.crossed(given, "min", "max")
