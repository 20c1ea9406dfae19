"""What holds whatever happens, in whichever order: random processes, and all that people, clocks and messages do.

The numbers are those of the list of invariants that the engine was designed by (I1 …).
"""

from __future__ import annotations

import random
import re
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.processes.engine.bpmn import read
from app.processes.engine.core import decide
from app.processes.engine.events import (
    Cancel,
    CloseTask,
    Complete,
    EngineRefusal,
    Fire,
    JoinArrived,
    JoinFired,
    Migrate,
    Migrated,
    Move,
    Receive,
    Resume,
    Return,
    Start,
    Suspend,
)
from app.processes.engine.graph import NodeKind
from app.processes.engine.returning import ways_back
from app.processes.engine.state import FINAL, InstanceStatus, TokenState
from tests.processes.engine import tree_oracle as oracle
from tests.processes.engine.drawing import bpmn
from tests.processes.engine.running import TODAY, Run
from tests.processes.engine.test_against_tree import LAST_ROUND, answers
from tests.proof import tried

KINDS = ("seq", "xor", "or", "and", "loop", "timed", "wait", "race", "many")
#: what happens next, the more often it stands here
WISHES = (
    *["task"] * 6,
    *["return"] * 4,
    *["message"] * 3,
    *["clock"] * 2,
    *["move"] * 2,
    *["migrate"] * 2,
    "pause",
    "cancel",
)


_ID = re.compile(r'((?<=id="|lt=")[a-z]\w*|(?<=Ref=")[a-z]\w*)(?=")')


class Engine(RuleBasedStateMachine):
    """One run of a random process. `Run` holds that the log rebuilds the state (I1) and that nothing waits for a token
    that is gone (I11)."""

    @initialize(seed=st.integers(0, 10**6))
    def begin(self, seed: int) -> None:
        self.rng = random.Random(seed)
        block = oracle.random_block(self.rng, KINDS, 2)
        timers, edges = oracle.events(block)
        more = {"timers": timers, "edges": edges, "many": oracle.several(block), "messages": oracle.messages(block)}
        self.xml = bpmn(*oracle.arrows(block), **more)
        definition, _problems = read(self.xml)
        self.run = Run(definition)
        self.rounds, self.closed = 0, Counter[int]()
        self.happen(Start({"order": "DH-7"}))

    def happen(self, event: object) -> None:
        before = self.run.state
        twice = [decide(self.run.definition, before, event, today=TODAY) for _ in range(2)]
        assert twice[0] == twice[1], "I1: the same event leads to the same decision"
        self.run.do(event)
        tried("events of random runs, decided twice, after which all invariants held")
        assert self.run.state.seq == before.seq + len(self.run.last), "I13: numbered without a gap"
        self.closed.update(command.token for command in self.run.last if isinstance(command, CloseTask))
        self.rounds += 1

    def refused(self, event: object) -> None:
        before = self.run.state
        tried("events that make no sense, refused")
        with pytest.raises(EngineRefusal):
            decide(self.run.definition, before, event, today=TODAY)
        assert self.run.state == before

    @precondition(lambda self: self.running)
    @rule(wish=st.sampled_from(WISHES))
    def something_happens(self, wish: str) -> None:
        """What is wished for, or else the first that can be: a run goes on at every step, whatever it waits for."""
        can = [name for name, there in (
            ("task", self.waiting), ("message", self.run.state.subscriptions), ("clock", self.run.state.timers),
            ("return", self.waiting and self.rounds < LAST_ROUND),
            ("move", self.run.definition.steps and self.rounds < LAST_ROUND), ("pause", True),
            ("migrate", True), ("cancel", self.rounds > 6),
        ) if there]  # fmt: skip
        assert can[0] not in ("move", "pause", "migrate"), "I6: a run that waits for nothing is over"
        getattr(self, f"_{wish if wish in can else can[0]}")()

    def _task(self) -> None:
        token = self.rng.choice(self.waiting)
        self.happen(Complete(token.id, answers(self.rng, token.node, self.rounds)))
        self.refused(Complete(token.id))  # I8, I9: done is done

    def _clock(self) -> None:
        timer = self.rng.choice(self.run.state.timers)
        self.happen(Fire(timer.id))
        self.refused(Fire(timer.id))

    def _message(self) -> None:
        one = self.rng.choice(self.run.state.subscriptions)
        self.happen(Receive(one.id))
        self.refused(Receive(one.id))

    def _return(self) -> None:
        token = self.rng.choice(self.waiting)
        ways = ways_back(self.run.definition, self.run.state.tokens, token)
        self.refused(Return(token.id, token.node))
        if ways:
            to = self.rng.choice(sorted(ways))
            self.happen(Return(token.id, to))
            assert to in self.run.open, "I15: the step is open again"

    def _move(self) -> None:
        token = self.rng.choice(self.run.state.tokens)
        to = self.rng.choice(self.run.definition.steps).id
        self.refused(Move(token.id, token.node))
        with suppress(EngineRefusal):
            self.happen(Move(token.id, to))
            assert token not in self.run.state.tokens
            assert to in self.run.open, "the step is open, and nothing else has to be seen to"

    def _migrate(self) -> None:
        """I14: to the same drawing nothing changes; to one where everything is called otherwise and back neither."""
        before, old = self.run.state, self.run.definition
        if before.gatherings:
            self.refused(Migrate(old, 1, 2))
            return
        self.happen(Migrate(old, 1, 2))
        assert replace(self.run.state, seq=before.seq) == before
        assert [type(command) for command in self.run.last] == [Migrated]
        renamed = read(_ID.sub(r"\1_v2", self.xml))[0]
        there = {one: f"{one}_v2" for one in old.nodes}
        self.run.definition = renamed
        self.happen(Migrate(old, 2, 3, there))
        assert {one.node for one in self.run.state.tokens} == {there[one.node] for one in before.tokens}
        assert len(self.run.state.data) == len(before.data)
        self.run.definition = old
        self.happen(Migrate(renamed, 3, 2, {to: one for one, to in there.items()}))
        assert replace(self.run.state, seq=before.seq) == before

    def _pause(self) -> None:
        before = self.run.state
        self.happen(Suspend("chờ"))
        for event in (Suspend("nữa"), *(Complete(token.id) for token in self.waiting)):
            self.refused(event)
        self.happen(Resume())
        assert (self.run.state.tokens, self.run.state.timers) == (before.tokens, before.timers)

    def _cancel(self) -> None:
        self.happen(Cancel("thôi"))

    @precondition(lambda self: hasattr(self, "run") and self.run.state.status in FINAL)
    @rule()
    def nothing_happens_to_what_is_over(self) -> None:
        people = Complete(1), Return(1, "t1"), Move(1, "t1"), Cancel("x"), Suspend("x"), Resume()
        for event in (Start(), Fire(1), Receive(1), *people):
            self.refused(event)  # I7

    @invariant()
    def what_lives_is_what_was_made_and_not_used(self) -> None:
        if not hasattr(self, "run"):
            return
        state, joins = self.run.state, Counter[tuple[str, str]]()
        via: dict[int, tuple[str, str]] = {}
        for command in self.run.commands:
            if isinstance(command, JoinArrived):
                via[command.token] = (command.node, command.flow)
                joins[via[command.token]] += 1
            elif isinstance(command, JoinFired):
                used = [via[token] for token in command.consumed]
                node = self.run.definition.nodes[command.node]
                assert len(set(used)) == len(used), "I4: one of each flow"
                if node.kind is NodeKind.parallel_gateway:
                    assert len(used) == len(node.ins)
                joins.subtract(used)
        assert all(count >= 0 for count in joins.values())
        assert max(self.closed.values(), default=0) <= 1, "I8: finished once"
        alive = (state.tokens, state.timers, state.subscriptions, state.gatherings)
        if state.status in FINAL:
            assert alive == ((), (), (), ()), "I6: nothing is left over"
        else:
            assert state.tokens, "I6: what has nothing left is over"
        assert len({token.id for token in state.tokens}) == len(state.tokens)

    @property
    def running(self) -> bool:
        return hasattr(self, "run") and self.run.state.status is InstanceStatus.running

    @property
    def waiting(self):
        return [token for token in self.run.state.tokens if token.state is TokenState.waiting]


TestEngine = Engine.TestCase


@pytest.mark.parametrize("seed", range(25))
def test_a_drawing_means_the_same_however_it_is_written(seed):
    """I16: other white space, another prefix and a declaration change nothing of what runs."""
    rng = random.Random(seed)
    block = oracle.random_block(rng, KINDS)
    timers, edges = oracle.events(block)
    more = {"timers": timers, "edges": edges, "many": oracle.several(block), "messages": oracle.messages(block)}
    text = bpmn(*oracle.arrows(block), **more)
    spread = '<?xml version="1.0" encoding="UTF-8"?>\n' + text.replace("><", ">\n\t<").replace("xmlns:tt=", "xmlns:t=")
    assert read(spread.replace("<tt:", "<t:").replace("</tt:", "</t:"))[0] == read(text)[0]
