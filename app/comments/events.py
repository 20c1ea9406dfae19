"""Which records are talked about? Each feature says of its own who reads along, until when, and what follows."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from app.core.access import Actor, visible
from app.core.db import Entity
from app.core.errors import BusinessError, Sentence
from app.core.finding import kind_of

if TYPE_CHECKING:
    from app.comments.models import Comment


class Commented:
    """A kind of record that has comments. A feature above derives its own and registers it in create_app.

    Whoever may view the record reads and writes; what is said here besides narrows or widens that.
    """

    #: name in security.roles; in lower case it stands in addresses ("customer")
    resource: str
    model: type[Entity]

    def url(self, record_id: int) -> str:
        """The page on which the conversation stands."""
        raise NotImplementedError

    def title(self, record: Any) -> str:
        """How people call the record: "Nguyễn Văn A (KH000012)"."""
        return str(record)

    def about(self, title: str) -> Sentence:
        """The record inside a sentence: "khách hàng Nguyễn Văn A (KH000012)"."""
        return title

    def readable(self, actor: Actor) -> ColumnElement[bool]:
        """Of which records does he read the comments?"""
        return visible(self.model, actor)

    def refusal(self, session: Session, record: Any, by: Actor) -> BusinessError | None:
        """Why nothing can be written there any more; None: he may."""
        return None

    def hold(self, session: Session, record: Any) -> None:
        """Keep the record as it is until the comment is written; raises what it refuses with."""

    def written(self, session: Session, record: Any, comment: Comment, *, by: Actor) -> None:
        """A comment was added: in the same transaction, what else tells of it."""


_kinds: dict[str, Commented] = {}


def register_commented(kind: Commented) -> None:
    """Called by create_app; registering again replaces."""
    _kinds[kind.resource] = kind


def kinds() -> Collection[Commented]:
    return tuple(_kinds.values())


def commented(resource: str) -> Commented | None:
    """The kind of that name ("Customer"), or None: such records have no comments."""
    return _kinds.get(resource)


def commented_at(name: str) -> Commented | None:
    """The kind as addresses write it ("customer")."""
    return next((kind for kind in _kinds.values() if kind_of(kind.resource) == name), None)
