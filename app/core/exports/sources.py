"""Which lists can be taken away, and what of one is asked for? A list that can be exported registers a Source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.errors import BusinessError, NotFoundError, Sentence
from app.core.formats import number_text
from app.core.i18n import _
from app.core.sheets import Header

#: up to so many rows are the answer of the click itself
AT_ONCE = 5_000
#: about a minute of one core and 30 MB of disk
MOST_ROWS = 200_000


class Format(StrEnum):
    xlsx = auto()
    csv = auto()


CONTENT_TYPES = {
    Format.xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.csv: "text/csv; charset=utf-8",
}


class TooManyToExportError(BusinessError):
    """More rows than one file takes."""

    code = "too_many_rows"


@dataclass(frozen=True)
class Wanted:
    """What of a list is asked for. `arguments`: those of the list's own address; no ids: all that it shows."""

    list_key: str
    format: Format
    arguments: tuple[tuple[str, str], ...] = ()
    ids: tuple[int, ...] = ()
    all_columns: bool = False


@dataclass(frozen=True)
class Opened:
    """A list as one person may take it away; no more than `MOST_ROWS` + 1 are counted."""

    title: Sentence
    headers: Sequence[Header]
    count: int
    #: streams, in the order of the list, from the session that opened it
    rows: Iterable[Sequence[Any]]


class Source(Protocol):
    """A list that can be exported. Registered at start under a key that never changes."""

    key: str
    title: Sentence
    #: whose right `export` is asked
    resource: str

    def open(self, session: Session, who: Actor, wanted: Wanted) -> Opened:
        """The rows that he may export now, with the columns that he may see.

        Raises BadRequestError for arguments that the list does not know.
        """

    def in_words(self, arguments: Iterable[tuple[str, str]], who: Actor) -> Iterable[str]:
        """What such arguments ask for, a sentence each, in the words of the list."""


_sources: dict[str, Source] = {}


def register_source(source: Source) -> None:
    """The same key again takes the place of the earlier one (tests make several apps)."""
    _sources[source.key] = source


#: how the keys of lists begin that are many of one kind → how one of them is found
_families: dict[str, Callable[[str], Source]] = {}


def register_sources(beginning: str, find: Callable[[str], Source]) -> None:
    """A list for each form, say."""
    _families[beginning] = find


def _found(list_key: str) -> Source | None:
    for beginning, find in _families.items():
        if list_key.startswith(beginning):
            return find(list_key)
    return _sources.get(list_key)


def title_of(list_key: str) -> Sentence:
    """What the list is called; one that is no longer there still has a line."""
    source = _found(list_key)
    return source.title if source else _("A list that is no longer there")


def in_words(list_key: str, arguments: Iterable[tuple[str, str]], who: Actor) -> Iterable[str]:
    """How the list was narrowed, ordered and drawn; nothing of one that is no longer there."""
    source = _found(list_key)
    return source.in_words(arguments, who) if source else ()


def may_know_arguments(list_key: str, who: Actor) -> bool:
    """May he read what such a list was narrowed by? Whoever sees the list, and all of its fields."""
    source = _found(list_key)
    return (
        source is not None
        and who.may("view", source.resource)
        and all(resource != source.resource for resource, _field in who.fields)
    )


def open_list(session: Session, who: Actor, wanted: Wanted) -> Opened:
    """Raises NotFoundError, NotAllowedError, BadRequestError, and TooManyToExportError past MOST_ROWS."""
    opened = source_for(wanted.list_key, who).open(session, who, wanted)
    if opened.count > MOST_ROWS:
        raise too_many()
    return opened


def source_for(list_key: str, who: Actor) -> Source:
    """Raises NotFoundError, and NotAllowedError for whoever may not take it away."""
    source = _found(list_key)
    if source is None:
        raise NotFoundError
    who.must("view", source.resource)
    who.must("export", source.resource)
    return source


def too_many() -> TooManyToExportError:
    most = number_text(MOST_ROWS)
    return TooManyToExportError(
        _("One file takes at most %(count)s rows, and this list has more. Narrow it first, by a period for instance.",
          count=most)
    )  # fmt: skip
