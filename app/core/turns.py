"""How does the worker go through long work? A lot at a time: each lot is one transaction that remembers how far it
came, so that whoever takes over after a death goes on where it was. Imports and bulk edits are such work."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any, Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, leases
from app.core.access import Actor
from app.core.db import db, transaction
from app.core.errors import BusinessError
from app.core.i18n import _
from app.core.leases import Leased, LeaseState

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=120)
#: after so long it is somebody else's turn: a run without end would pass for one that hangs (worker.Job.limit)
LONGEST_RUN = timedelta(minutes=5)
BROKEN = _("Something broke on our side. What was written stays; go on, or take it back.")

_random = SystemRandom()

J = TypeVar("J", bound=Leased)
#: the member as he may act now, or None for one who may not any more
ActorOf = Callable[[Session, int], Actor | None]
#: tells people, inside the transaction that ends it
Tell = Callable[[Session, J], None]


class LostError(Exception):
    """It was cancelled, or another worker has taken it over."""


class OwnerGoneError(BusinessError):
    """Nobody acts in the name of somebody who is not here any more."""

    message = _("The account in whose name the rows are written was closed. What was written stays.")


class Turn(Generic[J]):
    """One worker's turn at one piece of work. A subclass says how it goes on (`go`), and what ends it (`stopped`)."""

    model: type[J]

    def __init__(self, job_id: int, owner: str, until: datetime, actor_of: ActorOf, tell: Tell[J]) -> None:
        self.job_id, self.owner, self.until, self.actor_of, self.tell = job_id, owner, until, actor_of, tell

    def go(self) -> None:
        """Do the rest, lot by lot: `hold` the work first in each transaction, `finish` it in the last one."""
        raise NotImplementedError

    def stopped(self, session: Session, job: J, problem: BusinessError | None) -> None:
        """It will not go on by itself: write down why, and tell people. None: it is our fault (BROKEN)."""
        raise NotImplementedError

    def hold(self, session: Session) -> J:
        """The work, for another lease. Raises LostError."""
        leases.renew(session, self.model, [self.job_id], owner=self.owner, at=clock.now(), lease=LEASE)
        if not leases.held_by(session, self.model, [self.job_id], owner=self.owner):
            raise LostError
        return session.get_one(self.model, self.job_id, populate_existing=True)

    def finish(self, session: Session, **also: Any) -> J:
        """It is done; `also` are columns to set. Raises LostError."""
        if not leases.mark_done(session, self.model, self.job_id, owner=self.owner, finished_at=clock.now(), **also):
            raise LostError
        return session.get_one(self.model, self.job_id, populate_existing=True)

    def is_over(self) -> bool:
        """Asked between two lots: True when somebody else is to go on with it, who finds it waiting."""
        if clock.now() <= self.until:
            return False
        self.give_back()
        return True

    def give_back(self) -> None:
        """Somebody else goes on with it, soon."""
        with transaction() as session:
            leases.give_back(session, self.model, [self.job_id], owner=self.owner, next_at=clock.now(), error="")

    def attempt(self) -> None:
        try:
            self.go()
        except LostError:
            logger.info("%s %s is no longer this worker's", self.model.__name__, self.job_id)
        except BusinessError as refusal:
            self._fail(refusal)
        except Exception:
            logger.exception("%s %s broke", self.model.__name__, self.job_id)
            self._fail(None)

    def _fail(self, refusal: BusinessError | None) -> None:
        """What people must know is told to them; what is our fault is tried again first."""
        at = clock.now()
        with transaction() as session:
            job = session.get_one(self.model, self.job_id)
            is_final = refusal is not None or job.attempts >= self.model.max_attempts
            kept = leases.mark_failed(
                session, self.model, self.job_id, owner=self.owner, error="" if refusal else str(BROKEN), at=at,
                retry_at=None if is_final else at + leases.backoff(job.attempts, _random),
            )  # fmt: skip
            if kept and is_final:
                session.refresh(job)
                self.stopped(session, job, refusal)


def run_waiting(turn: type[Turn[J]], actor_of: ActorOf, tell: Tell[J]) -> None:
    """Go through what waits, oldest first. Any number of workers may do so at once. Needs an application context."""
    owner, until = leases.new_owner(), clock.now() + LONGEST_RUN
    while clock.now() <= until:
        claimed = leases.claim(turn.model, owner=owner, at=clock.now(), limit=1, lease=LEASE)
        _tell_of_dead(turn, owner, until, actor_of, tell)
        if not claimed:
            return
        db.session().rollback()
        turn(claimed[0], owner, until, actor_of, tell).attempt()


def _tell_of_dead(turn: type[Turn[J]], owner: str, until: datetime, actor_of: ActorOf, tell: Tell[J]) -> None:
    """Work over which every worker died was given up without a word: nobody was left to say it."""
    model: Any = turn.model
    died = select(model.id).where(
        model.status == LeaseState.dead, model.last_error == leases.WORN_OUT, model.finished_at.is_(None)
    )
    numbers = db.session().scalars(died).all()
    db.session().rollback()
    for number in numbers:
        with transaction() as session:
            job = session.scalars(
                died.with_only_columns(model).where(model.id == number).with_for_update(skip_locked=True)
            ).one_or_none()  # fmt: skip
            if job is not None:
                turn(number, owner, until, actor_of, tell).stopped(session, job, None)


def added(counts: Mapping[str, int], more: Iterable[Any]) -> dict[str, int]:
    """The counts with these too."""
    return dict(Counter(counts) + Counter(str(one) for one in more))
