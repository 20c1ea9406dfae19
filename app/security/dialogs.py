"""What does one type to sign in, or to make the first admin?"""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField
from wtforms.validators import Email, InputRequired, Length, Regexp, ValidationError

from app.core.i18n import _
from app.security.rules import LONGEST_PASSWORD, password_problem


class SignInForm(FlaskForm):
    username = StringField(_("User name or e-mail"), [InputRequired(_("Please type your user name.")), Length(max=200)])
    password = PasswordField(_("Password"), [InputRequired(_("Please type your password.")), Length(max=1000)])


class SetupForm(FlaskForm):
    """The company and its first admin."""

    company = StringField(_("Company name"), [InputRequired(_("Please type the company's name.")), Length(max=200)])
    family_name = StringField(_("Family name"), [InputRequired(_("Please type your family name.")), Length(max=64)])
    given_name = StringField(_("Given name"), [InputRequired(_("Please type your given name.")), Length(max=64)])
    username = StringField(
        _("User name"),
        [
            InputRequired(_("Please choose a user name.")),
            Length(max=64),
            Regexp(
                r"^[a-z0-9][a-z0-9._-]*$",
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
