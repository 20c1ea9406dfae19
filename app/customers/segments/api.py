"""Segments for programs: keep them, count them, freeze them. Their customers: customers?where=, as `customers` says."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request
from sqlalchemy.orm import Session

from app.core import edge
from app.core.access import get_visible
from app.core.api import Api, flag, listing, moment, verb
from app.core.db import db
from app.core.errors import BadRequestError
from app.core.lists import LONGEST_CONDITION
from app.core.schema import maybe, record, text, whole_number, yes_or_no
from app.customers.segments import queries, services
from app.customers.segments.models import NAME_LENGTH, PURPOSE_LENGTH, Segment
from app.security.queries import team_by_code

_SAID = {"name": text(NAME_LENGTH), "where": text(LONGEST_CONDITION), "purpose": maybe(text(PURPOSE_LENGTH)),
         "team": maybe(text())}  # fmt: skip
_NEW = record(required=("name", "where"), **_SAID)
_CHANGED = record(required=("rev",), rev=whole_number(), **_SAID)
_ORDERS = {"name": Segment.name, "id": Segment.id}


class SegmentApi(Api):
    """Groups of customers by a condition; `count` is how many of its customers the asker sees."""

    resource_name = "segments"
    resource = "Customer"

    @verb("/", "GET", "The segments that one sees, or with archived=1 those that were put away",
          query=listing(_ORDERS, archived="1: those that were put away"))  # fmt: skip
    def index(self) -> dict[str, Any]:
        rows = queries.segments(edge.actor(), archived=request.args.get("archived") == "1").order_by(None)
        filters = {"archived": lambda rows, typed: flag(rows, typed, Segment.archived_at.is_not(None))}
        return self.page(rows, show=_shown, orders=_ORDERS, default_order="name", filters=filters, key=Segment.id)

    @verb("/<id>", "GET", "One segment, with its count")
    def get(self, id: str) -> dict[str, Any]:
        return _counted(get_visible(db.session(), Segment, self.id(id), edge.actor()))

    @verb("/", "POST", "Keep a new segment", body=_NEW, status=201)
    def post(self) -> dict[str, Any]:
        body = self.read()
        return self.write(lambda session: _counted(
            services.create_segment(session, _typed(session, body, None), by=edge.actor())))  # fmt: skip

    @verb("/<id>", "PUT", "Change a segment: what is not named stays", body=_CHANGED)
    def put(self, id: str) -> dict[str, Any]:
        body, number, who = self.read(), self.id(id), edge.actor()

        def change(session: Session) -> dict[str, Any]:
            known = get_visible(session, Segment, number, who)
            typed = _typed(session, body, known)
            return _counted(services.change_segment(session, number, typed, rev=body["rev"], by=who))

        return self.write(change)

    @verb("/<id>/freeze", "POST", "Whoever belongs to it now belongs to it from now on; again: whoever did last time",
          body=record(again=yes_or_no()))  # fmt: skip
    def freeze(self, id: str) -> dict[str, Any]:
        return self._done(id, services.freeze_again if self.read().get("again") else services.freeze)

    @verb("/<id>/unfreeze", "POST", "It follows its condition again", body=record())
    def unfreeze(self, id: str) -> dict[str, Any]:
        self.read()
        return self._done(id, services.unfreeze)

    @verb("/<id>/archive", "POST", "Put a segment away", body=record())
    def archive(self, id: str) -> dict[str, Any]:
        self.read()
        return self._done(id, services.archive_segment)

    @verb("/<id>/restore", "POST", "Bring back one that was put away", body=record())
    def restore(self, id: str) -> dict[str, Any]:
        self.read()
        return self._done(id, services.restore_segment)

    @verb("/count", "POST", "How many customers fulfil a condition, without keeping it",
          body=record(required=("where",), where=text(LONGEST_CONDITION)))  # fmt: skip
    def count(self) -> dict[str, Any]:
        body, who = self.read(), edge.actor()
        condition, refused = services.read_rows(body["where"], who)
        if condition is None:
            raise BadRequestError(refused.sentence if refused else None)
        return {"count": queries.count(db.session(), who, queries.customer_list().narrowed(condition, who))}

    def _done(self, id: str, does: Any) -> dict[str, Any]:
        number, who = self.id(id), edge.actor()

        def act(session: Session) -> dict[str, Any]:
            does(session, number, by=who)
            session.flush()
            return _counted(get_visible(session, Segment, number, who))

        return self.write(act)


def _typed(session: Session, body: dict[str, Any], known: Segment | None) -> services.Typed:
    where = ""
    if known is not None:
        condition = queries.read(known, edge.actor()).condition
        where = condition.text if condition else ""
    team_id = known.team_id if known is not None else None
    if "team" in body:
        team = team_by_code(session, body["team"]) if body["team"] else None
        team_id = None if not body["team"] else team.id if team is not None else -1
    return services.Typed(
        body.get("name", known.name if known else ""), body.get("where", where),
        body.get("purpose", known.purpose if known else "") or "", team_id,
    )  # fmt: skip


def _shown(segment: Segment) -> dict[str, Any]:
    who = edge.actor()
    told = queries.read(segment, who)
    where = told.condition.text if told.condition else None
    if segment.is_frozen and not told.hidden:
        where = f"segment = '{segment.id}'"
    return {
        "id": segment.id,
        "name": segment.name,
        "purpose": segment.purpose,
        "kind": segment.kind,
        "where": told.condition.text if told.condition else None,
        "sentence": str(told.sentence),
        "customers": f"/api/v1/customers/?{urlencode({'where': where})}" if where else None,
        "frozen_at": moment(segment.frozen_at) if segment.is_frozen else None,
        "archived_at": moment(segment.archived_at),
        "team": segment.team.code if segment.team else None,
        "owner": segment.owner.username,
        "rev": segment.rev,
    }


def _counted(segment: Segment) -> dict[str, Any]:
    who = edge.actor()
    try:
        count = queries.count(db.session(), who, queries.belongs(segment, who))
    except BadRequestError:
        count = None
    return {**_shown(segment), "count": count}
