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
from app.customers.models import Customer


@dataclass(frozen=True)
class PartRow:
    """A line of a part: how long is left, or else how it ended (`state`)."""

    url: str
    title: str
    hint: str
    lateness: Lateness | None = None
    due_at: datetime | None = None
    state: Sentence = ""
    #: how much it is, behind the line
    amount: Sentence = ""


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
    #: another thing that may be done instead: its words and address
    other: tuple[Sentence, str] | None = None


@dataclass(frozen=True)
class AddLink:
    """A button over the rows of a part."""

    label: Sentence
    url: str


@dataclass(frozen=True)
class Heeded:
    """A line over the page that one should heed before getting in touch; `kind` is late, soon or brand."""

    text: Sentence
    kind: str
    icon: str


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

    def is_for(self, customer: Customer) -> bool:
        """Does this customer have such a tab?"""
        return True

    def add(self, customer: Customer, actor: Actor) -> AddLink | None:
        """Where another row is made, for whoever may."""
        return None

    def upcoming(self, session: Session, customer_id: int, actor: Actor, now: datetime) -> Sequence[NextStep]:
        """What is to be done for the customer, the most urgent first: by him, or by others as far as he sees it."""
        return ()


@dataclass(frozen=True)
class Draft:
    """A mail as it would go out. `is_again`: it is another one than was looked at before."""

    to: str
    subject: str
    text: str
    is_again: bool


class QuickAction(Protocol):
    """What is written down on the customer's page without leaving it: a call, a note, a task. Registered like parts.

    `key` stands in the address; `fields` are the names of the form's inputs in sight, `more` of those folded away.
    `verb_before` stands on the button as long as what will be done has not been looked at.
    """

    key: str
    label: Sentence
    icon: str
    verb: Sentence
    verb_before: Sentence | None = None
    fields: Sequence[str]
    more: Sequence[str]

    def hindrance(self, customer: Customer, actor: Actor) -> Sentence | None:
        """Why this cannot be done for this customer now, to be read in place of the form. None: it can."""
        return None

    def is_for(self, actor: Actor) -> bool:
        """Is it offered to him at all?"""
        return True

    def form(self, session: Session, customer: Customer, actor: Actor, typed: Any | None) -> Any:
        """The form, empty or with what was typed."""

    def draft(self, session: Session, customer: Customer, form: Any, *, by: Actor) -> Draft | None:
        """What is to be looked at before the checked form is written; None: nothing, or it was looked at just so.
        Raises InvalidInputError beside the fields."""
        return None

    def write(self, session: Session, customer: Customer, form: Any, *, by: Actor) -> Sentence:
        """Do it with the checked form; what to say then. Raises InvalidInputError beside the fields."""


Heed = Callable[[Customer, Actor, datetime], "Heeded | None"]

_parts: dict[str, CustomerPart] = {}
_quick_actions: dict[str, QuickAction] = {}
_heeds: dict[str, Heed] = {}


def register_part(part: CustomerPart) -> None:
    """Called once by create_app for each feature, in the order of the tabs; registering again replaces."""
    _parts[part.key] = part


def parts() -> Sequence[CustomerPart]:
    return tuple(_parts.values())


def register_quick_action(action: QuickAction) -> None:
    """Called once by create_app, in the order of the buttons; registering again replaces."""
    _quick_actions[action.key] = action


def quick_actions() -> Sequence[QuickAction]:
    return tuple(_quick_actions.values())


def register_heed(key: str, heed: Heed) -> None:
    """`heed(customer, who, now)` looks at the customer, and asks the database for no more than a setting."""
    _heeds[key] = heed


def heeded(customer: Customer, actor: Actor, now: datetime) -> list[Heeded]:
    return [found for heed in _heeds.values() if (found := heed(customer, actor, now)) is not None]
