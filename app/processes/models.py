"""Which processes are there, in which versions, and where does each running instance stand?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Entity, Json, Revisioned, Stamped, UtcDateTime, stored
from app.core.ddl import refuse_changes
from app.core.leases import Leased, LeaseState, lease_indexes
from app.customers.models import Customer
from app.processes.engine.state import InstanceStatus, TokenState
from app.security.models import Member, Team

#: what tasks, submissions and the timeline call an instance
OWNER = "instance"


class Process(Revisioned, Stamped, Entity):
    """A way of working that the company has drawn; its versions hold the drawing."""

    __tablename__ = "process"

    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    #: since then it is not begun any more; what runs goes on
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)

    def __str__(self) -> str:
        return self.name


class VersionState(StrEnum):
    draft = auto()
    published = auto()
    archived = auto()


class ProcessVersion(Revisioned, Stamped, Entity):
    """One drawing as BPMN 2.0. Published ones never change; instances keep theirs."""

    __tablename__ = "process_version"
    __table_args__: ClassVar = (
        UniqueConstraint("process_id", "number"),
        CheckConstraint("(state = 'draft') = (published_at IS NULL)", name="published_at_a_moment"),
        Index(
            "uq_process_version_draft",
            "process_id",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
        Index(
            "uq_process_version_published",
            "process_id",
            unique=True,
            sqlite_where=text("state = 'published'"),
            postgresql_where=text("state = 'published'"),
        ),
        {"extend_existing": False},
    )

    process_id: Mapped[int] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    number: Mapped[int] = mapped_column()
    state: Mapped[VersionState] = mapped_column(stored(VersionState), default=VersionState.draft)
    bpmn: Mapped[str] = mapped_column(Text)
    #: form code → id of the form version that was published when this version was
    form_pins: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    process: Mapped[Process] = relationship(lazy="joined")


refuse_changes(
    ProcessVersion.__table__,
    when="OLD.state <> 'draft' /*new*/ AND (NEW.process_id <> OLD.process_id OR NEW.number <> OLD.number OR "
    "NEW.bpmn <> OLD.bpmn OR CAST(NEW.form_pins AS TEXT) <> CAST(OLD.form_pins AS TEXT) OR NEW.state = 'draft' OR "
    "NEW.published_at IS NULL OR NEW.published_at <> OLD.published_at)",
    why="a published process version never changes",
    may_go=True,
)


class ProcessInstance(Revisioned, Stamped, Entity):
    """One run of a process for one customer. Its row is the lock of everything that happens in it."""

    __tablename__ = "process_instance"
    __found_by_maker__ = False
    __table_args__: ClassVar = (
        CheckConstraint("(ended_at IS NULL) = (status IN ('new', 'running', 'suspended'))", name="ended_at_a_moment"),
        Index(
            "ix_process_instance_running",
            "started_at",
            "id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_process_instance_incident",
            "incident_at",
            "id",
            sqlite_where=text("incident IS NOT NULL"),
            postgresql_where=text("incident IS NOT NULL"),
        ),
        Index("ix_process_instance_team", "team_id", "id"),
        Index("ix_process_instance_initiator", "initiator_id", "id"),
        Index("ix_process_instance_customer", "customer_id", "id"),
        {"extend_existing": False},
    )

    code: Mapped[str] = mapped_column(String(20), unique=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("process_version.id", ondelete="RESTRICT"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    status: Mapped[InstanceStatus] = mapped_column(stored(InstanceStatus))
    #: the answers so far, by field key and by step.key
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    initiator_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))
    #: the initiator's primary team when it began
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"))
    start_submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id", ondelete="RESTRICT"))
    next_token: Mapped[int] = mapped_column(default=1)
    seq: Mapped[int] = mapped_column(default=0)
    #: why an admin has to look at it: an engine incident code
    incident: Mapped[str | None] = mapped_column(String(40))
    #: since when it has to be looked at; older than the telling where something was tried in vain before
    incident_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    version: Mapped[ProcessVersion] = relationship(foreign_keys=[version_id])
    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    initiator: Mapped[Member] = relationship(foreign_keys=[initiator_id])
    team: Mapped[Team | None] = relationship(foreign_keys=[team_id])

    def __str__(self) -> str:
        return self.code


class ProcessCall(Entity):
    """One run was begun by another as a part of it: who waits for whom. `root_id` is the outermost, whose row is the
    lock of them all; `depth` how many are around this one."""

    __tablename__ = "process_call"
    __audited__ = False
    __table_args__: ClassVar = (Index("ix_process_call_parent", "parent_id", "token"), {"extend_existing": False})

    parent_id: Mapped[int] = mapped_column(ForeignKey("process_instance.id", ondelete="RESTRICT"))
    #: the token of the calling run that waits for the end of this one
    token: Mapped[int] = mapped_column()
    child_id: Mapped[int] = mapped_column(ForeignKey("process_instance.id", ondelete="RESTRICT"), unique=True)
    root_id: Mapped[int] = mapped_column(ForeignKey("process_instance.id", ondelete="RESTRICT"), index=True)
    depth: Mapped[int] = mapped_column()


class CallPin(Entity):
    """Which version of another process the runs of a version call, whatever has been published since. Never changed."""

    __tablename__ = "call_pin"
    __audited__ = False
    __table_args__: ClassVar = (UniqueConstraint("version_id", "process"), {"extend_existing": False})

    version_id: Mapped[int] = mapped_column(ForeignKey("process_version.id", ondelete="RESTRICT"))
    process: Mapped[str] = mapped_column(String(60))
    pinned_id: Mapped[int] = mapped_column(ForeignKey("process_version.id", ondelete="RESTRICT"), index=True)


refuse_changes(CallPin.__table__, why="a published process version never changes", may_go=True)


class ProcessToken(Entity):
    """Where one branch of an instance rests. Gone when it moves on; the events tell its history."""

    __tablename__ = "process_token"
    __audited__ = False
    __table_args__: ClassVar = (UniqueConstraint("instance_id", "token"), {"extend_existing": False})

    instance_id: Mapped[int] = mapped_column(ForeignKey("process_instance.id", ondelete="RESTRICT"))
    token: Mapped[int] = mapped_column()
    node: Mapped[str] = mapped_column(String(120))
    via: Mapped[str] = mapped_column(String(120))
    state: Mapped[TokenState] = mapped_column(stored(TokenState))
    #: the token that gathers the answers where several are asked, and for which of its elements this one is
    outer: Mapped[int] = mapped_column(default=0, server_default=text("0"), sort_order=1)
    position: Mapped[int] = mapped_column(default=0, server_default=text("0"), sort_order=1)
    #: of the one that gathers: the elements, and what came so far
    gathered: Mapped[dict[str, Any] | None] = mapped_column(Json, sort_order=1)


class ProcessTimer(Leased, Entity):
    """A clock that runs: in an instance, or to start one of a version. Gone once it has struck for the last time.

    What is leased is the striking; `due_at` is the moment at which it is to happen, however late a worker comes.
    """

    __tablename__ = "process_timer"
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("instance_id", "number"),
        CheckConstraint("(instance_id IS NULL) <> (version_id IS NULL)", name="of_one"),
        CheckConstraint("(instance_id IS NULL) = (number IS NULL)", name="numbered_in_its_instance"),
        *lease_indexes(),
        # Those that were given up are looked for at every pulse, among all that still run.
        Index(
            "ix_process_timer_given_up",
            "last_error",
            sqlite_where=text("status = 'dead'"),
            postgresql_where=text("status = 'dead'"),
        ),
        {"extend_existing": False},
    )

    instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instance.id", ondelete="RESTRICT"))
    #: of a start event: the published version that it starts
    version_id: Mapped[int | None] = mapped_column(ForeignKey("process_version.id", ondelete="RESTRICT"), index=True)
    #: the engine's number of it, and the token for which it runs
    number: Mapped[int | None] = mapped_column()
    token: Mapped[int | None] = mapped_column()
    node: Mapped[str] = mapped_column(String(120))
    #: how many times it will still strike; None: without end
    left: Mapped[int | None] = mapped_column()
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Receiver(Revisioned, Stamped, Entity):
    """A program outside that processes may call by its code: where it is, and what it wants to hear who calls."""

    __tablename__ = "receiver"

    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(String(2000))
    #: it lies in one's own network, and an administrator knows that
    may_be_inside: Mapped[bool] = mapped_column(default=False)
    #: names and values as JSON, locked by core.vault together with the address that they are for
    headers: Mapped[str | None] = mapped_column(Text)
    #: since then no process calls it any more
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)

    def __str__(self) -> str:
        return self.name


class ProcessRequest(Leased, Entity):
    """A program outside is to be asked, for a token that waits. Gone once it has answered and nobody has to look.

    `key` is the same however often it is asked for that: who is asked twice knows it by that. `attempts` are counted
    by the drawing, so that only a worker who dies over it ever comes near `max_attempts`.
    """

    __tablename__ = "process_request"
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("instance_id", "token"),
        *lease_indexes(),
        # Those that were given up are looked for at every pulse.
        Index(
            "ix_process_request_given_up",
            "last_error",
            sqlite_where=text("status = 'dead'"),
            postgresql_where=text("status = 'dead'"),
        ),
        {"extend_existing": False},
    )
    max_attempts: ClassVar[int] = 50

    instance_id: Mapped[int] = mapped_column(ForeignKey("process_instance.id", ondelete="RESTRICT"))
    token: Mapped[int] = mapped_column()
    node: Mapped[str] = mapped_column(String(120))
    key: Mapped[str] = mapped_column(String(36), unique=True)
    #: what is sent
    body: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    #: what came of it, while the instance is paused: {values}, or {error, reason}
    outcome: Mapped[dict[str, Any] | None] = mapped_column(Json)


class VersionMove(Leased, Entity):
    """All process files of a process that can be are moved to one of its versions, one by one, by the worker."""

    __tablename__ = "version_move"
    __audited__ = False
    __table_args__: ClassVar = (Index(None, "version_id", "id"), *lease_indexes(), {"extend_existing": False})
    max_attempts: ClassVar[int] = 3

    #: in whose name and with whose rights of that moment
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))
    version_id: Mapped[int] = mapped_column(ForeignKey("process_version.id", ondelete="RESTRICT"))
    #: elements that are called otherwise there: id here → id there
    renamed: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    #: clocks that run begin again
    anew: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(Text)
    #: process files that ran by other versions when it began; how many of them were moved, and how many stay
    rows_all: Mapped[int] = mapped_column(default=0)
    moved: Mapped[int] = mapped_column(default=0)
    stayed: Mapped[int] = mapped_column(default=0)
    #: with all up to this one it is done
    last_id: Mapped[int] = mapped_column(default=0)
    #: why it stopped, in the words of whoever began it
    problem: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    member: Mapped[Member] = relationship(foreign_keys=[member_id])
    version: Mapped[ProcessVersion] = relationship(foreign_keys=[version_id])

    @property
    def is_working(self) -> bool:
        return self.status in (LeaseState.waiting, LeaseState.leased)


class RequestCount(Entity):
    """How often programs outside were asked, by what came of it; one row for each result."""

    __tablename__ = "request_count"
    __audited__ = False

    #: ok; of answers 3xx, 4xx or 5xx; else the fault (core.outbound)
    result: Mapped[str] = mapped_column(String(40), unique=True)
    count: Mapped[int] = mapped_column(BigInteger, default=0)


class AwaitedMail(Entity):
    """A mail of a process on which it goes on once that is out. Gone when it is, or when nobody waits any more."""

    __tablename__ = "awaited_mail"
    __audited__ = False
    __table_args__: ClassVar = (UniqueConstraint("instance_id", "token"), {"extend_existing": False})

    instance_id: Mapped[int] = mapped_column(ForeignKey("process_instance.id", ondelete="RESTRICT"))
    token: Mapped[int] = mapped_column()
    #: by what the outbox knows it
    key: Mapped[str] = mapped_column(String(200), index=True)
    #: how often what became of it could not be told, and not before when that is tried again
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"), sort_order=1)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)


class AssignTurn(Entity):
    """Whose turn it was last where a step goes round: by process and step, over all versions."""

    __tablename__ = "assign_turn"
    __audited__ = False
    __table_args__: ClassVar = (UniqueConstraint("process_id", "step"), {"extend_existing": False})

    process_id: Mapped[int] = mapped_column(ForeignKey("process.id", ondelete="RESTRICT"))
    step: Mapped[str] = mapped_column(String(120))
    #: a number, no reference: whoever was last may be gone by now, and the turn goes on behind him
    last_id: Mapped[int] = mapped_column()


class ProcessSubscription(Entity):
    """A message is waited for: in an instance, or to start one of a version. Gone once it came, or is of no use."""

    __tablename__ = "process_subscription"
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("instance_id", "number"),
        CheckConstraint("(instance_id IS NULL) <> (version_id IS NULL)", name="of_one"),
        CheckConstraint("(instance_id IS NULL) = (number IS NULL)", name="numbered_in_its_instance"),
        CheckConstraint("(instance_id IS NULL) = (key IS NULL)", name="keyed_in_its_instance"),
        Index(None, "name", "key"),
        {"extend_existing": False},
    )

    instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instance.id", ondelete="RESTRICT"))
    #: of a start event: the published version that any message of this name starts
    version_id: Mapped[int | None] = mapped_column(ForeignKey("process_version.id", ondelete="RESTRICT"), index=True)
    #: the engine's number of it, and the token for which it waits
    number: Mapped[int | None] = mapped_column()
    token: Mapped[int | None] = mapped_column()
    node: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(100))
    key: Mapped[str | None] = mapped_column(String(200))
    armed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)


class MessageState(StrEnum):
    """kept: nobody waits for it yet. taken: by one instance, once and for all."""

    kept = auto()
    taken = auto()


class ProcessMessage(Entity):
    """A message that came: from outside, or from within. The same event of the same source comes in once.

    Its values go once it is taken: the instance has them. What nobody takes goes when its time is over.
    """

    __tablename__ = "process_message"
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("source", "event_id"),
        CheckConstraint("(state = 'taken') = (taken_at IS NOT NULL)", name="taken_at_a_moment"),
        Index(
            "ix_process_message_kept",
            "name",
            "key",
            sqlite_where=text("state = 'kept'"),
            postgresql_where=text("state = 'kept'"),
        ),
        Index(None, "state", "expires_at"),
        {"extend_existing": False},
    )

    source: Mapped[str] = mapped_column(String(60))
    event_id: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(100))
    #: empty: only a process that begins with it can take it
    key: Mapped[str] = mapped_column(String(200), default="")
    values: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    #: of all that was sent: the same event with other words is refused
    digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[MessageState] = mapped_column(stored(MessageState), default=MessageState.kept)
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instance.id", ondelete="RESTRICT"), index=True)
    #: how often it could not be handed over though somebody waits for it, and not before when that is tried again
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"), sort_order=1)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    #: of one that a process sent: how many came before it without anybody's work, each because of the last
    hops: Mapped[int] = mapped_column(default=0, server_default=text("0"), sort_order=1)

    def __str__(self) -> str:
        return self.name


_OF_TASK = text("task_id IS NOT NULL")


class ProcessEvent(Entity):
    """One thing that happened in an instance, in order. Never changed."""

    __tablename__ = "process_event"
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("instance_id", "seq"),
        Index("ix_process_event_task_id", "task_id", sqlite_where=_OF_TASK, postgresql_where=_OF_TASK),
        {"extend_existing": False},
    )

    instance_id: Mapped[int] = mapped_column(ForeignKey("process_instance.id", ondelete="RESTRICT"))
    seq: Mapped[int] = mapped_column()
    #: the engine's command: instance_started, open_task, take_flow, …
    kind: Mapped[str] = mapped_column(String(40))
    node: Mapped[str | None] = mapped_column(String(120))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="RESTRICT"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    body: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


refuse_changes(ProcessEvent.__table__, why="what happened in an instance is never changed", may_go=True)
