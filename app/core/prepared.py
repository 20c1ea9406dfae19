"""What does a statement cost that runs thousands of times? Little more than the database's part of it.

It is put into the words of the driver once, and what makes a value of ours one of the driver's, and back, is looked up
once too. A statement of SQLAlchemy does both at each run: three quarters of what a short one costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select, Table, column, insert, table
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from app.core.db import connection_of, send

Processor = Callable[[Any], Any]


@dataclass(frozen=True)
class _Words:
    """The statement as one driver takes it: its values by place or by name."""

    text: str
    names: Sequence[str]
    #: the values of these names out of a row
    pick: Callable[[Mapping[str, Any]], Sequence[Any]]
    #: those that the driver does not take as they are: place → what makes a value of ours one of the driver's
    values: Sequence[tuple[int, Processor]]
    #: what the statement brings along itself, and how it is found out at each run
    own: Sequence[tuple[str, Callable[[], Any]]]
    by_place: bool
    #: the columns that are not as the driver gives them: place → what makes them ours
    results: Sequence[tuple[int, Processor]]

    def of(self, row: Mapping[str, Any]) -> Any:
        if self.own:
            row = {**{name: value() for name, value in self.own}, **row}
        values = list(self.pick(row))
        for place, to_driver in self.values:
            values[place] = to_driver(values[place])
        return values if self.by_place else dict(zip(self.names, values, strict=True))

    def ours(self, row: Sequence[Any]) -> Sequence[Any]:
        if not self.results:
            return row
        values = list(row)
        for place, ours in self.results:
            values[place] = ours(values[place])
        return values


class Prepared:
    """A statement whose values are bound by name, without any list that grows. Whoever listens to the connection hears
    of it, and what the database refuses is the same error, as if SQLAlchemy had run it."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._words: dict[str, _Words] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Once for each of the rows, of which each brings every value. The driver's cursor, of one row its `rowcount`
        and what it returns."""
        words = self._words_of(connection)
        if len(rows) == 1:
            return send(connection, words.text, words.of(rows[0]), is_many=False)
        return send(connection, words.text, [words.of(row) for row in rows], is_many=True)

    def __call__(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each of the rows, if there are any."""
        if rows:
            self.run(connection_of(session), rows).close()

    def read(self, connection: Connection, values: Mapping[str, Any]) -> list[Sequence[Any]]:
        """All rows of a SELECT, the columns in its order."""
        words = self._words_of(connection)
        cursor = send(connection, words.text, words.of(values), is_many=False)
        found = [words.ours(row) for row in cursor.fetchall()]
        cursor.close()
        return found

    def _words_of(self, connection: Connection) -> _Words:
        words = self._words.get(connection.dialect.name)
        if words is None:
            words = self._words[connection.dialect.name] = _words(self._statement, connection.dialect)
        return words


class PreparedRows(Prepared):
    """A SELECT of columns, each under its name."""

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        super().__init__(statement)
        self.names = tuple(str(one.key) for one in statement.selected_columns)

    def one(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """The row that there must be. Raises sqlalchemy.exc.NoResultFound."""
        found = self.read(connection, values)
        if not found:
            raise NoResultFound
        return found[0]


def inserting(into: Table, columns: Sequence[str]) -> Insert:
    """New rows of a table with these columns and no others: no default of the model steps in."""
    plain = table(into.name, *(column(name, into.c[name].type) for name in columns))
    return insert(plain)


def _words(statement: Any, dialect: Dialect) -> _Words:
    compiled: SQLCompiler = statement.compile(dialect=dialect)
    binds = compiled.binds
    state = compiled.construct_expanded_state({name: None for name, bind in binds.items() if bind.required})
    names = (state.positiontup if compiled.positional else list(state.parameters)) or []
    to_driver: dict[str, Any] = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in binds.items()
    } | dict(state.processors)
    own = {name: _always(value) for name, value in state.parameters.items() if name not in binds}
    own |= {name: bind.callable or _always(bind.value) for name, bind in binds.items() if not bind.required}
    results = [
        (place, ours) for place, one in enumerate(statement.selected_columns)
        if (ours := one.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
    ] if isinstance(statement, Select) else []  # fmt: skip
    return _Words(
        text=state.statement, names=names, pick=_picker(names),
        values=[(place, to_driver[name]) for place, name in enumerate(names) if to_driver.get(name) is not None],
        own=list(own.items()), by_place=bool(compiled.positional), results=results,
    )  # fmt: skip


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    if len(names) > 1:
        return itemgetter(*names)  # all of them at once
    return lambda row: [row[name] for name in names]


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value
