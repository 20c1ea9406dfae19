"""Whose attention does an overdue task need, and how is he told, once?"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, update
from sqlalchemy.orm import Session

from app.core import links
from app.core.errors import Sentence
from app.core.i18n import _
from app.core.timewords import moment_inside
from app.notifications.models import Alert
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell, queue_mail, raise_alert
from app.security import queries as people
from app.security.models import Member
from app.tasks.models import OPEN_STATES, Task, TaskEvent, TaskEventKind
from app.tasks.rules import ALERT_RETRY, OVERDUE

logger = logging.getLogger(__name__)

LEVEL = 1

ASSIGNED = "task_assigned"
RETURNED = "task_returned"


def told_of(task: Task) -> dict[str, str]:
    """What a bell line keeps of a task, so that its reader knows which one it is."""
    return {"task": task.name, "customer": task.customer.name if task.customer else "", "context": task.context}


def about(sentence: Sentence, data: Mapping[str, Any]) -> Sentence:
    """The sentence, whose work it is, and to which process file it belongs; older lines have neither."""
    about = " · ".join(part for part in (data.get("customer"), data.get("context")) if part)
    return _("%(sentence)s · %(about)s", sentence=sentence, about=about) if about else sentence


register_bell_kind(OVERDUE, lambda data: about(_("%(task)s is overdue", task=data["task"]), data))
register_bell_kind(
    ASSIGNED,
    lambda data: about(_("%(by)s assigned to you: %(task)s", by=data["by"], task=data["task"]), data),
)
register_bell_kind(
    RETURNED,
    lambda data: about(_("%(by)s sent back to you: %(task)s", by=data["by"], task=data["task"]), data),
)


def recipients(session: Session, task: Task) -> list[Member]:
    """The assignee; for unclaimed work the head of its team; where there is none, or an empty team, the admins."""
    if task.assignee is not None and task.assignee.is_active:
        return [task.assignee]
    team = task.offered_team or task.team
    if team is not None and people.members_of_team(session, team.id) and team.head and team.head.is_active:
        return [team.head]
    return people.members_with_role(session, "Admin")


def look_again(session: Session, task: Task, at: datetime | None) -> None:
    """When the scan shall see this task next; None: not before it has another due moment.

    Not through the mapper: being looked at is no change that would refuse a form someone has open, so `rev` and
    `updated_at` stay.
    """
    session.execute(
        update(Task).where(Task.id == task.id).values(next_alert_at=at, updated_at=Task.updated_at),
        execution_options={"synchronize_session": False},
    )
    session.expire(task, ["next_alert_at"])


def hold_alerts(session: Session, kind: str, owner_id: int) -> None:
    """Nothing warns of this owner's open work until `release_alerts`: it is put aside."""
    _look_at_all(session, kind, owner_id, None)


def release_alerts(session: Session, kind: str, owner_id: int) -> None:
    """It goes on: what has become late meanwhile is told of at once, what was told of before is not."""
    was_told = exists().where(TaskEvent.task_id == Task.id, TaskEvent.kind == TaskEventKind.alerted)
    _look_at_all(session, kind, owner_id, Task.due_at, ~was_told)


def _look_at_all(session: Session, kind: str, owner_id: int, at: Any, *where: Any) -> None:
    session.execute(
        update(Task).where(Task.owner_type == kind, Task.owner_id == owner_id, Task.state.in_(OPEN_STATES), *where)
        .values(next_alert_at=at, updated_at=Task.updated_at),
        execution_options={"synchronize_session": "fetch"},
    )  # fmt: skip


def alert_overdue(session: Session, task: Task, *, at: datetime) -> Sequence[tuple[Member, Alert]] | None:
    """Raise the alert of this task's due moment: a bell line for each recipient who has not had it yet.

    The task is not looked at again until it has another due moment. Returns whom a mail is still to be sent; None when
    nobody is there to be told, and then the task stays due.
    """
    told: list[tuple[Member, Alert]] = []
    if task.due_at is None:
        return told
    persons = recipients(session, task)
    if not persons:
        logger.error("task %d is overdue, and there is nobody to tell: no assignee, no head, no administrator", task.id)
        look_again(session, task, at + ALERT_RETRY)
        return None
    for person in persons:
        alert = raise_alert(
            session,
            rule=OVERDUE,
            subject_type="task",
            subject_id=task.id,
            level=LEVEL,
            due_moment=task.due_at,
            recipient_id=person.id,
            at=at,
        )
        if alert is None:
            continue
        post_bell(
            session,
            to=person.id,
            kind=OVERDUE,
            data=told_of(task),
            subject_type="task",
            subject_id=task.id,
            at=at,
            alert=alert,
        )
        told.append((person, alert))
    look_again(session, task, None)
    session.add(
        TaskEvent(
            task_id=task.id, at=at, kind=TaskEventKind.alerted, data={"to": [person.id for person, _alert in told]}
        )
    )
    session.flush()
    return told


def mail_overdue(session: Session, task: Task, person: Member, alert: Alert, *, at: datetime) -> None:
    """Queue the mail of this alert, in the reader's language and on his clock."""
    due = task.due_at or at
    queue_mail(
        session,
        to_user_id=person.id,
        to_address=person.email,
        language=person.language,
        template="task_overdue",
        values={
            "name": person.name,
            "task": task.name,
            "customer": task.customer.name if task.customer else "",
            "process": task.context,
            "assignee": task.assignee.name if task.assignee else "",
            "due": moment_inside(due, at, person.time_zone),
            "link": links.absolute(links.task_path(task.id)),
        },
        idempotency_key=f"alert:{alert.id}",
        at=at,
    )
