"""How are rows written where many are written at once, and often? By statements made once, told of in the audit log.

What the mapper does in a flush, without what a flush costs: who and when stands in the row, `rev` grows, the log tells
of it. The engine's rows go this way (docs/adr/0046-rows-of-the-engine.md); everything else through the session.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, insert, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from app.core import audit, clock
from app.core.db import Entity, Revisioned, Stamped
from app.core.later import later
from app.core.numbering import next_ids


def add(session: Session, model: type[Entity], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Write new rows of one table, whole ones: the log tells of the columns that stand in them. Returns their ids."""
    if not rows:
        return []
    written = [{**_stamp(session, model, is_new=True), **row} for row in rows]
    statement = _insert(model.__table__)
    if len(written) == 1:
        written[0]["id"] = _id(session.connection().execute(statement, written[0]))
    else:
        for row, number in zip(written, next_ids(session, model.__table__, len(written)), strict=True):
            row["id"] = number
        session.connection().execute(statement, written)
    _tell(session, audit.made(session, model, written))
    return [row["id"] for row in written]


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
    done = session.connection().execute(statement, {**written, **at_rev, "row_id": row.id})
    if done.rowcount != 1:
        raise StaleDataError(f"{model.__name__} {row.id} was changed meanwhile")
    for name, value in written.items():
        set_committed_value(row, name, value)
    told = {name: (before[name], value) for name, value in new.items() if audit.is_told(name)}
    _tell(session, audit.changed(session, model, {row.id: told} if told else {}))


def change_all(session: Session, model: type[Entity], ids: Collection[int], **values: Any) -> None:
    """Give these columns, which are empty so far, the same values in all of these rows."""
    if not ids:
        return
    written = values | _stamp(session, model, is_new=False)
    statement = _update(model.__table__, tuple(written), at_its_rev=False)
    session.connection().execute(statement, [written | {"row_id": one} for one in ids])
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
        actor, now = session.info.get("actor"), clock.now()
        who = actor.user_id if actor else None
        stamp = {"updated_at": now, "updated_by_id": who}
        if is_new:
            stamp |= {"created_at": now, "created_by_id": who}
    if issubclass(model, Revisioned) and (is_new or isinstance(row, Revisioned)):
        stamp["rev"] = row.rev + 1 if isinstance(row, Revisioned) else 1
    return stamp


def _id(done: Any) -> int:
    return int(done.inserted_primary_key[0])


@cache
def _insert(table: Any) -> Any:
    return insert(table)


@cache
def _update(table: Any, columns: tuple[str, ...], at_its_rev: bool) -> Any:
    which = table.c.id == bindparam("row_id")
    if at_its_rev:
        which &= table.c.rev == bindparam("row_rev")
    return update(table).where(which).values({name: bindparam(name, type_=table.c[name].type) for name in columns})
