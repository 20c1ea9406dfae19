"""What does one set for a form that everybody answers?"""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import SelectField, TextAreaField

from app.core.i18n import _
from app.forms.public.services import LONGEST_THANKS


class LinkDialog(FlaskForm):
    """The services judge what is typed."""

    source = SelectField(
        _("Channel of new customers"), description=_("Customers who come in by this form are said to come through it."),
        validate_choice=False,
    )  # fmt: skip
    team = SelectField(
        _("Team that answers"), validate_choice=False,
        description=_("New customers and the submissions are this team's. Without one only administrators see them."),
    )  # fmt: skip
    thanks = TextAreaField(
        _("What is said afterwards"), description=_("Left empty: that we have received it and come back to them."),
        render_kw={"rows": 3, "maxlength": LONGEST_THANKS},
    )  # fmt: skip
    sites = TextAreaField(
        _("Sites that may show the form inside of theirs"),
        description=_("One a line. Example: https://phosen.vn. Empty: it only stands alone, behind its address."),
        render_kw={"rows": 3, "autocapitalize": "none", "spellcheck": "false"},
    )  # fmt: skip
