"""How do the rows get into the file? At once for a short list; by the worker, in its owner's name, for a long one."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from random import SystemRandom
from typing import Any, BinaryIO

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.core import clock, leases
from app.core.access import Actor
from app.core.db import db, transaction
from app.core.errors import BusinessError, NotAllowedError
from app.core.exports import sources
from app.core.exports.disk import file_name, folder, new_file
from app.core.exports.models import Export
from app.core.exports.services import BROKEN, KEPT_FOR, tell_audit
from app.core.exports.sources import Format, Opened, Wanted
from app.core.i18n import _, in_language
from app.core.sheets import write_csv, write_xlsx

logger = logging.getLogger(__name__)

#: rows between two looks at whether it is still wanted
BATCH = 1_000
LEASE = timedelta(seconds=120)
#: after so long no new file is begun: a run without end would pass for one that hangs (worker.Job.limit)
LONGEST_RUN = timedelta(minutes=5)

_random = SystemRandom()


def write_at_once(file: BinaryIO, opened: Opened, wanted: Wanted, *, by: Actor) -> int:
    """Write the list into `file`, outside of a transaction, and return its rows. Tell of it with `tell_audit` then.

    Raises TooManyToExportError when the list has grown meanwhile past what was counted.
    """
    return _write(file, opened, wanted, _not_more_than(sources.MOST_ROWS, opened.rows), by=by)


# ── the worker ──
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
        opened = sources.open_list(reader, who, wanted)
        with new_file() as place:
            with place.open("wb") as file:
                progress = partial(_progress, export_id, owner, total=opened.count)
                rows = _not_more_than(sources.MOST_ROWS, _reported(opened.rows, progress))
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
            error = str(refusal.message) if refusal else BROKEN
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
            raise sources.too_many()
        yield row


def _write(file: BinaryIO, opened: Opened, wanted: Wanted, rows: Iterable[Sequence[Any]], *, by: Actor) -> int:
    write = partial(write_xlsx, title=opened.title, scratch=folder()) if wanted.format is Format.xlsx else write_csv
    return write(file, headers=opened.headers, rows=rows, time_zone=by.time_zone, language=by.language)
