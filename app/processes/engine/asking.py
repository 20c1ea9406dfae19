"""How does one step become several tasks, and how do their answers become one way on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.processes.engine import many
from app.processes.engine.events import CloseTask, ManyBegun, ManyOver, OpenTask, StepPassed
from app.processes.engine.state import Data, Gathering, IncidentCode, Token, TokenState

if TYPE_CHECKING:
    from app.processes.engine.core import _Turn
    from app.processes.engine.graph import Node

#: why the work of those is called off who have not answered yet
BY_OTHERS = "@others"


def begin(turn: _Turn, step: Node, via: str) -> None:
    """The step is reached: count for whom it is done, and ask all of them, or the first."""
    elements = many.elements_of(step, turn.data, turn.people)
    if isinstance(elements, IncidentCode):
        turn._stop(step, via, elements)
        return
    if not elements:
        turn.commands.append(StepPassed(step.id))
        turn.data = {**turn.data, **many.result(step, Gathering(0, ()), many.Verdict(None))}
        turn.moving.extend(step.outs)
        return
    outer = turn._rest(step, via, TokenState.gathering)
    turn.gatherings[outer] = Gathering(outer, elements)
    turn.commands.append(ManyBegun(outer, step.id, elements))
    turn._arm_edges(step, outer)
    for position in range(1, 2 if _is_sequential(step) else len(elements) + 1):
        _ask(turn, step, outer, position)


def answer(turn: _Turn, step: Node, token: Token, outputs: Data, outcome: str | None) -> None:
    """One of several has answered: it is the next one's turn, or enough have answered."""
    gathering = many.answered(turn.gatherings[token.outer], token.position, outcome, outputs)
    turn.gatherings[token.outer] = gathering
    turn._consume(token.id, CloseTask(token.id, step.id, outcome))
    decided = many.verdict(step, gathering)
    if decided is None:
        if _is_sequential(step):
            _ask(turn, step, token.outer, token.position + 1)
        return
    turn._consume(token.outer, ManyOver(token.outer, step.id, len(gathering.answers), decided.outcome))
    turn.data = {**turn.data, **many.result(step, gathering, decided)}
    turn.moving.extend(step.outs)


def end(turn: _Turn, outer: int, reason: str) -> None:
    """Whoever has not answered yet is asked no more."""
    del turn.gatherings[outer]
    turn._call_off([token.id for token in turn.tokens.values() if token.outer == outer], reason)


def _is_sequential(step: Node) -> bool:
    return step.many is not None and step.many.sequential


def _ask(turn: _Turn, step: Node, outer: int, position: int) -> None:
    token = turn._rest(step, "", TokenState.waiting, outer, position)
    element = turn.gatherings[outer].elements[position - 1]
    turn.commands.append(OpenTask(token, step.id, outer, position, element))
