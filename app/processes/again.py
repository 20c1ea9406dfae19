"""A step is done again, because the work was sent back to it or put there by hand: how often, and what came before?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.processes.engine.events import OpenTask
from app.processes.engine.many import MOST_ELEMENTS
from app.processes.models import OWNER, ProcessEvent, ProcessInstance
from app.tasks import queries as task_queries
from app.tasks.models import Task


def before(session: Session, instance: ProcessInstance, command: OpenTask) -> tuple[int, Task | None]:
    """The number of this attempt (all who are asked at once share it), and the last finished task of this step; where
    several are asked: of this very element."""
    since = command.outer or command.token
    last = task_queries.last_of_step(session, OWNER, instance.id, command.step, before=since)
    if last is None:
        return 1, None
    if command.outer:
        return last.attempt + 1, _of_element(session, instance, command)
    done = task_queries.last_done(session, OWNER, instance.id, command.step, before=since)
    return last.attempt + 1, done


def _of_element(session: Session, instance: ProcessInstance, command: OpenTask) -> Task | None:
    """Who answered for it last. Of equal elements of a list each is known by its place."""
    # By the tasks, not by what the events call the step: the run may have gone over to a version that renamed it.
    opened = (
        select(ProcessEvent.task_id, ProcessEvent.body)
        .join(Task, Task.id == ProcessEvent.task_id)
        .where(ProcessEvent.instance_id == instance.id, ProcessEvent.kind == "open_task", Task.step == command.step)
    )
    same = {
        told.task_id: told.body
        for told in session.execute(opened.order_by(ProcessEvent.seq.desc()).limit(2 * MOST_ELEMENTS))
        if told.body.get("outer") not in (None, command.outer) and _is_same(told.body.get("element"), command.element)
    }
    rows = select(Task).where(Task.id.in_(list(same)), Task.completed_at.is_not(None)).order_by(Task.id.desc())
    done = session.scalars(rows).all()
    round_ = same[done[0].id]["outer"] if done else None
    if sum(body["outer"] == round_ for body in same.values()) < 2:
        return done[0] if done else None
    return next((one for one in done if _place(same[one.id]) == (round_, command.position)), None)


def _place(body: Mapping[str, Any]) -> tuple[int, int]:
    return body["outer"], body["position"]


def _is_same(element: Any, other: Any) -> bool:
    return (element or None) == (other or None)
