"""How does work look wherever it is told of: its line in a list, the list beside it, its state, the notes on it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.comments import queries as comments
from app.comments import shown as conversation
from app.core import clock, links
from app.core.access import Actor
from app.core.formats import local
from app.core.i18n import _
from app.core.timewords import Lateness, LatenessKind, moment_inside
from app.customers.queries import NamedCustomer, customer_names
from app.tasks import queries
from app.tasks.models import Task, TaskState
from app.tasks.rules import lateness

#: lines beside the open task
INBOX_ROWS = 30

STATE_LABELS = {
    TaskState.scheduled: _("Not yet begun"),
    TaskState.ready: _("Waiting to be taken"),
    TaskState.claimed: _("Taken"),
    TaskState.in_progress: _("In progress"),
    TaskState.waiting_customer: _("Waiting for the customer"),
    TaskState.waiting_team: _("Waiting for another team"),
    TaskState.completed: _("Completed"),
    TaskState.cancelled: _("Called off"),
}


def rows_of(
    session: Session, tasks: Sequence[Task], actor: Actor, names: Mapping[int, NamedCustomer] | None = None
) -> list[dict[str, Any]]:
    """Work-list lines as templates/_parts/work.html takes them; a customer's name shows only to whom it may.

    `names`: those that he may read, where they are known already.
    """
    now = clock.now()
    if names is None:
        names = customer_names(session, customers_of(tasks), actor)
    rows = []
    for task in tasks:
        customer = names.get(task.customer_id or 0)
        rows.append(
            {
                "id": task.id,
                "url": links.task_path(task.id),
                "title": task.name,
                "where": task.context,
                "customer": customer.name if customer else "",
                "customer_url": links.customer_path(customer.id) if customer and customer.full else None,
                "customer_tags": [],
                "holder": task.assignee.name if task.assignee else None,
                "team": task.offered_team.name if task.offered_team else "",
                "lateness": _stands(task, now, actor.time_zone),
                "due_at": task.due_at if task.completed_at is None else None,
                "sign": "user-check" if task.outcomes else "forms",
                "claim_url": f"{links.task_path(task.id)}/nhan" if task.state is TaskState.ready else None,
            }
        )
    return rows


def _stands(task: Task, now: datetime, time_zone: str) -> Lateness:
    """How long is left; of what is done, when that was."""
    if task.completed_at is None:
        return lateness(task, now, time_zone)
    return Lateness(LatenessKind.none, _("Done %(time)s", time=moment_inside(task.completed_at, now, time_zone)))


def customers_of(tasks: Sequence[Task]) -> set[int]:
    return {task.customer_id for task in tasks if task.customer_id}


def beside(session: Session, task: Task, actor: Actor) -> list[Task]:
    """The list that the open task belongs to, in the order in which it is to be worked through; none without others."""
    scope = queries.queue(actor) if task.state is TaskState.ready else queries.mine(actor)
    found = queries.next_due(session, scope, limit=INBOX_ROWS)
    return found if any(other.id != task.id for other in found) else []


def inbox(
    session: Session, task: Task, found: Sequence[Task], actor: Actor, names: Mapping[int, NamedCustomer]
) -> dict[str, Any] | None:
    """`found`: what stands beside the task; None: nothing does. `names` of their customers that he may read."""
    if not found:
        return None
    is_offered = task.state is TaskState.ready
    now = clock.now()
    today = local(now, actor.time_zone).date()
    groups: dict[str, list[dict[str, Any]]] = {"late": [], "today": [], "later": []}
    for row in rows_of(session, found, actor, names):
        due_at = row["due_at"]
        if due_at is not None and due_at < now:
            when = "late"
        else:
            when = "today" if due_at is not None and local(due_at, actor.time_zone).date() == today else "later"
        groups[when].append({**row, "current": row["id"] == task.id})
    labels = {"late": _("Overdue"), "today": _("Today"), "later": _("Later")}
    tabs = (("mine", _("Mine"), not is_offered), ("queue", _("Waiting to be taken"), is_offered))
    return {
        "tabs": [{"label": label, "url": f"/cong-viec/?{key}=1", "current": chosen} for key, label, chosen in tabs],
        "groups": [{"label": labels[when], "rows": rows} for when, rows in groups.items()],
    }


def comments_shown(session: Session, task_ids: list[int]) -> list[dict[str, Any]]:
    """The notes on these tasks with their files, oldest first."""
    return conversation.plain(session, comments.of_records(session, "Task", task_ids))
