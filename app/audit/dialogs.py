"""What does somebody say before personal values are taken out of the log?"""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField

from app.audit.erasing import LONGEST_REASON
from app.core.i18n import _


class EraseDialog(FlaskForm):
    """Why, and the word that shows that it is meant."""

    reason = TextAreaField(
        _("Why"), description=_("Example: the customer asked for it on 12/11/2026."),
        render_kw={"maxlength": LONGEST_REASON, "rows": 3},
    )  # fmt: skip
    typed = StringField(_("Type the word to confirm"), render_kw={"autocomplete": "off", "maxlength": 40})
