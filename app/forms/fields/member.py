"""Member: one of the staff whom the person answering may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from app.core.db import LARGEST_ID
from app.core.errors import Sentence
from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Directory, Face, FieldSpec, Group, JsonSchema, Kind, Option, Refused, Value


class MemberType(base.FieldType):
    """Stored is the id. Chosen from one list: a company has hundreds of members, not hundreds of thousands."""

    code = "member"
    label = _("Member of staff")
    group = Group.links
    takes_default = False
    index = Kind.number
    face: ClassVar[Face] = Face(Control.choice)
    typed_as: ClassVar[str] = "whole"
    missing: ClassVar[Sentence] = _("Please choose somebody.")
    unknown: ClassVar[Sentence] = _("This member was not found. Please choose one from the list.")
    unseen: ClassVar[Sentence] = _("Somebody you may not see")

    def directory(self, context: base.Context) -> Directory:
        return context.members

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        number = read_id(raw)
        if number is None or self.directory(context).name_of(number) is None:
            raise Refused(self.unknown)
        return number

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return self.directory(context).name_of(int(str(value))) or str(self.unseen)

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}

    def choices(self, spec: FieldSpec, context: base.Context) -> Sequence[Option]:
        return [Option(str(number), name) for number, name in self.directory(context).offered()]


def read_id(raw: object) -> int | None:
    """The id that was typed or sent; None when it can be none of a record."""
    if isinstance(raw, str):
        digits = raw.strip()
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else None
    else:
        number = base.whole_number(raw)
    return number if number is not None and 0 < number <= LARGEST_ID else None
