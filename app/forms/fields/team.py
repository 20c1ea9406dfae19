"""Team: one of those that the person answering may see."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import Sentence
from app.core.i18n import _
from app.forms.fields.base import Context, Directory
from app.forms.fields.member import MemberType


class TeamType(MemberType):
    """Stored is the id."""

    code = "team"
    label = _("Team")
    missing: ClassVar[Sentence] = _("Please choose a team.")
    unknown: ClassVar[Sentence] = _("This team was not found. Please choose one from the list.")
    unseen: ClassVar[Sentence] = _("Team you may not see")

    def directory(self, context: Context) -> Directory:
        return context.teams
