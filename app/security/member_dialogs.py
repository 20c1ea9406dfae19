"""What does one type to add a colleague or to change what is said of him?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wtforms import Field, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

from app.core import clock, edge, settings
from app.core.access import visible
from app.core.db import db
from app.core.errors import Sentence
from app.core.i18n import DEFAULT_TIME_ZONE, LANGUAGES, _
from app.core.screens.fields import Longest, needed, tidy_line, without_nul
from app.core.vietnamese import phone_e164, show_phone
from app.security import member_queries as about
from app.security import rules
from app.security.members import username_taken
from app.security.models import Member, Team
from app.security.role_names import RoleName
from app.security.role_services import roles_to_choose

BY_MAIL, BY_HAND, LATER = "mail", "password", "later"
_INPUT = {"class": "form-control", "autocomplete": "off"}


@dataclass(frozen=True)
class Offered:
    """One box to tick; with `why` it stays as it is."""

    value: str
    label: Any
    hint: Any = ""
    why: Any = ""


class ChecksField(Field):
    """Several of a few, drawn as boxes. `data` is what is chosen, joined by commas: one value, to compare and to keep.

    Boxes that stay as they are keep what the record has, whatever is sent.
    """

    def offered(self) -> Sequence[Offered]:
        raise NotImplementedError

    @property
    def chosen(self) -> list[str]:
        return [value for value in (self.data or "").split(",") if value]

    @property
    def boxes(self) -> list[tuple[Offered, bool]]:
        chosen = set(self.chosen)
        return [(one, one.value in chosen) for one in self.offered()]

    def iter_choices(self) -> Iterable[tuple[str, str]]:
        """The one choice that is made, in words."""
        yield self.data or "", ", ".join(str(one.label) for one, is_chosen in self.boxes if is_chosen)

    def process_data(self, value: Any) -> None:
        self.data = _joined(value.split(",") if isinstance(value, str) else value or ())

    def process_formdata(self, valuelist: list[Any]) -> None:
        sent = {part for value in valuelist for part in str(value).split(",") if part}
        before = {str(one) for one in self.object_data or ()}
        offered = {one.value: one for one in self.offered()}
        locked = {value for value, one in offered.items() if one.why}
        self.data = _joined((sent & set(offered)) - locked | (before & locked))
        if sent - set(offered):
            raise ValueError(str(_("Please choose one from the list.")))

    def _value(self) -> str:
        return self.data or ""


def _joined(values: Iterable[Any]) -> str:
    return ",".join(sorted(map(str, values)))


class RolesField(ChecksField):
    """The roles that can be given; those that are not his to give stay as they are."""

    @cached_property
    def _choices(self) -> Sequence[tuple[RoleName, bool, Sentence]]:
        return roles_to_choose(db.session(), edge.actor())

    def offered(self) -> Sequence[Offered]:
        held = set(self.object_data or ())
        return [
            Offered(name.code, name.label, name.purpose, why)
            for name, _held, why in self._choices
            if not why or name.code in held
        ]


def _teams() -> Sequence[Team]:
    """Those whose people he may change."""
    who = edge.actor()
    return about.teams_to_choose(db.session(), visible(Team, who, "edit")) if who.may("edit", "Team") else ()


class MoreTeamsField(ChecksField):
    """All teams; those that are not his to change stay as they are."""

    def offered(self) -> Sequence[Offered]:
        mine = [Offered(str(team.id), team.name) for team in _teams()]
        known = {one.value for one in mine}
        others = [team_id for team_id in self.object_data or () if str(team_id) not in known]
        kept = [db.session().get_one(Team, team_id) for team_id in others]
        return [*mine, *(Offered(str(team.id), team.name, why=_("You may not change this team.")) for team in kept)]


class TeamField(SelectField):
    """The main team, by its id; the one that he has may stay, even when it is not the editor's to change."""

    def process(self, formdata: Any, *args: Any, **more: Any) -> None:
        offered = [("", "—"), *((str(team.id), team.name) for team in _teams())]
        known, self.choices = {value for value, _name in offered}, offered
        super().process(formdata, *args, **more)
        present = self.object_data
        if present is not None and str(present) not in known:
            team = db.session().get_one(Team, present)
            own = [(str(team.id), team.name)]
            self.choices = [*offered, *own] if edge.actor().may("edit", "Team") else own


class ZoneField(SelectField):
    """A time zone with its place; the one that he has may stay."""

    def process(self, formdata: Any, *args: Any, **more: Any) -> None:
        self.choices = []
        super().process(formdata, *args, **more)
        self.choices = rules.zone_choices(self.object_data or DEFAULT_TIME_ZONE, clock.now())


class PhoneField(StringField):
    """A number as people write it."""

    def process_data(self, value: Any) -> None:
        self.data = show_phone(value) if value else ""


def _id(value: Any) -> str:
    return "" if value in (None, "None") else str(value)


def _is_phone(_form: Any, field: Field) -> None:
    if phone_e164(field.data) is None:
        raise ValidationError(str(rules.PHONE_WRONG))


def _is_email(_form: Any, field: Field) -> None:
    if rules.read_email(field.data or "") is None:
        raise ValidationError(str(rules.EMAIL_WRONG))


def _is_username(_form: Any, field: Field) -> None:
    why = rules.username_problem(field.data or "")
    if why is not None:
        raise ValidationError(str(why))


def _is_free(form: Any, field: Field) -> None:
    why = username_taken(db.session(), field.data, besides=form.changed_id)
    if why is not None:
        raise ValidationError(str(why))


def _name(label: Any) -> StringField:
    return StringField(
        label, [needed(label), without_nul, Longest(rules.LONGEST_NAME)], render_kw=dict(_INPUT), filters=[tidy_line]
    )


FIELDS = {
    "family_name": _name(_("Family name")),
    "given_name": _name(_("Given name")),
    "title": StringField(
        _("Title"), [Optional(), without_nul, Longest(rules.LONGEST_TITLE)], render_kw=dict(_INPUT),
        filters=[tidy_line], description=_("What the person does in the company."),
    ),
    "email": StringField(
        _("E-mail"), [needed(_("E-mail")), without_nul, Longest(rules.LONGEST_EMAIL), _is_email],
        render_kw={**_INPUT, "inputmode": "email"}, filters=[tidy_line],
    ),
    "phone": PhoneField(
        _("Phone number"), [Optional(), without_nul, Longest(40), _is_phone],
        render_kw={**_INPUT, "inputmode": "tel"}, filters=[tidy_line], description=_("Example: 0912 345 678"),
    ),
    "username": StringField(
        _("User name"), [Optional(), without_nul, _is_username, _is_free],
        render_kw={**_INPUT, "autocapitalize": "none", "spellcheck": "false",
                   "data-username": "/nhan-su/ten-dang-nhap"},
        filters=[tidy_line],
        description=_("To sign in with: small letters without accents. Left empty, it is made from the name."),
    ),
    "team_id": TeamField(
        _("Main team"), [Optional()], coerce=_id, render_kw={"class": "form-select"},
        description=_("What the person creates belongs to it."),
    ),
    "more_team_ids": MoreTeamsField(_("Other teams"), [Optional()]),
    "role_codes": RolesField(
        _("Roles"), [Optional()],
        description=_("Of several roles the widest right counts. Untick what the person does not need."),
    ),
    "language": SelectField(_("Language"), choices=list(LANGUAGES.items()), render_kw={"class": "form-select"},
                            default=lambda: settings.get(db.session(), "language")),
    "time_zone": ZoneField(_("Time zone"), render_kw={"class": "form-select"},
                           description=_("Deadlines and times are shown in it.")),
    "signature": TextAreaField(
        _("Signature"), [Optional(), without_nul, Longest(rules.LONGEST_SIGNATURE)],
        render_kw={**_INPUT, "rows": 3}, description=_("Stands under mails that the person sends. Plain text."),
    ),
}  # fmt: skip

#: only where somebody new is added
ENTRANCE = RadioField(
    _("How does the person come in?"),
    choices=[
        (BY_MAIL, _("Invite by e-mail")),
        (BY_HAND, _("Give a first password")),
        (LATER, _("Decide later")),
    ],
    default=BY_MAIL,
    description=_("By e-mail, the person makes the password with a link that works for 7 days."),
)


def typed(form: Any, member: Member | None) -> dict[str, Any]:
    """What the form holds, as app.security.members takes it."""
    session = db.session()

    def team(key: str) -> Team | None:
        return session.get(Team, int(key)) if key.isdigit() else None

    values = {
        name: form[name].data
        for name in ("family_name", "given_name", "title", "email", "phone", "username", "language", "time_zone",
                     "signature")
    }  # fmt: skip
    if member is not None and not values["username"]:
        values["username"] = member.username
    more = [team(key) for key in form.more_team_ids.chosen]
    values["team"] = team(form.team_id.data or "")
    values["more_teams"] = [one for one in more if one is not None and one is not values["team"]]
    values["roles"] = form.role_codes.chosen
    return values
