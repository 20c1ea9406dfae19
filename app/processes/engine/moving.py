"""May an admin put a branch on another step by hand, and which branches are withdrawn then?

To where work may be sent back it goes as a return does. Anywhere else only the branch itself moves, and only where no
join would be left waiting for it.
"""

from __future__ import annotations

from collections.abc import Collection

from app.processes.engine import returning, soundness
from app.processes.engine.events import EngineRefusal, Refusal
from app.processes.engine.graph import Definition, NodeKind
from app.processes.engine.state import Token, TokenState


def withdrawn(definition: Definition, tokens: Collection[Token], token: Token, to: str) -> tuple[int, ...]:
    """The other tokens that are called off when `token` is put on the step `to`.

    Raises EngineRefusal: no_such_step; join_left_dead with the join; no_end_left with the element from which the
    process could not end any more; cannot_tell where the drawing is too branched.
    """
    step = definition.nodes.get(to)
    if step is None or step.kind is not NodeKind.user_task or to == token.node:
        raise EngineRefusal(Refusal.no_such_step, to)
    ways = returning.ways_back(definition, tokens, token)
    gone = {one for one in ways.get(to, ()) if one != token.id}
    gone |= {one.id for one in tokens if one.outer in gone}
    if to in ways:
        return tuple(sorted(gone))
    stay = [one for one in tokens if one.id not in gone and one.id != token.id and not one.outer]
    try:
        stuck = soundness.left_over(definition, [step.ins[0], *(_flow(definition, one) for one in stay)])
    except ValueError:
        raise EngineRefusal(Refusal.cannot_tell, to) from None
    if stuck is not None:
        is_join = definition.nodes[stuck].is_join
        raise EngineRefusal(Refusal.join_left_dead if is_join else Refusal.no_end_left, stuck)
    return tuple(sorted(gone))


def _flow(definition: Definition, token: Token) -> str:
    """By which flow it stands where it is; of a step to which work was sent back any one."""
    node = definition.nodes[token.node]
    return token.via if token.state is TokenState.joining or token.via in node.ins else node.ins[0]
