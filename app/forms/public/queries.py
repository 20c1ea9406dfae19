"""Which link belongs to a form, what came in through it, and who may see it?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, joinedload

from app.core.access import Actor, row_rule, scoped
from app.forms.fields.base import Context
from app.forms.models import Form, FormVersion, VersionState
from app.forms.public import rules
from app.forms.public.models import EntryState, PublicEntry, PublicLink
from app.forms.queries import CompanyCatalogues


def link_of(session: Session, form: Form) -> PublicLink | None:
    """The form's door, open or closed; None: nobody ever opened one."""
    return session.scalars(select(PublicLink).where(PublicLink.form_id == form.id)).one_or_none()


def open_link(session: Session, key: str) -> tuple[PublicLink, FormVersion] | None:
    """The door with this key and what it asks now; None for a key that nobody has, and for a closed door alike."""
    if not rules.is_key(key):
        return None
    found = session.execute(
        select(PublicLink, FormVersion)
        .join(Form, Form.id == PublicLink.form_id)
        .join(FormVersion, FormVersion.form_id == Form.id)
        .where(PublicLink.key == key, PublicLink.opened_at.is_not(None), Form.archived_at.is_(None),
               FormVersion.state == VersionState.published)
        .options(joinedload(FormVersion.form))
    ).one_or_none()  # fmt: skip
    return None if found is None else (found[0], found[1])


def context_for_all(session: Session, key: str) -> Context:
    """What a form may ask while somebody answers who has no account: nobody's name, the company's lists."""
    return Context(
        catalogues=CompanyCatalogues(session), roles=frozenset(), wards_url=f"/f/{key}/phuong-xa", is_about_oneself=True
    )


def came_before(
    session: Session, since: datetime, *, address_key: str, link_id: int, answers: Mapping[str, Any]
) -> bool:
    """Did the very same come since then, from the same address through the same door?"""
    rows = select(PublicEntry.answers).where(
        PublicEntry.created_at >= since, PublicEntry.address_key == address_key, PublicEntry.link_id == link_id
    )
    return any(known == answers for known in session.scalars(rows.limit(rules.TOO_MANY)))


def came_since(session: Session, since: datetime, *, address_key: str | None = None, link_id: int | None = None) -> int:
    """How many entries came since then, from one address, through one door; counted up to what matters."""
    rows = select(PublicEntry.id).where(PublicEntry.created_at >= since)
    if address_key is not None:
        rows = rows.where(PublicEntry.address_key == address_key)
    if link_id is not None:
        rows = rows.where(PublicEntry.link_id == link_id)
    return _up_to(session, rows, max(rules.TOO_MANY, rules.TOO_MANY_TO_FORM))


def held_of(session: Session, link_id: int) -> int:
    """How many entries of this door wait for somebody; counted up to what matters."""
    rows = select(PublicEntry.id).where(PublicEntry.state == EntryState.held, PublicEntry.link_id == link_id)
    return _up_to(session, rows, rules.MOST_HELD)


def _up_to(session: Session, rows: Select[int], most: int) -> int:
    return session.scalar(select(func.count()).select_from(rows.limit(most).subquery())) or 0


def counts_of(session: Session, link: PublicLink) -> dict[EntryState, int]:
    """How many came through the door, by what became of them."""
    rows = (
        select(PublicEntry.state, func.count().label("number"))
        .where(PublicEntry.link_id == link.id)
        .group_by(PublicEntry.state)
    )
    return {one.state: one.number for one in session.execute(rows)}


@row_rule(PublicEntry)
def _entries(actor: Actor, action: str) -> ColumnElement[bool]:
    return scoped(actor.scope("PublicEntry", action), actor, owner_id=(), team_id=PublicEntry.team_id)
