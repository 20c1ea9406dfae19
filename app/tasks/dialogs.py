"""What does one type beside a task: to whom it goes, why, a note?"""

from __future__ import annotations

from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import SelectField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.i18n import _
from app.tasks.rules import LONGEST_NOTE


class ReassignForm(FlaskForm):
    """The person is chosen among the active members, which the page fills in."""

    assignee = SelectField(_("Give to"), coerce=int)
    reason = TextAreaField(_("Reason"), [Optional(), Length(max=LONGEST_NOTE)])


class CommentForm(FlaskForm):
    text = TextAreaField(_("Note"), [Optional(), Length(max=LONGEST_NOTE)])
    files = MultipleFileField(_("Files"))
