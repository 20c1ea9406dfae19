"""Does every branch come to an end, whatever people answer? Explores the token graph with all conditions open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from app.core.i18n import _
from app.processes.engine.graph import Definition, EndKind, Node, NodeKind
from app.processes.engine.joining import inclusive_joins, may_fire
from app.processes.engine.problems import Problem, Severity

# Enough for every process that people can read; beyond it the check gives up with a warning.
MAX_STATES = 10_000
MAX_TOKENS = 500_000
# A flow on which more tokens than this gather is taken to gather them without end.
MAX_TOKENS_PER_FLOW = 8

# So many ways side by side are tried in every combination.
MAX_PARTS = 5

_Marking = frozenset[tuple[str, int]]


def find_dead_ends(definition: Definition) -> Iterator[Problem]:
    """Where tokens are stranded, go round without end, or meet; asked of a graph whose every element lies on a way
    from a start to an end.

    Different elements never compete for a token, so it is enough to move one of them at a time: the element nearest to
    the end when asking whether everything can finish, the one farthest from it when asking what can run twice.
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
            "“%(name)s” may wait forever for a branch not taken. Let an exclusive gateway join exclusive branches.",
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


def left_over(definition: Definition, flows: Iterable[str]) -> str | None:
    """With tokens on these flows: the join that could be left waiting, or else the element from which the process could
    not end any more; None where it can always end. ValueError when there is too much to look at."""
    begins = [frozenset(Counter(flows).items())]
    found = _Exploration(definition, _distance_to_end(definition), most=MAX_TOKENS_PER_FLOW, begins=begins)
    if not found.is_complete:
        raise ValueError(definition.id)
    return next(iter([*found.dead_joins(), *found.never_ending()]), None)


def _distance_to_end(definition: Definition) -> dict[str, int]:
    """Per flow, the number of flows from it to the nearest end."""
    distance: dict[str, int] = {}
    ring = [flow for node in definition.nodes.values() if node.kind is NodeKind.end_event for flow in node.ins]
    steps = 0
    while ring:
        steps += 1
        ring = [flow for flow in dict.fromkeys(ring) if flow not in distance]
        distance.update(dict.fromkeys(ring, steps))
        sources = [definition.nodes[definition.flows[flow].source] for flow in ring]
        ring = [before for node in sources for before in (definition.nodes[node.host].ins if node.host else node.ins)]
    return distance


class _Exploration:
    """All markings (tokens per flow) that can be reached when the flows of lowest rank move first."""

    def __init__(
        self, definition: Definition, rank: Mapping[str, int], *, most: int, begins: Collection[_Marking] = ()
    ) -> None:
        """`begins`: where it stands at first; without one, at each of its starts."""
        self.definition = definition
        self.begins = begins or [frozenset(Counter(start.outs).items()) for start in definition.starts]
        self.order = {node.id: position for position, node in enumerate(definition.nodes.values())}
        self.rank = rank
        self.most = most
        self.inclusive = inclusive_joins(definition)
        self.after: dict[_Marking, list[_Marking]] = {}
        self.cut: set[_Marking] = set()
        self.is_complete = self._explore()

    def _explore(self) -> bool:
        waiting = list(self.begins)
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
        """What follows when the first element that can move does so, each of its ways once.

        Inclusive joins come last: whether they fire depends on where all the other tokens are.
        """
        tokens = dict(marking)
        for flow in sorted(tokens, key=lambda flow: (self._is_patient(flow), self.rank[flow], flow)):
            node = self.definition.follow(flow)
            taken = self._taken(node, flow, tokens)
            if taken:
                if node.end is not EndKind.branch:
                    yield frozenset()
                    return
                for given in _ways_on(self.definition, node):
                    yield _moved(tokens, taken, given)
                return

    def _is_patient(self, flow: str) -> bool:
        return self.definition.follow(flow).id in self.inclusive

    def _taken(self, node: Node, flow: str, tokens: Mapping[str, int]) -> tuple[str, ...]:
        """The flows of which the element takes a token each now that there is one on `flow`; none while it waits."""
        if not node.is_join:
            return (flow,)
        filled = tuple(way for way in node.ins if way in tokens)
        if node.id in self.inclusive:
            elsewhere = {self.definition.follow(way).id for way in tokens} - {node.id}
            return filled if may_fire(self.inclusive[node.id], filled, elsewhere) else ()
        return filled if len(filled) == len(node.ins) else ()

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
        # Where tokens gather beyond the limit the end is not known; but some way must have been seen to lead there.
        waiting = [frozenset(), *self.cut] if frozenset() in self.after else []
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
        """Elements into which more than one token may come by the same flow at once."""
        crowded = {
            self.definition.flows[flow].target for marking in self.cut for flow, count in marking if count > self.most
        }
        return sorted(crowded, key=self.order.__getitem__)


def _ways_on(definition: Definition, node: Node) -> Iterable[tuple[str, ...]]:
    """The sets of flows that a token may leave by: one of them after an exclusive or event gateway, some after
    an inclusive one, all after anything else; a step is left by its flows or by those of an event at its edge, and what
    does not end it may have happened besides."""
    match node.kind:
        case NodeKind.end_event:
            return ((),)
        case NodeKind.exclusive_gateway | NodeKind.event_gateway:
            return [(flow,) for flow in node.outs]
        case NodeKind.inclusive_gateway:
            return _some_of(definition, node)
    events = definition.edges.get(node.id, ())
    beside = list(_subsets([event.outs for event in events if not event.interrupting]))
    ends = [node.outs, *(event.outs for event in events if event.interrupting)]
    return [end + more for end in ends for more in beside]


def _some_of(definition: Definition, gateway: Node) -> list[tuple[str, ...]]:
    free = [(flow,) for flow in gateway.outs if flow != gateway.default and definition.flows[flow].text]
    always = tuple(flow for flow in gateway.outs if flow != gateway.default and not definition.flows[flow].text)
    some = [always + chosen for chosen in _subsets(free) if always or chosen]
    return [*some, *([(gateway.default,)] if gateway.default and not always else [])]


def _subsets(parts: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The flows of each choice of parts; of many parts only none, one, two or all of them."""
    sizes = range(len(parts) + 1) if len(parts) <= MAX_PARTS else (0, 1, 2, len(parts))
    for size in sizes:
        for chosen in combinations(parts, size):
            yield tuple(flow for part in chosen for flow in part)


def _moved(tokens: Mapping[str, int], taken: Iterable[str], given: Iterable[str]) -> _Marking:
    moved = Counter(tokens)
    moved.subtract(taken)
    moved.update(given)
    return frozenset((flow, count) for flow, count in moved.items() if count)
