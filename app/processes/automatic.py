"""What does a process do by itself, as an administrator writes it down without XML? Each task of the draft in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.errors import BusinessError, InvalidInputError, NotFoundError, Sentence
from app.core.i18n import _
from app.processes import drawing, queries
from app.processes.engine import bpmn, redrawing
from app.processes.engine.graph import Definition, Node, NodeKind
from app.processes.engine.http import HttpSpec
from app.processes.engine.outside import MailSpec, SetSpec, TellSpec
from app.processes.engine.problems import Problem, Severity
from app.processes.engine.redrawing import NoPlaceError, Words
from app.processes.models import Process, ProcessVersion

LONGEST_NAME = 200
#: beside which field a problem of a task is told
_BESIDE = {
    "bad-url": "url", "no-receiver": "receiver", "unknown-receiver": "receiver", "bad-path": "path",
    "bad-method": "method", "bad-headers": "headers", "bad-body": "pairs", "bad-takes": "kept", "bad-limit": "seconds",
    "bad-tries": "tries", "bad-recipient": "to", "no-template": "template", "unknown-template": "template",
    "bad-words": "words", "bad-field": "pairs", "no-value": "pairs", "bad-value": "pairs", "unknown-field": "pairs",
    "wrong-type": "pairs", "no-service": "pairs", "bad-wait": "waits", "bad-message": "message",
    "bad-correlation": "known_by", "bad-gives": "pairs", "bad-ttl": "kept_for",
}  # fmt: skip


class NoWayToChangeError(BusinessError):
    code = "no_way_to_change"
    message = _("The drawing does not let this be changed here: upload it anew.")


@dataclass(frozen=True)
class Automatic:
    """One task as it stands in the drawing: `kind` mail, message, set or http, `words` the attributes of each of its
    lines."""

    id: str
    name: str
    kind: str
    words: Words
    problems: Sequence[Problem] = ()


@dataclass(frozen=True)
class Drawn:
    """The draft, or the version in use where there is none: its tasks, where one can be added (flow → from, to), the
    keys that it knows, and what stands against publishing it."""

    rev: int
    is_draft: bool
    tasks: Sequence[Automatic] = ()
    places: Sequence[tuple[str, str, str]] = ()
    keys: Sequence[str] = ()
    problems: Sequence[Problem] = field(default=())


def drawn(session: Session, process: Process) -> Drawn | None:
    """None where nothing was drawn yet."""
    version = _newest(session, process)
    if version is None:
        return None
    definition, problems = drawing.check_draft(session, version)
    is_draft = queries.draft_of(session, process.id) is version
    if definition is None:
        return Drawn(version.rev if is_draft else 0, is_draft, problems=problems)
    words = redrawing.words_in(version.bpmn)
    tasks = [
        Automatic(node.id, node.title, kind, words[node.id][1],
                  [one for one in problems if one.element == node.id and one.severity is Severity.error])
        for node in definition.nodes.values()
        if (kind := _kind(node)) is not None and node.id in words
    ]  # fmt: skip
    return Drawn(
        version.rev if is_draft else 0, is_draft, tasks, _places(definition),
        sorted(drawing.keys_of(session, version, definition)), problems,
    )  # fmt: skip


def _kind(node: Node) -> str | None:
    match node.outside:
        case HttpSpec():
            return "http"
        case MailSpec():
            return "mail"
        case TellSpec():
            return "message"
        case SetSpec():
            return "set"
    return None


def _places(definition: Definition) -> list[tuple[str, str, str]]:
    return [
        (flow.id, definition.nodes[flow.source].title, definition.nodes[flow.target].title)
        for flow in definition.flows.values()
        if definition.nodes[flow.source].kind is not NodeKind.event_gateway
    ]


def change(
    session: Session, process: Process, task: str, *, name: str, kind: str, words: Words, rev: int, by: Actor
) -> None:
    """Raises InvalidInputError beside the field that is wrong, ConflictError when somebody else has changed it."""
    _save(
        session, process, name, kind, lambda xml: (redrawing.tell(xml, task, name.strip(), kind, words), task), rev, by
    )


def add(
    session: Session, process: Process, flow: str, *, name: str, kind: str, words: Words, rev: int, by: Actor
) -> None:
    """On the flow of that id. Raises as `change` does."""
    if not flow:
        raise InvalidInputError(fields={"place": [_("Choose between which steps it is done.")]})
    _save(session, process, name, kind, lambda xml: redrawing.insert(xml, flow, name.strip(), kind, words), rev, by)


def take_out(session: Session, process: Process, task: str, *, rev: int, by: Actor) -> None:
    """Raises NoWayToChangeError where events sit at its edge."""
    version = _must_be_drawn(session, process)
    try:
        xml = redrawing.take_out(version.bpmn, task)
    except NoPlaceError as error:
        raise NoWayToChangeError from error
    drawing.save_draft(session, process, xml, by=by, rev=rev)


def _save(
    session: Session,
    process: Process,
    name: str,
    kind: str,
    redraw: Callable[[str], tuple[str, str]],
    rev: int,
    by: Actor,
) -> None:
    by.must("edit", "Process")
    if not name.strip() or len(name.strip()) > LONGEST_NAME or not name.strip().isprintable():
        raise InvalidInputError(fields={"name": [_("Please give a name of at most 200 characters.")]})
    version = _must_be_drawn(session, process)
    try:
        xml, task = redraw(version.bpmn)
    except NoPlaceError as error:
        raise NoWayToChangeError from error
    except ValueError:  # characters that no XML can hold
        raise InvalidInputError(fields={"name": [_("Only letters, digits and signs, please.")]}) from None
    draft = drawing.save_draft(session, process, xml, by=by, rev=rev)
    _definition, problems = drawing.check_draft(session, draft)
    wrong: dict[str, list[Sentence]] = {}
    for one in problems:
        if one.element == task and one.severity is Severity.error and one.code in _BESIDE:
            wrong.setdefault(_BESIDE[one.code], []).append(one.message)
    if wrong:
        raise InvalidInputError(fields=wrong)


def _newest(session: Session, process: Process) -> ProcessVersion | None:
    return queries.draft_of(session, process.id) or queries.active_version(session, process.id)


def _must_be_drawn(session: Session, process: Process) -> ProcessVersion:
    version = _newest(session, process)
    if version is None or bpmn.read(version.bpmn)[0] is None:
        raise NotFoundError
    return version
