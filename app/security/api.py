"""Sign in by program; the short list of members."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core import access, edge
from app.core.api import Api, verb
from app.core.errors import BadRequestError, NotSignedInError
from app.core.i18n import _
from app.security.entrance import sign_in
from app.security.models import Member, SignInKind


class SecurityApi(Api):
    """POST /api/v1/security/login → a bearer token, which is a session row like a browser's."""

    resource_name = "security"
    resource = "Member"

    @verb(
        "/login",
        "POST",
        "Sign in and get a bearer token",
        right=None,
        public=True,
        body={
            "type": "object",
            "required": ["username", "password"],
            "properties": {
                "username": {"type": "string"},
                "password": {"type": "string"},
                "provider": {"const": "db"},
                "otp": {"type": "string"},
                "refresh": {"type": "boolean"},
            },
        },
    )
    def login(self) -> dict[str, Any]:
        body = self.json_body("username", "password", "provider", "otp", "refresh")
        if body.get("provider", "db") != "db":
            raise BadRequestError(_("The provider must be db."))
        username = self.text(body, "username", required=True) or ""
        password = body.get("password")
        if not isinstance(password, str) or not password:
            raise BadRequestError(_("Please type your password."))
        token = sign_in(username, password, SignInKind.bearer)
        if token is None:
            raise NotSignedInError(_("User name or password is not right."))
        return {"access_token": token}


class UserApi(Api):
    resource_name = "users"
    resource = "Member"

    @verb("/", "GET", "Members of the company", query={"order": "name or -name"})
    def index(self) -> dict[str, Any]:
        rows = select(Member).where(access.visible(Member, edge.actor()))
        return self.page(
            rows,
            show=self.show,
            orders={"name": Member.sort_key, "id": Member.id},
            default_order="name",
            key=Member.id,
            load=(selectinload(Member.memberships),),
        )

    @staticmethod
    def show(member: Member) -> dict[str, Any]:
        return {
            "id": member.id,
            "username": member.user.username,
            "name": member.name,
            "title": member.title,
            "active": member.is_active,
            "teams": [m.team.code for m in member.memberships],
        }
