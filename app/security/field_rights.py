"""What may a role do with a field? Read for its page, changed by whoever holds as much himself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import guarded
from app.core.access import FULL, Actor, FieldRight, FieldRule
from app.core.accounts import Role, assoc_user_role
from app.core.db import queue_up
from app.core.errors import BadRequestError, BusinessError, ConflictError, InvalidInputError
from app.core.i18n import _
from app.security import services
from app.security.models import RoleField
from app.security.roles import ADMIN, RESOURCE_LABELS

#: (resource, field)
Place = tuple[str, str]
Rules = Mapping[Place, FieldRule]

RIGHT_LABELS = {
    FieldRight.full: _("Full"),
    FieldRight.read_only: _("Read only"),
    FieldRight.masked: _("Covered"),
    FieldRight.hidden: _("Hidden"),
}
ADMIN_READS_ALL = _(
    "An administrator reads every field, always: so somebody can give the right back. Copy the role and narrow the"
    " copy."
)


def rules_of(session: Session, role_id: int) -> dict[Place, FieldRule]:
    """What the role may do with each field that it holds back; every other field is full."""
    rows = session.scalars(select(RoleField).where(RoleField.role_id == role_id))
    return {
        (row.resource, row.field): FieldRule(row.right, row.may_reveal) for row in rows
        if row.right is not FieldRight.full
    }  # fmt: skip


def version_of(rules: Rules) -> str:
    """Which rules a form showed; other rules have another version."""
    told = sorted(f"{resource}.{field}={rule.right}{rule.may_reveal}" for (resource, field), rule in rules.items())
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def may_give(by: Actor, place: Place, rule: FieldRule) -> bool:
    """Does he hold as much himself?"""
    own = by.field_rule(*place)
    is_opening = rule.right is FieldRight.masked and rule.may_reveal
    return rule.right.width <= own.right.width and (own.may_reveal or not is_opening or by.reads(*place))


def beyond(session: Session, by: Actor, role_id: int) -> list[Place]:
    """The fields with which the role may do more than this person."""
    rules = rules_of(session, role_id)
    return [place for place in by.fields if not may_give(by, place, rules.get(place, FULL))]


def named(places: Iterable[Place]) -> str:
    """Customers: phone number, Staff: e-mail"""
    known = [(RESOURCE_LABELS[resource], guarded.field_of(resource, field)) for resource, field in places]
    return ", ".join(f"{part}: {field.label}" for part, field in known if field is not None)


def place_words(told: str) -> str:
    """Customer.phone → Customers: Phone number"""
    resource, _dot, key = told.partition(".")
    known = guarded.field_of(resource, key)
    return f"{RESOURCE_LABELS.get(resource, resource)}: {known.label if known is not None else key}"


def change(session: Session, role: Role, wanted: Rules, *, version: str, by: Actor) -> list[Place]:
    """Give the role these rights to fields; what is not named stays. Returns the fields that changed.

    Every holder reads with them from his next click on. Raises InvalidInputError at "Customer.phone" for more than he
    holds himself, ConflictError when somebody changed them since, BadRequestError for a field that there is not, and
    BusinessError for the administrators' role.
    """
    by.must("edit", "Role")
    queue_up(session, "role")
    known = rules_of(session, role.id)
    if version != version_of(known):
        raise ConflictError
    changed = {}
    for place, rule in wanted.items():
        if guarded.field_of(*place) is None:
            raise BadRequestError(_("There is no such field."))
        tidy = FieldRule(rule.right, rule.may_reveal and rule.right is FieldRight.masked)
        before = known.get(place, FULL)
        if tidy != before and (tidy.right, before.right) != (FieldRight.full, FieldRight.full):
            changed[place] = (before, tidy)
    if not changed:
        return []
    if role.name == ADMIN:
        raise BusinessError(ADMIN_READS_ALL)
    too_much = [
        place for place, (old, new) in changed.items() if not (may_give(by, place, old) and may_give(by, place, new))
    ]
    if too_much:
        sentence = _("You cannot give more than you may do with this field yourself.")
        raise InvalidInputError(fields={".".join(place): [sentence] for place in too_much})
    _write(session, role.id, {place: new for place, (_old, new) in changed.items()})
    services.rights_changed(session, _holders(session, role.id))
    return list(changed)


def copy(session: Session, *, source_id: int, target_id: int) -> None:
    """A copied role holds back what the one it is made from holds back."""
    _write(session, target_id, rules_of(session, source_id))


def _write(session: Session, role_id: int, rules: Rules) -> None:
    rows = {
        (row.resource, row.field): row for row in session.scalars(select(RoleField).where(RoleField.role_id == role_id))
    }
    for place, rule in rules.items():
        row = rows.get(place)
        if row is None:
            row = RoleField(role_id=role_id, resource=place[0], field=place[1])
            session.add(row)
        row.right, row.may_reveal = rule.right, rule.may_reveal
    session.flush()


def _holders(session: Session, role_id: int) -> Sequence[int]:
    return session.scalars(select(assoc_user_role.c.user_id).where(assoc_user_role.c.role_id == role_id)).all()


def in_order(fields: Iterable[guarded.GuardedField]) -> list[guarded.GuardedField]:
    """Those about people first, each part as its screen declares it."""
    return sorted(fields, key=lambda one: not one.is_sensitive)
