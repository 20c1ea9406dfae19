"""How do rows reach the database? One session, one transaction rule, one base for every table of ours."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from flask_appbuilder import Model
from flask_appbuilder.models.sqla.base import SQLA
from sqlalchemy import JSON, DateTime, Enum, ForeignKey, Integer, String, event, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator

from app.core import clock
from app.core.errors import BadRequestError, NotFoundError

if TYPE_CHECKING:
    from app.core.access import Actor

# Every constraint has a name, so that a migration can speak of it on both databases.
Model.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# FAB's ab_* tables and ours share one metadata; foreign keys cross freely.
db = SQLA(metadata=Model.metadata)

# Integer keys end here on PostgreSQL: a larger id is simply not there.
LARGEST_ID = 2**31 - 1

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def sorted_text(length: int) -> Any:
    """A text whose order is that of its bytes on both databases: sort keys of core.vietnamese need no locale."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def stored(kind: type[StrEnum], length: int = 20) -> Enum:
    """A StrEnum column: its lower-case name is what is stored, and the database knows the possible ones."""
    return Enum(kind, native_enum=False, length=length, name=f"{kind.__name__.lower()}_known", create_constraint=True)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, UTC in the database. Naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: moments are aware UTC")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    # SQLite keeps a text: written and read at once, without a moment of no zone in between, a third of the price.
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return _to_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


@lru_cache(maxsize=1024)  # what one transaction writes has few moments, and each of them in many columns
def _to_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: moments are aware UTC")
        value = value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")[:26]


@lru_cache(maxsize=1024)
def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


class Entity(Model):
    """The base of every table of ours. Two classes with one table name are an error, not a silent merge."""

    __abstract__ = True
    __table_args__: ClassVar[Any] = {"extend_existing": False}
    #: False for technical tables whose rows are themselves a log.
    __audited__: ClassVar[bool] = True

    id: Mapped[int] = mapped_column(primary_key=True)


class Revisioned:
    """An editable row: `rev` grows with every change, and a change made on an older one is refused (409)."""

    rev: Mapped[int] = mapped_column(Integer, default=1, nullable=False)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.__table__.c.rev}  # type: ignore[attr-defined]


class Stamped:
    """Who made the row and when, who changed it last and when; set at flush from the transaction's actor."""

    #: are rows looked for by who made them?
    __found_by_maker__: ClassVar[bool] = True

    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now, nullable=False)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now, onupdate=clock.now, nullable=False)

    @declared_attr
    @classmethod
    def created_by_id(cls) -> Mapped[int | None]:
        return mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=cls.__found_by_maker__)

    @declared_attr
    @classmethod
    def updated_by_id(cls) -> Mapped[int | None]:
        return mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))


class ForeignCommitError(RuntimeError):
    """Something below the edge committed or rolled back inside transaction(): half of a change would have been kept."""


@contextmanager
def transaction(actor: Actor | None = None) -> Iterator[Session]:
    """All that happens inside is kept together or not at all, in the name of `actor` (None: the system itself).

    Ends the read that went before and takes the write lock (SQLite: BEGIN IMMEDIATE; PostgreSQL: READ COMMITTED, rows
    are locked where they are loaded). Objects loaded earlier are expired: load inside what you decide on.
    Raises RuntimeError when nested and ForeignCommitError when anybody else commits or rolls back.
    """
    session = db.session()
    if session.info.get("transaction"):
        raise RuntimeError("transaction() does not nest: the edge owns it")
    if session.new or session.deleted or any(session.is_modified(row) for row in session.dirty):
        raise RuntimeError("rows were changed before transaction() began")
    session.rollback()
    session.info["transaction"] = True
    session.info["actor"] = actor
    known: dict[Any, Any] = session.info.setdefault(_WITHIN, {})
    try:
        session.info["connection"] = session.connection(execution_options={"sqlite_begin": "BEGIN IMMEDIATE"})
        begun = session.get_transaction()
        yield session
        if session.get_transaction() is not begun:
            raise ForeignCommitError("somebody below the edge rolled back: what was done before it is gone")
        session.flush()
        session.info["transaction"] = False
        known.clear()  # and with it whatever row nobody else holds: what is gone need not be forgotten one by one
        session.commit()
    except BaseException:
        session.info["transaction"] = False
        session.rollback()
        raise
    finally:
        session.info.pop("transaction", None)
        session.info.pop("actor", None)
        session.info.pop("reason", None)
        session.info.pop("connection", None)
        session.info.pop(_WITHIN, None)


_WITHIN = "known_within"
_MOMENT = "moment"


def known_within(session: Session) -> dict[Any, Any]:
    """What is to be known until the transaction ends, by whoever needs it; outside of one nothing is kept."""
    known: dict[Any, Any] = session.info.get(_WITHIN, {})
    return known


def moment(session: Session) -> datetime:
    """When that happens which the transaction does: all of it at once, unless the clock is told another moment."""
    told = clock.told()
    if told is not None:
        return told
    known = known_within(session)
    if _MOMENT not in known:
        known[_MOMENT] = clock.of_machine()
    begun: datetime = known[_MOMENT]
    return begun


def connection_of(session: Session) -> Connection:
    """The session's connection; inside a transaction without finding out which one it is."""
    within: Connection | None = session.info.get("connection")
    return session.connection() if within is None else within


def send(connection: Connection, text: str, given: Any, *, is_many: bool) -> Any:
    """The driver's cursor behind this statement in the driver's words. Who listens to the connection hears of it, and
    what the database refuses is the error that SQLAlchemy makes of it."""
    cursor = connection.connection.cursor()
    try:
        for told in connection.dispatch.before_cursor_execute:
            text, given = told(connection, cursor, text, given, None, is_many)
        (cursor.executemany if is_many else cursor.execute)(text, given)
    except connection.dialect.loaded_dbapi.Error as error:
        connection._handle_dbapi_exception(error, text, given, cursor, None)
    return cursor


def writes_alone(session: Session) -> bool:
    """Is what this transaction has read what is there until it ends? So on SQLite, where nobody else writes meanwhile;
    on PostgreSQL a row has to be locked and read again."""
    within: Connection | None = session.info.get("connection")
    return within is not None and within.dialect.name == "sqlite"


def queue_up(session: Session, name: str) -> None:
    """From here until the transaction ends, nobody else is past this point under the same name.

    SQLite lets one transaction write at a time anyway; PostgreSQL holds a lock of its own for the name.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def queue_up_all(session: Session, names: Iterable[str]) -> None:
    """queue_up() under each of these names, by one statement; in their order, so that nobody waits for each other."""
    wanted = sorted(set(names))
    if wanted and session.get_bind().dialect.name == "postgresql":
        each = func.unnest(literal(wanted, ARRAY(String))).table_valued("name")
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(each.c.name, 0)))).all()


def plan_for_values(session: Session) -> None:
    """Until the transaction ends every query is planned for the values that it is asked with. Otherwise PostgreSQL
    takes one plan for all of them when it thinks that none does better, and of how common a value of an own field is
    it knows nothing without the value: 50 ms where 22 are enough."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


def row_id(value: object) -> int:
    """The id written in an address. Raises NotFoundError for what cannot be one, however large."""
    text = str(value)
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > LARGEST_ID:
        raise NotFoundError
    return int(text)


def refuse_nul(*texts: str | None) -> None:
    """PostgreSQL stores no NUL and SQLite cuts there: neither shall see one. Raises BadRequestError."""
    if any(text is not None and "\0" in text for text in texts):
        raise BadRequestError


@event.listens_for(Session, "before_commit")
def _refuse_foreign_commit(session: Session) -> None:
    # A savepoint's release fires this event too, and makes nothing permanent.
    if session.info.get("transaction") and not session.in_nested_transaction():
        raise ForeignCommitError("only the edge that opened the transaction may commit it")


@event.listens_for(Session, "before_flush")
def _stamp(session: Session, _context: object, _instances: object) -> None:
    actor = session.info.get("actor")
    who = actor.user_id if actor else None
    for row in session.new:
        if isinstance(row, Stamped):
            row.created_by_id = row.created_by_id or who
            row.updated_by_id = who
    for row in session.dirty:
        if isinstance(row, Stamped) and session.is_modified(row):
            row.updated_by_id = who


def listen_to(engine: Engine, *, synchronous: str) -> None:
    """Make SQLite behave: WAL, foreign keys, our own BEGIN. `synchronous` is FULL (default) or NORMAL.

    On PostgreSQL queries are not compiled: row rules look costly to its planner, and compiling a page's query took
    320 ms where running it takes 40.
    """
    if engine.dialect.name != "sqlite":

        @event.listens_for(engine, "connect")
        def _without_compiler(connection: Any, _record: object) -> None:
            connection.execute("SET jit = off")
            connection.commit()

        _ask_the_rested(engine)
        _keep_what_is_prepared(engine)
        return

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        # pysqlite must not open transactions by itself: its rules lose updates (read, read, write, write).
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            # Without it INSERT OR REPLACE deletes rows past the triggers that keep them.
            "recursive_triggers=ON",
            "busy_timeout=30000",
            "temp_store=MEMORY",
            "journal_size_limit=67108864",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        send(connection, connection.get_execution_options().get("sqlite_begin", "BEGIN"), (), is_many=False)


def _only_reads(text: str) -> bool:
    """Does this statement change nothing and lock no row? When in doubt it does: that costs little."""
    begins = text.startswith(("SELECT ", "WITH ", "SET LOCAL "))
    return begins and not any(word in text for word in (" FOR ", "INSERT ", "UPDATE ", "DELETE ", "MERGE "))


def _keep_what_is_prepared(engine: Engine) -> None:
    """A transaction that has only read ends by COMMIT. At a ROLLBACK psycopg forgets every statement that it has
    prepared, and PostgreSQL reads and plans each one anew at each request: a sixth of a page's time."""
    errors = engine.dialect.loaded_dbapi.Error

    @event.listens_for(engine, "begin")
    def _begins(connection: Connection) -> None:
        connection.info["has_written"] = False

    @event.listens_for(engine, "before_cursor_execute")
    def _sends(connection: Connection, _cursor: object, text: str, *_more: object) -> None:
        if not _only_reads(text):
            connection.info["has_written"] = True

    @event.listens_for(engine, "rollback")
    def _ends(connection: Connection) -> None:
        if not connection.info["has_written"]:
            with suppress(errors):  # of a connection that is gone, which the ROLLBACK after this one tells
                connection.connection.commit()


#: seconds: what was used so short a while ago is there still
_RESTED = 1.0


def _ask_the_rested(engine: Engine) -> None:
    """A connection that has lain idle is asked whether it is there before it is used. `pool_pre_ping` would ask before
    every request, also where one follows on another: a fiftieth of a page's time."""
    errors = engine.dialect.loaded_dbapi.Error

    @event.listens_for(engine, "checkin")
    def _laid_down(_connection: object, record: Any) -> None:
        record.info["laid_down"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _taken_up(connection: Any, record: Any, _proxy: object) -> None:
        laid_down = record.info.get("laid_down")  # nothing of one that was just opened
        if laid_down is None or time.monotonic() - laid_down < _RESTED:
            return
        try:
            engine.dialect.do_ping(connection)
        except errors as gone:
            raise InvalidatePoolError from gone
