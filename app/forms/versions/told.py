"""Which versions has a form, what is different in each, and how often was it answered?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.errors import Sentence
from app.core.i18n import _
from app.forms import company_words, queries
from app.forms.meaning import Change, changes
from app.forms.models import Form, FormVersion, Submission, VersionState
from app.forms.rules import Problem
from app.forms.services import place_of_draft

#: so many are told, the newest first
MOST_TOLD = 30


@dataclass(frozen=True)
class ToldVersion:
    """A version beside the one before it. Of a draft, `number` and `edition` are those it would be published under."""

    version: FormVersion
    number: int
    edition: int
    answers: int
    changes: Sequence[Change] = ()
    #: what keeps a draft from being published; then nothing is compared
    problems: Sequence[Problem] = ()
    #: nothing came before it
    is_first: bool = False

    @property
    def called(self) -> Sentence:
        return called(self.number, self.edition)


def called(number: int, edition: int) -> Sentence:
    """Version 2; from its second edition on with that."""
    if edition == 1:
        return _("Version %(number)d", number=number)
    return _("Version %(number)d, edition %(edition)d", number=number, edition=edition)


def told_versions(session: Session, form: Form, who: Actor) -> list[ToldVersion]:
    """The newest first. The draft is among them for whoever may draw."""
    rows = session.scalars(queries.versions_of(form).limit(MOST_TOLD + 1)).all()
    counts = select(Submission.form_version_id, func.count().label("answers")).where(
        Submission.form_version_id.in_([one.id for one in rows])
    ).group_by(Submission.form_version_id)  # fmt: skip
    answers = {row.form_version_id: row.answers for row in session.execute(counts)}
    may_draw = queries.may_with(session, form, who, "edit")
    found = [
        _told(session, one, before, answers.get(one.id, 0), who) for one, before in pairwise([*rows, None])
        if one is not None and (one.state is not VersionState.draft or may_draw)
    ]  # fmt: skip
    return found[:MOST_TOLD]


def told_draft(session: Session, form: Form, who: Actor) -> ToldVersion | None:
    """The draft beside what is published; None: there is none."""
    draft = queries.draft_of(session, form)
    return None if draft is None else _told(session, draft, queries.published_version(session, form.code), 0, who)


def _told(session: Session, one: FormVersion, before: FormVersion | None, answers: int, who: Actor) -> ToldVersion:
    number, edition = one.number, one.edition
    if one.state is VersionState.draft:
        problems = company_words.problems(session, one.definition)
        if problems:
            return ToldVersion(one, number, edition, 0, problems=problems, is_first=before is None)
        number, edition = place_of_draft(session, one, by=who)
    different = changes(before.definition, one.definition) if before is not None else []
    return ToldVersion(one, number, edition, answers, different, is_first=before is None)
