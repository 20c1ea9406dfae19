"""/chia-se: what is shared with whom, on the page of a record, of a member, and of oneself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from sqlalchemy import case, select
from sqlalchemy.orm import Session

from app.core import edge, formats
from app.core.access import Actor, get_visible, visible
from app.core.db import LARGEST_ID, db, row_id
from app.core.errors import BusinessError, InvalidInputError, NotFoundError, Sentence
from app.core.i18n import _
from app.core.pages import Page, done, page, refused_onto, show, trail
from app.core.screens import parts
from app.core.timewords import until_text
from app.security import queries, shares
from app.security.models import Member, Right, Team
from app.security.shared import Shareable, shareable, shareable_at
from app.security.shares import Share

#: the tab of a record's page: ?tab=chia-se
TAB = "chia-se"


class SharePages(Page):
    resource = "Member"
    route_base = "/chia-se"

    @page("/", right=None)
    def index(self) -> Any:
        """What is shared with me, and what I share."""
        session, who = db.session(), edge.actor()
        member = queries.member_by_id(session, who.user_id or 0)
        if member is None:
            raise NotFoundError
        return show(
            "security/my_shares.html", **_of_member(session, member, who), crumbs=trail(here=_("Shared records"))
        )

    @page("/<kind>/<record_id>", right=None)
    def record(self, kind: str, record_id: str) -> Any:
        return _record_page(_kind(kind), row_id(record_id))

    @page("/<kind>/<record_id>", "POST", right=None)
    def share(self, kind: str, record_id: str) -> Any:
        one, number = _kind(kind), row_id(record_id)
        typed = {name: request.form.get(name, "").strip() for name in ("member", "team", "right", "until", "reason")}
        try:
            receiver, right, until = _read(typed)
            with edge.transaction() as session:
                grant = shares.share(
                    session, one.resource, number, member=receiver if isinstance(receiver, Member) else None,
                    team=receiver if isinstance(receiver, Team) else None, right=right, until=until,
                    note=typed["reason"], by=edge.actor(),
                )  # fmt: skip
                name = str(receiver) if grant.id else ""
        except InvalidInputError as error:
            return _record_page(one, number, typed=typed, problems=error.fields, status=error.status)
        back = edge.our_page(request.form.get("back"), _address(one, number))
        return done(back, _("Shared with %(name)s.", name=name))

    @page("/<share_id>/ket-thuc", "POST", right=None)
    def end(self, share_id: str) -> Any:
        back = edge.our_page(request.form.get("back"), "/chia-se/")
        try:
            with edge.transaction() as session:
                shares.end(session, row_id(share_id), by=edge.actor())
        except NotFoundError:
            raise
        except BusinessError as error:
            return refused_onto(back, error)
        return done(back, _("The share has ended."))


class SharePart:
    """The tab "Chia sẻ" on the page of what can be shared, and of members for those who look after them."""

    key = TAB
    label = _("Shares")
    template = "security/_shares.html"

    def is_for(self, resource: str, who: Actor) -> bool:
        """On the page of a member whoever may change any; `context` asks for this very one."""
        if resource == "Member":
            return who.may("edit", "Member")
        return shareable(resource) is not None and who.may("view", resource)

    def count(self, session: Session, resource: str, record_id: int, who: Actor) -> int | None:
        """Told of a member to those who may change this very person, of a record to those who may share it."""
        if resource != "Member":
            return session.scalar(select(self.counting(resource, record_id, who)))
        member = session.scalar(select(Member).where(Member.id == record_id, visible(Member, who, "edit")))
        return None if member is None else shares.count_of_member(session, member)

    def counting(self, resource: str, record_id: int, who: Actor) -> Any:
        if resource == "Member":
            return None
        counted = shares.counting(resource, record_id).scalar_subquery()
        return case((shares.is_held(resource, record_id, who), counted), else_=parts.NOT_HERE)

    def context(self, session: Session, resource: str, record_id: int, who: Actor) -> dict[str, Any]:
        if resource == "Member":
            member = get_visible(session, Member, record_id, who, "edit")
            return {"sharing": None, **_of_member(session, member, who)}
        kind = shareable(resource)
        if kind is None or not shares.holds(session, kind, record_id, Right.view, who):
            raise NotFoundError
        return {"sharing": _sharing(session, kind, record_id, who)}


def _kind(key: str) -> Shareable:
    kind = shareable_at(key)
    if kind is None:
        raise NotFoundError
    return kind


def _address(kind: Shareable, record_id: int) -> str:
    return f"/chia-se/{kind.key}/{record_id}"


def _read(typed: Mapping[str, str]) -> tuple[Member | Team | None, Right, datetime | None]:
    """What the form says. Raises InvalidInputError beside each field."""
    session, problems = db.session(), {}
    receiver: Member | Team | None = None
    if bool(typed["member"]) == bool(typed["team"]):
        problems["receiver"] = [_("Choose one person or one team.")]
    else:
        receiver = _named(session, Member, typed["member"]) or _named(session, Team, typed["team"])
        if receiver is None:
            problems["receiver"] = [_("Nobody is called that. Choose one from the list.")]
    right = next((one for one in shares.RIGHT_LABELS if one == typed["right"]), None)
    if right is None:
        problems["right"] = [_("Choose one: view, or view and edit.")]
    until = None
    if typed["until"]:
        day = formats.read_day(typed["until"])
        if day is None:
            problems["until"] = [formats.day_problem(typed["until"])]
        elif day.year >= formats.LATEST_YEAR:
            problems["until"] = [_("This day is too far away.")]
        else:  # the whole of that day, on the clock of whoever shares
            until = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(edge.time_zone()))
    if problems:
        raise InvalidInputError(fields=problems)
    assert right is not None
    return receiver, right, until


def _named(session: Session, model: type[Any], typed: str) -> Any:
    if not (typed.isascii() and typed.isdigit()) or len(typed) > 10 or not 0 < int(typed) <= LARGEST_ID:
        return None
    try:
        return get_visible(session, model, int(typed), edge.actor())
    except BusinessError:
        return None


def _record_page(
    kind: Shareable,
    record_id: int,
    *,
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, Sequence[Sentence]] | None = None,
    status: int = 200,
) -> Any:
    session, who = db.session(), edge.actor()
    title = kind.title(get_visible(session, kind.model, record_id, who))
    return show(
        "security/shares.html", status, title=title, url=kind.path(record_id),
        sharing=_sharing(session, kind, record_id, who, typed=typed, problems=problems),
        crumbs=trail(kind.above, (title, kind.path(record_id)), here=_("Share it")),
    )  # fmt: skip


def _sharing(
    session: Session,
    kind: Shareable,
    record_id: int,
    who: Actor,
    *,
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, Sequence[Sentence]] | None = None,
) -> dict[str, Any]:
    """What templates/security/_shares.html draws of one record."""
    rights = [right for right in shares.RIGHT_LABELS if shares.holds(session, kind, record_id, right, who)]
    typed = typed or {}
    chosen, found = {"member": Member, "team": Team}, shares.of_record(session, kind.resource, record_id)
    return {
        "rows": [_row(one, who, holds=Right.edit in rights) for one in found],
        "url": _address(kind, record_id),
        "rights": [(right, shares.RIGHT_LABELS[right]) for right in rights],
        "typed": typed,
        "chosen": {
            name: {"id": row.id, "name": row.name}
            for name, model in chosen.items() if (row := _named(session, model, typed.get(name, ""))) is not None
        },
        "problems": {name: " ".join(map(str, told)) for name, told in (problems or {}).items()},
        "longest": shares.LONGEST_NOTE,
        "shortest": shares.SHORTEST_NOTE,
    }  # fmt: skip


def _row(share: Share, who: Actor, *, holds: bool) -> dict[str, Any]:
    grant = share.grant
    return {
        "to": share.to,
        "is_team": share.is_team,
        "right": shares.RIGHT_LABELS[grant.right],
        "note": grant.note or "",
        "by": share.by,
        "at": grant.created_at,
        "until": grant.until,
        "until_words": until_text(grant.until, edge.time_zone()) if grant.until else None,
        "end_url": f"/chia-se/{grant.id}/ket-thuc" if share.may_end(who, holds=holds) else None,
    }


def _of_member(session: Session, member: Member, who: Actor) -> dict[str, Any]:
    """What is shared with him and by him; of records that the reader does not see neither name nor reason."""
    received, given = shares.with_member(session, member), shares.by_member(session, member)
    titles = shares.titles(session, [*received, *given], who)

    def rows(found: Sequence[Share]) -> list[dict[str, Any]]:
        named = [(_row(one, who, holds=False), titles.get(one.grant.id)) for one in found]
        return [
            row | ({"title": title[0], "url": title[1]} if title else {"title": None, "url": None, "note": ""})
            for row, title in named
        ]

    return {"received": rows(received), "given": rows(given), "member_name": member.name}
