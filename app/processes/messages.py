"""Which message came, and who was waiting for it? Each is taken once; what comes too early is kept."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, select
from sqlalchemy.orm import Session

from app.core import clock, leases
from app.core.access import SYSTEM, Actor
from app.core.db import queue_up
from app.core.errors import ConflictError, InvalidInputError, Sentence
from app.core.i18n import _
from app.processes import following, queries, store, telling
from app.processes.applying import apply
from app.processes.engine.graph import Definition
from app.processes.engine.outside import KEPT_FOR, LONGEST_KEPT, LONGEST_NAME
from app.processes.engine.state import InstanceStatus
from app.processes.engine.timing import parse_duration
from app.processes.engine.waits import correlation, taken
from app.processes.models import (
    MessageState,
    Process,
    ProcessInstance,
    ProcessMessage,
    ProcessSubscription,
    ProcessVersion,
    VersionState,
)
from app.processes.services import begin, in_whose_name, scalars

#: so long it is known that an event was taken; a later repetition would be a new one
REMEMBERED_FOR = timedelta(days=90)
#: after so many tries in vain its time to live decides alone
MOST_TRIES = 12
#: under this name those wait for each other who look which process a message begins, and then say so of theirs
STARTS = "messages that begin processes"
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,59}")


class UsedEventError(ConflictError):
    code = "event_used"
    message = _("This event of this source came before, with other content.")


@dataclass(frozen=True)
class Arrival:
    """What a program tells: event `event_id` of `source` is a message `name` about `key`, with these values. It is kept
    for `ttl` (ISO 8601) while nobody waits for it."""

    source: str
    event_id: str
    name: str
    key: str | float | None = None
    values: Mapping[str, Any] | None = None
    ttl: str | None = None


def deliver(session: Session, arrived: Arrival, *, by: Actor) -> tuple[ProcessMessage, bool]:
    """Take a message in, once: to whoever has waited for it longest, else to the process that begins with it, else it
    is kept. Returns it, and whether it is new.

    Raises InvalidInputError beside what is wrong, UsedEventError when the same event came with other content.
    """
    by.must("add", "Message")
    row = _read(arrived, by)
    queue_up(session, f"message {row.source} {row.event_id}")
    known = session.scalars(
        select(ProcessMessage).where(ProcessMessage.source == row.source, ProcessMessage.event_id == row.event_id)
    ).one_or_none()
    if known is not None:
        if known.digest != row.digest:
            raise UsedEventError(at=known.received_at)
        return known, False
    session.add(row)
    session.flush()
    hand_over(session, row)
    return row, True


def hand_over(session: Session, message: ProcessMessage) -> bool:
    """Give it to whoever waits for it. False: nobody does, or not now: who is paused takes it when he goes on."""
    missed: set[int] = set()
    while (waiting := _waiting_longest(session, message, missed)) is not None:
        missed.add(waiting.id)
        instance = store.lock(session, waiting.instance_id or 0)
        state = store.load(session, instance)
        one = next((one for one in state.subscriptions if one.id == waiting.number), None)
        if one is None or instance.status is not InstanceStatus.running:
            continue  # finished or paused meanwhile: it was locked only now
        session.refresh(message, with_for_update=True)
        if message.state is not MessageState.kept:
            return False
        apply(session, instance, instance.version, state, following.take(session, message, instance, one), by=SYSTEM)
        session.flush()
        return True
    if message.expires_at <= clock.now() or session.scalar(select(_paused_waits(message.id))):
        return False
    return _start(session, message)


def _waiting_longest(session: Session, message: ProcessMessage, missed: set[int]) -> ProcessSubscription | None:
    if not message.key:
        return None
    rows = (
        select(ProcessSubscription)
        .join(ProcessInstance, ProcessInstance.id == ProcessSubscription.instance_id)
        .where(
            ProcessSubscription.name == message.name,
            ProcessSubscription.key == message.key,
            ProcessSubscription.armed_at < message.expires_at,
            ProcessSubscription.id.not_in(missed),
            ProcessInstance.status == InstanceStatus.running,
        )
        .order_by(ProcessSubscription.id)
        .limit(1)
    )
    return session.scalars(rows).one_or_none()


def _start(session: Session, message: ProcessMessage) -> bool:
    """A new instance of the process that begins with such a message, in the name of whoever published it."""
    starts = select(ProcessSubscription).where(
        ProcessSubscription.name == message.name, ProcessSubscription.version_id.is_not(None)
    )
    found = session.scalars(starts.order_by(ProcessSubscription.id).limit(1)).one_or_none()
    if found is None:
        return False
    process_id = session.get_one(ProcessVersion, found.version_id).process_id
    # Whose turn it is first is noted under the process, by whoever holds the turns: that must not wait for us.
    session.refresh(session.get_one(Process, process_id), with_for_update={"key_share": True})
    session.refresh(message, with_for_update=True)
    if message.state is not MessageState.kept:
        return False  # another worker, or somebody who armed himself, was faster
    # Published anew while we waited for it: the subscription is another one by now.
    found = session.scalars(starts.order_by(ProcessSubscription.id).limit(1)).one_or_none()
    if found is None:
        return False
    version = session.get_one(ProcessVersion, found.version_id)
    node = queries.definition_of(version).nodes[found.node]
    values = dict(taken(node, message.values))
    telling.caused_by(session, message)
    instance = begin(
        session, version, by=SYSTEM, initiator=in_whose_name(session, version), at_event=node.id, data=values
    )
    following.taken_by(message, instance)
    session.flush()
    return True


# ── what is sent ──
def _read(arrived: Arrival, by: Actor) -> ProcessMessage:
    problems: dict[str, list[Sentence]] = {}
    name = " ".join(arrived.name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        problems["name"] = [_("The name of a message has 1 to %(count)d letters.", count=LONGEST_NAME)]
    if not _SOURCE.fullmatch(arrived.source):
        problems["source"] = [_("Letters, digits, dots and dashes only, at most 60. Example: web-shop")]
    if not arrived.event_id.strip() or len(arrived.event_id) > 200 or not arrived.event_id.isprintable():
        problems["event_id"] = [_("What the source calls this event, at most 200 letters. Example: pay-1042")]
    key = correlation(arrived.key)
    if not key and arrived.key not in (None, ""):
        problems["key"] = [_("A text of at most 200 letters, or a number.")]
    kept_for = _kept_for(arrived.ttl, problems)
    try:
        values = scalars(arrived.values or {})
    except InvalidInputError as error:
        problems |= {f"values.{key}": list(told) for key, told in error.fields.items()}
        values = {}
    if problems:
        raise InvalidInputError(fields=problems)
    now = clock.now()
    content = json.dumps([name, key, values, arrived.ttl], sort_keys=True, ensure_ascii=False)
    return ProcessMessage(
        source=arrived.source, event_id=arrived.event_id, name=name, key=key, values=values,
        digest=hashlib.sha256(content.encode()).hexdigest(), state=MessageState.kept, sent_by_id=by.user_id,
        received_at=now, expires_at=now + kept_for,
    )  # fmt: skip


def _kept_for(text: str | None, problems: dict[str, list[Sentence]]) -> timedelta:
    try:
        asked = parse_duration(text) if text else KEPT_FOR
    except ValueError:
        asked = timedelta()
    if not timedelta() < asked <= LONGEST_KEPT:
        problems["ttl"] = [_("How long it is kept, from PT1M to P30D. Example: P1D")]
    return asked


# ── messages that start instances ──
def arm_starts(session: Session, version: ProcessVersion, definition: Definition) -> None:
    """The version is published: its start events wait for their message, those of earlier versions do not any more."""
    disarm_starts(session, version.process_id)
    session.add_all(
        ProcessSubscription(version_id=version.id, node=node.id, name=node.message.name)
        for node in definition.starts
        if node.message is not None
    )
    session.flush()


def disarm_starts(session: Session, process_id: int) -> None:
    of_process = select(ProcessVersion.id).where(ProcessVersion.process_id == process_id)
    session.execute(
        delete(ProcessSubscription).where(ProcessSubscription.version_id.in_(of_process)),
        execution_options={"synchronize_session": "fetch"},
    )


def rearm_starts(session: Session, process: Process) -> None:
    """The process is used again. Raises MessageTakenError when another one begins with its message by now."""
    version = queries.active_version(session, process.id)
    if version is None or version.state is not VersionState.published:
        return
    definition = queries.definition_of(version)
    others = begun_by(session, process.id)
    taken_over = next(
        (node.message.name for node in definition.starts if node.message and node.message.name in others), None
    )
    if taken_over is not None:
        raise ConflictError(
            _("The message “%(name)s” begins the process “%(process)s” by now.", name=taken_over,
              process=others[taken_over])
        )  # fmt: skip
    arm_starts(session, version, definition)


def begun_by(session: Session, besides: int) -> dict[str, str]:
    """With which messages the other processes begin: message → the process's name."""
    rows = (
        select(ProcessSubscription.name, Process.name)
        .join(ProcessVersion, ProcessVersion.id == ProcessSubscription.version_id)
        .join(Process, Process.id == ProcessVersion.process_id)
        .where(Process.id != besides)
    )
    return {row[0]: row[1] for row in session.execute(rows)}


# ── what the worker does ──
def to_hand_over(limit: int, *, at: datetime) -> Select[int]:
    """Kept messages for which somebody waits: armed while they were on their way, or paused until now. Those that
    could not be handed over have to wait for their turn."""
    is_turn = ProcessMessage.next_at.is_(None) | (ProcessMessage.next_at <= at)
    return (
        select(ProcessMessage.id)
        .where(ProcessMessage.state == MessageState.kept, is_turn, _is_taken_now(at))
        .order_by(ProcessMessage.id)
        .limit(limit)
    )


def hand_over_kept(session: Session, message_id: int) -> bool:
    """Try again to give a kept message to somebody. False: somebody else was faster, or nobody takes it now."""
    message = session.get(ProcessMessage, message_id)
    return message is not None and message.state is MessageState.kept and hand_over(session, message)


def put_off(session: Session, message_id: int, *, at: datetime, rng: Random) -> None:
    """It could not be handed over: again later, each time after a longer pause."""
    message = session.get(ProcessMessage, message_id, with_for_update=True, populate_existing=True)
    if message is not None and message.state is MessageState.kept:
        message.attempts += 1
        message.next_at = at + leases.backoff(message.attempts, rng)


def forget(session: Session, *, at: datetime) -> None:
    """What nobody took in its time goes, unless an instance that is paused waits for it and it was not tried in vain
    too often; so does the memory of what was taken long ago."""
    over = (ProcessMessage.state == MessageState.kept) & (ProcessMessage.expires_at <= at)
    in_vain = ProcessMessage.attempts >= MOST_TRIES
    long_ago = (ProcessMessage.state == MessageState.taken) & (ProcessMessage.taken_at <= at - REMEMBERED_FOR)
    for rows in (over & (in_vain | ~_waits()), long_ago):
        session.execute(delete(ProcessMessage).where(rows), execution_options={"synchronize_session": False})


def _waits(status: InstanceStatus | None = None) -> ColumnElement[bool]:
    """An instance (in that status) has waited for the message since before its time was over."""
    rows = select(ProcessSubscription.id).join(
        ProcessInstance, ProcessInstance.id == ProcessSubscription.instance_id
    ).where(
        ProcessSubscription.name == ProcessMessage.name, ProcessSubscription.key == ProcessMessage.key,
        ProcessSubscription.armed_at < ProcessMessage.expires_at,
    )  # fmt: skip
    return exists(rows if status is None else rows.where(ProcessInstance.status == status))


def _paused_waits(message_id: int) -> ColumnElement[bool]:
    return exists().where(ProcessMessage.id == message_id, _waits(InstanceStatus.suspended))


def _is_taken_now(at: datetime) -> ColumnElement[bool]:
    """By an instance that can take it now; or, in its time, as the beginning of a process where none is paused that
    waits for it."""
    begins = exists().where(
        ProcessSubscription.name == ProcessMessage.name, ProcessSubscription.version_id.is_not(None)
    )
    in_time = ProcessMessage.expires_at > at
    return _waits(InstanceStatus.running) | (begins & in_time & ~_waits(InstanceStatus.suspended))


# ── what is shown ──
def waited_for_in(session: Session, instance_ids: Sequence[int]) -> Sequence[ProcessSubscription]:
    """The messages for which these instances wait, the oldest first."""
    rows = select(ProcessSubscription).where(ProcessSubscription.instance_id.in_(list(instance_ids)))
    return session.scalars(rows.order_by(ProcessSubscription.id)).all()
