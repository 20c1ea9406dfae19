"""Whole number: how many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from app.core.errors import Sentence
from app.core.i18n import _
from app.core.vietnamese import format_integer, parse_integer
from app.forms.fields import base
from app.forms.fields.base import LARGEST_INTEGER, Face, FieldSpec, Flaw, JsonSchema, Kind, Refused, Value


class IntegerType(base.FieldType):
    """A whole number, typed with or without separators of thousands, or a JSON number without fraction."""

    code = "integer"
    label = _("Whole number")
    settings = frozenset({"min", "max"})
    index = Kind.number
    face = Face(mode="numeric")
    wrong: ClassVar[Sentence] = _("This is not a whole number yet. Example: 1.250")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        number = self.typed(raw) if isinstance(raw, str) else base.whole_number(raw)
        if number is None:
            raise Refused(self.wrong)
        least, most = self.bounds(spec)
        if number < least:
            raise Refused(_("At least %(limit)s, please.", limit=self.figures(least)))
        if number > most:
            raise Refused(_("At most %(limit)s, please.", limit=self.figures(most)))
        return number

    def typed(self, text: str) -> int | None:
        return parse_integer(text) if len(text) <= base.LONGEST_TYPED else None

    def figures(self, number: int) -> str:
        return format_integer(number)

    def bounds(self, spec: FieldSpec) -> tuple[int, int]:
        return (
            -LARGEST_INTEGER if spec.min is None else spec.min,
            LARGEST_INTEGER if spec.max is None else spec.max,
        )

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return self.figures(int(value))

    def write(self, value: Value, spec: FieldSpec) -> str:
        return format_integer(int(value))

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
