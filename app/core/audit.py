"""Who changed what, from what to what, when? Written by the flush itself, append-only, sealed into a hash chain."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Select,
    String,
    and_,
    event,
    func,
    insert,
    inspect,
    not_,
    or_,
    select,
    text,
    type_coerce,
)  # fmt: skip
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.access import Actor
from app.core.db import LARGEST_ID, Entity, Json, UtcDateTime, queue_up, stored, transaction
from app.core.ddl import declare, refuse_changes

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
    "name_key",
    "addr_key",
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
_LINKS = 16
#: whatever is older, or dated that far ahead, and not sealed yet is told to people: nobody seals, or a clock went wrong
OVERDUE_AFTER = timedelta(minutes=10)
_FINGERPRINT = "hmac:"
#: the event that says of a record that its personal values were taken out of the log
ERASED = "audit.erased"
ARCHIVED, RESTORED = "archived", "restored"
#: a change that puts back what an earlier one replaced; its reason begins with this mark, and tells which and when
BROUGHT_BACK, RESTORES = "brought_back", "restores:"


class AuditAction(StrEnum):
    create = auto()
    change = auto()
    delete = auto()
    event = auto()


class Origin(StrEnum):
    """By which way it came in."""

    page = auto()
    api = auto()
    job = auto()
    command = auto()


class AuditEvent(Entity):
    """One change of one record, or one event (sign-in, publish, …) on it."""

    __tablename__ = "audit_event"
    __audited__ = False
    __table_args__: ClassVar = (
        Index("ix_audit_event_record", "table_name", "record_id"),
        # The list is read from the newest on: by kind and by person too.
        Index("ix_audit_event_kind", "table_name", "at"),
        Index("ix_audit_event_actor", "actor_id", "at"),
        Index("ix_audit_event_name", "name", "id",
              sqlite_where=text("name IS NOT NULL"), postgresql_where=text("name IS NOT NULL")),
        # To look through a million of them: by address, and those few that say why.
        Index("ix_audit_event_address", "address", "at",
              sqlite_where=text("address IS NOT NULL"), postgresql_where=text("address IS NOT NULL")),
        Index("ix_audit_event_reason", "at", "reason",
              sqlite_where=text("reason IS NOT NULL"), postgresql_where=text("reason IS NOT NULL")),
        Index("ix_audit_event_on_behalf_of", "on_behalf_of_id", "id",
              sqlite_where=text("on_behalf_of_id IS NOT NULL"), postgresql_where=text("on_behalf_of_id IS NOT NULL")),
        {"extend_existing": False},
    )  # fmt: skip

    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    #: who did it with his own hands; None: the system, or nobody who is known
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    address: Mapped[str | None] = mapped_column(String(60))
    action: Mapped[AuditAction] = mapped_column(stored(AuditAction))
    #: for events their name ("process.published"), for a change that puts a record away or takes it back ARCHIVED or
    #: RESTORED, for one that takes another one back BROUGHT_BACK; else empty
    name: Mapped[str | None] = mapped_column(String(80))
    table_name: Mapped[str | None] = mapped_column(String(60))
    record_id: Mapped[int | None] = mapped_column()
    #: {column: [old, new]}; of sensitive columns the fingerprints
    changes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    reason: Mapped[str | None] = mapped_column(String(500))
    #: in whose name he did it, where that was not his own (an admin who looks as somebody else)
    on_behalf_of_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), sort_order=1)
    #: None: written before this was noted
    origin: Mapped[Origin | None] = mapped_column(stored(Origin), sort_order=1)


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


#: what happened, as one word: the name of an event, or what was done to the row
WHAT = func.coalesce(AuditEvent.name, type_coerce(AuditEvent.action, String))
_BY_WHAT = "CREATE INDEX ix_audit_event_what ON audit_event ((coalesce(name, action)), at)"
declare("audit_event_what", AuditEvent.__table__, sqlite=(_BY_WHAT,), postgresql=(_BY_WHAT,))

refuse_changes(AuditEvent.__table__, why="the audit log is append-only")
refuse_changes(AuditSeal.__table__, why="the audit log is append-only")
refuse_changes(AuditSensitive.__table__, events=("UPDATE",), why="values of the audit log are erased, never changed")

_key = b""
#: one way to write a value; made once, for a log has many
_as_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def configure(secret: str) -> None:
    """Fingerprints of sensitive values are keyed: equal values look equal, but cannot be guessed from outside."""
    global _key
    _key = hmac.new(secret.encode(), b"tantam audit", hashlib.sha256).digest()


_came_by: ContextVar[Origin] = ContextVar("came_by", default=Origin.command)


def came_by(origin: Origin = Origin.command) -> None:
    """What is written from here on came in by this way. The edge says so for each request, the worker for each run."""
    _came_by.set(origin)


def because(session: Session, reason: str) -> None:
    """Why the rest of this transaction changes what it changes."""
    session.info["reason"] = reason


def _stamp(who: Actor | None) -> dict[str, Any]:
    """Who, in whose name, from where."""
    looks_as_another = who is not None and who.real_user_id is not None
    return {
        "at": clock.now(),
        "actor_id": None if who is None else who.real_user_id if looks_as_another else who.user_id,
        "on_behalf_of_id": who.user_id if who is not None and looks_as_another else None,
        "address": who.address if who else None,
        "origin": _came_by.get(),
    }


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
    personal: Mapping[str, Any] | None = None,
) -> None:
    """Note an event that no changed column tells: a sign-in, a publication, what a Core statement did.

    `personal`: {name: value} of what people typed and may be about people. Like a sensitive column it stands in
    `changes` as its fingerprint. `address` is for events of nobody who is known yet; an actor brings his own.
    """
    who = by or session.info.get("actor")
    stamp = _stamp(who)
    beside = {key: _plain(value) for key, value in (personal or {}).items()}
    written = insert(AuditEvent).values(
        **stamp | {"address": stamp["address"] if who else address},
        action=AuditAction.event,
        name=name,
        table_name=table,
        record_id=record_id,
        changes={**(changes or {}), **{key: [None, _fingerprint(value)] for key, value in beside.items()}},
        reason=reason or session.info.get("reason"),
    )
    if not beside:
        session.execute(written)
        return
    event_id = session.scalars(written.returning(AuditEvent.id)).one()
    session.execute(
        insert(AuditSensitive),
        [{"event_id": event_id, "field": key, "old": None, "new": value} for key, value in beside.items()],
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
    return _FINGERPRINT + hmac.digest(_key, _as_json(_plain(value)).encode(), hashlib.sha256).hex()


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
        if old == new or (is_new and new is False and column.server_default is not None):
            continue  # what a switch is by itself was said by nobody
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


def _named(changes: dict[str, Any], reason: str | None) -> str | None:
    """A change that puts the record away, takes it back, or takes another change back is looked for by that."""
    if "archived_at" in changes:
        _before, after = changes["archived_at"]
        return ARCHIVED if after else RESTORED
    return BROUGHT_BACK if reason is not None and reason.startswith(RESTORES) else None


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
    stamp, reason = _stamp(session.info.get("actor")), session.info.get("reason")
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
                **stamp,
                "action": action,
                "name": _named(changes, reason) if action is AuditAction.change else None,
                "table_name": row.__table__.name,
                "record_id": key[0] if isinstance(key[0], int) else None,
                "changes": changes,
                "reason": reason,
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
#: what a seal binds of an event, and `_values_fit` reads: plain rows, for there are many
_TOLD = select(*AuditEvent.__table__.c)


def _row_hash(row: AuditEvent | Row[Any], number: int | None = None) -> bytes:
    """`number`: as if the row had this one."""
    told = [
        row.id if number is None else number,
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
    if row.on_behalf_of_id is not None or row.origin is not None:  # rows from before have neither
        told += [row.on_behalf_of_id, None if row.origin is None else str(row.origin)]
    return hashlib.sha256(_as_json(told).encode()).digest()


def _link(previous: str, ids: list[int], row_hashes: bytes, at: datetime | None) -> str:
    """`at` None: as seals were made before their moment was part of them."""
    told = previous.encode() + json.dumps(ids).encode() + row_hashes
    return hashlib.sha256(told if at is None else told + at.isoformat().encode()).hexdigest()


def _is_whole(link: AuditSeal, previous: str) -> bool:
    """Does the link follow from the one before, and is all that it says of itself bound by its hash?"""
    ids, hashes = link.ids, link.row_hashes
    return (
        link.previous_hash == previous
        and link.hash in (_link(previous, ids, hashes, link.at), _link(previous, ids, hashes, None))
        and ids[:1] + ids[-1:] == [link.first_id, link.last_id]
    )


def seal() -> int:
    """Bind the events that are old enough to the chain, one batch a transaction. Returns how many were sealed."""
    sealed, until = 0, None
    while True:
        with transaction() as session:
            queue_up(session, "audit.seal")
            last = session.scalars(select(AuditSeal).order_by(AuditSeal.last_id.desc()).limit(1)).first()
            until = _old_enough(session) if until is None else until
            if until is None or (last is not None and last.last_id >= until):
                return sealed
            waiting = _TOLD.where(_is_unsealed(), AuditEvent.id <= until)
            rows = session.execute(waiting.order_by(AuditEvent.id).limit(_SEAL_BATCH)).all()
            ids = [row.id for row in rows]
            hashes = b"".join(_row_hash(row) for row in rows)
            previous, at = last.hash if last else "0" * 64, clock.now()
            session.add(
                AuditSeal(
                    at=at,
                    first_id=ids[0],
                    last_id=ids[-1],
                    ids=ids,
                    row_hashes=hashes,
                    previous_hash=previous,
                    hash=_link(previous, ids, hashes, at),
                )
            )
            sealed += len(rows)


def _is_unsealed() -> ColumnElement[bool]:
    """As long as nothing is sealed, every event, whatever its number."""
    return AuditEvent.id > func.coalesce(select(func.max(AuditSeal.last_id)).scalar_subquery(), -LARGEST_ID)


def _old_enough(session: Session) -> int | None:
    """Up to which event may be sealed? None: there is none.

    In order, without a gap: a row that tells of the past (a clock set back) does not overtake a young one. A row that
    is dated in the future (a clock set wrong, or somebody's forgery) never grows old, and holds nobody up: it is as
    old as what was written behind it, and settled once nobody writes.
    """
    now, writing_since = clock.now(), _writing_since(session)
    young = min(now, writing_since or now) - _SEAL_AFTER
    ahead = AuditEvent.at > now + _SEAL_AFTER
    first_young = session.scalar(
        select(func.min(AuditEvent.id)).where(_is_unsealed(), AuditEvent.at >= young, not_(ahead))
    )
    old = AuditEvent.at < young if writing_since else or_(AuditEvent.at < young, ahead)
    found = select(func.max(AuditEvent.id)).where(_is_unsealed(), old)
    return session.scalar(found if first_young is None else found.where(AuditEvent.id < first_young))


def _writing_since(session: Session) -> datetime | None:
    """Since when does somebody write who may still commit a smaller id? None: nobody does."""
    if session.get_bind().dialect.name != "postgresql":
        return None  # one writer at a time: ids come in the order of commits
    since: datetime | None = session.scalar(
        text(
            "SELECT min(xact_start) FROM pg_stat_activity "
            "WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
        )
    )
    return since


def unsealed() -> Select[int]:
    """The events that wait for their seal."""
    return select(AuditEvent.id).where(_is_unsealed())


def overdue() -> Select[int]:
    """Those of them that should have it by now, or whose moment lies so far ahead that it cannot be right."""
    now = clock.now()
    return unsealed().where(or_(AuditEvent.at < now - OVERDUE_AFTER, AuditEvent.at > now + OVERDUE_AFTER))


@dataclass(frozen=True)
class Broken:
    """The first thing that is not as it was sealed.

    `what`: an event was "changed", "reordered" (it stands under the number of another one), is "missing" or was
    "inserted"; a "seal" of the chain does not fit; a personal
    "value" was changed, or taken out without an erasure; the chain was "cut" behind the event.
    """

    event_id: int | None
    what: str


def newest_seal(session: Session) -> AuditSeal | None:
    return session.scalars(select(AuditSeal).order_by(AuditSeal.id.desc()).limit(1)).first()


def is_sealed(session: Session, seal_hash: str) -> bool:
    """Does the chain hold this seal?"""
    return session.scalar(select(AuditSeal.id).where(AuditSeal.hash == seal_hash)) is not None


def verify(session: Session, *, noted: Collection[str] = (), values: bool = True) -> tuple[int, Broken | None]:
    """Walk the whole chain. Returns how many events were checked and the first changed, missing or reordered one.

    `noted`: hashes of seals that were kept elsewhere; a chain without them was cut short, or written anew. `values`:
    personal values beside the log are compared with their fingerprints too, which only the same secret can do.
    """
    previous, checked, last_id = "0" * 64, 0, -LARGEST_ID
    unseen, erased = set(noted), _erasures(session) if values else {}
    for link in _chain(session):
        if not _is_whole(link, previous):
            return checked, Broken(link.first_id, "seal")
        rows = {row.id: row for row in session.execute(_TOLD.where(_between(AuditEvent.id, last_id, link.last_id)))}
        beside = _beside(session, last_id, link.last_id) if values else {}
        for position, event_id in enumerate(link.ids):
            row = rows.pop(event_id, None)
            if row is None:
                return checked, Broken(event_id, "missing")
            if _row_hash(row) != link.row_hashes[32 * position : 32 * position + 32]:
                return checked, Broken(event_id, "reordered" if _is_of_another(session, row) else "changed")
            if values and not _values_fit(row, beside, erased):
                return checked, Broken(event_id, "value")
            checked += 1
        if rows:
            return checked, Broken(min(rows), "inserted")
        previous, last_id = link.hash, link.last_id
        unseen.discard(link.hash)
    return checked, Broken(last_id if checked else None, "cut") if unseen else None


def _is_of_another(session: Session, row: Row[Any]) -> bool:
    """Was the same thing sealed under the number of another event? Looked for once, when the chain is broken anyway."""
    return any(
        _row_hash(row, number) == link.row_hashes[32 * position : 32 * position + 32]
        for link in _chain(session) for position, number in enumerate(link.ids)
    )  # fmt: skip


def _chain(session: Session) -> Iterator[AuditSeal]:
    """Every link in order, a few at a time: the log may be longer than the memory."""
    after = -LARGEST_ID
    links = select(AuditSeal).order_by(AuditSeal.id).limit(_LINKS).execution_options(populate_existing=True)
    while found := session.scalars(links.where(AuditSeal.id > after)).all():
        yield from found
        after = found[-1].id


def _between(number: Any, after: int, until: int) -> ColumnElement[bool]:
    return and_(number > after, number <= until)


def _erasures(session: Session) -> dict[tuple[str, int], int]:
    """(table, record) → the last event that says that its values were erased."""
    rows = session.execute(
        select(AuditEvent.table_name, AuditEvent.record_id, func.max(AuditEvent.id))
        .where(AuditEvent.name == ERASED).group_by(AuditEvent.table_name, AuditEvent.record_id)
    )  # fmt: skip
    return {(table or "", record_id or 0): last for table, record_id, last in rows}


def _beside(session: Session, after: int, until: int) -> dict[tuple[int, str], list[str | None]]:
    """(event, column) → the fingerprints of what lies beside the log."""
    rows = session.execute(
        select(AuditSensitive.event_id, AuditSensitive.field, AuditSensitive.old, AuditSensitive.new)
        .where(_between(AuditSensitive.event_id, after, until))
    )  # fmt: skip
    return {(event_id, column): [_fingerprint(old), _fingerprint(new)] for event_id, column, old, new in rows}


def is_fingerprint(logged: object) -> bool:
    """Does this stand for a value that lies beside the log?"""
    return isinstance(logged, str) and logged.startswith(_FINGERPRINT)


def is_personal(logged: object) -> bool:
    """Does one side of what stands in `changes` lie beside the log?"""
    return isinstance(logged, list) and any(map(is_fingerprint, logged))


def _values_fit(
    row: AuditEvent | Row[Any],
    beside: Mapping[tuple[int, str], list[str | None]],
    erased: Mapping[tuple[str, int], int],
) -> bool:
    for column, logged in row.changes.items():
        if not is_personal(logged):
            continue
        found = beside.get((row.id, column))
        if found is None and erased.get((row.table_name or "", row.record_id or 0), 0) < row.id:
            return False
        if found is not None and found != logged:
            return False
    return True
