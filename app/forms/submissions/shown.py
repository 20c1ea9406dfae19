"""What stands on the page of answers that were given? From where they came, and how they were corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import history, links
from app.core.access import Actor, visible
from app.core.errors import Sentence
from app.core.i18n import _
from app.core.screens.revealing import REVEALS
from app.customers.models import Customer
from app.customers.queries import customer_names
from app.forms import queries, reading
from app.forms.displays import display
from app.forms.fields.base import Context, FormField, Value
from app.forms.models import Submission, SubmissionRevision, SubmissionSource, SubmissionState
from app.forms.submissions import rules
from app.forms.submissions.screens import SOURCE_LABELS, STATE_LABELS
from app.forms.words import say

#: revisions that are compared on the page, the last ones
MOST_COMPARED = 20
_COLOURS = {SubmissionState.submitted: "open", SubmissionState.locked: "done", SubmissionState.voided: "archived"}
_SUBJECTS = {"task": (_("Task"), links.task_path), "instance": (_("Process file"), links.instance_path)}


@dataclass(frozen=True)
class Difference:
    """One answer before and after a correction, as people read them."""

    label: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Revision:
    """Answers as they stood for a while. `differences`: from the revision before; none for the first one."""

    number: int
    at: datetime
    by: str
    reason: str
    differences: Sequence[Difference]
    is_current: bool


@dataclass(frozen=True)
class Head:
    """Who, when, from where, for whom, under which version, and how it stands."""

    #: "": nobody who was signed in
    by: str
    #: who let in what came from outside; "": the product itself did, or it did not come from there
    taken_in_by: str
    version: str
    state: str
    colour: str
    source: Sentence
    #: name and page of the customer, whose name alone is read without a page; none: about nobody that he may know
    about: tuple[str, str] | None
    #: what the answers were given for: label and page
    subject: tuple[Sentence, str] | None
    #: who locked or voided it, when, why; none: nobody did
    decided: tuple[Sentence, datetime, str, str] | None


def head(session: Session, submission: Submission, who: Actor) -> Head:
    people = {submission.created_by_id, submission.locked_by_id, submission.voided_by_id}
    names = history.names_of_people(session, people)
    version, state = submission.version, submission.state
    told = {
        SubmissionState.locked: (_("Locked"), submission.locked_at, submission.locked_by_id),
        SubmissionState.voided: (_("Voided"), submission.voided_at, submission.voided_by_id),
    }.get(state)
    label, path = _SUBJECTS.get(submission.subject_type or "", (None, None))
    return Head(
        by=names.get(submission.filled_in_by_id or 0, ""),
        taken_in_by=names.get(submission.taken_in_by_id or 0, ""),
        version=str(version.number) if version.edition == 1 else f"{version.number}.{version.edition}",
        state=str(STATE_LABELS[state]),
        colour=_COLOURS[state],
        source=SOURCE_LABELS[submission.source],
        about=_about(session, submission.customer_id, who),
        subject=(label, path(submission.subject_id)) if label and path and submission.subject_id else None,
        decided=(told[0], told[1], names.get(told[2] or 0, ""), submission.reason or "") if told and told[1] else None,
    )


def _about(session: Session, customer_id: int | None, who: Actor) -> tuple[str, str] | None:
    if customer_id is None:
        return None
    named = customer_names(session, [customer_id], who).get(customer_id)
    if named is None:
        return None
    is_open = session.scalar(select(Customer.id).where(Customer.id == customer_id, visible(Customer, who)))
    return named.name, links.customer_path(customer_id) if is_open else ""


def revisions(session: Session, submission: Submission, context: Context) -> list[Revision]:
    """All that were, the last one first; none where nothing was ever corrected."""
    if submission.revision == 1:
        return []
    rows = select(SubmissionRevision).where(SubmissionRevision.submission_id == submission.id)
    earlier = session.scalars(rows.order_by(SubmissionRevision.number.desc()).limit(MOST_COMPARED)).all()[::-1]
    stages: list[tuple[int, datetime, int | None, str | None, Mapping[str, Any]]] = [
        (one.number, one.given_at, one.given_by_id, one.reason, one.answers) for one in earlier
    ]
    stages.append(
        (submission.revision, submission.corrected_at or submission.created_at, submission.corrected_by_id,
         submission.correction, submission.answers)
    )  # fmt: skip
    names = history.names_of_people(session, {stage[2] for stage in stages})
    is_from_outside = submission.source is SubmissionSource.public
    fields = queries.fields_of(submission.version)
    before: Mapping[str, Any] | None = None
    told = []
    for number, at, by, reason, answers in stages:
        found = [] if before is None else differences(fields, before, answers, context)
        is_current = number == submission.revision
        who = "" if number == 1 and is_from_outside else names.get(by or 0, "")
        told.append(Revision(number, at, who, reason or "", found, is_current))
        before = answers
    return told[::-1]


def differences(
    fields: Mapping[str, FormField], before: Mapping[str, Any], after: Mapping[str, Any], context: Context
) -> list[Difference]:
    """The answers in which two differ, as far as he may know of them."""
    return [
        Difference(say(one.spec.label), _told(one, before, context), _told(one, after, context))
        for key, one in fields.items()
        if before.get(key) != after.get(key) and reading.is_seen(one, context)
    ]


def _told(one: FormField, answers: Mapping[str, Value], context: Context) -> Any:
    value = answers.get(one.key)
    return None if value is None else display(one, value, replace(context, answers=answers))


def subject(submission: Submission) -> history.Subject:
    """What the history tells of: its states and why. Answers are compared by `revisions`."""

    def show(column: str, value: Any) -> Any:
        if column == "revision" and value == 1:  # as it was first sent: nothing was corrected
            return ""
        return STATE_LABELS.get(value, value) if column == "state" else value

    labels = {"state": _("State"), "reason": _("Reason"), "revision": _("Revision")}
    return history.Subject(Submission, submission.id, labels, show=show, events=REVEALS)


@dataclass(frozen=True)
class Door:
    """Something that he may do with the answers."""

    label: Sentence
    url: str
    icon: str


_DOORS: Mapping[rules.Verb, tuple[Sentence, str, str]] = {
    rules.Verb.correct: (_("Correct the answers"), "sua", "pencil"),
    rules.Verb.lock: (_("Lock the answers"), "khoa", "lock"),
    rules.Verb.unlock: (_("Open again"), "mo-khoa", "lock-open"),
    rules.Verb.void: (_("Void the answers"), "huy", "x"),
    rules.Verb.restore: (_("Take the voiding back"), "dung-lai", "arrow-back-up"),
}
PATHS: Mapping[str, rules.Verb] = {path: verb for verb, (_label, path, _icon) in _DOORS.items()}


def label_of(verb: rules.Verb) -> Sentence:
    return _DOORS[verb][0]


def doors(session: Session, submission: Submission, who: Actor) -> list[Door]:
    """What he may do with these answers as they stand; one query."""
    if not who.is_himself:
        return []
    verbs = [one for one in rules.possible(submission.state) if who.may(rules.RIGHT[one], reading.RESOURCE)]
    if not verbs:
        return []
    rights = sorted({rules.RIGHT[one] for one in verbs})
    row = session.execute(
        select(*(visible(Submission, who, right).label(right) for right in rights))
        .select_from(Submission).where(Submission.id == submission.id)
    ).one()  # fmt: skip
    here = links.submission_path(submission.id)
    return [
        Door(label, f"{here}/{path}", sign) for verb, (label, path, sign) in _DOORS.items()
        if verb in verbs and getattr(row, rules.RIGHT[verb])
    ]  # fmt: skip
