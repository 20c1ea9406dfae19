"""Who spoke with a customer, how did it end, and when is the next time? Each contact stands on his timeline."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.catalogues.shipped import CALL_RESULT, CHANNEL
from app.core import clock
from app.core.access import Actor
from app.core.errors import BusinessError, ConflictError
from app.core.formats import local
from app.core.i18n import _
from app.customers import beside_fields, delivery, rules
from app.customers.models import ContactPoint, Customer, TimelineEntry
from app.customers.profile import Problems, code_of
from app.customers.profile_models import (
    EXTERNAL_LENGTH,
    SOURCE_LENGTH,
    Direction,
    Interaction,
    InteractionKind,
)
from app.customers.seen import refuse_stale
from app.customers.services import lock_for, record_timeline

#: results of a call in which nobody was spoken to; an entry of the company's own means that somebody was
NOT_REACHED = frozenset({"no-answer", "busy", "wrong-number", "refused"})
#: what the timeline tells of one that was written by mistake
STRUCK = "contact_struck"
#: the channel that goes without saying
_USUAL_CHANNEL = {InteractionKind.call: "phone", InteractionKind.visit: "store"}


def log_interaction(
    session: Session,
    customer: Customer,
    *,
    by: Actor,
    kind: InteractionKind,
    at: datetime | None = None,
    direction: Direction | None = None,
    channel: str | None = None,
    result: str | None = None,
    text: str = "",
    next_on: date | None = None,
    contact_point: ContactPoint | None = None,
    source: str | None = None,
    external_id: str | None = None,
) -> Interaction:
    """A call, mail, message, visit or note at that moment (None: just now); without a direction it went out.

    `next_on` becomes the customer's next day of contact. `source` and `external_id`: where it was taken over from.
    Raises InvalidInputError beside channel, result, text, at or next_on, and ConflictError when that row of that source
    is there already.
    """
    says = beside_fields.right_to(by, beside_fields.SAID, is_new=True) if text.strip() else None
    lock_for(session, customer, by, "edit", must=says)
    if source and external_id and _is_known(session, source, external_id):
        raise ConflictError(_("This contact was taken over already."))
    now = clock.now()
    row = Interaction(customer_id=customer.id, kind=kind, at=at or now, next_on=next_on)
    row.direction = None if kind is InteractionKind.note else direction or Direction.outbound
    problems = Problems()
    with problems.beside("channel"):
        row.channel = code_of(session, CHANNEL, channel) or _usual_channel(session, kind)
    with problems.beside("result"):
        row.result = code_of(session, CALL_RESULT, result)
        if kind is InteractionKind.call and row.result is None:
            raise rules.UnreadableError(_("Choose how the call ended."))
    with problems.beside("text"):
        row.text = rules.read_note(text) or None
        if kind is not InteractionKind.call and row.text is None:
            raise rules.UnreadableError(_("Please fill this in."))
    with problems.beside("at"):
        if row.at > now:
            raise rules.UnreadableError(_("This moment has not come yet."))
        if row.at.date() < rules.EARLIEST:
            raise rules.UnreadableError(rules.TOO_EARLY)
    with problems.beside("next_on"):
        if next_on is not None and next_on < local(now, by.time_zone).date():
            raise rules.UnreadableError(_("This day is over. Choose today or a later day."))
    problems.refuse_any()
    if contact_point is not None and contact_point.customer_id == customer.id:
        row.contact_point_id = contact_point.id
    row.source, row.external_id = (source or "")[:SOURCE_LENGTH] or None, (external_id or "")[:EXTERNAL_LENGTH] or None
    session.add(row)
    if next_on is not None:
        customer.next_contact_on = next_on
    if is_two_way(kind, row.direction, row.result):
        customer.last_contact_at = max(customer.last_contact_at or row.at, row.at)
        agreed = customer.next_contact_on
        if next_on is None and agreed is not None and agreed <= local(row.at, by.time_zone).date():
            customer.next_contact_on = None
    session.flush()
    entry = record_timeline(
        session, customer.id, kind=kind.value, by=by, at=row.at, subject_type="interaction", subject_id=row.id,
        data={"direction": row.direction, "result": row.result, "next_on": next_on.isoformat() if next_on else None},
    )  # fmt: skip
    entry.channel = row.channel
    return row


def change_interaction(
    session: Session, row: Interaction, *, by: Actor, result: str | None, channel: str | None, text: str,
    direction: Direction | None, as_of: datetime | None = None,
) -> Interaction:  # fmt: skip
    """Put right what was written of it; when it was and what kind it is stays. Raises InvalidInputError, and
    ConflictError when somebody else did so since it was read (`as_of`: its moment of change then)."""
    customer = row.customer
    _lock(session, row, by, as_of)
    problems = Problems()
    with problems.beside("channel"):
        row.channel = code_of(session, CHANNEL, channel, present=row.channel)
    with problems.beside("result"):
        row.result = code_of(session, CALL_RESULT, result, present=row.result)
        if row.kind is InteractionKind.call and row.result is None:
            raise rules.UnreadableError(_("Choose how the call ended."))
    with problems.beside("text"):
        row.text = rules.read_note(text) or None
        if row.kind is not InteractionKind.call and row.text is None:
            raise rules.UnreadableError(_("Please fill this in."))
    problems.refuse_any()
    row.direction = None if row.kind is InteractionKind.note else direction or row.direction
    session.flush()
    customer.last_contact_at = last_contact(session, customer.id)
    retell(session, [row], is_corrected=True)
    session.flush()
    return row


def retell(session: Session, rows: Collection[Interaction], *, is_corrected: bool = False) -> None:
    """The timeline tells of these as they are now; of somebody's correction, that it is one."""
    by_id = {row.id: row for row in rows}
    entries = select(TimelineEntry).where(
        TimelineEntry.subject_type == "interaction", TimelineEntry.subject_id.in_(sorted(by_id))
    )
    for entry in session.scalars(entries) if by_id else ():
        row = by_id[entry.subject_id or 0]
        next_on = row.next_on.isoformat() if row.next_on else None
        told: dict[str, Any] = {"direction": row.direction, "result": row.result, "next_on": next_on}
        told |= {"is_corrected": True} if is_corrected else {}
        entry.channel, entry.data = row.channel, {**entry.data, **told}


def restore_interaction(session: Session, row: Interaction, *, by: Actor) -> None:
    """It was no mistake after all."""
    _lock(session, row, by)
    if row.archived_at is None:
        return
    row.archived_at = None
    session.flush()
    _call(session, row, row.kind.value)
    row.customer.last_contact_at = last_contact(session, row.customer_id)
    session.flush()


def archive_interaction(session: Session, row: Interaction, *, by: Actor) -> None:
    """Written by mistake: it leaves the timeline, and counts as a contact no more."""
    customer = row.customer
    _lock(session, row, by)
    if row.archived_at is not None:
        return
    row.archived_at = clock.now()
    session.flush()
    _call(session, row, STRUCK)
    customer.last_contact_at = last_contact(session, customer.id)
    if row.next_on is not None and customer.next_contact_on == row.next_on:
        customer.next_contact_on = _agreed_before(session, customer, by)
    session.flush()


def _lock(session: Session, row: Interaction, by: Actor, as_of: datetime | None = None) -> None:
    """The customer locked and the contact as it is now, for whoever may put right what was said.

    Raises BusinessError for a mail that went out from here: the customer has it as it is.
    """
    lock_for(session, row.customer, by, "edit", must=beside_fields.right_to(by, beside_fields.SAID))
    refuse_stale(session, row, as_of)
    if delivery.is_ours(session, row):
        raise BusinessError(_("This mail was sent from here. What the customer was sent is not changed afterwards."))


def _agreed_before(session: Session, customer: Customer, by: Actor) -> date | None:
    """The day of the next contact that was agreed last, unless one has come after it."""
    agreed = session.scalar(
        select(Interaction.next_on)
        .where(Interaction.customer_id == customer.id, Interaction.archived_at.is_(None))
        .where(Interaction.next_on.is_not(None))
        .order_by(Interaction.at.desc(), Interaction.id.desc()).limit(1)
    )  # fmt: skip
    heard = customer.last_contact_at
    return None if agreed is None or (heard is not None and agreed <= local(heard, by.time_zone).date()) else agreed


def _call(session: Session, row: Interaction, told: str) -> None:
    session.execute(
        update(TimelineEntry)
        .where(TimelineEntry.subject_type == "interaction", TimelineEntry.subject_id == row.id)
        .values(kind=told)
        .execution_options(synchronize_session=False)
    )


def is_two_way(kind: InteractionKind, direction: Direction | None, result: str | None) -> bool:
    """Did both sides hear from each other? What only went out did not."""
    if kind is InteractionKind.note:
        return False
    if kind is InteractionKind.call:
        return result not in NOT_REACHED
    return kind is InteractionKind.visit or direction is Direction.inbound


def last_contact(session: Session, customer_id: int) -> datetime | None:
    kinds = Interaction.kind
    spoken = (kinds == InteractionKind.call) & Interaction.result.not_in(sorted(NOT_REACHED))
    met = kinds == InteractionKind.visit
    heard = kinds.in_([InteractionKind.mail, InteractionKind.message]) & (Interaction.direction == Direction.inbound)
    return session.scalar(
        select(func.max(Interaction.at)).where(
            Interaction.customer_id == customer_id, Interaction.archived_at.is_(None), spoken | met | heard
        )
    )


def _usual_channel(session: Session, kind: InteractionKind) -> str | None:
    """None where the company has retired that channel, or none goes without saying."""
    try:
        return code_of(session, CHANNEL, _USUAL_CHANNEL.get(kind))
    except rules.UnreadableError:
        return None


def _is_known(session: Session, source: str, external_id: str) -> bool:
    found = select(Interaction.id).where(Interaction.source == source, Interaction.external_id == external_id)
    return session.scalar(found) is not None
