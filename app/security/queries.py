"""Who is this person, what may he do, and what was handed to him?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased
from sqlalchemy.orm.attributes import set_committed_value

from app.core import clock, links
from app.core.access import ACTIONS, FULL, Actor, FieldRule, Rules, Scope, private, row_rule, scoped, visible
from app.core.accounts import (
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from app.core.db import connection_of
from app.core.finding import Hit, Rows, line, matches
from app.core.prepared import PreparedRows
from app.core.remembered import kept
from app.core.rows import known, known_already
from app.security.models import Member, RoleField, RoleScope, SignIn, SignInFailure, Team, TeamMember
from app.security.roles import RESOURCES

_PERMISSION_PREFIX = "can_"
#: so many members are looked through when somebody types a name
MOST_LOOKED_AT = 2000


@dataclass(frozen=True)
class Rights:
    """What a member may do: the part of an Actor that changes only with `rights_version`."""

    roles: frozenset[str]
    permissions: frozenset[tuple[str, str]]
    scopes: Mapping[tuple[str, str], Scope]
    team_ids: frozenset[int]
    primary_team_id: int | None
    headed_team_ids: frozenset[int]
    subtree_team_ids: frozenset[int]
    #: (resource, field) → less than everything
    fields: Mapping[tuple[str, str], FieldRule]
    #: what access.visible() has put together for them
    rules: Rules = field(default_factory=dict)


@dataclass(frozen=True)
class SignedIn:
    """As much of a member as every request needs, read with his session."""

    id: int
    username: str
    name: str
    title: str | None
    language: str
    time_zone: str
    rights_version: int
    #: somebody else knows his password
    must_change_password: bool


# member id → (rights_version, Rights). One entry a member, so it cannot grow beyond the staff.
_rights: dict[int, tuple[int, Rights]] = kept({})


def rights_of(session: Session, member: Member | SignedIn) -> Rights:
    """The member's rights, read once per `rights_version` and process."""
    known = _known_rights(member)
    if known is not None:
        return known
    rights = _read_rights(session, member.id)
    # What is read inside a transaction may be undone with it, and its version be given again to other rights.
    if not session.info.get("transaction"):
        _rights[member.id] = (member.rights_version, rights)
    return rights


def _known_rights(member: Member | SignedIn) -> Rights | None:
    """What this process has read of them already."""
    known = _rights.get(member.id)
    return known[1] if known is not None and known[0] == member.rights_version else None


def who_may(session: Session, members: Collection[Member], action: str, resource: str) -> set[int]:
    """The ids of those among them who have this right: one query at most, however many they are."""
    rights = {one.id: _known_rights(one) for one in members}
    may = {number for number, known in rights.items() if known is not None and (action, resource) in known.permissions}
    unknown = [number for number, known in rights.items() if known is None]
    if unknown:
        holders = (
            select(assoc_user_role.c.user_id)
            .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == assoc_user_role.c.role_id)
            .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
            .join(Permission, Permission.id == PermissionView.permission_id)
            .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
            .where(Permission.name == _PERMISSION_PREFIX + action, ViewMenu.name == resource)
        )
        may.update(session.scalars(holders.where(assoc_user_role.c.user_id.in_(unknown))))
    return may


def actor_of(session: Session, member: Member | SignedIn, *, address: str | None = None) -> Actor:
    """The member as an actor, with his present rights."""
    rights = rights_of(session, member)
    return Actor(
        user_id=member.id,
        username=member.username,
        name=member.name,
        title=member.title or "",
        roles=rights.roles,
        permissions=rights.permissions,
        scopes=rights.scopes,
        team_ids=rights.team_ids,
        primary_team_id=rights.primary_team_id,
        headed_team_ids=rights.headed_team_ids,
        subtree_team_ids=rights.subtree_team_ids,
        fields=rights.fields,
        language=member.language,
        time_zone=member.time_zone,
        address=address,
    ).remembering(rights.rules)


def _read_rights(session: Session, member_id: int) -> Rights:
    roles = session.execute(
        select(Role.id, Role.name).join(assoc_user_role, assoc_user_role.c.role_id == Role.id)
        .where(assoc_user_role.c.user_id == member_id)
    ).all()  # fmt: skip
    role_ids = [role.id for role in roles]
    memberships = session.execute(
        select(TeamMember.team_id, TeamMember.is_primary).where(TeamMember.member_id == member_id)
    ).all()
    headed = set(session.scalars(select(Team.id).where(Team.head_id == member_id)))
    team_ids = {row.team_id for row in memberships}
    scopes = _scopes(session, role_ids)
    return Rights(
        roles=frozenset(role.name for role in roles),
        permissions=frozenset(_permissions(session, role_ids)),
        scopes=_widest(scopes.values()),
        team_ids=frozenset(team_ids),
        primary_team_id=next((row.team_id for row in memberships if row.is_primary), None),
        headed_team_ids=frozenset(teams_below(session, headed)),
        subtree_team_ids=frozenset(teams_below(session, team_ids)),
        fields=_fields(session, scopes),
    )


def _permissions(session: Session, role_ids: Collection[int]) -> set[tuple[str, str]]:
    """(action, resource) of everything that these roles give."""
    rows = session.execute(
        select(Permission.name, ViewMenu.name)
        .select_from(PermissionView)
        .join(assoc_permissionview_role, assoc_permissionview_role.c.permission_view_id == PermissionView.id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .where(assoc_permissionview_role.c.role_id.in_(role_ids))
    )
    return {(name.removeprefix(_PERMISSION_PREFIX), resource) for name, resource in rows}


def _scopes(session: Session, role_ids: Collection[int]) -> dict[int, dict[tuple[str, str], Scope]]:
    """Role → (resource, action) → how far it reaches. A reach without its right counts for nothing."""
    given = (
        select(assoc_permissionview_role.c.role_id)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .where(
            assoc_permissionview_role.c.role_id == RoleScope.role_id,
            ViewMenu.name == RoleScope.resource,
            Permission.name == _PERMISSION_PREFIX + RoleScope.action,
        )
    )
    scopes: dict[int, dict[tuple[str, str], Scope]] = {role_id: {} for role_id in role_ids}
    for row in session.scalars(select(RoleScope).where(RoleScope.role_id.in_(role_ids), given.exists())):
        scopes[row.role_id][row.resource, row.action] = row.scope
    return scopes


def _widest(scopes: Iterable[Mapping[tuple[str, str], Scope]]) -> dict[tuple[str, str], Scope]:
    found: dict[tuple[str, str], Scope] = {}
    for of_role in scopes:
        for key, scope in of_role.items():
            found[key] = max(scope, found.get(key, Scope.none), key=lambda one: one.width)
    return found


def _fields(
    session: Session, scopes: Mapping[int, Mapping[tuple[str, str], Scope]]
) -> dict[tuple[str, str], FieldRule]:
    """What these roles hold back. The widest wins, and a role without a line holds nothing back.

    Only roles that come into that part of the product have a say in its fields; where none does, all with a line have.
    """
    held: dict[tuple[str, str], dict[int, FieldRule]] = {}
    for row in session.scalars(select(RoleField).where(RoleField.role_id.in_(scopes))):
        held.setdefault((row.resource, row.field), {})[row.role_id] = FieldRule(row.right, row.may_reveal)
    widest: dict[tuple[str, str], FieldRule] = {}
    for (resource, name), rules in held.items():
        counting = [role_id for role_id, cells in scopes.items() if resource in parts_of(cells)]
        found = [rules.get(role_id, FULL) for role_id in counting or rules]
        widest[resource, name] = max(found, key=lambda rule: (rule.right.width, rule.may_reveal))
    return {key: rule for key, rule in widest.items() if rule.right is not FULL.right}


def parts_of(scopes: Mapping[tuple[str, str], Scope]) -> set[str]:
    """The resources with which these rights let do anything at all."""
    return {resource for (resource, _action), scope in scopes.items() if scope is not Scope.none}


def teams_below(session: Session, team_ids: Iterable[int]) -> set[int]:
    """These teams and all teams below them."""
    start = sorted(team_ids)
    if not start:
        return set()
    tree = select(Team.id).where(Team.id.in_(start)).cte("tree", recursive=True)
    child = aliased(Team)
    tree = tree.union(select(child.id).join(tree, child.parent_id == tree.c.id))
    return set(session.scalars(select(tree.c.id)))


def present_actor(session: Session, member_id: int) -> Actor | None:
    """Who acts for the member while he is away, with his rights of this moment. None: he may not act any more."""
    member = session.get(Member, member_id)
    return actor_of(session, member) if member is not None and member.is_active else None


def member_by_id(session: Session, member_id: int) -> Member | None:
    return session.get(Member, member_id)


_MEMBER: Any = Member.__table__
_USER: Any = User.__table__
_OF_MEMBER = ("id", "name", "title", "language", "time_zone", "rights_version")
_OF_ACCOUNT = ("id", "username", "active")
_COLLEAGUE = PreparedRows(
    select(*(_MEMBER.c[name] for name in _OF_MEMBER), *(_USER.c[name].label(f"user_{name}") for name in _OF_ACCOUNT))
    .join(_USER, _USER.c.id == _MEMBER.c.id)
    .where(_MEMBER.c.id == bindparam("member"))
)


def colleague(session: Session, member_id: int) -> Member:
    """The member with as much of him as tells whether he may have work: the rest is read when it is asked for."""
    if known_already(session, Member, member_id):
        return session.get_one(Member, member_id)
    session.flush()
    read = _COLLEAGUE.one(connection_of(session), {"member": member_id})
    member = known(session, Member, dict(zip(_OF_MEMBER, read, strict=False)))
    user = known(session, User, dict(zip(_OF_ACCOUNT, read[len(_OF_MEMBER) :], strict=True)))
    set_committed_value(member, "user", user)
    return member


def member_names(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Member id → name."""
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(select(Member.id, Member.name).where(Member.id.in_(ids)))}


def member_by_username(session: Session, username: str) -> Member | None:
    return session.scalars(
        select(Member).join(User, User.id == Member.id).where(User.username == username)
    ).one_or_none()


def member_signing_in(session: Session, name: str) -> Member | None:
    """Whom the typed name means: a user name or a mail address, in any case."""
    folded = name.strip().lower()
    return session.scalars(
        select(Member).join(User, User.id == Member.id)
        .where(or_(func.lower(User.username) == folded, func.lower(User.email) == folded))
        .order_by(func.lower(User.username) == folded)
    ).first()  # fmt: skip


def team_by_code(session: Session, code: str) -> Team | None:
    return session.scalars(select(Team).where(Team.code == code)).one_or_none()


def team_codes(session: Session, team_ids: Collection[int]) -> dict[int, str]:
    """Team id → code."""
    if not team_ids:
        return {}
    return {row.id: row.code for row in session.execute(select(Team.id, Team.code).where(Team.id.in_(team_ids)))}


def role_by_code(session: Session, code: str) -> Role | None:
    return session.scalars(select(Role).where(Role.name == code)).one_or_none()


def active_members() -> Select[Member]:
    return select(Member).join(User, User.id == Member.id).where(User.active.is_(True)).order_by(Member.sort_key)


def members_of_team(session: Session, team_id: int) -> list[Member]:
    """The active members of a team, in name order."""
    in_team = select(TeamMember.member_id).where(TeamMember.team_id == team_id)
    return list(session.scalars(active_members().where(Member.id.in_(in_team))))


def members_with_role(session: Session, code: str) -> list[Member]:
    """The active members who hold the role, in name order."""
    holders = (
        select(assoc_user_role.c.user_id).join(Role, Role.id == assoc_user_role.c.role_id).where(Role.name == code)
    )
    return list(session.scalars(active_members().where(Member.id.in_(holders))))


def without_anybody(session: Session) -> tuple[set[str], set[str]]:
    """The codes of the roles and of the teams in which no active member is."""
    active = select(User.id).where(User.active.is_(True))
    held = select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id.in_(active))
    filled = select(TeamMember.team_id).where(TeamMember.member_id.in_(active))
    roles = session.scalars(select(Role.name).where(Role.id.not_in(held)))
    return set(roles), set(session.scalars(select(Team.code).where(Team.id.not_in(filled))))


def primary_team_of(session: Session, member_id: int) -> Team | None:
    return session.scalars(
        select(Team).join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.member_id == member_id, TeamMember.is_primary.is_(True))
    ).one_or_none()  # fmt: skip


def primary_team_id_of(session: Session, member_id: int) -> int | None:
    rights = _known_rights(colleague(session, member_id))
    if rights is not None:
        return rights.primary_team_id
    primary = select(TeamMember.team_id).where(TeamMember.member_id == member_id, TeamMember.is_primary.is_(True))
    return session.scalar(primary)


def failures_since(session: Session, moment: datetime, *, address: str, account: str) -> int:
    """The larger of the failed sign-ins from this address and for this account since `moment`."""
    by_address, by_account = session.execute(
        select(
            func.count().filter(SignInFailure.address == address),
            func.count().filter(SignInFailure.account == account),
        ).where(SignInFailure.at > moment, or_(SignInFailure.address == address, SignInFailure.account == account))
    ).one()
    return max(by_address, by_account)


def live_sign_ins(actor: Actor) -> Select[SignIn]:
    """The browsers and programs in which the person is signed in now, the latest first."""
    return (
        select(SignIn)
        .where(visible(SignIn, actor), SignIn.ended_at.is_(None), SignIn.expires_at > clock.now())
        .order_by(SignIn.created_at.desc(), SignIn.id.desc())
    )


def matrix_of(session: Session, role: Role) -> dict[str, dict[str, Scope | None]]:
    """Resource → action → how far the role reaches; None where the resource knows no such right.

    A right without a reach is none, as Actor.scope has it.
    """
    return matrix_of_each(session, [role.id])[role.id]


def matrix_of_each(session: Session, role_ids: Collection[int]) -> dict[int, dict[str, dict[str, Scope | None]]]:
    """The same of several roles, in one query."""
    return {
        role_id: {
            resource: {
                action: scopes.get((resource, action), Scope.none) if action in known else None for action in ACTIONS
            }
            for resource, known in RESOURCES.items()
        }
        for role_id, scopes in _scopes(session, role_ids).items()
    }


def rights_of_role(session: Session, role: Role) -> dict[tuple[str, str], Scope]:
    """(resource, action) → how far, of everything that the role gives."""
    return rights_of_roles(session, [role.id])[role.id]


def rights_of_roles(session: Session, role_ids: Collection[int]) -> dict[int, dict[tuple[str, str], Scope]]:
    """The same of several roles, in one query."""
    return {
        role_id: {
            (resource, action): scope
            for (resource, action), scope in scopes.items()
            if action in RESOURCES.get(resource, ()) and scope is not Scope.none
        }
        for role_id, scopes in _scopes(session, role_ids).items()
    }


def holders(role_id: int) -> Select[Any]:
    """The ids of the active members who hold the role."""
    return (
        select(Member.id).join(User, User.id == Member.id)
        .join(assoc_user_role, assoc_user_role.c.user_id == User.id)
        .where(assoc_user_role.c.role_id == role_id, User.active.is_(True))
    )  # fmt: skip


def roles_of(member_id: int) -> Select[Any]:
    """The ids of the roles that the member holds."""
    return select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == member_id)


def teams_of(member_id: int) -> Select[Any]:
    """The ids of the teams that the member is in."""
    return select(TeamMember.team_id).where(TeamMember.member_id == member_id)


def people_in(team_id: int) -> Select[Any]:
    """The ids of those of the team who work here."""
    return (
        select(TeamMember.member_id).join(Member, Member.id == TeamMember.member_id)
        .where(TeamMember.team_id == team_id, Member.deactivated_at.is_(None))
    )  # fmt: skip


@row_rule(Role)
def _roles(actor: Actor, action: str) -> ColumnElement[bool]:
    """Roles are nobody's own: one sees all of them or none."""
    return true() if actor.scope("Role", action) is Scope.all else false()


@row_rule(SignIn)
def _sign_ins(actor: Actor, _action: str) -> ColumnElement[bool]:
    """Where a person is signed in is his own business, whatever his role."""
    return private(actor, SignIn.member_id)


@row_rule(Member)
def _members(actor: Actor, action: str) -> ColumnElement[bool]:
    """Colleagues' names are no secret inside the company; changing them is. A team's people are those of any team."""
    mine = scoped(actor.scope("Member", action), actor, owner_id=Member.id)
    reach = teams_of_people(actor, action)
    if not reach:
        return mine
    return mine | Member.id.in_(select(TeamMember.member_id).where(TeamMember.team_id.in_(sorted(reach))))


def teams_of_people(actor: Actor, action: str) -> frozenset[int] | None:
    """The teams to whose people this right reaches; None: to everybody's, wherever they are."""
    scope = actor.scope("Member", action)
    if scope is Scope.all:
        return None
    by_scope = {Scope.team: actor.team_ids, Scope.subtree: actor.subtree_team_ids | actor.headed_team_ids}
    return by_scope.get(scope, frozenset())


@row_rule(Team)
def _teams(actor: Actor, action: str) -> ColumnElement[bool]:
    return scoped(actor.scope("Team", action), actor, owner_id=Team.head_id, team_id=Team.id)


def _lines(who: Actor) -> Select[Any]:
    columns = select(Member.id, Member.name, Member.title, User.username).join(User, User.id == Member.id)
    return columns.where(visible(Member, who))


def _hit(member_id: int, name: str, title: str | None, username: str) -> Hit:
    return Hit(member_id, name, line(title, username), links.member_path(member_id))


def _colleagues(who: Actor) -> Select[Any]:
    """The active ones, found by words of name, title or user name."""
    rows = select(Member.id, Member.name, Member.title.label("second"), User.username.label("third"))
    return rows.join(User, User.id == Member.id).where(visible(Member, who), User.active.is_(True))


FOUND = Rows(
    _colleagues, (Member.sort_key, Member.id), MOST_LOOKED_AT,
    lambda row, _who: _hit(row.id, row.name, row.second, row.third),
)  # fmt: skip


def named_members(session: Session, who: Actor, ids: Collection[int]) -> list[Hit]:
    return [_hit(*row) for row in session.execute(_lines(who).where(Member.id.in_(ids)))]


@dataclass(frozen=True)
class Choice:
    """Somebody, or a team, to choose."""

    id: int
    name: str
    hint: str


def people_named(session: Session, who: Actor, text: str) -> list[Choice]:
    """Members by words of their name or title, in name order."""
    rows = select(Member.id, Member.name, Member.title).where(visible(Member, who)).order_by(Member.sort_key)
    found = session.execute(rows.limit(MOST_LOOKED_AT))
    return [
        Choice(row.id, row.name, row.title or "") for row in found if not text or matches(text, row.name, row.title)
    ]


def teams_named(session: Session, who: Actor, text: str) -> list[Choice]:
    """Teams by words of their name or code, in name order."""
    rows = select(Team.id, Team.name, Team.code).where(visible(Team, who)).order_by(Team.sort_key)
    found = session.execute(rows.limit(MOST_LOOKED_AT))
    return [Choice(row.id, row.name, row.code) for row in found if not text or matches(text, row.name, row.code)]


def role_codes(session: Session) -> list[str]:
    return list(session.scalars(select(Role.name)))
