"""One event, one decision, one transaction: what the engine decides becomes tasks, clocks and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import moment
from app.core.errors import BusinessError, ConflictError, InvalidInputError
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.customers.services import record_timeline
from app.deadlines.queries import company_calendar
from app.deadlines.rules import due_at, utc
from app.forms.models import FormVersion
from app.processes import again, family, incidents, requests, several, store
from app.processes.assignment import offer_for
from app.processes.engine.core import Decision, decide
from app.processes.engine.events import (
    ArmTimer,
    BranchMoved,
    EngineRefusal,
    Event,
    OpenTask,
    Refusal,
    ReturnTask,
    TokenCancelled,
)
from app.processes.engine.graph import Definition, TaskSpec
from app.processes.engine.state import FINAL, InstanceStatus, State
from app.processes.engine.timing import TimerSpec, parse_moment
from app.processes.models import OWNER, ProcessInstance, ProcessTimer, ProcessVersion
from app.tasks import queries as task_queries
from app.tasks import services as tasks
from app.tasks.models import Task
from app.tasks.rules import Deadline


class InstanceOverError(ConflictError):
    code = "instance_over"
    message = _("This process file has ended.")


class InstancePausedError(ConflictError):
    code = "instance_paused"
    message = _("This process file is paused. Nothing in it can be finished until it goes on.")


class BranchNotStoppedError(ConflictError):
    code = "branch_not_stopped"
    message = _("This branch is going on by itself.")


class BranchGoneError(ConflictError):
    code = "branch_gone"
    message = _("Nothing rests there any more: it has gone on meanwhile.")


class _Turns:
    """How many events this process has let happen, and how long they took; each that follows from one is one more."""

    def __init__(self) -> None:
        self.count, self.seconds = 0, 0.0
        self._alone = Lock()

    @contextmanager
    def timed(self) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            with self._alone:
                self.count += 1
                self.seconds += perf_counter() - began


MOST_COUNTED = 1000
#: read by GET /metrics
TURNS = _Turns()


def apply(
    session: Session,
    instance: ProcessInstance,
    version: ProcessVersion,
    state: State,
    event: Event,
    *,
    by: Actor,
    struck: ProcessTimer | None = None,
    ended: Task | None = None,
) -> Decision:
    """Let the event happen to a locked instance, and what follows from it at once, in it and in its kin. `struck` is
    the clock that caused it, `ended` the task.

    Raises InstanceOverError, InvalidInputError or ConflictError when the engine refuses it.
    """
    decision = _apply(session, instance, version, state, event, by=by, struck=struck, ended=ended)

    def happen(one: ProcessInstance, follows: Event, *, by_itself: bool) -> Decision:
        who = SYSTEM if by_itself else by
        return _apply(session, one, one.version, store.load(session, one), follows, by=who)

    family.follow(session, instance, event, decision, happen)
    return decision


@TURNS.timed()
def _apply(
    session: Session,
    instance: ProcessInstance,
    version: ProcessVersion,
    state: State,
    event: Event,
    *,
    by: Actor,
    struck: ProcessTimer | None = None,
    ended: Task | None = None,
) -> Decision:
    definition = family.definition_for(session, instance, version)
    now = moment(session)
    try:
        decision = decide(
            definition, state, event, today=clock.today(DEFAULT_TIME_ZONE), people=several.whom(session, instance)
        )
    except EngineRefusal as refusal:
        raise _refused(instance, refusal, definition) from refusal
    before = {token.id for token in state.tokens}
    known = {ended.token: ended} if ended is not None else {}
    known |= task_queries.of_tokens(session, OWNER, instance.id, before & _named(decision) - known.keys())
    _call_off(session, decision, known, by=by)
    back = next((known[command.token] for command in decision.commands if isinstance(command, ReturnTask)), None)
    alive = {token.id: token for token in decision.state.tokens}
    opened = {
        command.token: _open_task(
            session,
            instance,
            version,
            definition,
            command,
            data=decision.state.data,
            by=by,
            returned_from=back,
            # Whatever else opens in the same event came there by a flow, as ever.
            is_again=not alive[command.outer or command.token].via,
        )
        for command in decision.commands
        if isinstance(command, OpenTask) and command.token in alive  # another branch may have ended it all at once
    }
    store.save(
        session, instance, state, decision, version_id=version.id, by=by, at=now,
        task_ids={**{token: task.id for token, task in known.items()}, **opened},
        moments=_moments(session, definition, decision, now, struck),
    )  # fmt: skip
    requests.follow(session, instance, definition, decision)
    if instance.incident is None and decision.state.timers:  # what hid a clock that was given up is settled
        incidents.look_again(session, instance)
    incidents.tell_of_raised(session, instance, definition, decision, by=by)
    if decision.state.status in FINAL:
        _wind_up(session, instance, decision, by=by, reason=getattr(event, "reason", ""))
    return decision


def _named(decision: Decision) -> set[int]:
    """The tokens of which the commands tell."""
    return {command.token for command in decision.commands if hasattr(command, "token")}


def _call_off(session: Session, decision: Decision, known: Mapping[int, Task], *, by: Actor) -> None:
    """The open tasks whose branch is gone."""
    for command in decision.commands:
        task = known.get(command.token) if isinstance(command, TokenCancelled | BranchMoved) else None
        if task is not None and task.is_open:
            tasks.cancel_task(session, task, by=by, reason=getattr(command, "reason", ""))


# ── tasks ──
def _open_task(
    session: Session,
    instance: ProcessInstance,
    version: ProcessVersion,
    definition: Definition,
    command: OpenTask,
    *,
    data: Mapping[str, Any],
    by: Actor,
    returned_from: Task | None,
    is_again: bool,
) -> int:
    """`is_again`: sent back or put there by hand, so that it is for whoever did it before."""
    node = definition.nodes[command.step]
    spec = node.task or TaskSpec()
    attempt, before = again.before(session, instance, command) if is_again else (1, None)
    return tasks.open_task(
        session,
        owner_type=OWNER,
        owner_id=instance.id,
        step=node.id,
        token=command.token,
        name=several.name_of(session, node, command),
        context=f"{version.process.name}, {instance.code}",
        customer_id=instance.customer_id,
        offer=several.offer_of(session, instance, node, command)
        or offer_for(session, node.assignment, instance, node=node, data=data, again=before),
        deadline=_deadline(session, spec),
        form_version=session.get(FormVersion, version.form_pins[spec.form]) if spec.form else None,
        outcomes=spec.outcomes,
        attempt=attempt,
        returned_from=returned_from if is_again else None,
        before=before,
        by=by,
    )


def _deadline(session: Session, spec: TaskSpec) -> Deadline:
    """Due and warning moments, counted on the company's calendar or on the wall clock."""
    if spec.due is None:
        return Deadline()
    now, calendar = moment(session), company_calendar(session)
    due = due_at(now, spec.due, spec.clock, calendar)
    if spec.warn is None or spec.warn >= spec.due:
        return Deadline(due, None if spec.warn is None else now)
    return Deadline(due, due_at(now, spec.due - spec.warn, spec.clock, calendar))


# ── clocks ──
def _moments(
    session: Session, definition: Definition, decision: Decision, now: datetime, struck: ProcessTimer | None
) -> dict[int, datetime]:
    """When each clock that begins to run will strike, by its number."""
    armed = [command for command in decision.commands if isinstance(command, ArmTimer)]
    running = {timer.id for timer in decision.state.timers}
    moments = {}
    for command in armed:
        spec = definition.nodes[command.node].timer
        if spec is None or command.timer not in running:
            continue
        if command.moment:
            moments[command.timer] = in_utc(parse_moment(command.moment))
        elif struck is not None and (struck.node, struck.token) == (command.node, command.token):
            moments[command.timer] = next_moment(session, spec, struck.due_at, now)
        else:
            moments[command.timer] = first_moment(session, spec, now)
    return moments


def first_moment(session: Session, spec: TimerSpec, now: datetime) -> datetime:
    """When a clock that begins to run now strikes for the first time."""
    if spec.moment is not None:
        return in_utc(spec.moment)
    if spec.amount is None:
        return now
    return due_at(now, spec.amount, spec.clock, company_calendar(session))


def next_moment(session: Session, spec: TimerSpec, before: datetime, now: datetime) -> datetime:
    """When it strikes again, counted from the last time; what it missed while nobody was there is not made up for."""
    if spec.amount is None:
        return now
    if spec.clock == "wall":
        return before + spec.amount * ((now - before) // spec.amount + 1 if now > before else 1)
    calendar = company_calendar(session)
    again = due_at(before, spec.amount, spec.clock, calendar)
    return again if again > now else due_at(now, spec.amount, spec.clock, calendar)


def left_out(session: Session, spec: TimerSpec, before: datetime, now: datetime) -> int:
    """How often it would have struck since `before`, had anybody been there; of working time at most MOST_COUNTED."""
    if not spec.repeats or spec.amount is None or now <= before:
        return 0
    if spec.clock == "wall":
        return (now - before) // spec.amount
    calendar, count = company_calendar(session), 0
    while count < MOST_COUNTED and (before := due_at(before, spec.amount, spec.clock, calendar)) <= now:
        count += 1
    return count


def in_utc(moment: datetime) -> datetime:
    """A moment without a zone is meant on the company's walls."""
    return utc(moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(DEFAULT_TIME_ZONE)))


# ── the end, and what may not be ──
def _wind_up(session: Session, instance: ProcessInstance, decision: Decision, *, by: Actor, reason: str) -> None:
    """The instance is over: end what was handed over, tell the customer's timeline."""
    tasks.end_grants_of(session, OWNER, instance.id)
    if decision.state.status is InstanceStatus.failed and not family.is_linked(session, instance):
        incidents.tell_of_failure(session, instance, decision, by=by)
    if instance.customer_id is not None:
        record_timeline(
            session,
            instance.customer_id,
            kind=f"instance_{decision.state.status}",
            by=by,
            at=clock.now(),
            subject_type=OWNER,
            subject_id=instance.id,
            data={"code": instance.code, "reason": reason},
        )


def _refused(instance: ProcessInstance, refusal: EngineRefusal, definition: Definition) -> BusinessError:
    if instance.status in FINAL:
        return InstanceOverError(at=instance.ended_at)
    match refusal.code:
        case Refusal.not_running:
            return InstancePausedError()
        case Refusal.not_suspended:
            return ConflictError(_("This process file is running already."))
        case Refusal.not_stopped:
            return BranchNotStoppedError()
        case Refusal.no_such_way:
            return InvalidInputError(fields={"flow": [_("No way out of this place is called so.")]})
        case Refusal.no_way_back:
            return InvalidInputError(fields={"to": [_("The work cannot be sent back to this step.")]})
        case Refusal.no_such_step:
            return InvalidInputError(fields={"to": [_("The work can only be put on another step of this process.")]})
        case Refusal.cannot_tell:
            return InvalidInputError(fields={"to": [
                _("This process is too branched to tell whether every branch would still come to an end.")
            ]})  # fmt: skip
        case Refusal.join_left_dead:
            name = definition.nodes[refusal.about].title
            return InvalidInputError(fields={"to": [
                _("Then “%(name)s” would wait for ever for a branch that cannot come any more.", name=name)
            ]})  # fmt: skip
        case Refusal.no_end_left:
            name = definition.nodes[refusal.about].title
            return InvalidInputError(fields={"to": [
                _("Then what comes after “%(name)s” could not come to an end any more.", name=name)
            ]})  # fmt: skip
        case Refusal.nothing_waits:
            return BranchGoneError()
    if refusal.about:
        return InvalidInputError(fields={refusal.about: [_("This value cannot be set here.")]})
    return ConflictError()
