"""One instance of a process: where it stands, who has it, what it waits for, what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.comments import shown as conversation
from app.comments.services import kind_named
from app.core import clock, edge, links
from app.core.access import Actor, get_visible, visible
from app.core.db import db
from app.core.finding import record_key
from app.core.i18n import _, ngettext
from app.core.leases import LeaseState
from app.core.own_reasons import is_own, reason_told
from app.core.pages import show, trail
from app.core.sent_once import fresh_key
from app.customers.queries import customer_cards
from app.processes import family, messages, queries, services, several, shown, stopped, store, timers
from app.processes.calls_shown import calls_in
from app.processes.engine.graph import Definition
from app.processes.engine.state import InstanceStatus
from app.processes.models import OWNER, ProcessEvent, ProcessInstance, ProcessTimer
from app.processes.shown import MOST
from app.security import queries as people
from app.tasks import queries as task_queries
from app.tasks.models import Task
from app.tasks.rules import OUTCOME_DONE, lateness
from app.tasks.shown import comments_shown, rows_of


def instance_page(
    instance_id: int, *, refused: str = "", problems: Mapping[str, Sequence[object]] | None = None, status: int = 200
) -> Any:
    """`refused`: the last part of the address of the button that was refused; what was typed there stands there
    still, with the `problems` beside its fields."""
    actor, session, now = edge.actor(), db.session(), clock.now()
    get_visible(session, ProcessInstance, instance_id, actor)
    instance = (
        session.scalars(queries.with_people(select(ProcessInstance).where(ProcessInstance.id == instance_id)))
        .unique()
        .one()
    )
    tasks, been = shown.newest_work(session, instance)
    open_tasks = sorted((task for task in tasks if task.is_open), key=lambda task: (task.due_at is None, task.due_at))
    open_tasks = open_tasks[:MOST]
    asked = select(Task.id, task_queries.is_orphan().label("is_orphan")).where(
        Task.id.in_([task.id for task in open_tasks]), visible(Task, actor)
    )
    openable = {row[0]: bool(row[1]) for row in session.execute(asked)}
    card = customer_cards(session, {instance.customer_id} if instance.customer_id else (), actor).get(
        instance.customer_id or 0
    )
    answered, older_answers = shown.answered_work(session, instance, tasks, _number("phieu"))
    answers = shown.answers_shown(session, instance, answered, actor, with_start=not older_answers)
    work = [
        {
            **row,
            "url": row["url"] if row["id"] in openable else None,
            "mine": task.assignee_id == actor.user_id,
            "orphan": stopped.orphan_said(task) if openable.get(row["id"], False) else "",
            "claim_url": row["claim_url"] if row["id"] in openable else None,
        }
        for row, task in zip(rows_of(session, open_tasks, actor), open_tasks, strict=True)
    ]
    path = links.instance_path(instance.id)
    may_cancel = instance.ended_at is None and session.scalar(
        select(ProcessInstance.id).where(ProcessInstance.id == instance.id, visible(ProcessInstance, actor, "edit"))
    )
    notes = comments_shown(session, [task.id for task in tasks])
    next_task = next((row for row in work if row["url"] and (row["mine"] or row["claim_url"])), None)
    definition = queries.definition_of(instance.version)
    events, oldest = _events(session, instance, notes)
    may_lead = _may_lead(session, instance, actor)
    resting = [one for one in store.tokens_of(session, instance.id) if not one.outer] if may_lead else []
    clocks = _clocks(timers.running_in(session, [instance.id]), definition)
    stops = stopped.stops(session, instance) if instance.incident else []
    verbs = {
        "cancel": f"{path}/dung" if may_cancel else None,
        "suspend": f"{path}/tam-dung" if may_cancel and instance.status is InstanceStatus.running else None,
        "resume": f"{path}/chay-tiep" if may_cancel and instance.status is InstanceStatus.suspended else None,
        "lead": f"{path}/go-vuong" if instance.incident and may_lead else None,
        "move": f"{path}/chuyen-buoc" if resting else None,
    }
    typed = {**request.form, "verb": refused} if refused else {}
    return show(
        "processes/instance.html",
        status,
        typed=typed,
        wrong=_wrong(problems or {}),
        left_over=_left_over(typed, verbs, stops, clocks),
        key=fresh_key(),
        awaited=shown.awaited(messages.waited_for_in(session, [instance.id]), definition),
        calls=calls_in(session, [instance]).get(instance.id, ()),
        asked=_asked(session, instance, definition),
        **_kin(session, instance, actor),
        clocks=clocks,
        crumbs=trail((_("Process files"), "/ho-so/"), here=instance.code),
        share_url=f"/chia-se/instance/{instance.id}",
        history_url=links.instance_history_path(instance.id),
        record=record_key("Instance", instance.id),
        instance={
            "name": instance.version.process.name,
            "code": instance.code,
            "status": str(instance.status),
            "status_label": shown.STATUS_LABELS[instance.status],
            "lateness": lateness(open_tasks[0], now, actor.time_zone) if open_tasks else None,
            "due_at": open_tasks[0].due_at if open_tasks else None,
            "customer": card.name if card else "",
            "customer_url": links.customer_path(card.id) if card else None,
            "customer_tags": [],
            "opened_at": instance.started_at,
            "initiator": instance.initiator.name,
            "version": instance.version.number,
        },
        stages=[
            {"name": stage.name, "state": stage.state, "note": stage.note}
            for stage in shown.stages_shown(definition, tasks, now, been)
        ],
        work=work,
        work_count=task_queries.count_open_of(session, OWNER, instance.id) if len(work) == MOST else len(work),
        events=events,
        older_events=f"{path}?truoc={oldest}#ls" if oldest else None,
        older_forms=f"{path}?phieu={answered[0].id}#phieu" if older_answers else None,
        key_facts=[],
        forms=[
            {
                "title": answer.step,
                "by": answer.by,
                "at": answer.at,
                "answers": [{"label": label, "value": text} for label, text in answer.rows],
            }
            for answer in answers
            if answer.rows
        ],
        people=_took_part(instance, tasks),
        thread=conversation.thread(session, kind_named("Instance"), instance, actor),
        file_list=[file for note in notes for file in note["files"]],
        primary={"url": next_task["url"], "label": _("Go to the task"), "sign": "arrow-right"} if next_task else None,
        value_keys=sorted(instance.data) if instance.incident else [],
        stops=stops,
        verbs=verbs,
        branches=[(token.id, definition.nodes[token.node].title) for token in resting],
        steps=[(step.id, step.title) for step in definition.steps] if may_lead else [],
    )


def _wrong(problems: Mapping[str, Sequence[object]]) -> dict[str, str]:
    """By the field of the page beside which it stands: reason, token, to, flow; of a key that is none value_key, of
    another one its value. `whole`: what is wrong with no field of its own."""
    beside = {"": "whole", "from": "token", **{key: key for key in ("reason", "token", "to", "flow")}}
    told: dict[str, str] = {}
    for key, sentences in problems.items():
        of_value = "value" if services.ANY_KEY.fullmatch(key) else "value_key"
        told.setdefault(beside.get(key, of_value), " ".join(map(str, sentences)))
    return told


def _left_over(
    typed: Mapping[str, Any], verbs: Mapping[str, Any], stops: Sequence[stopped.Stop], clocks: Sequence[Any]
) -> str:
    """The reason that was typed into a form which is not on the page any more."""
    places = {
        "dung": verbs["cancel"],
        "tam-dung": verbs["suspend"],
        "chuyen-buoc": verbs["move"],
        "go-vuong": verbs["lead"]
        and typed.get("token", "") in {*(str(stop.token) for stop in stops), ""}
        and typed.get("clock", "") in {*(str(one["number"]) for one in clocks if one["failed"]), ""},
    }
    return "" if places.get(typed.get("verb", ""), True) else str(typed.get("reason", ""))


def _may_lead(session: Session, instance: ProcessInstance, actor: Actor) -> bool:
    """Whether he may lead on what cannot go on by itself, and put work on another step."""
    if instance.status is not InstanceStatus.running or not actor.may("approve", "Instance"):
        return False
    allowed = visible(ProcessInstance, actor, "approve")
    return session.scalar(select(ProcessInstance.id).where(ProcessInstance.id == instance.id, allowed)) is not None


def _clocks(running: Sequence[ProcessTimer], definition: Definition) -> list[dict[str, Any]]:
    """What happens by itself, and when: {name, at, step (at whose edge the clock runs, or none), number, held,
    failed, and then said, since, tries}."""
    told = []
    for timer in running:
        node = definition.nodes[timer.node]
        told.append(
            {
                "name": node.title,
                "at": timer.due_at,
                "step": definition.nodes[node.host].title if node.host else None,
                "number": timer.number,
                "held": timer.status is LeaseState.held,
                "failed": timer.status is LeaseState.dead,
                "said": stopped.clock_said(timer),
                "since": timer.failing_since,
                "tries": timer.attempts,
            }
        )
    return told


def _kin(session: Session, instance: ProcessInstance, actor: Actor) -> dict[str, Any]:
    """`caller` and `called`: {code, process, status_label, url} of the run that called this one, and of the newest
    that it called, as far as he sees them; of these `called_count` in all."""
    kin = family.kin_of(session, [instance.id], actor)[instance.id]

    def told(some: Sequence[family.Relative]) -> list[dict[str, Any]]:
        return [
            {"code": one.code, "process": one.process, "status_label": shown.STATUS_LABELS[one.status],
             "url": links.instance_path(one.id)}
            for one in some
        ]  # fmt: skip

    return {"caller": told(kin.caller), "called": told(kin.called), "called_count": kin.count}


def _asked(session: Session, instance: ProcessInstance, definition: Definition) -> list[several.Asked]:
    """Who has answered and who has not, where several are asked; a process without such steps asks nothing of rows."""
    if instance.ended_at is not None or all(node.many is None for node in definition.steps):
        return []
    state = store.load(session, instance)
    tasks = task_queries.of_owner(session, OWNER, instance.id) if state.gatherings else []
    return several.asked_now(session, definition, state, tasks)


def _took_part(instance: ProcessInstance, tasks: list[Task]) -> list[dict[str, Any]]:
    """Everyone whose hands it went through, with what they did."""
    did: dict[str, list[str]] = {instance.initiator.name: [str(_("Began the process"))]}
    for task in tasks:
        who = task.completed_by or task.assignee
        if who is not None:
            did.setdefault(who.name, []).append(task.name)
    return [{"name": name, "note": ", ".join(dict.fromkeys(steps))} for name, steps in did.items()]


_EVENT_ICONS = {
    "instance_started": "player-play",
    "open_task": "arrow-right",
    "close_task": "check",
    "return_task": "arrow-back-up",
    "branch_moved": "arrow-right",
    "incident_settled": "check",
    "migrated": "versions",
    "data_edited": "pencil",
    "instance_suspended": "clock",
    "instance_resumed": "player-play",
    "wait_begun": "clock",
    "timer_fired": "bell",
    "message_taken": "message-2",
    "begin_errand": "player-play",
    "begin_request": "world",
    "values_set": "pencil",
    "many_begun": "users",
    "many_over": "check",
    "step_passed": "arrow-right",
    "call_begun": "player-play",
    "call_over": "check",
    "branch_failed": "alert-triangle",
    "token_cancelled": "x",
    "raise_incident": "alert-triangle",
    "finish_instance": "flag",
}


def _number(name: str) -> int | None:
    """From where on older ones are asked for in the address."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _events(
    session: Session, instance: ProcessInstance, notes: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], int | None]:
    """What happened and what was noted, newest first, as sentences; the engine's inner moves are left out. Then where
    older ones begin, if there are any."""
    before = _number("truoc")
    rows = queries.events(instance.id).where(ProcessEvent.kind.in_(_EVENT_ICONS)).order_by(None)
    rows = rows if before is None else rows.where(ProcessEvent.seq < before)
    found = session.scalars(rows.order_by(ProcessEvent.seq.desc()).limit(MOST + 1)).all()
    oldest = found[MOST - 1].seq if len(found) > MOST else None
    found = found[:MOST]
    if oldest is not None:  # what was noted before that comes with what happened then
        notes = [note for note in notes if note["at"] >= found[-1].at]
    if before is not None:
        notes = [note for note in notes if found and note["at"] < found[0].at]
    hands = {event.actor_id for event in found if event.actor_id is not None}
    names = people.member_names(session, hands)
    told: list[dict[str, Any]] = []
    titles = shown.titles(
        session, instance, {one.node or "" for one in found} | {one.body.get("to", "") for one in found}
    )
    for event in found[::-1]:
        node, to = titles.get(event.node or "", ""), titles.get(event.body.get("to", ""), "")
        who = "Tận Tâm" if event.actor_id is None else names.get(event.actor_id, "")
        sentence = _sentence(event, who, node, to)
        if sentence is not None:
            told.append(
                {
                    "at": event.at,
                    "icon": _EVENT_ICONS.get(event.kind, "point"),
                    "text": sentence,
                    "late": event.kind == "raise_incident",
                }
            )
    told += [
        {
            "at": note["at"],
            "icon": "note",
            "text": _("%(name)s wrote a note", name=note["author"]),
            "late": False,
            "quote": note["text"],
        }
        for note in notes
    ]
    return sorted(told, key=lambda entry: entry["at"])[::-1], oldest


def _sentence(event: ProcessEvent, who: str, step: str, to: str) -> object | None:
    said = reason_told(event.body.get("reason", ""), begins=False)
    match event.kind:
        case "instance_started":
            return _("%(name)s began the process", name=who)
        case "open_task":
            return _("%(step)s was opened", step=step)
        case "close_task" if event.body.get("outcome"):
            outcome = str(OUTCOME_DONE.get(event.body["outcome"], event.body["outcome"]))
            return _("%(name)s finished: %(step)s – %(outcome)s", name=who, step=step, outcome=outcome)
        case "close_task":
            return _("%(name)s finished: %(step)s", name=who, step=step)
        case "return_task":
            return _("%(name)s sent the work back from %(step)s: %(reason)s", name=who, step=step, reason=said)
        case "branch_moved":
            return _(
                "%(name)s put the work from %(step)s on %(to)s: %(reason)s", name=who, step=step, to=to, reason=said
            )
        case "incident_settled":
            return _("%(name)s let the process go on at %(step)s: %(reason)s", name=who, step=step, reason=said)
        case "migrated":
            return _(
                "%(name)s moved it from version %(before)s to version %(after)s: %(reason)s",
                name=who, before=event.body["from_version"], after=event.body["to_version"], reason=said,
            )  # fmt: skip
        case "data_edited":
            keys = ", ".join(event.body.get("keys", ()))
            return _("%(name)s corrected %(keys)s: %(reason)s", name=who, keys=keys, reason=said)
        case "instance_suspended":
            return _("%(name)s paused it: %(reason)s", name=who, reason=said)
        case "instance_resumed":
            return _("%(name)s let it go on", name=who)
        case "wait_begun":
            return _("The process waits: %(event)s", event=step)
        case "values_set":
            return _("The process set %(keys)s", keys=", ".join(event.body.get("keys", ())))
        case "begin_errand":
            return _("The process does by itself: %(step)s", step=step)
        case "begin_request":
            return _("The process calls a program outside: %(step)s", step=step)
        case "message_taken":
            return _("A message came: %(event)s", event=step)
        case "timer_fired":
            return _("The time has come: %(event)s", event=step)
        case "many_begun":
            count = len(event.body.get("elements", ()))
            return ngettext("%(step)s is to be done once", "%(step)s is to be done %(num)d times", count, step=step)
        case "many_over":
            count = event.body.get("count", 0)
            return ngettext(
                "%(step)s: one answer was enough", "%(step)s: enough with %(num)d answers", count, step=step
            )
        case "call_begun":
            return _("%(step)s: the linked process file was begun", step=step)
        case "call_over":
            return _("%(step)s: the linked process file has ended", step=step)
        case "branch_failed" if event.body.get("error") and not said:
            return _("%(step)s has failed: %(error)s", step=step, error=event.body["error"])
        case "branch_failed" if said:
            return _("%(step)s could not be done: %(reason)s", step=step, reason=said)
        case "branch_failed":
            return _("%(step)s has failed", step=step)
        case "step_passed":
            return _("%(step)s was passed over: there was nothing to do it for", step=step)
        case "token_cancelled" if event.task_id is not None and is_own(event.body.get("reason")):
            return _("%(step)s was called off: %(reason)s", step=step, reason=said)
        case "raise_incident":
            return _("The process cannot go on at %(step)s. An administrator has to look at it.", step=step)
        case "finish_instance" if event.body["status"] == InstanceStatus.failed:
            return _("The process has failed at %(end)s", end=said)
        case "finish_instance" if event.body.get("reason"):
            return _("%(name)s called it off: %(reason)s", name=who, reason=said)
        case "finish_instance":
            return _("The process is completed")
    return None
