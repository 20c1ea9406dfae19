"""Who may see what is kept beside a customer's own row, and what is there?"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import Session

from app.core.access import Actor, row_rule, visible
from app.core.vietnamese import fold
from app.customers.models import Customer
from app.customers.profile_models import (
    ConsentChannel,
    ConsentEvent,
    ConsentState,
    CustomerStage,
    CustomerTag,
    Interaction,
    Purchase,
    Tag,
)
from app.customers.promise_models import Promise

#: tags that a form offers at once
MOST_OFFERED = 20


def _of_customer(model: Any) -> None:
    """Rows are read by whoever sees the whole customer, exported with him, changed by whoever may edit him."""

    @row_rule(model)
    def _rule(actor: Actor, action: str) -> ColumnElement[bool]:
        asked = action if action in {"view", "export"} else "edit"
        return model.customer_id.in_(select(Customer.id).where(visible(Customer, actor, asked)).correlate(None))  # type: ignore[no-any-return]


for _model in (CustomerStage, ConsentEvent, CustomerTag, Purchase, Interaction, Promise):
    _of_customer(_model)


@row_rule(Tag)
def _tags(_actor: Actor, _action: str) -> ColumnElement[bool]:
    """What tags there are is no secret; on whom they are is asked with the customer."""
    return true()


# ── consent ──
class Consent(NamedTuple):
    """What a customer agreed to, by purpose and channel."""

    purpose: str
    channel: ConsentChannel


def ledger(customer_id: int, who: Actor) -> Select[ConsentEvent]:
    """All that he ever said, the newest first."""
    rows = select(ConsentEvent).where(ConsentEvent.customer_id == customer_id, visible(ConsentEvent, who))
    return rows.order_by(ConsentEvent.at.desc(), ConsentEvent.id.desc())


def consents_now(session: Session, customer_id: int, who: Actor) -> dict[Consent, ConsentEvent]:
    """How it stands: the last event of each purpose and channel. What is not there was never agreed to."""
    found: dict[Consent, ConsentEvent] = {}
    for event in session.scalars(ledger(customer_id, who)):
        found.setdefault(Consent(event.purpose, event.channel), event)
    return found


def agreed(purpose: str, channel: ConsentChannel) -> ColumnElement[bool]:
    """Customers who agree to be reached for this in this way, as it stands now."""
    last = (
        select(ConsentEvent.state)
        .where(ConsentEvent.customer_id == Customer.id, ConsentEvent.purpose == purpose)
        .where(ConsentEvent.channel == channel)
        .order_by(ConsentEvent.at.desc(), ConsentEvent.id.desc()).limit(1).correlate(Customer)
    )  # fmt: skip
    return last.scalar_subquery() == ConsentState.given


# ── tags ──
def tags_of_each(session: Session, customer_ids: Collection[int]) -> dict[int, list[Tag]]:
    """Customer id → his tags by name; in one query. The caller has seen to it that they are his to see."""
    found: dict[int, list[Tag]] = {customer_id: [] for customer_id in customer_ids}
    rows = session.execute(
        select(CustomerTag.customer_id, Tag).join(Tag, Tag.id == CustomerTag.tag_id)
        .where(CustomerTag.customer_id.in_(customer_ids)).order_by(Tag.key)
    )  # fmt: skip
    for customer_id, tag in rows:
        found[customer_id].append(tag)
    return found


def tagged(key: str) -> ColumnElement[bool]:
    """Customers who have the tag of this name, however it is typed."""
    rows = select(CustomerTag.customer_id).join(Tag, Tag.id == CustomerTag.tag_id).where(Tag.key == fold(key))
    return Customer.id.in_(rows.correlate(None))


def offered_tags(text: str = "") -> Select[Tag]:
    """Tags in use, those first that most customers have; with `text` those in which a word begins like it."""
    count = select(func.count()).where(CustomerTag.tag_id == Tag.id).correlate(Tag).scalar_subquery()
    rows = select(Tag).where(Tag.archived_at.is_(None))
    if fold(text):
        rows = rows.where((" " + Tag.key).contains(f" {fold(text)}", autoescape=True))
    return rows.order_by(count.desc(), Tag.key)


# ── purchases and interactions ──
def purchases_of(customer_id: int, who: Actor) -> Select[Purchase]:
    rows = select(Purchase).where(Purchase.customer_id == customer_id, Purchase.archived_at.is_(None))
    return rows.where(visible(Purchase, who)).order_by(Purchase.bought_on.desc(), Purchase.id.desc())


def interactions_of(customer_id: int, who: Actor) -> Select[Interaction]:
    rows = select(Interaction).where(Interaction.customer_id == customer_id, Interaction.archived_at.is_(None))
    return rows.where(visible(Interaction, who)).order_by(Interaction.at.desc(), Interaction.id.desc())


class Bought(NamedTuple):
    """All purchases of a customer in one line."""

    times: int
    #: in whole VND
    amount: int


def bought(session: Session, customer_id: int, who: Actor) -> Bought:
    rows = purchases_of(customer_id, who).order_by(None).subquery()
    count, amount = session.execute(select(func.count(), func.sum(rows.c.amount)).select_from(rows)).one()
    return Bought(count, int(amount or 0))


def stages_of(customer_id: int, who: Actor) -> Select[CustomerStage]:
    """His way so far, the present stage first."""
    rows = select(CustomerStage).where(CustomerStage.customer_id == customer_id, visible(CustomerStage, who))
    return rows.order_by(CustomerStage.since.desc(), CustomerStage.id.desc())


def people_at(company_id: int, who: Actor) -> Select[Customer]:
    """Who works at that company, as far as he may see them."""
    rows = select(Customer).where(Customer.company_id == company_id, Customer.archived_at.is_(None))
    return rows.where(visible(Customer, who)).order_by(Customer.sort_key, Customer.id)
