"""How does a test let every single write fail, and look whether anything was left behind?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Row, event
from sqlalchemy.engine import Engine

from app.core.db import Model, db
from tests.proof import tried


class DiskFullError(Exception):
    """What the N-th write meets."""


@contextmanager
def disk_full_at(engine: Engine, number: int) -> Iterator[list[str]]:
    """Inside, the write of that number fails (from 1; one past the last is the commit). Gives the writes so far."""
    writes: list[str] = []

    def meet(_connection, _cursor, statement, *_rest) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            writes.append(statement)
            if len(writes) == number:
                raise DiskFullError

    def commit(_connection) -> None:
        if number == len(writes) + 1:
            writes.append("COMMIT")
            raise DiskFullError

    event.listen(engine, "before_cursor_execute", meet)
    event.listen(engine, "commit", commit)
    try:
        yield writes
    finally:
        event.remove(engine, "before_cursor_execute", meet)
        event.remove(engine, "commit", commit)


#: as the driver takes it: this is asked after every single write
EVERYTHING = {
    table.name: f"SELECT * FROM {table.name} ORDER BY {', '.join(column.name for column in table.primary_key)}"
    for table in Model.metadata.sorted_tables
}


def everything() -> dict[str, list[Row[Any]]]:
    """All rows of every table."""
    with db.engine.connect() as connection:
        return {name: list(connection.exec_driver_sql(asked)) for name, asked in EVERYTHING.items()}


def all_or_nothing(session, verb: Callable[[], object]) -> tuple[int, set[str]]:
    """Let each write of the verb fail in turn until it succeeds. Returns how many there are and the tables changed."""
    session.rollback()
    before = everything()
    for number in range(1, 500):
        with disk_full_at(db.engine, number) as writes:
            try:
                verb()
            except DiskFullError:
                assert len(writes) == number
            else:
                after = everything()
                tried(f"writes that failed and left nothing, on {db.engine.dialect.name}", number - 1)
                return number - 1, {name for name in after if after[name] != before[name]}
        session.rollback()
        assert everything() == before, f"write {number} failed and left something: {writes[-1]}"
    raise AssertionError("no end of writes")
