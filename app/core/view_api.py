"""How does a program keep the views of a list? As people do over it: what narrows it, its order and its columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.core import edge
from app.core.access import Actor, get_visible
from app.core.accounts import Role
from app.core.api import Api, moment, verb
from app.core.db import db
from app.core.lists import LONGEST_CONDITION, Listed, list_called, list_keyed
from app.core.models import SavedView
from app.core.schema import list_of, maybe, record, text, whole_number
from app.core.screens import saved
from app.core.screens.shown import RESOURCE, views_of

_ASKS = {
    "where": maybe(text(LONGEST_CONDITION)),
    "q": maybe(text()),
    "order": maybe(text()),
    "columns": list_of(text(80), most=40),
    "page_size": maybe(whole_number()),
}
_NEW = record(required=("list", "name"), list=text(80), name=text(), **_ASKS)
_CHANGED = record(required=("rev",), rev=whole_number(), name=text(), **_ASKS)


class ViewApi(Api):
    """Saved views of the lists: one's own, and those of one's roles. `?view=12` in a collection looks through one."""

    resource_name = "views"
    resource = RESOURCE

    @verb(
        "/", "GET", "The views of one list that one sees", right=None,
        query={"list": "needed: the collection, such as customers"},
    )  # fmt: skip
    def index(self) -> dict[str, Any]:
        listed = list_called(request.args.get("list", ""), edge.actor())
        views = views_of(db.session(), listed.key, edge.actor())
        return {"result": [_shown(one.view, one.role) for one in views.shown], "opens_with": views.opens_with}

    @verb("/<id>", "GET", "One view", right=None)
    def get(self, id: str) -> dict[str, Any]:
        view, _listed = _there(self.id(id), edge.actor())
        return _of(db.session(), view.id)

    @verb("/", "POST", "Keep a new view of one's own", right=None, body=_NEW, status=201)
    def post(self) -> dict[str, Any]:
        body, who = self.read(), edge.actor()
        listed = list_called(body["list"], who)
        wanted = listed.wanted_of(MultiDict(_arguments(body)))

        def keep(session: Session) -> dict[str, Any]:
            return _of(session, saved.save_new(session, listed.key, body["name"], wanted, by=who).id)

        return self.write(keep)

    @verb(
        "/<id>",
        "PUT",
        "Rename a view, or let it ask for something else: what is not named stays",
        right=None,
        body=_CHANGED,
    )
    def put(self, id: str) -> dict[str, Any]:
        body, who, number = self.read(), edge.actor(), self.id(id)
        view, listed = _there(number, who)
        key, wanted = view.list_key, None
        if listed is not None and _ASKS.keys() & body.keys():
            stays = {name: value for name, value in listed.opened_by(number, who).items() if name not in body}
            wanted = listed.wanted_of(MultiDict({**stays, **_arguments(body)}))

        def change(session: Session) -> dict[str, Any]:
            rev = body["rev"]
            if "name" in body:
                view = saved.rename(session, key, number, body["name"], rev=rev, by=who)
                session.flush()
                rev = view.rev
            if wanted is not None:
                saved.save_over(session, key, number, wanted, rev=rev, by=who)
            session.flush()
            return _of(session, number)

        return self.write(change)

    @verb("/<id>/archive", "POST", "Put a view away", right=None, body=record(required=("rev",), rev=whole_number()))
    def archive(self, id: str) -> dict[str, Any]:
        body, who, number = self.read(), edge.actor(), self.id(id)
        key = _there(number, who)[0].list_key

        def away(session: Session) -> dict[str, Any]:
            view = saved.archive(session, key, number, rev=body["rev"], by=who)
            session.flush()
            return _shown(view, None)

        return self.write(away)


def _there(number: int, who: Actor) -> tuple[SavedView, Listed | None]:
    """The view and its list, if he sees both; None: there is no such list any more."""
    view = get_visible(db.session(), SavedView, number, who)
    listed = list_keyed(view.list_key)
    if listed is not None:
        who.must("view", listed.resource)
    return view, listed


def _arguments(body: Mapping[str, Any]) -> dict[str, str]:
    """What the body asks for, as an address would; null is the same as not said."""
    told = {name: body[name] for name in _ASKS if body.get(name) is not None}
    return {name: ",".join(value) if name == "columns" else str(value) for name, value in told.items()}


def _of(session: Session, number: int) -> dict[str, Any]:
    view = get_visible(session, SavedView, number, edge.actor())
    role = session.scalar(select(Role.name).where(Role.id == view.role_id))
    return _shown(view, role)


def _shown(view: SavedView, role: str | None) -> dict[str, Any]:
    listed = list_keyed(view.list_key)
    wanted = view.wanted if listed is None else listed.kept_as_read(view, edge.actor())
    return {
        "id": view.id,
        "list": listed.collection if listed else None,
        "name": view.name,
        "role": role,
        **{name: wanted.get(name) for name in ("where", "q", "order", "columns", "page_size")},
        "rev": view.rev,
        "archived_at": moment(view.archived_at),
    }
