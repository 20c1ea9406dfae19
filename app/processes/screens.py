"""Which process files are there at all, in one table: narrowed and ordered?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import get_template_attribute, redirect, request
from sqlalchemy import Select, func, or_, select

from app.core import clock, links
from app.core.access import Actor, visible
from app.core.db import db, row_id
from app.core.i18n import _
from app.core.screens import Derived, Interface, Kind, Preset, Screen, route
from app.core.screens.listing import Asked
from app.core.screens.records import NextAction
from app.customers import columns as customer_columns
from app.customers.search import found_ids
from app.processes import queries
from app.processes.engine.state import FINAL, InstanceStatus
from app.processes.models import OWNER, Process, ProcessInstance, ProcessVersion
from app.processes.shown import STATUS_LABELS
from app.security import columns as people_columns
from app.tasks import queries as task_queries
from app.tasks.models import Task

#: parts of a condition that nothing fulfils but what is not over
_RUNNING_ONLY = {f"status = '{status}'" for status in InstanceStatus if status not in FINAL}

_process = (
    select(Process.name).join(ProcessVersion, ProcessVersion.process_id == Process.id)
    .where(ProcessVersion.id == ProcessInstance.version_id).correlate(ProcessInstance).scalar_subquery()
)  # fmt: skip
_open = (
    select(Task.id, Task.name)
    .where(Task.owner_type == OWNER, Task.owner_id == ProcessInstance.id, task_queries.is_open())
    .correlate(ProcessInstance)
)  # fmt: skip
_open_tasks = _open.with_only_columns(func.count(Task.id)).scalar_subquery()
_open_names = _open.order_by(*task_queries.BY_DUE).subquery()
_now_at = select(func.aggregate_strings(_open_names.c.name, ", ")).scalar_subquery()


def _tasks_of(instance: ProcessInstance) -> Select[int]:
    return select(Task.id).where(Task.owner_type == OWNER, Task.owner_id == instance.id)


def _status(status: InstanceStatus | str | None) -> Any:
    if status is None:
        return ""
    return get_template_attribute("processes/_cells.html", "status_of")(status, STATUS_LABELS[InstanceStatus(status)])


class InstanceScreen(Screen):
    """/ho-so/bang: all process files that one may see. The page of each is its own, and nothing is changed here."""

    resource = "Instance"
    collection = "instances"
    datamodel = Interface(ProcessInstance)
    empty_text = _("No process file yet. Start a process when a customer needs something that takes several steps.")
    empty_art = "folder"
    route_base = "/ho-so/bang"
    list_template = "processes/table.html"
    list_title = _("All process files")
    show_title = _("Process file")
    title_column = "code"
    list_columns = ["code", "process", "customer", "status", "initiator", "team", "started_at", "open_tasks"]
    more_columns = ["now_at", "is_stuck", "customer_code", "ended_at"]
    show_columns = ["status", "started_at", "ended_at"]
    panel_columns = ("now_at", "customer", "process", "status", "initiator", "team", "started_at", "ended_at")
    fact_links: ClassVar[Mapping[str, Any]] = {"customer": lambda instance: links.customer_path(instance.customer_id)}
    order_columns = ["code", "process", "status", "initiator", "team", "started_at", "ended_at"]
    search_columns = [
        "code", "process", "customer", "customer_code", "status", "initiator", "team", "started_at", "ended_at",
        "open_tasks", "now_at", "is_stuck",
    ]  # fmt: skip
    derived = {
        "process": Derived(Kind.text, _process),
        "customer": customer_columns.name(ProcessInstance.customer_id),
        "customer_code": customer_columns.code(ProcessInstance.customer_id),
        "status": Derived(Kind.choice, ProcessInstance.status, show=_status),
        "initiator": people_columns.person(ProcessInstance.initiator_id),
        "team": people_columns.team(ProcessInstance.team_id),
        "is_stuck": Derived(Kind.yes_no, queries.is_stuck()),
        "open_tasks": Derived(Kind.number, _open_tasks),
        "now_at": Derived(Kind.text, _now_at),
    }
    # Ids are given in the order in which process files begin and get their codes, and come with an index.
    order_keys = {"code": ProcessInstance.id, "started_at": ProcessInstance.id}
    base_order = ("started_at", "desc")
    presets = (
        Preset(_("Running"), "status = 'running'"),
        Preset(_("Begun by me"), "status = 'running' and initiator = me()"),
        Preset(_("Cannot go on"), "is_stuck = true"),
        Preset(_("Completed"), "status = 'completed'"),
        Preset(_("Failed"), "status = 'failed'"),
        Preset(_("Called off"), "status = 'cancelled'"),
        Preset(_("All")),
    )
    choice_labels: ClassVar[Mapping[str, Mapping[Any, Any]]] = {"status": STATUS_LABELS}
    label_columns = {
        "code": _("Code"),
        "process": _("Process"),
        "customer": _("Customer"),
        "customer_code": _("Customer code"),
        "status": _("State"),
        "initiator": _("Begun by"),
        "team": _("Team"),
        "started_at": _("Opened"),
        "ended_at": _("Ended"),
        "open_tasks": _("Open tasks"),
        "now_at": _("Now at"),
        "is_stuck": _("Cannot go on"),
    }

    def row_url(self, item: Any) -> str:
        return links.instance_path(item.id)

    def search_as(self, who: Actor, rows: Select[Any], text: str) -> Select[Any]:
        """By code, by words of the process, and by all by which a customer of his is found."""
        named = ProcessInstance.code.icontains(text, autoescape=True) | ProcessInstance.version_id.in_(
            queries.versions_named(db.session(), text)
        )
        return rows.where(or_(named, ProcessInstance.customer_id.in_(found_ids(text, who))))

    def _listed(self, rows: Select[Any], asked: Asked, who: Actor) -> Select[Any]:
        rows = super()._listed(rows, asked, who)
        if asked.where is not None and any(part.text in _RUNNING_ONLY for part in asked.where.parts()):
            rows = rows.where(ProcessInstance.ended_at.is_(None))  # what the partial index on running ones says
        return rows

    def state(self, item: ProcessInstance) -> tuple[str, Any] | None:
        status = InstanceStatus(item.status)
        if status in FINAL:
            return "late" if status is InstanceStatus.failed else "done", STATUS_LABELS[status]
        late = task_queries.overdue(clock.now())
        is_late = db.session().scalar(_tasks_of(item).where(late).limit(1)) is not None
        return ("late", _("Overdue")) if is_late else ("open", STATUS_LABELS[status])

    def next_action(self, item: ProcessInstance, who: Actor) -> NextAction | None:
        """To go to the work in it that is his, or that he could take."""
        his = _tasks_of(item).where(visible(Task, who), task_queries.is_for(who), task_queries.is_open())
        number = db.session().scalar(his.order_by(*task_queries.BY_DUE).limit(1))
        return NextAction(_("Go to the task"), links.task_path(number), "arrow-right") if number else None

    @route("/show/<pk>", right="view")
    def show(self, pk: str) -> Any:
        """A process file has a page of its own; its change history stands on the generated one."""
        return super().show(pk) if "tab" in request.args else redirect(links.instance_path(row_id(pk)))
