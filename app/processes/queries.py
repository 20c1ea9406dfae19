"""Which processes can be started, which instances may this person see, and what happened in them?"""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, joinedload

from app.core.access import Actor, row_rule, scoped
from app.core.errors import NotFoundError
from app.processes.engine import bpmn
from app.processes.engine.graph import Definition
from app.processes.models import Process, ProcessEvent, ProcessInstance, ProcessVersion, VersionState
from app.security.queries import granted


@row_rule(Process)
def _processes(actor: Actor, action: str) -> ColumnElement[bool]:
    return scoped(actor.scope("Process", action), actor, owner_id=Process.created_by_id)


@row_rule(ProcessInstance)
def _instances(actor: Actor, action: str) -> ColumnElement[bool]:
    by_scope = scoped(
        actor.scope("Instance", action), actor, owner_id=ProcessInstance.initiator_id, team_id=ProcessInstance.team_id
    )
    if action == "view":
        return or_(by_scope, granted("Instance", ProcessInstance.id, actor))
    return by_scope


def process_by_code(session: Session, code: str) -> Process | None:
    return session.scalars(select(Process).where(Process.code == code)).one_or_none()


def visible_process(session: Session, code: str, actor: Actor) -> Process:
    """Raises NotFoundError when there is none, or none for him."""
    found = session.scalars(select(Process).where(Process.code == code, _processes(actor, "view"))).one_or_none()
    if found is None:
        raise NotFoundError
    return found


def active_version(session: Session, process_id: int) -> ProcessVersion | None:
    """The published version, on which new instances start."""
    return _version(session, process_id, VersionState.published)


def draft_of(session: Session, process_id: int) -> ProcessVersion | None:
    return _version(session, process_id, VersionState.draft)


def _version(session: Session, process_id: int, state: VersionState) -> ProcessVersion | None:
    return session.scalars(
        select(ProcessVersion).where(ProcessVersion.process_id == process_id, ProcessVersion.state == state)
    ).one_or_none()


def version_numbered(session: Session, process_id: int, number: int) -> ProcessVersion:
    """Raises NotFoundError for a number that was never given."""
    found = session.scalars(
        select(ProcessVersion).where(ProcessVersion.process_id == process_id, ProcessVersion.number == number)
    ).one_or_none()
    if found is None:
        raise NotFoundError
    return found


def startable(actor: Actor) -> Select[Process]:
    """The processes with a published version, by name."""
    published = select(ProcessVersion.process_id).where(ProcessVersion.state == VersionState.published)
    return (
        select(Process).where(Process.id.in_(published), _processes(actor, "view")).order_by(Process.name, Process.id)
    )


@lru_cache(maxsize=256)
def _compiled(_version_id: int, xml: str) -> Definition:
    definition, _problems = bpmn.read(xml)
    if definition is None:
        raise LookupError("a published version cannot be read")  # lint saw it before publishing
    return definition


def definition_of(version: ProcessVersion) -> Definition:
    """The version, ready to run. Parsed once a process, since a published drawing never changes."""
    return _compiled(version.id, version.bpmn)


def with_people(rows: Select[ProcessInstance]) -> Select[ProcessInstance]:
    """The same instances with all that a page shows of them, in one query."""
    return rows.options(
        joinedload(ProcessInstance.version).joinedload(ProcessVersion.process),
        joinedload(ProcessInstance.customer),
        joinedload(ProcessInstance.initiator),
    )


def events(instance_id: int) -> Select[ProcessEvent]:
    """What happened, oldest first."""
    return select(ProcessEvent).where(ProcessEvent.instance_id == instance_id).order_by(ProcessEvent.seq)
