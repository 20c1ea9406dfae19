"""What can happen to an instance, and what can follow? The words between the engine and whoever stores its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Any

from app.processes.engine.state import Data, IncidentCode, InstanceStatus

if TYPE_CHECKING:
    from app.processes.engine.graph import Definition


class Refusal(StrEnum):
    """Why an event is not accepted; the state stays as it was."""

    already_started = auto()
    not_started = auto()
    not_running = auto()
    not_suspended = auto()
    finished = auto()
    task_not_open = auto()
    outcome_missing = auto()
    outcome_unknown = auto()
    key_reserved = auto()
    timer_gone = auto()
    message_gone = auto()
    no_way_back = auto()
    not_stopped = auto()
    no_such_way = auto()
    nothing_waits = auto()
    no_such_step = auto()
    join_left_dead = auto()
    no_end_left = auto()
    cannot_tell = auto()
    cannot_migrate = auto()


class EngineRefusal(Exception):
    """The event does not fit the state. `about` names the key, the outcome, the step or the flow that was refused."""

    def __init__(self, code: Refusal, about: str = "") -> None:
        self.code = code
        self.about = about
        super().__init__(f"{code} {about}".rstrip())


# Events: what has happened.


@dataclass(frozen=True, slots=True)
class Start:
    """The instance began with these values: by hand, or at the start event `at` whose time has come."""

    data: Data = field(default_factory=dict)
    at: str = ""


@dataclass(frozen=True, slots=True)
class Complete:
    """Somebody finished the step on which the token rests, with these answers."""

    token: int
    outputs: Data = field(default_factory=dict)
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Fire:
    """The moment of a timer has come."""

    timer: int


@dataclass(frozen=True, slots=True)
class CallDone:
    """The linked run for which the token waits has ended, and leaves these values."""

    token: int
    values: Data = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """What the token waits for has failed. `error` is the code that an event at the edge may catch, None where nothing
    can; `code` is why an admin is needed if none does, `reason` what was said to it."""

    token: int
    error: str | None
    code: IncidentCode
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receive:
    """A message for which `subscription` waited has come, with these values. `message` is its number outside."""

    subscription: int
    values: Data = field(default_factory=dict)
    message: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """The errand for which the token waits is done, and leaves these values."""

    token: int
    values: Data = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Return:
    """Somebody sent the work back from the step on which the token rests to an earlier one."""

    token: int
    to: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody called the whole instance off."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Suspend:
    """Somebody put the instance aside: nothing moves until it is resumed."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """It goes on."""


@dataclass(frozen=True, slots=True)
class Retry:
    """An admin lets a stopped branch try again, with the data as they are by now."""

    token: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """An admin leads a stopped branch, or one that waits at a join, on by a flow of his choice; where it could not end,
    `flow` is that end, which it then reaches without what was to be done there."""

    token: int
    flow: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """An admin takes the branch off the element on which it rests, and puts it on the step `to`."""

    token: int
    to: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """An admin corrected these values."""

    values: Data
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Migrate:
    """An admin lets the instance, which ran by the drawing `source`, go on by another version.

    `map` names the elements that are called otherwise there, `been` are the steps that were done. `anew`: clocks that
    run begin again; else they strike when they would have struck.
    """

    source: Definition
    from_version: int
    to_version: int
    map: Mapping[str, str] = field(default_factory=dict)
    been: frozenset[str] = frozenset()
    anew: bool = False
    reason: str = ""


Event = (
    Start
    | Complete
    | Fire
    | Receive
    | CallDone
    | Done
    | Failed
    | Return
    | Cancel
    | Suspend
    | Resume
    | Retry
    | Skip
    | Move
    | Edit
    | Migrate
)


# Commands: what the caller has to store, and has to do.


@dataclass(frozen=True, slots=True)
class InstanceStarted:
    """The instance left its start event."""

    node: str


@dataclass(frozen=True, slots=True)
class OpenTask:
    """Offer this step to whoever is to do it; the token rests on it. Where several are asked: for which `element`."""

    token: int
    step: str
    outer: int = 0
    position: int = 0
    element: Any = None


@dataclass(frozen=True, slots=True)
class ManyBegun:
    """The step is to be done for each of these elements; the token rests on it until enough of them are."""

    token: int
    node: str
    elements: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ManyOver:
    """Enough answers have come: the token that gathered them is consumed."""

    token: int
    node: str
    count: int
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class StepPassed:
    """There was nothing to do the step for."""

    node: str


@dataclass(frozen=True, slots=True)
class CloseTask:
    """The step is done and its token consumed."""

    token: int
    step: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class ReturnTask:
    """The step was not done but sent back: its token is consumed, and the step `to` is opened again."""

    token: int
    step: str
    to: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BranchMoved:
    """An admin took the branch from here to the step `to`, which is opened; its token is consumed."""

    token: int
    node: str
    to: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TokenCancelled:
    """The branch is called off; if it rested on a step, so is the task."""

    token: int
    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """Begin the linked process with these values; the token waits for its end."""

    token: int
    node: str
    values: Data


@dataclass(frozen=True, slots=True)
class CallOver:
    """The linked run has ended; the token that waited for it is consumed."""

    token: int
    node: str


@dataclass(frozen=True, slots=True)
class BranchFailed:
    """What the branch waited for has failed with this error, or for this reason; its token is consumed."""

    token: int
    node: str
    error: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WaitBegun:
    """The branch rests on an event until a timer strikes, a message comes or an answer is there."""

    token: int
    node: str


@dataclass(frozen=True, slots=True)
class WaitOver:
    """What the branch waited for has come; its token is consumed."""

    token: int
    node: str


@dataclass(frozen=True, slots=True)
class ArmTimer:
    """A clock begins to run. `moment` is an ISO 8601 moment where it does not follow from the drawing alone."""

    timer: int
    node: str
    token: int
    left: int | None = 1
    moment: str = ""


@dataclass(frozen=True, slots=True)
class DisarmTimer:
    """The clock is of no use any more."""

    timer: int
    node: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The clock has struck, and is gone."""

    timer: int
    node: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """From now on a message of that name and key goes on here."""

    subscription: int
    node: str
    token: int
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The message is not waited for any more."""

    subscription: int
    node: str


@dataclass(frozen=True, slots=True)
class MessageTaken:
    """The message that was waited for has come; the subscription is gone."""

    subscription: int
    node: str
    message: int = 0


@dataclass(frozen=True, slots=True)
class BeginErrand:
    """Do what is drawn there, in the same transaction; the token waits until it is done."""

    token: int
    node: str


@dataclass(frozen=True, slots=True)
class BeginRequest:
    """Ask a program outside, once this event is kept; the token waits for what comes of it."""

    token: int
    node: str


@dataclass(frozen=True, slots=True)
class ValuesSet:
    """The process wrote these of its own values by itself."""

    node: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakeFlow:
    """The instance went along this arrow."""

    flow: str


@dataclass(frozen=True, slots=True)
class JoinArrived:
    """A branch reached a join and waits there."""

    token: int
    node: str
    flow: str


@dataclass(frozen=True, slots=True)
class JoinFired:
    """All branches that had to come had arrived: one token of each of their flows was consumed."""

    node: str
    consumed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EndReached:
    """A branch came to its end."""

    node: str


@dataclass(frozen=True, slots=True)
class RaiseIncident:
    """A branch cannot go on by itself; its token rests on the node until an admin acts."""

    token: int
    node: str
    code: IncidentCode


@dataclass(frozen=True, slots=True)
class IncidentSettled:
    """An admin let the stopped branch go on: by trying again, or by the flow that he chose. Its token is consumed."""

    token: int
    node: str
    flow: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DataEdited:
    """An admin corrected the values of these keys."""

    keys: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Migrated:
    """From here on the instance runs by another version; `map` tells what is called otherwise there, of all that it
    rests on or has done."""

    from_version: int
    to_version: int
    map: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class InstanceSuspended:
    """Nothing moves until it is resumed."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class InstanceResumed:
    """It goes on where it was."""


@dataclass(frozen=True, slots=True)
class FinishInstance:
    """Nothing is left to do: the instance is completed, cancelled, or failed with the code of an error."""

    status: InstanceStatus
    reason: str = ""
    error: str = ""


Command = (
    InstanceStarted
    | OpenTask
    | ManyBegun
    | ManyOver
    | StepPassed
    | CloseTask
    | ReturnTask
    | BranchMoved
    | TokenCancelled
    | CallBegun
    | CallOver
    | BranchFailed
    | WaitBegun
    | WaitOver
    | ArmTimer
    | DisarmTimer
    | TimerFired
    | Subscribe
    | Unsubscribe
    | MessageTaken
    | BeginErrand
    | BeginRequest
    | ValuesSet
    | TakeFlow
    | JoinArrived
    | JoinFired
    | EndReached
    | RaiseIncident
    | IncidentSettled
    | DataEdited
    | Migrated
    | InstanceSuspended
    | InstanceResumed
    | FinishInstance
)
