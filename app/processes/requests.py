"""Which programs outside are to be asked, and what comes of it? Asked by the worker, never inside a transaction.

The row is written with the event that asks; a worker leases it, asks, and tells the process in a transaction of its
own. Whatever dies in between asks again with the same key.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core import clock, leases, outbound
from app.core.errors import Sentence
from app.core.i18n import _
from app.core.leases import LeaseState
from app.core.outbound import CallError, Fault
from app.core.vault import LostKeyError
from app.processes import queries, receivers, store
from app.processes.engine.core import Decision
from app.processes.engine.events import BeginRequest, BranchFailed, Done, Event, Failed, IncidentSettled, RaiseIncident
from app.processes.engine.graph import Definition
from app.processes.engine.http import HttpSpec, body_of, taken_of
from app.processes.engine.state import IncidentCode, InstanceStatus
from app.processes.models import ProcessInstance, ProcessRequest, RequestCount

logger = logging.getLogger(__name__)

_ENDED_EACH_TIME = _("The worker ended over it each time.")
_OF = select(ProcessRequest).where(ProcessRequest.instance_id == bindparam("instance")).order_by(ProcessRequest.id)


# ── in the transaction of the process ──
def follow(session: Session, instance: ProcessInstance, definition: Definition, decision: Decision) -> None:
    """Write down who is to be asked now, and forget what nobody waits for any more.

    One that failed stays with the branch that stopped because of it: trying again asks with the same key as long as the
    same is sent.
    """
    if not definition.kept("asks outside", lambda drawn: any(node.asks_outside for node in drawn.nodes.values())):
        return
    rows = {row.token: row for row in session.scalars(_OF, {"instance": instance.id})}
    failed: dict[str, ProcessRequest] = {}
    again: dict[str, ProcessRequest] = {}
    alive = {token.id for token in decision.state.tokens}
    for command in decision.commands:
        match command:
            case BranchFailed(token, node) if token in rows:
                failed[node] = rows[token]
            case RaiseIncident(token, node) if node in failed:
                row = failed.pop(node)
                if row.failing_since is not None and instance.incident_at is not None:
                    instance.incident_at = min(instance.incident_at, row.failing_since)
                row.token, row.status, row.lease_owner, row.lease_until = token, LeaseState.dead, None, None
            case IncidentSettled(token, node, "") if token in rows:
                again[node] = rows[token]
            case BeginRequest(token, node) if token in alive:
                spec = definition.nodes[node].outside
                body = body_of(spec, decision.state.data) if isinstance(spec, HttpSpec) else {}
                _ask(session, instance, again.pop(node, None), token, node, body)
    session.flush()
    gone = [row.id for row in session.scalars(_OF, {"instance": instance.id}) if row.token not in alive]
    if gone:
        session.execute(
            delete(ProcessRequest).where(ProcessRequest.id.in_(gone)),
            execution_options={"synchronize_session": "fetch"},
        )


def _ask(
    session: Session,
    instance: ProcessInstance,
    row: ProcessRequest | None,
    token: int,
    node: str,
    body: Mapping[str, Any],
) -> None:
    if row is None:
        row = ProcessRequest(instance_id=instance.id, node=node, key=str(uuid4()))
        session.add(row)
    elif row.body != body:
        row.key = str(uuid4())
    row.token, row.body, row.outcome = token, dict(body), None
    row.status, row.attempts, row.next_at = LeaseState.waiting, 0, clock.now()
    row.failing_since = row.last_error = None


def hold(session: Session, instance: ProcessInstance) -> None:
    """Nobody is asked until the instance goes on. An answer that is on its way is kept till then."""
    _set(session, instance, LeaseState.waiting, LeaseState.held)


def release(session: Session, instance: ProcessInstance) -> None:
    _set(session, instance, LeaseState.held, LeaseState.waiting)


def _set(session: Session, instance: ProcessInstance, before: LeaseState, after: LeaseState) -> None:
    session.execute(
        update(ProcessRequest)
        .where(ProcessRequest.instance_id == instance.id, ProcessRequest.status == before)
        .values(status=after),
        execution_options={"synchronize_session": "fetch"},
    )


_WAITING = (
    select(ProcessRequest)
    .where(
        ProcessRequest.instance_id.in_(bindparam("instances", expanding=True)), ProcessRequest.status != LeaseState.dead
    )
    .order_by(ProcessRequest.id)
)  # fmt: skip


def waiting_in(session: Session, instance_ids: Collection[int]) -> Sequence[ProcessRequest]:
    """Those whose answer is waited for, paused ones too; one that failed for good is no more."""
    return session.scalars(_WAITING, {"instances": list(instance_ids)}).all() if instance_ids else ()


# ── what the worker does ──
@dataclass(frozen=True)
class Prepared:
    """One that is to be asked now, with all that asking needs."""

    row_id: int
    request: outbound.Request
    spec: HttpSpec


@dataclass(frozen=True)
class Answer:
    """What came of it: these values, or why not."""

    values: Mapping[str, Any]
    error: CallError | None = None


Happen = Callable[[Session, ProcessInstance, Event], object]


def prepare(session: Session, row_id: int, *, owner: str, happen: Happen) -> Prepared | None:
    """What has to be asked; None when there is nothing to ask, or what came of it before is told now."""
    row, instance = _mine(session, row_id, owner)
    if row is None or instance is None:
        return None
    if row.outcome is not None:
        _tell(session, instance, row, happen)
        return None
    spec = _spec(instance, row)
    if row.attempts > len(spec.pauses) + 1:
        _give_up(session, instance, row, Fault.unreachable.value, _ENDED_EACH_TIME, happen)
        return None
    try:
        return Prepared(row.id, _request(session, instance, row, spec), spec)
    except CallError as error:
        _settle(session, instance, row, Answer({}, error), happen)
    except LostKeyError:
        why = _("The kept headers of the receiver cannot be read any more; an administrator has to type them again.")
        _give_up(session, instance, row, Fault.not_allowed.value, why, happen)
    return None


def tell_worn_out(session: Session, row: ProcessRequest, *, happen: Happen) -> None:
    """Every worker died over it, so the branch stops: it is the telling that fails, and no event at the edge was drawn
    for that. While its instance is paused it waits as well, and is tried once more. The instance is locked by now."""
    instance = session.get_one(ProcessInstance, row.instance_id)
    if instance.status is not InstanceStatus.running:
        row.status = LeaseState.held
        return
    why = _lost(row, "", _ENDED_EACH_TIME)["reason"]
    row.last_error, row.outcome = why, None
    session.flush()
    happen(session, instance, Failed(row.token, None, IncidentCode.webhook_failed, why))


def call(prepared: Prepared) -> Answer:
    """Ask, and read what is to be kept of the answer. Touches no database."""
    try:
        return Answer(_read(outbound.send(prepared.request), prepared.spec))
    except CallError as error:
        return Answer({}, error)
    except Exception:
        # One that nobody thought of never stops those beside it.
        logger.exception("request %d could not be made", prepared.row_id)
        return Answer({}, CallError(Fault.unreachable))


def settle(session: Session, row_id: int, answer: Answer, *, owner: str, happen: Happen) -> bool:
    """Tell the process what came of it. False: nobody waits for it any more, or it is somebody else's by now."""
    row, instance = _mine(session, row_id, owner, answer)
    if row is None or instance is None:
        return False
    _settle(session, instance, row, answer, happen)
    return True


def keep(session: Session, row_id: int, answer: Answer, *, owner: str) -> None:
    """What came of it could not be told: it stands with the request until it is, so that nobody asks again."""
    row, instance = _mine(session, row_id, owner, answer)
    if row is not None and instance is not None and _ends_it(row, instance, answer):
        row.outcome = _kept(session, instance, row, answer)


def count_result(session: Session, answer: Answer) -> None:
    """For whoever watches the installation. In a transaction of its own: others wait for this row."""
    error = answer.error
    result = "ok" if error is None else f"{error.status // 100}xx" if error.status else str(error.fault)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(
        insert(RequestCount)
        .values(result=result, count=1)
        .on_conflict_do_update(index_elements=[RequestCount.result], set_={"count": RequestCount.count + 1})
    )


def _mine(
    session: Session, row_id: int, owner: str, answer: Answer | None = None
) -> tuple[ProcessRequest | None, ProcessInstance | None]:
    """The row and its locked instance, while both go on. What is paused keeps the answer until it does."""
    row = session.get(ProcessRequest, row_id)
    if row is None:
        return None, None
    instance = store.lock(session, row.instance_id)
    if not leases.held_by(session, ProcessRequest, [row_id], owner=owner):
        return None, None
    session.refresh(row)
    if instance.status is InstanceStatus.running:
        return row, instance
    row.status, row.lease_owner, row.lease_until = LeaseState.held, None, None
    if answer is None:
        row.attempts -= 1
    elif _ends_it(row, instance, answer):
        row.outcome = _kept(session, instance, row, answer)
    session.flush()
    return None, None


def _spec(instance: ProcessInstance, row: ProcessRequest) -> HttpSpec:
    spec = queries.definition_of(instance.version).nodes[row.node].outside
    assert isinstance(spec, HttpSpec)
    return spec


def _request(session: Session, instance: ProcessInstance, row: ProcessRequest, spec: HttpSpec) -> outbound.Request:
    """Raises CallError when the receiver is not there any more, LostKeyError when its headers cannot be read."""
    url, headers, may_be_inside = spec.url, dict(spec.headers), False
    if spec.receiver:
        receiver = receivers.by_code(session, spec.receiver)
        if receiver is None:
            raise CallError(Fault.not_allowed, permanent=True)
        url = receiver.url.rstrip("/") + spec.path if spec.path else receiver.url
        own = receivers.headers_of(receiver)
        told = {name.lower() for name in own}  # what the company says of its receiver stands above the drawing
        headers = {name: value for name, value in headers.items() if name.lower() not in told} | own
        may_be_inside = receiver.may_be_inside
    said = {name.lower() for name in headers}
    ours = {"Accept": "application/json", "User-Agent": "TanTam"}
    headers |= {name: value for name, value in ours.items() if name.lower() not in said}
    headers["Idempotency-Key"] = row.key
    body = None
    if spec.method in ("GET", "DELETE"):
        query = urlencode({key: _in_query(value) for key, value in row.body.items() if value is not None})
        url += ("&" if "?" in url else "?") + query if query else ""
    else:
        body = json.dumps(row.body, ensure_ascii=False).encode()
        headers["Content-Type"] = "application/json; charset=utf-8"
    return outbound.Request(spec.method, url, headers, body, may_be_inside, float(spec.seconds))


def _in_query(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(body: bytes, spec: HttpSpec) -> Mapping[str, Any]:
    if not spec.takes:
        return {}
    try:
        return taken_of(spec, json.loads(body))
    except (ValueError, RecursionError) as error:
        raise CallError(Fault.unreadable, permanent=True) from error


def _is_final(row: ProcessRequest, error: CallError, spec: HttpSpec) -> bool:
    return error.permanent or row.attempts > len(spec.pauses)


def _ends_it(row: ProcessRequest, instance: ProcessInstance, answer: Answer) -> bool:
    return answer.error is None or _is_final(row, answer.error, _spec(instance, row))


def _settle(session: Session, instance: ProcessInstance, row: ProcessRequest, answer: Answer, happen: Happen) -> None:
    error, spec, at = answer.error, _spec(instance, row), clock.now()
    if error is not None and not _is_final(row, error, spec):
        leases.mark_failed(
            session, ProcessRequest, row.id, owner=row.lease_owner or "",
            error=str(_why(session, instance, row, error)), at=at, retry_at=at + spec.pauses[row.attempts - 1],
        )  # fmt: skip
        return
    row.outcome = _kept(session, instance, row, answer)
    _tell(session, instance, row, happen)


def _kept(session: Session, instance: ProcessInstance, row: ProcessRequest, answer: Answer) -> dict[str, Any]:
    if answer.error is None:
        return {"values": dict(answer.values)}
    return _lost(row, code_of(answer.error), _why(session, instance, row, answer.error))


def _lost(row: ProcessRequest, code: str, why: Sentence) -> dict[str, Any]:
    tried = _("It was tried %(count)s times.", count=row.attempts) if row.attempts > 1 else ""
    return {"error": code, "reason": f"{why} {tried}".strip()[: leases.LONGEST_ERROR]}


def _give_up(
    session: Session, instance: ProcessInstance, row: ProcessRequest, fault: str, why: Sentence, happen: Happen
) -> None:
    row.outcome = _lost(row, f"HTTP_{fault.upper()}", why)
    _tell(session, instance, row, happen)


def _tell(session: Session, instance: ProcessInstance, row: ProcessRequest, happen: Happen) -> None:
    """The process hears of it; the row is gone then, or stays with the branch that stopped."""
    came = row.outcome or {}
    event: Event = Done(row.token, came["values"]) if "values" in came else Failed(
        row.token, came["error"], IncidentCode.webhook_failed, came["reason"]
    )  # fmt: skip
    row.last_error = came.get("reason")
    row.outcome = None
    session.flush()
    happen(session, instance, event)


# ── what it means ──
def code_of(error: CallError) -> str:
    """What an event at the edge waits for: HTTP_404, HTTP_TIMEOUT, HTTP_UNREACHABLE, …"""
    if error.fault is Fault.status:
        return f"HTTP_{error.status}"
    return f"HTTP_{(Fault.unreachable if error.fault is Fault.unknown_host else error.fault).upper()}"


_TOLD: Mapping[Fault, Callable[[str, int], Sentence]] = {
    Fault.not_allowed: lambda host, _status: _(
        "%(host)s may not be called: it is no receiver in use, or leads into a network where nobody allowed it.",
        host=host),
    Fault.unknown_host: lambda host, _status: _("There is no server called %(host)s.", host=host),
    Fault.unreachable: lambda host, _status: _("%(host)s could not be reached, or broke off.", host=host),
    Fault.untrusted: lambda host, _status: _("The certificate of %(host)s cannot be trusted.", host=host),
    Fault.timeout: lambda host, _status: _("%(host)s did not answer in time.", host=host),
    Fault.too_large: lambda host, _status: _("%(host)s answered with more than 1 MB.", host=host),
    Fault.redirect: lambda host, status: _(
        "%(host)s sent the call on to another address (%(status)s). Calls are not sent on; give the right address.",
        host=host, status=status),
    Fault.unreadable: lambda host, _status: _(
        "%(host)s has taken it, but what it answered cannot be read as the drawing wants it.", host=host),
}  # fmt: skip


def _why(session: Session, instance: ProcessInstance, row: ProcessRequest, error: CallError) -> Sentence:
    """By the name that people know the program by."""
    spec = _spec(instance, row)
    host = urlsplit(spec.url).hostname or ""
    if spec.receiver:
        host = receivers.names(session).get(spec.receiver, spec.receiver)
    told = _TOLD.get(error.fault)
    if told is not None:
        return told(host, error.status)
    if error.status >= 500:
        return _("%(host)s is in trouble itself (code %(status)s).", host=host, status=error.status)
    return _("%(host)s refused it (code %(status)s).", host=host, status=error.status)
