"""Hand one record to a person or a team for a while, see what was handed to whom, and take it back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from app.core import clock
from app.core.access import SYSTEM, Actor, get_visible, visible
from app.core.accounts import User
from app.core.errors import InvalidInputError, NotAllowedError, NotFoundError, Sentence
from app.core.i18n import _
from app.security import queries
from app.security.models import Grant, Member, Right, Team
from app.security.shared import Shareable, shareable, tellers

#: the reason of a grant that somebody gave by hand
SHARE = "share"
SHORTEST_NOTE = 5
LONGEST_NOTE = 300
#: shares that a page shows
MOST_SHOWN = 200
RIGHT_LABELS = {Right.view: _("View"), Right.edit: _("View and edit")}


@dataclass(frozen=True)
class Share:
    """One share with the names that a page tells."""

    grant: Grant
    to: str
    is_team: bool
    by: str
    by_id: int | None

    def may_end(self, by: Actor, *, holds: bool) -> bool:
        """Whoever gave it, and whoever holds the record by his roles."""
        return by.is_system or holds or (by.user_id is not None and by.user_id == self.by_id)


def share(
    session: Session,
    resource: str,
    record_id: int,
    *,
    member: Member | None = None,
    team: Team | None = None,
    right: Right,
    until: datetime | None = None,
    note: str,
    by: Actor,
) -> Grant:
    """Let one person or one team see (or edit) the record from now on. He holds that right himself, by his roles.

    Raises NotFoundError for a record out of sight, and InvalidInputError with a sentence beside each field that is
    wrong: receiver, right, until, reason.
    """
    kind = _kind(resource)
    record = get_visible(session, kind.model, record_id, by)
    problems: dict[str, list[Sentence]] = {}
    if right not in RIGHT_LABELS:
        problems["right"] = [_("Choose one: view, or view and edit.")]
    elif not holds(session, kind, record_id, right, by):
        told = (
            _("You may not change this record yourself. Share it to view.")
            if right is Right.edit and holds(session, kind, record_id, Right.view, by)
            else _("This was handed to you alone. Ask whoever is in charge to share it.")
        )
        problems["right"] = [told]
    refusal = _receiver_problem(session, resource, record_id, right, member, team, by)
    if refusal is not None:
        problems["receiver"] = [refusal]
    if until is not None and until <= clock.now():
        problems["until"] = [_("This moment has passed. Choose a later one.")]
    reason = " ".join(note.split())
    if sum(sign.isalpha() for sign in reason) < SHORTEST_NOTE:
        problems["reason"] = [
            _("Say why, in at least %(count)d letters. Example: %(example)s",
              count=SHORTEST_NOTE, example=_("Stands in for me this week"))
        ]  # fmt: skip
    elif len(reason) > LONGEST_NOTE:
        problems["reason"] = [_("At most %(count)d characters, please.", count=LONGEST_NOTE)]
    if problems:
        raise InvalidInputError(fields=problems)
    grant = Grant(
        resource=resource, record_id=record_id, right=right, reason=SHARE, until=until, note=reason,
        member_id=member.id if member else None, team_id=team.id if team else None, created_by_id=by.user_id,
    )  # fmt: skip
    session.add(grant)
    session.flush()
    for person in [member] if member else queries.members_of_team(session, grant.team_id or 0):
        # In a team there may be people without any right to such records: the share opens nothing to them.
        if person.id != by.user_id and queries.actor_of(session, person).may("view", resource):
            for teller in tellers():
                teller.shared(session, person, grant, title=kind.title(record), by=by)
    return grant


def holds(session: Session, kind: Shareable, record_id: int, right: Right, by: Actor) -> bool:
    """May he do that with the record by his roles alone? What was handed to him he does not hand on."""
    if by.is_system:
        return True
    alone = by.by_roles_alone()
    found = select(kind.model.id).where(kind.model.id == record_id, visible(kind.model, alone, "view"))
    if right is Right.edit:
        found = found.where(visible(kind.model, alone, "edit"))
    return session.scalar(found) is not None


def is_held(resource: str, record_id: int, by: Actor) -> ColumnElement[bool]:
    """As holds() for seeing, as a part of another query."""
    kind = _kind(resource)
    if by.is_system:
        return true()
    return exists().where(kind.model.id == record_id, visible(kind.model, by.by_roles_alone(), "view"))


def _receiver_problem(
    session: Session, resource: str, record_id: int, right: Right, member: Member | None, team: Team | None, by: Actor
) -> Sentence | None:
    if (member is None) == (team is None):
        return _("Choose one person or one team.")
    if team is not None:
        if team.archived_at is not None:
            return _("This team is archived. Choose another one.")
        receiver = Grant.team_id == team.id
    else:
        assert member is not None
        if not member.is_active:
            return _("%(name)s no longer works here. Choose somebody else.", name=member.name)
        if member.id == by.user_id:
            return _("This is you. Choose somebody else.")
        actor = queries.actor_of(session, member)
        if not actor.may("view", resource) or (right is Right.edit and not actor.may("edit", resource)):
            return _("%(name)s has no right to such records, so a share would do nothing.", name=member.name)
        receiver = Grant.member_id == member.id
    known = select(Grant.id).where(_live(), Grant.resource == resource, Grant.record_id == record_id, receiver)
    if session.scalar(known.limit(1)) is not None:
        return _("This is shared there already. End that share first.")
    return None


def end(session: Session, grant_id: int, *, by: Actor) -> Grant:
    """Take the share back. Raises NotFoundError for one out of sight, NotAllowedError for whoever did not give it and
    does not hold the record by his roles."""
    grant = session.get(Grant, grant_id)
    if grant is None or grant.reason != SHARE:
        raise NotFoundError
    kind = _kind(grant.resource)
    is_giver = by.user_id is not None and by.user_id == grant.created_by_id
    if not is_giver:
        get_visible(session, kind.model, grant.record_id, by)
        if not holds(session, kind, grant.record_id, Right.edit, by):
            raise NotAllowedError
    if grant.ended_at is None:
        grant.ended_at = clock.now()
        session.flush()
    return grant


def end_expired(session: Session, *, at: datetime) -> int:
    """Shares whose time is over have ended by themselves; now the audit log tells so too. Returns how many."""
    over = session.scalars(
        select(Grant).where(
            Grant.ended_at.is_(None), Grant.until.is_not(None), Grant.until <= at, Grant.reason == SHARE
        )
    ).all()
    for grant in over:
        grant.ended_at = grant.until
    session.flush()
    return len(over)


# ── read ──
def of_record(session: Session, resource: str, record_id: int) -> list[Share]:
    """The live shares of a record, the newest first. Whether he may see the record is asked before."""
    return _shares(session, (Grant.resource == resource) & (Grant.record_id == record_id))


def counting(resource: str, record_id: int) -> Select[int]:
    return select(func.count(Grant.id)).where(_live(), Grant.resource == resource, Grant.record_id == record_id)


def count_of_member(session: Session, member: Member) -> int:
    """What is shared with him, and what he shares."""
    both = _with(session, member) | (Grant.created_by_id == member.id)
    return session.scalar(select(func.count(Grant.id)).where(_live(), both)) or 0


def with_member(session: Session, member: Member) -> list[Share]:
    """What is shared with him or with a team of his."""
    return _shares(session, _with(session, member))


def by_member(session: Session, member: Member) -> list[Share]:
    return _shares(session, Grant.created_by_id == member.id)


def _with(session: Session, member: Member) -> ColumnElement[bool]:
    teams = list(session.scalars(queries.teams_of(member.id)))
    return or_(Grant.member_id == member.id, Grant.team_id.in_(teams))


def titles(session: Session, shares: Collection[Share], who: Actor) -> dict[int, tuple[str, str]]:
    """Share id → title and page of its record, of those that this person may see himself."""
    told: dict[int, tuple[str, str]] = {}
    for resource in {one.grant.resource for one in shares}:
        kind = shareable(resource)
        if kind is None or not who.may("view", resource):
            continue
        ids = [one.grant.record_id for one in shares if one.grant.resource == resource]
        rows = session.scalars(select(kind.model).where(kind.model.id.in_(ids), visible(kind.model, who)))
        named = {row.id: (kind.title(row), kind.path(row.id)) for row in rows.unique()}
        told |= {
            one.grant.id: named[one.grant.record_id] for one in shares
            if one.grant.resource == resource and one.grant.record_id in named
        }  # fmt: skip
    return told


def _live() -> ColumnElement[bool]:
    return (Grant.reason == SHARE) & Grant.ended_at.is_(None) & or_(Grant.until.is_(None), Grant.until > clock.now())


def _shares(session: Session, which: ColumnElement[bool]) -> list[Share]:
    receiver = aliased(Member)
    rows = session.execute(
        select(Grant, receiver.name, Team.name, User.last_name, User.first_name)
        .outerjoin(receiver, receiver.id == Grant.member_id)
        .outerjoin(Team, Team.id == Grant.team_id)
        .outerjoin(User, User.id == Grant.created_by_id)
        .where(_live(), which).order_by(Grant.id.desc()).limit(MOST_SHOWN)
    ).all()  # fmt: skip
    return [
        Share(grant, person or team or "", person is None, f"{family or ''} {given or ''}".strip() or SYSTEM.name,
              grant.created_by_id)
        for grant, person, team, family, given in rows
    ]  # fmt: skip


def _kind(resource: str) -> Shareable:
    kind = shareable(resource)
    if kind is None:
        raise NotFoundError
    return kind
