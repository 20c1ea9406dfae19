"""Which clocks have to strike now, and who outside is to be asked? Each strikes once, whatever the number of workers,
deaths and restarts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from random import SystemRandom
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, leases
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.errors import BusinessError
from app.processes import incidents, mails, messages, requests, store, timers
from app.processes.applying import apply
from app.processes.engine.events import Event
from app.processes.models import ProcessInstance, ProcessRequest, ProcessTimer

logger = logging.getLogger(__name__)

BATCH = 20
#: programs that are asked at the same time
AT_ONCE = 4
LEASE = timedelta(seconds=120)
#: after so long it is the turn of the next pulse
LONGEST_RUN = timedelta(minutes=5)

_random = SystemRandom()


def strike_due() -> int:
    """Let every clock strike whose moment has come, each in a transaction of its own. Returns how many did.

    Needs an application context.
    """
    owner, until, struck = leases.new_owner(), clock.now() + LONGEST_RUN, 0
    _tell_of_worn_out(ProcessTimer, incidents.clock_worn_out)
    while clock.now() <= until:
        due = leases.claim(ProcessTimer, owner=owner, at=clock.now(), limit=BATCH, lease=LEASE)
        db.session().rollback()
        if not due:
            break
        struck += sum(_strike(timer_id, owner) for timer_id in due)
    return struck


def hand_over_messages() -> int:
    """Give kept messages to whoever waits for them by now, each in a transaction of its own; those whose time is over
    go. Returns how many were taken. Needs an application context."""
    until, taken, waiting = clock.now() + LONGEST_RUN, 0, [0]
    while waiting and clock.now() <= until:
        with transaction() as session:
            messages.forget(session, at=clock.now())
            waiting = list(session.scalars(messages.to_hand_over(BATCH, at=clock.now())))
        taken += sum(_hand_over(message_id) for message_id in waiting)
    return taken


def go_on_after_mails() -> int:
    """Let the processes go on whose mail is out, and stop those whose mail will never be, each in a transaction of its
    own. Returns how many were told. Needs an application context."""
    until, told, ended = clock.now() + LONGEST_RUN, 0, [0]
    while ended and clock.now() <= until:
        with transaction() as session:
            ended = list(mails.ended(session, BATCH, at=clock.now()))
        told += sum(_tell_of_mail(awaited_id) for awaited_id in ended)
    return told


def _tell_of_mail(awaited_id: int) -> bool:
    try:
        with transaction() as session:
            return mails.tell(session, awaited_id, _happen)
    except Exception:
        # One bad row never stops the rest.
        logger.exception("what became of mail %d could not be told", awaited_id)
    with transaction() as session:
        mails.put_off(session, awaited_id, at=clock.now(), rng=_random)
    return False


def _hand_over(message_id: int) -> bool:
    try:
        with transaction() as session:
            if messages.hand_over_kept(session, message_id):
                return True
    except Exception:
        # One bad row never stops the rest.
        logger.exception("message %d could not be handed over", message_id)
    with transaction() as session:
        messages.put_off(session, message_id, at=clock.now(), rng=_random)
    return False


def _strike(timer_id: int, owner: str) -> bool:
    try:
        with transaction() as session:
            return timers.strike(session, timer_id, owner=owner)
    except BusinessError as refusal:
        logger.warning("clock %d was refused: %s", timer_id, refusal)
        _failed(timer_id, owner, str(refusal))
    except Exception as error:
        # One bad row never stops the rest.
        logger.exception("clock %d failed", timer_id)
        _failed(timer_id, owner, type(error).__name__)
    return False


def _failed(timer_id: int, owner: str, error: str) -> None:
    at = clock.now()
    with transaction() as session:
        timer = session.get(ProcessTimer, timer_id)
        if timer is None:
            return
        again = at + leases.backoff(timer.attempts, _random) if timer.attempts < timer.max_attempts else None
        if again is None and timer.instance_id is not None:
            store.lock(session, timer.instance_id)  # before its clock, as everybody takes them
        failed = leases.mark_failed(session, ProcessTimer, timer_id, owner=owner, error=error, at=at, retry_at=again)
        if failed and again is None:
            session.refresh(timer)
            incidents.clock_failed(session, timer)


def _tell_of_worn_out(model: type[ProcessTimer | ProcessRequest], tell: Callable[[Session, Any], object]) -> None:
    """What was given up because every worker died over it waits for the administrators, as what failed too often does.

    `tell` says so; the instance is locked by then.
    """
    with transaction() as session:
        due = leases.worn_out(model) & (model.next_at <= clock.now())
        found = session.execute(
            select(model.id, model.instance_id).where(due).order_by(model.next_at).limit(BATCH)
        ).all()
    for row_id, instance_id in found:
        try:
            with transaction() as session:
                if instance_id is not None:
                    store.lock(session, instance_id)  # before its clocks and requests, as everybody takes them
                dead = select(model).where(model.id == row_id, leases.worn_out(model))
                row = session.scalars(dead.with_for_update(skip_locked=True)).one_or_none()
                if row is not None:
                    tell(session, row)
        except Exception:
            # One bad row never stops the rest, nor takes their place for ever.
            logger.exception("that %s %d was given up could not be told", model.__tablename__, row_id)
            later = clock.now() + leases.LONGEST_PAUSE
            with transaction() as session:
                leases.tell_later(session, model, row_id, at=later)


# ── programs outside ──
def ask_outside() -> int:
    """Ask every program that is to be asked now, some at once, and tell the processes. Returns how many were told.

    Needs an application context.
    """
    owner, until, told = leases.new_owner(), clock.now() + LONGEST_RUN, 0
    _tell_of_worn_out(ProcessRequest, partial(requests.tell_worn_out, happen=_happen))
    while clock.now() <= until:
        due = leases.claim(ProcessRequest, owner=owner, at=clock.now(), limit=AT_ONCE, lease=LEASE)
        db.session().rollback()
        if not due:
            break
        ready = [found for row_id in due if (found := _prepare(row_id, owner)) is not None]
        if ready:
            # One that keeps us waiting is waited for beside the others; no transaction is open meanwhile.
            with ThreadPoolExecutor(AT_ONCE) as pool:
                answers = list(pool.map(requests.call, ready))
            told += sum(_settle(one.row_id, owner, answer) for one, answer in zip(ready, answers, strict=True))
    return told


def _happen(session: Session, instance: ProcessInstance, event: Event) -> None:
    apply(session, instance, instance.version, store.load(session, instance), event, by=SYSTEM)


def _prepare(row_id: int, owner: str) -> requests.Prepared | None:
    try:
        with transaction() as session:
            return requests.prepare(session, row_id, owner=owner, happen=_happen)
    except Exception:
        # One bad row never stops the rest; when its lease runs out it is looked at again.
        logger.exception("request %d could not be prepared", row_id)
        return None


def _settle(row_id: int, owner: str, answer: requests.Answer) -> bool:
    is_told = False
    try:
        with transaction() as session:
            is_told = requests.settle(session, row_id, answer, owner=owner, happen=_happen)
    except Exception:
        # One bad row never stops the rest; when its lease runs out it is tried to tell it again.
        logger.exception("what came of request %d could not be told", row_id)
        _beside("keep", row_id, lambda session: requests.keep(session, row_id, answer, owner=owner))
    _beside("count", row_id, lambda session: requests.count_result(session, answer))
    return is_told


def _beside(what: str, row_id: int, write: Callable[[Session], None]) -> None:
    """Write it in a transaction of its own; where that fails the log says so, and all else goes on."""
    try:
        with transaction() as session:
            write(session)
    except Exception:
        logger.exception("could not %s what came of request %d", what, row_id)
