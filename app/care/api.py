"""Forgotten customers for programs, and the care tasks that are made for them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.care import queries, services
from app.catalogues.models import CODE_LENGTH
from app.catalogues.queries import Choices
from app.catalogues.shipped import CUSTOMER_TIER
from app.core import clock, edge
from app.core.api import Api, id_is, listing, moment, verb
from app.core.db import LARGEST_ID, db
from app.core.errors import InvalidInputError, NotAllowedError
from app.core.i18n import _
from app.core.schema import MISSING, list_of, maybe, record, text, whole_number
from app.customers.forgotten import queries as forgotten
from app.customers.forgotten.models import ContactTarget
from app.customers.forgotten.services import save_targets
from app.customers.models import Customer

_ORDERS = {"forgotten_from": Customer.forgotten_from, "heard_at": forgotten.heard_at(), "id": Customer.id}

#: no tier: customers who have none
_TARGET = record(tier=maybe(text(CODE_LENGTH)), days=maybe(whole_number()))


class ForgottenApi(Api):
    """Customers nobody has spoken with for longer than their tier allows; first whose time was over first."""

    resource_name = "forgotten"
    resource = "Customer"

    @verb("/", "GET", "The forgotten customers that one sees",
          query=listing(_ORDERS, owner="the id of whoever looks after them"))  # fmt: skip
    def index(self) -> dict[str, Any]:
        session, now = db.session(), clock.now()
        allowed = forgotten.targets(session)
        return self.page(
            forgotten.forgotten(edge.actor()).order_by(None), orders=_ORDERS, default_order="forgotten_from",
            key=Customer.id,
            filters={"owner": id_is(Customer.owner_id)},
            show=lambda one: {
                "id": one.id, "code": one.code, "name": one.name, "tier": one.tier, "owner_id": one.owner_id,
                "last_contact_at": moment(one.last_contact_at), "days": forgotten.days_silent(one, now),
                "target": allowed.get(one.tier or ""),
            },
        )  # fmt: skip

    @verb("/owners", "GET", "How many forgotten customers each person has")
    def owners(self) -> dict[str, Any]:
        if not edge.actor().reads("Customer", "owner"):
            raise NotAllowedError
        found = queries.owners(db.session(), edge.actor())
        return {"result": [{"owner_id": one.id, "count": one.count} for one in found]}

    @verb("/targets", "GET", "After how many days without a contact somebody of a tier is forgotten; null: never",
          resource="Setting")  # fmt: skip
    def targets(self) -> dict[str, Any]:
        return _targets(db.session())

    @verb("/targets", "PUT", "Other targets for the tiers that are named; the others keep theirs",
          right="edit", resource="Setting",
          body=record(required=("result",), result=list_of(_TARGET, most=100)))  # fmt: skip
    def put_targets(self) -> dict[str, Any]:
        body, tiers = self.read(), sorted(Choices(CUSTOMER_TIER))
        told: dict[str, int | None] = {}
        places: dict[str, str] = {}
        for number, one in enumerate(body["result"]):
            tier = one.get("tier") or ""
            if tier and tier not in tiers:
                sentence = _("Please choose one of: %(choices)s.", choices=", ".join(tiers))
                raise InvalidInputError(fields={f"result.{number}.tier": [sentence]})
            if "days" not in one:
                raise InvalidInputError(fields={f"result.{number}.days": [MISSING]})
            told[tier], places[tier] = one["days"], f"result.{number}.days"

        def save(session: Session) -> dict[str, Any]:
            try:
                save_targets(session, told, by=edge.actor())
            except InvalidInputError as error:
                raise InvalidInputError(fields={places[tier]: said for tier, said in error.fields.items()}) from None
            return _targets(session)

        return self.write(save)

    @verb("/tasks", "POST", "Make a care task for each, for those named, or for those of one owner (0: of nobody)",
          right="edit", body=record(customers=list_of(whole_number(), most=services.MOST), owner=whole_number()),
          status=201)  # fmt: skip
    def make(self) -> dict[str, Any]:
        body, who = self.read(), edge.actor()
        only = [one for one in body["customers"] if 0 < one <= LARGEST_ID] if "customers" in body else None
        owner = min(body["owner"], LARGEST_ID) if "owner" in body else None
        if owner is not None and not who.reads("Customer", "owner"):
            raise NotAllowedError

        def act(session: Session) -> dict[str, Any]:
            made = services.make_tasks(session, by=who, only=only, owner=owner)
            return {"round": made.round_id, "tasks": made.tasks, "people": made.people, "days": made.days}

        return self.write(act)

    @verb("/tasks/<id>/undo", "POST", "Take a round of care tasks back, those that nobody has begun", right="edit",
          body=record())  # fmt: skip
    def undo(self, id: str) -> dict[str, Any]:
        self.read()
        number, who = self.id(id), edge.actor()
        return self.write(lambda session: {"cancelled": services.take_back(session, number, by=who)})


def _targets(session: Session) -> dict[str, Any]:
    days = session.execute(select(ContactTarget.tier, ContactTarget.days).order_by(ContactTarget.id))
    return {"result": [{"tier": row.tier or None, "days": row.days} for row in days]}
