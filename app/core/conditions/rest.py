"""What is left of a condition once some of its fields are settled?"""

from __future__ import annotations

from collections.abc import Callable

from app.core.conditions.tree import Group, Node, Not, Row, keys_of, make_group


def rest_of(
    node: Node, settled: frozenset[str], unknown: frozenset[str], holds: Callable[[Row], bool]
) -> Node | bool | None:  # fmt: skip
    """`holds` answers a row that looks at settled fields alone. True or false: nothing is left to be asked; None: a row
    looks at settled ones and others, or at one that is `unknown`."""
    match node:
        case Group(word, parts):
            return _of_group(word, [rest_of(part, settled, unknown, holds) for part in parts])
        case Not(part):
            left = rest_of(part, settled, unknown, holds)
            if left is None or isinstance(left, bool):
                return None if left is None else not left
            return Not(left)
        case Row():
            asked = {key.partition(".")[0] for key in keys_of(node)}
            if asked.isdisjoint(settled | unknown):
                return node
            return holds(node) if asked <= settled else None


def _of_group(word: str, parts: list[Node | bool | None]) -> Node | bool | None:
    """One part that is false decides `and`, one that is true decides `or`; the opposite says nothing."""
    decides = word == "or"
    if any(part is decides for part in parts):
        return decides
    left = [part for part in parts if part is None or not isinstance(part, bool)]
    if any(part is None for part in left):
        return None
    return make_group(word, [part for part in left if part is not None]) if left else not decides
