"""What exists in the company, as far as a drawing may speak of it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Known:
    """Form codes with the keys of their fields, role and team codes, user names; the messages with which other
    processes begin (name → the process's name); message texts by whom they may be sent to (customer, colleague); the
    fields of a customer that a process may set."""

    forms: Mapping[str, frozenset[str]] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    #: form codes with the keys of those fields in which a member of staff or a team is chosen
    people: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: roles and teams, as a rule writes them (`team:cskh`), in which nobody is
    empty: frozenset[str] = frozenset()
    texts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    customer_fields: frozenset[str] = frozenset()
    #: of these the ones that hold a day; all others hold a text
    customer_days: frozenset[str] = frozenset()
    #: those of them that take several values
    customer_lists: frozenset[str] = frozenset()
    #: form codes with the keys of those fields whose answer is several values
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: the same of those whose answer has parts of its own (an address, rows, files) and is no value
    wholes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: codes of the programs outside that the company knows
    receivers: frozenset[str] = frozenset()
    begun_by: Mapping[str, str] = field(default_factory=dict)
    #: process codes with the keys that must be given to begin one, None where none is published
    processes: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    #: another process calls this one from a lane with a role
    called_from_lane: bool = False
