"""Who comes to work here, and what is said of him?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.core import audit, guarded, settings
from app.core.access import Actor
from app.core.accounts import User
from app.core.db import queue_up
from app.core.errors import ConflictError, InvalidInputError, Sentence
from app.core.i18n import DEFAULT_TIME_ZONE, LANGUAGES, _
from app.core.vietnamese import phone_e164, sort_key
from app.security import member_queries as about
from app.security import rules
from app.security.admission import end_invitations
from app.security.member_guard import lock_for, refuse_above, refuse_unseen, touch
from app.security.models import Member, Team
from app.security.role_services import assign_roles
from app.security.services import create_member
from app.security.teams import place

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


class _Problems:
    """Everything that is wrong with what was typed, told at once and beside its field."""

    def __init__(self) -> None:
        self.fields: dict[str, list[Sentence]] = {}

    def add(self, key: str, sentence: Sentence) -> None:
        self.fields.setdefault(key, []).append(sentence)

    def refuse_any(self) -> None:
        if self.fields:
            raise InvalidInputError(fields=self.fields)


def add_member(session: Session, *, by: Actor, **values: Unpack[MemberValues]) -> Member:
    """A new colleague, who cannot sign in before he was invited or given a first password.

    Without a user name he gets one made from his name. Whoever adds him has to see him afterwards.
    Raises InvalidInputError with every problem beside its field.
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
        place(session, member, values.get("team"), values.get("more_teams", ()), by=by)
    if values.get("roles"):
        assign_roles(session, member, values["roles"], by=by)
    refuse_unseen(session, member, by)
    return member


def change_member(session: Session, member: Member, *, by: Actor, rev: int, **values: Unpack[MemberValues]) -> Member:
    """Change what is given and leave the rest. `rev` is the one that the editor saw: raises ConflictError on another.

    Teams need the right to change teams; roles have their own rules. With another address an invitation to the old one
    ends. Raises InvalidInputError like add_member, and
    BusinessError for somebody who may more than `by` himself.
    """
    lock_for(session, member, by)
    if member.rev != rev:
        raise ConflictError(by=about.name_of(session, member.updated_by_id), at=member.updated_at, rev=member.rev)
    refuse_above(session, member, by)
    problems = _Problems()
    new = _read(session, values, problems, member)
    problems.refuse_any()
    guarded.refuse_unwritable(by, "Member", [key for key, value in new.items() if getattr(member, key) != value])
    user = member.user
    if new.get("email", user.email) != user.email and end_invitations(session, member):
        # What went to the old address lets nobody in any more.
        audit.record(session, "invitation_withdrawn", table="member", record_id=member.id, by=by)
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
        touch(member)
    session.flush()
    if "team" in values or "more_teams" in values:
        now = about.teams_of_member(session, member.id)
        team = values["team"] if "team" in values else next((one for one, primary in now if primary), None)
        more = values["more_teams"] if "more_teams" in values else [one for one, primary in now if not primary]
        place(session, member, team, more, by=by)
    if "roles" in values and set(values["roles"]) != set(member.role_codes):
        touch(member)
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
