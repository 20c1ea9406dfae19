"""One archive: the database, the files and the keys, with a manifest that says what is in it."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tarfile
from contextlib import closing, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from sqlalchemy.exc import SQLAlchemyError

from app.core import anchor, clock
from app.core.backup import postgresql
from app.core.backup.place import BACKUPS, CHUNK, LOCK, BackupError, Place, check_sqlite, files, sync_folder
from app.core.i18n import _

_FORMAT = 1
DATABASE = "database"
FILES = "files/"
_MANIFEST = "manifest.json"
_LONGEST_MANIFEST = 256 << 20


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
        copy_database(place, copy)
        members: dict[str, tuple[int, str]] = {}
        # It holds keys and customers: for the owner alone.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
                members[DATABASE] = _add(archive, copy, DATABASE)
                for file, name in files(place):
                    if name == anchor.FILE:  # it may be younger than the copy; a restored log begins without one
                        continue
                    with suppress(FileNotFoundError):  # erased since it was listed
                        members[FILES + name] = _add(archive, file, FILES + name)
                manifest = Manifest(
                    place.version,
                    clock.now().isoformat(timespec="seconds"),
                    place.database.get_backend_name(),
                    revision(place, copy),
                    members,
                )
                body = manifest.to_bytes()
                last = tarfile.TarInfo(_MANIFEST)
                last.size, last.mode = len(body), 0o600
                archive.addfile(last, BytesIO(body))
            raw.flush()
            os.fsync(raw.fileno())
        os.link(draft, target)
        sync_folder(target.parent)
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        raise BackupError(_("The backup failed: %(why)s", why=error)) from error
    finally:
        for leftover in (draft, copy):
            leftover.unlink(missing_ok=True)
    return manifest


def copy_database(place: Place, copy: Path) -> None:
    if place.database_file is None:
        postgresql.dump(place.database, copy)
        return
    if not place.database_file.exists():
        raise BackupError(_("There is no database at %(file)s.", file=place.database_file))
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with closing(sqlite3.connect(place.database_file, timeout=30)) as source, closing(sqlite3.connect(copy)) as kept:
        # All pages in one step: one reading transaction of WAL mode, which no writer waits for and none can change.
        source.backup(kept, pages=-1)
        kept.execute("PRAGMA journal_mode=DELETE")
        check_sqlite(kept)


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


def revision(place: Place, copy: Path) -> str:
    """The schema revision of what was just copied."""
    if place.database_file is None:
        return postgresql.revision_of(place.database)
    with closing(sqlite3.connect(copy)) as database:
        try:
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            row = None
    if row is None:
        raise BackupError(_("The database has no schema yet: run flask db upgrade first."))
    return str(row[0])


def unpack(source: Path, staging: Path) -> Manifest:
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
    if manifest is None or manifest.members != found or DATABASE not in found:
        raise damaged
    return manifest


def _is_safe(name: str) -> bool:
    if name in {DATABASE, _MANIFEST}:
        return True
    path = PurePosixPath(name)
    plain = path.as_posix() == name and not path.is_absolute() and ".." not in path.parts and "\0" not in name
    inside = path.parts[1:2]
    return plain and name.startswith(FILES) and inside != (LOCK,) and inside != (BACKUPS,)


def _write(stream: IO[bytes], target: Path) -> tuple[int, str]:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as kept:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            kept.write(chunk)
        kept.flush()
        os.fsync(kept.fileno())
    return size, digest.hexdigest()
