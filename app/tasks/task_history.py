"""What happened to a task, as sentences, newest first?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.i18n import _
from app.core.own_reasons import reason_told
from app.security import queries as people
from app.tasks.models import TaskEvent, TaskEventKind
from app.tasks.rules import OUTCOME_DONE

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


def events_told(history: Sequence[TaskEvent], names: Names) -> list[dict[str, Any]]:
    """Rows of templates/_parts/ui.html history, newest first."""
    return [
        {
            "at": event.at,
            "icon": _EVENT_ICONS.get(event.kind, "point"),
            "text": _sentence(event, names),
            "late": event.kind is TaskEventKind.alerted,
            "quote": reason_told(event.data.get("reason") or ""),
        }
        for event in reversed(history)
        if event.kind is not TaskEventKind.draft_saved
    ]


Names = Mapping[int | None, str]


def names_in(session: Session, history: Sequence[TaskEvent], known: Mapping[int, str]) -> Names:
    """The names of all members of whom the history tells, in one query at most; None is the system. `known`: those that
    were read already."""
    ids: set[int | None] = set()
    for event in history:
        to = event.data.get("to")
        ids |= {event.actor_id, event.data.get("assignee_id"), *(to if isinstance(to, list) else [to])}
    missing = {one for one in ids if one is not None and one not in known}
    found = {**known, **(people.member_names(session, missing) if missing else {})}
    return {None: "Tận Tâm", **{one: found.get(one, "") for one in ids if one is not None}}


def _sentence(event: TaskEvent, names: Names) -> object:
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
