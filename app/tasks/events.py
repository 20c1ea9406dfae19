"""Who is told when a task ends? The owner of the task, synchronously and in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from app.core.access import Actor

if TYPE_CHECKING:
    from app.tasks.models import Task


@dataclass(frozen=True)
class StageShown:
    """One heading of the way through; its state is done, now, late or next."""

    name: str
    state: str
    note: object = ""


@dataclass(frozen=True)
class AnswerShown:
    """What somebody answered in an earlier step: label and text, as it was asked then."""

    step: str
    by: str
    at: datetime
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class OwnerShown:
    """What a task page tells of the owner: where it lives, where it stands, what was said so far."""

    url: str
    code: str
    name: str
    step_number: int = 0
    step_count: int = 0
    stages: Sequence[StageShown] = ()
    #: what the steps before brought, the newest of it, in order
    answers: Sequence[AnswerShown] = field(default_factory=tuple)
    #: where what is older can be read, or ""
    older_answers: str = ""
    #: what this very task was answered with, once it is finished
    own_answers: Sequence[tuple[str, str]] = ()
    #: the work of the owner, of much the newest, for whoever may open it
    tasks: Sequence[Task] = ()
    #: the owner's row: while the page is made, nobody reads it again
    record: object = None


class TaskOwner(Protocol):
    """What tasks belong to. A feature above registers itself in create_app; tasks know nothing else of it."""

    #: the kind stored in task.owner_type
    kind: str

    @property
    def resource(self) -> str | None:
        """The resource of its grants, which it ends itself when it is over; None: work on it gives no sight of the
        owner, and what it shows of the customer ends with the task."""

    def lock(self, session: Session, owner_id: int) -> None:
        """Lock the owner's row before the task's: everybody takes locks in this order."""

    def task_completed(self, session: Session, task: Task, *, by: Actor, values: Mapping[str, Any]) -> None:
        """The task is done with these answers: go on. An error here undoes the completion as well."""

    def ways_back(self, session: Session, task: Task) -> Sequence[tuple[str, str]]:
        """The earlier steps to which the open task may be sent back, nearest first: code and name."""

    def task_returned(self, session: Session, task: Task, *, to: str, by: Actor, note: str) -> None:
        """The task was not done but sent back to one of its `ways_back`: open that step again."""

    def seen_by(self, owner_id: Any, actor: Actor) -> ColumnElement[bool]:
        """The condition that the owner of this id (a column) may be seen: notes are read with it."""

    def put_aside(self, owner_id: Any) -> ColumnElement[bool]:
        """The condition that the owner of this id (a column) is paused: nobody is troubled about its work."""

    def shown(self, session: Session, task: Task, actor: Actor) -> OwnerShown:
        """What the page of this task tells of its owner: without an address when he may not open that."""


@dataclass
class _Owners:
    by_kind: dict[str, TaskOwner]


_owners = _Owners({})


def register_owner(owner: TaskOwner) -> None:
    """Called once by create_app for each feature that owns tasks; registering again replaces."""
    _owners.by_kind[owner.kind] = owner


def owners() -> Collection[TaskOwner]:
    return _owners.by_kind.values()


def owner_of(kind: str) -> TaskOwner:
    return _owners.by_kind[kind]
