"""Who is forgotten, since when, and whose customers are they?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor, row_rule, visible
from app.core.db import UtcDateTime
from app.customers.forgotten.models import ContactTarget
from app.customers.models import Customer


@row_rule(ContactTarget)
def _targets(actor: Actor, _action: str) -> ColumnElement[bool]:
    return literal(actor.may("view", "Customer"))


def heard_at() -> ColumnElement[Any]:
    """When both sides last spoke; of whom nobody ever spoke with, since when we know him."""
    return func.coalesce(Customer.last_contact_at, Customer.created_at, type_=UtcDateTime())


def is_forgotten(at: datetime | None = None) -> ColumnElement[bool]:
    """Customers beyond the target of their tier; those who are not to be contacted never are."""
    over: ColumnElement[bool] = Customer.forgotten_from <= literal(at or clock.now(), UtcDateTime())
    return Customer.forgotten_from.is_not(None) & over


def forgotten(who: Actor, *, owners: Collection[int] | None = None) -> Select[Customer]:
    """The live ones that he sees, or only those of these owners; first whose time was over first."""
    rows = select(Customer).where(Customer.archived_at.is_(None), is_forgotten(), visible(Customer, who))
    if owners is not None:
        rows = rows.where(Customer.owner_id.in_(sorted(owners)))
    return rows.order_by(Customer.forgotten_from, Customer.id)


def count(session: Session, who: Actor, owners: Collection[int], most: int) -> tuple[int, bool]:
    """How many of these owners' are forgotten, up to so many, and whether there are more."""
    rows = forgotten(who, owners=owners).order_by(None).with_only_columns(Customer.id).limit(most + 1)
    found = session.scalar(select(func.count()).select_from(rows.subquery())) or 0
    return min(found, most), found > most


@dataclass(frozen=True)
class OfOwner:
    """How many customers of one person are forgotten; None: nobody looks after them."""

    owner_id: int | None
    count: int


def by_owner(session: Session, who: Actor) -> list[OfOwner]:
    """The most first."""
    rows = forgotten(who).order_by(None).with_only_columns(Customer.owner_id, func.count(Customer.id))
    most_first = (func.count(Customer.id).desc(), Customer.owner_id)
    found = session.execute(rows.group_by(Customer.owner_id).order_by(*most_first))
    return [OfOwner(owner_id, count) for owner_id, count in found]


def targets(session: Session) -> dict[str, int]:
    """Tier → days; "" for customers without a tier."""
    rows = session.scalars(select(ContactTarget).order_by(ContactTarget.tier))
    return {row.tier: row.days for row in rows if row.days is not None}


def days_silent(customer: Customer, at: datetime) -> int:
    return (at - (customer.last_contact_at or customer.created_at)) // timedelta(days=1)


def is_over(session: Session, customer: Customer, at: datetime) -> tuple[int, int] | None:
    """(days of silence, days allowed) of a customer who is forgotten; None where he is not."""
    if customer.is_archived or customer.do_not_contact:
        return None
    allowed = session.scalar(select(ContactTarget.days).where(ContactTarget.tier == (customer.tier or "")))
    silent = days_silent(customer, at)
    return (silent, allowed) if allowed is not None and silent >= allowed else None
