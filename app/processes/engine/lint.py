"""May this process version be published? Looks for what would stop, mislead or strand a running instance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from app.core.i18n import _
from app.processes.engine.graph import AssignKind, AssignRule, Clock, Definition, Node, NodeKind, TaskSpec
from app.processes.engine.problems import Problem, Severity, has_errors

# Enough for every process that people can read; beyond it the check gives up with a warning.
MAX_STATES = 10_000
MAX_TOKENS = 500_000
# A flow on which more tokens than this gather is taken to gather them without end.
MAX_TOKENS_PER_FLOW = 8

_ASSIGNED_NOW = {AssignKind.role, AssignKind.team, AssignKind.user, AssignKind.initiator, AssignKind.head}


@dataclass(frozen=True)
class Known:
    """What exists in the company: form codes with the keys of their fields, role and team codes, user names."""

    forms: Mapping[str, frozenset[str]] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()


def check(definition: Definition, *, known: Known) -> list[Problem]:
    """Every problem of a definition, in the order of the questions below; publishable when none is an error."""
    shape = [*_ends(definition), *_ways(definition), *_automatic_loops(definition)]
    details = [*_conditions(definition, known), *_steps(definition, known)]
    # Whether all branches come to an end can only be asked of a graph that is whole.
    soundness = [] if has_errors(shape) else _soundness(definition)
    return [*shape, *soundness, *details]


# Is the graph whole?


def _ends(definition: Definition) -> Iterator[Problem]:
    starts = definition.starts
    if not starts:
        yield Problem(definition.id, "no-start", _("The process has no start event."))
    for extra in starts[1:]:
        yield Problem(extra.id, "several-starts", _("The process has more than one start event."))
    if not any(node.kind is NodeKind.end_event for node in definition.nodes.values()):
        yield Problem(definition.id, "no-end", _("The process has no end event."))
    for node in definition.nodes.values():
        if node.kind is NodeKind.start_event and node.ins:
            yield Problem(node.id, "flow-into-start", _("No flow may lead into the start event."))
        if node.kind is NodeKind.end_event and node.outs:
            yield Problem(node.id, "flow-out-of-end", _("No flow may leave the end event “%(name)s”.", name=node.title))


def _ways(definition: Definition) -> Iterator[Problem]:
    nodes = definition.nodes
    forward = {node.id: [next_node.id for next_node in definition.next_of(node)] for node in nodes.values()}
    backward = {node.id: [definition.flows[flow].source for flow in node.ins] for node in nodes.values()}
    reached = _reach(forward, (node.id for node in definition.starts))
    finishing = _reach(backward, (node.id for node in nodes.values() if node.kind is NodeKind.end_event))
    for node in nodes.values():
        if definition.starts and node.id not in reached:
            yield Problem(node.id, "unreachable", _("“%(name)s” is never reached.", name=node.title))
        elif finishing and node.id not in finishing:
            yield Problem(node.id, "no-way-out", _("From “%(name)s” no end can be reached.", name=node.title))


def _automatic_loops(definition: Definition) -> Iterator[Problem]:
    """Loops that nobody's work interrupts."""
    automatic = {node.id: node for node in definition.nodes.values() if node.kind is not NodeKind.user_task}
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


# Does every branch come to an end, whatever the answers are?

_Marking = frozenset[tuple[str, int]]


def _soundness(definition: Definition) -> Iterator[Problem]:
    """Explore the token graph with all conditions open.

    Different elements never compete for a token, so it is enough to move one of them at a time: the element nearest to
    the end when asking whether everything can finish, the one nearest to the start when asking what can run twice.
    """
    distance = _distance_to_end(definition)
    nearest = _Exploration(definition, distance, most=MAX_TOKENS_PER_FLOW)
    if not nearest.is_complete:
        message = _("The process is too branched to check whether every branch comes to an end.")
        yield Problem(definition.id, "too-branched", message, Severity.warning)
        return
    dead = nearest.dead_joins()
    for join in dead:
        message = _(
            "“%(name)s” may wait for a branch that is not taken. Let an exclusive gateway join exclusive branches.",
            name=definition.nodes[join].title,
        )
        yield Problem(join, "dead-join", message)
    for node in [] if dead else nearest.never_ending():
        message = _("Once “%(name)s” is reached, the process can never finish.", name=definition.nodes[node].title)
        yield Problem(node, "never-ends", message)
    farthest = _Exploration(definition, {flow: -steps for flow, steps in distance.items()}, most=1)
    for node in [] if dead else farthest.crowded():
        message = _(
            "“%(name)s” may run several times at once: parallel branches meet before it without a parallel gateway.",
            name=definition.nodes[node].title,
        )
        yield Problem(node, "runs-twice", message, Severity.warning)


def _distance_to_end(definition: Definition) -> dict[str, int]:
    """Per flow, the number of flows from it to the nearest end."""
    distance: dict[str, int] = {}
    ring = [flow for node in definition.nodes.values() if node.kind is NodeKind.end_event for flow in node.ins]
    steps = 0
    while ring:
        steps += 1
        ring = [flow for flow in dict.fromkeys(ring) if flow not in distance]
        distance.update(dict.fromkeys(ring, steps))
        ring = [before for flow in ring for before in definition.nodes[definition.flows[flow].source].ins]
    return distance


class _Exploration:
    """All markings (tokens per flow) that can be reached when the flows of lowest rank move first."""

    def __init__(self, definition: Definition, rank: Mapping[str, int], *, most: int) -> None:
        self.definition = definition
        self.order = {node.id: position for position, node in enumerate(definition.nodes.values())}
        self.rank = rank
        self.most = most
        self.after: dict[_Marking, list[_Marking]] = {}
        self.cut: set[_Marking] = set()
        self.is_complete = self._explore()

    def _explore(self) -> bool:
        (start,) = self.definition.starts
        waiting = [frozenset(Counter(start.outs).items())]
        tokens = 0
        while waiting:
            marking = waiting.pop()
            if marking in self.after:
                continue
            tokens += len(marking)
            if len(self.after) == MAX_STATES or tokens > MAX_TOKENS:
                return False
            if any(count > self.most for _flow, count in marking):
                self.cut.add(marking)
            self.after[marking] = [] if marking in self.cut else list(self._moves(marking))
            waiting.extend(self.after[marking])
        return True

    def _moves(self, marking: _Marking) -> Iterator[_Marking]:
        """What follows when the first element that can move does so, each of its ways once."""
        tokens = dict(marking)
        for flow in sorted(tokens, key=lambda flow: (self.rank[flow], flow)):
            node = self.definition.follow(flow)
            taken = node.ins if node.is_join else (flow,)
            if all(way in tokens for way in taken):
                for given in _ways_on(node):
                    yield _moved(tokens, taken, given)
                return

    def dead_joins(self) -> list[str]:
        """Joins at which tokens are left when nothing can move any more."""
        stranded = {
            self.definition.flows[flow].target
            for marking, following in self.after.items()
            if not following and marking not in self.cut
            for flow, _count in marking
        }
        return sorted(stranded, key=self.order.__getitem__)

    def never_ending(self) -> list[str]:
        """The first element that holds a token where no continuation leaves the process empty."""
        before: dict[_Marking, list[_Marking]] = {marking: [] for marking in self.after}
        for marking, following in self.after.items():
            for after in following:
                before[after].append(marking)
        can_end: set[_Marking] = set()
        waiting = [frozenset(), *self.cut]
        while waiting:
            marking = waiting.pop()
            if marking in before and marking not in can_end:
                can_end.add(marking)
                waiting.extend(before[marking])
        hopeless = {
            self.definition.flows[flow].target for marking in self.after.keys() - can_end for flow, _count in marking
        }
        return sorted(hopeless, key=self.order.__getitem__)[:1]

    def crowded(self) -> list[str]:
        """Steps into which more than one token may come by the same flow at once."""
        crowded = {
            self.definition.flows[flow].target for marking in self.cut for flow, count in marking if count > self.most
        }
        return sorted(crowded, key=self.order.__getitem__)


def _ways_on(node: Node) -> Iterable[tuple[str, ...]]:
    """The sets of flows that a token may leave by: one of them after an exclusive gateway, all after anything else."""
    if node.kind is NodeKind.end_event:
        return ((),)
    return [(flow,) for flow in node.outs] if node.kind is NodeKind.exclusive_gateway else (node.outs,)


def _moved(tokens: Mapping[str, int], taken: Iterable[str], given: Iterable[str]) -> _Marking:
    moved = Counter(tokens)
    moved.subtract(taken)
    moved.update(given)
    return frozenset((flow, count) for flow, count in moved.items() if count)


# Is every choice decided?


def _conditions(definition: Definition, known: Known) -> Iterator[Problem]:
    for node in definition.nodes.values():
        if node.kind is NodeKind.exclusive_gateway:
            yield from _choice(definition, node)
        else:
            for flow in node.outs:
                if definition.flows[flow].text:
                    message = _("Only flows that leave an exclusive gateway may have a condition.")
                    yield Problem(flow, "condition-not-allowed", message)
    keys = _keys(definition, known)
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
        if flow.id != gateway.default and not flow.text and len(outs) > 1:
            message = _("A flow that leaves “%(name)s” has no condition.", name=gateway.title)
            yield Problem(flow.id, "no-condition", message)
    if gateway.default is None and outs and all(flow.text for flow in outs) and gateway.id not in definition.faulty:
        message = _(
            "“%(name)s” has no default flow: if no condition holds, the instance stops there.", name=gateway.title
        )
        yield Problem(gateway.id, "no-default", message, Severity.warning)


def _keys(definition: Definition, known: Known) -> frozenset[str]:
    """Every key under which this process can hold data."""
    keys: set[str] = set()
    for node in definition.nodes.values():
        if node.task is None:
            continue
        fields = known.forms.get(node.task.form or "", frozenset())
        keys |= fields | {f"{node.id}.{key}" for key in fields}
        if node.task.outcomes:
            keys.add(f"{node.id}.outcome")
    return frozenset(keys)


# Does every step know what to do, who does it, and until when?


def _steps(definition: Definition, known: Known) -> Iterator[Problem]:
    for start in definition.starts:
        yield from _form(start, known)
    for step in definition.steps:
        yield from _form(step, known)
        yield from _assignment(definition, step, known)
        yield from _deadline(definition, step)
        yield from _approval(definition, step)
        yield from _stage(definition, step)


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
        if step.id not in definition.faulty:
            message = _("Nobody is to do “%(name)s”: say who, or put it into a lane with a role.", name=step.title)
            yield Problem(step.id, "no-assignee", message)
    elif rule.kind not in _ASSIGNED_NOW or rule.picker:
        message = _("“%(name)s”: assigning by “%(rule)s” is not supported yet.", name=step.title, rule=str(rule))
        yield Problem(step.id, "assign-not-supported", message)
    else:
        yield from _assignee(step, rule, known)


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
    if task.clock is Clock.calendar and task.due >= timedelta(days=1):
        message = _(
            "“%(name)s” counts %(hours)s hours of working time. If calendar days are meant, set the clock to “wall”.",
            name=step.title,
            hours=int(task.due.total_seconds() // 3600),
        )
        yield Problem(step.id, "many-working-hours", message, Severity.warning)


def _approval(definition: Definition, step: Node) -> Iterator[Problem]:
    task = step.task or TaskSpec()
    if task.approval not in {None, "any"}:
        message = _("“%(name)s”: an approval by several people is not supported yet.", name=step.title)
        yield Problem(step.id, "approval-not-supported", message)
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
