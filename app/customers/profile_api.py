"""What is kept about a customer, for programs: contacts with him, what he agreed to and bought, his way, his tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues.models import CODE_LENGTH, Colour
from app.core import edge
from app.core.access import get_visible, visible
from app.core.api import Api, equals, flag, id_is, listing, moment, not_here, read_moment, state_is, usernames, verb
from app.core.db import db
from app.core.errors import InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.schema import maybe, one_of, record, text, whole_number, yes_or_no
from app.customers import (
    beside_fields,
    consent,
    interactions,
    places,
    profile_queries,
    purchases,
    queries,
    services,
    tags,
)
from app.customers.beside_fields import BOUGHT, PROOF, SAID
from app.customers.models import CONTACT_LENGTH, REASON_LENGTH, ContactKind, ContactPoint, Customer
from app.customers.profile_models import (
    EXTERNAL_LENGTH,
    PRODUCT_LENGTH,
    PURCHASE_CODE_LENGTH,
    SOURCE_LENGTH,
    TAG_LENGTH,
    VERSION_LENGTH,
    ConsentChannel,
    ConsentEvent,
    ConsentState,
    CustomerStage,
    Direction,
    Interaction,
    InteractionKind,
    Purchase,
    Tag,
)
from app.customers.rules import NOTE_LENGTH, Contact

#: 2026-11-23T08:30:00+07:00
_MOMENT = text(40)
_DAY = text(10)
_NOTE = maybe(text(NOTE_LENGTH))
_TAKEN = {"source": maybe(text(SOURCE_LENGTH)), "external_id": maybe(text(EXTERNAL_LENGTH))}
_INTERACTION = record(
    required=("customer", "kind"), customer=whole_number(), kind=one_of(InteractionKind), at=maybe(_MOMENT),
    direction=maybe(one_of(Direction)), channel=maybe(text(CODE_LENGTH)), result=maybe(text(CODE_LENGTH)), text=_NOTE,
    next_on=maybe(_DAY), **_TAKEN,
)  # fmt: skip
_PURCHASE = record(
    required=("bought_on", "product", "amount"), bought_on=_DAY, code=maybe(text(PURCHASE_CODE_LENGTH)),
    product=text(PRODUCT_LENGTH), quantity=text(20), amount=whole_number(), note=_NOTE, **_TAKEN,
)  # fmt: skip
_CONSENT = record(
    required=("purpose", "channel", "state"), purpose=text(CODE_LENGTH), channel=one_of(ConsentChannel),
    state=one_of(ConsentState), at=maybe(_MOMENT), proof=_NOTE, text_version=maybe(text(VERSION_LENGTH)),
)  # fmt: skip
_POINT = record(
    required=("kind", "value"), kind=one_of(ContactKind), value=text(CONTACT_LENGTH), is_shared=yes_or_no(),
    is_preferred=yes_or_no(), duplicate_reason=maybe(text(REASON_LENGTH)),
)  # fmt: skip


_CONTACT_ORDERS = {"at": Interaction.at, "id": Interaction.id}
_TAG_ORDERS = {"name": Tag.key, "id": Tag.id}


class InteractionApi(Api):
    """Calls, mails, messages, visits and notes, each with its customer."""

    resource_name = "interactions"
    resource = "Customer"

    @verb(
        "/", "GET", "Contacts with customers whom the actor sees whole",
        query=listing(_CONTACT_ORDERS, customer="id of the customer", kind="call, mail, message, visit or note",
                      channel="code of a channel", result="code of a result", external_id="exactly"),
    )  # fmt: skip
    def index(self) -> dict[str, Any]:
        rows = select(Interaction).where(Interaction.archived_at.is_(None), visible(Interaction, edge.actor()))
        filters = {
            "customer": id_is(Interaction.customer_id),
            "kind": state_is(Interaction.kind, InteractionKind),
            "channel": equals(Interaction.channel),
            "result": equals(Interaction.result),
            "external_id": equals(Interaction.external_id),
        }
        return self.page(
            rows,
            show_all=shown_interactions,
            orders=_CONTACT_ORDERS,
            default_order="-at",
            filters=filters,
            key=Interaction.id,
        )  # fmt: skip

    @verb("/", "POST", "Log a contact; without a moment it was just now", right="edit", body=_INTERACTION, status=201)
    def post(self) -> dict[str, Any]:
        body = self.read()
        self.days(body, "next_on")
        at = read_moment(body, "at")

        def log(session: Session) -> dict[str, Any]:
            row = interactions.log_interaction(
                session, customer_of(session, body["customer"]), by=edge.actor(), kind=InteractionKind(body["kind"]),
                at=at, direction=Direction(body["direction"]) if body.get("direction") else None,
                channel=body.get("channel"), result=body.get("result"), text=body.get("text") or "",
                next_on=body.get("next_on"), source=body.get("source"), external_id=body.get("external_id"),
            )  # fmt: skip
            return shown_interactions([row])[0]

        return self.write(log)

    @verb("/<id>/archive", "POST", "It was written by mistake", right="edit", body=record())
    def archive(self, id: str) -> dict[str, Any]:
        number = self.id(id)

        def strike(session: Session) -> dict[str, Any]:
            row = get_visible(session, Interaction, number, edge.actor(), "edit")
            interactions.archive_interaction(session, row, by=edge.actor())
            return shown_interactions([row])[0]

        return self.write(strike)


class TagApi(Api):
    """The words that stand on customers."""

    resource_name = "tags"
    resource = "Customer"

    @verb("/", "GET", "Tags in use, or with archived=1 those that were put away",
          query=listing(_TAG_ORDERS, q="a word of it begins like this",
                        archived="1: those that were put away"))  # fmt: skip
    def index(self) -> dict[str, Any]:
        gone, in_use = Tag.archived_at.is_not(None), Tag.archived_at.is_(None)
        filters = {
            "q": lambda rows, typed: rows.where(Tag.id.in_(_tag_ids(typed))),
            "archived": lambda rows, typed: flag(rows, typed, gone),
        }
        rows = select(Tag) if request.args.get("archived") == "1" else select(Tag).where(in_use)
        return self.page(rows, show=_tag, orders=_TAG_ORDERS, default_order="name", filters=filters, key=Tag.id)

    @verb(
        "/<id>", "PUT", "Another name or colour for all customers who have it", right="edit", resource="Catalogue",
        body=record(name=text(TAG_LENGTH), colour=one_of(Colour)),
    )  # fmt: skip
    def put(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()

        def change(session: Session) -> dict[str, Any]:
            tag = get_visible(session, Tag, number, edge.actor())
            colour = Colour(body["colour"]) if "colour" in body else None
            return _tag(tags.change_tag(session, tag, by=edge.actor(), name=body.get("name"), colour=colour))

        return self.write(change)

    @verb("/<id>/archive", "POST", "Offer it no more", right="edit", resource="Catalogue", body=record())
    def archive(self, id: str) -> dict[str, Any]:
        return self._act(id, tags.archive_tag)

    @verb("/<id>/restore", "POST", "Offer it again", right="edit", resource="Catalogue", body=record())
    def restore(self, id: str) -> dict[str, Any]:
        return self._act(id, tags.restore_tag)

    def _act(self, id: str, act: Callable[..., None]) -> dict[str, Any]:
        self.read()
        number = self.id(id)

        def change(session: Session) -> dict[str, Any]:
            tag = get_visible(session, Tag, number, edge.actor())
            act(session, tag, by=edge.actor())
            return _tag(tag)

        return self.write(change)


class CustomerProfileApi(Api):
    """What belongs to one customer."""

    resource_name = "customers"
    resource = "Customer"

    @verb("/<id>/consents", "GET", "All that he agreed to and took back; the newest of a purpose and channel counts",
          query=listing(("at",)))  # fmt: skip
    def consents(self, id: str) -> dict[str, Any]:
        customer = customer_of(db.session(), self.id(id), is_address=True)
        rows = profile_queries.ledger(customer.id, edge.actor()).order_by(None)
        return self.page(
            rows, show_all=_consents, orders={"at": ConsentEvent.at}, default_order="-at", key=ConsentEvent.id
        )

    @verb("/<id>/consents", "POST", "He agreed, or took it back", right="edit", body=_CONSENT, status=201)
    def record_consent(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()
        at = read_moment(body, "at")

        def write(session: Session) -> dict[str, Any]:
            event = consent.record_consent(
                session, customer_of(session, number, is_address=True), by=edge.actor(), purpose=body["purpose"],
                channel=ConsentChannel(body["channel"]), state=ConsentState(body["state"]), at=at,
                proof=body.get("proof") or "", text_version=body.get("text_version") or "",
            )  # fmt: skip
            return _consents([event])[0]

        return self.write(write)

    @verb("/<id>/purchases", "GET", "What he bought", query=listing(("bought_on", "amount", "id")))
    def purchases(self, id: str) -> dict[str, Any]:
        customer = customer_of(db.session(), self.id(id), is_address=True)
        orders = {"bought_on": Purchase.bought_on, "amount": Purchase.amount, "id": Purchase.id}
        if not edge.actor().reads(beside_fields.RESOURCE, BOUGHT):
            del orders["amount"]
        rows = profile_queries.purchases_of(customer.id, edge.actor()).order_by(None)
        return self.page(rows, show=shown_purchase, orders=orders, default_order="-bought_on", key=Purchase.id)

    @verb("/<id>/purchases", "POST", "Something that he bought; amount in whole VND", right="edit", body=_PURCHASE,
          status=201)  # fmt: skip
    def add_purchase(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()
        self.days(body, "bought_on")
        if "quantity" in body:
            body["quantity"] = quantity_of(body["quantity"])

        def write(session: Session) -> dict[str, Any]:
            customer = customer_of(session, number, is_address=True)
            return shown_purchase(purchases.add_purchase(session, customer, by=edge.actor(), **body))

        return self.write(write)

    @verb("/<id>/stages", "GET", "His way so far", query=listing(("since",)))
    def stages(self, id: str) -> dict[str, Any]:
        customer = customer_of(db.session(), self.id(id), is_address=True)
        rows = profile_queries.stages_of(customer.id, edge.actor()).order_by(None)
        return self.page(
            rows, show=_stage, orders={"since": CustomerStage.since}, default_order="-since", key=CustomerStage.id
        )

    @verb("/<id>/contact_points", "POST", "One more way to reach him", right="edit", body=_POINT, status=201)
    def add_contact_point(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()

        def write(session: Session) -> dict[str, Any]:
            point = services.add_contact_point(
                session, customer_of(session, number, is_address=True), by=edge.actor(), kind=ContactKind(body["kind"]),
                text=body["value"], preferred=body.get("is_preferred", False), shared=body.get("is_shared", False),
                duplicate_reason=body.get("duplicate_reason"),
            )  # fmt: skip
            return shown_point(point)

        return self.write(write)


class PlaceApi(Api):
    """The provinces and wards of today."""

    resource_name = "places"
    resource = "Customer"

    @verb("/", "GET", "All provinces; with ?province= its wards", query={"province": "code of a province"})
    def index(self) -> dict[str, Any]:
        code = request.args.get("province", "")
        found = places.wards_of(code[: places.PROVINCE_LENGTH]) if code else places.provinces()
        return {"result": [{"code": one.code, "name": one.name} for one in found], "state": places.state()}


# ── reading ──
def customer_of(session: Session, number: int, *, is_address: bool = False) -> Customer:
    """One whom the actor sees whole. Raises NotFoundError; for one that the body names, a sentence beside its key."""
    try:
        return get_visible(session, Customer, number, edge.actor())
    except NotFoundError:
        if is_address:
            raise
        raise not_here("customer", _("There is no such customer, or you may not see them.")) from None


def quantity_of(typed: str) -> Decimal:
    try:
        number = Decimal(typed)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise InvalidInputError(fields={"quantity": [_("This is no number. Example: 2.5")]})
    return number


def _tag_ids(typed: str) -> Any:
    return profile_queries.offered_tags(typed).order_by(None).with_only_columns(Tag.id)


# ── as the interface writes it ──
def shown_interactions(rows: Sequence[Interaction]) -> list[dict[str, Any]]:
    names, who = usernames(row.created_by_id for row in rows), edge.actor()
    return [
        beside_fields.answered(who, {
            "id": row.id, "customer": row.customer_id, "kind": row.kind, "at": moment(row.at), "channel": row.channel,
            "direction": row.direction, "result": row.result, "text": row.text,
            "next_on": row.next_on.isoformat() if row.next_on else None, "by": names.get(row.created_by_id),
            "source": row.source, "external_id": row.external_id, "archived_at": moment(row.archived_at),
            "updated_at": row.updated_at.isoformat(),
        }, {"text": SAID})
        for row in rows
    ]  # fmt: skip


def _consents(rows: Sequence[ConsentEvent]) -> list[dict[str, Any]]:
    names, who = usernames(row.created_by_id for row in rows), edge.actor()
    return [
        beside_fields.answered(who, {
            "id": row.id, "purpose": row.purpose, "channel": row.channel, "state": row.state, "at": moment(row.at),
            "proof": row.proof, "text_version": row.text_version, "by": names.get(row.created_by_id),
        }, {"proof": PROOF})
        for row in rows
    ]  # fmt: skip


def shown_purchase(row: Purchase) -> dict[str, Any]:
    told = {
        "id": row.id, "bought_on": row.bought_on.isoformat(), "code": row.code, "product": row.product,
        "quantity": f"{row.quantity:f}", "amount": row.amount, "note": row.note, "source": row.source,
        "external_id": row.external_id, "updated_at": row.updated_at.isoformat(),
    }  # fmt: skip
    return beside_fields.answered(edge.actor(), told, {"amount": BOUGHT, "note": BOUGHT})


def _stage(row: CustomerStage) -> dict[str, Any]:
    return {"stage": row.stage, "since": moment(row.since), "until": moment(row.until), "reason": row.reason}


def _tag(row: Tag) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "colour": row.colour, "archived_at": moment(row.archived_at)}


def shown_point(row: ContactPoint) -> dict[str, Any]:
    """A way to reach as this person reads it: with dots, or without what it says."""
    told = {"id": row.id, "kind": row.kind, "is_preferred": row.is_preferred, "is_shared": row.is_shared}
    seen = queries.contact_seen(Contact(row.kind, row.value, row.shown), edge.actor())
    return told if seen is None else {**told, "value": seen.value, "shown": seen.shown}
