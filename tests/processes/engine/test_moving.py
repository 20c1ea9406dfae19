"""An admin puts a branch on another step: only where every branch still comes to an end, and then it does."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from app.processes.engine.core import BY_MOVE, decide
from app.processes.engine.events import (
    BranchMoved,
    CallBegun,
    Complete,
    EngineRefusal,
    Fire,
    Move,
    Receive,
    Refusal,
    Return,
    Start,
    Suspend,
    TokenCancelled,
)
from app.processes.engine.returning import ways_back
from app.processes.engine.soundness import left_over
from app.processes.engine.state import InstanceStatus, TokenState
from tests.processes.engine import tree_oracle as oracle
from tests.processes.engine.drawing import drawn
from tests.processes.engine.running import TODAY, Run
from tests.processes.engine.test_against_tree import LAST_ROUND, answers

PARALLEL = drawn("start > ask > and1 > a > b > and2 > last > end", "and1 > c > and2")


def refused(run, token, to):
    before = run.state
    with pytest.raises(EngineRefusal) as refusal:
        run.do(Move(token, to, "nhầm"))
    assert run.state == before
    return refusal.value.code, refusal.value.about


def test_inside_a_branch_it_goes_forward_and_back_and_the_other_branch_stays():
    run = Run(PARALLEL, Start()).finish("ask")
    run.do(Move(run.token("a"), "b", "đã làm ngoài giấy"))
    assert run.open == ["c", "b"]
    assert run.commands_of(BranchMoved) == [BranchMoved(2, "a", "b", "đã làm ngoài giấy")]
    run.do(Move(run.token("b"), "a", "làm lại"))
    assert run.open == ["c", "a"]
    for step in ("a", "b", "c", "last"):
        run.finish(step)
    assert run.state.status is InstanceStatus.completed


def test_back_to_before_the_split_withdraws_all_that_came_of_it():
    run = Run(PARALLEL, Start()).finish("ask")
    run.do(Move(run.token("a"), "ask", "làm lại từ đầu"))
    assert run.open == ["ask"]
    assert [(one.node, one.reason) for one in run.last if isinstance(one, TokenCancelled)] == [("c", BY_MOVE)]


def test_a_join_is_never_left_waiting():
    run = Run(PARALLEL, Start()).finish("ask")
    assert refused(run, run.token("a"), "last") == (Refusal.join_left_dead, "and2")
    assert refused(run, run.token("a"), "c") == (Refusal.join_left_dead, "and2")
    run.finish("c")
    # What waits at the join belongs to the branch by which it came.
    waiting = next(one.id for one in run.state.tokens if one.state is TokenState.joining)
    assert refused(run, waiting, "a") == (Refusal.join_left_dead, "and2")
    run.do(Move(waiting, "c", "sai số liệu"))
    assert run.open == ["a", "c"]


def test_where_a_return_would_lead_nothing_is_explored(monkeypatch):
    monkeypatch.setattr("app.processes.engine.soundness.MAX_STATES", 0)
    run = Run(PARALLEL, Start()).finish("ask")
    assert refused(run, run.token("a"), "last")[0] is Refusal.cannot_tell
    run.do(Move(run.token("a"), "ask", "lại từ đầu"))
    assert run.open == ["ask"]


@pytest.mark.parametrize(
    ("token", "to", "code"),
    [(1, "ask", Refusal.no_such_step), (1, "xx", Refusal.no_such_step), (1, "and2", Refusal.no_such_step),
     (9, "b", Refusal.nothing_waits)],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(token, to, code):
    assert refused(Run(PARALLEL, Start()), token, to)[0] is code


def test_nothing_moves_while_it_is_paused_or_once_it_is_over():
    run = Run(PARALLEL, Start()).do(Suspend("chờ"))
    assert refused(run, 1, "a")[0] is Refusal.not_running


def test_work_is_taken_from_clocks_calls_and_from_several_at_once():
    arrows = "start > wait > all > call > last > end", "edge > late > end2"
    more = {
        "timers": {"wait": "PT1H", "edge": "PT2H"}, "edges": {"edge": "all"}, "many": {"all": 'collection="3"'},
        "calls": {"call": "kia"},
    }  # fmt: skip
    run = Run(drawn(*arrows, **more), Start())
    run.do(Move(run.token("wait"), "all", "không chờ nữa"))
    assert (run.open, run.clocks) == (["all"] * 3, ["edge"])
    gathers = next(one.id for one in run.state.tokens if one.state is TokenState.gathering)
    assert refused(run, run.token_waiting("all"), "last")[0] is Refusal.nothing_waits
    run.do(Move(gathers, "last", "không cần hỏi"))
    assert (run.open, run.clocks, run.state.gatherings) == (["last"], [], ())
    run.do(Move(run.token("last"), "all", "hỏi lại"))
    for _ in range(3):
        run.finish("all")
    assert run.commands_of(CallBegun)
    run.do(Move(run.token("call"), "last", "làm tay")).finish("last")
    assert run.state.status is InstanceStatus.completed


def rests(state):
    return sorted((one.node, one.state, one.outer) for one in state.tokens)


@pytest.mark.parametrize("seed", range(60))
def test_whoever_moves_work_about_still_comes_to_an_end(seed):
    """Random processes with random moves: what is allowed leaves nothing behind, and what is refused would have; to
    where work may be sent back a move does what a return does."""
    rng = random.Random(seed)
    block = oracle.random_block(rng, ("seq", "xor", "or", "and", "loop", "timed", "race", "many"))
    timers, edges = oracle.events(block)
    more = {"timers": timers, "edges": edges, "many": oracle.several(block), "messages": oracle.messages(block)}
    definition = drawn(*oracle.arrows(block), **more)
    run = Run(definition, Start({"order": "DH-7"}))
    for turn in range(400):
        if run.state.status is not InstanceStatus.running:
            break
        tokens = [one for one in run.state.tokens if not one.outer]
        if turn < LAST_ROUND and rng.random() < 0.4:
            token, to = rng.choice(tokens), rng.choice(definition.steps).id
            is_back = to in ways_back(definition, run.state.tokens, token) and token.state is TokenState.waiting
            sent_back = decide(definition, run.state, Return(token.id, to), today=TODAY).state if is_back else None
            with suppress(EngineRefusal):
                run.do(Move(token.id, to, "thử"))
                assert sent_back is None or rests(sent_back) == rests(run.state)
            continue
        waiting = [one for one in run.state.tokens if one.state is TokenState.waiting]
        if waiting:
            token = rng.choice(waiting)
            run.do(Complete(token.id, answers(rng, token.node, turn)))
        elif run.state.subscriptions:
            run.do(Receive(run.state.subscriptions[0].id))
        else:
            run.do(Fire(run.state.timers[0].id))
    assert run.state.status is InstanceStatus.completed


def test_where_it_stands_is_looked_at_as_it_is():
    assert left_over(PARALLEL, ["f1", "f1"]) is None
    assert left_over(PARALLEL, [PARALLEL.nodes["b"].ins[0]]) == "and2"
