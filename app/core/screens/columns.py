"""What can a list show? A column: how it is read from the database, shown, ordered by and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Date, Enum, Integer, Numeric, Select

from app.core import edge
from app.core.access import Actor
from app.core.conditions.fields import Beside, Field, Kind, Total
from app.core.conditions.since import Since
from app.core.db import UtcDateTime
from app.core.formats import day_text, exact_text, money_text, number_text
from app.core.i18n import _
from app.core.masking import DOTS, Mask, masked

#: kinds whose values are words of their own; a code or a number is covered whole
_WORDS = {Kind.text, Kind.phone, Kind.person, Kind.team}


@dataclass(frozen=True)
class Walk:
    """The order of a value that stands beside the rows, in a table with an index on it; of those that have one."""

    #: the rows with that table joined to them
    joined: Callable[[Select[Any]], Select[Any]]
    by: Any
    #: the key of the row, in that table
    key: Any


@dataclass(frozen=True)
class Derived:
    """A list column that is more than a plain column of the table, as a screen declares it."""

    kind: Kind
    #: a scalar SQL expression about a row of the table
    value: Any
    #: what a filter compares (for persons and teams an id); a Select: all its values. None: the value itself
    compared: ColumnElement[Any] | Select[Any] | Total | Beside | None = None
    #: what the list is ordered by. None: the value itself
    order: Any = None
    #: value → what people read; where the kind alone does not say
    show: Callable[..., Any] | None = None
    choices: Mapping[str, Any] | None = None
    #: more of the row that `show` is given behind the value: SQL expressions too
    besides: Sequence[Any] = ()
    #: who looks → what he may read of it, to show and to compare; `value` is then what everybody may
    seen_by: Callable[[Actor], Derived] | None = None
    #: the resource that one must be allowed to view; for everybody else there is no such column
    needs: str = ""
    #: as in conditions.fields.Field
    since: Since | None = None
    absent_differs: bool = False
    is_always_there: bool = False
    contains: Callable[[str], ColumnElement[bool]] | None = None
    choices_url: str = ""
    within: str = ""
    #: value → what stands in a cell of a sheet, where the kind alone does not say
    write: Callable[[Any], object] | None = None
    #: how rows are read in this order along an index beside them
    walk: Walk | None = None
    #: the field whose right this falls under, where that is not its own: the age is the birthday's
    guarded_as: str = ""


@dataclass(frozen=True)
class Column:
    """A column that a list offers."""

    key: str
    label: Any
    kind: Kind
    #: a scalar SQL expression about a row of the table
    value: Any
    #: what the list is ordered by; None: it cannot be
    order: Any
    #: what a filter compares; None: it cannot be filtered by
    field: Field | None
    choices: Mapping[str, Any]
    show: Callable[..., Any] | None
    besides: Sequence[Any] = ()
    seen_by: Callable[[Actor], Derived] | None = None
    write: Callable[[Any], object] | None = None
    walk: Walk | None = None

    def for_reader(self, who: Actor) -> Column:
        """The same with what this person may read of it."""
        if self.seen_by is None:
            return self
        seen = self.seen_by(who)
        compared = seen.value if seen.compared is None else seen.compared
        choices = self.choices if seen.choices is None else seen.choices
        field = None if self.field is None else replace(self.field, column=compared, choices=choices)
        show, write = seen.show or self.show, seen.write or self.write
        return replace(self, value=seen.value, choices=choices, field=field, show=show, write=write)

    def masked(self, mask: Mask) -> Column:
        """The same for somebody who may only recognise the value: nothing is compared with it or ordered by it."""

        def show(value: Any, *_besides: Any) -> str:
            return masked(mask, value if self.kind in _WORDS else value and DOTS)

        return replace(self, show=show, order=None, field=None)

    def shown(self, value: Any, *besides: Any) -> Any:
        """The value as people read it, in the language and on the clock of whoever reads."""
        if self.show is not None:
            return self.show(value, *besides)
        if value is None:
            return ""
        if type(value) is str and self.kind is not Kind.choice:  # most cells
            return value
        return readable(self.kind, value, self.choices)


def readable(kind: Kind, value: Any, choices: Mapping[str, Any]) -> Any:
    """A value as people read it."""
    if kind is Kind.choice:
        return choices.get(value, value)
    if kind is Kind.money:
        return money_text(value)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime):
        return exact_text(value, edge.time_zone())
    if isinstance(value, date):
        return day_text(value)
    if isinstance(value, int | Decimal):
        return number_text(value)
    return value


def kind_of(column: Any) -> Kind:
    """The kind of a plain column of a table, by its type."""
    match column.type:
        case Enum():
            return Kind.choice
        case Boolean():
            return Kind.yes_no
        case UtcDateTime():
            return Kind.moment
        case Date():
            return Kind.date
        case Integer():
            return Kind.number
        case Numeric():
            return Kind.decimal
    return Kind.text
