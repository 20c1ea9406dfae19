"""For whom is a process begun?"""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import IntegerField, StringField, TelField
from wtforms.validators import Length, Optional

from app.core.i18n import _


class StartDialog(FlaskForm):
    """For whom: a customer that is there, or a new one added on the spot (name and phone)."""

    customer_id = IntegerField(_("Customer"), [Optional()])
    new_name = StringField(_("Name of the new customer"), [Optional(), Length(max=200)])
    new_phone = TelField(_("Phone number"), [Optional(), Length(max=60)])
    #: where another customer has that number
    new_reason = StringField(_("Why both customers have it"), [Optional(), Length(max=500)])
