"""What does a statement cost that runs thousands of times? Little more than the database's part of it.

It is put into the words of the driver once, and what makes a value of ours one of the driver's is looked up once too.
A statement of SQLAlchemy does both at each run: three quarters of what a short one costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Table, column, insert, table
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from app.core.db import connection_of

Processor = Callable[[Any], Any]


@dataclass(frozen=True)
class _Words:
    """The statement as one driver takes it: its values by place or by name."""

    text: str
    values: Sequence[tuple[str, Processor | None]]
    by_place: bool

    def of(self, row: Mapping[str, Any]) -> Any:
        given = [(name, row[name] if ours is None else ours(row[name])) for name, ours in self.values]
        return tuple([value for _name, value in given]) if self.by_place else dict(given)


class Prepared:
    """An INSERT, UPDATE or DELETE whose values are all bound by name."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._words: dict[str, _Words] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Once for each of the rows, of which each brings every value. The driver's result, of one row its `rowcount`
        and what it returns."""
        words = self._words.get(connection.dialect.name)
        if words is None:
            words = self._words[connection.dialect.name] = _words(self._statement, connection.dialect)
        given: Any = [words.of(row) for row in rows]
        return connection.exec_driver_sql(words.text, given[0] if len(given) == 1 else given)

    def __call__(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each of the rows, if there are any."""
        if rows:
            self.run(connection_of(session), rows)


def inserting(into: Table, columns: Sequence[str]) -> Insert:
    """New rows of a table with these columns and no others: no default of the model steps in."""
    plain = table(into.name, *(column(name, into.c[name].type) for name in columns))
    return insert(plain)


def _words(statement: Any, dialect: Dialect) -> _Words:
    compiled: SQLCompiler = statement.compile(dialect=dialect)
    names = compiled.positiontup if compiled.positional else list(compiled.binds)
    values = [(name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names or ()]
    return _Words(str(compiled), values, bool(compiled.positional))
