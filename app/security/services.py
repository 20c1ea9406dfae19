"""Make members, teams and roles; hand records over; sign in and out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from app.core import audit, clock, rows, settings, uses, versions
from app.core.access import SYSTEM, Actor, Scope
from app.core.accounts import Permission, PermissionView, Role, User, ViewMenu
from app.core.db import connection_of, queue_up
from app.core.errors import (
    BadRequestError,
    BusinessError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    Sentence,
    TooManyRequestsError,
)
from app.core.i18n import DEFAULT_LANGUAGE, LANGUAGES, _
from app.core.vietnamese import fold, phone_e164, sort_key
from app.security import queries, rules
from app.security.models import (
    Grant,
    Look,
    Member,
    Right,
    RoleProfile,
    RoleScope,
    SetupLink,
    SignIn,
    SignInFailure,
    SignInKind,
    Team,
    TeamMember,
)
from app.security.roles import ADMIN, RESOURCES, SHIPPED

# The hash of no password, made like those of people: an unknown name costs the same time as a wrong password.
_NOBODY = f"scrypt:32768:8:1$nobody${'0' * 128}"


def create_member(
    session: Session,
    *,
    username: str,
    family_name: str,
    given_name: str,
    email: str,
    password_hash: str,
    roles: Collection[str] = (),
    title: str | None = None,
    phone: str | None = None,
    language: str = "vi",
    by: Actor,
) -> Member:
    """A new person with an account. `password_hash` is made outside the transaction (it is slow by design).

    Only the system itself gives roles here: people give them by role_services.assign_roles, which asks what they hold.
    Raises InvalidInputError when the user name or mail address is taken.
    """
    by.must("add", "Member")
    if roles and not by.is_system:
        raise NotAllowedError
    taken = session.scalars(
        select(User).where(or_(func.lower(User.username) == username.lower(), func.lower(User.email) == email.lower()))
    ).first()
    if taken is not None:
        field = "username" if taken.username.lower() == username.lower() else "email"
        raise InvalidInputError(fields={field: [_("Somebody already has this one.")]})
    user = User(
        first_name=given_name,
        last_name=family_name,
        username=username,
        email=email,
        password=password_hash,
        active=True,
    )
    user.roles = [session.scalars(select(Role).where(Role.name == code)).one() for code in roles]
    # FAB stamps who changed the user through flask.g; the audit log is ours, so these stay empty.
    session.add(user)
    session.flush()
    name = f"{family_name} {given_name}".strip()
    member = Member(id=user.id, name=name, sort_key=sort_key(name), title=title, phone=phone, language=language)
    session.add(member)
    session.flush()
    return member


def create_team(session: Session, *, code: str, name: str, parent: Team | None = None, by: Actor) -> Team:
    """A new team. Raises InvalidInputError when the code is taken."""
    by.must("add", "Team")
    if queries.team_by_code(session, code) is not None:
        raise InvalidInputError(fields={"code": [_("Somebody already has this one.")]})
    team = Team(code=code, name=name, sort_key=fold(name), parent_id=parent.id if parent else None)
    session.add(team)
    session.flush()
    return team


def archive_team(session: Session, team: Team, *, by: Actor) -> None:
    """The team leaves lists and choices; what it did stays. Raises InUseError while it has people or open work."""
    by.must("delete", "Team")
    queue_up(session, "team")
    for hindrance in team_hindrances(session, [team], by).values():
        raise uses.InUseError(hindrance)
    team.archived_at = team.archived_at or clock.now()
    session.flush()


def restore_team(session: Session, team: Team, *, by: Actor) -> None:
    """The team takes people and work again. Raises BusinessError while the team above it is archived."""
    by.must("delete", "Team")
    queue_up(session, "team")
    if team.parent is not None and team.parent.archived_at is not None:
        raise BusinessError(_("Restore the team above it first: %(name)s.", name=team.parent.name))
    team.archived_at = None
    session.flush()


def team_hindrances(session: Session, teams: Sequence[Team], who: Actor) -> dict[int, Sentence]:
    """Team id → who would be left without it: members, sub-teams, open work, processes that give it work.

    Teams that nobody needs are not in it.
    """
    ids = [team.id for team in teams]
    told: dict[int, list[str]] = {number: [] for number in ids}
    for number, found in uses.numbers_of_each(session, Team, ids).items():
        told[number] += [
            str(use.sentence) for use in found
            if use.open_count or (use.kind.model is TeamMember and use.count > use.aside)
        ]  # fmt: skip
    below = select(Team.parent_id, Team.name).where(Team.parent_id.in_(ids), Team.archived_at.is_(None))
    for above, name in session.execute(below.order_by(Team.sort_key)):
        told[above or 0].append(str(_("the team %(name)s", name=name)))
    for number, mentions in uses.mentions_of_each(session, teams, who).items():
        told[number] += uses.mentioned(mentions, lambda name: _("the process %(name)s", name=name))
    return {
        number: _("This team is still needed by: %(users)s. Hand them over first.", users="; ".join(users))
        for number, users in told.items() if users
    }  # fmt: skip


def rights_changed(session: Session, member_ids: Sequence[int]) -> None:
    """Whoever these people are signed in as, their next request reads their rights anew.

    Nothing is said of the people themselves: who changed them last, and when, stays.
    """
    anew = {"rights_version": Member.rights_version + 1, "updated_at": Member.updated_at}
    session.execute(
        update(Member).where(Member.id.in_(member_ids)).values(anew),
        execution_options={"synchronize_session": "fetch"},
    )


def change_password(session: Session, member: Member, *, password_hash: str) -> None:
    """Set the new password and end every session and token of the person."""
    member.user.password = password_hash
    end_sign_ins(session, member.id, reason="password")


def change_profile(
    session: Session, member: Member, *, family_name: str, given_name: str, phone: str | None, language: str,
    time_zone: str, signature: str | None = None,
) -> None:  # fmt: skip
    """What a person says of himself. Raises InvalidInputError for a phone number, language or zone that is none."""
    problems: dict[str, list[Sentence]] = {}
    number = phone_e164(phone) if phone else None
    if phone and number is None:
        problems["phone"] = [rules.PHONE_WRONG]
    if language not in LANGUAGES:
        problems["language"] = [_("Please choose one from the list.")]
    if time_zone not in rules.TIME_ZONES and time_zone != member.time_zone:
        problems["time_zone"] = [_("Please choose one from the list.")]
    family_name, given_name = rules.read_name(family_name), rules.read_name(given_name)
    name = f"{family_name} {given_name}"
    if not family_name or not given_name:
        key = "given_name" if family_name else "family_name"
        problems[key] = [_("Please fill in this field.")]
    signed = rules.plain_text(signature or "") or None
    if signed and len(signed) > rules.LONGEST_SIGNATURE:
        problems["signature"] = [_("At most %(count)d characters, please.", count=rules.LONGEST_SIGNATURE)]
    if problems:
        raise InvalidInputError(fields=problems)
    member.user.last_name, member.user.first_name = family_name, given_name
    member.name, member.sort_key = name, sort_key(name)
    member.phone, member.language, member.time_zone, member.signature = number, language, time_zone, signed
    session.flush()


def choose_language(session: Session, member: Member, language: str) -> None:
    """From now on the product speaks this language to the person. Raises BadRequestError for one that it does not."""
    if language not in LANGUAGES:
        raise BadRequestError(_("This language is not on offer. Choose Tiếng Việt or English."))
    member.language = language
    session.flush()


def ensure_roles(session: Session) -> None:
    """Make the resources, the seven rights and the shipped roles; what an admin has changed since is left alone.

    A right that came with a new version is given to the shipped roles as they ship; administrators have all of them.
    """
    permissions = {(p.permission.name, p.view_menu.name): p for p in session.scalars(select(PermissionView))}
    names = {p.name: p for p in session.scalars(select(Permission))}
    menus = {m.name: m for m in session.scalars(select(ViewMenu))}
    new: set[tuple[str, str]] = set()
    for resource, actions in RESOURCES.items():
        for action in actions:
            name = f"can_{action}"
            if (name, resource) in permissions:
                continue
            new.add((resource, action))
            permission = names.get(name) or names.setdefault(name, Permission(name=name))
            menu = menus.get(resource) or menus.setdefault(resource, ViewMenu(name=resource))
            permissions[name, resource] = PermissionView(permission=permission, view_menu=menu)
            session.add(permissions[name, resource])
    session.flush()
    for code, shipped in SHIPPED.items():
        role = queries.role_by_code(session, code)
        is_new = role is None
        if role is None:
            role = Role(name=code)
            session.add(role)
            session.flush()
        if session.get(RoleProfile, role.id) is None:
            session.add(RoleProfile(id=role.id))
        for resource, actions_of in shipped.items():
            for action, scope in actions_of.items():
                if is_new or (resource, action) in new or code == ADMIN:
                    _give(session, role, permissions[f"can_{action}", resource], resource, action, scope)
    session.flush()
    versions.changed(session, "roles")
    rights_changed(session, list(session.scalars(select(Member.id))))


def _give(session: Session, role: Role, permission: PermissionView, resource: str, action: str, scope: Scope) -> None:
    if permission not in role.permissions:
        role.permissions.append(permission)
    known = session.scalars(
        select(RoleScope).where(
            RoleScope.role_id == role.id, RoleScope.resource == resource, RoleScope.action == action
        )
    ).one_or_none()
    if known is None:
        session.add(RoleScope(role_id=role.id, resource=resource, action=action, scope=scope))


def hand_over(
    session: Session,
    resource: str,
    record_id: int,
    *,
    right: Right,
    reason: str,
    member_id: int | None = None,
    team_id: int | None = None,
    until: datetime | None = None,
) -> None:
    """Let one person or one team see the record from now on, for this reason. Given twice it is one grant."""
    known = session.scalars(
        select(Grant.id).where(
            Grant.resource == resource,
            Grant.record_id == record_id,
            Grant.right == right,
            Grant.reason == reason,
            Grant.member_id.is_(None) if member_id is None else Grant.member_id == member_id,
            Grant.team_id.is_(None) if team_id is None else Grant.team_id == team_id,
            Grant.ended_at.is_(None),
        )
    ).first()
    if known is None:
        given = {"resource": resource, "record_id": record_id, "member_id": member_id, "team_id": team_id}
        rows.add(session, Grant, [given | {"right": right, "reason": reason, "until": until}])


def hand_over_all(
    session: Session,
    records: Sequence[tuple[str, int, Right]],
    *,
    reason: str,
    member_ids: Collection[int],
    team_id: int | None,
) -> None:
    """Let these people and this team see the records (resource, id, right), for a reason for which nobody sees them."""
    receivers = [(member_id, None) for member_id in member_ids] + ([(None, team_id)] if team_id is not None else [])
    rows.add(session, Grant, [
        {"resource": resource, "record_id": record_id, "member_id": member_id, "team_id": team, "right": right,
         "reason": reason}
        for resource, record_id, right in records for member_id, team in receivers
    ])  # fmt: skip


_GIVEN_FOR = (
    select(Grant.id)
    .where(Grant.reason.in_(bindparam("reasons", expanding=True)), Grant.ended_at.is_(None))
    .order_by(Grant.id)
)


def end_grants(
    session: Session, *, reason: str | Collection[str], teams_only: bool = False, member_id: int | None = None
) -> None:
    """What was handed over for this reason, or these, ends: all of it, only the teams' part, or one person's."""
    reasons, ending = [reason] if isinstance(reason, str) else list(reason), _GIVEN_FOR
    if teams_only:
        ending = ending.where(Grant.team_id.is_not(None))
    if member_id is not None:
        ending = ending.where(Grant.member_id == member_id)
    session.flush()
    given = connection_of(session).execute(ending, {"reasons": reasons}).scalars().all()
    rows.change_all(session, Grant, given, ended_at=clock.now())


def refuse_when_throttled(session: Session, *, address: str, account: str) -> None:
    """Raises TooManyRequestsError after ten wrong passwords in five minutes from one address or for one account.

    `account` is an account_key: one for all the names by which a person may sign in.
    Inside a transaction nobody else signs in meanwhile, so that parallel guesses are counted one after the other.
    """
    if session.info.get("transaction"):
        queue_up(session, "sign_in")
    since = clock.now() - rules.TRIES_WINDOW
    if queries.failures_since(session, since, address=address, account=account) >= rules.TRIES:
        raise TooManyRequestsError(retry_after=int(rules.TRIES_WINDOW.total_seconds()))


class Judged(StrEnum):
    """What a typed password is worth."""

    right = auto()
    wrong = auto()
    #: right, but somebody else knows it too, and its time is over
    expired = auto()


def judge_password(member: Member | None, password: str) -> Judged:
    """Is this the person's password, and does it still count? Takes the same time for an unknown name.

    Run it outside a transaction.
    """
    if member is None or not member.is_active or len(password) > rules.LONGEST_PASSWORD:
        check_password_hash(_NOBODY, password[: rules.LONGEST_PASSWORD])
        return Judged.wrong
    if not check_password_hash(member.user.password, password):
        return Judged.wrong
    return Judged.right if member.lets_in else Judged.expired


def matches_password(member: Member | None, password: str) -> bool:
    """May he come in with it? As judge_password()."""
    return judge_password(member, password) is Judged.right


def record_failure(
    session: Session, *, address: str, account: str, member: Member | None, what: str = "sign_in_failed"
) -> None:
    """Count the wrong password. What was typed for nobody's name is not in the audit log: it may be a password."""
    session.add(SignInFailure(address=address, account=account))
    is_closed = what == "sign_in_failed" and member is not None and member.deactivated_at is not None
    _told(session, "sign_in_closed" if is_closed else what, member.id if member else None, address=address)
    session.execute(delete(SignInFailure).where(SignInFailure.at < clock.now() - 12 * rules.TRIES_WINDOW))


def is_throttling_told(session: Session, *, address: str, member: Member | None) -> bool:
    """Does the audit log tell already that this address, or tries for this person (or nobody), are refused for now?"""
    told = select(audit.AuditEvent.id).where(
        audit.AuditEvent.name == "sign_in_throttled", audit.AuditEvent.at > clock.now() - rules.TRIES_WINDOW,
        or_(audit.AuditEvent.address == address, audit.AuditEvent.record_id == (member.id if member else None)),
    )  # fmt: skip
    return session.scalar(told.limit(1)) is not None


def record_throttling(session: Session, *, address: str, member: Member | None) -> None:
    """Tell that tries are refused without a look at the password; of each address and person once a window."""
    queue_up(session, "sign_in")
    if not is_throttling_told(session, address=address, member=member):
        _told(session, "sign_in_throttled", member.id if member else None, address=address)


def record_refusal(session: Session, member: Member, *, address: str) -> None:
    """Tell that the password was right, and did not open the door: whoever gave it still knows it."""
    _told(session, "sign_in_refused", member.id, address=address)


def sign_in(session: Session, member: Member, *, kind: SignInKind, address: str | None, agent: str | None) -> str:
    """Open a session for the person; returns the token that his browser or program keeps."""
    token = rules.new_token()
    now = clock.now()
    session.add(
        SignIn(
            token_hash=rules.token_hash(token),
            kind=kind,
            member_id=member.id,
            address=address,
            agent=(agent or "")[:300],
            created_at=now,
            expires_at=now + rules.SIGN_IN_LASTS,
        )
    )
    member.user.last_login = now.replace(tzinfo=None)
    member.user.login_count = (member.user.login_count or 0) + 1
    session.flush()
    _told(session, "sign_in", member.id, {"kind": kind.value}, address=address)
    return token


def sign_out(session: Session, token: str) -> None:
    """End the one session behind this token; an unknown token is none."""
    row = session.scalars(select(SignIn).where(SignIn.token_hash == rules.token_hash(token))).one_or_none()
    if row is not None and row.ended_at is None:
        row.ended_at, row.ended_reason = clock.now(), "signed_out"
        _told(session, "sign_out", row.member_id, {"kind": row.kind.value})


def end_sign_ins(session: Session, member_id: int, *, reason: str, keep: str | None = None) -> int:
    """End every session of the person, but for the one of the token to `keep`. Returns how many.

    The audit log says why, and how many were open.
    """
    now = clock.now()
    ended = session.scalars(
        update(SignIn)
        .where(SignIn.member_id == member_id, SignIn.ended_at.is_(None), SignIn.expires_at > now)
        .where(SignIn.token_hash != rules.token_hash(keep or ""))
        .values(ended_at=now, ended_reason=reason)
        .returning(SignIn.id)
    ).all()
    if ended:
        _told(session, "sign_ins_ended", member_id, {"reason": reason, "count": len(ended)})
    return len(ended)


def end_sign_in(session: Session, device: SignIn) -> None:
    """End this one session of one's own; one that has ended already stays as it is."""
    if device.ended_at is None:
        device.ended_at, device.ended_reason = clock.now(), "by_owner"
        _told(session, "sign_ins_ended", device.member_id, {"reason": "by_owner", "count": 1})


def _told(
    session: Session,
    what: str,
    member_id: int | None,
    changes: dict[str, Any] | None = None,
    *,
    address: str | None = None,
) -> None:
    """Sessions are no audited rows (their tokens change nothing): the audit log has what happened to them as events."""
    audit.record(session, what, table="member", record_id=member_id, changes=changes, address=address)


def make_setup_link(session: Session) -> str:
    """A fresh one-time link secret for the first admin; older ones die. Raises BusinessError once there is one."""
    if queries.members_with_role(session, ADMIN):
        raise BusinessError(_("This company already has an administrator."))
    session.execute(delete(SetupLink).where(SetupLink.used_at.is_(None)))
    token = rules.new_token()
    session.add(SetupLink(token_hash=rules.token_hash(token)))
    return token


def open_setup_link(session: Session, token: str) -> SetupLink:
    """The unused link behind the secret. Raises NotFoundError when it was used or never was."""
    link = session.scalars(select(SetupLink).where(SetupLink.token_hash == rules.token_hash(token))).one_or_none()
    if link is None or link.used_at is not None or queries.members_with_role(session, ADMIN):
        raise NotFoundError
    return link


def hash_password(password: str, method: str = "scrypt") -> str:
    """Slow by design: never inside a transaction."""
    return generate_password_hash(password, method=method)


def make_first_admin(
    session: Session,
    token: str,
    *,
    company: str,
    username: str,
    family_name: str,
    given_name: str,
    email: str,
    password_hash: str,
    language: str = DEFAULT_LANGUAGE,
) -> Member:
    """Use up the set-up link: name the company and make its first administrator."""
    queue_up(session, "setup_link")
    link = open_setup_link(session, token)
    link.used_at = clock.now()
    settings.put(session, "company_name", company, by=SYSTEM)
    return create_member(
        session,
        username=username,
        family_name=family_name,
        given_name=given_name,
        email=email,
        password_hash=password_hash,
        roles=[ADMIN],
        language=language,
        by=SYSTEM,
    )


def why_ended(session: Session, token: str) -> str | None:
    """Why the session of this token is no more: what end_sign_ins was told, or "expired"; None: it lives, or nobody
    knows it any more."""
    ended = select(SignIn.ended_reason, SignIn.expires_at).where(SignIn.token_hash == rules.token_hash(token))
    found = session.execute(ended).one_or_none()
    if found is None:
        return None
    return found.ended_reason or ("expired" if found.expires_at <= clock.now() else None)


def forget_sign_ins(session: Session, *, before: datetime) -> None:
    """Sessions that ended or expired before that moment are nobody's any more; the audit log keeps that they were."""
    old = select(SignIn.id).where(SignIn.expires_at < before)
    session.execute(delete(Look).where(Look.sign_in_id.in_(old)))
    session.execute(delete(SignIn).where(SignIn.expires_at < before))
    session.execute(delete(SignInFailure).where(SignInFailure.at < before))
