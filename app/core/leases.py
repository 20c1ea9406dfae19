"""Who does which waiting work, and what when he dies over it? The one mechanism for outbox, timers and imports."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum, auto
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Index,
    Integer,
    String,
    case,
    func,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.db import UtcDateTime, stored, transaction
from app.core.errors import ConflictError
from app.core.i18n import _

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
#: what a failure may say; the rest of a long answer is of no use to anyone
LONGEST_ERROR = 500
#: the reason that stays with work over which every worker died
WORN_OUT = "the worker died over it each time"


class LeaseState(StrEnum):
    """waiting → leased → done; leased → waiting again, or dead. held: put aside by hand until it is resent."""

    waiting = auto()
    leased = auto()
    done = auto()
    dead = auto()
    held = auto()


class Leased:
    """A row that is a piece of work. Whoever does it holds a lease; a lease that runs out gives the work back.

    `attempts` is counted at the claim, so that work which kills its worker dies too, after `max_attempts`.
    `failing_since` is the moment of the first failure since the last success or resend.
    The table needs `*lease_indexes()` among its `__table_args__`.
    """

    max_attempts: ClassVar[int] = 12

    if TYPE_CHECKING:
        id: Mapped[int]

    status: Mapped[LeaseState] = mapped_column(stored(LeaseState), default=LeaseState.waiting)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    lease_owner: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(LONGEST_ERROR))


def lease_indexes() -> tuple[Index, Index]:
    """What is due, and whose lease has run out: both stay small however many rows are done."""
    waiting, leased = text("status = 'waiting'"), text("status = 'leased'")
    return (
        Index(None, "next_at", "id", sqlite_where=waiting, postgresql_where=waiting),
        Index(None, "lease_until", sqlite_where=leased, postgresql_where=leased),
    )


def new_owner() -> str:
    """A name for one run of one worker; no two runs share it."""
    return f"{socket.gethostname()[:80]}:{os.getpid()}:{secrets.token_hex(6)}"


def claim(model: type[Leased], *, owner: str, at: datetime, limit: int, lease: timedelta) -> list[int]:
    """Take up to `limit` pieces of due work for `owner`, oldest first, and return their ids; nobody else gets them.

    Commits: the claim must be visible before any effect. Leases that ran out are given back first.
    """
    with transaction() as session:
        release_expired(session, model, at=at)
        due = session.scalars(
            select(model.id)
            .where(_is(model, LeaseState.waiting), model.next_at <= at)
            .order_by(model.next_at, model.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        if not due:
            return []
        taken = session.scalars(
            update(model)
            .where(model.id.in_(due), _is(model, LeaseState.waiting))
            .values(
                status=LeaseState.leased,
                attempts=model.attempts + 1,
                lease_owner=owner,
                lease_until=at + lease,
            )
            .returning(model.id)
            .execution_options(synchronize_session=False)
        ).all()
        still_mine = set(taken)
        return [row_id for row_id in due if row_id in still_mine]


def release_expired(session: Session, model: type[Leased], *, at: datetime) -> int:
    """Give back the work of workers that died; what died with `max_attempts` of them is dead itself. Returns rows."""
    worn_out = model.attempts >= model.max_attempts
    expired = select(model.id).where(_is(model, LeaseState.leased), model.lease_until <= at)
    return _change(
        session,
        model,
        # skipped where another worker is just doing the same: two of them never wait for each other
        model.id.in_(expired.with_for_update(skip_locked=True)),
        status=case((worn_out, _value(LeaseState.dead)), else_=_value(LeaseState.waiting)),
        next_at=at,
        last_error=case((worn_out, WORN_OUT), else_=model.last_error),
        lease_owner=None,
        lease_until=None,
    )


def worn_out(model: type[Leased]) -> ColumnElement[bool]:
    """Every worker died over it: it was given up without a word, since nobody was left to say one."""
    return _is(model, LeaseState.dead) & (model.last_error == WORN_OUT)


def tell_later(session: Session, model: type[Leased], row_id: int, *, at: datetime) -> None:
    """That it was given up could not be told: `next_at` says from when on that is tried again."""
    _change(session, model, (model.id == row_id) & worn_out(model), next_at=at)


def renew(
    session: Session, model: type[Leased], ids: Collection[int], *, owner: str, at: datetime, lease: timedelta
) -> None:
    """Hold the work longer. What was lost meanwhile stays lost: see `held_by`."""
    _change(session, model, _mine(model, ids, owner), lease_until=at + lease)


def held_by(session: Session, model: type[Leased], ids: Collection[int], *, owner: str) -> set[int]:
    """Which of these are still this owner's?"""
    return set(session.scalars(select(model.id).where(_mine(model, ids, owner))))


def mark_done(session: Session, model: type[Leased], row_id: int, *, owner: str, **also: Any) -> bool:
    """The work is done; `also` are further columns to set. False: it was no longer this owner's, nothing is changed."""
    changed = _change(
        session,
        model,
        _mine(model, [row_id], owner),
        status=LeaseState.done,
        lease_owner=None,
        lease_until=None,
        failing_since=None,
        last_error=None,
        **also,
    )
    return changed == 1


def mark_failed(
    session: Session,
    model: type[Leased],
    row_id: int,
    *,
    owner: str,
    error: str,
    at: datetime,
    retry_at: datetime | None,
) -> bool:
    """The work failed: again at `retry_at`, or never (None: dead). False: it was no longer this owner's."""
    changed = _change(
        session,
        model,
        _mine(model, [row_id], owner),
        status=LeaseState.dead if retry_at is None else LeaseState.waiting,
        next_at=model.next_at if retry_at is None else retry_at,
        lease_owner=None,
        lease_until=None,
        failing_since=func.coalesce(model.failing_since, literal(at, UtcDateTime)),
        last_error=error[:LONGEST_ERROR],
    )
    return changed == 1


def give_back(
    session: Session,
    model: type[Leased],
    ids: Collection[int],
    *,
    owner: str,
    next_at: datetime,
    error: str,
) -> int:
    """Not the work's fault (nobody there to do it with): the attempt does not count. Returns rows."""
    return _change(
        session,
        model,
        _mine(model, ids, owner),
        status=LeaseState.waiting,
        attempts=model.attempts - 1,
        next_at=next_at,
        lease_owner=None,
        lease_until=None,
        last_error=error[:LONGEST_ERROR],
    )


def resend(session: Session, row: Leased, *, at: datetime) -> None:
    """Begin anew, now, with all attempts. Raises ConflictError while someone is at it or once it is done."""
    model = type(row)
    free = model.status.in_([LeaseState.waiting, LeaseState.dead, LeaseState.held])
    changed = _change(
        session,
        model,
        (model.id == row.id) & free,
        status=LeaseState.waiting,
        attempts=0,
        next_at=at,
        failing_since=None,
    )
    session.refresh(row)
    if not changed:
        raise ConflictError(_("This is being done right now, or is done already."))


def stop(session: Session, row: Leased, may_stop: ColumnElement[bool], **also: Any) -> bool:
    """It goes no further: whoever is at it loses the lease. `also` are columns to set. False: it is not so any more."""
    model = type(row)
    changed = _change(
        session,
        model,
        (model.id == row.id) & may_stop,
        status=LeaseState.dead,
        lease_owner=None,
        lease_until=None,
        **also,
    )
    session.refresh(row)
    return changed == 1


def backoff(attempts: int, rng: Random) -> timedelta:
    """The wait after that many attempts (from 1): 30 s, doubled each time, ±20 % to spread them, at most 1 h."""
    pause = min(FIRST_PAUSE * 2.0 ** min(max(attempts, 1) - 1, 16), LONGEST_PAUSE)
    return min(pause * rng.uniform(0.8, 1.2), LONGEST_PAUSE)


def _is(model: type[Leased], state: LeaseState) -> ColumnElement[bool]:
    return model.status == _value(state)


def _value(state: LeaseState) -> ColumnElement[Any]:
    # Written out, not bound: a partial index is used only when the planner sees the value.
    return literal_column(f"'{state.value}'")


def _mine(model: type[Leased], ids: Collection[int], owner: str) -> ColumnElement[bool]:
    return model.id.in_(list(ids)) & _is(model, LeaseState.leased) & (model.lease_owner == owner)


def _change(session: Session, model: type[Leased], where: ColumnElement[bool], **values: Any) -> int:
    result = session.execute(update(model).where(where).values(**values).execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount
