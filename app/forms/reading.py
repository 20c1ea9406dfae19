"""Who reads the answer to a field, and who gives it? The one rule for forms, submissions and own fields of records."""

from __future__ import annotations

from collections.abc import Collection

from app.core.access import Actor, FieldRight
from app.forms.fields.base import FieldSpec


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


def _is_among(roles: Collection[str], who: Actor) -> bool:
    return not roles or not who.roles.isdisjoint(roles)
