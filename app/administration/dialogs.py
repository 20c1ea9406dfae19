"""What is typed before the demo company goes?"""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired

from app.core.i18n import _


class RemovalDialog(FlaskForm):
    typed = StringField(
        _("Name of the company"),
        [InputRequired(_("Type the company's name, so that nothing is removed by mistake."))],
        render_kw={"autocomplete": "off"},
    )
