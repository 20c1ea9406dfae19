"""Note: words that the page tells among the questions."""

from __future__ import annotations

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Group, JsonSchema, Refused, Value


class NoteType(base.FieldType):
    """Nobody answers it and nothing is kept. Label and help are what it tells."""

    code = "note"
    label = _("Note to read")
    group = Group.words
    takes_default = False
    has_answer = False
    fits_rows = False
    face = Face(Control.told)

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        raise Refused(_("Nobody answers this field: it follows from the others."))

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return ""

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "null"}
