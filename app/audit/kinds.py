"""What does the audit log speak of, in people's words? The index of its tables and events, and how one is told."""

from __future__ import annotations

from typing import Any

from app.audit.happenings import EVENTS
from app.audit.tables import KINDS, kind_label
from app.audit.words import ORIGINS, Kind
from app.core import history
from app.core.conditions.fields import Kind as ValueKind
from app.core.screens.columns import kind_of, readable

__all__ = ["EVENTS", "KINDS", "ORIGINS", "Kind", "event_label", "kind_label", "labels_of", "shown", "subject"]


def event_label(name: str | None) -> Any:
    return EVENTS[name].label if name is not None and name in EVENTS else name or ""


def labels_of(table: str, columns: Any = ()) -> dict[str, Any]:
    """Column → label of what is told; of `columns` those that nobody knows stand last, by their name."""
    known = KINDS.get(table)
    labels = dict(known.labels) if known else {}
    silent = known.silent if known else frozenset()
    return labels | {one: one for one in columns if one not in labels and one not in silent}


def subject(table: str, columns: Any = ()) -> history.Subject:
    """The table as core.history tells it, with every column in words."""
    known, model = KINDS.get(table), history.model_of(table)
    part = known if known is not None and known.part_of is not None and known.title else None
    return history.Subject(
        model, 0, labels_of(table, columns), lambda column, value: shown(table, column, value),
        kind=known.label if known else table, events={name: one.label for name, one in EVENTS.items()},
        title=getattr(model, part.title) if part else None, called=part.called if part else str,
    )  # fmt: skip


def shown(table: str, column: str, value: Any) -> Any:
    """A value of the log as people read it."""
    known, model = KINDS.get(table), history.model_of(table)
    if value is None or known is None:
        return value
    if column in known.show:
        return known.show[column](value)
    if column in known.choices:
        found = known.choices[column].get(str(value))
        return value if found is None else found
    stored = model.__mapper__.columns.get(column, None) if model is not None else None
    kind = kind_of(stored) if stored is not None else ValueKind.text
    return readable(ValueKind.text if kind is ValueKind.choice else kind, value, {})
