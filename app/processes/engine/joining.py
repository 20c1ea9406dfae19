"""When has an inclusive gateway nothing left to wait for? The rule of BPMN 2.0.2 §13.4.3 on reachability.

It fires when at least one token has arrived and, for every incoming flow still empty, each token elsewhere that could
come by it could also come by a flow that is filled already; none of these ways leads through the gateway itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from app.processes.engine.graph import Definition, Node, NodeKind
from app.processes.engine.state import Token, TokenState


def oldest_per_flow(join: Node, tokens: Collection[Token]) -> dict[str, int]:
    """The oldest token that waits at the join, by the flow by which it came."""
    oldest: dict[str, int] = {}
    for token in tokens:
        if token.node == join.id and token.state is TokenState.joining:
            oldest.setdefault(token.via, token.id)
    return oldest


def ready(definition: Definition, tokens: Collection[Token]) -> tuple[Node, tuple[int, ...]] | None:
    """The first inclusive join that may fire, and the tokens that it consumes: one of each flow that is filled."""
    for join, coming in inclusive_joins(definition).items():
        node = definition.nodes[join]
        oldest = oldest_per_flow(node, tokens)
        elsewhere = {token.node for token in tokens if token.node != join or token.state is not TokenState.joining}
        if oldest and may_fire(coming, oldest, elsewhere):
            return node, tuple(oldest[flow] for flow in node.ins if flow in oldest)
    return None


def may_fire(coming: Mapping[str, frozenset[str]], filled: Collection[str], elsewhere: Collection[str]) -> bool:
    """Whether none of the nodes `elsewhere` with a token can bring one over an empty flow alone."""
    through_filled = frozenset[str]().union(*(coming[flow] for flow in filled))
    return all(
        node in through_filled
        for flow, from_where in coming.items()
        if flow not in filled
        for node in elsewhere
        if node in from_where
    )


def inclusive_joins(definition: Definition) -> Mapping[str, Mapping[str, frozenset[str]]]:
    """By inclusive join and incoming flow the nodes from which a token can come by it without visiting the join."""
    return definition.kept("inclusive joins", _reachability)


def _reachability(definition: Definition) -> dict[str, dict[str, frozenset[str]]]:
    joins = [node for node in definition.nodes.values() if node.kind is NodeKind.inclusive_gateway and node.is_join]
    return {join.id: {flow: _sources_of(definition, flow, join.id) for flow in join.ins} for join in joins}


def _sources_of(definition: Definition, flow: str, join: str) -> frozenset[str]:
    found: set[str] = set()
    waiting = [definition.flows[flow].source]
    while waiting:
        node = waiting.pop()
        if node != join and node not in found:
            found.add(node)
            waiting.extend(definition.before(definition.nodes[node]))
    return frozenset(found)
