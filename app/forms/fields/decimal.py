"""Number with decimals: how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar

from app.core.errors import Sentence
from app.core.formats import decimal_problem, number_text, read_decimal, typed_number
from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Face, FieldSpec, Flaw, Group, JsonSchema, Kind, Refused, Value
from app.forms.fields.settings import Number, Setting, Whole

#: what a number of JSON, of Python and of JavaScript all keep
MOST_DIGITS = 15
MOST_DECIMALS = 6
USUAL_DECIMALS = 2


class DecimalType(base.FieldType):
    """A number of at most 15 digits, typed with the reader's decimal sign, or a JSON number. Never rounded silently."""

    code = "decimal"
    label = _("Number with decimals")
    group = Group.numbers
    settings: ClassVar[tuple[Setting, ...]] = (
        Number("min", _("At least")),
        Number("max", _("At most")),
        Whole("decimals", _("Decimals"), least=0, most=MOST_DECIMALS, code="bad_decimals"),
    )
    index: ClassVar[Kind | None] = Kind.number
    typed_as: ClassVar[str] = "number"
    face: ClassVar[Face] = Face(mode="decimal")
    least: ClassVar[float | None] = None
    most: ClassVar[float | None] = None

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        number = self.typed(raw) if isinstance(raw, str) else _sent(raw)
        if number is None and base.is_endless(raw):
            raise Refused(_("This number is too long."))
        if number is None:
            raise Refused(decimal_problem(raw if isinstance(raw, str) and len(raw) <= base.LONGEST_TYPED else ""))
        places = spec.own.get("decimals", USUAL_DECIMALS)
        if -_exponent(number) > places:
            raise Refused(_("At most %(limit)d decimals, please.", limit=places))
        if number.adjusted() + 1 + places > MOST_DIGITS:
            raise Refused(_("This number is too long."))
        least, most = spec.own.get("min", self.least), spec.own.get("max", self.most)
        if least is not None and number < Decimal(repr(least)):
            raise Refused(_("At least %(limit)s, please.", limit=self.figures(least)))
        if most is not None and number > Decimal(repr(most)):
            raise Refused(_("At most %(limit)s, please.", limit=self.figures(most)))
        # No minus before zero: nobody could see the difference.
        return float(number) + 0.0

    def typed(self, text: str) -> Decimal | None:
        return read_decimal(text) if len(text) <= base.LONGEST_TYPED else None

    def figures(self, number: float) -> Sentence:
        return number_text(Decimal(repr(number)))

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(self.figures(as_number(value)))

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return typed_number(Decimal(repr(as_number(value))))

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        least, most = spec.own.get("min", self.least), spec.own.get("max", self.most)
        limits = {"minimum": least, "maximum": most}
        return {"type": "number", **{name: limit for name, limit in limits.items() if limit is not None}}

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        flaws = list(super().flaws(given))
        yield from flaws or base.crossed(given, "min", "max")


def as_number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"no number: {value!r}")
    return value


def rounded(number: Decimal, places: int) -> Decimal:
    """As people round: a half goes away from zero."""
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _sent(raw: object) -> Decimal | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    if isinstance(raw, int):
        return Decimal(raw) if abs(raw) < 10**MOST_DIGITS else None
    return Decimal(repr(raw)) if abs(raw) < 10**MOST_DIGITS else None


def _exponent(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
