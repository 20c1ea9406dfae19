"""What does one do with many customers at once? Choose them, say what is set, do it, stop it, take it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.access import Actor, get_visible, visible
from app.core.db import queue_up
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError
from app.core.i18n import _
from app.core.leases import LeaseState, stop
from app.customers.bulk import changing, fields
from app.customers.bulk.models import WORKING, BulkEdit, BulkEditRow, BulkOutcome, BulkPhase
from app.customers.models import Customer

#: customers of one bulk edit
MOST_ROWS = 100_000
#: so many are changed at once, while one waits; beyond them the worker does it
AT_ONCE = 200
#: a bulk edit can be taken back, and its rows are kept, for so long
UNDO_FOR = timedelta(days=30)
#: what nobody went on with
DRAFT_FOR = timedelta(days=1)
#: bulk edits of one person that the worker has before him at once
MOST_WORKING = 3

_UNDOABLE = (BulkPhase.applied, BulkPhase.failed, BulkPhase.cancelled)


def choose(session: Session, which: Select[Any] | Collection[int], *, by: Actor, came_from: str = "") -> BulkEdit:
    """These customers, as far as he sees them, are what it will be about, whoever comes to the list meanwhile.

    `which` are their ids, or selects them. Raises BusinessError for none of them, and for too many.
    """
    by.must("edit", "Customer")
    assert by.user_id is not None
    job = BulkEdit(member_id=by.user_id, acting_id=by.user_id, came_from=came_from, status=LeaseState.held)
    session.add(job)
    session.flush()
    chosen = Customer.id.in_(which if isinstance(which, Select) else sorted(which))
    rows = select(literal(job.id), Customer.id, Customer.rev, literal([], type_=BulkEditRow.reasons.type))
    rows = rows.where(chosen, visible(Customer, by)).order_by(Customer.id).limit(MOST_ROWS + 1)
    session.execute(insert(BulkEditRow).from_select(["job_id", "customer_id", "rev", "reasons"], rows))
    job.rows_all = session.scalar(select(func.count()).where(BulkEditRow.job_id == job.id)) or 0
    if not job.rows_all:
        raise BusinessError(_("Nothing matches any more."))
    if job.rows_all > MOST_ROWS:
        raise BusinessError(_("At most %(most)d rows at once. Narrow the list with a filter.", most=MOST_ROWS))
    session.flush()
    return job


def say(session: Session, job: BulkEdit, typed: Mapping[str, Any], *, by: Actor) -> None:
    """What is set (fields.read): of the customers as they are now, whose numbers are told next. Nothing is done yet."""
    _must_be_draft(job, by)
    job.changes = fields.read(session, typed, by)
    present = select(Customer.rev).where(Customer.id == BulkEditRow.customer_id).scalar_subquery()
    session.execute(
        update(BulkEditRow).where(BulkEditRow.job_id == job.id).values(rev=present)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    session.flush()


def apply(session: Session, job: BulkEdit, *, by: Actor) -> None:
    """Do it: a few customers at once, many by the worker. Whoever was changed since the numbers were told is left."""
    _must_be_draft(job, by)
    if not job.changes:
        raise InvalidInputError(fields={"set": [_("Choose at least one field to set.")]})
    job.applied_at = clock.now()
    audit.record(session, "bulk_edit.begun", table=BulkEdit.__tablename__, record_id=job.id, by=by,
                 changes={"customers": [None, job.rows_all], "fields": [None, sorted(job.changes)]})  # fmt: skip
    _go_on(session, job, BulkPhase.applying, by=by)


def undo(session: Session, job: BulkEdit, *, by: Actor) -> None:
    """Give back what stood there before. Raises ConflictError when that is too late, or nothing was changed."""
    get_visible(session, BulkEdit, job.id, by, "edit")
    if not can_undo(job):
        raise ConflictError(_("This bulk edit cannot be taken back any more."))
    job.rows_done = 0
    audit.record(session, "bulk_edit.undone", table=BulkEdit.__tablename__, record_id=job.id, by=by,
                 changes={"customers": [None, job.written.get(BulkOutcome.changed, 0)]})  # fmt: skip
    _go_on(session, job, BulkPhase.undoing, by=by)


def resume(session: Session, job: BulkEdit, *, by: Actor) -> None:
    """Go on where it stopped: nobody is changed twice."""
    _must_be_his(job, by)
    if not can_resume(job):
        raise ConflictError(_("There is nothing to go on with."))
    _begin(session, job, BulkPhase.undoing if job.phase is BulkPhase.undoing else BulkPhase.applying, by=by)


def cancel(session: Session, job: BulkEdit, *, by: Actor) -> None:
    """It goes no further; who was changed stays so until it is taken back. Raises ConflictError once it is finished."""
    _must_be_his(job, by)
    if job.state is BulkPhase.undoing:
        raise ConflictError(_("What is being taken back cannot be stopped."))
    may_stop = BulkEdit.phase.in_([BulkPhase.draft, BulkPhase.applying])
    if not stop(session, job, may_stop, phase=BulkPhase.cancelled, finished_at=clock.now()):
        raise ConflictError(_("This bulk edit is finished already."))


def can_undo(job: BulkEdit) -> bool:
    return (
        job.state in _UNDOABLE and job.written.get(BulkOutcome.changed, 0) > 0 and job.applied_at is not None
        and job.applied_at > clock.now() - UNDO_FOR
    )  # fmt: skip


def undo_until(job: BulkEdit) -> datetime | None:
    return job.applied_at + UNDO_FOR if job.applied_at else None


def can_resume(job: BulkEdit) -> bool:
    return job.state is BulkPhase.failed and job.applied_at is not None


def forget(session: Session, *, at: datetime) -> None:
    """What nobody went on with goes; what cannot be taken back any more keeps its numbers, and its rows go."""
    drafts = select(BulkEdit.id).where(BulkEdit.applied_at.is_(None), BulkEdit.created_at < at - DRAFT_FOR)
    old = select(BulkEdit.id).where(BulkEdit.applied_at < at - UNDO_FOR, BulkEdit.phase.not_in(WORKING))
    for ids in (drafts, old):
        session.execute(
            delete(BulkEditRow).where(BulkEditRow.job_id.in_(ids)).execution_options(synchronize_session=False)
        )
    session.execute(delete(BulkEdit).where(BulkEdit.id.in_(drafts)).execution_options(synchronize_session=False))


def _must_be_his(job: BulkEdit, by: Actor) -> None:
    by.must("edit", "Customer")
    if job.member_id != by.user_id:
        raise NotAllowedError(_("Only whoever began it goes on with it."))


def _must_be_draft(job: BulkEdit, by: Actor) -> None:
    _must_be_his(job, by)
    if job.phase is not BulkPhase.draft:
        raise ConflictError(_("This bulk edit was done already."))


def _go_on(session: Session, job: BulkEdit, phase: BulkPhase, *, by: Actor) -> None:
    """Here and now where it is about a few, else by the worker."""
    assert by.user_id is not None
    if job.rows_all > AT_ONCE:
        _begin(session, job, phase, by=by)
        return
    job.acting_id, job.phase = by.user_id, phase
    does = changing.change_lot if phase is BulkPhase.applying else changing.give_back_lot
    does(session, job, by=by, limit=AT_ONCE)
    end(session, job, by=by)
    job.status, job.finished_at = LeaseState.done, clock.now()
    session.flush()


def end(session: Session, job: BulkEdit, *, by: Actor) -> None:
    """All its customers are done with: the phase that comes then, and the event."""
    job.phase = BulkPhase.undone if job.phase is BulkPhase.undoing else BulkPhase.applied
    if job.phase is BulkPhase.applied:
        audit.record(session, "bulk_edit.applied", table=BulkEdit.__tablename__, record_id=job.id, by=by,
                     changes={name: [None, count] for name, count in job.written.items()})  # fmt: skip


def _begin(session: Session, job: BulkEdit, phase: BulkPhase, *, by: Actor) -> None:
    assert by.user_id is not None
    queue_up(session, f"bulk_edit.{by.user_id}")
    busy = select(func.count()).where(
        BulkEdit.acting_id == by.user_id, BulkEdit.id != job.id, BulkEdit.phase.in_(WORKING),
        BulkEdit.status.in_([LeaseState.waiting, LeaseState.leased]),
    )  # fmt: skip
    if (session.scalar(busy) or 0) >= MOST_WORKING:
        raise ConflictError(_("Three bulk edits of yours are being worked on. Wait for one of them, or stop one."))
    job.phase, job.acting_id, job.problem, job.finished_at = phase, by.user_id, None, None
    job.status, job.attempts, job.next_at = LeaseState.waiting, 0, clock.now()
    job.failing_since, job.last_error = None, None
    session.flush()
