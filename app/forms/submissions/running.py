"""Who looks through old answers when other questions of their form are filtered, counted or wanted only once by now?
The worker, a lot at a time (core.turns)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session, joinedload

from app.core import clock, turns
from app.core.access import Actor
from app.core.db import db, transaction
from app.core.errors import BusinessError
from app.core.leases import LeaseState
from app.core.turns import Turn
from app.forms.models import AnswerIndexing, Submission, SubmissionValue
from app.forms.submissions import index

#: submissions that are looked through in one transaction
LOT = 500


def run_waiting() -> None:
    """Go through what waits, oldest first. Needs an application context."""
    turns.run_waiting(_Run, _nobody, lambda _session, _job: None)


def _nobody(_session: Session, _user_id: int) -> Actor | None:
    return None


class _Run(Turn[AnswerIndexing]):
    """One worker's turn at the answers to one form."""

    model = AnswerIndexing

    def go(self) -> None:
        session = db.session()
        form_id = session.get_one(AnswerIndexing, self.job_id).form_id
        wanted = index.wanted_of_form(session, form_id)
        session.rollback()
        while True:
            with transaction() as inside:
                job = self.hold(inside)
                if _lot(inside, job, wanted):
                    self.finish(inside)
                    return
            if self.is_over():
                return

    def stopped(self, session: Session, job: AnswerIndexing, problem: BusinessError | None) -> None:
        job.finished_at = clock.now()


def _lot(session: Session, job: AnswerIndexing, wanted: Mapping[str, str]) -> bool:
    """The next ones; True: there are no more."""
    rows = (
        select(Submission)
        .options(joinedload(Submission.version))
        .where(Submission.form_id == job.form_id, Submission.id > job.cursor)
        # Who corrects one of them meanwhile waits, and writes its rows after these.
        .with_for_update(of=Submission)
    )
    found = session.scalars(rows.order_by(Submission.id).limit(LOT)).all()
    if not found:
        return True
    values = [row for submission in found for row in index.rows_of(submission, wanted)]
    ids = [one.id for one in found]
    session.execute(delete(SubmissionValue).where(SubmissionValue.submission_id.in_(ids)))
    if values:
        session.execute(insert(SubmissionValue.__table__), values)
    job.cursor, job.done = ids[-1], job.done + len(ids)
    return len(found) < LOT


def begin(session: Session, form_id: int) -> None:
    """The answers to this form are looked through anew, from the first one on; nothing where nobody has answered."""
    total = session.scalar(select(func.count(Submission.id)).where(Submission.form_id == form_id)) or 0
    if not total:
        return
    job = session.scalars(
        select(AnswerIndexing).where(AnswerIndexing.form_id == form_id).with_for_update()
    ).one_or_none()
    if job is None:
        job = AnswerIndexing(form_id=form_id)
        session.add(job)
    # Whoever is at it loses it at his next lot, and the next one begins from the start.
    job.status, job.lease_owner, job.lease_until = LeaseState.waiting, None, None
    job.cursor, job.done, job.total, job.attempts = 0, 0, total, 0
    job.next_at, job.finished_at, job.last_error = clock.now(), None, None
    session.flush()


def progress(session: Session, form_id: int) -> tuple[int, int] | None:
    """(done, all) while the answers to a form are being looked through; None: the index tells of all of them."""
    rows = select(AnswerIndexing.done, AnswerIndexing.total).where(
        AnswerIndexing.form_id == form_id, AnswerIndexing.status != LeaseState.done
    )
    found = session.execute(rows).one_or_none()
    return None if found is None else (found.done, max(found.total, found.done))
