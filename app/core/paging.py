"""Which part of a list is asked for, in which order, and how many rows are there? For screens, pages and the API."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Enum,
    Float,
    Integer,
    Numeric,
    Select,
    String,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
)  # fmt: skip
from sqlalchemy.orm import Session

from app.core.db import LARGEST_ID, UtcDateTime
from app.core.errors import BadRequestError, Sentence
from app.core.formats import number_text
from app.core.i18n import _
from app.core.remembered import kept

PAGE_SIZE = 25
LARGEST_PAGE_SIZE = 100
LARGEST_PAGE = 10_000
#: rows are counted up to here; beyond, a list says "more than 10,000"
COUNT_CAP = 10_000

#: A list that is longer than is counted stays so for a while: what it is known as → when it is counted again.
_long: dict[Hashable, float] = kept({})
_STAYS_LONG = 60.0
_MOST_KNOWN = 10_000

K = TypeVar("K")


_WHAT: Mapping[str, Callable[[int], Sentence]] = {
    "page": lambda largest: _("Pages are numbered from 1 to %(largest)s.", largest=number_text(largest)),
    "page_size": lambda largest: _("A page has 1 to %(largest)s rows.", largest=number_text(largest)),
}


def asked_number(arguments: Mapping[str, str], name: str, default: int, largest: int) -> int:
    """A number of the address, 1 to `largest`. Raises BadRequestError."""
    text = arguments.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not 1 <= int(text) <= largest:
        raise BadRequestError(_WHAT[name](largest))
    return int(text)


def in_order(
    rows: Select[Any], by: Any, key: Any, *, falling: bool, backwards: bool = False, is_filled: bool = False
) -> Select[Any]:
    """Ordered by `by`, empty values last on both databases, and by the key, which makes every order total.

    `backwards`: the same order read from its end, as the page before a row needs it. `is_filled`: the rows without a
    value were left out.
    """
    turned = falling != backwards
    first = by.desc() if turned else by.asc()
    if _may_be_empty(by) and not is_filled:
        first = first.nulls_first() if backwards else first.nulls_last()
    last = key.desc() if turned else key.asc()
    return rows.order_by(None).order_by(*([last] if by is key else [first, last]))


def _may_be_empty(by: Any) -> bool:
    return bool(getattr(getattr(by, "expression", by), "nullable", True))


@dataclass(frozen=True)
class Cursor:
    """A row by which the next or the previous page is found without counting rows: its order value and its key."""

    value: Any
    key: int
    #: the rows before it are asked for
    backwards: bool = False

    @property
    def token(self) -> str:
        """As it stands in an address."""
        return base64.urlsafe_b64encode(json.dumps([*_told(self.value), self.key]).encode()).decode().rstrip("=")


def read_cursor(token: str, *, backwards: bool = False) -> Cursor:
    """Raises BadRequestError for what is none of ours."""
    try:
        kind, text, key = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if type(key) is not int or not 0 < key <= LARGEST_ID:
            raise ValueError
        return Cursor(_read_value(kind, text), key, backwards)
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        raise _gone() from None


def _gone() -> BadRequestError:
    return BadRequestError(_("This page is no longer there. Please begin with the first one."))


_MOST_DIGITS = 100
_READERS: Mapping[str, Callable[[str], Any]] = {
    "decimal": Decimal,
    "day": date.fromisoformat,
    "text": str,
    "float": float,
}


def _told(value: Any) -> tuple[str, Any]:
    match value:
        case None:
            return "none", None
        case bool() | int():
            return "whole", int(value)
        case Decimal():
            return "decimal", str(value)
        case float():
            return "float", repr(value)
        case datetime():
            return "moment", value.isoformat()
        case date():
            return "day", value.isoformat()
    return "text", str(value)


def _read_value(kind: str, told: Any) -> Any:
    if kind == "none":
        return None
    if kind == "whole" and type(told) is int and abs(told) < 2**63:
        return told
    if not isinstance(told, str) or "\0" in told:
        raise ValueError
    told.encode()  # half of a surrogate pair is no text of ours
    if kind == "moment":
        moment = datetime.fromisoformat(told)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    return _READERS[kind](told)


def _comparable(by: Any, value: Any) -> bool:
    """Can the column be compared with what an address says? A token may be as old as another type of the column."""
    match getattr(by, "type", None):
        case Enum() as kind:
            return value in kind.enums
        case BigInteger():
            return type(value) is int and abs(value) < 2**63
        case Boolean() | Integer():
            return type(value) is int and abs(value) <= LARGEST_ID
        case Float():
            return isinstance(value, float) and isfinite(value)
        case Numeric():
            return isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= _MOST_DIGITS
        case UtcDateTime():
            return isinstance(value, datetime) and 1 < value.year < 9999
        case Date():
            return isinstance(value, date) and not isinstance(value, datetime)
        case String():
            return isinstance(value, str)
    return False


def beyond(
    rows: Select[Any], by: Any, key: Any, cursor: Cursor, *, falling: bool, is_filled: bool = False
) -> Select[Any]:
    """The rows after the cursor's row in the order of in_order(), before it when the cursor looks backwards.

    Raises BadRequestError for a cursor of another order.
    """
    turned = falling != cursor.backwards
    further = key < cursor.key if turned else key > cursor.key
    if by is key:
        return rows.where(further)
    if cursor.value is None:
        # Empty values stand last: behind them only others of their kind, before them all the rest too.
        same = and_(by.is_(None), further)
        return rows.where(or_(same, by.is_not(None)) if cursor.backwards else same)
    if not _comparable(by, cursor.value):
        raise _gone()
    value = literal(cursor.value, getattr(by, "type", None))
    # One comparison of pairs is what an index on both columns can answer.
    here = tuple_(by, key)
    there = tuple_(value, literal(cursor.key))
    ahead = here < there if turned else here > there
    if _may_be_empty(by) and not is_filled and not cursor.backwards:
        ahead = or_(ahead, by.is_(None))
    return rows.where(ahead)


@dataclass(frozen=True)
class Piece:
    """Which rows of a list are shown: so many from a place on, or those behind a row, or before it."""

    size: int
    is_falling: bool
    #: rows to skip; where there is a cursor, it says which
    start: int = 0
    cursor: Cursor | None = None
    #: only rows with a value are read
    is_filled: bool = False

    @property
    def is_first(self) -> bool:
        return not self.start and self.cursor is None

    @property
    def is_backwards(self) -> bool:
        return self.cursor is not None and self.cursor.backwards

    def ordered(self, rows: Select[Any], by: Any, key: Any) -> Select[Any]:
        """In the order in which the piece is read."""
        return in_order(rows, by, key, falling=self.is_falling, backwards=self.is_backwards, is_filled=self.is_filled)

    def of(self, rows: Select[Any], by: Any, key: Any) -> Select[Any]:
        """Its rows, and one more: is there another page beyond? Raises BadRequestError for a cursor of another list."""
        ordered = self.ordered(rows, by, key).limit(self.size + 1)
        if self.cursor is not None:
            return beyond(ordered, by, key, self.cursor, falling=self.is_falling, is_filled=self.is_filled)
        return ordered.offset(self.start) if self.start else ordered


def one_finding(rows: Select[Any], by: Any, key: Any, piece: Piece) -> tuple[Select[Any], ColumnElement[int]]:
    """The keys of the piece, and how many rows there are, up to the cap: a query with both looks for the rows once.

    They are found before they are put in order: asked for some in order, a database may rather walk the table in that
    order and look at each row's text, however few match.
    """
    chosen = rows.with_only_columns(
        key.label("id"), *([] if by is key else [by.label("by")]), maintain_column_froms=True
    )
    hits = chosen.order_by(None).limit(COUNT_CAP + 1).correlate(None).cte("hits")
    ids = piece.of(select(hits.c.id), hits.c.id if by is key else hits.c.by, hits.c.id)
    return ids, select(func.count()).select_from(hits).scalar_subquery()


def is_long(known_as: Hashable) -> bool:
    """Was it longer than is counted, within the last minute? Counting so far costs more than the page does."""
    return known_as is not None and _long.get(known_as, 0.0) > time.monotonic()


def stays_long(known_as: Hashable) -> None:
    if known_as is not None:
        if len(_long) >= _MOST_KNOWN:
            _long.clear()
        _long[known_as] = time.monotonic() + _STAYS_LONG


def count(session: Session, rows: Select[Any], key: Any) -> tuple[int, bool]:
    """How many rows, and whether there are more than is worth counting. Up to that many the number is exact."""
    return capped(session.scalar(_up_to_the_cap(rows, key)) or 0)


def capped(found: int) -> tuple[int, bool]:
    """The number to tell of so many rows, and whether there are more."""
    return min(found, COUNT_CAP), found > COUNT_CAP


def counts(session: Session, lists: Mapping[K, Select[Any]], key: Any = None) -> dict[K, tuple[int, bool]]:
    """The same for several lists, in one query. `key` of none: of each the id that it selects."""
    return counts_and(session, lists, (), key)[0] if lists else {}


def counts_and(
    session: Session, lists: Mapping[K, Select[Any]], more: Sequence[Any], key: Any = None
) -> tuple[dict[K, tuple[int, bool]], Sequence[Any]]:
    """The same, and the values of other columns, in the same query."""
    counted = (_up_to_the_cap(rows, rows.selected_columns.id if key is None else key) for rows in lists.values())
    row = session.execute(select(*(one.scalar_subquery() for one in counted), *more)).one()
    return {name: capped(found) for name, found in zip(lists, row, strict=False)}, row[len(lists) :]


def forget_counts() -> None:
    """Lists that were long may be short by now."""
    _long.clear()


def _up_to_the_cap(rows: Select[Any], key: Any) -> Select[int]:
    keys = rows.with_only_columns(key, maintain_column_froms=True).order_by(None).limit(COUNT_CAP + 1)
    return select(func.count()).select_from(keys.correlate(None).subquery())
