"""Stars: how good it was, from 1 to 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Group, Option, Value
from app.forms.fields.integer import IntegerType
from app.forms.fields.settings import Setting


class StarsType(IntegerType):
    """A whole number; shown with the most that it could be."""

    code = "stars"
    label = _("Stars from 1 to 5")
    group = Group.choices
    settings: ClassVar[tuple[Setting, ...]] = ()
    fits_rows = False
    face: ClassVar[Face] = Face(Control.scale)
    missing = _("Please choose an answer.")
    least: ClassVar[int] = 1
    most: ClassVar[int] = 5

    def bounds(self, spec: FieldSpec) -> tuple[int, int]:
        return self.least, self.most

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return f"{value}/{self.most}"

    def choices(self, spec: FieldSpec, context: base.Context) -> Sequence[Option]:
        return [Option(str(number), str(number)) for number in range(self.least, self.most + 1)]
