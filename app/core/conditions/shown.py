"""How is a value called that stands in a condition? As the list itself shows it."""

from __future__ import annotations

from datetime import date, datetime

from app.core.conditions.fields import Field, Kind
from app.core.conditions.tree import Literal
from app.core.conditions.values import moment_of
from app.core.formats import day_text, exact_text, money_text, number_text
from app.core.i18n import _


def value_word(field: Field, value: Literal, time_zone: str) -> str:
    """'2026-11-21' of a date → 21/11/2026, 'company' of a choice → Doanh nghiệp, 'Sen' of a text → “Sen”.

    Persons and teams are known by their ids only: whoever may read their names asks the database for them.
    """
    if isinstance(value, bool):
        return str(field.choices.get(str(value).lower()) or (_("yes") if value else _("no")))
    if isinstance(value, str):
        if field.kind is Kind.choice:
            return str(field.choices.get(value, value))
        if field.kind in {Kind.date, Kind.moment}:
            return _day_word(value, time_zone)
        return f"“{value}”"
    if field.kind is Kind.money:
        return str(money_text(value)) if isinstance(value, int) else str(number_text(value))
    return str(number_text(value)) if field.kind in {Kind.number, Kind.decimal} else str(value)


def _day_word(text: str, time_zone: str) -> str:
    moment = moment_of(text)
    if isinstance(moment, datetime):
        typed = datetime.fromisoformat(text)
        try:
            return str(exact_text(typed, time_zone)) if typed.tzinfo else f"{day_text(typed.date())} {typed:%H:%M}"
        except OverflowError:
            return text
    return str(day_text(moment)) if isinstance(moment, date) else text
