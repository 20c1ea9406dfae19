"""Begin a process for a customer; see the running ones and what happened in one of them."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import clock, edge, links
from app.core.access import get_visible, visible
from app.core.db import LARGEST_ID, db, row_id
from app.core.errors import BadRequestError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.pages import Page, done, page, show
from app.core.timewords import moment_text
from app.customers.models import Customer
from app.customers.queries import customer_cards
from app.customers.services import create_customer
from app.forms.builder import AnswerForm, build_form
from app.forms.queries import context_for
from app.processes import queries, services, shown
from app.processes.dialogs import CancelDialog, StartDialog
from app.processes.engine.core import InstanceStatus
from app.processes.models import Process, ProcessInstance
from app.security import queries as people
from app.tasks import queries as task_queries
from app.tasks.views import rows_of

ROWS = 50


class InstancePages(Page):
    """/ho-so: starting, the list, and the page of an instance."""

    resource = "Instance"
    route_base = "/ho-so"

    @page("/")
    def index(self) -> Any:
        actor, session = edge.actor(), db.session()
        status = request.args.get("trang_thai", "running")
        if status not in set(InstanceStatus):
            raise BadRequestError
        rows = select(ProcessInstance).where(visible(ProcessInstance, actor))
        chosen = rows.where(ProcessInstance.status == status).order_by(ProcessInstance.id.desc())
        instances = session.scalars(queries.with_people(chosen).limit(ROWS)).unique().all()
        now = clock.now()
        counts = dict(
            session.execute(
                select(ProcessInstance.status, func.count()).where(visible(ProcessInstance, actor))
                .group_by(ProcessInstance.status)
            ).tuples().all()
        )  # fmt: skip
        cards = customer_cards(session, {i.customer_id for i in instances if i.customer_id}, actor)
        open_tasks = _open_work(session, [instance.id for instance in instances])
        return show(
            "processes/list.html",
            status=status,
            tabs=[
                {"key": str(key), "label": shown.STATUS_LABELS[key], "count": counts.get(key, 0)}
                for key in (InstanceStatus.running, InstanceStatus.completed, InstanceStatus.cancelled)
            ],
            rows=[
                {"id": i.id, "url": links.instance_path(i.id), "code": i.code, "process": i.version.process.name,
                 "customer": cards[i.customer_id].name if i.customer_id in cards else "",
                 "initiator": i.initiator.name, "started": moment_text(i.started_at, now, actor.time_zone),
                 "started_at": i.started_at, "steps": open_tasks.get(i.id, []), "incident": i.incident}
                for i in instances
            ],
            more=max(0, counts.get(InstanceStatus(status), 0) - len(instances)),
            can_start=actor.may("add", "Instance"),
        )  # fmt: skip

    @page("/bat-dau", right="add")
    def choose(self) -> Any:
        processes = db.session.scalars(queries.startable(edge.actor())).unique().all()
        return show("processes/start.html", processes=processes, process=None, form=None, dialog=None)

    @page("/bat-dau/<code>", "GET", "POST", right="add")
    def start(self, code: str) -> Any:
        actor, session = edge.actor(), db.session()
        process = queries.visible_process(session, code, actor)
        _version, form_version = services.start_version(session, process)
        dialog = StartDialog()
        form: AnswerForm | None = None
        if form_version is not None:
            form = build_form(form_version)(context=context_for(session, actor))
        if request.method == "GET":
            return _start_page(session, process, _prefilled(dialog, session), form)
        # Both are asked, so that every problem shows at once.
        fine = [dialog.validate(), form.validate() if form is not None else True]
        if all(fine):
            try:
                with edge.transaction() as inside:
                    customer = _customer(inside, dialog)
                    instance = services.start_instance(
                        inside, inside.get_one(Process, process.id), by=actor, customer=customer,
                        answers=form.answers if form is not None else None,
                    )  # fmt: skip
                    first = task_queries.of_owner(inside, services.OWNER, instance.id)
                    # Straight to the form in front of him, when the first step is one that he may do.
                    onward = next((links.task_path(task.id) for task in first if _is_for(inside, task.id)), None)
                    address, started = onward or links.instance_path(instance.id), instance.code
            except InvalidInputError as error:
                _beside(dialog, form, error)
            else:
                return done(address, _("%(process)s has begun: %(code)s.", process=process.name, code=started))
        return _start_page(session, process, dialog, form, status=422)

    @page("/<instance_id>")
    def instance(self, instance_id: str) -> Any:
        return _instance_page(row_id(instance_id))

    @page("/<instance_id>/dung", "POST", right="edit")
    def cancel(self, instance_id: str) -> Any:
        number, dialog = row_id(instance_id), CancelDialog()
        if not dialog.validate():
            return _instance_page(number, cancel=dialog, status=422)
        with edge.transaction() as session:
            instance = services.cancel_instance(session, number, by=edge.actor(), reason=dialog.reason.data)
            code = instance.code
        return done(links.instance_path(number), _("%(code)s has been called off.", code=code))


def _prefilled(dialog: StartDialog, session: Session) -> StartDialog:
    """Coming from a customer's page, he is already chosen."""
    text = request.args.get("khach", "")
    if text.isascii() and text.isdigit() and len(text) <= 10:
        dialog.customer_id.data = int(text)
    return dialog


def _start_page(
    session: Session, process: Process, dialog: StartDialog, form: AnswerForm | None, *, status: int = 200
) -> Any:
    chosen = dialog.customer_id.data
    customer = None
    if chosen is not None and 0 < chosen <= LARGEST_ID:
        customer = customer_cards(session, {chosen}, edge.actor()).get(chosen)
    processes = session.scalars(queries.startable(edge.actor())).unique().all()
    return show("processes/start.html", status, processes=processes, process=process, dialog=dialog, form=form,
                customer=customer)  # fmt: skip


def _customer(session: Session, dialog: StartDialog) -> Customer | None:
    """The customer chosen or newly added; none is fine. Raises InvalidInputError beside the dialog's fields."""
    actor = edge.actor()
    if dialog.new_name.data or dialog.new_phone.data:
        try:
            return create_customer(session, by=actor, name=dialog.new_name.data or "", phone=dialog.new_phone.data)
        except InvalidInputError as error:
            beside = {"name": "new_name", "phone": "new_phone"}
            raise InvalidInputError(fields={beside.get(key, key): told for key, told in error.fields.items()}) from error
    if dialog.customer_id.data is None:
        raise InvalidInputError(fields={"customer_id": [_("Please choose a customer, or add a new one.")]})
    try:
        return get_visible(session, Customer, dialog.customer_id.data, actor)
    except NotFoundError:
        raise InvalidInputError(fields={"customer_id": [_("This customer is not there.")]}) from None


def _is_for(session: Session, task_id: int) -> bool:
    condition = visible(task_queries.Task, edge.actor(), "edit")
    return session.scalar(select(task_queries.Task.id).where(task_queries.Task.id == task_id, condition)) is not None


def _beside(dialog: StartDialog, form: AnswerForm | None, error: InvalidInputError) -> None:
    for key, told in error.fields.items():
        if key in dialog:
            dialog[key].errors = [*dialog[key].errors, *map(str, told)]
    if form is not None:
        form.refuse(error.fields)


def _open_work(session: Session, instance_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    """The open steps of each instance: what, who, late or not."""
    task = task_queries.Task
    rows = select(task).where(task.owner_type == services.OWNER, task.owner_id.in_(instance_ids), task_queries.is_open())
    now = clock.now()
    found: dict[int, list[dict[str, Any]]] = {}
    for one in session.scalars(task_queries.with_people(rows).order_by(task.id)).unique():
        who = one.assignee.name if one.assignee else (one.offered_team.name if one.offered_team else "")
        late = one.due_at is not None and one.due_at <= now
        found.setdefault(one.owner_id, []).append({"name": one.name, "who": who, "late": late})
    return found


def _instance_page(instance_id: int, *, cancel: CancelDialog | None = None, status: int = 200) -> Any:
    actor, session = edge.actor(), db.session()
    get_visible(session, ProcessInstance, instance_id, actor)
    instance = session.scalars(
        queries.with_people(select(ProcessInstance).where(ProcessInstance.id == instance_id))
    ).unique().one()  # fmt: skip
    now = clock.now()
    tasks = task_queries.of_owner(session, services.OWNER, instance.id)
    open_tasks = [task for task in tasks if task.is_open]
    readable = {
        task_id
        for task_id in session.scalars(
            select(task_queries.Task.id).where(
                task_queries.Task.id.in_([task.id for task in open_tasks]), visible(task_queries.Task, actor)
            )
        )
    }
    cards = customer_cards(session, {instance.customer_id} if instance.customer_id else (), actor)
    may_cancel = instance.ended_at is None and session.scalar(
        select(ProcessInstance.id).where(ProcessInstance.id == instance.id, visible(ProcessInstance, actor, "edit"))
    )
    return show(
        "processes/instance.html",
        status,
        instance=instance,
        status_label=shown.STATUS_LABELS[instance.status],
        started=moment_text(instance.started_at, now, actor.time_zone),
        ended=moment_text(instance.ended_at, now, actor.time_zone) if instance.ended_at else "",
        stages=shown.stages_shown(queries.definition_of(instance.version), tasks, now),
        open_work=rows_of(session, open_tasks, actor),
        readable=readable,
        answers=shown.answers_shown(session, instance, tasks, actor),
        history=_history(session, instance, actor),
        customer=cards.get(instance.customer_id or 0),
        cancel=(cancel or CancelDialog(formdata=None)) if may_cancel else None,
    )


def _history(session: Session, instance: ProcessInstance, actor: Any) -> list[dict[str, Any]]:
    """What happened, newest first, as sentences; the engine's inner moves are left out."""
    now = clock.now()
    definition = queries.definition_of(instance.version)

    def name(member_id: int | None) -> str:
        member = people.member_by_id(session, member_id) if member_id else None
        return member.name if member else "Tận Tâm"

    told: list[dict[str, Any]] = []
    for event in session.scalars(queries.events(instance.id)):
        node = definition.nodes.get(event.node or "")
        step, who = (node.title if node else ""), name(event.actor_id)
        match event.kind:
            case "instance_started":
                text: object = _("%(name)s began the process", name=who)
            case "open_task":
                text = _("%(step)s was opened", step=step)
            case "close_task":
                text = _("%(name)s finished: %(step)s", name=who, step=step)
            case "raise_incident":
                text = _("The process cannot go on at %(step)s. An administrator has to look at it.", step=step)
            case "finish_instance" if event.body.get("reason"):
                text = _("%(name)s called it off: %(reason)s", name=who, reason=event.body["reason"])
            case "finish_instance":
                text = _("The process is completed")
            case _:
                continue
        told.append({"at": event.at, "when": moment_text(event.at, now, actor.time_zone), "kind": event.kind, "text": text})
    return told[::-1]


