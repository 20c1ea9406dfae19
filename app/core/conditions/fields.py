"""What can a condition on rows compare? A field: of which kind its values are, and where they stand in the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select

from app.core.conditions.since import Since


class Kind(StrEnum):
    """What the values of a field are; decides its operators, its input, and how it is shown and written to a sheet."""

    text = auto()
    phone = auto()
    number = auto()
    decimal = auto()
    money = auto()
    date = auto()
    moment = auto()
    choice = auto()
    yes_no = auto()
    #: a member by his id; me() is whoever reads
    person = auto()
    #: a team by its id
    team = auto()


TEXTS = {Kind.text, Kind.phone}
#: what is asked of a value
Test: TypeAlias = Callable[[ColumnElement[Any]], ColumnElement[bool]]


@dataclass(frozen=True)
class Total:
    """A value that is worked out over other rows, for all at once instead of one by one."""

    #: the column by which a row is known
    key: ColumnElement[Any]
    #: the keys of those who have other rows, grouped by them
    rows: Select[Any]
    #: what is worked out over each group
    value: ColumnElement[Any]
    #: what it is for a row without others; None: it is missing
    nothing: int | None = None


@dataclass(frozen=True)
class Beside:
    """A value that stands in another table, found there by an index before the rows are looked at."""

    #: the column by which a row is known
    key: ColumnElement[Any]
    #: the keys of those who have such a value
    rows: Select[Any]
    value: ColumnElement[Any]
    #: one row may have several of them
    several: bool = False


@dataclass(frozen=True)
class Field:
    """Something that rows can be narrowed by."""

    #: as it stands in a condition; a dotted one is one key
    key: str
    label: Any
    kind: Kind
    #: the value of a row (moments in UTC), or a correlated Select of all its values: then `=` means that one of them is
    column: ColumnElement[Any] | Select[Any] | Total | Beside
    #: stored value → label, for choices
    choices: Mapping[str, Any] = field(default_factory=dict)
    #: of a number: `column` is a day or a moment, and the number is how long ago it lies
    since: Since | None = None
    #: rows with no value at all differ from every value: who has no tags does not have this one
    absent_differs: bool = False
    #: there is no row without a value
    is_always_there: bool = False
    #: a text → the rows whose value holds it, where there is a faster way than to compare every row
    contains: Callable[[str], ColumnElement[bool]] | None = None
    #: choices that are too many to be listed: where they are looked up, as chooser.Chooser.address answers
    choices_url: str = ""
    #: the key of another choice that narrows what is looked up there (?with=): the province of a ward
    within: str = ""
