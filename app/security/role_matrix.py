"""How is the matrix of a role drawn, and what was chosen in it? Each right a choice, or a yes or no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from app.core.access import ACTIONS, Actor, Scope
from app.core.errors import BadRequestError, Sentence
from app.core.i18n import _
from app.security.role_rules import Cell, may_give
from app.security.roles import (
    ACTION_LABELS,
    RESOURCE_GROUPS,
    RESOURCE_LABELS,
    RESOURCES,
    SCOPE_LABELS,
    is_plain,
    reaches,
)

_PLAIN = {Scope.none: _("No"), Scope.all: _("Yes")}


@dataclass(frozen=True)
class Option:
    """One reach to choose; what he has not himself is closed to him."""

    scope: Scope
    label: Sentence
    chosen: bool
    closed: bool


@dataclass(frozen=True)
class Choice:
    """One right of one part."""

    name: str
    label: Sentence
    scope: Scope
    #: what the role has now, whatever is chosen
    held: Scope
    options: Sequence[Option]
    #: why it cannot be changed; "": it can
    closed: Sentence
    is_plain: bool

    @property
    def words(self) -> Sentence:
        return next(option.label for option in self.options if option.chosen)


@dataclass(frozen=True)
class Row:
    """One part of the product; None where it knows no such right."""

    label: Sentence
    icon: str
    cells: Mapping[str, Choice | None]


def drawn(held: Mapping[str, Mapping[str, Scope | None]], typed: Mapping[Cell, Scope], by: Actor) -> list[Any]:
    """(heading, rows) in the order of the page: what the role holds, or what was chosen a moment ago."""
    return [
        (heading, [_row(resource, icon, held[resource], typed, by) for resource, icon in resources.items()])
        for heading, resources in RESOURCE_GROUPS
    ]


def _row(
    resource: str, icon: str, held: Mapping[str, Scope | None], typed: Mapping[Cell, Scope], by: Actor
) -> Row:  # fmt: skip
    cells = {}
    for action in ACTIONS:
        scope = held[action]
        cells[action] = None if scope is None else _choice((resource, action), scope, typed, by)
    return Row(RESOURCE_LABELS[resource], icon, cells)


def _choice(cell: Cell, held: Scope, typed: Mapping[Cell, Scope], by: Actor) -> Choice:
    chosen, offered = typed.get(cell, held), list(reaches(*cell))
    plain = is_plain(*cell)
    if plain:
        chosen, held = (Scope.none if scope is Scope.none else Scope.all for scope in (chosen, held))
    else:  # it may be held from before it had its present reaches
        offered = [scope for scope in Scope if scope in {*offered, chosen, held}]
    labels = _PLAIN if plain else SCOPE_LABELS
    closed: Sentence = ""
    if not may_give(by, cell, held):
        own = by.scope(*cell)
        closed = _("You have less yourself: %(reach)s", reach=labels.get(own, SCOPE_LABELS[own]))
    resource, action = cell
    return Choice(
        name=f"{resource}.{action}",
        label=_("%(part)s: %(right)s", part=RESOURCE_LABELS[resource], right=ACTION_LABELS[action]),
        scope=chosen,
        held=held,
        options=[Option(scope, labels[scope], scope is chosen, not may_give(by, cell, scope)) for scope in offered],
        closed=closed,
        is_plain=plain,
    )


def words(cell: Cell, scope: Scope) -> Sentence:
    """How far, as the matrix says it."""
    if is_plain(*cell):
        return _PLAIN[Scope.none if scope is Scope.none else Scope.all]
    return SCOPE_LABELS[scope]


def shown(groups: Sequence[tuple[Any, Sequence[Row]]]) -> str:
    """What the role holds, for the form to carry along: `touched` then tells what was chosen from what was there."""
    every = [cell for _heading, rows in groups for row in rows for cell in row.cells.values() if cell is not None]
    return urlencode({cell.name: cell.held for cell in every})


def touched(cells: Mapping[Cell, Scope], was: str) -> dict[Cell, Scope]:
    """Those that were chosen otherwise than the form showed them. Raises BadRequestError for a form of nobody's."""
    before = read(dict(parse_qsl(was)))
    return {cell: scope for cell, scope in cells.items() if before.get(cell) is not scope}


def read(sent: Mapping[str, str]) -> dict[Cell, Scope]:
    """What a form or a program sent: "Customer.view" → "team". Raises BadRequestError for what names no right."""
    cells: dict[Cell, Scope] = {}
    for name, value in sent.items():
        resource, _dot, action = name.partition(".")
        if action not in RESOURCES.get(resource, ()) or value not in Scope.__members__:
            raise BadRequestError(_("There is no such right, or it does not reach like that."))
        cells[resource, action] = Scope(value)
    return cells
