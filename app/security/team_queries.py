"""How do the teams hang together: who is above, who is below, who is in, and what is open there?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.core import uses
from app.core.access import Actor, visible
from app.core.accounts import User
from app.core.errors import Sentence
from app.core.finding import matches
from app.security.models import Member, Team, TeamMember
from app.security.queries import MOST_LOOKED_AT, teams_below


def path_of(team: Team) -> list[Team]:
    """The team and those above it, from itself to the top."""
    steps = [team]
    while steps[-1].parent is not None and steps[-1].parent not in steps:
        steps.append(steps[-1].parent)
    return steps


def between(team: Team, parent: Team) -> list[Team]:
    """The teams of the circle that would be there with `parent` above `team`; [] where it would be none."""
    above = path_of(parent)
    return above[: above.index(team) + 1] if team in above else []


def reached_from(session: Session, teams: Iterable[Team]) -> set[int]:
    """Everybody whose reach may depend on these teams: members and heads of them, of those above and those below."""
    given = list(teams)
    above = {one.id for team in given for one in path_of(team)}
    ids = above | teams_below(session, [team.id for team in given])
    members = set(session.scalars(select(TeamMember.member_id).where(TeamMember.team_id.in_(ids))))
    heads = session.scalars(select(Team.head_id).where(Team.id.in_(ids), Team.head_id.is_not(None)))
    return members | {one for one in heads if one is not None}


def membership(session: Session, team_id: int, member_id: int) -> TeamMember | None:
    return session.scalars(
        select(TeamMember).where(TeamMember.team_id == team_id, TeamMember.member_id == member_id)
    ).one_or_none()


def memberships_of(session: Session, member_id: int) -> Sequence[TeamMember]:
    """All of a person, the oldest first."""
    return session.scalars(select(TeamMember).where(TeamMember.member_id == member_id).order_by(TeamMember.id)).all()


def standing_in(session: Session, team_id: int, member_ids: Collection[int]) -> Mapping[int, bool]:
    """Of these people those who are in the team, with whether it is their main one."""
    rows = select(TeamMember.member_id, TeamMember.is_primary).where(
        TeamMember.team_id == team_id, TeamMember.member_id.in_(member_ids)
    )
    return {row.member_id: row.is_primary for row in session.execute(rows)}


def codes_like(session: Session, stem: str) -> set[str]:
    """Codes of teams that begin like this."""
    return set(session.scalars(select(Team.code).where(Team.code.startswith(stem, autoescape=True))))


def open_work(session: Session, team: Team, who: Actor) -> list[Sentence]:
    """What is open in the team, in numbers: "3 open tasks", "2 running process files"."""
    return [
        use.kind.counted_open(use.open_count)
        for use in uses.uses_of(session, Team, team.id, who, limit=0)
        if use.open_count and use.kind.counted_open is not None
    ]


@dataclass
class Node:
    """A team of the chart, with the teams below it in name order."""

    id: int
    code: str
    name: str
    head: str
    people: int
    below: list[Node] = field(default_factory=list)


def forest(session: Session, who: Actor) -> list[Node]:
    """The teams in use that he may see, as trees. Whoever's parent he does not see stands on top. Three queries."""
    teams = session.execute(
        select(Team.id, Team.code, Team.name, Team.parent_id, Team.head_id)
        .where(visible(Team, who), Team.archived_at.is_(None)).order_by(Team.sort_key, Team.id)
    ).all()  # fmt: skip
    counts = {
        row.team_id: row.people
        for row in session.execute(
            select(TeamMember.team_id, func.count().label("people")).join(Member, Member.id == TeamMember.member_id)
            .where(Member.deactivated_at.is_(None)).group_by(TeamMember.team_id)
        )
    }  # fmt: skip
    heads = {one.head_id for one in teams if one.head_id is not None}
    names = {row.id: row.name for row in session.execute(select(Member.id, Member.name).where(Member.id.in_(heads)))}
    nodes = {
        one.id: Node(one.id, one.code, one.name, names.get(one.head_id, ""), counts.get(one.id, 0)) for one in teams
    }
    tops: list[Node] = []
    for one in teams:
        above = nodes.get(one.parent_id)
        (above.below if above is not None else tops).append(nodes[one.id])
    return tops


def headcount(session: Session, who: Actor) -> tuple[int, int]:
    """How many people work here as far as he may see them, and how many of them are in no team."""
    is_in = exists().where(TeamMember.member_id == Member.id)
    counted = select(func.count(), func.count().filter(~is_in)).select_from(Member)
    everybody, outside = session.execute(
        counted.where(Member.deactivated_at.is_(None), visible(Member, who))
    ).one()  # fmt: skip
    return everybody, outside


def in_reading_order(tops: Sequence[Node]) -> list[tuple[Node, int]]:
    """Every team with the number of those above it, each before those below it."""
    listed: list[tuple[Node, int]] = []
    waiting = [(one, 0) for one in reversed(tops)]
    while waiting:
        node, level = waiting.pop()
        listed.append((node, level))
        waiting += [(below, level + 1) for below in reversed(node.below)]
    return listed


def joinable(session: Session, who: Actor, text: str, team_id: int) -> list[tuple[int, str, str]]:
    """(id, name, title) of colleagues by words of their name or title who are not in the team yet, in name order."""
    inside = select(TeamMember.member_id).where(TeamMember.team_id == team_id)
    rows = session.execute(
        select(Member.id, Member.name, Member.title, User.username).join(User, User.id == Member.id)
        .where(visible(Member, who), Member.deactivated_at.is_(None), Member.id.not_in(inside))
        .order_by(Member.sort_key).limit(MOST_LOOKED_AT)
    )  # fmt: skip
    return [
        (row.id, row.name, row.title or row.username)
        for row in rows if not text or matches(text, row.name, row.title, row.username)
    ]  # fmt: skip
