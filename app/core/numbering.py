"""Which number comes next? Codes that people read out (KH000001) are counted in rows, alike on both databases."""

from __future__ import annotations

from sqlalchemy import String, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.db import Entity


class Counter(Entity):
    """The last number that was given out under a name."""

    __tablename__ = "counter"
    __audited__ = False

    name: Mapped[str] = mapped_column(String(60), unique=True)
    value: Mapped[int] = mapped_column()


# One statement, so that two writers can never read the same value: the second waits for the first one's commit.
_NEXT = text(
    "INSERT INTO counter (name, value) VALUES (:name, 1) "
    "ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value"
)


def next_number(session: Session, name: str) -> int:
    """The next number under this name, from 1. Never given twice; one that is rolled back is given again.

    The counter's row stays locked until the transaction ends: ask for the number late.
    """
    return int(session.execute(_NEXT, {"name": name}).scalar_one())
