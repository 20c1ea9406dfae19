"""What belongs to a customer, and goes with him when he becomes part of another one? Every table is asked.

Foreign keys are read from the schema: a new table is handed over without a word here, or a test says what is missing.
What is written for him while he is merged waits, and goes where he went.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    UniqueConstraint,
    and_,
    event,
    exists,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from app.core.db import Entity
from app.customers.duplicates.queries import merged_into
from app.customers.models import Customer

#: handed over by merging.py in its own way
OWN_WAY = frozenset({
    "contact_point.customer_id", "customer_stage.customer_id", "duplicate_pair.first_id", "duplicate_pair.second_id",
    "customer_answers.customer_id", "customer_value.customer_id",
})  # fmt: skip
#: tells of what was done with this very record, and stays with it
STAYING = frozenset({"customer_merge.kept_id", "customer_merge.merged_id"})
#: (table, column with the kind of record, column with its number, how customers are called there)
RECORDS: Sequence[tuple[str, str, str, str]] = (
    ("access_grant", "resource", "record_id", "Customer"),
    ("alert", "subject_type", "subject_id", "customer"),
    ("comment", "resource", "record_id", "Customer"),
    ("notification", "subject_type", "subject_id", "customer"),
    ("stored_file", "owner_type", "owner_id", "customer"),
    ("submission", "subject_type", "subject_id", "customer"),
    ("task", "owner_type", "owner_id", "customer"),
    ("timeline_entry", "subject_type", "subject_id", "customer"),
)
#: of those, what no foreign key holds to him
_LOOSE = {table: (kind, number, called) for table, kind, number, called in RECORDS
          if table in ("access_grant", "comment", "notification", "stored_file")}  # fmt: skip
#: what both have the like of, by number, and is handed over all the same
_TASKS = "task.owner_id"
#: rows a statement
_BATCH = 5_000


@dataclass(frozen=True)
class Link:
    """A column that holds the id of a customer, in all rows of its table or in those that `where` says."""

    column: Column[Any]
    where: ColumnElement[bool]

    @property
    def table(self) -> Table:
        return self.column.table

    @property
    def key(self) -> str:
        return f"{self.table.name}.{self.column.name}"


def foreign_keys() -> Iterator[Column[Any]]:
    """All foreign keys to a customer, by table and column."""
    found = (
        column for table in Entity.metadata.sorted_tables for column in table.columns
        for key in column.foreign_keys if key.column is Customer.__table__.c.id
    )  # fmt: skip
    yield from sorted(found, key=lambda column: (column.table.name, column.name))


def links() -> Sequence[Link]:
    """Those that are handed over alike."""
    plain = [Link(column, true()) for column in foreign_keys() if _name(column) not in OWN_WAY | STAYING]
    tables = Entity.metadata.tables
    records = [
        Link(tables[table].c[number], tables[table].c[kind] == called)
        for table, kind, number, called in RECORDS
        if table in tables and kind in tables[table].c and number in tables[table].c
    ]
    return [*plain, *records]


def _name(column: Column[Any]) -> str:
    return f"{column.table.name}.{column.name}"


def lock_all(session: Session, customer_id: int, tables: Sequence[str]) -> None:
    """Take the locks on his rows in these tables, in this order: whoever works on one of them holds it first."""
    for link in (one for name in tables for one in links() if one.table.name == name):
        rows = select(link.table.c.id).where(link.column == customer_id, link.where).order_by(link.table.c.id)
        session.execute(rows.with_for_update())


def hand_over(session: Session, giver: int, taker: int) -> dict[str, list[int]]:
    """Everything of one customer is the other one's from now on; {"table.column": ids} of what was handed over.

    What the taker has the like of (the same tag) stays where it is. The rows do not count as changed by it.
    """
    moved: dict[str, list[int]] = {}
    for link in links():
        has_tasks = link.key == _TASKS
        free = () if has_tasks else _not_there_yet(link, taker)
        rows = select(link.table.c.id).where(link.column == giver, link.where, *free)
        ids = list(session.scalars(rows.order_by(link.table.c.id)))
        if ids:
            moved[link.key] = ids
            also = {"token": link.table.c.token + _last_token(session, link, taker)} if has_tasks else {}
            point_to(session, link.column, ids, taker, also=also)
    return moved


def give_back(session: Session, moved: Mapping[str, Sequence[int]], giver: int, taker: int) -> int:
    """Hand back what `hand_over` says, as far as it is still where it was put; how many rows are not."""
    lost = 0
    by_key = {link.key: link.column for link in links()}
    for key, ids in moved.items():
        column = by_key[key]
        lost += len(ids) - point_to(session, column, ids, taker, of=giver)
    return lost


def _last_token(session: Session, link: Link, customer_id: int) -> int:
    """Everybody's own tasks are numbered from one: those that are handed over count on."""
    last = select(func.max(link.table.c.token)).where(link.column == customer_id, link.where)
    return session.scalar(last) or 0


def point_to(
    session: Session, column: Column[Any], ids: Sequence[int], customer_id: int, *, of: int | None = None,
    also: Mapping[str, Any] = MappingProxyType({}),
) -> int:  # fmt: skip
    """Let these rows point to the customer, past their revision and stamps; how many. `of`: those that point there."""
    table, count = column.table, 0
    values: dict[str, Any] = {column.name: customer_id, **also}
    if "updated_at" in table.c:
        values["updated_at"] = table.c.updated_at
    for start in range(0, len(ids), _BATCH):
        some: list[ColumnElement[bool]] = [table.c.id.in_(ids[start : start + _BATCH])]
        if of is not None:
            some.append(column == of)
        count += session.connection().execute(update(table).where(*some).values(values)).rowcount
    return count


def unique_sets(column: Column[Any]) -> Iterator[tuple[Column[Any], ...]]:
    """The other columns of each constraint by which a customer has something only once."""
    table = column.table
    constraints: list[Any] = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    constraints += [index for index in table.indexes if index.unique]
    for one in constraints:
        columns = list(one.columns)
        if column in columns:
            yield tuple(other for other in columns if other is not column)


def _not_there_yet(link: Link, taker: int) -> Iterator[ColumnElement[bool]]:
    for columns in unique_sets(link.column):
        same = link.table.alias()
        alike = [or_(same.c[one.name] == one, and_(same.c[one.name].is_(None), one.is_(None))) for one in columns]
        yield ~exists().where(same.c[link.column.name] == taker, *alike)


@event.listens_for(Session, "before_flush")
def _follow(session: Session, _context: object, _instances: object) -> None:
    """What is new about a customer holds him as a foreign key would; once he is merged it is the other's."""
    told: dict[int, list[tuple[Any, str]]] = {}
    for row in session.new:
        kind, number, called = _LOOSE.get(getattr(row, "__tablename__", ""), ("", "", ""))
        if kind and getattr(row, kind) == called:
            told.setdefault(getattr(row, number), []).append((row, number))
    if not told:
        return
    kept = select(Customer.id, Customer.archived_at).where(Customer.id.in_(told)).order_by(Customer.id)
    for customer_id, archived_at in session.execute(kept.with_for_update(read=True, key_share=True)).all():
        taker = merged_into(session, customer_id) if archived_at is not None else None
        if taker is not None:
            for row, number in told[customer_id]:
                setattr(row, number, taker)
