"""How do a million rows reach the database in seconds? COPY on PostgreSQL, executemany on SQLite, past the mapper."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table, text

Row = Sequence[Any]


class Bulk:
    """Writes rows of Python values as the columns' own types would store them. Keys, checks and triggers all count."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.dialect = connection.dialect
        self._raw: Any = connection.connection.driver_connection

    def write(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
        stored = self._as_stored(table, columns, rows)
        names = ", ".join(f'"{column}"' for column in columns)
        if self.dialect.name == "postgresql":
            with self._raw.cursor().copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
                for row in stored:
                    copy.write_row(row)
            return
        marks = ", ".join("?" * len(columns))
        self._raw.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", stored)

    def _as_stored(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[list[Any]]:
        kinds = [table.c[column].type.dialect_impl(self.dialect) for column in columns]
        processors = [kind.bind_processor(self.dialect) for kind in kinds]
        changed: list[tuple[int, Callable[[Any], Any]]] = [
            (place, processor) for place, processor in enumerate(processors) if processor is not None
        ]
        for row in rows:
            values = list(row)
            for place, processor in changed:
                values[place] = processor(values[place])
            yield values

    def continue_numbers(self, *tables: Table) -> None:
        """Ids were given by us: PostgreSQL's sequences go on behind the largest. SQLite does so by itself."""
        if self.dialect.name == "postgresql":
            for table in tables:
                self.connection.execute(
                    text(
                        f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "
                        f"(SELECT greatest(max(id), 1) FROM {table.name}))"
                    )
                )

    def count_on(self, name: str, by: int) -> None:
        """The next code that the services give follows ours."""
        self.connection.execute(
            text(
                "INSERT INTO counter (name, value) VALUES (:name, :by) "
                "ON CONFLICT (name) DO UPDATE SET value = counter.value + :by"
            ),
            {"name": name, "by": by},
        )


@contextmanager
def fast(connection: Connection) -> Iterator[Bulk]:
    """A transaction of plenty. A machine that stops in between leaves nothing of use behind, and nobody minds."""
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.driver_connection
        for pragma in ("synchronous=OFF", "cache_size=-400000"):
            raw.execute(f"PRAGMA {pragma}")
    with connection.begin():
        yield Bulk(connection)
    connection.invalidate()  # its pragmas are not for others


def tidy(engine: Engine, table: str = "") -> None:
    """What PostgreSQL does by itself some time after so many rows came, and the product every night on SQLite: the
    planner knows what there is."""
    with engine.connect() as connection:
        words = "VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE"
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(f"{words} {table}"))
        connection.commit()  # the product's own BEGIN stands before every statement on SQLite
