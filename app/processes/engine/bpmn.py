"""What does this BPMN file say? Reads BPMN 2.0 XML with the tt: extension into a definition and a list of problems.

The file comes from outside: no entity is resolved, nothing is fetched, and whatever is wrong becomes a sentence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn, TypeVar

from lxml import etree

from app.core import conditions
from app.core.conditions import Condition
from app.core.errors import Sentence
from app.core.i18n import _
from app.processes.engine import outside
from app.processes.engine.bpmn_words import ENDS as _ENDS
from app.processes.engine.bpmn_words import EXTENSIONS as _EXTENSIONS
from app.processes.engine.bpmn_words import HOSTS, MESSAGE, all_extensions, extension_of, listens
from app.processes.engine.bpmn_words import KINDS as _KINDS
from app.processes.engine.bpmn_words import NOT_READ as _NOT_READ
from app.processes.engine.bpmn_words import PARTS as _PARTS
from app.processes.engine.bpmn_words import SILENT as _SILENT
from app.processes.engine.bpmn_words import TIMER as _TIMER
from app.processes.engine.bpmn_words import TIMES as _TIMES
from app.processes.engine.elements import BPMN as _BPMN
from app.processes.engine.elements import KEY as _KEY
from app.processes.engine.elements import TT as _TT
from app.processes.engine.elements import children as _children
from app.processes.engine.elements import extensions as _extensions
from app.processes.engine.elements import id_of as _id
from app.processes.engine.elements import local as _local
from app.processes.engine.elements import tag as _tag
from app.processes.engine.elements import title as _title
from app.processes.engine.graph import (
    DEFAULT_OUTCOMES,
    AssignRule,
    Definition,
    EndKind,
    Flow,
    Lane,
    Node,
    NodeKind,
    Stage,
    TaskSpec,
    parse_approval,
    parse_outcomes,
)
from app.processes.engine.linked import ERROR, call_of, error_of, errors_of
from app.processes.engine.outside import Outside
from app.processes.engine.problems import Problem, Severity
from app.processes.engine.several import many_of
from app.processes.engine.timing import Clock, TimerSpec, parse_duration, parse_moment, parse_repeat

MAX_BYTES = 2_000_000
MAX_NODES = 2_000
MAX_ID_LENGTH = 100
MAX_NAME_LENGTH = 200

_TASK_ATTRIBUTES = {"form", "assign", "due", "clock", "warn", "approval", "outcomes", "notBy", "stage"}
_START_ATTRIBUTES = {"form"}
#: of the elements that can have a message those that send it
_TELLING = {NodeKind.throw_event, NodeKind.end_event}

T = TypeVar("T")


class _Unreadable(Exception):
    """The file cannot be read further; the problems collected so far say why."""


def read(xml: bytes | str) -> tuple[Definition | None, list[Problem]]:
    """Read one executable process. No definition when the file is unreadable or holds elements that cannot run."""
    reader = _Reader()
    try:
        return reader.definition(xml), reader.problems
    except _Unreadable:
        return None, reader.problems


class _Reader:
    """One reading of one file, collecting problems on the way."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        #: drawn messages: id → name; errors: id → code
        self.messages: dict[str, str] = {}
        self.errors: dict[str, str] = {}

    def definition(self, xml: bytes | str) -> Definition:
        root = self._root(xml)
        self.errors = errors_of(root)
        process = self._process(root)
        self.messages = {_id(one): one.get("name", "") for one in root.findall(_BPMN + "message")}
        self._refuse_duplicate_ids(process)
        self._refuse_crowds(process)
        nodes = [element for element in _children(process) if _tag(element) in _KINDS]
        self._name_what_cannot_run(process)
        self._check_names([process, *nodes])
        flows = self._flows(process, {_id(node) for node in nodes})
        if self.problems and any(problem.severity is Severity.error for problem in self.problems):
            raise _Unreadable
        # From here on problems lie inside single elements: the graph is whole and can be checked further.
        read_flows = {flow.id: flow for flow in map(self._flow, flows)}
        lanes = self._lanes(process)
        read_nodes = self._nodes(nodes, read_flows, lanes)
        stages = self._stages(process)
        faulty = frozenset(problem.element for problem in self.problems if problem.severity is Severity.error)
        return Definition(_id(process), process.get("name", ""), read_nodes, read_flows, stages, faulty)

    # The file.

    def _root(self, xml: bytes | str) -> etree._Element:
        """The definitions element of a file that is small, well-formed and free of a DOCTYPE."""
        raw = xml.encode(errors="surrogatepass") if isinstance(xml, str) else xml
        if len(raw) > MAX_BYTES:
            self._give_up("", "too-large", _("The file is larger than %(megabytes)s MB.", megabytes=MAX_BYTES // 10**6))
        parser = etree.XMLParser(
            encoding="utf-8" if isinstance(xml, str) else None,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            root = etree.fromstring(raw, parser)
        except etree.XMLSyntaxError as error:
            self._give_up(
                "", "not-xml", _("The file is not XML: it cannot be read at line %(line)s.", line=error.lineno or 1)
            )
        if root.getroottree().docinfo.internalDTD is not None:
            self._give_up("", "doctype", _("The file holds a DOCTYPE. Remove it and upload the file again."))
        if root.tag != _BPMN + "definitions":
            self._give_up("", "not-bpmn", _("The file is not BPMN 2.0: its first element is not “definitions”."))
        return root

    def _refuse_duplicate_ids(self, process: etree._Element) -> None:
        ids = Counter(_id(element) for element in process.iter(_BPMN + "*") if _id(element))
        repeated = [element_id for element_id, count in ids.items() if count > 1]
        for element_id in repeated:
            self._error(element_id, "duplicate-id", _("The id “%(id)s” is used more than once.", id=element_id))
        if repeated:
            raise _Unreadable

    def _process(self, root: etree._Element) -> etree._Element:
        """The one process to run: the only one, or the only one marked as executable."""
        processes = root.findall(_BPMN + "process")
        if len(processes) > 1:
            processes = [process for process in processes if process.get("isExecutable") in {"true", "1"}]
            if len(processes) != 1:
                message = _("The file holds several processes; exactly one must be marked as executable.")
                self._give_up("", "several-processes", message)
        if not processes:
            self._give_up("", "no-process", _("The file holds no process."))
        return processes[0]

    def _refuse_crowds(self, process: etree._Element) -> None:
        tags = Counter(tag for tag in map(_tag, _children(process)) if tag not in _SILENT)
        flows = tags.pop(_BPMN + "sequenceFlow", 0)
        if tags.total() > MAX_NODES or flows > 2 * MAX_NODES:
            message = _("A process may have %(count)s elements and twice as many flows at most.", count=MAX_NODES)
            self._give_up("", "too-large", message)

    def _name_what_cannot_run(self, process: etree._Element) -> None:
        for element in _children(process):
            if _tag(element) in _KINDS:
                self._name_parts_that_cannot_run(element)
            elif _tag(element) != _BPMN + "sequenceFlow":
                self._name_if_it_cannot_run(element, of=element)
        for extension in _extensions(process):
            if _tag(extension).startswith(_TT) and _tag(extension) != _TT + "stage":
                self._cannot_run(process, extension)

    def _name_parts_that_cannot_run(self, element: etree._Element) -> None:
        kind = _KINDS[_tag(element)]
        parts, extensions = _PARTS.get(kind, set[str]()), _EXTENSIONS.get(kind, set[str]())
        for part in _children(element):
            if _tag(part) not in parts:
                self._name_if_it_cannot_run(part, of=element)
        for extension in _extensions(element):
            if _tag(extension).startswith(_TT) and _tag(extension) not in extensions:
                self._cannot_run(element, extension)

    def _name_if_it_cannot_run(self, part: etree._Element, *, of: etree._Element) -> None:
        if _tag(part) in _SILENT or not _tag(part).startswith(_BPMN):
            return
        if _tag(part) in _NOT_READ:
            message = _("“%(kind)s” is kept in the diagram but not used when the process runs.", kind=_local(part))
            self._warning(_id(part) or _id(of), "not-read", message)
        else:
            self._cannot_run(of, part)

    def _cannot_run(self, element: etree._Element, part: etree._Element) -> None:
        message = _("“%(name)s”: “%(kind)s” cannot be run yet.", name=_title(element), kind=_local(part))
        self._error(_id(element), "not-executable", message)

    def _check_names(self, elements: list[etree._Element]) -> None:
        for element in elements:
            if not _id(element) or len(_id(element)) > MAX_ID_LENGTH or set(_id(element)) & set("[]\n\t "):
                message = _(
                    "“%(name)s” needs an id of at most %(count)s letters, digits, hyphens or underscores.",
                    name=_title(element)[:MAX_NAME_LENGTH],
                    count=MAX_ID_LENGTH,
                )
                self._error(_id(element)[:MAX_ID_LENGTH], "bad-id", message)
            elif len(element.get("name", "")) > MAX_NAME_LENGTH:
                message = _("A name may have %(count)s characters at most.", count=MAX_NAME_LENGTH)
                self._error(_id(element), "name-too-long", message)

    # The graph.

    def _flows(self, process: etree._Element, nodes: set[str]) -> list[etree._Element]:
        flows = process.findall(_BPMN + "sequenceFlow")
        self._check_names(flows)
        # A flow to an element that was already named is whole; it is the element that cannot run.
        known = nodes | {problem.element for problem in self.problems}
        for flow in flows:
            for end in ("sourceRef", "targetRef"):
                if flow.get(end) not in known:
                    message = _("The flow “%(name)s” does not connect two elements.", name=_title(flow))
                    self._error(_id(flow), "loose-flow", message)
        return flows

    def _flow(self, element: etree._Element) -> Flow:
        expression = element.find(_BPMN + "conditionExpression")
        text = "".join(expression.itertext()).strip() if expression is not None else ""
        return Flow(
            id=_id(element),
            source=element.get("sourceRef", ""),
            target=element.get("targetRef", ""),
            condition=self._condition(element, text),
            text=text,
            name=element.get("name", ""),
        )

    def _condition(self, flow: etree._Element, text: str) -> Condition | None:
        if not text:
            return None
        try:
            return conditions.parse(text)
        except conditions.ConditionError as error:
            message = _(
                "The condition of the flow “%(name)s” cannot be read: %(reason)s", name=_title(flow), reason=error
            )
            self._error(_id(flow), "bad-condition", message)
            return None

    def _lanes(self, process: etree._Element) -> dict[str, Lane]:
        """The lane of each element by its id; the innermost lane wins, and a lane without a role takes its parent's."""
        lane_of: dict[str, Lane] = {}

        def enter(lane_set: etree._Element, role: str | None) -> None:
            for element in lane_set.findall(_BPMN + "lane"):
                lane = Lane(_id(element), element.get("name", ""), element.get(_TT + "role", "").strip() or role)
                for reference in element.findall(_BPMN + "flowNodeRef"):
                    lane_of[(reference.text or "").strip()] = lane
                for inner in element.findall(_BPMN + "childLaneSet"):
                    enter(inner, lane.role)

        for lane_set in process.findall(_BPMN + "laneSet"):
            enter(lane_set, None)
        return lane_of

    def _nodes(self, elements: list[etree._Element], flows: dict[str, Flow], lanes: dict[str, Lane]) -> dict[str, Node]:
        ins, outs = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
        for flow in flows.values():
            ins[flow.target].append(flow.id)
            outs[flow.source].append(flow.id)
        hosts = {_id(element) for element in elements if _KINDS[_tag(element)] in HOSTS}
        tasks = {_id(element): self._task(element) for element in elements}
        return {
            (node_id := _id(element)): Node(
                kind=_KINDS[_tag(element)],
                id=node_id,
                name=element.get("name", "").strip(),
                default=self._default(element, outs[node_id]),
                ins=tuple(ins[node_id]),
                outs=tuple(outs[node_id]),
                task=tasks[node_id],
                call=call_of(self, element),
                error=error_of(self, element),
                many=many_of(self, element, tasks[node_id]),
                lane=lanes.get(node_id),
                timer=self._timer(element),
                outside=self._outside(element),
                host=self._host(element, hosts),
                interrupting=element.get("cancelActivity", "true").strip() not in {"false", "0"},
                end=next((_ENDS[_tag(part)] for part in _children(element) if _tag(part) in _ENDS), EndKind.branch),
            )
            for element in elements
        }

    def _default(self, element: etree._Element, outs: list[str]) -> str | None:
        default = element.get("default") or None
        if default is not None and default not in outs:
            message = _("The default flow of “%(name)s” does not leave it.", name=_title(element))
            self._error(_id(element), "bad-default", message)
            return None
        return default

    def _host(self, element: etree._Element, hosts: set[str]) -> str | None:
        if _KINDS[_tag(element)] is not NodeKind.boundary_event:
            return None
        host = element.get("attachedToRef", "").strip()
        if host not in hosts:
            message = _("“%(name)s” must sit at the edge of a step.", name=_title(element))
            self._error(_id(element), "no-host", message)
            return None
        return host

    # When something happens by itself.

    def _timer(self, element: etree._Element) -> TimerSpec | None:
        kind = _KINDS[_tag(element)]
        found = element.findall(_TIMER)
        others = listens(element) or element.find(ERROR) is not None
        if not found and (others or kind not in {NodeKind.catch_event, NodeKind.boundary_event}):
            return None
        parts = [part for one in found for part in _children(one) if _tag(part) in _TIMES]
        if len(found) != 1 or len(parts) != 1 or others:
            message = _(
                "“%(name)s” needs exactly one timer (a duration, a moment or a repetition), or one message.",
                name=_title(element),
            )
            self._error(_id(element), "no-timer", message)
            return None
        clocks = [one for one in _extensions(element) if _tag(one) == _TT + "timer"]
        clock = (self._attribute(element, clocks[0], "clock", Clock) if clocks else None) or Clock.calendar
        text = "".join(map(str, parts[0].itertext())).strip()
        try:
            return _timer_spec(_local(parts[0]), text, clock, kind, element)
        except ValueError:
            message = _(
                "“%(name)s”: “%(value)s” is not a time that can be waited for here.",
                name=_title(element),
                value=text[:MAX_NAME_LENGTH],
            )
            self._error(_id(element), "bad-timer", message)
            return None

    # What it hears from outside, and what it does there.

    def _outside(self, element: etree._Element) -> Outside | None:
        kind, title = _KINDS[_tag(element)], _title(element)

        def problem(code: str, message: Sentence) -> None:
            self._error(_id(element), code, message)

        if kind in _TELLING and listens(element):
            event = element.find(MESSAGE)
            called = self.messages.get(event.get("messageRef", "") if event is not None else "", "")
            if len([part for part in _children(element) if _tag(part) in {MESSAGE, *_ENDS}]) > 1:
                problem("bad-message", _("“%(name)s” is several things at once; it can be one.", name=title))
            return outside.read_telling(title, extension_of(element, "message"), called, problem)
        if kind is NodeKind.receive_task or listens(element):
            event = element.find(MESSAGE)
            drawn = (element if event is None else event).get("messageRef", "")
            attributes = extension_of(element, "message")
            if len(element.findall(MESSAGE)) > 1:
                problem("bad-message", _("“%(name)s” waits for several messages; it can wait for one.", name=title))
            called = self.messages.get(drawn, "")
            return outside.read_message(title, attributes, called, problem, starts=kind is NodeKind.start_event)
        if kind is NodeKind.send_task:
            called = self.messages.get(element.get("messageRef", ""), "")
            mails, tells = all_extensions(element, "mail"), all_extensions(element, "message")
            return outside.read_sending(title, mails, tells, called, problem)
        if kind is NodeKind.service_task:
            return outside.read_service(title, all_extensions(element, "set"), all_extensions(element, "http"), problem)
        return None

    # What BPMN has no word for.

    def _task(self, element: etree._Element) -> TaskSpec | None:
        """The tt:task of a step, or of a start event that begins with a form."""
        found = [extension for extension in _extensions(element) if _tag(extension) == _TT + "task"]
        if not found:
            return None
        if len(found) > 1:
            message = _("“%(name)s” describes its task more than once.", name=_title(element))
            self._error(_id(element), "duplicate-task", message)
        spec = found[0]
        is_start = _KINDS[_tag(element)] is NodeKind.start_event
        for attribute in sorted(set(map(str, spec.attrib)) - (_START_ATTRIBUTES if is_start else _TASK_ATTRIBUTES)):
            message = _("“%(name)s”: “%(attribute)s” has no meaning here.", name=_title(element), attribute=attribute)
            self._warning(_id(element), "unknown-attribute", message)
        approval = self._attribute(element, spec, "approval", parse_approval)
        outcomes = self._attribute(element, spec, "outcomes", parse_outcomes)
        return TaskSpec(
            form=spec.get("form", "").strip() or None,
            assign=self._attribute(element, spec, "assign", AssignRule.parse),
            due=self._duration(element, spec, "due"),
            clock=self._attribute(element, spec, "clock", Clock) or Clock.calendar,
            warn=self._duration(element, spec, "warn"),
            approval=approval,
            outcomes=outcomes or (DEFAULT_OUTCOMES if approval else ()),
            not_by=tuple(step.strip() for step in spec.get("notBy", "").split(",") if step.strip()),
            stage=spec.get("stage", "").strip() or None,
        )

    def _stages(self, process: etree._Element) -> tuple[Stage, ...]:
        stages: dict[str, Stage] = {}
        for position, element in enumerate(_extensions(process), start=1):
            if _tag(element) != _TT + "stage":
                continue
            key = element.get("key", "").strip()
            if not key or key in stages:
                message = _("Each stage needs a key of its own; “%(key)s” is missing or used twice.", key=key)
                self._error(_id(process), "bad-stage", message)
                continue
            order = self._attribute(process, element, "order", int)
            limit = self._duration(process, element, "limit")
            name = element.get("name", "").strip() or key
            stages[key] = Stage(key, name, position if order is None else order, limit)
        return tuple(sorted(stages.values(), key=lambda stage: stage.order))

    def _duration(self, element: etree._Element, spec: etree._Element, name: str) -> timedelta | None:
        return self._attribute(element, spec, name, parse_duration, code="bad-duration")

    def _attribute(
        self,
        element: etree._Element,
        spec: etree._Element,
        name: str,
        parse: Callable[[str], T],
        code: str | None = None,
    ) -> T | None:
        """One attribute in its own type; an empty one counts as absent, a malformed one becomes a problem."""
        text = spec.get(name, "").strip()
        if not text:
            return None
        try:
            return parse(text)
        except ValueError:
            message = _(
                "“%(name)s”: “%(value)s” is not a valid value for “%(attribute)s”.",
                name=_title(element),
                value=text[:MAX_NAME_LENGTH],
                attribute=name,
            )
            self._error(_id(element), code or f"bad-{name}", message)
            return None

    # Problems.

    def _error(self, element: str, code: str, message: Sentence) -> None:
        self.problems.append(Problem(element, code, message))

    def _warning(self, element: str, code: str, message: Sentence) -> None:
        self.problems.append(Problem(element, code, message, Severity.warning))

    def _give_up(self, element: str, code: str, message: Sentence) -> NoReturn:
        self._error(element, code, message)
        raise _Unreadable


def _timer_spec(written: str, text: str, clock: Clock, kind: NodeKind, element: etree._Element) -> TimerSpec:
    """Raises ValueError for what is malformed, or makes no sense on that kind of event."""
    if written == "timeDuration" and kind is not NodeKind.start_event:
        return TimerSpec(parse_duration(text), clock)
    if written == "timeDate" and kind is NodeKind.catch_event and _KEY.fullmatch(text):
        return TimerSpec(key=text)
    if written == "timeDate" and kind is not NodeKind.boundary_event:
        return TimerSpec(moment=parse_moment(text))
    repeats = kind is NodeKind.start_event or (
        kind is NodeKind.boundary_event and element.get("cancelActivity", "true").strip() in {"false", "0"}
    )
    if written != "timeCycle" or not repeats:
        raise ValueError(text)
    times, first, amount = parse_repeat(text)
    if first is not None and kind is not NodeKind.start_event:
        raise ValueError(text)
    return TimerSpec(amount, clock, first, repeats=True, times=times)
