"""Members for programs: list, read, add, change, let in and let go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from app.core import edge, guarded
from app.core.access import get_visible, visible
from app.core.accounts import User
from app.core.api import Api, equals, flag, listing, moment, names_contain, not_here, verb
from app.core.db import db
from app.core.i18n import LANGUAGES, _
from app.core.schema import free_object, list_of, maybe, one_of, record, text, whole_number
from app.security import admission, leaving, members, queries, rules
from app.security import member_queries as about
from app.security.events import duties
from app.security.models import Member, Team

MOST_TEAMS = 100
MOST_ROLES = 50

_PERSON = {
    "family_name": text(rules.LONGEST_NAME), "given_name": text(rules.LONGEST_NAME),
    "username": text(rules.LONGEST_NAME), "email": text(rules.LONGEST_EMAIL), "phone": maybe(text(40)),
    "title": maybe(text(rules.LONGEST_TITLE)), "language": one_of(LANGUAGES), "time_zone": text(60),
    "signature": maybe(text(rules.LONGEST_SIGNATURE)), "team": maybe(text()),
    "more_teams": list_of(text(), most=MOST_TEAMS), "roles": list_of(text(), most=MOST_ROLES),
}  # fmt: skip
_NEW = record(required=("family_name", "given_name", "email"), **_PERSON)
_CHANGED = record(required=("rev",), rev=whole_number(), **_PERSON)
_LEAVES = record(
    to=maybe(text()), hand_over=free_object("kind of work → user name of who takes it over; the others go to `to`")
)
_ORDERS = {"name": Member.sort_key, "id": Member.id, "created_at": Member.created_at}


class MemberApi(Api):
    """Everybody who works here or ever did: nobody is deleted."""

    resource_name = "members"
    resource = "Member"

    @verb(
        "/", "GET", "Members of the company, also those who have left",
        query=listing(_ORDERS, q="words of name, title or user name", username="exactly", email="exactly",
                      active="1: those who may sign in", team="team code"),
    )  # fmt: skip
    def index(self) -> dict[str, Any]:
        who = edge.actor()
        filters = {
            "q": names_contain(Member.id, Member.name, Member.title, User.username),
            "username": equals(User.username),
            "active": lambda rows, typed: flag(rows, typed, User.active.is_(True)),
            "team": _in_team,
        }
        if who.reads("Member", "email"):
            filters["email"] = equals(User.email)
        return self.page(
            select(Member).join(User, User.id == Member.id).where(visible(Member, who)),
            show_all=_all_shown,
            orders=_ORDERS,
            default_order="name",
            filters=filters,
            key=Member.id,
            load=(selectinload(Member.memberships), selectinload(Member.user).selectinload(User.roles)),
        )

    @verb("/<id>", "GET", "One member")
    def get(self, id: str) -> dict[str, Any]:
        return _shown(get_visible(db.session(), Member, self.id(id), edge.actor()))

    @verb("/", "POST", "A new member, who cannot sign in before he was invited", right="add", body=_NEW, status=201)
    def post(self) -> dict[str, Any]:
        body = self.read()

        def add(session: Session) -> dict[str, Any]:
            return _shown(members.add_member(session, by=edge.actor(), **_values(session, body)))

        return self.write(add)

    @verb("/<id>", "PUT", "Change what is sent and leave the rest; rev as read", right="edit", body=_CHANGED)
    def put(self, id: str) -> dict[str, Any]:
        member_id, body = self.id(id), self.read()
        rev = body.pop("rev")

        def change(session: Session) -> dict[str, Any]:
            member = get_visible(session, Member, member_id, edge.actor(), "edit")
            values = _values(session, body)
            return _shown(members.change_member(session, member, by=edge.actor(), rev=rev, **values))

        return self.write(change)

    @verb("/<id>/invite", "POST", "Mail a link with which the member makes a password; earlier links die", right="add")
    def invite(self, id: str) -> dict[str, Any]:
        return self._do(id, "add", lambda session, member: admission.invite_member(session, member, by=edge.actor()))

    @verb("/<id>/withdraw", "POST", "The link that was mailed opens nothing any more", right="add")
    def withdraw(self, id: str) -> dict[str, Any]:
        return self._do(
            id, "add", lambda session, member: admission.withdraw_invitation(session, member, by=edge.actor())
        )

    @verb("/<id>/work", "GET", "What the member has in hand, by kind", right="edit")
    def work(self, id: str) -> dict[str, Any]:
        who = edge.actor()
        member = get_visible(db.session(), Member, self.id(id), who, "edit")
        return {duty.key: held.count for duty, held in leaving.open_work(db.session(), member, who, titles=0)}

    @verb(
        "/<id>/deactivate", "POST", "Hand over what the member has in hand and end every sign-in", right="edit",
        body=_LEAVES,
    )  # fmt: skip
    def deactivate(self, id: str) -> dict[str, Any]:
        body = self.read()

        def leave(session: Session, member: Member) -> None:
            named = {**dict.fromkeys((one.key for one in duties()), body.get("to")), **(body.get("hand_over") or {})}
            receivers = {key: _member(session, key, name) for key, name in named.items() if name is not None}
            leaving.deactivate_member(session, member, receivers=receivers, by=edge.actor())

        return self._do(id, "edit", leave)

    @verb("/<id>/reactivate", "POST", "The member is back, with the roles and teams of before", right="edit")
    def reactivate(self, id: str) -> dict[str, Any]:
        return self._do(id, "edit", lambda session, member: leaving.reactivate_member(session, member, by=edge.actor()))

    def _do(self, id: str, right: str, act: Any) -> dict[str, Any]:
        member_id = self.id(id)

        def run(session: Session) -> dict[str, Any]:
            member = get_visible(session, Member, member_id, edge.actor(), right)
            act(session, member)
            return _shown(member)

        return self.write(run)


def _all_shown(found: Sequence[Member]) -> list[dict[str, Any]]:
    standings = about.standings(db.session(), found)
    return [_told(member, standings[member.id]) for member in found]


def _shown(member: Member) -> dict[str, Any]:
    return _all_shown([member])[0]


def _told(member: Member, standing: about.Standing) -> dict[str, Any]:
    """Who holds which role is for those who may see roles."""
    told = {
        "id": member.id,
        "username": member.username,
        "name": member.name,
        "family_name": member.family_name,
        "given_name": member.given_name,
        "email": member.email,
        "phone": member.phone,
        "title": member.title,
        "language": member.language,
        "time_zone": member.time_zone,
        "team": next((row.team.code for row in member.memberships if row.is_primary), None),
        "more_teams": [row.team.code for row in member.memberships if not row.is_primary],
        "active": member.is_active,
        "standing": standing.value,
        "deactivated_at": moment(member.deactivated_at),
        "rev": member.rev,
    }
    who = edge.actor()
    if who.may("edit", "Member"):
        told["signature"] = member.signature
    if who.may("view", "Role"):
        told["roles"] = sorted(member.role_codes)
    return guarded.answered(who, "Member", told)


def _values(session: Session, body: dict[str, Any]) -> Any:
    """What was sent, with teams in the place of their codes."""
    values = dict(body)
    if "team" in values:
        values["team"] = _team(session, "team", values["team"]) if values["team"] is not None else None
    if "more_teams" in values:
        values["more_teams"] = [_team(session, "more_teams", code) for code in values["more_teams"]]
    return values


def _team(session: Session, key: str, code: str) -> Team:
    team = session.scalars(select(Team).where(Team.code == code, visible(Team, edge.actor()))).one_or_none()
    if team is None:
        raise not_here(key, _("There is no team %(code)s.", code=code))
    return team


def _member(session: Session, key: str, username: Any) -> Member:
    member = queries.member_by_username(session, username) if isinstance(username, str) else None
    if member is None:
        raise not_here(key, _("There is no member %(name)s.", name=str(username)[:100]))
    return member


def _in_team(rows: Select[Any], code: str) -> Select[Any]:
    team = select(Team.id).where(Team.code == code)
    return rows.where(Member.memberships.any(team_id=team.scalar_subquery()))
