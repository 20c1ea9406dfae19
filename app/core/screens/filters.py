"""By what can a list be narrowed, and how is that said? Columns, operators and values as people read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Any

from app.core.formats import read_day, typed_day
from app.core.i18n import _
from app.core.screens.listing import Filter, Page, typed_value

#: With more columns than this the panel shows those in use, and the others when they are asked for.
MOST_ROWS_AT_ONCE = 6


class Kind(StrEnum):
    """Which input a value is given in."""

    text = auto()
    whole = auto()
    number = auto()
    day = auto()
    choice = auto()


_IS, _IS_NOT = _("is"), _("is not")
_AMOUNT = {"eq": _IS, "gt": _("is more than"), "lt": _("is less than"), "neq": _IS_NOT}
#: FAB's operators by the words of the panel, the likeliest first; those that are not named are not offered.
_TEXT = {"ct": _("contains"), "eq": _IS, "sw": _("begins with"), "nct": _("does not contain"), "neq": _IS_NOT}
_DAY = {"eq": _IS, "gt": _("after"), "lt": _("before"), "neq": _IS_NOT}
# The beginning of a day: nobody means exactly midnight.
_MOMENT = {"gt": _("from"), "lt": _("before")}
_CHOICE = {"eq": _IS, "neq": _IS_NOT}
_YES_NO = {"eq": _IS}


@dataclass(frozen=True)
class Operator:
    """One of FAB's filters for the column, by its place among them."""

    index: int
    label: Any


@dataclass(frozen=True)
class Row:
    """One line of the panel: a column, how it is compared, and with what."""

    column: str
    label: Any
    kind: Kind
    operators: tuple[Operator, ...]
    index: int
    #: (value, label)
    choices: tuple[tuple[str, Any], ...]
    value: str = ""
    is_active: bool = False


@dataclass(frozen=True)
class Chip:
    """A filter that is on, in words; `url` is the list without it."""

    label: Any
    operator: Any
    value: str
    url: str


@dataclass(frozen=True)
class Panel:
    """What templates/_parts/filters.html draws."""

    rows: tuple[Row, ...]
    chips: tuple[Chip, ...]
    #: what the list is asked besides its filters: (name, value)
    kept: tuple[tuple[str, str], ...]
    #: the list without any filter
    reset_url: str

    @property
    def is_short(self) -> bool:
        return len({row.column for row in self.rows}) > MOST_ROWS_AT_ONCE


def panel(screen: Any, page: Page, readable: Callable[[str, Any], Any]) -> Panel:
    """The panel of a Screen with search columns. `readable` turns a column's value into words."""
    offered = screen.search_filters
    rows: list[Row] = []
    chips: list[Chip] = []
    kept = [(name, str(value)) for name, value in page.unfiltered.items() if value is not None]
    for column in screen.search_columns:
        kind, words, choices = _how(screen, column)
        row = _blank(column, screen.label_columns[column], kind, words, choices, offered[column])
        offers = {operator.index for operator in row.operators}
        on = [one for one in page.asked.filters if one.column == column]
        rows += [active for one in on if one.index in offers for active in _active(row, one)] or [row]
        for one in on:
            if one.index not in offers:  # one that the panel cannot say stays as it is
                kept += [(one.argument, text) for text in one.values]
            found = offered[column][one.index]
            says = [str(_in_words(screen.datamodel, one, text, readable)) for text in one.values]
            operator = words.get(found.arg_name, str(found.name).lower())
            chips.append(Chip(row.label, operator, ", ".join(says), page.link(**{one.argument: None})))
    reset = page.link(**{one.argument: None for one in page.asked.filters})
    return Panel(tuple(rows), tuple(chips), tuple(kept), reset)


def _how(screen: Any, column: str) -> tuple[Kind, Mapping[str, Any], tuple[tuple[str, Any], ...]]:
    """How a column is asked for: input, operators, choices."""
    data = screen.datamodel
    if data.is_enum(column):
        return Kind.choice, _CHOICE, tuple((str(value), text) for value, text in screen.choice_labels[column].items())
    if data.is_boolean(column):
        return Kind.choice, _YES_NO, (("1", _("Yes")), ("0", _("No")))
    if data.is_datetime(column):
        return Kind.day, _MOMENT, ()
    if data.is_date(column):
        return Kind.day, _DAY, ()
    if data.is_integer(column):
        return Kind.whole, _AMOUNT, ()
    if data.is_numeric(column) or data.is_float(column):
        return Kind.number, _AMOUNT, ()
    return Kind.text, _TEXT, ()


def _blank(
    column: str, label: Any, kind: Kind, words: Mapping[str, Any], choices: tuple[tuple[str, Any], ...], found: Any
) -> Row:
    places = {one.arg_name: place for place, one in enumerate(found)}
    operators = tuple(Operator(places[name], text) for name, text in words.items() if name in places)
    return Row(column, label, kind, operators, operators[0].index, choices)


def _active(row: Row, one: Filter) -> Iterator[Row]:
    """The lines for a filter that is on."""
    for text in one.values:
        day = read_day(text) if row.kind is Kind.day else None
        yield replace(row, index=one.index, value=typed_day(day) if day else text, is_active=True)


def _in_words(datamodel: Any, one: Filter, text: str, readable: Callable[[str, Any], Any]) -> Any:
    if datamodel.is_datetime(one.column) and read_day(text):
        return readable(one.column, read_day(text))
    return readable(one.column, typed_value(datamodel, one, text))
