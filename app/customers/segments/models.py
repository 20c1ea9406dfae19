"""Which groups of customers did somebody name, and who belongs to those that no longer move?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Entity, Json, Revisioned, Stamped, UtcDateTime, stored
from app.security.models import Member, Team

NAME_LENGTH = 120
PURPOSE_LENGTH = 300


class SegmentKind(StrEnum):
    """dynamic: whoever fulfils the condition now; frozen: whoever did when it was frozen."""

    dynamic = auto()
    frozen = auto()


class Segment(Revisioned, Stamped, Entity):
    """A group of customers by a condition. Its owner's alone, or of a team too."""

    __tablename__ = "segment"

    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    #: what it is used for, in a line
    purpose: Mapped[str | None] = mapped_column(String(PURPOSE_LENGTH))
    #: the stored form of a condition (core.conditions)
    condition: Mapped[dict[str, Any]] = mapped_column(Json, info={"sensitive": True})
    kind: Mapped[SegmentKind] = mapped_column(stored(SegmentKind), default=SegmentKind.dynamic)
    frozen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    frozen_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    #: whose members use it too
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    owner: Mapped[Member] = relationship(foreign_keys=[owner_id])
    team: Mapped[Team | None] = relationship(foreign_keys=[team_id])
    frozen_by: Mapped[Member | None] = relationship(foreign_keys=[frozen_by_id])

    def __str__(self) -> str:
        return self.name

    @property
    def is_frozen(self) -> bool:
        return self.kind is SegmentKind.frozen


class SegmentMember(Entity):
    """This customer belonged to the segment when it was frozen."""

    __tablename__ = "segment_member"
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("segment_id", "customer_id"),
        Index("ix_segment_member_customer_id", "customer_id", "segment_id"),
        {"extend_existing": False},
    )

    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id", ondelete="RESTRICT"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
