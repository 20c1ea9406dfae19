"""Which own fields do customers have now, and what was said to them? Read once a process, and again when published."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access import Actor, FieldRight
from app.core.remembered import Remembered
from app.core.screens.extra import PREFIX
from app.forms import queries, rules
from app.forms.fields.base import Context, FormField, Value
from app.forms.fields.definition import read_field
from app.forms.models import Form, FormPurpose, FormVersion, VersionState
from app.forms.own_fields.models import CustomerAnswers, CustomerValue
from app.forms.reading import right_to, rights_of

RESOURCE = "Customer"
#: of what is read with every session (core.versions)
VERSION = "own_fields"
#: as role codes are written, none can be this: what only others may answer
_NOBODY = ("",)


@dataclass(frozen=True)
class Drawn:
    """The form that draws them, as it is published now."""

    version_id: int
    checksum: str
    raw: Mapping[str, Any]

    @cached_property
    def definition(self) -> rules.Definition:
        return rules.read_definition(self.raw)

    @cached_property
    def fields(self) -> Mapping[str, FormField]:
        """Those that are answered, by key."""
        return {one.key: one for one in self.definition.fields if one.type.has_answer}

    @cached_property
    def former(self) -> Mapping[str, FormField]:
        """Those that nobody is asked any more."""
        retired = (read_field(one) for one in self.raw["fields"] if one.get("retired"))
        return {one.key: one for one in retired if one.type.has_answer}

    def definition_for(self, who: Actor) -> rules.Definition:
        """The same with the fields that this person may not change asked of others, and those that he may not read as
        they are read by others."""
        if who.is_system:
            return self.definition
        return replace(self.definition, fields=tuple(_as_for(who, one) for one in self.definition.fields))


def _as_for(who: Actor, one: FormField) -> FormField:
    if may(who, one, FieldRight.full):
        return one
    is_read = may(who, one, FieldRight.read_only)
    return replace(one, spec=replace(
        one.spec, edit_roles=_NOBODY, read_roles=one.spec.read_roles if is_read else _NOBODY
    ))  # fmt: skip


def _read(session: Session) -> Drawn | None:
    row = session.execute(
        select(FormVersion.id, FormVersion.checksum, FormVersion.definition)
        .join(Form, Form.id == FormVersion.form_id)
        .where(Form.purpose == FormPurpose.customers, Form.archived_at.is_(None),
               FormVersion.state == VersionState.published)
    ).one_or_none()  # fmt: skip
    return None if row is None else Drawn(*row)


#: None: the company has added none
drawn = Remembered(VERSION, _read, at_first=None)


def right(who: Actor, one: FormField) -> FieldRight:
    """What this person may do with what customers have in the field: by its own right, and by the one to all answers
    that tell as much about a person."""
    given = who.field_right(RESOURCE, PREFIX + one.key)
    of_its_class = rights_of(who).get(one.spec.personal_data, given)
    return right_to(one.spec, who, min(given, of_its_class, key=lambda one: one.width))


def may(who: Actor, one: FormField, wanted: FieldRight) -> bool:
    return right(who, one).width >= wanted.width


def answers_of(session: Session, ids: Collection[int]) -> dict[int, Mapping[str, Value]]:
    """Customer → all that was said, by key, whoever may read it; whoever has none is not in it."""
    rows = select(CustomerAnswers.customer_id, CustomerAnswers.answers).where(CustomerAnswers.customer_id.in_(ids))
    return {row.customer_id: row.answers for row in session.execute(rows)}


def kept_for(session: Session, customer_id: int) -> CustomerAnswers | None:
    return session.scalars(select(CustomerAnswers).where(CustomerAnswers.customer_id == customer_id)).one_or_none()


def context(session: Session, who: Actor, before: Mapping[str, Value] | None) -> Context:
    return replace(queries.context_for(session, who), before=before)


def has_values(session: Session, key: str) -> bool:
    """Is something kept for this field of any customer?"""
    if session.scalar(select(CustomerValue.id).where(CustomerValue.field_key == key).limit(1)) is not None:
        return True
    rows = select(CustomerAnswers.id).where(CustomerAnswers.answers[key].as_string().is_not(None))
    return session.scalar(rows.limit(1)) is not None
