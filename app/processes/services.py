"""Start and call off; and go on when a task of an instance is done."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from app.core import audit, clock, leases
from app.core.access import Actor, get_visible, visible
from app.core.db import LARGEST_ID
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.core.i18n import _
from app.core.leases import LeaseState
from app.core.own_reasons import is_own, reason_told
from app.customers.models import Customer
from app.customers.services import CustomerArchivedError, record_timeline
from app.forms.about_customer import hold
from app.forms.models import FormVersion
from app.forms.rules import Answers
from app.forms.services import submit
from app.forms.submissions.services import lock_approved
from app.processes import family, incidents, queries, several, shown, store
from app.processes.applying import (
    BranchGoneError,
    BranchNotStoppedError,
    InstanceOverError,
    InstancePausedError,
    apply,
)
from app.processes.assignment import who_did
from app.processes.engine import returning
from app.processes.engine.events import (
    Cancel,
    Complete,
    Edit,
    Event,
    Move,
    Resume,
    Retry,
    Return,
    Skip,
    Start,
    Suspend,
)
from app.processes.engine.state import FINAL, InstanceStatus, State
from app.processes.models import OWNER, Process, ProcessEvent, ProcessInstance, ProcessTimer, ProcessVersion
from app.security import queries as people
from app.security.models import Member
from app.tasks import queries as task_queries
from app.tasks.events import OwnerShown
from app.tasks.models import Task

_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,59}")
#: also of what one step answered: approve.outcome
ANY_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,59}(?:\.[a-zA-Z_][a-zA-Z0-9_-]{0,59})?")
_MOST_VALUES = 200
_LONGEST_TEXT = 10_000
_LARGEST_NUMBER = 2**53
_LOCKED_AT_ONCE = 25


class NotPublishedError(BusinessError):
    code = "process_not_published"
    message = _("This process has not been published yet.")


class ProcessRetiredError(BusinessError):
    code = "process_retired"
    message = _("This process is no longer used, so it cannot be started.")


def start_version(session: Session, process: Process) -> tuple[ProcessVersion, FormVersion | None]:
    """On which version an instance would start now, and the form it begins with.

    Raises NotPublishedError and ProcessRetiredError.
    """
    if process.archived_at is not None:
        raise ProcessRetiredError
    version = queries.active_version(session, process.id)
    if version is None:
        raise NotPublishedError
    set_committed_value(version, "process", process)
    return version, start_form(session, version)


def start_form(session: Session, version: ProcessVersion) -> FormVersion | None:
    """What is asked where a run of this version begins."""
    code = queries.definition_of(version).start_form
    return session.get(FormVersion, version.form_pins[code]) if code else None


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
    if form is not None and customer is not None:
        hold(session, form, customer.id)
    instance = family.new_instance(session, version, by.user_id, by.primary_team_id, customer.id if customer else None)
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
            at=instance.started_at,
            subject_type=OWNER,
            subject_id=instance.id,
            data={"process": process.name, "code": instance.code},
        )
    apply(session, instance, version, State(), Start(values), by=by)
    return instance


def begin(
    session: Session,
    version: ProcessVersion,
    *,
    by: Actor,
    initiator: Member,
    at_event: str,
    data: Mapping[str, Any] | None = None,
) -> ProcessInstance:
    """A run that begins by itself at one of its start events, in the name of `initiator` and for no customer."""
    team = people.primary_team_of(session, initiator.id)
    instance = family.new_instance(session, version, initiator.id, team.id if team else None, None)
    apply(session, instance, version, State(), Start(dict(data or {}), at_event), by=by)
    return instance


def in_whose_name(session: Session, version: ProcessVersion) -> Member:
    """What begins by itself runs for whoever published the version; for an administrator, once he has left."""
    publisher = people.member_by_id(session, version.published_by_id or 0)
    if publisher is not None and publisher.is_active:
        return publisher
    return people.members_with_role(session, "Admin")[0]


def cancel_instance(session: Session, instance_id: int, *, by: Actor, reason: str) -> ProcessInstance:
    """Call the whole run off: its open tasks are cancelled, what was handed over for them ends."""
    get_visible(session, ProcessInstance, instance_id, by, "edit")
    return _happen(session, instance_id, Cancel(why_given(reason)), by=by)


def suspend_instance(session: Session, instance_id: int, *, by: Actor, reason: str) -> ProcessInstance:
    """Put it aside: its open work stays with whoever has it and warns nobody, nothing can be finished and no clock
    strikes."""
    get_visible(session, ProcessInstance, instance_id, by, "edit")
    why, instance = why_given(reason), store.lock(session, instance_id)
    if instance.status is InstanceStatus.suspended:
        raise _paused_already(session, instance)
    instance = _happen(session, instance_id, Suspend(why), by=by)
    family.put_aside(session, instance)
    return instance


def _paused_already(session: Session, instance: ProcessInstance) -> InstancePausedError:
    paused = queries.events(instance.id).where(ProcessEvent.kind == "instance_suspended").order_by(None)
    last = session.scalars(paused.order_by(ProcessEvent.seq.desc()).limit(1)).first()
    who = people.member_by_id(session, last.actor_id) if last is not None and last.actor_id else None
    if last is None or who is None:
        return InstancePausedError(_("This process file is paused already."))
    return InstancePausedError(
        _("%(name)s has paused this process file already: %(reason)s", name=who.name,
          reason=reason_told(last.body.get("reason", ""), begins=False)),
        by=who.name, at=last.at,
    )  # fmt: skip


def resume_instance(session: Session, instance_id: int, *, by: Actor) -> ProcessInstance:
    """It goes on; the clocks whose moment has passed meanwhile strike at once, and what is late by now is told of."""
    get_visible(session, ProcessInstance, instance_id, by, "edit")
    family.refuse_while_caller_is_paused(session, store.lock(session, instance_id))
    instance = _happen(session, instance_id, Resume(), by=by)
    family.take_up(session, instance)
    return instance


# ── what an admin does where a branch cannot go on ──
def retry_branch(session: Session, instance_id: int, token: int, *, by: Actor, reason: str) -> ProcessInstance:
    """Let a stopped branch try again, with the values as they are by now. Raises BranchNotStoppedError."""
    get_visible(session, ProcessInstance, instance_id, by, "approve")
    return _happen(session, instance_id, Retry(token, why_given(reason)), by=by)


def lead_branch(
    session: Session, instance_id: int, token: int, flow: str, *, by: Actor, reason: str
) -> ProcessInstance:
    """Lead a stopped branch, or what waits at a join in vain, on by one of the ways out. Raises BranchNotStoppedError,
    InvalidInputError beside `flow`."""
    get_visible(session, ProcessInstance, instance_id, by, "approve")
    return _happen(session, instance_id, Skip(token, flow, why_given(reason)), by=by)


def move_branch(
    session: Session, instance_id: int, to: str, *, by: Actor, reason: str, at: str = "", token: int | None = None
) -> ProcessInstance:
    """Take the branch that rests on the element `at`, or is `token`, and put it on the step `to`: forward where no join
    would be left waiting, back as sending back does.

    Raises InvalidInputError beside `from` or `to`, BranchGoneError.
    """
    get_visible(session, ProcessInstance, instance_id, by, "approve")
    why, instance = why_given(reason), store.lock(session, instance_id)
    definition = queries.definition_of(instance.version)
    if instance.status in FINAL:
        raise InstanceOverError(at=instance.ended_at)
    if at and at not in definition.nodes:
        raise InvalidInputError(fields={"from": [_("This process has no such step.")]})
    resting = [
        one for one in store.tokens_of(session, instance.id)
        if at in ("", one.node) and token in (None, one.id) and not one.outer
    ]  # fmt: skip
    if not resting:
        raise BranchGoneError
    if len(resting) > 1:
        raise InvalidInputError(fields={"from": [_("Several branches rest there. Say which one.")]})
    moved = _happen(session, instance_id, Move(resting[0].id, to, why), by=by)
    audit.record(
        session, "instance.moved", table="process_instance", record_id=instance.id,
        changes={"step": [definition.nodes[resting[0].node].title, definition.nodes[to].title]}, reason=why,
    )  # fmt: skip
    return moved


def retry_clock(session: Session, instance_id: int, number: int, *, by: Actor, reason: str) -> ProcessInstance:
    """Let a clock that was given up strike after all, now. Raises BranchNotStoppedError when it was not."""
    get_visible(session, ProcessInstance, instance_id, by, "approve")
    why, instance = why_given(reason), store.lock(session, instance_id)
    if not 0 < number <= LARGEST_ID:
        raise BranchNotStoppedError
    if instance.status in FINAL:
        raise InstanceOverError(at=instance.ended_at)
    of_it = select(ProcessTimer).where(ProcessTimer.instance_id == instance.id, ProcessTimer.number == number)
    timer = session.scalars(of_it.with_for_update(of=ProcessTimer)).one_or_none()
    if timer is None or timer.status is not LeaseState.dead:
        raise BranchNotStoppedError
    leases.resend(session, timer, at=clock.now())
    incidents.look_again(session, instance)
    audit.record(
        session, "instance.clock_retried", table="process_instance", record_id=instance.id,
        changes={"clock": queries.definition_of(instance.version).nodes[timer.node].title}, reason=why,
    )  # fmt: skip
    return instance


def correct_values(
    session: Session, instance_id: int, values: Mapping[str, Any], *, by: Actor, reason: str
) -> ProcessInstance:
    """Put other values in the place of what was answered; what has happened stays. Raises InvalidInputError."""
    get_visible(session, ProcessInstance, instance_id, by, "approve")
    if not values:
        raise InvalidInputError(fields={"values": [_("Please say which values are to change.")]})
    return _happen(session, instance_id, Edit(scalars(values, ANY_KEY), why_given(reason)), by=by)


def _happen(session: Session, instance_id: int, event: Event, *, by: Actor) -> ProcessInstance:
    instance = store.lock(session, instance_id)
    if instance.status in FINAL:
        raise InstanceOverError(at=instance.ended_at)
    if reason := getattr(event, "reason", ""):
        audit.because(session, reason)
    apply(session, instance, instance.version, store.load(session, instance), event, by=by)
    return instance


def why_given(text: str) -> str:
    """The reason that somebody typed. Raises InvalidInputError when it is none."""
    if not text.strip() or is_own(text.strip()):
        raise InvalidInputError(fields={"reason": [_("Please say why.")]})
    if len(text) > _LONGEST_TEXT:
        raise InvalidInputError(fields={"reason": [_("At most %(count)d characters, please.", count=_LONGEST_TEXT)]})
    if "\0" in text:
        raise InvalidInputError(fields={"reason": [_("There is a character in it that cannot be kept.")]})
    return text.strip()


class InstanceTasks:
    """Tells app.tasks what the instances it works for must know: the TaskOwner of kind "instance"."""

    kind = OWNER
    resource = "Instance"

    def lock(self, session: Session, owner_id: int) -> None:
        store.lock(session, owner_id)

    def seen_by(self, owner_id: Any, actor: Actor) -> ColumnElement[bool]:
        seen: ColumnElement[bool] = owner_id.in_(select(ProcessInstance.id).where(visible(ProcessInstance, actor)))
        return seen

    def put_aside(self, owner_id: Any) -> ColumnElement[bool]:
        paused = select(ProcessInstance.id).where(queries.has_status(InstanceStatus.suspended))
        return owner_id.in_(paused)  # type: ignore[no-any-return]

    def shown(self, session: Session, task: Task, actor: Actor) -> OwnerShown:
        rows = select(ProcessInstance, visible(ProcessInstance, actor).label("is_seen")).where(
            ProcessInstance.id == task.owner_id
        )
        of_version = joinedload(ProcessInstance.version).joinedload(ProcessVersion.process)
        instance, is_seen = session.execute(rows.options(of_version)).one()
        return shown.owner_shown(session, instance, task, actor, is_seen=bool(is_seen))

    def task_completed(self, session: Session, task: Task, *, by: Actor, values: Mapping[str, Any]) -> None:
        instance = store.lock(session, task.owner_id)
        state = store.load(session, instance)
        _refuse_second_pair_of_eyes(session, instance, state, task, by=by)
        event = Complete(task.token, dict(values), task.outcome)
        apply(session, instance, instance.version, state, event, by=by, ended=task)
        if task.outcome == "approve":
            _lock_what_was_approved(session, instance, task, by=by)

    def ways_back(self, session: Session, task: Task) -> Sequence[tuple[str, str]]:
        instance = session.get_one(ProcessInstance, task.owner_id)
        if instance.status is not InstanceStatus.running:
            return ()
        definition = queries.definition_of(instance.version)
        tokens = {token.id: token for token in store.tokens_of(session, instance.id)}
        if task.token not in tokens:
            return ()
        ways = returning.ways_back(definition, tokens.values(), tokens[task.token])
        return [(step, definition.nodes[step].title) for step in ways]

    def task_returned(self, session: Session, task: Task, *, to: str, by: Actor, note: str) -> None:
        instance = store.lock(session, task.owner_id)
        event = Return(task.token, to, note)
        apply(session, instance, instance.version, store.load(session, instance), event, by=by, ended=task)


def _lock_what_was_approved(session: Session, instance: ProcessInstance, task: Task, *, by: Actor) -> None:
    """Once nobody has to approve in this step any more, what was answered before it is corrected by nobody."""
    if any(token.node == task.step for token in store.tokens_of(session, instance.id)):
        return
    why = str(_("Approved: %(step)s", step=task.name))
    lock_approved(session, OWNER, [instance.id], by=by, reason=why)
    reached = None
    while True:
        before = task_queries.answered_of_owner(session, OWNER, instance.id, before=reached, most=_LOCKED_AT_ONCE)
        locked = lock_approved(session, "task", [one.id for one in before if one.id != task.id], by=by, reason=why)
        # Where all of so many are locked, so is what was answered before them: an earlier approval did it.
        if not locked or len(before) < _LOCKED_AT_ONCE:
            return
        reached = before[-1].token


def _refuse_second_pair_of_eyes(
    session: Session, instance: ProcessInstance, state: State, task: Task, *, by: Actor
) -> None:
    """`notBy`: whoever did one of those steps may not do this one; nor does anybody decide for two. Raises
    NotAllowedError."""
    node = queries.definition_of(instance.version).nodes[task.step]
    spec = node.task
    if spec is None or (not spec.not_by and node.many is None):
        return
    several.refuse_second_answer(session, state, node, task, by=by.user_id)
    for step in who_did(session, instance, spec.not_by, [by.user_id or 0]).values():
        raise NotAllowedError(_("You did “%(step)s”, so somebody else has to do this.", step=step))


def scalars(data: Mapping[str, Any], keys: re.Pattern[str] = _KEY) -> dict[str, Any]:
    """Start values of a process without a start form: texts, numbers, yes or no. Raises InvalidInputError by key."""
    problems: dict[str, list[Any]] = {}
    if len(data) > _MOST_VALUES:
        raise InvalidInputError(fields={"data": [_("At most %(count)d values, please.", count=_MOST_VALUES)]})
    for key, value in data.items():
        if not keys.fullmatch(key):
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
