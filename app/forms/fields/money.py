"""Money: an amount in whole Vietnamese dong."""

from __future__ import annotations

from app.core.i18n import _
from app.core.vietnamese import format_money, parse_money
from app.forms.fields.base import LONGEST_TYPED, Face
from app.forms.fields.integer import IntegerType


class MoneyType(IntegerType):
    """The dong has no decimals: an amount is a whole number, shown as 1.250.000 ₫."""

    code = "money"
    label = _("Money (₫)")
    face = Face(mode="numeric", unit="₫")
    wrong = _("This is not an amount yet. Example: 1.250.000")

    def typed(self, text: str) -> int | None:
        return parse_money(text) if len(text) <= LONGEST_TYPED else None

    def figures(self, number: int) -> str:
        return format_money(number)
