"""How is a comparison with this field written? The example that stands beside a list, and in every refusal."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.conditions import tree
from app.core.conditions.errors import ConditionError
from app.core.conditions.fields import Field, Kind
from app.core.conditions.tree import EMPTINESSES, operand_text
from app.core.i18n import _

_EXAMPLES: Mapping[Kind, str] = {
    Kind.text: "contains 'Hà Nội'",
    Kind.phone: "= '0912 345 678'",
    Kind.number: ">= 10",
    Kind.decimal: ">= 1.5",
    Kind.money: ">= 500000",
    Kind.date: ">= '2026-11-21'",
    Kind.moment: "= this_week()",
    Kind.yes_no: "= true",
    Kind.person: "= me()",
    Kind.team: "= my_teams()",
}


def refused(field: Field) -> ConditionError:
    known = ", ".join(str(label) for label in list(field.choices.values())[:10])
    if field.kind is Kind.choice and known:
        return ConditionError(
            _(
                "“%(label)s” is one of: %(known)s. Example: %(example)s",
                label=field.label, known=known, example=example(field),
            )
        )  # fmt: skip
    return ConditionError(
        _(
            "“%(label)s” cannot be compared like that. Example: %(example)s",
            label=field.label, example=example(field),
        )
    )  # fmt: skip


def example(field: Field) -> str:
    """How to write it: `created_at = this_week()`."""
    key = operand_text(tree.Field(field.key))
    if field.kind is Kind.choice:
        return f"{key} = {operand_text(next(iter(field.choices)))}" if field.choices else f"{key} {EMPTINESSES[0]}"
    return f"{key} {_EXAMPLES[field.kind]}"
