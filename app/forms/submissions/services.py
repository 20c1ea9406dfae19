"""How are answers corrected, locked, opened, voided and taken back? Every such change goes through here."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor
from app.core.errors import ConflictError, InvalidInputError
from app.core.history import names_of_people
from app.core.i18n import _
from app.forms import services as forms
from app.forms.models import Submission, SubmissionRevision, SubmissionState, SubmissionValue
from app.forms.rules import Answers
from app.forms.submissions import index, rules
from app.forms.submissions.rules import Verb

#: submissions of one approval; a process has some dozens of steps
MOST_LOCKED = 1000


def correct(
    session: Session, submission: Submission, answers: Answers, *, by: Actor, reason: str, rev: int | None
) -> Submission:
    """Other answers in the place of those that were given; these stay readable as the revision before.

    `answers` were read with those that were given as `Context.before`. Work that went on with the earlier answers does
    not begin anew. Raises ConflictError for another `rev` (None: any), AnswersLockedError, AnswersVoidedError, and
    InvalidInputError: no reason, nothing is different, or an answer that may be given only once.
    """
    why = rules.read_reason(reason)
    _move(session, submission, Verb.correct, by, rev)
    given = dict(answers.values)
    if given == submission.answers:
        raise InvalidInputError(_("Nothing is different from what was answered."))
    forms.must_be_alone(
        session, submission.version, answers, subject=(submission.subject_type, submission.subject_id),
        customer_id=submission.customer_id, besides=submission.id,
    )  # fmt: skip
    session.add(
        SubmissionRevision(
            submission_id=submission.id, number=submission.revision, answers=submission.answers,
            given_at=submission.corrected_at or submission.created_at,
            given_by_id=submission.corrected_by_id or submission.created_by_id,
            reason=submission.correction,
        )
    )  # fmt: skip
    submission.answers, submission.revision, submission.correction = given, submission.revision + 1, why
    submission.corrected_at, submission.corrected_by_id = clock.now(), by.user_id
    session.flush()
    forms.claim_files(session, submission, by)
    index.keep(session, submission)
    return submission


def lock(session: Session, submission: Submission, *, by: Actor, reason: str, rev: int | None = None) -> Submission:
    """Nobody corrects them any more. Raises ConflictError, NothingToDoError, AnswersVoidedError, InvalidInputError."""
    return _decide(session, submission, Verb.lock, by, reason, rev)


def unlock(session: Session, submission: Submission, *, by: Actor, reason: str, rev: int | None = None) -> Submission:
    """They can be corrected again. Raises as `lock` does."""
    return _decide(session, submission, Verb.unlock, by, reason, rev)


def void(session: Session, submission: Submission, *, by: Actor, reason: str, rev: int | None = None) -> Submission:
    """They were given by mistake: they stay readable, and count nowhere. Raises as `lock` does."""
    return _decide(session, submission, Verb.void, by, reason, rev)


def restore(session: Session, submission: Submission, *, by: Actor, reason: str, rev: int | None = None) -> Submission:
    """They count again. Raises as `lock` does."""
    return _decide(session, submission, Verb.restore, by, reason, rev)


DECISIONS = {Verb.lock: lock, Verb.unlock: unlock, Verb.void: void, Verb.restore: restore}


def lock_approved(session: Session, subject_type: str, subject_ids: Collection[int], *, by: Actor, reason: str) -> int:
    """What was answered about these was approved: it is locked in the name of whoever approved. Returns how many."""
    rows = select(Submission).where(
        Submission.subject_type == subject_type, Submission.subject_id.in_(subject_ids),
        Submission.state == SubmissionState.submitted,
    )  # fmt: skip
    found = session.scalars(rows.order_by(Submission.id).limit(MOST_LOCKED).with_for_update(of=Submission)).all()
    for submission in found:
        submission.state, submission.reason = SubmissionState.locked, reason[: rules.LONGEST_REASON]
        submission.locked_at, submission.locked_by_id = clock.now(), by.user_id
    session.flush()
    return len(found)


def _decide(
    session: Session, submission: Submission, verb: Verb, by: Actor, reason: str, rev: int | None
) -> Submission:  # fmt: skip
    why = rules.read_reason(reason)
    submission.state = _move(session, submission, verb, by, rev)
    submission.reason = why
    match verb:
        case Verb.lock:
            submission.locked_at, submission.locked_by_id = clock.now(), by.user_id
        case Verb.unlock:
            submission.locked_at = submission.locked_by_id = None
        case Verb.void:
            submission.voided_at, submission.voided_by_id = clock.now(), by.user_id
        case Verb.restore:
            forms.must_be_alone(
                session, submission.version, Answers(submission.answers),
                subject=(submission.subject_type, submission.subject_id), customer_id=submission.customer_id,
                besides=submission.id,
            )  # fmt: skip
            submission.voided_at = submission.voided_by_id = None
    session.flush()
    if verb in (Verb.void, Verb.restore):
        session.execute(
            update(SubmissionValue)
            .where(SubmissionValue.submission_id == submission.id)
            .values(counts=verb is Verb.restore)
            .execution_options(synchronize_session=False)
        )
    return submission


def _move(session: Session, submission: Submission, verb: Verb, by: Actor, rev: int | None) -> SubmissionState:
    """The state that follows, with the row held until the end. Raises what `rules.after` does, and ConflictError."""
    by.must(rules.RIGHT[verb], "Submission")
    session.refresh(submission, with_for_update={"of": Submission})
    following = rules.after(submission.state, verb)
    if rev is not None and rev != submission.rev:
        who = names_of_people(session, {submission.updated_by_id}).get(submission.updated_by_id or 0, "")
        raise ConflictError(by=who, at=submission.updated_at, rev=submission.rev)
    return following
