"""What happened to a task, as sentences, newest first?"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.core.i18n import _
from app.security import queries as people
from app.tasks import queries
from app.tasks.models import Task, TaskEvent, TaskEventKind
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


def events_told(session: Session, task: Task) -> list[dict[str, Any]]:
    """Rows of templates/_parts/ui.html history."""
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
