"""A form is filled in over days and devices: its draft is kept, thrown away, or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.core.access import Actor
from app.core.db import queue_up
from app.core.errors import ConflictError, NotFoundError
from app.core.i18n import _
from app.forms import services
from app.forms.filling import rules
from app.forms.models import FormVersion, Submission, SubmissionDraft
from app.forms.rules import Answers


class DraftChangedError(ConflictError):
    """The same person typed in another window. `details`: rev, at."""

    message = _("You have gone on with this in another window.")


class DraftGoneError(ConflictError):
    """It was sent or thrown away in another window."""

    message = _("In another window, this draft was sent or thrown away. What you typed here is still here.")


def draft_for(session: Session, form_id: int, customer_id: int | None, by: Actor) -> SubmissionDraft | None:
    """His own unfinished answers to this form, about this customer or nobody, as they are kept at this moment."""
    return session.scalars(
        select(SubmissionDraft).execution_options(populate_existing=True).where(
            SubmissionDraft.member_id == by.user_id,
            SubmissionDraft.form_id == form_id,
            SubmissionDraft.customer_id.is_(None) if customer_id is None
            else SubmissionDraft.customer_id == customer_id,
        )
    ).one_or_none()  # fmt: skip


def drafts_of(session: Session, by: Actor) -> Sequence[SubmissionDraft]:
    """All of his unfinished answers, the latest first."""
    rows = select(SubmissionDraft).where(SubmissionDraft.member_id == by.user_id)
    return session.scalars(
        rows.options(joinedload(SubmissionDraft.form)).order_by(SubmissionDraft.updated_at.desc(), SubmissionDraft.id)
    ).all()


def keep_draft(
    session: Session, version: FormVersion, typed: Mapping[str, Any], *, by: Actor, customer_id: int | None,
    rev: int | None,
) -> SubmissionDraft:  # fmt: skip
    """Keep what was typed so far, right or not. `rev` is that of the draft on the page; None: it had none yet.

    Raises DraftChangedError and DraftGoneError when another window was faster, InvalidInputError for too much.
    """
    by.must("add", "Submission")
    answers = rules.kept(typed, version.definition)
    draft = _unchanged(session, version.form_id, customer_id, by, rev)
    if draft is None:
        draft = SubmissionDraft(
            form_id=version.form_id, form_version_id=version.id, customer_id=customer_id, member_id=by.user_id,
            answers=answers,
        )  # fmt: skip
        session.add(draft)
    else:
        draft.form_version_id, draft.answers = version.id, answers
    session.flush()
    return draft


def throw_away(session: Session, draft_id: int, *, by: Actor) -> SubmissionDraft:
    """What was typed is gone; files that came with it go with the next cleaning. Raises NotFoundError."""
    draft = session.get(SubmissionDraft, draft_id, with_for_update=True)
    if draft is None or draft.member_id != by.user_id:
        raise NotFoundError
    session.delete(draft)
    session.flush()
    return draft


def send(
    session: Session, version: FormVersion, answers: Answers, *, by: Actor, customer_id: int | None, rev: int | None
) -> Submission:
    """The answers become a submission, and the draft is over. Raises what `keep_draft` and `services.submit` raise."""
    by.must("add", "Submission")
    draft = _unchanged(session, version.form_id, customer_id, by, rev)
    submission = services.submit(session, version, answers, by=by, customer_id=customer_id)
    if draft is not None:
        session.delete(draft)
    session.flush()
    return submission


def _unchanged(
    session: Session, form_id: int, customer_id: int | None, by: Actor, rev: int | None
) -> SubmissionDraft | None:
    # Two windows that both begin: the second waits, and then sees the draft of the first.
    queue_up(session, f"draft {by.user_id} {form_id} {customer_id}")
    draft = draft_for(session, form_id, customer_id, by)
    if draft is None and rev is not None:
        raise DraftGoneError
    if draft is not None and draft.rev != rev:
        raise DraftChangedError(at=draft.updated_at, rev=draft.rev)
    return draft
