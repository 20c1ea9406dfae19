"""Teams for programs: list, read, make, change, archive, and who is in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.core import edge
from app.core.access import get_visible, visible
from app.core.api import Api, moment, not_here, verb
from app.core.db import db
from app.core.i18n import _
from app.core.schema import maybe, record, text, whole_number, yes_or_no
from app.security import queries, services, teams
from app.security.models import Member, Team, TeamMember

_TEAM = {
    "name": text(teams.LONGEST_NAME), "parent": maybe(text()), "head": maybe(text()), "head_joins": yes_or_no(),
}  # fmt: skip
_NEW = record(required=("name",), code=text(teams.LONGEST_CODE), **_TEAM)
_CHANGED = record(required=("rev",), rev=whole_number(), **_TEAM)
_PERSON = record(required=("member",), member=text())
_JOINS = record(required=("member",), member=text(), primary=yes_or_no())


class TeamApi(Api):
    """A team is named by its code, which never changes; people by their user names."""

    resource_name = "teams"
    resource = "Team"

    @verb("/", "GET", "Teams of the company", query={"order": "name or -name"})
    def index(self) -> dict[str, Any]:
        rows = select(Team).where(visible(Team, edge.actor()))
        return self.page(
            rows,
            show=_shown,
            orders={"name": Team.sort_key, "id": Team.id},
            default_order="name",
            key=Team.id,
            load=(joinedload(Team.parent), joinedload(Team.head)),
        )

    @verb("/<id>", "GET", "One team")
    def get(self, id: str) -> dict[str, Any]:
        return _shown(get_visible(db.session(), Team, self.id(id), edge.actor()))

    @verb("/", "POST", "A new team; without a code it is made from the name", right="add", body=_NEW, status=201)
    def post(self) -> dict[str, Any]:
        body = self.read()

        def add(session: Session) -> dict[str, Any]:
            return _shown(teams.add_team(session, by=edge.actor(), **_values(session, body)))

        return self.write(add)

    @verb("/<id>", "PUT", "Change what is sent and leave the rest; rev as read", right="edit", body=_CHANGED)
    def put(self, id: str) -> dict[str, Any]:
        body = self.read()
        rev = body.pop("rev")

        def change(session: Session, team: Team) -> None:
            teams.change_team(session, team, by=edge.actor(), rev=rev, **_values(session, body))

        return self._do(id, "edit", change)

    @verb("/<id>/archive", "POST", "The team takes no more people and work", right="delete")
    def archive(self, id: str) -> dict[str, Any]:
        return self._do(id, "delete", lambda session, team: services.archive_team(session, team, by=edge.actor()))

    @verb("/<id>/restore", "POST", "The team takes people and work again", right="delete")
    def restore(self, id: str) -> dict[str, Any]:
        return self._do(id, "delete", lambda session, team: services.restore_team(session, team, by=edge.actor()))

    @verb("/<id>/members", "GET", "Who is in the team", query={"order": "name or -name"})
    def members(self, id: str) -> dict[str, Any]:
        who = edge.actor()
        team = get_visible(db.session(), Team, self.id(id), who)
        rows = select(Member).where(visible(Member, who), Member.id.in_(queries.people_in(team.id)))
        return self.page(
            rows,
            show=lambda member: _person(team, member),
            orders={"name": Member.sort_key, "id": Member.id},
            default_order="name",
            key=Member.id,
            load=(selectinload(Member.memberships),),
        )

    @verb("/<id>/members", "POST", "Put a member into the team; primary: as the main one", right="edit", body=_JOINS)
    def join(self, id: str) -> dict[str, Any]:
        primary = bool(self.read().get("primary", False))
        return self._place(
            id,
            lambda session, team, member: teams.add_person(session, team, member, by=edge.actor(), primary=primary),
        )

    @verb("/<id>/members/remove", "POST", "Take a member out of the team", right="edit", body=_PERSON)
    def remove(self, id: str) -> dict[str, Any]:
        return self._place(
            id, lambda session, team, member: teams.remove_person(session, team, member, by=edge.actor())
        )

    @verb("/<id>/members/primary", "POST", "The team is the member's main one from now on", right="edit", body=_PERSON)
    def primary(self, id: str) -> dict[str, Any]:
        return self._place(id, lambda session, team, member: teams.make_primary(session, team, member, by=edge.actor()))

    def _place(self, id: str, act: Callable[[Session, Team, Member], object]) -> dict[str, Any]:
        username = self.read()["member"]

        def place(session: Session, team: Team) -> None:
            act(session, team, _member(session, "member", username))

        return self._do(id, "edit", place)

    def _do(self, id: str, right: str, act: Callable[[Session, Team], object]) -> dict[str, Any]:
        team_id = self.id(id)

        def run(session: Session) -> dict[str, Any]:
            team = get_visible(session, Team, team_id, edge.actor(), right)
            act(session, team)
            return _shown(team)

        return self.write(run)


def _shown(team: Team) -> dict[str, Any]:
    return {
        "id": team.id,
        "code": team.code,
        "name": team.name,
        "parent": team.parent.code if team.parent else None,
        "head": team.head.user.username if team.head else None,
        "archived_at": moment(team.archived_at),
        "rev": team.rev,
    }


def _person(team: Team, member: Member) -> dict[str, Any]:
    row: TeamMember | None = next((one for one in member.memberships if one.team_id == team.id), None)
    return {
        "id": member.id,
        "username": member.username,
        "name": member.name,
        "primary": row is not None and row.is_primary,
        "head": team.head_id == member.id,
    }


def _values(session: Session, body: dict[str, Any]) -> Any:
    """What was sent, with rows in the place of codes and user names."""
    values = dict(body)
    if values.get("parent") is not None:
        values["parent"] = _team(session, values["parent"])
    if values.get("head") is not None:
        values["head"] = _member(session, "head", values["head"])
    return values


def _team(session: Session, code: str) -> Team:
    team = session.scalars(select(Team).where(Team.code == code, visible(Team, edge.actor()))).one_or_none()
    if team is None:
        raise not_here("parent", _("There is no team %(code)s.", code=code))
    return team


def _member(session: Session, key: str, username: str) -> Member:
    member = queries.member_by_username(session, username)
    seen = visible(Member, edge.actor())
    if member is None or session.scalar(select(Member.id).where(Member.id == member.id, seen)) is None:
        raise not_here(key, _("There is no member %(name)s.", name=username[:100]))
    return member
