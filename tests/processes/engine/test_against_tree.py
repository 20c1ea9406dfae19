"""Does the engine agree with the block tree, whatever the process and the order of work?"""

from __future__ import annotations

import random
from datetime import date

import pytest

from app.processes.engine.core import decide
from app.processes.engine.events import Complete, Start
from app.processes.engine.lint import Known, check
from app.processes.engine.problems import has_errors
from app.processes.engine.state import InstanceStatus, State, TokenState
from tests.processes.engine import tree_oracle as oracle
from tests.processes.engine.drawing import drawn

TODAY = date(2026, 11, 23)
PROCESSES_PER_KIND = 110
LAST_ROUND = 60


def open_steps(state):
    return {token.node: token.id for token in state.tokens if token.state is TokenState.waiting}


@pytest.mark.parametrize(
    "kinds",
    [("seq", "xor", "and"), ("seq", "xor", "loop"), ("seq", "xor", "and", "loop"), ("seq", "and", "loop")],
    ids="-".join,
)
def test_engine_opens_the_tasks_that_the_block_tree_opens(kinds):
    for seed in range(PROCESSES_PER_KIND):
        rng = random.Random(f"{kinds}{seed}")
        left = block = oracle.random_block(rng, kinds)
        definition = drawn(*oracle.arrows(block))
        assert not has_errors(check(definition, known=Known())), (kinds, seed)

        state = decide(definition, State(), Start(), today=TODAY).state
        rounds = 0
        while left is not None:
            assert sorted(open_steps(state)) == sorted(oracle.open_tasks(left)), (kinds, seed, rounds)
            done = rng.choice(oracle.open_tasks(left))
            answers = {f"{done}_c": rng.randint(0, 2), f"{done}_again": int(rounds < LAST_ROUND and rng.random() < 0.5)}
            state = decide(definition, state, Complete(open_steps(state)[done], answers), today=TODAY).state
            left = oracle.rest(left, done, answers)
            rounds += 1
        assert state.status is InstanceStatus.completed, (kinds, seed)
        assert state.tokens == ()
