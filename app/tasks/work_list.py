"""Whose work stands in the list of the day, narrowed to what, least time left first?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import Session

from app.core import paging
from app.core.access import Actor
from app.core.db import row_id
from app.core.errors import Sentence
from app.core.formats import local
from app.core.i18n import _
from app.core.pages import page_number, page_of
from app.security import queries as people
from app.security.models import Member
from app.tasks import queries
from app.tasks.models import Task
from app.tasks.shown import rows_of

ROWS = paging.PAGE_SIZE

#: argument of the address → its words, and the condition on open work at a moment; at most one is asked
_SPANS: dict[str, tuple[Sentence, Callable[[datetime], ColumnElement[bool]]]] = {
    "qua_han": (_("Overdue"), queries.is_late),
    "sap_den": (_("Due soon"), queries.is_soon),
    "dung_han": (_("Still on time"), queries.is_in_time),
}


def work_list(actor: Actor, session: Session, now: datetime) -> dict[str, Any]:
    """What templates/tasks/list.html takes, as the address asks for it."""
    scopes: dict[str, tuple[object, Any]] = {
        "mine": (_("Mine"), queries.mine(actor)),
        "queue": (_("Waiting to be taken"), queries.queue(actor)),
    }
    if actor.headed_team_ids:
        scopes["team"] = (_("My teams"), queries.of_my_teams(actor))
    scope = next((key for key in scopes if request.args.get(key) == "1"), "mine")
    number = page_number()
    chosen, chips = scopes[scope][1], []
    span, person = _span_asked(), _person_asked(session, scope)
    if request.args.get("xong") == "1":
        scope = "done"
        scopes[scope] = (_("Done today"), queries.finished_by(actor, _midnight(now, actor.time_zone)))
        chosen = scopes[scope][1]
    elif span is not None:
        chosen = chosen.where(_SPANS[span][1](now))
    if person is not None:
        chosen = chosen.where(Task.assignee_id == person.id)
        chips.append({"label": person.name, "url": f"/cong-viec/?{scope}=1", "on": True})
    if scope != "done":
        chips[:0] = [
            {
                "label": label,
                "url": f"/cong-viec/?{scope}=1" + ("" if key == span else f"&{key}=1"),
                "on": key == span,
            }
            for key, (label, _condition) in _SPANS.items()
        ]
    tasks = queries.next_due(session, chosen, limit=ROWS, offset=(number - 1) * ROWS)
    late = {key for key, (_label, rows) in scopes.items() if key != "done" and _any_late(session, rows, now)}
    counts = paging.counts(session, {key: rows for key, (_label, rows) in scopes.items()}, Task.id)
    count = counts[scope] if span is None and person is None else paging.count(session, chosen, Task.id)
    return {
        "title": _("Tasks"),
        "scope": scope,
        "task_tabs": [
            {
                "label": label,
                "url": "/cong-viec/?xong=1" if key == "done" else f"/cong-viec/?{key}=1",
                "current": key == scope,
                "count": counts[key][0],
                "capped": counts[key][1],
                "late": key in late,
            }
            for key, (label, _rows) in scopes.items()
        ],
        "chips": chips,
        "table": {"path": "/cong-viec/bang/list/", "arguments": _in_the_table(actor, scope, span, person)},
        "rows": rows_of(session, tasks, actor),
        "page": page_of(number, len(tasks), count, size=ROWS),
    }


def _in_the_table(actor: Actor, scope: str, span: str | None, person: Member | None) -> dict[str, str]:
    """What the table of all work is asked for the same rows; of what is due soon it knows no word."""
    teams = ", ".join(map(str, sorted(actor.headed_team_ids)))
    told = {
        "mine": "is_open = true and assignee = me()",
        "queue": "state = 'ready'",
        "team": f"is_open = true and team in ({teams})",
        "done": "state = 'completed' and completed_by = me() and completed_at = today()",
    }[scope]
    if span == "qua_han" and scope != "done":
        told += " and overdue = true"
    if person is not None:
        told += f" and assignee = {person.id}"
    return {"view": "0", "where": told} | ({"order": "-completed_at"} if scope == "done" else {})


def _span_asked() -> str | None:
    return next((key for key in _SPANS if request.args.get(key) == "1"), None)


def _midnight(now: datetime, time_zone: str) -> datetime:
    """When today began for whoever reads."""
    return local(now, time_zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _any_late(session: Session, rows: Select[Task], now: datetime) -> bool:
    return session.scalar(rows.where(Task.due_at < now).with_only_columns(Task.id).limit(1)) is not None


def _person_asked(session: Session, scope: str) -> Member | None:
    """A head looks at one person's desk: ?team=1&nguoi=ID."""
    text = request.args.get("nguoi", "")
    if scope != "team" or not text:
        return None
    return people.member_by_id(session, row_id(text))
