"""How does an instance look to people: its stages, what was answered, what happened, as sentences?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.core import clock, links
from app.core.access import Actor
from app.core.i18n import _
from app.core.own_reasons import register_reasons
from app.forms.displays import shown_answers
from app.forms.fields.base import Context
from app.forms.models import Submission
from app.forms.queries import context_for
from app.processes import queries
from app.processes.engine.asking import BY_OTHERS
from app.processes.engine.core import BY_END, BY_MESSAGE, BY_MOVE, BY_RETURN, BY_TIMER
from app.processes.engine.graph import Definition
from app.processes.engine.state import InstanceStatus
from app.processes.family import BY_CALLER
from app.processes.models import ProcessInstance, ProcessSubscription
from app.tasks import queries as task_queries
from app.tasks.events import AnswerShown, OwnerShown, StageShown
from app.tasks.models import Task
from app.tasks.rules import OUTCOME_DONE

STATUS_LABELS = {
    InstanceStatus.new: _("New"),
    InstanceStatus.running: _("Running"),
    InstanceStatus.suspended: _("Paused"),
    InstanceStatus.completed: _("Completed"),
    InstanceStatus.cancelled: _("Called off"),
    InstanceStatus.failed: _("Failed"),
}


def stages_shown(
    definition: Definition, tasks: Sequence[Task], now: datetime, been: Collection[str] = ()
) -> list[StageShown]:
    """Each stage with its state: done, now, late, next; a process without stages shows its steps. `been`: the steps
    that were done where not all `tasks` are at hand."""
    of_stage: dict[str, list[Task]] = {}
    stage_of = {node.id: (node.task.stage if node.task and node.task.stage else node.id) for node in definition.steps}
    for task in tasks:
        of_stage.setdefault(stage_of.get(task.step, task.step), []).append(task)
    past = {stage_of.get(step, step) for step in been}
    headings = [(stage.key, stage.name) for stage in sorted(definition.stages, key=lambda stage: stage.order)]
    headings = headings or [(node.id, node.title) for node in definition.steps]
    shown = []
    for key, name in headings:
        inside = of_stage.get(key, [])
        open_tasks = [task for task in inside if task.is_open]
        if any(task.due_at is not None and task.due_at <= now for task in open_tasks):
            state = "late"
        elif open_tasks:
            state = "now"
        elif inside or key in past:
            state = "done"
        else:
            state = "next"
        shown.append(StageShown(name, state))
    return shown


def answers_shown(
    session: Session, instance: ProcessInstance, tasks: Sequence[Task], actor: Actor, *, with_start: bool = True
) -> list[AnswerShown]:
    """What each finished step brought, in order; labels and choices as they were asked."""
    context = context_for(session, actor)
    shown = []
    start = instance.start_submission_id if with_start else None
    given = _given(session, {start, *(task.submission_id for task in tasks if task.completed_at is not None)})
    if start is not None:
        submission = given.get(start)
        if submission is not None:
            shown.append(_shown(_("Start"), instance.initiator.name, instance.started_at, submission, context))
    for task in tasks:
        if task.completed_at is None:
            continue
        who = task.completed_by.name if task.completed_by else ""
        submission = given.get(task.submission_id or 0)
        shown.append(
            _shown(task.name, who, task.completed_at, submission, context, outcome=task.outcome, note=task.note)
        )
    return shown


def _given(session: Session, ids: set[int | None]) -> dict[int, Submission]:
    """These submissions by id, with the questions that they answer."""
    wanted = [one for one in ids if one is not None]
    if not wanted:
        return {}
    rows = select(Submission).where(Submission.id.in_(wanted)).options(joinedload(Submission.version))
    return {one.id: one for one in session.scalars(rows)}


def _shown(
    step: object,
    who: str,
    at: datetime,
    submission: Submission | None,
    context: Context,
    *,
    outcome: str | None = None,
    note: str | None = None,
) -> AnswerShown:
    rows = [(str(row.label), row.text) for row in shown_answers(submission, context=context)] if submission else []
    rows = [row for row in rows if row[1]]
    if note:
        rows.append((str(_("Note")), note))
    if outcome:
        rows.insert(0, (str(_("Decision")), str(OUTCOME_DONE.get(outcome, outcome))))
    return AnswerShown(step=str(step), by=who, at=at, rows=rows)


def owner_shown(session: Session, instance: ProcessInstance, task: Task, actor: Actor, *, is_seen: bool) -> OwnerShown:
    """What a task page tells of its instance; of one that he may not open, only this task's own answers."""
    own = answers_shown(session, instance, [task], actor, with_start=False)
    own_answers = [row for answer in own for row in answer.rows]
    if not is_seen:
        name = instance.version.process.name
        return OwnerShown(url="", code=instance.code, name=name, own_answers=own_answers, record=instance)
    definition = queries.definition_of(instance.version)
    tasks = task_queries.of_owner(session, "instance", instance.id)
    stages = stages_shown(definition, tasks, clock.now())
    keys = [stage.key for stage in sorted(definition.stages, key=lambda stage: stage.order)]
    spec = definition.nodes[task.step].task
    return OwnerShown(
        url=links.instance_path(instance.id),
        code=instance.code,
        name=instance.version.process.name,
        step_number=keys.index(spec.stage) + 1 if spec and spec.stage in keys else 0,
        step_count=len(keys) if spec and spec.stage in keys else 0,
        stages=stages,
        answers=answers_shown(session, instance, [one for one in tasks if one.id != task.id], actor),
        own_answers=own_answers,
        tasks=tasks,
        record=instance,
    )


#: why the engine itself calls a step or a linked run off, or pauses it
register_reasons(
    {
        BY_TIMER: _("its time was over"),
        BY_MESSAGE: _("a message came that ends it"),
        BY_OTHERS: _("the others have decided"),
        BY_RETURN: _("an earlier step has to be done again"),
        BY_MOVE: _("an administrator put the work on another step"),
        BY_END: _("the process has ended"),
        BY_CALLER: _("together with the process file to which it belongs"),
    }
)


def awaited(waiting: Sequence[ProcessSubscription], definition: Definition) -> list[dict[str, Any]]:
    """The messages for which an instance waits: {node, name, message, key, step (at whose edge, or none), since}."""
    told = []
    for one in waiting:
        node = definition.nodes[one.node]
        told.append(
            {
                "node": node.id,
                "name": node.title,
                "message": one.name,
                "key": one.key,
                "step": definition.nodes[node.host].title if node.host else None,
                "since": one.armed_at,
            }
        )
    return told
