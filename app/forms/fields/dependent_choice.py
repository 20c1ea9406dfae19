"""Dependent choice: which answers are offered follows from the answer to another field."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import FieldSpec, Flaw, FormField, Kind, Option, Refused, Value
from app.forms.fields.choice import ChoiceType, all_options
from app.forms.fields.settings import Options, OtherField, Setting
from app.forms.words import say


class DependentChoiceType(ChoiceType):
    """Each option says with which answers of the other field it is offered ("for"); one that says nothing, with all."""

    code = "dependent_choice"
    label = _("Dependent choice")
    settings: ClassVar[tuple[Setting, ...]] = (
        OtherField("depends_on", _("Depends on"), _("A choice, of which this one is the finer one."), is_needed=True),
        Options("options", _("Answers to choose from"), is_needed=True, has_for=True),
    )
    takes_default = False
    fits_rows = False
    index: ClassVar[Kind | None] = Kind.text

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        if context.answers.get(spec.own["depends_on"]) is None:
            raise Refused(_("Please answer first what this choice depends on."))
        offered = self.choices(spec, context)
        known = next((one for one in all_options(spec, context) if one.value == raw), None)
        if known is None or known in offered:
            return super().read(raw, spec, context)
        fitting = ", ".join(say(one.label) for one in offered)
        if not fitting:
            raise Refused(_("With the other answer there is nothing to choose here. Please leave it empty."))
        raise Refused(
            _("“%(answer)s” does not go with the other answer. What does: %(fitting)s.", answer=say(known.label),
              fitting=fitting)
        )  # fmt: skip

    def choices(self, spec: FieldSpec, context: base.Context) -> Sequence[Option]:
        """Those that fit the other answer; while that is not known, all of them."""
        other = context.answers.get(spec.own["depends_on"])
        offered = super().choices(spec, context)
        return [one for one in offered if other is None or not one.only_for or other in one.only_for]

    def asks(self, spec: FieldSpec) -> Collection[str]:
        return {spec.own["depends_on"], *super().asks(spec)}

    def live(self, spec: FieldSpec) -> dict[str, Any]:
        found = super().live(spec)
        return {**found, "on": spec.own["depends_on"]} if found else {}

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        yield from base.FieldType.flaws(self, given)
        if given.get("depends_on") is not None and given.get("depends_on") == given.get("key"):
            yield Flaw("depends_on", "bad_reference", _("Choose the field that this one depends on."))

    def flaws_among(self, spec: FieldSpec, others: Mapping[str, FormField]) -> Iterator[Flaw]:
        other = others.get(spec.own["depends_on"])
        if other is None or not isinstance(other.type, ChoiceType) or other.spec.type == "choices":
            yield Flaw("depends_on", "bad_reference", _("A choice can only depend on a field with one choice."))
        elif "options" in other.spec.own:
            known = {one.value for one in other.spec.own["options"]}
            for number, option in enumerate(spec.own["options"]):
                if not option.only_for <= known:
                    yield Flaw(f"options[{number}].for", "dead_reference",
                               _("This is none of the answers of the other field."))  # fmt: skip
