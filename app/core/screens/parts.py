"""What do other features add to the page of a record? A part each, as a tab; the page knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.core.access import Actor

#: the number of a part that is not on the page of this record for him
NOT_HERE = -1


class RecordPart(Protocol):
    """A tab on the page of every record that wants it. Registered in create_app, in the order of the tabs."""

    #: in the address: ?tab=trao-doi
    key: str
    label: Any
    #: drawn into the tab with what context() gives
    template: str

    def is_for(self, resource: str, who: Actor) -> bool:
        """Do records of this resource have it, and may he see it?"""

    def count(self, session: Session, resource: str, record_id: int, who: Actor) -> int | None:
        """The number beside its name; None: none is told; NOT_HERE: he does not see the part on this very record."""

    def counting(self, resource: str, record_id: int, who: Actor) -> Any:
        """The same number as a column, for a page that asks for all its numbers at once; None where count() is None."""

    def context(self, session: Session, resource: str, record_id: int, who: Actor) -> dict[str, Any]:
        """What its template needs; asked for the open tab alone. The record itself was checked to be visible."""


@dataclass(frozen=True)
class RecordLink:
    """A line in the menu of a record that another feature adds."""

    label: Any
    url: str
    icon: str
    #: it changes something: the line sends a form
    post: bool = False


Linker = Callable[[Any, str, int, Actor], Iterable[RecordLink]]

_parts: list[RecordPart] = []
_linkers: dict[str, Linker] = {}


def register_part(part: RecordPart) -> None:
    """Put a part on the pages. The same key again takes the place of the earlier one (tests make several apps)."""
    _parts[:] = [known for known in _parts if known.key != part.key] + [part]


def register_links(key: str, links: Linker) -> None:
    """`links(row, resource, id, who)`: the lines of one feature. The same key again takes the place of the earlier."""
    _linkers[key] = links


def links_for(row: Any, resource: str, record_id: int, who: Actor) -> list[RecordLink]:
    return [link for linker in _linkers.values() for link in linker(row, resource, record_id, who)]


def parts_for(resource: str, who: Actor) -> list[RecordPart]:
    return [part for part in _parts if part.is_for(resource, who)]
