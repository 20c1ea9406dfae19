"""Runs within runs: a process calls another one, and what happens to one of them happens to its kin in time.

All of it is one transaction under the lock of the outermost run (store.lock), so nobody sees one half of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import and_, bindparam, func, literal, select, union_all
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from app.core import clock, rows
from app.core.access import Actor, visible
from app.core.db import queue_up
from app.core.errors import ConflictError
from app.core.i18n import _
from app.core.numbering import next_number
from app.core.prepared import PreparedRows
from app.forms import queries as forms
from app.forms.models import FormVersion
from app.processes import errands, following, queries, requests, store
from app.processes.assignment import TURNS
from app.processes.engine.calling import DEEPEST, CallSpec
from app.processes.engine.core import MAX_MOVES, Decision
from app.processes.engine.events import (
    BeginErrand,
    CallBegun,
    CallDone,
    Cancel,
    Event,
    Failed,
    FinishInstance,
    Resume,
    Start,
    Suspend,
    TakeFlow,
    TokenCancelled,
)
from app.processes.engine.graph import Definition
from app.processes.engine.state import FINAL, IncidentCode, InstanceStatus
from app.processes.models import (
    OWNER,
    CallPin,
    Process,
    ProcessCall,
    ProcessEvent,
    ProcessInstance,
    ProcessToken,
    ProcessVersion,
)
from app.tasks.alerts import hold_alerts, release_alerts

#: the run that called this one, and the element at which it waits for it
_CALLER = (
    select(ProcessInstance, ProcessToken.node)
    .join(ProcessCall, ProcessCall.parent_id == ProcessInstance.id)
    .join(
        ProcessToken, and_(ProcessToken.instance_id == ProcessCall.parent_id, ProcessToken.token == ProcessCall.token)
    )
    .where(ProcessCall.child_id == bindparam("child"))
    .options(joinedload(ProcessInstance.version))
)


class Happen(Protocol):
    """An event happens to one run of the family; `by_itself`: nobody's hand caused it."""

    def __call__(self, one: ProcessInstance, follows: Event, *, by_itself: bool) -> Decision: ...


#: so many linked runs may begin because of one event, and so much may one of them do by itself, before it is taken for
#: a circle
MOST_BEGUN = 100
#: of the runs that this one called, for these tokens
_CALLED = (
    select(ProcessCall.token, ProcessCall.child_id)
    .where(ProcessCall.parent_id == bindparam("parent"), ProcessCall.token.in_(bindparam("tokens", expanding=True)))
    .order_by(ProcessCall.id)
)
_CALL: Any = ProcessCall.__table__
_CALL_OF = PreparedRows(select(*_CALL.c).where(_CALL.c.child_id == bindparam("child")))
#: why a linked run is paused with the one that called it, and called off unless somebody said why
BY_CALLER = "@caller"


class CallerPausedError(ConflictError):
    code = "caller_paused"
    message = _("The process file to which this one belongs is paused.")


def new_instance(
    session: Session, version: ProcessVersion, initiator_id: int, team_id: int | None, customer_id: int | None
) -> ProcessInstance:
    """A run that has not begun yet."""
    # Where it begins inside of another one somebody may have had his turn already: everybody takes both in this order.
    queue_up(session, TURNS)
    instance = rows.make(
        session,
        ProcessInstance,
        code=queries.instance_code(next_number(session, "instance")),
        version_id=version.id,
        customer_id=customer_id,
        status=InstanceStatus.new,
        data={},
        initiator_id=initiator_id,
        team_id=team_id,
        start_submission_id=None,
        next_token=1,
        seq=0,
        incident=None,
        incident_at=None,
        started_at=clock.now(),
        ended_at=None,
    )
    set_committed_value(instance, "version", version)
    return instance


def definition_for(session: Session, instance: ProcessInstance, version: ProcessVersion) -> Definition:
    """The version as this run does it: without lanes of its own, it is done in the lane from which it was called."""
    definition = queries.definition_of(version)
    if not definition.asks_for_a_lane:
        return definition
    child = instance.id
    for _one in range(DEEPEST):
        found = session.execute(_CALLER, {"child": child}).unique().one_or_none()
        if found is None:
            break
        caller = queries.definition_of(found.ProcessInstance.version)
        lane = caller.nodes[found.node].lane
        if lane is not None and lane.role:
            return definition.in_lane(lane)
        if any(node.lane is not None for node in caller.nodes.values()):
            break
        child = found.ProcessInstance.id
    return definition


def put_aside(session: Session, instance: ProcessInstance) -> None:
    """It is paused: no clock of it strikes, no program is asked, and its work warns nobody."""
    store.hold_timers(session, instance)
    requests.hold(session, instance)
    hold_alerts(session, OWNER, instance.id)


def take_up(session: Session, instance: ProcessInstance) -> None:
    """It goes on; the clocks whose moment has passed meanwhile strike at once, and what is late by now is told of."""
    store.release_timers(session, instance)
    requests.release(session, instance)
    release_alerts(session, OWNER, instance.id)


def follow(session: Session, instance: ProcessInstance, event: Event, decision: Decision, happen: Happen) -> None:
    """Let happen to the kin of a run what follows from what has just happened to it, until nothing follows any more."""
    waiting, begun = deque([(instance, event, decision)]), 0
    armed: dict[int, set[int]] = {}
    to_do: dict[int, list[BeginErrand]] = {}
    moved, done = Counter[int](), Counter[int]()
    while waiting:
        one, happened, decided = waiting.popleft()
        moved[one.id] += sum(isinstance(command, TakeFlow) for command in decided.commands)
        if queries.definition_of(one.version).calls:
            for child, so in _to_children(session, one, happened, decided):
                waiting.append((child, so, happen(child, so, by_itself=False)))
                if isinstance(so, Suspend):
                    put_aside(session, child)
                elif isinstance(so, Resume):
                    take_up(session, child)
            calls = [command for command in decided.commands if isinstance(command, CallBegun)]
            # As it is by now: another linked run may have ended meanwhile, and with it what waits for this one.
            alive = {token.id for token in store.tokens_of(session, one.id)} if calls else set()
            for command in calls:
                if command.token in alive:
                    begun += 1
                    kin, so = _begin(session, one, command, is_circle=begun > MOST_BEGUN)
                    waiting.append((kin, so, happen(kin, so, by_itself=False)))
        if decided.state.status in FINAL:
            for caller, so in _to_caller(session, one, decided):
                waiting.append((caller, so, happen(caller, so, by_itself=False)))
        mine = armed.setdefault(one.id, set())
        mine |= following.armed(decided)
        left = to_do.setdefault(one.id, [])
        left += errands.begun(decided)
        if not mine and not left:
            continue
        is_circle = moved[one.id] > MAX_MOVES or done[one.id] >= MOST_BEGUN
        so_too = following.next_event(session, one, store.load(session, one), mine, left, is_circle=is_circle)
        if so_too is not None:
            done[one.id] += 1
            waiting.append((one, so_too, happen(one, so_too, by_itself=True)))


def _to_children(
    session: Session, one: ProcessInstance, happened: Event, decided: Decision
) -> Sequence[tuple[ProcessInstance, Event]]:
    """What happens to the linked runs that go on: they are called off with the branch that waits for them, and are
    paused and go on with the run that called them; and to itself, where it goes on and one of them does no more."""
    alive = {token.id for token in decided.state.tokens}
    reasons = {command.token: command.reason for command in decided.commands if isinstance(command, TokenCancelled)}
    # Those for whom nothing waited before this event have ended long ago: a loop may have left thousands of them.
    tokens = sorted(alive | {command.token for command in decided.commands if hasattr(command, "token")})
    found: list[tuple[ProcessInstance, Event]] = []
    for token, child_id in session.execute(_CALLED, {"parent": one.id, "tokens": tokens}).all():
        child = store.again(session, child_id)
        if child.status in FINAL:
            if isinstance(happened, Resume) and token in alive:  # called off while this one could not hear of it
                found.append((one, Failed(token, None, IncidentCode.call_cancelled)))
        elif token not in alive:
            found.append((child, Cancel(reasons.get(token, BY_CALLER))))
        elif isinstance(happened, Suspend) and child.status is InstanceStatus.running:
            found.append((child, Suspend(BY_CALLER)))
        elif isinstance(happened, Resume) and _was_paused_along(session, child):
            found.append((child, happened))
    return found


def _was_paused_along(session: Session, child: ProcessInstance) -> bool:
    """Whether it is paused because its caller was; what was paused by hand goes on by hand."""
    if child.status is not InstanceStatus.suspended:
        return False
    paused = queries.events(child.id).where(ProcessEvent.kind == "instance_suspended").order_by(None)
    last = session.scalars(paused.order_by(ProcessEvent.seq.desc()).limit(1)).one()
    return bool(last.body.get("reason") == BY_CALLER)


def _begin(
    session: Session, one: ProcessInstance, command: CallBegun, *, is_circle: bool
) -> tuple[ProcessInstance, Event]:
    """The linked run and its beginning; or its caller and why it cannot begin."""
    spec = queries.definition_of(one.version).calls[command.node]
    above = _call_to(session, one.id)
    depth = above.depth + 1 if above is not None else 1
    version = _version(session, one, spec)
    if is_circle or depth > DEEPEST:
        why = IncidentCode.automatic_loop if is_circle else IncidentCode.call_too_deep
    elif version is None:
        why = IncidentCode.call_missing
    elif any(command.values.get(key) in (None, "", []) for key in required_keys(session, version)):
        why = IncidentCode.call_lacks_values
    else:
        child = new_instance(session, version, one.initiator_id, one.team_id, one.customer_id)
        root_id = above.root_id if above is not None else one.id
        session.add(ProcessCall(parent_id=one.id, token=command.token, child_id=child.id, root_id=root_id, depth=depth))
        session.flush()
        return child, Start(command.values)
    return one, Failed(command.token, None, why)


def _version(session: Session, one: ProcessInstance, spec: CallSpec) -> ProcessVersion | None:
    """The version that was pinned, else the one in use."""
    if spec.pinned:
        pins = select(CallPin.pinned_id).where(CallPin.version_id == one.version_id, CallPin.process == spec.process)
        pinned = session.scalars(pins).one_or_none()
        return session.get(ProcessVersion, pinned) if pinned is not None else None
    process = queries.process_by_code(session, spec.process)
    if process is None or process.archived_at is not None:
        return None
    return queries.active_version(session, process.id)


def required_keys(session: Session, version: ProcessVersion) -> frozenset[str]:
    """Without which values a run of this version does not begin."""
    code = queries.definition_of(version).start_form
    return required_in(session.get(FormVersion, version.form_pins[code])) if code else frozenset()


def required_in(form: FormVersion | None) -> frozenset[str]:
    """The keys that the form asks for in any case."""
    return frozenset() if form is None else frozenset(
        one.key for one in forms.definition_of(form).fields
        if one.spec.required and not one.shown_if and not one.spec.retired
    )  # fmt: skip


def _to_caller(session: Session, one: ProcessInstance, decided: Decision) -> Sequence[tuple[ProcessInstance, Event]]:
    """The run that waits for this one, if there is one, and what its end means there."""
    call = _call_to(session, one.id)
    if call is None:
        return ()
    caller = store.again(session, call.parent_id)
    rests = next((token for token in store.tokens_of(session, caller.id) if token.id == call.token), None)
    if caller.status is not InstanceStatus.running or rests is None:
        return ()  # what is paused learns of it when it goes on: see _to_children
    spec = queries.definition_of(caller.version).calls[rests.node]
    match decided.state.status:
        case InstanceStatus.completed:
            return [(caller, CallDone(call.token, spec.values_out(decided.state.data)))]
        case InstanceStatus.failed:
            end = next(command for command in decided.commands if isinstance(command, FinishInstance))
            return [(caller, Failed(call.token, end.error, IncidentCode.call_failed))]
    return [(caller, Failed(call.token, None, IncidentCode.call_cancelled))]


def pin_calls(session: Session, version: ProcessVersion) -> None:
    """The version is published: the linked processes that it wants as they are now stay so for its runs."""
    for spec in {spec.process: spec for spec in queries.definition_of(version).calls.values() if spec.pinned}.values():
        process = queries.process_by_code(session, spec.process)
        active = queries.active_version(session, process.id) if process is not None else None
        if active is not None:
            session.add(CallPin(version_id=version.id, process=spec.process, pinned_id=active.id))
    session.flush()


def refuse_while_caller_is_paused(session: Session, instance: ProcessInstance) -> None:
    """A linked run goes on with the one that called it. Raises CallerPausedError."""
    call = _call_to(session, instance.id)
    if call is not None and store.again(session, call.parent_id).status is InstanceStatus.suspended:
        raise CallerPausedError


def _call_to(session: Session, instance_id: int) -> ProcessCall | None:
    return rows.first(session, ProcessCall, _CALL_OF, {"child": instance_id})


def is_linked(session: Session, instance: ProcessInstance) -> bool:
    """Whether another run called it, and hears what becomes of it."""
    return _call_to(session, instance.id) is not None


# ── as it is shown ──
#: so many of those that a run called are told at once, the newest
MOST_SHOWN = 100


@dataclass(frozen=True)
class Relative:
    """A run that called another one or was called by it; `token` is the one that waited for it."""

    id: int
    code: str
    process: str
    process_code: str
    status: InstanceStatus
    token: int


@dataclass
class Kin:
    """Of one run those that somebody sees: `caller` none or one, `called` the newest, the oldest of them first, out of
    `count` in all."""

    caller: list[Relative]
    called: list[Relative]
    count: int = 0


def kin_of(session: Session, instance_ids: Collection[int], actor: Actor) -> defaultdict[int, Kin]:
    """By run the one that called it, and those that it called."""
    found = defaultdict[int, Kin](lambda: Kin([], []))
    if not instance_ids:
        return found
    kin = union_all(*(
        select(
            literal(side).label("side"), ProcessCall.id.label("call"), own.label("own"), other.label("other"),
            ProcessCall.token, func.row_number().over(partition_by=own, order_by=ProcessCall.id.desc()).label("nth"),
            func.count().over(partition_by=own).label("all"),
        )
        .join(ProcessInstance, ProcessInstance.id == other)
        .where(own.in_(instance_ids), visible(ProcessInstance, actor))
        for side, (own, other) in enumerate(
            [(ProcessCall.child_id, ProcessCall.parent_id), (ProcessCall.parent_id, ProcessCall.child_id)]
        )
    )).subquery()  # fmt: skip
    rows = (
        select(kin.c.side, kin.c.own, kin.c.all, kin.c.other, ProcessInstance.code, Process.name,
               Process.code.label("process"), ProcessInstance.status, kin.c.token)
        .join(ProcessInstance, ProcessInstance.id == kin.c.other)
        .join(ProcessVersion, ProcessVersion.id == ProcessInstance.version_id)
        .join(Process, Process.id == ProcessVersion.process_id)
        .where(kin.c.nth <= MOST_SHOWN)
        .order_by(kin.c.call)
    )  # fmt: skip
    for side, own, count, *one in session.execute(rows):
        if side:
            found[own].called.append(Relative(*one))
            found[own].count = count
        else:
            found[own].caller.append(Relative(*one))
    return found
