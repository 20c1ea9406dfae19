"""Which forgotten customers wait for a care task, and which have one?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from app.care.models import CareRound
from app.core.access import Actor, row_rule, visible
from app.customers.forgotten import queries as forgotten
from app.customers.models import Customer
from app.security.models import Member
from app.tasks import queries as tasks
from app.tasks.models import Task, TaskState

#: the kind of owner of care tasks (tasks.events)
OWNER = "care"


@row_rule(CareRound)
def _rounds(actor: Actor, _action: str) -> ColumnElement[bool]:
    """One's own."""
    return CareRound.made_by_id == actor.user_id


def cared_for() -> Select[int]:
    """Customers with an open care task, whosever it is."""
    rows = select(Task.customer_id).where(tasks.is_open(), Task.owner_type == OWNER, Task.customer_id.is_not(None))
    return rows.correlate(None)  # type: ignore[return-value]


def is_mine(who: Actor) -> ColumnElement[bool]:
    """Customers for whom he may make care tasks: his own, and as a head those of his teams too."""
    mine = Customer.owner_id == who.user_id
    if not who.may("assign", "Task"):
        return mine
    return or_(mine, visible(Customer, who, "edit"))


#: in the place of a person's id: customers whom nobody looks after
NOBODY = 0


def of_owner(rows: Select[Customer], owner: int | None) -> Select[Customer]:
    """Those of this person, or of NOBODY; None: of everybody."""
    if owner is None:
        return rows
    return rows.where(Customer.owner_id.is_(None) if owner == NOBODY else Customer.owner_id == owner)


def waiting(who: Actor, owner: int | None = None) -> Select[Customer]:
    """Forgotten customers without an open care task for whom he may make one; first whose time was over first."""
    rows = of_owner(forgotten.forgotten(who), owner).where(is_mine(who), visible(Customer, who, "edit"))
    return rows.where(Customer.id.not_in(cared_for()))


def count_waiting(session: Session, who: Actor, most: int, owner: int | None = None) -> int:
    """At most one more than `most`."""
    rows = waiting(who, owner).order_by(None).with_only_columns(Customer.id).limit(most + 1)
    return session.scalar(select(func.count()).select_from(rows.subquery())) or 0


def untouched(round_id: int) -> Select[Task]:
    """Tasks of a round that nobody has begun."""
    rows = select(Task).where(Task.owner_type == OWNER, Task.owner_id == round_id)
    return rows.where(Task.state.in_([TaskState.ready, TaskState.claimed]), Task.draft.is_(None))


def last_round(session: Session, who: Actor, since: datetime) -> tuple[CareRound, int] | None:
    """The newest round that he made since then and that he may still take back, and how many tasks of it are left."""
    made = session.scalars(
        select(CareRound)
        .where(visible(CareRound, who), CareRound.made_at >= since)
        .order_by(CareRound.id.desc())
        .limit(1)
    ).one_or_none()
    if made is None or made.taken_back_at is not None:
        return None
    left = session.scalar(select(func.count()).select_from(untouched(made.id).with_only_columns(Task.id).subquery()))
    return (made, left) if left else None


@dataclass(frozen=True)
class Owner:
    """A person, or nobody, with the number of his forgotten customers."""

    id: int | None
    name: str
    count: int


def owners(session: Session, who: Actor) -> list[Owner]:
    counted = forgotten.by_owner(session, who)
    ids = [one.owner_id for one in counted if one.owner_id is not None]
    names = {row.id: row.name for row in session.execute(select(Member.id, Member.name).where(Member.id.in_(ids)))}
    return [Owner(one.owner_id, names.get(one.owner_id or 0, ""), one.count) for one in counted]


@dataclass(frozen=True)
class Line:
    """A forgotten customer as the list shows him."""

    customer: Customer
    days: int
    allowed: int | None
    #: the open care task, where there is one that he sees
    task_id: int | None


def lines(session: Session, rows: Select[Customer], at: datetime, who: Actor) -> Sequence[Line]:
    found = session.scalars(rows).unique().all()
    open_tasks = select(Task.customer_id, func.min(Task.id)).where(
        tasks.is_open(), Task.owner_type == OWNER, Task.customer_id.in_([one.id for one in found]), visible(Task, who)
    )
    cared = dict(session.execute(open_tasks.group_by(Task.customer_id)).all())
    allowed = forgotten.targets(session)
    return [Line(one, forgotten.days_silent(one, at), allowed.get(one.tier or ""), cared.get(one.id)) for one in found]
