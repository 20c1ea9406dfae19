"""Yes or no: not answered is neither."""

from __future__ import annotations

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Group, JsonSchema, Kind, Option, Refused, Value
from app.forms.words import say

YES = Option("yes", _("Yes"))
NO = Option("no", _("No"))
TYPED = {"yes": True, "true": True, "1": True, "có": True, "no": False, "false": False, "0": False, "không": False}


class YesNoType(base.FieldType):
    """JSON true or false, or one of the words that people and browsers write for them."""

    code = "yes_no"
    label = _("Yes or no")
    group = Group.choices
    index = Kind.number
    typed_as = "yes_no"
    face = Face(Control.choice)
    missing = _("Please choose yes or no.")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        if isinstance(raw, str) and len(raw) <= base.LONGEST_TYPED:
            raw = TYPED.get(base.composed(raw).lower())
        if not isinstance(raw, bool):
            raise Refused(_("Please answer with yes or no."))
        return raw

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return say((YES if value else NO).label)

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return (YES if value else NO).value

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "boolean"}

    def choices(self, spec: FieldSpec, context: base.Context) -> tuple[Option, ...]:
        return YES, NO
