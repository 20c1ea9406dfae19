"""Draw and publish: how does a drawing become the version on which new instances start?"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.access import Actor, get_visible
from app.core.db import queue_up
from app.core.errors import BusinessError, ConflictError, InvalidInputError
from app.core.i18n import _
from app.customers.mails import TEMPLATES as TO_CUSTOMERS
from app.forms import queries as forms
from app.forms.fields.member import MemberType
from app.forms.fields.team import TeamType
from app.forms.models import Form, FormVersion
from app.forms.models import VersionState as FormState
from app.forms.own_fields import queries as own_fields
from app.processes import family, messages, queries, receivers, timers
from app.processes.engine import bpmn, lint
from app.processes.engine.graph import Definition
from app.processes.engine.known import Known
from app.processes.engine.outside import OWN
from app.processes.engine.problems import Problem, Severity, has_errors
from app.processes.models import Process, ProcessVersion, VersionState
from app.processes.rules import CUSTOMER_DAYS, CUSTOMER_FIELDS, CUSTOMER_LISTS, TO_COLLEAGUES
from app.security import queries as people
from app.security.models import Team

_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_CODE = 60
#: types of fields in which somebody is chosen
_NAMES_PEOPLE = {MemberType.code, TeamType.code}
#: whose answer is several values, or no value that could be set elsewhere
_SEVERAL = {"choices"}
_WHOLES = {"address", "rows", "file", "photo"}
#: own fields that a process cannot set
_NOT_SET = {*_WHOLES, "calculated", "signature"}


class ProcessNotPublishableError(BusinessError):
    """The draft has problems; `problems` names each element with its sentence."""

    code = "process_not_publishable"
    message = _("This process cannot be published yet.")

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(
            problems=[
                {"element": p.element, "code": p.code, "message": str(p.message), "severity": str(p.severity)}
                for p in problems
            ]
        )


class NothingToPublishError(BusinessError):
    code = "nothing_to_publish"
    message = _("There is no draft to publish.")


def create_process(session: Session, *, code: str, name: str, by: Actor) -> Process:
    """A new process without a drawing. Raises InvalidInputError for a taken or misspelt code or an unfit name."""
    by.must("add", "Process")
    problems: dict[str, list[Any]] = {}
    if len(code) > _LONGEST_CODE or not _CODE.fullmatch(code):
        problems["code"] = [_("Small letters without accents, digits and dashes. Example: giao-hang-cham")]
    elif queries.process_by_code(session, code) is not None:
        problems["code"] = [_("Another process has this code.")]
    if not name.strip() or len(name) > 200 or "\0" in name:
        problems["name"] = [_("Please give a name of at most 200 characters.")]
    if problems:
        raise InvalidInputError(fields=problems)
    process = Process(code=code, name=name.strip())
    session.add(process)
    session.flush()
    return process


def save_draft(session: Session, process: Process, xml: str, *, by: Actor, rev: int | None = None) -> ProcessVersion:
    """Keep the drawing; it may have problems, but it must be BPMN. Raises ProcessNotPublishableError when it is not."""
    by.must("edit", "Process")
    get_visible(session, Process, process.id, by, "edit")
    definition, problems = bpmn.read(xml)
    if definition is None and any(problem.element == "" for problem in problems):
        raise ProcessNotPublishableError(problems)
    session.refresh(process, with_for_update={"key_share": True})
    draft = queries.draft_of(session, process.id)
    if rev is not None and rev != (draft.rev if draft else 0):
        who = people.member_by_id(session, draft.updated_by_id) if draft and draft.updated_by_id else None
        raise ConflictError(by=who.name if who else "", at=draft.updated_at if draft else None)
    if draft is None:
        last = session.scalar(select(func.max(ProcessVersion.number)).where(ProcessVersion.process_id == process.id))
        draft = ProcessVersion(process_id=process.id, number=(last or 0) + 1, state=VersionState.draft, bpmn=xml)
        session.add(draft)
    else:
        draft.bpmn = xml
    session.flush()
    return draft


def check_draft(session: Session, draft: ProcessVersion) -> tuple[Definition | None, list[Problem]]:
    """What an admin would have to mend before publishing, and what he should know."""
    definition, problems = bpmn.read(draft.bpmn)
    if definition is not None:
        known = _known(session, draft, definition)
        problems = [*problems, *lint.check(definition, known=known)]
    return definition, problems


def keys_of(session: Session, draft: ProcessVersion, definition: Definition) -> frozenset[str]:
    """Every key under which the process can hold data."""
    return lint.keys_held(definition, _known(session, draft, definition))


def publish_process(session: Session, process: Process, *, by: Actor) -> tuple[ProcessVersion, list[Problem]]:
    """The draft becomes the version on which new instances start; running ones keep theirs. Returns the warnings too.

    The forms are pinned: an instance of this version asks what they asked at this moment.
    """
    by.must("approve", "Process")
    get_visible(session, Process, process.id, by, "approve")
    queue_up(session, messages.STARTS)  # who publishes beside us is seen by the check, or sees us
    session.refresh(process, with_for_update={"key_share": True})
    draft = queries.draft_of(session, process.id)
    if draft is None:
        raise NothingToPublishError
    definition, problems = check_draft(session, draft)
    if definition is None or has_errors(problems):
        raise ProcessNotPublishableError(problems)
    before = queries.active_version(session, process.id)
    if before is not None:
        before.state = VersionState.archived
        session.flush()
    draft.form_pins = {code: forms.published_version(session, code).id for code in _forms_of(definition)}  # type: ignore[union-attr]
    draft.state, draft.published_at, draft.published_by_id = VersionState.published, clock.now(), by.user_id
    session.flush()
    if process.archived_at is None:  # else nobody begins it, until it is brought back
        timers.arm_starts(session, draft, definition)
        messages.arm_starts(session, draft, definition)
    family.pin_calls(session, draft)
    audit.record(session, "process.published", table="process", record_id=process.id, changes={"version": draft.number})
    return draft, [problem for problem in problems if problem.severity is Severity.warning]


def _forms_of(definition: Definition) -> set[str]:
    codes = {node.task.form for node in definition.nodes.values() if node.task is not None}
    return {code for code in codes if code}


def _known(session: Session, draft: ProcessVersion, definition: Definition) -> Known:
    published = session.scalars(select(FormVersion).where(FormVersion.state == FormState.published))
    asked = {version.form_id: forms.definition_of(version).fields for version in published}
    keys = {form_id: frozenset(one.key for one in fields) for form_id, fields in asked.items()}
    people_in = {
        form_id: frozenset(one.key for one in fields if one.type.code in _NAMES_PEOPLE)
        for form_id, fields in asked.items()
    }
    shaped = [
        {form_id: frozenset(one.key for one in fields if one.type.code in types) for form_id, fields in asked.items()}
        for types in (_SEVERAL, _WHOLES)
    ]
    own = own_fields.drawn(session)
    added = {f"{OWN}{key}": one.type.code for key, one in own.fields.items()} if own is not None else {}
    codes = session.execute(select(Form.code, Form.id).where(Form.id.in_(keys), Form.archived_at.is_(None))).all()
    empty_roles, empty_teams = people.without_anybody(session)
    return Known(
        forms={code: keys[form_id] for code, form_id in codes},
        roles=frozenset(people.role_codes(session)),
        teams=frozenset(session.scalars(select(Team.code).where(Team.archived_at.is_(None)))),
        texts={"customer": frozenset(kind.code for kind in TO_CUSTOMERS), "colleague": TO_COLLEAGUES},
        customer_days=CUSTOMER_DAYS,
        customer_fields=CUSTOMER_FIELDS | {key for key, kind in added.items() if kind not in _NOT_SET},
        customer_lists=CUSTOMER_LISTS | {key for key, kind in added.items() if kind in _SEVERAL},
        lists={code: shaped[0][form_id] for code, form_id in codes},
        wholes={code: shaped[1][form_id] for code, form_id in codes},
        receivers=receivers.codes(session),
        begun_by=messages.begun_by(session, draft.process_id),
        users=frozenset(member.user.username for member in session.scalars(people.active_members())),
        processes=_callable(session, draft, definition),
        people={code: people_in[form_id] for code, form_id in codes},
        called_from_lane=definition.asks_for_a_lane and _is_called_from_lane(session, draft.process_id),
        empty=frozenset({*(f"role:{code}" for code in empty_roles), *(f"team:{code}" for code in empty_teams)}),
    )


def _is_called_from_lane(session: Session, process_id: int, seen: frozenset[int] = frozenset()) -> bool:
    """By a version in use or a draft of another process: then the lane there says who does what this one leaves open.
    One without lanes hands on the lane from which it is called itself."""
    code = session.scalar(select(Process.code).where(Process.id == process_id)) or ""
    seen = seen | {process_id}
    others = select(ProcessVersion.process_id, ProcessVersion.bpmn).where(
        ProcessVersion.process_id.not_in(seen),
        ProcessVersion.state != VersionState.archived,
        ProcessVersion.bpmn.contains(code, autoescape=True),
    )
    for caller_id, xml in session.execute(others).all():
        definition, _problems = bpmn.read(xml)
        nodes = definition.nodes.values() if definition is not None else ()
        calls = [node for node in nodes if node.call is not None and node.call.process == code]
        if any(node.lane is not None and node.lane.role for node in calls):
            return True
        if calls and all(node.lane is None for node in nodes) and _is_called_from_lane(session, caller_id, seen):
            return True
    return False


def _callable(session: Session, draft: ProcessVersion, definition: Definition) -> dict[str, frozenset[str] | None]:
    """Of each process that is called here: what has to be given to begin it. It may call itself, as it is drawn now."""
    found: dict[str, frozenset[str] | None] = {}
    for code in {spec.process for spec in definition.calls.values()}:
        process = queries.process_by_code(session, code)
        if process is None or process.archived_at is not None:
            continue
        version = queries.active_version(session, process.id)
        if process.id == draft.process_id:
            form = forms.published_version(session, definition.start_form) if definition.start_form else None
            found[code] = family.required_in(form)
        else:
            found[code] = family.required_keys(session, version) if version is not None else None
    return found


def retire_process(session: Session, process: Process, *, by: Actor) -> None:
    """Nobody begins it any more; what runs goes on to its end."""
    by.must("delete", "Process")
    process.archived_at = process.archived_at or clock.now()
    timers.disarm_starts(session, process.id)
    messages.disarm_starts(session, process.id)
    session.flush()


def bring_back_process(session: Session, process: Process, *, by: Actor) -> None:
    """It can be begun again."""
    by.must("delete", "Process")
    queue_up(session, messages.STARTS)
    process.archived_at = None
    session.flush()
    timers.rearm_starts(session, process)
    messages.rearm_starts(session, process)
