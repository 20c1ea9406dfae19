"""Which processes wait for a mail to be out, and what has become of it? Looked after by the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core import leases
from app.core.leases import LeaseState
from app.notifications.models import Outbox
from app.notifications.rules import why_not_sent
from app.processes import store
from app.processes.engine.events import Done, Event, Failed
from app.processes.engine.state import IncidentCode, InstanceStatus
from app.processes.models import AwaitedMail, ProcessInstance

#: what an event at the edge of a send task waits for to catch that the mail was refused, or never went out
MAIL_REFUSED = "MAIL_REFUSED"


def await_mail(session: Session, instance: ProcessInstance, token: int, key: str) -> None:
    """The process goes on at `token` once the mail that the outbox knows by `key` is out."""
    session.add(AwaitedMail(instance_id=instance.id, token=token, key=key))
    session.flush()


def ended(session: Session, limit: int, *, at: datetime) -> Sequence[int]:
    """Those that are out or given up, of process files that go on; the oldest first. Those of which that could not be
    told have to wait for their turn."""
    is_turn = AwaitedMail.next_at.is_(None) | (AwaitedMail.next_at <= at)
    over = Outbox.status.in_((LeaseState.done, LeaseState.dead))
    rows = (
        select(AwaitedMail.id)
        .join(ProcessInstance, ProcessInstance.id == AwaitedMail.instance_id)
        .join(Outbox, Outbox.idempotency_key == AwaitedMail.key, isouter=True)
        .where(ProcessInstance.status != InstanceStatus.suspended, is_turn, over | Outbox.id.is_(None))
        .order_by(AwaitedMail.id)
        .limit(limit)
    )
    return session.scalars(rows).all()


def tell(
    session: Session, awaited_id: int, happen: Callable[[Session, ProcessInstance, Event], object]
) -> bool:  # fmt: skip
    """Let the process go on, or fail there. False: nobody waits any more, or not now."""
    row = session.get(AwaitedMail, awaited_id)
    if row is None:
        return False
    instance = store.lock(session, row.instance_id)
    row = session.get(AwaitedMail, awaited_id, populate_existing=True)
    if row is None or instance.status is InstanceStatus.suspended:
        return False
    mail = session.scalars(select(Outbox).where(Outbox.idempotency_key == row.key)).one_or_none()
    token, waits = row.token, any(one.id == row.token for one in store.tokens_of(session, instance.id))
    session.execute(delete(AwaitedMail).where(AwaitedMail.id == row.id))
    session.expunge(row)
    if instance.status is not InstanceStatus.running or not waits:
        return False
    if mail is not None and mail.status is LeaseState.done:
        happen(session, instance, Done(token))
    else:
        why = str(why_not_sent(mail.last_error or "")) if mail is not None else ""
        happen(session, instance, Failed(token, MAIL_REFUSED, IncidentCode.mail_failed, why[:500]))
    return True


def put_off(session: Session, awaited_id: int, *, at: datetime, rng: Random) -> None:
    """What became of it could not be told: again later, each time after a longer pause."""
    row = session.get(AwaitedMail, awaited_id, with_for_update=True, populate_existing=True)
    if row is not None:
        row.attempts += 1
        row.next_at = at + leases.backoff(row.attempts, rng)
