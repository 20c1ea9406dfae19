"""Percent: a share of a whole."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from app.core.errors import Sentence
from app.core.formats import number_text
from app.core.i18n import LazySentence, _
from app.forms.fields.base import Face
from app.forms.fields.decimal import DecimalType


class PercentType(DecimalType):
    """Kept as people say it: 12.5 is 12,5 %. From 0 to 100 unless other limits are set."""

    code = "percent"
    label = _("Percent")
    face: ClassVar[Face] = Face(mode="decimal", unit="%")
    least: ClassVar[float | None] = 0
    most: ClassVar[float | None] = 100

    def typed(self, text: str) -> Decimal | None:
        return super().typed(text.strip().removesuffix("%"))

    def figures(self, number: float) -> Sentence:
        return LazySentence(lambda: f"{number_text(Decimal(repr(number)))}%")
