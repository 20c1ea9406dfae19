"""Which part of a list is asked for, in which order, and how many rows are there? For screens, pages and the API."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.core.errors import BadRequestError
from app.core.i18n import _

PAGE_SIZE = 25
LARGEST_PAGE_SIZE = 100
LARGEST_PAGE = 10_000
#: rows are counted up to here; beyond, a list says "more than 10,000"
COUNT_CAP = 10_000

#: A list that is longer than is counted stays so for a while: what it is known as → when it is counted again.
_long: dict[Hashable, float] = {}
_STAYS_LONG = 60.0
_MOST_KNOWN = 10_000

K = TypeVar("K")


def asked_number(arguments: Mapping[str, str], name: str, default: int, largest: int) -> int:
    """A number of the address, 1 to `largest`. Raises BadRequestError."""
    text = arguments.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not 1 <= int(text) <= largest:
        raise BadRequestError(_("%(name)s must be a number from 1 to %(largest)d.", name=name, largest=largest))
    return int(text)


def in_order(rows: Select[Any], by: Any, key: Any, *, falling: bool) -> Select[Any]:
    """Ordered by `by`, empty values last on both databases, and by the key, which makes every order total."""
    first = by.desc() if falling else by.asc()
    if getattr(getattr(by, "expression", by), "nullable", True):
        first = first.nulls_last()
    last = key.desc() if falling else key.asc()
    return rows.order_by(None).order_by(*([last] if by is key else [first, last]))


def count(session: Session, rows: Select[Any], key: Any, *, known_as: Hashable | None = None) -> tuple[int, bool]:
    """How many rows, and whether there are more than is worth counting.

    Up to that many the number is exact. That there are more is remembered for a minute under `known_as`: counting to
    ten thousand through a row rule is half of a page's work for the database.
    """
    now = time.monotonic()
    if known_as is not None and _long.get(known_as, 0.0) > now:
        return COUNT_CAP, True
    found = session.scalar(_up_to_the_cap(rows, key)) or 0
    if known_as is not None and found > COUNT_CAP:
        if len(_long) >= _MOST_KNOWN:
            _long.clear()
        _long[known_as] = now + _STAYS_LONG
    return min(found, COUNT_CAP), found > COUNT_CAP


def counts(session: Session, lists: Mapping[K, Select[Any]], key: Any) -> dict[K, tuple[int, bool]]:
    """The same for several lists of one table, in one query."""
    if not lists:
        return {}
    row = session.execute(select(*(_up_to_the_cap(rows, key).scalar_subquery() for rows in lists.values()))).one()
    return {name: (min(found, COUNT_CAP), found > COUNT_CAP) for name, found in zip(lists, row, strict=True)}


def forget_counts() -> None:
    """Another database is behind the lists now."""
    _long.clear()


def _up_to_the_cap(rows: Select[Any], key: Any) -> Select[int]:
    capped = rows.with_only_columns(key, maintain_column_froms=True).order_by(None).limit(COUNT_CAP + 1)
    return select(func.count()).select_from(capped.correlate(None).subquery())
