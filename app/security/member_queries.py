"""How does a member stand: invited, working, gone? Which teams are his, and who is there to choose?"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum, auto

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.accounts import User
from app.core.finding import matches
from app.security.models import Member, MemberInvitation, Team, TeamMember
from app.security.queries import MOST_LOOKED_AT, Choice


class Standing(StrEnum):
    """In which way somebody belongs to the company."""

    #: may sign in
    active = auto()
    #: has a link that is still good
    invited = auto()
    #: neither link nor password
    waiting = auto()
    #: no longer works here
    gone = auto()


def standing(session: Session, member: Member) -> Standing:
    return standings(session, [member])[member.id]


def standings(session: Session, members: Sequence[Member]) -> dict[int, Standing]:
    """Member id → how he stands; at most one query."""
    outside = [one.id for one in members if not one.is_active and one.deactivated_at is None]
    live = MemberInvitation.member_id.in_(outside), *_still_open()
    invited = set(session.scalars(select(MemberInvitation.member_id).where(*live))) if outside else set()

    def stands(one: Member) -> Standing:
        if one.is_active:
            return Standing.active
        if one.deactivated_at is not None:
            return Standing.gone
        return Standing.invited if one.id in invited else Standing.waiting

    return {one.id: stands(one) for one in members}


def is_live(member_id: int) -> tuple[ColumnElement[bool], ...]:
    """Invitations of the member that still open the door."""
    return (MemberInvitation.member_id == member_id, *_still_open())


def _still_open() -> tuple[ColumnElement[bool], ...]:
    return (
        MemberInvitation.used_at.is_(None),
        MemberInvitation.withdrawn_at.is_(None),
        MemberInvitation.expires_at > clock.now(),
    )


def live_invitation(session: Session, member_id: int) -> MemberInvitation | None:
    newest = MemberInvitation.id.desc()
    return session.scalars(select(MemberInvitation).where(*is_live(member_id)).order_by(newest).limit(1)).one_or_none()


def last_invitation(session: Session, member_id: int) -> MemberInvitation | None:
    """The latest one that was not taken back, even when it has run out."""
    sent = MemberInvitation.member_id == member_id, MemberInvitation.withdrawn_at.is_(None)
    newest = MemberInvitation.id.desc()
    return session.scalars(select(MemberInvitation).where(*sent).order_by(newest).limit(1)).one_or_none()


def name_of(session: Session, member_id: int | None) -> str | None:
    return session.scalar(select(Member.name).where(Member.id == member_id)) if member_id is not None else None


def teams_to_choose(session: Session, condition: ColumnElement[bool]) -> Sequence[Team]:
    """Teams in use in name order, those that fulfil the condition."""
    return session.scalars(
        select(Team).where(condition, Team.archived_at.is_(None)).order_by(Team.sort_key, Team.id)
    ).all()


def teams_of_member(session: Session, member_id: int) -> list[tuple[Team, bool]]:
    """His teams, each with whether it is the primary one."""
    rows = select(Team, TeamMember.is_primary).join(TeamMember, TeamMember.team_id == Team.id)
    found = session.execute(rows.where(TeamMember.member_id == member_id).order_by(Team.sort_key)).all()
    return [(row.Team, row.is_primary) for row in found]


def receivers_named(session: Session, text: str, *, besides: int) -> list[Choice]:
    """Active members by words of their name, title or user name, but for the one who leaves; in name order."""
    rows = (
        select(Member.id, Member.name, Member.title, User.username).join(User, User.id == Member.id)
        .where(User.active.is_(True), Member.id != besides).order_by(Member.sort_key).limit(MOST_LOOKED_AT)
    )  # fmt: skip
    return [
        Choice(row.id, row.name, row.title or "")
        for row in session.execute(rows)
        if not text or matches(text, row.name, row.title, row.username)
    ]
