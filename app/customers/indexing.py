"""By which words is a customer found? They are worked out here alone, and again whenever one of their sources changes.

Most change in the transaction that changes the customer. Where many follow one name (a tag, the company they work at),
the first are done at once; the others are marked, and the worker does them within seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlalchemy.orm import Session, aliased

from app.customers import matching, rules
from app.customers.models import ContactKind, ContactPoint, Customer
from app.customers.profile_models import CustomerTag, Tag

#: customers a call, so that a transaction stays short
MOST = 500


def index(session: Session, customer: Customer) -> None:
    """Bring the sort key, the searched words and what finds doubles up to date with name, contacts and address."""
    customer.sort_key = rules.name_order(customer.name, customer.kind)
    in_use = [(point.kind, point.value) for point in customer.contact_points]
    # Reading must not write the half-made change: `rev` would grow twice.
    with session.no_autoflush:
        tags = _tags(session, [customer.id]).get(customer.id, []) if customer.id is not None else []
        company = session.get(Customer, customer.company_id) if customer.company_id is not None else None
    at = company.name if company is not None else None
    codes = _codes(customer.code, customer.former_codes)
    customer.search_text = rules.search_text(codes, customer.name, in_use, tags, at)
    customer.search_is_stale = False
    customer.name_key = matching.name_key(customer.name, customer.kind)
    lives_at = (customer.street, customer.ward_code, customer.province_code, customer.old_address)
    customer.addr_key = matching.addr_key(*lives_at) or None


def changed(session: Session, which: ColumnElement[bool]) -> None:
    """What these customers are found by has another name: a tag of theirs, or the company that they work at."""
    session.flush()
    table = Customer.__table__
    # Past the rows' own revision and stamps: nobody changed the customers themselves.
    marked = update(table).where(which).values(search_is_stale=True, updated_at=table.c.updated_at)
    session.connection().execute(marked)
    refresh(session)


def tagged(tag_id: int) -> ColumnElement[bool]:
    return Customer.id.in_(select(CustomerTag.customer_id).where(CustomerTag.tag_id == tag_id))


def works_at(company_id: int) -> ColumnElement[bool]:
    return Customer.company_id == company_id


def refresh(session: Session, most: int = MOST) -> int:
    """Work out the words of up to so many customers whose words are stale; how many. Twice is as good as once."""
    stale = select(Customer.id).where(Customer.search_is_stale).order_by(Customer.id).limit(most)
    # Somebody who saves one of them meanwhile brings it up to date himself.
    ids = session.scalars(stale.with_for_update(skip_locked=True)).all()
    if ids:
        renew(session, ids)
    return len(ids)


def renew(session: Session, ids: Collection[int]) -> None:
    """Bring the searched words of these customers up to date. They do not count as changed by it."""
    company = aliased(Customer)
    rows = session.execute(
        select(Customer.id, Customer.code, Customer.former_codes, Customer.name, company.name.label("company"))
        .outerjoin(company, company.id == Customer.company_id)
        .where(Customer.id.in_(ids))
    ).all()
    points: dict[int, list[tuple[ContactKind, str]]] = {}
    for point in session.execute(
        select(ContactPoint.customer_id, ContactPoint.kind, ContactPoint.value)
        .where(ContactPoint.customer_id.in_(ids), ContactPoint.archived_at.is_(None))
        .order_by(ContactPoint.is_preferred.desc(), ContactPoint.id)
    ):
        points.setdefault(point.customer_id, []).append((point.kind, point.value))
    tags = _tags(session, ids)
    found = []
    for row in rows:
        sources = (row.name, points.get(row.id, ()), tags.get(row.id, ()), row.company)
        found.append({"number": row.id, "words": rules.search_text(_codes(row.code, row.former_codes), *sources)})
    table = Customer.__table__
    change = update(table).where(table.c.id == bindparam("number"))
    values: dict[str, Any] = {
        "search_text": bindparam("words"), "search_is_stale": False, "updated_at": table.c.updated_at
    }  # fmt: skip
    session.connection().execute(change.values(values), found)


def _codes(code: str, former: str | None) -> str:
    return f"{code} {former}" if former else code


def _tags(session: Session, ids: Collection[int]) -> Mapping[int, list[str]]:
    rows = select(CustomerTag.customer_id, Tag.name).join(Tag, Tag.id == CustomerTag.tag_id)
    told: dict[int, list[str]] = {}
    for row in session.execute(rows.where(CustomerTag.customer_id.in_(ids)).order_by(Tag.name)):
        told.setdefault(row.customer_id, []).append(row.name)
    return told
