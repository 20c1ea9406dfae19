"""Which promises are to be kept today, or were to be before? Whoever gave one is told in his bell, once of each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import Select, case, exists, select
from sqlalchemy.orm import Session, joinedload

from app.core import clock
from app.core.access import visible
from app.core.db import db, transaction
from app.core.formats import local
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.customers.models import Customer
from app.customers.promise_models import Promise, PromiseState
from app.notifications.models import Alert
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell, raise_alert
from app.security.models import Member
from app.security.queries import actor_of

logger = logging.getLogger(__name__)

BATCH = 200
RULE, SUBJECT = "promise", "promise"
#: levels of the alert, and kinds of the bell
_TODAY, _OVER = 0, 1
_KINDS = {_TODAY: "promise_today", _OVER: "promise_overdue"}

register_bell_kind(
    _KINDS[_TODAY], lambda data: _("A promise to %(customer)s is to be kept today", customer=data["customer"])
)
register_bell_kind(_KINDS[_OVER], lambda data: _("A promise to %(customer)s is overdue", customer=data["customer"]))


def remind() -> int:
    """Tell of what is due, a batch a transaction; returns how many promises. Needs an application context."""
    told, after = 0, 0
    while True:
        ids = list(db.session().scalars(_due(_today(), after).limit(BATCH)))
        db.session().rollback()
        if not ids:
            return told
        after = ids[-1]
        try:
            with transaction() as session:
                told += _tell(session, ids)
        except Exception:
            # One bad row must not hold back the others for ever: the rest by itself, and this lot the next time.
            logger.exception("reminding of promises: a batch of %d failed", len(ids))


def _today() -> date:
    return local(clock.now(), DEFAULT_TIME_ZONE).date()


def _due(today: date, after: int) -> Select[int]:
    """Open promises whose day has come and of which nobody was told so yet."""
    level = case((Promise.due_on < today, _OVER), else_=_TODAY)
    told = exists().where(
        Alert.rule_key == RULE, Alert.subject_type == SUBJECT, Alert.subject_id == Promise.id, Alert.level == level
    )
    return (
        select(Promise.id).join(Customer, Customer.id == Promise.customer_id)
        .where(Promise.state == PromiseState.open, Promise.due_on <= today, Promise.id > after, ~told)
        .where(Customer.archived_at.is_(None), Promise.archived_at.is_(None)).order_by(Promise.id)
    )  # fmt: skip


def _tell(session: Session, ids: list[int]) -> int:
    today, at, told = _today(), clock.now(), 0
    rows = (
        select(Promise).where(Promise.id.in_(ids), Promise.state == PromiseState.open, Promise.due_on <= today)
        .where(Promise.archived_at.is_(None))
        .options(joinedload(Promise.customer)).order_by(Promise.id).with_for_update(of=Promise)
    )  # fmt: skip
    for promise in session.scalars(rows).unique():
        level = _OVER if promise.due_on < today else _TODAY
        member = _whom(session, promise)
        if member is None:
            continue
        alert = raise_alert(
            session, rule=RULE, subject_type=SUBJECT, subject_id=promise.id, level=level, recipient_id=member.id,
            due_moment=datetime.combine(promise.due_on, time(), ZoneInfo(DEFAULT_TIME_ZONE)), at=at,
        )  # fmt: skip
        if alert is None:
            continue
        # What was promised can be erased and may be kept from somebody: the line names the customer alone.
        post_bell(
            session, to=member.id, kind=_KINDS[level], data={"customer": promise.customer.name},
            subject_type="customer", subject_id=promise.customer_id, at=at, alert=alert,
        )  # fmt: skip
        told += 1
    return told


def _whom(session: Session, promise: Promise) -> Member | None:
    """Who gave it; when he is gone or sees the customer no more, who looks after him, or heads that team."""
    for member in _candidates(session, promise):
        seen = select(Customer.id).where(
            Customer.id == promise.customer_id, visible(Customer, actor_of(session, member))
        )
        if member.is_active and session.scalar(seen) is not None:
            return member
    return None


def _candidates(session: Session, promise: Promise) -> Iterator[Member]:
    if promise.owner is not None:
        yield promise.owner
    if promise.customer.owner is not None:
        yield promise.customer.owner
    team = promise.customer.team
    if team is not None and team.head is not None:
        yield team.head
