"""How are rows read and written where that happens often? By statements made once; the audit log is told all the same.

What the mapper does, without what it costs. Read: the row is the session's, as if the mapper had loaded it. Written:
who and when stands in the row, `rev` grows, the log tells of it. The engine's rows go this way
(docs/adr/0046-rows-of-the-engine.md); everything else through the session.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from flask_appbuilder import Model
from sqlalchemy import Connection, Executable, bindparam, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.exc import StaleDataError

from app.core import audit
from app.core.db import Entity, Revisioned, Stamped, connection_of, moment
from app.core.later import later
from app.core.numbering import next_ids
from app.core.prepared import Prepared, PreparedRows, inserting

E = TypeVar("E", bound=Model)
M = TypeVar("M", bound=Entity)


def first(session: Session, model: type[E], statement: PreparedRows, values: Mapping[str, Any]) -> E | None:
    """The first row of a statement over the columns of the table, as it is in the database now."""
    session.flush()
    found = statement.read(connection_of(session), values)
    return known(session, model, dict(zip(statement.names, found[0], strict=True))) if found else None


def every(session: Session, model: type[E], statement: Executable, values: Mapping[str, Any]) -> list[E]:
    """All rows of such a statement, which may ask by a list."""
    session.flush()
    return [known(session, model, row._asdict()) for row in connection_of(session).execute(statement, values)]


def known(session: Session, model: type[E], columns: Mapping[str, Any]) -> E:
    """The session's row with these columns, `id` among them, as they were read just now. The others it reads by itself
    when they are asked for."""
    mapper: Any = model.__mapper__
    key = mapper.identity_key_from_primary_key((columns["id"],))
    row: E | None = session.identity_map.get(key)
    if row is not None:
        put(row, columns)
        return row
    row = cast(
        "E", mapper.class_manager.new_instance()
    )  # from here on what the mapper does with a row that it has read
    state = instance_state(row)
    state.dict.update(columns)
    state.expired_attributes.update(_columns(mapper).difference(columns))
    state.key, state.session_id = key, session.hash_key
    session.identity_map.add(state)
    return row


def put(row: Model, columns: Mapping[str, Any]) -> None:
    """What stands in these columns of a row of the session's by now: nothing of it is to be written."""
    state: Any = instance_state(row)
    state.dict.update(columns)
    state._commit(state.dict, columns)


def known_already(session: Session, model: type[Entity], number: int) -> bool:
    """Has the session read this row in its transaction?"""
    row = session.identity_map.get(model.__mapper__.identity_key_from_primary_key((number,)))
    return row is not None and not instance_state(row).expired


@cache
def _columns(mapper: Any) -> frozenset[str]:
    return frozenset(mapper.column_attrs.keys())


def add(session: Session, model: type[Entity], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Write new rows of one table, whole ones: the log tells of the columns that stand in them. Returns their ids."""
    return [row["id"] for row in _written(session, model, rows)] if rows else []


def make(session: Session, model: type[M], **columns: Any) -> M:
    """Write a new row, a whole one, and have it."""
    (written,) = _written(session, model, [columns])
    return known(session, model, written)


def _written(session: Session, model: type[Entity], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    session.flush()  # what they refer to
    table, stamp, connection = model.__table__, _stamp(session, model, is_new=True), connection_of(session)
    written = [{**stamp, **row} for row in rows]
    if len(written) == 1:
        written[0]["id"] = _new_id(connection, table, written[0])
    else:
        for row, number in zip(written, next_ids(session, table, len(written)), strict=True):
            row["id"] = number
        _insert(table, tuple(written[0])).run(connection, written)
    _tell(session, audit.made(session, model, written))
    return written


def change(session: Session, row: Entity, **values: Any) -> None:
    """Give these columns of a row that is loaded other values. Raises StaleDataError when it is another one by now."""
    model = type(row)
    before = {name: getattr(row, name) for name in values}
    new = {name: value for name, value in values.items() if value != before[name]}
    if not new:
        return
    written = new | _stamp(session, model, is_new=False, row=row)
    at_rev = {"row_rev": row.rev} if isinstance(row, Revisioned) else {}
    statement = _update(model.__table__, tuple(written), bool(at_rev))
    done = statement.run(connection_of(session), [{**written, **at_rev, "row_id": row.id}])
    if done.rowcount != 1:
        raise StaleDataError(f"{model.__name__} {row.id} was changed meanwhile")
    put(row, written)
    told = {name: (before[name], value) for name, value in new.items() if audit.is_told(name)}
    _tell(session, audit.changed(session, model, {row.id: told} if told else {}))


def change_all(session: Session, model: type[Entity], ids: Collection[int], **values: Any) -> None:
    """Give these columns, which are empty so far, the same values in all of these rows."""
    if not ids:
        return
    written = values | _stamp(session, model, is_new=False)
    statement = _update(model.__table__, tuple(written), at_its_rev=False)
    statement(session, [written | {"row_id": one} for one in ids])
    for one in ids:
        known = session.identity_map.get(session.identity_key(model, one))
        if known is not None:
            session.expire(known)
    told = {name: (None, value) for name, value in values.items()}
    _tell(session, audit.changed(session, model, dict.fromkeys(ids, told)))


def _tell(session: Session, entries: Sequence[audit.Entry]) -> None:
    for entry in entries:
        later(session, audit.write, entry)


def _stamp(session: Session, model: type[Entity], *, is_new: bool, row: Entity | None = None) -> dict[str, Any]:
    stamp: dict[str, Any] = {}
    if issubclass(model, Stamped):
        actor, now = session.info.get("actor"), moment(session)
        who = actor.user_id if actor else None
        stamp = {"updated_at": now, "updated_by_id": who}
        if is_new:
            stamp |= {"created_at": now, "created_by_id": who}
    if issubclass(model, Revisioned) and (is_new or isinstance(row, Revisioned)):
        stamp["rev"] = row.rev + 1 if isinstance(row, Revisioned) else 1
    return stamp


def _new_id(connection: Connection, table: Any, row: Mapping[str, Any]) -> int:
    if connection.dialect.name == "sqlite":  # which tells the id unasked
        return int(_insert(table, tuple(row)).run(connection, [row]).lastrowid)
    return int(_insert(table, tuple(row), tells_id=True).run(connection, [row]).fetchone()[0])


@cache
def _insert(table: Any, columns: tuple[str, ...], *, tells_id: bool = False) -> Prepared:
    new = inserting(table, columns)
    return Prepared(new.returning(table.c.id) if tells_id else new)


@cache
def _update(table: Any, columns: tuple[str, ...], at_its_rev: bool) -> Any:
    which = table.c.id == bindparam("row_id")
    if at_its_rev:
        which &= table.c.rev == bindparam("row_rev")
    new = {name: bindparam(name, type_=table.c[name].type) for name in columns}
    return Prepared(update(table).where(which).values(new))
