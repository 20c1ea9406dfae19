"""Whole number: how many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.core.errors import Sentence
from app.core.formats import integer_problem, number_text, read_integer
from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import LARGEST_INTEGER, Face, FieldSpec, Flaw, JsonSchema, Kind, Refused, Value


class IntegerType(base.FieldType):
    """A whole number, typed with or without separators of thousands, or a JSON number without fraction."""

    code = "integer"
    label = _("Whole number")
    settings = frozenset({"min", "max"})
    index = Kind.number
    face = Face(mode="numeric", helper="number")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        number = self.typed(raw) if isinstance(raw, str) else base.whole_number(raw)
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
            -LARGEST_INTEGER if spec.min is None else spec.min,
            LARGEST_INTEGER if spec.max is None else spec.max,
        )

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(self.figures(int(value)))

    def write(self, value: Value, spec: FieldSpec) -> str:
        return str(number_text(int(value)))

    def schema(self, spec: FieldSpec) -> JsonSchema:
        least, most = self.bounds(spec)
        return {"type": "integer", "minimum": least, "maximum": most}

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        sound = True
        for name in ("min", "max"):
            limit = given.get(name)
            if limit is not None and (type(limit) is not int or abs(limit) > LARGEST_INTEGER):
                sound = False
                yield Flaw(name, "bad_limit", _("A limit is a whole number. Example: 500000"))
        if sound:
            yield from base.crossed(given, "min", "max")
