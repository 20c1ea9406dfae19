"""What is kept, who uses it, and which files belong to it?"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from app.core.errors import BusinessError
from app.core.i18n import _

LOCK = ".running"
BACKUPS = "backups"
ASIDE = "replaced-"
STAGING = ".restore-"
CHUNK = 1 << 20


class BackupError(BusinessError):
    """The backup could not be made or brought back; nothing was changed."""

    code = "backup_failed"


@dataclass(frozen=True)
class Place:
    """What is kept: the data folder, the database, and the migrations that know its schema."""

    data: Path
    database: URL
    migrations: Path
    version: str

    @property
    def database_file(self) -> Path | None:
        """None on PostgreSQL."""
        return Path(str(self.database.database)) if self.database.get_backend_name() == "sqlite" else None


@contextmanager
def in_use(data: Path) -> Iterator[None]:
    """Held by every running server: restore refuses meanwhile. The system drops it when the process dies.

    Raises BackupError while a restore is at work.
    """
    with lock(data, fcntl.LOCK_SH, _("A backup is being restored. Start the product when that is done.")):
        yield


@contextmanager
def lock(data: Path, kind: int, refusal: Any) -> Iterator[None]:
    descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise BackupError(refusal) from error
    try:
        yield
    finally:
        os.close(descriptor)


def check_sqlite(database: sqlite3.Connection) -> None:
    verdict = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise BackupError(_("The database is damaged: %(why)s", why=verdict))


def files(place: Place) -> Iterator[tuple[Path, str]]:
    """Every regular file of the data folder, with its name; not the database, nor what only passes by."""
    skipped = set()
    if place.database_file is not None:
        skipped = {Path(f"{place.database_file}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")}
    for folder, folders, names in os.walk(place.data):
        here = Path(folder)
        if here == place.data:
            folders[:] = [name for name in folders if name != BACKUPS and not name.startswith((ASIDE, STAGING))]
            names = [name for name in names if name != LOCK]
        folders.sort()
        for name in sorted(names):
            file = here / name
            if file not in skipped and file.is_file() and not file.is_symlink():
                yield file, file.relative_to(place.data).as_posix()


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
