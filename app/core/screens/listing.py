"""Which page of a list is asked for, may it be asked for, and what stands on it?"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from app.core.conditions import Condition
from app.core.conditions.fields import Field
from app.core.errors import BadRequestError
from app.core.i18n import _
from app.core.lists import LONGEST_CONDITION, read_condition
from app.core.paging import LARGEST_PAGE, LARGEST_PAGE_SIZE, Cursor, asked_number, read_cursor

LONGEST_SEARCH = 200
#: a condition of Vietnamese words takes nine signs a letter in an address
LONGEST_QUERY = 30_000
MOST_ARGUMENTS = 60
MOST_COLUMNS = 40


@dataclass(frozen=True)
class Asked:
    """What the address of a list asks for, checked."""

    page: int
    page_size: int
    #: a column that rows can be ordered by, "-" in front for falling
    order: str
    q: str
    archived: bool
    where: Condition | None
    #: the columns in their order; None: those that the list shows by itself
    columns: tuple[str, ...] | None
    #: the row behind or before which the page begins; None: the page is counted from the first one
    cursor: Cursor | None = None
    #: the saved view that the address names; 0: none, whatever the default is
    view: int | None = None

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
    columns: Collection[str] = ()
    fields: Mapping[str, Field] = field(default_factory=dict)


#: what a saved view says; once an address says some of it, it says all of it
SAID = frozenset({"where", "q", "order", "columns", "page_size", "archived"})
#: what says how the rows are shown, not which
LOOKS = frozenset({"page", "page_size", "order", "after", "before", "columns"})
_ALWAYS = frozenset({"page", "page_size", "order", "after", "before", "columns", "view"})


def read_arguments(arguments: MultiDict[str, str], offer: Offer, *, besides: Iterable[str] = ()) -> Asked:
    """Raises BadRequestError about an argument that is not on offer. `besides` are the page's own ones."""
    known = _ALWAYS | {
        name for name, is_offered in (("q", offer.search), ("archived", offer.archive), ("where", offer.fields))
        if is_offered
    }  # fmt: skip
    for name, values in arguments.lists():
        with _about(name):
            if name not in known and name not in besides:
                raise BadRequestError(_("%(name)s is not something to filter by.", name=name[:50]))
            _refuse_unreadable(name, values)
    order = arguments.get("order", offer.default_order)
    with _about("order"):
        if order != offer.default_order and order.removeprefix("-") not in offer.orders:
            raise BadRequestError(_("Rows cannot be ordered by %(name)s.", name=order[:50]))
    archived = arguments.get("archived", "0")
    with _about("archived"):
        if archived not in ("0", "1"):
            raise BadRequestError(_("Please use 0 or 1."))
    with _about("page"):
        page = asked_number(arguments, "page", 1, LARGEST_PAGE)
    cursor = _read_cursor(arguments)
    with _about("page_size"):
        page_size = asked_number(arguments, "page_size", offer.page_size, LARGEST_PAGE_SIZE)
    with _about("where"):
        where = read_condition(arguments.get("where", ""), offer.fields)
    with _about("columns"):
        columns = _read_columns(",".join(arguments.getlist("columns")), offer)
    return Asked(
        page=page, page_size=page_size, order=order, q=arguments.get("q", "").strip(), archived=archived == "1",
        where=where, columns=columns, cursor=cursor, view=asked_view(arguments),
    )  # fmt: skip


@contextmanager
def _about(name: str) -> Iterator[None]:
    try:
        yield
    except BadRequestError as refusal:
        refusal.about = name
        raise


def _refuse_unreadable(name: str, values: Sequence[str]) -> None:
    if name == "q" and any(len(value) > LONGEST_SEARCH for value in values):
        raise BadRequestError(_("Search for at most %(count)d characters.", count=LONGEST_SEARCH))
    longest = LONGEST_CONDITION if name == "where" else 1000
    is_once = len(values) == 1 or (name == "columns" and len(values) <= MOST_COLUMNS)  # a box each, without a script
    if not is_once or any("\0" in value or len(value) > longest for value in values):
        raise BadRequestError(_("%(name)s was not understood.", name=name[:50]))


def read_query(text: str) -> MultiDict[str, str]:
    """What the address of a list asked for, as a form brings it along. Raises BadRequestError."""
    if len(text) > LONGEST_QUERY or "\0" in text:
        raise BadRequestError
    try:
        return MultiDict(parse_qsl(text.removeprefix("?"), keep_blank_values=True, max_num_fields=MOST_ARGUMENTS))
    except ValueError:
        raise BadRequestError from None


def _read_columns(typed: str, offer: Offer) -> tuple[str, ...] | None:
    named = tuple(dict.fromkeys(name.strip() for name in typed.split(",") if name.strip()))
    for name in named:
        if name not in offer.columns:
            raise BadRequestError(_("There is no column %(name)s here.", name=name[:50]))
    return named or None


def _read_cursor(arguments: Mapping[str, str]) -> Cursor | None:
    for name, other in (("after", "before"), ("before", "after")):
        if name in arguments:
            with _about(name):
                if other in arguments:
                    raise BadRequestError
                return read_cursor(arguments[name], backwards=name == "before")
    return None


def asked_view(arguments: Mapping[str, str]) -> int | None:
    """The number of the saved view in an address, 0 for none. Raises BadRequestError."""
    text = arguments.get("view")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise BadRequestError(_("%(name)s was not understood.", name="view"))
    return int(text)


@dataclass(frozen=True)
class Preset:
    """A view of a list that is there for everybody: a tab over it. A first one that narrows the list is what the list
    shows by itself."""

    label: Any
    #: a condition; none: all rows
    where: str = ""
    #: a column that the list can be ordered by, "-" in front for falling
    order: str = ""

    @property
    def arguments(self) -> Mapping[str, str]:
        told = {"view": "0", "where": self.where, "order": self.order}
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True)
class ManyPage:
    """Where the chosen rows of a list are sent to: as `rowid`, or as `all` of those at its address (`query`)."""

    address: str
    label: Any
    icon: str
    #: rows that it takes
    most: int
    #: where one finds again what was done so before
    earlier: str
    earlier_label: Any


@dataclass(frozen=True)
class Head:
    """The head of a column. `order` is what a click on it asks for, None where rows cannot be ordered by it."""

    key: str
    label: Any
    order: str | None
    #: aria-sort: "ascending", "descending" or None
    sorted: str | None


@dataclass(frozen=True)
class Row:
    """A row as it is shown; `cells` in the order of the columns, `values` as they come from the database."""

    id: int
    url: str
    #: the address of its side panel
    panel: str
    title: str
    cells: tuple[Any, ...]
    values: tuple[Any, ...]


def _escaped(cell: Any) -> str:
    """As escape() does it, without an object of its own for each plain text of a page."""
    return html.escape(cell) if type(cell) is str else escape(cell)


@dataclass(frozen=True)
class Chip:
    """A part of the condition that is on, in words; `url` is the list without it, `place` where it stands in it."""

    text: str
    place: int
    url: str


@dataclass(frozen=True)
class Page:
    """One page of a list."""

    asked: Asked
    offer: Offer
    columns: tuple[Head, ...]
    rows: tuple[Row, ...]
    count: int
    #: there are more than `count`
    count_capped: bool
    has_next: bool
    #: by which rows the pages before and after this one are found
    first_cursor: Cursor | None = None
    last_cursor: Cursor | None = None
    #: arguments of the page around this list, kept in every link
    besides: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.asked.page

    @property
    def pages(self) -> int | None:
        """How many there are; None where there are more rows than are counted."""
        return None if self.count_capped else -(-self.count // self.asked.page_size)

    @property
    def first_url(self) -> str:
        return self.link(page=1)

    @property
    def prev_url(self) -> str | None:
        if self.number <= 1:
            return None
        if self.number == 2 or self.first_cursor is None:
            return self.link(page=self.number - 1 if self.number > 2 else None)
        return self.link(page=self.number - 1, before=self.first_cursor.token)

    @property
    def next_url(self) -> str | None:
        if not self.has_next or self.number >= LARGEST_PAGE or self.last_cursor is None:
            return None
        return self.link(page=self.number + 1, after=self.last_cursor.token)

    @property
    def first(self) -> int:
        return (self.asked.page - 1) * self.asked.page_size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1 if self.rows else 0

    @property
    def is_narrowed(self) -> bool:
        return bool(self.asked.q or self.asked.where)

    def rows_html(self, *, check: bool) -> Markup:
        """The rows of the table, written in one go: a list has many cells, and a template takes its time for each."""
        labels = [
            f'<td data-label="{escape(column.label)}"{" data-sorted" if column.sorted else ""}>'
            for column in self.columns
        ]
        written = []
        for row in self.rows:
            box, named = "", ""
            if check:
                box = (
                    f'<td><label class="tt-check"><input class="form-check-input" type="checkbox" name="rowid"'
                    f' value="{row.id}" aria-labelledby="chon dong-{row.id}"></label></td>'
                )
                named = f' id="dong-{row.id}"'
            title, url = _escaped(row.title), _escaped(row.url)
            first = _escaped(row.cells[0]) or title
            rest = [f"{label}{_escaped(cell)}</td>" for label, cell in zip(labels[1:], row.cells[1:], strict=True)]
            written.append(
                f'<tr data-row data-panel="{row.panel}">{box}<td class="tt-m-full">'
                f'<a class="tt-rowlink"{named} href="{url}" title="{title}">{first}</a></td>{"".join(rest)}</tr>'
            )
        return Markup("".join(written))  # noqa: S704 - every value above was escaped

    @cached_property
    def arguments(self) -> Mapping[str, str]:
        """What is asked besides the page's number; what is asked as usual is left out."""
        asked, offer = self.asked, self.offer
        told = {
            **self.besides,
            "view": None if asked.view is None else str(asked.view),
            "q": asked.q,
            "where": asked.where.text if asked.where else None,
            "archived": "1" if asked.archived else None,
            "order": asked.order if asked.order != offer.default_order else None,
            "page_size": str(asked.page_size) if asked.page_size != offer.page_size else None,
            "columns": ",".join(asked.columns) if asked.columns else None,
        }
        return {name: value for name, value in told.items() if value}

    def link(self, **changes: Any) -> str:
        """The query string of this list with something changed; None leaves an argument out."""
        asked = {name: value for name, value in {**self.arguments, **changes}.items() if value is not None}
        if asked.get("view", "0") != "0" and not SAID & asked.keys():
            asked["where"] = ""  # a view alone is asked for as it was saved
        return "?" + urlencode(asked, doseq=True)
