"""Shares of a record for programs: list, share, end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from app.core import edge
from app.core.access import get_visible
from app.core.api import Api, moment, not_here, usernames, verb
from app.core.db import db
from app.core.errors import BadRequestError, InvalidInputError
from app.core.formats import LATEST_YEAR
from app.core.i18n import _
from app.core.schema import maybe, record, text, whole_number
from app.security import queries, shares
from app.security.models import Grant, Right
from app.security.shared import Shareable, shareable, shareables

_NEW = record(
    required=("resource", "record", "right", "reason"),
    resource=text(),
    record=whole_number(),
    member=maybe(text()),
    team=maybe(text()),
    right=text(),
    until=maybe(text()),
    reason=text(shares.LONGEST_NOTE),
)


class ShareApi(Api):
    """Whoever sees a record sees with whom it is shared; sharing and ending ask what the screens ask."""

    resource_name = "shares"
    resource = "Member"

    @verb(
        "/", "GET", "The live shares of one record, the newest first", right=None,
        query={"resource": "Customer, Task or Instance", "record": "id"},
    )  # fmt: skip
    def index(self) -> dict[str, Any]:
        unknown = set(request.args) - {"resource", "record"}
        if unknown:
            raise BadRequestError(_("%(name)s is not something to filter by.", name=min(unknown)[:50]))
        session, kind = db.session(), _kind(request.args.get("resource", ""))
        number = self.id(request.args.get("record", ""))
        get_visible(session, kind.model, number, edge.actor())
        rows = _all_shown(session, [one.grant for one in shares.of_record(session, kind.resource, number)])
        return {"result": rows, "page": 1, "page_size": shares.MOST_SHOWN, "count": len(rows), "count_capped": False}

    @verb("/", "POST", "Share one record with a member or a team", right=None, body=_NEW, status=201)
    def post(self) -> dict[str, Any]:
        body, who = self.read(), edge.actor()
        kind, until = _kind(body["resource"]), _until(body.get("until"))
        right = next((one for one in Right if one == body["right"]), Right.header)

        def share(session: Session) -> dict[str, Any]:
            member = queries.member_by_username(session, body["member"]) if body.get("member") else None
            team = queries.team_by_code(session, body["team"]) if body.get("team") else None
            if (body.get("member") and member is None) or (body.get("team") and team is None):
                raise not_here("receiver", _("Nobody is called that. Choose one from the list."))
            grant = shares.share(
                session, kind.resource, body["record"], member=member, team=team, right=right, until=until,
                note=body["reason"], by=who,
            )  # fmt: skip
            return _shown(session, grant)

        return self.write(share)

    @verb("/<id>/end", "POST", "Take a share back", right=None)
    def end(self, id: str) -> dict[str, Any]:
        number, who = self.id(id), edge.actor()
        return self.write(lambda session: _shown(session, shares.end(session, number, by=who)))


def _kind(resource: str) -> Shareable:
    kind = shareable(resource)
    if kind is None:
        names = ", ".join(one.resource for one in shareables())
        raise InvalidInputError(fields={"resource": [_("Please use one of: %(choices)s.", choices=names)]})
    return kind


def _until(typed: str | None) -> datetime | None:
    if not typed:
        return None
    try:
        at = datetime.fromisoformat(typed)
        if at.tzinfo is None:
            raise ValueError
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: beyond the calendar once it is told in UTC
        sentence = _("This is not a moment. Example: %(example)s", example="2026-12-31T17:00:00Z")
        raise InvalidInputError(fields={"until": [sentence]}) from None
    if at.year >= LATEST_YEAR:
        raise InvalidInputError(fields={"until": [_("This day is too far away.")]})
    return at


def _shown(session: Session, grant: Grant) -> dict[str, Any]:
    return _all_shown(session, [grant])[0]


def _all_shown(session: Session, grants: Sequence[Grant]) -> list[dict[str, Any]]:
    """`to` is a user name or a team code; `by` is a user name, null for the system itself. Two queries for all."""
    names = usernames(person for grant in grants for person in (grant.member_id, grant.created_by_id))
    codes = queries.team_codes(session, {grant.team_id for grant in grants if grant.team_id is not None})
    return [
        {
            "id": grant.id,
            "resource": grant.resource,
            "record": grant.record_id,
            "to": codes[grant.team_id] if grant.team_id is not None else names.get(grant.member_id),
            "is_team": grant.team_id is not None,
            "right": grant.right,
            "reason": grant.note,
            "by": names.get(grant.created_by_id),
            "at": moment(grant.created_at),
            "until": moment(grant.until),
            "ended_at": moment(grant.ended_at),
        }
        for grant in grants
    ]
