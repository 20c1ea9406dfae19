"""How do storage, jobs, mails, the audit log and the set-up stand? A few queries, each of them bounded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from app.administration.rules import JobState, error_in_words, often_text
from app.core import chain
from app.core.audit import AuditSeal
from app.core.health import pulse_status
from app.core.leases import LeaseState
from app.core.models import JobHeartbeat
from app.core.worker import PULSE, Job
from app.customers.models import Customer
from app.deadlines.models import COMPANY, Calendar
from app.notifications.models import Outbox
from app.processes.models import Process, ProcessVersion, VersionState
from app.security.models import Member, MemberInvitation, Team

#: counting stops here
MOST = 1_000
#: so many files of a folder are looked at
MOST_FILES = 10_000

_jobs: list[Job] = []


def register_jobs(jobs: Iterable[Job]) -> None:
    """Called by create_app: what the worker runs, in the order in which people see it."""
    _jobs[:] = jobs


@dataclass(frozen=True)
class Facts:
    """What one query tells of mails, the log and the set-up; counts stop at MOST + 1."""

    waiting: int
    dead: int
    oldest_waiting_at: datetime | None
    sealed_at: datetime | None
    unsealed: int
    overdue: int
    has_team: bool
    has_colleague: bool
    has_hours: bool
    has_process: bool
    has_customer: bool


def facts(session: Session, *, at: datetime) -> Facts:
    waiting = select(Outbox.id).where(Outbox.status == LeaseState.waiting)
    due = select(func.min(Outbox.created_at)).where(Outbox.status == LeaseState.waiting, Outbox.next_at <= at)
    published = (
        select(ProcessVersion.id)
        .join(Process, Process.id == ProcessVersion.process_id)
        .where(ProcessVersion.state == VersionState.published, Process.archived_at.is_(None))
    )
    people = select(Member.id).where(Member.deactivated_at.is_(None))
    invited = select(MemberInvitation.id)
    row = session.execute(
        select(
            _up_to(waiting),
            _up_to(select(Outbox.id).where(Outbox.status == LeaseState.dead)),
            due.scalar_subquery(),
            select(AuditSeal.at).order_by(AuditSeal.last_id.desc()).limit(1).scalar_subquery(),
            _up_to(chain.unsealed()),
            _up_to(chain.overdue()),
            exists().where(Team.archived_at.is_(None)),
            (select(func.count()).select_from(people.limit(2).subquery()).scalar_subquery() > 1) | exists(invited),
            # the week that everybody begins with counts once somebody of the company has looked at it and saved it
            exists().where(Calendar.code == COMPANY, Calendar.updated_by_id.is_not(None)),
            exists(published),
            exists().where(Customer.archived_at.is_(None)),
        )
    ).one()
    return Facts(row[0], row[1], row[2], row[3], row[4], row[5], *(bool(one) for one in row[6:]))


def _up_to(rows: Select[Any]) -> Any:
    """How many, counted no further than one above MOST."""
    return select(func.count()).select_from(rows.limit(MOST + 1).subquery()).scalar_subquery()


@dataclass(frozen=True)
class Scheduler:
    """The worker's last sign of life, and how each job is."""

    #: ok, never, stale or future (core.health)
    status: str
    pulse_at: datetime | None
    jobs: list[JobState]
    errors: dict[str, str]


def scheduler(session: Session, *, at: datetime) -> Scheduler:
    rows = {row.name: row for row in session.scalars(select(JobHeartbeat))}
    pulse_at = rows[PULSE].last_ok_at if PULSE in rows else None
    status = pulse_status(pulse_at, at)
    return Scheduler(
        status,
        pulse_at,
        jobs=[_job(job, rows.get(job.name), at, runs=status == "ok") for job in _jobs],
        errors={name: row.last_error for name, row in rows.items() if row.last_error},
    )


def _job(job: Job, row: JobHeartbeat | None, at: datetime, *, runs: bool) -> JobState:
    """`runs`: does the worker live? Else nothing is next."""
    every = job.every if isinstance(job.every, timedelta) else timedelta(days=1)
    error = row.last_error if row is not None else ""
    started = row.last_started_at if row is not None else None
    return JobState(
        label=job.label or job.name,
        often=often_text(every),
        last_ok_at=row.last_ok_at if row is not None else None,
        next_at=max(started + every, at) if started is not None and runs else None,
        trouble=error_in_words(error) if error else None,
        technical=error,
    )


# ── storage ──
@dataclass(frozen=True)
class Size:
    """So many bytes; `at_least` where counting stopped."""

    bytes: int
    at_least: bool = False


def database_size(session: Session, file: Path | None) -> Size:
    """The file with what is beside it, or what PostgreSQL says of its database."""
    if file is None:
        return Size(session.scalar(select(func.pg_database_size(func.current_database()))) or 0)
    beside = (file.with_name(file.name + ending) for ending in ("", "-wal", "-shm"))
    return Size(sum(one.stat().st_size for one in beside if one.exists()))


def folder_size(folder: Path) -> Size:
    """The files that lie in a folder, not further down; a folder that is not there holds nothing."""
    total = seen = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if seen == MOST_FILES:
                    return Size(total, at_least=True)
                seen += 1
                try:
                    total += entry.stat(follow_symlinks=False).st_size if entry.is_file(follow_symlinks=False) else 0
                except FileNotFoundError:  # gone since the folder was read
                    continue
    except FileNotFoundError:
        pass
    return Size(total)


def free_disk(folder: Path) -> tuple[int, int]:
    """Bytes that are free, and all there are, on the disk of that folder."""
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total
