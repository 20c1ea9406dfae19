"""Whose segments are these, who belongs to one, and how many of them does this person see?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.core import paging
from app.core.access import Actor, Scope, row_rule, scoped, visible
from app.core.conditions import Condition, ConditionError
from app.core.errors import BadRequestError, Sentence
from app.core.i18n import _
from app.core.lists import Listed, list_of
from app.core.screens.chooser import values_of
from app.customers.models import Customer
from app.customers.segments.models import Segment, SegmentMember
from app.security.models import Member, Team

#: shared like the views of a list, by whoever may share those
SHARING = "SavedView"
HIDDEN = _("This segment looks at something that you may not see.")


def may_share(who: Actor, team_id: int | None) -> bool:
    """May he share segments with this team? None: with any at all."""
    if not who.may("assign", SHARING):
        return False
    return team_id is None or who.scope(SHARING, "assign") is Scope.all or team_id in who.team_ids | who.headed_team_ids


@row_rule(Segment)
def _segments(actor: Actor, action: str) -> ColumnElement[bool]:
    """One's own, and those of one's teams; whoever shares with all teams sees every shared one."""
    if not actor.may("view", "Customer"):
        return scoped(Scope.none, actor, owner_id=Segment.owner_id)
    mine = Segment.owner_id == actor.user_id
    if may_share(actor, None) and actor.scope(SHARING, "assign") is Scope.all:
        return or_(mine, Segment.team_id.is_not(None))
    teams = actor.team_ids | actor.headed_team_ids
    if action != "view" and not may_share(actor, None):
        return mine
    return or_(mine, Segment.team_id.in_(sorted(teams))) if teams else mine


def segments(who: Actor, *, archived: bool = False) -> Select[Segment]:
    """Those that he sees, by name."""
    gone = Segment.archived_at.is_not(None) if archived else Segment.archived_at.is_(None)
    rows = select(Segment).where(visible(Segment, who), gone).order_by(Segment.name, Segment.id)
    return rows.options(joinedload(Segment.owner).lazyload(Member.memberships), joinedload(Segment.team))


def teams_to_share_with(session: Session, who: Actor) -> Sequence[tuple[int, str]]:
    if not may_share(who, None):
        return []
    rows = select(Team.id, Team.name).where(Team.archived_at.is_(None)).order_by(Team.name)
    if who.scope(SHARING, "assign") is not Scope.all:
        rows = rows.where(Team.id.in_(sorted(who.team_ids | who.headed_team_ids)))
    return [(row.id, row.name) for row in session.execute(rows)]


# ── what a condition says, to whom ──
def customer_list() -> Listed:
    """The list whose conditions segments are."""
    listed = list_of(Customer)
    assert listed is not None
    return listed


@dataclass(frozen=True)
class Read:
    """A segment's condition as somebody may read it: none of it where a part is hidden from him."""

    condition: Condition | None
    sentence: Sentence
    hidden: bool = False


def read(segment: Segment, who: Actor) -> Read:
    """Never raises: fields and entries that are gone make it one that nobody belongs to."""
    listed = customer_list()
    fields = listed.fields_for(who)
    try:
        condition = Condition.from_json(segment.condition)
    except ConditionError:
        return Read(None, _("This condition cannot be read any more. Put it together anew."))
    if condition.keys - fields.keys():
        return Read(None, HIDDEN, hidden=True)
    labels = {key: str(one.label) for key, one in fields.items()}
    return Read(condition, condition.sentence(labels, values_of(condition, fields, who)))


def belongs(segment: Segment, who: Actor) -> ColumnElement[bool]:
    """The customers of a segment. Raises BadRequestError where its condition is not one for him, or for anybody."""
    told = read(segment, who)
    if told.hidden or (told.condition is None and not segment.is_frozen):
        # Who belongs to it would tell what may not be read: the VIPs are those who bought for so much.
        raise BadRequestError(told.sentence)
    if segment.is_frozen:
        members = select(SegmentMember.customer_id).where(SegmentMember.segment_id == segment.id)
        return Customer.id.in_(members.correlate(None))
    assert told.condition is not None
    return customer_list().narrowed(told.condition, who)


def seen(who: Actor, condition: ColumnElement[bool]) -> Select[Customer]:
    """The live customers who fulfil it and are his to see."""
    return select(Customer).where(Customer.archived_at.is_(None), visible(Customer, who), condition)


def count(session: Session, who: Actor, condition: ColumnElement[bool]) -> int:
    """All of them, however many: a group is known by its number."""
    rows = seen(who, condition).with_only_columns(func.count(Customer.id))
    return session.scalar(rows) or 0


def counts(session: Session, who: Actor, some: Collection[Segment]) -> dict[int, tuple[int, bool]]:
    """Segment → how many of its customers he sees, and whether they are more than lists count; in one query.

    Those whose conditions are not for him, or cannot be read any more, are not there.
    """
    rows: dict[int, Select[Customer]] = {}
    for one in some:
        with suppress(BadRequestError):
            rows[one.id] = seen(who, belongs(one, who))
    return paging.counts(session, rows, Customer.id)
