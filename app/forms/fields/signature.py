"""Signature: drawn with a finger, a pen or the mouse."""

from __future__ import annotations

import re
from typing import ClassVar

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Group, JsonSchema, Refused, Value

#: the field on which it is drawn, in its own units
WIDTH, HEIGHT = 600, 200
LONGEST = 20_000
_STROKES = re.compile(r"(?:M[0-9]{1,3} [0-9]{1,3}(?:L[0-9]{1,3} [0-9]{1,3})*)+")
_POINT = re.compile(r"[ML]([0-9]{1,3}) ([0-9]{1,3})")


class SignatureType(base.FieldType):
    """Kept as strokes, which is what was drawn: SVG path data of M and L with whole numbers, "M12 80L14 76L20 70"."""

    code = "signature"
    label = _("Drawn signature")
    group = Group.parts
    takes_default = False
    fits_rows = False
    face: ClassVar[Face] = Face(Control.signature)
    missing = _("Please sign here.")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        drawn = base.trimmed(raw) if isinstance(raw, str) and len(raw) <= LONGEST else ""
        points = _POINT.findall(drawn) if _STROKES.fullmatch(drawn) else []
        if not points or any(int(x) > WIDTH or int(y) > HEIGHT for x, y in points):
            raise Refused(_("This signature cannot be read. Please draw it again."))
        return drawn

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(_("Signed"))

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "string", "maxLength": LONGEST, "pattern": f"^{_STROKES.pattern}$"}
