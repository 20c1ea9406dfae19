"""Open, offer, claim, hand on, finish and cancel tasks. Every verb locks the task's owner first, then the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, selectinload

from app.comments.models import Comment
from app.comments.services import write_comment
from app.core import clock, rows
from app.core.access import Actor, visible
from app.core.db import connection_of, moment, writes_alone
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError, Sentence
from app.core.i18n import _
from app.core.later import later
from app.core.prepared import Prepared, PreparedRows, inserting
from app.customers.services import record_timeline
from app.forms.filling.rules import kept
from app.forms.models import FormVersion
from app.forms.rules import Answers
from app.forms.services import submit
from app.notifications.services import post_bell
from app.security import queries as people
from app.security.models import Member, Right
from app.security.services import end_grants, hand_over_all
from app.tasks import queries, rules
from app.tasks.alerts import ASSIGNED, RETURNED, told_of
from app.tasks.events import owner_of
from app.tasks.models import Task, TaskEvent, TaskEventKind, TaskState
from app.tasks.rules import Deadline, Offer

YOURS = _("This is yours already.")


class TaskNotOpenError(ConflictError):
    """The task is over: `details` says who ended it and when."""

    code = "task_not_open"
    message = _("This task is no longer open.")


class TaskTakenError(ConflictError):
    """Somebody else works on it: `details` says who and since when."""

    code = "task_taken"
    message = _("Somebody else has taken this task.")


def open_task(
    session: Session,
    *,
    owner_type: str,
    owner_id: int,
    step: str,
    token: int,
    name: str,
    context: str,
    customer_id: int | None,
    offer: Offer,
    deadline: Deadline,
    form_version: FormVersion | None,
    outcomes: Sequence[str] = (),
    attempt: int = 1,
    returned_from: Task | None = None,
    before: Task | None = None,
    by: Actor,
) -> int:
    """A new piece of work, offered to a team or role or given to one person; `returned_from` was sent back to it, and
    `before` is how it was done the last time.

    Returns its id.
    """
    now = moment(session)
    row: dict[str, Any] = {
        "owner_type": owner_type,
        "owner_id": owner_id,
        "step": step,
        "token": token,
        "attempt": attempt,
        "name": name[:200],
        "context": context[:300],
        "customer_id": customer_id,
        "state": TaskState.ready,
        "offered_team_id": offer.team_id,
        "offered_role": offer.role,
        "nobody_found": offer.nobody_found,
        "team_id": offer.team_id,
        "form_version_id": form_version.id if form_version else None,
        "outcomes": list(outcomes),
        "opened_at": now,
        "due_at": deadline.due_at,
        "warn_at": deadline.warn_at,
        "next_alert_at": deadline.due_at,
    }
    if offer.member_id is not None:
        row |= _in_hands_of(session, offer.member_id, team_id=offer.team_id, has_draft=False, at=now)
    task = rows.make(session, Task, **row)
    told: dict[str, Any] = {"assignee_id": offer.member_id}
    if returned_from is not None:
        told["returned_from"] = returned_from.id
    if before is not None:
        told["before"] = before.id
    if offer.why:
        told["why"] = [{**reason.said, "code": reason.code} for reason in offer.why]
    _note(session, task, TaskEventKind.opened, by=by, data=told)
    _grant_first(session, task)
    if offer.member_id is not None and offer.member_id != by.user_id:
        _tell_assigned(session, task, by=by, kind=ASSIGNED if returned_from is None else RETURNED)
    return task.id


def claim_task(session: Session, task_id: int, *, by: Actor, rev: int | None = None) -> Task:
    """Take the task for oneself. Raises TaskTakenError or TaskNotOpenError when somebody was faster."""
    task = _lock(session, task_id, by=by, rev=rev)
    if task.assignee_id == _member_id(by):
        return task
    if task.state is not TaskState.ready:
        raise _taken(session, task)
    _must_be_candidate(session, task, by)
    _assign(session, task, _member_id(by), at=clock.now())
    session.flush()
    _note(session, task, TaskEventKind.claimed, by=by)
    _grant(session, task)
    return task


def release_task(session: Session, task_id: int, *, by: Actor, rev: int | None = None) -> Task:
    """Give the task back to the team or role that it was offered to."""
    task = _lock(session, task_id, by=by, rev=rev)
    if task.assignee_id is None:
        raise ConflictError(_("Nobody has taken this task."))
    if task.assignee_id != by.user_id and not queries.may(session, task.id, by, "assign"):
        raise _taken(session, task)
    if task.offered_team_id is None and task.offered_role is None:
        raise BusinessError(_("This work was given to you by name. Ask your team head to reassign it."))
    before = task.assignee_id
    task.state, task.assignee_id, task.claimed_at = TaskState.ready, None, None
    session.flush()
    _note(session, task, TaskEventKind.released, by=by, data={"from": before})
    _grant(session, task)
    return task


def reassign_task(
    session: Session, task_id: int, to: Member, *, by: Actor, reason: str = "", rev: int | None = None
) -> Task:
    """Put the task into another person's hands, whoever has it now."""
    task = _lock(session, task_id, by=by, rev=rev)
    if not queries.may(session, task.id, by, "assign"):
        raise NotAllowedError
    if not to.is_active:
        raise InvalidInputError(fields={"assignee": [_("%(name)s no longer works here.", name=to.name)]})
    if not people.actor_of(session, to).may("edit", "Task"):
        raise InvalidInputError(fields={"assignee": [_("%(name)s may look at work, but not do it.", name=to.name)]})
    problem = rules.note_problem(reason)
    if problem:
        raise InvalidInputError(fields={"reason": [problem]})
    if to.id == task.assignee_id:
        return task
    _hand_on(session, task, to, by=by, reason=reason)
    if to.id != by.user_id:
        _tell_assigned(session, task, by=by)
    return task


def hand_over_tasks(session: Session, task_ids: Sequence[int], to: Member, *, by: Actor, reason: str) -> int:
    """Put all of these open tasks into one person's hands, who is told by the caller. Returns how many.

    Raises NotFoundError and NotAllowedError for one that is not the actor's to hand on; then none is.
    """
    for task_id in task_ids:
        task = _lock(session, task_id, by=by, rev=None)
        if not queries.may(session, task.id, by, "assign"):
            raise NotAllowedError
        _hand_on(session, task, to, by=by, reason=reason)
    return len(task_ids)


def _hand_on(session: Session, task: Task, to: Member, *, by: Actor, reason: str) -> None:
    before = task.assignee_id
    _assign(session, task, to.id, at=clock.now())
    session.flush()
    _note(session, task, TaskEventKind.reassigned, by=by, data={"from": before, "to": to.id, "reason": reason.strip()})
    _grant(session, task)


def take_back_task(session: Session, task_id: int, *, by: Actor) -> Task:
    """Undo one's own reassigning: the work goes back where it was, as long as nothing has happened to it since."""
    task = _lock(session, task_id, by=by, rev=None)
    newest = select(TaskEvent).where(TaskEvent.task_id == task.id).order_by(TaskEvent.id.desc()).limit(1)
    last = session.scalars(newest).one()
    if last.kind is not TaskEventKind.reassigned or last.actor_id != by.user_id:
        raise ConflictError(_("Something has been done here since."))
    before = people.member_by_id(session, last.data["from"]) if last.data["from"] is not None else None
    if before is None:
        return release_task(session, task_id, by=by)
    return reassign_task(session, task_id, before, by=by)


def claim_hindrances(session: Session, tasks: Sequence[Task], *, by: Actor) -> dict[int, Sentence]:
    """Task id → why he cannot claim it, as far as it is known before."""
    people_of = (selectinload(Task.assignee), selectinload(Task.completed_by))
    again = select(Task).where(Task.id.in_([task.id for task in tasks])).options(*people_of)
    session.scalars(again, execution_options={"populate_existing": True}).all()  # not a query for each
    found: dict[int, Sentence] = {}
    for task in tasks:
        if not task.is_open:
            found[task.id] = _over(session, task).message
        elif task.assignee_id == by.user_id:
            found[task.id] = YOURS
        elif task.state is not TaskState.ready:
            found[task.id] = _taken(session, task).message
    return found


def save_draft(session: Session, task_id: int, typed: Mapping[str, Any], *, by: Actor, rev: int | None = None) -> Task:
    """Keep what was typed so far; the task is then in progress. A task that is offered is claimed by this."""
    task = _lock(session, task_id, by=by, rev=rev)
    if task.state is TaskState.ready:
        _must_be_candidate(session, task, by)
        _assign(session, task, _member_id(by), at=clock.now())
        _note(session, task, TaskEventKind.claimed, by=by)
        session.flush()
        _grant(session, task)
    elif task.assignee_id != by.user_id:
        raise _taken(session, task)
    task.draft = kept(typed, task.form_version.definition if task.form_version else {})
    task.state = TaskState.in_progress
    session.flush()
    _note(session, task, TaskEventKind.draft_saved, by=by)
    return task


def comment_task(session: Session, task_id: int, text: str, *, by: Actor, has_files: bool = False) -> Comment:
    """Put a note on the task; everyone who sees the task sees it. A note may be nothing but files."""
    return write_comment(session, "Task", task_id, text, by=by, has_files=has_files)


def why_not_noted(session: Session, task: Task, by: Actor) -> BusinessError | None:
    """Why he cannot put a note on a task that he sees."""
    if not by.may("edit", "Task"):
        return NotAllowedError()
    return None if task.is_open else _over(session, task)


def note_written(session: Session, task: Task, comment: Comment, *, by: Actor) -> None:
    """The task's history tells of it."""
    _note(session, task, TaskEventKind.commented, by=by, data={"comment_id": comment.id})


def complete_task(
    session: Session,
    task_id: int,
    *,
    by: Actor,
    answers: Answers | None = None,
    outcome: str | None = None,
    note: str = "",
    rev: int | None = None,
) -> Task:
    """Finish the task with these answers and this outcome, and let its owner go on, all in one.

    `answers` were parsed against the task's form version. A task that is offered is claimed by finishing it.
    Raises TaskNotOpenError, TaskTakenError, ConflictError (rev), InvalidInputError (fields).
    """
    task = _lock_to_end(session, task_id, by=by, rev=rev)
    problem = rules.outcome_problem(outcome, task.outcomes)
    if problem:
        raise InvalidInputError(fields={"outcome": [problem]})
    problem = rules.note_problem(note)
    if problem:
        raise InvalidInputError(fields={"note": [problem]})
    if (task.form_version_id is None) != (answers is None):
        raise InvalidInputError(fields={"answers": [_("These answers do not belong to this step.")]})
    now = moment(session)
    submitted: dict[str, int] = {}
    if answers is not None and task.form_version is not None:
        submission = submit(
            session,
            task.form_version,
            answers,
            by=by,
            subject_type="task",
            subject_id=task.id,
            customer_id=task.customer_id,
        )
        submitted["submission_id"] = submission.id
    _end(session, task, by=by, outcome=outcome, note=note, at=now, **submitted)
    if task.customer_id is not None:
        record_timeline(
            session,
            task.customer_id,
            kind="task_completed",
            by=by,
            at=now,
            subject_type="task",
            subject_id=task.id,
            data={"task": task.name, "context": task.context, "outcome": outcome},
        )
    owner_of(task.owner_type).task_completed(session, task, by=by, values=answers.values if answers else {})
    return task


def return_task(session: Session, task_id: int, *, to: str, note: str, by: Actor, rev: int | None = None) -> Task:
    """Do not finish the task but send the work back to an earlier step, which is opened again; the note says why.

    Raises TaskNotOpenError, TaskTakenError, ConflictError (rev), InvalidInputError beside `to` and `note`.
    """
    task = _lock_to_end(session, task_id, by=by, rev=rev)
    problems: dict[str, list[Sentence]] = {}
    if to not in dict(owner_of(task.owner_type).ways_back(session, task)):
        problems["to"] = [_("The work cannot be sent back to this step.")]
    if not note.strip():
        problems["note"] = [_("Say why it comes back. Example: the photo of the parcel is missing.")]
    elif problem := rules.note_problem(note):
        problems["note"] = [problem]
    if problems:
        raise InvalidInputError(fields=problems)
    _end(session, task, by=by, outcome=rules.RETURNED, note=note, at=moment(session))
    owner_of(task.owner_type).task_returned(session, task, to=to, by=by, note=note.strip())
    return task


def _end(
    session: Session, task: Task, *, by: Actor, outcome: str | None, note: str, at: datetime, **also: int
) -> None:  # fmt: skip
    was_offered = task.assignee_id is None
    hands: dict[str, Any] = {}
    if was_offered:
        hands = _in_hands_of(session, _member_id(by), team_id=task.team_id, has_draft=False, at=at)
    rows.change(
        session, task, **hands | also | {
            "state": TaskState.completed, "completed_at": at, "completed_by_id": by.user_id, "outcome": outcome,
            "note": note.strip() or None, "draft": None, "next_alert_at": None,
        }
    )  # fmt: skip
    if was_offered or owner_of(task.owner_type).resource is None:
        _grant(session, task)  # else it stays in the hands in which it was
    _note(session, task, TaskEventKind.completed, by=by, data={"outcome": outcome})


def cancel_task(session: Session, task: Task, *, by: Actor, reason: str) -> None:
    """Called by the owner, which holds the locks: nobody has to do this any more."""
    rows.change(
        session, task, state=TaskState.cancelled, cancelled_at=moment(session), next_alert_at=None, draft=None
    )  # fmt: skip
    if owner_of(task.owner_type).resource is None:
        end_grants(session, reason=_reason(task.id))
    _note(session, task, TaskEventKind.cancelled, by=by, data={"reason": reason})


_AT_ONCE = 1000
_IDS_OF = PreparedRows(select(Task.id).where(Task.owner_type == bindparam("kind"), Task.owner_id == bindparam("owner")))


def end_grants_of(session: Session, kind: str, owner_id: int) -> None:
    """Called by the owner when it is over: what was seen because of work for it is no longer seen."""
    ids = [number for (number,) in _IDS_OF.read(connection_of(session), {"kind": kind, "owner": owner_id})]
    for first in range(0, len(ids), _AT_ONCE):  # a database takes so many values in a statement, not all of them
        end_grants(session, reason=[_reason(task_id) for task_id in ids[first : first + _AT_ONCE]])


# ── the lock, and who may ──
_TASK: Any = Task.__table__
_OF_ID = select(*_TASK.c).where(_TASK.c.id == bindparam("task_id"))
_LOCK = PreparedRows(_OF_ID.with_for_update())


def _lock(session: Session, task_id: int, *, by: Actor, rev: int | None) -> Task:
    """The open task, its owner locked before it. Raises NotFoundError, TaskNotOpenError, ConflictError."""
    task = _visible_task(session, task_id, by)
    owner_of(task.owner_type).lock(session, task.owner_id)
    if not writes_alone(session):
        rows.first(session, Task, _LOCK, {"task_id": task_id})
    if not task.is_open:
        raise _over(session, task)
    if rev is not None and rev != task.rev:
        raise ConflictError(**_last_change(session, task))
    return task


def _lock_to_end(session: Session, task_id: int, *, by: Actor, rev: int | None) -> Task:
    """The open task, for whoever may end it: its assignee, and of offered work whoever could take it."""
    task = _lock(session, task_id, by=by, rev=rev)
    if task.state is TaskState.ready:
        _must_be_candidate(session, task, by)
    elif task.assignee_id != by.user_id and not queries.may(session, task.id, by, "edit"):
        raise _taken(session, task)
    return task


def _visible_task(session: Session, task_id: int, by: Actor) -> Task:
    """The task, if he sees it or could once have taken it: he is then told who was faster, not that it never was."""
    seen = by.once(
        ("visible or offered task",),
        lambda: PreparedRows(_OF_ID.where(visible(Task, by) | queries.was_offered_to(by))),
    )
    task = rows.first(session, Task, seen, {"task_id": task_id})
    if task is None:
        raise NotFoundError
    return task


def why_out_of_reach(session: Session, task: Task) -> ConflictError:
    """Who was faster with a task that this person could once have taken."""
    return _taken(session, task) if task.is_open else _over(session, task)


def _must_be_candidate(session: Session, task: Task, by: Actor) -> None:
    if not queries.may(session, task.id, by, "edit"):
        raise NotAllowedError(_("This work is not offered to you."))


def _member_id(by: Actor) -> int:
    if by.user_id is None:
        raise NotAllowedError
    return by.user_id


def _who(session: Session, member_id: int | None) -> str:
    member = people.member_by_id(session, member_id) if member_id is not None else None
    return member.name if member else ""


def _over(session: Session, task: Task) -> TaskNotOpenError:
    if task.state is TaskState.completed:
        who, at = _who(session, task.completed_by_id), task.completed_at
        return TaskNotOpenError(_("%(name)s has already finished this.", name=who), by=who, at=_iso(at))
    return TaskNotOpenError(_("This work was called off."), by="", at=_iso(task.cancelled_at))


def _taken(session: Session, task: Task) -> TaskTakenError:
    who = _who(session, task.assignee_id)
    return TaskTakenError(_("%(name)s has already taken this.", name=who), by=who, at=_iso(task.claimed_at))


def _last_change(session: Session, task: Task) -> dict[str, Any]:
    return {"by": _who(session, task.updated_by_id), "at": _iso(task.updated_at), "rev": task.rev}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


# ── what goes with every change of hands ──
def _assign(session: Session, task: Task, member_id: int, *, at: datetime) -> None:
    hands = _in_hands_of(session, member_id, team_id=task.team_id, has_draft=bool(task.draft), at=at)
    rows.change(session, task, **hands)


def _in_hands_of(
    session: Session, member_id: int, *, team_id: int | None, has_draft: bool, at: datetime
) -> dict[str, Any]:  # fmt: skip
    if team_id is None:
        # Whoever answers for the work keeps answering for it, in whosever hands it is: a head can take it back.
        team_id = people.primary_team_id_of(session, member_id)
    state = TaskState.in_progress if has_draft else TaskState.claimed
    return {"state": state, "assignee_id": member_id, "claimed_at": at, "team_id": team_id}


def _reason(task_id: int) -> str:
    return f"task:{task_id}"


def _grant(session: Session, task: Task) -> None:
    """Show the customer's header and the owner to those in whose hands the work is now, and to nobody before them.

    What is over shows nothing more, unless it belongs to something that goes on and ends this itself.
    """
    end_grants(session, reason=_reason(task.id))
    if task.is_open or owner_of(task.owner_type).resource is not None:
        _grant_first(session, task)


def _grant_first(session: Session, task: Task) -> None:
    """The same where nothing was shown because of this work so far."""
    members, team_id = _in_whose_hands(session, task)
    owned = owner_of(task.owner_type).resource
    shown = [(owned, task.owner_id, Right.view)] if owned is not None else []
    if task.customer_id is not None:
        shown.append(("Customer", task.customer_id, Right.header))
    hand_over_all(session, shown, reason=_reason(task.id), member_ids=members, team_id=team_id)


def _in_whose_hands(session: Session, task: Task) -> tuple[list[int], int | None]:
    """The people, or the team, that have the work now."""
    if task.assignee_id is not None:
        return [task.assignee_id], None
    if task.offered_team_id is not None:
        return [], task.offered_team_id
    return [member.id for member in people.members_with_role(session, task.offered_role or "")], None


def _tell_assigned(session: Session, task: Task, *, by: Actor, kind: str = ASSIGNED) -> None:
    if task.assignee_id is not None:
        post_bell(
            session,
            to=task.assignee_id,
            kind=kind,
            data={**told_of(task), "by": by.name},
            subject_type="task",
            subject_id=task.id,
            at=clock.now(),
        )


def _note(
    session: Session, task: Task, kind: TaskEventKind, *, by: Actor | None, data: Mapping[str, Any] | None = None
) -> None:
    happened = {
        "task_id": task.id, "at": moment(session), "kind": kind, "actor_id": by.user_id if by else None,
        "data": dict(data or {}),
    }  # fmt: skip
    later(session, _write_events, happened)


_ADD_EVENTS = Prepared(inserting(TaskEvent.__table__, ("task_id", "at", "kind", "actor_id", "data")))


def _write_events(session: Session, happened: Sequence[Mapping[str, Any]]) -> None:
    _ADD_EVENTS(session, happened)
