"""What did somebody of the company promise a customer, by when, and was it kept?"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum, auto
from typing import ClassVar

from sqlalchemy import Date, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Entity, Stamped, UtcDateTime, stored
from app.customers.models import Customer
from app.customers.profile_models import Interaction
from app.security.models import Member

PROMISE_LENGTH = 300
_OPEN = text("state = 'open'")


class PromiseState(StrEnum):
    open = auto()
    kept = auto()
    broken = auto()


class Promise(Stamped, Entity):
    """“I will call you back by Friday”: told to a customer, so it is more than an inner deadline."""

    __tablename__ = "promise"
    __table_args__: ClassVar = (
        Index("ix_promise_customer", "customer_id", "due_on", "id"),
        Index("ix_promise_open", "due_on", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        {"extend_existing": False},
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    #: what was promised, in the words of whoever promised
    text: Mapped[str] = mapped_column(String(PROMISE_LENGTH), info={"sensitive": True})
    #: the last day on which it counts as kept
    due_on: Mapped[date] = mapped_column(Date)
    #: who promised; None: the system
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    state: Mapped[PromiseState] = mapped_column(stored(PromiseState), default=PromiseState.open)
    #: when it was said to be kept or broken
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: the call or visit in which it was given
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interaction.id", ondelete="RESTRICT"), index=True)
    #: written by mistake: it counts no more
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)

    customer: Mapped[Customer] = relationship()
    owner: Mapped[Member | None] = relationship(foreign_keys=[owner_id])
    interaction: Mapped[Interaction | None] = relationship(foreign_keys=[interaction_id])

    def __str__(self) -> str:
        return self.customer.name
