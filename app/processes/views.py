"""Begin a process for a customer; see the running ones and what happened in one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from flask import flash, request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.core import clock, edge, links, paging
from app.core.access import Actor, get_visible, visible
from app.core.api import names_contain
from app.core.db import LARGEST_ID, db, row_id
from app.core.errors import BadRequestError, BusinessError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.pages import Page, done, page, page_number, page_of, refused_onto, show, trail
from app.core.screens import Interface, Screen, action
from app.core.screens.records import NextAction
from app.core.sent_once import PageUsedError, fresh_key, sent
from app.core.timewords import length_text
from app.customers.duplicates.hard import DuplicateCustomerError, with_phone
from app.customers.models import Customer
from app.customers.queries import NamedCustomer, customer_cards, customer_names
from app.customers.services import create_customer
from app.forms import about_customer
from app.forms.builder import AnswerForm, build_form
from app.forms.uploads import take_in
from app.processes import drawing, queries, services, shown
from app.processes.corrected import meant
from app.processes.dialogs import StartDialog
from app.processes.engine.state import InstanceStatus
from app.processes.instance_page import instance_page
from app.processes.models import OWNER, Process, ProcessInstance
from app.processes.stuck_page import stuck_page
from app.processes.stuck_page import tab as stuck_tab
from app.tasks import queries as task_queries
from app.tasks.models import Task
from app.tasks.rules import lateness

ROWS = paging.PAGE_SIZE


class ProcessScreen(Screen):
    """/quy-trinh: every process with its code; drawing them comes with the editors, until then through the API."""

    resource = "Process"
    collection = "processes"
    comments = True
    datamodel = Interface(Process)
    empty_text = _("No process yet. Once one is drawn, it stands here, and a published one can be started.")
    route_base = "/quy-trinh"
    list_title = _("Processes")
    show_title = _("Process")
    list_columns = ["name", "code", "updated_at"]
    show_columns = ["name", "code", "created_at", "updated_at"]
    order_columns = ["name", "code", "updated_at"]
    search_columns = ["name", "code", "updated_at"]
    base_order = ("name", "asc")
    label_columns = {"name": _("Name"), "code": _("Code"), "created_at": _("Created"), "updated_at": _("Changed")}
    history_events: ClassVar[Mapping[str, Any]] = {"process.published": _("Published")}

    def search(self, rows: Select[Any], text: str) -> Select[Any]:
        return names_contain(Process.id, Process.name, Process.code)(rows, text)

    def next_action(self, item: Process, who: Actor) -> NextAction | None:
        if item.archived_at is not None or not who.may("edit", "Process"):
            return None
        return NextAction(_("What it does by itself"), links.automatic_path(item.code), "settings")

    @action(
        "archive", _("Retire"), right="delete", done=_("%(rows)s retired"), undo="restore", icon="archive",
        confirmation=_("Nobody can start it any more. What is running goes on to its end."),
    )  # fmt: skip
    def archive(self, session: Session, item: Process, *, by: Actor) -> None:
        drawing.retire_process(session, item, by=by)

    @action("restore", _("Use again"), right="delete", done=_("%(rows)s in use again"), icon="refresh")
    def restore(self, session: Session, item: Process, *, by: Actor) -> None:
        drawing.bring_back_process(session, item, by=by)


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
        number = page_number()
        rows = select(ProcessInstance).where(visible(ProcessInstance, actor))
        # Which of the rarer ones is asked for has its tab as long as it is shown.
        tabs = [InstanceStatus.running, InstanceStatus.completed, InstanceStatus.cancelled, InstanceStatus(status)]
        lists = {key: rows.where(queries.has_status(key)) for key in dict.fromkeys(tabs)}
        chosen = lists[InstanceStatus(status)].order_by(ProcessInstance.id.desc())
        instances = session.scalars(queries.with_people(chosen).limit(ROWS).offset((number - 1) * ROWS)).unique().all()
        now = clock.now()
        counts = paging.counts(session, lists, ProcessInstance.id)
        names = customer_names(session, {i.customer_id for i in instances if i.customer_id}, actor)
        open_tasks = task_queries.open_of_owners(session, OWNER, [one.id for one in instances])
        return show(
            "processes/list.html",
            instance_tabs=[
                {
                    "label": shown.STATUS_LABELS[key],
                    "url": f"/ho-so/?trang_thai={key}",
                    "current": key == status,
                    "count": counts[key][0],
                    "capped": counts[key][1],
                }
                for key in lists
            ]
            + [stuck_tab()],
            scope=status,
            table={"path": "/ho-so/bang/list/", "arguments": {"view": "0", "where": f"status = '{status}'"}},
            rows=[self._row(i, names.get(i.customer_id or 0), open_tasks.get(i.id, []), now) for i in instances],
            start_url="/ho-so/bat-dau" if actor.may("add", "Instance") else None,
            page=page_of(number, len(instances), counts[InstanceStatus(status)], size=ROWS),
        )

    @staticmethod
    def _row(
        instance: ProcessInstance, customer: NamedCustomer | None, open_tasks: list[Task], now: datetime
    ) -> dict[str, Any]:
        first = min(open_tasks, key=lambda task: (task.due_at is None, task.due_at, task.id), default=None)
        holders = [
            task.assignee.name if task.assignee else (task.offered_team.name if task.offered_team else "")
            for task in open_tasks
        ]
        return {
            "url": links.instance_path(instance.id),
            "name": instance.version.process.name,
            "code": instance.code,
            "customer": customer.name if customer else "",
            "customer_url": links.customer_path(customer.id) if customer else None,
            "stage": first.name if first else "",
            "open_tasks": [task.name for task in open_tasks],
            "holder": ", ".join(dict.fromkeys(filter(None, holders))),
            "lateness": lateness(first, now, edge.time_zone()) if first else None,
            "due_at": first.due_at if first else None,
            "started_at": instance.started_at,
            "status": str(instance.status),
            "status_label": shown.STATUS_LABELS[instance.status],
        }

    @page("/vuong")
    def stuck(self) -> Any:
        return stuck_page()

    @page("/bat-dau", right="add")
    def choose(self) -> Any:
        return _start_page(db.session(), None, StartDialog(formdata=None), None)

    @page("/bat-dau/<code>", "GET", "POST", right="add")
    def start(self, code: str) -> Any:
        actor, session = edge.actor(), db.session()
        process = queries.visible_process(session, code, actor)
        _version, form_version = services.start_version(session, process)
        dialog = StartDialog()
        form: AnswerForm | None = None
        if form_version is not None:
            asked = _asked_about(dialog)
            form = build_form(form_version)(context=about_customer.context_for(session, form_version, asked, actor))
        if request.method == "GET":
            return _start_page(session, process, _prefilled(dialog), form)
        if form is not None and form_version is not None:
            take_in(form, form_version.id)
        # Both are asked, so that every problem shows at once.
        fine = [dialog.validate(), form.validate() if form is not None else True]
        if all(fine):
            try:
                begun = _begin(process.id, dialog, form, form_version.id if form_version else None)
            except InvalidInputError as error:
                _beside(dialog, form, error)
            except DuplicateCustomerError as error:
                dialog.new_phone.errors = [*dialog.new_phone.errors, str(error)]
                return _start_page(session, process, dialog, form, status=error.status)
            except PageUsedError:
                flash(_("This page has started a process already. Start once more if you want another one."), "warning")
                return _start_page(session, process, dialog, form, status=409, fresh=True)
            except NotFoundError:
                raise
            except BusinessError as error:
                flash(str(error), "danger")
                return _start_page(session, process, dialog, form, status=error.status, fresh=True)
            else:
                told = _("%(process)s has begun: %(code)s.", process=process.name, code=begun["code"])
                return done(begun["address"], told)
        return _start_page(session, process, dialog, form, status=422)

    @page("/<instance_id>")
    def instance(self, instance_id: str) -> Any:
        return instance_page(row_id(instance_id))

    @page("/<instance_id>/dung", "POST", right="edit")
    def cancel(self, instance_id: str) -> Any:
        reason = request.form.get("reason", "")
        return _verb(
            instance_id, lambda *at: services.cancel_instance(*at, by=edge.actor(), reason=reason),
            lambda code: _("%(code)s has been called off.", code=code),
        )  # fmt: skip

    @page("/<instance_id>/tam-dung", "POST", right="edit")
    def suspend(self, instance_id: str) -> Any:
        reason = request.form.get("reason", "")
        return _verb(
            instance_id, lambda *at: services.suspend_instance(*at, by=edge.actor(), reason=reason),
            lambda code: _("%(code)s is paused.", code=code),
        )  # fmt: skip

    @page("/<instance_id>/chay-tiep", "POST", right="edit")
    def resume(self, instance_id: str) -> Any:
        return _verb(
            instance_id, lambda *at: services.resume_instance(*at, by=edge.actor()),
            lambda code: _("%(code)s goes on.", code=code),
        )  # fmt: skip

    @page("/<instance_id>/go-vuong", "POST", right="approve")
    def lead(self, instance_id: str) -> Any:
        """A stopped branch tries again (no way chosen), or goes on by the way that was chosen; a value is corrected
        before that, if one was typed."""
        return _verb(instance_id, _lead_on, lambda code: _("%(code)s goes on.", code=code))

    @page("/<instance_id>/chuyen-buoc", "POST", right="approve")
    def move(self, instance_id: str) -> Any:
        asked = request.form
        to, reason = asked.get("to", ""), asked.get("reason", "")
        return _verb(
            instance_id,
            lambda session, number: services.move_branch(
                session, number, to, token=row_id(asked.get("token", "")), by=edge.actor(), reason=reason
            ),
            lambda code: _("The work in %(code)s was put on another step.", code=code),
        )


def _verb(text: str, change: Callable[[Session, int], ProcessInstance], told: Callable[[str], object]) -> Any:
    """A button on the page of an instance: done, once a page, or refused with the reason, and back to the page."""
    number = row_id(text)
    try:
        with edge.transaction() as session:
            code = sent().once(session, lambda session: {"code": change(session, number).code})["code"]
    except PageUsedError as error:
        flash(str(error), "warning")
        return instance_page(number, refused=request.path.rpartition("/")[2], status=error.status)
    except BusinessError as error:
        if isinstance(error, NotFoundError):
            raise
        if not _is_seen(number):
            return refused_onto("/ho-so/", error)
        # Back to the page as it is now, with what was typed where it was typed, and what is wrong beside it.
        if not error.fields:
            flash(str(error.message), "danger")
        return instance_page(
            number,
            refused=request.path.rpartition("/")[2],
            problems=error.fields or {"": [error.message]},
            status=error.status,
        )
    return done(links.instance_path(number), told(code))


def _is_seen(number: int) -> bool:
    mine = select(ProcessInstance.id).where(ProcessInstance.id == number, visible(ProcessInstance, edge.actor()))
    return db.session().scalar(mine) is not None


def _lead_on(session: Session, number: int) -> ProcessInstance:
    actor, asked = edge.actor(), request.form
    reason, flow, key = asked.get("reason", ""), asked.get("flow", ""), asked.get("value_key", "").strip()
    if asked.get("clock"):
        return services.retry_clock(session, number, row_id(asked["clock"]), by=actor, reason=reason)
    token = row_id(asked.get("token", ""))
    if key:
        instance = get_visible(session, ProcessInstance, number, actor, "approve")
        values = {key: meant(session, instance, key, asked.get("value", ""), by=actor)}
        services.correct_values(session, number, values, by=actor, reason=reason)
    if flow:
        return services.lead_branch(session, number, token, flow, by=actor, reason=reason)
    return services.retry_branch(session, number, token, by=actor, reason=reason)


def _prefilled(dialog: StartDialog) -> StartDialog:
    """Coming from a customer's page, he is already chosen."""
    text = request.args.get("khach", "")
    if text.isascii() and text.isdigit() and len(text) <= 10:
        dialog.customer_id.data = int(text)
    return dialog


def _begin(process_id: int, dialog: StartDialog, form: AnswerForm | None, form_id: int | None) -> dict[str, Any]:
    """Start it, once a page: a second click leads to the same instance. Returns where to go on, and its code.

    Raises PageUsedError when this page has begun something else already.
    """
    actor = edge.actor()

    def start(session: Session) -> dict[str, Any]:
        instance = services.start_instance(
            session,
            session.get_one(Process, process_id),
            by=actor,
            customer=_customer(session, dialog),
            answers=form.answers if form is not None else None,
            answered_form_id=form_id,
        )
        # Straight to the form in front of him, when the first step is one that he may do.
        begun = task_queries.of_owner(session, OWNER, instance.id)
        first = next((task for task in begun if task_queries.may(session, task.id, edge.actor(), "edit")), None)
        address = links.task_path(first.id) if first is not None else links.instance_path(instance.id)
        return {"address": address, "code": instance.code}

    with edge.transaction() as session:
        return sent("/ho-so/bat-dau", process_id).once(session, start)


def _start_page(
    session: Session,
    process: Process | None,
    dialog: StartDialog,
    form: AnswerForm | None,
    *,
    status: int = 200,
    fresh: bool = False,
) -> Any:
    """`fresh`: what the page began before stays; another start is another one."""
    actor = edge.actor()
    above: list[tuple[object, str]] = [(_("Process files"), "/ho-so/")]
    if process is not None:
        above.append((_("Start a process"), "/ho-so/bat-dau"))
    chosen = dialog.customer_id.data
    card = None
    if chosen is not None and 0 < chosen <= LARGEST_ID:
        card = customer_cards(session, {chosen}, actor).get(chosen)
    duplicates = []
    if dialog.new_phone.data and "\0" not in dialog.new_phone.data:
        duplicates = [
            {
                "id": one.customer_id,
                "name": one.name,
                "hint": one.code or "",
                "url": links.customer_path(one.customer_id) if one.customer_id else None,
            }
            for one in with_phone(session, dialog.new_phone.data, who=actor)
        ]
    return show(
        "processes/start.html",
        status,
        crumbs=trail(*above, here=_("Start a process") if process is None else process.name),
        choices=[
            {
                "url": f"/ho-so/bat-dau/{one.code}",
                "name": one.name,
                "about": "",
                "sign": "route",
                "current": one is process,
            }
            for one in session.scalars(queries.startable(actor)).unique()
        ],
        process=None if process is None else _about(session, process),
        form=form,
        lookups={"customer": "/tim/khach-hang"},
        customer={"id": card.id, "text": card.name} if card else None,
        customer_problem=next(iter(dialog.customer_id.errors), ""),
        new_name=dialog.new_name.data or "",
        new_phone=dialog.new_phone.data or "",
        new_reason=dialog.new_reason.data or "",
        new_reason_problem=next(iter(dialog.new_reason.errors), ""),
        new_name_problem=next(iter(dialog.new_name.errors), ""),
        new_phone_problem=next(iter(dialog.new_phone.errors), ""),
        may_add_customer=actor.may("add", "Customer"),
        duplicates=duplicates,
        action=request.path,
        key=(None if fresh else request.form.get("key")) or fresh_key(),
    )


def _about(session: Session, process: Process) -> dict[str, Any]:
    """What starting it sets in motion."""
    version, _form = services.start_version(session, process)
    definition = queries.definition_of(version)
    first = definition.steps[0] if definition.steps else None
    due = first.task.due if first is not None and first.task is not None else None
    promise = ""
    if first is not None and due is not None:
        promise = _("%(step)s: within %(time)s of working time", step=first.title, time=str(length_text(due)))
    return {
        "name": process.name,
        "about": "",
        "code": process.code,
        "first_step": first.title if first else "",
        "promise": promise,
    }


def _customer(session: Session, dialog: StartDialog) -> Customer | None:
    """The customer chosen or newly added; none is fine. Raises InvalidInputError beside the dialog's fields."""
    actor = edge.actor()
    if dialog.new_name.data or dialog.new_phone.data:
        try:
            return create_customer(
                session, by=actor, name=dialog.new_name.data or "", phone=dialog.new_phone.data,
                duplicate_reason=dialog.new_reason.data,
            )  # fmt: skip
        except InvalidInputError as error:
            beside = {"name": "new_name", "phone": "new_phone", "duplicate_reason": "new_reason"}
            raise InvalidInputError(
                fields={beside.get(key, key): told for key, told in error.fields.items()}
            ) from error
    if dialog.customer_id.data is None:
        raise InvalidInputError(fields={"customer_id": [_("Please choose a customer, or add a new one.")]})
    try:
        return get_visible(session, Customer, dialog.customer_id.data, actor)
    except NotFoundError:
        raise InvalidInputError(fields={"customer_id": [_("This customer is not there.")]}) from None


def _asked_about(dialog: StartDialog) -> int | None:
    """The customer whose record a start form begins with, and keeps what stands fast: as it will be started."""
    if request.method == "GET":
        return about_customer.chosen(request.args.get("khach"))
    is_new = bool(dialog.new_name.data or dialog.new_phone.data)
    chosen = dialog.customer_id.data
    return chosen if not is_new and chosen is not None and 0 < chosen <= LARGEST_ID else None


def _beside(dialog: StartDialog, form: AnswerForm | None, error: InvalidInputError) -> None:
    for key, told in error.fields.items():
        if key in dialog:
            dialog[key].errors = [*dialog[key].errors, *map(str, told)]
    if form is not None:
        form.refuse(error.fields)
