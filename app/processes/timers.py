"""Whose moment has come? Clocks strike in running instances, and start new ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from app.core import clock, leases
from app.core.access import SYSTEM
from app.core.leases import LeaseState
from app.processes import queries, store
from app.processes.applying import apply, first_moment, left_out, next_moment
from app.processes.engine.events import Fire
from app.processes.engine.graph import Definition, Node
from app.processes.engine.state import InstanceStatus
from app.processes.models import Process, ProcessInstance, ProcessTimer, ProcessVersion, VersionState
from app.processes.services import begin, in_whose_name

logger = logging.getLogger(__name__)

_RUNNING_IN = (
    select(ProcessTimer)
    .where(ProcessTimer.instance_id.in_(bindparam("instances", expanding=True)))
    .order_by(ProcessTimer.due_at, ProcessTimer.id)
)


def strike(session: Session, timer_id: int, *, owner: str) -> bool:
    """Let the clock that `owner` has leased strike. False: there is nothing to strike any more, or not yet again.

    The instance is locked before its clock is looked at again: a step that was finished meanwhile has stopped it.
    """
    timer = session.get(ProcessTimer, timer_id)
    if timer is None:
        return False
    node, due_at, left = timer.node, timer.due_at, timer.left
    of = timer.version_id or session.get_one(ProcessInstance, timer.instance_id).version_id
    spec = queries.definition_of(session.get_one(ProcessVersion, of)).nodes[node].timer
    missed = left_out(session, spec, due_at, clock.now()) if spec is not None else 0
    if missed and (left is None or left > 1):
        logger.warning("clock %d (%s) was late: %d times that it missed are left out", timer_id, node, missed)
    return _go_on(session, timer, owner) if timer.instance_id is not None else _start(session, timer, owner)


def _go_on(session: Session, timer: ProcessTimer, owner: str) -> bool:
    timer_id, instance = timer.id, store.lock(session, timer.instance_id or 0)
    if not leases.held_by(session, ProcessTimer, [timer_id], owner=owner):
        return False
    if instance.status is not InstanceStatus.running:
        store.hold_timers(session, instance)
        return False
    session.refresh(timer)
    event = Fire(timer.number or 0)
    apply(session, instance, instance.version, store.load(session, instance), event, by=SYSTEM, struck=timer)
    return True


def _start(session: Session, timer: ProcessTimer, owner: str) -> bool:
    """A new instance, in the name of whoever published the version; the same clock goes on if it repeats."""
    version = session.get_one(ProcessVersion, timer.version_id)
    process = session.get_one(Process, version.process_id)
    # Whose turn it is first is noted under the process, by whoever holds the turns: that must not wait for us.
    session.refresh(process, with_for_update={"key_share": True})
    if not leases.held_by(session, ProcessTimer, [timer.id], owner=owner):
        return False
    session.refresh(timer)
    node = queries.definition_of(version).nodes[timer.node]
    initiator = in_whose_name(session, version)
    begin(session, version, by=SYSTEM, initiator=initiator, at_event=node.id)
    left = None if timer.left is None else timer.left - 1
    if node.timer is None or not node.timer.repeats or left == 0:
        session.delete(timer)
    else:
        timer.left = left
        _set(timer, next_moment(session, node.timer, timer.due_at, clock.now()))
    session.flush()
    return True


def _set(timer: ProcessTimer, due_at: datetime) -> None:
    timer.due_at = timer.next_at = due_at
    timer.status, timer.attempts = LeaseState.waiting, 0
    timer.lease_owner = timer.lease_until = timer.failing_since = timer.last_error = None


# ── clocks that start instances ──
def arm_starts(session: Session, version: ProcessVersion, definition: Definition) -> None:
    """The version is published: its start events wait for their moment, those of earlier versions do not any more."""
    disarm_starts(session, version.process_id)
    now = clock.now()
    for node in definition.starts:
        if node.timer is None:
            continue
        due_at, left = _first(session, node, now)
        if due_at is not None:
            session.add(ProcessTimer(version_id=version.id, node=node.id, left=left, due_at=due_at, next_at=due_at))
    session.flush()


def _first(session: Session, node: Node, now: datetime) -> tuple[datetime | None, int | None]:
    """When it begins to strike and how often; never for a moment that had passed when it was published."""
    spec = node.timer
    if spec is None:
        return None, 1
    first = first_moment(session, spec, now)
    if first > now:
        return first, spec.times
    return (next_moment(session, spec, first, now), spec.times) if spec.repeats else (None, 1)


def disarm_starts(session: Session, process_id: int) -> None:
    of_process = select(ProcessVersion.id).where(ProcessVersion.process_id == process_id)
    session.execute(
        delete(ProcessTimer).where(ProcessTimer.version_id.in_(of_process)),
        execution_options={"synchronize_session": "fetch"},
    )


def rearm_starts(session: Session, process: Process) -> None:
    """The process is used again."""
    version = queries.active_version(session, process.id)
    if version is not None and version.state is VersionState.published:
        arm_starts(session, version, queries.definition_of(version))


def running_in(session: Session, instance_ids: Sequence[int]) -> Sequence[ProcessTimer]:
    """The clocks that run in these instances, the next one first."""
    return session.scalars(_RUNNING_IN, {"instances": list(instance_ids)}).all()
