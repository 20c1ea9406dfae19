"""Let running instances go on by another published version of their process: say first which can, then move them.

Each is moved in a transaction of its own, under its lock. Open work stays with whoever has it, with what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, update
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from app.core import audit, clock, rows
from app.core.access import Actor, get_visible, visible
from app.core.errors import BusinessError, InvalidInputError, Sentence
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.forms.models import FormVersion
from app.processes import queries, store
from app.processes.applying import apply
from app.processes.assignment import keep_turns
from app.processes.engine.events import Migrate
from app.processes.engine.graph import Definition, TaskSpec
from app.processes.engine.migrating import Obstacle, Reason, reasons
from app.processes.engine.state import State
from app.processes.models import (
    OWNER,
    Process,
    ProcessInstance,
    ProcessRequest,
    ProcessVersion,
    VersionState,
)
from app.processes.services import why_given
from app.tasks import queries as task_queries
from app.tasks.models import Task

#: so many are looked at or moved at once
MOST_AT_ONCE = 100

SENTENCES: Mapping[Obstacle, Callable[[str], Sentence]] = {
    Obstacle.not_running: lambda _name: _("It is paused. Let it go on first, then move it."),
    Obstacle.several_asked: lambda name: _("“%(name)s” is just being done by several people. Wait until they are done.",
                                           name=name),
    Obstacle.step_gone: lambda name: _("It rests on “%(name)s”, which the other version does not have.", name=name),
    Obstacle.other_kind: lambda name: _("“%(name)s” is something else in the other version.", name=name),
    Obstacle.other_process: lambda name: _("“%(name)s” links to another process there.", name=name),
    Obstacle.done_gone: lambda name: _("“%(name)s” has been done, and the other version does not have it.", name=name),
    Obstacle.done_changed: lambda name: _("“%(name)s” has been done, and is no step of work there.", name=name),
    Obstacle.two_become_one: lambda name: _("“%(name)s” and another step would become the same one.", name=name),
    Obstacle.way_gone: lambda name: _("At “%(name)s” one branch would not know any more from where it came.",
                                      name=name),
    Obstacle.cannot_wait: lambda name: _("A value is missing for what “%(name)s” waits for there.", name=name),
    Obstacle.join_left_dead: lambda name: _("“%(name)s” would wait for ever for a branch that cannot come any more.",
                                            name=name),
    Obstacle.no_end_left: lambda name: _("What comes after “%(name)s” could not come to an end any more.", name=name),
    Obstacle.cannot_tell: lambda _name: _("The drawing is too branched to tell whether every branch would end."),
}  # fmt: skip


class NotMovableError(BusinessError):
    """The instance cannot go on by that version; `against` says why."""

    code = "instance_not_movable"
    message = _("This process file cannot be moved to the other version.")

    def __init__(self, against: Sequence[Reason]) -> None:
        self.against = against
        super().__init__(_("It cannot be moved: %(reason)s", reason=told(against[0])), reasons=shown(against))


@dataclass(frozen=True)
class Verdict:
    """Whether an instance can be moved: nothing is `against` it, or these reasons are."""

    instance: ProcessInstance
    against: tuple[Reason, ...]

    @property
    def is_safe(self) -> bool:
        return not self.against


def told(reason: Reason) -> Sentence:
    return SENTENCES[reason.code](reason.name)


def shown(against: Sequence[Reason]) -> list[dict[str, str]]:
    """As the interface writes them."""
    return [{"code": one.code, "element": one.element, "message": str(told(one))} for one in against]


def target(session: Session, process: Process, number: int) -> ProcessVersion:
    """A version to which instances can be moved. Raises InvalidInputError beside `to` where it was never published."""
    rows_ = select(ProcessVersion).where(ProcessVersion.process_id == process.id, ProcessVersion.number == number)
    found = session.scalars(rows_.where(ProcessVersion.state != VersionState.draft)).one_or_none()
    if found is None:
        raise InvalidInputError(fields={"to": [_("This process has no published version with that number.")]})
    return found


def named(session: Session, version: ProcessVersion, names: Mapping[str, Any]) -> dict[str, str]:
    """The elements that are called otherwise in `version`. Raises InvalidInputError beside `map` for what is none."""
    new = queries.definition_of(version).nodes
    known = {key for one in published(session, version.process_id) for key in queries.definition_of(one).nodes}
    for source, to in names.items():
        if source not in known or not isinstance(to, str) or to not in new:
            about = source if source not in known else str(to)
            raise InvalidInputError(fields={"map": [_("No element is called “%(name)s”.", name=about[:120])]})
    return {source: to for source, to in names.items() if source != to}


def published(session: Session, process_id: int) -> Sequence[ProcessVersion]:
    """Those that were ever published, the newest first."""
    rows_ = select(ProcessVersion).where(
        ProcessVersion.process_id == process_id, ProcessVersion.state != VersionState.draft
    )
    return session.scalars(rows_.order_by(ProcessVersion.number.desc())).all()


# ── which can ──
def running_elsewhere(version: ProcessVersion, actor: Actor) -> Select[ProcessInstance]:
    """The instances of that process that go on by other versions, as far as he may move them, the oldest first."""
    others = select(ProcessVersion.id).where(
        ProcessVersion.process_id == version.process_id, ProcessVersion.id != version.id
    )
    return (
        select(ProcessInstance)
        .where(ProcessInstance.version_id.in_(others), _may_be_moved(actor))
        .order_by(ProcessInstance.id)
        .options(joinedload(ProcessInstance.version).joinedload(ProcessVersion.process))
    )


def _may_be_moved(actor: Actor) -> ColumnElement[bool]:
    return ProcessInstance.ended_at.is_(None) & visible(ProcessInstance, actor, "approve")


def count_by_version(session: Session, process: Process, actor: Actor) -> dict[int, int]:
    """How many run by each version, by its number; only those that he may move."""
    of_it = select(ProcessVersion.id).where(ProcessVersion.process_id == process.id)
    counted = (
        select(ProcessVersion.number, func.count(ProcessInstance.id))
        .join(ProcessInstance, ProcessInstance.version_id == ProcessVersion.id)
        .where(ProcessInstance.version_id.in_(of_it), _may_be_moved(actor))
        .group_by(ProcessVersion.number)
    )
    return {row[0]: row[1] for row in session.execute(counted)}


def verdicts(
    session: Session, version: ProcessVersion, names: Mapping[str, str], instances: Sequence[ProcessInstance]
) -> list[Verdict]:
    """Of each of these whether it can be moved to `version`, read without a lock."""
    ids = [one.id for one in instances]
    branches, been = store.branches_of(session, ids), task_queries.done_steps_of(session, OWNER, ids)
    return [
        Verdict(
            one,
            _against(
                queries.definition_of(one.version), queries.definition_of(version),
                replace(branches.get(one.id, State()), status=one.status, data=one.data), names,
                been.get(one.id, set()),
            ),
        )
        for one in instances
    ]  # fmt: skip


def _against(
    old: Definition, new: Definition, state: State, names: Mapping[str, str], been: Collection[str]
) -> tuple[Reason, ...]:
    return reasons(old, new, state, _of(old, names), been, today=clock.today(DEFAULT_TIME_ZONE))


def _of(old: Definition, names: Mapping[str, str]) -> dict[str, str]:
    return {source: to for source, to in names.items() if source in old.nodes}


# ── it is moved ──
def move_to_version(
    session: Session,
    instance_id: int,
    version: ProcessVersion,
    *,
    by: Actor,
    reason: str,
    names: Mapping[str, str] | None = None,
    anew: bool = False,
) -> ProcessInstance:
    """Let it go on by `version` of its process; nothing happens where it does already. `names`: what is called
    otherwise there; `anew`: clocks begin again as they are drawn there, else they strike when they would have.

    Raises NotMovableError, InvalidInputError beside `reason`, InstanceOverError.
    """
    by.must("edit", "Process")
    get_visible(session, Process, version.process_id, by, "edit")
    get_visible(session, ProcessInstance, instance_id, by, "approve")
    why, instance = why_given(reason), store.lock(session, instance_id)
    before = instance.version
    if before.process_id != version.process_id:
        raise InvalidInputError(fields={"to": [_("This process file belongs to another process.")]})
    if before.id == version.id:
        return instance
    old, new, state = queries.definition_of(before), queries.definition_of(version), store.load(session, instance)
    mine = _of(old, names or {})
    been = frozenset(task_queries.done_steps_of(session, OWNER, [instance.id]).get(instance.id, set()))
    if instance.ended_at is None and (against := _against(old, new, state, mine, been)):
        raise NotMovableError(against)
    set_committed_value(instance, "version", version)
    keep_turns(session, version.process_id, mine)
    event = Migrate(old, before.number, version.number, mine, been, anew, why)
    try:
        apply(session, instance, version, state, event, by=by)
    finally:
        if instance.version_id != version.id:  # refused
            set_committed_value(instance, "version", before)
    _rename(session, instance, mine)
    _redraw_open_work(session, instance, version, new)
    audit.record(
        session, "instance.migrated", table="process_instance", record_id=instance.id,
        changes={"version": [before.number, version.number]}, reason=why,
    )  # fmt: skip
    return instance


def _rename(session: Session, instance: ProcessInstance, names: Mapping[str, str]) -> None:
    """What was done, and what is asked of others just now, goes by the new names: whoever did a step is still known."""
    if not names:
        return
    tasks = update(Task).where(Task.owner_type == OWNER, Task.owner_id == instance.id, Task.step.in_(names))
    asked = update(ProcessRequest).where(ProcessRequest.instance_id == instance.id, ProcessRequest.node.in_(names))
    for renamed in (
        tasks.values(step=case(names, value=Task.step, else_=Task.step)),
        asked.values(node=case(names, value=ProcessRequest.node, else_=ProcessRequest.node)),
    ):
        session.execute(renamed, execution_options={"synchronize_session": "fetch"})


def _redraw_open_work(
    session: Session, instance: ProcessInstance, version: ProcessVersion, definition: Definition
) -> None:
    """Open work is called as it is there, asks what is asked there, and may be decided as there; who has it, what was
    typed and when it is due stay."""
    for task in task_queries.open_of_owners(session, OWNER, [instance.id]).get(instance.id, []):
        node = definition.nodes[task.step]
        spec = node.task or TaskSpec()
        form = session.get(FormVersion, version.form_pins[spec.form]) if spec.form else None
        rows.change(
            session,
            task,
            name=node.title[:200],
            outcomes=list(spec.outcomes),
            form_version_id=form.id if form else None,
        )
