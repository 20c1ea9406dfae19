"""Which work has nobody to do it, and who is told so that he gives it to somebody?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, false, func, or_, select, update
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
from app.tasks.events import owners
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
    """Tell of work that has nobody, once each time it becomes so; not of what is put aside. Returns how many tasks were
    told of.

    Needs an application context.
    """
    told = 0
    with transaction() as session:
        _forget_kept(session)
    while True:
        with transaction() as session:
            found = session.scalars(_untold().limit(BATCH)).unique().all()
            _tell(session, found)
        told += len(found)
        if len(found) < BATCH:
            db.session().rollback()
            return told


def _forget_kept(session: Session) -> None:
    """Somebody is there again, or had it since: should it lose him too, that is told of anew."""
    again = Task.claimed_at > Task.orphan_since
    kept = select(Task.id).where(
        Task.orphan_since.is_not(None), or_(again, ~func.coalesce(queries.is_orphan(), false()))
    )
    ids = session.scalars(kept).all()
    if ids:
        _mark(session, ids, None)


def _mark(session: Session, ids: Sequence[int], at: datetime | None) -> None:
    """Not through the mapper: being told of is no change of the work."""
    session.execute(
        update(Task).where(Task.id.in_(ids)).values(orphan_since=at, updated_at=Task.updated_at),
        execution_options={"synchronize_session": False},
    )


def _untold() -> Any:
    put_aside = [and_(Task.owner_type == one.kind, one.put_aside(Task.owner_id)) for one in owners()]
    return (
        select(Task).where(queries.is_orphan(), Task.orphan_since.is_(None), ~or_(false(), *put_aside))
        .options(joinedload(Task.customer), joinedload(Task.team)).order_by(Task.id)
    )  # fmt: skip


def _tell(session: Session, tasks: Sequence[Task]) -> None:
    if not tasks:
        return
    at, ids = clock.now(), [task.id for task in tasks]
    of_them = Alert.rule_key == ORPHANED, Alert.subject_type == "task", Alert.subject_id.in_(ids)
    counted = select(Alert.subject_id, func.max(Alert.repeat_no)).where(*of_them).group_by(Alert.subject_id)
    before: dict[int, int] = {row[0]: row[1] + 1 for row in session.execute(counted)}
    _mark(session, ids, at)
    lines: dict[int, list[tuple[Task, Alert]]] = {}
    for task in tasks:
        for person in recipients(session, task):
            alert = raise_alert(
                session, rule=ORPHANED, subject_type="task", subject_id=task.id, level=LEVEL, due_moment=at,
                recipient_id=person.id, at=at, repeat_no=before.get(task.id, 0),
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
