"""What may somebody have in hand that belongs to people and roles themselves, and how does his page tell of it?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import links, uses
from app.core.access import Actor, get_visible, visible
from app.core.errors import InvalidInputError, NotAllowedError, Sentence
from app.core.i18n import _, ngettext
from app.core.models import SavedView
from app.core.screens import saved
from app.security import leaving, queries, teams
from app.security.events import Duty, Held, Titled
from app.security.models import Member, Team
from app.security.role_names import role_label

#: of each kind so many are named on the page
_NAMED = 5


class HeadedTeams(Duty):
    """The teams that he heads."""

    key = "teams"
    label = _("Teams headed")
    icon = "crown"

    def counted(self, count: int) -> Sentence:
        return ngettext("head of %(num)d team", "head of %(num)d teams", count)

    def held(self, session: Session, member: Member, who: Actor, *, titles: int) -> Held:
        found = self._teams(session, member)
        seen = [Titled(team.name, links.team_path(team.id)) for team in found] if who.may("view", "Team") else []
        return Held(len(found), seen[:titles])

    def refusal(self, session: Session, to: Member) -> Sentence | None:
        return None

    def hand_over(self, session: Session, member: Member, to: Member, *, by: Actor) -> int:
        found = self._teams(session, member)
        for team in found:
            try:
                teams.appoint_head(session, team, to, by=by)
            except InvalidInputError as refusal:
                raise NotAllowedError(refusal.message) from None
        return len(found)

    @staticmethod
    def _teams(session: Session, member: Member) -> list[Team]:
        headed = select(Team).where(Team.head_id == member.id, Team.archived_at.is_(None))
        return list(session.scalars(headed.order_by(Team.sort_key, Team.id)))


class SharedViews(Duty):
    """The views of lists that he shares with a role: whoever keeps one may change it."""

    key = "views"
    label = _("Views shared with a role")
    icon = "bookmark"

    def counted(self, count: int) -> Sentence:
        return ngettext("%(num)d shared view", "%(num)d shared views", count)

    def held(self, session: Session, member: Member, who: Actor, *, titles: int) -> Held:
        rows = select(SavedView.id, SavedView.name).where(*saved.shared_by(member.id))
        count = session.scalar(select(func.count()).select_from(rows.subquery())) or 0
        seen = rows.where(visible(SavedView, who)).order_by(SavedView.name, SavedView.id).limit(titles)
        return Held(count, [Titled(row.name, None) for row in session.execute(seen)])

    def refusal(self, session: Session, to: Member) -> Sentence | None:
        return None

    def hand_over(self, session: Session, member: Member, to: Member, *, by: Actor) -> int:
        return saved.hand_over(session, member.id, to.id)


def named_in_processes(session: Session, member: Member, who: Actor) -> list[Sentence]:
    """Processes that give work to this very person."""
    named = ", ".join(uses.mentioned(uses.mentions_of_each(session, [member], who)[member.id], str))
    if not named:
        return []
    return [
        _("Processes that give work to %(name)s by name: %(processes)s. It will wait for the team; change them.",
          name=member.name, processes=named)
    ]  # fmt: skip


def roles_left_empty(session: Session, member: Member, _who: Actor) -> list[Sentence]:
    """Roles that nobody who works here would hold any more."""
    alone = [
        str(role_label(code))
        for code in member.role_codes
        if {one.id for one in queries.members_with_role(session, code)} == {member.id}
    ]
    if not alone:
        return []
    return [_("Nobody else holds this role: %(roles)s. Work for it will find nobody.", roles=", ".join(alone))]


class OpenWorkPart:
    """The tab of a member's page that tells what he has in hand."""

    key = "dang-giu"
    label = _("In hand")
    template = "security/_open_work.html"

    def is_for(self, resource: str, who: Actor) -> bool:
        return resource == "Member" and who.may("edit", "Member")

    def count(self, session: Session, resource: str, record_id: int, who: Actor) -> int | None:
        """Told to those who may change this very person."""
        member = session.scalar(select(Member).where(Member.id == record_id, visible(Member, who, "edit")))
        if member is None:
            return None
        return sum(held.count for _duty, held in leaving.open_work(session, member, who, titles=0))

    def counting(self, resource: str, record_id: int, who: Actor) -> Any:
        return None

    def context(self, session: Session, resource: str, record_id: int, who: Actor) -> dict[str, Any]:
        member = get_visible(session, Member, record_id, who, "edit")
        return {
            "work": leaving.open_work(session, member, who, titles=_NAMED),
            "going_on": leaving.going_on(session, member, who) if member.is_active else [],
        }
