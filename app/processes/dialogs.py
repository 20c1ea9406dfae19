"""For whom is a process begun, what does it do by itself, and which programs does it call?"""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, SelectField, StringField, TelField, TextAreaField
from wtforms.validators import Length, Optional
from wtforms.widgets import HiddenInput

from app.core.i18n import _
from app.processes.engine.http import METHODS


class StartDialog(FlaskForm):
    """For whom: a customer that is there, or a new one added on the spot (name and phone)."""

    customer_id = IntegerField(_("Customer"), [Optional()])
    new_name = StringField(_("Name of the new customer"), [Optional(), Length(max=200)])
    new_phone = TelField(_("Phone number"), [Optional(), Length(max=60)])
    #: where another customer has that number
    new_reason = StringField(_("Why both customers have it"), [Optional(), Length(max=500)])


# ── what a process does by itself ──
class _TaskDialog(FlaskForm):
    """Every check is the drawing's: it tells what is wrong beside the field."""

    rev = IntegerField(widget=HiddenInput(), default=0)
    name = StringField(_("Name of the step"), render_kw={"autocomplete": "off"})
    place = SelectField(_("Between which steps"), validate_choice=False)


class SetDialog(_TaskDialog):
    pairs = TextAreaField(
        _("What is set"),
        description=_(
            "One value a line: field = value. A text stands in quotes, a field of the customer begins with customer."
            " Example: priority = 'high'"
        ),
        render_kw={"rows": 5, "spellcheck": "false"},
    )


class MailTaskDialog(_TaskDialog):
    template = SelectField(_("Message text"), validate_choice=False)
    to = SelectField(
        _("Who gets the mail"),
        choices=[
            ("customer", _("The customer")), ("initiator", _("Whoever began the process")),
            ("owner", _("Whoever looks after the customer")), ("field", _("The address in a field")),
        ],
        validate_choice=False,
    )  # fmt: skip
    address = StringField(
        _("Field with the address"), description=_("Only where the address stands in a field. Example: email"),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip
    words = StringField(
        _("Field whose text is added"), description=_("May stay empty."),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip
    waits = BooleanField(
        _("The process goes on only once the mail is out"),
        description=_("Else it goes on at once. A mail that is given up stops it for an administrator."),
    )


class TellDialog(_TaskDialog):
    message = StringField(
        _("Name of the message"), description=_("As those write it who wait for it. Example: paid"),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip
    known_by = StringField(
        _("Field by which it is known"),
        description=_("Its value tells which process file it is for. Empty: a new one begins with it. Example: code"),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    kept_for = StringField(
        _("Days for which it is kept"),
        description=_("While nobody waits for it yet, from 1 to 30. Empty: one day."),
        render_kw={"autocomplete": "off", "inputmode": "numeric"},
    )
    pairs = TextAreaField(
        _("What is sent"),
        description=_("One value a line: its name there = the field here. Example: code = order_code"),
        render_kw={"rows": 4, "spellcheck": "false"},
    )


class HttpDialog(_TaskDialog):
    receiver = SelectField(_("Receiver"), validate_choice=False)
    path = StringField(
        _("Path behind its address"), description=_("May stay empty. Example: /orders"),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip
    url = StringField(
        _("Web address"), description=_("Only without a receiver. Example: https://kho.example.vn/don-hang"),
        render_kw={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"},
    )  # fmt: skip
    method = SelectField(_("How it is called"), choices=[(one, one) for one in METHODS], validate_choice=False)
    pairs = TextAreaField(
        _("What is sent"),
        description=_("One value a line: its name there = the field here. Example: code = order_code"),
        render_kw={"rows": 4, "spellcheck": "false"},
    )
    kept = TextAreaField(
        _("What is kept of the answer"),
        description=_("One value a line: the field here = its place in the answer. Example: stock = result.count"),
        render_kw={"rows": 3, "spellcheck": "false"},
    )
    headers = TextAreaField(
        _("Headers sent along"),
        description=_("One a line, nothing secret. Example: X-Shop = hanoi"),
        render_kw={"rows": 2, "spellcheck": "false"},
    )
    seconds = StringField(
        _("Seconds to wait for the answer"), description=_("From 1 to 30."), render_kw={"inputmode": "numeric"}
    )
    tries = StringField(
        _("Minutes until it is tried again"),
        description=_("One number for each further try. Empty: it is called once. Example: 1, 5, 30"),
        render_kw={"autocomplete": "off"},
    )


class ReceiverDialog(FlaskForm):
    """Every check is the service's."""

    rev = IntegerField(widget=HiddenInput(), default=0)
    name = StringField(_("Name"), render_kw={"autocomplete": "off"})
    code = StringField(
        _("Code"), description=_("By which processes call it; it never changes. Example: kho-hang"),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip
    url = StringField(
        _("Web address"), description=_("Where it begins; a process adds the rest. Example: https://kho.example.vn/api"),
        render_kw={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"},
    )  # fmt: skip
    may_be_inside = BooleanField(_("It lies in our own network, and may be called there"))
    headers = TextAreaField(
        _("Headers that sign in"), render_kw={"rows": 3, "autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip
