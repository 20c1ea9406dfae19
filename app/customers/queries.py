"""Which customers may I see, which ones match what I typed, and who has this phone number already?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, case, false, or_, select, true
from sqlalchemy.orm import Session

from app.core import guarded, links
from app.core.access import Actor, Scope, row_rule, scoped, visible
from app.core.errors import NotFoundError
from app.customers import rules
from app.customers.models import ContactKind, ContactPoint, Customer, CustomerKind, TimelineEntry
from app.security.grants import granted
from app.security.models import Right

# ── Who may see what ─────────────────────────────────────────────────────────────────────────────────────────────────

# A grant shares one record: to read it, or to edit it too. It never reaches further (export, assign, delete).
GRANTS: Mapping[str, tuple[Right, ...]] = {"view": (Right.view, Right.edit), "edit": (Right.edit,)}


@row_rule(Customer)
def _customers(actor: Actor, action: str) -> ColumnElement[bool]:
    """His own, his team's, … by his scope, and those handed to him. Archived ones too: lists ask for live()."""
    if not actor.may(action, "Customer"):
        return false()
    reach = in_reach(Customer, actor, action)
    if action not in GRANTS:
        return reach
    return or_(reach, granted("Customer", Customer.id, actor, *GRANTS[action]))


def in_reach(row: Any, actor: Actor, action: str = "view") -> ColumnElement[bool]:
    """His by scope alone; `row`: the customer, or whatever else has these columns of him."""
    owners = (row.created_by_id, row.owner_id)
    return scoped(actor.scope("Customer", action), actor, owner_id=owners, team_id=row.team_id)


@row_rule(ContactPoint)
def _contact_points(actor: Actor, action: str) -> ColumnElement[bool]:
    """Read with the customer's header, exported with the customer, and changed by whoever may edit him."""
    if action == "view":
        return ContactPoint.customer_id.in_(_ids(header_visible(actor)))
    return ContactPoint.customer_id.in_(_ids(visible(Customer, actor, "export" if action == "export" else "edit")))


@row_rule(TimelineEntry)
def _timeline(actor: Actor, action: str) -> ColumnElement[bool]:
    """Read by whoever sees the whole customer; written by services alone."""
    if action not in {"view", "export"}:
        return false()
    return TimelineEntry.customer_id.in_(_ids(visible(Customer, actor, action)))


def header_visible(actor: Actor) -> ColumnElement[bool]:
    """Whose name, code and contact points may he read? Work on a customer gives that much, whatever his role."""
    if actor.is_system:
        return true()
    return or_(visible(Customer, actor), granted("Customer", Customer.id, actor, Right.header, Right.view, Right.edit))


def looked_after_by(member_id: int) -> tuple[ColumnElement[bool], ...]:
    """The customers in use of whom this person is in charge."""
    return Customer.owner_id == member_id, Customer.archived_at.is_(None)


def live() -> ColumnElement[bool]:
    """Not archived: what lists, choices and searches offer."""
    return Customer.archived_at.is_(None)


def main_contact(kind: ContactKind) -> Any:
    """How the customer of a row is reached first: the preferred or the oldest number or address in use."""
    rows = (
        select(ContactPoint.shown)
        .where(ContactPoint.customer_id == Customer.id, ContactPoint.kind == kind, ContactPoint.archived_at.is_(None))
        .order_by(ContactPoint.is_preferred.desc(), ContactPoint.id).limit(1).correlate(Customer)
    )  # fmt: skip
    return rows.scalar_subquery()


def contacts(kind: ContactKind) -> Any:
    """All numbers or addresses in use of the customer of a row: a filter looks through each of them."""
    rows = select(ContactPoint.shown).where(
        ContactPoint.customer_id == Customer.id, ContactPoint.kind == kind, ContactPoint.archived_at.is_(None)
    )
    return rows.correlate(Customer)


def _ids(condition: ColumnElement[bool]) -> Select[int]:
    # On its own, even inside a query that joins customers: the rule must not lean on the outer one.
    return select(Customer.id).where(condition).correlate(None)


def name_if_seen(actor: Actor) -> ColumnElement[str | None]:
    """The customer's name in a query that joins customers, or NULL where he may not read it."""
    return case((header_visible(actor), Customer.name))


def names_seen(session: Session, ids: Collection[int], who: Actor) -> set[int]:
    """Those of these customers whose name he may read."""
    if not ids or who.scope("Customer") is Scope.all:
        return set(ids)

    def seen() -> Select[Any]:
        return select(Customer.id).where(Customer.id.in_(bindparam("ids", expanding=True)), header_visible(who))

    return set(session.scalars(who.once(("names seen",), seen), {"ids": list(ids)}))


# ── One customer ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CustomerCard:
    """The customer as far as this actor may see him: always the header, and with `full` the rest is his too."""

    full: bool
    id: int
    code: str
    name: str
    kind: CustomerKind
    #: as this actor reads them
    contact_points: tuple[rules.Contact, ...]
    #: why he is not to be contacted, as this actor reads it; None: he may be
    restriction: str | None

    @property
    def phone(self) -> str | None:
        """The number to call, as people read it."""
        return next((point.shown for point in self.contact_points if point.kind is ContactKind.phone), None)


class NamedCustomer(NamedTuple):
    """What a list of work tells of a customer; with `full` his page is open to this actor."""

    id: int
    name: str
    full: bool


def contact_seen(contact: rules.Contact, who: Actor) -> rules.Contact | None:
    """The way to reach as this person may read it: whole, with dots, or not at all."""
    field = rules.field_of(contact.kind, contact.value)
    if field is None or who.reads("Customer", field):
        return replace(contact, field=field)
    shown = guarded.seen(who, "Customer", field, contact.shown)
    return None if shown is None else replace(contact, value=shown, shown=shown, field=field, is_covered=True)


def contacts_seen(points: Iterable[ContactPoint], who: Actor) -> list[rules.Contact]:
    """Those of a customer that this person reads, as he reads them."""
    found = (contact_seen(rules.Contact(one.kind, one.value, one.shown, one.id), who) for one in points)
    return [one for one in found if one is not None]


def reveal_path(customer_id: int, contact: rules.Contact, who: Actor) -> str | None:
    """Where a covered way to reach is opened; None for one that stands open, and for whoever may not."""
    if not contact.is_covered or not who.field_rule("Customer", contact.field or "").may_reveal:
        return None
    return links.covered_contact_path(customer_id, contact.id)


def reached_first(customer: Customer, who: Actor) -> str | None:
    """His main phone number, or else e-mail, as this person may read it."""
    seen = contacts_seen(customer.contact_points, who)
    by_kind = {kind: next((one.shown for one in seen if one.kind is kind), None) for kind in ContactKind}
    return by_kind[ContactKind.phone] or by_kind[ContactKind.email]


def restriction_seen(customer: Any, who: Actor) -> str | None:
    """Why this customer (or row of one) is not to be contacted: whoever reads his number is told that much."""
    if not customer.do_not_contact:
        return None
    return guarded.seen(who, "Customer", "do_not_contact_reason", customer.do_not_contact_reason) or ""


def _headers(
    customer_ids: Collection[int], actor: Actor
) -> Select[int, str, str, CustomerKind, bool, str | None, bool]:  # fmt: skip
    header = select(
        Customer.id, Customer.code, Customer.name, Customer.kind, Customer.do_not_contact,
        Customer.do_not_contact_reason, visible(Customer, actor).label("full"),
    )  # fmt: skip
    return header.where(Customer.id.in_(customer_ids), header_visible(actor))


def customer_names(session: Session, customer_ids: Collection[int], actor: Actor) -> dict[int, NamedCustomer]:
    """Names by customer id, without those he may not read. One query, however many are asked for."""
    if not customer_ids:
        return {}
    return _named(session.execute(_headers(customer_ids, actor)))


def _named(rows: Iterable[Any]) -> dict[int, NamedCustomer]:
    return {row.id: NamedCustomer(row.id, row.name, bool(row.full)) for row in rows}


def customer_cards(session: Session, customer_ids: Collection[int], actor: Actor) -> dict[int, CustomerCard]:
    """Cards by customer id, without those he may not see at all. Two queries, however many are asked for."""
    if not customer_ids:
        return {}
    return _cards(session, session.execute(_headers(customer_ids, actor)).all(), actor)


def card_and_names(
    session: Session, customer_id: int | None, others: Collection[int], actor: Actor
) -> tuple[CustomerCard | None, dict[int, NamedCustomer]]:
    """The card of one customer and the names of all of them, as far as he may see them. Two queries at most."""
    wanted = {*others, customer_id} if customer_id is not None else set(others)
    rows = session.execute(_headers(wanted, actor)).all() if wanted else []
    cards = _cards(session, [row for row in rows if row.id == customer_id], actor)
    return cards.get(customer_id or 0), _named(rows)


def _cards(session: Session, rows: Sequence[Any], actor: Actor) -> dict[int, CustomerCard]:
    if not rows:
        return {}
    contacts: dict[int, list[ContactPoint]] = {row.id: [] for row in rows}
    for point in session.scalars(
        select(ContactPoint)
        .where(ContactPoint.customer_id.in_(contacts), ContactPoint.archived_at.is_(None))
        .order_by(ContactPoint.is_preferred.desc(), ContactPoint.id)
    ):
        contacts[point.customer_id].append(point)
    return {
        row.id: CustomerCard(
            full=bool(row.full),
            id=row.id,
            code=row.code,
            name=row.name,
            kind=row.kind,
            contact_points=tuple(contacts_seen(contacts[row.id], actor)),
            restriction=restriction_seen(row, actor),
        )
        for row in rows
    }


def customer_card(session: Session, customer_id: int, actor: Actor) -> CustomerCard:
    """Raises NotFoundError when there is no such customer, or none for him."""
    card = customer_cards(session, [customer_id], actor).get(customer_id)
    if card is None:
        raise NotFoundError
    return card


def timeline(customer_id: int, actor: Actor) -> Select[TimelineEntry]:
    """What happened with the customer, the newest first; nothing when he may not see the whole customer."""
    return (
        select(TimelineEntry)
        .where(TimelineEntry.customer_id == customer_id, visible(TimelineEntry, actor))
        .order_by(TimelineEntry.at.desc(), TimelineEntry.id.desc())
    )
