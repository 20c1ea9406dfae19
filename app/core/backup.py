"""How is everything kept and brought back? One archive: database, files and keys, checked before it counts.

The archive is a tar: `database` (a SQLite file or the SQL of pg_dump), `files/…` (the data folder), and as its last
member `manifest.json`, which names the version, the schema revision and size and SHA-256 of every other member.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

import click
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from app.core import anchor, clock
from app.core.errors import BusinessError
from app.core.i18n import _

_FORMAT = 1
_DATABASE = "database"
_FILES = "files/"
_MANIFEST = "manifest.json"
_LOCK = ".running"
_BACKUPS = "backups"
_ASIDE = "replaced-"
_STAGING = ".restore-"
_CHUNK = 1 << 20
#: where Debian keeps the programs of each PostgreSQL version
_DEBIAN = Path("/usr/lib/postgresql")
_LONGEST_MANIFEST = 256 << 20


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


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself."""

    version: str
    created_at: str
    backend: str
    revision: str
    #: member → (size in bytes, SHA-256)
    members: dict[str, tuple[int, str]]

    def to_bytes(self) -> bytes:
        members = {name: {"size": size, "sha256": digest} for name, (size, digest) in self.members.items()}
        body = {"format": _FORMAT, "product": "tantam", **self.__dict__, "members": members}
        return json.dumps(body, ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Manifest:
        """Raises BackupError when it is none of ours."""
        try:
            body = json.loads(raw)
            if body["product"] != "tantam" or body["format"] != _FORMAT:
                raise BackupError(_("This backup was made by another version of the product and cannot be read."))
            members = {str(name): (int(of["size"]), str(of["sha256"])) for name, of in body["members"].items()}
            return cls(body["version"], body["created_at"], body["backend"], body["revision"], members)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupError(_("This file is not a backup of Tận Tâm.")) from error


# Who uses the data folder ---------------------------------------------------------------------------------------------


@contextmanager
def in_use(data: Path) -> Iterator[None]:
    """Held by every running server: restore refuses meanwhile. The system drops it when the process dies.

    Raises BackupError while a restore is at work.
    """
    with _lock(data, fcntl.LOCK_SH, _("A backup is being restored. Start the product when that is done.")):
        yield


@contextmanager
def _lock(data: Path, kind: int, refusal: Any) -> Iterator[None]:
    descriptor = os.open(data / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise BackupError(refusal) from error
    try:
        yield
    finally:
        os.close(descriptor)


# Backup ---------------------------------------------------------------------------------------------------------------


def make_backup(place: Place, target: Path) -> Manifest:
    """Write the archive; everybody may go on working meanwhile. Raises BackupError; an existing file is never replaced.

    The database is copied first: whatever file its rows name is there by then, and files are never changed.
    """
    if target.exists():
        raise BackupError(_("%(file)s is already there.", file=target))
    draft = target.with_name(f".{target.name}.partial")
    copy = target.with_name(f".{target.name}.database")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy_database(place, copy)
        members: dict[str, tuple[int, str]] = {}
        # It holds keys and customers: for the owner alone.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
                members[_DATABASE] = _add(archive, copy, _DATABASE)
                for file, name in _files(place):
                    if name == anchor.FILE:  # it may be younger than the copy; a restored log begins without one
                        continue
                    with suppress(FileNotFoundError):  # erased since it was listed
                        members[_FILES + name] = _add(archive, file, _FILES + name)
                manifest = Manifest(
                    place.version,
                    clock.now().isoformat(timespec="seconds"),
                    place.database.get_backend_name(),
                    _revision(place, copy),
                    members,
                )
                body = manifest.to_bytes()
                last = tarfile.TarInfo(_MANIFEST)
                last.size, last.mode = len(body), 0o600
                archive.addfile(last, BytesIO(body))
            raw.flush()
            os.fsync(raw.fileno())
        os.link(draft, target)
        _sync_folder(target.parent)
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        raise BackupError(_("The backup failed: %(why)s", why=error)) from error
    finally:
        for leftover in (draft, copy):
            leftover.unlink(missing_ok=True)
    return manifest


def _copy_database(place: Place, copy: Path) -> None:
    if place.database_file is None:
        _dump_postgresql(place.database, copy)
        return
    if not place.database_file.exists():
        raise BackupError(_("There is no database at %(file)s.", file=place.database_file))
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with closing(sqlite3.connect(place.database_file, timeout=30)) as source, closing(sqlite3.connect(copy)) as kept:
        # All pages in one step: one reading transaction of WAL mode, which no writer waits for and none can change.
        source.backup(kept, pages=-1)
        kept.execute("PRAGMA journal_mode=DELETE")
        _check_sqlite(kept)


def _check_sqlite(database: sqlite3.Connection) -> None:
    verdict = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise BackupError(_("The database is damaged: %(why)s", why=verdict))


def _files(place: Place) -> Iterator[tuple[Path, str]]:
    """Every regular file of the data folder, with its name; not the database, nor what only passes by."""
    skipped = set()
    if place.database_file is not None:
        skipped = {Path(f"{place.database_file}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")}
    for folder, folders, names in os.walk(place.data):
        here = Path(folder)
        if here == place.data:
            folders[:] = [name for name in folders if name != _BACKUPS and not name.startswith((_ASIDE, _STAGING))]
            names = [name for name in names if name != _LOCK]
        folders.sort()
        for name in sorted(names):
            file = here / name
            if file not in skipped and file.is_file() and not file.is_symlink():
                yield file, file.relative_to(place.data).as_posix()


def _add(archive: tarfile.TarFile, file: Path, name: str) -> tuple[int, str]:
    with file.open("rb") as source:
        about = os.fstat(source.fileno())
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = about.st_size, 0o600, int(about.st_mtime)
        reader = _Hashing(source)
        archive.addfile(member, reader)
        return about.st_size, reader.digest.hexdigest()


class _Hashing:
    """Reads on and sums up what was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


def _revision(place: Place, copy: Path) -> str:
    """The schema revision of what was just copied."""
    if place.database_file is None:
        return _postgresql_revision(place.database)
    with closing(sqlite3.connect(copy)) as database:
        try:
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            row = None
    if row is None:
        raise BackupError(_("The database has no schema yet: run flask db upgrade first."))
    return str(row[0])


# Restore --------------------------------------------------------------------------------------------------------------


def restore_backup(place: Place, source: Path) -> tuple[Manifest, Path]:
    """Bring an archive back. Returns its manifest and the folder where the replaced data lies now.

    Everything is read and checked before anything is touched. Then files are added, the database is swapped by one
    rename (PostgreSQL: one transaction), and what the archive does not know is set aside: killed at any moment, the
    database is either the old one or the new one, and every file that it names is there. Raises BackupError.
    """
    stamp = f"{clock.now():%Y%m%d-%H%M%S}"
    staging, aside = place.data / f"{_STAGING}{stamp}", place.data / f"{_ASIDE}{stamp}"
    with _lock(place.data, fcntl.LOCK_EX, _("The product is running. Stop it first, then restore.")):
        if place.database_file is None:
            _refuse_other_connections(place.database)
        try:
            staging.mkdir(mode=0o700)
            manifest = _unpack(source, staging)
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


def _unpack(source: Path, staging: Path) -> Manifest:
    """The members, checked one by one, in `staging`. Links, devices and names that lead elsewhere are refused."""
    damaged = BackupError(_("This backup is damaged or incomplete."))
    found: dict[str, tuple[int, str]] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(source, mode="r:") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is None or manifest is not None or member.name in found or not _is_safe(member.name):
                    raise damaged
                if member.name == _MANIFEST:
                    if member.size > _LONGEST_MANIFEST:
                        raise damaged
                    manifest = Manifest.from_bytes(stream.read())
                else:
                    found[member.name] = _write(stream, staging / member.name)
    except (tarfile.TarError, EOFError, UnicodeError) as error:
        raise damaged from error
    except FileNotFoundError as error:
        raise BackupError(_("%(file)s is not there.", file=source)) from error
    if manifest is None or manifest.members != found or _DATABASE not in found:
        raise damaged
    return manifest


def _is_safe(name: str) -> bool:
    if name in {_DATABASE, _MANIFEST}:
        return True
    path = PurePosixPath(name)
    plain = path.as_posix() == name and not path.is_absolute() and ".." not in path.parts and "\0" not in name
    inside = path.parts[1:2]
    return plain and name.startswith(_FILES) and inside != (_LOCK,) and inside != (_BACKUPS,)


def _write(stream: IO[bytes], target: Path) -> tuple[int, str]:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as kept:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            kept.write(chunk)
        kept.flush()
        os.fsync(kept.fileno())
    return size, digest.hexdigest()


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
        with closing(sqlite3.connect(staging / _DATABASE)) as database:
            _check_sqlite(database)


def _swap(place: Place, manifest: Manifest, staging: Path, aside: Path) -> None:
    kept = {name.removeprefix(_FILES) for name in manifest.members if name.startswith(_FILES)}
    for name in sorted(kept):
        new, old = staging / _FILES / name, place.data / name
        old.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if old.exists() and not _same(old, new):
            _set_aside(old, aside / name, copy=True)
        os.replace(new, old)
    if place.database_file is None:
        _load_postgresql(place.database, staging / _DATABASE, aside.name.replace("-", "_"))
    else:
        _swap_sqlite(place.database_file, staging / _DATABASE, aside)
    for file, name in list(_files(place)):
        if name not in kept:
            _set_aside(file, aside / name, copy=False)
    _sync_folder(place.data)


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
    _sync_folder(database.parent)


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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# PostgreSQL -----------------------------------------------------------------------------------------------------------


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


def _dump_postgresql(url: URL, copy: Path) -> None:
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    _run("pg_dump", f"--file={copy}", "--no-owner", "--no-privileges", "--exclude-schema=replaced_*", url=url)


def _load_postgresql(url: URL, dump: Path, aside: str) -> None:
    """All in one transaction: the old schema gets another name, the new one takes its place."""
    script = f'ALTER SCHEMA public RENAME TO "{aside}"; CREATE SCHEMA public;\n'
    whole = dump.with_name("restore.sql")
    with whole.open("wb") as joined, dump.open("rb") as rest:
        joined.write(script.encode())
        shutil.copyfileobj(rest, joined, _CHUNK)
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


def _postgresql_revision(url: URL) -> str:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return str(connection.scalar(text("SELECT version_num FROM alembic_version")))
    finally:
        engine.dispose()


def _refuse_other_connections(url: URL) -> None:
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


# Commands -------------------------------------------------------------------------------------------------------------


def _this_place() -> Place:
    config = current_app.config
    return Place(
        data=Path(config["DATA_FOLDER"]),
        database=make_url(config["SQLALCHEMY_DATABASE_URI"]),
        migrations=Path(config["MIGRATIONS_FOLDER"]),
        version=config["VERSION"],
    )


def _default_target(data: Path, at: datetime) -> Path:
    return data / _BACKUPS / f"tantam-{at:%Y%m%d-%H%M%S}.tar"


@click.command("backup")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def backup_command(file: Path | None) -> None:
    """Keep the database, the files and the keys in one archive, while everybody goes on working."""
    place = _this_place()
    target = file or _default_target(place.data, clock.now())
    try:
        manifest = make_backup(place, target)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    size = target.stat().st_size / (1 << 20)
    click.echo(
        _("Kept in %(file)s: %(files)d files, %(size).1f MB.", file=target, files=len(manifest.members), size=size)
    )
    if _FILES + "secret-key" not in manifest.members:
        click.echo(_("The secret key is not in it: keep TANTAM_SECRET_KEY in a safe place too."))


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace the present data without asking.")
@with_appcontext
def restore_command(file: Path, *, yes: bool) -> None:
    """Replace the present data by those of a backup; the replaced data are kept aside."""
    if not yes and not click.confirm(str(_("The present data will be replaced by this backup. Go on?"))):
        raise click.Abort
    from app.core.db import db

    for engine in db.engines.values():
        engine.dispose()
    try:
        manifest, aside = restore_backup(_this_place(), file)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        _("Restored the backup of %(at)s, version %(version)s.", at=manifest.created_at, version=manifest.version)
    )
    click.echo(_("The replaced data lie in %(folder)s.", folder=aside))
    click.echo(_("Now run: flask db upgrade"))
