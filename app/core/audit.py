"""Who changed what, from what to what, when? Written by the flush itself, append-only; core.chain seals it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum, auto
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    event,
    func,
    inspect,
    text,
    type_coerce,
)  # fmt: skip
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.access import Actor
from app.core.db import Entity, Json, UtcDateTime, moment, stored
from app.core.ddl import declare, refuse_changes
from app.core.later import later, waits, write_now
from app.core.numbering import next_ids
from app.core.prepared import Prepared, inserting

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
    # How far a run has counted: what it went through is told by its own history.
    "next_token",
    "seq",
    "search_text",
    "search_is_stale",
    "sort_key",
    "name_key",
    "addr_key",
    "forgotten_from",
    "renewed_to",
    # Half-typed, replaced every few seconds; what is handed in is a submission.
    "draft",
}
#: Columns whose value is never kept, not even as a fingerprint.
_SECRET = {("ab_user", "password"), ("setup_link", "token_hash"), ("member_invitation", "token_hash"),
           ("mail_server", "password"), ("receiver", "headers")}  # fmt: skip
#: Beside the columns whose `info` says so: those of tables that are not ours, and what a process holds of answers.
_SENSITIVE = {
    ("ab_user", "first_name"),
    ("ab_user", "last_name"),
    ("ab_user", "email"),
    ("process_instance", "data"),
}
#: Lists of links that are no rows of their own: who has which role, what a role may do.
_LISTS = {"ab_user": ("roles",), "ab_role": ("permissions",)}
_FINGERPRINT = "hmac:"
#: the event that says of a record that its personal values were taken out of the log
ERASED = "audit.erased"
ARCHIVED, RESTORED = "archived", "restored"
#: what of a reason stands in the log
LONGEST_REASON = 500
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
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
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
as_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def configure(secret: str) -> None:
    """Fingerprints of sensitive values are keyed: equal values look equal, but cannot be guessed from outside."""
    global _key
    _key = hmac.new(secret.encode(), b"tantam audit", hashlib.sha256).digest()


_came_by: ContextVar[Origin] = ContextVar("came_by", default=Origin.command)


def came_by(origin: Origin = Origin.command) -> None:
    """What is written from here on came in by this way. The edge says so for each request, the worker for each run."""
    _came_by.set(origin)


def because(session: Session, reason: str) -> None:
    """Why the rest of this transaction changes what it changes; of a long text the log keeps the beginning."""
    session.info["reason"] = reason[:LONGEST_REASON]


def _stamp(session: Session, who: Actor | None) -> dict[str, Any]:
    """Who, in whose name, from where."""
    looks_as_another = who is not None and who.real_user_id is not None
    return {
        "at": moment(session),
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
    stamp = _stamp(session, who)
    beside = {key: _plain(value) for key, value in (personal or {}).items()}
    told = {
        **stamp | {"address": stamp["address"] if who else address},
        "action": AuditAction.event,
        "name": name,
        "table_name": table,
        "record_id": record_id,
        "changes": {**(changes or {}), **{key: [None, fingerprint(value)] for key, value in beside.items()}},
        "reason": reason[:LONGEST_REASON] if reason else session.info.get("reason"),
    }
    session.flush()
    _tell(session, [(told, {key: (None, value) for key, value in beside.items()})])


#: what JSON knows as it is
_AS_IT_IS = frozenset({type(None), bool, int, float, str, list, dict})


def _plain(value: Any) -> Any:
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, int | float | str | list | dict) else str(value)


def fingerprint(value: Any) -> str | None:
    """What stands in the log for a value that lies beside it."""
    if value is None:
        return None
    return _FINGERPRINT + hmac.digest(_key, as_json(_plain(value)).encode(), hashlib.sha256).hex()


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
            told[attribute.key] = [_hidden(old), _hidden(new)]
        elif _is_sensitive(column):
            told[attribute.key] = [fingerprint(old), fingerprint(new)]
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


def _hidden(secret: Any) -> str | None:
    return "…" if secret else None


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


#: what is written of one row, and beside it the clear values of its sensitive columns
Entry = tuple[dict[str, Any], dict[str, tuple[Any, Any]]]


@event.listens_for(Session, "after_flush")
def _write_events(session: Session, _context: object) -> None:
    stamp, reason = _stamp(session, session.info.get("actor")), session.info.get("reason")
    entries: list[Entry] = []
    for row, action in list(_flushed(session)):
        if not getattr(type(row), "__audited__", True):
            continue
        changes, sensitive = _changes(row, is_new=action is AuditAction.create, is_gone=action is AuditAction.delete)
        if action is AuditAction.change and not changes:
            continue
        key = inspect(row).identity or inspect(row).mapper.primary_key_from_instance(row)
        entry = {
            **stamp,
            "action": action,
            "name": _named(changes, reason) if action is AuditAction.change else None,
            "table_name": str(row.__table__.name),
            "record_id": key[0] if isinstance(key[0], int) else None,
            "changes": changes,
            "reason": reason,
        }
        entries.append((entry, sensitive))
    _tell(session, entries)


def made(session: Session, model: type[Entity], rows: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """What a flush would have told of these new rows, where a statement made them. Each has its id."""
    told = _columns_told(model.__table__)
    return [
        _entry(session, model, AuditAction.create, row["id"], {
            name: (None, new) for name, new in row.items()
            if new is not None and name in told and not (new is False and told[name].is_switch)
        }) for row in rows
    ]  # fmt: skip


def changed(
    session: Session, model: type[Entity], rows: Mapping[int, Mapping[str, tuple[Any, Any]]]
) -> list[Entry]:  # fmt: skip
    """What a flush would have told of these rows, which a statement changed: id → column → (before, after)."""
    return [_entry(session, model, AuditAction.change, number, changes) for number, changes in rows.items()]


def record_made(session: Session, model: type[Entity], rows: Sequence[Mapping[str, Any]]) -> None:
    _tell(session, made(session, model, rows))


def record_changed(session: Session, model: type[Entity], rows: Mapping[int, Mapping[str, tuple[Any, Any]]]) -> None:
    _tell(session, changed(session, model, rows))


def _tell(session: Session, entries: Sequence[Entry]) -> None:
    """Into the log with them, behind what happened before: where that has to wait, they wait with it."""
    if waits(session):
        for entry in entries:
            later(session, write, entry)
    elif entries:
        write_now(session)
        write(session, entries)


def _entry(
    session: Session, model: type[Entity], action: AuditAction, number: int, values: Mapping[str, tuple[Any, Any]]
) -> Entry:  # fmt: skip
    told, sensitive = _columns_told(model.__table__), {}
    changes: dict[str, Any] = {}
    for name, (old, new) in values.items():
        old, new = _plain(old), _plain(new)
        if told[name].is_secret:
            old, new = _hidden(old), _hidden(new)
        elif told[name].is_sensitive:
            sensitive[name] = old, new
            old, new = fingerprint(old), fingerprint(new)
        changes[name] = [old, new]
    reason = session.info.get("reason")
    return {
        **_stamp(session, session.info.get("actor")), "action": action,
        "name": _named(changes, reason) if action is AuditAction.change else None,
        "table_name": _name_of(model.__table__), "record_id": number, "changes": changes, "reason": reason,
    }, sensitive  # fmt: skip


def is_told(name: str) -> bool:
    """Does a change of the column of this name say anything of what was done?"""
    return name not in _TECHNICAL


def _is_sensitive(column: Column[Any]) -> bool:
    return bool(column.info.get("sensitive")) or (column.table.name, column.name) in _SENSITIVE


@dataclass(frozen=True)
class _Told:
    """What the log has to know of a column of which it tells."""

    is_sensitive: bool
    #: whose value is never kept
    is_secret: bool
    #: what it is by itself was said by nobody
    is_switch: bool


@cache
def _name_of(table: Any) -> str:
    """A plain text: SQLAlchemy's own kind of it costs the driver of SQLite 40 µs each time."""
    return str(table.name)


@cache
def _columns_told(table: Any) -> Mapping[str, _Told]:
    return {
        column.name: _Told(
            _is_sensitive(column), (table.name, column.name) in _SECRET, column.server_default is not None
        ) for column in table.c
        if column.name not in _TECHNICAL and not column.primary_key
    }  # fmt: skip


_COLUMNS = ("at", "actor_id", "on_behalf_of_id", "address", "origin", "action", "name", "table_name", "record_id",
            "changes", "reason")  # fmt: skip
_ADD = Prepared(inserting(AuditEvent.__table__, _COLUMNS))
_ADD_NUMBERED = Prepared(inserting(AuditEvent.__table__, ("id", *_COLUMNS)))
_ADD_SENSITIVE = Prepared(inserting(AuditSensitive.__table__, ("event_id", "field", "old", "new")))


def write(session: Session, entries: Sequence[Entry]) -> None:
    """Put these into the log, in their order."""
    if not any(sensitive for _told, sensitive in entries):
        if entries:
            _ADD(session, [told for told, _sensitive in entries])
        return
    # By one statement, though each has to be known by its id; they come in the order in which the rows were changed.
    ids = next_ids(session, AuditEvent.__table__, len(entries))
    numbered = list(zip(ids, entries, strict=True))
    _ADD_NUMBERED(session, [{**told, "id": number} for number, (told, _sensitive) in numbered])
    values = [
        {"event_id": number, "field": name, "old": old, "new": new}
        for number, (_told, sensitive) in numbered
        for name, (old, new) in sensitive.items()
    ]
    _ADD_SENSITIVE(session, values)


def is_fingerprint(logged: object) -> bool:
    """Does this stand for a value that lies beside the log?"""
    return isinstance(logged, str) and logged.startswith(_FINGERPRINT)


def is_personal(logged: object) -> bool:
    """Does one side of what stands in `changes` lie beside the log?"""
    return isinstance(logged, list) and any(map(is_fingerprint, logged))
