"""Who changes the customers of a long bulk edit? The worker, a lot of them at a time (core.turns)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core import audit, clock, turns
from app.core.access import Actor
from app.core.db import db, transaction
from app.core.errors import BusinessError, NotAllowedError
from app.core.i18n import _, in_language
from app.core.turns import BROKEN, ActorOf, OwnerGoneError, Tell, Turn
from app.customers.bulk import changing, services
from app.customers.bulk.models import BulkEdit, BulkPhase


def run_waiting(actor_of: ActorOf, tell: Tell[BulkEdit]) -> None:
    """Go on with what waits, oldest first. Needs an application context."""
    turns.run_waiting(_Run, actor_of, tell)


class _Run(Turn[BulkEdit]):
    """One worker's turn at one bulk edit. A row that is done with has an outcome: the next lot is those without."""

    model = BulkEdit

    def go(self) -> None:
        while True:
            session = db.session()
            session.rollback()
            who = self._who(session, session.get_one(BulkEdit, self.job_id))
            with in_language(who.language), transaction(who) as inside:
                job = self.hold(inside)
                does = changing.give_back_lot if job.phase is BulkPhase.undoing else changing.change_lot
                done = does(inside, job, by=who, limit=changing.LOT)
                # It gets on: whoever dies over it later died over something else.
                job.attempts = 1
                if done < changing.LOT:
                    services.end(inside, job, by=who)
                    inside.flush()
                    self.tell(inside, self.finish(inside))
                    return
            db.session().expunge_all()
            if self.is_over():
                return

    def _who(self, session: Session, job: BulkEdit) -> Actor:
        """With the rights of this moment. Raises OwnerGoneError, and NotAllowedError where he may change nobody now."""
        who = self.actor_of(session, job.acting_id)
        if who is None:
            raise OwnerGoneError
        if not who.may("edit", "Customer"):
            raise NotAllowedError(_("The right to change customers was taken away. What was written stays."))
        return who

    def stopped(self, session: Session, job: BulkEdit, problem: BusinessError | None) -> None:
        member = self.actor_of(session, job.member_id)
        with in_language(member.language if member else ""):
            job.problem = str(problem.message if problem else BROKEN)
        if job.phase is not BulkPhase.undoing:
            job.phase = BulkPhase.failed
        job.finished_at = clock.now()
        audit.record(session, "bulk_edit.failed", table=BulkEdit.__tablename__, record_id=job.id,
                     changes={name: [None, count] for name, count in job.written.items()})  # fmt: skip
        self.tell(session, job)
