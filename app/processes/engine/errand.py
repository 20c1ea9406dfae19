"""What does a process do by itself, and how does it go on when that is done?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.processes.engine import waits
from app.processes.engine.events import BeginErrand, BeginRequest, EngineRefusal, Refusal, ValuesSet, WaitOver
from app.processes.engine.graph import NodeKind
from app.processes.engine.state import Data, TokenState

if TYPE_CHECKING:
    from app.processes.engine.core import _Turn
    from app.processes.engine.graph import Node


def begin(turn: _Turn, node: Node, via: str) -> None:
    """Values of the process itself are set at once; for all else the token waits until it is done."""
    if node.runs_errands:
        turn.commands.append(BeginErrand(turn._rest(node, via, TokenState.listening), node.id))
        return
    values = waits.set_values(node, turn.data, turn.today)
    turn._learn(node.id, values)
    turn.commands.append(ValuesSet(node.id, tuple(sorted(values))))
    turn.moving.extend(node.outs)


def ask(turn: _Turn, node: Node, via: str) -> None:
    """A program outside is asked, or a mail is followed: the token waits for what comes of it, and so do the events at
    its edge."""
    token = turn._rest(node, via, TokenState.listening)
    turn.commands.append(BeginRequest(token, node.id) if node.asks_outside else BeginErrand(token, node.id))
    turn._arm_edges(node, token)


def done(turn: _Turn, token_id: int, values: Data) -> None:
    """It is done, and leaves these values. Where it failed instead: calling.failed."""
    turn._refuse_unless_running()
    token = turn.tokens.get(token_id)
    node = turn.definition.nodes[token.node] if token else None
    if (
        token is None
        or node is None
        or not (node.runs_errands or node.asks_outside)
        or token.state is not TokenState.listening
    ):
        raise EngineRefusal(Refusal.nothing_waits)
    turn._learn(node.id, values)
    turn._consume(token_id, WaitOver(token_id, node.id))
    if node.kind is NodeKind.end_event:
        turn._end(node)
    turn.moving.extend(node.outs)
