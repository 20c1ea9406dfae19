"""Which work has nobody to do it, and who is told so that he gives it to somebody?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, joinedload

from app.core import clock
from app.core.db import db, transaction
from app.core.i18n import _, ngettext
from app.notifications.models import Alert
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell, raise_alert
from app.security import queries as people
from app.security.models import Member, Team
from app.tasks import queries
from app.tasks.alerts import LEVEL, about, told_of
from app.tasks.models import Task

ORPHANED = "task_orphaned"
#: the line for more than one
SEVERAL = "tasks_orphaned"
BATCH = 200

register_bell_kind(
    ORPHANED, lambda data: about(_("Nobody is there to do %(task)s: give it to somebody", task=data["task"]), data)
)
register_bell_kind(
    SEVERAL,
    lambda data: ngettext(
        "%(num)d task has nobody to do it: give it to somebody",
        "%(num)d tasks have nobody to do them: give them to somebody",
        data["num"],
    ),
)


def recipients(session: Session, task: Task) -> Sequence[Member]:
    """Who can give it to somebody: the nearest head above it, and the administrators."""
    team: Team | None = task.team
    while team is not None and not (team.head is not None and team.head.is_active):
        team = team.parent
    admins = people.members_with_role(session, "Admin")
    head = team.head if team is not None else None
    return admins if head is None or head in admins else [head, *admins]


def tell_orphans() -> int:
    """Tell of work that has nobody, once each time it becomes so. Returns how many tasks were told of.

    Needs an application context.
    """
    told = 0
    while True:
        with transaction() as session:
            found = session.scalars(_untold().limit(BATCH)).unique().all()
            _tell(session, found)
        told += len(found)
        if len(found) < BATCH:
            db.session().rollback()
            return told


def _untold() -> Any:
    since = func.coalesce(Task.claimed_at, Task.opened_at)
    was_told = exists().where(
        Alert.rule_key == ORPHANED, Alert.subject_type == "task", Alert.subject_id == Task.id, Alert.due_moment == since
    )
    return (
        select(Task).where(queries.is_orphan(), ~was_told)
        .options(joinedload(Task.customer), joinedload(Task.team)).order_by(Task.id)
    )  # fmt: skip


def _tell(session: Session, tasks: Sequence[Task]) -> None:
    at = clock.now()
    lines: dict[int, list[tuple[Task, Alert]]] = {}
    for task in tasks:
        for person in recipients(session, task):
            alert = raise_alert(
                session, rule=ORPHANED, subject_type="task", subject_id=task.id, level=LEVEL,
                due_moment=task.claimed_at or task.opened_at, recipient_id=person.id, at=at,
            )  # fmt: skip
            if alert is not None:
                lines.setdefault(person.id, []).append((task, alert))
    for person_id, his in lines.items():
        task, alert = his[0]
        data: Mapping[str, Any] = told_of(task) if len(his) == 1 else {"num": len(his)}
        kind, subject = (ORPHANED, "task") if len(his) == 1 else (SEVERAL, "orphans")
        post_bell(
            session, to=person_id, kind=kind, data=data, subject_type=subject, subject_id=task.id, at=at,
            alert=alert if len(his) == 1 else None,
        )  # fmt: skip
