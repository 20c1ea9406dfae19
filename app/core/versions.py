"""Is what a process remembers of a shared list still true? A number that grows with every change of it.

Whoever is signed in reads the numbers together with his session, so that asking costs no query of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from app.core.numbering import Counter, next_number

#: numbers that stand in the query by which a request learns who is signed in
READ_WITH_THE_SESSION = ("catalogues", "saved_views", "roles", "own_fields")
#: what a session has read of such lists within its transaction, and nobody else may know before it is committed
READ_INSIDE = "versions_inside"
_KNOWN = "versions"
#: (the database transaction, what was asked within it)
_ASKED = "versions_asked"


def version_of(name: str) -> ScalarSelect[int]:
    """The number, as part of another query; NULL before the first change."""
    return select(Counter.value).where(Counter.name == _row(name)).scalar_subquery()


def remember(session: Session, known: Iterable[tuple[str, int | None]]) -> None:
    """For this session the numbers were read along with something else just now."""
    session.info[_KNOWN] = {name: value or 0 for name, value in known}


def current(session: Session, name: str) -> int:
    """The number now, from 0; inside one database transaction it is asked for once."""
    known: dict[str, int] = session.info.get(_KNOWN, {})
    if name in known and not session.info.get("transaction"):
        return known[name]
    within, asked = session.info.get(_ASKED, (None, {}))
    if within is None or within is not session.get_transaction() or name not in asked:
        number = session.scalar(select(version_of(name))) or 0
        here = session.get_transaction()
        asked = {**(asked if within is here else {}), name: number}
        session.info[_ASKED] = here, asked
    return cast("int", asked[name])


def changed(session: Session, name: str) -> None:
    """Inside a transaction: what anybody remembers of it is over with the commit."""
    next_number(session, _row(name))
    session.info.get(_KNOWN, {}).pop(name, None)
    session.info.pop(_ASKED, None)
    session.info.pop(READ_INSIDE, None)


def _row(name: str) -> str:
    return f"version:{name}"
