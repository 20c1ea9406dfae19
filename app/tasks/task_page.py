"""What does the page of one task show, and to whom: its form, what can be done with it, who was faster?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import flash, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.comments import shown as conversation
from app.comments.services import kind_named
from app.core import clock, edge, links
from app.core.access import Actor, visible
from app.core.db import db
from app.core.errors import BusinessError, ConflictError, NotFoundError, Sentence
from app.core.finding import record_key
from app.core.i18n import _, ngettext
from app.core.pages import show, trail
from app.core.screens import revealing
from app.core.sent_once import fresh_key
from app.core.timewords import moment_inside
from app.customers.models import ContactKind, CustomerKind
from app.customers.queries import CustomerCard, card_and_names, reveal_path
from app.customers.rules import Contact
from app.forms.builder import AnswerForm, build_form
from app.security import queries as people
from app.security.models import Member
from app.tasks import queries, services
from app.tasks.events import OwnerShown, owner_of
from app.tasks.models import Task, TaskState
from app.tasks.reasons import why
from app.tasks.rules import OUTCOME_DONE, OUTCOME_LABELS, lateness, reason_problem
from app.tasks.shown import STATE_LABELS, beside, comments_shown, customers_of, inbox, rows_of
from app.tasks.task_history import events_told, names_in

HANDED_SHOWN = 3
_OUTCOME_ICONS = {"approve": "check", "reject": "x", "return": "arrow-back-up"}


def task_of(session: Session, task_id: int, actor: Actor) -> Task:
    """The task, also for those who could have taken it: their forms come back, and they learn who was faster."""
    return _task_and_rights(session, task_id, actor)[0]


def _task_and_rights(session: Session, task_id: int, actor: Actor) -> tuple[Task, list[bool]]:
    """The task, and whether he may view, edit and assign it."""
    rights = [visible(Task, actor, action) for action in ("view", "edit", "assign")]
    mine = rights[0] | queries.was_offered_to(actor)
    rows = queries.with_people(select(Task).where(Task.id == task_id, mine)).options(joinedload(Task.form_version))
    # Whoever sees all is asked the same three times: each answer needs a name of its own.
    named = (right.label(f"right_{place}") for place, right in enumerate(rights))
    found = session.execute(rows.add_columns(*named)).unique().one_or_none()
    if found is None:
        raise NotFoundError
    return found[0], [bool(one) for one in found[1:]]


def answer_form(session: Session, task: Task, actor: Actor) -> AnswerForm | None:
    if task.form_version is None:
        return None
    built = build_form(task.form_version)
    context = queries.answering(session, task, task.form_version, actor)
    if request.method == "POST" and request.path.endswith(("/hoan-thanh", "/nhap")):
        return built(context=context)
    if task.draft is None and context.before is not None:
        # What came back is corrected, not typed anew.
        return built(formdata=None, context=context, saved=context.before)
    return built(formdata=None, context=context, draft=task.draft)


def task_page(
    task_id: int,
    *,
    form: AnswerForm | None = None,
    conflict: ConflictError | None = None,
    note_problem: object = "",
    sent_back: Mapping[str, Sequence[object]] | None = None,
    status: int = 200,
) -> Any:
    actor, session, now = edge.actor(), db.session(), clock.now()
    task, (is_seen, may_change, may_give) = _task_and_rights(session, task_id, actor)
    if not is_seen and form is None:
        raise NotFoundError
    if not is_seen and conflict is None:
        conflict = services.why_out_of_reach(session, task)
    path = links.task_path(task.id)
    owner = owner_of(task.owner_type)
    # Work that somebody else has taken shows its name and what was typed here, nothing of the customer or the steps.
    shown = owner.shown(session, task, actor) if is_seen else OwnerShown(url="", code="", name="")
    may_edit = task.is_open and may_change
    is_mine = task.assignee_id == actor.user_id
    may_assign = task.is_open and may_give
    history = queries.history(session, task.id) if is_seen else []
    names = names_in(session, history, _known(actor, [task, *shown.tasks]))
    others = beside(session, task, actor) if is_seen else []
    card, customers = card_and_names(session, task.customer_id, customers_of(others), actor)
    told = conflict or (_taken_by(task) if task.is_open and not may_edit and not may_assign else None)
    back = owner.ways_back(session, task) if may_edit else ()
    if form is None and may_edit:
        form = answer_form(session, task, actor)
    return show(
        "tasks/task.html",
        status,
        crumbs=trail(*_above(task, shown, is_seen=is_seen), here=task.name),
        record=record_key("Task", task.id),
        key=fresh_key(),
        task={
            "name": task.name,
            "rev": task.rev,
            "is_open": task.is_open,
            "state_label": STATE_LABELS[task.state],
            "lateness": lateness(task, now, actor.time_zone),
            "due_at": task.due_at,
            "holder": task.assignee.name if task.assignee else None,
            "is_mine": is_mine,
            "team": task.offered_team.name if task.offered_team else "",
            "where": task.context if is_seen else "",
            "instance_url": shown.url or None,
            "step_no": shown.step_number,
            "step_count": shown.step_count,
        },
        stages=[{"name": stage.name, "state": stage.state, "note": stage.note} for stage in shown.stages],
        handed=_handed(session, task, shown.tasks, actor) if is_seen and shown.url else [],
        form=form if may_edit or conflict else None,
        lookups={
            "customer": "/tim/khach-hang",
            "files": links.answer_file_path(task.form_version_id) if task.form_version_id else "",
        },
        share_url=f"/chia-se/task/{task.id}" if is_seen else None,
        history_url=links.task_history_path(task.id) if is_seen else None,
        answers=[{"label": label, "value": text} for label, text in shown.own_answers],
        earlier=[
            {
                "title": answer.step,
                "by": answer.by,
                "at": answer.at,
                "answers": [{"label": label, "value": text} for label, text in answer.rows],
            }
            for answer in shown.answers
        ],
        older=shown.older_answers,
        outcomes=[
            {
                "code": code,
                "label": OUTCOME_LABELS.get(code, code),
                "sign": _OUTCOME_ICONS.get(code, "check"),
                "primary": first,
                "reason": reason_problem(code, ""),
            }
            for code, first in reversed([(code, position == 0) for position, code in enumerate(task.outcomes)])
        ],
        note_text="" if sent_back is not None else request.form.get("note", ""),
        note_problem=note_problem,
        verbs={
            "complete": f"{path}/hoan-thanh" if may_edit or conflict else None,
            "draft": f"{path}/nhap" if may_edit and task.form_version_id else None,
            "claim": f"{path}/nhan" if task.state is TaskState.ready and may_edit else None,
            "release": f"{path}/tra"
            if is_mine and task.is_open and (task.offered_team_id or task.offered_role)
            else None,
            "reassign": f"{path}/giao-lai" if may_assign else None,
            "give_back": f"{path}/tra-lai" if back else None,
        },
        ways_back=[{"step": step, "name": name} for step, name in back],
        sent_back=_sent_back(sent_back),
        returned=_returned(session, task) if is_seen else None,
        people=_people(session, task) if may_assign else [],
        conflict={"message": conflict_text(told, actor), "url": path} if told else None,
        saved_at=task.updated_at if task.draft else None,
        closed=_closed(task, actor) if is_seen and not task.is_open and conflict is None else None,
        next_task=None if task.is_open or conflict else _next_row(session, actor),
        customer=_customer(card, actor),
        thread=_notes(session, task, actor) if is_seen else None,
        events=events_told(history, names),
        why={"title": _why_title(task, is_mine=is_mine), "lines": why(history, names.__getitem__)},
        inbox=inbox(session, task, others, actor, customers),
    )


def _known(actor: Actor, tasks: Sequence[Task]) -> dict[int, str]:
    """The names of those who had the work, and of whoever looks."""
    people_there = [one for task in tasks for one in (task.assignee, task.completed_by) if one is not None]
    return {actor.user_id or 0: actor.name, **{one.id: one.name for one in people_there}}


def _sent_back(problems: Mapping[str, Sequence[object]] | None) -> dict[str, Any] | None:
    """The refused wish to send the work back, as it was typed, and what is wrong with it."""
    if problems is None:
        return None
    told = {key: next(iter(problems.get(key, ())), "") for key in ("to", "note")}
    return {
        "to": request.form.get("to", ""), "note": request.form.get("note", ""),
        "to_problem": told["to"], "note_problem": told["note"],
    }  # fmt: skip


def _notes(session: Session, task: Task, actor: Actor) -> dict[str, Any]:
    return conversation.thread(session, kind_named("Task"), task, actor, label=_("Comments"))


def _above(task: Task, owner: OwnerShown, *, is_seen: bool) -> list[tuple[object, str]]:
    """What stands above the task: all work, and the instance that it belongs to."""
    above: list[tuple[object, str]] = [(_("Tasks"), "/cong-viec/")]
    if is_seen and owner.url:
        above.append((owner.code, owner.url))
    return above


def refused_page(number: int, error: BusinessError, form: AnswerForm | None) -> Any:
    """The page again with all that was typed; what was refused stands beside its field, or on top."""
    if isinstance(error, ConflictError):
        return task_page(number, form=form, conflict=error, status=409)
    if form is not None:
        form.refuse(error.fields)
    beside_note = [*error.fields.get("outcome", ()), *error.fields.get("note", ())]
    if not beside_note and not (form is not None and form.errors):
        flash(str(error.message), "danger")
    return task_page(number, form=form, note_problem=beside_note[0] if beside_note else "", status=error.status)


def _customer(card: CustomerCard | None, actor: Actor) -> dict[str, Any] | None:
    """A customer's card for the side of a page: as much of him as this person may see."""
    if card is None:
        return None
    emails = [point for point in card.contact_points if point.kind is ContactKind.email]
    phones = [point for point in card.contact_points if point.kind is ContactKind.phone]
    phone, email = next(iter(phones), None), next(iter(emails), None)
    is_open = phone is not None and not phone.is_covered
    return {
        "name": card.name,
        "code": card.code,
        "url": links.customer_path(card.id),
        "company": card.kind is CustomerKind.company,
        "salutation": "",
        "tags": [],
        "phone": card.phone,
        "phone_link": f"tel:{phone.value}" if phone is not None and is_open and card.restriction is None else "",
        "phone_reveal": reveal_path(card.id, phone, actor) if phone is not None else None,
        "restriction": card.restriction,
        "facts": [(_("E-mail"), _email_shown(card.id, email, actor))] if email is not None else [],
    }


def _email_shown(customer_id: int, email: Contact, actor: Actor) -> Any:
    url = reveal_path(customer_id, email, actor)
    return revealing.drawn(email.shown, url, _("E-mail")) if url else email.shown


def _handed(session: Session, task: Task, tasks: Sequence[Task], actor: Actor) -> list[dict[str, Any]]:
    """What colleagues noted on the steps before: the latest few, newest last."""
    others = [one.id for one in tasks if one.id != task.id]
    now = clock.now()
    notes = [note for note in comments_shown(session, others) if note["text"]][-HANDED_SHOWN:]
    return [
        {
            "text": _(
                "%(name)s noted, %(when)s: %(text)s",
                name=note["author"],
                when=str(moment_inside(note["at"], now, actor.time_zone)),
                text=note["text"],
            ),
            "sign": "note",
        }
        for note in notes
    ]


def _people(session: Session, task: Task) -> list[dict[str, Any]]:
    """To whom the work can be given, with what each has on the desk already."""
    load = select(func.count(Task.id)).where(Task.assignee_id == Member.id, queries.is_open())
    rows = people.active_members().add_columns(load.correlate(Member).scalar_subquery())
    return [
        {"id": member.id, "name": member.name, "note": ngettext("%(num)d open task", "%(num)d open tasks", count)}
        for member, count in session.execute(rows).unique()
        if member.id != task.assignee_id and people.actor_of(session, member).may("edit", "Task")
    ]


def _returned(session: Session, task: Task) -> dict[str, Any] | None:
    """Why the work is here again."""
    before = queries.returned_from(session, task) if task.attempt > 1 and task.is_open else None
    if before is None:
        return None
    who = before.completed_by.name if before.completed_by else ""
    return {"text": _("%(name)s sent it back from “%(step)s”", name=who, step=before.name), "why": before.note or ""}


def _why_title(task: Task, *, is_mine: bool) -> Sentence:
    if is_mine:
        return _("Why me?")
    return _("Why %(name)s?", name=task.assignee.name) if task.assignee is not None else _("Whom is this for?")


def _closed(task: Task, actor: Actor) -> dict[str, Any]:
    if task.completed_at is None or task.completed_by is None:
        return {"text": _("This work was called off."), "outcome": None, "note": ""}
    when = moment_inside(task.completed_at, clock.now(), actor.time_zone)
    return {
        "text": _("%(name)s finished this, %(when)s", name=task.completed_by.name, when=str(when)),
        "outcome": OUTCOME_DONE.get(task.outcome, task.outcome) if task.outcome else None,
        "note": task.note or "",
    }


def _next_row(session: Session, actor: Actor) -> dict[str, Any] | None:
    following = queries.next_due(session, queries.mine(actor), limit=1)
    return rows_of(session, following, actor)[0] if following else None


def _taken_by(task: Task) -> ConflictError | None:
    if task.assignee is None:
        return None
    return services.TaskTakenError(
        _("%(name)s has already taken this.", name=task.assignee.name),
        by=task.assignee.name,
        at=task.claimed_at.isoformat() if task.claimed_at else None,
    )


def conflict_text(error: ConflictError, actor: Actor) -> Sentence:
    """Who was faster, and when, on the reader's clock."""
    at = error.details.get("at")
    if not at:
        return error.message
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    when = str(moment_inside(moment, clock.now(), actor.time_zone))
    return _("%(what)s (%(when)s)", what=str(error.message).rstrip("."), when=when)
