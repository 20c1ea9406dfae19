"""My work, the work that waits for somebody, my teams' work; and one task with its form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import flash, request
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from app.comments import queries as comments
from app.comments import shown as conversation
from app.comments.services import kind_named
from app.core import clock, edge, links, paging
from app.core.access import Actor, visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotFoundError, Sentence
from app.core.finding import record_key
from app.core.formats import local
from app.core.i18n import _, ngettext
from app.core.pages import Page, done, page, page_number, page_of, refused_onto, show, trail
from app.core.screens import revealing
from app.core.timewords import moment_inside
from app.customers.models import ContactKind, CustomerKind
from app.customers.queries import CustomerCard, customer_cards, reveal_path
from app.customers.rules import Contact
from app.forms.builder import PREFIX, AnswerForm, build_form
from app.forms.queries import context_for
from app.forms.rules import Answers
from app.security import queries as people
from app.security.models import Member
from app.tasks import queries, services
from app.tasks.events import OwnerShown, owner_of
from app.tasks.models import Task, TaskEvent, TaskEventKind, TaskState
from app.tasks.rules import OUTCOME_DONE, OUTCOME_LABELS, lateness, reason_problem
from app.tasks.shown import inbox, rows_of

ROWS = paging.PAGE_SIZE
HANDED_SHOWN = 3


class TaskPages(Page):
    """/cong-viec: the lists and the page of a task."""

    resource = "Task"
    route_base = "/cong-viec"

    @page("/")
    def index(self) -> Any:
        actor, session, now = edge.actor(), db.session(), clock.now()
        scopes: dict[str, tuple[object, Any]] = {
            "mine": (_("Mine"), queries.mine(actor)),
            "queue": (_("Waiting to be taken"), queries.queue(actor)),
        }
        if actor.headed_team_ids:
            scopes["team"] = (_("My teams"), queries.of_my_teams(actor))
        scope = next((key for key in scopes if request.args.get(key) == "1"), "mine")
        number = page_number()
        chosen, chips = scopes[scope][1], []
        span, person = _span_asked(), _person_asked(session, scope)
        if request.args.get("xong") == "1":
            scope = "done"
            scopes[scope] = (_("Done today"), queries.finished_by(actor, midnight(now, actor.time_zone)))
            chosen = scopes[scope][1]
        elif span is not None:
            chosen = chosen.where(_SPANS[span][1](now))
        if person is not None:
            chosen = chosen.where(Task.assignee_id == person.id)
            chips.append({"label": person.name, "url": f"/cong-viec/?{scope}=1", "on": True})
        if scope != "done":
            chips[:0] = [
                {
                    "label": label,
                    "url": f"/cong-viec/?{scope}=1" + ("" if key == span else f"&{key}=1"),
                    "on": key == span,
                }
                for key, (label, _condition) in _SPANS.items()
            ]
        tasks = queries.next_due(session, chosen, limit=ROWS, offset=(number - 1) * ROWS)
        late = {key for key, (_label, rows) in scopes.items() if key != "done" and _any_late(session, rows, now)}
        counts = paging.counts(session, {key: rows for key, (_label, rows) in scopes.items()}, Task.id)
        count = counts[scope] if span is None and person is None else paging.count(session, chosen, Task.id)
        return show(
            "tasks/list.html",
            title=_("Tasks"),
            scope=scope,
            task_tabs=[
                {
                    "label": label,
                    "url": "/cong-viec/?xong=1" if key == "done" else f"/cong-viec/?{key}=1",
                    "current": key == scope,
                    "count": counts[key][0],
                    "capped": counts[key][1],
                    "late": key in late,
                }
                for key, (label, _rows) in scopes.items()
            ],
            chips=chips,
            rows=rows_of(session, tasks, actor),
            page=page_of(number, len(tasks), count, size=ROWS),
        )

    @page("/<task_id>")
    def task(self, task_id: str) -> Any:
        return _task_page(row_id(task_id))

    @page("/<task_id>/nhan", "POST", right="edit")
    def claim(self, task_id: str) -> Any:
        return _verb(
            task_id,
            lambda session, number: services.claim_task(session, number, by=edge.actor()),
            _("The task is yours now."),
        )

    @page("/<task_id>/tra", "POST", right="edit")
    def release(self, task_id: str) -> Any:
        return _verb(
            task_id,
            lambda session, number: services.release_task(session, number, by=edge.actor(), rev=_rev()),
            _("The task is back with the team."),
            onward="/cong-viec/?queue=1",
        )

    @page("/<task_id>/giao-lai", "POST", right="assign")
    def reassign(self, task_id: str) -> Any:
        member_id, reason = row_id(request.form.get("member_id", "")), request.form.get("note", "")

        def give(session: Session, number: int) -> Task:
            member = people.member_by_id(session, member_id)
            if member is None:
                raise NotFoundError
            return services.reassign_task(session, number, member, by=edge.actor(), reason=reason, rev=_rev())

        return _verb(task_id, give, _("The task has been given to somebody else."), away="/cong-viec/?team=1")

    @page("/<task_id>/nhap", "POST", right="edit")
    def draft(self, task_id: str) -> Any:
        typed = {key.removeprefix(PREFIX): value for key, value in request.form.items() if key.startswith(PREFIX)}
        number, actor = row_id(task_id), edge.actor()
        try:
            with edge.transaction() as inside:
                services.save_draft(inside, number, typed, by=actor, rev=_rev())
        except NotFoundError:
            raise
        except BusinessError as error:
            task = _task_of(db.session(), number, actor)
            return _refused_page(number, error, _answer_form(db.session(), task, actor))
        return done(links.task_path(number), _("Draft saved."))

    @page("/<task_id>/hoan-thanh", "POST", right="edit")
    def complete(self, task_id: str) -> Any:
        number, actor, session = row_id(task_id), edge.actor(), db.session()
        task = _task_of(session, number, actor)
        form = _answer_form(session, task, actor)
        answers: Answers | None = None
        if form is not None:
            if not form.validate():
                return _task_page(number, form=form, status=422)
            answers = form.answers
        outcome, note = request.form.get("outcome") or None, request.form.get("note", "")
        if missing := reason_problem(outcome, note):
            return _refused_page(number, InvalidInputError(fields={"note": [missing]}), form)
        try:
            with edge.transaction() as inside:
                task = services.complete_task(
                    inside, number, by=actor, answers=answers, outcome=outcome, note=note, rev=_rev()
                )
                name = task.name
        except NotFoundError:
            raise
        except BusinessError as error:
            return _refused_page(number, error, form)
        # To what he has just finished, which shows what comes next: the next decision is not one key press away.
        return done(links.task_path(number), _("“%(task)s” is done.", task=name))


def _refused_page(number: int, error: BusinessError, form: AnswerForm | None) -> Any:
    """The page again with all that was typed; what was refused stands beside its field, or on top."""
    if isinstance(error, ConflictError):
        return _task_page(number, form=form, conflict=error, status=409)
    if form is not None:
        form.refuse(error.fields)
    beside_note = [*error.fields.get("outcome", ()), *error.fields.get("note", ())]
    if not beside_note and not (form is not None and form.errors):
        flash(str(error.message), "danger")
    return _task_page(number, form=form, note_problem=beside_note[0] if beside_note else "", status=error.status)


def _rev() -> int | None:
    """The revision that the page was made from."""
    text = request.form.get("rev", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _verb(
    task_id: str, change: Any, sentence: object, *, onward: str | None = None, away: str = "/cong-viec/?queue=1"
) -> Any:
    """A button on the task page: done, or refused with the reason, and back to the task.

    `onward`: where it leads when it is done; `away`: where, when the task is out of his sight by now.
    """
    number = row_id(task_id)
    path = links.task_path(number)
    try:
        with edge.transaction() as session:
            change(session, number)
    except BusinessError as error:
        if isinstance(error, NotFoundError):
            raise
        onto = path if _is_seen(db.session(), number, edge.actor()) else away
        if isinstance(error, ConflictError):
            error = ConflictError(_conflict_text(error, edge.actor()))
        return refused_onto(onto, error)
    return done(onward or (path if _is_seen(db.session(), number, edge.actor()) else away), sentence)


#: argument of the address → its words, and the condition at a moment; at most one is asked
_SPANS: dict[str, tuple[Sentence, Callable[[datetime], ColumnElement[bool]]]] = {
    "qua_han": (_("Overdue"), queries.overdue),
    "sap_den": (_("Due soon"), queries.due_soon),
    "dung_han": (_("Still on time"), queries.on_time),
}


def _span_asked() -> str | None:
    return next((key for key in _SPANS if request.args.get(key) == "1"), None)


def midnight(now: datetime, time_zone: str) -> datetime:
    """When today began for whoever reads."""
    return local(now, time_zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _any_late(session: Session, rows: Select[Task], now: datetime) -> bool:
    return session.scalar(rows.where(Task.due_at < now).with_only_columns(Task.id).limit(1)) is not None


def _person_asked(session: Session, scope: str) -> Member | None:
    """A head looks at one person's desk: ?team=1&nguoi=ID."""
    text = request.args.get("nguoi", "")
    if scope != "team" or not text:
        return None
    return people.member_by_id(session, row_id(text))


def _is_seen(session: Session, task_id: int, actor: Actor) -> bool:
    return session.scalar(select(Task.id).where(Task.id == task_id, visible(Task, actor))) is not None


def _task_of(session: Session, task_id: int, actor: Actor) -> Task:
    """The task, also for those who could have taken it: their forms come back, and they learn who was faster."""
    mine = visible(Task, actor) | queries.was_offered_to(actor)
    task = session.scalars(queries.with_people(select(Task).where(Task.id == task_id, mine))).unique().one_or_none()
    if task is None:
        raise NotFoundError
    return task


def _answer_form(session: Session, task: Task, actor: Actor) -> AnswerForm | None:
    if task.form_version is None:
        return None
    built = build_form(task.form_version)
    if request.method == "POST" and request.path.endswith(("/hoan-thanh", "/nhap")):
        return built(context=context_for(session, actor))
    form = built(formdata=None, context=context_for(session, actor))
    if task.draft:
        for question in form.questions:
            if question.key in task.draft:
                question.raw_data = [str(task.draft[question.key])]
    return form


_EVENT_ICONS = {
    "claimed": "user-check",
    "released": "arrow-back-up",
    "reassigned": "user-share",
    "commented": "note",
    "alerted": "alert-circle",
    "completed": "check",
    "cancelled": "x",
    "draft_saved": "device-floppy",
}
_OUTCOME_ICONS = {"approve": "check", "reject": "x", "return": "arrow-back-up"}


def _events(session: Session, task: Task) -> list[dict[str, Any]]:
    """What happened, newest first, as sentences."""
    names = _Names(session)
    return [
        {
            "at": event.at,
            "icon": _EVENT_ICONS.get(event.kind, "point"),
            "text": _sentence(event, names),
            "late": event.kind is TaskEventKind.alerted,
            "quote": event.data.get("reason") or "",
        }
        for event in reversed(queries.history(session, task.id))
        if event.kind is not TaskEventKind.draft_saved
    ]


class _Names:
    """Member names by id, each read once a page."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[int | None, str] = {None: "Tận Tâm"}

    def __getitem__(self, member_id: int | None) -> str:
        if member_id not in self._known:
            member = people.member_by_id(self._session, member_id or 0)
            self._known[member_id] = member.name if member else ""
        return self._known[member_id]


def _sentence(event: TaskEvent, names: _Names) -> object:
    who, data = names[event.actor_id], event.data
    match event.kind:
        case TaskEventKind.opened if data.get("assignee_id"):
            return _("Given to %(name)s", name=names[data["assignee_id"]])
        case TaskEventKind.opened:
            return _("Waiting to be taken")
        case TaskEventKind.claimed:
            return _("%(name)s took the task", name=who)
        case TaskEventKind.released:
            return _("%(name)s gave the task back to the team", name=who)
        case TaskEventKind.reassigned:
            return _("%(name)s gave the task to %(to)s", name=who, to=names[data.get("to")])
        case TaskEventKind.commented:
            return _("%(name)s wrote a note", name=who)
        case TaskEventKind.alerted:
            told = ", ".join(names[member_id] for member_id in data.get("to", []))
            return _("Overdue: %(names)s has been told", names=told)
        case TaskEventKind.completed if data.get("outcome"):
            return _(
                "%(name)s finished the task: %(outcome)s",
                name=who,
                outcome=str(OUTCOME_DONE.get(data["outcome"], data["outcome"])),
            )
        case TaskEventKind.completed:
            return _("%(name)s finished the task", name=who)
    return _("The task was called off")


def comments_shown(session: Session, task_ids: list[int]) -> list[dict[str, Any]]:
    """The notes on these tasks with their files, oldest first."""
    return conversation.plain(session, comments.of_records(session, "Task", task_ids))


def customer_shown(card: CustomerCard | None, actor: Actor) -> dict[str, Any] | None:
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
        "phone_link": f"tel:{phone.value}" if phone is not None and is_open else "",
        "phone_reveal": reveal_path(card.id, phone, actor) if phone is not None else None,
        "facts": [(_("E-mail"), _email_shown(card.id, email, actor))] if email is not None else [],
    }


def _email_shown(customer_id: int, email: Contact, actor: Actor) -> Any:
    url = reveal_path(customer_id, email, actor)
    return revealing.drawn(email.shown, url, _("E-mail")) if url else email.shown


def _task_page(
    task_id: int,
    *,
    form: AnswerForm | None = None,
    conflict: ConflictError | None = None,
    note_problem: object = "",
    status: int = 200,
) -> Any:
    actor, session, now = edge.actor(), db.session(), clock.now()
    task = _task_of(session, task_id, actor)
    is_seen = _is_seen(session, task_id, actor)
    if not is_seen and form is None:
        raise NotFoundError
    if not is_seen and conflict is None:
        conflict = services.why_out_of_reach(session, task)
    path = links.task_path(task.id)
    owner = owner_of(task.owner_type)
    # Work that somebody else has taken shows its name and what was typed here, nothing of the customer or the steps.
    shown = owner.shown(session, task, actor) if is_seen else OwnerShown(url="", code="", name="")
    may_edit = task.is_open and _may(session, task, actor, "edit")
    is_mine = task.assignee_id == actor.user_id
    may_assign = task.is_open and _may(session, task, actor, "assign")
    cards = customer_cards(session, {task.customer_id} if task.customer_id else (), actor)
    told = conflict or (_taken_by(task) if task.is_open and not may_edit and not may_assign else None)
    if form is None and may_edit:
        form = _answer_form(session, task, actor)
    return show(
        "tasks/task.html",
        status,
        crumbs=trail(*_above(task, shown, is_seen=is_seen), here=task.name),
        record=record_key("Task", task.id),
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
        handed=_handed(session, task, actor) if is_seen and shown.url else [],
        form=form if may_edit or conflict else None,
        lookups={"customer": "/tim/khach-hang"},
        share_url=f"/chia-se/task/{task.id}" if is_seen else None,
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
        note_text=request.form.get("note", ""),
        note_problem=note_problem,
        verbs={
            "complete": f"{path}/hoan-thanh" if may_edit or conflict else None,
            "draft": f"{path}/nhap" if may_edit and task.form_version_id else None,
            "claim": f"{path}/nhan" if task.state is TaskState.ready and may_edit else None,
            "release": f"{path}/tra"
            if is_mine and task.is_open and (task.offered_team_id or task.offered_role)
            else None,
            "reassign": f"{path}/giao-lai" if may_assign else None,
        },
        people=_people(session, task) if may_assign else [],
        conflict={"message": _conflict_text(told, actor), "url": path} if told else None,
        saved_at=task.updated_at if task.draft else None,
        closed=_closed(task, actor) if is_seen and not task.is_open and conflict is None else None,
        next_task=None if task.is_open or conflict else _next_row(session, actor),
        customer=customer_shown(cards.get(task.customer_id or 0), actor),
        thread=_notes(session, task, actor) if is_seen else None,
        events=_events(session, task) if is_seen else [],
        inbox=inbox(session, task, actor) if is_seen else None,
    )


def _notes(session: Session, task: Task, actor: Actor) -> dict[str, Any]:
    return conversation.thread(session, kind_named("Task"), task, actor, label=_("Notes and files"))


def _above(task: Task, owner: OwnerShown, *, is_seen: bool) -> list[tuple[object, str]]:
    """What stands above the task: all work, and the instance that it belongs to."""
    above: list[tuple[object, str]] = [(_("Tasks"), "/cong-viec/")]
    if is_seen and owner.url:
        above.append((owner.code, owner.url))
    return above


STATE_LABELS = {
    TaskState.scheduled: _("Not yet begun"),
    TaskState.ready: _("Waiting to be taken"),
    TaskState.claimed: _("Taken"),
    TaskState.in_progress: _("In progress"),
    TaskState.waiting_customer: _("Waiting for the customer"),
    TaskState.waiting_team: _("Waiting for another team"),
    TaskState.completed: _("Completed"),
    TaskState.cancelled: _("Called off"),
}


def _handed(session: Session, task: Task, actor: Actor) -> list[dict[str, Any]]:
    """What colleagues noted on the steps before: the latest few, newest last."""
    others = [one.id for one in queries.of_owner(session, task.owner_type, task.owner_id) if one.id != task.id]
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
    loads = dict(
        session.execute(
            select(Task.assignee_id, func.count(Task.id))
            .where(queries.is_open(), Task.assignee_id.is_not(None))
            .group_by(Task.assignee_id)
        ).all()
    )
    return [
        {
            "id": member.id,
            "name": member.name,
            "note": ngettext("%(num)d open task", "%(num)d open tasks", loads.get(member.id, 0)),
        }
        for member in session.scalars(people.active_members()).unique()
        if member.id != task.assignee_id and people.actor_of(session, member).may("edit", "Task")
    ]


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


def _may(session: Session, task: Task, actor: Actor, action: str) -> bool:
    return session.scalar(select(Task.id).where(Task.id == task.id, visible(Task, actor, action))) is not None


def _taken_by(task: Task) -> ConflictError | None:
    if task.assignee is None:
        return None
    return services.TaskTakenError(
        _("%(name)s has already taken this.", name=task.assignee.name),
        by=task.assignee.name,
        at=task.claimed_at.isoformat() if task.claimed_at else None,
    )


def _conflict_text(error: ConflictError, actor: Actor) -> Sentence:
    """Who was faster, and when, on the reader's clock."""
    at = error.details.get("at")
    if not at:
        return error.message
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    when = str(moment_inside(moment, clock.now(), actor.time_zone))
    return _("%(what)s (%(when)s)", what=str(error.message).rstrip("."), when=when)
