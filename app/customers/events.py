"""What else belongs on a customer's page? The features above bring their parts of it, each with its own row rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.db import Entity
from app.core.errors import Sentence
from app.core.timewords import Lateness


@dataclass(frozen=True)
class PartRow:
    """A line of a part: how long is left, or else how it ended (`state`)."""

    url: str
    title: str
    hint: str
    lateness: Lateness | None = None
    due_at: datetime | None = None
    state: Sentence = ""


@dataclass(frozen=True)
class NextStep:
    """What is to be done for the customer before anything else."""

    title: str
    text: str
    url: str
    verb: Sentence
    sign: str
    lateness: Lateness
    due_at: datetime | None


@dataclass(frozen=True)
class PartFilter:
    """Some rows of a part, as a chip over it. `key` stands in the address; the first one of a part has an empty one,
    and is what its tab counts and shows by itself."""

    key: str
    label: Sentence
    narrow: Callable[[Select[Any]], Select[Any]]


class CustomerPart(Protocol):
    """A tab of the customer's page. A feature above derives its own from this and registers it in create_app;
    customers know nothing else of it.

    `key` stands in the address; `resource` is what one must be allowed to view.
    """

    key: str
    label: Sentence
    empty: Sentence
    resource: str
    #: the table that `select` selects
    model: type[Entity]
    filters: Sequence[PartFilter]

    def select(self, customer_id: int, actor: Actor) -> Select[Any]:
        """Those of the customer's that the actor may see."""

    def filtered(self, customer_id: int, actor: Actor, chip: PartFilter) -> Select[Any]:
        """The same through one of the filters, in its order."""
        return chip.narrow(self.select(customer_id, actor))

    def rows(self, session: Session, chosen: Select[Any], actor: Actor, now: datetime) -> list[PartRow]:
        """Those of `chosen` (a page of `select`) as people read them."""

    def next_step(self, session: Session, customer_id: int, actor: Actor, now: datetime) -> NextStep | None:
        """What is to be done next for the customer: by him, or else by others as far as he sees it; None: nothing."""
        return None


_parts: dict[str, CustomerPart] = {}


def register_part(part: CustomerPart) -> None:
    """Called once by create_app for each feature, in the order of the tabs; registering again replaces."""
    _parts[part.key] = part


def parts() -> Sequence[CustomerPart]:
    return tuple(_parts.values())
