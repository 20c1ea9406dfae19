"""May this process version be published? Looks for what would stop, mislead or strand a running instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from app.core.i18n import _
from app.processes.engine import lint_outside
from app.processes.engine.graph import RESTING, AssignKind, AssignRule, Definition, Node, NodeKind, TaskSpec
from app.processes.engine.known import Known
from app.processes.engine.many import is_for_people, result_keys
from app.processes.engine.outside import keys_given
from app.processes.engine.problems import Problem, Severity, has_errors
from app.processes.engine.soundness import find_dead_ends
from app.processes.engine.timing import Clock

_DOES = {NodeKind.send_task, NodeKind.service_task}
_CHOOSING = {NodeKind.exclusive_gateway, NodeKind.inclusive_gateway}
#: of a choice after which no way may be left; versions that were published when it was a warning still run
MISSING_DEFAULT = Severity.error


def check(definition: Definition, *, known: Known) -> list[Problem]:
    """Every problem of a definition, in the order of the questions below; publishable when none is an error."""
    shape = [*_ends(definition), *_ways(definition), *_automatic_loops(definition)]
    details = [
        *_conditions(definition, known),
        *_steps(definition, known),
        *lint_outside.check(definition, known=known, keys=keys_held(definition, known)),
    ]
    # Whether all branches come to an end can only be asked of a graph that is whole.
    dead_ends = [] if has_errors(shape) else find_dead_ends(definition)
    return [*shape, *dead_ends, *details]


# Is the graph whole?


def _ends(definition: Definition) -> Iterator[Problem]:
    starts = definition.starts
    if not starts:
        yield Problem(definition.id, "no-start", _("The process has no start event."))
    for extra in [start for start in starts if not start.begins_by_itself][1:]:
        message = _("The process has more than one start event without a timer or a message.")
        yield Problem(extra.id, "several-starts", message)
    if not any(node.kind is NodeKind.end_event for node in definition.nodes.values()):
        yield Problem(definition.id, "no-end", _("The process has no end event."))
    for node in definition.nodes.values():
        if node.kind is NodeKind.start_event and node.ins:
            yield Problem(node.id, "flow-into-start", _("No flow may lead into the start event."))
        if node.kind is NodeKind.boundary_event and node.ins:
            message = _("No flow may lead into “%(name)s”: it sits at the edge of a step.", name=node.title)
            yield Problem(node.id, "flow-into-edge", message)
        if node.kind is NodeKind.end_event and node.outs:
            yield Problem(node.id, "flow-out-of-end", _("No flow may leave the end event “%(name)s”.", name=node.title))


def _ways(definition: Definition) -> Iterator[Problem]:
    nodes = definition.nodes
    forward = {node.id: [next_node.id for next_node in definition.next_of(node)] for node in nodes.values()}
    backward = {node.id: definition.before(node) for node in nodes.values()}
    reached = _reach(forward, (node.id for node in definition.starts))
    finishing = _reach(backward, (node.id for node in nodes.values() if node.kind is NodeKind.end_event))
    for node in nodes.values():
        if definition.starts and node.id not in reached:
            yield Problem(node.id, "unreachable", _("“%(name)s” is never reached.", name=node.title))
        elif finishing and node.id not in finishing:
            yield Problem(node.id, "no-way-out", _("From “%(name)s” no end can be reached.", name=node.title))


def _automatic_loops(definition: Definition) -> Iterator[Problem]:
    """Loops that nobody's work interrupts."""
    automatic = {node.id: node for node in definition.nodes.values() if node.kind not in RESTING}
    forward = {
        node_id: [after.id for after in definition.next_of(node) if after.id in automatic]
        for node_id, node in automatic.items()
    }
    for loop in _loops(forward):
        name = automatic[loop].title
        message = _("“%(name)s” lies in a loop without any step in which somebody does something.", name=name)
        yield Problem(loop, "automatic-loop", message)


def _reach(edges: Mapping[str, list[str]], sources: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    waiting = list(sources)
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting.extend(edges[node])
    return reached


def _loops(edges: Mapping[str, list[str]]) -> Iterator[str]:
    """The first node, in the order of the mapping, of each strongly connected loop."""
    backward: dict[str, list[str]] = {node: [] for node in edges}
    for node, targets in edges.items():
        for target in targets:
            backward[target].append(node)
    # Nodes without a way in, or out, lie on no loop: peeling them off leaves little to search.
    left = set(edges) - _peeled(edges, backward) - _peeled(backward, edges)
    for node in edges:
        if node in left:
            loop = _reach(edges, edges[node]) & _reach(backward, backward[node])
            left -= loop | {node}
            if node in loop:
                yield node


def _peeled(edges: Mapping[str, list[str]], backward: Mapping[str, list[str]]) -> set[str]:
    missing = {node: len(sources) for node, sources in backward.items()}
    waiting = [node for node, count in missing.items() if count == 0]
    peeled: set[str] = set()
    while waiting:
        node = waiting.pop()
        peeled.add(node)
        for target in edges[node]:
            missing[target] -= 1
            if missing[target] == 0:
                waiting.append(target)
    return peeled


# Is every choice decided?


def _conditions(definition: Definition, known: Known) -> Iterator[Problem]:
    for node in definition.nodes.values():
        if node.kind in _CHOOSING:
            yield from _choice(definition, node)
        else:
            for flow in node.outs:
                if definition.flows[flow].text:
                    message = _("Only flows that leave an exclusive or inclusive gateway may have a condition.")
                    yield Problem(flow, "condition-not-allowed", message)
    keys = keys_held(definition, known)
    for node in definition.nodes.values():
        if node.timer is not None and node.timer.key and node.timer.key not in keys:
            message = _(
                "“%(name)s” waits for the moment in “%(key)s”, which no form of this process has.",
                name=node.title,
                key=node.timer.key,
            )
            yield Problem(node.id, "unknown-key", message, Severity.warning)
        for key in sorted({key for _to, key in node.call.takes} - keys) if node.call is not None else ():
            message = _("“%(name)s” hands on “%(key)s”, which no form of this process has.", name=node.title, key=key)
            yield Problem(node.id, "unknown-key", message, Severity.warning)
    for arrow in definition.flows.values():
        for key in sorted(arrow.condition.keys - keys) if arrow.condition else ():
            message = _(
                "The condition “%(condition)s” asks for “%(key)s”, which no form of this process has.",
                condition=arrow.text,
                key=key,
            )
            yield Problem(arrow.id, "unknown-key", message, Severity.warning)


def _choice(definition: Definition, gateway: Node) -> Iterator[Problem]:
    outs = [definition.flows[flow] for flow in gateway.outs]
    for flow in outs:
        if flow.id == gateway.default and flow.text:
            message = _(
                "The default flow of “%(name)s” is taken when nothing else holds; remove its condition.",
                name=gateway.title,
            )
            yield Problem(flow.id, "condition-on-default", message)
        is_open = flow.id != gateway.default and not flow.text and len(outs) > 1
        if is_open and gateway.kind is NodeKind.exclusive_gateway:
            message = _("A flow that leaves “%(name)s” has no condition.", name=gateway.title)
            yield Problem(flow.id, "no-condition", message)
    if gateway.default is None and outs and all(flow.text for flow in outs) and gateway.id not in definition.faulty:
        message = _(
            "“%(name)s” has no default flow: if no condition holds, the instance stops there.", name=gateway.title
        )
        yield Problem(gateway.id, "no-default", message, MISSING_DEFAULT)


def keys_held(definition: Definition, known: Known) -> frozenset[str]:
    """Every key under which this process can hold data."""
    keys: set[str] = set()
    for node in definition.nodes.values():
        if node.call is not None:
            back = {to for to, _key in node.call.gives}
            keys |= back | {f"{node.id}.{key}" for key in (*back, "error")}
        given = keys_given(node.outside)
        keys |= {*given, *(f"{node.id}.{key}" for key in given)}
        if node.asks_outside or node.runs_errands:
            keys.add(f"{node.id}.error")
        if node.task is None:
            continue
        fields = known.forms.get(node.task.form or "", frozenset())
        keys |= fields | {f"{node.id}.{key}" for key in fields}
        if node.task.outcomes:
            keys.add(f"{node.id}.outcome")
        if node.many is not None:
            keys |= result_keys(node)
    return frozenset(keys)


# Does every step know what to do, who does it, and until when?


def _steps(definition: Definition, known: Known) -> Iterator[Problem]:
    for start in definition.starts:
        yield from _form(start, known)
        if start.begins_by_itself and start.task is not None and start.task.form:
            message = _("“%(name)s” begins by itself, so nobody is there to fill in its form.", name=start.title)
            yield Problem(start.id, "form-without-person", message)
    for node in definition.nodes.values():
        timer = node.timer
        if timer is not None and timer.amount is not None and timer.moment is None:
            yield from _working_days(node, timer.amount, timer.clock)
    for step in definition.steps:
        yield from _form(step, known)
        yield from _assignment(definition, step, known)
        yield from _several(definition, step, known)
        yield from _deadline(definition, step)
        yield from _approval(definition, step)
        yield from _stage(definition, step)
    yield from _calls(definition, known)


def _calls(definition: Definition, known: Known) -> Iterator[Problem]:
    for node in definition.nodes.values():
        host = definition.nodes.get(node.host or "")
        if node.kind is NodeKind.boundary_event and node.error is not None and host and host.kind is NodeKind.user_task:
            message = _("“%(name)s” waits for an error, but a step of a person has none.", name=node.title)
            yield Problem(node.id, "no-error-comes", message)
        if host is not None and host.kind in _DOES and not host.takes_time:
            yield from _edge_of_errand(node, host)
        if node.call is None or not node.call.process:
            continue
        if node.call.process not in known.processes:
            message = _(
                "“%(name)s” calls the process “%(process)s”, which does not exist.",
                name=node.title,
                process=node.call.process,
            )
            yield Problem(node.id, "unknown-process", message)
            continue
        needed = known.processes[node.call.process]
        if needed is None:
            message = _(
                "“%(name)s” calls the process “%(process)s”, which is not published.",
                name=node.title,
                process=node.call.process,
            )
            yield Problem(node.id, "process-not-published", message)
            continue
        for key in sorted(needed - {to for to, _key in node.call.takes}):
            message = _(
                "“%(name)s” does not say what “%(key)s” is, without which “%(process)s” cannot begin.",
                name=node.title,
                key=key,
                process=node.call.process,
            )
            yield Problem(node.id, "input-missing", message)


def _edge_of_errand(event: Node, host: Node) -> Iterator[Problem]:
    """What is done at once is over before anything else can happen; it may fail, though, unless it is no errand."""
    if event.error is None:
        message = _("“%(host)s” is done at once, so “%(name)s” at its edge can only wait for an error.",
                    host=host.title, name=event.title)  # fmt: skip
        yield Problem(event.id, "edge-of-errand", message)
    elif not host.runs_errands:
        message = _("“%(name)s” waits for an error, but “%(host)s” has none.", name=event.title, host=host.title)
        yield Problem(event.id, "no-error-comes", message)


def _form(node: Node, known: Known) -> Iterator[Problem]:
    form = node.task.form if node.task else None
    if form is not None and form not in known.forms:
        message = _(
            "“%(name)s” uses the form “%(form)s”, which does not exist or is not published.", name=node.title, form=form
        )
        yield Problem(node.id, "unknown-form", message)


def _assignment(definition: Definition, step: Node, known: Known) -> Iterator[Problem]:
    rule = step.assignment
    if rule is None:
        names_people = step.many is not None and step.many.over is not None and is_for_people(step)
        if known.called_from_lane and definition.asks_for_a_lane:
            message = _(
                "“%(name)s” is done by the lane from which another process calls this one. Begun by hand, nobody would"
                " do it.", name=step.title,
            )  # fmt: skip
            yield Problem(step.id, "callers-lane", message, Severity.warning)
        elif step.id not in definition.faulty and not names_people:
            message = _("Nobody is to do “%(name)s”: say who, or put it into a lane with a role.", name=step.title)
            yield Problem(step.id, "no-assignee", message)
    else:
        yield from _assignee(step, rule, known)
        yield from _found_later(definition, step, rule, known)


def _found_later(definition: Definition, step: Node, rule: AssignRule, known: Known) -> Iterator[Problem]:
    """What only a run can tell: who did another step, whom somebody chose in a form, who is in a team by then."""
    if rule.kind is AssignKind.same_as:
        other = definition.nodes.get(rule.value or "")
        if other is None or other.kind is not NodeKind.user_task or other is step:
            message = _(
                "“%(name)s” names “%(step)s”, which is no other step of this process.", name=step.title, step=rule.value
            )
            yield Problem(step.id, "unknown-step", message)
    elif rule.kind is AssignKind.field:
        yield from _chosen_in(definition, step, rule.value or "", known)
    elif f"{rule.kind}:{rule.value}" in known.empty:
        message = _("Nobody is in “%(value)s” yet, so nobody would do “%(name)s”.", value=rule.value, name=step.title)
        yield Problem(step.id, "nobody-there", message, Severity.warning)


def _chosen_in(definition: Definition, step: Node, key: str, known: Known) -> Iterator[Problem]:
    """The field that says who does the step asks for a member of staff or a team."""
    prefix, _dot, plain = key.rpartition(".")
    used = [node.task.form for node in definition.nodes.values()
            if node.task is not None and node.task.form and prefix in ("", node.id)]  # fmt: skip
    asking = [form for form in used if plain in known.forms.get(form, frozenset())]
    if any(plain in known.people.get(form, frozenset()) for form in asking):
        return
    if asking:
        message = _(
            "“%(name)s” is given to whom “%(key)s” names, but nobody is chosen there.", name=step.title, key=key
        )
        yield Problem(step.id, "field-names-nobody", message)
    else:
        message = _(
            "“%(name)s” is given to whom “%(key)s” names, which no form of this process has.", name=step.title, key=key
        )
        is_plain = definition.start_form is None and not prefix
        yield Problem(step.id, "unknown-field", message, Severity.warning if is_plain else Severity.error)


def _several(definition: Definition, step: Node, known: Known) -> Iterator[Problem]:
    over = step.many.over if step.many is not None else None
    if isinstance(over, AssignRule):
        yield from _assignee(step, over, known)
    elif isinstance(over, str) and over not in keys_held(definition, known):
        message = _(
            "“%(name)s” is done for each part of “%(key)s”, which no form of this process has.",
            name=step.title,
            key=over,
        )
        yield Problem(step.id, "unknown-key", message, Severity.warning)
    rule = step.assignment
    if step.many is not None and over is None and rule is not None and rule.picker is not None:
        message = _(
            "“%(name)s” asks everybody: taking turns or giving it to whoever has least to do changes nothing there.",
            name=step.title,
        )  # fmt: skip
        yield Problem(step.id, "picker-of-several", message, Severity.warning)


def _assignee(step: Node, rule: AssignRule, known: Known) -> Iterator[Problem]:
    if rule.kind is AssignKind.role and rule.value not in known.roles:
        message = _(
            "“%(name)s” is given to the role “%(value)s”, which does not exist.", name=step.title, value=rule.value
        )
        yield Problem(step.id, "unknown-role", message)
    elif rule.kind is AssignKind.user and rule.value not in known.users:
        message = _("“%(name)s” is given to “%(value)s”, who does not exist.", name=step.title, value=rule.value)
        yield Problem(step.id, "unknown-user", message)
    elif rule.kind in {AssignKind.team, AssignKind.head} and rule.value and rule.value not in known.teams:
        message = _(
            "“%(name)s” is given to the team “%(value)s”, which does not exist.", name=step.title, value=rule.value
        )
        yield Problem(step.id, "unknown-team", message)


def _deadline(definition: Definition, step: Node) -> Iterator[Problem]:
    task = step.task or TaskSpec()
    if task.due is None:
        if step.id not in definition.faulty:
            yield Problem(step.id, "no-due", _("“%(name)s” has no time limit.", name=step.title), Severity.warning)
        return
    if task.warn is not None and task.warn >= task.due:
        message = _(
            "“%(name)s” warns earlier than it begins: the warning must be shorter than the limit.", name=step.title
        )
        yield Problem(step.id, "warn-too-early", message, Severity.warning)
    yield from _working_days(step, task.due, task.clock)


def _working_days(node: Node, amount: timedelta, clock: Clock) -> Iterator[Problem]:
    if clock is Clock.calendar and amount >= timedelta(days=1):
        message = _(
            "“%(name)s” counts %(hours)s hours of working time. If calendar days are meant, set the clock to “wall”.",
            name=node.title,
            hours=int(amount.total_seconds() // 3600),
        )
        yield Problem(node.id, "many-working-hours", message, Severity.warning)


def _approval(definition: Definition, step: Node) -> Iterator[Problem]:
    task = step.task or TaskSpec()
    for other in task.not_by:
        node = definition.nodes.get(other)
        if node is None or node.kind is not NodeKind.user_task or node is step:
            message = _(
                "“%(name)s” names “%(step)s”, which is no other step of this process.", name=step.title, step=other
            )
            yield Problem(step.id, "unknown-step", message)


def _stage(definition: Definition, step: Node) -> Iterator[Problem]:
    stage = step.task.stage if step.task else None
    if stage is not None and all(stage != known.key for known in definition.stages):
        message = _(
            "“%(name)s” belongs to the stage “%(stage)s”, which is not in the list of stages.",
            name=step.title,
            stage=stage,
        )
        yield Problem(step.id, "unknown-stage", message, Severity.warning)
