"""A database of PostgreSQL, through its own programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import IO

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from app.core.backup.place import CHUNK, BackupError
from app.core.i18n import _

#: where Debian keeps the programs of each PostgreSQL version
_DEBIAN = Path("/usr/lib/postgresql")


def _program(name: str) -> str:
    """pg_dump or psql: from the path, or where Debian keeps them. Raises BackupError when it is not installed."""
    places = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda at: int(at.parts[-3]), reverse=True)
    found = str(places[0]) if places else shutil.which(name)
    if found is None:
        raise BackupError(
            _("%(program)s is not installed. Install the PostgreSQL client (Debian: postgresql-client).", program=name)
        )
    return found


def _run(program: str, *arguments: str, url: URL, stdin: IO[bytes] | None = None) -> None:
    # libpq reads the password from the environment: a command line can be seen by everybody on the machine.
    environment = {**os.environ, "PGPASSWORD": url.password or "", "PGCONNECT_TIMEOUT": "10"}
    address = url.set(drivername="postgresql", password=None).render_as_string()
    done = subprocess.run(  # noqa: S603 - our own arguments
        [_program(program), f"--dbname={address}", "--no-password", *arguments],
        env=environment,
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else f"exit {done.returncode}"
        raise BackupError(_("%(program)s failed: %(why)s", program=program, why=why))


def dump(url: URL, copy: Path) -> None:
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    _run("pg_dump", f"--file={copy}", "--no-owner", "--no-privileges", "--exclude-schema=replaced_*", url=url)


def load(url: URL, dump: Path, aside: str) -> None:
    """All in one transaction: the old schema gets another name, the new one takes its place."""
    script = f'ALTER SCHEMA public RENAME TO "{aside}"; CREATE SCHEMA public;\n'
    whole = dump.with_name("restore.sql")
    with whole.open("wb") as joined, dump.open("rb") as rest:
        joined.write(script.encode())
        shutil.copyfileobj(rest, joined, CHUNK)
    with whole.open("rb") as joined:
        _run(
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            "--file=-",
            url=url,
            stdin=joined,
        )


def revision_of(url: URL) -> str:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return str(connection.scalar(text("SELECT version_num FROM alembic_version")))
    finally:
        engine.dispose()


def refuse_others(url: URL) -> None:
    """Servers on other hosts hold no lock here, but they are connected."""
    engine = create_engine(url)
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    try:
        with engine.connect() as connection:
            if connection.scalar(others):
                raise BackupError(_("The product is running. Stop it first, then restore."))
    finally:
        engine.dispose()
