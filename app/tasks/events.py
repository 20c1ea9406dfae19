"""Who is told when a task ends? The owner of the task, synchronously and in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy.orm import Session

from app.core.access import Actor

if TYPE_CHECKING:
    from app.tasks.models import Task


class TaskOwner(Protocol):
    """What tasks belong to. A feature above registers itself in create_app; tasks know nothing else of it."""

    #: the kind stored in task.owner_type, and the resource of its grants
    kind: str
    resource: str

    def lock(self, session: Session, owner_id: int) -> None:
        """Lock the owner's row before the task's: everybody takes locks in this order. Refuses when it is over."""

    def task_completed(self, session: Session, task: Task, *, by: Actor, values: Mapping[str, Any]) -> None:
        """The task is done with these answers: go on. An error here undoes the completion as well."""


@dataclass
class _Owners:
    by_kind: dict[str, TaskOwner]


_owners = _Owners({})


def register_owner(owner: TaskOwner) -> None:
    """Called once by create_app for each feature that owns tasks; registering again replaces."""
    _owners.by_kind[owner.kind] = owner


def owner_of(kind: str) -> TaskOwner:
    return _owners.by_kind[kind]
