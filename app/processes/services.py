"""Draw, publish, start and call off; and go on when a task of an instance is done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.access import Actor, get_visible, visible
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.core.numbering import next_number
from app.customers.models import Customer
from app.customers.services import CustomerArchivedError, record_timeline
from app.deadlines.queries import company_calendar
from app.deadlines.rules import due_at
from app.forms import queries as forms
from app.forms.models import Form, FormVersion
from app.forms.models import VersionState as FormState
from app.forms.rules import Answers
from app.forms.services import submit
from app.processes import queries, shown, store
from app.processes.assignment import offer_for
from app.processes.engine import bpmn, lint
from app.processes.engine.core import (
    FINAL,
    Cancel,
    Complete,
    Decision,
    EngineRefusal,
    Event,
    InstanceStatus,
    OpenTask,
    Start,
    State,
    decide,
)
from app.processes.engine.graph import Definition, TaskSpec
from app.processes.engine.lint import Known
from app.processes.engine.problems import Problem, Severity, has_errors
from app.processes.models import Process, ProcessInstance, ProcessVersion, VersionState
from app.security import queries as people
from app.security.models import Team
from app.tasks import queries as task_queries
from app.tasks import services as tasks
from app.tasks.events import OwnerShown
from app.tasks.models import Task
from app.tasks.rules import Deadline

OWNER = "instance"
_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_CODE = 60
_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,59}")
_MOST_VALUES = 200
_LONGEST_TEXT = 10_000
_LARGEST_NUMBER = 2**53


class ProcessNotPublishableError(BusinessError):
    """The draft has problems; `problems` names each element with its sentence."""

    code = "process_not_publishable"
    message = _("This process cannot be published yet.")

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(
            problems=[
                {"element": p.element, "code": p.code, "message": str(p.message), "severity": str(p.severity)}
                for p in problems
            ]
        )


class NothingToPublishError(BusinessError):
    code = "nothing_to_publish"
    message = _("There is no draft to publish.")


class NotPublishedError(BusinessError):
    code = "process_not_published"
    message = _("This process has not been published yet.")


class ProcessRetiredError(BusinessError):
    code = "process_retired"
    message = _("This process is no longer used, so it cannot be started.")


class InstanceOverError(ConflictError):
    code = "instance_over"
    message = _("This process file has ended.")


# ── drawing ──
def create_process(session: Session, *, code: str, name: str, by: Actor) -> Process:
    """A new process without a drawing. Raises InvalidInputError for a taken or misspelt code or an unfit name."""
    by.must("add", "Process")
    problems: dict[str, list[Any]] = {}
    if len(code) > _LONGEST_CODE or not _CODE.fullmatch(code):
        problems["code"] = [_("Small letters without accents, digits and dashes. Example: giao-hang-cham")]
    elif queries.process_by_code(session, code) is not None:
        problems["code"] = [_("Another process has this code.")]
    if not name.strip() or len(name) > 200 or "\0" in name:
        problems["name"] = [_("Please give a name of at most 200 characters.")]
    if problems:
        raise InvalidInputError(fields=problems)
    process = Process(code=code, name=name.strip())
    session.add(process)
    session.flush()
    return process


def save_draft(session: Session, process: Process, xml: str, *, by: Actor, rev: int | None = None) -> ProcessVersion:
    """Keep the drawing; it may have problems, but it must be BPMN. Raises ProcessNotPublishableError when it is not."""
    by.must("edit", "Process")
    definition, problems = bpmn.read(xml)
    if definition is None and any(problem.element == "" for problem in problems):
        raise ProcessNotPublishableError(problems)
    session.refresh(process, with_for_update=True)
    draft = queries.draft_of(session, process.id)
    if rev is not None and rev != (draft.rev if draft else 0):
        who = people.member_by_id(session, draft.updated_by_id) if draft and draft.updated_by_id else None
        raise ConflictError(by=who.name if who else "", at=draft.updated_at if draft else None)
    if draft is None:
        last = session.scalar(select(func.max(ProcessVersion.number)).where(ProcessVersion.process_id == process.id))
        draft = ProcessVersion(process_id=process.id, number=(last or 0) + 1, state=VersionState.draft, bpmn=xml)
        session.add(draft)
    else:
        draft.bpmn = xml
    session.flush()
    return draft


def check_draft(session: Session, draft: ProcessVersion) -> tuple[Definition | None, list[Problem]]:
    """What an admin would have to mend before publishing, and what he should know."""
    definition, problems = bpmn.read(draft.bpmn)
    if definition is not None:
        problems = [*problems, *lint.check(definition, known=_known(session))]
    return definition, problems


def publish_process(session: Session, process: Process, *, by: Actor) -> tuple[ProcessVersion, list[Problem]]:
    """The draft becomes the version on which new instances start; running ones keep theirs. Returns the warnings too.

    The forms are pinned: an instance of this version asks what they asked at this moment.
    """
    by.must("approve", "Process")
    session.refresh(process, with_for_update=True)
    draft = queries.draft_of(session, process.id)
    if draft is None:
        raise NothingToPublishError
    definition, problems = check_draft(session, draft)
    if definition is None or has_errors(problems):
        raise ProcessNotPublishableError(problems)
    before = queries.active_version(session, process.id)
    if before is not None:
        before.state = VersionState.archived
        session.flush()
    draft.form_pins = {code: forms.published_version(session, code).id for code in _forms_of(definition)}  # type: ignore[union-attr]
    draft.state, draft.published_at, draft.published_by_id = VersionState.published, clock.now(), by.user_id
    session.flush()
    audit.record(session, "process.published", table="process", record_id=process.id, changes={"version": draft.number})
    return draft, [problem for problem in problems if problem.severity is Severity.warning]


def _forms_of(definition: Definition) -> set[str]:
    codes = {node.task.form for node in definition.nodes.values() if node.task is not None}
    return {code for code in codes if code}


def _known(session: Session) -> Known:
    published = session.scalars(select(FormVersion).where(FormVersion.state == FormState.published))
    keys = {
        version.form_id: frozenset(field.key for field in forms.definition_of(version).fields) for version in published
    }
    codes = session.execute(select(Form.code, Form.id).where(Form.id.in_(keys), Form.archived_at.is_(None)))
    return Known(
        forms={code: keys[form_id] for code, form_id in codes},
        roles=frozenset(people.role_codes(session)),
        teams=frozenset(session.scalars(select(Team.code).where(Team.archived_at.is_(None)))),
        users=frozenset(member.user.username for member in session.scalars(people.active_members())),
    )


def retire_process(session: Session, process: Process, *, by: Actor) -> None:
    """Nobody begins it any more; what runs goes on to its end."""
    by.must("delete", "Process")
    process.archived_at = process.archived_at or clock.now()
    session.flush()


def bring_back_process(session: Session, process: Process, *, by: Actor) -> None:
    """It can be begun again."""
    by.must("delete", "Process")
    process.archived_at = None
    session.flush()


# ── running ──
def start_version(session: Session, process: Process) -> tuple[ProcessVersion, FormVersion | None]:
    """On which version an instance would start now, and the form it begins with.

    Raises NotPublishedError and ProcessRetiredError.
    """
    if process.archived_at is not None:
        raise ProcessRetiredError
    version = queries.active_version(session, process.id)
    if version is None:
        raise NotPublishedError
    code = queries.definition_of(version).start_form
    return version, session.get(FormVersion, version.form_pins[code]) if code else None


def start_instance(
    session: Session,
    process: Process,
    *,
    by: Actor,
    customer: Customer | None = None,
    data: Mapping[str, Any] | None = None,
    answers: Answers | None = None,
    answered_form_id: int | None = None,
) -> ProcessInstance:
    """Begin a run of the process. With a start form `answers` are what it asked; without one `data` are plain values.

    `answered_form_id` is the form version against which the answers were read, before the transaction: raises
    ConflictError when the process begins with another one by now. `customer` is one that the edge has found visible.
    Raises InvalidInputError, NotPublishedError, NotAllowedError, CustomerArchivedError.
    """
    by.must("add", "Instance")
    if customer is not None and customer.is_archived:
        raise CustomerArchivedError
    version, form = start_version(session, process)
    if (form.id if form else None) != answered_form_id:
        raise ConflictError(_("The process has just been published anew. Please try again."))
    if (form is None) != (answers is None):
        raise InvalidInputError(fields={"data": [_("These answers do not belong to this process.")]})
    values = dict(answers.values) if answers is not None else scalars(data or {})
    if by.user_id is None:
        raise NotFoundError
    now = clock.now()
    instance = ProcessInstance(
        code="",
        version_id=version.id,
        customer_id=customer.id if customer else None,
        status=InstanceStatus.new,
        data={},
        initiator_id=by.user_id,
        team_id=by.primary_team_id,
        started_at=now,
    )
    instance.code = queries.instance_code(next_number(session, "instance"))
    session.add(instance)
    session.flush()
    if form is not None and answers is not None:
        submission = submit(
            session, form, answers, by=by, subject_type=OWNER, subject_id=instance.id, customer_id=instance.customer_id
        )
        instance.start_submission_id = submission.id
    if customer is not None:
        record_timeline(
            session,
            customer.id,
            kind="instance_started",
            by=by,
            at=now,
            subject_type=OWNER,
            subject_id=instance.id,
            data={"process": process.name, "code": instance.code},
        )
    _apply(session, instance, version, State(), Start(values), by=by)
    return instance


def cancel_instance(session: Session, instance_id: int, *, by: Actor, reason: str) -> ProcessInstance:
    """Call the whole run off: its open tasks are cancelled, what was handed over for them ends."""
    get_visible(session, ProcessInstance, instance_id, by, "edit")
    if not reason.strip():
        raise InvalidInputError(fields={"reason": [_("Please say why.")]})
    if len(reason) > _LONGEST_TEXT or "\0" in reason:
        raise InvalidInputError(fields={"reason": [_("This text is too long.")]})
    instance = store.lock(session, instance_id)
    if instance.status in FINAL:
        raise InstanceOverError(at=instance.ended_at)
    _apply(session, instance, instance.version, store.load(session, instance), Cancel(reason.strip()), by=by)
    return instance


class InstanceTasks:
    """Tells app.tasks what the instances it works for must know: the TaskOwner of kind "instance"."""

    kind = OWNER
    resource = "Instance"

    def lock(self, session: Session, owner_id: int) -> None:
        store.lock(session, owner_id)

    def seen_by(self, owner_id: Any, actor: Actor) -> ColumnElement[bool]:
        seen: ColumnElement[bool] = owner_id.in_(select(ProcessInstance.id).where(visible(ProcessInstance, actor)))
        return seen

    def shown(self, session: Session, task: Task, actor: Actor) -> OwnerShown:
        instance = session.get_one(ProcessInstance, task.owner_id)
        return shown.owner_shown(session, instance, task, actor)

    def task_completed(self, session: Session, task: Task, *, by: Actor, values: Mapping[str, Any]) -> None:
        instance = store.lock(session, task.owner_id)
        _refuse_second_pair_of_eyes(session, instance, task, by=by)
        event = Complete(task.token, dict(values), task.outcome)
        _apply(session, instance, instance.version, store.load(session, instance), event, by=by)


def _refuse_second_pair_of_eyes(session: Session, instance: ProcessInstance, task: Task, *, by: Actor) -> None:
    """`notBy`: whoever did one of those steps may not do this one. Raises NotAllowedError."""
    spec = queries.definition_of(instance.version).nodes[task.step].task
    if spec is None or not spec.not_by:
        return
    for done in task_queries.of_owner(session, OWNER, instance.id):
        if done.step in spec.not_by and done.completed_by_id == by.user_id:
            raise NotAllowedError(_("You did “%(step)s”, so somebody else has to do this.", step=done.name))


def scalars(data: Mapping[str, Any]) -> dict[str, Any]:
    """Start values of a process without a start form: texts, numbers, yes or no. Raises InvalidInputError by key."""
    problems: dict[str, list[Any]] = {}
    if len(data) > _MOST_VALUES:
        raise InvalidInputError(fields={"data": [_("At most %(count)d values, please.", count=_MOST_VALUES)]})
    for key, value in data.items():
        if not _KEY.fullmatch(key):
            problems[key[:60].replace("\0", "")] = [_("A key has letters, digits and _ only.")]
        elif isinstance(value, str):
            if len(value) > _LONGEST_TEXT or "\0" in value:
                problems[key] = [_("This text is too long.")]
        elif isinstance(value, bool) or value is None:
            continue
        elif not isinstance(value, int | float) or abs(value) > _LARGEST_NUMBER:
            problems[key] = [_("Only a text, a number, or yes or no.")]
    if problems:
        raise InvalidInputError(fields=problems)
    return dict(data)


# ── one event, one decision, one transaction ──
def _apply(
    session: Session, instance: ProcessInstance, version: ProcessVersion, state: State, event: Event, *, by: Actor
) -> None:
    definition = queries.definition_of(version)
    now = clock.now()
    try:
        decision = decide(definition, state, event, today=clock.today(DEFAULT_TIME_ZONE))
    except EngineRefusal as refusal:
        raise _refused(instance, refusal) from refusal
    opened = {
        command.token: _open_task(session, instance, version, definition, command, by=by).id
        for command in decision.commands
        if isinstance(command, OpenTask)
    }
    known = {task.token: task.id for task in task_queries.of_owner(session, OWNER, instance.id)}
    instance.incident = store.incident_of(decision.commands) or instance.incident
    store.save(session, instance, state, decision, by=by, at=now, task_ids={**known, **opened})
    if decision.state.status in FINAL:
        _wind_up(session, instance, decision, by=by, reason=getattr(event, "reason", ""))


def _open_task(
    session: Session,
    instance: ProcessInstance,
    version: ProcessVersion,
    definition: Definition,
    command: OpenTask,
    *,
    by: Actor,
) -> Task:
    node = definition.nodes[command.step]
    spec = node.task or TaskSpec()
    return tasks.open_task(
        session,
        owner_type=OWNER,
        owner_id=instance.id,
        step=node.id,
        token=command.token,
        name=node.title,
        context=f"{version.process.name}, {instance.code}",
        customer_id=instance.customer_id,
        offer=offer_for(session, node.assignment, instance),
        deadline=_deadline(session, spec),
        form_version=session.get(FormVersion, version.form_pins[spec.form]) if spec.form else None,
        outcomes=spec.outcomes,
        by=by,
    )


def _deadline(session: Session, spec: TaskSpec) -> Deadline:
    """Due and warning moments, counted on the company's calendar or on the wall clock."""
    if spec.due is None:
        return Deadline()
    now, calendar = clock.now(), company_calendar(session)
    due = due_at(now, spec.due, spec.clock, calendar)
    if spec.warn is None or spec.warn >= spec.due:
        return Deadline(due, None if spec.warn is None else now)
    return Deadline(due, due_at(now, spec.due - spec.warn, spec.clock, calendar))


def _wind_up(session: Session, instance: ProcessInstance, decision: Decision, *, by: Actor, reason: str) -> None:
    """The instance is over: cancel what is open, end what was handed over, tell the customer's timeline."""
    all_tasks = task_queries.of_owner(session, OWNER, instance.id)
    for task in all_tasks:
        if task.is_open:
            tasks.cancel_task(session, task, by=by, reason=reason)
    tasks.end_grants_of(session, all_tasks)
    if instance.customer_id is not None:
        record_timeline(
            session,
            instance.customer_id,
            kind=f"instance_{decision.state.status}",
            by=by,
            at=clock.now(),
            subject_type=OWNER,
            subject_id=instance.id,
            data={"code": instance.code, "reason": reason},
        )


def _refused(instance: ProcessInstance, refusal: EngineRefusal) -> BusinessError:
    if instance.status in FINAL:
        return InstanceOverError(at=instance.ended_at)
    if refusal.about:
        return InvalidInputError(fields={refusal.about: [_("This value cannot be set here.")]})
    return ConflictError()
