"""What does a cell of the list say of what changed, and one of its file?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, String, Text, cast, func, select
from sqlalchemy.orm import Session

from app.audit import kinds
from app.audit.details import details, people_called, receivers, sharers
from app.audit.entries import Beside
from app.audit.records import CODES, Records, records_named
from app.audit.rights import may_read_value
from app.core import history
from app.core.access import Actor
from app.core.audit import AuditAction, AuditEvent, AuditSensitive, is_fingerprint, is_personal
from app.core.i18n import _
from app.security.models import Grant

#: the value of a list's column: table, number of the record, action, event, and the changes as JSON
_PARTED = "\n"
#: a longer value has no room in a cell of the list
_LONGEST_IN_CELL = 40
#: so many values of a new record have
_VALUES_OF_NEW = 3
_PERSONAL = _("(personal)")


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
        if cell.action in (AuditAction.create, AuditAction.change) and any(map(is_personal, cell.changes.values()))
    ]  # fmt: skip
    rows = session.scalars(select(AuditSensitive).where(AuditSensitive.event_id.in_(personal))) if personal else ()
    return Names(
        who, records_named(session, who, [*keys, *own, *others], by_code=leaves),
        history.names_of_people(session, people),
        people_called(session, (name for one in cells.values() for name in receivers(one.name, one.changes))),
        sharers(session, {one.record_id for one in cells.values() if one.table == Grant.__tablename__}),
        {(row.event_id, row.field): [row.old, row.new] for row in rows},
    )  # fmt: skip


def changed_fields(value: str) -> str:
    """Which fields changed, where nothing more can be told."""
    cell = Cell.read(value)
    if cell.is_event:
        return ", ".join(f"{line.label}: {line.new}" for line in details(cell.name, cell.changes))
    return ", ".join(map(str, cell.labels().values()))


def changed_shortly(event_id: int, cell: Cell, names: Names) -> str:
    """For a cell of the list, as far as the reader may know it: of a change the first field from what to what, of what
    is new its first values; and which other fields there are."""
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
    if cell.action == AuditAction.create:
        parts = _first_values(event_id, cell, names)
    if cell.table == Grant.__tablename__ and names.sharers.get(cell.record_id or 0):
        parts.insert(0, names.sharers[cell.record_id or 0])
    return ", ".join(parts)


def _first_values(event_id: int, cell: Cell, names: Names) -> list[str]:
    """The fields of a new record, the first of them with their values; its name stands beside the cell already."""
    told, values, kind = [], 0, kinds.KINDS.get(cell.table)
    named_by = kind.title if kind is not None and kind.part_of is None else ""
    for column, label in cell.labels().items():
        _nothing, new = names.beside.get((event_id, column), cell.changes[column])
        text = shortly(_read(new, cell, column, names))
        # Most codes are read by programs alone, and the beginning of a long text says little.
        has_room = column != named_by and (column != "code" or cell.table in CODES) and not text.endswith("…")
        is_told = has_room and text != _PERSONAL and values < _VALUES_OF_NEW
        values += is_told
        told.append(f"{label}: {text}" if is_told else str(label))
    return told


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
