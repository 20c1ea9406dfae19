"""What stands on the pages on which a form is filled in and read?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import links
from app.core.access import Actor, visible
from app.core.errors import Sentence
from app.customers.models import Customer
from app.forms import queries
from app.forms.builder import AnswerForm
from app.forms.displays import display
from app.forms.fields.base import Context, FormField, Value
from app.forms.filling import rules
from app.forms.layout import placed
from app.forms.models import Form, FormPurpose, FormVersion, Submission, SubmissionDraft, VersionState
from app.forms.reading import is_read, is_seen
from app.forms.words import say

Stands = TypeVar("Stands")

#: so many forms stand on the page on which one chooses
MOST_FORMS = 200


@dataclass(frozen=True)
class Offered:
    """A form that can be filled in now."""

    name: str
    url: str


@dataclass(frozen=True)
class Unfinished:
    """A draft of his own. `url` is "" where it cannot be sent any more, or its customer is out of his sight."""

    draft: SubmissionDraft
    customer: str
    url: str
    throw_url: str


@dataclass(frozen=True)
class Differing:
    """A question to which two drafts of the same person have other answers. `was`: what both began with, None where it
    is not known; `is_theirs`: only the other window has changed it."""

    key: str
    label: str
    mine: Any
    theirs: Any
    was: Any = None
    is_theirs: bool = False


def offered(session: Session, who: Actor, customer_id: int | None) -> list[Offered]:
    rows = (
        select(Form.name, Form.code)
        .join(FormVersion, FormVersion.form_id == Form.id)
        .where(
            FormVersion.state == VersionState.published,
            Form.archived_at.is_(None),
            visible(Form, who),
            Form.purpose == FormPurpose.answers,
        )
        .order_by(Form.name, Form.code)
    )
    found = session.execute(rows.limit(MOST_FORMS))
    return [Offered(name, links.filling_path(code, customer_id)) for name, code in found]


def unfinished(session: Session, drafts: Sequence[SubmissionDraft], who: Actor) -> list[Unfinished]:
    ids = {one.customer_id for one in drafts if one.customer_id is not None}
    rows = select(Customer.id, Customer.name).where(Customer.id.in_(ids), visible(Customer, who))
    names: dict[int | None, str] = {row.id: row.name for row in session.execute(rows)} if ids else {}
    return [
        Unfinished(
            one, names.get(one.customer_id, ""),
            links.filling_path(one.form.code, one.customer_id)
            if one.form.archived_at is None and (one.customer_id is None or one.customer_id in names) else "",
            f"/dien-phieu/nhap/{one.id}/bo",
        )
        for one in drafts
    ]  # fmt: skip


#: pages of a form as (title, its sections as (title, what stands in them))
Parts: TypeAlias = list[tuple[str, list[tuple[str, list[Stands]]]]]


def answered(submission: Submission, context: Context) -> Parts[tuple[FormField, Value]]:
    """The answers as they were asked, as far as they may be read; what holds none is left out."""
    definition = queries.definition_of(submission.version)
    answers = submission.answers
    pages = []
    for page, parts in placed(definition.pages, definition.sections, definition.fields):
        told = [
            (say(part.section.title), [
                (one, answers[one.key]) for one in part.fields
                if one.type.has_answer and answers.get(one.key) is not None and is_seen(one, context)
            ])
            for part in parts
        ]  # fmt: skip
        if any(found for _title, found in told):
            pages.append((say(page.title), [(title, found) for title, found in told if found]))
    return pages


@dataclass(frozen=True)
class ReadAnswer:
    """One answer as people read it on a page. `covered`: the key of one that they read with dots, else ""."""

    label: str
    text: str
    covered: str


def sections(submission: Submission, context: Context) -> Parts[ReadAnswer]:
    """The same as people read it on a page."""
    context = replace(context, answers=submission.answers)
    return [
        (title, [
            (name, [
                ReadAnswer(say(one.spec.label), display(one, value, context), "" if is_read(one, context) else one.key)
                for one, value in answers
            ])
            for name, answers in parts
        ])
        for title, parts in answered(submission, context)
    ]  # fmt: skip


def differences(
    mine: AnswerForm, theirs: AnswerForm, typed: Mapping[str, Any], other: Mapping[str, Any],
    began: tuple[AnswerForm, Mapping[str, Any]] | None,
) -> list[Differing]:  # fmt: skip
    """The questions in which the two differ, in on-screen order, as people read them. `began`: what both began with."""
    keys = rules.differing(typed, other)
    found = []
    for one in mine.questions:
        if one.key not in keys:
            continue
        was = None if began is None else _told(began[0], one.key, began[1])
        told, others = _told(mine, one.key, typed), _told(theirs, one.key, other)
        found.append(Differing(one.key, one.label.text, told, others, was, was is not None and told == was != others))
    return found


def _told(form: AnswerForm, key: str, typed: Mapping[str, Any]) -> Any:
    """The answer as it would be kept; what cannot be read stands there as it was typed."""
    value = form.reading.values.get(key)
    if value is not None:
        question = next(one for one in form.questions if one.key == key)
        return display(question.one, value, form.context)
    texts = [one for name, one in typed.items() if rules.key_of(name) == key]
    return ", ".join(", ".join(one) if isinstance(one, list) else one for one in texts if one)


def about(customer: Customer | None) -> tuple[Sentence, str] | None:
    """The customer's name and where he is found."""
    return None if customer is None else (customer.name, links.customer_path(customer.id))
