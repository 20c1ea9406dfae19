"""Who goes through the files? The worker, a lot of rows at a time (core.turns)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.core import audit, clock, files, leases, turns
from app.core.access import Actor
from app.core.db import db, transaction
from app.core.errors import BusinessError, NotAllowedError
from app.core.files import StoredFile
from app.core.i18n import _, in_language
from app.core.turns import BROKEN, ActorOf, OwnerGoneError, Tell, Turn, added
from app.imports import bad_rows, met
from app.imports.customers import CustomerTarget
from app.imports.interactions import InteractionTarget
from app.imports.models import Finding, ImportJob, ImportPhase, ImportRow, ImportTarget, Outcome
from app.imports.purchases import PurchaseTarget
from app.imports.rows import Row, Target
from app.imports.services import refuse_changed_rights
from app.imports.sheet import Opened, open_sheet
from app.imports.undoing import take_back

#: rows that are written in one transaction, and looked at in one
LOT = 500
CHECK_LOT = 2_000
#: rows that are passed over on one lease
PASSED_OVER = 20_000
#: rows of a kind that a look through the file keeps to be shown; of mistakes and likenesses all
SHOWN = 50

_TARGETS: Mapping[ImportTarget, Callable[..., Target]] = {
    ImportTarget.customers: CustomerTarget,
    ImportTarget.purchases: PurchaseTarget,
    ImportTarget.interactions: InteractionTarget,
}


def run_waiting(actor_of: ActorOf, tell: Tell[ImportJob]) -> None:
    """Go through what waits, oldest first. Needs an application context."""
    turns.run_waiting(_Run, actor_of, tell)


class _Run(Turn[ImportJob]):
    """One worker's turn at one file."""

    model = ImportJob

    def go(self) -> None:
        session = db.session()
        job = session.get_one(ImportJob, self.job_id)
        with in_language(self._who(session, job).language):
            if job.phase is ImportPhase.checking:
                self._check(session, job)
            elif job.phase is ImportPhase.applying:
                self._apply(session, job)
            elif job.phase is ImportPhase.undoing:
                self._undo()

    def _who(self, session: Session, job: ImportJob) -> Actor:
        """With the rights of this moment. Raises OwnerGoneError, and NotAllowedError where he may not import now."""
        who = self.actor_of(session, job.acting_id)
        if who is None:
            raise OwnerGoneError
        if not who.may("add", "Import"):
            raise NotAllowedError(_("The right to bring in files was taken away. What was written stays."))
        return who

    # ── looking through it ──
    def _check(self, session: Session, job: ImportJob) -> None:
        who, opened = self._who(session, job), _opened(session, job)
        target = _target(session, job, who, opened)
        session.rollback()
        with transaction() as inside:
            self.hold(inside)
            inside.execute(delete(ImportRow).where(ImportRow.job_id == self.job_id))
        found: Counter[str] = Counter()
        read = 0
        for lot in _lots(opened.rows, CHECK_LOT):
            rows = [target.read(number, cells) for number, cells in lot]
            session = db.session()
            target.judge(session, rows, is_written=False)
            # Shown are the first of each kind, kept all that somebody has to do something about.
            shown = []
            for row in rows:
                found[row.finding] += 1
                is_asked = row.finding in (Finding.error, Finding.duplicate) or row.is_told
                if is_asked or found[row.finding] <= SHOWN:
                    shown.append(row)
            read += len(rows)
            session.expunge_all()
            with transaction() as inside:
                job = self.hold(inside)
                _keep(inside, self.job_id, shown)
                job.rows_done, job.found = rows[-1].number, dict(found)
        self._make_bad_rows(ImportPhase.checked, who)
        with transaction() as inside:
            self.finish(inside, phase=ImportPhase.checked, rows_all=read)

    # ── writing it ──
    def _apply(self, session: Session, job: ImportJob) -> None:
        opened, done = _opened(session, job), job.rows_done
        who = self._who(session, job)
        target = _target(session, job, who, opened)
        for lot in _lots(self._after(done, opened.rows), LOT):
            session = db.session()
            session.rollback()
            rows = [target.read(number, cells) for number, cells in lot]
            if self._who(session, session.get_one(ImportJob, self.job_id)) != who:
                with transaction() as inside:  # whoever goes on begins with the rights of then
                    leases.give_back(inside, ImportJob, [self.job_id], owner=self.owner, next_at=clock.now(), error="")
                return
            session.rollback()
            with transaction(who) as inside:
                job = self.hold(inside)
                target.judge(inside, rows, is_written=True)
                target.write(inside, rows)
                _keep(inside, self.job_id, rows)
                job.rows_done = rows[-1].number
                job.found = added(job.found, (row.finding for row in rows))
                job.written = added(job.written, (row.outcome for row in rows if row.outcome is not None))
                # It gets on: whoever dies over it later died over something else.
                job.attempts = 1
            db.session().expunge_all()
            if self.is_over():
                return
        self._make_bad_rows(ImportPhase.applied, who)
        with transaction(who) as inside:
            job = self.finish(inside, phase=ImportPhase.applied)
            met.forget(inside, job.id)
            audit.record(inside, "import.applied", table=ImportJob.__tablename__, record_id=job.id, by=who,
                         changes={name: [None, count] for name, count in job.written.items()})  # fmt: skip
            self.tell(inside, job)

    def _after(self, done: int, rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
        """The rows behind those that are written. Even those that are only passed over take longer than a lease."""
        for count, row in enumerate(rows, 1):
            if row[0] > done:
                yield row
            elif count % PASSED_OVER == 0:
                with transaction() as inside:
                    self.hold(inside)

    def _make_bad_rows(self, phase: ImportPhase, who: Actor) -> None:
        session = db.session()
        session.rollback()
        bad_rows.make(session, session.get_one(ImportJob, self.job_id), phase, who)
        session.rollback()

    # ── taking it back ──
    def _undo(self) -> None:
        while True:
            session = db.session()
            session.rollback()
            job = session.get_one(ImportJob, self.job_id)
            who = self._who(session, job)
            with transaction(who) as inside:
                job = self.hold(inside)
                rows = inside.scalars(
                    select(ImportRow).where(ImportRow.job_id == self.job_id)
                    .where(ImportRow.outcome.in_([Outcome.made, Outcome.changed]))
                    .order_by(ImportRow.number.desc()).limit(LOT)
                ).all()  # fmt: skip
                if not rows:
                    self.finish(inside, phase=ImportPhase.undone)
                    met.forget(inside, self.job_id)
                    self.tell(inside, job)
                    return
                # One record twice: the later row first, in a lot of its own.
                rows = _each_once(rows)
                take_back(inside, job, rows, by=who)
                job.rows_done += len(rows)
                job.written = added(job.written, (row.outcome for row in rows if row.outcome is not None))
                job.attempts = 1
            db.session().expunge_all()
            if self.is_over():
                return

    def stopped(self, session: Session, job: ImportJob, problem: BusinessError | None) -> None:
        member = self.actor_of(session, job.member_id)
        with in_language(member.language if member else ""):
            job.problem = str(problem.message if problem else BROKEN)
        if job.phase is not ImportPhase.undoing:
            job.phase = ImportPhase.failed
        job.finished_at = clock.now()
        audit.record(session, "import.failed", table=ImportJob.__tablename__, record_id=job.id,
                     changes={name: [None, count] for name, count in job.written.items()})  # fmt: skip
        self.tell(session, job)


def _opened(session: Session, job: ImportJob) -> Opened:
    file = session.get(StoredFile, job.file_id) if job.file_id else None
    place = files.location(file) if file is not None else None
    if place is None or not place.is_file():
        raise BusinessError(_("The file is no longer here. Bring it again."))
    return open_sheet(place.open("rb"), job.file_name)


def _target(session: Session, job: ImportJob, who: Actor, opened: Opened) -> Target:
    """It keeps the job as it is now, apart from the session. Raises NotAllowedError for what he may not write now."""
    session.refresh(job)
    refuse_changed_rights(session, job, by=who)
    session.expunge(job)
    return _TARGETS[job.target](session, job, who, opened.habits)


def _lots(rows: Iterator[tuple[int, list[str]]], size: int) -> Iterator[list[tuple[int, list[str]]]]:
    while lot := list(islice(rows, size)):
        yield lot


def _keep(session: Session, job_id: int, rows: Sequence[Row]) -> None:
    if rows:
        session.execute(insert(ImportRow), [
            {
                "job_id": job_id, "number": row.number, "finding": row.finding, "outcome": row.outcome,
                "record_id": row.record_id, "label": row.label, "reasons": row.reasons, "before": row.before,
            }
            for row in rows
        ])  # fmt: skip


def _each_once(rows: Sequence[ImportRow]) -> list[ImportRow]:
    seen: set[int | None] = set()
    kept = []
    for row in rows:
        if row.record_id in seen:
            break
        seen.add(row.record_id)
        kept.append(row)
    return kept
