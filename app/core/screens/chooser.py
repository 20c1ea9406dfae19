"""Who can be chosen where a filter asks for a person or a team? The feature that keeps them says so, once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.conditions import Condition
from app.core.conditions.fields import Field, Kind
from app.core.conditions.shown import value_word
from app.core.db import LARGEST_ID, db


@dataclass(frozen=True)
class Chooser:
    """Where a look-up asks for people or teams, and how they are called."""

    #: answers ?q=&page= with {"results": [{"id", "text", "hint"}], "more": bool}
    address: str
    #: the names of those with these ids that the asker may know
    names: Callable[[Session, Actor, Collection[int]], Mapping[int, str]]


_choosers: dict[Kind, Chooser] = {}


def register_chooser(kind: Kind, chooser: Chooser) -> None:
    """The same kind again takes the place of the earlier one (tests make several apps)."""
    _choosers[kind] = chooser


def addresses() -> Mapping[Kind, str]:
    return {kind: one.address for kind, one in _choosers.items()}


def values_of(condition: Condition, fields: Mapping[str, Field], who: Actor) -> Callable[[str, Any], str]:
    """How the values of a condition are called: choices by their labels, people and teams by their names."""
    names: dict[Kind, Mapping[int, str]] = {}
    for kind in {fields[key].kind for key in condition.keys if key in fields} & _choosers.keys():
        names[kind] = _choosers[kind].names(db.session(), who, _numbers(condition.to_json()))

    def value(key: str, literal: Any) -> str:
        if key not in fields:
            return str(literal)
        field = fields[key]
        if field.kind in names and literal in names[field.kind]:
            return names[field.kind][literal]
        return value_word(field, literal, who.time_zone)

    return value


def names_in(condition: Condition, fields: Mapping[str, Field], who: Actor) -> Mapping[str, Mapping[Any, str]]:
    """Field → what that is called which the condition compares it with, where it is looked up: for the editor."""
    named: dict[str, Mapping[Any, str]] = {}
    stored = condition.to_json()
    for key in sorted(condition.keys & fields.keys()):
        field = fields[key]
        if field.choices_url:
            named[key] = {one: str(field.choices[one]) for one in sorted(_texts(stored) & field.choices.keys())}
        elif field.kind in _choosers and (ids := _numbers(stored)):
            named[key] = _choosers[field.kind].names(db.session(), who, ids)
    return named


def _numbers(stored: Any) -> set[int]:
    """Every number that a stored condition compares with: those of people and teams are among them."""
    return {one for one in _compared(stored) if type(one) is int and 0 < one <= LARGEST_ID}


def _texts(stored: Any) -> set[str]:
    """Every text in it: the codes of what is chosen are among them."""
    return {one for one in _compared(stored) if isinstance(one, str)}


def _compared(stored: Any) -> Iterator[Any]:
    if isinstance(stored, dict | list):
        for part in stored.values() if isinstance(stored, dict) else stored:
            yield from _compared(part)
    else:
        yield stored
