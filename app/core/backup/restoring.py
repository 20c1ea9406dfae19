"""How does an archive come back? Read and checked whole, then swapped in, so that one of both always stands."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.backup import postgresql
from app.core.backup.archive import DATABASE, FILES, Manifest, unpack
from app.core.backup.place import ASIDE, STAGING, BackupError, Place, check_sqlite, files, lock, sync_folder
from app.core.i18n import _


def restore_backup(place: Place, source: Path) -> tuple[Manifest, Path]:
    """Bring an archive back. Returns its manifest and the folder where the replaced data lies now.

    Everything is read and checked before anything is touched. Then files are added, the database is swapped by one
    rename (PostgreSQL: one transaction), and what the archive does not know is set aside: killed at any moment, the
    database is either the old one or the new one, and every file that it names is there. Raises BackupError.
    """
    stamp = f"{clock.now():%Y%m%d-%H%M%S}"
    staging, aside = place.data / f"{STAGING}{stamp}", place.data / f"{ASIDE}{stamp}"
    with lock(place.data, fcntl.LOCK_EX, _("The product is running. Stop it first, then restore.")):
        if place.database_file is None:
            postgresql.refuse_others(place.database)
        try:
            staging.mkdir(mode=0o700)
            manifest = unpack(source, staging)
            _check(place, manifest, staging)
            aside.mkdir(mode=0o700)
            _swap(place, manifest, staging, aside)
        except (OSError, sqlite3.Error, SQLAlchemyError) as error:
            raise BackupError(_("The restore failed: %(why)s", why=error)) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            with suppress(OSError):
                aside.rmdir()  # only when nothing was set aside
    return manifest, aside


def _check(place: Place, manifest: Manifest, staging: Path) -> None:
    if manifest.backend != place.database.get_backend_name():
        raise BackupError(
            _(
                "This backup comes from %(theirs)s, this installation uses %(ours)s.",
                theirs=manifest.backend,
                ours=place.database.get_backend_name(),
            )
        )
    try:
        known = ScriptDirectory(str(place.migrations)).get_revision(manifest.revision)
    except CommandError:
        known = None
    if known is None:
        raise BackupError(
            _("This backup was made by version %(version)s, which this one does not know.", version=manifest.version)
        )
    if place.database_file is not None:
        with closing(sqlite3.connect(staging / DATABASE)) as database:
            check_sqlite(database)


def _swap(place: Place, manifest: Manifest, staging: Path, aside: Path) -> None:
    kept = {name.removeprefix(FILES) for name in manifest.members if name.startswith(FILES)}
    for name in sorted(kept):
        new, old = staging / FILES / name, place.data / name
        old.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if old.exists() and not _same(old, new):
            _set_aside(old, aside / name, copy=True)
        os.replace(new, old)
    if place.database_file is None:
        postgresql.load(place.database, staging / DATABASE, aside.name.replace("-", "_"))
    else:
        _swap_sqlite(place.database_file, staging / DATABASE, aside)
    for file, name in list(files(place)):
        if name not in kept:
            _set_aside(file, aside / name, copy=False)
    sync_folder(place.data)


def _swap_sqlite(database: Path, new: Path, aside: Path) -> None:
    if database.exists():
        # Nobody is connected: what stands in the write-ahead log belongs into the file before that is set aside.
        with suppress(sqlite3.Error), closing(sqlite3.connect(database, timeout=5)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _set_aside(database, aside / database.name, copy=True)
        for suffix in ("-wal", "-shm", "-journal"):  # left only by a file that SQLite could not open
            if (leftover := Path(f"{database}{suffix}")).exists():
                _set_aside(leftover, aside / leftover.name, copy=False)
    if new.stat().st_dev != database.parent.stat().st_dev:
        near = database.with_name(f".{database.name}.restored")
        shutil.copy2(new, near)
        new = near
    os.replace(new, database)
    sync_folder(database.parent)


def _same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()


def _set_aside(file: Path, target: Path, *, copy: bool) -> None:
    """`copy` leaves the file in its place until another one replaces it by a rename."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not copy:
        shutil.move(file, target)
        return
    try:
        os.link(file, target)
    except OSError:  # another file system
        shutil.copy2(file, target)
