"""One choice: exactly one of the answers that the admin wrote, or of the entries of a catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Flaw, Group, JsonSchema, Kind, Option, Refused, Value
from app.forms.fields.settings import LONGEST_VALUE, Catalogue, Options, Setting
from app.forms.words import say


class ChoiceType(base.FieldType):
    """The value of an option is stored, its label is shown. A retired one is shown and not chosen any more."""

    code = "choice"
    label = _("One choice")
    group = Group.choices
    settings: ClassVar[tuple[Setting, ...]] = (
        Options("options", _("Answers to choose from")),
        Catalogue("catalogue", _("Or the entries of a catalogue")),
    )
    index: ClassVar[Kind | None] = Kind.text
    face: ClassVar[Face] = Face(Control.choice)
    missing = _("Please choose an answer.")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        for option in self.choices(spec, context):
            if isinstance(raw, str) and raw == option.value:
                return option.value
        raise Refused(_("Please choose one of the answers offered."))

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return next((say(one.label) for one in all_options(spec, context) if one.value == value), str(value))

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "string", **self.one_of(spec, context)}

    def one_of(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        choices = [{"const": one.value, "title": say(one.label)} for one in self.possible(spec, context)]
        return {"oneOf": choices} if choices else {"maxLength": LONGEST_VALUE}

    def choices(self, spec: FieldSpec, context: base.Context) -> Sequence[Option]:
        return [
            one for one in self.possible(spec, context)
            if one.only_if is None or one.only_if.holds(context.answers, me=context.me)
        ]  # fmt: skip

    def possible(self, spec: FieldSpec, context: base.Context) -> Sequence[Option]:
        return [one for one in all_options(spec, context) if not one.retired]

    def asks(self, spec: FieldSpec) -> Collection[str]:
        conditions = [one.only_if for one in spec.own.get("options", ()) if one.only_if is not None]
        return frozenset(key.partition(".")[0] for condition in conditions for key in condition.keys)

    def live(self, spec: FieldSpec) -> dict[str, Any]:
        options = [one for one in spec.own.get("options", ()) if not one.retired]
        if all(one.only_if is None and not one.only_for for one in options):
            return {}
        return {"options": [
            {"value": one.value, **({"for": sorted(one.only_for)} if one.only_for else {}),
             **({"if": one.only_if.to_json()} if one.only_if is not None else {})}
            for one in options
        ]}  # fmt: skip

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        yield from super().flaws(given)
        if given.get("options") is None and given.get("catalogue") is None:
            yield Flaw("options", "no_options", _("A choice needs at least one answer to choose from."))
        elif given.get("options") is not None and given.get("catalogue") is not None:
            yield Flaw("catalogue", "two_sources", _("Either your own answers or a catalogue, not both."))


def all_options(spec: FieldSpec, context: base.Context) -> tuple[Option, ...]:
    """Also those that are not offered any more."""
    catalogue = spec.own.get("catalogue")
    return context.catalogues.options_of(catalogue) if catalogue else spec.own.get("options", ())
