"""From when on is a customer forgotten? Kept in his row, so that nobody is looked for among all.

It follows from his last contact and the target of his tier: whoever changes the row changes it too. Other targets are
many rows: the first ones follow at once, the others within seconds by the worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, event, func, inspect, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.forgotten.models import ContactTarget
from app.customers.forgotten.queries import targets
from app.customers.models import Customer

#: customers a call, so that a transaction stays short
MOST = 2_000
_FOLLOWS = ("tier", "last_contact_at", "do_not_contact", "archived_at")


def moment(customer: Any, days: Mapping[str, int]) -> datetime | None:
    """When his time is over, by these targets; None: he is never forgotten."""
    allowed = days.get(customer.tier or "")
    if allowed is None or customer.do_not_contact or customer.archived_at is not None:
        return None
    since: datetime = customer.last_contact_at or customer.created_at
    return since + timedelta(days=allowed)


@event.listens_for(Session, "before_flush")
def _keep(session: Session, _context: object, _instances: object) -> None:
    touched = [one for one in session.new if isinstance(one, Customer)]
    touched += [one for one in session.dirty if isinstance(one, Customer) and _is_touched(one)]
    if touched:
        days = targets(session)
        for one in touched:
            one.created_at = one.created_at or clock.now()
            one.forgotten_from = moment(one, days)


def _is_touched(customer: Customer) -> bool:
    attributes: Any = inspect(customer).attrs
    return any(attributes[name].history.has_changes() for name in _FOLLOWS)


def renew(session: Session, ids: Sequence[int]) -> None:
    """Of these, whose rows were written past the mapper. They do not count as changed by it."""
    _renew(session, Customer.id.in_(ids), len(ids), targets(session))


def refresh(session: Session, most: int = MOST) -> int:
    """Up to so many customers follow the targets that are new; how many were looked at. Twice is as good as once."""
    days, left = targets(session), most
    new = select(ContactTarget.id, ContactTarget.tier, ContactTarget.renewed_to)
    rows = new.where(ContactTarget.renewed_to.is_not(None)).order_by(ContactTarget.id)
    for row in session.execute(rows.with_for_update(skip_locked=True)).all():
        theirs = (func.coalesce(Customer.tier, "") == row.tier) & (Customer.id > row.renewed_to)
        found = _renew(session, theirs, left, days)
        reached = found[-1] if len(found) == left else None
        table = ContactTarget.__table__
        change = update(table).where(table.c.id == row.id).values(renewed_to=reached, updated_at=table.c.updated_at)
        session.connection().execute(change)
        left -= len(found)
        if not left:
            break
    return most - left


def _renew(session: Session, which: Any, most: int, days: Mapping[str, int]) -> list[int]:
    rows = session.execute(
        select(
            Customer.id, Customer.tier, Customer.last_contact_at, Customer.created_at, Customer.do_not_contact,
            Customer.archived_at, Customer.forgotten_from,
        ).where(which).order_by(Customer.id).limit(most).with_for_update()
    ).all()  # fmt: skip
    found = [{"number": row.id, "moment": new} for row in rows if (new := moment(row, days)) != row.forgotten_from]
    if found:
        table = Customer.__table__
        change = update(table).where(table.c.id == bindparam("number"))
        values: dict[str, Any] = {"forgotten_from": bindparam("moment"), "updated_at": table.c.updated_at}
        session.connection().execute(change.values(values), found)
    return [row.id for row in rows]
