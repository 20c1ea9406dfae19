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
from app.processes.models import OWNER, ProcessEvent, ProcessInstance, ProcessSubscription, ProcessVersion
from app.tasks import queries as task_queries
from app.tasks.events import AnswerShown, OwnerShown, StageShown
from app.tasks.models import Task
from app.tasks.rules import OUTCOME_DONE

#: so much of each kind stands on a page; what is older is a page further
MOST, MOST_ANSWERS = 100, 30

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


def titles(session: Session, instance: ProcessInstance, elements: Collection[str]) -> dict[str, str]:
    """What these elements are called: by its version, or by those by which the instance ran before."""
    version = instance.version
    found = {one: node.title for one, node in queries.definition_of(version).nodes.items() if one in elements}
    if all(one in found for one in elements if one):
        return found
    earlier = queries.events(instance.id).where(ProcessEvent.kind == "migrated")
    numbers = {event.body["from_version"] for event in session.scalars(earlier)}
    rows = select(ProcessVersion).where(
        ProcessVersion.process_id == version.process_id, ProcessVersion.number.in_(numbers)
    )
    for one in session.scalars(rows.order_by(ProcessVersion.number)):
        nodes = queries.definition_of(one).nodes
        found = {element: node.title for element, node in nodes.items() if element in elements} | found
    return found


def newest_work(session: Session, instance: ProcessInstance) -> tuple[list[Task], Collection[str]]:
    """The open and the newest tasks, oldest first; and where these are not all, the steps at which there was any."""
    tasks = task_queries.newest_of_owner(session, OWNER, instance.id, most=MOST)
    return tasks, () if len(tasks) < MOST else task_queries.steps_of_owner(session, OWNER, instance.id)


def answered_work(
    session: Session, instance: ProcessInstance, newest: Sequence[Task], before: int | None = None
) -> tuple[list[Task], bool]:
    """The newest finished tasks, of those with a smaller id than `before`, oldest first; and whether there are older
    ones. `newest`: what `newest_work` found."""
    done = [task for task in newest if task.completed_at is not None and (before is None or task.id < before)]
    if len(newest) >= MOST:
        done = task_queries.done_before(session, OWNER, instance.id, before, most=MOST_ANSWERS + 1)
    return done[-MOST_ANSWERS:], len(done) > MOST_ANSWERS


def owner_shown(session: Session, instance: ProcessInstance, task: Task, actor: Actor, *, is_seen: bool) -> OwnerShown:
    """What a task page tells of its instance; of one that he may not open, only this task's own answers."""
    own = answers_shown(session, instance, [task], actor, with_start=False)
    own_answers = [row for answer in own for row in answer.rows]
    if not is_seen:
        name = instance.version.process.name
        return OwnerShown(url="", code=instance.code, name=name, own_answers=own_answers, record=instance)
    definition = queries.definition_of(instance.version)
    tasks, been = newest_work(session, instance)
    done, has_older = answered_work(session, instance, tasks)
    stages = stages_shown(definition, tasks, clock.now(), been)
    keys = [stage.key for stage in sorted(definition.stages, key=lambda stage: stage.order)]
    # Work that was called off may be of a step which only an earlier version had.
    node = definition.nodes.get(task.step)
    spec = node.task if node is not None else None
    return OwnerShown(
        url=links.instance_path(instance.id),
        code=instance.code,
        name=instance.version.process.name,
        step_number=keys.index(spec.stage) + 1 if spec and spec.stage in keys else 0,
        step_count=len(keys) if spec and spec.stage in keys else 0,
        stages=stages,
        answers=answers_shown(
            session, instance, [one for one in done if one.id != task.id], actor, with_start=not has_older
        ),
        older_answers=f"{links.instance_path(instance.id)}?phieu={done[0].id}#phieu" if has_older else "",
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
