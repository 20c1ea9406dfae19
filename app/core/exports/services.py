"""What does one do with a file of rows? Ask for it, cancel it, fetch it; and it is told to the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.core import audit, clock, leases
from app.core.access import Actor
from app.core.db import queue_up
from app.core.errors import ConflictError, NotFoundError, Sentence
from app.core.exports.disk import folder
from app.core.exports.models import Export, ExportState, exports_of, is_unfinished
from app.core.exports.sources import Wanted, source_for
from app.core.i18n import _, ngettext
from app.core.leases import LeaseState

MOST_UNFINISHED = 3
KEPT_FOR = timedelta(days=7)
#: the reasons that are kept in English, as leases keeps its own
BROKEN = "Internal error, see the log."


def ask(session: Session, wanted: Wanted, *, rows: int, by: Actor) -> Export:
    """Let the worker write the file. Raises ConflictError while MOST_UNFINISHED of his are not written yet."""
    source_for(wanted.list_key, by)
    assert by.user_id is not None
    queue_up(session, f"export.{by.user_id}")
    unfinished = select(func.count()).where(exports_of(by, "view"), is_unfinished())
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
        .where(Export.id == export.id, is_unfinished())
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
    source_for(export.list_key, by)
    place = folder() / export.path
    if not place.is_file():
        raise NotFoundError
    return place


def why_failed(export: Export) -> Sentence:
    """What its owner reads. A refusal is kept in the language that he read at the time."""
    return _REASONS.get(export.last_error or BROKEN, export.last_error)


_REASONS: Mapping[str, Sentence] = {
    BROKEN: _("Something broke on our side. The log of the worker tells what. Please ask for the file again."),
    leases.WORN_OUT: _("The worker stopped over it several times. Please narrow the list and ask for the file again."),
}


def tell_audit(session: Session, wanted: Wanted, *, rows: int, export: Export | None = None, by: Actor) -> None:
    """Who took which rows away. Raises NotAllowedError when he may not."""
    source_for(wanted.list_key, by)
    told = asdict(wanted) | {"rows": rows}
    # What somebody looked for may name whom he looked for.
    arguments = [list(one) for one in told.pop("arguments")]
    changes = {name: [None, list(value) if isinstance(value, tuple) else value] for name, value in told.items()}
    audit.record(
        session, "export", table=Export.__tablename__, record_id=export.id if export else None, changes=changes, by=by,
        personal={"arguments": arguments} if arguments else None,
    )  # fmt: skip


def forget(session: Session, *, at: datetime) -> int:
    """Files whose week is over go; what was asked for goes with them. Returns how many. See `remove_strays`."""
    old = session.scalars(select(Export).where(Export.expires_at <= at, ~is_unfinished())).all()
    for export in old:
        session.delete(export)
    session.flush()
    return len(old)
