"""Work for a customer that no process asks for: somebody writes it down on his page, and does it or gives it away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Optional

from app.core import clock, links
from app.core.access import Actor, get_visible, visible
from app.core.errors import InvalidInputError, NotAllowedError, NotFoundError, Sentence
from app.core.formats import local
from app.core.i18n import _
from app.core.screens.fields import DayField, Longest, readable, tidy_line, without_nul
from app.customers.events import QuickAction
from app.customers.models import Customer
from app.customers.services import CustomerArchivedError, record_timeline
from app.security import queries as people
from app.security.models import Member
from app.tasks.events import OwnerShown
from app.tasks.models import Task
from app.tasks.rules import Deadline, Offer
from app.tasks.services import open_task

OWNER = "customer"
NAME_LENGTH = 200
#: due on a day, it is due when people go home
_DUE_AT = time(17, 0)


class CustomerWork:
    """The TaskOwner of kind "customer": nothing goes on when its tasks are done."""

    kind = OWNER
    #: work shows the header of its customer, whoever owns it; more of him it does not show
    resource = None

    def lock(self, session: Session, owner_id: int) -> None:
        session.execute(select(Customer.id).where(Customer.id == owner_id).with_for_update())

    def task_completed(self, session: Session, task: Task, *, by: Actor, values: Mapping[str, Any]) -> None:
        """The task itself was told on the timeline; nothing else waits for it."""

    def ways_back(self, session: Session, task: Task) -> Sequence[tuple[str, str]]:
        """Work on its own has no step before it."""
        return ()

    def task_returned(self, session: Session, task: Task, *, to: str, by: Actor, note: str) -> None:
        raise LookupError(to)  # it has no ways back

    def seen_by(self, owner_id: Any, actor: Actor) -> ColumnElement[bool]:
        seen: ColumnElement[bool] = owner_id.in_(select(Customer.id).where(visible(Customer, actor)).correlate(None))
        return seen

    def put_aside(self, owner_id: Any) -> ColumnElement[bool]:
        return false()

    def shown(self, session: Session, task: Task, actor: Actor) -> OwnerShown:
        try:
            customer = get_visible(session, Customer, task.owner_id, actor)
        except NotFoundError:
            return OwnerShown(url="", code="", name="")
        return OwnerShown(url=links.customer_path(customer.id), code=customer.code, name=customer.name)


def add_task(
    session: Session, customer: Customer, *, by: Actor, name: str, due_at: datetime | None, to: Member | None = None
) -> Task:
    """Work for this customer, for `to` or else for whoever writes it down.

    Giving it to somebody else needs the right to assign work. Raises InvalidInputError beside name, due_on or
    assignee_id.
    """
    by.must("edit", "Task")
    get_visible(session, Customer, customer.id, by)
    if customer.is_archived:
        raise CustomerArchivedError
    if by.user_id is None:
        raise NotAllowedError
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH:
        raise InvalidInputError(fields={"name": [_("Say what is to be done, in at most 200 characters.")]})
    if due_at is not None and due_at < clock.now():
        raise InvalidInputError(fields={"due_on": [_("This day is over. Choose today or a later day.")]})
    member_id = to.id if to is not None else by.user_id
    if to is not None and to.id != by.user_id:
        by.must("assign", "Task")
        if not people.actor_of(session, to).may("edit", "Task"):
            told = _("%(name)s may look at work, but not do it.", name=to.name)
            raise InvalidInputError(fields={"assignee_id": [told]})
    CustomerWork().lock(session, customer.id)
    last = session.scalar(
        select(func.max(Task.token)).where(Task.owner_type == OWNER, Task.owner_id == customer.id)
    )  # fmt: skip
    task_id = open_task(
        session, owner_type=OWNER, owner_id=customer.id, step="care", token=(last or 0) + 1, name=name, context="",
        customer_id=customer.id, offer=Offer(member_id=member_id), deadline=Deadline(due_at), form_version=None, by=by,
    )  # fmt: skip
    record_timeline(
        session, customer.id, kind="task_opened", by=by, subject_type="task", subject_id=task_id, data={"task": name}
    )
    return session.get_one(Task, task_id)


def _or_none(value: object) -> int | None:
    return int(str(value)) if value not in (None, "", "None") else None


class TaskDialog(FlaskForm):
    """What is to be done for a customer, by whom, by when."""

    name = StringField(
        _("What is to be done"), [InputRequired(_("Say what is to be done.")), without_nul, Longest(NAME_LENGTH)],
        filters=[tidy_line],
    )  # fmt: skip
    due_on = DayField(
        _("Due on"), [readable, Optional()],
        render_kw={"class": "form-control", "autocomplete": "off", "inputmode": "numeric",
                   "placeholder": _("dd/mm/yyyy"), "data-date": True},
    )  # fmt: skip
    assignee_id = SelectField(_("For whom"), coerce=_or_none)

    def __init__(self, *args: Any, people: Iterable[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.assignee_id.choices = [("", _("For me")), *people]


class AddTask(QuickAction):
    """The button "Việc" on the customer's page."""

    key = "viec"
    label = _("Piece of work")
    icon = "checklist"
    verb = _("Add the task")
    fields: Sequence[str] = ("name", "due_on")
    more: Sequence[str] = ("assignee_id",)

    def is_for(self, actor: Actor) -> bool:
        return actor.may("edit", "Task")

    def form(self, session: Session, customer: Customer, actor: Actor, typed: Any | None) -> Any:
        members = session.scalars(people.active_members()).unique() if actor.may("assign", "Task") else ()
        return TaskDialog(formdata=typed, people=[(one.id, one.name) for one in members if one.id != actor.user_id])

    def write(self, session: Session, customer: Customer, form: Any, *, by: Actor) -> Sentence:
        to = people.member_by_id(session, form.assignee_id.data) if form.assignee_id.data else None
        task = add_task(
            session, customer, by=by, name=form.name.data or "", due_at=due_moment(form.due_on.data, by), to=to
        )
        return _("The task is on %(name)s's desk.", name=task.assignee.name if task.assignee else "")


def due_moment(day: Any, by: Actor) -> datetime | None:
    """When work is due that is due on that day: when people go home, today already past that at its end."""
    if day is None:
        return None
    at = datetime.combine(day, _DUE_AT, ZoneInfo(by.time_zone))
    now = local(clock.now(), by.time_zone)
    return at if at > now or day != now.date() else datetime.combine(day, time(23, 59), ZoneInfo(by.time_zone))
