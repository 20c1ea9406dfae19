"""Customers for programs: list, read, make and change them."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session, joinedload, lazyload, selectinload

from app.core import edge
from app.core.access import get_visible, visible
from app.core.api import Api, equals, listing, moment, not_here, state_is, verb
from app.core.db import db
from app.core.errors import NotFoundError
from app.core.i18n import _
from app.core.schema import list_of, maybe, one_of, record, text, whole_number
from app.core.vietnamese import phone_e164
from app.customers import queries, services
from app.customers.models import (
    CONTACT_LENGTH,
    NAME_LENGTH,
    SOURCE_LENGTH,
    ContactKind,
    Customer,
    CustomerKind,
)
from app.customers.queries import CustomerCard
from app.customers.rules import NOTE_LENGTH, PHONE_KINDS, Contact
from app.security.models import Member, Team
from app.security.queries import member_by_username, team_by_code

MOST_CONTACTS = 20

_CONTACT = record(required=("kind", "value"), kind=one_of(ContactKind), value=text(CONTACT_LENGTH))
_NEW = record(
    required=("name",),
    name=text(NAME_LENGTH),
    kind=one_of(CustomerKind),
    phone=maybe(text(CONTACT_LENGTH)),
    email=maybe(text(CONTACT_LENGTH)),
    source=maybe(text(SOURCE_LENGTH)),
    note=maybe(text(NOTE_LENGTH)),
    contact_points=list_of(_CONTACT, most=MOST_CONTACTS),
)
_CHANGED = record(
    required=("rev",),
    rev=whole_number(),
    name=text(NAME_LENGTH),
    kind=one_of(CustomerKind),
    phone=maybe(text(CONTACT_LENGTH)),
    email=maybe(text(CONTACT_LENGTH)),
    source=maybe(text(SOURCE_LENGTH)),
    note=maybe(text(NOTE_LENGTH)),
    owner=maybe(text()),
    team=maybe(text()),
)

_ORDERS = {
    "name": Customer.sort_key,
    "code": Customer.code,
    "created": Customer.created_at,
    "created_at": Customer.created_at,
    "updated_at": Customer.updated_at,
    "id": Customer.id,
}
_LOAD = (
    joinedload(Customer.owner).options(lazyload(Member.memberships)),
    joinedload(Customer.team),
    selectinload(Customer.all_contact_points),
)


class CustomerApi(Api):
    """Lists and searches hold the customers that the actor sees whole; work on one shows its header by id."""

    resource_name = "customers"
    resource = "Customer"
    exact = frozenset({"phone", "email"})

    @verb(
        "/", "GET", "Customers, archived ones left out",
        query=listing(
            _ORDERS,
            q="words of name, code, phones and e-mails, accents or none; phones in any spelling or their last 4 digits",
            name="exactly", code="exactly", phone="in any spelling", email="exactly, in any case",
            kind="person or company", owner="user name", team="team code", source="code of a channel",
        ),
    )  # fmt: skip
    def index(self) -> dict[str, Any]:
        filters = {
            "q": lambda rows, typed: rows.where(queries.search(typed, edge.actor())),
            "name": equals(Customer.name),
            "code": equals(Customer.code),
            "phone": _with_phone,
            "email": _with_email,
            "kind": state_is(Customer.kind, CustomerKind),
            "owner": _owned_by,
            "team": lambda rows, code: rows.where(Customer.team_id.in_(select(Team.id).where(Team.code == code))),
            "source": equals(Customer.source),
        }
        rows = select(Customer).where(queries.live(), visible(Customer, edge.actor()))
        return self.page(
            rows, show=_whole, orders=_ORDERS, default_order="name", filters=filters, key=Customer.id, load=_LOAD
        )

    @verb("/<id>", "GET", "One customer; for whoever only has work on him: name, code and contact points", right=None)
    def get(self, id: str) -> dict[str, Any]:
        session, actor, customer_id = db.session(), edge.actor(), self.id(id)
        try:
            customer = get_visible(session, Customer, customer_id, actor)
        except NotFoundError:
            return _header(queries.customer_card(session, customer_id, actor))
        return _whole(customer)

    @verb("/", "POST", "A new customer", right="add", body=_NEW, status=201)
    def post(self) -> dict[str, Any]:
        body = self.read()
        points = [(ContactKind(point["kind"]), point["value"]) for point in body.get("contact_points", ())]

        def create(session: Session) -> dict[str, Any]:
            customer = services.create_customer(
                session,
                by=edge.actor(),
                name=body["name"],
                kind=CustomerKind(body.get("kind", CustomerKind.person)),
                phone=body.get("phone"),
                email=body.get("email"),
                source=body.get("source"),
                note=body.get("note"),
                contact_points=points,
            )
            return _whole(customer)

        return self.write(create)

    @verb("/<id>", "PUT", "Change what is sent and leave the rest; rev as read", right="edit", body=_CHANGED)
    def put(self, id: str) -> dict[str, Any]:
        customer_id, body = self.id(id), self.read()
        rev = body.pop("rev")
        if "kind" in body:
            body["kind"] = CustomerKind(body["kind"])

        def change(session: Session) -> dict[str, Any]:
            actor = edge.actor()
            customer = get_visible(session, Customer, customer_id, actor)
            values = {**body, **_people(session, body)}
            services.change_customer(session, customer, by=actor, rev=rev, **cast("services.CustomerValues", values))
            return _whole(customer)

        return self.write(change)


def _people(session: Session, body: dict[str, Any]) -> dict[str, Member | Team | None]:
    """The owner and the team that the body names. Raises InvalidInputError."""
    named: dict[str, Member | Team | None] = {}
    if "owner" in body:
        named["owner"] = member_by_username(session, body["owner"]) if body["owner"] else None
        if body["owner"] and named["owner"] is None:
            raise not_here("owner", _("Nobody has this user name."))
    if "team" in body:
        named["team"] = team_by_code(session, body["team"]) if body["team"] else None
        if body["team"] and named["team"] is None:
            raise not_here("team", _("No team has this code."))
    return named


# ── narrowing the list ──


def _with_phone(rows: Select[Any], typed: str) -> Select[Any]:
    value = phone_e164(typed)
    return rows.where(false() if value is None else queries.reached_by(PHONE_KINDS, value))


def _with_email(rows: Select[Any], typed: str) -> Select[Any]:
    return rows.where(queries.reached_by({ContactKind.email}, typed.strip().lower()))


def _owned_by(rows: Select[Any], username: str) -> Select[Any]:
    owner = member_by_username(db.session(), username)
    return rows.where(Customer.owner_id == owner.id if owner else false())


# ── as the interface writes it ──


def _contact(point: Contact) -> dict[str, Any]:
    return {"kind": point.kind, "value": point.value, "shown": point.shown}


def _value(points: list[dict[str, Any]], kind: ContactKind) -> str | None:
    return next((point["value"] for point in points if point["kind"] == kind), None)


def _header(card: CustomerCard) -> dict[str, Any]:
    points = [_contact(point) for point in card.contact_points]
    return {"id": card.id, "code": card.code, "name": card.name, "contact_points": points}


def _whole(customer: Customer) -> dict[str, Any]:
    """Phones in E.164; `contact_points` are those in use, the preferred one first; `owner` is a user name."""
    points = [_contact(point) for point in queries.contacts_seen(customer.contact_points, edge.actor())]
    return {
        "id": customer.id,
        "code": customer.code,
        "name": customer.name,
        "kind": customer.kind,
        "phone": _value(points, ContactKind.phone),
        "email": next((point["shown"] for point in points if point["kind"] == ContactKind.email), None),
        "contact_points": points,
        "source": customer.source,
        "note": customer.note,
        "owner": customer.owner.user.username if customer.owner else None,
        "team": customer.team.code if customer.team else None,
        "archived_at": moment(customer.archived_at),
        "created_at": moment(customer.created_at),
        "updated_at": moment(customer.updated_at),
        "rev": customer.rev,
    }
