"""What was promised to a customer, and did the company keep its word? Each step stands on his timeline."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor
from app.core.errors import ConflictError
from app.core.formats import local
from app.core.i18n import _
from app.customers import beside_fields, rules
from app.customers.models import Customer
from app.customers.profile import Problems
from app.customers.profile_models import Interaction
from app.customers.promise_models import PROMISE_LENGTH, Promise, PromiseState
from app.customers.seen import refuse_stale
from app.customers.services import lock_for, record_timeline
from app.security.models import Member


def make_promise(
    session: Session, customer: Customer, *, by: Actor, text: str, due_on: date | None, owner: Member | None = None,
    interaction: Interaction | None = None,
) -> Promise:  # fmt: skip
    """Somebody (`owner`, or else whoever writes it) promised this by that day.

    Raises InvalidInputError beside promise or promise_on.
    """
    lock_for(session, customer, by, "edit", must=beside_fields.right_to(by, beside_fields.SAID, is_new=True))
    promise = Promise(customer_id=customer.id, owner_id=owner.id if owner else by.user_id, state=PromiseState.open)
    _write(promise, text, due_on, by, beside=("promise", "promise_on"))
    promise.interaction_id = interaction.id if interaction is not None else None
    session.add(promise)
    session.flush()
    _on_timeline(session, promise, kind="promised", by=by)
    return promise


def change_promise(
    session: Session, promise: Promise, *, by: Actor, text: str, due_on: date | None, as_of: datetime | None = None
) -> Promise:
    """Put right what was written. Raises InvalidInputError beside text or due_on, and ConflictError when somebody else
    did so since it was read (`as_of`: its moment of change then)."""
    _lock(session, promise, by, as_of)
    before = promise.text, promise.due_on
    _write(promise, text, due_on, by, beside=("text", "due_on"))
    if (promise.text, promise.due_on) != before:
        session.flush()
        _on_timeline(session, promise, kind="promise_corrected", by=by)
    return promise


def archive_promise(session: Session, promise: Promise, *, by: Actor) -> None:
    """Written by mistake: it counts no more."""
    _lock(session, promise, by)
    if promise.archived_at is None:
        promise.archived_at = clock.now()
        session.flush()
        _on_timeline(session, promise, kind="promise_struck", by=by)


def restore_promise(session: Session, promise: Promise, *, by: Actor) -> None:
    _lock(session, promise, by)
    if promise.archived_at is not None:
        promise.archived_at = None
        session.flush()
        _on_timeline(session, promise, kind="promise_restored", by=by)


def _lock(session: Session, promise: Promise, by: Actor, as_of: datetime | None = None) -> None:
    lock_for(session, promise.customer, by, "edit", must=beside_fields.right_to(by, beside_fields.SAID))
    refuse_stale(session, promise, as_of)


def _write(promise: Promise, text: str, due_on: date | None, by: Actor, *, beside: tuple[str, str]) -> None:
    problems = Problems()
    with problems.beside(beside[0]):
        read = rules.read_line(text, PROMISE_LENGTH)
        if not read:
            raise rules.UnreadableError(_("Say what was promised."))
        promise.text = read
    with problems.beside(beside[1]):
        if due_on is None:
            raise rules.UnreadableError(_("Say by which day it was promised."))
        if due_on != promise.due_on and due_on < local(clock.now(), by.time_zone).date():
            raise rules.UnreadableError(_("This day is over. Choose today or a later day."))
        promise.due_on = due_on
    problems.refuse_any()


def settle_promise(session: Session, promise: Promise, state: PromiseState, *, by: Actor) -> Promise:
    """It was kept, or broken; `open` takes that back. Raises ConflictError when somebody said otherwise meanwhile."""
    lock_for(session, promise.customer, by, "edit")
    session.refresh(promise, with_for_update=True)
    if promise.state is state:
        return promise
    if PromiseState.open not in (promise.state, state):
        raise ConflictError(_("Somebody has settled this promise already. Take that back first."))
    promise.state = state
    promise.settled_at = None if state is PromiseState.open else clock.now()
    session.flush()
    is_open, is_kept = state is PromiseState.open, state is PromiseState.kept
    _on_timeline(
        session, promise, by=by,
        kind="promise_reopened" if is_open else "promise_kept" if is_kept else "promise_broken",
    )  # fmt: skip
    return promise


def _on_timeline(session: Session, promise: Promise, *, kind: str, by: Actor) -> None:
    # The words stand in the promise itself, which can be erased; the entry points at it.
    record_timeline(
        session, promise.customer_id, kind=kind, by=by, subject_type="promise", subject_id=promise.id,
        data={"due_on": promise.due_on.isoformat()},
    )  # fmt: skip
