"""Make care tasks for forgotten customers, evenly spread, once each; and take a round of them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.orm import Session

from app.care import queries, rules
from app.care.models import CareRound
from app.core import clock
from app.core.access import Actor, get_visible, visible
from app.core.db import queue_up
from app.core.errors import BusinessError
from app.core.formats import local
from app.core.i18n import DEFAULT_LANGUAGE, _, in_language
from app.customers.models import Customer
from app.customers.services import record_timeline
from app.deadlines.queries import company_calendar
from app.security.models import Member
from app.tasks.events import OwnerShown
from app.tasks.models import Task
from app.tasks.rules import Deadline, Offer
from app.tasks.services import cancel_task, open_task

#: tasks of one click: what is more waits for the next one
MOST = 500
STEP = "care"
NOTHING = _("Nobody is left to make a care task for.")


@dataclass(frozen=True)
class Made:
    """What one click made."""

    round_id: int
    tasks: int
    people: int
    days: int


def make_tasks(
    session: Session, *, by: Actor, only: Sequence[int] | None = None, owner: int | None = None
) -> Made:  # fmt: skip
    """A care task for each forgotten customer without one, or for those of `only`, or of one `owner` (queries.NOBODY:
    of whom nobody looks after); due over the coming working days.

    Whoever looks after the customer gets it; of a customer without anybody, his team; else whoever makes them. No
    customer has two. Raises BusinessError where there is nobody to make one for.
    """
    by.must("edit", "Customer")
    queue_up(session, "care_tasks")
    rows = queries.waiting(by, owner).limit(MOST)
    if only is not None:
        rows = rows.where(Customer.id.in_(sorted(set(only))))
    customers = session.scalars(rows).unique().all()
    if not customers:
        raise BusinessError(NOTHING)
    calendar, now = company_calendar(session), clock.now()
    days = rules.working_days(calendar, local(now, calendar.time_zone).date(), rules.DAYS)
    if not days:
        raise BusinessError(_("The working calendar has no working days ahead."))
    active = _active(session, {one.owner_id for one in customers if one.owner_id is not None})
    offers = {one.id: _offer(one, active, by) for one in customers}
    piles: dict[Offer, list[int]] = {}
    for one in customers:
        piles.setdefault(offers[one.id], []).append(one.id)
    when = rules.spread(piles, days)
    made = CareRound(made_at=now, made_by_id=by.user_id, tasks=len(customers))
    session.add(made)
    session.flush()
    # Whoever does the work reads them, not whoever pressed the button.
    with in_language(DEFAULT_LANGUAGE):
        name, context = str(_("Ask how the customer is doing")), str(_("Forgotten customers"))
    hours: dict[tuple[Offer, date], list[int]] = {}
    for one in customers:
        hours.setdefault((offers[one.id], when[one.id]), []).append(one.id)
    due = {
        number: moment for (_whose, day), ids in hours.items()
        for number, moment in zip(ids, rules.deadlines(calendar, day, len(ids)), strict=True)
    }  # fmt: skip
    for one in customers:
        due_at, warn_at = due[one.id]
        task_id = open_task(
            session, owner_type=queries.OWNER, owner_id=made.id, step=STEP, token=one.id, name=name,
            context=context, customer_id=one.id, offer=offers[one.id],
            deadline=Deadline(due_at, warn_at), form_version=None, by=by,
        )  # fmt: skip
        record_timeline(session, one.id, kind="task_opened", by=by, subject_type="task", subject_id=task_id,
                        data={"task": name})  # fmt: skip
    return Made(made.id, len(customers), len(piles), len(set(when.values())))


def take_back(session: Session, round_id: int, *, by: Actor) -> int:
    """Those of its tasks that nobody has begun are cancelled; how many.

    Raises BusinessError where none of them is left to take back.
    """
    made = get_visible(session, CareRound, round_id, by)
    session.refresh(made, with_for_update=True)
    found = session.scalars(queries.untouched(made.id).with_for_update(of=Task)).unique().all()
    if made.taken_back_at is not None or not found:
        raise BusinessError(_("These care tasks were taken back already, or somebody works on them."))
    with in_language(DEFAULT_LANGUAGE):
        reason = str(_("The round of care tasks was undone"))
    for task in found:
        cancel_task(session, task, by=by, reason=reason)
    made.taken_back_at = clock.now()
    session.flush()
    return len(found)


def _active(session: Session, ids: set[int]) -> set[int]:
    rows = select(Member).where(Member.id.in_(sorted(ids)))
    return {one.id for one in session.scalars(rows).unique() if one.is_active}


def _offer(customer: Customer, active: set[int], by: Actor) -> Offer:
    if customer.owner_id in active:
        return Offer(member_id=customer.owner_id)
    return Offer(team_id=customer.team_id) if customer.team_id is not None else Offer(member_id=by.user_id)


class CareTasks:
    """Tells app.tasks what care tasks belong to: the TaskOwner of kind "care"."""

    kind = queries.OWNER
    #: work shows the header of its customer; the round is its maker's
    resource = None

    def lock(self, session: Session, owner_id: int) -> None:
        session.scalars(select(CareRound.id).where(CareRound.id == owner_id).with_for_update()).one()

    def ways_back(self, session: Session, task: Task) -> Sequence[tuple[str, str]]:
        """Work on its own has no step before it."""
        return ()

    def task_returned(self, session: Session, task: Task, *, to: str, by: Actor, note: str) -> None:
        raise LookupError(to)  # it has no ways back

    def seen_by(self, owner_id: Any, actor: Actor) -> ColumnElement[bool]:
        seen: ColumnElement[bool] = owner_id.in_(select(CareRound.id).where(visible(CareRound, actor)))
        return seen

    def put_aside(self, owner_id: Any) -> ColumnElement[bool]:
        return false()

    def shown(self, session: Session, task: Task, actor: Actor) -> OwnerShown:
        return OwnerShown(url="", code="", name=task.context)

    def task_completed(self, session: Session, task: Task, *, by: Actor, values: Mapping[str, Any]) -> None:
        """Nothing follows: what was said is written on the customer's page."""
