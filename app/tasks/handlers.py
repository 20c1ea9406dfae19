"""How does work show on a customer's page, who writes notes on it, and who takes it over when somebody leaves?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from app.comments.events import Commented
from app.comments.models import Comment
from app.core import links
from app.core.access import Actor, visible
from app.core.errors import BusinessError, Sentence
from app.core.i18n import _, ngettext
from app.customers.events import CustomerPart, NextStep, PartRow
from app.security.events import Duty, Held, Titled
from app.security.models import Member
from app.security.queries import actor_of
from app.security.shared import Shareable
from app.tasks import queries, services
from app.tasks.models import Task
from app.tasks.rules import lateness

SHARED_TASKS = Shareable(
    "Task", Task, links.task_path, lambda task: f"{task.name} ({task.context})" if task.context else task.name,
    (_("Tasks"), "/cong-viec/"),
)  # fmt: skip


class CustomerTasks(CustomerPart):
    """The open work for a customer."""

    key = "cong-viec"
    label = _("Tasks")
    empty = _("No open work for this customer.")
    resource = "Task"
    model = Task

    def select(self, customer_id: int, actor: Actor) -> Select[Task]:
        rows = select(Task).where(Task.customer_id == customer_id, queries.is_open(), visible(Task, actor))
        return queries.by_due(rows)

    def rows(self, session: Session, chosen: Select[Task], actor: Actor, now: datetime) -> list[PartRow]:
        return [
            PartRow(
                url=links.task_path(task.id),
                title=task.name,
                hint=" · ".join(filter(None, (task.context, _holder(task)))),
                lateness=lateness(task, now, actor.time_zone),
                due_at=task.due_at,
            )
            for task in session.scalars(queries.with_people(chosen)).unique()
        ]

    def next_step(self, session: Session, customer_id: int, actor: Actor, now: datetime) -> NextStep | None:
        rows = select(Task).where(Task.customer_id == customer_id, queries.is_open())
        own_first = rows.where(queries.is_for(actor)).order_by(Task.assignee_id.is_(None))
        task = session.scalars(queries.by_due(own_first).limit(1)).first()
        if task is None:
            return None
        return NextStep(
            title=task.name,
            text=task.context,
            url=links.task_path(task.id),
            verb=_("Do it now") if task.assignee_id else _("Look and claim"),
            sign="user-check" if task.outcomes else "forms",
            lateness=lateness(task, now, actor.time_zone),
            due_at=task.due_at,
        )


class TaskComments(Commented):
    """The notes on a task. They belong to its history: none is added once it is over."""

    resource = "Task"
    model = Task

    def url(self, record_id: int) -> str:
        return links.task_path(record_id)

    def title(self, record: Any) -> str:
        return f"{record.name} ({record.context})" if record.context else str(record.name)

    def about(self, title: str) -> Sentence:
        return _("the task %(title)s", title=title)

    def readable(self, actor: Actor) -> ColumnElement[bool]:
        return queries.notes_readable(actor)

    def refusal(self, session: Session, record: Any, by: Actor) -> BusinessError | None:
        return services.why_not_noted(session, record, by)

    def written(self, session: Session, record: Any, comment: Comment, *, by: Actor) -> None:
        services.note_written(session, record, comment, by=by)


class _Work(Duty):
    """Open tasks that a person has in hand."""

    icon = "checklist"

    def rows(self, session: Session, member: Member) -> Select[Task]:
        raise NotImplementedError

    def held(self, session: Session, member: Member, who: Actor, *, titles: int) -> Held:
        rows = self.rows(session, member)
        count = session.scalar(select(func.count()).select_from(rows.with_only_columns(Task.id).subquery())) or 0
        seen = queries.next_due(session, rows.where(visible(Task, who)), limit=titles) if count and titles else ()
        named = (f"{task.name} ({task.context})" if task.context else task.name for task in seen)
        return Held(count, [Titled(text, links.task_path(task.id)) for text, task in zip(named, seen, strict=True)])

    def refusal(self, session: Session, to: Member) -> Sentence | None:
        if actor_of(session, to).may("edit", "Task"):
            return None
        return _("%(name)s may look at work, but not do it.", name=to.name)

    def hand_over(self, session: Session, member: Member, to: Member, *, by: Actor) -> int:
        ids = session.scalars(self.rows(session, member).with_only_columns(Task.id).order_by(Task.id)).all()
        return services.hand_over_tasks(
            session, ids, to, by=by, reason=str(_("%(name)s no longer works here.", name=member.name))
        )


class OpenTasks(_Work):
    """What is on his desk."""

    key = "tasks"
    label = _("Open tasks")

    def counted(self, count: int) -> Sentence:
        return ngettext("%(num)d open task", "%(num)d open tasks", count)

    def rows(self, session: Session, member: Member) -> Select[Task]:
        return queries.assigned_to(member.id, to_decide=False)


class Decisions(_Work):
    """What waits for his decision."""

    key = "approvals"
    label = _("Decisions that wait")
    icon = "user-check"

    def counted(self, count: int) -> Sentence:
        return ngettext("%(num)d decision", "%(num)d decisions", count)

    def rows(self, session: Session, member: Member) -> Select[Task]:
        return queries.assigned_to(member.id, to_decide=True)

    def refusal(self, session: Session, to: Member) -> Sentence | None:
        if actor_of(session, to).may("approve", "Task"):
            return super().refusal(session, to)
        return _("%(name)s may not approve.", name=to.name)


class NobodyElsesQueue(_Work):
    """What is offered to a team or role in which nobody is left without him."""

    key = "queue"
    label = _("Work that only this person could take")
    icon = "users-group"

    def counted(self, count: int) -> Sentence:
        return ngettext("%(num)d task waiting to be taken", "%(num)d tasks waiting to be taken", count)

    def rows(self, session: Session, member: Member) -> Select[Task]:
        return queries.waiting_for_nobody_but(session, member)


def _holder(task: Task) -> str:
    if task.assignee is not None:
        return task.assignee.name
    return task.offered_team.name if task.offered_team is not None else ""
