"""How does the engine's state become rows and back? Core statements, in the caller's transaction."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.core.access import Actor
from app.processes.engine.core import FINAL, Command, Decision, RaiseIncident, State, Token
from app.processes.models import ProcessEvent, ProcessInstance, ProcessToken


def lock(session: Session, instance_id: int) -> ProcessInstance:
    """The instance, its row locked: whatever happens in one instance happens one after the other."""
    return session.scalars(
        select(ProcessInstance)
        .where(ProcessInstance.id == instance_id)
        .with_for_update(of=ProcessInstance)
        .execution_options(populate_existing=True)
    ).one()


def load(session: Session, instance: ProcessInstance) -> State:
    """The state of a locked instance."""
    rows = session.execute(
        select(ProcessToken.token, ProcessToken.node, ProcessToken.via, ProcessToken.state)
        .where(ProcessToken.instance_id == instance.id)
        .order_by(ProcessToken.token)
    )
    return State(
        status=instance.status,
        data=dict(instance.data),
        tokens=tuple(Token(*row) for row in rows),
        next_token=instance.next_token,
        seq=instance.seq,
    )


def save(
    session: Session,
    instance: ProcessInstance,
    before: State,
    decision: Decision,
    *,
    by: Actor,
    at: datetime,
    task_ids: Mapping[int, int],
) -> None:
    """Write what changed between `before` and the decision. `task_ids` tells which task belongs to which token."""
    after = decision.state
    old = {token.id: token for token in before.tokens}
    new = {token.id: token for token in after.tokens}
    gone = [token_id for token_id in old if token_id not in new]
    if gone:
        session.execute(
            delete(ProcessToken).where(ProcessToken.instance_id == instance.id, ProcessToken.token.in_(gone)),
            execution_options={"synchronize_session": False},
        )
    came = [token for token_id, token in new.items() if token_id not in old]
    if came:
        session.execute(
            insert(ProcessToken),
            [{"instance_id": instance.id, "token": t.id, "node": t.node, "via": t.via, "state": t.state} for t in came],
        )
    instance.status = after.status
    instance.data = dict(after.data)
    instance.next_token = after.next_token
    instance.seq = after.seq
    if after.status in FINAL:
        instance.ended_at = at
    session.flush()
    session.execute(
        insert(ProcessEvent),
        [
            {
                "instance_id": instance.id,
                "seq": before.seq + position,
                "kind": _kind(command),
                "node": _node(command),
                "task_id": task_ids.get(getattr(command, "token", -1)),
                "actor_id": by.user_id,
                "at": at,
                "body": _body(command),
            }
            for position, command in enumerate(decision.commands, start=1)
        ],
    )


def incident_of(commands: Sequence[Command]) -> str | None:
    """The last incident that the decision raised, if any."""
    raised = [str(command.code) for command in commands if isinstance(command, RaiseIncident)]
    return raised[-1] if raised else None


def _kind(command: Command) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(command).__name__).lower()


def _node(command: Command) -> str | None:
    return getattr(command, "step", None) or getattr(command, "node", None)


def _body(command: Command) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in dataclasses.asdict(command).items()
        if key not in ("step", "node") and value not in (None, "")
    }
