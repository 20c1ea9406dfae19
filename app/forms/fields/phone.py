"""Phone number: stored as the world dials it, shown as Vietnamese people write it."""

from __future__ import annotations

from typing import ClassVar

from app.core.formats import phone_problem
from app.core.i18n import _
from app.core.vietnamese import phone_e164, show_phone
from app.forms.fields import base
from app.forms.fields.base import Face, FieldSpec, Group, JsonSchema, Kind, Refused, Value
from app.forms.fields.settings import Setting, maps_to


class PhoneType(base.FieldType):
    """One number. A JSON number is refused: it has already lost its leading zero."""

    code = "phone"
    label = _("Phone number")
    group = Group.vietnam
    settings: ClassVar[tuple[Setting, ...]] = (maps_to("phone"),)
    index = Kind.text
    face = Face(mode="tel", placeholder="0912 345 678")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        number = phone_e164(raw) if isinstance(raw, str) and len(raw) <= base.LONGEST_TYPED else None
        if number is None:
            raise Refused(phone_problem(raw[: base.LONGEST_TYPED] if isinstance(raw, str) else ""))
        return number

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return show_phone(str(value))

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return show_phone(str(value))

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        # Wider than the truth, which needs the numbering plans of all countries.
        return {"type": "string", "format": "phone", "pattern": r"^[+(]?[0-9][0-9 ().·/–-]{2,30}$"}
