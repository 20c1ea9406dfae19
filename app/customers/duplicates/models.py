"""Which pairs of customers may be one, what was said of them, which were made one, and when were they looked for?"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Entity, Json, UtcDateTime, stored
from app.customers.models import REASON_LENGTH, Customer
from app.security.models import Member

#: so long a merge can be taken back
UNDO_WITHIN = timedelta(days=30)


class PairState(StrEnum):
    open = auto()
    #: somebody said so; the worker never asks again
    not_duplicate = auto()
    merged = auto()


class DuplicatePair(Entity):
    """Two customers who may be one: found by the worker, or saved although they have a number in common."""

    __tablename__ = "duplicate_pair"
    __table_args__: ClassVar = (
        UniqueConstraint("first_id", "second_id", name="uq_duplicate_pair_once"),
        CheckConstraint("first_id < second_id", name="in_order"),
        Index("ix_duplicate_pair_state", "state", "score", "id"),
        Index("ix_duplicate_pair_second_id", "second_id"),
        {"extend_existing": False},
    )

    first_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    second_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    #: how sure it is, from 0 to 1,000
    score: Mapped[int] = mapped_column()
    #: what agrees: codes of matching.Reason, and of those of hard.HardField in front of which stands "hard_"
    reasons: Mapped[list[str]] = mapped_column(Json, default=list)
    state: Mapped[PairState] = mapped_column(stored(PairState), default=PairState.open)
    #: why the second one was saved as well
    note: Mapped[str | None] = mapped_column(String(REASON_LENGTH), info={"sensitive": True})
    found_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    #: None while it is open
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    first: Mapped[Customer] = relationship(foreign_keys=[first_id])
    second: Mapped[Customer] = relationship(foreign_keys=[second_id])
    decided_by: Mapped[Member | None] = relationship(foreign_keys=[decided_by_id])

    def __str__(self) -> str:
        return f"{self.first.code} · {self.second.code}"


class CustomerMerge(Entity):
    """One customer became part of another. Holds all it takes to part them again."""

    __tablename__ = "customer_merge"
    __table_args__: ClassVar = (
        Index("uq_customer_merge_live", "merged_id", unique=True,
              sqlite_where=text("undone_at IS NULL"), postgresql_where=text("undone_at IS NULL")),
        Index("ix_customer_merge_kept", "kept_id", "id"),
        Index("ix_customer_merge_at", "at", "id"),
        {"extend_existing": False},
    )  # fmt: skip

    kept_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    merged_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    #: {"kept": {column: value}, "merged": {column: value}}: as they were
    before: Mapped[dict[str, Any]] = mapped_column(Json, info={"sensitive": True})
    #: {column: value} of the kept one: what the merge wrote there
    after: Mapped[dict[str, Any]] = mapped_column(Json, info={"sensitive": True})
    #: {"table.column": [ids]}: what was handed over, and what else was changed by it
    moved: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    #: None: the system itself
    by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)

    kept: Mapped[Customer] = relationship(foreign_keys=[kept_id])
    merged: Mapped[Customer] = relationship(foreign_keys=[merged_id])
    by: Mapped[Member | None] = relationship(foreign_keys=[by_id])

    def __str__(self) -> str:
        return f"{self.merged.code} → {self.kept.code}"


class RunKind(StrEnum):
    #: those who are new or were changed, with everybody
    changed = auto()
    #: everybody with everybody
    full = auto()


class DuplicateRun(Entity):
    """The worker looked for customers who are in here twice; one without an end was broken off, and is done again."""

    __tablename__ = "duplicate_run"
    __audited__ = False
    __table_args__: ClassVar = (Index("ix_duplicate_run_started", "started_at", "id"), {"extend_existing": False})

    kind: Mapped[RunKind] = mapped_column(stored(RunKind))
    #: also what it looked at: all that was changed until then
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: customers who were compared with all others
    compared: Mapped[int] = mapped_column(default=0)
    #: pairs that were not known
    found: Mapped[int] = mapped_column(default=0)
    #: pairs that are open no more since they are no longer alike
    gone: Mapped[int] = mapped_column(default=0)
