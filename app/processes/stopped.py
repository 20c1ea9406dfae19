"""Why does a process file stand still, since when, and what can be done about it: in a manager's words?"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import leases
from app.core.errors import Sentence
from app.core.i18n import _
from app.core.leases import LeaseState
from app.processes import incidents, queries, store
from app.processes.engine import waits
from app.processes.engine.graph import Definition, Node
from app.processes.engine.state import Data, IncidentCode, State, Token, TokenState
from app.processes.models import ProcessInstance, ProcessRequest, ProcessTimer
from app.security.role_names import role_label
from app.tasks.models import Task

_LONGEST_VALUE = 80
#: what Python calls a mistake: no word for a reader
_MISTAKE = re.compile(r"[A-Z][A-Za-z]*")

SENTENCES: Mapping[str, Callable[[str], Sentence]] = {
    "no_way_chosen": lambda name: _("At “%(name)s” no condition holds, so no way on is known.", name=name),
    "automatic_loop": lambda name: _("“%(name)s” goes round and round without anybody's work.", name=name),
    "stuck_at_join": lambda name: _("At “%(name)s” branches wait for others that cannot come.", name=name),
    "no_key": lambda name: _(
        "“%(name)s” waits for a message, but the value by which it is known is missing.", name=name
    ),
    "nobody_to_ask": lambda name: _("“%(name)s” is for several people, but nobody is there to be asked.", name=name),
    "too_many_to_ask": lambda name: _("“%(name)s” would have to be done more than 200 times.", name=name),
    "call_failed": lambda name: _(
        "What “%(name)s” linked to has failed, and nothing in the drawing catches it.", name=name
    ),
    "call_cancelled": lambda name: _("What “%(name)s” linked to was called off.", name=name),
    "call_missing": lambda name: _("The process to which “%(name)s” links is not in use any more.", name=name),
    "call_lacks_values": lambda name: _(
        "“%(name)s” cannot begin: a value is missing without which it does not.", name=name
    ),
    "call_too_deep": lambda name: _("“%(name)s”: more than 20 process files lie inside of each other.", name=name),
    "mail_failed": lambda name: _("The mail of “%(name)s” could not be written.", name=name),
    "message_failed": lambda name: _("The message of “%(name)s” could not be sent.", name=name),
    "record_refused": lambda name: _("What “%(name)s” was to set of the customer was refused.", name=name),
    "webhook_failed": lambda name: _(
        "“%(name)s” could not reach the program that it calls, or was refused.", name=name
    ),
    "no_moment": lambda name: _("“%(name)s” waits for a moment, but what was answered is none.", name=name),
}

ADVICE: Mapping[str, Sentence] = {
    "no_way_chosen": _("Correct the value that the conditions ask for and try again, or choose the way yourself."),
    "automatic_loop": _("Correct the value that would end the circle, or choose the way out of it yourself."),
    "stuck_at_join": _("Choose the way on yourself. Nothing of what was done before is lost."),
    "no_key": _("Fill in the missing value and try again, or go on without the message."),
    "nobody_to_ask": _("Put somebody into the team or role of this step, then try again."),
    "too_many_to_ask": _("Shorten the list for which the step is done and try again, or go on without the step."),
    "call_failed": _("Look at the linked process file. To try again begins a new one."),
    "call_cancelled": _("To try again begins a new linked process file; or go on without it."),
    "call_missing": _("Take the linked process into use again, or publish it, then try again; or go on without it."),
    "call_lacks_values": _("Fill in the missing value and try again, or go on without the linked process."),
    "call_too_deep": _("Correct the value that would end the nesting, or go on without the linked process."),
    "mail_failed": _("Correct the address or the customer's consent and try again, or go on without the mail."),
    "message_failed": _("Correct the value and try again, or go on without the message."),
    "record_refused": _("Correct the value or the customer's record and try again, or go on without it."),
    "webhook_failed": _(
        "Ask whoever looks after that program. To try again asks it under the same number, so nothing happens twice;"
        " or go on without its answer."
    ),
    "no_moment": _("Correct the value to a day and time, for example 2026-11-24T09:00, and try again; or go on."),
}

#: of a clock that was given up
CLOCK_ADVICE = _("Let it try again on the page of the process file; or put the work on another step.")


@dataclass(frozen=True)
class Stop:
    """A branch that cannot go on: where, why, since when, and by which ways (flow id and a name) it may be led on."""

    token: int
    node: str
    title: str
    code: str
    sentence: Sentence
    #: what was said to it by whoever refused, or ""
    reason: str
    since: datetime | None
    advice: Sentence
    #: what was asked for there and what is known, a line each: for those who may correct it
    details: Sequence[Sentence]
    ways: Sequence[tuple[str, str]]
    #: whether trying again may help: not where branches wait for each other
    may_retry: bool


def stops(session: Session, instance: ProcessInstance) -> list[Stop]:
    """What an admin has to lead on in it."""
    return stops_of_each(session, [instance], store.branches_of(session, [instance.id])).get(instance.id, [])


def stops_of_each(
    session: Session, instances: Sequence[ProcessInstance], branches: Mapping[int, State]
) -> dict[int, list[Stop]]:
    """The same of several, by their ids, of which `branches` tells where they stand."""
    ids = [one.id for one in instances if one.incident]
    if not ids:
        return {}
    known = queries.incidents_of(session, ids)
    failing = _failing_since(session, [one for one in ids if _asked_in_vain(known.get(one, {}))])
    return {
        one.id: _stops(one, branches[one.id].tokens, known.get(one.id, {}), failing)
        for one in instances if one.incident and one.id in branches
    }  # fmt: skip


def _asked_in_vain(known: Mapping[int, queries.Incident]) -> bool:
    return any(one.code == IncidentCode.webhook_failed for one in known.values())


def _failing_since(session: Session, ids: Sequence[int]) -> dict[tuple[int, int], datetime]:
    """By instance and token since when programs outside could not be asked."""
    if not ids:
        return {}
    rows = select(ProcessRequest.instance_id, ProcessRequest.token, ProcessRequest.failing_since).where(
        ProcessRequest.instance_id.in_(ids),
        ProcessRequest.status == LeaseState.dead,
        ProcessRequest.failing_since.is_not(None),
    )
    return {(number, token): since for number, token, since in session.execute(rows) if since is not None}


def _stops(
    instance: ProcessInstance,
    tokens: Sequence[Token],
    known: Mapping[int, queries.Incident],
    failing: Mapping[tuple[int, int], datetime],
) -> list[Stop]:
    definition = queries.definition_of(instance.version)
    still = any(token.state in (TokenState.waiting, TokenState.listening) for token in tokens)
    found = []
    for token in tokens:
        is_stopped = token.state is TokenState.stopped
        if not is_stopped and (still or token.state is not TokenState.joining):
            continue
        node = definition.nodes[token.node]
        why = known.get(token.id) or queries.Incident("stuck_at_join", "", None)
        found.append(
            Stop(
                token=token.id,
                node=node.id,
                title=node.title,
                code=why.code,
                sentence=SENTENCES[why.code](node.title),
                reason=why.reason,
                since=failing.get((instance.id, token.id), why.at),
                advice=ADVICE[why.code],
                details=tuple(_details(definition, node, why.code, instance.data)),
                ways=[(flow, definition.flows[flow].name or definition.follow(flow).title) for flow in node.outs],
                may_retry=is_stopped,
            )
        )
    return found


# ── what was asked for, and what is known ──
def _details(definition: Definition, node: Node, code: str, data: Data) -> Iterator[Sentence]:
    if code == "no_way_chosen":
        asked: set[str] = set()
        for flow in (definition.flows[out] for out in node.outs):
            if flow.condition is not None:
                asked |= flow.condition.keys
                way = flow.name or definition.follow(flow.id).title
                yield _("“%(way)s” asks: %(condition)s", way=way, condition=flow.condition.sentence())
        yield from (_known_as(key, data) for key in sorted(asked))
    for key in _asked_for(definition, node, code):
        yield _known_as(key, data)


def _asked_for(definition: Definition, node: Node, code: str) -> Collection[str]:
    """The keys whose values are missing, or are none of use."""
    if code == "too_many_to_ask":
        return [node.many.over] if node.many is not None and isinstance(node.many.over, str) else []
    if code not in ("no_key", "no_moment"):
        return []
    keys: list[str] = []
    for event in waits.armed_at(definition, node):
        if code == "no_key" and event.message is not None and event.message.key is not None:
            keys += sorted(event.message.key.keys)
        elif code == "no_moment" and event.timer is not None and event.timer.key:
            keys.append(event.timer.key)
    return keys


def _known_as(key: str, data: Data) -> Sentence:
    value = data.get(key)
    if value in (None, "", []):
        return _("%(key)s: nothing was answered", key=key)
    if isinstance(value, bool):
        return _("%(key)s: %(value)s", key=key, value=_("Yes") if value else _("No"))
    told = _("%(count)s values", count=len(value)) if isinstance(value, list) else str(value)[:_LONGEST_VALUE]
    return _("%(key)s: %(value)s", key=key, value=told)


# ── clocks that were given up, and work that nobody does ──
def clock_said(timer: ProcessTimer) -> Sentence:
    """Why a clock was given up; "" where it says nothing that a reader understands."""
    said = timer.last_error or ""
    if said in (incidents.TOLD, leases.WORN_OUT):
        return _("The program that lets it happen broke off each time it tried.")
    if _MISTAKE.fullmatch(said):
        return _("The product met a mistake of its own there (%(name)s). Tell whoever looks after it.", name=said)
    return said


def orphan_said(task: Task) -> Sentence:
    """Why nobody will do this work by himself."""
    if task.assignee is not None:
        return _("%(name)s no longer works here. Give it to somebody else.", name=task.assignee.name)
    if task.nobody_found:
        return _("Nobody was found who could do it. Give it to somebody.")
    if task.offered_team is not None:
        return _("Nobody in the team “%(name)s” can do it. Give it to somebody.", name=task.offered_team.name)
    return _("Nobody has the role “%(name)s”. Give it to somebody.", name=role_label(task.offered_role or ""))


def clocks_given_up(session: Session, ids: Collection[int]) -> Sequence[ProcessTimer]:
    """Of these instances, the one that has waited longest first."""
    dead = select(ProcessTimer).where(ProcessTimer.instance_id.in_(ids), ProcessTimer.status == LeaseState.dead)
    return session.scalars(dead.order_by(ProcessTimer.due_at, ProcessTimer.id)).all()
