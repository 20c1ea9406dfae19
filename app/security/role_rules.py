"""Who may give which right to others, and who may more than another? Nobody hands out more than he holds. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.access import Actor, FieldRight, FieldRule, Scope
from app.security.roles import is_plain

#: (resource, action)
Cell = tuple[str, str]
Matrix = Mapping[Cell, Scope]
#: (resource, field)
Place = tuple[str, str]


def may_give(by: Actor, cell: Cell, scope: Scope) -> bool:
    """Does he have this right himself, and with this reach at least?"""
    if scope is Scope.none or by.is_system:
        return True
    held = by.scope(*cell)
    return held is not Scope.none if is_plain(*cell) else scope.width <= held.width


def may_give_field(by: Actor, place: Place, rule: FieldRule) -> bool:
    """May he do as much with this field himself?"""
    own = by.field_rule(*place)
    is_opening = rule.right is FieldRight.masked and rule.may_reveal
    return rule.right.width <= own.right.width and (own.may_reveal or not is_opening or by.reads(*place))


def beyond(by: Actor, matrix: Matrix) -> list[Cell]:
    """The rights in it that reach further than his own."""
    return [cell for cell, scope in matrix.items() if not may_give(by, cell, scope)]


def is_beyond(by: Actor, other: Actor) -> bool:
    """Has the other one any right that this person has not, more of one, or the same one over other teams?

    Fields count too, in those parts of the product that the other one comes into at all.
    """
    if by.is_system:
        return False
    held = {(part, right): other.scope(part, right) for right, part in other.permissions}
    parts = {part for part, _right in held}
    return (
        bool(beyond(by, held))
        or any(not _covers(by, other, cell, scope) for cell, scope in held.items())
        or any(not may_give_field(by, place, other.field_rule(*place)) for place in by.fields if place[0] in parts)
    )


def _covers(by: Actor, other: Actor, cell: Cell, scope: Scope) -> bool:
    """Do the teams in which the other one may do this lie in those in which he may do it himself?

    A team says whose rows are meant also where only one's own are: those of colleagues stand in it, those of other
    teams do not. Heads reach some things by their office, whatever the reach of their roles.
    """
    mine = by.scope(*cell)
    if mine is Scope.all or scope is Scope.none or is_plain(*cell):
        return True
    teams = _teams(by, mine)
    heads = teams if mine is Scope.subtree else by.headed_team_ids
    return _teams(other, scope) <= teams and other.headed_team_ids <= heads


def _teams(actor: Actor, scope: Scope) -> frozenset[int]:
    return actor.subtree_team_ids | actor.headed_team_ids if scope is Scope.subtree else actor.team_ids
