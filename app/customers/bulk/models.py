"""Which bulk edits are there, how far is each, and what became of its customers?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Entity, Json, UtcDateTime, stored
from app.core.leases import Leased, LeaseState, lease_indexes
from app.customers.models import REASON_LENGTH
from app.security.models import Member


class BulkPhase(StrEnum):
    """draft (fields are chosen) → applying → applied → undoing → undone; failed, cancelled."""

    draft = auto()
    applying = auto()
    applied = auto()
    undoing = auto()
    undone = auto()
    failed = auto()
    cancelled = auto()


#: the worker's turn
WORKING = (BulkPhase.applying, BulkPhase.undoing)


class BulkOutcome(StrEnum):
    """What was done with a customer. left: not all of it was given back, since somebody has changed it since."""

    changed = auto()
    same = auto()
    refused = auto()
    undone = auto()
    left = auto()


class BulkEdit(Leased, Entity):
    """Fields that somebody sets for many customers. Its own progress is no change: what it did is told as an event."""

    __tablename__ = "bulk_edit"
    __audited__ = False
    __table_args__: ClassVar = (
        Index(None, "member_id", "id"),
        *lease_indexes(),
        {"extend_existing": False},
    )
    max_attempts = 3

    #: whose it is; the customers are changed in his name, with his rights of that moment
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))
    #: in whose name the worker is at it: his, or of whoever takes it back
    acting_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))
    phase: Mapped[BulkPhase] = mapped_column(stored(BulkPhase), default=BulkPhase.draft)
    #: key of a field (bulk.fields) → what is set, as plain JSON
    changes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, info={"sensitive": True})
    #: the list where the customers were chosen, to go back to; "": none
    came_from: Mapped[str] = mapped_column(Text, default="")
    #: customers that were chosen, and how many of them it is done with; of an undo: of those that were changed
    rows_all: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0)
    #: customers by BulkOutcome
    written: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    #: why it stopped, in the words of whoever reads it
    problem: Mapped[str | None] = mapped_column(String(REASON_LENGTH))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    member: Mapped[Member] = relationship(foreign_keys=[member_id])

    @property
    def state(self) -> BulkPhase:
        """The phase as people are told: work over which every worker died has failed."""
        return BulkPhase.failed if self.phase in WORKING and self.status is LeaseState.dead else self.phase

    @property
    def is_working(self) -> bool:
        return self.state in WORKING


class BulkEditRow(Entity):
    """One of the customers, and what became of him."""

    __tablename__ = "bulk_edit_row"
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("job_id", "customer_id"),
        Index(None, "job_id", "outcome", "id"),
        Index(None, "customer_id"),
        {"extend_existing": False},
    )

    job_id: Mapped[int] = mapped_column(ForeignKey("bulk_edit.id", ondelete="RESTRICT"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    #: the customer's revision when the numbers were told: whoever changes him after that is not overwritten
    rev: Mapped[int] = mapped_column()
    outcome: Mapped[BulkOutcome | None] = mapped_column(stored(BulkOutcome))
    #: sentences in the language of whoever acts
    reasons: Mapped[list[str]] = mapped_column(Json, default=list)
    #: {"columns": {column: [old, new]}, "added": [tag id], "removed": [tag id]}, for the undo
    before: Mapped[dict[str, Any] | None] = mapped_column(Json, info={"sensitive": True})
