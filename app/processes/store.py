"""How does the engine's state become rows and back? Core statements made once, in the caller's transaction."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, get_args

from sqlalchemy import Integer, bindparam, delete, func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.core import rows
from app.core.access import Actor
from app.core.db import connection_of, known_within
from app.core.leases import LeaseState
from app.core.prepared import Prepared, PreparedRows, inserting
from app.processes import queries
from app.processes.engine.core import Decision
from app.processes.engine.events import Command, RaiseIncident
from app.processes.engine.state import FINAL, Gathering, State, Subscription, Timer, Token, TokenState
from app.processes.models import (
    Process,
    ProcessCall,
    ProcessEvent,
    ProcessInstance,
    ProcessSubscription,
    ProcessTimer,
    ProcessToken,
    ProcessVersion,
)

#: the instances that are locked in the transaction
_HELD = "instances_held"

T = TypeVar("T", Token, Timer, Subscription)

_TOKEN: Any = ProcessToken.__table__
_TIMER: Any = ProcessTimer.__table__
_SUBSCRIPTION: Any = ProcessSubscription.__table__
_EVENT: Any = ProcessEvent.__table__
_INSTANCE: Any = ProcessInstance.__table__
_VERSION: Any = ProcessVersion.__table__
_PROCESS: Any = Process.__table__
#: what an event has to know of the version and of the process
_OF_VERSION = ("id", "process_id", "number", "state", "bpmn", "form_pins")
_OF_TOKEN = ("token", "node", "via", "state", "outer", "position")
_INSTANCE_COLUMNS = tuple(column.name for column in _INSTANCE.c)
_OF_PROCESS = ("id", "code", "name")
_WITH_VERSION = (
    select(
        *_INSTANCE.c,
        *(_VERSION.c[name].label(f"version_{name}") for name in _OF_VERSION),
        *(_PROCESS.c[name].label(f"process_{name}") for name in _OF_PROCESS),
    )
    .join(_VERSION, _VERSION.c.id == _INSTANCE.c.version_id)
    .join(_PROCESS, _PROCESS.c.id == _VERSION.c.process_id)
    .with_for_update(of=_INSTANCE)
)
_LOCK = PreparedRows(_WITH_VERSION.where(_INSTANCE.c.id == bindparam("instance")))
_OUTERMOST = select(ProcessCall.root_id).where(ProcessCall.child_id == bindparam("instance")).scalar_subquery()
_LOCK_OUTERMOST = PreparedRows(
    _WITH_VERSION.where(_INSTANCE.c.id == func.coalesce(_OUTERMOST, bindparam("instance", type_=Integer)))
)
_TOKENS_OF_ONE = (
    select(
        _TOKEN.c.token,
        _TOKEN.c.node,
        _TOKEN.c.via,
        _TOKEN.c.state,
        _TOKEN.c.outer,
        _TOKEN.c.position,
        _TOKEN.c.gathered,
    )
    .where(_TOKEN.c.instance_id == bindparam("instance"))
    .order_by(_TOKEN.c.token)
)
_TOKENS_OF = PreparedRows(_TOKENS_OF_ONE)
_TOKENS_OF_ALL = (
    select(_TOKEN.c.instance_id, *_TOKENS_OF_ONE.selected_columns)
    .where(_TOKEN.c.instance_id.in_(bindparam("instances", expanding=True)))
    .order_by(_TOKEN.c.instance_id, _TOKEN.c.token)
)
_TIMERS_OF = PreparedRows(
    select(_TIMER.c.number, _TIMER.c.node, _TIMER.c.token, _TIMER.c.left)
    .where(_TIMER.c.instance_id == bindparam("instance"))
    .order_by(_TIMER.c.number)
)
_SUBSCRIPTIONS_OF = PreparedRows(
    select(
        _SUBSCRIPTION.c.number, _SUBSCRIPTION.c.node, _SUBSCRIPTION.c.token, _SUBSCRIPTION.c.name, _SUBSCRIPTION.c.key
    )
    .where(_SUBSCRIPTION.c.instance_id == bindparam("instance"))
    .order_by(_SUBSCRIPTION.c.number)
)
_NO_TOKEN = Prepared(
    delete(_TOKEN).where(_TOKEN.c.instance_id == bindparam("instance"), _TOKEN.c.token == bindparam("number_"))
)
_GO_ON = Prepared(
    update(_TOKEN)
    .where(_TOKEN.c.instance_id == bindparam("instance"), _TOKEN.c.token == bindparam("number_"))
    .values({name: bindparam(f"new_{name}", type_=_TOKEN.c[name].type) for name in _OF_TOKEN} | {"gathered": None})
)
_GATHERED = Prepared(
    update(_TOKEN)
    .where(_TOKEN.c.instance_id == bindparam("instance"), _TOKEN.c.token == bindparam("number_"))
    .values(gathered=bindparam("so_far", type_=_TOKEN.c.gathered.type))
)
_NO_TIMER = Prepared(
    delete(_TIMER).where(_TIMER.c.instance_id == bindparam("instance"), _TIMER.c.number == bindparam("number_"))
)
_TIMER_AT = Prepared(
    update(_TIMER)
    .where(_TIMER.c.instance_id == bindparam("instance"), _TIMER.c.number == bindparam("number_"))
    .values(node=bindparam("at", type_=_TIMER.c.node.type))
)
_WAITS_AT = Prepared(
    update(_SUBSCRIPTION)
    .where(_SUBSCRIPTION.c.instance_id == bindparam("instance"), _SUBSCRIPTION.c.number == bindparam("number_"))
    .values(node=bindparam("at", type_=_SUBSCRIPTION.c.node.type))
)
_NO_SUBSCRIPTION = Prepared(
    delete(_SUBSCRIPTION).where(
        _SUBSCRIPTION.c.instance_id == bindparam("instance"), _SUBSCRIPTION.c.number == bindparam("number_")
    )
)
_ADD_TOKENS = Prepared(inserting(_TOKEN, ("instance_id", *_OF_TOKEN)))
_ADD_TIMERS = Prepared(
    inserting(
        _TIMER,
        ("instance_id", "number", "node", "token", "left", "due_at", "next_at", "status", "attempts"),
    )
)
_ADD_SUBSCRIPTIONS = Prepared(
    inserting(_SUBSCRIPTION, ("instance_id", "number", "token", "node", "name", "key", "armed_at"))
)
_ADD_EVENTS = Prepared(inserting(_EVENT, ("instance_id", "seq", "kind", "node", "task_id", "actor_id", "at", "body")))


def lock(session: Session, instance_id: int) -> ProcessInstance:
    """The instance, locked: what happens in it and in its kin happens one after the other.

    The lock is the row of the outermost of those that called each other. It is held until the transaction ends, and
    what holds it once need not ask again.
    """
    held: dict[int, ProcessInstance] = known_within(session).setdefault(_HELD, {})
    if instance_id in held:
        return held[instance_id]
    outermost = _locked(session, _LOCK_OUTERMOST, instance_id)
    locked = outermost if outermost.id == instance_id else again(session, instance_id)
    if not session.in_nested_transaction():  # a lock taken inside a savepoint may go with it
        held[instance_id] = locked
    return locked


def again(session: Session, instance_id: int) -> ProcessInstance:
    """Another instance under a lock that is held, as it is by now."""
    return _locked(session, _LOCK, instance_id)


def _locked(session: Session, statement: PreparedRows, instance_id: int) -> ProcessInstance:
    """With its version and process: no event goes without them."""
    session.flush()
    read = statement.one(connection_of(session), {"instance": instance_id})
    count, of_version = len(_INSTANCE.c), len(_INSTANCE.c) + len(_OF_VERSION)
    instance = rows.known(session, ProcessInstance, dict(zip(_INSTANCE_COLUMNS, read[:count], strict=True)))
    version = rows.known(session, ProcessVersion, dict(zip(_OF_VERSION, read[count:of_version], strict=True)))
    process = rows.known(session, Process, dict(zip(_OF_PROCESS, read[of_version:], strict=True)))
    set_committed_value(instance, "version", version)
    set_committed_value(version, "process", process)
    return instance


def load(session: Session, instance: ProcessInstance) -> State:
    """The state of a locked instance."""
    of, definition = {"instance": instance.id}, queries.definition_of(instance.version)
    connection = connection_of(session)
    tokens = _TOKENS_OF.read(connection, of)
    timers = _TIMERS_OF.read(connection, of) if definition.has_clocks else ()
    subscriptions = _SUBSCRIPTIONS_OF.read(connection, of) if definition.has_messages else ()
    return State(
        status=instance.status,
        data=dict(instance.data),
        tokens=tuple(Token(*row[:-1]) for row in tokens),
        next_token=instance.next_token,
        seq=instance.seq,
        timers=tuple(Timer(*row) for row in timers),
        subscriptions=tuple(Subscription(*row) for row in subscriptions),
        gatherings=tuple(_gathering(row[0], row[-1]) for row in tokens if row[-1] is not None),
    )


def _gathering(token: int, gathered: Mapping[str, Any]) -> Gathering:
    return Gathering(token, tuple(gathered["elements"]), tuple(gathered["answers"]))


def branches_of(session: Session, instance_ids: Collection[int]) -> dict[int, State]:
    """Of each where its branches rest and what was gathered there so far, read without a lock: for what is shown."""
    rows: dict[int, list[Any]] = {}
    for number, *row in session.execute(_TOKENS_OF_ALL, {"instances": list(instance_ids)}):
        rows.setdefault(number, []).append(row)
    return {
        number: State(
            tokens=tuple(Token(*row[:-1]) for row in found),
            gatherings=tuple(_gathering(row[0], row[-1]) for row in found if row[-1] is not None),
        )
        for number, found in rows.items()
    }


def tokens_of(session: Session, instance_id: int) -> list[Token]:
    """Where its branches rest, read without a lock: for what is shown and checked again later."""
    return [Token(*row[:-1]) for row in _TOKENS_OF.read(connection_of(session), {"instance": instance_id})]


def save(
    session: Session,
    instance: ProcessInstance,
    before: State,
    decision: Decision,
    *,
    version_id: int,
    by: Actor,
    at: datetime,
    task_ids: Mapping[int, int],
    moments: Mapping[int, datetime],
) -> None:
    """Write what changed between `before` and the decision.

    `task_ids` tells which task belongs to which token, `moments` when each new clock strikes.
    """
    after, incident = decision.state, incident_of(instance.incident, decision)
    _save_tokens(session, instance, before, after)
    if version_id != instance.version_id:
        _save_renamed(session, instance, before, after)
    changed = [one for one in after.gatherings if one not in before.gatherings]
    _GATHERED(session, [_gathered_row(instance, one) for one in changed])
    _NO_TIMER(session, _gone(instance, before.timers, after.timers))
    _ADD_TIMERS(session, [_timer_row(instance, one, moments[one.id]) for one in _came(before.timers, after.timers)])
    _NO_SUBSCRIPTION(session, _gone(instance, before.subscriptions, after.subscriptions))
    _ADD_SUBSCRIPTIONS(
        session,
        [_subscription_row(instance, one, at) for one in _came(before.subscriptions, after.subscriptions)],
    )
    rows.change(
        session, instance, version_id=version_id, status=after.status, data=dict(after.data),
        next_token=after.next_token, seq=after.seq,
        incident=incident, incident_at=(instance.incident_at or at) if incident else None,
        ended_at=at if after.status in FINAL else None,
    )  # fmt: skip
    _ADD_EVENTS(
        session,
        [
            {
                "instance_id": instance.id,
                "seq": before.seq + position,
                "kind": _kind(type(command).__name__),
                "node": _node(command),
                "task_id": task_ids.get(getattr(command, "token", -1)),
                "actor_id": by.user_id,
                "at": at,
                "body": _body(command),
            }
            for position, command in enumerate(decision.commands, start=1)
        ],
    )


def _save_tokens(session: Session, instance: ProcessInstance, before: State, after: State) -> None:
    """One that comes where another one went takes its row: a row is dear to remove and dear to make."""
    gone, came = _gone(instance, before.tokens, after.tokens), _came(before.tokens, after.tokens)
    both = min(len(gone), len(came))
    pairs = zip(gone[:both], came[:both], strict=True)
    _GO_ON(session, [left | {f"new_{name}": new for name, new in _token_row(one).items()} for left, one in pairs])
    _NO_TOKEN(session, gone[both:])
    _ADD_TOKENS(session, [{"instance_id": instance.id, **_token_row(one)} for one in came[both:]])


def _save_renamed(session: Session, instance: ProcessInstance, before: State, after: State) -> None:
    """What stays goes by the names of the other version."""
    was = {one.id for one in before.timers} | {one.id for one in before.subscriptions}
    moved = [one for one in after.tokens if one.id in {token.id for token in before.tokens}]
    _GO_ON(
        session,
        [
            {"instance": instance.id, "number_": one.id} | {f"new_{name}": new for name, new in _token_row(one).items()}
            for one in moved
        ],
    )
    named = {"instance": instance.id}
    _TIMER_AT(session, [named | {"number_": one.id, "at": one.node} for one in after.timers if one.id in was])
    _WAITS_AT(session, [named | {"number_": one.id, "at": one.node} for one in after.subscriptions if one.id in was])


def hold_timers(session: Session, instance: ProcessInstance) -> None:
    """None of its clocks strikes until it goes on; whoever has just leased one loses it."""
    _set_timers(session, instance, LeaseState.held, lease_owner=None, lease_until=None)


def release_timers(session: Session, instance: ProcessInstance) -> None:
    """They go on with the moments that they had; what has passed strikes at once."""
    _set_timers(session, instance, LeaseState.waiting, attempts=0)


def _set_timers(session: Session, instance: ProcessInstance, status: LeaseState, **also: Any) -> None:
    session.execute(
        update(ProcessTimer)
        .where(ProcessTimer.instance_id == instance.id, ProcessTimer.status != LeaseState.dead)
        .values(status=status, **also),
        execution_options={"synchronize_session": "fetch"},
    )


def raised_in(decision: Decision) -> list[RaiseIncident]:
    """What needs an admin now; of a branch that another one ended in the same event there is nothing to do."""
    alive = {token.id for token in decision.state.tokens}
    return [one for one in decision.commands if isinstance(one, RaiseIncident) and one.token in alive]


def incident_of(before: str | None, decision: Decision) -> str | None:
    """Why an admin has to look at it now: the last incident raised, what there was, or nothing once all goes on."""
    raised = raised_in(decision)
    if raised:
        return str(raised[-1].code)
    states = {token.state for token in decision.state.tokens}
    return before if TokenState.stopped in states or states == {TokenState.joining} else None


def _gone(
    instance: ProcessInstance,
    before: Sequence[Token | Timer | Subscription],
    after: Sequence[Token | Timer | Subscription],
) -> list[dict[str, Any]]:
    left = {one.id for one in after}
    return [{"instance": instance.id, "number_": one.id} for one in before if one.id not in left]


def _came(before: Sequence[T], after: Sequence[T]) -> list[T]:
    old = {one.id for one in before}
    return [one for one in after if one.id not in old]


def _token_row(token: Token) -> dict[str, Any]:
    return {
        "token": token.id, "node": token.node, "via": token.via, "state": token.state, "outer": token.outer,
        "position": token.position,
    }  # fmt: skip


def _gathered_row(instance: ProcessInstance, one: Gathering) -> dict[str, Any]:
    so_far = {"elements": list(one.elements), "answers": [dict(answer) for answer in one.answers]}
    return {"instance": instance.id, "number_": one.token, "so_far": so_far}


def _timer_row(instance: ProcessInstance, timer: Timer, due_at: datetime) -> dict[str, Any]:
    return {
        "instance_id": instance.id, "number": timer.id, "node": timer.node, "token": timer.token, "left": timer.left,
        "due_at": due_at, "next_at": due_at, "status": LeaseState.waiting, "attempts": 0,
    }  # fmt: skip


def _subscription_row(instance: ProcessInstance, one: Subscription, at: datetime) -> dict[str, Any]:
    return {
        "instance_id": instance.id, "number": one.id, "token": one.token, "node": one.node, "name": one.name,
        "key": one.key, "armed_at": at,
    }  # fmt: skip


@cache
def _kind(command: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", command).lower()


def _node(command: Command) -> str | None:
    return getattr(command, "step", None) or getattr(command, "node", None)


def _body(command: Command) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key in _TOLD[type(command)]
        if (value := getattr(command, key)) not in (None, "") and (value or key not in ("outer", "position"))
    }


#: what of a command stands in the body: where it happened has a column of its own
_TOLD: Mapping[type, Sequence[str]] = {
    kind: [one.name for one in dataclasses.fields(kind) if one.name not in ("step", "node")]
    for kind in get_args(Command)
}
