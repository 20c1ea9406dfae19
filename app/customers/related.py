"""What of his own stands in the tabs of a customer's page? What he bought, who works there, his files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, literal, or_, select
from sqlalchemy.orm import Session

from app.comments import queries as comments
from app.comments.models import Comment
from app.core import files, links
from app.core.access import Actor, visible
from app.core.files import StoredFile
from app.core.finding import line
from app.core.formats import day_text, local, money_text, number_text
from app.core.i18n import _
from app.customers import beside_fields, profile_queries, queries
from app.customers.beside_fields import BOUGHT, PROOF
from app.customers.consent import PROOFS
from app.customers.events import AddLink, CustomerPart, PartFilter, PartRow
from app.customers.models import Customer, CustomerKind
from app.customers.profile_models import ConsentEvent, Purchase


class CustomerPurchases(CustomerPart):
    """What he bought, the latest first."""

    key = "mua-hang"
    label = _("Purchases")
    empty = _("No purchase has been written down yet.")
    resource = "Customer"
    model = Purchase
    filters = (
        PartFilter("", _("All"), lambda rows: rows.where(Purchase.archived_at.is_(None))),
        PartFilter("da-bo", _("Taken out"), lambda rows: rows.where(Purchase.archived_at.is_not(None))),
    )

    def select(self, customer_id: int, actor: Actor) -> Select[Purchase]:
        rows = select(Purchase).where(Purchase.customer_id == customer_id, visible(Purchase, actor))
        return rows.order_by(Purchase.bought_on.desc(), Purchase.id.desc())

    def rows(self, session: Session, chosen: Select[Any], actor: Actor, now: datetime) -> list[PartRow]:
        return [
            PartRow(
                url=f"/khach-hang/{one.customer_id}/mua-hang/{one.id}",
                title=one.product if one.quantity == 1 else f"{number_text(one.quantity)} × {one.product}",
                hint=" · ".join(
                    filter(None, (str(day_text(one.bought_on)), one.code, beside_fields.seen(actor, BOUGHT, one.note)))
                ),
                amount=beside_fields.seen(actor, BOUGHT, str(money_text(one.amount))) or "",
            )
            for one in session.scalars(chosen)
        ]

    def add(self, customer: Customer, actor: Actor) -> AddLink | None:
        may_add = actor.may("edit", "Customer") and actor.writes("Customer", BOUGHT, is_new=True)
        if customer.is_archived or not may_add:
            return None
        return AddLink(_("Add a purchase"), f"/khach-hang/{customer.id}/mua-hang/them")


class PeopleThere(CustomerPart):
    """Who of the customers works at this company."""

    key = "nguoi-lien-he"
    label = _("People there")
    empty = _("Nobody who works at this company has been written down yet.")
    resource = "Customer"
    model = Customer
    filters = (PartFilter("", _("All"), lambda rows: rows),)

    def is_for(self, customer: Customer) -> bool:
        return customer.kind is CustomerKind.company

    def select(self, customer_id: int, actor: Actor) -> Select[Customer]:
        return profile_queries.people_at(customer_id, actor)

    def rows(self, session: Session, chosen: Select[Any], actor: Actor, now: datetime) -> list[PartRow]:
        found = session.scalars(chosen).all()
        cards = queries.customer_cards(session, [one.id for one in found], actor)
        return [
            PartRow(
                url=links.customer_path(one.id), title=one.name,
                hint=line(one.code, one.job_title, cards[one.id].phone if one.id in cards else None),
            )
            for one in found
        ]  # fmt: skip

    def add(self, customer: Customer, actor: Actor) -> AddLink | None:
        if customer.is_archived or not actor.may("add", "Customer"):
            return None
        return AddLink(_("Add a person"), f"/khach-hang/add?company={customer.id}")


class CustomerFiles(CustomerPart):
    """Papers that prove what he agreed to, and what was attached to the conversation about him."""

    key = "tep"
    label = _("Files")
    empty = _("No file yet. Proofs of consent and files of comments stand here.")
    resource = "Customer"
    model = StoredFile
    filters = (PartFilter("", _("All"), lambda rows: rows),)

    def select(self, customer_id: int, actor: Actor) -> Select[StoredFile]:
        said = select(Comment.id).where(
            Comment.resource == "Customer", Comment.record_id == customer_id, comments.live()
        )
        proved = select(ConsentEvent.id).where(ConsentEvent.customer_id == customer_id)
        rows = select(StoredFile).where(
            or_(
                and_(
                    StoredFile.owner_type == PROOFS,
                    StoredFile.owner_id.in_(proved.correlate(None)),
                    literal(actor.reads(beside_fields.RESOURCE, PROOF)),
                ),
                and_(StoredFile.owner_type == comments.OWNER, StoredFile.owner_id.in_(said.correlate(None))),
            ),
            select(Customer.id).where(Customer.id == customer_id, visible(Customer, actor)).correlate(None).exists(),
        )
        return rows.order_by(StoredFile.id.desc())

    def rows(self, session: Session, chosen: Select[Any], actor: Actor, now: datetime) -> list[PartRow]:
        return [
            PartRow(
                url=links.file_path(one.id, one.name), title=one.name,
                hint=str(day_text(local(one.created_at, actor.time_zone).date())), amount=files.size_text(one.size),
            )
            for one in session.scalars(chosen)
        ]  # fmt: skip


def _reads_proof(session: Session, actor: Actor, event_id: int) -> bool:
    """A proof is read by whoever sees the whole customer, and reads such proofs."""
    if not actor.reads(beside_fields.RESOURCE, PROOF):
        return False
    seen = select(ConsentEvent.id).where(ConsentEvent.id == event_id, visible(ConsentEvent, actor))
    return session.scalar(seen) is not None


files.register_owner(PROOFS, _reads_proof)
