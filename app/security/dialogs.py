"""What does one type to sign in, or to make the first admin?"""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField
from wtforms.validators import DataRequired, Email, InputRequired, Length, Regexp, ValidationError

from app.core.i18n import _
from app.security.rules import LONGEST_PASSWORD, password_problem


def _line(label: Any, missing: Any, longest: int) -> StringField:
    """One line of text that must hold more than blanks, and nothing that cannot be stored."""
    storable = Regexp(r"[^\x00-\x1f\x7f\ud800-\udfff]*\Z", message=_("This text contains signs that cannot be stored."))
    return StringField(label, [DataRequired(missing), Length(max=longest), storable], filters=[_stripped])


def _stripped(typed: str | None) -> str | None:
    return typed.strip() if typed else typed


class SignInForm(FlaskForm):
    username = StringField(_("User name or e-mail"), [InputRequired(_("Please type your user name.")), Length(max=200)])
    password = PasswordField(_("Password"), [InputRequired(_("Please type your password.")), Length(max=1000)])


class SetupForm(FlaskForm):
    """The company and its first admin."""

    company = _line(_("Company name"), _("Please type the company's name."), 200)
    family_name = _line(_("Family name"), _("Please type your family name."), 64)
    given_name = _line(_("Given name"), _("Please type your given name."), 64)
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
    password = PasswordField(
        _("Password"), [InputRequired(_("Please choose a password.")), Length(max=LONGEST_PASSWORD)]
    )
    repeat = PasswordField(_("Password again"), [InputRequired(_("Please type the password again."))])

    def validate_password(self, field: Field) -> None:
        problem = password_problem(field.data, username=self.username.data or "")
        if problem:
            raise ValidationError(str(problem))

    def validate_repeat(self, field: Field) -> None:
        if field.data != self.password.data:
            raise ValidationError(str(_("The two passwords differ.")))
