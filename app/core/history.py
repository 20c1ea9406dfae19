"""What was changed on a record, by whom and when, in people's words? Read from the audit log.

Whoever may view a record may read its history: of the fields that he may see, and with the values that the log still
holds. The caller has checked that the record is visible; a field that a subject does not name is not told at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum, auto
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Date, Enum, Numeric, Select, or_, select
from sqlalchemy.orm import Session, lazyload

from app.core import clock
from app.core.access import SYSTEM, Actor, has_row_rule, visible
from app.core.accounts import User
from app.core.audit import RESTORES, AuditAction, AuditEvent, AuditSensitive, is_fingerprint, is_personal
from app.core.db import Entity, UtcDateTime
from app.core.errors import BadRequestError
from app.core.formats import exact_text, local, time_text
from app.core.i18n import _
from app.core.timewords import day_heading

#: events read for one page; what is not told of them leaves a page shorter
PAGE = 40
#: events read to count what a history tells
MOST_COUNTED = 100
#: a longer value is cut: the history tells that and how it changed, the record tells the whole text
LONGEST_VALUE = 300
#: events of one person so close together are one act of his
AT_ONCE = timedelta(seconds=1)
_ARCHIVING = {"archived_at", "archived_by_id"}
_ERASED = _("(erased on request)")
#: what is said of a change that takes another one back
BACK = _("Earlier value brought back")
WITHHELD = _("(personal)")
#: under what an event keeps the reason that somebody typed
REASON = "reason"
_UNSEEN = _("something that you may not see")


class Happened(StrEnum):
    """What an entry is about."""

    created = auto()
    changed = auto()
    archived = auto()
    restored = auto()
    deleted = auto()
    event = auto()


HAPPENED = {
    Happened.created: _("Record added"),
    Happened.changed: _("Record changed"),
    Happened.archived: _("Record archived"),
    Happened.restored: _("Record restored"),
    Happened.deleted: _("Record removed"),
}


def _as_it_is(_column: str, value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Subject:
    """Rows of one table whose changes belong to a record's history: its own row, or rows that are part of it."""

    model: type[Any]
    #: its id, or a select of ids
    ids: int | Select[Any]
    #: column → label; no other column is told
    labels: Mapping[str, Any]
    #: (column, value in its own type) → as people read it
    show: Callable[[str, Any], Any] = _as_it_is
    #: what such a row is called, when it is not the record itself ("Way to reach")
    kind: Any = ""
    #: the column that names such a row
    title: Any = None
    #: that column's value → the name as the reader may know it
    called: Callable[[Any], str] = str
    #: event of the log ("process.published") → its words; no other event is told
    events: Mapping[str, Any] = field(default_factory=dict)
    #: what an event changed, line by line
    event_lines: Callable[[AuditEvent], Iterable[Line]] | None = None
    #: tables whose rows the reader of the record knows by name, whatever else he may see of them
    known: Collection[type[Any]] = ()

    @property
    def table(self) -> str:
        return str(self.model.__table__.name)

    def condition(self) -> ColumnElement[bool]:
        one = AuditEvent.record_id
        return (AuditEvent.table_name == self.table) & (
            one == self.ids if isinstance(self.ids, int) else one.in_(self.ids)
        )


@dataclass(frozen=True)
class Line:
    """One field: from what to what. None: there was, or is, nothing."""

    label: Any
    old: Any
    new: Any


_OF_ONE_ACT = ("who", "in_name_of", "happened", "what", "kind", "title")


@dataclass(frozen=True)
class Entry:
    """One change as it was made."""

    id: int
    at: datetime
    time: str
    who: str
    happened: Happened
    #: "Changed", "Published", …
    what: Any
    #: of which part of the record, and which one ("Way to reach", "0912 345 678"); empty for the record itself
    kind: Any
    title: str
    lines: tuple[Line, ...]
    reason: Any
    #: in whose name, where it was not his own
    in_name_of: str = ""
    #: the events of the log that are told here
    ids: tuple[int, ...] = ()

    def is_of_one_act(self, other: Entry) -> bool:
        same = all(getattr(self, name) == getattr(other, name) for name in _OF_ONE_ACT)
        return same and abs(self.at - other.at) < AT_ONCE and not self.reason and not other.reason


@dataclass(frozen=True)
class Day:
    """All entries of one day, the newest first."""

    label: Any
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class History:
    """A page of the history."""

    days: tuple[Day, ...]
    #: where the older ones begin (`before` of the next page); None: there are none
    older: int | None

    def newest(self, count: int) -> list[Entry]:
        return [entry for day in self.days for entry in day.entries][:count]


def of(
    session: Session, subjects: Sequence[Subject], who: Actor, *, before: int | None = None, size: int = PAGE
) -> History:
    """The newest page of the history, or the one before that event. As many queries however much has happened."""
    rows = _newest(subjects)
    if before is not None:
        rows = rows.where(AuditEvent.id < before)
    events = session.scalars(rows.limit(size + 1)).all()
    older = events[size - 1].id if len(events) > size else None
    by_table = {subject.table: subject for subject in subjects}
    teller = _Teller(session, by_table, events[:size], who)
    return History(tuple(_by_day(teller.entries(), who)), older)


def count(session: Session, subjects: Sequence[Subject], who: Actor) -> tuple[int, bool]:
    """How many entries it tells, and whether there are more than is worth counting. What is not told is not counted:
    the number would tell of it. One query."""
    events = session.scalars(_newest(subjects).limit(MOST_COUNTED + 1)).all()
    told = sum(1 for _entry in _joined(_Counter(subjects, events, who).entries()))
    # Of what was not read nothing may be told: there are at least as many as were found.
    return (told - 1, True) if len(events) > MOST_COUNTED and told else (told, False)


def _newest(subjects: Sequence[Subject]) -> Select[AuditEvent]:
    return select(AuditEvent).where(or_(*(subject.condition() for subject in subjects))).order_by(AuditEvent.id.desc())


def _by_day(entries: Iterable[Entry], who: Actor) -> Iterator[Day]:
    days: defaultdict[date, list[Entry]] = defaultdict(list)
    for entry in _joined(entries):
        days[local(entry.at, who.time_zone).date()].append(entry)
    today = local(clock.now(), who.time_zone).date()
    for day, found in days.items():
        yield Day(day_heading(day, today), tuple(found))


def _joined(entries: Iterable[Entry]) -> Iterator[Entry]:
    """What was done at once to rows that stand for one record is one entry."""
    last: Entry | None = None
    for entry in entries:
        if last is not None and last.is_of_one_act(entry):
            last = replace(last, lines=(*entry.lines, *last.lines), ids=(*last.ids, *entry.ids))
            continue
        if last is not None:
            yield last
        last = entry
    if last is not None:
        yield last


#: (event, column) → are its values kept from the reader?
Withheld = Callable[[AuditEvent, str], bool]


def told(
    session: Session, events: Sequence[AuditEvent], subjects: Mapping[str, Subject], who: Actor, *, withheld: Withheld
) -> list[Entry]:
    """One entry for each event, in their order; `what` is None where no words are known for it.

    `subjects`: by table; every event is about one of them.
    """
    return list(_Teller(session, subjects, events, who, withheld).all_entries())


def reason_of(event: AuditEvent, time_zone: str) -> Any:
    """Why, as far as the event itself says it: nobody but a change takes another one back."""
    return reason_text(event.reason, time_zone) if event.action is AuditAction.change else event.reason or ""


def restoring(event: AuditEvent) -> str:
    """Why something is changed that takes this change back, as `reason_text` reads it."""
    return f"{RESTORES}{event.id}:{event.at.isoformat()}"


def reason_text(reason: str | None, time_zone: str) -> Any:
    """Why, in words: what a person wrote, or which change was taken back. Older ones do not tell of when that was."""
    number, _colon, at = (reason or "").removeprefix(RESTORES).partition(":")
    if reason is None or not reason.startswith(RESTORES) or not number.isdigit():
        return reason or ""
    if not at:
        return _("An earlier value was brought back, from before change no. %(number)s.", number=number)
    when = exact_text(datetime.fromisoformat(at), time_zone)
    return _("The value from before %(when)s was brought back (change no. %(number)s).", when=when, number=number)


def is_taking_back(event: AuditEvent) -> bool:
    return event.action is AuditAction.change and (event.reason or "").startswith(RESTORES)


def values_of(session: Session, event: AuditEvent) -> dict[str, tuple[Any, Any]]:
    """Column → old and new value as they were logged; without the personal ones that were erased since."""
    rows = session.scalars(select(AuditSensitive).where(AuditSensitive.event_id == event.id))
    beside = {row.field: (row.old, row.new) for row in rows}
    found = {}
    for column, logged in event.changes.items():
        if not any(map(is_fingerprint, logged)):
            found[column] = (logged[0], logged[1])
        elif column in beside:
            found[column] = beside[column]
    return found


class _Teller:
    """Turns events into sentences, with all names that they need read beforehand."""

    def __init__(
        self,
        session: Session,
        subjects: Mapping[str, Subject],
        events: Sequence[AuditEvent],
        who: Actor,
        withheld: Withheld | None = None,
    ) -> None:
        self._session, self._subjects, self._events, self._who = session, subjects, events, who
        self._withheld = withheld
        self._sensitive = self._kept_apart()
        self._people = self._names_of_people()
        self._names = self._names_of_rows()
        self._titles = {table: self._titles_of(subject) for table, subject in subjects.items()}

    def entries(self) -> Iterator[Entry]:
        """Those that have something to tell."""
        for entry in self.all_entries():
            if entry.what is not None and (entry.happened is not Happened.changed or entry.lines):
                yield entry

    def all_entries(self) -> Iterator[Entry]:
        for event in self._events:
            subject = self._subjects[event.table_name or ""]
            happened, what = _happened(event, subject)
            lines = tuple(self._event_lines(event, subject))
            yield Entry(
                event.id, event.at, time_text(event.at, self._who.time_zone),
                self._people.get(event.actor_id or 0, SYSTEM.name), happened, what, subject.kind,
                # What was erased on request is not told again by what the part is called now.
                "" if _is_erased(lines) else self._titles[subject.table].get(event.record_id or 0, ""), lines,
                self._reason(event),
                in_name_of=self._people.get(event.on_behalf_of_id or 0, ""), ids=(event.id,),
            )  # fmt: skip

    def _reason(self, event: AuditEvent) -> Any:
        """What somebody typed as his reason is personal, and lies beside the log."""
        if event.action is not AuditAction.event or not is_personal(event.changes.get(REASON)):
            return reason_of(event, self._who.time_zone)
        if self._withheld is not None and self._withheld(event, REASON):
            return WITHHELD
        return self._sensitive[event.id, REASON][1] if (event.id, REASON) in self._sensitive else _ERASED

    def _event_lines(self, event: AuditEvent, subject: Subject) -> Iterable[Line]:
        if event.action is not AuditAction.event:
            return self._lines(event, subject)
        return subject.event_lines(event) if subject.event_lines is not None else ()

    def _lines(self, event: AuditEvent, subject: Subject) -> Iterator[Line]:
        for column, label in subject.labels.items():
            if column in event.changes and column not in _ARCHIVING:
                old, new = (self._value(event, subject, column, place) for place in (0, 1))
                is_told = event.action is not AuditAction.create or event.changes[column][1] is not False
                if is_told and (old is not None or new is not None):
                    yield Line(label, old, new)

    def _value(self, event: AuditEvent, subject: Subject, column: str, place: int) -> Any:
        """As people read it; None where there was nothing."""
        logged = event.changes[column][place]
        if logged is None:
            return None
        if self._withheld is not None and self._withheld(event, column):
            return WITHHELD
        if is_fingerprint(logged):
            if (event.id, column) not in self._sensitive:
                return _ERASED
            logged = self._sensitive[event.id, column][place]
        if isinstance(logged, list):
            return ", ".join(str(subject.show(column, one)) for one in logged) or None
        target = target_of(subject.model, column)
        if target is not None:
            return self._named(target, logged)
        shown = subject.show(column, typed(subject.model, column, logged))
        if isinstance(shown, str) and len(shown) > LONGEST_VALUE:
            shown = f"{shown[: LONGEST_VALUE - 1]}…"
        return None if shown == "" else shown

    def _named(self, target: Column[Any], key: Any) -> Any:
        found = self._people.get(key) if is_person(target) else self._names.get((target.table.name, key))
        return found if found is not None else _UNSEEN

    def _kept_apart(self) -> dict[tuple[int, str], tuple[Any, Any]]:
        """Old and new value of sensitive columns, as far as they were not erased."""
        rows = self._session.scalars(
            select(AuditSensitive).where(AuditSensitive.event_id.in_([event.id for event in self._events]))
        )
        return {(row.event_id, row.field): (row.old, row.new) for row in rows}

    def _pointed_at(self) -> dict[Column[Any], set[int]]:
        """The rows of other tables that told columns name."""
        found: defaultdict[Column[Any], set[int]] = defaultdict(set)
        for event in self._events:
            subject = self._subjects[event.table_name or ""]
            for column in subject.labels.keys() & event.changes.keys():
                target = target_of(subject.model, column)
                if target is not None:
                    found[target] |= {key for key in event.changes[column] if isinstance(key, int)}
        return found

    def _names_of_people(self) -> dict[int, str]:
        """Those who acted, and those whom told columns name."""
        ids = {key for event in self._events for key in (event.actor_id, event.on_behalf_of_id)}
        for target, keys in self._pointed_at().items():
            ids |= keys if is_person(target) else set()
        return names_of_people(self._session, ids)

    def _names_of_rows(self) -> dict[tuple[str, int], str]:
        """What rows of other tables are called now, of those that he may see."""
        found: dict[tuple[str, int], str] = {}
        known = {model for subject in self._subjects.values() for model in subject.known}
        for target, keys in self._pointed_at().items():
            model = model_of(target.table.name)
            if is_person(target) or model is None or not (model in known or has_row_rule(model)):
                continue
            rows = select(model).where(target.in_(keys)).options(lazyload("*"))
            if model not in known:
                rows = rows.where(visible(model, self._who))
            found |= {(target.table.name, row.id): str(row) for row in self._session.scalars(rows)}
        return found

    def _titles_of(self, subject: Subject) -> dict[int, str]:
        if subject.title is None:
            return {}
        ids = {event.record_id for event in self._events if event.table_name == subject.table}
        rows = self._session.execute(select(subject.model.id, subject.title).where(subject.model.id.in_(ids)))
        return {key: subject.called(title) for key, title in rows}


class _Counter(_Teller):
    """The same entries without a name or a value of them: for nobody to read."""

    def __init__(self, subjects: Sequence[Subject], events: Sequence[AuditEvent], who: Actor) -> None:
        self._subjects, self._events, self._who = {subject.table: subject for subject in subjects}, events, who
        self._people = {event.actor_id or 0: str(event.actor_id) for event in events}
        ids = {event.record_id or 0: str(event.record_id) for event in events}
        self._titles = {subject.table: {} if subject.title is None else ids for subject in subjects}

    def _reason(self, event: AuditEvent) -> Any:
        return event.reason or event.changes.get(REASON)

    def _value(self, event: AuditEvent, subject: Subject, column: str, place: int) -> Any:
        logged = event.changes[column][place]
        return None if logged in ("", []) else logged


def _is_erased(lines: Iterable[Line]) -> bool:
    return any(_ERASED in (line.old, line.new) for line in lines)


def _happened(event: AuditEvent, subject: Subject) -> tuple[Happened, Any]:
    """What it was and its words; None where it is not told."""
    if event.action is AuditAction.event:
        return Happened.event, subject.events.get(event.name or "")
    happened = {AuditAction.create: Happened.created, AuditAction.delete: Happened.deleted}.get(event.action)
    if happened is None and "archived_at" in event.changes:
        happened = Happened.archived if event.changes["archived_at"][1] else Happened.restored
    happened = happened or Happened.changed
    return happened, BACK if happened is Happened.changed and is_taking_back(event) else HAPPENED[happened]


def _column(model: type[Any], name: str) -> Any:
    """The column of that name; None where there is none (any more)."""
    return model.__mapper__.columns.get(name, None)


def target_of(model: type[Any], name: str) -> Column[Any] | None:
    """The key that a column points at."""
    column = _column(model, name)
    if column is None:
        return None
    return next((key.column for key in column.foreign_keys), None)


def names_of_people(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """What colleagues are called, by id. Everybody knows that of everybody."""
    known = {key for key in ids if key}
    if not known:
        return {}
    rows = session.execute(select(User.id, User.last_name, User.first_name).where(User.id.in_(known)))
    return {row.id: f"{row.last_name} {row.first_name}".strip() for row in rows}


def is_person(target: Column[Any]) -> bool:
    """The key of FAB's user, or of a row beside it with the same key."""
    onward = {key.column for key in target.foreign_keys} if target.primary_key else set()
    return User.__table__.c.id in {target, *onward}


@lru_cache(maxsize=100)
def model_of(table: str) -> Any:
    """The mapped class of a table; None where there is none (any more)."""
    return next((one.class_ for one in Entity.registry.mappers if one.local_table.name == table), None)


def typed(model: type[Any], name: str, value: Any) -> Any:
    """The logged value in its column's type; as it is when the column has changed since."""
    if value is None:
        return None
    column = _column(model, name)
    kind = column.type if column is not None else None
    try:
        if isinstance(kind, Enum) and kind.enum_class is not None:
            return kind.enum_class(value)
        if isinstance(kind, UtcDateTime):
            return datetime.fromisoformat(value)
        if isinstance(kind, Date):
            return date.fromisoformat(value)
        if isinstance(kind, Numeric):
            return Decimal(str(value))
    except (ValueError, TypeError, ArithmeticError):
        return str(value)
    return value


def asked_before(text: str | None) -> int | None:
    """?before= of the address. Raises BadRequestError for what is no place in a history."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or not 0 < len(text) <= 18:
        raise BadRequestError
    return int(text)
