"""By which rules are customers put into tiers and groups, when was that done, and whom did it move?"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalogues.models import CODE_LENGTH
from app.core.db import Entity, Json, Stamped, UtcDateTime, stored
from app.core.leases import Leased, lease_indexes
from app.customers.models import Customer


class ClassKind(StrEnum):
    """What a customer is put into: columns of his row."""

    tier = auto()
    behaviour = auto()


class ClassRule(Stamped, Entity):
    """Who belongs to a class: whoever fulfils all that it asks. Of the rules of a kind the first that fits counts."""

    __tablename__ = "class_rule"
    __table_args__: ClassVar = (UniqueConstraint("kind", "code"), {"extend_existing": False})

    kind: Mapped[ClassKind] = mapped_column(stored(ClassKind))
    #: the class: a code of the catalogue of tiers or of behaviour groups
    code: Mapped[str] = mapped_column(String(CODE_LENGTH))
    position: Mapped[int] = mapped_column()
    #: recency: the last purchase lies at most, or more than, so many days back
    bought_within: Mapped[int | None] = mapped_column()
    bought_before: Mapped[int | None] = mapped_column()
    #: frequency and amount (whole VND), over the last `over_days`; without these over all purchases
    times: Mapped[int | None] = mapped_column()
    amount: Mapped[int | None] = mapped_column(BigInteger)
    over_days: Mapped[int | None] = mapped_column()
    #: between the last two purchases lie at least so many days
    pause: Mapped[int | None] = mapped_column()
    #: both sides spoke within so many days
    heard_within: Mapped[int | None] = mapped_column()

    def __str__(self) -> str:
        return self.code


class ClassRun(Leased, Entity):
    """One round through all customers: tonight's, or one that somebody asked for."""

    __tablename__ = "class_run"
    __audited__ = False
    __table_args__: ClassVar = (*lease_indexes(), {"extend_existing": False})

    #: the night that it belongs to; None: asked for by hand
    night: Mapped[date | None] = mapped_column(Date, unique=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    #: the last customer who was looked at: where it goes on after a break
    reached: Mapped[int] = mapped_column(default=0)
    examined: Mapped[int] = mapped_column(default=0)
    moved: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: customers who could not be judged or moved, and were passed by
    failed: Mapped[int] = mapped_column(default=0, server_default="0", sort_order=1)


class ClassMove(Entity):
    """A customer went from one class to another, and why. A log: never changed."""

    __tablename__ = "class_move"
    __audited__ = False
    __table_args__: ClassVar = (
        Index("ix_class_move_customer", "customer_id", "id"),
        {"extend_existing": False},
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    run_id: Mapped[int] = mapped_column(ForeignKey("class_run.id", ondelete="RESTRICT"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[ClassKind] = mapped_column(stored(ClassKind))
    before: Mapped[str | None] = mapped_column(String(CODE_LENGTH))
    #: empty: none, since no rule fits any more
    after: Mapped[str] = mapped_column(String(CODE_LENGTH))
    #: what was found: {"times", "amount", "bought_days", "pause", "heard_days"}, those that the rule asks
    reason: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, info={"sensitive": True})

    customer: Mapped[Customer] = relationship()
