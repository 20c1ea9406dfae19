"""Who is told when a person comes or leaves, and who knows what he still has in hand? Features above register here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.errors import Sentence

if TYPE_CHECKING:
    from app.security.models import Member


@dataclass(frozen=True)
class Titled:
    """One thing that he has in hand, as far as the asker may see it."""

    text: str
    url: str | None


@dataclass(frozen=True)
class Held:
    """All that one person has in hand of one kind: how many, and a few of them by name."""

    count: int = 0
    titles: Sequence[Titled] = field(default_factory=tuple)


class Duty(Protocol):
    """One kind of thing that a person may have in hand, and that somebody has to take over when he leaves."""

    #: in addresses, forms and the interface; never changes
    key: str
    label: Sentence
    icon: str

    def counted(self, count: int) -> Sentence:
        """3 → "3 open tasks"."""

    def held(self, session: Session, member: Member, who: Actor, *, titles: int) -> Held:
        """What he has; the count is of all, at most so many `titles` are of those that `who` may see."""

    def refusal(self, session: Session, to: Member) -> Sentence | None:
        """Why this person cannot take it over."""

    def hand_over(self, session: Session, member: Member, to: Member, *, by: Actor) -> int:
        """Give all of it to `to`, inside the transaction; how many. Raises NotAllowedError unless `by` may."""


#: sentences about what goes on without him: what he began, where he is named
Trace = Callable[[Session, "Member", Actor], Sequence[Sentence]]


class Messenger(Protocol):
    """Writes to people. Notifications register themselves."""

    def invite(self, session: Session, member: Member, *, link: str, until: datetime, by: Actor) -> None:
        """Queue the mail with the one-time link."""

    def handed_over(
        self, session: Session, to: Member, *, before: Member, counts: Mapping[str, int], by: Actor
    ) -> None:
        """Tell the person what he has taken over from `before`: duty key → how many."""


_duties: dict[str, Duty] = {}
_traces: dict[str, Trace] = {}
_messengers: list[Messenger] = []


def register_duty(duty: Duty) -> None:
    """Called by create_app, in the order in which people see them; registering a key again replaces."""
    _duties[duty.key] = duty


def duties() -> Collection[Duty]:
    return _duties.values()


def duty_called(key: str) -> Duty | None:
    return _duties.get(key)


def register_trace(key: str, trace: Trace) -> None:
    _traces[key] = trace


def traces() -> Collection[Trace]:
    return _traces.values()


def register_messenger(messenger: Messenger) -> None:
    _messengers[:] = [messenger]


def messenger() -> Messenger:
    return _messengers[0]
