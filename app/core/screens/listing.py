"""Which page of a list is asked for, may it be asked for, and what stands on it?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select
from werkzeug.datastructures import MultiDict

from app.core.db import LARGEST_ID
from app.core.errors import BadRequestError
from app.core.i18n import _
from app.core.paging import LARGEST_PAGE, LARGEST_PAGE_SIZE, asked_number
from app.core.screens.fields import read_day, read_moment

LONGEST_SEARCH = 200
MOST_FILTER_VALUES = 100
_FILTER = re.compile(r"_flt_([0-9])_([a-z][a-z0-9_]*)")
_WHOLE = re.compile(r"-?[0-9]{1,10}")


@dataclass(frozen=True)
class Filter:
    """One FAB filter of a request: the column, which of FAB's filters for it, and the values as typed."""

    column: str
    index: int
    values: tuple[str, ...]

    @property
    def argument(self) -> str:
        return f"_flt_{self.index}_{self.column}"


@dataclass(frozen=True)
class Asked:
    """What the address of a list asks for, checked."""

    page: int
    page_size: int
    #: a declared column, "-" in front for falling
    order: str
    q: str
    archived: bool
    filters: tuple[Filter, ...]

    @property
    def order_column(self) -> str:
        return self.order.removeprefix("-")

    @property
    def is_falling(self) -> bool:
        return self.order.startswith("-")


@dataclass(frozen=True)
class Offer:
    """What a list lets one ask for."""

    #: name → what it is ordered by
    orders: Mapping[str, Any]
    default_order: str
    page_size: int
    search: bool
    archive: bool
    #: search column → how many filters FAB has for it
    filters: Mapping[str, int]


def read_arguments(arguments: MultiDict[str, str], offer: Offer, *, besides: Iterable[str] = ()) -> Asked:
    """Raises BadRequestError for every argument that is not on offer. `besides` are the page's own ones."""
    known = (
        {"page", "page_size", "order"} | ({"q"} if offer.search else set()) | ({"archived"} if offer.archive else set())
    )
    filters = []
    for name, values in arguments.lists():
        if len(values) > MOST_FILTER_VALUES or any("\0" in value or len(value) > LONGEST_SEARCH for value in values):
            raise BadRequestError(_("%(name)s was not understood.", name=name[:50]))
        match = _FILTER.fullmatch(name)
        if match and int(match[1]) < offer.filters.get(match[2], 0):
            # A value that was left empty asks for nothing.
            given = tuple(value.strip() for value in values if value.strip())
            filters += [Filter(match[2], int(match[1]), given)] if given else []
        elif name not in known and name not in besides:
            raise BadRequestError(_("%(name)s is not something to filter by.", name=name[:50]))
        elif len(values) > 1:
            raise BadRequestError(_("%(name)s was not understood.", name=name[:50]))
    order = arguments.get("order", offer.default_order)
    if order != offer.default_order and order.removeprefix("-") not in offer.orders:
        raise BadRequestError(_("Rows cannot be ordered by %(name)s.", name=order[:50]))
    archived = arguments.get("archived", "0")
    if archived not in ("0", "1"):
        raise BadRequestError(_("Please use 0 or 1."))
    return Asked(
        page=asked_number(arguments, "page", 1, LARGEST_PAGE),
        page_size=asked_number(arguments, "page_size", offer.page_size, LARGEST_PAGE_SIZE),
        order=order,
        q=arguments.get("q", "").strip(),
        archived=archived == "1",
        filters=tuple(filters),
    )


def apply_filters(
    rows: Select[Any], datamodel: Any, search_columns: Sequence[str], filters: Iterable[Filter]
) -> Select[Any]:
    """FAB's filters on a select of ours. Their object lives as long as the request: FAB's own is shared (FAB #2366)."""
    active = datamodel.get_filters(list(search_columns))
    for one in filters:
        values = [typed_value(datamodel, one, text) for text in one.values]
        active.add_filter_index(one.column, one.index, values)
    return active.apply_all(rows)  # type: ignore[no-any-return]


def typed_value(datamodel: Any, one: Filter, text: str) -> Any:
    """The value in the column's own type: FAB turns what it cannot read into NULL, or the database into an error.

    Raises BadRequestError with an example of what is right.
    """
    try:
        if datamodel.is_enum(one.column):
            return _among(text, datamodel.list_columns[one.column].type.enum_class)
        if datamodel.is_integer(one.column):
            return _whole(text)
        if datamodel.is_boolean(one.column):
            return _among(text, {"1": True, "0": False, "y": True, "n": False}.__getitem__)
        if datamodel.is_datetime(one.column):
            return read_moment(text)
        if datamodel.is_date(one.column):
            return read_day(text)
        if datamodel.is_numeric(one.column):
            return _decimal(text)
    except ValueError as error:
        raise BadRequestError(_("“%(typed)s”: %(problem)s", typed=text, problem=error)) from None
    return text


def _among(text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except (KeyError, ValueError):
        raise ValueError(str(_("This is not one of the choices."))) from None


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text) or abs(int(text)) > LARGEST_ID:
        raise ValueError(str(_("This is not a whole number. Example: 12")))
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError(str(_("This is not a number.")))
    return number


@dataclass(frozen=True)
class Column:
    """A column of the list. `order` is what a click on its head asks for, None where rows cannot be ordered by it."""

    key: str
    label: Any
    order: str | None
    #: aria-sort: "ascending", "descending" or None
    sorted: str | None


@dataclass(frozen=True)
class Row:
    """A row as it is shown; `cells` in the order of the columns."""

    id: int
    url: str
    title: str
    cells: tuple[Any, ...]
    item: Any


@dataclass(frozen=True)
class Page:
    """One page of a list."""

    asked: Asked
    offer: Offer
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    count: int
    #: there are more than `count`
    count_capped: bool
    has_next: bool
    #: arguments of the page around this list, kept in every link
    besides: Mapping[str, str]

    @property
    def number(self) -> int:
        return self.asked.page

    @property
    def first_url(self) -> str:
        return self.link(page=1)

    @property
    def prev_url(self) -> str | None:
        return self.link(page=self.number - 1) if self.number > 1 else None

    @property
    def next_url(self) -> str | None:
        return self.link(page=self.number + 1) if self.has_next and self.number < LARGEST_PAGE else None

    @property
    def first(self) -> int:
        return (self.asked.page - 1) * self.asked.page_size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1 if self.rows else 0

    @property
    def unfiltered(self) -> dict[str, Any]:
        """What is asked besides filters and the page's number; None where it is asked as usual."""
        asked: dict[str, Any] = dict(self.besides)
        asked |= {"q": self.asked.q or None, "archived": "1" if self.asked.archived else None}
        asked |= {"order": self.asked.order if self.asked.order != self.offer.default_order else None}
        return asked | {"page_size": self.asked.page_size if self.asked.page_size != self.offer.page_size else None}

    def link(self, **changes: Any) -> str:
        """The query string of this list with something changed; None leaves an argument out."""
        asked = self.unfiltered | {one.argument: list(one.values) for one in self.asked.filters} | changes
        return "?" + urlencode({name: value for name, value in asked.items() if value is not None}, doseq=True)
