"""Who may read what of the audit log, and how is it told?"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    String,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)  # fmt: skip
from sqlalchemy.orm import Session, aliased

from app.audit import kinds
from app.audit.kinds import EVENTS, KINDS, Kind
from app.core import audit, exports, history
from app.core.access import SYSTEM, Actor, Scope, has_row_rule, row_rule, visible
from app.core.accounts import User
from app.core.audit import (
    ARCHIVED,
    BROUGHT_BACK,
    RESTORED,
    RESTORES,
    AuditAction,
    AuditEvent,
    AuditSeal,
    AuditSensitive,
    Origin,
    is_fingerprint,
    is_personal,
)
from app.core.exports import Export
from app.core.guarded import key_of
from app.core.history import HAPPENED, Entry, Happened, Line
from app.core.i18n import _
from app.core.vietnamese import fold
from app.security.models import Grant, Member, Team, TeamMember
from app.security.shares import SHARE

#: a code that somebody typed into the search names at most this many records
_MOST_NAMED = 50
#: members whose name is looked through for a search
_MOST_PEOPLE = 2000
_PERSONAL = _("(personal)")

#: what happened, by the value of core.audit.WHAT: changes of records first, then events
WHAT: Mapping[str, Any] = {
    "create": HAPPENED[Happened.created], "change": HAPPENED[Happened.changed], BROUGHT_BACK: history.BACK,
    ARCHIVED: HAPPENED[Happened.archived], RESTORED: HAPPENED[Happened.restored],
    "delete": HAPPENED[Happened.deleted], **{name: one.label for name, one in EVENTS.items()},
}  # fmt: skip


@row_rule(AuditEvent)
def _events(actor: Actor, action: str) -> ColumnElement[bool]:
    """One's own deeds, those of the people in one's teams, or all. Who did it counts, not what it was done to."""
    scope = actor.scope("Audit", action)
    if scope is Scope.all:
        return true()
    if scope is Scope.none or actor.user_id is None:
        return false()
    own = or_(AuditEvent.actor_id == actor.user_id, AuditEvent.on_behalf_of_id == actor.user_id)
    if scope is Scope.own:
        return own
    teams = actor.team_ids if scope is Scope.team else actor.subtree_team_ids | actor.headed_team_ids
    colleagues = select(TeamMember.member_id).where(TeamMember.team_id.in_(sorted(teams)))
    return or_(own, AuditEvent.actor_id.in_(colleagues))


# ── which record ──
@dataclass(frozen=True)
class Named:
    """A record that the reader may see."""

    title: str
    url: str | None


Records = Mapping[tuple[str, int], Named]


def records_named(
    session: Session, who: Actor, keys: Iterable[tuple[str | None, int | None]], *, by_code: bool = False
) -> Records:
    """Those of these (table, id) that the reader may see, by what they are called now; one query for all tables.

    A row that is a part of a record is called as that is, a share as what is shared (one query more). `by_code`: whose
    name is personal is called by its code.
    """
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for table, record_id in keys:
        if table is not None and table in KINDS and record_id is not None:
            wanted[table].add(record_id)
    shared = _shared(session, wanted.pop(Grant.__tablename__, ()))
    for table, record_id in shared.values():
        wanted[table].add(record_id)
    found = _named(session, who, wanted, by_code)
    return found | {(Grant.__tablename__, key): found[of] for key, of in shared.items() if of in found}


def _shared(session: Session, ids: Collection[int]) -> dict[int, tuple[str, int]]:
    """Share → (table, id) of what it opens."""
    tables = {word: table for table in KINDS for word in _words_of(table)}
    rows = session.execute(select(Grant.id, Grant.resource, Grant.record_id).where(Grant.id.in_(ids))) if ids else ()
    return {key: (tables[resource], number) for key, resource, number in rows if resource in tables}


def _named(
    session: Session, who: Actor, wanted: Mapping[str, Collection[int]], by_code: bool
) -> dict[tuple[str, int], Named]:
    parts = [part for table, ids in wanted.items() if (part := _titles(table, ids, who, by_code)) is not None]
    if not parts:
        return {}
    rows: Any = parts[0] if len(parts) == 1 else union_all(*parts)
    found: dict[tuple[str, int], Named] = {}
    for table, record_id, titled, title_id, title in session.execute(rows):
        known = KINDS[titled]
        found[table, record_id] = Named(known.called(title or ""), known.path(title_id) if known.path else None)
    return found


def _titles(table: str, ids: Collection[int], who: Actor, by_code: bool) -> Any:
    """(table, id, table of the record, id of the record, its title)."""
    model, known, titled = history.model_of(table), KINDS[table], table
    if model is None:
        return None
    rows, whole, key = model, model, model.id
    condition: ColumnElement[bool] = true()
    if known.beside:
        titled = known.beside
        rows = whole = history.model_of(titled)
        key = rows.id
    while KINDS[titled].part_of is not None:
        column, titled = KINDS[titled].part_of  # type: ignore[misc]  # checked a line above
        above = history.model_of(titled)
        condition = and_(condition, getattr(whole, column) == above.id)
        whole = above
    if has_row_rule(whole):
        condition = and_(condition, visible(whole, who))
    elif not who.may("view", KINDS[titled].resource):
        return None
    column = _CODES[titled] if by_code and titled in _CODES and titled != Team.__tablename__ else KINDS[titled].title
    title = getattr(whole, column) if column else literal("")
    return select(
        literal(table).label("t"), key.label("i"), literal(titled).label("w"), whole.id.label("wi"),
        cast(title, String).label("n"),
    ).where(key.in_(ids), condition)  # fmt: skip


def reason_of() -> ColumnElement[Any]:
    """Why, as `history.reason_text` reads it. Only a change takes another one back: what else begins with that mark was
    typed by somebody, and stands in quotation marks."""
    is_typed = and_(AuditEvent.action != AuditAction.change, AuditEvent.reason.startswith(RESTORES))
    return case((is_typed, "“" + AuditEvent.reason + "”"), else_=AuditEvent.reason)


def record_of() -> ColumnElement[str]:
    """Which record, as one value of a list."""
    return func.coalesce(AuditEvent.table_name, "") + ":" + func.coalesce(cast(AuditEvent.record_id, String), "")


def record_key(value: str) -> tuple[str | None, int | None]:
    """What `record_of` says."""
    table, _colon, row_id = value.rpartition(":")
    return table or None, int(row_id) if row_id else None


def record_in_words(value: str, records: Records) -> str:
    """For a file: the kind and what the record is called there, or its number where the reader may not see it."""
    table, row_id = record_key(value)
    if table is None or row_id is None:
        return ""
    named = records.get((table, row_id))
    return (
        f"{kinds.kind_label(table)}: {named.title}" if named and named.title else f"{kinds.kind_label(table)} #{row_id}"
    )


def is_automatic() -> ColumnElement[bool]:
    """Is the entry about a share that came or went with work, and that nobody gave by hand?"""
    grants = select(Grant.id).where(Grant.id == AuditEvent.record_id, Grant.reason != SHARE)
    return and_(func.coalesce(AuditEvent.table_name, "") == Grant.__tablename__, grants.exists())


# ── what may be read ──
def may_read_value(who: Actor, table: str, column: str) -> bool:
    """Does he read this field of such records as it is? The rights to fields decide, as on the record's own page."""
    known = KINDS.get(table)
    if known is None:
        return who.scope("Audit") is Scope.all
    return all(who.reads(known.resource, key) for key in known.fields.get(column, (key_of(column),)))


def withheld(session: Session, who: Actor, events: Sequence[AuditEvent]) -> history.Withheld:
    """Which values the reader is not told: of fields that he may not read, and personal ones of records that he may
    not see. One query, however many events."""
    personal = [event for event in events if any(is_personal(one) for one in event.changes.values())]
    seen = records_named(session, who, [(event.table_name, event.record_id) for event in personal])

    def is_kept(event: AuditEvent, column: str) -> bool:
        if not may_read_value(who, event.table_name or "", column):
            return True
        if event.table_name == Export.__tablename__:  # nobody else sees the file; the log is about what is in it
            _before, list_key = event.changes.get("list_key", (None, ""))
            return is_personal(event.changes.get(column)) and not exports.may_know_arguments(list_key, who)
        return is_personal(event.changes.get(column)) and (event.table_name, event.record_id) not in seen

    return is_kept


# ── told whole: the page of an event, its panel, the interface ──
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
    handed = _people_called(session, (key for one in events for key in _receivers(one.name, one.changes)))
    sharers = _sharers(session, [one.record_id for one in events if one.table_name == Grant.__tablename__])
    return [
        Told(
            event, _what(event), _kind(event, entries.get(event.id)),
            named.get((event.table_name or "", event.record_id or 0)), _doer(event, people),
            people.get(event.on_behalf_of_id or 0, ""),
            _lines(event, entries.get(event.id), who, _known(event, kept, beside), handed, sharers),
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
    sharers: Mapping[int, str],
) -> Sequence[Line]:  # fmt: skip
    if event.action is AuditAction.event:
        return tuple(details(event.name, known, who, handed))
    lines = entry.lines if entry is not None else ()
    to = sharers.get(event.record_id or 0) if event.table_name == Grant.__tablename__ else None
    if to and event.action is AuditAction.change:
        return (Line(_("Shared with"), to, to), *lines)
    return lines


def _receivers(name: str | None, changes: Mapping[str, Any]) -> Iterable[str]:
    """The user names of those to whom something was handed over."""
    known = EVENTS.get(name or "")
    return changes if known is not None and known.given is not None else ()


def _people_called(session: Session, names: Iterable[str]) -> dict[str, str]:
    """User name → what the person is called."""
    wanted = set(names)
    rows = session.execute(
        select(User.username, User.last_name, User.first_name).where(User.username.in_(wanted))
    ) if wanted else ()  # fmt: skip
    return {row.username: f"{row.last_name} {row.first_name}".strip() for row in rows}


def _sharers(session: Session, ids: Collection[int | None]) -> dict[int, str]:
    """Share → the person or the team that it opens something to."""
    rows = session.execute(
        select(Grant.id, func.coalesce(Member.name, Team.name)).where(Grant.id.in_(ids))
        .outerjoin(Member, Member.id == Grant.member_id).outerjoin(Team, Team.id == Grant.team_id)
    ) if ids else ()  # fmt: skip
    return {key: called or "" for key, called in rows}


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


def doer(name: str | None, origin: Origin | None) -> Any:
    """Who did it; nobody at a page or a program is somebody who has not signed in."""
    if name:
        return name
    return _("Nobody signed in") if origin in (Origin.page, Origin.api) else SYSTEM.name


def _doer(event: AuditEvent, people: Mapping[int, str]) -> str:
    return str(doer(people.get(event.actor_id or 0), event.origin))


def details(
    name: str | None, changes: Mapping[str, Any], who: Actor | None = None, people: Mapping[str, str] | None = None
) -> Iterator[Line]:
    """What an event tells beside its name; the long things to somebody alone who is named.

    `people`: what they are called, by user name.
    """
    known = EVENTS.get(name or "")
    if known is not None and known.given is not None:
        for key, given in changes.items():
            called = (people or {}).get(key, key)
            if words := known.given(given):
                yield Line(_("Handed over to %(name)s", name=called), None, words)
        return
    for key, logged in changes.items():
        if is_personal(logged):
            if known is not None and known.called(key) is not None:
                yield Line(known.called(key), None, history.WITHHELD)
            continue
        if known is not None and key in known.long:
            if who is not None and (told := known.long[key](changes, who)):
                yield Line(known.called(key), None, told)
            continue
        label = known.called(key) if known is not None else key
        if label is None:
            continue
        old, new = logged if isinstance(logged, list) and len(logged) == 2 else (None, logged)
        if known is not None:
            old, new = known.told(key, old), known.told(key, new)
        if old is not None or new is not None:
            yield Line(label, old, new)


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


# ── told in one cell: the list and its file ──
#: the value of a list's column: table, number of the record, action, event, and the changes as JSON
_PARTED = "\n"
#: a longer value has no room in a cell of the list
_LONGEST_IN_CELL = 40


def changed_of() -> ColumnElement[str]:
    """All that a cell needs to say what changed, as one value."""
    record = func.coalesce(AuditEvent.table_name, "") + _PARTED
    record = record + func.coalesce(cast(AuditEvent.record_id, String), "") + _PARTED
    what = cast(AuditEvent.action, String) + _PARTED + func.coalesce(AuditEvent.name, "") + _PARTED
    return record + what + cast(AuditEvent.changes, Text)


@dataclass(frozen=True)
class Cell:
    """What `changed_of` says of one event."""

    table: str
    record_id: int | None
    action: str
    name: str
    changes: Mapping[str, Any]

    @classmethod
    def read(cls, value: str) -> Cell:
        table, record_id, action, name, changes = value.split(_PARTED, 4)
        return cls(table, int(record_id) if record_id else None, action, name, json.loads(changes))

    @property
    def is_event(self) -> bool:
        return self.action == AuditAction.event

    def labels(self) -> dict[str, Any]:
        told = {} if self.is_event else kinds.labels_of(self.table, self.changes)
        return {key: label for key, label in told.items() if key in self.changes and key != "archived_at"}

    def pointed_at(self) -> Iterator[tuple[Column[Any], int]]:
        """The rows of other tables that its told columns name."""
        for column in self.labels():
            target = _target(self.table, column)
            if target is not None:
                yield from ((target, key) for key in self.changes[column] if isinstance(key, int))


def _target(table: str, column: str) -> Column[Any] | None:
    model = history.model_of(table)
    return history.target_of(model, column) if model is not None else None


@dataclass(frozen=True)
class Names:
    """What is called how for this reader, of all that a page of cells names."""

    who: Actor
    records: Records
    people: Mapping[int, str]
    #: by user name
    handed: Mapping[str, str]
    sharers: Mapping[int, str]
    #: (event, column) → old and new personal value; none of them leaves as a file
    beside: Beside


def names_for(
    session: Session, who: Actor, cells: Mapping[int, Cell], keys: Iterable[tuple[str | None, int | None]] = (), *,
    leaves: bool = False,
) -> Names:  # fmt: skip
    """`cells`: by event; `keys`: more records to name. As many queries however many there are. `leaves`: for a file."""
    found = [one for cell in cells.values() for one in cell.pointed_at()]
    people = {key for target, key in found if history.is_person(target)}
    own = [(cell.table, cell.record_id) for cell in cells.values()]
    others = [(target.table.name, key) for target, key in found if not history.is_person(target)]
    personal = [] if leaves else [
        key for key, cell in cells.items()
        if cell.action == AuditAction.change and any(map(is_personal, cell.changes.values()))
    ]  # fmt: skip
    rows = session.scalars(select(AuditSensitive).where(AuditSensitive.event_id.in_(personal))) if personal else ()
    return Names(
        who, records_named(session, who, [*keys, *own, *others], by_code=leaves),
        history.names_of_people(session, people),
        _people_called(session, (name for one in cells.values() for name in _receivers(one.name, one.changes))),
        _sharers(session, {one.record_id for one in cells.values() if one.table == Grant.__tablename__}),
        {(row.event_id, row.field): [row.old, row.new] for row in rows},
    )  # fmt: skip


def changed_fields(value: str) -> str:
    """Which fields changed, where nothing more can be told."""
    cell = Cell.read(value)
    if cell.is_event:
        return ", ".join(f"{line.label}: {line.new}" for line in details(cell.name, cell.changes))
    return ", ".join(map(str, cell.labels().values()))


def changed_shortly(event_id: int, cell: Cell, names: Names) -> str:
    """For a cell of the list: of a change the first field from what to what, as far as the reader may know it, and
    which other fields changed."""
    if cell.is_event:
        told = details(cell.name, cell.changes, people=names.handed)
        return ", ".join(f"{line.label}: {line.new}" for line in told)
    labels = cell.labels()
    parts = [str(label) for label in labels.values()]
    if cell.action == AuditAction.change and labels:
        column = next(iter(labels))
        pair = names.beside.get((event_id, column), cell.changes[column])
        old, new = (shortly(_read(one, cell, column, names)) for one in pair)
        if _PERSONAL not in (old, new):
            parts[0] = f"{parts[0]}: {old} → {new}"
    if cell.table == Grant.__tablename__ and names.sharers.get(cell.record_id or 0):
        parts.insert(0, names.sharers[cell.record_id or 0])
    return ", ".join(parts)


def shortly(value: Any) -> str:
    """A value as it stands in a cell of the list, at most `_LONGEST_IN_CELL` characters long."""
    text = "—" if value is None or value == "" else " ".join(str(value).split())
    return text if len(text) <= _LONGEST_IN_CELL else f"{text[: _LONGEST_IN_CELL - 1]}…"


def changed_in_words(cell: Cell, names: Names) -> str:
    """From what to what, for a cell of the file. Personal values do not leave."""
    if cell.is_event:
        return "\n".join(
            f"{line.label}: {line.new}" for line in details(cell.name, cell.changes, names.who, names.handed)
        )
    lines = [names.sharers[cell.record_id or 0]] if names.sharers.get(cell.record_id or 0) else []
    for column, label in cell.labels().items():
        old, new = (_read(one, cell, column, names) for one in cell.changes[column])
        told_now = str(new if new is not None else "—")
        is_new = cell.action == AuditAction.create
        lines.append(f"{label}: {told_now}" if is_new else f"{label}: {'—' if old is None else old} → {told_now}")
    return "\n".join(lines)


def _read(value: Any, cell: Cell, column: str, names: Names) -> Any:
    """A logged value in words, as far as this reader may know it."""
    if value is None:
        return None
    is_kept = is_personal(cell.changes[column]) and (cell.table, cell.record_id) not in names.records
    if is_kept or is_fingerprint(value) or not may_read_value(names.who, cell.table, column):
        return _PERSONAL
    target, model = _target(cell.table, column), history.model_of(cell.table)
    if target is not None and history.is_person(target):
        return names.people.get(value, f"#{value}")
    if target is not None:
        named = names.records.get((target.table.name, value))
        return named.title if named is not None and named.title else f"#{value}"
    if isinstance(value, list):
        return ", ".join(str(kinds.shown(cell.table, column, one)) for one in value)
    return kinds.shown(cell.table, column, history.typed(model, column, value) if model is not None else value)


# ── found ──
#: a word that more entries hold is compared row by row: the newest of so many are soon found
_MANY = 20_000


@dataclass(frozen=True)
class _Word:
    """What a typed word can stand for."""

    #: each of them has an index
    found: Sequence[ColumnElement[bool]]
    #: the same without one, for rows that are read anyway
    compared: Sequence[ColumnElement[bool]]

    def count(self) -> ColumnElement[int]:
        """In how many entries, up to _MANY for each thing that it stands for."""
        few = (select(AuditEvent.id).where(one).limit(_MANY + 1).subquery() for one in self.found)
        return sum((select(func.count()).select_from(one).scalar_subquery() for one in few), literal(0))


def search(session: Session, who: Actor, text: str) -> ColumnElement[bool]:
    """Every word is in what happened, in the kind of record, in the name of who did it or in the reason, or it is an
    address, or the code of a record that the reader may see."""
    people = session.execute(select(Member.id, Member.name).where(visible(Member, who)).limit(_MOST_PEOPLE)).all()
    codes = _by_code(session, who, text.split()[:5])
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    words = [_word(one, people, codes, is_sqlite) for one in text.split()[:8]]
    if not words:
        return true()
    # An index on any word but the rarest would lead through far more entries than are meant.
    counts = session.execute(select(*(one.count() for one in words))).one()
    rarest = min(range(len(words)), key=counts.__getitem__)
    return and_(
        *(
            or_(*(word.found if place == rarest and counts[place] <= _MANY else word.compared))
            for place, word in enumerate(words)
        )
    )


def _word(word: str, people: Sequence[Any], codes: Mapping[str, Sequence[tuple[str, int]]], is_sqlite: bool) -> _Word:
    if word in codes:
        records = [_is_about(table, row_id) for table, row_id in codes[word]]
        return _Word(records, records)
    typed = fold(word)
    ids = [row.id for row in people if typed in fold(row.name)]
    meant: list[tuple[Any, list[Any]]] = [
        (AuditEvent.table_name, [table for table, one in KINDS.items() if typed in fold(str(one.label))]),
        (audit.WHAT, [key for key, label in WHAT.items() if typed in fold(str(label))]),
        (AuditEvent.actor_id, ids),
        (AuditEvent.on_behalf_of_id, ids),
        (AuditEvent.address, [word] if _ADDRESS.fullmatch(word) else []),
    ]
    meant = [(column, values) for column, values in meant if values]
    said = _says(AuditEvent, word)
    found: ColumnElement[bool] = said
    if is_sqlite:  # it goes through the few entries that have a reason only where that is a question of its own
        few = aliased(AuditEvent)
        found = AuditEvent.id.in_(select(few.id).where(_says(few, word)))
    return _Word(
        [found, *(column.in_(values) for column, values in meant)],
        [said, *(_unindexed(column).in_(values) for column, values in meant)],
    )


def _says(entry: Any, word: str) -> ColumnElement[bool]:
    return and_(entry.reason.is_not(None), entry.reason.icontains(word, autoescape=True))


def _unindexed(column: Any) -> Any:
    return column + literal_column("0") if isinstance(column.type, Integer) else column + literal_column("''")


_ADDRESS = re.compile(r"[0-9a-fA-F:.]{3,45}")


def _is_about(table: str, row_id: int) -> ColumnElement[bool]:
    return and_(AuditEvent.table_name == table, AuditEvent.record_id == row_id)


#: what a record is called by when somebody reads it out
_CODES = {"customer": "code", "process_instance": "code", "process": "code", "form": "code", "team": "code"}


def _by_code(session: Session, who: Actor, words: Collection[str]) -> dict[str, list[tuple[str, int]]]:
    """Word → the records that have it as their code."""
    typed = {word.upper(): word for word in words} | {word: word for word in words}
    parts = []
    for table, column in _CODES.items():
        model = history.model_of(table)
        code = getattr(model, column)
        parts.append(select(literal(table), model.id, code).where(code.in_(list(typed)), visible(model, who)))
    found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for table, row_id, code in session.execute(union_all(*parts).limit(_MOST_NAMED)) if typed else ():
        found[typed.get(code, code)].append((table, row_id))
    return found


# ── erasing ──
#: as many keys stand in one query
_AT_ONCE = 500

Rows = Mapping[str, Collection[int]]


def whole_of(session: Session, table: str, record_id: int) -> tuple[str, int]:
    """The record that people know, of which such a row is a part, or beside which it lies; else the row itself."""
    known = KINDS[table]
    if known.beside:
        return whole_of(session, known.beside, record_id)
    model = history.model_of(table)
    if known.part_of is None or model is None:
        return table, record_id
    above = session.scalar(select(getattr(model, known.part_of[0])).where(model.id == record_id))
    return (table, record_id) if above is None else whole_of(session, known.part_of[1], above)


def rows_of(session: Session, table: str, record_id: int) -> Rows:
    """All that tells of the record, by table: itself, what is beside it, its parts, what names it as its customer or
    its subject, and what tells of those in turn."""
    whole, number = whole_of(session, table, record_id)
    found: dict[str, set[int]] = {whole: {number}}
    fresh: dict[str, set[int]] = {whole: {number}}
    while fresh:
        reached: defaultdict[str, set[int]] = defaultdict(set)
        for target, ids in fresh.items():
            for other in KINDS:
                reached[other] |= _telling_of(session, other, target, ids)
        fresh = {other: new for other, ids in reached.items() if (new := ids - found.get(other, set()))}
        for other, ids in fresh.items():
            found.setdefault(other, set()).update(ids)
    return found


def _telling_of(session: Session, table: str, target: str, ids: Collection[int]) -> set[int]:
    """The rows of one table that tell of these of another one."""
    known, model = KINDS[table], history.model_of(table)
    if model is None:
        return set()
    if known.beside == target:
        return set(ids)
    by_key = dict([known.part_of] if known.part_of else []) | dict(known.tells_of)
    columns = [getattr(model, column) for column, whose in by_key.items() if whose == target]
    words = _words_of(target)
    found: set[int] = set()
    for some in _a_few(ids):
        either = [column.in_(some) for column in columns]
        if known.about is not None and words:
            kind, number = (getattr(model, column) for column in known.about)
            either.append(and_(kind.in_(words), number.in_(some)))
        if either:
            found |= set(session.scalars(select(model.id).where(or_(*either))))
    return found


def _a_few(ids: Collection[int]) -> Iterator[Sequence[int]]:
    listed = sorted(ids)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]


def _words_of(table: str) -> tuple[str, ...]:
    """As rows that may be about records of any kind name such a one: by its resource, or by that in small letters."""
    known = KINDS[table]
    return (known.resource, known.resource.lower()) if known.path is not None and known.part_of is None else ()


def values_kept(session: Session, rows: Rows) -> dict[tuple[str, int], int]:
    """How many personal values the log still keeps of each of these rows; rows without any are left out."""
    found: dict[tuple[str, int], int] = {}
    for table, ids in rows.items():
        for some in _a_few(ids):
            counted = session.execute(
                select(AuditEvent.record_id, func.count(AuditSensitive.id))
                .join(AuditSensitive, AuditSensitive.event_id == AuditEvent.id)
                .where(AuditEvent.table_name == table, AuditEvent.record_id.in_(some)).group_by(AuditEvent.record_id)
            )  # fmt: skip
            found |= {(table, record_id or 0): count for record_id, count in counted}
    return found


__all__ = ["WHAT", "Kind", "Named", "Told", "may_read_value", "records_named", "search", "told", "withheld"]
