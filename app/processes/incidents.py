"""Who hears of what cannot go on by itself, and what is left of it once somebody has acted?"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor
from app.core.i18n import _
from app.core.leases import LeaseState
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell, raise_alert
from app.processes import queries, store
from app.processes.engine.core import Decision
from app.processes.engine.events import FinishInstance
from app.processes.engine.graph import Definition
from app.processes.engine.state import TokenState
from app.processes.models import OWNER, Process, ProcessInstance, ProcessTimer, ProcessVersion
from app.security import queries as people

#: of an instance: a clock in it has failed as often as it may, and nobody has let it try again yet
CLOCK_FAILED = "clock_failed"

STUCK = "instance_stuck"
START_FAILED = "start_failed"
FAILED = "instance_failed"
#: stands at a clock over which every worker died once the administrators were told
TOLD = "the worker died over it each time, and the administrators know"
_LEVEL = 1

register_bell_kind(
    STUCK,
    lambda data: _("%(process)s (%(code)s) cannot go on at “%(step)s”. An administrator has to look at it.", **data),
)
register_bell_kind(
    START_FAILED,
    lambda data: _(
        "“%(process)s” could not begin by itself. Publish it anew, or retire it and use it again.",
        **data,
    ),
)
register_bell_kind(
    FAILED,
    lambda data: _("%(process)s (%(code)s) has failed at “%(end)s”.", **data),
)


def tell_of_raised(
    session: Session, instance: ProcessInstance, definition: Definition, decision: Decision, *, by: Actor
) -> None:
    """The administrators learn of every branch that stopped just now, once each; whoever acted sees it himself."""
    for command in store.raised_in(decision):
        _tell_admins(session, instance, definition.nodes[command.node].title, command.token, by=by)


def tell_of_failure(session: Session, instance: ProcessInstance, decision: Decision, *, by: Actor) -> None:
    """It has ended at an error, and no run that called it goes on from there: somebody has to know. Whoever finished
    the last step may not, so the administrators do, and whoever began it."""
    end = next(command for command in decision.commands if isinstance(command, FinishInstance))
    data = {"process": instance.version.process.name, "code": instance.code, "end": end.reason}
    members = {one.id for one in people.members_with_role(session, "Admin")} | {instance.initiator_id}
    for member_id in sorted(members - {by.user_id}):
        post_bell(
            session, to=member_id, kind=FAILED, data=data, subject_type=OWNER, subject_id=instance.id, at=clock.now()
        )


def clock_failed(session: Session, timer: ProcessTimer) -> None:
    """A clock has failed as often as it may: the administrators are told, and its instance waits for them."""
    if timer.instance_id is None:
        _tell_of_start(session, timer)
        return
    instance = store.lock(session, timer.instance_id)
    since = timer.failing_since or timer.due_at
    instance.incident_at = min(instance.incident_at or since, since)
    instance.incident = instance.incident or CLOCK_FAILED
    session.flush()
    node = queries.definition_of(instance.version).nodes[timer.node]
    _tell_admins(session, instance, node.title, -(timer.number or 0), by=None)


def clock_worn_out(session: Session, timer: ProcessTimer) -> None:
    """Every worker died over it: it is as one that has failed as often as it may."""
    timer.last_error = TOLD
    clock_failed(session, timer)


def look_again(session: Session, instance: ProcessInstance) -> None:
    """An admin still has to look at a locked instance after one of its clocks, or what hid it, was led on: or not."""
    since = _clock_fails_since(session, instance.id)
    if since is not None:
        instance.incident, instance.incident_at = instance.incident or CLOCK_FAILED, instance.incident_at or since
        return
    states = {token.state for token in store.tokens_of(session, instance.id)}
    is_stopped = TokenState.stopped in states or states == {TokenState.joining}
    if not is_stopped or instance.incident == CLOCK_FAILED:
        instance.incident = instance.incident_at = None


def _clock_fails_since(session: Session, instance_id: int) -> datetime | None:
    """Of the one in it that was given up first; None: none was."""
    since = func.min(func.coalesce(ProcessTimer.failing_since, ProcessTimer.due_at))
    dead = ProcessTimer.status == LeaseState.dead
    return session.scalar(select(since).where(ProcessTimer.instance_id == instance_id, dead))


def _tell_admins(session: Session, instance: ProcessInstance, step: str, repeat: int, *, by: Actor | None) -> None:
    at = clock.now()
    data = {"process": instance.version.process.name, "code": instance.code, "step": step}
    for admin in people.members_with_role(session, "Admin"):
        if by is not None and admin.id == by.user_id:
            continue
        alert = raise_alert(
            session, rule=STUCK, subject_type=OWNER, subject_id=instance.id, level=_LEVEL, due_moment=at,
            recipient_id=admin.id, at=at, repeat_no=repeat,
        )  # fmt: skip
        if alert is not None:
            post_bell(
                session, to=admin.id, kind=STUCK, data=data, subject_type=OWNER, subject_id=instance.id, at=at,
                alert=alert,
            )  # fmt: skip


def _tell_of_start(session: Session, timer: ProcessTimer) -> None:
    process = session.get_one(Process, session.get_one(ProcessVersion, timer.version_id).process_id)
    for admin in people.members_with_role(session, "Admin"):
        post_bell(
            session, to=admin.id, kind=START_FAILED, data={"process": process.name}, subject_type="process",
            subject_id=process.id, at=clock.now(),
        )  # fmt: skip
