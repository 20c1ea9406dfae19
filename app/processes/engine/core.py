"""What follows from what has just happened? `decide` moves the tokens of one instance and says what must be done.

Tokens rest on steps, on the incoming flows of joins, or on a gateway that could not go on. Everything else is passed in
one event, which the caller stores in one transaction. Nothing here knows the time, a person or a row: the same
definition, state, event and day always give the same decision.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum, auto

from app.processes.engine.graph import Definition, Node, NodeKind

# An instance that moves over more flows than this without anybody's work is going round in circles.
MAX_MOVES = 2_000

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
    """Why a token rests: somebody works on the step, the join waits for other branches, or it cannot go on."""

    waiting = auto()
    joining = auto()
    stopped = auto()


class IncidentCode(StrEnum):
    """Why an instance needs an admin."""

    no_way_chosen = auto()
    automatic_loop = auto()
    stuck_at_join = auto()


class Refusal(StrEnum):
    """Why an event is not accepted; the state stays as it was."""

    already_started = auto()
    not_started = auto()
    not_running = auto()
    finished = auto()
    task_not_open = auto()
    outcome_missing = auto()
    outcome_unknown = auto()
    key_reserved = auto()


class EngineRefusal(Exception):
    """The event does not fit the state. `about` names the key or the outcome that was refused."""

    def __init__(self, code: Refusal, about: str = "") -> None:
        self.code = code
        self.about = about
        super().__init__(f"{code} {about}".rstrip())


@dataclass(frozen=True, slots=True)
class Token:
    """Where one branch of the instance rests. `via` is the flow by which it came."""

    id: int
    node: str
    via: str
    state: TokenState


@dataclass(frozen=True, slots=True)
class State:
    """All that the engine knows of one instance. `next_token` and `seq` (commands given so far) only ever grow."""

    status: InstanceStatus = InstanceStatus.new
    data: Data = field(default_factory=dict)
    tokens: tuple[Token, ...] = ()
    next_token: int = 1
    seq: int = 0


# Events: what has happened.
@dataclass(frozen=True, slots=True)
class Start:
    """Somebody began the instance with these values."""

    data: Data = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Complete:
    """Somebody finished the step on which the token rests, with these answers."""

    token: int
    outputs: Data = field(default_factory=dict)
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody called the whole instance off."""

    reason: str = ""


Event = Start | Complete | Cancel


# Commands: what the caller has to store, and has to do.
@dataclass(frozen=True, slots=True)
class InstanceStarted:
    """The instance left its start event."""

    node: str


@dataclass(frozen=True, slots=True)
class OpenTask:
    """Offer this step to whoever is to do it; the token rests on it."""

    token: int
    step: str


@dataclass(frozen=True, slots=True)
class CloseTask:
    """The step is done and its token consumed."""

    token: int
    step: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class TokenCancelled:
    """The branch is called off; if it rested on a step, so is the task."""

    token: int
    node: str
    reason: str


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
    """Every branch had arrived: one token of each incoming flow was consumed."""

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
class FinishInstance:
    """Nothing is left to do: the instance is completed or cancelled."""

    status: InstanceStatus
    reason: str = ""


Command = (
    InstanceStarted
    | OpenTask
    | CloseTask
    | TokenCancelled
    | TakeFlow
    | JoinArrived
    | JoinFired
    | EndReached
    | RaiseIncident
    | FinishInstance
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The state that follows, and the commands that lead there, in order."""

    state: State
    commands: tuple[Command, ...]


def decide(definition: Definition, state: State, event: Event, *, today: date) -> Decision:
    """Apply one event and run until every token rests; EngineRefusal when the event does not fit the state.

    `today` is the company's calendar day, which conditions may ask for.
    """
    turn = _Turn(definition, state, today)
    match event:
        case Start(data):
            turn.start(data)
        case Complete(token, outputs, outcome):
            turn.complete(token, outputs, outcome)
        case Cancel(reason):
            turn.cancel(reason)
    return turn.decision()


class _Turn:
    """The working copy of a state while one event is applied."""

    def __init__(self, definition: Definition, state: State, today: date) -> None:
        self.definition = definition
        self.today = today
        self.before = state
        self.status = state.status
        self.data = state.data
        self.tokens = {token.id: token for token in state.tokens}
        self.next_token = state.next_token
        self.commands: list[Command] = []
        self.moving: deque[str] = deque()

    def decision(self) -> Decision:
        state = State(
            status=self.status,
            data=self.data,
            tokens=tuple(self.tokens.values()),
            next_token=self.next_token,
            seq=self.before.seq + len(self.commands),
        )
        return Decision(state, tuple(self.commands))

    def start(self, data: Data) -> None:
        if self.status is not InstanceStatus.new:
            raise EngineRefusal(Refusal.already_started)
        (start,) = self.definition.starts
        self._learn(start.id, data)
        self.status = InstanceStatus.running
        self.commands.append(InstanceStarted(start.id))
        self.moving.extend(start.outs)
        self._settle()

    def complete(self, token_id: int, outputs: Data, outcome: str | None) -> None:
        self._refuse_unless_running()
        token = self.tokens.get(token_id)
        if token is None or token.state is not TokenState.waiting:
            raise EngineRefusal(Refusal.task_not_open)
        step = self.definition.nodes[token.node]
        _refuse_wrong_outcome(step, outcome)
        self._learn(step.id, outputs, outcome)
        del self.tokens[token_id]
        self.commands.append(CloseTask(token_id, step.id, outcome))
        self.moving.extend(step.outs)
        self._settle()

    def cancel(self, reason: str) -> None:
        if self.status in FINAL:
            raise EngineRefusal(Refusal.finished)
        if self.status is InstanceStatus.new:
            raise EngineRefusal(Refusal.not_started)
        for token in self.tokens.values():
            self.commands.append(TokenCancelled(token.id, token.node, reason))
        self.tokens.clear()
        self._finish(InstanceStatus.cancelled, reason)

    def _refuse_unless_running(self) -> None:
        if self.status in FINAL:
            raise EngineRefusal(Refusal.finished)
        if self.status is InstanceStatus.new:
            raise EngineRefusal(Refusal.not_started)
        if self.status is not InstanceStatus.running:
            raise EngineRefusal(Refusal.not_running)

    def _learn(self, step: str, values: Data, outcome: str | None = None) -> None:
        """Take over answers under their own key and under the step's, so that a later answer hides but keeps them."""
        for key in values:
            # Whoever starts an instance must not be able to answer for the approver.
            if "." in key and self.definition.step_named_in(key):
                raise EngineRefusal(Refusal.key_reserved, key)
        data = {**self.data, **values, **{f"{step}.{key}": value for key, value in values.items()}}
        if outcome is not None:
            data[f"{step}.outcome"] = outcome
        self.data = data

    def _settle(self) -> None:
        """Move until every token rests. One event moves at most MAX_MOVES times."""
        moves = 0
        while self.moving and moves < MAX_MOVES:
            moves += 1
            self._travel(self.moving.popleft())
        while self.moving:
            flow = self.moving.popleft()
            self._stop(self.definition.follow(flow), flow, IncidentCode.automatic_loop)
        if not self.tokens:
            self._finish(InstanceStatus.completed)
        elif all(token.state is TokenState.joining for token in self.tokens.values()):
            stuck = next(iter(self.tokens.values()))
            self.commands.append(RaiseIncident(stuck.id, stuck.node, IncidentCode.stuck_at_join))

    def _travel(self, flow: str) -> None:
        node = self.definition.follow(flow)
        self.commands.append(TakeFlow(flow))
        match node.kind:
            case NodeKind.user_task:
                self.commands.append(OpenTask(self._rest(node, flow, TokenState.waiting), node.id))
            case NodeKind.exclusive_gateway:
                chosen = self._choose(node)
                if chosen is None:
                    self._stop(node, flow, IncidentCode.no_way_chosen)
                else:
                    self.moving.append(chosen)
            case NodeKind.parallel_gateway if node.is_join:
                self.commands.append(JoinArrived(self._rest(node, flow, TokenState.joining), node.id, flow))
                self._fire_if_complete(node)
            case NodeKind.end_event:
                self.commands.append(EndReached(node.id))
            case _:
                self.moving.extend(node.outs)

    def _choose(self, gateway: Node) -> str | None:
        """The first flow in document order whose condition holds, else the default, else nothing."""
        for out in gateway.outs:
            condition = self.definition.flows[out].condition
            if out != gateway.default and (condition is None or condition.holds(self.data, today=self.today)):
                return out
        return gateway.default

    def _fire_if_complete(self, join: Node) -> None:
        """Consume exactly one token per incoming flow, the oldest; what is left over waits for the next round."""
        oldest: dict[str, int] = {}
        for token in self.tokens.values():
            if token.node == join.id and token.state is TokenState.joining:
                oldest.setdefault(token.via, token.id)
        if len(oldest) < len(join.ins):
            return
        consumed = tuple(oldest[flow] for flow in join.ins)
        for token_id in consumed:
            del self.tokens[token_id]
        self.commands.append(JoinFired(join.id, consumed))
        self.moving.extend(join.outs)

    def _rest(self, node: Node, via: str, state: TokenState) -> int:
        token = Token(self.next_token, node.id, via, state)
        self.next_token += 1
        self.tokens[token.id] = token
        return token.id

    def _stop(self, node: Node, via: str, code: IncidentCode) -> None:
        self.commands.append(RaiseIncident(self._rest(node, via, TokenState.stopped), node.id, code))

    def _finish(self, status: InstanceStatus, reason: str = "") -> None:
        self.status = status
        self.commands.append(FinishInstance(status, reason))


def _refuse_wrong_outcome(step: Node, outcome: str | None) -> None:
    offered = step.task.outcomes if step.task else ()
    if offered and outcome is None:
        raise EngineRefusal(Refusal.outcome_missing)
    if outcome is not None and outcome not in offered:
        raise EngineRefusal(Refusal.outcome_unknown, outcome)
