"""Does moving one element at a time find what trying every order finds?"""

from __future__ import annotations

import random
from collections import Counter

from app.processes.engine.lint import Known, check
from tests.processes.engine import tree_oracle as oracle
from tests.processes.engine.drawing import drawn

GRAPHS = 200
KINDS = ("seq", "xor", "and", "loop")
MISSHAPEN = {"no-end", "unreachable", "no-way-out", "automatic-loop", "flow-out-of-end"}
UNSOUND = {"dead-join", "never-ends"}
MOST = 4


def nearly_structured(rng):
    """A block-structured process after one slip of the hand: another kind of gateway, or an arrow drawn elsewhere."""
    arrows = [arrow.split(" if ")[0].split(" by ")[0] for arrow in oracle.arrows(oracle.random_block(rng, KINDS, 2))]
    links = [tuple(arrow.split(" > ")) for arrow in arrows]
    nodes = sorted({node for link in links for node in link} - {"start"})
    gateways = [node for node in nodes if node.startswith(("and", "xor"))]
    if gateways and rng.random() < 0.6:
        wrong = rng.choice(gateways)
        other = ("xor" if wrong.startswith("and") else "and") + wrong[3:] + "x"
        links = [(other if a == wrong else a, other if b == wrong else b) for a, b in links]
    else:
        position = rng.randrange(len(links))
        links[position] = (links[position][0], rng.choice(nodes))
    return drawn(*(f"{source} > {target}" for source, target in links))


def always_can_finish(definition):
    """Every order of every choice, or None where tokens gather without end."""
    start = frozenset(Counter(definition.starts[0].outs).items())
    after, waiting = {}, [start]
    while waiting:
        marking = waiting.pop()
        if marking in after:
            continue
        if any(count > MOST for _flow, count in marking) or len(after) > 3_000:
            return None
        after[marking] = list(every_move(definition, dict(marking)))
        waiting += after[marking]
    finishing, grown = {frozenset()}, True
    while grown:
        more = {marking for marking, following in after.items() if not finishing.isdisjoint(following)} - finishing
        finishing |= more
        grown = bool(more)
    return set(after) <= finishing


def every_move(definition, tokens):
    for flow in tokens:
        node = definition.follow(flow)
        taken = node.ins if node.id.startswith("and") else (flow,)
        if not all(way in tokens for way in taken):
            continue
        if node.id.startswith("end"):
            ways = [()]
        else:
            ways = [(out,) for out in node.outs] if node.id.startswith("xor") else [node.outs]
        for given in ways:
            moved = Counter(tokens)
            moved.subtract(taken)
            moved.update(given)
            yield frozenset((+moved).items())


def test_one_element_at_a_time_finds_the_same_dead_ends_as_every_order():
    verdicts = Counter()
    for seed in range(GRAPHS):
        definition = nearly_structured(random.Random(seed))
        codes = {problem.code for problem in check(definition, known=Known())}
        sound = None if codes & MISSHAPEN else always_can_finish(definition)
        if sound is not None:
            assert codes.isdisjoint(UNSOUND) is sound, (seed, codes)
            verdicts[sound] += 1
    assert min(verdicts[True], verdicts[False]) > 30, verdicts
