"""What may become of answers once they were given? They are corrected, locked, opened, voided and taken back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto

from app.core.errors import BusinessError, InvalidInputError, Sentence
from app.core.i18n import _
from app.forms.models import SubmissionState

#: characters of a reason
LONGEST_REASON = 300
_FEWEST_LETTERS = 5


class Verb(StrEnum):
    """What is done with answers that were given."""

    correct = auto()
    lock = auto()
    unlock = auto()
    void = auto()
    restore = auto()


#: verb → from which state it leads into which one
NEXT: Mapping[Verb, Mapping[SubmissionState, SubmissionState]] = {
    Verb.correct: {SubmissionState.submitted: SubmissionState.submitted},
    Verb.lock: {SubmissionState.submitted: SubmissionState.locked},
    Verb.unlock: {SubmissionState.locked: SubmissionState.submitted},
    Verb.void: {SubmissionState.submitted: SubmissionState.voided},
    Verb.restore: {SubmissionState.voided: SubmissionState.submitted},
}
#: verb → the right that it needs (security.roles)
RIGHT: Mapping[Verb, str] = {
    Verb.correct: "edit", Verb.lock: "approve", Verb.unlock: "approve", Verb.void: "delete", Verb.restore: "delete",
}  # fmt: skip


class AnswersLockedError(BusinessError):
    """They were approved."""

    code = "answers_locked"
    message = _("These answers are locked. Whoever approves can open them again.")


class AnswersVoidedError(BusinessError):
    """They count nowhere any more."""

    code = "answers_voided"
    message = _("These answers were voided. Take that back first.")


class NothingToDoError(BusinessError):
    """They are so already."""

    code = "nothing_to_do"
    message = _("This was done already.")


def after(state: SubmissionState, verb: Verb) -> SubmissionState:
    """The state that follows. Raises AnswersLockedError, AnswersVoidedError or NothingToDoError."""
    following = NEXT[verb].get(state)
    if following is not None:
        return following
    if verb is Verb.lock and state is SubmissionState.locked:
        raise NothingToDoError
    if verb is Verb.void and state is SubmissionState.voided:
        raise NothingToDoError
    if state is SubmissionState.locked and verb is not Verb.restore:
        raise AnswersLockedError
    if state is SubmissionState.voided and verb is not Verb.unlock:
        raise AnswersVoidedError
    raise NothingToDoError


def possible(state: SubmissionState) -> list[Verb]:
    """What can be done with answers in this state, whoever asks."""
    return [verb for verb, ways in NEXT.items() if state in ways]


def read_reason(typed: str) -> str:
    """Why it is done. Raises InvalidInputError beside "reason"."""
    reason = " ".join(typed.split())
    wrong: Sentence | None = None
    if sum(sign.isalpha() for sign in reason) < _FEWEST_LETTERS:
        wrong = _("Say why in a few words. Example: The customer corrected the amount by phone.")
    elif len(reason) > LONGEST_REASON:
        wrong = _("At most %(count)d characters, please.", count=LONGEST_REASON)
    elif "\0" in reason:
        wrong = _("The text holds signs that cannot be kept.")
    if wrong is not None:
        raise InvalidInputError(fields={"reason": [wrong]})
    return reason
