"""What do "my tasks" and the queues of teams cost in SQL alone, also where one team has half of the open work?

Measured around the cursor of the database. The work of the crowded team is put back where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from sqlalchemy import Engine, bindparam, event, select, update
from sqlalchemy.orm import Session

from app.core import paging
from app.core.access import Actor
from app.core.db import db
from app.security import queries as people
from app.security.models import Team
from app.tasks import queries
from app.tasks.models import Task, TaskState
from bench.bulk import tidy

#: ms of SQL for a page, and for its count (design.md §8)
TARGET = 5.0
#: open tasks of one team in the crowded case
CROWDED = 10_000
_ROWS = 25
_FAR = 9


@dataclass(frozen=True)
class Queue:
    """One list of open work: how many rows it has, and the ms of SQL for its pages and its count."""

    name: str
    who: str
    rows: int
    first: float
    far: float
    count: float

    @property
    def is_over(self) -> bool:
        return max(self.first, self.far, self.count) > TARGET


HEAD = f"{'SQL alone':<44}{'role':<6}{'rows':>8}{'page 1 ms':>11}{f'page {_FAR} ms':>11}{'count ms':>10}  target"


def line(queue: Queue) -> str:
    return (
        f"{queue.name:<44}{queue.who:<6}{queue.rows:>8}{queue.first:>11.2f}{queue.far:>11.2f}{queue.count:>10.2f}"
        f"  ≤ {TARGET:g} ms  {'OVER' if queue.is_over else 'ok'}"
    )


def measure(environ: Mapping[str, str], *, times: int) -> Iterator[Queue]:
    """Each list, `times` times over; the median tells."""
    from app import create_app
    from config import Config

    with create_app(Config(environ)).app_context():
        session = db.session()
        yield from _queues(session, "", times)
        session.rollback()
        with _crowded("cskh"):
            yield from _queues(session, f", {CROWDED:,} of a team wait", times)
            session.rollback()


def _queues(session: Session, added: str, times: int) -> Iterator[Queue]:
    lan, minh, hoa = (_actor(session, name) for name in ("lan", "minh", "hoa"))
    for name, actor, rows in (
        ("my tasks", lan, queries.mine(lan)),
        ("my tasks", minh, queries.mine(minh)),
        ("queue of the team", lan, queries.queue(lan)),
        ("an empty queue", hoa, queries.queue(hoa)),
        ("the team's open work", minh, queries.of_my_teams(minh)),
    ):
        found, _is_capped = paging.count(session, rows, Task.id)
        yield Queue(
            name + added, actor.username, found,
            first=_milliseconds(session, lambda rows=rows: queries.next_due(session, rows, limit=_ROWS), times),
            far=_milliseconds(
                session,
                lambda rows=rows: queries.next_due(session, rows, limit=_ROWS, offset=(_FAR - 1) * _ROWS),
                times,
            ),
            count=_milliseconds(session, lambda rows=rows: paging.count(session, rows, Task.id), times),
        )  # fmt: skip


def _actor(session: Session, username: str) -> Actor:
    member = people.member_by_username(session, username)
    assert member is not None
    return people.actor_of(session, member)


@contextmanager
def _crowded(team: str) -> Iterator[None]:
    """So many of the open tasks wait for this team, and stand tidily in the database, as they do after a while."""
    waits: dict[str, Any] = {
        "state": TaskState.ready, "assignee_id": None, "claimed_at": None, "offered_role": None,
        "offered_team_id": select(Team.id).where(Team.code == team).scalar_subquery(),
        "team_id": select(Team.id).where(Team.code == team).scalar_subquery(),
    }  # fmt: skip
    wanted = select(Task.id).where(queries.is_open()).order_by(Task.due_at, Task.id).limit(CROWDED)
    table = Task.__table__
    with db.engine.begin() as connection:
        kept = connection.execute(
            select(table.c.id, *(table.c[name] for name in waits)).where(table.c.id.in_(wanted))
        ).mappings().all()  # fmt: skip
        connection.execute(update(table).where(table.c.id.in_([row["id"] for row in kept])).values(waits))
    tidy(db.engine, "task")
    try:
        yield
    finally:
        back = {name: bindparam(f"was_{name}") for name in waits}
        with db.engine.begin() as connection:
            connection.execute(
                update(table).where(table.c.id == bindparam("was_id")).values(back),
                [{f"was_{name}": value for name, value in row.items()} for row in kept],
            )
        tidy(db.engine, "task")


def _milliseconds(session: Session, ask: Callable[[], object], times: int) -> float:
    """In the database, of all statements that it asks."""
    spent: list[float] = []

    def before(*_more: Any) -> None:
        spent.append(-time.perf_counter())

    def after(*_more: Any) -> None:
        spent[-1] += time.perf_counter()

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    try:
        told = []
        for _time in range(times):
            session.expunge_all()
            spent.clear()
            ask()
            told.append(sum(spent) * 1000)
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)
    return median(told)
