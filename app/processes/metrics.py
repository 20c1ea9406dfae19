"""How is the engine doing, in numbers that a monitor collects? GET /metrics, in the words of Prometheus."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime

from flask import Blueprint, Response, abort, current_app, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import db
from app.core.leases import LeaseState
from app.processes import queries
from app.processes.applying import TURNS
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessInstance, ProcessRequest, ProcessTimer, RequestCount
from app.tasks import queries as tasks
from app.tasks.models import Task

blueprint = Blueprint("metrics", __name__)
Line = tuple[str, str, dict[str, str], float]


@blueprint.get("/metrics")
def metrics() -> Response:
    """Numbers alone, no names. Not there unless TANTAM_METRICS_TOKEN is set and sent as a bearer token."""
    wanted = current_app.config["METRICS_TOKEN"]
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not wanted or not hmac.compare_digest(sent.encode(), wanted.encode()):
        abort(404)
    text = "".join(_written(_lines(db.session())))
    response = Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def _lines(session: Session) -> Iterator[Line]:
    """(name, what it is, labels, value); lines of one name stand together."""
    now = clock.now()
    by_status = dict(
        session.execute(
            select(ProcessInstance.status, func.count()).select_from(ProcessInstance).group_by(ProcessInstance.status)
        ).all()
    )
    for status in InstanceStatus:
        yield "tantam_instances", "process files", {"status": str(status)}, by_status.get(status, 0)
    stuck = select(func.count(ProcessInstance.id)).where(queries.is_stuck())
    yield "tantam_instances_stuck", "process files that need an administrator", {}, session.scalar(stuck) or 0
    for name, told, condition in (
        ("tantam_tasks_open", "open tasks", tasks.is_open()),
        ("tantam_tasks_overdue", "open tasks whose time has passed", tasks.overdue(now)),
        ("tantam_tasks_orphan", "open tasks that nobody will do by himself", tasks.is_orphan()),
    ):
        yield name, told, {}, session.scalar(select(func.count(Task.id)).where(condition)) or 0
    timers = dict(session.execute(select(ProcessTimer.status, func.count()).group_by(ProcessTimer.status)).all())
    for state in (LeaseState.waiting, LeaseState.leased, LeaseState.held, LeaseState.dead):
        yield "tantam_timers", "clocks of processes", {"state": str(state)}, timers.get(state, 0)
    late = select(func.count(ProcessTimer.id)).where(
        ProcessTimer.status == LeaseState.waiting, ProcessTimer.due_at < now
    )
    yield "tantam_timers_late", "clocks whose moment has passed", {}, session.scalar(late) or 0
    yield from _outside(session, now)
    yield "tantam_engine_turns_total", "events that the engine has taken in this process", {}, TURNS.count
    yield "tantam_engine_turn_seconds_total", "how long they took, with their rows", {}, round(TURNS.seconds, 6)


def _outside(session: Session, now: datetime) -> Iterator[Line]:
    """Calls to programs of others."""
    counted = session.execute(select(RequestCount.result, RequestCount.count).order_by(RequestCount.result))
    for result, count in counted:
        yield "tantam_requests_total", "calls to programs outside by what came of them", {"result": result}, count
    states = dict(session.execute(select(ProcessRequest.status, func.count()).group_by(ProcessRequest.status)).all())
    for state in (LeaseState.waiting, LeaseState.leased, LeaseState.held, LeaseState.dead):
        yield (
            "tantam_requests",
            "calls to programs outside that are not over",
            {"state": str(state)},
            states.get(state, 0),
        )
    open_ones = ProcessRequest.status.in_((LeaseState.waiting, LeaseState.leased))
    again = select(func.count(ProcessRequest.id)).where(open_ones, ProcessRequest.failing_since.is_not(None))
    yield "tantam_requests_failing", "calls that failed and are tried again", {}, session.scalar(again) or 0
    since = func.min(func.coalesce(ProcessRequest.failing_since, ProcessRequest.next_at))
    oldest = session.scalar(select(since).where(open_ones))
    waited = max((now - oldest).total_seconds(), 0) if oldest is not None else 0
    yield (
        "tantam_requests_oldest_wait_seconds",
        "how long the oldest of them has been due or failing",
        {},
        round(waited),
    )


def _written(lines: Iterator[Line]) -> Iterator[str]:
    before = ""
    for name, told, labels, value in lines:
        if name != before:
            yield f"# HELP {name} {told}\n# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}\n"
        before = name
        inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
        yield f"{name}{{{inside}}} {value}\n" if inside else f"{name} {value}\n"
