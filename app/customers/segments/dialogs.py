"""What does one type to name a group of customers?"""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput

from app.core import edge
from app.core.db import db
from app.core.i18n import _
from app.customers.segments import queries
from app.customers.segments.models import NAME_LENGTH, PURPOSE_LENGTH

_TYPED = {"autocomplete": "off"}


class SegmentDialog(FlaskForm):
    """The words of a segment; its condition is put together beside them."""

    name = StringField(
        _("Name"), description=_("Example: VIP in Đà Nẵng"), render_kw={**_TYPED, "data-most": NAME_LENGTH}
    )
    purpose = StringField(
        _("What it is for"), description=_("One line, for whoever finds it later."),
        render_kw={**_TYPED, "data-most": PURPOSE_LENGTH},
    )  # fmt: skip
    team_id = SelectField(_("Shared with"), coerce=str)
    rev = IntegerField(widget=HiddenInput(), validators=[Optional()])

    def __init__(self, *args: Any, team: tuple[int, str] | None = None, **more: Any) -> None:
        """`team`: the one that it is shared with now, which stays on offer."""
        super().__init__(*args, **more)
        offered = dict(queries.teams_to_share_with(db.session(), edge.actor()))
        if team is not None:
            offered.setdefault(*team)
        self.team_id.choices = [("", _("Nobody: it is my own")), *((str(key), name) for key, name in offered.items())]

    @property
    def team(self) -> int | None:
        return int(self.team_id.data) if self.team_id.data else None
