"""What do other features add to the page of a record? A part each, as a tab; the page knows none of them."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.core.access import Actor


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
        """The number beside its name; None: none is told."""

    def context(self, session: Session, resource: str, record_id: int, who: Actor) -> dict[str, Any]:
        """What its template needs; asked for the open tab alone. The record itself was checked to be visible."""


_parts: list[RecordPart] = []


def register_part(part: RecordPart) -> None:
    """Put a part on the pages. The same key again takes the place of the earlier one (tests make several apps)."""
    _parts[:] = [known for known in _parts if known.key != part.key] + [part]


def parts_for(resource: str, who: Actor) -> list[RecordPart]:
    return [part for part in _parts if part.is_for(resource, who)]
