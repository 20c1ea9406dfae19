"""/quyen-hieu-luc: what may this person do with this record, and why?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from flask import current_app, jsonify, request, url_for

from app.core import edge
from app.core.access import Actor, get_visible
from app.core.db import db, row_id
from app.core.errors import BadRequestError, NotFoundError
from app.core.finding import LONGEST_TEXT, Finder, Hit, of_one_kind, record_key
from app.core.i18n import _
from app.core.pages import Page, page, show, trail
from app.core.screens.parts import RecordLink
from app.security import effective, field_rights, looking
from app.security.models import Member
from app.security.role_names import role_label

FEW = 20


class EffectivePages(Page):
    """For those who may see roles. The record is one that they may see themselves."""

    resource = "Role"
    route_base = "/quyen-hieu-luc"

    @page("/")
    def index(self) -> Any:
        """?nguoi=12&ban-ghi=customer:34; with another ?loai= the record chosen before is let go."""
        who, session = edge.actor(), db.session()
        finders = _finders(who)
        chosen, _colon, number = request.args.get("ban-ghi", "").partition(":")
        if chosen and chosen not in finders:
            raise NotFoundError(_("There is no such record. Choose one from the list."))
        kind = request.args.get("loai", "") or chosen or next(iter(finders), "")
        if kind not in finders:
            raise BadRequestError(_("There is no such kind of record."))
        asked = request.args.get("nguoi", "")
        member = get_visible(session, Member, row_id(asked), who) if asked else None
        finder = finders[kind]
        hit = _hit(finder, row_id(number), who) if chosen == kind else None
        verdicts, fields = None, []
        if member is not None and hit is not None:
            verdicts = effective.explain(session, member, finder.resource, cast("type[Any]", finder.model), hit.id)
            if verdicts[0].allowed:  # what is not seen has no fields either
                fields = effective.explain_fields(session, member, finder.resource)
        return show(
            "security/effective.html", member=member, kind=kind, hit=hit, verdicts=verdicts, finder=finder,
            fields=fields, field_words=field_rights.RIGHT_LABELS,
            offered=[(key, one.label) for key, one in finders.items()],
            roles=[role_label(role.name) for role in member.user.roles] if member else [],
            may_look=member is not None and looking.may_look(who) and looking.why_not(session, member, who) is None,
            lookup=url_for("EffectivePages.records", loai=kind),
            crumbs=trail((_("Roles"), "/vai-tro/list/"), here=_("Effective rights")),
        )  # fmt: skip

    @page("/ban-ghi")
    def records(self) -> Any:
        """Records of one kind to choose from, by what is typed."""
        who = edge.actor()
        finder = _finders(who).get(request.args.get("loai", ""))
        if finder is None:
            raise NotFoundError
        text = request.args.get("q", "").strip()[:LONGEST_TEXT]
        hits = of_one_kind(finder, db.session(), who, text, FEW) if text else []
        return jsonify(
            results=[{"id": record_key(finder.resource, hit.id), "text": hit.title, "hint": hit.hint} for hit in hits],
            more=False,
        )


def _finders(who: Actor) -> dict[str, Finder]:
    """By their kind: those with rows that he may look for."""
    known = cast("tuple[Finder, ...]", current_app.extensions["tantam.finders"])
    return {one.kind: one for one in known if one.model is not None and who.may(one.right, one.resource)}


def _hit(finder: Finder, key: int, who: Actor) -> Hit:
    """Raises NotFoundError for one that is not there, or not for whoever asks."""
    for hit in finder.named(db.session(), who, [key]):
        return hit
    raise NotFoundError


def effective_links(row: Any, resource: str, record_id: int, who: Actor) -> Iterable[RecordLink]:
    """In the menu of every record for those who may see roles; in that of a member also to look as him."""
    if who.may("view", "Role") and resource in {one.resource for one in _finders(who).values()}:
        asked = {"nguoi": record_id} if resource == "Member" else {"ban-ghi": record_key(resource, record_id)}
        yield RecordLink(_("Effective rights"), url_for("EffectivePages.index", **asked), "lock")
    if isinstance(row, Member) and looking.may_look(who) and looking.why_not(db.session(), row, who) is None:
        yield RecordLink(_("Look as this person"), url_for("LookPages.begin", member_id=row.id), "eye", post=True)
