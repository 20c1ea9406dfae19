"""Yes or no: not answered is neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from app.core.i18n import _
from app.customers.labels import CONSENT_CHANNELS
from app.customers.profile_models import ConsentChannel
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Flaw, Group, JsonSchema, Kind, Option, Refused, Value
from app.forms.fields.settings import OneOf, Purpose, Setting
from app.forms.words import say

YES = Option("yes", _("Yes"))
NO = Option("no", _("No"))
TYPED = {"yes": True, "true": True, "1": True, "có": True, "no": False, "false": False, "0": False, "không": False}


class YesNoType(base.FieldType):
    """JSON true or false, or one of the words that people and browsers write for them."""

    code = "yes_no"
    label = _("Yes or no")
    group = Group.choices
    settings: ClassVar[tuple[Setting, ...]] = (
        Purpose(
            "consent", _("The customer agrees to"),
            _("With yes, the agreement is written down with this form as its proof."), none=_("no consent"),
        ),
        OneOf(
            "consent_channel", _("By which the company gets in touch"), none=_("nothing chosen"),
            choices=tuple((channel.value, CONSENT_CHANNELS[channel]) for channel in ConsentChannel),
        ),
    )  # fmt: skip
    index = Kind.number
    typed_as = "yes_no"
    face = Face(Control.choice)
    missing = _("Please choose yes or no.")

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        if isinstance(raw, str) and len(raw) <= base.LONGEST_TYPED:
            raw = TYPED.get(base.composed(raw).lower())
        if not isinstance(raw, bool):
            raise Refused(_("Please answer with yes or no."))
        return raw

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        return say((YES if value else NO).label)

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return (YES if value else NO).value

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        return {"type": "boolean"}

    def choices(self, spec: FieldSpec, context: base.Context) -> tuple[Option, ...]:
        return YES, NO

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        """Consent is given freely and by the person himself: nothing is ticked for him, nothing hangs on it (Law
        91/2025/QH15 and Decree 356/2025/ND-CP on personal data: default consent is banned)."""
        yield from super().flaws(given)
        if not given.get("consent"):
            return
        if not given.get("consent_channel"):
            yield Flaw("consent_channel", "no_channel", _("Say by which way the company may get in touch then."))
        if given.get("default") not in (None, ""):
            sentence = _("Consent is never answered beforehand: the customer says yes himself. Take the default away.")
            yield Flaw("default", "consent_ticked", sentence)
        for name in ("required", "required_if"):
            if given.get(name) not in (None, "", False):
                sentence = _("Consent is free: whoever says nothing has not agreed. It cannot be required.")
                yield Flaw(name, "consent_forced", sentence)

    def begins_empty(self, spec: FieldSpec) -> bool:
        return bool(spec.own.get("consent"))
