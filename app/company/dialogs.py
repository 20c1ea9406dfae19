"""What does one type to describe the company: its name, sender, logo, working week?"""

from __future__ import annotations

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from app.core.i18n import LANGUAGES, _
from app.core.settings import LARGEST_FILE_MEGABYTES


class CompanyDialog(FlaskForm):
    company_name = StringField(
        _("Company name"), [InputRequired(_("Please type the company's name.")), Length(max=200)]
    )
    short_name = StringField(_("Short name"), [Length(max=60)], render_kw={"autocomplete": "off"})
    tax_code = StringField(_("Tax code"), [Length(max=20)], render_kw={"inputmode": "numeric", "autocomplete": "off"})
    address = StringField(_("Office address"), [Length(max=300)])
    phone = StringField(_("Phone number"), [Length(max=30)], render_kw={"inputmode": "tel"})
    email = StringField(_("E-mail"), [Length(max=254)], render_kw={"inputmode": "email"})
    website = StringField(_("Website"), [Length(max=200)], render_kw={"inputmode": "url"})
    logo = FileField(
        _("Logo"),
        description=_("Stands on the sign-in page and in the sidebar. PNG, JPG or WebP, at most 2 MB, best 512 × 512."),
    )
    remove_logo = BooleanField(_("Take the logo away"))


class GeneralDialog(FlaskForm):
    """What holds for everybody: the language one begins with, and how large a file may be."""

    language = SelectField(
        _("Language of the company"),
        choices=list(LANGUAGES.items()),
        description=_("New colleagues begin with it, and mails are written in it to whom no other is known of."
                      " Everybody chooses his own language in his account."),
    )  # fmt: skip
    largest_file_mb = StringField(
        _("Largest file (MB)"),
        [InputRequired(_("Type a number of megabytes. Example: 20"))],
        description=_("One file that somebody uploads. This installation takes at most %(count)d MB.",
                      count=LARGEST_FILE_MEGABYTES),
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )  # fmt: skip


class WeekDialog(FlaskForm):
    """The working hours of each weekday as typed: "08:00-12:00, 13:30-17:30"; empty is a day off."""

    rev = IntegerField(widget=HiddenInput(), default=1)
    day_0 = StringField(_("Monday"), [Length(max=200)])
    day_1 = StringField(_("Tuesday"), [Length(max=200)])
    day_2 = StringField(_("Wednesday"), [Length(max=200)])
    day_3 = StringField(_("Thursday"), [Length(max=200)])
    day_4 = StringField(_("Friday"), [Length(max=200)])
    day_5 = StringField(_("Saturday"), [Length(max=200)])
    day_6 = StringField(_("Sunday"), [Length(max=200)])
