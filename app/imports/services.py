"""What does one do with a file of rows? Bring it, match its columns, look, apply, cancel, take back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.catalogues.services import UnknownCodeError, chosen_code
from app.core import audit, clock, files
from app.core.access import Actor, get_visible, visible
from app.core.db import queue_up
from app.core.errors import ConflictError, InvalidInputError, NotAllowedError, Sentence
from app.core.files import ReceivedFile, StoredFile
from app.core.guarded import SHORTEST_REASON
from app.core.i18n import _
from app.core.leases import LeaseState, stop
from app.customers import rules
from app.customers.models import SOURCES
from app.customers.profile_models import TAG_LENGTH
from app.imports import bad_rows, fields, met, queries
from app.imports.models import (
    REASON_LENGTH,
    WORKING,
    ImportJob,
    ImportPhase,
    ImportRow,
    ImportTarget,
    OnDuplicate,
    OnUpdate,
    Outcome,
)
from app.imports.sheet import Head, read_head
from app.security.models import Member, Team

#: as which the files of imports are kept
OWNER = "import_job"
#: an import can be taken back, and its rows are kept, for so long
UNDO_FOR = timedelta(days=30)
#: files of one person that the worker has before him at once
MOST_WORKING = 3


def _brought_it(session: Session, actor: Actor, job_id: int) -> bool:
    """For others its file may hold what they do not see."""
    return session.scalar(select(ImportJob.member_id).where(ImportJob.id == job_id)) == actor.user_id


files.register_owner(OWNER, _brought_it)
_UNDOABLE = (ImportPhase.applied, ImportPhase.failed, ImportPhase.cancelled)


@dataclass(frozen=True)
class Wishes:
    """How the rows are to be written."""

    #: for every column the key of a field, or ""
    mapping: Sequence[str]
    on_update: OnUpdate = OnUpdate.fill
    owner_id: int | None = None
    team_id: int | None = None
    source: str | None = None
    tags: Sequence[str] = field(default_factory=tuple)


def read(received: ReceivedFile) -> Head:
    """For bring(), before its transaction. Raises SheetRefusedError."""
    return read_head(files.location(received).open("rb"), received.name)


def bring(
    session: Session, received: ReceivedFile, target: ImportTarget, *, head: Head, by: Actor
) -> ImportJob:  # fmt: skip
    """Keep the file, and guess what its columns hold: as the last file with these headings was matched, if one was,
    and each column as it was in one of the last files."""
    by.must("add", "Import")
    by.must(*_right(target))
    assert by.user_id is not None
    headings = list(head.headings)
    key = fields.header_key(target, headings)
    allowed = list(fields.fields_for(by, target))
    known = queries.remembered_mapping(session, target, key)
    keys = {one.key for one in allowed}
    if known:
        mapping = [one if one in keys else "" for one in known]
    else:
        told = fields.told_before(headings, queries.last_matches(session, target))
        mapping = fields.guess(target, headings, allowed, told)
    job = ImportJob(
        member_id=by.user_id, acting_id=by.user_id, target=target, file_name=received.name, sha256=received.sha256,
        headings=headings, header_key=key, samples=[list(one) for one in head.samples], mapping=mapping,
        status=LeaseState.held,
    )  # fmt: skip
    session.add(job)
    session.flush()
    job.file_id = files.keep(session, received, owner_type=OWNER, owner_id=job.id).id
    session.flush()
    return job


def check(session: Session, job: ImportJob, wishes: Wishes, *, by: Actor) -> None:
    """Let the worker look through the file; nothing is written to the customers.

    Raises InvalidInputError beside mapping, owner, team, source or tags.
    """
    _hold(session, job)
    _must_be_his(job, by)
    if job.state not in (ImportPhase.draft, ImportPhase.checked, ImportPhase.failed) or job.applied_at is not None:
        raise ConflictError(_("This file was applied already."))
    problems: dict[str, list[Sentence]] = {}
    job.mapping = _read_mapping(job, wishes.mapping, by, problems)
    job.defaults = _read_defaults(session, wishes, by, problems)
    if problems:
        raise InvalidInputError(fields=problems)
    job.on_update = wishes.on_update
    _begin(session, job, ImportPhase.checking, by=by)
    job.rows_done, job.rows_all, job.found = 0, 0, {}


def apply(
    session: Session, job: ImportJob, *, by: Actor, on_duplicate: OnDuplicate = OnDuplicate.skip, reason: str = ""
) -> None:
    """Let the worker write the rows that were looked through. `reason`: why rows that look like others are made."""
    _hold(session, job)
    _must_be_his(job, by)
    if job.phase is not ImportPhase.checked:
        raise ConflictError(_("Look through the file first."))
    told = " ".join(reason.split())
    if on_duplicate is OnDuplicate.make and not SHORTEST_REASON <= len(told) <= REASON_LENGTH:
        raise InvalidInputError(fields={"duplicate_reason": [_("Say in a few words why there are two of them.")]})
    job.on_duplicate, job.reason = on_duplicate, told or None
    _begin(session, job, ImportPhase.applying, by=by)
    session.execute(delete(ImportRow).where(ImportRow.job_id == job.id).execution_options(synchronize_session=False))
    job.rows_done, job.found, job.written, job.applied_at = 0, {}, {}, clock.now()
    audit.record(
        session, "import.begun", table=ImportJob.__tablename__, record_id=job.id, by=by, reason=job.reason,
        changes={"target": [None, str(job.target)], "rows": [None, job.rows_all]},
    )  # fmt: skip


def resume(session: Session, job: ImportJob, *, by: Actor) -> None:
    """Go on where it stopped: rows that were written are not written again."""
    _hold(session, job)
    _must_be_his(job, by)
    if not can_resume(job):
        raise ConflictError(_("There is nothing to go on with."))
    _begin(session, job, ImportPhase.undoing if job.phase is ImportPhase.undoing else ImportPhase.applying, by=by)


def undo(session: Session, job: ImportJob, *, by: Actor) -> None:
    """Let the worker take back what was written. Raises ConflictError when that is too late, or nothing was written."""
    get_visible(session, ImportJob, job.id, by, "add")
    _hold(session, job)
    if not can_undo(job):
        raise ConflictError(_("This import cannot be taken back any more."))
    _begin(session, job, ImportPhase.undoing, by=by)
    job.rows_done = 0
    audit.record(session, "import.undone", table=ImportJob.__tablename__, record_id=job.id, by=by,
                 changes={"target": [None, str(job.target)]})  # fmt: skip


def cancel(session: Session, job: ImportJob, *, by: Actor) -> None:
    """It goes no further; what was written stays until it is taken back. Raises ConflictError once it is finished."""
    _must_be_his(job, by)
    if job.state is ImportPhase.undoing:
        raise ConflictError(_("What is being taken back cannot be stopped."))
    phases = (ImportPhase.draft, ImportPhase.checked, ImportPhase.checking, ImportPhase.applying)
    if not stop(session, job, ImportJob.phase.in_(phases), phase=ImportPhase.cancelled, finished_at=clock.now()):
        raise ConflictError(_("This import is finished already."))
    met.forget(session, job.id)


def can_undo(job: ImportJob) -> bool:
    written = job.written.get(Outcome.made, 0) + job.written.get(Outcome.changed, 0)
    return (
        job.state in _UNDOABLE and written > 0 and job.applied_at is not None
        and job.applied_at > clock.now() - UNDO_FOR
    )  # fmt: skip


def undo_until(job: ImportJob) -> datetime | None:
    return job.applied_at + UNDO_FOR if job.applied_at else None


def can_resume(job: ImportJob) -> bool:
    return job.state is ImportPhase.failed and job.applied_at is not None and bool(job.rows_all)


def forget(session: Session, *, at: datetime) -> None:
    """What cannot be taken back any more keeps its numbers; its file and rows go."""
    old = session.scalars(
        select(ImportJob).where(ImportJob.created_at < at - UNDO_FOR, ImportJob.file_id.is_not(None))
        .where(ImportJob.phase.not_in(WORKING) | (ImportJob.status == LeaseState.dead))
        .where(func.coalesce(ImportJob.applied_at, ImportJob.created_at) < at - UNDO_FOR)
    ).all()  # fmt: skip
    for job in old:
        session.execute(delete(ImportRow).where(ImportRow.job_id == job.id))
        met.forget(session, job.id)
        bad_rows.forget(job)
        file = session.get(StoredFile, job.file_id)
        job.file_id, job.samples = None, []
        session.flush()
        if file is not None:
            session.delete(file)
    bad_rows.sweep(at - UNDO_FOR)
    session.flush()


def _right(target: ImportTarget) -> tuple[str, str]:
    """Without which nobody writes such rows."""
    return "add" if target is ImportTarget.customers else "edit", "Customer"


def refuse_changed_rights(session: Session, job: ImportJob, *, by: Actor) -> None:
    """Raises NotAllowedError where he may not write now what he wished for, or nobody can any more."""
    by.must(*_right(job.target))
    problems: dict[str, list[Sentence]] = {}
    _read_mapping(job, job.mapping, by, problems)
    _read_defaults(session, Wishes(job.mapping, **job.defaults), by, problems)
    if problems:
        told = next(iter(problems.values()))[0]
        raise NotAllowedError(_("Rights or lists have changed since the columns were matched: %(problem)s",
                                problem=told))  # fmt: skip


def _hold(session: Session, job: ImportJob) -> None:
    """Of two who do something with it at once the second one finds what the first has done."""
    session.refresh(job, with_for_update=True)


def _must_be_his(job: ImportJob, by: Actor) -> None:
    by.must("add", "Import")
    if job.member_id != by.user_id:
        raise NotAllowedError(_("Only whoever brought the file goes on with it."))


def _begin(session: Session, job: ImportJob, phase: ImportPhase, *, by: Actor) -> None:
    assert by.user_id is not None
    queue_up(session, f"import.{by.user_id}")
    busy = select(func.count()).where(
        ImportJob.acting_id == by.user_id, ImportJob.id != job.id, ImportJob.phase.in_(WORKING),
        ImportJob.status.in_([LeaseState.waiting, LeaseState.leased]),
    )  # fmt: skip
    if (session.scalar(busy) or 0) >= MOST_WORKING:
        raise ConflictError(_("Three files of yours are being worked on. Wait for one of them, or cancel one."))
    job.phase, job.acting_id, job.problem, job.finished_at = phase, by.user_id, None, None
    job.status, job.attempts, job.next_at = LeaseState.waiting, 0, clock.now()
    job.failing_since, job.last_error = None, None
    session.flush()


def _read_mapping(
    job: ImportJob, mapping: Sequence[str], by: Actor, problems: dict[str, list[Sentence]]
) -> list[str]:  # fmt: skip
    allowed = {one.key: one for one in fields.fields_for(by, job.target)}
    told = problems.setdefault("mapping", [])
    if len(mapping) != len(job.headings):
        told.append(_("Say for every column what it holds."))
    for key in dict.fromkeys(mapping):
        if key and key not in allowed:
            told.append(_("You may not change this. Ask an administrator for the right to this field."))
        elif key and not allowed[key].several and list(mapping).count(key) > 1:
            told.append(_("Only one column can be: %(name)s", name=allowed[key].label))
    labels = {one.key: one.label for one in fields.FIELDS[job.target]}
    for group in fields.NEEDED[job.target]:
        if not set(group) & set(mapping):
            names = ", ".join(str(labels[key]) for key in group)
            told.append(_("One of these columns is needed: %(names)s", names=names) if len(group) > 1
                        else _("A column is missing: %(names)s", names=names))  # fmt: skip
    if not told:
        del problems["mapping"]
    return list(mapping)


def _read_defaults(
    session: Session, wishes: Wishes, by: Actor, problems: dict[str, list[Sentence]]
) -> dict[str, Any]:  # fmt: skip
    defaults: dict[str, Any] = {}
    if wishes.owner_id is not None and wishes.owner_id != by.user_id:
        member = session.get(Member, wishes.owner_id)
        if not by.may("assign", "Customer"):
            problems["owner"] = [_("You may not hand customers to others.")]
        elif member is None or not member.is_active:
            problems["owner"] = [_("Choose somebody who works here.")]
    if wishes.team_id is not None and wishes.team_id not in by.team_ids:
        known = session.scalar(select(Team.id).where(Team.id == wishes.team_id, visible(Team, by)))
        if known is None or not by.may("assign", "Customer"):
            problems["team"] = [_("You may not hand customers to this team.")]
    try:
        defaults["source"] = chosen_code(session, SOURCES, wishes.source)
    except UnknownCodeError as unknown:
        problems["source"] = [unknown.sentence]
    try:
        defaults["tags"] = [line for name in wishes.tags if (line := rules.read_line(name, TAG_LENGTH))]
    except rules.UnreadableError as unreadable:
        problems["tags"] = [unreadable.sentence]
    defaults |= {"owner_id": wishes.owner_id, "team_id": wishes.team_id}
    return {key: value for key, value in defaults.items() if value}
