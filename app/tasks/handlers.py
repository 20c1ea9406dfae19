"""How does work show on a customer's page, who writes notes on it, and who takes it over when somebody leaves?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from app.comments.events import Commented
from app.comments.models import Comment
from app.core import links
from app.core.access import Actor, visible
from app.core.errors import BusinessError, Sentence
from app.core.i18n import _, ngettext
from app.customers.events import CustomerPart, NextStep, PartFilter, PartRow
from app.security.events import Duty, Held, Titled
from app.security.models import Member
from app.security.queries import actor_of
from app.security.shared import Shareable
from app.tasks import queries, services
from app.tasks.models import OPEN_STATES, Task, TaskState
from app.tasks.rules import lateness

SHARED_TASKS = Shareable(
    "Task", Task, links.task_path, lambda task: f"{task.name} ({task.context})" if task.context else task.name,
    (_("Tasks"), "/cong-viec/"),
)  # fmt: skip


#: tasks in sight beside the customer's story
_UPCOMING = 4


class CustomerTasks(CustomerPart):
    """The work for a customer, the open one first."""

    key = "cong-viec"
    label = _("Tasks")
    empty = _("No open work for this customer.")
    resource = "Task"
    model = Task
    filters = (
        PartFilter("", _("Still open"), lambda rows: queries.by_due(rows.where(queries.is_open()))),
        PartFilter("xong", _("Done"), lambda rows: _latest(rows.where(Task.state == TaskState.completed))),
        PartFilter("tat-ca", _("All"), lambda rows: _latest(rows)),
    )

    def select(self, customer_id: int, actor: Actor) -> Select[Task]:
        return select(Task).where(Task.customer_id == customer_id, visible(Task, actor))

    def rows(self, session: Session, chosen: Select[Task], actor: Actor, now: datetime) -> list[PartRow]:
        return [
            PartRow(
                url=links.task_path(task.id),
                title=task.name,
                hint=" · ".join(filter(None, (task.context, _holder(task)))),
                lateness=lateness(task, now, actor.time_zone) if task.state in OPEN_STATES else None,
                due_at=task.due_at,
                state=_("Completed") if task.state is TaskState.completed else _("Called off"),
            )
            for task in session.scalars(queries.with_people(chosen)).unique()
        ]

    def upcoming(self, session: Session, customer_id: int, actor: Actor, now: datetime) -> Sequence[NextStep]:
        rows = select(Task).where(Task.customer_id == customer_id, queries.is_open(), visible(Task, actor))
        # What he can do himself comes before what he sees in other hands.
        own_first = rows.order_by(case((Task.assignee_id == actor.user_id, 0), (queries.offered_to(actor), 1), else_=2))
        chosen = queries.with_people(queries.by_due(own_first).limit(_UPCOMING))
        found = session.execute(chosen.add_columns(visible(Task, actor, "edit").label("may_edit"))).unique()
        return [self._step(task, actor, now, may_edit=bool(may_edit)) for task, may_edit in found]

    def _step(self, task: Task, actor: Actor, now: datetime, *, may_edit: bool) -> NextStep:
        holder, verb = "", _("Open")
        if task.assignee_id == actor.user_id:
            verb = _("Do it now")
        elif task.assignee is not None:
            holder = str(_("%(name)s is in charge", name=task.assignee.name))
        elif task.state is TaskState.ready and may_edit:
            verb = _("Look and claim")
        return NextStep(
            title=task.name,
            text=" · ".join(filter(None, (task.context, holder))),
            url=links.task_path(task.id),
            verb=verb,
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


def _latest(rows: Select[Task]) -> Select[Task]:
    """What was opened last comes first: ids are given in that order."""
    return rows.order_by(Task.id.desc())


def _holder(task: Task) -> str:
    if task.assignee is not None:
        return task.assignee.name
    return task.offered_team.name if task.offered_team is not None else ""
