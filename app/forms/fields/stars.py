"""Stars: how good it was, from 1 to 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from app.core.errors import Sentence
from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Group, Option, Value
from app.forms.fields.integer import IntegerType
from app.forms.fields.settings import Setting, Told
from app.forms.words import say


class StarsType(IntegerType):
    """A whole number; shown with the most that it could be."""

    code = "stars"
    label = _("Stars from 1 to 5")
    group = Group.choices
    settings: ClassVar[tuple[Setting, ...]] = (
        Told("least_label", _("Words at the lowest answer"), _("Left empty: what is usual for this kind.")),
        Told("most_label", _("Words at the highest answer"), _("Left empty: what is usual for this kind.")),
    )
    #: what the ends of the scale mean where the admin does not say it
    ends: ClassVar[tuple[Sentence, Sentence]] = (_("Very bad"), _("Very good"))
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

    def ends_of(self, spec: FieldSpec) -> tuple[str, str]:
        """What the lowest and the highest answer mean, as it stands below the scale."""
        least, most = self.ends
        return say(spec.own.get("least_label")) or str(least), say(spec.own.get("most_label")) or str(most)
