"""What is to be done, by whom and until when?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Entity, Json, Revisioned, Stamped, UtcDateTime, stored
from app.customers.models import Customer
from app.forms.models import FormVersion, Submission
from app.security.models import Member, Team


class TaskState(StrEnum):
    """ready = offered to a team or role; claimed = has an assignee; in_progress = a draft was saved."""

    scheduled = auto()
    ready = auto()
    claimed = auto()
    in_progress = auto()
    waiting_customer = auto()
    waiting_team = auto()
    completed = auto()
    cancelled = auto()


OPEN_STATES = (
    TaskState.scheduled,
    TaskState.ready,
    TaskState.claimed,
    TaskState.in_progress,
    TaskState.waiting_customer,
    TaskState.waiting_team,
)
# The same words in every partial index, so that the planner finds them under every query on open work.
IS_OPEN = text("state IN ('scheduled', 'ready', 'claimed', 'in_progress', 'waiting_customer', 'waiting_team')")
WAITS = text("state = 'ready'")
_ALERTING = text("next_alert_at IS NOT NULL")
_ORPHAN = text("orphan_since IS NOT NULL")
_OF_CUSTOMER = text("customer_id IS NOT NULL")
_DONE = text("completed_by_id IS NOT NULL")
_WITH_FORM = text("form_version_id IS NOT NULL")
_ANSWERED = text("submission_id IS NOT NULL")


class Task(Revisioned, Stamped, Entity):
    """One piece of work. Its state moves only through app.tasks.services."""

    __tablename__ = "task"
    __found_by_maker__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("owner_type", "owner_id", "token", "attempt"),
        CheckConstraint(
            "(state IN ('claimed', 'in_progress')) <= (assignee_id IS NOT NULL)", name="claimed_by_someone"
        ),
        CheckConstraint("(state = 'completed') = (completed_at IS NOT NULL)", name="completed_at_a_moment"),
        Index("ix_task_mine", "assignee_id", "due_at", "id", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
        # Whoever it is offered to stands in the index itself: a queue of thousands is read and counted there alone.
        Index(
            "ix_task_queue",
            "due_at",
            "id",
            "offered_team_id",
            "offered_role",
            "warn_at",
            sqlite_where=WAITS,
            postgresql_where=WAITS,
        ),
        Index("ix_task_team", "team_id", "due_at", "id", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
        Index("ix_task_open_due", "due_at", "id", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
        Index("ix_task_next_alert", "next_alert_at", sqlite_where=_ALERTING, postgresql_where=_ALERTING),
        Index("ix_task_orphan", "orphan_since", sqlite_where=_ORPHAN, postgresql_where=_ORPHAN),
        # What most tasks lack is in no index: an entry for nothing costs as much as one for something.
        Index("ix_task_customer", "customer_id", "id", sqlite_where=_OF_CUSTOMER, postgresql_where=_OF_CUSTOMER),
        Index("ix_task_done", "completed_by_id", "completed_at", sqlite_where=_DONE, postgresql_where=_DONE),
        Index("ix_task_form_version_id", "form_version_id", sqlite_where=_WITH_FORM, postgresql_where=_WITH_FORM),
        Index("ix_task_submission_id", "submission_id", sqlite_where=_ANSWERED, postgresql_where=_ANSWERED),
        # However often the steps of one owner were done: the last of a step, who did it, what was answered there.
        Index("ix_task_step", "owner_type", "owner_id", "step", "token"),
        Index(
            "ix_task_doer",
            "owner_type",
            "owner_id",
            "step",
            "completed_by_id",
            "token",
            sqlite_where=_DONE,
            postgresql_where=_DONE,
        ),
        Index(
            "ix_task_answered", "owner_type", "owner_id", "token", sqlite_where=_ANSWERED, postgresql_where=_ANSWERED
        ),
        {"extend_existing": False},
    )

    #: what the work belongs to: the kind registered by a TaskOwner ("instance") and its id
    owner_type: Mapped[str] = mapped_column(String(40))
    owner_id: Mapped[int] = mapped_column()
    #: the owner's name for this step, and for this very run of it
    step: Mapped[str] = mapped_column(String(120))
    token: Mapped[int] = mapped_column()
    #: more than 1: the work was sent back to this step so often; its first event names the task that sent it, and the
    #: one by which the same was done before
    attempt: Mapped[int] = mapped_column(default=1)
    name: Mapped[str] = mapped_column(String(200))
    #: where it stands in, for people ("Giao hàng chậm, HS-000012")
    context: Mapped[str] = mapped_column(String(300), default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))

    state: Mapped[TaskState] = mapped_column(stored(TaskState))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))
    offered_team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"))
    offered_role: Mapped[str | None] = mapped_column(String(64))
    #: its rule found nobody when it was opened, so it waits for the administrators to give it to somebody
    nobody_found: Mapped[bool] = mapped_column(default=False, server_default=false(), sort_order=1)
    #: the team whose head answers for it: the one it was offered to, else that of its first assignee
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"))

    form_version_id: Mapped[int | None] = mapped_column(ForeignKey("form_version.id", ondelete="RESTRICT"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id", ondelete="RESTRICT"))
    #: the codes to choose from when finishing; empty when the step has none
    outcomes: Mapped[list[str]] = mapped_column(Json, default=list)
    outcome: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(Text, info={"sensitive": True})
    #: what was typed and saved before finishing, exactly as typed
    draft: Mapped[dict[str, Any] | None] = mapped_column(Json, info={"sensitive": True})

    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    warn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_alert_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: since it was told of that nobody is there to do it; empty again once somebody is
    orphan_since: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    assignee: Mapped[Member | None] = relationship(foreign_keys=[assignee_id])
    completed_by: Mapped[Member | None] = relationship(foreign_keys=[completed_by_id])
    offered_team: Mapped[Team | None] = relationship(foreign_keys=[offered_team_id])
    team: Mapped[Team | None] = relationship(foreign_keys=[team_id])
    form_version: Mapped[FormVersion | None] = relationship(foreign_keys=[form_version_id])
    submission: Mapped[Submission | None] = relationship(foreign_keys=[submission_id])

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


class TaskEventKind(StrEnum):
    opened = auto()
    claimed = auto()
    released = auto()
    reassigned = auto()
    draft_saved = auto()
    commented = auto()
    alerted = auto()
    completed = auto()
    cancelled = auto()


class TaskEvent(Entity):
    """One thing that happened to a task, for its history."""

    __tablename__ = "task_event"
    __audited__ = False
    __table_args__: ClassVar = (Index("ix_task_event_task", "task_id", "id"), {"extend_existing": False})

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    kind: Mapped[TaskEventKind] = mapped_column(stored(TaskEventKind))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
