"""What does one type to sign in, to make the first admin, or to change one's own account?"""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, IntegerField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Email, InputRequired, Length, Optional, Regexp, ValidationError
from wtforms.widgets import HiddenInput

from app.core.i18n import LANGUAGES, _
from app.core.screens.fields import without_nul
from app.core.vietnamese import phone_e164
from app.security.rules import LONGEST_SIGNATURE, PASSWORD_RULES, PHONE_WRONG, password_problem, read_name

_STORABLE = Regexp(r"[^\x00-\x1f\x7f\ud800-\udfff]*\Z", message=_("This text contains signs that cannot be stored."))


def _name(label: Any, missing: Any, longest: int) -> StringField:
    """A name that people can see, with nothing in it that cannot be stored."""
    return StringField(label, [DataRequired(missing), Length(max=longest), _STORABLE], filters=[_named])


def _named(typed: str | None) -> str | None:
    return read_name(typed) if typed else typed


def _stripped(typed: str | None) -> str | None:
    return typed.strip() if typed else typed


def _new_password(label: Any) -> PasswordField:
    # How long it may be is said by the rule itself, with an example.
    return PasswordField(label, [InputRequired(_("Please choose a password."))], description=PASSWORD_RULES)


class SignInForm(FlaskForm):
    username = StringField(_("User name or e-mail"), [InputRequired(_("Please type your user name.")), Length(max=200)])
    password = PasswordField(_("Password"), [InputRequired(_("Please type your password.")), Length(max=1000)])


class SetupForm(FlaskForm):
    """The company and its first admin."""

    company = _name(_("Company name"), _("Please type the company's name."), 200)
    family_name = _name(_("Family name"), _("Please type your family name."), 64)
    given_name = _name(_("Given name"), _("Please type your given name."), 64)
    username = StringField(
        _("User name"),
        [
            InputRequired(_("Please choose a user name.")),
            Length(max=64),
            Regexp(
                r"[a-z0-9][a-z0-9._-]*\Z",
                message=_("Small letters without accents, digits, dot or dash. Example: hoa.nguyen"),
            ),
        ],
    )
    email = StringField(
        _("E-mail"), [InputRequired(_("Please type your e-mail.")), Length(max=200), Email(_("Example: hoa@congty.vn"))]
    )
    password = _new_password(_("Password"))
    repeat = PasswordField(_("Password again"), [InputRequired(_("Please type the password again."))])

    def validate_password(self, field: Field) -> None:
        refuse_weak(field, username=self.username.data or "")

    def validate_repeat(self, field: Field) -> None:
        refuse_other(field, self.password)


class ProfileForm(FlaskForm):
    """What a person says of himself."""

    rev = IntegerField(widget=HiddenInput())
    family_name = _name(_("Family name"), _("Please type your family name."), 64)
    given_name = _name(_("Given name"), _("Please type your given name."), 64)
    phone = StringField(
        _("Phone number"),
        [Optional(), Length(max=40), _STORABLE],
        filters=[_stripped],
        description=_("For your colleagues. Example: 0912 345 678"),
    )
    language = SelectField(_("Language"), choices=list(LANGUAGES.items()))
    time_zone = SelectField(_("Time zone"), description=_("Deadlines and times are shown in it."))
    signature = TextAreaField(
        _("Signature"),
        [Optional(), Length(max=LONGEST_SIGNATURE), without_nul],
        render_kw={"rows": 3},
        description=_("Stands under mails that you send. Plain text."),
    )

    def validate_phone(self, field: Field) -> None:
        if phone_e164(field.data) is None:
            raise ValidationError(str(PHONE_WRONG))


class PasswordForm(FlaskForm):
    """A new password, by whoever knows the present one."""

    present = PasswordField(
        _("Current password"), [InputRequired(_("Please type the password you have now.")), Length(max=1000)]
    )
    password = _new_password(_("New password"))
    repeat = PasswordField(_("New password again"), [InputRequired(_("Please type the new password again."))])

    def __init__(self, *, username: str) -> None:
        super().__init__()
        self._username = username

    def validate_password(self, field: Field) -> None:
        refuse_weak(field, username=self._username)
        if field.data and field.data == self.present.data:
            raise ValidationError(str(_("This is the password you have now. Make another one.")))

    def validate_repeat(self, field: Field) -> None:
        refuse_other(field, self.password)


class OwnPasswordForm(FlaskForm):
    """The first password that a person makes himself."""

    password = _new_password(_("Password"))
    repeat = PasswordField(_("Password again"), [InputRequired(_("Please type the password again."))])

    def __init__(self, *, username: str) -> None:
        super().__init__()
        self._username = username

    def validate_password(self, field: Field) -> None:
        refuse_weak(field, username=self._username)

    def validate_repeat(self, field: Field) -> None:
        refuse_other(field, self.password)


def refuse_weak(field: Field, *, username: str) -> None:
    problem = password_problem(field.data or "", username=username)
    if problem:
        raise ValidationError(str(problem))


def refuse_other(field: Field, first: Field) -> None:
    if field.data != first.data:
        raise ValidationError(str(_("The two passwords differ. Type the same one twice.")))
