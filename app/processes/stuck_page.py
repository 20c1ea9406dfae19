"""Which process files stand still: where each does, why, since when, and what can be done about it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import edge, links, paging
from app.core.access import visible
from app.core.db import db
from app.core.i18n import _
from app.core.pages import page_number, page_of, show
from app.customers.queries import NamedCustomer, customer_names
from app.processes import queries, stopped, store
from app.processes.engine.state import InstanceStatus
from app.processes.models import OWNER, ProcessInstance, ProcessTimer
from app.processes.shown import STATUS_LABELS
from app.tasks import queries as tasks
from app.tasks.models import Task

ROWS = paging.PAGE_SIZE
ADDRESS = "/ho-so/vuong"


def tab(*, current: bool = False, count: tuple[int, bool] | None = None) -> dict[str, Any]:
    """Beside those of the lists of process files; not counted where nobody asked."""
    shown = {"label": _("Cannot go on"), "url": ADDRESS, "current": current}
    return shown if count is None else {**shown, "count": count[0], "capped": count[1]}


def stuck_page() -> Any:
    """Of those that he sees; what has stood still longest first."""
    actor, session, number = edge.actor(), db.session(), page_number()
    rows = select(ProcessInstance).where(visible(ProcessInstance, actor), queries.is_stuck())
    count = paging.counts(session, {"": rows}, ProcessInstance.id)[""]
    some = (
        queries.with_people(rows)
        .order_by(queries.stuck_since(), ProcessInstance.id)
        .limit(ROWS)
        .offset((number - 1) * ROWS)
    )
    found = session.scalars(some).unique().all()
    names = customer_names(session, {one.customer_id for one in found if one.customer_id}, actor)
    labels = [InstanceStatus.running, InstanceStatus.completed, InstanceStatus.cancelled]
    return show(
        "processes/stuck.html",
        instance_tabs=[
            *({"label": STATUS_LABELS[one], "url": f"/ho-so/?trang_thai={one}", "current": False} for one in labels),
            tab(current=True, count=count),
        ],
        table={"path": "/ho-so/bang/list/", "arguments": {"view": "0", "where": "is_stuck = true"}},
        rows=_rows(session, found, names),
        may_lead=actor.may("approve", "Instance"),
        page=page_of(number, len(found), count, size=ROWS),
    )


def _rows(
    session: Session, found: Sequence[ProcessInstance], names: Mapping[int, NamedCustomer]
) -> list[dict[str, Any]]:
    """One for each thing that stands still."""
    ids = [one.id for one in found]
    stops = stopped.stops_of_each(session, found, store.branches_of(session, ids)) if ids else {}
    clocks: dict[int, list[ProcessTimer]] = {}
    for timer in stopped.clocks_given_up(session, ids) if ids else ():
        clocks.setdefault(timer.instance_id or 0, []).append(timer)
    orphans: dict[int, list[Task]] = {}
    for task in tasks.orphans_of(session, OWNER, ids) if ids else ():
        orphans.setdefault(task.owner_id, []).append(task)
    rows = []
    for one in found:
        customer = names.get(one.customer_id or 0)
        file = {
            "name": one.version.process.name,
            "code": one.code,
            "customer": customer.name if customer else "",
            "paused": one.status is InstanceStatus.suspended,
        }
        path = links.instance_path(one.id)
        rows += [
            {**file, "url": f"{path}#vuong-{stop.token}", "sentence": stop.sentence, "reason": stop.reason,
             "since": stop.since, "advice": stop.advice}
            for stop in stops.get(one.id, ())
        ]  # fmt: skip
        nodes = queries.definition_of(one.version).nodes
        rows += [
            {**file, "url": f"{path}#hen-gio",
             "sentence": _("“%(name)s” could not happen by itself.", name=nodes[timer.node].title),
             "reason": stopped.clock_said(timer), "since": timer.failing_since or timer.due_at,
             "advice": stopped.CLOCK_ADVICE}
            for timer in clocks.get(one.id, ())
        ]  # fmt: skip
        rows += [
            {**file, "url": f"{path}#dang-mo",
             "sentence": _("“%(name)s” has nobody to do it.", name=task.name), "reason": "",
             "since": task.orphan_since or task.created_at, "advice": stopped.orphan_said(task)}
            for task in orphans.get(one.id, ())
        ]  # fmt: skip
    return rows
