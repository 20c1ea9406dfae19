"""How does Flask-AppBuilder learn who is signed in and what he may do? Through our session rows and cached rights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from flask import Flask, request, session
from flask_appbuilder.security.sqla.manager import SecurityManager as FabSecurityManager
from flask_login import LoginManager, UserMixin
from sqlalchemy import ColumnElement, Select, bindparam, select

from app.core import clock, edge, versions
from app.core.access import Actor
from app.core.accounts import User
from app.core.db import db
from app.security import looking, queries
from app.security.models import Look, Member, SignIn, SignInKind
from app.security.rules import token_hash
from app.security.views import AuthView

# Put together once: every request asks it. Plain columns, because an object of a mapped class costs twice the query.
_PERSON = (
    Member.id, User.username, Member.name, Member.title, Member.language, Member.time_zone, Member.rights_version,
    Member.must_change_password,
)  # fmt: skip
_LOOK = len(_PERSON)
_VERSIONS = _LOOK + 2
_BESIDE = _VERSIONS + len(versions.READ_WITH_THE_SESSION)
_SIGNED_IN = (
    select(*_PERSON, Look.member_id, Look.until, *map(versions.version_of, versions.READ_WITH_THE_SESSION))
    .select_from(SignIn)
    .join(Member, Member.id == SignIn.member_id)
    .join(User, User.id == Member.id)
    .outerjoin(Look, (Look.sign_in_id == SignIn.id) & Look.ended_at.is_(None) & (Look.until > bindparam("now")))
    .where(
        SignIn.token_hash == bindparam("token_hash"),
        SignIn.kind == bindparam("kind"),
        SignIn.ended_at.is_(None),
        SignIn.expires_at > bindparam("now"),
        User.active.is_(True),
    )
)


@dataclass(frozen=True)
class Looking:
    """As whom he looks at the product for now."""

    member_id: int
    until: datetime


class CurrentUser(UserMixin):
    """Whom Flask-Login and Flask-AppBuilder take for the user of this request."""

    def __init__(
        self, member: queries.SignedIn, look: Looking | None = None, beside: Sequence[Any] | None = None
    ) -> None:
        self.member = member
        self.look = look
        #: what SecurityManager.beside_session names, in that order; None: it was not read
        self.beside = beside
        self.id = member.id
        self.username = member.username


class SecurityManager(FabSecurityManager):
    """FAB's security with our sessions and without its screens, permission writes and log-in bookkeeping."""

    #: What the frame of every page says of `Member`: read by the query that learns who asks for the page, because one
    #: query less is a twentieth of a page's time. Set once, before the first request.
    beside_session: tuple[ColumnElement[Any], ...] = ()

    @cached_property
    def _for_a_page(self) -> Select[Any]:
        return _SIGNED_IN.add_columns(*self.beside_session)

    def register_views(self) -> None:
        self.auth_view = AuthView()
        self.appbuilder.add_view_no_menu(self.auth_view)

    def create_db(self) -> None:
        """Tables come from migrations, roles from `flask init`."""

    def create_login_manager(self, app: Flask) -> LoginManager:
        manager = LoginManager(app)
        manager.user_loader(lambda _user_id: None)
        manager.request_loader(lambda _request: self.signed_in_user())
        return manager

    def signed_in_user(self) -> CurrentUser | None:
        """The member behind the bearer token, or else behind the cookie's token, while the session row lives."""
        if edge.by_token():
            scheme, _, token = request.headers["Authorization"].partition(" ")
            kind = SignInKind.bearer
            if scheme.lower() != "bearer":
                return None
        else:
            token, kind = session.get("token", ""), SignInKind.web
        if not token:
            return None
        asked = {"token_hash": token_hash(token), "kind": kind, "now": clock.now()}
        # What is sent changes what the frame says; it is asked for again when such a page is drawn.
        a_page = kind is SignInKind.web and request.method == "GET" and not edge.is_bare()
        row = db.session.execute(self._for_a_page if a_page else _SIGNED_IN, asked).one_or_none()
        if row is None:
            return None
        versions.remember(db.session(), zip(versions.READ_WITH_THE_SESSION, row[_VERSIONS:_BESIDE], strict=True))
        person = queries.SignedIn(*row[:_LOOK])
        looked_at, until = row[_LOOK:_VERSIONS]
        if looked_at is not None:
            return CurrentUser(person, Looking(looked_at, until))
        return CurrentUser(person, beside=row[_BESIDE:] if a_page else None)

    def has_access(self, permission_name: str, view_name: str) -> bool:
        who = edge.actor_or_none()
        return who is not None and (permission_name.removeprefix("can_"), view_name) in who.permissions

    def is_item_public(self, _permission_name: str, _view_name: str) -> bool:
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        return set(menu_names or ())

    def add_permissions_view(self, base_permissions: Any, view_menu: str) -> None:
        """Permissions are data of security.roles, written by `flask init`: views add none."""

    def add_permissions_menu(self, view_menu_name: str) -> None:
        """Menus show what a member may see; they are no permission of their own."""


def load_actor(user: Any) -> Actor | None:
    """The actor behind Flask-Login's user: the member was read with the session, rights come from the cache."""
    # isinstance() would not do: Flask-Login's proxy keeps an error on the way to the person to itself when so asked.
    if not getattr(user, "is_authenticated", False):
        return None
    who = queries.actor_of(db.session(), user.member, address=request.remote_addr)
    if user.look is None:
        return who
    return looking.as_another(db.session(), who, user.look.member_id) or who
