"""What is a team called, where does it stand, who heads it and who is in it? Teams are archived, never deleted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypedDict, Unpack

from sqlalchemy.orm import Session

from app.core.access import Actor, Scope, get_visible
from app.core.db import queue_up
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, Sentence
from app.core.i18n import _
from app.core.vietnamese import fold
from app.security import member_queries as about
from app.security import queries, rules
from app.security import team_queries as hanging
from app.security.member_guard import touch
from app.security.models import Member, Team, TeamMember
from app.security.roles import ADMIN
from app.security.services import create_team, rights_changed

LONGEST_NAME = 200
LONGEST_CODE = 60
CODE_WRONG = _("Small letters without accents, digits and dashes, beginning with a letter. Example: cham-soc")
_CODE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_NOT_IN_CODES = re.compile(r"[^a-z0-9]+")

_MY_OWN_REACH = _("You would reach more than now. Ask an administrator to do this.")


class TeamValues(TypedDict, total=False):
    """What change_team takes: what is left out stays. Without a parent it stands on top; None as head: nobody."""

    name: str
    parent: Team | None
    head: Member | None
    #: a head who is not in the team comes into it
    head_joins: bool


# ── the team ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def add_team(session: Session, *, by: Actor, code: str = "", **values: Unpack[TeamValues]) -> Team:
    """A new team. Without a code it gets one made from its name; no code ever changes.

    Raises InvalidInputError with every problem beside its field.
    """
    by.must("add", "Team")
    queue_up(session, "team")
    problems: dict[str, list[Sentence]] = {}
    name = _read_name(values.get("name", ""), problems)
    code = code.strip() or suggested_code(session, name)
    wrong = code_problem(session, code)
    if wrong is not None:
        problems["code"] = [wrong]
    parent, head = values.get("parent"), values.get("head")
    if parent is not None and parent.archived_at is not None:
        problems["parent"] = [_("The team %(name)s is archived.", name=parent.name)]
    if head is not None:
        _check_head(session, None, head, values.get("head_joins", False), problems)
    if problems:
        raise InvalidInputError(fields=problems)
    if parent is not None:
        _must_hold(session, parent, by, key="parent")
    if head is not None:
        _refuse_oneself(head, by, key="head")
    team = create_team(session, code=code, name=name, parent=parent, by=by)
    if head is not None:
        _appoint(session, team, head)
    rights_changed(session, sorted(hanging.reached_from(session, [team])))
    return team


def change_team(session: Session, team: Team, *, by: Actor, rev: int, **values: Unpack[TeamValues]) -> Team:
    """Change what is given and leave the rest. `rev` is the one that the editor saw: raises ConflictError on another.

    Raises InvalidInputError for a circle, with the names of the teams in it, and for a head from outside, with his.
    """
    queue_up(session, "team")
    _lock(session, team, by)
    if team.rev != rev:
        raise ConflictError(by=about.name_of(session, team.updated_by_id), at=team.updated_at, rev=team.rev)
    problems: dict[str, list[Sentence]] = {}
    name = _read_name(values["name"], problems) if "name" in values else team.name
    parent = values.get("parent", team.parent)
    head = values.get("head", team.head)
    moves, changes_head = parent is not team.parent, head is not team.head
    if moves and parent is not None:
        circle = hanging.between(team, parent)
        if circle:
            problems["parent"] = [_circle(team, circle)]
        elif parent.archived_at is not None:
            problems["parent"] = [_("The team %(name)s is archived.", name=parent.name)]
    if changes_head and head is not None:
        _check_head(session, team, head, values.get("head_joins", False), problems)
    if problems:
        raise InvalidInputError(fields=problems)
    if moves:
        _must_move(session, team, parent, by)
    if changes_head and head is not None:
        _refuse_oneself(head, by, key="head")
    touched = hanging.reached_from(session, [team]) if moves or changes_head else set()
    team.name, team.sort_key = name, fold(name)
    team.parent = parent
    if changes_head:
        if head is None:
            team.head = None
        else:
            _appoint(session, team, head)
    session.flush()
    if moves or changes_head:
        rights_changed(session, sorted(touched | hanging.reached_from(session, [team])))
    return team


def suggested_code(session: Session, name: str) -> str:
    """A free code made from the name: "Chăm sóc" → "cham-soc", "cham-soc-2"; "" where no letter is left."""
    plain = _NOT_IN_CODES.sub("-", fold(name)).strip("-").lstrip("0123456789-")[: LONGEST_CODE - 4].strip("-")
    if not plain:
        return ""
    taken, code, number = hanging.codes_like(session, plain), plain, 2
    while code in taken:
        code, number = f"{plain}-{number}", number + 1
    return code


def code_problem(session: Session, code: str) -> Sentence | None:
    """Why no new team can have this code; None: it can."""
    if not _CODE.fullmatch(code) or len(code) > LONGEST_CODE:
        return CODE_WRONG
    other = queries.team_by_code(session, code)
    if other is None:
        return None
    free = suggested_code(session, code)
    return _("The team %(name)s has this code. Free is: %(free)s", name=other.name, free=free)


# ── its people ───────────────────────────────────────────────────────────────────────────────────────────────────────


def add_person(session: Session, team: Team, member: Member, *, by: Actor, primary: bool = False) -> None:
    """Put the person into the team. His first team is his main one; `primary` makes this one it.

    Raises BusinessError for somebody who is in it already, an archived team, or somebody who no longer works here.
    """
    _lock(session, team, by)
    if team.archived_at is not None:
        raise BusinessError(_("The team %(name)s is archived.", name=team.name))
    if hanging.membership(session, team.id, member.id) is not None:
        raise BusinessError(_("%(name)s is in this team already.", name=member.name))
    _refuse_gone(member)
    _refuse_oneself(member, by)
    if primary:
        _no_primary(session, member, by)
    _join(session, team, member, primary=primary)
    rights_changed(session, [member.id])


def appoint_head(session: Session, team: Team, member: Member, *, by: Actor) -> None:
    """Make the person head of the team; whoever is not in it comes into it.

    Raises InvalidInputError at "head" for oneself and for somebody who no longer works here.
    """
    _lock(session, team, by)
    problems: dict[str, list[Sentence]] = {}
    _check_head(session, team, member, True, problems)
    if problems:
        raise InvalidInputError(fields=problems)
    _refuse_oneself(member, by, key="head")
    touched = hanging.reached_from(session, [team])
    _appoint(session, team, member)
    rights_changed(session, sorted(touched | hanging.reached_from(session, [team])))


def remove_person(session: Session, team: Team, member: Member, *, by: Actor) -> bool:
    """Take the person out; another team of his, the oldest, takes the place of his main one. Returns: was it that?

    Raises BusinessError for the head, and for somebody who is not in it.
    """
    _lock(session, team, by)
    row = _row(session, team, member)
    if team.head_id == member.id:
        raise BusinessError(_("%(name)s heads this team. Give it another head first.", name=member.name))
    was_primary = row.is_primary
    session.delete(row)
    session.flush()  # before another one becomes the primary: there is at most one
    left = hanging.memberships_of(session, member.id)
    if was_primary and left:
        left[0].is_primary = True
    session.flush()
    session.expire(member, ["memberships"])
    rights_changed(session, [member.id])
    return was_primary


def make_primary(session: Session, team: Team, member: Member, *, by: Actor) -> Team | None:
    """What the person creates belongs to this team from now on, and no longer to the one of before, which is returned.

    Both have to be the actor's to change.
    """
    _lock(session, team, by)
    row = _row(session, team, member)
    if row.is_primary:
        raise BusinessError(_("This is the main team of %(name)s already.", name=member.name))
    before = _no_primary(session, member, by)
    row.is_primary = True
    session.flush()
    session.expire(member, ["memberships"])
    rights_changed(session, [member.id])
    return before


def place(session: Session, member: Member, team: Team | None, more: Sequence[Team], *, by: Actor) -> None:
    """Put him into these teams and out of all others; `team` is the primary one."""
    wanted = {one.id: one for one in (*more, *([team] if team else []))}
    now = {row.team_id: row for row in member.memberships}
    primary = team.id if team is not None else None
    if set(wanted) == set(now) and all(row.is_primary == (row.team_id == primary) for row in now.values()):
        return
    by.must("edit", "Team")
    problems: dict[str, list[Sentence]] = {}
    if wanted and team is None:
        problems["team"] = [_("Choose the main team: what this person creates belongs to it.")]
    for one in wanted.values():
        if one.id not in now and one.archived_at is not None:
            key = "team" if one.id == primary else "more_teams"
            problems.setdefault(key, []).append(_("The team %(name)s is archived.", name=one.name))
    left = [row for team_id, row in now.items() if team_id not in wanted]
    headed = [row.team.name for row in left if row.team.head_id == member.id]
    if headed:
        told = _("%(name)s heads this team: %(teams)s. Give it another head first.", name=member.name,
                 teams=", ".join(headed))  # fmt: skip
        problems.setdefault("team", []).append(told)
    if problems:
        raise InvalidInputError(fields=problems)
    for one in (*(one for one in wanted.values() if one.id not in now), *(row.team for row in left)):
        _must_place(session, one, member, by=by)
    for row in now.values():
        if row.is_primary != (row.team_id == primary):
            get_visible(session, Team, row.team_id, by, "edit")
    touch(member)
    for row in left:
        session.delete(row)
    for row in now.values():
        row.is_primary = False
    session.flush()  # before another one becomes the primary: there is at most one
    for team_id in wanted:
        if team_id in now:
            now[team_id].is_primary = team_id == primary
        else:
            session.add(TeamMember(team_id=team_id, member_id=member.id, is_primary=team_id == primary))
    session.flush()
    session.expire(member, ["memberships"])
    rights_changed(session, [member.id])


# ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _must_place(session: Session, team: Team, member: Member, *, by: Actor) -> None:
    """Raises unless `by` may put this person into the team, or take him out."""
    by.must("edit", "Team")
    get_visible(session, Team, team.id, by, "edit")
    _refuse_oneself(member, by, key="team")


def _lock(session: Session, team: Team, by: Actor) -> None:
    """Its present state, kept from others, once it is the actor's to change."""
    by.must("edit", "Team")
    get_visible(session, Team, team.id, by, "edit")
    session.refresh(team, with_for_update={"of": Team})


def _read_name(typed: str, problems: dict[str, list[Sentence]]) -> str:
    name = rules.read_name(typed)
    if not name:
        problems["name"] = [_("Please type the name of the team.")]
    elif len(name) > LONGEST_NAME:
        problems["name"] = [_("At most %(count)d characters, please.", count=LONGEST_NAME)]
    return name


def _circle(team: Team, steps: Sequence[Team]) -> Sentence:
    """`steps`: from the parent that was chosen down to the team itself."""
    if len(steps) == 1:
        return _("The team %(name)s cannot stand above itself.", name=team.name)
    # As it would read from the top: each belongs to the one before it.
    names = " → ".join(one.name for one in [*reversed(steps), team])
    return _("This would be a circle: %(teams)s.", teams=names)


def _check_head(
    session: Session, team: Team | None, head: Member, joins: bool, problems: dict[str, list[Sentence]]
) -> None:
    if head.deactivated_at is not None:
        problems["head"] = [_("%(name)s no longer works here.", name=head.name)]
    elif not joins and (team is None or hanging.membership(session, team.id, head.id) is None):
        problems["head"] = [
            _("%(name)s is not in this team. Tick the box below the name to put them into it.", name=head.name)
        ]


def _appoint(session: Session, team: Team, head: Member) -> None:
    if hanging.membership(session, team.id, head.id) is None:
        _join(session, team, head, primary=False)
    team.head = head
    session.flush()


def _join(session: Session, team: Team, member: Member, *, primary: bool) -> None:
    is_first = not hanging.memberships_of(session, member.id)
    session.add(TeamMember(team_id=team.id, member_id=member.id, is_primary=primary or is_first))
    session.flush()
    session.expire(member, ["memberships"])


def _no_primary(session: Session, member: Member, by: Actor) -> Team | None:
    """Which team was his main one."""
    before = None
    for row in hanging.memberships_of(session, member.id):
        if row.is_primary:
            get_visible(session, Team, row.team_id, by, "edit")
            before, row.is_primary = row.team, False
    session.flush()  # there is at most one
    return before


def _row(session: Session, team: Team, member: Member) -> TeamMember:
    row = hanging.membership(session, team.id, member.id)
    if row is None:
        raise BusinessError(_("%(name)s is not in this team.", name=member.name))
    return row


def _refuse_gone(member: Member) -> None:
    if member.deactivated_at is not None:
        raise BusinessError(_("%(name)s no longer works here.", name=member.name))


def _refuse_oneself(member: Member, by: Actor, *, key: str = "") -> None:
    """Nobody but an administrator comes into a team, or to head one, by his own hand: it would widen his rights."""
    if by.is_system or ADMIN in by.roles or member.id != by.user_id:
        return
    told = _("You cannot put yourself into a team. Ask an administrator.")
    raise InvalidInputError(told, fields={key: [told]} if key else {})


def _must_hold(session: Session, team: Team, by: Actor, *, key: str) -> None:
    """Nothing is put below a team that is not one's to change."""
    try:
        get_visible(session, Team, team.id, by, "edit" if by.may("edit", "Team") else "add")
    except NotAllowedError:
        told = _("You may not change this team.")
        raise InvalidInputError(fields={key: [told]}) from None


def _must_move(session: Session, team: Team, parent: Team | None, by: Actor) -> None:
    """Whoever moves a team holds the place that it leaves and the one that it comes to, and reaches no more by it."""
    if by.is_system or ADMIN in by.roles:
        return
    if by.scope("Team", "edit") is not Scope.all:
        for one in (team.parent, parent):
            if one is None:
                told = _("Only whoever may change every team puts one on top or takes it from there.")
                raise InvalidInputError(fields={"parent": [told]})
            _must_hold(session, one, by, key="parent")
    reached = by.subtree_team_ids | by.headed_team_ids
    if parent is not None and parent.id in reached and team.id not in reached:
        raise InvalidInputError(fields={"parent": [_MY_OWN_REACH]})
