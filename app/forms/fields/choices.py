"""Several choices: any of the answers that the admin wrote, or of the entries of a catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Flaw, Indexed, JsonSchema, Posted, Refused, Value
from app.forms.fields.choice import ChoiceType, all_options
from app.forms.fields.settings import MOST_OPTIONS, Setting, Whole
from app.forms.words import say


class ChoicesType(ChoiceType):
    """Stored are the values in the order of the options, each once."""

    code = "choices"
    label = _("Several choices")
    settings: ClassVar[tuple[Setting, ...]] = (
        *ChoiceType.settings,
        Whole("min", _("Answers at least"), least=1, most=MOST_OPTIONS),
        Whole("max", _("Answers at most"), least=1, most=MOST_OPTIONS),
    )
    takes_default = False
    fits_rows = False
    face: ClassVar[Face] = Face(Control.checks)
    missing = _("Please choose at least one answer.")
    typed_as: ClassVar[str] = "list"

    def gather(self, posted: Posted) -> object:
        return list(posted.get("", ()))

    def is_empty(self, raw: object) -> bool:
        return super().is_empty(raw) or raw == []

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        sent = [raw] if isinstance(raw, str) else raw
        offered = [one.value for one in self.choices(spec, context)]
        if not isinstance(sent, list) or not all(isinstance(one, str) and one in offered for one in sent):
            raise Refused(_("Please choose among the answers offered."))
        chosen = [one for one in offered if one in sent]
        least, most = spec.own.get("min", 0), spec.own.get("max", MOST_OPTIONS)
        if len(chosen) < least:
            raise Refused(_("At least %(limit)d answers, please.", limit=least))
        if len(chosen) > most:
            raise Refused(_("At most %(limit)d answers, please.", limit=most))
        return chosen

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        labels = {one.value: say(one.label) for one in all_options(spec, context)}
        return ", ".join(labels.get(one, one) for one in _listed(value))

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return _listed(value)

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        counted = {name: spec.own[key] for key, name in (("min", "minItems"), ("max", "maxItems")) if key in spec.own}
        item: JsonSchema = {"type": "string", **self.one_of(spec, context)}
        return {"type": "array", "items": item, "uniqueItems": True, **counted}

    def indexed(self, value: Value) -> Sequence[Indexed]:
        return _listed(value)

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        flaws = list(super().flaws(given))
        yield from flaws or base.crossed(given, "min", "max")


def _listed(value: Value) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
