"""What does one entry of the log tell its reader? For its page, its panel and the interface."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import kinds
from app.audit.details import WHAT, details, doer, people_called, receivers, sharers
from app.audit.records import Named, records_named
from app.audit.rights import withheld
from app.core import history
from app.core.access import Actor
from app.core.audit import ARCHIVED, RESTORED, AuditAction, AuditEvent, AuditSeal, AuditSensitive, is_personal
from app.core.history import Entry, Line
from app.core.i18n import _
from app.security.models import Grant


@dataclass(frozen=True)
class Told:
    """One event with everything that the reader may know of it."""

    event: AuditEvent
    what: Any
    kind: Any
    record: Named | None
    who: str
    in_name_of: str
    lines: Sequence[Line]
    reason: Any
    #: the values of some of its fields were taken out on request
    is_erased: bool
    #: some of it is not told to this reader
    is_withheld: bool
    #: None: not sealed yet
    seal: str | None


def told(session: Session, events: Sequence[AuditEvent], who: Actor) -> list[Told]:
    """Each event in words, in their order; as many queries however many there are."""
    kept = withheld(session, who, events)
    named = records_named(session, who, [(event.table_name, event.record_id) for event in events])
    known = [event for event in events if history.model_of(event.table_name or "") is not None]
    columns: defaultdict[str, set[str]] = defaultdict(set)
    for event in known:
        columns[event.table_name or ""] |= set(event.changes) if event.action is not AuditAction.event else set()
    subjects = {table: kinds.subject(table, names) for table, names in columns.items()}
    entries = {one.id: one for one in history.told(session, known, subjects, who, withheld=kept)}
    people = history.names_of_people(session, [key for one in events for key in (one.actor_id, one.on_behalf_of_id)])
    missing, beside = _erased(session, events), _beside(session, events)
    handed = people_called(session, (key for one in events for key in receivers(one.name, one.changes)))
    shared_with = sharers(session, [one.record_id for one in events if one.table_name == Grant.__tablename__])
    return [
        Told(
            event, _what(event), _kind(event, entries.get(event.id)),
            named.get((event.table_name or "", event.record_id or 0)), _doer(event, people),
            people.get(event.on_behalf_of_id or 0, ""),
            _lines(event, entries.get(event.id), who, _known(event, kept, beside), handed, shared_with),
            entries[event.id].reason if event.id in entries else history.reason_of(event, who.time_zone),
            event.id in missing,
            any(_is_kept(event, column, kept) for column in event.changes),
            _seal_of(session, event.id) if len(events) == 1 else None,
        )
        for event in events
    ]  # fmt: skip


#: (event, field) → old and new value, as far as they were not erased
Beside = Mapping[tuple[int, str], list[Any]]


def _beside(session: Session, events: Iterable[AuditEvent]) -> Beside:
    """The personal values of events proper; those of changes are read by the history."""
    ids = [
        one.id for one in events
        if one.action is AuditAction.event and any(map(is_personal, one.changes.values()))
    ]  # fmt: skip
    rows = session.scalars(select(AuditSensitive).where(AuditSensitive.event_id.in_(ids))) if ids else ()
    return {(row.event_id, row.field): [row.old, row.new] for row in rows}


def _is_kept(event: AuditEvent, column: str, kept: history.Withheld) -> bool:
    """Of an event proper nothing falls under a right to a field but what lies beside the log."""
    return kept(event, column) and (event.action is not AuditAction.event or is_personal(event.changes[column]))


def _known(event: AuditEvent, kept: history.Withheld, beside: Beside) -> Mapping[str, Any]:
    """What the event says, with the personal values that there are and that the reader may know."""
    return {
        column: logged if kept(event, column) else beside.get((event.id, column), logged)
        for column, logged in event.changes.items()
    }


def _lines(
    event: AuditEvent, entry: Entry | None, who: Actor, known: Mapping[str, Any], handed: Mapping[str, str],
    shared_with: Mapping[int, str],
) -> Sequence[Line]:  # fmt: skip
    if event.action is AuditAction.event:
        return tuple(details(event.name, known, who, handed))
    lines = entry.lines if entry is not None else ()
    to = shared_with.get(event.record_id or 0) if event.table_name == Grant.__tablename__ else None
    if to and event.action is AuditAction.change:
        return (Line(_("Shared with"), to, to), *lines)
    return lines


def _kind(event: AuditEvent, entry: Entry | None) -> Any:
    """The kind of record; of a part that has a name, with it ("Right to a field: Customers: Phone number")."""
    label = kinds.kind_label(event.table_name)
    return f"{label}: {entry.title}" if entry is not None and entry.title else label


def _what(event: AuditEvent) -> Any:
    if event.action is AuditAction.event:
        return kinds.event_label(event.name)
    if history.is_taking_back(event):
        return history.BACK
    at = event.changes.get("archived_at") if event.action is AuditAction.change else None
    if at is not None:
        return WHAT[ARCHIVED if at[1] else RESTORED]
    return WHAT[event.action]


def _doer(event: AuditEvent, people: Mapping[int, str]) -> str:
    return str(doer(people.get(event.actor_id or 0), event.origin))


def _erased(session: Session, events: Sequence[AuditEvent]) -> set[int]:
    """Those of which personal values were taken out."""
    personal = [one.id for one in events if any(is_personal(logged) for logged in one.changes.values())]
    if not personal:
        return set()
    kept = set(session.scalars(select(AuditSensitive.event_id).where(AuditSensitive.event_id.in_(personal))))
    return set(personal) - kept


def _seal_of(session: Session, event_id: int) -> str | None:
    link = session.scalars(
        select(AuditSeal).where(AuditSeal.last_id >= event_id).order_by(AuditSeal.last_id).limit(1)
    ).first()
    return link.hash if link is not None and event_id in link.ids else None
