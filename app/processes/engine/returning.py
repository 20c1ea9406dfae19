"""To which earlier steps may work be sent back, and which branches are withdrawn then?

A step may be returned to when every way to the present one leads through it. What is withdrawn are the tokens that can
only have come through it too. Where parallel branches leave the part of the process behind that step one by one, some
of what it set in motion may be beyond recall: such a step is not offered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from app.processes.engine.graph import Definition, Node, NodeKind
from app.processes.engine.state import Token, TokenState

#: a name that no element can have: where all ends lead
_OVER = "]"


@dataclass(frozen=True, slots=True)
class _Shape:
    """`over[x]`: every way from the start to x leads through these, x itself included; `until[x]`: every way from x to
    the end does. Unreachable nodes are in neither."""

    over: Mapping[str, frozenset[str]]
    until: Mapping[str, frozenset[str]]
    forward: Mapping[str, tuple[str, ...]]


def ways_back(definition: Definition, tokens: Collection[Token], token: Token) -> dict[str, tuple[int, ...]]:
    """By step to which the open task of `token` may be returned, nearest first: the tokens that are withdrawn."""
    shape = _shape(definition)
    here = token.node
    before = [step for step in definition.steps if step.id != here and step.id in shape.over.get(here, ())]
    nearest_first = sorted(before, key=lambda step: -len(shape.over[step.id]))
    return {
        step.id: tuple(sorted(one.id for one in tokens if step.id in shape.over.get(_where(definition, one), ())))
        for step in nearest_first
        if _holds_all(definition, shape, step.id, here)
    }


def _where(definition: Definition, token: Token) -> str:
    """The last element that the token has left or rests on: at a join it belongs to the branch by which it came."""
    return definition.flows[token.via].source if token.state is TokenState.joining else token.node


def _holds_all(definition: Definition, shape: _Shape, step: str, here: str) -> bool:
    """Whether no parallel branch that began behind `step` can be outside of what lies behind it while one is `here`."""
    behind = {node for node, over in shape.over.items() if step in over}
    for split in behind:
        ways = _parallel_ways(definition, definition.nodes[split], is_left=split != here)
        if not ways or here not in _reach(shape, [split], behind):
            continue
        meets = (shape.until.get(split, frozenset()) - {split, _OVER}) & behind
        if meets:
            continue
        leaving = [way for way in ways if _leaves(shape, way, behind)]
        if len(leaving) > 1 or any(here not in _reach(shape, [way], behind) for way in leaving):
            return False
    return True


def _parallel_ways(definition: Definition, node: Node, *, is_left: bool) -> list[str]:
    """Where tokens can be at once after the node has been left, or its clock has struck without ending it; of the step
    that is still open only the latter. None where only one way is ever taken."""
    alongside = [event.id for event in definition.edges.get(node.id, ()) if not event.interrupting]
    if not is_left:
        return alongside
    ways = [*(definition.flows[flow].target for flow in node.outs), *alongside]
    one_of_them = node.kind in {NodeKind.exclusive_gateway, NodeKind.event_gateway}
    return ways if not one_of_them and len(ways) > 1 else []


def _leaves(shape: _Shape, way: str, behind: Collection[str]) -> bool:
    if way not in behind:
        return True
    return any(target not in behind for node in _reach(shape, [way], behind) for target in shape.forward[node])


def _reach(shape: _Shape, sources: Collection[str], within: Collection[str]) -> set[str]:
    found: set[str] = set()
    waiting = [node for node in sources if node in within]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(target for target in shape.forward[node] if target in within)
    return found


def _shape(definition: Definition) -> _Shape:
    return definition.kept("shape", _shape_of)


def _shape_of(definition: Definition) -> _Shape:
    nodes = definition.nodes
    forward = {node.id: tuple(after.id for after in definition.next_of(node)) for node in nodes.values()}
    backward = {node.id: tuple(definition.before(node)) for node in nodes.values()}
    ends = tuple(node for node, after in forward.items() if not after)
    over = _always_met([node.id for node in definition.starts], forward, backward)
    until = _always_met([_OVER], {_OVER: ends, **backward}, {**forward, **dict.fromkeys(ends, (_OVER,))})
    return _Shape(over, until, forward)


def _always_met(
    roots: Collection[str], forward: Mapping[str, tuple[str, ...]], backward: Mapping[str, tuple[str, ...]]
) -> dict[str, frozenset[str]]:
    """By node that can be reached from the roots: the nodes on every way to it. Iterated until nothing changes."""
    order = list(_in_order(roots, forward))
    met: dict[str, frozenset[str]] = {root: frozenset({root}) for root in roots}
    changed = True
    while changed:
        changed = False
        for node in order:
            if node in roots:
                continue
            known = [met[before] for before in backward[node] if before in met]
            now = frozenset.intersection(*known) | {node}
            if met.get(node) != now:
                met[node], changed = now, True
    return met


def _in_order(roots: Collection[str], forward: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The reachable nodes so that, loops apart, each comes after those that lead to it."""
    seen: set[str] = set(roots)
    finished: list[str] = []
    waiting = [(root, iter(forward[root])) for root in roots]
    while waiting:
        node, targets = waiting[-1]
        following = next((target for target in targets if target not in seen), None)
        if following is None:
            finished.append(node)
            waiting.pop()
        else:
            seen.add(following)
            waiting.append((following, iter(forward[following])))
    return reversed(finished)
