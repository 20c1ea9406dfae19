"""Who stands where in the life of a task? Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.core.errors import Sentence
from app.core.i18n import _
from app.core.own_reasons import is_own
from app.core.timewords import Lateness, time_left

if TYPE_CHECKING:
    from app.tasks.models import Task

#: The one alert rule so far; its level is what escalation will count up.
OVERDUE = "task_overdue"

OUTCOME_LABELS = {"approve": _("Approve"), "reject": _("Reject"), "return": _("Return to the previous step")}
OUTCOME_DONE = {"approve": _("Approved"), "reject": _("Rejected"), "return": _("Returned")}

#: the outcome of a task that was sent back, whether or not its step offers it
RETURNED = "return"
LONGEST_NOTE = 5_000
# An alert that could not be raised is tried again after this: late enough not to block the others, and still soon.
ALERT_RETRY = timedelta(minutes=1)


def note_problem(note: str) -> Sentence | None:
    """Why a note or a reason cannot be kept as typed. A sign of the product's own would be read as its reason."""
    if len(note) > LONGEST_NOTE or "\0" in note:
        return _("At most %(count)d characters, please.", count=LONGEST_NOTE)
    return _("Please say it in words.") if is_own(note.strip()) else None


@dataclass(frozen=True)
class Reason:
    """One link of the chain that ended with somebody: a code of app.tasks.reasons and the names as they were then."""

    code: str
    said: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Offer:
    """For whom a new task is: exactly one of a person, a team, a role.

    `why` tells how he was found; `nobody_found`: nobody was, and the work waits for whoever may give it away.
    """

    member_id: int | None = None
    team_id: int | None = None
    role: str | None = None
    why: tuple[Reason, ...] = field(default=(), compare=False)
    nobody_found: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.member_id, self.team_id, self.role)) != 1:
            raise ValueError("an offer names exactly one of a person, a team, a role")


@dataclass(frozen=True)
class Deadline:
    """When a task is due, and from when it counts as soon due."""

    due_at: datetime | None = None
    warn_at: datetime | None = None


def lateness(task: Task, now: datetime, time_zone: str) -> Lateness:
    """How the task stands; it is soon due from its own warning moment on."""
    if task.due_at is not None and task.warn_at is not None:
        return time_left(task.due_at, now, time_zone, soon=task.due_at - task.warn_at)
    return time_left(task.due_at, now, time_zone)


#: whoever refuses says why: the person whose work it was reads it
NEEDS_REASON = frozenset({"reject"})


def reason_problem(outcome: str | None, note: str) -> object | None:
    """Why this outcome cannot be given without more words, or None."""
    if outcome in NEEDS_REASON and not note.strip():
        return _("Say why you refuse. Example: the receipt is missing.")
    return None


def outcome_problem(outcome: str | None, allowed: Sequence[str]) -> object | None:
    """Why this outcome will not do, or None."""
    if not allowed:
        return None if outcome is None else _("This step has no outcomes to choose from.")
    if outcome is None:
        return _("Please choose an outcome.")
    if outcome not in allowed:
        return _("This outcome does not exist here.")
    return None
