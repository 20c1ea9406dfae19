"""Who of a sheet is new, who is here already, and what is wrong? First told, then written: all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import audit, guarded
from app.core.access import Actor, FieldRight, visible
from app.core.accounts import Role, User
from app.core.db import queue_up
from app.core.errors import BusinessError, NotAllowedError, Sentence
from app.core.i18n import _
from app.core.vietnamese import phone_e164
from app.security import admission, queries, rules
from app.security.member_guard import OUT_OF_SIGHT, refuse_above
from app.security.models import Member, Team, TeamMember
from app.security.people_sheet import PersonRow, plain
from app.security.role_services import roles_to_choose
from app.security.roles import STAFF
from app.security.services import create_member

#: first passwords that are made in one go: each takes a while to be kept safely
MOST_PASSWORDS = 100


class Finding(StrEnum):
    """What comes of a row."""

    new = auto()
    known = auto()
    wrong = auto()


@dataclass
class Checked:
    """A row with what comes of it. `team_ids` begin with the main one."""

    row: PersonRow
    finding: Finding = Finding.new
    #: as whoever is here already is called here
    known_as: str = ""
    problems: list[Sentence] = field(default_factory=list)
    username: str = ""
    phone: str | None = None
    team_ids: tuple[int, ...] = ()
    team_names: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    role_labels: tuple[Sentence, ...] = ()


@dataclass(frozen=True)
class Checkup:
    """The whole sheet."""

    rows: Sequence[Checked]

    def of(self, finding: Finding) -> list[Checked]:
        return [one for one in self.rows if one.finding is finding]

    @property
    def is_good(self) -> bool:
        return not self.of(Finding.wrong) and bool(self.of(Finding.new))


class SheetChangedError(BusinessError):
    """What the sheet says does not fit any more, or never did."""

    code = "import_refused"
    message = _("Nothing was added: some rows do not fit. Look at them and upload the file again.")


@dataclass(frozen=True)
class _Here:
    """What there is to begin with, read once for all rows."""

    usernames: set[str]
    #: → user name and name
    emails: Mapping[str, tuple[str, str]]
    codes: Mapping[str, Team]
    #: plain name → the teams that are called so
    teams: Mapping[str, Sequence[Team]]
    #: teams into which `by` may put people
    mine: set[int]
    #: teams whose people he sees; None: he sees everybody
    seen: frozenset[int] | None
    #: code or plain label → (code, label, why it cannot be given)
    roles: Mapping[str, tuple[str, Sentence, Sentence]]


def check(session: Session, rows: Sequence[PersonRow], *, by: Actor) -> Checkup:
    """The dry run: what would come of every row. Writes nothing; as many queries for one row as for all."""
    by.must("add", "Member")
    if by.field_right("Member", "email") is FieldRight.hidden:
        raise NotAllowedError(_("People are known by their e-mail in a sheet, and you may not see e-mails."))
    here = _read_here(session, by)
    mails = Counter(row.email.lower() for row in rows if row.email)
    names = Counter(row.username.lower() for row in rows if row.username)
    first: dict[str, int] = {}
    checked = []
    taken = set(here.usernames) | set(names)
    for row in rows:
        one = Checked(row)
        known = here.emails.get(row.email.lower())
        if known is not None and row.email.lower() not in first:
            one.finding = Finding.known
            # Whose address it is, nobody learns by asking for it who may not read it.
            one.username, one.known_as = known if by.reads("Member", "email") else ("", "")
        else:
            _check_person(one, here, mails, names, first, taken)
            _check_teams(one, here, by)
            _check_roles(one, here)
            one.finding = Finding.wrong if one.problems else Finding.new
        first.setdefault(row.email.lower(), row.number)
        first.setdefault(f"@{row.username.lower()}", row.number)
        checked.append(one)
    return Checkup(checked)


def bring_in(
    session: Session,
    rows: Sequence[PersonRow],
    *,
    by: Actor,
    password_hashes: Mapping[str, str] | None = None,
) -> list[Member]:
    """Add everybody who is new; they are invited by mail, or come in with the first passwords given by e-mail address.

    Checked once more, inside the transaction: raises SheetChangedError when a row is wrong by now or a first password
    is missing, and then nothing at all is added.
    """
    queue_up(session, "member")
    checkup = check(session, rows, by=by)
    if not checkup.is_good:
        raise SheetChangedError
    typed = {key for one in checkup.of(Finding.new) for key in ("phone", "title") if getattr(one.row, key)}
    guarded.refuse_unwritable(by, "Member", ["family_name", "given_name", "username", "email", *typed], is_new=True)
    roles = {role.name: role for role in session.scalars(select(Role))}
    added: list[Member] = []
    # What somebody may do comes from these alone: each of them is asked for once
    known: set[tuple[tuple[str, ...], tuple[int, ...]]] = set()
    for one in checkup.of(Finding.new):
        try:
            member = _bring(session, one, roles, by)
            if (one.roles, one.team_ids) not in known:
                refuse_above(session, member, by)
                known.add((one.roles, one.team_ids))
            _let_in(session, member, password_hashes, by)
        except SheetChangedError:
            raise
        except BusinessError as refusal:
            told = " ".join(str(sentence) for sentences in refusal.fields.values() for sentence in sentences)
            raise SheetChangedError(
                _("Nothing was added. Row %(number)d: %(why)s", number=one.row.number, why=told or refusal.message)
            ) from None
        added.append(member)
    seen = select(func.count(Member.id)).where(Member.id.in_([one.id for one in added]), visible(Member, by))
    if session.scalar(seen) != len(added):
        raise SheetChangedError(OUT_OF_SIGHT)
    audit.record(session, "people_imported", table=Member.__tablename__, changes={"rows": len(added)}, by=by)
    return added


def _let_in(session: Session, member: Member, password_hashes: Mapping[str, str] | None, by: Actor) -> None:
    if password_hashes is None:
        admission.send_link(session, member, by=by)
    elif member.email.lower() not in password_hashes:
        raise SheetChangedError
    else:
        admission.give_first_password(session, member, password_hash=password_hashes[member.email.lower()], by=by)


def _bring(session: Session, one: Checked, roles: Mapping[str, Role], by: Actor) -> Member:
    """One new person. What `by` may give was asked for the whole sheet, in this very transaction."""
    row = one.row
    member = create_member(
        session, username=one.username, family_name=rules.read_name(row.family_name),
        given_name=rules.read_name(row.given_name), email=rules.read_email(row.email) or "",
        password_hash=rules.NO_PASSWORD, title=" ".join(rules.plain_text(row.title).split()) or None,
        phone=one.phone, by=by,
    )  # fmt: skip
    member.user.active = False
    member.user.roles = [roles[code] for code in one.roles]
    session.add_all(
        TeamMember(team_id=team_id, member_id=member.id, is_primary=place == 0)
        for place, team_id in enumerate(one.team_ids)
    )
    return member


def choices(session: Session, *, by: Actor) -> tuple[list[Team], list[Sentence]]:
    """What can be written under teams and under roles: those into which `by` may put people, and those he can give."""
    by.must("add", "Member")
    here = _read_here(session, by)
    teams = sorted((team for team in here.codes.values() if team.id in here.mine), key=lambda team: team.sort_key)
    return teams, list({code: label for code, label, why in here.roles.values() if not why}.values())


# ── what is there ────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_here(session: Session, by: Actor) -> _Here:
    users = session.execute(
        select(User.username, func.lower(User.email).label("email"), User.last_name, User.first_name)
    ).all()
    found = session.scalars(select(Team).where(Team.archived_at.is_(None), visible(Team, by))).all()
    mine: set[int] = set()
    if by.may("edit", "Team"):
        mine = set(session.scalars(select(Team.id).where(visible(Team, by, "edit"))))
    teams: dict[str, list[Team]] = {}
    for team in found:
        teams.setdefault(plain(team.name), []).append(team)
    roles = {}
    for name, _held, why in roles_to_choose(session, by):
        for word in {name.code.lower(), plain(name.label_vi), plain(name.label_en), plain(str(name.label))} - {""}:
            roles[word] = (name.code, name.label, why)
    usernames = {one.username.lower() for one in users}
    emails = {one.email: (one.username, f"{one.last_name} {one.first_name}".strip()) for one in users if one.email}
    seen = queries.teams_of_people(by, "view")
    return _Here(usernames, emails, {team.code: team for team in found}, teams, mine, seen, roles)


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_person(
    one: Checked, here: _Here, mails: Counter[str], names: Counter[str], first: Mapping[str, int], taken: set[str]
) -> None:
    row, problems = one.row, one.problems
    for typed, missing in (
        (row.family_name, _("The family name is missing.")),
        (row.given_name, _("The given name is missing.")),
    ):
        if not rules.read_name(typed):
            problems.append(missing)
        elif len(typed) > rules.LONGEST_NAME:
            problems.append(_("At most %(count)d characters, please.", count=rules.LONGEST_NAME))
    mail = row.email.lower()
    if not mail:
        problems.append(_("The e-mail is missing."))
    elif rules.read_email(row.email) is None:
        problems.append(_("This is no e-mail address: %(typed)s", typed=row.email[:100]))
    elif mails[mail] > 1 and mail in first:
        problems.append(_("The same e-mail stands in row %(number)d already.", number=first[mail]))
    elif mail in here.emails or mail in here.usernames:
        problems.append(_("Somebody here has this e-mail already."))
    _check_username(one, here, names, first, taken)
    one.phone = phone_e164(row.phone) if row.phone else None
    if row.phone and one.phone is None:
        problems.append(_("The phone number %(typed)s is not right. Example: 0912 345 678", typed=row.phone[:40]))
    if len(row.title) > rules.LONGEST_TITLE:
        problems.append(_("The title is longer than %(count)d characters.", count=rules.LONGEST_TITLE))


def _check_username(one: Checked, here: _Here, names: Counter[str], first: Mapping[str, int], taken: set[str]) -> None:
    """Without one a free one is made from the name, as the form does it."""
    row = one.row
    if not row.username:
        made = rules.username_of(row.family_name, row.given_name)
        if not made:
            one.problems.append(_("No user name can be made from this name. Write one into the file."))
            return
        one.username = _free(made, taken)
        taken.add(one.username)
        return
    one.username, typed = row.username, row.username.lower()
    wrong = rules.username_problem(row.username)
    if wrong is not None:
        one.problems.append(_("The user name %(typed)s will not do. %(why)s", typed=row.username[:64], why=wrong))
    elif names[typed] > 1 and f"@{typed}" in first:
        one.problems.append(_("The same user name stands in row %(number)d already.", number=first[f"@{typed}"]))
    elif typed in here.usernames:
        free = _free(typed, taken)
        one.problems.append(_("Somebody is called %(taken)s already. Free is: %(free)s", taken=row.username, free=free))


def _free(wanted: str, taken: set[str]) -> str:
    stem, number, name = wanted[: rules.LONGEST_NAME - 4], 2, wanted
    while name in taken:
        name, number = f"{stem}{number}", number + 1
    return name


def _check_teams(one: Checked, here: _Here, by: Actor) -> None:
    found: list[Team] = []
    for typed in one.row.teams:
        coded = here.codes.get(typed.lower())
        named = [coded] if coded is not None else here.teams.get(plain(typed), ())
        if not named:
            one.problems.append(_("There is no team called %(name)s.", name=typed[:100]))
        elif len(named) > 1:
            codes = ", ".join(team.code for team in named)
            one.problems.append(
                _("Several teams are called %(name)s. Write the code: %(codes)s.", name=typed[:100], codes=codes)
            )
        elif named[0].id not in here.mine:
            one.problems.append(_("You may not put people into the team %(name)s.", name=named[0].name))
        elif named[0] not in found:
            found.append(named[0])
    if not one.problems and here.seen is not None and not here.seen & {team.id for team in found}:
        one.problems.append(OUT_OF_SIGHT)
    one.team_ids = tuple(team.id for team in found)
    one.team_names = tuple(team.name for team in found)


def _check_roles(one: Checked, here: _Here) -> None:
    """Whoever has none in the file gets the usual one, where it is the importer's to give."""
    given: dict[str, Sentence] = {}
    usual = here.roles.get(STAFF.lower())
    if not one.row.roles and usual is not None and not usual[2]:
        given[usual[0]] = usual[1]
    for typed in one.row.roles:
        known = here.roles.get(typed.lower()) or here.roles.get(plain(typed))
        if known is None:
            one.problems.append(_("There is no role called %(name)s.", name=typed[:100]))
            continue
        code, label, why = known
        if why:
            one.problems.append(_("You cannot give the role %(name)s. %(why)s", name=label, why=why))
        else:
            given[code] = label
    one.roles, one.role_labels = tuple(given), tuple(given.values())
