"""When were care tasks made, by whom, and were they taken back?"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Entity, Stamped, UtcDateTime
from app.security.models import Member


class CareRound(Stamped, Entity):
    """Care tasks that were made together; its tasks belong to it (task.owner_type "care")."""

    __tablename__ = "care_round"

    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    #: how many tasks it made
    tasks: Mapped[int] = mapped_column(default=0)
    taken_back_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    made_by: Mapped[Member | None] = relationship(foreign_keys=[made_by_id])

    def __str__(self) -> str:
        return str(self.id)
