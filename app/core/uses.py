"""Who uses this record? Found by the foreign keys that point to it, told in numbers, and by name as far as one may see.

Which tables count as users, and in which words, is declared in app/uses.py; a key that nobody placed fails a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, true
from sqlalchemy.orm import Session, aliased

from app.core.access import Actor, has_row_rule, visible
from app.core.db import Entity
from app.core.errors import BusinessError, Sentence
from app.core.i18n import _, ngettext

#: so many users of one kind are counted; beyond, "more than 1,000" is told
MOST_COUNTED = 1000

#: columns that say who did something: everybody who ever worked here is named by some, and is not used by that
STAMPS = frozenset({"created_by_id", "updated_by_id", "archived_by_id", "published_by_id", "completed_by_id",
                    "actor_id", "on_behalf_of_id", "author_id"})  # fmt: skip

Counted = Callable[[int], Sentence]


@dataclass(frozen=True)
class UserKind:
    """A table whose rows use others, in words."""

    model: type[Entity]
    label: Sentence
    #: 3 → "3 tasks"
    counted: Counted
    #: which of its rows are still open, where the table knows
    is_open: ColumnElement[bool] | None = None
    #: 3 → "3 open tasks"
    counted_open: Counted | None = None
    #: which of its rows the lists leave out
    is_aside: ColumnElement[bool] | None = None
    #: 3 → "3 archived"
    counted_aside: Counted | None = None
    #: where a row of it lives
    path: Callable[[int], str] | None = None
    #: what one row is called among others of its kind, where that is more than its name
    titled: Callable[[Any, Actor], Sentence] = lambda row, _who: str(row)


@dataclass(frozen=True)
class Seen:
    """A user that the reader may see."""

    title: str
    url: str | None


@dataclass(frozen=True)
class Use:
    """All rows of one table that use the record."""

    kind: UserKind
    count: int
    capped: bool
    open_count: int
    #: a few of those that the reader may see
    titles: Sequence[Seen]
    #: how many of the counted ones he may not see
    hidden: int
    #: how many of the counted ones stand in no list
    aside: int = 0

    @property
    def label(self) -> Sentence:
        return self.kind.label

    @property
    def sentence(self) -> Sentence:
        """As in: 12 tasks, 3 of them open."""
        told = self.kind.counted(self.count)
        if self.capped:
            told = _("more than %(told)s", told=told)
        elif self.aside and self.kind.counted_aside is not None:
            told = _("%(told)s (%(aside)s)", told=told, aside=self.kind.counted_aside(self.aside))
        if self.open_count and self.kind.counted_open is not None and self.open_count == self.count and not self.capped:
            return self.kind.counted_open(self.count)
        if self.open_count:
            return _("%(told)s, %(open)d of them open", told=told, open=self.open_count)
        return told

    @property
    def beyond(self) -> Sentence | None:
        """As in: and 3 records that you may not see."""
        return _("and %(num)d records that you may not see", num=self.hidden) if self.hidden else None


@dataclass(frozen=True)
class Mention:
    """Something that names the record in its text, such as the drawing of a process."""

    #: None: the reader may not see it
    title: str | None


class InUseError(BusinessError):
    """It cannot go as long as others use it."""

    code = "in_use"


#: what names each of these records, by id, with the titles that this person may see
Mentions = Callable[[Session, Sequence[Any], Actor], Mapping[int, Sequence[Mention]]]
#: may this record be named by that column at all?
Naming = Callable[[Any], bool]

_kinds: dict[type[Entity], UserKind] = {}
_parts: set[tuple[str, str]] = set()
_codes: dict[type[Any], list[tuple[type[Entity], Any, Naming]]] = {}
_mentions: dict[type[Any], list[Mentions]] = {}


def declare(kind: UserKind) -> None:
    """Rows of this table use what their foreign keys point to."""
    _kinds[kind.model] = kind


def declare_part(table: str, *columns: str) -> None:
    """Rows of this table belong to what these columns point to: who uses the part, uses the whole."""
    _parts.update((table, column) for column in columns)


def declare_code(target: type[Any], user: type[Entity], column: Any, is_for: Naming) -> None:
    """Rows of `user` name a row of `target` by its code in `column`, if `is_for(row)`."""
    known = _codes.setdefault(target, [])
    known[:] = [one for one in known if one[1] is not column] + [(user, column, is_for)]


def declare_mentions(target: type[Any], find: Mentions) -> None:
    """`find` knows what names rows of `target` in its text."""
    known = _mentions.setdefault(target, [])
    if find not in known:
        known.append(find)


def _keys() -> Iterator[tuple[type[Entity], Any, Any]]:
    """(table, its column, the table it points to) of every mapped foreign key of ours."""
    for mapper in sorted(Entity.registry.mappers, key=lambda one: one.class_.__name__):
        model = mapper.class_
        if not issubclass(model, Entity) or not model.__module__.startswith("app."):
            continue
        for column in mapper.local_table.columns:
            for key in column.foreign_keys:
                yield model, column, key.column.table


def unplaced() -> list[str]:
    """Foreign keys of which nobody said whether they are a use, and in which words. There should be none."""
    return [
        f"{model.__name__}.{column.name}"
        for model, column, _table in _keys()
        if column.name not in STAMPS and model not in _kinds and (column.table.name, column.name) not in _parts
    ]


@cache
def _into(table: Any) -> tuple[tuple[type[Entity], Any], ...]:
    return tuple((model, column) for model, column, target in _keys() if target is table and column.name not in STAMPS)


def _by_kind(model: type[Any], ids: Any) -> Iterator[tuple[UserKind, ColumnElement[bool]]]:
    """Which rows of which tables use the rows of `model` with these ids, straight or through a part of theirs."""
    for user, column in _into(model.__table__):
        if (column.table.name, column.name) in _parts:
            yield from _by_kind(user, select(user.id).where(column.in_(ids)).correlate_except(user))
        elif user in _kinds:
            yield _kinds[user], column.in_(ids)


def uses_of(session: Session, model: type[Any], record_id: int, who: Actor, *, limit: int = 3) -> list[Use]:
    """Every table that uses the record, each with its number and up to `limit` titles that the reader may see."""
    return uses_of_many(session, model, [record_id], who, limit=limit)


def uses_of_many(session: Session, model: type[Any], ids: Sequence[int], who: Actor, *, limit: int = 3) -> list[Use]:
    """The same for several records at once: a user of two of them counts once."""
    conditions: dict[type[Entity], tuple[UserKind, list[ColumnElement[bool]]]] = {}
    for kind, condition in _by_kind(model, list(ids)):
        conditions.setdefault(kind.model, (kind, []))[1].append(condition)
    if model in _codes:
        for record in session.scalars(select(model).where(model.id.in_(ids))):
            for user, column, is_for in _codes[model]:
                if is_for(record):
                    conditions.setdefault(user, (_kinds[user], []))[1].append(column == record.code)
    found = (_use(session, kind, or_(*either), who, limit) for kind, either in conditions.values())
    return [use for use in found if use is not None]


def _use(session: Session, kind: UserKind, condition: ColumnElement[bool], who: Actor, limit: int) -> Use | None:
    model: Any = kind.model
    count = _count(session, select(model.id).where(condition))
    if not count:
        return None
    is_capped = count > MOST_COUNTED
    # A table without a rule is part of something else: it is counted and never named.
    is_seen = visible(model, who) if has_row_rule(model) else true()
    hidden = 0 if is_capped else count - _count(session, select(model.id).where(condition, is_seen))
    named = limit if has_row_rule(model) else 0
    rows = session.scalars(select(model).where(condition, is_seen).order_by(model.id.desc()).limit(named)).unique()
    open_count = 0 if kind.is_open is None else _count(session, select(model.id).where(and_(condition, kind.is_open)))
    aside = 0 if kind.is_aside is None else _count(session, select(model.id).where(and_(condition, kind.is_aside)))
    return Use(
        kind,
        min(count, MOST_COUNTED),
        is_capped,
        min(open_count, MOST_COUNTED),
        tuple(Seen(str(kind.titled(row, who)), kind.path(row.id) if kind.path else None) for row in rows),
        hidden,
        min(aside, MOST_COUNTED),
    )


def numbers_of_each(session: Session, model: type[Any], ids: Sequence[int]) -> dict[int, list[Use]]:
    """Record id → every table that uses it, in numbers alone and without codes: one query, however many records."""
    record: Any = aliased(model)
    counts: list[Any] = []
    either: dict[type[Entity], tuple[UserKind, list[ColumnElement[bool]]]] = {}
    for kind, condition in _by_kind(model, [record.id]):
        either.setdefault(kind.model, (kind, []))[1].append(condition)
    for kind, conditions in either.values():
        user: Any = kind.model
        rows = select(user.id).where(or_(*conditions)).correlate(record)
        counts.append(_counted(rows).scalar_subquery())
        counts += [
            literal(0) if part is None else _counted(rows.where(part)).scalar_subquery()
            for part in (kind.is_open, kind.is_aside)
        ]
    kinds, found = [kind for kind, _conditions in either.values()], {}
    for record_id, *numbers in session.execute(select(record.id, *counts).where(record.id.in_(ids))):
        found[record_id] = [
            Use(kind, min(count, MOST_COUNTED), count > MOST_COUNTED, min(open_count, MOST_COUNTED), (), 0, aside)
            for kind, count, open_count, aside in zip(
                kinds, numbers[::3], numbers[1::3], numbers[2::3], strict=True
            ) if count
        ]  # fmt: skip
    return found


def _count(session: Session, rows: Select[Any]) -> int:
    return session.scalar(_counted(rows)) or 0


def _counted(rows: Select[Any]) -> Select[Any]:
    """Up to one more than is told."""
    return select(func.count()).select_from(rows.limit(MOST_COUNTED + 1).subquery())


def told_by_code(session: Session, records: Sequence[Any]) -> dict[int, str]:
    """For a whole list: record id → "128 customers", by the tables that name them by code; one query a table."""
    found: dict[int, list[str]] = {}
    for user, column, is_for in _codes.get(type(records[0]), ()) if records else ():
        named = {record.code: record.id for record in records if is_for(record)}
        if not named:
            continue
        counts = session.execute(select(column, func.count()).where(column.in_(named)).group_by(column))
        for code, count in counts:
            found.setdefault(named[code], []).append(str(_kinds[user].counted(count)))
    return {record_id: "; ".join(sentences) for record_id, sentences in found.items()}


def mentions_of_each(session: Session, records: Sequence[Any], who: Actor) -> dict[int, list[Mention]]:
    """Record id → what names it in its text. `records` are rows of one table."""
    found: dict[int, list[Mention]] = {record.id: [] for record in records}
    for find in _mentions.get(type(records[0]), ()) if records else ():
        for record_id, mentions in find(session, records, who).items():
            found[record_id].extend(mentions)
    return found


def mentioned(mentions: Sequence[Mention], called: Callable[[str], Sentence]) -> list[str]:
    """Each of them as it is called; of those that the reader may not see the number alone."""
    titles = [one.title for one in mentions if one.title is not None]
    hidden = len(mentions) - len(titles)
    told = [str(called(title)) for title in titles]
    if hidden:
        told.append(
            str(ngettext("%(num)d record that you may not see", "%(num)d records that you may not see", hidden))
        )
    return told


def counted(model: type[Any], number: int) -> Sentence:
    """As in: 12 customers."""
    return _kinds[model].counted(number) if model in _kinds else ngettext("%(num)d row", "%(num)d rows", number)


def told(uses: Sequence[Use]) -> str:
    """All of it in one line: "34 tasks, 2 of them open; 1 process file"."""
    return "; ".join(str(use.sentence) for use in uses)
