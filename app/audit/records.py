"""Which records does the log tell of, and what are they called for its reader?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, func, literal, select, true, union_all
from sqlalchemy.orm import Session

from app.audit import kinds
from app.audit.kinds import KINDS, Kind
from app.core import history
from app.core.access import Actor, has_row_rule, visible
from app.core.audit import AuditEvent
from app.security.models import Grant, Team
from app.security.shares import SHARE

#: what a record is called by when somebody reads it out
CODES = {"customer": "code", "process_instance": "code", "process": "code", "form": "code", "team": "code"}


@dataclass(frozen=True)
class Named:
    """A record that the reader may see."""

    title: str
    url: str | None


Records = Mapping[tuple[str, int], Named]


def records_named(
    session: Session, who: Actor, keys: Iterable[tuple[str | None, int | None]], *, by_code: bool = False
) -> Records:
    """Those of these (table, id) that the reader may see, by what they are called now; one query for all tables.

    A row that is a part of a record is called as that is, a share as what is shared (one query more). `by_code`: whose
    name is personal is called by its code.
    """
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for table, record_id in keys:
        if table is not None and table in KINDS and record_id is not None:
            wanted[table].add(record_id)
    shared = _shared(session, wanted.pop(Grant.__tablename__, ()))
    for table, record_id in shared.values():
        wanted[table].add(record_id)
    found = _named(session, who, wanted, by_code)
    return found | {(Grant.__tablename__, key): found[of] for key, of in shared.items() if of in found}


def _shared(session: Session, ids: Collection[int]) -> dict[int, tuple[str, int]]:
    """Share → (table, id) of what it opens."""
    tables = {word: table for table in KINDS for word in words_of(table)}
    rows = session.execute(select(Grant.id, Grant.resource, Grant.record_id).where(Grant.id.in_(ids))) if ids else ()
    return {key: (tables[resource], number) for key, resource, number in rows if resource in tables}


def _named(
    session: Session, who: Actor, wanted: Mapping[str, Collection[int]], by_code: bool
) -> dict[tuple[str, int], Named]:
    parts = [part for table, ids in wanted.items() if (part := _titles(table, ids, who, by_code)) is not None]
    if not parts:
        return {}
    rows: Any = parts[0] if len(parts) == 1 else union_all(*parts)
    found: dict[tuple[str, int], Named] = {}
    for table, record_id, titled, title_id, title in session.execute(rows):
        known = KINDS[titled]
        found[table, record_id] = Named(known.called(title or ""), known.path(title_id) if known.path else None)
    return found


def _titles(table: str, ids: Collection[int], who: Actor, by_code: bool) -> Any:
    """(table, id, table of the record, id of the record, its title)."""
    model, known, titled = history.model_of(table), KINDS[table], table
    if model is None:
        return None
    rows, whole, key = model, model, model.id
    condition: ColumnElement[bool] = true()
    if known.beside:
        titled = known.beside
        rows = whole = history.model_of(titled)
        key = rows.id
    while KINDS[titled].part_of is not None:
        column, titled = KINDS[titled].part_of  # type: ignore[misc]  # checked a line above
        above = history.model_of(titled)
        condition = and_(condition, getattr(whole, column) == above.id)
        whole = above
    if has_row_rule(whole):
        condition = and_(condition, visible(whole, who))
    elif not who.may("view", KINDS[titled].resource):
        return None
    column = CODES[titled] if by_code and titled in CODES and titled != Team.__tablename__ else KINDS[titled].title
    title = getattr(whole, column) if column else literal("")
    return select(
        literal(table).label("t"), key.label("i"), literal(titled).label("w"), whole.id.label("wi"),
        cast(title, String).label("n"),
    ).where(key.in_(ids), condition)  # fmt: skip


def words_of(table: str) -> tuple[str, ...]:
    """As rows that may be about records of any kind name such a one: by its resource, or by that in small letters.

    Of several tables with one resource it is the first that has a page; the others are looked after by its right alone.
    """
    resource = KINDS[table].resource
    first = next((one for one, kind in KINDS.items() if kind.resource == resource and _has_page(kind)), None)
    return (resource, resource.lower()) if table == first else ()


def _has_page(kind: Kind) -> bool:
    return kind.path is not None and kind.part_of is None


def record_of() -> ColumnElement[str]:
    """Which record, as one value of a list."""
    return func.coalesce(AuditEvent.table_name, "") + ":" + func.coalesce(cast(AuditEvent.record_id, String), "")


def record_key(value: str) -> tuple[str | None, int | None]:
    """What `record_of` says."""
    table, _colon, row_id = value.rpartition(":")
    return table or None, int(row_id) if row_id else None


def record_in_words(value: str, records: Records) -> str:
    """For a file: the kind and what the record is called there, or its number where the reader may not see it."""
    table, row_id = record_key(value)
    if table is None or row_id is None:
        return ""
    named = records.get((table, row_id))
    return (
        f"{kinds.kind_label(table)}: {named.title}" if named and named.title else f"{kinds.kind_label(table)} #{row_id}"
    )


def is_automatic() -> ColumnElement[bool]:
    """Is the entry about a share that came or went with work, and that nobody gave by hand?"""
    grants = select(Grant.id).where(Grant.id == AuditEvent.record_id, Grant.reason != SHARE)
    return and_(func.coalesce(AuditEvent.table_name, "") == Grant.__tablename__, grants.exists())
