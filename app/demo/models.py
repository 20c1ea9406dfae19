"""Who has the demo company removed, how far is it, and what stayed?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import ClassVar

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Entity, Json, UtcDateTime, stored
from app.core.leases import Leased, LeaseState, lease_indexes


class RemovalPhase(StrEnum):
    """removing → removed; failed: what went is gone, and it can be asked for again."""

    removing = auto()
    removed = auto()
    failed = auto()


class DemoRemoval(Leased, Entity):
    """The demo company goes, a few records a transaction. What is left of it is found anew each time."""

    __tablename__ = "demo_removal"
    __audited__ = False
    __table_args__: ClassVar = (*lease_indexes(), {"extend_existing": False})
    max_attempts = 5

    #: who asked for it; his rights of the moment hold
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    phase: Mapped[RemovalPhase] = mapped_column(stored(RemovalPhase), default=RemovalPhase.removing)
    #: what people have tried on records of the demo goes with them
    with_tried: Mapped[bool] = mapped_column()
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: how many records there were to go when it was asked for, and how many are dealt with
    records_all: Mapped[int] = mapped_column()
    records_done: Mapped[int] = mapped_column(default=0)
    #: table → rows that went
    gone: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    #: {table: {id: {table of what keeps it: how many rows}}}
    kept: Mapped[dict[str, dict[str, dict[str, int]]]] = mapped_column(Json, default=dict)
    #: why it stopped, in the words of whoever asked
    problem: Mapped[str | None] = mapped_column(String(500))

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_working(self) -> bool:
        return self.phase is RemovalPhase.removing and self.status is not LeaseState.dead

    @property
    def percent(self) -> int:
        return min(100, 100 * self.records_done // self.records_all) if self.records_all else 0
