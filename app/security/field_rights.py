"""What may a role do with a field? Read for its page, changed by whoever holds as much himself."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence

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
from app.security.role_rules import Place, may_give_field
from app.security.roles import ADMIN, RESOURCE_LABELS

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
    return rules_of_each(session, [role_id])[role_id]


def rules_of_each(session: Session, role_ids: Collection[int]) -> dict[int, dict[Place, FieldRule]]:
    """The same of several roles, in one query."""
    found: dict[int, dict[Place, FieldRule]] = {role_id: {} for role_id in role_ids}
    for row in session.scalars(select(RoleField).where(RoleField.role_id.in_(role_ids))):
        if row.right is not FieldRight.full:
            found[row.role_id][row.resource, row.field] = FieldRule(row.right, row.may_reveal)
    return found


def version_of(rules: Rules) -> str:
    """Which rules a form showed; other rules have another version."""
    told = sorted(f"{resource}.{field}={rule.right}{rule.may_reveal}" for (resource, field), rule in rules.items())
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def beyond(by: Actor, rules: Rules, parts: Collection[str]) -> list[Place]:
    """The fields with which a role that comes into these parts of the product may do more than this person."""
    return [place for place in by.fields if place[0] in parts and not may_give_field(by, place, rules.get(place, FULL))]


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
        place for place, scopes in changed.items() if not all(may_give_field(by, place, rule) for rule in scopes)
    ]
    if too_much:
        sentence = _("You cannot give more than you may do with this field yourself.")
        raise InvalidInputError(fields={".".join(place): [sentence] for place in too_much})
    _write(session, role.id, {place: new for place, (_old, new) in changed.items()})
    services.rights_changed(session, _holders(session, role.id))
    return list(changed)


def hold_back(session: Session, role_id: int, rules: Rules) -> None:
    """A new role holds back what the one it is made from holds back, or else what its maker does not read."""
    _write(session, role_id, rules)


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
