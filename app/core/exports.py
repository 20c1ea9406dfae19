"""Who takes which list away as a file? Asked for by a person, written in his name, kept for a week, told to the audit.

A list that can be exported registers a Source. A short one is written at once; a long one is a row here, which the
worker writes with the rights that its owner has at that moment.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any, BinaryIO, ClassVar, Protocol, cast

from flask import current_app
from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, Select, String, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import audit, clock, leases
from app.core.access import Actor, row_rule
from app.core.db import Entity, Json, UtcDateTime, db, queue_up, stored, transaction
from app.core.errors import BusinessError, ConflictError, NotAllowedError, NotFoundError, Sentence
from app.core.formats import local, number_text
from app.core.i18n import _, in_language, ngettext
from app.core.leases import Leased, LeaseState, lease_indexes
from app.core.sheets import Header, clean, write_csv, write_xlsx

logger = logging.getLogger(__name__)

#: up to so many rows are the answer of the click itself
AT_ONCE = 5_000
#: about a minute of one core and 30 MB of disk
MOST_ROWS = 200_000
MOST_UNFINISHED = 3
KEPT_FOR = timedelta(days=7)
#: rows between two looks at whether it is still wanted
BATCH = 1_000
LEASE = timedelta(seconds=120)
#: after so long no new file is begun: a run without end would pass for one that hangs (worker.Job.limit)
LONGEST_RUN = timedelta(minutes=5)
#: what is written now has no row yet that names it
_STRAY_AFTER = timedelta(days=1)
#: the reasons that are kept in English, as leases keeps its own
_BROKEN = "Internal error, see the log."

_random = SystemRandom()


class Format(StrEnum):
    xlsx = auto()
    csv = auto()


CONTENT_TYPES = {
    Format.xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.csv: "text/csv; charset=utf-8",
}


class ExportState(StrEnum):
    waiting = auto()
    running = auto()
    done = auto()
    failed = auto()
    cancelled = auto()


class TooManyToExportError(BusinessError):
    """More rows than one file takes."""

    code = "too_many_rows"


@dataclass(frozen=True)
class Wanted:
    """What of a list is asked for. `arguments`: those of the list's own address; no ids: all that it shows."""

    list_key: str
    format: Format
    arguments: tuple[tuple[str, str], ...] = ()
    ids: tuple[int, ...] = ()
    all_columns: bool = False


@dataclass(frozen=True)
class Opened:
    """A list as one person may take it away; no more than `MOST_ROWS` + 1 are counted."""

    title: Sentence
    headers: Sequence[Header]
    count: int
    #: streams, in the order of the list, from the session that opened it
    rows: Iterable[Sequence[Any]]


class Source(Protocol):
    """A list that can be exported. Registered at start under a key that never changes."""

    key: str
    title: Sentence
    #: whose right `export` is asked
    resource: str

    def open(self, session: Session, who: Actor, wanted: Wanted) -> Opened:
        """The rows that he may export now, with the columns that he may see.

        Raises BadRequestError for arguments that the list does not know.
        """


_sources: dict[str, Source] = {}


def register_source(source: Source) -> None:
    """The same key again takes the place of the earlier one (tests make several apps)."""
    _sources[source.key] = source


def title_of(list_key: str) -> Sentence:
    """What the list is called; one that is no longer there still has a line."""
    source = _sources.get(list_key)
    return source.title if source else _("A list that is no longer there")


def open_list(session: Session, who: Actor, wanted: Wanted) -> Opened:
    """Raises NotFoundError, NotAllowedError, BadRequestError, and TooManyToExportError past MOST_ROWS."""
    opened = _source(wanted.list_key, who).open(session, who, wanted)
    if opened.count > MOST_ROWS:
        raise _too_many()
    return opened


def _source(list_key: str, who: Actor) -> Source:
    source = _sources.get(list_key)
    if source is None:
        raise NotFoundError
    who.must("view", source.resource)
    who.must("export", source.resource)
    return source


def _too_many() -> TooManyToExportError:
    most = number_text(MOST_ROWS)
    return TooManyToExportError(
        _("One file takes at most %(count)s rows, and this list has more. Narrow it first, by a period for instance.",
          count=most)
    )  # fmt: skip


class Export(Leased, Entity):
    """A file that somebody asked for and the worker writes."""

    __tablename__ = "export"
    __audited__ = False  # its progress says nothing; what was taken away is told as an event
    __table_args__: ClassVar = (
        Index(None, "member_id", "id"),
        Index(None, "expires_at"),
        *lease_indexes(),
        {"extend_existing": False},
    )
    max_attempts = 3

    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    list_key: Mapped[str] = mapped_column(String(80))
    format: Mapped[Format] = mapped_column(stored(Format))
    #: the rest of Wanted
    wanted: Mapped[dict[str, Any]] = mapped_column(Json)
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_all: Mapped[int] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: what it is called when it is fetched; and its random name in the folder, once it is whole
    name: Mapped[str | None] = mapped_column(String(200))
    path: Mapped[str | None] = mapped_column(String(40), unique=True)
    #: in bytes
    size: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def state(self) -> ExportState:
        if self.cancelled_at is not None:
            return ExportState.cancelled
        return _STATES[self.status]

    @property
    def is_open(self) -> bool:
        """It waits or is being written."""
        return self.state in (ExportState.waiting, ExportState.running)

    @property
    def percent(self) -> int:
        return min(100, 100 * self.rows_done // max(self.rows_all, 1))

    def asked(self) -> Wanted:
        told = self.wanted
        return Wanted(
            self.list_key,
            self.format,
            tuple((name, value) for name, value in told["arguments"]),
            tuple(told["ids"]),
            told["all_columns"],
        )


_STATES = {
    LeaseState.waiting: ExportState.waiting,
    LeaseState.leased: ExportState.running,
    LeaseState.done: ExportState.done,
    LeaseState.dead: ExportState.failed,
    LeaseState.held: ExportState.failed,
}


@row_rule(Export)
def exports_of(actor: Actor, _action: str) -> ColumnElement[bool]:
    """What somebody took away is his own, whatever the role of who asks; the audit tells of it."""
    return Export.member_id == actor.user_id


def mine(who: Actor) -> Select[Export]:
    """Newest first."""
    return select(Export).where(exports_of(who, "view")).order_by(Export.id.desc())


# ── a short list: the file is the answer ─────────────────────────────────────────────────────────────────────────────


def write_at_once(file: BinaryIO, opened: Opened, wanted: Wanted, *, by: Actor) -> int:
    """Write the list into `file`, outside of a transaction, and return its rows. Tell of it with `tell_audit` then.

    Raises TooManyToExportError when the list has grown meanwhile past what was counted.
    """
    return _write(file, opened, wanted, _not_more_than(MOST_ROWS, opened.rows), by=by)


def tell_audit(session: Session, wanted: Wanted, *, rows: int, export: Export | None = None, by: Actor) -> None:
    """Who took which rows away. Raises NotAllowedError when he may not."""
    _source(wanted.list_key, by)
    told = asdict(wanted) | {"rows": rows}
    changes = {name: [None, list(value) if isinstance(value, tuple) else value] for name, value in told.items()}
    audit.record(session, "export", table=Export.__tablename__, record_id=export.id if export else None,
                 changes=changes, by=by)  # fmt: skip


def file_name(title: Sentence, file_format: Format, *, by: Actor) -> str:
    """Khach hang would be another list: accents stay. The minute is that of his clock."""
    with in_language(by.language):
        told = clean(str(title))
    safe = "".join(" " if sign in '\\/:*?"<>|\n\t' else sign for sign in told).strip(" .")[:100] or "Tệp"
    return f"{safe} {local(clock.now(), by.time_zone):%Y-%m-%d %H%M}.{file_format}"


# ── a long one: verbs ────────────────────────────────────────────────────────────────────────────────────────────────


def ask(session: Session, wanted: Wanted, *, rows: int, by: Actor) -> Export:
    """Let the worker write the file. Raises ConflictError while MOST_UNFINISHED of his are not written yet."""
    _source(wanted.list_key, by)
    assert by.user_id is not None
    queue_up(session, f"export.{by.user_id}")
    unfinished = select(func.count()).where(exports_of(by, "view"), _unfinished())
    if (session.scalar(unfinished) or 0) >= MOST_UNFINISHED:
        raise ConflictError(
            ngettext(
                "%(num)d file of yours is being written. Wait for it, or cancel it.",
                "%(num)d files of yours are being written. Wait for one of them, or cancel one.",
                MOST_UNFINISHED,
            )
        )
    now = clock.now()
    told = {"arguments": [list(one) for one in wanted.arguments], "ids": list(wanted.ids),
            "all_columns": wanted.all_columns}  # fmt: skip
    export = Export(
        member_id=by.user_id, list_key=wanted.list_key, format=wanted.format, wanted=told, rows_all=rows,
        created_at=now, next_at=now, expires_at=now + KEPT_FOR,
    )  # fmt: skip
    session.add(export)
    session.flush()
    audit.record(
        session, "export.asked", table=Export.__tablename__, record_id=export.id, by=by,
        changes={"list_key": [None, wanted.list_key], "format": [None, wanted.format], "rows": [None, rows]},
    )  # fmt: skip
    return export


def cancel(session: Session, export: Export, *, by: Actor) -> None:
    """It is not wanted any more; whoever writes it notices at the next thousand rows.

    Raises ConflictError once it is finished.
    """
    if export.member_id != by.user_id:
        raise NotFoundError
    now = clock.now()
    # Dead to every worker: the one that is at it loses its lease.
    stopped = session.execute(
        update(Export)
        .where(Export.id == export.id, _unfinished())
        .values(status=LeaseState.dead, cancelled_at=now, finished_at=now, lease_owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )
    session.refresh(export)
    if not cast("CursorResult[Any]", stopped).rowcount:
        raise ConflictError(_("This file is finished already."))


def file_of(export: Export, *, by: Actor) -> Path:
    """The whole file on the disk. Raises NotFoundError where there is none (any more), NotAllowedError for whoever has
    lost the right since."""
    if export.member_id != by.user_id or export.state is not ExportState.done or export.path is None:
        raise NotFoundError
    _source(export.list_key, by)
    place = folder() / export.path
    if not place.is_file():
        raise NotFoundError
    return place


def why_failed(export: Export) -> Sentence:
    """What its owner reads. A refusal is kept in the language that he read at the time."""
    return _REASONS.get(export.last_error or _BROKEN, export.last_error)


_REASONS: Mapping[str, Sentence] = {
    _BROKEN: _("Something broke on our side. The log of the worker tells what. Please ask for the file again."),
    leases.WORN_OUT: _("The worker stopped over it several times. Please narrow the list and ask for the file again."),
}


def _unfinished() -> ColumnElement[bool]:
    return Export.status.in_([LeaseState.waiting, LeaseState.leased])


# ── the worker ───────────────────────────────────────────────────────────────────────────────────────────────────────

#: the member as he may act now, or None for one who may not any more
ActorOf = Callable[[Session, int], Actor | None]
#: tells the owner, inside the transaction that makes the file his
Tell = Callable[[Session, Export], None]


class _LostError(Exception):
    """It was cancelled, or another worker has taken it over."""


def write_waiting(actor_of: ActorOf, tell: Tell) -> int:
    """Write what is asked for, oldest first, and return how many files. Any number of workers may run this at once.

    Needs an application context.
    """
    owner, written = leases.new_owner(), 0
    until = clock.now() + LONGEST_RUN
    while clock.now() <= until:
        claimed = leases.claim(Export, owner=owner, at=clock.now(), limit=1, lease=LEASE)
        if not claimed:
            break
        written += _attempt(claimed[0], owner, actor_of, tell)
    return written


def _attempt(export_id: int, owner: str, actor_of: ActorOf, tell: Tell) -> bool:
    """One file. What its owner must know is told to him, what is our fault is tried again."""
    try:
        _fulfil(export_id, owner, actor_of, tell)
    except _LostError:
        return False
    except BusinessError as refusal:
        _failed(export_id, owner, actor_of, tell, refusal=refusal)
        return False
    except Exception:
        logger.exception("export %s could not be written", export_id)
        _failed(export_id, owner, actor_of, tell)
        return False
    return True


def _fulfil(export_id: int, owner: str, actor_of: ActorOf, tell: Tell) -> None:
    with _reader() as reader:
        export = reader.get_one(Export, export_id)
        who, wanted = actor_of(reader, export.member_id), export.asked()
        if who is None:
            raise NotAllowedError(_("Your account has been closed."))
        opened = open_list(reader, who, wanted)
        with _new_file() as place:
            with place.open("wb") as file:
                progress = partial(_progress, export_id, owner, total=opened.count)
                rows = _not_more_than(MOST_ROWS, _reported(opened.rows, progress))
                written = _write(file, opened, wanted, rows, by=who)
                file.flush()
                os.fsync(file.fileno())
            # Only now is there a row that names the file: nobody is ever offered half of one.
            with transaction(who) as session:
                now = clock.now()
                kept = leases.mark_done(
                    session, Export, export_id, owner=owner, path=place.name, size=place.stat().st_size,
                    name=file_name(opened.title, wanted.format, by=who), rows_done=written, rows_all=written,
                    finished_at=now, expires_at=now + KEPT_FOR,
                )  # fmt: skip
                if not kept:
                    raise _LostError
                finished = session.get_one(Export, export_id)
                tell_audit(session, wanted, rows=written, export=finished, by=who)
                tell(session, finished)


def _failed(export_id: int, owner: str, actor_of: ActorOf, tell: Tell, *, refusal: BusinessError | None = None) -> None:
    at = clock.now()
    with transaction() as session:
        export = session.get_one(Export, export_id)
        who = actor_of(session, export.member_id)
        is_final = refusal is not None or export.attempts >= Export.max_attempts
        with in_language(who.language if who else ""):
            error = str(refusal.message) if refusal else _BROKEN
        kept = leases.mark_failed(
            session, Export, export_id, owner=owner, error=error, at=at,
            retry_at=None if is_final else at + leases.backoff(export.attempts, _random),
        )  # fmt: skip
        if kept and is_final:
            session.refresh(export)
            export.finished_at = at
            tell(session, export)


@contextmanager
def _reader() -> Iterator[Session]:
    """A session of its own: progress is written beside it while its rows stream."""
    with Session(db.engine) as session:
        yield session


def _reported(rows: Iterable[Sequence[Any]], progress: Callable[[int], None]) -> Iterator[Sequence[Any]]:
    progress(0)
    for number, row in enumerate(rows, start=1):
        yield row
        if number % BATCH == 0:
            progress(number)


def _progress(export_id: int, owner: str, rows: int, *, total: int) -> None:
    """Say how far it is and hold the lease. Raises _LostError."""
    with transaction() as session:
        leases.renew(session, Export, [export_id], owner=owner, at=clock.now(), lease=LEASE)
        if not leases.held_by(session, Export, [export_id], owner=owner):
            raise _LostError
        session.execute(
            update(Export).where(Export.id == export_id).values(rows_done=rows, rows_all=total)
            .execution_options(synchronize_session=False)
        )  # fmt: skip


def _not_more_than(most: int, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    # More may have come since they were counted.
    for number, row in enumerate(rows, start=1):
        if number > most:
            raise _too_many()
        yield row


def _write(file: BinaryIO, opened: Opened, wanted: Wanted, rows: Iterable[Sequence[Any]], *, by: Actor) -> int:
    write = partial(write_xlsx, title=opened.title, scratch=folder()) if wanted.format is Format.xlsx else write_csv
    return write(file, headers=opened.headers, rows=rows, time_zone=by.time_zone, language=by.language)


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def folder() -> Path:
    """Where the files lie: beside the uploads, readable by the program alone."""
    place = Path(current_app.config["UPLOAD_FOLDER"]).with_name("exports")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


@contextmanager
def _new_file() -> Iterator[Path]:
    """An empty file under a random name, which goes again when what is done inside fails."""
    place = folder() / secrets.token_hex(20)
    place.touch(mode=0o600, exist_ok=False)
    try:
        yield place
    except BaseException:
        place.unlink(missing_ok=True)
        raise


def forget(session: Session, *, at: datetime) -> int:
    """Files whose week is over go; what was asked for goes with them. Returns how many. See `remove_strays`."""
    old = session.scalars(select(Export).where(Export.expires_at <= at, ~_unfinished())).all()
    for export in old:
        session.delete(export)
    session.flush()
    return len(old)


def remove_strays() -> int:
    """Remove files that no row names: of forgotten exports, and what a killed worker left. Returns how many."""
    before = (clock.now() - _STRAY_AFTER).timestamp()
    session = db.session()
    named = set(session.scalars(select(Export.path).where(Export.path.is_not(None))))
    session.rollback()
    removed = 0
    for entry in os.scandir(folder()):
        with suppress(FileNotFoundError):  # the one who writes it has just been faster
            if entry.name not in named and entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < before:
                Path(entry).unlink()
                removed += 1
    return removed


__all__ = [
    "AT_ONCE",
    "CONTENT_TYPES",
    "MOST_ROWS",
    "Export",
    "ExportState",
    "Format",
    "Opened",
    "Source",
    "TooManyToExportError",
    "Wanted",
    "ask",
    "cancel",
    "file_name",
    "file_of",
    "folder",
    "forget",
    "mine",
    "open_list",
    "register_source",
    "remove_strays",
    "tell_audit",
    "title_of",
    "why_failed",
    "write_at_once",
    "write_waiting",
]  # fmt: skip
