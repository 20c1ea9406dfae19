"""Who changed what, from what to what, when? Written by the flush itself, append-only, sealed into a hash chain."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, LargeBinary, String, event, insert, inspect, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.access import Actor
from app.core.db import Entity, Json, UtcDateTime, queue_up, stored, transaction
from app.core.ddl import refuse_changes

#: Columns that say nothing about what was done.
_TECHNICAL = {
    "rev",
    "created_at",
    "updated_at",
    "created_by_id",
    "updated_by_id",
    "changed_on",
    "created_on",
    "changed_by_fk",
    "created_by_fk",
    "last_login",
    "login_count",
    "fail_login_count",
    "rights_version",
    "search_text",
    "sort_key",
    # Half-typed, replaced every few seconds; what is handed in is a submission.
    "draft",
}
#: Columns whose value is never kept, not even as a fingerprint.
_SECRET = {("ab_user", "password"), ("setup_link", "token_hash"), ("member_invitation", "token_hash")}
#: Beside the columns whose `info` says so: those of tables that are not ours, and what a process holds of answers.
_SENSITIVE = {
    ("ab_user", "first_name"),
    ("ab_user", "last_name"),
    ("ab_user", "email"),
    ("process_instance", "data"),
}
#: Lists of links that are no rows of their own: who has which role, what a role may do.
_LISTS = {"ab_user": ("roles",), "ab_role": ("permissions",)}
# Rows younger than this are not sealed yet: a transaction begun earlier may still commit a smaller id.
_SEAL_AFTER = timedelta(seconds=60)
_SEAL_BATCH = 1_000


class AuditAction(StrEnum):
    create = auto()
    change = auto()
    delete = auto()
    event = auto()


class AuditEvent(Entity):
    """One change of one record, or one event (sign-in, publish, …) on it."""

    __tablename__ = "audit_event"
    __audited__ = False
    __table_args__: ClassVar = (Index("ix_audit_event_record", "table_name", "record_id"), {"extend_existing": False})

    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    address: Mapped[str | None] = mapped_column(String(60))
    action: Mapped[AuditAction] = mapped_column(stored(AuditAction))
    #: for events their name ("process.published"), else empty
    name: Mapped[str | None] = mapped_column(String(80))
    table_name: Mapped[str | None] = mapped_column(String(60))
    record_id: Mapped[int | None] = mapped_column()
    #: {column: [old, new]}; of sensitive columns the fingerprints
    changes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    reason: Mapped[str | None] = mapped_column(String(500))


class AuditSensitive(Entity):
    """The old and new value of a sensitive column: erasable without breaking the chain."""

    __tablename__ = "audit_sensitive"
    __audited__ = False

    event_id: Mapped[int] = mapped_column(ForeignKey("audit_event.id", ondelete="RESTRICT"), index=True)
    field: Mapped[str] = mapped_column(String(60))
    old: Mapped[Any] = mapped_column(Json, nullable=True)
    new: Mapped[Any] = mapped_column(Json, nullable=True)


class AuditSeal(Entity):
    """One link of the chain: the fingerprints of a batch of events, bound to all links before it."""

    __tablename__ = "audit_seal"
    __audited__ = False

    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    first_id: Mapped[int] = mapped_column(unique=True)
    last_id: Mapped[int] = mapped_column(unique=True)
    #: the ids in order
    ids: Mapped[list[int]] = mapped_column(Json)
    #: 32 bytes an event, in the order of `ids`
    row_hashes: Mapped[bytes] = mapped_column(LargeBinary)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


refuse_changes(AuditEvent.__table__, why="the audit log is append-only")
refuse_changes(AuditSeal.__table__, why="the audit log is append-only")

_key = b""


def configure(secret: str) -> None:
    """Fingerprints of sensitive values are keyed: equal values look equal, but cannot be guessed from outside."""
    global _key
    _key = hmac.new(secret.encode(), b"tantam audit", hashlib.sha256).digest()


def record(
    session: Session,
    name: str,
    *,
    table: str | None = None,
    record_id: int | None = None,
    changes: dict[str, Any] | None = None,
    reason: str | None = None,
    by: Actor | None = None,
    address: str | None = None,
) -> None:
    """Note an event that no changed column tells: a sign-in, a publication, what a Core statement did.

    `address` is for events of nobody who is known yet; an actor brings his own.
    """
    who = by or session.info.get("actor")
    session.execute(
        insert(AuditEvent).values(
            at=clock.now(),
            actor_id=who.user_id if who else None,
            address=who.address if who else address,
            action=AuditAction.event,
            name=name,
            table_name=table,
            record_id=record_id,
            changes=changes or {},
            reason=reason,
        )
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    return str(value)


def _fingerprint(value: Any) -> str | None:
    if value is None:
        return None
    told = json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)
    return "hmac:" + hmac.new(_key, told.encode(), hashlib.sha256).hexdigest()


def _changes(row: Any, *, is_new: bool, is_gone: bool) -> tuple[dict[str, Any], dict[str, tuple[Any, Any]]]:
    """{column: [old, new]} and, beside it, the clear values of the sensitive ones."""
    state = inspect(row)
    told: dict[str, Any] = {}
    sensitive: dict[str, tuple[Any, Any]] = {}
    for attribute in state.mapper.column_attrs:
        column = attribute.columns[0]
        if attribute.key in _TECHNICAL or column.primary_key:
            continue
        if is_new:
            old, new = None, getattr(row, attribute.key)
        elif is_gone:
            old, new = getattr(row, attribute.key), None
        else:
            history = state.attrs[attribute.key].history
            if not history.has_changes():
                continue
            old = history.deleted[0] if history.deleted else None
            new = history.added[0] if history.added else None
        old, new = _plain(old), _plain(new)
        if old == new:
            continue
        if (column.table.name, column.name) in _SECRET:
            told[attribute.key] = ["…" if old else None, "…" if new else None]
        elif column.info.get("sensitive") or (column.table.name, column.name) in _SENSITIVE:
            told[attribute.key] = [_fingerprint(old), _fingerprint(new)]
            sensitive[attribute.key] = (old, new)
        else:
            told[attribute.key] = [old, new]
    for name in () if is_gone else _LISTS.get(row.__table__.name, ()):
        history = state.attrs[name].history
        if history.has_changes():
            kept = [str(item) for item in history.unchanged or ()]
            told[name] = [
                sorted(kept + [str(item) for item in changed or ()]) for changed in (history.deleted, history.added)
            ]
    return told, sensitive


def _flushed(session: Session) -> Iterator[tuple[Any, AuditAction]]:
    for row in session.new:
        yield row, AuditAction.create
    for row in session.dirty:
        if session.is_modified(row):
            yield row, AuditAction.change
    for row in session.deleted:
        yield row, AuditAction.delete


@event.listens_for(Session, "after_flush")
def _write_events(session: Session, _context: object) -> None:
    actor: Actor | None = session.info.get("actor")
    at = clock.now()
    entries: list[dict[str, Any]] = []
    beside: list[dict[str, tuple[Any, Any]]] = []
    for row, action in list(_flushed(session)):
        if not getattr(type(row), "__audited__", True):
            continue
        changes, sensitive = _changes(row, is_new=action is AuditAction.create, is_gone=action is AuditAction.delete)
        if action is AuditAction.change and not changes:
            continue
        key = inspect(row).identity or inspect(row).mapper.primary_key_from_instance(row)
        entries.append(
            {
                "at": at,
                "actor_id": actor.user_id if actor else None,
                "address": actor.address if actor else None,
                "action": action,
                "name": None,
                "table_name": row.__table__.name,
                "record_id": key[0] if isinstance(key[0], int) else None,
                "changes": changes,
                "reason": None,
            }
        )
        beside.append(sensitive)
    if not any(beside):
        if entries:
            session.execute(insert(AuditEvent), entries)
        return
    # One statement for all, so that their ids come in the order in which the rows were changed.
    written = insert(AuditEvent).returning(AuditEvent.id, sort_by_parameter_order=True)
    values = [
        {"event_id": event_id, "field": name, "old": old, "new": new}
        for event_id, sensitive in zip(session.scalars(written, entries), beside, strict=True)
        for name, (old, new) in sensitive.items()
    ]
    session.execute(insert(AuditSensitive), values)


# ── the chain ──
def _row_hash(row: AuditEvent) -> bytes:
    told = [
        row.id,
        row.at.isoformat(),
        row.actor_id,
        row.address,
        str(row.action),
        row.name,
        row.table_name,
        row.record_id,
        row.changes,
        row.reason,
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).digest()


def _link(previous: str, ids: list[int], row_hashes: bytes) -> str:
    return hashlib.sha256(previous.encode() + json.dumps(ids).encode() + row_hashes).hexdigest()


def seal() -> int:
    """Bind the events that are old enough to the chain, one batch a transaction. Returns how many were sealed."""
    sealed = 0
    while True:
        with transaction() as session:
            queue_up(session, "audit.seal")
            last = session.scalars(select(AuditSeal).order_by(AuditSeal.last_id.desc()).limit(1)).first()
            young = _all_written(session) - _SEAL_AFTER
            waiting = select(AuditEvent).where(AuditEvent.id > (last.last_id if last else 0))
            # In order, without a gap: a row that tells of the past (a clock set back) does not overtake a young one.
            found = session.scalars(waiting.order_by(AuditEvent.id).limit(_SEAL_BATCH)).all()
            rows = found[: next((place for place, row in enumerate(found) if row.at >= young), len(found))]
            if not rows:
                return sealed
            ids = [row.id for row in rows]
            hashes = b"".join(_row_hash(row) for row in rows)
            previous = last.hash if last else "0" * 64
            session.add(
                AuditSeal(
                    first_id=ids[0],
                    last_id=ids[-1],
                    ids=ids,
                    row_hashes=hashes,
                    previous_hash=previous,
                    hash=_link(previous, ids, hashes),
                )
            )
            sealed += len(rows)


def _all_written(session: Session) -> datetime:
    """Up to which moment is every event there that ever will be? A long transaction holds smaller ids back."""
    now = clock.now()
    if session.get_bind().dialect.name != "postgresql":
        return now  # one writer at a time: ids come in the order of commits
    begun = session.scalar(
        text(
            "SELECT min(xact_start) FROM pg_stat_activity "
            "WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
        )
    )
    return min(now, begun) if begun else now


@dataclass(frozen=True)
class Broken:
    """The first thing that is not as it was sealed."""

    event_id: int | None
    what: str


def verify(session: Session) -> tuple[int, Broken | None]:
    """Walk the whole chain. Returns how many events were checked and the first changed, missing or reordered one."""
    previous, checked, last_id = "0" * 64, 0, 0
    for link in session.scalars(select(AuditSeal).order_by(AuditSeal.id)):
        if link.previous_hash != previous or link.hash != _link(previous, link.ids, link.row_hashes):
            return checked, Broken(link.first_id, "seal")
        rows = {
            row.id: row
            for row in session.scalars(
                select(AuditEvent)
                .where(AuditEvent.id > last_id, AuditEvent.id <= link.last_id)
                .execution_options(populate_existing=True)
            )
        }
        for position, event_id in enumerate(link.ids):
            row = rows.pop(event_id, None)
            if row is None:
                return checked, Broken(event_id, "missing")
            if _row_hash(row) != link.row_hashes[32 * position : 32 * position + 32]:
                return checked, Broken(event_id, "changed")
            checked += 1
        if rows:
            return checked, Broken(min(rows), "inserted")
        previous, last_id = link.hash, link.last_id
        session.expire_all()
    return checked, None


def seal_job() -> None:
    """The worker's entry: seal what is old enough."""
    seal()
