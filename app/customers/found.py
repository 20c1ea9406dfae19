"""Customers were found by their keys alone (by an own field): which of them are in use, and seen by whoever looks?

The one place that knows how to ask that of ten thousand keys within a few milliseconds. It says of each of them what
the row rule and `live()` say (tests/forms/own_fields/test_narrowed.py), which a list narrowed by other things asks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, column, false, literal_column, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import TableClause

from app.core.access import Actor, Scope
from app.customers.models import Customer
from app.customers.queries import GRANTS, in_reach
from app.security.grants import granted_ids

_NOTHING: ColumnElement[int] = literal_column("0")


class _Live(TableClause):
    """Customers in use, by the index that has all of them with whose they are: SQLite, which knows a row by its number,
    else reads the whole row of each, in twice the time."""

    inherit_cache = True


@compiles(_Live)
def _by_its_name(rows: _Live, compiler: SQLCompiler, **how: Any) -> str:
    return str(compiler.visit_table(rows, **how))  # type: ignore[no-untyped-call]


@compiles(_Live, "sqlite")
def _by_index(rows: _Live, compiler: SQLCompiler, **how: Any) -> str:
    index = " INDEXED BY ix_customer_live_id" if how.get("asfrom") else ""
    return str(compiler.visit_table(rows, **how)) + index  # type: ignore[no-untyped-call]


_LIVE = _Live(
    "customer", *(column(one, Integer) for one in ("id", "owner_id", "team_id", "created_by_id")), column("archived_at")
)


def seen_in_use(session: Session, keys: Select[Any], who: Actor) -> Select[Any]:
    """Of these keys of customers, of whom each may come once only, those that are not archived and that he may see."""
    if who.scope("Customer") is Scope.all:
        return _in_use(session, keys)
    if not who.may("view", "Customer"):
        return keys.where(false())
    # OFFSET is a fence to both planners: first whoever was found is looked up in the index that tells whose he is, then
    # it is asked whether he is his. PostgreSQL would count the list of grants anew for every look into the index, and
    # rather read all of it; SQLite would read all customers of the team.
    row = _LIVE.c
    found = (
        select(row.id, row.owner_id, row.team_id, row.created_by_id).where(row.id.in_(keys), row.archived_at.is_(None))
        .correlate(None).offset(_NOTHING).subquery("found")
    )  # fmt: skip
    handed = found.c.id.in_(granted_ids("Customer", who, *GRANTS["view"]))
    return select(found.c.id).where(or_(in_reach(found.c, who), handed))


def _in_use(session: Session, keys: Select[Any]) -> Select[Any]:
    """The few that are archived are taken off, which costs a fraction of looking each one up."""
    (key,) = keys.selected_columns
    other = _other()
    gone = select(other.id).where(other.archived_at.is_not(None)).correlate(None)
    if session.get_bind().dialect.name == "sqlite":  # which would look at each row for the other way to say it
        return keys.where(key.not_in(gone))
    # PostgreSQL goes through a list that is longer than its memory once for every row.
    return keys.where(~select(other.id).where(other.archived_at.is_not(None), other.id == key).exists())


@lru_cache(1)
def _other() -> Any:
    # To make one, and its columns, takes longer than the rest of a page's query.
    return aliased(Customer)
