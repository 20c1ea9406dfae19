"""Is the audit log as it was written? Its events are sealed into a hash chain, which is walked to find out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, not_, or_, select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.audit import ERASED, AuditEvent, AuditSeal, AuditSensitive, as_json, fingerprint, is_personal
from app.core.db import LARGEST_ID, queue_up, transaction

# Rows younger than this are not sealed yet: a transaction begun earlier may still commit a smaller id.
_SEAL_AFTER = timedelta(seconds=60)
_SEAL_BATCH = 1_000
_LINKS = 16
#: whatever is older, or dated that far ahead, and not sealed yet is told to people: nobody seals, or a clock went wrong
OVERDUE_AFTER = timedelta(minutes=10)
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
    return hashlib.sha256(as_json(told).encode()).digest()


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
    return {(event_id, column): [fingerprint(old), fingerprint(new)] for event_id, column, old, new in rows}


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
