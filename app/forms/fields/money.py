"""Money: an amount in whole Vietnamese dong."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import Sentence
from app.core.formats import money_text, number_text, read_money
from app.core.i18n import _
from app.forms.fields.base import LONGEST_TYPED, Face
from app.forms.fields.integer import IntegerType


class MoneyType(IntegerType):
    """The dong has no decimals: an amount is a whole number."""

    code = "money"
    label = _("Money (₫)")
    typed_as: ClassVar[str] = "amount"
    face: ClassVar[Face] = Face(mode="numeric", unit="₫", helper="money")

    def typed(self, text: str) -> int | None:
        return read_money(text) if len(text) <= LONGEST_TYPED else None

    def why_not(self, raw: object) -> Sentence:
        return _("This is not an amount yet. Example: %(example)s", example=number_text(500_000))

    def figures(self, number: int) -> Sentence:
        return money_text(number)
