"""Processes and their instances for programs: draw and publish, start, follow, call off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Response
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, lazyload

from app.core import edge
from app.core.access import Actor, get_visible, visible
from app.core.api import (
    Api,
    equals,
    flag,
    id_is,
    listing,
    moment,
    names_contain,
    state_is,
    usernames,
    verb,
)
from app.core.db import db
from app.core.errors import InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.leases import LeaseState
from app.core.own_reasons import reason_told
from app.core.schema import free_object, maybe, record, text, whole_number
from app.customers import queries as customers
from app.customers import search
from app.customers.models import Customer
from app.forms import about_customer
from app.forms.queries import context_for, json_schema
from app.forms.services import parse_answers
from app.processes import drawing, family, messages, queries, services, several, stopped, store, timers
from app.processes.calls_shown import calls_in
from app.processes.engine.bpmn import MAX_BYTES
from app.processes.engine.graph import Definition
from app.processes.engine.problems import Problem
from app.processes.engine.state import InstanceStatus, State
from app.processes.models import (
    OWNER,
    Process,
    ProcessCall,
    ProcessEvent,
    ProcessInstance,
    ProcessVersion,
    VersionState,
)
from app.security.models import Member
from app.tasks import queries as tasks
from app.tasks.models import Task

XML = "application/xml"
EVENTS_PAGE = 100

_NEW = record(required=("code", "name"), code=text(60), name=text())
_DRAWING = {"type": "string", "description": "BPMN 2.0 in UTF-8, with or without a diagram; extensions in docs/api.md"}
_START = record(
    required=("process",),
    process=text(),
    customer_id=maybe(whole_number()),
    data=maybe(free_object("Answers to the start form; without one, plain values by key")),
)
_CANCEL = record(required=("reason",), reason=text(10_000))
_RETRY = record(required=("reason",), token=maybe(whole_number()), timer=maybe(whole_number()), reason=text(10_000))
_LEAD = record(required=("token", "flow", "reason"), token=whole_number(), flow=text(120), reason=text(10_000))
_MOVE = record(
    required=("from", "to", "reason"), **{"from": text(120)}, to=text(120), token=maybe(whole_number()),
    reason=text(10_000),
)  # fmt: skip
_VALUES = record(
    required=("values", "reason"), values=free_object("Values by key, of one step as step.key"), reason=text(10_000)
)
_ORDERS = {"name": Process.name, "code": Process.code, "id": Process.id, "created_at": Process.created_at}
_INSTANCE_ORDERS = {
    "id": ProcessInstance.id,
    "code": ProcessInstance.code,
    "started_at": ProcessInstance.started_at,
    "ended_at": ProcessInstance.ended_at,
}
_INITIATOR_ONLY = joinedload(ProcessInstance.initiator).options(lazyload(Member.memberships))
_VERSION = joinedload(ProcessInstance.version)


class ProcessApi(Api):
    """A draft is replaced as often as one likes; what is published does not change, and instances keep theirs."""

    resource_name = "processes"
    resource = "Process"

    @verb("/", "GET", "Processes", query=listing(_ORDERS, q="words of name and code, accents or none", code="exactly"))
    def index(self) -> dict[str, Any]:
        return self.page(
            select(Process).where(visible(Process, edge.actor())),
            show_all=_rows,
            orders=_ORDERS,
            default_order="name",
            filters={"q": names_contain(Process.id, Process.name, Process.code), "code": equals(Process.code)},
            key=Process.id,
        )

    @verb("/", "POST", "A new process without a drawing", right="add", body=_NEW, status=201)
    def post(self) -> dict[str, Any]:
        body = self.read()

        def create(session: Session) -> dict[str, Any]:
            process = drawing.create_process(session, code=body["code"], name=body["name"], by=edge.actor())
            return _whole(session, process)

        return self.write(create)

    @verb("/<code>", "GET", "One process with the JSON Schema of its start form")
    def get(self, code: str) -> dict[str, Any]:
        session = db.session()
        return _whole(session, queries.visible_process(session, code, edge.actor()))

    @verb("/<code>/draft", "PUT", "Keep the drawing; it may have problems", right="edit", body=_DRAWING, media=XML)
    def put_draft(self, code: str) -> dict[str, Any]:
        xml = self.xml_sent(MAX_BYTES)

        def keep(session: Session) -> dict[str, Any]:
            actor = edge.actor()
            process = queries.visible_process(session, code, actor, "edit")
            drawing.save_draft(session, process, xml, by=actor)
            return _whole(session, process)

        return self.write(keep)

    @verb("/<code>/publish", "POST", "The draft becomes the version on which new instances start", right="approve")
    def publish(self, code: str) -> dict[str, Any]:
        def publish(session: Session) -> dict[str, Any]:
            actor = edge.actor()
            process = queries.visible_process(session, code, actor, "approve")
            version, warnings = drawing.publish_process(session, process, by=actor)
            return {"code": code, "version": version.number, "warnings": _problems(warnings)}

        return self.write(publish)

    @verb("/<code>/versions/<number>/bpmn", "GET", "The drawing as it was sent; drafts for those who draw", answers=XML)
    def bpmn(self, code: str, number: str) -> Response:
        session, actor = db.session(), edge.actor()
        process = queries.visible_process(session, code, actor)
        version = queries.version_numbered(session, process.id, self.id(number))
        if version.state is VersionState.draft and not queries.may(session, process, actor, "edit"):
            raise NotFoundError
        response = Response(version.bpmn, mimetype=XML)
        response.headers["Content-Disposition"] = f'attachment; filename="{process.code}-v{version.number}.bpmn"'
        return response


class InstanceApi(Api):
    """Whoever sees an instance sees every open task in it: its name, who has it, until when."""

    resource_name = "instances"
    resource = "Instance"

    @verb(
        "/",
        "GET",
        "Runs of processes, the newest first",
        query=listing(
            _INSTANCE_ORDERS,
            status=f"one of {', '.join(InstanceStatus)}",
            process="process code",
            customer="customer id",
            parent="id of the run that called them",
            code="exactly",
            q="words of the customer, as in customers",
            stuck="1: cannot go on by itself, or nobody is there for some work in it",
        ),
    )
    def index(self) -> dict[str, Any]:
        actor = edge.actor()

        def of_customer(rows: Select[Any], typed: str) -> Select[Any]:
            found = select(Customer.id).where(search.search(typed, actor), customers.header_visible(actor))
            return rows.where(ProcessInstance.customer_id.in_(found))

        return self.page(
            select(ProcessInstance).where(visible(ProcessInstance, actor)),
            show_all=_instances,
            orders=_INSTANCE_ORDERS,
            default_order="-id",
            filters={
                "status": state_is(ProcessInstance.status, InstanceStatus),
                "process": _of_process,
                "customer": id_is(ProcessInstance.customer_id),
                "parent": lambda rows, text: id_is(ProcessCall.parent_id)(
                    rows.join(ProcessCall, ProcessCall.child_id == ProcessInstance.id), text
                ),
                "code": equals(ProcessInstance.code),
                "q": of_customer,
                "stuck": lambda rows, text: flag(rows, text, queries.is_stuck()),
            },
            key=ProcessInstance.id,
            load=(_VERSION, _INITIATOR_ONLY),
        )

    @verb("/<id>", "GET", "One run with its open tasks")
    def get(self, id: str) -> dict[str, Any]:
        return _instances([self._instance(id)])[0]

    @verb("/", "POST", "Start a process, for a customer or for none", right="add", body=_START, status=201)
    def post(self) -> dict[str, Any]:
        body, session, actor = self.read(), db.session(), edge.actor()
        data, customer_id = body.get("data") or {}, body.get("customer_id")
        process = queries.visible_process(session, body["process"], actor)
        if customer_id is not None:
            get_visible(session, Customer, customer_id, actor)
        form = services.start_version(session, process)[1]
        answers = None
        if form is not None:
            answers = parse_answers(form, data, context=about_customer.context_for(session, form, customer_id, actor))
        form_id = form.id if form else None

        def start(inside: Session) -> dict[str, Any]:
            process = queries.visible_process(inside, body["process"], actor)
            customer = None if customer_id is None else get_visible(inside, Customer, customer_id, actor)
            instance = services.start_instance(
                inside,
                process,
                by=actor,
                customer=customer,
                data=data if answers is None else None,
                answers=answers,
                answered_form_id=form_id,
            )
            return _instances([instance])[0]

        return self.write(start)

    @verb(
        "/<id>/events",
        "GET",
        "What happened in it, in order",
        query=listing(["seq"], kind="exactly", node="BPMN element id"),
    )
    def events(self, id: str) -> dict[str, Any]:
        return self.page(
            queries.events(self._instance(id).id),
            show_all=_events,
            orders={"seq": ProcessEvent.seq},
            default_order="seq",
            filters={"kind": equals(ProcessEvent.kind), "node": equals(ProcessEvent.node)},
            key=ProcessEvent.id,
            page_size=EVENTS_PAGE,
        )

    @verb("/<id>/cancel", "POST", "Call it off: its open tasks are cancelled", right="edit", body=_CANCEL)
    def cancel(self, id: str) -> dict[str, Any]:
        instance_id, body = self.id(id), self.read()

        def cancel(session: Session) -> dict[str, Any]:
            instance = services.cancel_instance(session, instance_id, by=edge.actor(), reason=body["reason"])
            return _instances([instance])[0]

        return self.write(cancel)

    @verb("/<id>/suspend", "POST", "Put it aside: nothing is finished, no clock strikes", right="edit", body=_CANCEL)
    def suspend(self, id: str) -> dict[str, Any]:
        body = self.read()
        return self._lead(id, lambda one, at, by: services.suspend_instance(one, at, reason=body["reason"], by=by))

    @verb("/<id>/resume", "POST", "Let it go on where it was", right="edit")
    def resume(self, id: str) -> dict[str, Any]:
        return self._lead(id, lambda one, at, by: services.resume_instance(one, at, by=by))

    @verb(
        "/<id>/retry",
        "POST",
        "Let a stopped branch (token), or a clock that was given up (timer), try again",
        right="approve",
        body=_RETRY,
    )
    def retry(self, id: str) -> dict[str, Any]:
        body = self.read()
        token, number, reason = body.get("token"), body.get("timer"), body["reason"]
        if number is not None:
            return self._lead(id, lambda one, at, by: services.retry_clock(one, at, number, reason=reason, by=by))
        if token is None:
            raise InvalidInputError(fields={"token": [_("Say which branch, or which clock.")]})
        return self._lead(id, lambda one, at, by: services.retry_branch(one, at, token, reason=reason, by=by))

    @verb("/<id>/lead", "POST", "Lead a stopped branch on by one of its ways", right="approve", body=_LEAD)
    def lead(self, id: str) -> dict[str, Any]:
        body = self.read()
        return self._lead(
            id,
            lambda one, at, by: services.lead_branch(
                one, at, body["token"], body["flow"], reason=body["reason"], by=by
            ),
        )

    @verb("/<id>/move", "POST", "Put the work on another step by hand", right="approve", body=_MOVE)
    def move(self, id: str) -> dict[str, Any]:
        body = self.read()
        return self._lead(
            id,
            lambda one, at, by: services.move_branch(
                one, at, body["to"], at=body["from"], token=body.get("token"), reason=body["reason"], by=by
            ),
        )

    @verb("/<id>/values", "POST", "Correct values that were answered", right="approve", body=_VALUES)
    def values(self, id: str) -> dict[str, Any]:
        body = self.read()
        return self._lead(
            id, lambda one, at, by: services.correct_values(one, at, body["values"], reason=body["reason"], by=by)
        )

    def _lead(self, id: str, change: Callable[[Session, int, Actor], ProcessInstance]) -> dict[str, Any]:
        instance_id = self.id(id)
        return self.write(lambda session: _instances([change(session, instance_id, edge.actor())])[0])

    def _instance(self, text: str) -> ProcessInstance:
        return get_visible(db.session(), ProcessInstance, self.id(text), edge.actor())


def _of_process(rows: Select[Any], code: str) -> Select[Any]:
    versions = select(ProcessVersion.id).join(ProcessVersion.process).where(Process.code == code)
    return rows.where(ProcessInstance.version_id.in_(versions))


# ── as the interface writes it ──


def _problems(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"element": one.element, "code": one.code, "message": str(one.message)} for one in problems]


def _rows(processes: Sequence[Process]) -> list[dict[str, Any]]:
    ids = [process.id for process in processes]
    rows = select(ProcessVersion.process_id, ProcessVersion.state, ProcessVersion.number).where(
        ProcessVersion.process_id.in_(ids), ProcessVersion.state != VersionState.archived
    )
    numbers = {(row.process_id, row.state): row.number for row in db.session().execute(rows)}
    return [
        {
            "id": process.id,
            "code": process.code,
            "name": process.name,
            "active_version": numbers.get((process.id, VersionState.published)),
            "has_draft": (process.id, VersionState.draft) in numbers,
            "created_at": moment(process.created_at),
            "updated_at": moment(process.updated_at),
        }
        for process in processes
    ]


def _whole(session: Session, process: Process) -> dict[str, Any]:
    """With the draft and what keeps it from being published, for whoever may draw."""
    shown = {**_rows([process])[0], "start_form": None}
    version = queries.active_version(session, process.id)
    if version is not None:  # of a retired one too: it can be read and drawn anew before it is used again
        form = services.start_form(session, version)
        shown["start_form"] = json_schema(form, context=context_for(session, edge.actor())) if form else None
    if queries.may(session, process, edge.actor(), "edit"):
        draft = queries.draft_of(session, process.id)
        shown["draft"] = draft and {
            "version": draft.number,
            "rev": draft.rev,
            "problems": _problems(drawing.check_draft(session, draft)[1]),
        }
    return shown


def _instances(found: Sequence[ProcessInstance]) -> list[dict[str, Any]]:
    """`assignee` and `initiator` are user names; `children` are the newest, `children_count` how many there are."""
    definitions = {one.id: queries.definition_of(one.version) for one in found}
    several_asked = {number: one for number, one in definitions.items() if any(node.many for node in one.steps)}
    stand = [one.id for one in found if one.incident or (one.ended_at is None and one.id in several_asked)]
    branches = store.branches_of(db.session(), stand) if stand else {}
    asking = {number: branches[number] for number in several_asked if number in branches}
    asking = {number: state for number, state in asking.items() if state.gatherings}
    work = tasks.told_of_owners(db.session(), OWNER, list(definitions), list(asking))
    open_tasks = {
        number: [
            {
                "id": task.id,
                "step": task.step,
                "name": task.name,
                "assignee": task.assignee.user.username if task.assignee else None,
                "due_at": moment(task.due_at),
            }
            for task in some
            if task.is_open
        ]
        for number, some in work.items()
    }
    kin = family.kin_of(db.session(), [one.id for one in found], edge.actor())
    running: dict[int, list[dict[str, Any]]] = {}
    timed = [number for number, one in definitions.items() if one.has_clocks]
    for timer in timers.running_in(db.session(), timed) if timed else ():
        running.setdefault(timer.instance_id or 0, []).append(
            {
                "timer": timer.number,
                "node": timer.node,
                "due_at": moment(timer.due_at),
                "failed": timer.status is LeaseState.dead,
                "reason": str(stopped.clock_said(timer)) or None if timer.status is LeaseState.dead else None,
            }
        )
    awaited: dict[int, list[dict[str, Any]]] = {}
    listening = [number for number, one in definitions.items() if one.has_messages]
    for waiting in messages.waited_for_in(db.session(), listening) if listening else ():
        told = {"node": waiting.node, "name": waiting.name, "key": waiting.key}
        awaited.setdefault(waiting.instance_id or 0, []).append(told)
    asked = _asked(definitions, asking, work)
    stops = stopped.stops_of_each(db.session(), found, branches)
    calls = calls_in(db.session(), found)
    return [
        {
            "id": one.id,
            "code": one.code,
            "process": one.version.process.code,
            "version": one.version.number,
            "status": one.status,
            "customer_id": one.customer_id,
            "initiator": one.initiator.user.username,
            "started_at": moment(one.started_at),
            "ended_at": moment(one.ended_at),
            "open_tasks": open_tasks.get(one.id, []),
            "timers": running.get(one.id, []),
            "messages": awaited.get(one.id, []),
            "calls": [
                {
                    "node": call.node,
                    "receiver": call.receiver,
                    "state": call.state,
                    "tries": call.tries,
                    "tries_left": call.tries_left,
                    "again_at": moment(call.again_at),
                    "reason": call.reason or None,
                    "key": call.key,
                }
                for call in calls.get(one.id, ())
            ],
            "asked": asked.get(one.id, []),
            "parent": next(iter(_briefly(kin[one.id].caller)), None),
            "children": _briefly(kin[one.id].called),
            "children_count": kin[one.id].count,
            "incidents": [
                {
                    "token": stop.token,
                    "node": stop.node,
                    "code": stop.code,
                    "message": str(stop.sentence),
                    "reason": stop.reason or None,
                    "since": moment(stop.since),
                    "advice": str(stop.advice),
                    "ways": [way for way, _name in stop.ways],
                }
                for stop in stops.get(one.id, ())
            ],
        }
        for one in found
    ]


def _briefly(kin: Sequence[family.Relative]) -> list[dict[str, Any]]:
    return [{"id": one.id, "code": one.code, "process": one.process_code, "status": one.status} for one in kin]


def _asked(
    definitions: Mapping[int, Definition], branches: Mapping[int, State], work: Mapping[int, Sequence[Task]]
) -> dict[int, list[dict[str, Any]]]:
    """Where several are asked just now, by instance: who or what, and what has been answered."""
    session = db.session()
    found: dict[int, list[dict[str, Any]]] = {}
    _people = several.load_people(session, [(definitions[number], state) for number, state in branches.items()])
    for number, state in branches.items():
        for asked in several.asked_now(session, definitions[number], state, work.get(number, [])):
            elements = [
                {"element": each.element, "open": each.is_open, "answered_at": moment(each.at), "outcome": each.code}
                for each in asked.elements
            ]
            found.setdefault(number, []).append({"step": asked.node, "needed": asked.needed, "elements": elements})
    return found


def _events(found: Sequence[ProcessEvent]) -> list[dict[str, Any]]:
    """`actor` is a user name, null for the system; `reason` what somebody gave as one, or why it stopped."""
    names = usernames(event.actor_id for event in found)
    return [
        {
            "seq": event.seq,
            "kind": event.kind,
            "node": event.node,
            "at": moment(event.at),
            "actor": names.get(event.actor_id),
            "task_id": event.task_id,
            "outcome": event.body.get("outcome") or None,
            "reason": reason_told(event.body.get("reason") or "") or None,
        }
        for event in found
    ]
