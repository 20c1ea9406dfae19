"""Calculated: what follows from other answers, by a formula."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from app.core.formats import money_text, number_text
from app.core.i18n import _
from app.forms import formula
from app.forms.fields import base
from app.forms.fields.base import (
    LARGEST_INTEGER,
    Control,
    Face,
    FieldSpec,
    Flaw,
    FormField,
    Group,
    JsonSchema,
    Kind,
    Refused,
    Value,
)
from app.forms.fields.decimal import MOST_DECIMALS, MOST_DIGITS, USUAL_DECIMALS, as_number, rounded
from app.forms.fields.rows import RowsType
from app.forms.fields.settings import OneOf, Setting, Whole


@dataclass(frozen=True)
class FormulaText(Setting):
    """A formula (app/forms/formula.py)."""

    editor = "formula"

    def flaws(self, value: object) -> Iterator[Flaw]:
        try:
            formula.read(value if isinstance(value, str) else "")
        except formula.FormulaError as error:
            yield Flaw(self.name, "bad_formula", error.message)


class CalculatedType(base.FieldType):
    """Worked out on the server whenever the answers are read, and kept with them; nobody can send another value."""

    code = "calculated"
    label = _("Calculated")
    group = Group.parts
    settings: ClassVar[tuple[Setting, ...]] = (
        FormulaText("formula", _("Formula"), is_needed=True),
        OneOf("shown_as", _("Shown as"), choices=(("number", _("a number")), ("money", _("an amount")),
                                                  ("percent", _("percent")))),
        Whole("decimals", _("Decimals"), least=0, most=MOST_DECIMALS, code="bad_decimals"),
    )  # fmt: skip
    takes_default = False
    is_worked_out = True
    index = Kind.number
    face = Face(Control.told)

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        raise Refused(_("Nobody answers this field: it follows from the others."))

    def worked_out(self, spec: FieldSpec, context: base.Context) -> Value | None:
        result = formula.read(spec.own["formula"]).result(context.answers)
        if not isinstance(result, Decimal) or not result.is_finite() or result.adjusted() + 1 > MOST_DIGITS:
            return None
        if spec.own.get("shown_as") == "money":
            whole = int(rounded(result, 0))
            return whole if abs(whole) <= LARGEST_INTEGER else None
        places = min(int(spec.own.get("decimals", USUAL_DECIMALS)), MOST_DIGITS - max(result.adjusted() + 1, 1))
        return float(rounded(result, places)) + 0.0

    def live(self, spec: FieldSpec) -> dict[str, Any]:
        shown_as = spec.own.get("shown_as", "number")
        places = 0 if shown_as == "money" else spec.own.get("decimals", USUAL_DECIMALS)
        tree = formula.to_json(formula.read(spec.own["formula"]).tree)
        return {"formula": {"tree": tree, "places": places}, "shown_as": shown_as}

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        number = as_number(value)
        if spec.own.get("shown_as") == "money" and isinstance(number, int):
            return str(money_text(number))
        text = str(number_text(Decimal(repr(number))))
        return f"{text}%" if spec.own.get("shown_as") == "percent" else text

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "integer" if spec.own.get("shown_as") == "money" else "number"}

    def asks(self, spec: FieldSpec) -> Collection[str]:
        return frozenset(key.partition(".")[0] for key in formula.read(spec.own["formula"]).keys)

    def flaws_among(self, spec: FieldSpec, others: Mapping[str, FormField]) -> Iterator[Flaw]:
        for key in sorted(formula.read(spec.own["formula"]).keys):
            name, dot, column = key.partition(".")
            rows = others.get(name)
            if dot and (
                rows is None or not isinstance(rows.type, RowsType) or column not in RowsType.columns(rows.spec)
            ):
                yield Flaw("formula", "dead_reference", _("There are no rows with the column %(key)s.", key=key))
