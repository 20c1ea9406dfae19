"""Which kept views does a member see over his list, and what may he do with them?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from app.core import versions
from app.core.access import Actor, Scope, row_rule, visible
from app.core.accounts import Role
from app.core.errors import NotFoundError, Sentence
from app.core.i18n import _
from app.core.models import SavedView, SavedViewDefault
from app.core.remembered import kept

RESOURCE = "SavedView"
#: counts the changes of views (core.versions)
VERSION = "saved_views"

_role_label: Callable[[str], Sentence] = str


def call_roles_by(label: Callable[[str], Sentence]) -> None:
    """How people call a role, by its code; the feature that keeps the roles says so, once."""
    global _role_label
    _role_label = label


def may_share(who: Actor, role: str) -> bool:
    """May he share views with this role, and say with which one its lists open?"""
    reach = _shares(who)
    return reach is not None and (reach is Scope.all or role in who.roles)


def share_help(who: Actor) -> Sentence:
    """Who sees what he shares, and with which roles he can."""
    if _shares(who) is Scope.all:
        return _("Everybody with the role sees it, in every team.")
    return _("Everybody with the role sees it, in every team. So you can choose the roles that you have yourself.")


def _shares(who: Actor) -> Scope | None:
    """How far he may share; None: not at all."""
    return who.scope(RESOURCE, "assign") if who.may("assign", RESOURCE) else None


def may_change(who: Actor, view: SavedView, role: str | None) -> bool:
    """`role`: the code of the one that the view is shared with."""
    return view.owner_id == who.user_id or (role is not None and may_share(who, role))


@row_rule(SavedView)
def _views(actor: Actor, action: str) -> ColumnElement[bool]:
    """One's own and those of one's roles; who shares with every role sees every shared one."""
    mine, shared = SavedView.owner_id == actor.user_id, SavedView.role_id.is_not(None)
    reach = _shares(actor)
    if reach is Scope.all:
        return mine | shared
    if action == "view" or reach is not None:
        return mine | SavedView.role_id.in_(_roles_of(actor))
    return mine


def _roles_of(who: Actor) -> Any:
    return select(Role.id).where(Role.name.in_(sorted(who.roles)))


@dataclass(frozen=True)
class Shown:
    """A view as one member sees it over his list."""

    view: SavedView
    #: the code of the role that it is shared with
    role: str | None
    is_mine: bool
    may_change: bool
    #: his list opens with it because he said so, or because his role's does
    is_mine_by_default: bool
    is_roles_default: bool

    @property
    def role_label(self) -> Sentence | None:
        return None if self.role is None else _role_label(self.role)


@dataclass(frozen=True)
class Views:
    """All views of one list that a member sees: those of his roles first, then his own, each in its order."""

    shown: tuple[Shown, ...]
    #: with which the list opens; None: as it is by itself
    opens_with: int | None
    #: he chose himself how it opens
    is_chosen: bool

    def of(self, number: int) -> Shown:
        """Raises NotFoundError for a view that is not there or not his to see."""
        found = next((one for one in self.shown if one.view.id == number), None)
        if found is None:
            raise NotFoundError
        return found


#: (list, member, his roles, how far he may share) → the number of changes by then, and the views as they were: every
#: list is drawn with them
_remembered: dict[tuple[str, int | None, frozenset[str], Scope | None], tuple[int, Views]] = kept({})
_MOST_REMEMBERED = 10_000


def views_of(session: Session, list_key: str, who: Actor, *, asked: int | None = None) -> Views:
    """`asked`: one view more that he may see, though none of his roles has it."""
    if session.info.get("transaction"):  # what is read inside may be undone with it
        return _read_views(session, list_key, who, asked)
    key, version = (list_key, who.user_id, who.roles, _shares(who)), versions.current(session, VERSION)
    known = _remembered.get(key)
    if known is None or known[0] != version:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        known = _remembered[key] = version, _read_views(session, list_key, who)
        for one in known[1].shown:
            session.expunge(one.view)  # it outlives the session
    if asked and all(one.view.id != asked for one in known[1].shown):
        return _read_views(session, list_key, who, asked)
    return known[1]


def _read_views(session: Session, list_key: str, who: Actor, asked: int | None = None) -> Views:
    on_the_bar = or_(SavedView.owner_id == who.user_id, Role.name.in_(sorted(who.roles)))
    if asked:
        on_the_bar = or_(on_the_bar, and_(SavedView.id == asked, visible(SavedView, who)))
    rows = session.execute(
        select(SavedView, Role.name).outerjoin(Role, Role.id == SavedView.role_id)
        .where(SavedView.list_key == list_key, SavedView.archived_at.is_(None), on_the_bar)
        .order_by(SavedView.role_id.is_(None), SavedView.role_id, SavedView.position, SavedView.id)
    ).all()  # fmt: skip
    defaults = session.execute(
        select(SavedViewDefault.member_id, SavedViewDefault.role_id, SavedViewDefault.view_id)
        .outerjoin(Role, Role.id == SavedViewDefault.role_id)
        .where(
            SavedViewDefault.list_key == list_key,
            or_(SavedViewDefault.member_id == who.user_id, Role.name.in_(sorted(who.roles))),
        )
        .order_by(SavedViewDefault.role_id)
    ).all()  # fmt: skip
    there = {view.id: view for view, _role in rows}
    # A view that was archived or is shared with another role by now is no default any more.
    own = [one.view_id for one in defaults if one.member_id and (one.view_id is None or one.view_id in there)]
    roles = [
        one.view_id for one in defaults
        if one.role_id and one.view_id in there and there[one.view_id].role_id == one.role_id
    ]  # fmt: skip
    shown = tuple(
        Shown(view, role, view.owner_id == who.user_id, may_change(who, view, role), view.id in own, view.id in roles)
        for view, role in rows
    )
    return Views(shown, opens_with=(own or roles or [None])[0], is_chosen=bool(own))


def roles_to_share_with(session: Session, who: Actor) -> Sequence[tuple[int, Sentence]]:
    """(id, label) of the roles with which he may share."""
    if not who.may("assign", RESOURCE):
        return []
    rows = session.execute(select(Role.id, Role.name).order_by(Role.id)).all()
    return [(row.id, _role_label(row.name)) for row in rows if may_share(who, row.name)]
