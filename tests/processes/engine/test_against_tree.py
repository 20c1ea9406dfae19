"""Does the engine agree with the block tree, whatever the process, the order of work, and what is sent back?"""

from __future__ import annotations

import random

import pytest
from hypothesis import settings

from app.processes.engine.events import Complete, Fire, Return, Start
from app.processes.engine.lint import Known, check
from app.processes.engine.problems import has_errors
from app.processes.engine.returning import ways_back
from app.processes.engine.state import InstanceStatus, TokenState
from tests.processes.engine import tree_oracle as oracle
from tests.processes.engine.drawing import drawn
from tests.processes.engine.running import Run
from tests.proof import tried

KINDS = [
    ("seq", "xor", "and"),
    ("seq", "xor", "loop"),
    ("seq", "xor", "and", "loop"),
    ("seq", "and", "loop"),
    ("seq", "or", "and", "loop"),
    ("seq", "xor", "or", "loop"),
    ("seq", "and", "timed", "wait"),
    ("seq", "xor", "and", "loop", "many"),
    ("seq", "and", "loop", "race"),
    ("seq", "xor", "or", "and", "loop", "timed", "wait", "race", "many"),
]
LAST_ROUND = 60
#: in a quick run, and where everything is asked of Hypothesis too
PROCESSES_PER_KIND = {"quick": 25, "thorough": 260}


def processes(kinds):
    thorough = settings.get_current_profile_name() == "thorough"
    for seed in range(PROCESSES_PER_KIND["thorough" if thorough else "quick"]):
        rng = random.Random(f"{kinds}{seed}")
        block = oracle.random_block(rng, kinds)
        timers, edges = oracle.events(block)
        yield (
            rng,
            block,
            drawn(
                *oracle.arrows(block),
                timers=timers,
                edges=edges,
                many=oracle.several(block),
                messages=oracle.messages(block),
            ),
            (kinds, seed),
        )


def answers(rng, task, rounds):
    again = int(rounds < LAST_ROUND and rng.random() < 0.5)
    return {
        f"{task}_c": rng.randint(0, 2),
        f"{task}_again": again,
        **{f"{task}_b{n}": rng.randint(0, 1) for n in range(3)},
    }


def check_same(run, left, told):
    assert sorted(run.open) == sorted(oracle.open_tasks(left)), told
    assert run.clocks == sorted(oracle.clocks(left)), told
    assert run.heard == sorted((event, "DH-7") for event in oracle.heard(left)), told


def one_step(rng, run, left, rounds):
    """Finish a task, let a clock strike or a message come; what is left."""
    things = oracle.open_tasks(left) + oracle.awaited(left)
    done = rng.choice(things)
    given = answers(rng, done, rounds)
    if done in oracle.open_tasks(left):
        run.do(Complete(run.token_waiting(done), given))
    elif done.startswith("hear"):
        run.receive(done)
    else:
        run.do(Fire(next(timer.id for timer in run.state.timers if timer.node == done)))
    return oracle.rest(left, done, given)


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_engine_opens_the_tasks_that_the_block_tree_opens(kinds):
    for rng, block, definition, told in processes(kinds):
        assert not has_errors(check(definition, known=Known())), told
        run, left, rounds = Run(definition, Start({"order": "DH-7"})), block, 0
        while left is not None:
            check_same(run, left, (*told, rounds))
            left = one_step(rng, run, left, rounds)
            rounds += 1
        tried("random processes beside the block tree")
        tried("their steps, in random order", rounds)
        assert run.state.status is InstanceStatus.completed, told
        assert (run.state.tokens, run.state.timers, run.state.subscriptions) == ((), (), ())


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_work_is_sent_back_where_the_block_tree_says_and_done_again(kinds):
    returned = 0
    for rng, block, definition, told in processes(kinds):
        run, left, rounds = Run(definition, Start({"order": "DH-7"})), block, 0
        while left is not None:
            check_same(run, left, (*told, rounds))
            tasks = oracle.open_tasks(left)
            task = rng.choice(tasks) if tasks else None
            if task is not None:
                ways = ways_back(definition, run.state.tokens, waiting(run, task))
                assert set(ways) == oracle.ways_back(left, task), (*told, rounds, task)
                if ways and rounds < LAST_ROUND and rng.random() < 0.3:
                    to = rng.choice(sorted(ways))
                    run.do(Return(run.token_waiting(task), to))
                    left, returned = oracle.back(left, task, to), returned + 1
                    rounds += 1
                    continue
            left = one_step(rng, run, left, rounds)
            rounds += 1
        tried("random processes beside the block tree, with work sent back")
        assert run.state.status is InstanceStatus.completed, told
    tried("times that it was sent back", returned)
    assert returned > len(PROCESSES_PER_KIND)


def waiting(run, step):
    return next(token for token in run.state.tokens if token.node == step and token.state is TokenState.waiting)
