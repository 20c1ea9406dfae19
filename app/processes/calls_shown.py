"""Which programs outside does an instance wait for, how did that go so far, and when are they asked again?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from app.core.errors import Sentence
from app.core.i18n import _, ngettext
from app.core.leases import LeaseState
from app.processes import queries, receivers, requests
from app.processes.engine.graph import Definition
from app.processes.engine.http import HttpSpec
from app.processes.models import ProcessInstance, ProcessRequest


class CallState(StrEnum):
    """waiting: for its first try; retrying: for another one; calling: just now; paused, answered: with its instance,
    before and after it was answered."""

    waiting = auto()
    retrying = auto()
    calling = auto()
    paused = auto()
    answered = auto()


@dataclass(frozen=True)
class Call:
    """One that is waited for. `again_at`: when it is asked next, while that is known; `reason`: why it was not
    answered last time, or ""; `key`: what the program outside knows it by."""

    node: str
    title: str
    receiver: str
    state: CallState
    tries: int
    tries_left: int
    again_at: datetime | None
    reason: str
    key: str

    @property
    def sentence(self) -> Sentence:
        match self.state:
            case CallState.waiting:
                return _("%(program)s is asked in a moment", program=self.receiver)
            case CallState.calling:
                return _("%(program)s is being asked now", program=self.receiver)
            case CallState.paused:
                return _("Waits until the process file goes on")
            case CallState.answered:
                return _("%(program)s has answered; the process takes it up when it goes on", program=self.receiver)
        tried = ngettext("Tried once so far.", "Tried %(num)d times so far.", self.tries)
        left = ngettext("One more try.", "%(num)d more tries.", self.tries_left)
        return f"{self.reason} {tried} {left}".strip()


def calls_in(session: Session, instances: Collection[ProcessInstance]) -> dict[int, list[Call]]:
    """Instance id → whom it waits for. Those that failed for good stand with the branch that stopped over it."""
    asking = [one for one in instances if one.ended_at is None and _asks(queries.definition_of(one.version))]
    rows = requests.waiting_in(session, [one.id for one in asking])
    definitions = {one.id: queries.definition_of(one.version) for one in asking}
    known = receivers.names(session) if rows else {}
    found: dict[int, list[Call]] = {}
    for row in rows:
        spec = definitions[row.instance_id].nodes[row.node].outside
        assert isinstance(spec, HttpSpec)
        title = definitions[row.instance_id].nodes[row.node].title
        name = known.get(spec.receiver, spec.receiver) if spec.receiver else urlsplit(spec.url).hostname or ""
        found.setdefault(row.instance_id, []).append(_call(row, spec, title, name))
    return found


def _asks(definition: Definition) -> bool:
    return any(node.asks_outside for node in definition.nodes.values())


def _call(row: ProcessRequest, spec: HttpSpec, title: str, receiver: str) -> Call:
    state = _state(row)
    is_waiting = state in (CallState.waiting, CallState.retrying)
    return Call(
        node=row.node, title=title, receiver=receiver, state=state, tries=row.attempts,
        tries_left=max(len(spec.pauses) + 1 - row.attempts, 0), again_at=row.next_at if is_waiting else None,
        reason=row.last_error or "", key=row.key,
    )  # fmt: skip


def _state(row: ProcessRequest) -> CallState:
    if row.status is LeaseState.leased:
        return CallState.calling
    if row.status is LeaseState.held:
        return CallState.paused if row.outcome is None else CallState.answered
    return CallState.retrying if row.attempts else CallState.waiting
