"""In what words is a table or an event of the log told?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core import guarded
from app.core.access import Actor
from app.core.audit import Origin
from app.core.errors import Sentence
from app.core.i18n import _
from app.security.roles import RESOURCE_LABELS

Words = Mapping[Any, Any]
Show = Callable[[Any], Any]


@dataclass(frozen=True)
class Kind:
    """A table whose rows the log tells of."""

    #: one such row
    label: Sentence
    #: whose right `view` is asked before a row is named; rows with a rule of their own are asked for one by one
    resource: str
    #: column → label, in the order in which they are told
    labels: Mapping[str, Any]
    #: columns that say nothing to people, or that another column says already
    silent: frozenset[str] = frozenset()
    #: column → stored value → words
    choices: Mapping[str, Words] = field(default_factory=dict)
    #: column → how its value is told, where its type does not say
    show: Mapping[str, Show] = field(default_factory=dict)
    #: the column by which a row is called, a part inside its record; "": it has no name of its own
    title: str = ""
    #: the name as people know it
    called: Show = str
    #: where a row lives
    path: Callable[[int], str] | None = None
    #: (column, table) of the record that such a row is a part of: its rights and its page count
    part_of: tuple[str, str] | None = None
    #: column → table of the record about which such a row tells, though it is none of its parts
    tells_of: Mapping[str, str] = field(default_factory=dict)
    #: the columns that say so of records of any kind: its kind ("Customer", "instance") and its number
    about: tuple[str, str] | None = None
    #: the table with the same ids whose rows people know, where this one lies beside it
    beside: str = ""
    #: column → the fields of core.guarded that decide who reads it, where they are called otherwise
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Happening:
    """An event that no changed column tells."""

    label: Sentence
    #: key of its changes → label; no other key is told
    labels: Mapping[str, Any] = field(default_factory=dict)
    show: Mapping[str, Show] = field(default_factory=dict)
    #: what keys are called that differ from event to event, and how their values are told
    label_of: Show | None = None
    show_all: Show | None = None
    #: key → how its value is told to somebody, from all that the event tells; such a key has no room in a cell
    long: Mapping[str, Callable[[Mapping[str, Any], Actor], Any]] = field(default_factory=dict)
    #: where its keys are user names: what was given to such a person, in words
    given: Show | None = None

    def called(self, key: str) -> Any:
        """The label of one of its keys; None: it is not told."""
        return self.label_of(key) if key not in self.labels and self.label_of is not None else self.labels.get(key)

    def told(self, key: str, value: Any) -> Any:
        show = self.show.get(key, self.show_all)
        return value if value is None or show is None else show(value)


def by_label(labels: Words) -> Show:
    """A stored value by its label; one that is no longer known as it is."""
    known = {str(value): label for value, label in labels.items()}
    return lambda value: known.get(str(value), value)


def resource_label(name: Any) -> Any:
    return RESOURCE_LABELS.get(name, name)


def field_label(key: Any) -> Any:
    """A field that rights are given to, as the screens that show it call it."""
    labels = dict.fromkeys(str(fields[key].label) for fields in guarded.guarded().values() if key in fields)
    return " / ".join(labels) or key


def path_below(path: str) -> Callable[[int], str]:
    return lambda row_id: f"{path}{row_id}"


ORIGINS: Words = {
    Origin.page: _("Page"), Origin.api: _("Program (REST)"), Origin.job: _("By itself (worker)"),
    Origin.command: _("Command line"),
}  # fmt: skip

#: for tables whose rows are put away instead of deleted
PUT_AWAY = {"archived_at": _("Archived")}
TECHNICAL = frozenset({"archived_by_id"})
