"""How do lists show people, teams and roles? Columns of values, so that no list loads a member for a name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Select, case, exists, func, select
from sqlalchemy.orm import Session, aliased

from app.core.access import Actor, visible
from app.core.accounts import Role, User, assoc_user_role
from app.core.conditions.fields import Kind
from app.core.i18n import _
from app.core.screens.chooser import Chooser, register_chooser
from app.core.screens.columns import Derived
from app.core.screens.shown import call_roles_by
from app.security.grants import now_when_asked
from app.security.member_queries import Standing
from app.security.models import Member, MemberInvitation, Team, TeamMember
from app.security.role_names import LABELS, role_label

STANDINGS: Mapping[str, Any] = {
    Standing.active.value: _("May sign in"),
    Standing.invited.value: _("Invited, not in yet"),
    Standing.waiting.value: _("No invitation yet"),
    Standing.gone.value: _("No longer works here"),
}


def person(member_id: Any) -> Derived:
    """The name behind a column of member ids; compared by id, ordered as names are."""
    return _named(Kind.person, Member, member_id)


def team(team_id: Any) -> Derived:
    return _named(Kind.team, Team, team_id)


def _named(kind: Kind, model: Any, key: Any) -> Derived:
    one = aliased(model)

    def of(column: Any) -> Any:
        return select(column).where(one.id == key).correlate(key.class_).scalar_subquery()

    return Derived(kind, of(one.name), compared=key, order=of(one.sort_key))


def team_ids(member_id: Any) -> Select[Any]:
    """All teams of a member."""
    return select(TeamMember.team_id).where(TeamMember.member_id == member_id).correlate(member_id.class_)


def team_names(member_id: Any) -> Any:
    """Their names, the primary one first."""
    rows = (
        select(Team.name).join(TeamMember, TeamMember.team_id == Team.id).where(TeamMember.member_id == member_id)
        .order_by(TeamMember.is_primary.desc(), Team.sort_key).correlate(member_id.class_).subquery()
    )  # fmt: skip
    return select(func.aggregate_strings(rows.c.name, ", ")).scalar_subquery()


def may_sign_in(member_id: Any) -> Any:
    return select(User.active).where(User.id == member_id).correlate(member_id.class_).scalar_subquery()


def standing(show: Callable[[str], Any]) -> Derived:
    """How a member stands to the company."""
    invited = exists().where(
        MemberInvitation.member_id == Member.id, MemberInvitation.used_at.is_(None),
        MemberInvitation.withdrawn_at.is_(None), MemberInvitation.expires_at > now_when_asked(),
    ).correlate(Member)  # fmt: skip
    value = case(
        (may_sign_in(Member.id), Standing.active.value),
        (Member.deactivated_at.is_not(None), Standing.gone.value),
        (invited, Standing.invited.value),
        else_=Standing.waiting.value,
    )
    return Derived(Kind.choice, value, choices=STANDINGS, show=show)


def roles(member_id: Any) -> Derived:
    """The roles of a member, for those who may see roles."""
    held = (
        select(Role.name).join(assoc_user_role, assoc_user_role.c.role_id == Role.id)
        .where(assoc_user_role.c.user_id == member_id).correlate(member_id.class_)
    )  # fmt: skip
    rows = held.order_by(Role.id).subquery()
    return Derived(
        Kind.choice, select(func.aggregate_strings(rows.c.name, "\n")).scalar_subquery(), compared=held, needs="Role",
        choices=LABELS, show=lambda codes: ", ".join(str(role_label(one)) for one in (codes or "").split("\n")),
    )  # fmt: skip


def holder_names(role_id: Any) -> Any:
    """The active members with the role, a line each."""
    rows = (
        select(Member.name).join(User, User.id == Member.id)
        .join(assoc_user_role, assoc_user_role.c.user_id == User.id)
        .where(assoc_user_role.c.role_id == role_id, User.active.is_(True))
        .order_by(Member.sort_key).correlate(role_id.class_).subquery()
    )  # fmt: skip
    return select(func.aggregate_strings(rows.c.name, "\n")).scalar_subquery()


def _member_names(session: Session, who: Actor, ids: Collection[int]) -> Mapping[int, str]:
    return _names(session, Member, who, ids)


def _team_names(session: Session, who: Actor, ids: Collection[int]) -> Mapping[int, str]:
    return _names(session, Team, who, ids)


def _names(session: Session, model: Any, who: Actor, ids: Collection[int]) -> Mapping[int, str]:
    rows = session.execute(select(model.id, model.name).where(model.id.in_(ids), visible(model, who)))
    return {row.id: row.name for row in rows}


def offer_people() -> None:
    """Filters of every list ask here for people and teams, and saved views for what a role is called."""
    register_chooser(Kind.person, Chooser("/chon/nguoi", _member_names))
    register_chooser(Kind.team, Chooser("/chon/bo-phan", _team_names))
    call_roles_by(role_label)
