"""Which processes can be started, which instances may this person see, and what happened in them?"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, joinedload

from app.core import links, rows
from app.core.access import Actor, Scope, get_visible, row_rule, scoped, visible
from app.core.errors import NotFoundError
from app.core.finding import Belonging, Hit, Rows, line, matcher, of_owners
from app.core.i18n import _
from app.core.prepared import PreparedRows
from app.core.vietnamese import fold
from app.customers.models import Customer
from app.customers.queries import name_if_seen
from app.customers.search import found_ids
from app.forms import queries as forms
from app.forms.fields.base import FormField
from app.forms.models import FormVersion
from app.processes.engine import bpmn
from app.processes.engine.graph import Definition
from app.processes.engine.state import FINAL, InstanceStatus
from app.processes.models import (
    OWNER,
    Process,
    ProcessEvent,
    ProcessInstance,
    ProcessMessage,
    ProcessVersion,
    VersionState,
)
from app.security.grants import granted
from app.security.models import Right
from app.tasks.models import Task
from app.tasks.queries import is_orphan

#: so many running instances are looked through when somebody types the name of a process
MOST_LOOKED_AT = 2000
#: of so many customers the instances are shown; who has more types another word
MOST_CUSTOMERS = 100
_CODE = re.compile(r"(?:hs)?[ -]?0*([1-9][0-9]{0,8})", re.IGNORECASE)


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
    if action == "edit" and actor.may("edit", "Instance"):
        return or_(by_scope, granted("Instance", ProcessInstance.id, actor, Right.edit))
    return by_scope


@row_rule(ProcessMessage)
def messages_of(actor: Actor, action: str) -> ColumnElement[bool]:
    """Messages are nobody's: all of them for those who may see them, else nothing."""
    return true() if actor.scope("Message", action) is Scope.all else false()


_PROCESS: Any = Process.__table__
_VERSION: Any = ProcessVersion.__table__
_OF_CODE = PreparedRows(select(*_PROCESS.c).where(_PROCESS.c.code == bindparam("called")))
_IN_STATE = PreparedRows(
    select(*_VERSION.c).where(_VERSION.c.process_id == bindparam("of"), _VERSION.c.state == bindparam("is"))
)


def process_by_code(session: Session, code: str) -> Process | None:
    return rows.first(session, Process, _OF_CODE, {"called": code})


def visible_process(session: Session, code: str, actor: Actor, action: str = "view") -> Process:
    """Raises NotFoundError when there is none, or none for him; NotAllowedError when he may not do that with it."""
    return get_visible(session, Process, session.scalar(select(Process.id).where(Process.code == code)), actor, action)


def may(session: Session, process: Process, actor: Actor, action: str) -> bool:
    """Whether he may do that with this very process."""
    allowed = select(Process.id).where(Process.id == process.id, visible(Process, actor, action))
    return actor.may(action, "Process") and session.scalar(allowed) is not None


def active_version(session: Session, process_id: int) -> ProcessVersion | None:
    """The published version, on which new instances start."""
    return _version(session, process_id, VersionState.published)


def draft_of(session: Session, process_id: int) -> ProcessVersion | None:
    return _version(session, process_id, VersionState.draft)


def _version(session: Session, process_id: int, state: VersionState) -> ProcessVersion | None:
    return rows.first(session, ProcessVersion, _IN_STATE, {"of": process_id, "is": state})


def version_numbered(session: Session, process_id: int, number: int) -> ProcessVersion:
    """Raises NotFoundError for a number that was never given."""
    found = session.scalars(
        select(ProcessVersion).where(ProcessVersion.process_id == process_id, ProcessVersion.number == number)
    ).one_or_none()
    if found is None:
        raise NotFoundError
    return found


def startable(actor: Actor) -> Select[Process]:
    """The processes in use with a published version, by name."""
    published = select(ProcessVersion.process_id).where(ProcessVersion.state == VersionState.published)
    return (
        select(Process)
        .where(Process.id.in_(published), Process.archived_at.is_(None), _processes(actor, "view"))
        .order_by(Process.name, Process.id)
    )


@lru_cache(maxsize=256)
def _compiled(_version_id: int, xml: str) -> Definition:
    definition, _problems = bpmn.read(xml)
    if definition is None:
        raise LookupError("a published version cannot be read")  # lint saw it before publishing
    return definition


def question(session: Session, version: ProcessVersion, key: str) -> FormField | None:
    """What asks for the value under this key, in the forms of the version; that of a step may stand before it."""
    plain = key.rpartition(".")[2]
    for version_id in version.form_pins.values():
        form = session.get(FormVersion, version_id)
        one = forms.fields_of(form).get(plain) if form is not None else None
        if one is not None:
            return one
    return None


def definition_of(version: ProcessVersion) -> Definition:
    """The version, ready to run. Parsed once a process, since a published drawing never changes."""
    return _compiled(version.id, version.bpmn)


def has_status(status: InstanceStatus) -> ColumnElement[bool]:
    """Of those that are not over, in the words of the partial index on them."""
    is_status = ProcessInstance.status == status
    return is_status if status in FINAL else is_status & ProcessInstance.ended_at.is_(None)


def is_stuck() -> ColumnElement[bool]:
    """Those that need an admin: a branch cannot go on, or nobody is there for some work in it."""
    orphans = select(Task.owner_id).where(Task.owner_type == OWNER, is_orphan()).correlate(None)
    needy = or_(ProcessInstance.incident.is_not(None), ProcessInstance.id.in_(orphans))
    return and_(ProcessInstance.ended_at.is_(None), needy)


def stuck_since() -> ColumnElement[datetime]:
    """Since when those that `is_stuck` finds stand still: the first of what stands still in each."""
    since = func.min(func.coalesce(Task.orphan_since, Task.created_at))
    orphan = (
        select(since)
        .where(Task.owner_type == OWNER, Task.owner_id == ProcessInstance.id, is_orphan())
        .correlate(ProcessInstance)
        .scalar_subquery()
    )
    incident = ProcessInstance.incident_at
    first: ColumnElement[datetime] = case((incident.is_(None), orphan), (orphan < incident, orphan), else_=incident)
    return first


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


class Incident(NamedTuple):
    """Why a branch stopped, what was said to it ("": nothing), and when that was, where it is known."""

    code: str
    reason: str
    at: datetime | None


def incidents_of(session: Session, instance_ids: Collection[int]) -> dict[int, dict[int, Incident]]:
    """Of each by token why it last could not go on."""
    rows = select(
        ProcessEvent.instance_id, ProcessEvent.kind, ProcessEvent.node, ProcessEvent.body, ProcessEvent.at
    ).where(ProcessEvent.instance_id.in_(instance_ids), ProcessEvent.kind.in_(("branch_failed", "raise_incident")))
    found: dict[int, dict[int, Incident]] = {}
    said: dict[tuple[int, str | None], str] = {}
    for number, kind, node, body, at in session.execute(rows.order_by(ProcessEvent.instance_id, ProcessEvent.seq)):
        if kind == "branch_failed":
            said[number, node] = body.get("reason", "")
        else:
            found.setdefault(number, {})[body["token"]] = Incident(body["code"], said.pop((number, node), ""), at)
    return found


# ── Found by what is typed ───────────────────────────────────────────────────────────────────────────────────────────


def instance_code(number: int) -> str:
    """12 → HS-000012."""
    return f"HS-{number:06d}"


def _lines(customer: Any) -> Select[int, str, str, str | None]:
    """id, code, the process's name and `customer`."""
    return (
        select(ProcessInstance.id, ProcessInstance.code, Process.name.label("process"), customer.label("customer"))
        .select_from(ProcessInstance)
        .join(ProcessVersion, ProcessVersion.id == ProcessInstance.version_id)
        .join(Process, Process.id == ProcessVersion.process_id)
        .outerjoin(Customer, Customer.id == ProcessInstance.customer_id)
    )


def _instance_hit(row: Any, *, exact: bool = False) -> Hit:
    return Hit(row.id, row.process, line(row.code, row.customer), links.instance_path(row.id), exact)


def find_instances(
    session: Session, who: Actor, text: str, limit: int, of: Collection[int] | None = None, theirs: Sequence[Any] = ()
) -> list[Hit]:
    """By code (HS-000012, hs12 or 12), by customer, and by the process's name; the newest first.

    A code is looked up. `theirs` belong to customers whom he sees and the same text has found (`of` is None: to the
    MOST_CUSTOMERS first that match). Names are matched with the processes, and the instances of those are looked for
    among the MOST_LOOKED_AT newest running ones: the rule of who may see what is asked of so many rows and no more,
    however large the table.
    """
    hits: dict[int, Hit] = {}

    def add(name: str, condition: Callable[[], ColumnElement[bool]], *, exact: bool = False, **bound: Any) -> None:
        def newest() -> Select[int, str, str, str | None]:
            lines = _lines(name_if_seen(who)).where(visible(ProcessInstance, who))
            return lines.where(condition()).order_by(ProcessInstance.id.desc()).limit(bindparam("most", type_=Integer))

        for row in session.execute(who.once(("instances", name), newest), {"most": limit, **bound}):
            hits.setdefault(row.id, _instance_hit(row, exact=exact))

    code = _CODE.fullmatch(text.strip())
    if code:
        # A bare number may as well be the end of a phone number: only "HS" makes it a code for sure.
        said_so = text.strip()[:2].lower() == "hs"
        add("of that code", _of_that_code, exact=said_so, its_code=instance_code(int(code[1])))
    if of is None:
        of = session.scalars(found_ids(text, who, limit=MOST_CUSTOMERS)).all()
        theirs = of_owners(session, belonging(who), of, limit)
    for row in theirs:
        hits.setdefault(row.id, Hit(row.id, row.second, line(row.name, row.third), links.instance_path(row.id)))
    if not code and len(hits) < limit:
        fits = matcher(text)
        versions = [version_id for version_id, name in session.execute(_VERSIONS) if fits(name)]
        if versions:
            add("of versions", _of_versions, versions=versions)
    return list(hits.values())[:limit]


def belonging(who: Actor) -> Belonging:
    """Instances of the customers `owners`, the newest first: code, process and customer."""
    # OFFSET 0: found by their customers and sorted then. The planner would walk all instances, the newest first.
    theirs = select(ProcessInstance.id).where(ProcessInstance.customer_id.in_(bindparam("owners", expanding=True)))
    texts = (ProcessInstance.code.label("name"), Process.name.label("second"), Customer.name.label("third"))
    lines = _lines(Customer.name).with_only_columns(ProcessInstance.id, *texts)
    ids = theirs.offset(0).correlate(None)
    return Belonging(lines.where(visible(ProcessInstance, who), ProcessInstance.id.in_(ids)),
                     (ProcessInstance.id.desc(),))  # fmt: skip


_VERSIONS = select(ProcessVersion.id, Process.name).join(Process)


def versions_named(session: Session, text: str) -> list[int]:
    """Those of the processes in whose name every word stands, accents or none."""
    typed = fold(text).split()
    return [row[0] for row in session.execute(_VERSIONS) if all(word in fold(row[1]) for word in typed)]


def _of_that_code() -> ColumnElement[bool]:
    return ProcessInstance.code == bindparam("its_code")


def _of_versions() -> ColumnElement[bool]:
    running = select(ProcessInstance.id).where(ProcessInstance.ended_at.is_(None))
    last = running.order_by(ProcessInstance.started_at.desc()).limit(MOST_LOOKED_AT).correlate(None)
    return ProcessInstance.id.in_(last) & ProcessInstance.version_id.in_(bindparam("versions", expanding=True))


def named_instances(session: Session, who: Actor, ids: Collection[int]) -> list[Hit]:
    lines = _lines(name_if_seen(who)).where(ProcessInstance.id.in_(ids), visible(ProcessInstance, who))
    return [_instance_hit(row) for row in session.execute(lines)]


def _process_hit(process_id: int, name: str, code: str, who: Actor) -> Hit:
    """Who draws processes opens the process; for everyone else it is something to begin."""
    if who.may("edit", "Process"):
        return Hit(process_id, name, str(_("Process")), links.process_path(process_id))
    return Hit(process_id, name, str(_("Start this process")), links.start_path(code))


def _offered(who: Actor) -> Select[Process]:
    drawn = select(Process).where(visible(Process, who)).order_by(Process.name, Process.id)
    return startable(who) if who.may("add", "Instance") and not who.may("edit", "Process") else drawn


def _by_name(who: Actor) -> Select[int, str, str, str]:
    """Found by words of name or code. A company has some dozens of them."""
    nothing: ColumnElement[str] = literal_column("''")
    texts = (Process.name, Process.code.label("second"), nothing.label("third"))
    return _offered(who).with_only_columns(Process.id, *texts)


FOUND = Rows(
    _by_name, (Process.name, Process.id), MOST_LOOKED_AT,
    lambda row, who: _process_hit(row.id, row.name, row.second, who),
)  # fmt: skip


def named_processes(session: Session, who: Actor, ids: Collection[int]) -> list[Hit]:
    rows = session.scalars(_offered(who).where(Process.id.in_(ids)))
    return [_process_hit(one.id, one.name, one.code, who) for one in rows]
