"""Tasks for programs: find them, take them, finish them, hand them on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, lazyload

from app.comments import queries as comments
from app.comments.rules import LONGEST_TEXT
from app.core import clock, edge
from app.core.access import get_visible, visible
from app.core.accounts import User
from app.core.api import Api, equals, flag, id_is, listing, member_of, moment, not_here, read_moment, verb
from app.core.db import db
from app.core.errors import InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.schema import free_object, maybe, record, text, whole_number
from app.customers import queries as customers
from app.customers import search
from app.customers.models import Customer
from app.customers.queries import CustomerCard
from app.forms.queries import json_schema, readable_answers
from app.forms.rules import Answers
from app.forms.services import parse_answers
from app.security.models import Member
from app.security.queries import member_by_username
from app.tasks import queries, services
from app.tasks.customer_tasks import NAME_LENGTH, add_task
from app.tasks.events import owner_of
from app.tasks.models import Task, TaskState
from app.tasks.reasons import why
from app.tasks.rules import LONGEST_NOTE
from app.tasks.task_history import names_in

#: the kind of owner that is called an instance in the interface
INSTANCE = "instance"

_REV = maybe(whole_number())
_ONLY_REV = record(rev=_REV)
_COMPLETE = record(
    answers=maybe(free_object("Field key → answer, as `form` of the task says; empty when it is null")),
    outcome=maybe(text(40)),
    note=maybe(text(LONGEST_NOTE)),
    rev=_REV,
)
_NEW = record(
    required=("customer", "name"), customer=whole_number(), name=text(NAME_LENGTH), due_at=maybe(text(40)),
    assignee=maybe(text()),
)  # fmt: skip
_REASSIGN = record(required=("assignee",), assignee=text(), reason=maybe(text(LONGEST_NOTE)), rev=_REV)
_RETURN = record(required=("to", "note"), to=text(120), note=text(LONGEST_NOTE), rev=_REV)
_COMMENT = record(required=("text",), text=text(LONGEST_TEXT))
_ORDERS = {"due_at": Task.due_at, "due": Task.due_at, "opened_at": Task.opened_at, "id": Task.id, "name": Task.name}
_ONLY_THE_PERSON = lazyload(Member.memberships)
_LOAD = (joinedload(Task.assignee).options(_ONLY_THE_PERSON), joinedload(Task.offered_team))


class TaskApi(Api):
    """Each verb answers with the task as it is then; 409 tells `by` whom and `at` what moment somebody was faster."""

    resource_name = "tasks"
    resource = "Task"

    @verb(
        "/",
        "GET",
        "Open work, that with the least time left first",
        query=listing(
            _ORDERS,
            mine="1: I am the assignee",
            queue="1: offered to a team or role of mine, and nobody has it",
            overdue="1: its time has passed",
            orphan="1: nobody will do it by himself: its team is empty, its doer has left, or none was found",
            instance="instance id",
            customer="customer id",
            assignee="user name",
            step="BPMN element id",
            q="words of the customer, as in customers",
            state=f"open (default), all, or one of {', '.join(TaskState)}",
        ),
    )
    def index(self) -> dict[str, Any]:
        actor = edge.actor()

        def of_customer(rows: Select[Any], typed: str) -> Select[Any]:
            found = select(Customer.id).where(search.search(typed, actor), customers.header_visible(actor))
            return rows.where(Task.customer_id.in_(found))

        rows = select(Task).where(visible(Task, actor))
        if not request.args.get("state"):
            rows = rows.where(queries.is_open())
        return self.page(
            rows,
            show_all=_rows,
            orders=_ORDERS,
            default_order="due_at",
            filters={
                "state": _in_state,
                "mine": lambda rows, text: flag(rows, text, Task.assignee_id == actor.user_id),
                "queue": lambda rows, text: flag(rows, text, queries.offered_to(actor)),
                "overdue": lambda rows, text: flag(rows, text, queries.overdue(clock.now())),
                "orphan": lambda rows, text: flag(rows, text, queries.is_orphan()),
                "instance": lambda rows, text: id_is(Task.owner_id)(rows.where(Task.owner_type == INSTANCE), text),
                "customer": id_is(Task.customer_id),
                "assignee": lambda rows, name: rows.where(Task.assignee_id.in_(_member_id(name))),
                "step": equals(Task.step),
                "q": of_customer,
            },
            key=Task.id,
            load=_LOAD,
        )

    @verb("/", "POST", "Work for a customer, on its own; assignee is a user name, nobody: oneself", right="edit",
          body=_NEW, status=201)  # fmt: skip
    def post(self) -> dict[str, Any]:
        body = self.read()

        def add(session: Session) -> dict[str, Any]:
            to = member_by_username(session, body["assignee"].strip()) if body.get("assignee") else None
            if body.get("assignee") and to is None:
                raise not_here("assignee", _("Nobody has this user name."))
            try:
                customer = get_visible(session, Customer, body["customer"], edge.actor())
            except NotFoundError:
                raise not_here("customer", _("There is no such customer, or you may not see them.")) from None
            due_at = read_moment(body, "due_at")
            task = add_task(session, customer, by=edge.actor(), name=body["name"], due_at=due_at, to=to)
            return _rows([task])[0]

        return self.write(add)

    @verb("/<id>", "GET", "One task with the form to fill in, its outcomes, its customer and its notes")
    def get(self, id: str) -> dict[str, Any]:
        session = db.session()
        return _whole(session, get_visible(session, Task, self.id(id), edge.actor()))

    @verb("/<id>/claim", "POST", "Take it", right="edit", body=_ONLY_REV)
    def claim(self, id: str) -> dict[str, Any]:
        task_id, rev = self.id(id), self.read().get("rev")
        return self._change(lambda session: services.claim_task(session, task_id, by=edge.actor(), rev=rev))

    @verb("/<id>/release", "POST", "Give it back to whom it was offered", right="edit", body=_ONLY_REV)
    def release(self, id: str) -> dict[str, Any]:
        task_id, rev = self.id(id), self.read().get("rev")
        return self._change(lambda session: services.release_task(session, task_id, by=edge.actor(), rev=rev))

    # The right to assign is asked of this very task: one that he may not even see is not there.
    @verb("/<id>/reassign", "POST", "Put it into another person's hands", body=_REASSIGN)
    def reassign(self, id: str) -> dict[str, Any]:
        task_id, body = self.id(id), self.read()

        def reassign(session: Session) -> Task:
            actor = edge.actor()
            _seen(session, task_id)
            to = member_by_username(session, body["assignee"].strip())
            if to is None:
                raise not_here("assignee", _("Nobody has this user name."))
            reason = body.get("reason") or ""
            return services.reassign_task(session, task_id, to, by=actor, reason=reason, rev=body.get("rev"))

        return self._change(reassign)

    @verb("/<id>/complete", "POST", "Finish it with the answers and outcome it asks for", right="edit", body=_COMPLETE)
    def complete(self, id: str) -> dict[str, Any]:
        task_id, body = self.id(id), self.read()
        answers = _answers(db.session(), task_id, body.get("answers") or {})
        return self._change(
            lambda session: services.complete_task(
                session,
                task_id,
                by=edge.actor(),
                answers=answers,
                outcome=body.get("outcome"),
                note=body.get("note") or "",
                rev=body.get("rev"),
            )
        )

    @verb("/<id>/return", "POST", "Send the work back to an earlier step, with the reason", right="edit", body=_RETURN)
    def give_back(self, id: str) -> dict[str, Any]:
        task_id, body = self.id(id), self.read()
        return self._change(
            lambda session: services.return_task(
                session, task_id, to=body["to"], note=body["note"], by=edge.actor(), rev=body.get("rev")
            )
        )

    @verb("/<id>/comment", "POST", "Put a note on it", right="edit", body=_COMMENT)
    def comment(self, id: str) -> dict[str, Any]:
        task_id, body = self.id(id), self.read()

        def comment(session: Session) -> Task:
            services.comment_task(session, task_id, body["text"], by=edge.actor())
            return session.get_one(Task, task_id)

        return self._change(comment)

    def _change(self, change: Callable[[Session], Task]) -> dict[str, Any]:
        return self.write(lambda session: _whole(session, change(session)))


def _seen(session: Session, task_id: int) -> Task:
    """The task, if he sees it or could once have taken it: the service then tells him who was faster."""
    actor = edge.actor()
    task = session.scalars(
        select(Task).where(Task.id == task_id, visible(Task, actor) | queries.was_offered_to(actor))
    ).one_or_none()
    if task is None:
        raise NotFoundError
    return task


def _answers(session: Session, task_id: int, raw: dict[str, Any]) -> Answers | None:
    """What was answered, read by the task's form. A task that is over is not read: that it is over is the news."""
    task = _seen(session, task_id)
    if not task.is_open:
        return None
    if task.form_version is not None:
        context = queries.answering(session, task, task.form_version, edge.actor())
        return parse_answers(task.form_version, raw, context=context)
    if raw:
        raise InvalidInputError(fields={"answers": [_("This step asks nothing.")]})
    return None


def _in_state(rows: Select[Any], text: str) -> Select[Any]:
    if text == "all":
        return rows
    return rows.where(queries.is_open() if text == "open" else Task.state == member_of(TaskState, text))


def _member_id(username: str) -> Select[Any]:
    return select(User.id).where(User.username == username)


# ── as the interface writes it ──


def _rows(tasks: Sequence[Task]) -> list[dict[str, Any]]:
    ids = {task.customer_id for task in tasks if task.customer_id is not None}
    cards = customers.customer_cards(db.session(), ids, edge.actor())
    return [_row(task, cards.get(task.customer_id or 0)) for task in tasks]


def _row(task: Task, card: CustomerCard | None) -> dict[str, Any]:
    """`assignee` is a user name; `offered_to` as in a process; `customer` is null where not his to see."""
    return {
        "id": task.id,
        "name": task.name,
        "step": task.step,
        "state": task.state,
        "context": task.context,
        "instance_id": task.owner_id if task.owner_type == INSTANCE else None,
        "customer_id": task.customer_id,
        "customer": {"id": card.id, "code": card.code, "name": card.name} if card else None,
        "assignee": task.assignee.user.username if task.assignee else None,
        "offered_to": _offer(task),
        "opened_at": moment(task.opened_at),
        "due_at": moment(task.due_at),
        "overdue": task.is_open and task.due_at is not None and task.due_at < clock.now(),
        "completed_at": moment(task.completed_at),
        "outcomes": task.outcomes,
        "outcome": task.outcome,
        "rev": task.rev,
    }


def _offer(task: Task) -> str | None:
    if task.offered_team is not None:
        return f"team:{task.offered_team.code}"
    return f"role:{task.offered_role}" if task.offered_role else None


def _whole(session: Session, task: Task) -> dict[str, Any]:
    ids = [] if task.customer_id is None else [task.customer_id]
    card = customers.customer_cards(session, ids, edge.actor()).get(task.customer_id or 0)
    shown = _row(task, card)
    if card is not None:
        points = [{"kind": point.kind, "value": point.value, "shown": point.shown} for point in card.contact_points]
        shown["customer"] |= {
            "contact_points": points, "do_not_contact": card.restriction is not None,
            "do_not_contact_reason": card.restriction,
        }  # fmt: skip
    asked = task.form_version
    history = queries.history(session, task.id)
    former = queries.answered_before(session, task) if task.is_open and task.attempt > 1 else None
    back = owner_of(task.owner_type).ways_back(session, task) if task.is_open else ()
    return shown | {
        "ways_back": [{"step": step, "name": name} for step, name in back],
        "form": json_schema(asked, context=queries.answering(session, task, asked, edge.actor())) if asked else None,
        "former_answers": readable_answers(former, edge.actor()) if former is not None else None,
        "answers": readable_answers(task.submission, edge.actor()) if task.submission else None,
        "note": task.note,
        "why": [str(sentence) for sentence in why(history, names_in(session, history, {}).__getitem__)],
        "completed_by": task.completed_by.user.username if task.completed_by else None,
        "comments": [
            {
                "id": comment.id,
                "author": comment.author.user.username,
                "text": comment.text,
                "at": moment(comment.created_at),
            }
            for comment in comments.of_records(session, "Task", [task.id])
        ],
    }
