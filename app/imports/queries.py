"""Which imports does somebody see, and what is to be told of one?"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, false, func, select
from sqlalchemy.orm import Session

from app.core.access import Actor, row_rule, scoped, visible
from app.customers.duplicates.queries import merged_into
from app.customers.models import Customer
from app.imports.models import Finding, ImportJob, ImportPhase, ImportRow, ImportTarget, Outcome

#: rows that are there because of a file of the same contents
_COUNTS = (ImportPhase.applying, ImportPhase.applied)
_TAKEN_BACK = (ImportPhase.undoing, ImportPhase.undone)
#: whose columns somebody has matched
_MATCHED = (ImportPhase.checked, *_COUNTS, *_TAKEN_BACK)
#: what was written counts for more than what was only looked through
_SUREST_FIRST = (ImportJob.phase == ImportPhase.checked, ImportJob.id.desc())
#: files by which single columns are recognised
_REMEMBERED = 20


@row_rule(ImportJob)
def _jobs(actor: Actor, action: str) -> ColumnElement[bool]:
    """One's own; with a wider right everybody's, though never the rows of another's file."""
    if not actor.may(action, "Import"):
        return false()
    return scoped(actor.scope("Import", action), actor, owner_id=ImportJob.member_id)


def jobs(who: Actor) -> Select[ImportJob]:
    """Newest first."""
    return select(ImportJob).where(visible(ImportJob, who)).order_by(ImportJob.id.desc())


def remembered_mapping(session: Session, target: ImportTarget, header_key: str) -> list[str] | None:
    """How the columns of the last file with these headings were matched: of one that was written if there is one."""
    return session.scalar(
        select(ImportJob.mapping)
        .where(ImportJob.target == target, ImportJob.header_key == header_key)
        .where(ImportJob.phase.in_(_MATCHED))
        .order_by(*_SUREST_FIRST).limit(1)
    )  # fmt: skip


def last_matches(session: Session, target: ImportTarget) -> list[tuple[list[str], list[str]]]:
    """(headings, fields) of the last files, those that were written first, each the newest first."""
    rows = session.execute(
        select(ImportJob.headings, ImportJob.mapping)
        .where(ImportJob.target == target, ImportJob.phase.in_(_MATCHED))
        .order_by(*_SUREST_FIRST).limit(_REMEMBERED)
    )  # fmt: skip
    return [(headings, mapping) for headings, mapping in rows]


def brought_before(session: Session, job: ImportJob) -> ImportJob | None:
    """The last import of the very same file: one that still counts, or else one that was taken back."""
    return session.scalars(
        select(ImportJob)
        .where(ImportJob.sha256 == job.sha256, ImportJob.target == job.target, ImportJob.id != job.id)
        .where(ImportJob.phase.in_([*_COUNTS, *_TAKEN_BACK]))
        .order_by(ImportJob.phase.in_(_TAKEN_BACK), ImportJob.id.desc()).limit(1)
    ).one_or_none()  # fmt: skip


def rows_of(job: ImportJob, finding: Finding) -> Select[ImportRow]:
    """What was not taken back, those of which something is told, and then the others, in the order of the file."""
    rows = select(ImportRow).where(ImportRow.job_id == job.id, ImportRow.finding == finding)
    is_other = ImportRow.outcome.is_distinct_from(Outcome.left)
    return rows.order_by(is_other, ImportRow.reasons == [], ImportRow.number)


def count_told(job: ImportJob, finding: Finding) -> Select[int]:
    """How many of them something is told of."""
    rows = select(func.count(ImportRow.id)).where(ImportRow.job_id == job.id, ImportRow.finding == finding)
    return rows.where(ImportRow.reasons != [])


def ids_by_code(session: Session, codes: Collection[str]) -> dict[str, int]:
    """Code → the customer who has it, or whom he became part of."""
    if not codes:
        return {}
    rows = session.execute(
        select(Customer.code, Customer.id, Customer.archived_at).where(Customer.code.in_(sorted(codes)))
    ).all()
    return {
        row.code: (merged_into(session, row.id) or row.id) if row.archived_at is not None else row.id for row in rows
    }


def told_by(session: Session, job: ImportJob, record_ids: Collection[int]) -> dict[int, int]:
    """Record → the first row of this file that made it or is about it."""
    if not record_ids:
        return {}
    rows = select(ImportRow.record_id, ImportRow.number).where(
        ImportRow.job_id == job.id, ImportRow.finding != Finding.error, ImportRow.record_id.in_(sorted(record_ids)),
    ).order_by(ImportRow.number.desc())  # fmt: skip
    return {record_id: number for record_id, number in session.execute(rows) if record_id is not None}


def count_put_away(job: ImportJob) -> Select[int]:
    """Customers whom this import made, and who are archived since it was taken back."""
    rows = select(func.count(Customer.id)).join(ImportRow, ImportRow.record_id == Customer.id)
    return rows.where(
        # what stood there before is kept of customers who were changed alone
        ImportRow.job_id == job.id, ImportRow.outcome == Outcome.undone, ImportRow.before.is_(None),
        Customer.archived_at.is_not(None),
    )  # fmt: skip


def taken_back(session: Session, customer_ids: Collection[int]) -> set[int]:
    """Those customers that an import made and its undo put away: the same rows may make them anew."""
    if not customer_ids:
        return set()
    rows = select(ImportRow.record_id).join(ImportJob, ImportJob.id == ImportRow.job_id).where(
        ImportRow.record_id.in_(sorted(customer_ids)), ImportRow.outcome == Outcome.undone,
        ImportJob.target == ImportTarget.customers,
    )  # fmt: skip
    return {record_id for record_id in session.scalars(rows) if record_id is not None}
