"""What became of a mail to a customer? His timeline tells it beside the mail; who sent it learns of a failure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.formats import exact_text
from app.core.i18n import _
from app.core.leases import LeaseState
from app.customers.models import TimelineEntry
from app.customers.profile_models import Interaction, InteractionKind
from app.notifications.models import Outbox
from app.notifications.rules import NO_ADDRESS, NOT_WANTED, STRANGE_LETTERS, register_bell_kind, why_not_sent
from app.notifications.services import post_bell

_KEY = "interaction/"
_FAILED = "customer_mail_failed"
#: what a server says may hold the address, which not everybody reads; these reasons do not
_TOLD = frozenset({NO_ADDRESS, NOT_WANTED, STRANGE_LETTERS})

register_bell_kind(_FAILED, lambda data: _("The mail to %(customer)s could not be sent", customer=data["customer"]))


class Delivery(StrEnum):
    """`waiting` until the server took it or it was given up."""

    waiting = auto()
    taken = auto()
    failed = auto()


def key_of(row: Interaction) -> str:
    """By what the outbox knows the mail."""
    return f"{_KEY}{row.id}"


def is_ours(session: Session, row: Interaction) -> bool:
    """Did this mail go out, or does it wait to, from here?"""
    if row.kind is not InteractionKind.mail:
        return False
    return session.scalar(select(Outbox.id).where(Outbox.idempotency_key == key_of(row))) is not None


def follow(session: Session, row: Interaction, mail: Outbox, at: datetime, purpose: str) -> None:
    """From now on the timeline tells what becomes of it, and keeps what it needs the customer's consent for."""
    for entry in session.scalars(_entries(row)):
        entry.data = entry.data | {"purpose": purpose}
    _tell(session, row, Delivery.failed if mail.status is LeaseState.dead else Delivery.waiting, mail.last_error, at)


def interaction_of(session: Session, mail: Outbox) -> Interaction | None:
    """The contact that this mail is; None: it is no mail of somebody to a customer."""
    key = mail.idempotency_key or ""
    return session.get(Interaction, int(key.removeprefix(_KEY))) if key.startswith(_KEY) else None


def purpose_of(session: Session, row: Interaction) -> str | None:
    """What it needs the customer's consent for; None of a mail of before this was kept."""
    entry = session.scalars(_entries(row)).first()
    return entry.data.get("purpose") if entry is not None else None


def mail_ended(session: Session, mail: Outbox, at: datetime) -> None:
    row = interaction_of(session, mail)
    if row is None:
        return
    is_taken = mail.status is LeaseState.done
    _tell(session, row, Delivery.taken if is_taken else Delivery.failed, mail.last_error, at)
    if not is_taken and row.created_by_id is not None:
        post_bell(
            session, to=row.created_by_id, kind=_FAILED, data={"customer": row.customer.name}, subject_type="customer",
            subject_id=row.customer_id, at=at,
        )  # fmt: skip


def words(data: dict[str, Any], who: Actor) -> list[str]:
    """What a mail's entry says of it; nothing of mails that were written elsewhere."""
    match data.get("delivery"):
        case Delivery.waiting:
            return [str(_("waiting to be sent"))]
        case Delivery.taken:
            at = exact_text(datetime.fromisoformat(data["delivered_at"]), who.time_zone)
            return [str(_("taken by the mail server %(time)s", time=at))]
        case Delivery.failed:
            why = why_not_sent(data["why"]) if data.get("why") else _("the mail server refused it")
            return [str(_("could not be sent: %(why)s", why=why))]
    return []


def _entries(row: Interaction) -> Select[TimelineEntry]:
    return select(TimelineEntry).where(
        TimelineEntry.subject_type == "interaction", TimelineEntry.subject_id == row.id,
        TimelineEntry.customer_id == row.customer_id, TimelineEntry.kind == row.kind.value,
    ).limit(1)  # fmt: skip


def _tell(session: Session, row: Interaction, delivery: Delivery, why: str | None, at: datetime) -> None:
    entry = session.scalars(_entries(row)).first()
    if entry is None:
        return
    kept = {key: value for key, value in entry.data.items() if key not in ("delivered_at", "why")}
    if delivery is Delivery.taken:
        kept["delivered_at"] = at.isoformat()
    elif delivery is Delivery.failed and why in _TOLD:
        kept["why"] = why
    entry.data = kept | {"delivery": str(delivery)}
    session.flush()
