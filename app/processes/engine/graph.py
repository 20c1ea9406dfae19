"""What is a process version made of? Nodes, flows, stages and what each step asks for, ready to run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum, auto
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from app.processes.engine.calling import CallSpec
from app.processes.engine.http import HttpSpec
from app.processes.engine.many import ManySpec
from app.processes.engine.outside import MailSpec, MessageSpec, Outside, SetSpec, TellSpec
from app.processes.engine.timing import Clock, TimerSpec

if TYPE_CHECKING:
    from app.core.conditions import Condition

T = TypeVar("T")

DEFAULT_OUTCOMES = ("approve", "reject", "return")

_OUTCOME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_APPROVAL = re.compile(r"any|all|majority|[1-9][0-9]?")


class NodeKind(StrEnum):
    """The elements that the engine can run."""

    start_event = auto()
    user_task = auto()
    exclusive_gateway = auto()
    parallel_gateway = auto()
    inclusive_gateway = auto()
    catch_event = auto()
    throw_event = auto()
    receive_task = auto()
    event_gateway = auto()
    send_task = auto()
    service_task = auto()
    boundary_event = auto()
    call_activity = auto()
    end_event = auto()


class EndKind(StrEnum):
    """What an end event ends: its branch, the whole instance, or the whole instance as failed."""

    branch = auto()
    terminate = auto()
    error = auto()


#: where a token stays until something happens
RESTING = frozenset(
    {
        NodeKind.user_task, NodeKind.catch_event, NodeKind.receive_task, NodeKind.event_gateway, NodeKind.call_activity,
    }
)  # fmt: skip


class AssignKind(StrEnum):
    """Whom an assignment rule names."""

    role = auto()
    team = auto()
    user = auto()
    initiator = auto()
    owner = auto()
    head = auto()
    field = auto()
    same_as = auto()


class Picker(StrEnum):
    """How one person is picked out of a role or a team."""

    round_robin = auto()
    least_open = auto()


_JOINING = {NodeKind.parallel_gateway, NodeKind.inclusive_gateway}
_VALUE_NEEDED = {AssignKind.role, AssignKind.team, AssignKind.user, AssignKind.field, AssignKind.same_as}
_VALUE_ALLOWED = _VALUE_NEEDED | {AssignKind.head}
_PICKED_FROM = {AssignKind.role, AssignKind.team}


@dataclass(frozen=True, slots=True)
class AssignRule:
    """Who does a step. `head` without a value is the head of the initiator's team."""

    kind: AssignKind
    value: str | None = None
    picker: Picker | None = None

    @classmethod
    def parse(cls, text: str) -> AssignRule:
        """Read `team:cskh`, `initiator`, `head`, `round_robin:role:Staff` …; ValueError when it is none of them."""
        head, _, rest = text.strip().partition(":")
        picker = Picker(head) if head in set(Picker) else None
        kind_text, _, value = rest.partition(":") if picker else (head, ":", rest)
        kind, value = AssignKind(kind_text), value.strip()
        if picker and kind not in _PICKED_FROM:
            raise ValueError(text)
        if (kind in _VALUE_NEEDED and not value) or (kind not in _VALUE_ALLOWED and ":" in text):
            raise ValueError(text)
        return cls(kind, value or None, picker)

    def __str__(self) -> str:
        return ":".join(part for part in (self.picker, self.kind, self.value) if part)


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What a step asks for. Durations count on `clock`; `not_by` names steps whose doer may not do this one."""

    form: str | None = None
    assign: AssignRule | None = None
    due: timedelta | None = None
    clock: Clock = Clock.calendar
    warn: timedelta | None = None
    approval: str | None = None
    outcomes: tuple[str, ...] = ()
    not_by: tuple[str, ...] = ()
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane of the diagram; its role does the steps that name nobody else."""

    id: str
    name: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A heading that groups steps; `limit` is the time the whole stage may take."""

    key: str
    name: str
    order: int
    limit: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """An arrow. `text` is the condition as written: it stays readable even where `condition` could not be parsed."""

    id: str
    source: str
    target: str
    condition: Condition | None = field(default=None, compare=False)
    text: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """An element. `ins` and `outs` are flow ids in document order, the order in which conditions are asked."""

    kind: NodeKind
    id: str
    name: str
    default: str | None = None
    ins: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    task: TaskSpec | None = None
    lane: Lane | None = None
    #: of a catching, boundary or start event: when it happens
    timer: TimerSpec | None = None
    #: the message that it waits for, or what it does outside
    outside: Outside | None = None
    #: of a boundary event: the element at whose edge it sits, and whether it ends the work there
    host: str | None = None
    interrupting: bool = True
    end: EndKind = EndKind.branch
    #: of a step that is done several times: for whom, and how often is enough
    many: ManySpec | None = None
    #: of a call activity: the process that it links to
    call: CallSpec | None = None
    #: of an end that is an error its code, of an event at an edge the code that it catches; "" there: any
    error: str | None = None

    @property
    def title(self) -> str:
        """The name people see; a nameless element shows its id."""
        return self.name or self.id

    @property
    def assignment(self) -> AssignRule | None:
        """Who does this step: its own rule, else its lane's role, else nobody."""
        if self.task is not None and self.task.assign is not None:
            return self.task.assign
        if self.lane is not None and self.lane.role:
            return AssignRule(AssignKind.role, self.lane.role)
        return None

    @property
    def message(self) -> MessageSpec | None:
        """The message that it waits for, if it is one."""
        return self.outside if isinstance(self.outside, MessageSpec) else None

    @property
    def runs_errands(self) -> bool:
        """Whether somebody outside has to do something before it goes on: everything that only sets values of the
        process itself is done at once."""
        spec = self.outside
        return isinstance(spec, MailSpec | TellSpec) or (isinstance(spec, SetSpec) and spec.is_of_record)

    @property
    def asks_outside(self) -> bool:
        """Whether a program outside is asked, and the process waits for what comes of it."""
        return isinstance(self.outside, HttpSpec)

    @property
    def takes_time(self) -> bool:
        """Whether what it does by itself is not done at once: an answer, or what becomes of a mail, is waited for."""
        return self.asks_outside or (isinstance(self.outside, MailSpec) and self.outside.waits)

    @property
    def begins_by_itself(self) -> bool:
        """Of a start event: whether a moment or a message begins the process there, and nobody's hand."""
        return self.timer is not None or self.outside is not None

    @property
    def is_join(self) -> bool:
        """Whether tokens wait here for the other branches."""
        return self.kind in _JOINING and len(self.ins) > 1


@dataclass(frozen=True)
class Definition:
    """One process version. `faulty` holds the elements about which reading the file already complained."""

    id: str
    name: str
    nodes: Mapping[str, Node]
    flows: Mapping[str, Flow]
    stages: tuple[Stage, ...] = ()
    faulty: frozenset[str] = frozenset()

    @cached_property
    def _kept(self) -> dict[str, object]:
        return {}

    def kept(self, name: str, make: Callable[[Definition], T]) -> T:
        """What `make` finds out about this definition, worked out once."""
        if name not in self._kept:
            self._kept[name] = make(self)
        return cast("T", self._kept[name])

    @cached_property
    def starts(self) -> tuple[Node, ...]:
        """The start events, those that people begin at first; a publishable version has at most one of these."""
        starts = [node for node in self.nodes.values() if node.kind is NodeKind.start_event]
        return tuple(sorted(starts, key=lambda node: node.begins_by_itself))

    @cached_property
    def steps(self) -> tuple[Node, ...]:
        """The steps that people do, in document order."""
        return tuple(node for node in self.nodes.values() if node.kind is NodeKind.user_task)

    @cached_property
    def calls(self) -> Mapping[str, CallSpec]:
        """By element id the processes that are run as a part of this one."""
        return {node.id: node.call for node in self.nodes.values() if node.call is not None}

    @cached_property
    def has_clocks(self) -> bool:
        return any(node.timer is not None for node in self.nodes.values())

    @cached_property
    def has_messages(self) -> bool:
        """Could a run of it wait for one?"""
        return any(node.outside is not None for node in self.nodes.values())

    @cached_property
    def asks_for_a_lane(self) -> bool:
        """Whether it has no lanes, and a step that does not say who does it: called by another process, it is done by
        the lane from which it is called."""
        return all(node.lane is None for node in self.nodes.values()) and any(
            step.assignment is None for step in self.steps
        )

    def in_lane(self, lane: Lane) -> Definition:
        """The same with every element in this lane."""
        return self.kept(
            f"in the lane of {lane.role}",
            lambda one: replace(one, nodes={key: replace(node, lane=lane) for key, node in one.nodes.items()}),
        )

    @property
    def start_form(self) -> str | None:
        """The code of the form that starts an instance, if there is one."""
        return next((start.task.form for start in self.starts if start.task), None)

    def follow(self, flow: str) -> Node:
        """The node that a flow leads to."""
        return self.nodes[self.flows[flow].target]

    @cached_property
    def edges(self) -> Mapping[str, tuple[Node, ...]]:
        """By element id the events at its edge."""
        at: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            if node.host is not None:
                at.setdefault(node.host, []).append(node)
        return {host: tuple(events) for host, events in at.items()}

    def next_of(self, node: Node) -> list[Node]:
        """The nodes right behind a node, one per outgoing flow, and the events at its edge."""
        return [*(self.follow(flow) for flow in node.outs), *self.edges.get(node.id, ())]

    def before(self, node: Node) -> list[str]:
        """The ids of the nodes right before a node, one per incoming flow; of a boundary event its host."""
        return [*(self.flows[flow].source for flow in node.ins), *([node.host] if node.host else [])]

    def step_named_in(self, key: str) -> str | None:
        """The element whose own data a key like `approve.outcome` names, or None for a plain key."""
        parts = key.split(".")
        prefixes = (".".join(parts[:end]) for end in range(1, len(parts)))
        return next((prefix for prefix in prefixes if prefix in self.nodes), None)


def parse_outcomes(text: str) -> tuple[str, ...]:
    """Read `approve,reject`: distinct codes in lower case; else ValueError."""
    outcomes = tuple(part.strip() for part in text.split(","))
    if len(set(outcomes)) < len(outcomes) or not all(map(_OUTCOME.fullmatch, outcomes)):
        raise ValueError(text)
    return outcomes


def parse_approval(text: str) -> str:
    """Read `any`, `all`, `majority` or a number of approvers; else ValueError."""
    if _APPROVAL.fullmatch(text.strip()) is None:
        raise ValueError(text)
    return text.strip()
