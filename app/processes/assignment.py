"""Whom does a step's assignment rule mean, here and now?"""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.processes.engine.graph import AssignKind, AssignRule
from app.processes.models import ProcessInstance
from app.security import queries as people
from app.security.models import Member, Team
from app.tasks.rules import Offer

#: Work that finds nobody waits for the administrators, who see it in their queue.
NOBODY = Offer(role="Admin")


def offer_for(session: Session, rule: AssignRule | None, instance: ProcessInstance) -> Offer:
    """The person, team or role that the step is for; the administrators when the rule finds nobody."""
    if rule is None:
        return NOBODY
    match rule.kind:
        case AssignKind.role:
            return Offer(role=rule.value)
        case AssignKind.team:
            team = people.team_by_code(session, rule.value or "")
            return Offer(team_id=team.id) if team else NOBODY
        case AssignKind.user:
            return _person(session, people.member_by_username(session, rule.value or ""))
        case AssignKind.initiator:
            return _person(session, people.member_by_id(session, instance.initiator_id))
        case AssignKind.head:
            team = people.team_by_code(session, rule.value) if rule.value else _team(session, instance.team_id)
            return _head(team)
        case _:
            return NOBODY


def _person(session: Session, member: Member | None) -> Offer:
    """The person himself; work of somebody who has left waits for his team, then for the administrators."""
    if member is None:
        return NOBODY
    if member.is_active:
        return Offer(member_id=member.id)
    team = people.primary_team_of(session, member.id)
    return Offer(team_id=team.id) if team else NOBODY


def _head(team: Team | None) -> Offer:
    if team is None:
        return NOBODY
    return Offer(member_id=team.head.id) if team.head and team.head.is_active else Offer(team_id=team.id)


def _team(session: Session, team_id: int | None) -> Team | None:
    return session.get(Team, team_id) if team_id is not None else None
