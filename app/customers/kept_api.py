"""What was written down about customers, put right by programs: purchases, contacts, numbers, promises, mails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues.models import CODE_LENGTH
from app.core import edge
from app.core.access import get_visible, visible
from app.core.api import Api, id_is, listing, moment, not_here, state_is, usernames, verb
from app.core.errors import BadRequestError
from app.core.i18n import _
from app.core.schema import maybe, one_of, record, text, whole_number, yes_or_no
from app.customers import beside_fields, interactions, mails, promises, purchases, services
from app.customers.models import ContactPoint
from app.customers.profile_api import (
    customer_of,
    quantity_of,
    shown_interactions,
    shown_point,
    shown_purchase,
)
from app.customers.profile_models import (
    PRODUCT_LENGTH,
    PURCHASE_CODE_LENGTH,
    Direction,
    Interaction,
    Purchase,
)
from app.customers.promise_models import PROMISE_LENGTH, Promise, PromiseState
from app.customers.rules import NOTE_LENGTH
from app.notifications.rules import LONGEST_VALUE
from app.security.queries import member_by_username

_NOTE = maybe(text(NOTE_LENGTH))
_PURCHASE = record(
    bought_on=text(10), code=maybe(text(PURCHASE_CODE_LENGTH)), product=text(PRODUCT_LENGTH), quantity=text(20),
    amount=whole_number(), note=_NOTE, updated_at=text(40),
)  # fmt: skip
_CONTACT = record(
    direction=maybe(one_of(Direction)),
    channel=maybe(text(CODE_LENGTH)),
    result=maybe(text(CODE_LENGTH)),
    text=_NOTE,
    updated_at=text(40),
)
_PROMISE = record(
    required=("customer", "text", "due_on"), customer=whole_number(), text=text(PROMISE_LENGTH), due_on=text(10),
    owner=maybe(text()),
)  # fmt: skip
_ORDERS = {"due_on": Promise.due_on, "id": Promise.id}


class PurchaseApi(Api):
    """Purchases, each by its own number; listed and added with their customer."""

    resource_name = "purchases"
    resource = "Customer"

    @verb("/<id>", "PUT", "Correct what was written", right="edit", body=_PURCHASE)
    def put(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()
        as_of = _as_of(body)
        self.days(body, "bought_on")
        if "quantity" in body:
            body["quantity"] = quantity_of(body["quantity"])

        def change(session: Session) -> dict[str, Any]:
            row = get_visible(session, Purchase, number, edge.actor(), "edit")
            return shown_purchase(purchases.change_purchase(session, row, by=edge.actor(), as_of=as_of, **body))

        return self.write(change)

    @verb("/<id>/archive", "POST", "It was written by mistake, or given back", right="edit", body=record())
    def archive(self, id: str) -> dict[str, Any]:
        return self._put_aside(id, purchases.archive_purchase)

    @verb("/<id>/restore", "POST", "It counts after all", right="edit", body=record())
    def restore(self, id: str) -> dict[str, Any]:
        return self._put_aside(id, purchases.restore_purchase)

    def _put_aside(self, id: str, act: Any) -> dict[str, Any]:
        number = self.id(id)

        def change(session: Session) -> dict[str, Any]:
            row = get_visible(session, Purchase, number, edge.actor(), "edit")
            act(session, row, by=edge.actor())
            return shown_purchase(row)

        return self.write(change)


class KeptContactApi(Api):
    """Contacts that were written down before."""

    resource_name = "interactions"
    resource = "Customer"

    @verb("/<id>", "PUT", "Put right what was written; kind and moment stay", right="edit", body=_CONTACT)
    def put(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()
        as_of = _as_of(body)

        def change(session: Session) -> dict[str, Any]:
            row = get_visible(session, Interaction, number, edge.actor(), "edit")
            said = body.get("direction", row.direction)
            interactions.change_interaction(
                session, row, by=edge.actor(), result=body.get("result", row.result),
                channel=body.get("channel", row.channel), text=body.get("text", row.text) or "",
                direction=Direction(said) if said else None, as_of=as_of,
            )  # fmt: skip
            return shown_interactions([row])[0]

        return self.write(change)

    @verb("/<id>/restore", "POST", "It was no mistake after all", right="edit", body=record())
    def restore(self, id: str) -> dict[str, Any]:
        number = self.id(id)

        def restore(session: Session) -> dict[str, Any]:
            row = get_visible(session, Interaction, number, edge.actor(), "edit")
            interactions.restore_interaction(session, row, by=edge.actor())
            return shown_interactions([row])[0]

        return self.write(restore)


class ContactPointApi(Api):
    """Ways to reach customers, each by its own number; added with their customer."""

    resource_name = "contact_points"
    resource = "Customer"

    @verb(
        "/<id>", "PUT", "Make it the preferred one, or say whether others are reached by it too", right="edit",
        body=record(is_preferred=yes_or_no(), is_shared=yes_or_no()),
    )  # fmt: skip
    def put(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()

        def change(session: Session) -> dict[str, Any]:
            point = get_visible(session, ContactPoint, number, edge.actor(), "edit")
            if body.get("is_preferred"):
                services.prefer_contact_point(session, point, by=edge.actor())
            if "is_shared" in body:
                services.share_contact_point(session, point, by=edge.actor(), shared=body["is_shared"])
            return shown_point(point)

        return self.write(change)

    @verb("/<id>/archive", "POST", "It is no longer in use", right="edit", body=record())
    def archive(self, id: str) -> dict[str, Any]:
        number = self.id(id)

        def archive(session: Session) -> dict[str, Any]:
            point = get_visible(session, ContactPoint, number, edge.actor(), "edit")
            return shown_point(services.remove_contact_point(session, point, by=edge.actor()))

        return self.write(archive)


class PromiseApi(Api):
    """What customers were promised, by when, and whether it was kept."""

    resource_name = "promises"
    resource = "Customer"

    @verb("/", "GET", "Promises to customers whom the actor sees whole",
          query=listing(_ORDERS, customer="id of the customer", state="open, kept or broken"))  # fmt: skip
    def index(self) -> dict[str, Any]:
        filters = {"customer": id_is(Promise.customer_id), "state": state_is(Promise.state, PromiseState)}
        rows = select(Promise).where(Promise.archived_at.is_(None), visible(Promise, edge.actor()))
        return self.page(
            rows, show_all=_promises, orders=_ORDERS, default_order="due_on", filters=filters, key=Promise.id
        )

    @verb("/", "POST", "Somebody (owner: a user name) promised this", right="edit", body=_PROMISE, status=201)
    def post(self) -> dict[str, Any]:
        body = self.read()
        self.days(body, "due_on")

        def make(session: Session) -> dict[str, Any]:
            owner = member_by_username(session, body["owner"].strip()) if body.get("owner") else None
            if body.get("owner") and owner is None:
                raise not_here("owner", _("Nobody has this user name."))
            promise = promises.make_promise(
                session, customer_of(session, body["customer"]), by=edge.actor(), text=body["text"],
                due_on=body["due_on"], owner=owner,
            )  # fmt: skip
            return _promises([promise])[0]

        return self.write(make)

    @verb("/<id>/settle", "POST", "It was kept, or broken; open takes that back", right="edit",
          body=record(required=("state",), state=one_of(PromiseState)))  # fmt: skip
    def settle(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()

        def settle(session: Session) -> dict[str, Any]:
            row = get_visible(session, Promise, number, edge.actor(), "edit")
            return _promises([promises.settle_promise(session, row, PromiseState(body["state"]), by=edge.actor())])[0]

        return self.write(settle)

    @verb("/<id>", "PUT", "Put right what was promised, or by when; what is not named stays", right="edit",
          body=record(text=text(PROMISE_LENGTH), due_on=text(10), updated_at=text(40)))  # fmt: skip
    def put(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()
        self.days(body, "due_on")
        as_of = _as_of(body)

        def change(session: Session) -> dict[str, Any]:
            row = get_visible(session, Promise, number, edge.actor(), "edit")
            said, day = body.get("text", row.text), body.get("due_on", row.due_on)
            promises.change_promise(session, row, by=edge.actor(), as_of=as_of, text=said, due_on=day)
            return _promises([row])[0]

        return self.write(change)

    @verb("/<id>/archive", "POST", "Written by mistake: it counts no more", right="edit", body=record())
    def archive(self, id: str) -> dict[str, Any]:
        return self._act(id, promises.archive_promise)

    @verb("/<id>/restore", "POST", "It counts again", right="edit", body=record())
    def restore(self, id: str) -> dict[str, Any]:
        return self._act(id, promises.restore_promise)

    def _act(self, id: str, does: Any) -> dict[str, Any]:
        number = self.id(id)
        self.read()

        def act(session: Session) -> dict[str, Any]:
            row = get_visible(session, Promise, number, edge.actor(), "edit")
            does(session, row, by=edge.actor())
            return _promises([row])[0]

        return self.write(act)


class CustomerMailApi(Api):
    """Mails to one customer."""

    resource_name = "customers"
    resource = "Customer"

    @verb(
        "/<id>/mails", "POST", "Send a mail from a template; consent and do-not-contact are heeded", right="edit",
        body=record(required=("template",), template=text(60), words=maybe(text(LONGEST_VALUE))), status=201,
    )  # fmt: skip
    def send(self, id: str) -> dict[str, Any]:
        number, body = self.id(id), self.read()

        def send(session: Session) -> dict[str, Any]:
            row = mails.send_mail(
                session, customer_of(session, number, is_address=True), by=edge.actor(), template=body["template"],
                words=body.get("words") or "",
            )  # fmt: skip
            return shown_interactions([row])[0]

        return self.write(send)


def _as_of(body: dict[str, Any]) -> datetime | None:
    """When the row was changed last, as the program had read it: changed since, it is refused (409)."""
    typed = body.pop("updated_at", None)
    try:
        return datetime.fromisoformat(typed) if typed is not None else None
    except ValueError:
        raise BadRequestError(_("updated_at is to be sent as it was read.")) from None


def _promises(rows: Sequence[Promise]) -> list[dict[str, Any]]:
    names, who = usernames(row.owner_id for row in rows), edge.actor()
    return [
        beside_fields.answered(who, {
            "id": row.id, "customer": row.customer_id, "text": row.text, "due_on": row.due_on.isoformat(),
            "state": row.state, "owner": names.get(row.owner_id), "settled_at": moment(row.settled_at),
            "archived_at": moment(row.archived_at), "updated_at": moment(row.updated_at),
        }, {"text": beside_fields.SAID})
        for row in rows
    ]  # fmt: skip
