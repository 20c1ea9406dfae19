"""Which records can be shared by hand, and who is told of it? Features above register here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.db import Entity
from app.core.errors import Sentence
from app.core.finding import kind_of
from app.security.models import Grant, Member


@dataclass(frozen=True)
class Shareable:
    """A kind of record that can be shared. Its row rule honours grants to view and to edit."""

    #: name in security.roles; in lower case it stands in addresses ("customer")
    resource: str
    model: type[Entity]
    #: id → the page of the record
    path: Callable[[int], str]
    #: how people call the record: "Nguyễn Văn A (KH000012)"
    title: Callable[[Any], str]
    #: the page above: its label and address
    above: tuple[Sentence, str]

    @property
    def key(self) -> str:
        return kind_of(self.resource)


class Teller(Protocol):
    """Tells a person that something was shared with him. Notifications register themselves."""

    def shared(self, session: Session, to: Member, grant: Grant, *, title: str, by: Actor) -> None:
        """In the transaction in which it is shared."""


_kinds: dict[str, Shareable] = {}
_tellers: list[Teller] = []


def register_shareable(kind: Shareable) -> None:
    """Called by create_app; registering again replaces."""
    _kinds[kind.resource] = kind


def shareables() -> Collection[Shareable]:
    return tuple(_kinds.values())


def shareable(resource: str) -> Shareable | None:
    return _kinds.get(resource)


def shareable_at(key: str) -> Shareable | None:
    """The kind as addresses write it."""
    return next((kind for kind in _kinds.values() if kind.key == key), None)


def register_teller(teller: Teller) -> None:
    _tellers[:] = [teller]


def tellers() -> Collection[Teller]:
    return tuple(_tellers)
