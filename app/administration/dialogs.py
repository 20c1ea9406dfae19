"""What is typed before the demo company goes, and to say through which server mail goes?"""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired
from wtforms.widgets import HiddenInput

from app.core.i18n import _
from app.notifications.server_rules import SECURITY_LABELS


class RemovalDialog(FlaskForm):
    #: chosen with what the page shows: what was tried on demo records goes as well ("1")
    with_tried = HiddenField()
    typed = StringField(
        _("Name of the company"),
        [InputRequired(_("Type the company's name, so that nothing is removed by mistake."))],
        render_kw={"autocomplete": "off"},
    )


class MailDialog(FlaskForm):
    """Every check is the service's: it tells what is wrong beside the field."""

    rev = IntegerField(widget=HiddenInput(), default=0)
    mail_from_name = StringField(
        _("Sender of mails"),
        description=_("The name that people see in the From line of mails. Empty: the company's name."),
        render_kw={"autocomplete": "off"},
    )
    sender_address = StringField(
        _("Sender address"),
        description=_("Mostly the address of the account with which the server is signed in to."),
        render_kw={"inputmode": "email", "autocomplete": "off"},
    )
    reply_to = StringField(
        _("Replies go to"),
        description=_("Empty: to the sender address."),
        render_kw={"inputmode": "email", "autocomplete": "off"},
    )
    host = StringField(
        _("Mail server"),
        description=_("Its name, as your mail provider gives it, for instance smtp.congty.vn. Empty: mails wait."),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    port = StringField(_("Port"), render_kw={"inputmode": "numeric", "autocomplete": "off"})
    security = SelectField(
        _("Encryption"), choices=[(str(key), label) for key, label in SECURITY_LABELS.items()], validate_choice=False
    )
    username = StringField(
        _("User name"),
        description=_("Empty: the server wants none."),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    password = PasswordField(_("Password"), render_kw={"autocomplete": "new-password"})
