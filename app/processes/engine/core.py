"""What follows from what has just happened? `decide` moves the tokens of one instance and says what must be done.

Tokens rest on steps, on events that wait for a moment or a message, on the incoming flows of joins,
or on a gateway that could not go on. Everything else is passed in one event, which the caller stores in one
transaction. Nothing here knows the time, a person or a row: the same definition, state, event and day always give the
same decision.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import date

from app.processes.engine import asking, calling, errand, joining, migrating, moving, returning, waits
from app.processes.engine.events import (
    ArmTimer,
    BranchMoved,
    CallDone,
    Cancel,
    CloseTask,
    Command,
    Complete,
    DataEdited,
    DisarmTimer,
    Done,
    Edit,
    EndReached,
    EngineRefusal,
    Event,
    Failed,
    FinishInstance,
    Fire,
    IncidentSettled,
    InstanceResumed,
    InstanceStarted,
    InstanceSuspended,
    JoinArrived,
    JoinFired,
    MessageTaken,
    Migrate,
    Move,
    OpenTask,
    RaiseIncident,
    Receive,
    Refusal,
    Resume,
    Retry,
    Return,
    ReturnTask,
    Skip,
    Start,
    Subscribe,
    Suspend,
    TakeFlow,
    TimerFired,
    TokenCancelled,
    Unsubscribe,
    WaitBegun,
    WaitOver,
)
from app.processes.engine.graph import RESTING, AssignRule, Definition, EndKind, Node, NodeKind
from app.processes.engine.many import People
from app.processes.engine.state import (
    FINAL,
    Data,
    IncidentCode,
    InstanceStatus,
    State,
    Subscription,
    Timer,
    Token,
    TokenState,
)

# An instance that moves over more flows than this without anybody's work is going round in circles.
MAX_MOVES = 2_000
#: why work is called off by the engine itself; whoever shows it has a sentence for each
BY_TIMER, BY_MESSAGE, BY_RETURN, BY_MOVE, BY_END = "@timer", "@message", "@return", "@move", "@end"


@dataclass(frozen=True, slots=True)
class Decision:
    """The state that follows, and the commands that lead there, in order."""

    state: State
    commands: tuple[Command, ...]


def _nobody(_rule: AssignRule, _step: Node, _data: Data) -> tuple[int, ...]:
    return ()


def decide(definition: Definition, state: State, event: Event, *, today: date, people: People = _nobody) -> Decision:
    """Apply one event and run until every token rests; EngineRefusal when the event does not fit the state.

    `today` is the company's calendar day, which conditions may ask for; `people` says whom a rule means where several
    are asked.
    """
    turn = _Turn(definition, state, today, people)
    match event:
        case Start(data, at):
            turn.start(data, at)
        case Complete(token, outputs, outcome):
            turn.complete(token, outputs, outcome)
        case Fire(timer):
            turn.fire(timer)
        case CallDone(token, values):
            calling.over(turn, token, values)
            turn._settle()
        case Failed(token, error, code, reason):
            calling.failed(turn, token, error, code, reason)
            turn._settle()
        case Receive(subscription, values, message):
            turn.receive(subscription, values, message)
        case Done(token, values):
            errand.done(turn, token, values)
            turn._settle()
        case Return(token, to, reason):
            turn.send_back(token, to, reason)
        case Cancel(reason):
            turn.cancel(reason)
        case Suspend(reason):
            turn.suspend(reason)
        case Resume():
            turn.resume()
        case Retry(token, reason):
            turn.retry(token, reason)
        case Skip(token, flow, reason):
            turn.skip(token, flow, reason)
        case Move(token, to, reason):
            turn.move(token, to, reason)
        case Edit(values, reason):
            turn.edit(values, reason)
        case Migrate():
            migrating.migrate(turn, event)
    return turn.decision()


class _Turn:
    """The working copy of a state while one event is applied."""

    def __init__(self, definition: Definition, state: State, today: date, people: People) -> None:
        self.definition = definition
        self.today = today
        self.people = people
        self.before = state
        self.status = state.status
        self.data = state.data
        self.tokens = {token.id: token for token in state.tokens}
        self.timers = {timer.id: timer for timer in state.timers}
        self.subscriptions = {one.id: one for one in state.subscriptions}
        self.gatherings = {gathering.token: gathering for gathering in state.gatherings}
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
            timers=tuple(self.timers.values()),
            subscriptions=tuple(self.subscriptions.values()),
            gatherings=tuple(self.gatherings.values()),
        )
        return Decision(state, tuple(self.commands))

    # What people and clocks do.

    def start(self, data: Data, at: str) -> None:
        if self.status is not InstanceStatus.new:
            raise EngineRefusal(Refusal.already_started)
        start = self.definition.nodes[at] if at else self.definition.starts[0]
        self._learn(start.id, data)
        self.status = InstanceStatus.running
        self.commands.append(InstanceStarted(start.id))
        self.moving.extend(start.outs)
        self._settle()

    def complete(self, token_id: int, outputs: Data, outcome: str | None) -> None:
        step = self._open_step(token_id)
        _refuse_wrong_outcome(step, outcome)
        outer = self.tokens[token_id].outer
        self._learn(step.id, outputs, None if outer else outcome)
        if outer:
            asking.answer(self, step, self.tokens[token_id], outputs, outcome)
        else:
            self._consume(token_id, CloseTask(token_id, step.id, outcome))
            self.moving.extend(step.outs)
        self._settle()

    def fire(self, timer_id: int) -> None:
        self._refuse_unless_running()
        timer = self.timers.pop(timer_id, None)
        if timer is None:
            raise EngineRefusal(Refusal.timer_gone)
        node = self.definition.nodes[timer.node]
        self.commands.append(TimerFired(timer.id, node.id))
        goes_on = node.host is not None and not node.interrupting and (timer.left is None or timer.left > 1)
        self._happened(node, timer.token, BY_TIMER)
        if goes_on:
            self._arm(node, timer.token, None if timer.left is None else timer.left - 1)
        self._settle()

    def receive(self, number: int, values: Data, message: int) -> None:
        self._refuse_unless_running()
        waited = self.subscriptions.pop(number, None)
        if waited is None:
            raise EngineRefusal(Refusal.message_gone)
        node = self.definition.nodes[waited.node]
        self.commands.append(MessageTaken(waited.id, node.id, message))
        self._learn(node.id, waits.taken(node, values))
        self._happened(node, waited.token, BY_MESSAGE)
        if node.host is not None and not node.interrupting:
            self._subscribe(node, waited.token, waited.key)
        self._settle()

    def _happened(self, node: Node, token_id: int, reason: str) -> None:
        """What was waited for is there: the token that waited goes on, or another one begins beside it. Of several
        things that a gateway waits for the first one wins, and the others are waited for no more."""
        if node.host is None:
            at = self.tokens[token_id].node
            self._consume(token_id, WaitOver(token_id, at))
            if at != node.id:
                self.commands.append(
                    TakeFlow(next(flow for flow in node.ins if self.definition.flows[flow].source == at))
                )
        elif node.interrupting:
            self._consume(token_id, TokenCancelled(token_id, node.host, reason))
        self.moving.extend(node.outs)

    def send_back(self, token_id: int, to: str, reason: str) -> None:
        step = self._open_step(token_id)
        token = self.tokens[token_id]
        ways = returning.ways_back(self.definition, self.tokens.values(), token)
        if to not in ways:
            raise EngineRefusal(Refusal.no_way_back, to)
        self._consume(token_id, ReturnTask(token_id, step.id, to, reason))
        self._call_off([ahead for ahead in ways[to] if ahead != token_id], BY_RETURN)
        self._rest_on(self.definition.nodes[to], "")
        self._settle()

    def cancel(self, reason: str) -> None:
        self._refuse_unless_begun()
        self._call_off(list(self.tokens), reason)
        self._finish(InstanceStatus.cancelled, reason)

    def suspend(self, reason: str) -> None:
        self._refuse_unless_running()
        self.status = InstanceStatus.suspended
        self.commands.append(InstanceSuspended(reason))

    def resume(self) -> None:
        self._refuse_unless_begun()
        if self.status is not InstanceStatus.suspended:
            raise EngineRefusal(Refusal.not_suspended)
        self.status = InstanceStatus.running
        self.commands.append(InstanceResumed())

    # What admins do where a branch cannot go on.

    def retry(self, token_id: int, reason: str) -> None:
        token = self._stopped(token_id)
        if token.state is not TokenState.stopped:
            raise EngineRefusal(Refusal.not_stopped)
        self._consume(token_id, IncidentSettled(token_id, token.node, reason=reason))
        self._enter(self.definition.nodes[token.node], token.via)
        self._settle()

    def skip(self, token_id: int, flow: str, reason: str) -> None:
        token = self._stopped(token_id)
        node = self.definition.nodes[token.node]
        if flow not in node.ways_out:
            raise EngineRefusal(Refusal.no_such_way, flow)
        together = {token.via: token_id}
        if token.state is TokenState.joining:
            # What else waits there would wait for ever for the one that is led on; what came by its own flow stays.
            together = {**joining.oldest_per_flow(node, self.tokens.values()), **together}
        for one in sorted(together.values()):
            self._consume(one, IncidentSettled(one, node.id, flow, reason))
        if node.kind is NodeKind.end_event:
            self._end(node)
        else:
            self.moving.append(flow)
        self._settle()

    def move(self, token_id: int, to: str, reason: str) -> None:
        self._refuse_unless_running()
        token = self.tokens.get(token_id)
        if token is None or token.outer:
            raise EngineRefusal(Refusal.nothing_waits)
        withdrawn = moving.withdrawn(self.definition, self.tokens.values(), token, to)
        self._consume(token_id, BranchMoved(token_id, token.node, to, reason))
        self._call_off(list(withdrawn), BY_MOVE)
        self._rest_on(self.definition.nodes[to], "")
        self._settle()

    def edit(self, values: Data, reason: str) -> None:
        self._refuse_unless_begun()
        self.data = {**self.data, **values}
        self.commands.append(DataEdited(tuple(sorted(values)), reason))

    # What may not be.

    def _refuse_unless_begun(self) -> None:
        if self.status in FINAL:
            raise EngineRefusal(Refusal.finished)
        if self.status is InstanceStatus.new:
            raise EngineRefusal(Refusal.not_started)

    def _refuse_unless_running(self) -> None:
        self._refuse_unless_begun()
        if self.status is not InstanceStatus.running:
            raise EngineRefusal(Refusal.not_running)

    def _open_step(self, token_id: int) -> Node:
        self._refuse_unless_running()
        token = self.tokens.get(token_id)
        if token is None or token.state is not TokenState.waiting:
            raise EngineRefusal(Refusal.task_not_open)
        return self.definition.nodes[token.node]

    def _stopped(self, token_id: int) -> Token:
        """A token that an admin may lead on: stopped, or at a join to which nothing more can come."""
        self._refuse_unless_running()
        token = self.tokens.get(token_id)
        still = any(one.state in (TokenState.waiting, TokenState.listening) for one in self.tokens.values())
        if token is None or not (
            token.state is TokenState.stopped or (token.state is TokenState.joining and not still)
        ):
            raise EngineRefusal(Refusal.not_stopped)
        return token

    # How tokens move.

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
        while self._go_on_at_joins():
            while self.moving and moves < MAX_MOVES:
                moves += 1
                self._travel(self.moving.popleft())
            if moves == MAX_MOVES:
                break
        while self.moving:
            flow = self.moving.popleft()
            self._stop(self.definition.follow(flow), flow, IncidentCode.automatic_loop)
        if self.status in FINAL:
            return
        if not self.tokens:
            self._finish(InstanceStatus.completed)
        elif all(token.state is TokenState.joining for token in self.tokens.values()):
            stuck = next(iter(self.tokens.values()))
            self.commands.append(RaiseIncident(stuck.id, stuck.node, IncidentCode.stuck_at_join))

    def _go_on_at_joins(self) -> bool:
        """Whether something moves; when nothing does, the first inclusive join with nothing left to wait for fires."""
        if self.moving or self.status in FINAL:
            return bool(self.moving)
        found = joining.ready(self.definition, self.tokens.values())
        if found is None:
            return False
        join, consumed = found
        self._fire_join(join, consumed)
        self.moving.extend(self._chosen(join) if len(join.outs) > 1 else join.outs)
        return True

    def _travel(self, flow: str) -> None:
        self.commands.append(TakeFlow(flow))
        self._enter(self.definition.follow(flow), flow)

    def _enter(self, node: Node, flow: str) -> None:
        match node.kind:
            case kind if kind in RESTING:
                self._rest_on(node, flow)
            case NodeKind.send_task | NodeKind.service_task if node.takes_time:
                self._rest_on(node, flow)
            case NodeKind.send_task | NodeKind.service_task:
                errand.begin(self, node, flow)
            case NodeKind.throw_event | NodeKind.end_event if node.runs_errands:
                errand.begin(self, node, flow)
            case NodeKind.parallel_gateway | NodeKind.inclusive_gateway if node.is_join:
                self.commands.append(JoinArrived(self._rest(node, flow, TokenState.joining), node.id, flow))
                if node.kind is NodeKind.parallel_gateway:
                    self._fire_if_complete(node)
            case NodeKind.exclusive_gateway | NodeKind.inclusive_gateway:
                chosen = self._chosen(node)
                if not chosen:
                    self._stop(node, flow, IncidentCode.no_way_chosen)
                self.moving.extend(chosen)
            case NodeKind.end_event:
                self._end(node)
            case _:
                self.moving.extend(node.outs)

    def _chosen(self, gateway: Node) -> list[str]:
        """The flows in document order whose condition holds, of an exclusive gateway the first; else the default."""
        chosen = []
        for out in gateway.outs:
            condition = self.definition.flows[out].condition
            if out != gateway.default and (condition is None or condition.holds(self.data, today=self.today)):
                chosen.append(out)
                if gateway.kind is NodeKind.exclusive_gateway:
                    break
        return chosen or ([gateway.default] if gateway.default else [])

    def _fire_if_complete(self, join: Node) -> None:
        """Consume exactly one token per incoming flow, the oldest; what is left over waits for the next round."""
        oldest = joining.oldest_per_flow(join, self.tokens.values())
        if len(oldest) == len(join.ins):
            self._fire_join(join, tuple(oldest[flow] for flow in join.ins))
            self.moving.extend(join.outs)

    def _fire_join(self, join: Node, consumed: tuple[int, ...]) -> None:
        for token_id in consumed:
            del self.tokens[token_id]
        self.commands.append(JoinFired(join.id, consumed))

    def _end(self, node: Node) -> None:
        self.commands.append(EndReached(node.id))
        if node.end is EndKind.branch:
            return
        self.moving.clear()
        self._call_off(list(self.tokens), BY_END)
        failed = node.end is EndKind.error
        status = InstanceStatus.failed if failed else InstanceStatus.completed
        self._finish(status, node.title if failed else "", (node.error or "") if failed else "")

    # How tokens rest, and go.

    def _rest_on(self, node: Node, via: str) -> None:
        """A step is offered, or something is waited for; what is waited for there and at its edge is armed."""
        armed = self._to_arm(node)
        wrong = next((found for _event, found in armed if isinstance(found, IncidentCode)), None)
        if wrong is not None:
            self._stop(node, via, wrong)
            return
        if node.many is not None:
            asking.begin(self, node, via)
            return
        if node.call is not None:
            calling.begin(self, node, via)
            return
        if node.takes_time:
            errand.ask(self, node, via)
            return
        is_step = node.kind is NodeKind.user_task
        token = self._rest(node, via, TokenState.waiting if is_step else TokenState.listening)
        self.commands.append(OpenTask(token, node.id) if is_step else WaitBegun(token, node.id))
        self._arm_all(armed, token)

    def _to_arm(self, node: Node) -> list[tuple[Node, str]]:
        """The events that are waited for there, with their keys and moments, or why they cannot be."""
        events = waits.armed_at(self.definition, node)
        return [(event, waits.moment_or_key(event, self.data, self.today)) for event in events]

    def _arm_all(self, armed: list[tuple[Node, str]], token: int) -> None:
        for event, found in armed:
            if event.timer is None:
                self._subscribe(event, token, found)
            else:
                self._arm(event, token, event.timer.times, found)

    def _subscribe(self, node: Node, token: int, key: str) -> None:
        name = node.message.name if node.message else ""
        one = Subscription(self._number(), node.id, token, name, key)
        self.subscriptions[one.id] = one
        self.commands.append(Subscribe(one.id, node.id, token, name, key))

    def _arm_edges(self, host: Node, token: int) -> None:
        self._arm_all(self._to_arm(host), token)

    def _arm(self, node: Node, token: int, left: int | None, moment: str = "") -> None:
        timer = Timer(self._number(), node.id, token, left)
        self.timers[timer.id] = timer
        self.commands.append(ArmTimer(timer.id, node.id, token, left, moment))

    def _consume(self, token_id: int, command: Command) -> None:
        """The token is gone, and with it the clocks that ran for it and the messages that it waited for; so are those
        whom it still asks."""
        if token_id in self.gatherings:
            asking.end(self, token_id, getattr(command, "reason", asking.BY_OTHERS))
        del self.tokens[token_id]
        self.commands.append(command)
        for timer in [timer for timer in self.timers.values() if timer.token == token_id]:
            del self.timers[timer.id]
            self.commands.append(DisarmTimer(timer.id, timer.node))
        for one in [one for one in self.subscriptions.values() if one.token == token_id]:
            del self.subscriptions[one.id]
            self.commands.append(Unsubscribe(one.id, one.node))

    def _call_off(self, token_ids: list[int], reason: str) -> None:
        for token_id in token_ids:
            if token_id in self.tokens:
                self._consume(token_id, TokenCancelled(token_id, self.tokens[token_id].node, reason))

    def _rest(self, node: Node, via: str, state: TokenState, outer: int = 0, position: int = 0) -> int:
        token = Token(self._number(), node.id, via, state, outer, position)
        self.tokens[token.id] = token
        return token.id

    def _number(self) -> int:
        self.next_token += 1
        return self.next_token - 1

    def _stop(self, node: Node, via: str, code: IncidentCode) -> None:
        self.commands.append(RaiseIncident(self._rest(node, via, TokenState.stopped), node.id, code))

    def _finish(self, status: InstanceStatus, reason: str = "", error: str = "") -> None:
        self.status = status
        self.commands.append(FinishInstance(status, reason, error))


def _refuse_wrong_outcome(step: Node, outcome: str | None) -> None:
    offered = step.task.outcomes if step.task else ()
    if offered and outcome is None:
        raise EngineRefusal(Refusal.outcome_missing)
    if outcome is not None and outcome not in offered:
        raise EngineRefusal(Refusal.outcome_unknown, outcome)
