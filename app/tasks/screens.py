"""Which work is there at all, in one table: narrowed, ordered, and handed on many pieces at a time?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from flask import get_template_attribute, redirect, request
from sqlalchemy import Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from app.core import clock, edge, links
from app.core.access import Actor, visible
from app.core.db import UtcDateTime, db, row_id
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.formats import exact_text
from app.core.i18n import _
from app.core.screens import Derived, Interface, Kind, Preset, Screen, action, route
from app.core.screens.listing import Asked
from app.core.screens.records import NextAction
from app.core.timewords import SOON, LatenessKind, time_left
from app.customers import columns as customer_columns
from app.customers.search import found_ids
from app.security import columns as people_columns
from app.security import queries as people
from app.security.models import Member
from app.tasks import queries, services
from app.tasks.models import OPEN_STATES, Task, TaskState
from app.tasks.rules import OUTCOME_DONE, lateness
from app.tasks.shown import STATE_LABELS

_NOW = bindparam("now", callable_=clock.now, type_=UtcDateTime(), unique=True)
#: parts of a condition that no work fulfils but open one
_OPEN_ONLY = {"is_open = true", "overdue = true", "is_orphan = true", *(f"state = '{state}'" for state in OPEN_STATES)}
#: what the head of open work says of its time
_PRESSING = {LatenessKind.late: ("late", _("Overdue")), LatenessKind.soon: ("soon", _("Due soon"))}


def _due(due_at: datetime | None, warn_at: datetime | None = None, state: TaskState | None = None) -> Any:
    """How long is left of open work; of what is over, and in a history, the moment itself."""
    if due_at is None:
        return ""
    if state not in OPEN_STATES:
        return exact_text(due_at, edge.time_zone())
    soon = SOON if warn_at is None else due_at - warn_at
    return _drawn("left", time_left(due_at, clock.now(), edge.time_zone(), soon=soon), due_at)


def _holder(name: str | None, state: TaskState | None = None) -> Any:
    return _drawn("holder", name, state in OPEN_STATES)


def _drawn(macro: str, *told: Any) -> Any:
    """A cell that is more than text, from templates/tasks/_cells.html."""
    return get_template_attribute("tasks/_cells.html", macro)(*told)


class TaskScreen(Screen):
    """/cong-viec/bang: all work that one may see. A task's page is its own, and its state moves by actions alone."""

    resource = "Task"
    collection = "tasks"
    datamodel = Interface(Task)
    empty_text = _("No work yet. It comes with the processes that are started.")
    empty_art = "done"
    route_base = "/cong-viec/bang"
    list_template = "tasks/table.html"
    list_title = _("All work")
    show_title = _("Task")
    list_columns = ["name", "due_at", "customer", "assignee", "state"]
    more_columns = [
        "context", "customer_code", "team", "opened_at", "claimed_at", "completed_at", "completed_by", "outcome",
        "is_open", "overdue", "is_orphan",
    ]  # fmt: skip
    show_columns = ["context", "state", "due_at", "opened_at", "completed_at"]
    panel_columns = (
        "due_at", "customer", "context", "assignee", "team", "state", "opened_at", "completed_at", "completed_by",
        "outcome",
    )  # fmt: skip
    fact_links: ClassVar[Mapping[str, Any]] = {"customer": lambda task: links.customer_path(task.customer_id)}
    order_columns = [
        "name", "context", "assignee", "team", "state", "due_at", "opened_at", "claimed_at", "completed_at",
    ]  # fmt: skip
    search_columns = [
        "name", "customer", "customer_code", "context", "assignee", "team", "state", "is_open", "overdue", "is_orphan",
        "due_at", "opened_at", "claimed_at", "completed_at", "completed_by", "outcome",
    ]  # fmt: skip
    derived = {
        "customer": customer_columns.name(Task.customer_id),
        "customer_code": customer_columns.code(Task.customer_id),
        "assignee": replace(people_columns.person(Task.assignee_id), show=_holder, besides=(Task.state,)),
        "completed_by": people_columns.person(Task.completed_by_id),
        "team": people_columns.team(Task.team_id),
        "is_open": Derived(Kind.yes_no, queries.is_open()),
        "overdue": Derived(Kind.yes_no, and_(queries.is_open(), Task.due_at.is_not(None), Task.due_at < _NOW)),
        "is_orphan": Derived(Kind.yes_no, queries.is_orphan()),
        "due_at": Derived(Kind.moment, Task.due_at, show=_due, besides=(Task.warn_at, Task.state)),
        "outcome": Derived(Kind.choice, Task.outcome, choices=OUTCOME_DONE),
    }
    # Ids are given in the order in which work is opened, and come with an index.
    order_keys = {"opened_at": Task.id}
    base_order = ("due_at", "asc")
    presets = (
        Preset(_("Still open"), "is_open = true"),
        Preset(_("Overdue"), "overdue = true"),
        Preset(_("Mine"), "is_open = true and assignee = me()"),
        Preset(_("Waiting to be taken"), "state = 'ready'"),
        Preset(_("Nobody to do it"), "is_orphan = true"),
        Preset(_("Done"), "state = 'completed'", "-opened_at"),
        Preset(_("All"), order="-opened_at"),
    )
    asks = {"reassign": "tasks/_reassign.html"}
    choice_labels: ClassVar[Mapping[str, Mapping[Any, Any]]] = {"state": STATE_LABELS}
    label_columns = {
        "name": _("Task"),
        "customer": _("Customer"),
        "customer_code": _("Customer code"),
        "context": _("Process file"),
        "assignee": _("Person in charge"),
        "team": _("Team"),
        "state": _("State"),
        "is_open": _("Still open"),
        "overdue": _("Overdue"),
        "is_orphan": _("Nobody to do it"),
        "due_at": _("Due"),
        "opened_at": _("Opened"),
        "claimed_at": _("Claimed"),
        "completed_at": _("Finished"),
        "completed_by": _("Finished by"),
        "outcome": _("Decision"),
    }

    def row_url(self, item: Any) -> str:
        return links.task_path(item.id)

    def search_as(self, who: Actor, rows: Select[Any], text: str) -> Select[Any]:
        """By words of the step and of where it stands, and by all by which a customer of his is found."""
        named = Task.name.icontains(text, autoescape=True) | Task.context.icontains(text, autoescape=True)
        return rows.where(or_(named, Task.customer_id.in_(found_ids(text, who))))

    def _listed(self, rows: Select[Any], asked: Asked, who: Actor) -> Select[Any]:
        rows = super()._listed(rows, asked, who)
        if asked.where is not None and any(part.text in _OPEN_ONLY for part in asked.where.parts()):
            # In the words of the partial indexes, which SQLite compares letter by letter.
            rows = rows.where(queries.is_open())
        return rows

    def state(self, item: Task) -> tuple[str, Any] | None:
        if not item.is_open:
            return "done", STATE_LABELS[item.state]
        return _PRESSING.get(lateness(item, clock.now(), edge.time_zone()).kind, ("open", STATE_LABELS[item.state]))

    def next_action(self, item: Task, who: Actor) -> NextAction | None:
        """To take it, or to go on with it; of what is in other hands, nothing."""
        path = links.task_path(item.id)
        if item.state is TaskState.ready and queries.may(db.session(), item.id, who, "edit"):
            return NextAction(_("Claim"), f"{path}/nhan", "user-check", post=True)
        if item.is_open and item.assignee_id == who.user_id:
            return NextAction(_("Open the form") if item.form_version_id else _("Do it now"), path, "arrow-right")
        return None

    @route("/show/<pk>", right="view")
    def show(self, pk: str) -> Any:
        """Work has a page of its own; its change history stands on the generated one."""
        return super().show(pk) if "tab" in request.args else redirect(links.task_path(row_id(pk)))

    # ── many at once: each by the service that does it for one ──
    @action(
        "claim", _("Claim"), right="edit", icon="user-check", single=False, undo="release",
        question=_("Claim %(rows)s?"), done=_("%(rows)s claimed"),
        confirmation=_("It is in your hands then, and leaves the list of what waits to be taken."),
    )  # fmt: skip
    def claim(self, session: Session, item: Task, *, by: Actor) -> None:
        if item.is_open and item.assignee_id == by.user_id:
            raise BusinessError(services.YOURS)
        services.claim_task(session, item.id, by=by)

    @action(
        "reassign", _("Reassign"), right="assign", icon="user-share", single=False, undo="take_back",
        question=_("Reassign %(rows)s"), done=_("%(rows)s reassigned"),
    )  # fmt: skip
    def reassign(self, session: Session, item: Task, *, by: Actor) -> None:
        reason, to = request.form.get("note", ""), _chosen(session)
        if item.assignee_id == to.id:
            raise BusinessError(_("%(name)s has this already.", name=to.name))
        try:
            services.reassign_task(session, item.id, to, by=by, reason=reason)
        except InvalidInputError as error:
            told = [str(sentence) for sentences in error.fields.values() for sentence in sentences]
            raise BusinessError(" ".join(told) or error.message) from error

    @action(
        "take_back", _("Take back"), right="assign", single=False, is_offered=False, done=_("%(rows)s taken back"),
    )  # fmt: skip
    def take_back(self, session: Session, item: Task, *, by: Actor) -> None:
        services.take_back_task(session, item.id, by=by)

    @action(
        "release", _("Release to the team"), right="edit", icon="arrow-back-up", single=False,
        question=_("Release %(rows)s to the team?"), done=_("%(rows)s released to the team"),
        confirmation=_("Anyone of the team can take it then."),
    )  # fmt: skip
    def release(self, session: Session, item: Task, *, by: Actor) -> None:
        services.release_task(session, item.id, by=by)

    def hinders_of(self, session: Session, name: str, items: Sequence[Task]) -> Mapping[int, Any]:
        return services.claim_hindrances(session, items, by=edge.actor()) if name == "claim" else {}

    def _locked(self, session: Session, key: int, who: Actor, right: str) -> Task:
        """Not locked, and its right not asked: the service locks the owner before the task, and says who was faster."""
        return _within_reach(session, key, who)

    def _named(self, key: int, who: Actor) -> str:
        try:
            return _within_reach(db.session(), key, who).name
        except NotFoundError:
            return super()._named(key, who)


def _within_reach(session: Session, key: int, who: Actor) -> Task:
    """A task that he sees, or could once have taken."""
    rows = select(Task).where(Task.id == key, visible(Task, who) | queries.was_offered_to(who))
    task = session.scalars(rows).one_or_none()
    if task is None:
        raise NotFoundError
    return task


def _chosen(session: Session) -> Member:
    """Into whose hands the dialog puts the work."""
    try:
        member = people.member_by_id(session, row_id(request.form.get("member_id", "")))
    except NotFoundError:
        member = None
    if member is None:
        raise BusinessError(_("Choose the person who is to do this."))
    return member
