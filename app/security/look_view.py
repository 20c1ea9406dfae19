"""/xem-nhu: begin and stop looking as somebody else; nothing is changed in between."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, request, session
from flask_login import current_user
from werkzeug.wrappers import Response

from app.core import edge, links
from app.core.access import get_visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, NotFoundError, NothingTakenError
from app.core.i18n import _
from app.core.pages import Page, done, page, refused_onto
from app.security import looking
from app.security.models import Member

_SAFE = ("GET", "HEAD", "OPTIONS")
#: what whoever looks may send all the same
_ALLOWED = ("LookPages.stop", "AuthView.logout")
#: in the cookie, from the beginning of a look until this browser has been told of its end
_LOOKING = "looking"


class LookPages(Page):
    """Two buttons."""

    resource = "Member"
    route_base = "/xem-nhu"
    default_view = "stop"

    @page("/<member_id>", "POST", right="edit")
    def begin(self, member_id: str) -> Any:
        key, who = row_id(member_id), edge.actor()
        get_visible(db.session(), Member, key, who)
        try:
            with edge.transaction() as inside:
                member = get_visible(inside, Member, key, who)
                looking.begin_look(inside, session.get("token", ""), member, by=who)
                session[_LOOKING] = True
        except NotFoundError:
            raise
        except BusinessError as error:
            return refused_onto(links.member_path(key), error)
        return redirect("/")  # the banner on it says the rest

    @page("/thoi", "POST", right=None)
    def stop(self) -> Response:
        who = edge.actor()
        looked_at = who.user_id if who.real_user_id is not None else None
        with edge.transaction() as inside:
            looking.end_look(inside, session.get("token", ""))
        session.pop(_LOOKING, None)
        if looked_at is None:
            return redirect("/")
        return done(links.member_path(looked_at), _("You are back at your own work."))


def banner() -> dict[str, Any] | None:
    """What templates/base.html tells on every page while somebody looks as another."""
    who = edge.actor_or_none()
    if who is None or who.real_user_id is None:
        return None
    return {"name": who.name, "until": current_user.look.until}


def _read_only() -> None:
    if request.method in _SAFE or request.endpoint in _ALLOWED or edge.by_token():
        return
    who = edge.actor_or_none()
    if who is None:
        return
    if who.real_user_id is not None:
        raise NothingTakenError(
            _("You are looking as %(name)s: nothing can be changed meanwhile. Stop looking first.", name=who.name)
        )
    if session.pop(_LOOKING, None) is not None:
        # It ended by itself. This may come from a page that still shows somebody else's work.
        with edge.transaction() as inside:
            looking.end_look(inside, session.get("token", ""))
        raise NothingTakenError(
            _("You no longer look as somebody else: the time was over. Nothing was changed; open the page again.")
        )


def install(app: Flask) -> None:
    """Whoever looks as another changes nothing, whatever he sends."""
    app.before_request(_read_only)
