"""Which number comes next? Codes that people read out (KH000001) are counted in rows, alike on both databases."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import String, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.db import Entity, connection_of
from app.core.prepared import Prepared, PreparedRows


class Counter(Entity):
    """The last number that was given out under a name."""

    __tablename__ = "counter"
    __audited__ = False

    name: Mapped[str] = mapped_column(String(60), unique=True)
    value: Mapped[int] = mapped_column()


# One statement, so that two writers can never read the same value: the second waits for the first one's commit.
_NEXT = Prepared(
    text(
        "INSERT INTO counter (name, value) VALUES (:name, :count) "
        "ON CONFLICT (name) DO UPDATE SET value = counter.value + :count RETURNING value"
    )
)


def next_number(session: Session, name: str) -> int:
    """The next number under this name, from 1. Never given twice; one that is rolled back is given again.

    The counter's row stays locked until the transaction ends: ask for the number late.
    """
    return next_numbers(session, name, 1)[0]


def next_numbers(session: Session, name: str, count: int) -> range:
    """So many in a row, as next_number gives one."""
    if not count:
        return range(0)
    session.flush()
    last = int(_NEXT.run(connection_of(session), [{"name": name, "count": count}]).fetchone()[0])
    return range(last - count + 1, last + 1)


_SEQUENCE = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")


def next_ids(session: Session, table: Any, count: int) -> list[int]:
    """Ids for so many new rows of a table, rising: rows that have theirs are written by one statement.

    Inside a transaction that writes, and behind the flush of what else is new in the table: on SQLite nobody else
    writes meanwhile, on PostgreSQL its sequence gives them.
    """
    if connection_of(session).dialect.name == "postgresql":
        return list(session.scalars(_SEQUENCE, {"name": table.name, "count": count}))
    last = _highest(table).one(connection_of(session), {})[0] or 0
    return list(range(last + 1, last + count + 1))


@cache
def _highest(table: Any) -> PreparedRows:
    return PreparedRows(select(func.max(table.c.id)))
