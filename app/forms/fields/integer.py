"""Whole number: how many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from app.core.errors import Sentence
from app.core.formats import integer_problem, number_text, read_integer
from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import LARGEST_INTEGER, Face, FieldSpec, Flaw, Group, JsonSchema, Kind, Refused, Value
from app.forms.fields.settings import Setting, Whole


class IntegerType(base.FieldType):
    """A whole number, typed with or without separators of thousands, or a JSON number without fraction."""

    code = "integer"
    label = _("Whole number")
    group = Group.numbers
    settings: ClassVar[tuple[Setting, ...]] = (Whole("min", _("At least")), Whole("max", _("At most")))
    index: ClassVar[Kind | None] = Kind.number
    typed_as: ClassVar[str] = "whole"
    face: ClassVar[Face] = Face(mode="numeric", helper="number")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        number = self.typed(raw) if isinstance(raw, str) else base.whole_number(raw)
        if number is None and base.is_endless(raw):
            number = LARGEST_INTEGER + 1 if "-" not in str(raw) and "−" not in str(raw) else -LARGEST_INTEGER - 1
        if number is None:
            raise Refused(self.why_not(raw))
        least, most = self.bounds(spec)
        if number < least:
            raise Refused(_("At least %(limit)s, please.", limit=self.figures(least)))
        if number > most:
            raise Refused(_("At most %(limit)s, please.", limit=self.figures(most)))
        return number

    def typed(self, text: str) -> int | None:
        return read_integer(text) if len(text) <= base.LONGEST_TYPED else None

    def why_not(self, raw: object) -> Sentence:
        return integer_problem(raw if isinstance(raw, str) and len(raw) <= base.LONGEST_TYPED else "")

    def figures(self, number: int) -> Sentence:
        return number_text(number)

    def bounds(self, spec: FieldSpec) -> tuple[int, int]:
        return (
            spec.own.get("min", -LARGEST_INTEGER),
            spec.own.get("max", LARGEST_INTEGER),
        )

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(self.figures(_number(value)))

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return str(number_text(_number(value)))

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        least, most = self.bounds(spec)
        return {"type": "integer", "minimum": least, "maximum": most}

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        flaws = list(super().flaws(given))
        yield from flaws or base.crossed(given, "min", "max")


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise TypeError(f"no whole number: {value!r}")
    return value
