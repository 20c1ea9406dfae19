"""Signature: drawn with a finger, a pen or the mouse; where no script runs, the name that was typed."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Group, JsonSchema, Posted, Refused, Value

#: the field on which it is drawn, in its own units
WIDTH, HEIGHT = 600, 200
LONGEST = 20_000
LONGEST_NAME = 200
#: the part of a page's answer in which the name is typed
NAME_PART = "name"
STROKES = re.compile(r"(?:M[0-9]{1,3} [0-9]{1,3}(?:L[0-9]{1,3} [0-9]{1,3})*)+")
_POINT = re.compile(r"[ML]([0-9]{1,3}) ([0-9]{1,3})")


class SignatureType(base.FieldType):
    """Strokes, which is what was drawn: SVG path data of M and L with whole numbers, "M12 80L14 76L20 70".

    Else {"kind": "typed", "name": "Nguyễn Văn An"}: signed by a name that was typed, and told as that everywhere.
    """

    code = "signature"
    label = _("Drawn signature")
    group = Group.parts
    takes_default = False
    fits_rows = False
    face: ClassVar[Face] = Face(Control.signature)
    missing = _("Please sign here.")

    def gather(self, posted: Posted) -> object:
        # Drawing empties the name (assets/js/signature.js): a name that came was typed last.
        name = base.FieldType.gather(self, {"": posted.get(NAME_PART, ())})
        return super().gather(posted) if self.is_empty(name) else typed(name)

    def is_empty(self, raw: object) -> bool:
        return super().is_empty(raw["name"] if isinstance(raw, dict) and set(raw) == {"kind", "name"} else raw)

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        if isinstance(raw, dict):
            return typed(_name(raw))
        drawn = base.trimmed(raw) if isinstance(raw, str) and len(raw) <= LONGEST else ""
        points = _POINT.findall(drawn) if STROKES.fullmatch(drawn) else []
        if not points or any(int(x) > WIDTH or int(y) > HEIGHT for x, y in points):
            raise Refused(_("This signature cannot be read. Please draw it again."))
        return drawn

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        name = name_typed(value)
        return str(_("Signed") if name is None else _("Signed by typing the name: %(name)s", name=name))

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return value

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        name = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
        return {
            "oneOf": [
                {"type": "string", "maxLength": LONGEST, "pattern": f"^{STROKES.pattern}$"},
                {
                    "type": "object",
                    "properties": {"kind": {"const": "typed"}, "name": name},
                    "required": ["kind", "name"],
                    "additionalProperties": False,
                },
            ]
        }


def typed(name: object) -> dict[str, Any]:
    """A signature that is a name."""
    return {"kind": "typed", "name": name}


def name_typed(value: object) -> str | None:
    """The name with which was signed; None where it was drawn."""
    return str(value.get("name") or "") if isinstance(value, dict) else None


def _name(raw: dict[Any, Any]) -> str:
    name = raw.get("name") if set(raw) == {"kind", "name"} and raw["kind"] == "typed" else None
    if not isinstance(name, str) or len(name) > 4 * LONGEST_NAME or not base.is_storable(name):
        raise Refused(_("This signature cannot be read. Please draw it again."))
    name = " ".join(base.composed(name).split())
    if len(name) > LONGEST_NAME:
        raise Refused(_("At most %(limit)d characters, please.", limit=LONGEST_NAME))
    if not any(letter.isalpha() for letter in name):
        raise Refused(_("Sign with your full name. Example: Nguyễn Văn An"))
    return name
