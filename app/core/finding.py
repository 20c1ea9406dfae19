"""Which records does a person mean who types a few letters, and what are the ones that he had open a moment ago?"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, cast

from sqlalchemy import Integer, Select, bindparam, func, literal_column, select, union_all
from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.db import LARGEST_ID
from app.core.vietnamese import fold, phone_in, read_phone

#: more is never typed on purpose
LONGEST_TEXT = 200
MOST_WORDS = 12
#: so many matches are put into order; who has more is told so
MOST_COUNTED = 1000
#: how many records a browser remembers as recently opened
MOST_RECENT = 12

_WORD = re.compile(r"[^\W_]+")
_KEY = re.compile(r"([a-z]{1,40}):([1-9][0-9]{0,9})")


@dataclass(frozen=True)
class Hit:
    """One record as it is offered: its name, one line that tells it from others of that name, and its page."""

    id: int
    title: str
    hint: str
    url: str
    #: what was typed names this record (its phone number, or the end of it, its code), not some words of it
    exact: bool = False
    #: the part of the hint that was typed
    marked: str = ""


class Capped(list[Hit]):
    """Hits of which there are more than anybody counts."""


@dataclass(frozen=True)
class Suggestion:
    """What to do with a text that found nothing."""

    title: Any
    url: str
    icon: str


@dataclass(frozen=True)
class Rows:
    """Rows of a small table, which are all looked through."""

    #: who → those that he may see: id, and `name`, `second`, `third` by whose words they are found
    of: Callable[[Actor], Any]
    order: tuple[Any, ...]
    #: so many of them are looked through
    most: int
    #: (row, who) → as it is offered
    hit: Callable[[Any, Actor], Hit]


@dataclass(frozen=True)
class Belonging:
    """Rows that are found because of whom they belong to."""

    rows: Select[*tuple[Any, ...]]
    order: tuple[Any, ...]


@dataclass(frozen=True)
class Finder:
    """How records of one kind are found. The two queries go through visible(): no hit is beyond the actor's sight."""

    #: name in security.roles; in lower case it is the kind in a record's key ("customer:12")
    resource: str
    label: Any
    icon: str
    #: (session, who, typed, limit) → the best matches; any text is safe. Or the rows of a small table
    find: Callable[..., Sequence[Hit]] | Rows
    #: (session, who, ids) → those that he may open, in any order
    named: Callable[[Session, Actor, Collection[int]], Sequence[Hit]]
    #: (who, typed) → what is offered when nothing of this kind is found
    instead: Callable[[Actor, str], Suggestion | None] | None = None
    right: str = "view"
    #: the table, where it can be asked who may do what with one row of it
    model: type[Any] | None = None
    #: whoever types a phone number means one of these; what is found of them, `belonging` kinds look beside
    by_phone: bool = False
    #: who → of those that he may see the first `most` that belong to `owners`, which is what was found by_phone: id,
    #: `name`, `second`, `third`. find() takes these rows and the owners' ids besides
    belonging: Callable[[Actor], Belonging] | None = None

    @property
    def kind(self) -> str:
        return kind_of(self.resource)


def kind_of(resource: str) -> str:
    return resource.lower()


def record_key(resource: str, record_id: int) -> str:
    """How a browser remembers a record: ("Customer", 12) → "customer:12"."""
    return f"{kind_of(resource)}:{record_id}"


@dataclass(frozen=True)
class Found:
    """The hits of one kind, or what is suggested in their place."""

    finder: Finder
    hits: tuple[Hit, ...]
    suggestion: Suggestion | None = None
    is_capped: bool = False


def find(finders: Iterable[Finder], session: Session, who: Actor, text: str, *, each: int) -> list[Found]:
    """At most `each` hits of every kind that he may look for; kinds with nothing to offer are left out.

    Who types a phone number means whoever has it: the other kinds are not asked for it.
    """
    text = text.strip()[:LONGEST_TEXT]
    if not text or "\0" in text:
        return []
    asked = [finder for finder in finders if who.may(finder.right, finder.resource)]

    def all_of(finder: Finder, *more: Collection[Any]) -> Found:
        ask = cast("Callable[..., Sequence[Hit]]", finder.find)
        return _found(finder, who, text, each, ask(session, who, text, each, *more))

    found = [all_of(finder) for finder in asked if finder.by_phone]
    owners = [hit.id for one in found for hit in one.hits]
    is_phone = read_phone(text) is not None or (owners and phone_in(text) is not None)
    others = [finder for finder in asked if not (finder.by_phone or is_phone)]
    small = {finder.kind: finder.find for finder in others if isinstance(finder.find, Rows)}
    theirs = {finder.kind: finder.belonging for finder in others if finder.belonging} if owners else {}
    matching, belonging = _looked_through(session, who, text, small, each, theirs, owners)
    for finder in others:
        if finder.kind in small:
            found.append(_found(finder, who, text, each, matching[finder.kind]))
        elif finder.belonging:
            found.append(all_of(finder, owners, belonging.get(finder.kind, ())))
        else:
            found.append(all_of(finder))
    return [one for one in found if one.hits or one.suggestion]


def of_one_kind(finder: Finder, session: Session, who: Actor, text: str, limit: int) -> Sequence[Hit]:
    """The best matches of this kind alone."""
    if isinstance(finder.find, Rows):
        return _looked_through(session, who, text, {finder.kind: finder.find}, limit)[0][finder.kind]
    return finder.find(session, who, text, limit)[:limit]


def _looked_through(
    session: Session,
    who: Actor,
    text: str,
    small: Mapping[str, Rows],
    each: int,
    theirs: Mapping[str, Callable[[Actor], Belonging]] = MappingProxyType({}),
    owners: Collection[int] = (),
) -> tuple[dict[str, list[Hit]], dict[str, list[Any]]]:
    """The best matches of each small kind, and what belongs to the owners by its kind, in one query for them all."""
    found: dict[str, list[Hit]] = {kind: [] for kind in small}
    belonging: dict[str, list[Any]] = {kind: [] for kind in theirs}
    if not small and not theirs:
        return found, belonging

    def all_rows() -> Select[Any]:
        firsts: list[tuple[str, Any, tuple[Any, ...], Any]] = [
            (kind, rows.of(who), rows.order, literal_column(str(rows.most))) for kind, rows in small.items()
        ]
        for kind, of in theirs.items():
            firsts.append((kind, (one := of(who)).rows, one.order, bindparam("most", type_=Integer)))
        parts = []
        for kind, rows, order, most in firsts:
            place = func.row_number().over(order_by=order).label("place")
            first = rows.add_columns(place).order_by(None).order_by(*order).limit(most)
            parts.append(select(literal_column(f"'{kind}'").label("kind"), *first.correlate(None).subquery().c))
        return select(union_all(*parts).subquery())

    fits = matcher(text)
    bound = {"owners": list(owners), "most": each} if theirs else {}
    rows = session.execute(who.once(("looked through", *small, "of", *theirs), all_rows), bound)
    for row in sorted(rows, key=attrgetter("place")):
        if row.kind in belonging:
            belonging[row.kind].append(row)
        elif len(found[row.kind]) < each and fits(row.name, row.second, row.third):
            found[row.kind].append(small[row.kind].hit(row, who))
    return found, belonging


def of_owners(session: Session, belonging: Belonging, owners: Collection[int], most: int) -> Sequence[Any]:
    """The first of these rows alone."""
    if not owners:
        return ()
    rows = belonging.rows.order_by(*belonging.order).limit(most)
    return session.execute(rows, {"owners": list(owners)}).all()


def _found(finder: Finder, who: Actor, text: str, each: int, hits: Sequence[Hit]) -> Found:
    is_named = any(hit.exact for hit in hits)
    suggestion = finder.instead(who, text) if finder.instead and not is_named else None
    return Found(finder, tuple(hits[:each]), suggestion, isinstance(hits, Capped))


def the_one(found: Iterable[Found]) -> Hit | None:
    """The only record that the typed text names, if it names one."""
    exact = [hit for group in found for hit in group.hits if hit.exact]
    return exact[0] if len(exact) == 1 else None


def recent(
    finders: Iterable[Finder], session: Session, who: Actor, keys: Sequence[str]
) -> list[tuple[str, Finder, Hit]]:
    """(key, finder, hit) for each key of a record that he may still open, in the keys' order. One query a kind."""
    known = {finder.kind: finder for finder in finders if who.may(finder.right, finder.resource)}
    asked: dict[str, list[int]] = {}
    order = list(dict.fromkeys(keys))[:MOST_RECENT]
    for key in order:
        match = _KEY.fullmatch(key)
        if match and match[1] in known and int(match[2]) <= LARGEST_ID:
            asked.setdefault(match[1], []).append(int(match[2]))
    named = {
        f"{kind}:{hit.id}": (known[kind], hit)
        for kind, ids in asked.items()
        for hit in known[kind].named(session, who, ids)
    }
    return [(key, *named[key]) for key in order if key in named]


def line(*parts: object) -> str:
    """What stands below a title: the parts that are there, with dots between."""
    return " · ".join(str(part) for part in parts if part)


# ── Small tables, and few rows of large ones, are searched by folding their names ────────────────────────────────────


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """The words of a text as one searches them: letters and digits, no marks, lower case."""
    return tuple(_WORD.findall(fold(text)))[: MOST_WORDS * 4]


def matches(typed: str, *texts: str | None) -> bool:
    """Does every typed word begin a word of the texts? Nothing but punctuation matches nothing."""
    return matcher(typed)(*texts)


def matcher(typed: str) -> Callable[..., bool]:
    """matches() for many rows: what was typed is read once."""
    wanted = [f" {word}" for word in words(typed)[:MOST_WORDS]]

    def fits(*texts: str | None) -> bool:
        there = _spaced(texts)
        return bool(wanted) and all(one in there for one in wanted)

    return fits


@lru_cache(maxsize=8192)
def _spaced(texts: tuple[str | None, ...]) -> str:
    """The words of the texts, each behind a space: one search finds whether any of them begins so."""
    return "".join([f" {word}" for text in texts if text for word in words(text)])
