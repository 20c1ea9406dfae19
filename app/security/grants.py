"""What was handed to this person or to a team of his, beyond what his roles reach? Of one record, or of all at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, exists, false, or_, select, union_all
from sqlalchemy.sql.selectable import CompoundSelect

from app.core import clock
from app.core.access import Actor, among
from app.core.db import UtcDateTime
from app.security.models import Grant, Right


def now_when_asked() -> Any:
    """The moment when the query is asked, not when its condition was put together."""
    return bindparam("now", callable_=clock.now, type_=UtcDateTime(), unique=True)


def granted(
    resource: str, record_id: Any, actor: Actor, *rights: Right, at: datetime | None = None
) -> ColumnElement[bool]:
    """Was the record handed to this person or to a team of his? Any of `rights` counts (default: view or edit)."""
    receivers = _receivers(actor)
    if not receivers:
        return false()
    return exists().where(Grant.record_id == record_id, *_in_force(resource, rights, at), or_(*receivers))


def granted_ids(resource: str, actor: Actor, *rights: Right) -> Select[Any] | CompoundSelect[Any]:
    """The ids of all records for which `granted` holds. One may come several times.

    Each kind of receiver is a part of its own, since that is how the index is read: both in one sentence made SQLite
    read through all customers, and PostgreSQL through all grants.
    """
    ids = select(Grant.record_id).where(*_in_force(resource, rights, None))
    found = [ids.where(receiver) for receiver in _receivers(actor)]
    return union_all(*found) if len(found) > 1 else (found or [ids.where(false())])[0]


def _receivers(actor: Actor) -> Sequence[ColumnElement[bool]]:
    if actor.user_id is None or not actor.takes_grants:
        return []
    teams = [among(Grant.team_id, actor.team_ids)] if actor.team_ids else []
    return [Grant.member_id == actor.user_id, *teams]


def _in_force(resource: str, rights: Sequence[Right], at: datetime | None) -> Sequence[ColumnElement[bool]]:
    return (
        Grant.resource == resource,
        Grant.ended_at.is_(None),
        or_(Grant.until.is_(None), Grant.until > (at or now_when_asked())),
        among(Grant.right, rights or (Right.view, Right.edit)),
    )
