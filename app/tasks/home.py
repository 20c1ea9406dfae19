"""Sáng nay: what does this person do next, and why? For a head also: who of the team carries what?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.core import clock, edge, paging
from app.core.access import Actor
from app.core.db import db
from app.core.errors import Sentence
from app.core.formats import local, time_text, weekday_text
from app.core.i18n import _, ngettext
from app.core.pages import Page, page, show
from app.core.timewords import LatenessKind
from app.customers.forgotten import queries as forgotten
from app.deadlines.queries import company_calendar
from app.security import queries as people
from app.security.models import Team, TeamMember
from app.tasks import queries
from app.tasks.models import Task
from app.tasks.shown import rows_of

WORK_SHOWN = 7
QUEUE_SHOWN = 5
#: how many open tasks fill a person's bar on the team strip
FULL_LOAD = 20
#: forgotten customers that are counted; their own page knows how many there are
MOST_FORGOTTEN = 1_000


class Home(Page):
    """/: the first page after signing in."""

    resource = "Task"
    route_base = ""

    @page("/", right=None)
    def index(self) -> Any:
        actor, session, now = edge.actor(), db.session(), clock.now()
        work = queries.next_due(session, queries.mine(actor), limit=WORK_SHOWN)
        queue = queries.next_due(session, queries.queue(actor), limit=QUEUE_SHOWN)
        counts = _counts(session, actor, now)
        rows = rows_of(session, [*work, *queue], actor)
        return show(
            "home.html",
            greeting=_greeting(actor, now, counts),
            day_line=_day_line(session, actor, now),
            counters=_counters(counts, actor),
            team=_team(session, actor, now),
            work=[_with_reason(row) for row in rows[: len(work)]],
            work_count=counts["mine"],
            work_url="/cong-viec/",
            work_note=_("least working time left first"),
            queue=rows[len(work) :],
            queue_count=counts["queue"],
            queue_url="/cong-viec/?queue=1",
            start_url="/ho-so/bat-dau" if actor.may("add", "Instance") else "",
            agenda=_agenda(rows[: len(work)], actor, now),
        )


def _counts(session: Session, actor: Actor, now: datetime) -> dict[str, int]:
    """All counters of the page in a few queries."""
    due = queries.mine(actor).with_only_columns(
        func.count(Task.id),
        func.count(Task.id).filter(Task.due_at <= now),
        func.count(Task.id).filter(Task.due_at > now, Task.warn_at <= now),
    )
    mine, late, soon = session.execute(due.order_by(None)).one()
    queue, more = paging.count(session, queries.queue(actor), Task.id)
    midnight = local(now, actor.time_zone).replace(hour=0, minute=0, second=0, microsecond=0)
    finished = select(func.count(Task.id)).where(Task.completed_by_id == actor.user_id, Task.completed_at >= midnight)
    silent, silent_more = 0, False
    if actor.may("view", "Customer"):
        heads = select(TeamMember.member_id).where(TeamMember.team_id.in_(sorted(actor.headed_team_ids)))
        owners = [actor.user_id or 0, *(session.scalars(heads) if actor.headed_team_ids else ())]
        silent, silent_more = forgotten.count(session, actor, owners, MOST_FORGOTTEN)
    done = session.scalar(finished) or 0
    return {
        "mine": mine, "late": late, "soon": soon, "queue": queue, "more": more, "silent": silent,
        "silent_more": silent_more, "done": done,
    }  # fmt: skip


def _greeting(actor: Actor, now: datetime, counts: dict[str, int]) -> object:
    name = actor.name.split()[-1] if actor.name else ""
    if not counts["mine"]:
        return _("Hello %(name)s, nothing waits for you", name=name)
    hour = local(now, actor.time_zone).hour
    count = counts["mine"]
    if hour < 11:
        return ngettext(
            "Hello %(name)s, this morning you have %(num)d task",
            "Hello %(name)s, this morning you have %(num)d tasks",
            count,
            name=name,
        )
    if hour < 18:
        return ngettext(
            "Hello %(name)s, this afternoon you have %(num)d task",
            "Hello %(name)s, this afternoon you have %(num)d tasks",
            count,
            name=name,
        )
    return ngettext(
        "Hello %(name)s, you have %(num)d open task", "Hello %(name)s, you have %(num)d open tasks", count, name=name
    )


def _day_line(session: Session, actor: Actor, now: datetime) -> object:
    """Which day it is and when the company works today."""
    today = local(now, actor.time_zone)
    day = weekday_text(today.date())
    hours = company_calendar(session).intervals_on(today.date())
    if not hours:
        return _("%(day)s · Not a working day; deadlines wait for the next one", day=str(day))
    spans = str(_(" and ")).join(f"{_clock(part.start)}–{_clock(part.end)}" for part in hours)
    return _("%(day)s · Working hours %(hours)s", day=str(day), hours=spans)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _counters(counts: dict[str, int], actor: Actor) -> list[dict[str, Any]]:
    rest = max(0, counts["mine"] - counts["late"] - counts["soon"])
    entries = (
        ("late", "alert-circle", counts["late"], _("Overdue"), "/cong-viec/?qua_han=1"),
        ("soon", "clock", counts["soon"], _("Due soon"), "/cong-viec/?sap_den=1"),
        ("brand", "calendar-event", rest, _("Still on time"), "/cong-viec/?dung_han=1"),
        ("", "inbox", counts["queue"], _("Waiting to be taken"), "/cong-viec/?queue=1"),
        *([("soon", "user", counts["silent"], _silent_words(actor), _silent_url(actor))] if counts["silent"] else []),
        ("ok", "circle-check", counts["done"], _("Done today"), "/cong-viec/?xong=1"),
    )
    return [
        {
            "kind": kind,
            "sign": sign,
            "count": count,
            "capped": bool({"inbox": counts["more"], "user": counts["silent_more"]}.get(sign)),
            "label": label,
            "url": url,
            "current": False,
        }
        for kind, sign, count, label, url in entries
        if count or sign != "user"
    ]


def _silent_words(actor: Actor) -> Sentence:
    return _("Forgotten in your teams") if actor.headed_team_ids else _("Your customers, forgotten")


def _silent_url(actor: Actor) -> str:
    """A head looks after those of his people too."""
    return "/khach-hang-bi-quen/" if actor.headed_team_ids else f"/khach-hang-bi-quen/?nguoi={actor.user_id}"


def _team(session: Session, actor: Actor, now: datetime) -> dict[str, Any] | None:
    """For a head: each person of the team with what lies on his desk."""
    headed = session.scalars(select(Team).where(Team.head_id == actor.user_id).order_by(Team.id)).first()
    if headed is None:
        return None
    members = people.members_of_team(session, headed.id)
    loads = {
        row[0]: row[1:]
        for row in session.execute(
            select(
                Task.assignee_id,
                func.count(Task.id),
                func.sum(case((Task.due_at <= now, 1), else_=0)),
                func.sum(case(((Task.due_at > now) & (Task.warn_at <= now), 1), else_=0)),
            )
            .where(queries.is_open(), Task.assignee_id.in_([member.id for member in members]))
            .group_by(Task.assignee_id)
        )
    }
    return {
        "name": headed.name,
        "note": ngettext("%(num)d person", "%(num)d people", len(members)),
        "url": "/cong-viec/?team=1",
        "people": [
            {
                "name": _short(member.name),
                "open": (load := loads.get(member.id, (0, 0, 0)))[0],
                "capacity": FULL_LOAD,
                "late": load[1] or 0,
                "soon": load[2] or 0,
                "note": "",
                "url": f"/cong-viec/?team=1&nguoi={member.id}",
            }
            for member in members
        ],
    }


def _short(name: str) -> str:
    """How colleagues call each other where space is scarce: Nguyễn Ngọc Lan → Ngọc Lan."""
    return " ".join(name.split()[-2:])


def _with_reason(row: dict[str, Any]) -> dict[str, Any]:
    """Why this stands here, said openly."""
    why = {LatenessKind.late: _("Its time is over"), LatenessKind.soon: _("Its time is nearly over")}
    return {**row, "why": why.get(row["lateness"].kind, ""), "verb": _("Open the form")}


def _agenda(rows: Sequence[dict[str, Any]], actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """What falls due today, by the hour, with the present moment among it."""
    today = local(now, actor.time_zone).date()
    later = [
        row
        for row in rows
        if row["due_at"] and row["due_at"] > now and local(row["due_at"], actor.time_zone).date() == today
    ]
    if not later:
        return []
    entries = [
        {"at": now, "time": time_text(now, actor.time_zone), "text": _("Now"), "sub": "", "url": None, "now": True}
    ]
    entries += [
        {
            "at": row["due_at"],
            "time": time_text(row["due_at"], actor.time_zone),
            "text": row["title"],
            "sub": row["customer"],
            "url": row["url"],
            "now": False,
        }
        for row in later
    ]
    return entries
