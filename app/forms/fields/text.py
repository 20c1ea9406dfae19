"""Short text: one line of words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import FieldSpec, Flaw, JsonSchema, Kind, Refused, Value


class TextType(base.FieldType):
    """One line; blanks at the ends are dropped and line breaks become blanks."""

    code = "text"
    label = _("Short text")
    settings = frozenset({"min_length", "max_length"})
    index: ClassVar[Kind | None] = Kind.text

    #: characters, when the admin sets no limit, and at most
    usual_length: ClassVar[int] = 200
    longest: ClassVar[int] = 500

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        if not isinstance(raw, str):
            raise Refused(_("Please enter text."))
        limit = self.limit(spec)
        # Composing letters and dropping blanks shortens a text, never by this much.
        if len(raw) > 4 * self.longest:
            raise Refused(_("At most %(limit)d characters, please.", limit=limit))
        if not base.is_storable(raw):
            raise Refused(_("This text holds characters that cannot be kept. Please type it anew."))
        text = self.tidy(base.composed(raw))
        if len(text) > limit:
            raise Refused(_("At most %(limit)d characters, please.", limit=limit))
        if len(text) < (spec.min_length or 0):
            raise Refused(_("At least %(limit)d characters, please.", limit=spec.min_length))
        return text

    def tidy(self, text: str) -> str:
        return " ".join(text.split())

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(value)

    def schema(self, spec: FieldSpec) -> JsonSchema:
        shortest = max(spec.min_length or 0, 1 if spec.required else 0)
        schema: JsonSchema = {"type": "string", "maxLength": self.limit(spec)}
        return schema | {"minLength": shortest} if shortest else schema

    def limit(self, spec: FieldSpec) -> int:
        return spec.max_length or self.usual_length

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        sound = True
        for name, least in (("min_length", 0), ("max_length", 1)):
            length = given.get(name)
            if length is not None and (type(length) is not int or not least <= length <= self.longest):
                sound = False
                yield Flaw(
                    name,
                    "bad_length",
                    _("A whole number from %(least)d to %(most)d, please.", least=least, most=self.longest),
                )
        if sound:
            yield from base.crossed({"max_length": self.usual_length, **given}, "min_length", "max_length")
