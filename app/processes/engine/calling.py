"""How does a process hand a part of its work to another one, and what if that one fails?

A call rests like a step until the linked run has ended. What goes in and what comes back is written down key by key.
An error that ends the linked run, or that stops any other branch, is caught by an event at the edge that waits for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.processes.engine.elements import KEY
from app.processes.engine.events import BranchFailed, CallBegun, CallOver, EngineRefusal, Refusal
from app.processes.engine.state import Data, IncidentCode, TokenState

if TYPE_CHECKING:
    from app.processes.engine.core import _Turn
    from app.processes.engine.graph import Node

#: a run in a run in a run …: more than so many inside of each other are taken for a drawing that never ends
DEEPEST = 20

_STATUS = re.compile(r"HTTP_([1-5])[0-9]{2}")


@dataclass(frozen=True, slots=True)
class CallSpec:
    """Which process is run as a part of this one.

    `takes` are the keys with which it begins, each with the key here; `gives` the keys here that it sets in the end,
    each with the key there. `pinned`: the version that was in use when this one was published, else the one in use.
    """

    process: str
    takes: tuple[tuple[str, str], ...] = ()
    gives: tuple[tuple[str, str], ...] = ()
    pinned: bool = False

    def values_in(self, data: Data) -> dict[str, object]:
        """What the linked run begins with."""
        return _mapped(self.takes, data)

    def values_out(self, data: Data) -> dict[str, object]:
        """What it leaves here."""
        return _mapped(self.gives, data)


def _mapped(pairs: tuple[tuple[str, str], ...], data: Mapping[str, object]) -> dict[str, object]:
    return {to: data[key] for to, key in pairs if key in data}


def parse_keys(text: str) -> tuple[tuple[str, str], ...]:
    """Read `name, amount=refund.total`: the key there, and the one from which its value comes; else ValueError."""
    pairs = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        to, _equals, key = (side.strip() for side in part.partition("="))
        if not KEY.fullmatch(to) or "." in to or not KEY.fullmatch(key or to):
            raise ValueError(text)
        pairs.append((to, key or to))
    if len({to for to, _key in pairs}) < len(pairs):
        raise ValueError(text)
    return tuple(pairs)


def parse_version(text: str) -> bool:
    """Read `latest` or `pinned`: whether the version is pinned; else ValueError."""
    if text not in {"latest", "pinned"}:
        raise ValueError(text)
    return text == "pinned"


def begin(turn: _Turn, call: Node, via: str) -> None:
    """The call is reached: the linked process begins, and the clocks at the edge of the call with it."""
    token = turn._rest(call, via, TokenState.listening)
    values = call.call.values_in(turn.data) if call.call is not None else {}
    turn.commands.append(CallBegun(token, call.id, values))
    turn._arm_edges(call, token)


def over(turn: _Turn, token_id: int, values: Data) -> None:
    """The linked run has come to its end."""
    call = _waiting(turn, token_id)
    if call.call is None:
        raise EngineRefusal(Refusal.nothing_waits)
    turn._learn(call.id, values)
    turn._consume(token_id, CallOver(token_id, call.id))
    turn.moving.extend(call.outs)


def failed(turn: _Turn, token_id: int, error: str | None, code: IncidentCode, reason: str = "") -> None:
    """What the branch waited for has failed. An event at its edge that waits for this error goes on from there; where
    there is none, or `error` is None and so nothing that could be caught, an admin is needed."""
    node = _waiting(turn, token_id)
    via = turn.tokens[token_id].via
    catcher = _catcher(turn, node, error)
    turn._consume(token_id, BranchFailed(token_id, node.id, error or "", reason))
    if catcher is None:
        turn._stop(node, via, code)
        return
    turn.data = {**turn.data, f"{node.id}.error": error}
    turn.moving.extend(catcher.outs)


def _waiting(turn: _Turn, token_id: int) -> Node:
    turn._refuse_unless_running()
    token = turn.tokens.get(token_id)
    if token is None or token.state is not TokenState.listening:
        raise EngineRefusal(Refusal.nothing_waits)
    return turn.definition.nodes[token.node]


def _catcher(turn: _Turn, node: Node, error: str | None) -> Node | None:
    """The event at the edge for this very error, else for its kind, else for any."""
    if error is None:
        return None
    waiting = {event.error: event for event in turn.definition.edges.get(node.id, ()) if event.error is not None}
    return next((waiting[like] for like in errors_like(error) if like in waiting), None)


def errors_like(error: str) -> Iterator[str]:
    """What an event at the edge may wait for to catch this error, the nearest first: HTTP_404, then HTTP_4XX, then ""
    for any."""
    yield error
    of_status = _STATUS.fullmatch(error)
    if of_status:
        yield f"HTTP_{of_status[1]}XX"
    yield ""
