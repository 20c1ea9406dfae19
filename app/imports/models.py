"""Which files are brought in, how far is each, and what became of its rows?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Entity, Json, UtcDateTime, stored
from app.core.files import LONGEST_NAME
from app.core.leases import Leased, LeaseState, lease_indexes
from app.security.models import Member

REASON_LENGTH = 500
LABEL_LENGTH = 200


class ImportTarget(StrEnum):
    """What the rows of a file are."""

    customers = auto()
    purchases = auto()
    interactions = auto()


class ImportPhase(StrEnum):
    """draft (columns are matched) → checking → checked → applying → applied → undoing → undone; failed, cancelled."""

    draft = auto()
    checking = auto()
    checked = auto()
    applying = auto()
    applied = auto()
    undoing = auto()
    undone = auto()
    failed = auto()
    cancelled = auto()


#: the worker's turn
WORKING = (ImportPhase.checking, ImportPhase.applying, ImportPhase.undoing)


class OnUpdate(StrEnum):
    """What a row may change of the record that it is about."""

    fill = auto()
    overwrite = auto()


class OnDuplicate(StrEnum):
    """What becomes of a row that looks like somebody who is here already."""

    skip = auto()
    update = auto()
    make = auto()


class Finding(StrEnum):
    """What a row is found to be."""

    new = auto()
    update = auto()
    unchanged = auto()
    duplicate = auto()
    error = auto()


class Outcome(StrEnum):
    """What was done with a row. left: not taken back, or not whole: somebody has changed the record
    since, or has what stood there by now. The reasons of the row tell."""

    made = auto()
    changed = auto()
    skipped = auto()
    undone = auto()
    left = auto()


class ImportJob(Leased, Entity):
    """A file that somebody brings in. Its own progress is no change: what it did is told as an event."""

    __tablename__ = "import_job"
    __audited__ = False
    __table_args__: ClassVar = (
        Index(None, "member_id", "id"),
        Index(None, "header_key", "id"),
        Index(None, "sha256"),
        *lease_indexes(),
        {"extend_existing": False},
    )
    max_attempts = 3

    #: whose file it is; the rows are written in his name, with his rights of that moment
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))
    #: in whose name the worker is at it: his, or of whoever takes it back
    acting_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))
    target: Mapped[ImportTarget] = mapped_column(stored(ImportTarget))
    phase: Mapped[ImportPhase] = mapped_column(stored(ImportPhase), default=ImportPhase.draft)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    file_name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    sha256: Mapped[str] = mapped_column(String(64))
    #: the names of the columns as they stand in the file, and what tells files of the same columns
    headings: Mapped[list[str]] = mapped_column(Json)
    header_key: Mapped[str] = mapped_column(String(64))
    #: a few cells of each column, for whoever matches them
    samples: Mapped[list[list[str]]] = mapped_column(Json, info={"sensitive": True})
    #: for every column the key of a field, "" for one that is left out
    mapping: Mapped[list[str]] = mapped_column(Json)
    on_update: Mapped[OnUpdate] = mapped_column(stored(OnUpdate), default=OnUpdate.fill)
    on_duplicate: Mapped[OnDuplicate] = mapped_column(stored(OnDuplicate), default=OnDuplicate.skip)
    #: why rows are made although they look like somebody who is here
    reason: Mapped[str | None] = mapped_column(String(REASON_LENGTH))
    #: for all rows: {"owner_id", "team_id", "source", "tags"}
    defaults: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    #: up to which row of the file (of an undo: how many rows) it is done
    rows_done: Mapped[int] = mapped_column(default=0)
    #: filled rows below the heading; 0 before the file was looked through
    rows_all: Mapped[int] = mapped_column(default=0)
    #: rows by Finding, of the last look through the file; and by Outcome, of what was written
    found: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    written: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    #: why it stopped, in the words of whoever reads it
    problem: Mapped[str | None] = mapped_column(String(REASON_LENGTH))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    member: Mapped[Member] = relationship(foreign_keys=[member_id])

    def __str__(self) -> str:
        return self.file_name

    @property
    def state(self) -> ImportPhase:
        """The phase as people are told: work over which every worker died has failed."""
        return ImportPhase.failed if self.phase in WORKING and self.status is LeaseState.dead else self.phase

    @property
    def is_working(self) -> bool:
        return self.state in WORKING

    @property
    def progress(self) -> tuple[int, int]:
        """(rows gone through, all of them); 0: it is not known yet how many there are."""
        if self.phase is ImportPhase.undoing:
            return self.rows_done, sum(self.written.get(one, 0) for one in (Outcome.made, Outcome.changed))
        return sum(self.found.values()), self.rows_all

    @property
    def percent(self) -> int | None:
        """None: it is not known yet how many rows there are."""
        done, of = self.progress
        return min(100, 100 * done // of) if of else None


class ImportRow(Entity):
    """What became of one row of the file. While the file is only looked through, of the telling ones."""

    __tablename__ = "import_row"
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("job_id", "number"),
        Index(None, "job_id", "finding", "number"),
        Index(None, "record_id", "job_id"),
        {"extend_existing": False},
    )

    job_id: Mapped[int] = mapped_column(ForeignKey("import_job.id", ondelete="RESTRICT"))
    #: its number in the file, as a spreadsheet counts
    number: Mapped[int] = mapped_column()
    finding: Mapped[Finding] = mapped_column(stored(Finding))
    outcome: Mapped[Outcome | None] = mapped_column(stored(Outcome))
    #: of the table that the target is written to
    record_id: Mapped[int | None] = mapped_column()
    #: what people know the row by
    label: Mapped[str] = mapped_column(String(LABEL_LENGTH), default="", info={"sensitive": True})
    #: sentences in the importer's language
    reasons: Mapped[list[str]] = mapped_column(Json, default=list)
    #: what was there before, for the undo; kept as long as that can be asked for
    before: Mapped[dict[str, Any] | None] = mapped_column(Json, info={"sensitive": True})


class ImportKey(Entity):
    """A number, address or tax code that a row of the file has which is being written: the rows after it, and whoever
    goes on after a death, look up those that they need. They go when the file is done."""

    __tablename__ = "import_key"
    __audited__ = False
    __table_args__: ClassVar = (UniqueConstraint("job_id", "digest"), {"extend_existing": False})

    job_id: Mapped[int] = mapped_column(ForeignKey("import_job.id", ondelete="RESTRICT"))
    #: 64 bits of the key's hash: what it is cannot be read from it
    digest: Mapped[int] = mapped_column(BigInteger)
    #: the first row that has it
    number: Mapped[int] = mapped_column()
    #: the customer whom that row is about, where he did not have it himself
    record_id: Mapped[int | None] = mapped_column()
