"""One choice: exactly one of the answers that the admin wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Flaw, JsonSchema, Kind, Option, Refused, Value
from app.forms.words import say

MOST_OPTIONS = 200
LONGEST_VALUE = 100


class ChoiceType(base.FieldType):
    """The value of an option is stored, its label is shown."""

    code = "choice"
    label = _("One choice")
    settings = frozenset({"options"})
    index = Kind.text
    face = Face(Control.choice)
    missing = _("Please choose an answer.")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        for option in spec.options:
            if isinstance(raw, str) and raw == option.value:
                return option.value
        raise Refused(_("Please choose one of the answers offered."))

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return next((say(option.label) for option in spec.options if option.value == value), str(value))

    def schema(self, spec: FieldSpec) -> JsonSchema:
        choices = [{"const": option.value, "title": say(option.label)} for option in spec.options]
        return {"type": "string", "oneOf": choices}

    def choices(self, spec: FieldSpec) -> tuple[Option, ...]:
        return spec.options

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        options = given.get("options")
        if not isinstance(options, list) or not options:
            yield Flaw("options", "no_options", _("A choice needs at least one answer to choose from."))
            return
        if len(options) > MOST_OPTIONS:
            yield Flaw("options", "too_many_options", _("At most %(most)d answers, please.", most=MOST_OPTIONS))
            return
        seen: set[str] = set()
        for number, option in enumerate(options):
            for flaw in _option_flaws(option, seen):
                yield Flaw(f"options[{number}]{flaw.property}", flaw.code, flaw.message)


def _option_flaws(option: object, seen: set[str]) -> Iterator[Flaw]:
    if not isinstance(option, dict) or not {"value", "label"} >= set(option):
        yield Flaw("", "bad_option", _("An answer to choose from has a value and a label."))
        return
    value = option.get("value")
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_VALUE or value != " ".join(value.split()):
        wanted = _("The value is a text of at most %(most)d characters without blanks around it.", most=LONGEST_VALUE)
        yield Flaw(".value", "bad_value", wanted)
    elif value in seen:
        yield Flaw(".value", "duplicate_value", _("Two answers have the same value."))
    else:
        seen.add(value)
    yield from base.words_flaws(option.get("label"), ".label")
