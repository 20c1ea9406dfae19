"""How does Flask-AppBuilder learn who is signed in and what he may do? Through our session rows and cached rights."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request, session
from flask_appbuilder.security.sqla.manager import SecurityManager as FabSecurityManager
from flask_login import LoginManager
from sqlalchemy import bindparam, select
from sqlalchemy.orm import contains_eager

from app.core import clock, edge, versions
from app.core.access import Actor
from app.core.accounts import User
from app.core.db import db
from app.security import looking, queries
from app.security.models import Look, Member, SignIn, SignInKind
from app.security.rules import token_hash
from app.security.views import AuthView

# Put together once: every request asks it.
_SIGNED_IN = (
    select(Member, Look.member_id, Look.until, *map(versions.version_of, versions.READ_WITH_THE_SESSION))
    .join(SignIn, SignIn.member_id == Member.id)
    .join(User, User.id == Member.id)
    .outerjoin(Look, (Look.sign_in_id == SignIn.id) & Look.ended_at.is_(None) & (Look.until > bindparam("now")))
    .options(contains_eager(Member.user))
    .where(
        SignIn.token_hash == bindparam("token_hash"),
        SignIn.kind == bindparam("kind"),
        SignIn.ended_at.is_(None),
        SignIn.expires_at > bindparam("now"),
        User.active.is_(True),
    )
)


class SecurityManager(FabSecurityManager):
    """FAB's security with our sessions and without its screens, permission writes and log-in bookkeeping."""

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

    def signed_in_user(self) -> User | None:
        """The user behind the bearer token, or else behind the cookie's token, while the session row lives."""
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
        row = db.session.execute(_SIGNED_IN, asked).one_or_none()
        member: Member | None = row[0] if row else None
        if row:
            versions.remember(db.session(), zip(versions.READ_WITH_THE_SESSION, row[3:], strict=True))
        g.member, g.look = member, (row[1], row[2]) if row and row[1] else None
        return member.user if member else None

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
    if not getattr(user, "is_authenticated", False):
        return None
    member: Member | None = g.get("member")
    if member is None:
        return None
    who = queries.actor_of(db.session(), member, address=request.remote_addr)
    if g.look is None:
        return who
    return looking.as_another(db.session(), who, g.look[0]) or who
