"""Which state do the commands alone lead to? Rebuilds tokens, timers and status from what was written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from app.processes.engine.state import InstanceStatus, State, TokenState
from app.processes.store import _kind, _node

Happened = tuple[str, str | None, Mapping[str, Any]]
Shown = tuple[InstanceStatus, dict[int, tuple[str, TokenState]], dict[int, str], dict[int, tuple[str, str, str]]]
RESTS = {
    "open_task": TokenState.waiting, "wait_begun": TokenState.listening, "join_arrived": TokenState.joining,
    "many_begun": TokenState.gathering, "call_begun": TokenState.listening, "begin_errand": TokenState.listening,
    "begin_request": TokenState.listening, "raise_incident": TokenState.stopped,
}  # fmt: skip
GOES = {
    "close_task", "return_task", "branch_moved", "token_cancelled", "wait_over", "incident_settled", "many_over",
    "call_over", "branch_failed",
}  # fmt: skip


def happened(commands: Iterable[Any]) -> list[Happened]:
    """Commands in the shape of the event log: kind, node, body."""
    return [(_kind(type(command).__name__), _node(command), asdict(command)) for command in commands]


def replayed(log: Iterable[Happened]) -> Shown:
    """Status, tokens by number (node and state), timers by number (node), messages by number (node, name, key)."""
    status, tokens, timers, messages = InstanceStatus.new, {}, {}, {}
    for kind, node, body in log:
        if kind == "raise_incident" and body["token"] in tokens:
            continue  # stuck: the token goes on waiting where it was
        if kind in RESTS:
            tokens[body["token"]] = (node, RESTS[kind])
        elif kind in GOES:
            del tokens[body["token"]]
        elif kind == "join_fired":
            for token in body["consumed"]:
                del tokens[token]
        elif kind == "arm_timer":
            timers[body["timer"]] = node
        elif kind in ("disarm_timer", "timer_fired"):
            del timers[body["timer"]]
        elif kind == "subscribe":
            messages[body["subscription"]] = (node, body["name"], body["key"])
        elif kind in ("unsubscribe", "message_taken"):
            del messages[body["subscription"]]
        elif kind == "migrated":
            called = body["map"]
            tokens = {one: (called.get(at, at), why) for one, (at, why) in tokens.items()}
            timers = {one: called.get(at, at) for one, at in timers.items()}
            messages = {one: (called.get(at, at), *rest) for one, (at, *rest) in messages.items()}
        elif kind in ("instance_started", "instance_resumed"):
            status = InstanceStatus.running
        elif kind == "instance_suspended":
            status = InstanceStatus.suspended
        elif kind == "finish_instance":
            status = InstanceStatus(body["status"])
    return status, tokens, timers, messages


def shown(state: State) -> Shown:
    """The same of a state."""
    return (
        state.status,
        {token.id: (token.node, token.state) for token in state.tokens},
        {timer.id: timer.node for timer in state.timers},
        {one.id: (one.node, one.name, one.key) for one in state.subscriptions},
    )
