"""Where do uploaded files live, what may they be, and who may have them back? A file belongs to one record."""

from __future__ import annotations

import codecs
import hashlib
import logging
import mmap
import os
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, ClassVar

import filetype
from flask import current_app
from sqlalchemy import BigInteger, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, settings
from app.core.access import Actor
from app.core.db import LARGEST_ID, Entity, Stamped, db
from app.core.errors import BusinessError, NotFoundError, Sentence
from app.core.formats import number_text
from app.core.i18n import _

logger = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
#: what the installation takes; the company may set itself less (`largest`)
LARGEST_FILE = settings.LARGEST_FILE_MEGABYTES * MEGABYTE
LONGEST_NAME = 255
#: An upload that no row speaks of after so long belongs to nobody.
ORPHAN_AFTER = timedelta(days=1)

_OFFICE = "application/vnd.openxmlformats-officedocument"
#: Extension → what is sent back as Content-Type. Nothing that a browser would run: no SVG, HTML, XML, script.
CONTENT_TYPES: Mapping[str, str] = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "txt": "text/plain",
    "csv": "text/csv",
}
#: pictures that every browser draws, and runs nothing of
DRAWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_TEXTS = {"txt", "csv"}
# filetype looks at the first parts of an archive only; some programs put the telling one further back.
_TELLING_PART = {"docx": b"word/document.xml", "xlsx": b"xl/workbook.xml", "pptx": b"ppt/presentation.xml"}
_KEPT_AS = re.compile(r"[0-9a-f]{40}")
_CHUNK = 64 * 1024
_BATCH = 500


class FileRefusedError(BusinessError):
    """This file is not taken; the message says why and what to do."""

    code = "file_refused"


class StoredFile(Stamped, Entity):
    """An uploaded file of one record. Who sees the record may fetch it."""

    __tablename__ = "stored_file"
    __table_args__: ClassVar = (
        Index("ix_stored_file_owner", "owner_type", "owner_id"),
        {"extend_existing": False},
    )

    owner_type: Mapped[str] = mapped_column(String(60))
    owner_id: Mapped[int] = mapped_column()
    #: as the person's machine called it: NFC, no path, nothing invisible
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    #: in bytes
    size: Mapped[int] = mapped_column(BigInteger)
    content_type: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64))
    #: random name in the upload folder
    path: Mapped[str] = mapped_column(String(40), unique=True)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ReceivedFile:
    """An upload that lies safely on the disk, and belongs to no record yet."""

    name: str
    size: int
    content_type: str
    sha256: str
    path: str


def folder() -> Path:
    """Where the files lie: readable by the program alone, never served as static files."""
    place = Path(current_app.config["UPLOAD_FOLDER"])
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def location(file: StoredFile | ReceivedFile) -> Path:
    """The file on the disk. Raises ValueError for a path that we did not make."""
    if not _KEPT_AS.fullmatch(file.path):
        raise ValueError(f"not a stored file: {file.path!r}")
    return folder() / file.path


def largest(session: Session) -> int:
    """How many bytes one uploaded file may have in this company."""
    return min(LARGEST_FILE, int(settings.get(session, "largest_file_mb")) * MEGABYTE)


# ── taking a file in ─────────────────────────────────────────────────────────────────────────────────────────────────


#: what a sheet of rows may be
SHEETS = ("xlsx", "csv")


def receive(stream: IO[bytes], filename: str | None, *, as_sheet: bool = False) -> ReceivedFile:
    """Check an upload and write it to the disk. Call it outside of a transaction, then `keep` inside one.

    `as_sheet`: an XLSX or CSV file that core.sheet_reading reads, which knows more encodings than UTF-8.

    Raises FileRefusedError for an unknown kind, for contents that are not what the name says, and for size 0 or
    above what the company takes; nothing is left on the disk then.
    """
    name = clean_name(filename)
    extension = name.rpartition(".")[2].lower()
    if extension not in CONTENT_TYPES:
        raise FileRefusedError(
            _("Files of this kind are not taken. Pictures, PDF, Word, Excel, PowerPoint, text and CSV are.")
        )
    if as_sheet and extension not in SHEETS:
        raise FileRefusedError(_("Bring an Excel workbook (.xlsx) or a CSV file."))
    path = secrets.token_hex(20)
    place = folder() / path
    try:
        size, digest = _write(stream, place, is_text=extension in _TEXTS and not as_sheet, most=largest(db.session()))
        _refuse_other_contents(place, extension)
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    return ReceivedFile(name, size, CONTENT_TYPES[extension], digest, path)


def clean_name(filename: str | None) -> str:
    """The file's own name: last part of a path, NFC, without invisible or direction-changing characters, short enough.

    Raises FileRefusedError when nothing is left and for a NUL, which no honest program sends.
    """
    typed = filename or ""
    if "\0" in typed:
        raise FileRefusedError(_("The name of this file cannot be used. Please rename it."))
    typed = unicodedata.normalize("NFC", typed.replace("\\", "/").rpartition("/")[2])
    visible = "".join(" " if sign.isspace() else sign for sign in typed if sign.isspace() or _is_visible(sign))
    stem, dot, extension = " ".join(visible.split()).rpartition(".")
    stem, extension = stem.strip(" ."), extension.strip()
    if not dot or not stem or not extension:
        raise FileRefusedError(_("This file has no proper name. Please give it one, such as hoa-don.pdf."))
    return f"{stem[: LONGEST_NAME - len(extension) - 1]}.{extension}"


def _is_visible(sign: str) -> bool:
    # Cc control, Cf format (turns "gpj.exe" around on the screen), Cs half a surrogate pair, Co/Cn nobody's.
    return unicodedata.category(sign)[0] != "C"


def _write(stream: IO[bytes], place: Path, *, is_text: bool, most: int) -> tuple[int, str]:
    """Copy to the disk and past its cache. Returns the size in bytes and the SHA-256."""
    digest, size = hashlib.sha256(), 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise FileRefusedError(_("The file is larger than %(count)d MB.", count=most // MEGABYTE))
            if is_text:
                _refuse_other_than_text(decoder, chunk)
            digest.update(chunk)
            target.write(chunk)
        if not size:
            raise FileRefusedError(_("The file is empty."))
        if is_text:
            _refuse_other_than_text(decoder, b"", final=True)
        target.flush()
        os.fsync(target.fileno())
    _fsync_folder(place.parent)
    return size, digest.hexdigest()


def _refuse_other_than_text(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> None:
    try:
        text = decoder.decode(chunk, final)
    except UnicodeDecodeError:
        raise FileRefusedError(
            _("This text is not written in UTF-8. Please save it as CSV UTF-8 or text UTF-8.")
        ) from None
    if "\0" in text:
        raise FileRefusedError(_NOT_WHAT_IT_SAYS)


_NOT_WHAT_IT_SAYS: Sentence = _("The contents of this file are not what its name says.")


def _refuse_other_contents(place: Path, extension: str) -> None:
    if extension in _TEXTS:
        return
    found = filetype.guess_mime(str(place))
    expected = {CONTENT_TYPES[extension]} | ({"image/apng"} if extension == "png" else set())
    if found in expected:
        return
    if found == "application/zip" and extension in _TELLING_PART:
        with place.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as contents:
            if contents.find(_TELLING_PART[extension]) >= 0:
                return
    raise FileRefusedError(_NOT_WHAT_IT_SAYS)


def _fsync_folder(place: Path) -> None:
    # The name of a new file is written with its folder, not with the file.
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def keep(session: Session, received: ReceivedFile, *, owner_type: str, owner_id: int) -> StoredFile:
    """Give the upload to its record, in the transaction that changes the record. Raises LookupError for an owner type
    that nobody registered: such a file could never be fetched again."""
    if owner_type not in _owners:
        raise LookupError(f"{owner_type} owns no files: declare it with register_owner")
    file = StoredFile(
        owner_type=owner_type, owner_id=owner_id, name=received.name, size=received.size,
        content_type=received.content_type, sha256=received.sha256, path=received.path,
    )  # fmt: skip
    session.add(file)
    session.flush()
    return file


def forget(received: ReceivedFile) -> None:
    """The transaction did not happen: the upload goes now instead of with the next cleaning."""
    location(received).unlink(missing_ok=True)


# ── giving a file back ───────────────────────────────────────────────────────────────────────────────────────────────

#: (session, actor, owner id) → may he see that record?
OwnerRule = Callable[[Session, Actor, int], bool]
_owners: dict[str, OwnerRule] = {}


def register_owner(owner_type: str, visible: OwnerRule) -> None:
    """Let records of this kind own files. A file is seen by whoever sees its record, and by nobody else."""
    if _owners.get(owner_type, visible) is not visible:
        raise RuntimeError(f"{owner_type} has two rules for its files")
    _owners[owner_type] = visible


def file_for(session: Session, file_id: int, actor: Actor) -> StoredFile:
    """The file, if the actor may see the record that owns it. Raises NotFoundError otherwise."""
    file = session.get(StoredFile, file_id) if 0 < file_id <= LARGEST_ID else None
    if file is None:
        raise NotFoundError
    rule = _owners.get(file.owner_type)
    if rule is None or not rule(session, actor, file.owner_id):
        raise NotFoundError
    return file


# ── cleaning up ──────────────────────────────────────────────────────────────────────────────────────────────────────


def remove_orphans() -> int:
    """Remove uploads older than a day that no row speaks of. Returns how many."""
    before = (clock.now() - ORPHAN_AFTER).timestamp()
    old = [
        entry.name
        for entry in os.scandir(folder())
        if _KEPT_AS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < before
    ]
    session = db.session()
    removed = 0
    for start in range(0, len(old), _BATCH):
        batch = old[start : start + _BATCH]
        known = set(session.scalars(select(StoredFile.path).where(StoredFile.path.in_(batch))))
        for path in batch:
            if path not in known:
                (folder() / path).unlink(missing_ok=True)
                removed += 1
    session.rollback()
    if removed:
        logger.info("removed %d uploads that nothing refers to", removed)
    return removed


__all__ = [
    "CONTENT_TYPES", "LARGEST_FILE", "FileRefusedError", "ReceivedFile", "StoredFile", "clean_name", "file_for",
    "forget", "keep", "location", "receive", "register_owner", "remove_orphans",
]  # fmt: skip


def size_text(size: int) -> str:
    """A size as the reader writes it: 340 KB, 2,4 MB."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} KB"
    return f"{number_text(round(size / 1_000_000, 1))} MB"
