"""Who asks, and which rows may he touch? One actor, one row rule per table; every way to a row goes through here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, auto
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, false, inspect, literal, select, true
from sqlalchemy.orm import Session

from app.core.db import LARGEST_ID, Entity
from app.core.errors import NotAllowedError, NotFoundError

#: The seven rights an admin ever sees. `delete` archives.
ACTIONS = ("view", "add", "edit", "delete", "export", "assign", "approve")


#: (table, action) → the rule as it is for certain rights
Rules = dict[tuple[Any, ...], Any]

#: rules and statements of one person; beyond them all are put together anew
_MOST_REMEMBERED = 500


S = TypeVar("S")


class Scope(StrEnum):
    """How far a right reaches over the rows of one table. Widest wins when a member has several roles."""

    none = auto()
    own = auto()
    team = auto()
    subtree = auto()
    all = auto()

    @property
    def width(self) -> int:
        return list(Scope).index(self)


class FieldRight(StrEnum):
    """What may be done with one field of a record, the narrowest first. Widest wins as with scopes."""

    hidden = auto()
    masked = auto()
    read_only = auto()
    full = auto()

    @property
    def width(self) -> int:
        return _WIDTHS[self]


#: asked for every column of every page
_WIDTHS = {right: width for width, right in enumerate(FieldRight)}


@dataclass(frozen=True)
class FieldRule:
    """The right to a field; of a masked one also whether it may be opened, with a reason."""

    right: FieldRight
    may_reveal: bool = False


FULL = FieldRule(FieldRight.full, may_reveal=True)


@dataclass(frozen=True)
class Actor:
    """The person (or the system) in whose name something is done, with all that his rights depend on."""

    user_id: int | None
    username: str = ""
    name: str = ""
    title: str = ""
    roles: frozenset[str] = frozenset()
    #: (action, resource), for instance ("view", "Customer")
    permissions: frozenset[tuple[str, str]] = frozenset()
    #: (resource, action) → how far
    scopes: Mapping[tuple[str, str], Scope] = field(default_factory=dict)
    team_ids: frozenset[int] = frozenset()
    primary_team_id: int | None = None
    #: the teams he heads and all below them
    headed_team_ids: frozenset[int] = frozenset()
    #: his teams and all below them
    subtree_team_ids: frozenset[int] = frozenset()
    language: str = "vi"
    time_zone: str = "Asia/Ho_Chi_Minh"
    address: str | None = None
    #: who really sits there while he looks as this person; None: this person himself
    real_user_id: int | None = None
    is_system: bool = False
    #: (resource, field) → what he may do with it, where that is not everything
    fields: Mapping[tuple[str, str], FieldRule] = field(default_factory=dict)
    #: do the records that were handed to him count? Not where it is asked what his roles alone give
    takes_grants: bool = True
    #: row rules, and lists behind them, that were put together for these very rights already
    rules: Rules = field(default_factory=dict, init=False, compare=False, repr=False)

    def remembering(self, rules: Rules) -> Actor:
        """With the rules that were put together for the same rights before: every request is another Actor."""
        object.__setattr__(self, "rules", rules)
        return self

    def once(self, key: tuple[Any, ...], build: Callable[[], S]) -> S:
        """The statement of that name, put together once for the same rights. What differs from one use to the next is
        bound to it by name."""
        known: S | None = self.rules.get(key)
        if known is None:
            if len(self.rules) >= _MOST_REMEMBERED:
                self.rules.clear()
            known = self.rules[key] = build()
        return known

    def may(self, action: str, resource: str) -> bool:
        return self.is_system or (action, resource) in self.permissions

    def must(self, action: str, resource: str) -> None:
        """Raises NotAllowedError unless he may."""
        if not self.may(action, resource):
            raise NotAllowedError

    def scope(self, resource: str, action: str = "view") -> Scope:
        if self.is_system:
            return Scope.all
        if not self.may(action, resource):
            return Scope.none
        return self.scopes.get((resource, action), Scope.none)

    def field_rule(self, resource: str, name: str) -> FieldRule:
        return self.fields.get((resource, name), FULL) if not self.is_system else FULL

    def field_right(self, resource: str, name: str) -> FieldRight:
        return self.field_rule(resource, name).right

    def reads(self, resource: str, name: str) -> bool:
        """Does he read the field as it is? Only then may he look, sort or filter by it, and take it away."""
        return self.field_right(resource, name).width >= FieldRight.read_only.width

    def writes(self, resource: str, name: str, *, is_new: bool = False) -> bool:
        """May he say what stands in the field? Of a new record also in one that he will read masked."""
        right = self.field_right(resource, name)
        return right is FieldRight.full or (is_new and right is FieldRight.masked)

    @property
    def is_himself(self) -> bool:
        """Nobody else sits there and looks as him: what is his own business, whatever the role, stays his."""
        return self.real_user_id is None

    def by_roles_alone(self) -> Actor:
        """The same person without what was handed to him."""
        return replace(self, takes_grants=False)


SYSTEM = Actor(user_id=None, username="system", name="Tận Tâm", is_system=True)

#: A rule depends on the actor's rights alone: it is put together once for them. What passes with time is bound late.
RowRule = Callable[[Actor, str], ColumnElement[bool]]
_row_rules: dict[type[Any], RowRule] = {}
E = TypeVar("E", bound=Entity)


def row_rule(model: type[Any]) -> Callable[[RowRule], RowRule]:
    """Declare which rows of `model` an actor may view, edit, … A table without a rule cannot be put on a screen."""

    def register(rule: RowRule) -> RowRule:
        if model in _row_rules:
            raise RuntimeError(f"{model.__name__} has two row rules")
        _row_rules[model] = rule
        return rule

    return register


def has_row_rule(model: type[Any]) -> bool:
    return model in _row_rules


def visible(model: type[Any], actor: Actor, action: str = "view") -> ColumnElement[bool]:
    """The condition that rows of `model` must fulfil for this actor and action. Raises LookupError without a rule."""
    if model not in _row_rules:
        raise LookupError(f"{model.__name__} has no row rule: declare one with @row_rule")
    if actor.is_system:
        return true()
    known = actor.rules.get((model, action))
    if known is None:
        known = actor.rules[model, action] = _row_rules[model](actor, action)
    return known


def private(actor: Actor, owner_id: Any) -> ColumnElement[bool]:
    """The rule over rows that are a person's own business, whatever anybody's role."""
    return owner_id == actor.user_id if actor.is_himself else false()


def among(column: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """Column IN values, in order and each bound by itself: SQLAlchemy writes a bare list into the statement anew each
    time that it is asked."""
    return cast("ColumnElement[bool]", column.in_([literal(value, column.type) for value in sorted(values)]))


def scoped(scope: Scope, actor: Actor, *, owner_id: Any, team_id: Any | None = None) -> ColumnElement[bool]:
    """The usual rule over an owner column and a team column, to be joined with grants by OR.

    `owner_id` may be one column or a tuple of them (creator, owner, assignee: any counts).
    """
    owners = owner_id if isinstance(owner_id, tuple) else (owner_id,)
    mine: ColumnElement[bool] = false()
    for column in owners:
        mine = mine | (column == actor.user_id)
    if scope is Scope.all:
        return true()
    if scope is Scope.none:
        return false()
    if scope is Scope.own or team_id is None:
        return mine
    teams = actor.team_ids if scope is Scope.team else actor.subtree_team_ids | actor.headed_team_ids
    return mine | among(team_id, teams) if teams else mine


def get_visible(session: Session, model: type[E], row_id: object, actor: Actor, action: str = "view") -> E:
    """The row, if the actor may do that with it. Not there and not his are the same: raises NotFoundError.

    Visible but without the right to `action` raises NotAllowedError.
    """
    if not isinstance(row_id, int) or isinstance(row_id, bool) or not 0 < row_id <= LARGEST_ID:
        raise NotFoundError
    key = inspect(model).primary_key[0]
    row = session.scalars(select(model).where(key == row_id, visible(model, actor, "view"))).one_or_none()
    if row is None:
        raise NotFoundError
    if action != "view":
        allowed = session.scalar(select(key).where(key == row_id, visible(model, actor, action)))
        if allowed is None:
            raise NotAllowedError
    return row
