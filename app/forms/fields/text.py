"""Short text: one line of words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import FieldSpec, Flaw, Group, JsonSchema, Kind, Refused, Value
from app.forms.fields.patterns import NOT_LIKE_THIS, Pattern, fits
from app.forms.fields.settings import Setting, Whole, maps_to


def lengths(longest: int) -> tuple[Setting, ...]:
    return (
        Whole("min_length", _("Characters at least"), least=0, most=longest, code="bad_length"),
        Whole("max_length", _("Characters at most"), least=1, most=longest, code="bad_length"),
    )


class TextType(base.FieldType):
    """One line; blanks at the ends are dropped and line breaks become blanks."""

    code = "text"
    label = _("Short text")
    group = Group.words
    settings: ClassVar[tuple[Setting, ...]] = (
        *lengths(500),
        Pattern(
            "pattern", _("Written like this"),
            _("A pattern for the whole answer. Example: PS-[0-9]{5} for PS- and five digits."),
        ),
        maps_to("name"),
    )  # fmt: skip
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
        if len(text) < (spec.own.get("min_length") or 0):
            raise Refused(_("At least %(limit)d characters, please.", limit=spec.own["min_length"]))
        if "pattern" in spec.own and not fits(spec.own["pattern"], text):
            raise Refused(NOT_LIKE_THIS)
        return text

    def tidy(self, text: str) -> str:
        return " ".join(text.split())

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return str(value)

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        shortest = max(spec.own.get("min_length", 0), 1 if spec.required else 0)
        schema: JsonSchema = {"type": "string", "maxLength": self.limit(spec)}
        return schema | {"minLength": shortest} if shortest else schema

    def limit(self, spec: FieldSpec) -> int:
        return int(spec.own.get("max_length") or self.usual_length)

    def longest_typed(self, spec: FieldSpec) -> int | None:
        return spec.own.get("max_length")

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        flaws = list(super().flaws(given))
        yield from flaws or base.crossed({"max_length": self.usual_length, **given}, "min_length", "max_length")
