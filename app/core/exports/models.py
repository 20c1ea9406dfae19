"""Which files were asked for, by whom, and how far is each?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.access import Actor, private, row_rule
from app.core.db import Entity, Json, UtcDateTime, stored
from app.core.exports.sources import Format, Wanted
from app.core.leases import Leased, LeaseState, lease_indexes


class ExportState(StrEnum):
    waiting = auto()
    running = auto()
    done = auto()
    failed = auto()
    cancelled = auto()


class Export(Leased, Entity):
    """A file that somebody asked for and the worker writes."""

    __tablename__ = "export"
    __audited__ = False  # its progress says nothing; what was taken away is told as an event
    __table_args__: ClassVar = (
        Index(None, "member_id", "id"),
        Index(None, "expires_at"),
        *lease_indexes(),
        {"extend_existing": False},
    )
    max_attempts = 3

    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    list_key: Mapped[str] = mapped_column(String(80))
    format: Mapped[Format] = mapped_column(stored(Format))
    #: the rest of Wanted
    wanted: Mapped[dict[str, Any]] = mapped_column(Json)
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_all: Mapped[int] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: what it is called when it is fetched; and its random name in the folder, once it is whole
    name: Mapped[str | None] = mapped_column(String(200))
    path: Mapped[str | None] = mapped_column(String(40), unique=True)
    #: in bytes
    size: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def state(self) -> ExportState:
        if self.cancelled_at is not None:
            return ExportState.cancelled
        return _STATES[self.status]

    @property
    def is_open(self) -> bool:
        """It waits or is being written."""
        return self.state in (ExportState.waiting, ExportState.running)

    @property
    def percent(self) -> int:
        return min(100, 100 * self.rows_done // max(self.rows_all, 1))

    def asked(self) -> Wanted:
        told = self.wanted
        return Wanted(
            self.list_key,
            self.format,
            tuple((name, value) for name, value in told["arguments"]),
            tuple(told["ids"]),
            told["all_columns"],
        )


_STATES = {
    LeaseState.waiting: ExportState.waiting,
    LeaseState.leased: ExportState.running,
    LeaseState.done: ExportState.done,
    LeaseState.dead: ExportState.failed,
    LeaseState.held: ExportState.failed,
}


@row_rule(Export)
def exports_of(actor: Actor, _action: str) -> ColumnElement[bool]:
    """What somebody took away is his own, whatever the role of who asks; the audit tells of it."""
    return private(actor, Export.member_id)


def mine(who: Actor) -> Select[Export]:
    """Newest first."""
    return select(Export).where(exports_of(who, "view")).order_by(Export.id.desc())


def is_unfinished() -> ColumnElement[bool]:
    """It waits or is being written."""
    return Export.status.in_([LeaseState.waiting, LeaseState.leased])
