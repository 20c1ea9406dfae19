"""Where does an instance stand? Its status, what it has learnt, its tokens and the timers that run in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

Data = Mapping[str, object]


class InstanceStatus(StrEnum):
    """Where an instance stands; completed, cancelled and failed are final."""

    new = auto()
    running = auto()
    suspended = auto()
    completed = auto()
    cancelled = auto()
    failed = auto()


FINAL = frozenset({InstanceStatus.completed, InstanceStatus.cancelled, InstanceStatus.failed})


class TokenState(StrEnum):
    """Why a token rests: somebody works on the step, the join waits for other branches, it cannot go on, it waits for
    a moment, a message, an answer or the end of another run to come, or for what several people answer."""

    waiting = auto()
    joining = auto()
    stopped = auto()
    listening = auto()
    gathering = auto()


class IncidentCode(StrEnum):
    """Why an instance needs an admin."""

    no_way_chosen = auto()
    automatic_loop = auto()
    stuck_at_join = auto()
    no_moment = auto()
    call_failed = auto()
    call_cancelled = auto()
    call_missing = auto()
    call_lacks_values = auto()
    call_too_deep = auto()
    no_key = auto()
    mail_failed = auto()
    message_failed = auto()
    record_refused = auto()
    webhook_failed = auto()
    nobody_to_ask = auto()
    too_many_to_ask = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """Where one branch of the instance rests. `via` is the flow by which it came; empty after a return to the step.

    Where a step is done several times, one token gathers the answers; each of the others is for the element at
    `position` (from 1) and names the first in `outer`.
    """

    id: int
    node: str
    via: str
    state: TokenState
    outer: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Gathering:
    """For which elements a step is done, and what came so far: {position, element, outcome, values} in that order.

    Elements are member ids, numbers, texts or rows, as JSON has them.
    """

    token: int
    elements: tuple[Any, ...]
    answers: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Timer:
    """A clock that runs for a token: on the event where it waits, or at the edge of its step.

    `left` is how many times it will still strike, None without end.
    """

    id: int
    node: str
    token: int
    left: int | None = 1


@dataclass(frozen=True, slots=True)
class Subscription:
    """A message of that name and key is waited for, for a token: on the event where it rests, or at the edge of its
    step."""

    id: int
    node: str
    token: int
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class State:
    """All that the engine knows of one instance. `next_token` numbers tokens, timers and subscriptions; it and `seq`
    (commands given so far) only ever grow."""

    status: InstanceStatus = InstanceStatus.new
    data: Data = field(default_factory=dict)
    tokens: tuple[Token, ...] = ()
    next_token: int = 1
    seq: int = 0
    timers: tuple[Timer, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    gatherings: tuple[Gathering, ...] = ()
