"""Who comes to work here, what is said of him, and who takes over when he leaves? Nobody is ever deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.core import audit, clock, guarded, links, settings
from app.core.access import Actor, get_visible
from app.core.accounts import User
from app.core.db import queue_up
from app.core.errors import (
    BusinessError,
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    Sentence,
)
from app.core.i18n import DEFAULT_TIME_ZONE, LANGUAGES, _
from app.core.vietnamese import phone_e164, sort_key
from app.security import member_queries as about
from app.security import queries, rules
from app.security.events import Duty, Held, duties, messenger, traces
from app.security.models import Grant, Member, MemberInvitation, Team, TeamMember
from app.security.role_services import assign_roles, keep_an_administrator
from app.security.services import change_password, create_member, end_sign_ins, rights_changed
from app.security.teams import must_place

#: users that are looked through for a free name
_MOST_NAMESAKES = 1_000


class MemberValues(TypedDict, total=False):
    """What change_member takes: what is left out stays. An empty phone, title or signature is none."""

    family_name: str
    given_name: str
    username: str
    email: str
    phone: str | None
    title: str | None
    language: str
    time_zone: str
    signature: str | None
    #: the team to which what he creates belongs
    team: Team | None
    more_teams: Sequence[Team]
    roles: Sequence[str]


class OpenWorkError(BusinessError):
    """He still has work in hand for which nobody was named. `fields`: duty key → what it is."""

    code = "open_work"
    message = _("There is open work left. Say who takes it over.")


class _Problems:
    """Everything that is wrong with what was typed, told at once and beside its field."""

    def __init__(self) -> None:
        self.fields: dict[str, list[Sentence]] = {}

    def add(self, key: str, sentence: Sentence) -> None:
        self.fields.setdefault(key, []).append(sentence)

    def refuse_any(self) -> None:
        if self.fields:
            raise InvalidInputError(fields=self.fields)


# ── Coming ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def add_member(session: Session, *, by: Actor, **values: Unpack[MemberValues]) -> Member:
    """A new colleague, who cannot sign in before he was invited or given a first password.

    Without a user name he gets one made from his name. Raises InvalidInputError with every problem beside its field.
    """
    by.must("add", "Member")
    guarded.refuse_unwritable(by, "Member", [key for key in values if values.get(key)], is_new=True)
    queue_up(session, "member")
    problems = _Problems()
    family_name, given_name = values.get("family_name") or "", values.get("given_name") or ""
    if not (values.get("username") or "").strip():
        values["username"] = free_username(session, rules.username_of(family_name, given_name))
    missing = {key: "" for key in ("family_name", "given_name", "email") if key not in values}
    new = _read(session, {**missing, **values}, problems, None)
    problems.refuse_any()
    member = create_member(
        session,
        username=new["username"],
        family_name=new["family_name"],
        given_name=new["given_name"],
        email=new["email"],
        password_hash=rules.NO_PASSWORD,
        roles=(),
        title=new.get("title"),
        phone=new.get("phone"),
        language=new.get("language") or settings.get(session, "language"),
        by=by,
    )
    member.user.active = False
    member.time_zone = new.get("time_zone", DEFAULT_TIME_ZONE)
    member.signature = new.get("signature")
    session.flush()
    if values.get("team") or values.get("more_teams"):
        _place(session, member, values.get("team"), values.get("more_teams", ()), by=by)
    if values.get("roles"):
        assign_roles(session, member, values["roles"], by=by)
    return member


def change_member(session: Session, member: Member, *, by: Actor, rev: int, **values: Unpack[MemberValues]) -> Member:
    """Change what is given and leave the rest. `rev` is the one that the editor saw: raises ConflictError on another.

    Teams need the right to change teams; roles have their own rules. Raises InvalidInputError like add_member, and
    BusinessError for somebody who may more than `by` himself.
    """
    _lock_for(session, member, by)
    if member.rev != rev:
        raise ConflictError(by=about.name_of(session, member.updated_by_id), at=member.updated_at, rev=member.rev)
    _refuse_above(session, member, by)
    problems = _Problems()
    new = _read(session, values, problems, member)
    problems.refuse_any()
    guarded.refuse_unwritable(by, "Member", [key for key, value in new.items() if getattr(member, key) != value])
    user = member.user
    for key, column in (("family_name", "last_name"), ("given_name", "first_name"), ("username", "username"),
                        ("email", "email")):  # fmt: skip
        if key in new:
            setattr(user, column, new[key])
    for key in ("title", "phone", "language", "time_zone", "signature"):
        if key in new:
            setattr(member, key, new[key])
    name = f"{user.last_name} {user.first_name}".strip()
    member.name, member.sort_key = name, sort_key(name)
    if session.is_modified(user):
        _touch(member)
    session.flush()
    if "team" in values or "more_teams" in values:
        now = about.teams_of_member(session, member.id)
        team = values["team"] if "team" in values else next((one for one, primary in now if primary), None)
        more = values["more_teams"] if "more_teams" in values else [one for one, primary in now if not primary]
        _place(session, member, team, more, by=by)
    if "roles" in values and set(values["roles"]) != set(member.role_codes):
        _touch(member)
        assign_roles(session, member, values["roles"], by=by)
    return member


def free_username(session: Session, wanted: str, *, besides: int | None = None) -> str:
    """The wanted user name, or with the first number behind it that nobody has; "" stays empty."""
    if not wanted:
        return ""
    stem = wanted[: rules.LONGEST_NAME - 4]
    near = select(User.id, func.lower(User.username).label("name")).where(
        func.lower(User.username).startswith(stem.lower(), autoescape=True)
    )
    taken = {row.name for row in session.execute(near.limit(_MOST_NAMESAKES)) if row.id != besides}
    if wanted not in taken:
        return wanted
    number = 2
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def username_taken(session: Session, typed: str, *, besides: int | None = None) -> Sentence | None:
    """Why nobody else can be called like this, with a name that is free; None: it is free itself."""
    other = session.scalar(select(User.id).where(func.lower(User.username) == typed.lower(), User.id != (besides or 0)))
    if other is None:
        return None
    free = free_username(session, typed, besides=besides)
    return _("Somebody is called %(taken)s already. Free is: %(free)s", taken=typed, free=free)


# ── The way in ───────────────────────────────────────────────────────────────────────────────────────────────────────


def invite_member(session: Session, member: Member, *, by: Actor) -> str:
    """Mail the person a one-time link to his own password; earlier links die. Returns the secret of the link."""
    _lock_for(session, member, by, "add")
    if member.deactivated_at is not None:
        raise BusinessError(_("%(name)s no longer works here. Take the person back first.", name=member.name))
    if member.is_active:
        raise BusinessError(_("%(name)s can sign in already.", name=member.name))
    _refuse_above(session, member, by)
    _end_invitations(session, member)
    return send_invitation(session, member, by=by)


def send_invitation(session: Session, member: Member, *, by: Actor) -> str:
    """The same for somebody whom `by` has just made: there is nothing left to ask."""
    token, until = rules.new_token(), clock.now() + rules.INVITATION_LASTS
    session.add(MemberInvitation(member_id=member.id, token_hash=rules.token_hash(token), expires_at=until))
    session.flush()
    link = links.absolute(links.invitation_path(token))
    messenger().invite(session, member, link=link, until=until, by=by)
    audit.record(session, "member_invited", table="member", record_id=member.id, by=by)
    return token


def withdraw_invitation(session: Session, member: Member, *, by: Actor) -> None:
    """The link that is under way opens nothing any more. Raises BusinessError when there is none."""
    _lock_for(session, member, by, "add")
    if not _end_invitations(session, member):
        raise BusinessError(_("There is no open invitation."))
    audit.record(session, "invitation_withdrawn", table="member", record_id=member.id, by=by)


def open_invitation(session: Session, token: str) -> MemberInvitation:
    """The live invitation behind the secret. Raises NotFoundError when it was used, taken back, ran out, or never."""
    row = session.scalars(
        select(MemberInvitation).where(MemberInvitation.token_hash == rules.token_hash(token))
    ).one_or_none()
    is_live = row is not None and row.used_at is None and row.withdrawn_at is None and row.expires_at > clock.now()
    if row is None or not is_live or row.member.is_active or row.member.deactivated_at is not None:
        raise NotFoundError(_("This invitation no longer counts. Ask whoever invited you to send it again."))
    return row


def accept_invitation(session: Session, token: str, *, password_hash: str) -> Member:
    """Use the link up: the person has a password of his own and may sign in."""
    queue_up(session, "member_invitation")
    invitation = open_invitation(session, token)
    member = invitation.member
    session.refresh(member, with_for_update={"of": Member})
    invitation.used_at = clock.now()
    _let_in(session, member, password_hash=password_hash, must_change=False)
    audit.record(session, "invitation_accepted", table="member", record_id=member.id)
    return member


def give_first_password(session: Session, member: Member, *, password_hash: str, by: Actor) -> None:
    """A password that somebody else knows: the person has to change it before he sees anything. His sessions end."""
    _lock_for(session, member, by)
    if member.id == by.user_id:
        raise BusinessError(_("You change your own password in your account."))
    if member.deactivated_at is not None:
        raise BusinessError(_("%(name)s no longer works here. Take the person back first.", name=member.name))
    _refuse_above(session, member, by)
    _end_invitations(session, member)
    _let_in(session, member, password_hash=password_hash, must_change=True)
    audit.record(session, "first_password_given", table="member", record_id=member.id, by=by)


def choose_own_password(session: Session, member: Member, *, password_hash: str) -> None:
    """Whoever came in with a password that somebody else knows has one of his own now."""
    change_password(session, member, password_hash=password_hash)
    member.must_change_password = False
    session.flush()


def _let_in(session: Session, member: Member, *, password_hash: str, must_change: bool) -> None:
    change_password(session, member, password_hash=password_hash)
    member.user.active = True
    member.must_change_password = must_change
    session.flush()
    rights_changed(session, [member.id])


def _end_invitations(session: Session, member: Member) -> int:
    """Those that can still be used; how many."""
    live = session.scalars(select(MemberInvitation).where(*about.is_live(member.id))).all()
    for invitation in live:
        invitation.withdrawn_at = clock.now()
    session.flush()
    return len(live)


# ── Leaving and coming back ──────────────────────────────────────────────────────────────────────────────────────────


def open_work(session: Session, member: Member, who: Actor, *, titles: int = 3) -> list[tuple[Duty, Held]]:
    """What he has in hand, by kind, as far as there is any; the titles are those that `who` may see."""
    found = ((duty, duty.held(session, member, who, titles=titles)) for duty in duties())
    return [(duty, held) for duty, held in found if held.count]


def going_on(session: Session, member: Member) -> list[Sentence]:
    """What nobody has to take over, but everybody should know before he leaves."""
    return [sentence for trace in traces() for sentence in trace(session, member)]


def deactivate_member(
    session: Session, member: Member, *, by: Actor, receivers: Mapping[str, Member] | None = None
) -> dict[str, dict[str, int]]:
    """The person can no longer sign in; what he did stays his. `receivers`: duty key → who takes that over.

    His open work changes hands, his sessions and all that was shared with him end. Returns receiver → duty → number.
    Raises OpenWorkError while something in hand has no receiver, InvalidInputError for a receiver who cannot take it,
    BusinessError for oneself, for the last administrator and for somebody who may more than `by`.
    """
    queue_up(session, "member")
    _lock_for(session, member, by)
    if member.deactivated_at is not None:
        raise BusinessError(_("%(name)s no longer works here.", name=member.name))
    if member.id == by.user_id:
        raise BusinessError(_("You cannot deactivate yourself."))
    keep_an_administrator(session, member)
    _refuse_above(session, member, by)
    taken_over = _hand_over(session, member, receivers or {}, by=by)
    member.user.active = False
    member.deactivated_at = clock.now()
    member.must_change_password = False
    _end_invitations(session, member)
    for grant in session.scalars(select(Grant).where(Grant.member_id == member.id, Grant.ended_at.is_(None))):
        grant.ended_at = clock.now()
    session.flush()
    end_sign_ins(session, member.id, reason="deactivated")
    rights_changed(session, [member.id])
    audit.record(session, "member_deactivated", table="member", record_id=member.id, changes=taken_over, by=by)
    return taken_over


def _hand_over(
    session: Session, member: Member, receivers: Mapping[str, Member], *, by: Actor
) -> dict[str, dict[str, int]]:
    """Everything that he has in hand to whom it was promised: {user name of the receiver: {duty: number}}."""
    work = open_work(session, member, by, titles=0)
    missing = {duty.key: [duty.counted(held.count)] for duty, held in work if duty.key not in receivers}
    if missing:
        raise OpenWorkError(fields=missing)
    problems = _Problems()
    for duty, _held in work:
        to = receivers[duty.key]
        why = _receiver_problem(member, to) or duty.refusal(session, to)
        if why is not None:
            problems.add(duty.key, why)
    problems.refuse_any()
    told: dict[str, dict[str, int]] = {}
    for duty, _held in work:
        to = receivers[duty.key]
        try:
            count = duty.hand_over(session, member, to, by=by)
        except (NotAllowedError, NotFoundError):
            refused = _("You may not hand this on: %(what)s. Ask an administrator.", what=duty.label)
            raise NotAllowedError(refused, fields={duty.key: [refused]}) from None
        told.setdefault(to.username, {})[duty.key] = count
    for to in {one.id: one for one in receivers.values()}.values():
        if to.username in told and to.id != by.user_id:
            messenger().handed_over(session, to, before=member, counts=told[to.username], by=by)
    return told


def _receiver_problem(member: Member, to: Member) -> Sentence | None:
    if to.id == member.id:
        return _("Choose somebody else: this person is leaving.")
    return None if to.is_active else _("%(name)s no longer works here.", name=to.name)


def reactivate_member(session: Session, member: Member, *, by: Actor) -> None:
    """The person is back, with his roles and teams. Whoever never had a password has to be invited then."""
    _lock_for(session, member, by)
    if member.deactivated_at is None:
        raise BusinessError(_("%(name)s works here.", name=member.name))
    _refuse_above(session, member, by)
    member.deactivated_at = None
    member.user.active = member.user.password != rules.NO_PASSWORD
    session.flush()
    rights_changed(session, [member.id])
    audit.record(session, "member_reactivated", table="member", record_id=member.id, by=by)


# ── Inside ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _lock_for(session: Session, member: Member, by: Actor, right: str = "edit") -> None:
    """His present state, kept from others, once he is the actor's to change."""
    by.must(right, "Member")
    get_visible(session, Member, member.id, by, right)
    session.refresh(member, with_for_update={"of": Member})


def _touch(member: Member) -> None:
    """Part of him stands in other tables: who typed on an older state shall be told all the same."""
    member.updated_at = clock.now()


def _refuse_above(session: Session, member: Member, by: Actor) -> None:
    """Nobody comes by rights that he does not hold by changing, letting in or locking out somebody who holds them."""
    if by.is_system or member.id == by.user_id:
        return
    if not about.holds_as_much(by, queries.rights_of(session, member)):
        raise BusinessError(
            _("%(name)s holds rights that you do not have. Ask an administrator to do this.", name=member.name)
        )


def _read(session: Session, values: Mapping[str, Any], problems: _Problems, member: Member | None) -> dict[str, Any]:
    """What was typed, as it is kept; what cannot be read is a problem beside its field."""
    new: dict[str, Any] = {}
    besides = member.id if member is not None else None

    def read(key: str, reading: Callable[[Any], Any]) -> None:
        if key in values:
            try:
                new[key] = reading(values[key])
            except _UnreadableError as unreadable:
                problems.add(key, unreadable.sentence)

    read("family_name", lambda typed: _name(typed, _("Please type the family name.")))
    read("given_name", lambda typed: _name(typed, _("Please type the given name.")))
    read("username", lambda typed: _username(session, typed, besides))
    read("email", lambda typed: _email(session, typed, besides))
    read("phone", _phone)
    read("title", lambda typed: _line(typed, rules.LONGEST_TITLE))
    read("signature", _signature)
    read("language", lambda code: _one_of(code, LANGUAGES))
    present = member.time_zone if member is not None else DEFAULT_TIME_ZONE
    read("time_zone", lambda zone: _one_of(zone, {*rules.TIME_ZONES, present}))
    return new


class _UnreadableError(Exception):
    def __init__(self, sentence: Sentence) -> None:
        super().__init__()
        self.sentence = sentence


def _at_most(text: str, most: int) -> str:
    if len(text) > most:
        raise _UnreadableError(_("At most %(count)d characters, please.", count=most))
    return text


def _name(typed: str | None, missing: Sentence) -> str:
    name = rules.read_name(typed or "")
    if not name:
        raise _UnreadableError(missing)
    return _at_most(name, rules.LONGEST_NAME)


def _username(session: Session, typed: str | None, besides: int | None) -> str:
    name = (typed or "").strip()
    why = rules.username_problem(name) or username_taken(session, name, besides=besides)
    if why is not None:
        raise _UnreadableError(why)
    return name


def _email(session: Session, typed: str | None, besides: int | None) -> str:
    address = rules.read_email(typed or "")
    if address is None:
        raise _UnreadableError(rules.EMAIL_WRONG)
    same = or_(func.lower(User.email) == address.lower(), func.lower(User.username) == address.lower())
    other = session.scalar(select(User.id).where(same, User.id != (besides or 0)))
    if other is not None:
        raise _UnreadableError(_("Somebody here has this e-mail already."))
    return address


def _phone(typed: str | None) -> str | None:
    if not (typed or "").strip():
        return None
    number = phone_e164(typed or "")
    if number is None:
        raise _UnreadableError(rules.PHONE_WRONG)
    return number


def _line(typed: str | None, most: int) -> str | None:
    return _at_most(" ".join(rules.plain_text(typed or "").split()), most) or None


def _signature(typed: str | None) -> str | None:
    return _at_most(rules.plain_text(typed or ""), rules.LONGEST_SIGNATURE) or None


def _one_of(code: str, offered: Any) -> str:
    if code not in offered:
        raise _UnreadableError(_("Please choose one from the list."))
    return code


def _place(session: Session, member: Member, team: Team | None, more: Sequence[Team], *, by: Actor) -> None:
    """Put him into these teams and out of all others; `team` is the primary one."""
    wanted = {one.id: one for one in (*more, *([team] if team else []))}
    now = {row.team_id: row for row in member.memberships}
    primary = team.id if team is not None else None
    if set(wanted) == set(now) and all(row.is_primary == (row.team_id == primary) for row in now.values()):
        return
    by.must("edit", "Team")
    problems = _Problems()
    if wanted and team is None:
        problems.add("team", _("Choose the main team: what this person creates belongs to it."))
    for one in wanted.values():
        if one.id not in now and one.archived_at is not None:
            problems.add("team" if one.id == primary else "more_teams",
                         _("The team %(name)s is archived.", name=one.name))  # fmt: skip
    left = [row for team_id, row in now.items() if team_id not in wanted]
    headed = [row.team.name for row in left if row.team.head_id == member.id]
    if headed:
        problems.add("team", _("%(name)s heads this team: %(teams)s. Give it another head first.", name=member.name,
                               teams=", ".join(headed)))  # fmt: skip
    problems.refuse_any()
    for one in (*(one for one in wanted.values() if one.id not in now), *(row.team for row in left)):
        must_place(session, one, member, by=by)
    _touch(member)
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
