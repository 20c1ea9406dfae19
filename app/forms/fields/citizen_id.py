"""Citizen number: the 12 digits of a Vietnamese citizen card (CCCD)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from app.core import clock
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.customers import identity
from app.customers.rules import UnreadableError
from app.forms.fields import base
from app.forms.fields.base import Face, FieldSpec, Group, JsonSchema, Kind, Refused, Value
from app.forms.fields.settings import Setting, maps_to


class CitizenIdType(base.FieldType):
    """Read as a customer's is read: its province and its year of birth must be possible."""

    code = "citizen_id"
    label = _("Citizen number (CCCD)")
    group = Group.vietnam
    settings: ClassVar[tuple[Setting, ...]] = (maps_to("id_number"),)
    index = Kind.text
    face: ClassVar[Face] = Face(mode="numeric", placeholder="001190000123")
    pattern: ClassVar[str] = "^[0-9]{12}$"
    reads: ClassVar[Callable[..., str | None]] = identity.read_citizen_id

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        # A JSON number has already lost the zeros at its front.
        typed = raw if isinstance(raw, str) and len(raw) <= base.LONGEST_TYPED else "?"
        try:
            number = type(self).reads(typed, today=clock.today(DEFAULT_TIME_ZONE))
        except UnreadableError as unreadable:
            raise Refused(unreadable.sentence) from None
        if number is None:
            raise Refused(self.missing)
        return number

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(value)

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "string", "pattern": self.pattern}
