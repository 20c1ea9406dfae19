"""Who may give which right to others? Nobody hands out more than he holds. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.access import Actor, Scope
from app.security.roles import is_plain

#: (resource, action)
Cell = tuple[str, str]
Matrix = Mapping[Cell, Scope]


def may_give(by: Actor, cell: Cell, scope: Scope) -> bool:
    """Does he have this right himself, and with this reach at least?"""
    if scope is Scope.none or by.is_system:
        return True
    held = by.scope(*cell)
    return held is not Scope.none if is_plain(*cell) else scope.width <= held.width


def beyond(by: Actor, matrix: Matrix) -> list[Cell]:
    """The rights in it that reach further than his own."""
    return [cell for cell, scope in matrix.items() if not may_give(by, cell, scope)]


def is_beyond(by: Actor, other: Actor) -> bool:
    """Has the other one any right that this person has not, or more of one? Fields count too."""
    if beyond(by, {(part, right): other.scope(part, right) for right, part in other.permissions}):
        return True
    return any(other.field_rule(*key).right.width > rule.right.width for key, rule in by.fields.items())
