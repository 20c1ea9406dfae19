"""Who reads an answer, as it is, with dots or not at all, and who gives it? By the roles that its question names and by
the class of personal data that it tells. The one place that knows: forms, submissions and own fields of records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.core.access import Actor, FieldRight
from app.core.guarded import GuardedField, declare
from app.core.i18n import _
from app.core.masking import DOTS, Covered, Mask, masked
from app.forms.fields.base import Context, FieldSpec, FormField, Value

RESOURCE = "Submission"
#: class of personal data → the field under whose right (security, “field rights”) such answers fall
GUARDED: Mapping[str, str] = {"basic": "answers_basic", "sensitive": "answers_sensitive"}
#: what is left of an answer to recognise it by; of every other kind nothing is
_MASKS: Mapping[str, Mask] = {
    "phone": Mask.phone, "email": Mask.email, "citizen_id": Mask.number, "tax_code": Mask.number, "text": Mask.text,
    "long_text": Mask.text, "address": Mask.text,
}  # fmt: skip

declare(RESOURCE, [
    GuardedField(RESOURCE, GUARDED["basic"], _("Answers: basic personal data"), Mask.text, is_sensitive=True),
    GuardedField(RESOURCE, GUARDED["sensitive"], _("Answers: sensitive personal data"), Mask.text, is_sensitive=True),
])  # fmt: skip


def right_to(spec: FieldSpec, who: Actor, given: FieldRight = FieldRight.full) -> FieldRight:
    """What this person may do with the answer: by the roles that the field names, and at most what his own roles are
    `given` for it."""
    if who.is_system:
        return FieldRight.full
    if not _is_among(spec.read_roles, who):
        return FieldRight.hidden
    if not _is_among(spec.edit_roles, who):
        return min(given, FieldRight.read_only, key=lambda right: right.width)
    return given


def rights_of(who: Actor) -> Mapping[str, FieldRight]:
    """Class of personal data → what he may do with such answers, where that is not everything."""
    return {told: who.field_right(RESOURCE, key) for told, key in GUARDED.items()} if who.fields else {}


def right_in(one: FormField, context: Context) -> FieldRight:
    """The same for answers to forms: whoever answers or reads in this context; of several versions the narrowest."""
    return _right_in(_narrowest(one, context), context)


def ruled_by(one: FormField, context: Context) -> str:
    """The field under whose right he reads such an answer with dots."""
    return GUARDED[_narrowest(one, context).personal_data]


def guarded(one: FormField, others: Iterable[FieldSpec]) -> FormField:
    """The question as it is read where the same one, in other versions, is for other eyes."""
    mine = one.spec.read_roles, one.spec.personal_data
    also = tuple(other for other in others if (other.read_roles, other.personal_data) != mine)
    return replace(one, also=also) if also else one


def _narrowest(one: FormField, context: Context) -> FieldSpec:
    if not one.also:
        return one.spec
    return min((one.spec, *one.also), key=lambda spec: _right_in(spec, context).width)


def _right_in(spec: FieldSpec, context: Context) -> FieldRight:
    roles = spec.read_roles
    if roles and context.roles is not None and context.roles.isdisjoint(roles):
        return FieldRight.hidden
    return context.rights.get(spec.personal_data, FieldRight.full)


def is_seen(one: FormField, context: Context) -> bool:
    """Does he know that there is such an answer?"""
    return right_in(one, context) is not FieldRight.hidden


def is_read(one: FormField, context: Context) -> bool:
    """Does he read it as it is, without dots? Only then may he filter, order, count and take it away."""
    return right_in(one, context).width >= FieldRight.read_only.width


def is_written(one: FormField, context: Context) -> bool:
    """May he put another answer in the place of this one?"""
    return right_in(one, context) is FieldRight.full


def mask_of(one: FormField) -> Mask | None:
    """What is left of such an answer to recognise it by; None: nothing is."""
    return _MASKS.get(one.type.code)


def covered(one: FormField, value: Value, context: Context) -> Covered:
    """The answer with dots."""
    mask = mask_of(one)
    return Covered(DOTS) if mask is None else masked(mask, one.type.show(value, one.spec, context))


def readable(fields: Mapping[str, FormField], answers: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The answers by key as he may read them: hidden ones are not there, masked ones have dots, and so is what no
    question of `fields` asks for."""
    told = {}
    for key, value in answers.items():
        one = fields.get(key)
        if one is not None and is_seen(one, context):
            told[key] = value if is_read(one, context) else str(covered(one, value, context))
    return told


def _is_among(roles: Collection[str], who: Actor) -> bool:
    return not roles or not who.roles.isdisjoint(roles)
