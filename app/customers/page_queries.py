"""What does a customer's page read? As much as possible at once: the page costs the same however long his story is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from app.core.access import Actor, visible
from app.core.errors import NotFoundError
from app.customers import queries
from app.customers.models import Customer
from app.customers.profile_models import CustomerTag, Purchase, Tag
from app.customers.promise_models import Promise, PromiseState
from app.security.models import Member

#: settled promises that stay in sight below the open ones, and all that are read
MOST_PROMISES = 8
_MARK = "\x1f"


class Read(NamedTuple):
    """A customer as far as this person may see him. `item` is None for whoever sees the header alone."""

    card: queries.CustomerCard
    item: Customer | None
    preferred_id: int
    #: the ways to reach that others are reached by too
    shared_ids: frozenset[int]
    #: which of the asked rights he has over this customer
    rights: frozenset[str]
    tags: Sequence[str]
    #: where the customer works, as far as its name may be read
    employer: str
    #: who added and who last changed the customer
    added_by: str
    changed_by: str


def customer_page(session: Session, number: int, who: Actor, rights: Collection[str]) -> Read:
    """One query. Raises NotFoundError when there is no such customer, or none for him."""
    asked = sorted(right for right in rights if who.is_himself and who.may(right, "Customer"))
    tags = (
        select(func.aggregate_strings(Tag.name, _MARK)).join(CustomerTag, CustomerTag.tag_id == Tag.id)
        .where(CustomerTag.customer_id == Customer.id).correlate(Customer)
    )  # fmt: skip
    found = session.execute(
        select(
            Customer, visible(Customer, who).label("full"), tags.scalar_subquery().label("tags"),
            _employer(who).label("employer"), _called(Customer.created_by_id).label("added_by"),
            _called(Customer.updated_by_id).label("changed_by"),
            *(visible(Customer, who, right).label(f"may_{right}") for right in asked),
        )
        .where(Customer.id == number, queries.header_visible(who))
        .options(joinedload(Customer.owner), joinedload(Customer.team), joinedload(Customer.all_contact_points))
    ).unique().one_or_none()  # fmt: skip
    if found is None:
        raise NotFoundError
    item, full, tagged, employer, added_by, changed_by, *held = found
    points = item.contact_points
    seen = tuple(queries.contacts_seen(points, who))
    card = queries.CustomerCard(
        bool(full), item.id, item.code, item.name, item.kind, seen, queries.restriction_seen(item, who)
    )
    return Read(
        card,
        item if full else None,
        next((point.id for point in points if point.is_preferred), 0),
        frozenset(point.id for point in points if point.is_shared),
        frozenset(right for right, is_his in zip(asked, held, strict=True) if is_his) if full else frozenset(),
        sorted(tagged.split(_MARK)) if tagged else (),
        employer or "",
        added_by or "",
        changed_by or "",
    )


def _employer(who: Actor) -> Any:
    company = aliased(Customer)
    seen = select(Customer.id).where(queries.header_visible(who)).correlate(None)
    rows = select(company.name).where(company.id == Customer.company_id, company.id.in_(seen))
    return rows.correlate(Customer).scalar_subquery()


def _called(column: Any) -> Any:
    return select(Member.name).where(Member.id == column).correlate(Customer).scalar_subquery()


def bought(customer_id: int, who: Actor) -> Any:
    """How much he bought in all, in whole VND: a column for a query that counts."""
    rows = select(func.sum(Purchase.amount)).where(
        Purchase.customer_id == customer_id, Purchase.archived_at.is_(None), visible(Purchase, who)
    )
    return rows.scalar_subquery()


def promises(session: Session, customer_id: int, who: Actor) -> Sequence[tuple[Promise, str]]:
    """Open ones by day, then those settled last; each with the name of whoever promised. One query."""
    is_settled = case((Promise.state == PromiseState.open, 0), else_=1)
    rows = (
        select(Promise, Member.name).outerjoin(Member, Member.id == Promise.owner_id)
        .where(Promise.customer_id == customer_id, Promise.archived_at.is_(None), visible(Promise, who))
        .order_by(is_settled, case((Promise.state == PromiseState.open, Promise.due_on)).nulls_last(),
                  Promise.settled_at.desc(), Promise.id)
        .limit(MOST_PROMISES)
    )  # fmt: skip
    return [(promise, name or "") for promise, name in session.execute(rows)]
