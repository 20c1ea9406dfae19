"""What did a customer buy? Written down by hand, or taken over from another system, each row once."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypedDict, Unpack
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor
from app.core.errors import ConflictError
from app.core.formats import local
from app.core.i18n import _
from app.customers import beside_fields, rules
from app.customers.models import Customer, TimelineEntry
from app.customers.profile import Problems
from app.customers.profile_models import (
    EXTERNAL_LENGTH,
    PRODUCT_LENGTH,
    PURCHASE_CODE_LENGTH,
    SOURCE_LENGTH,
    Purchase,
)
from app.customers.seen import refuse_stale
from app.customers.services import lock_for, record_timeline

#: in whole VND, and pieces: both databases and people's eyes hold as much
MOST_AMOUNT = 10**15
MOST_QUANTITY = Decimal(10**9)
#: what the timeline tells of one that was taken out
REMOVED = "purchase_removed"


class PurchaseValues(TypedDict, total=False):
    """What is typed of a purchase; amounts in whole VND."""

    bought_on: date
    code: str | None
    product: str
    quantity: Decimal
    amount: int
    note: str | None


def add_purchase(
    session: Session,
    customer: Customer,
    *,
    by: Actor,
    source: str | None = None,
    external_id: str | None = None,
    **values: Unpack[PurchaseValues],
) -> Purchase:
    """Something that he bought; without a quantity, one. `source` and `external_id`: where it was taken over from.

    Raises InvalidInputError beside bought_on, code, product, quantity, amount or note, and ConflictError when that row
    of that source is there already.
    """
    lock_for(session, customer, by, "edit", must=beside_fields.right_to(by, beside_fields.BOUGHT, is_new=True))
    if source and external_id and session.scalar(_from(source, external_id)) is not None:
        raise ConflictError(_("This purchase was taken over already."))
    purchase = Purchase(customer_id=customer.id, quantity=Decimal(1))
    _write(purchase, {"bought_on": None, "product": "", "amount": None, **values}, by)
    purchase.source = (source or "")[:SOURCE_LENGTH] or None
    purchase.external_id = (external_id or "")[:EXTERNAL_LENGTH] or None
    session.add(purchase)
    session.flush()
    # A purchase happened when it was bought, whenever it is written down. What it was stands in the purchase itself,
    # which can be put right and erased; the entry points at it.
    bought_at = datetime.combine(purchase.bought_on, time(12), ZoneInfo(by.time_zone))
    record_timeline(
        session, customer.id, kind="purchased", by=by, at=min(bought_at, clock.now()), subject_type="purchase",
        subject_id=purchase.id,
    )  # fmt: skip
    return purchase


def change_purchase(
    session: Session, purchase: Purchase, *, by: Actor, as_of: datetime | None = None, **values: Unpack[PurchaseValues]
) -> Purchase:  # fmt: skip
    """Correct what was written. Raises InvalidInputError like add_purchase, and ConflictError when somebody else did so
    since it was read (`as_of`: its moment of change then)."""
    _lock(session, purchase, by, as_of)
    _write(purchase, dict(values), by)
    session.flush()
    return purchase


def archive_purchase(session: Session, purchase: Purchase, *, by: Actor) -> None:
    """Written by mistake, or given back: it counts no more."""
    _lock(session, purchase, by)
    if purchase.archived_at is None:
        purchase.archived_at = clock.now()
        _retell(session, purchase, REMOVED)


def restore_purchase(session: Session, purchase: Purchase, *, by: Actor) -> None:
    _lock(session, purchase, by)
    if purchase.archived_at is not None:
        purchase.archived_at = None
        _retell(session, purchase, "purchased")


def _lock(session: Session, purchase: Purchase, by: Actor, as_of: datetime | None = None) -> None:
    """The customer locked and the purchase as it is now, for whoever may put amounts right."""
    lock_for(session, purchase.customer, by, "edit", must=beside_fields.right_to(by, beside_fields.BOUGHT))
    refuse_stale(session, purchase, as_of)


def _from(source: str, external_id: str) -> Any:
    return select(Purchase.id).where(Purchase.source == source, Purchase.external_id == external_id)


def _retell(session: Session, purchase: Purchase, told: str) -> None:
    session.flush()
    entries = update(TimelineEntry).where(
        TimelineEntry.subject_type == "purchase", TimelineEntry.subject_id == purchase.id
    )
    session.execute(entries.values(kind=told).execution_options(synchronize_session=False))


def _write(purchase: Purchase, values: dict[str, Any], by: Actor) -> None:
    problems = Problems()
    today = local(clock.now(), by.time_zone).date()
    for key, value in values.items():
        with problems.beside(key):
            setattr(purchase, key, _read(key, value, today))
    problems.refuse_any()


def _read(key: str, value: Any, today: date) -> Any:
    match key:
        case "note":
            return rules.read_note(value or "") or None
        case "code":
            return rules.read_line(value or "", PURCHASE_CODE_LENGTH) or None
        case "product":
            value = rules.read_line(value or "", PRODUCT_LENGTH)
    if value is None or value == "":
        raise rules.UnreadableError(_("Please fill this in."))
    if key == "bought_on" and value > today:
        raise rules.UnreadableError(_("This day has not come yet."))
    if key == "bought_on" and value < rules.EARLIEST:
        raise rules.UnreadableError(rules.TOO_EARLY)
    if key == "quantity":
        value = Decimal(value)
        if not 0 < value <= MOST_QUANTITY or value != value.quantize(Decimal("0.001")):
            raise rules.UnreadableError(_("A number above 0 with at most 3 decimals, please."))
    if key == "amount" and not 0 <= value <= MOST_AMOUNT:
        raise rules.UnreadableError(_("An amount in whole VND that is not below 0, please."))
    return value
