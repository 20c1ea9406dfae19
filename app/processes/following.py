"""What follows at once from what has just happened? Errands are run, and what came too early is taken now."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.core import clock
from app.processes import errands, telling
from app.processes.engine.core import Decision
from app.processes.engine.events import BeginErrand, Event, Failed, Receive, Subscribe
from app.processes.engine.state import IncidentCode, InstanceStatus, State, Subscription, TokenState
from app.processes.models import MessageState, ProcessInstance, ProcessMessage

_KEPT = (
    select(ProcessMessage)
    .where(
        ProcessMessage.name == bindparam("name_"),
        ProcessMessage.key == bindparam("key_"),
        ProcessMessage.state == MessageState.kept,
        ProcessMessage.expires_at > bindparam("now"),
    )
    .order_by(ProcessMessage.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)


def armed(decision: Decision) -> set[int]:
    """The subscriptions that have just been armed, by their numbers."""
    return {command.subscription for command in decision.commands if isinstance(command, Subscribe)}


def next_event(
    session: Session,
    instance: ProcessInstance,
    state: State,
    armed: Collection[int],
    begun: list[BeginErrand],
    *,
    is_circle: bool,
) -> Event | None:
    """What happens to the instance next, in the same transaction; None when it rests. The errands that are taken up, or
    for which no branch waits any more, are taken off the list. `is_circle`: it has gone on by itself too often by now,
    so errands stop where they are, and messages stay kept."""
    if state.status is not InstanceStatus.running:
        return None
    waiting = {token.id for token in state.tokens if token.state is TokenState.listening}
    while begun:
        command = begun.pop(0)
        if command.token in waiting:
            if is_circle:
                return Failed(command.token, None, IncidentCode.automatic_loop)
            told = errands.run(session, instance, state, command)
            if told is not None:
                return told
    for one in state.subscriptions:
        if one.id in armed and not is_circle:
            kept = kept_for(session, one)
            if kept is not None:
                return take(session, kept, instance, one)
    return None


def kept_for(session: Session, waiting: Subscription) -> ProcessMessage | None:
    """The oldest message that came before it was waited for."""
    return session.scalars(_KEPT, {"name_": waiting.name, "key_": waiting.key, "now": clock.now()}).one_or_none()


def take(session: Session, message: ProcessMessage, instance: ProcessInstance, waiting: Subscription) -> Receive:
    """The message is this instance's now; the event that tells it."""
    event = Receive(waiting.id, dict(message.values), message.id)
    telling.caused_by(session, message)
    taken_by(message, instance)
    return event


def taken_by(message: ProcessMessage, instance: ProcessInstance) -> None:
    message.state, message.taken_at, message.instance_id, message.values = (
        MessageState.taken, clock.now(), instance.id, {},
    )  # fmt: skip
