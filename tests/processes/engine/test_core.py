"""What follows from one event? Each element by itself, the refusals, and what holds whatever happens."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.processes.engine.core import MAX_MOVES, decide
from app.processes.engine.events import (
    Cancel,
    CloseTask,
    Complete,
    EndReached,
    EngineRefusal,
    FinishInstance,
    InstanceStarted,
    JoinArrived,
    JoinFired,
    OpenTask,
    RaiseIncident,
    Refusal,
    Start,
    TakeFlow,
    TokenCancelled,
)
from app.processes.engine.state import FINAL, IncidentCode, InstanceStatus, State, TokenState
from tests.processes.engine import tree_oracle as oracle
from tests.processes.engine.drawing import drawn

TODAY = date(2026, 11, 23)
SIMPLE = drawn("start > ask > end")
PARALLEL = drawn("start > and1 > a > and2 > z > end", "and1 > b > and2")
APPROVAL = drawn("start > approve > end", tasks={"approve": 'assign="head" approval="any" outcomes="approve,reject"'})
REPEATED_CHECKS = drawn(
    "start > xor1 > and1 > t5 > t6 > and2 > t9 > xor2 > end by default",
    "and1 > t7 > t8 > and2",
    "xor2 > xor1 if again = 1",
)
NO_DEFAULT = drawn(
    "start > ask > xor1", "xor1 > pay if amount > 5", "xor1 > thank if amount < 2", "pay > end", "thank > end"
)


def run(definition, *events, state=None):
    """The state after some events, and all their commands."""
    state, commands = state or State(), []
    for event in events:
        decision = decide(definition, state, event, today=TODAY)
        state = decision.state
        commands += decision.commands
    return state, commands


def open_steps(state):
    return {token.node: token.id for token in state.tokens if token.state is TokenState.waiting}


def finish(definition, state, step, outputs=None, outcome=None):
    return run(definition, Complete(open_steps(state)[step], outputs or {}, outcome), state=state)


def commands_of(commands, kind):
    return [command for command in commands if isinstance(command, kind)]


# One element at a time.


def test_start_leaves_the_start_event_and_opens_the_first_step():
    state, commands = run(SIMPLE, Start({"amount": 3}))

    assert commands == [InstanceStarted("start"), TakeFlow("f0"), OpenTask(1, "ask")]
    assert (state.status, state.next_token, state.seq) == (InstanceStatus.running, 2, 3)
    assert state.data == {"amount": 3, "start.amount": 3}


def test_completing_the_last_step_finishes_the_instance():
    state, commands = run(SIMPLE, Start(), Complete(1, {"note": "xong"}))

    assert commands[3:] == [
        CloseTask(1, "ask", None),
        TakeFlow("f1"),
        EndReached("end"),
        FinishInstance(InstanceStatus.completed),
    ]
    assert (state.status, state.tokens, state.seq) == (InstanceStatus.completed, (), 7)


def test_later_answer_hides_the_earlier_one_under_the_same_key_but_keeps_it_under_its_step():
    definition = drawn("start > first > second > end")
    state, _ = run(definition, Start({"amount": 1}), Complete(1, {"amount": 2}), Complete(2, {"amount": 3}))

    assert state.data == {"amount": 3, "start.amount": 1, "first.amount": 2, "second.amount": 3}


def test_outcome_becomes_a_value_of_its_step():
    state, commands = run(APPROVAL, Start(), Complete(1, {}, "reject"))

    assert state.data["approve.outcome"] == "reject"
    assert CloseTask(1, "approve", "reject") in commands


def test_exclusive_gateway_takes_the_first_true_flow_in_document_order():
    definition = drawn(
        "start > xor1", "xor1 > a if n > 1", "xor1 > b if n > 0", "xor1 > c by default", "a > end", "b > end", "c > end"
    )

    assert [list(open_steps(run(definition, Start({"n": n}))[0])) for n in (2, 1, 0)] == [["a"], ["b"], ["c"]]


def test_default_flow_is_taken_last_even_when_drawn_first():
    definition = drawn("start > xor1", "xor1 > c by default", "xor1 > a if n > 1", "a > end", "c > end")

    assert list(open_steps(run(definition, Start({"n": 2}))[0])) == ["a"]
    assert list(open_steps(run(definition, Start({}))[0])) == ["c"]


def test_conditions_ask_for_the_day_that_the_caller_names():
    definition = drawn(
        "start > xor1", "xor1 > a if days_between(since, today()) > 2", "xor1 > b by default", "a > end", "b > end"
    )

    early = decide(definition, State(), Start({"since": "2026-11-20"}), today=date(2026, 11, 21)).state
    late = decide(definition, State(), Start({"since": "2026-11-20"}), today=date(2026, 11, 30)).state
    assert (list(open_steps(early)), list(open_steps(late))) == (["b"], ["a"])


def test_without_a_true_flow_and_default_the_work_is_kept_and_an_incident_raised():
    state, commands = run(NO_DEFAULT, Start(), Complete(1, {"amount": 3}))

    assert state.status is InstanceStatus.running
    assert state.data["amount"] == 3
    assert commands[-1] == RaiseIncident(2, "xor1", IncidentCode.no_way_chosen)
    assert [(token.id, token.node, token.via, token.state) for token in state.tokens] == [
        (2, "xor1", "f1", TokenState.stopped)
    ]


def test_a_token_with_an_incident_cannot_be_completed():
    state, _ = run(NO_DEFAULT, Start(), Complete(1, {"amount": 3}))

    with pytest.raises(EngineRefusal) as refused:
        run(NO_DEFAULT, Complete(2), state=state)
    assert refused.value.code is Refusal.task_not_open


def test_join_waits_for_every_branch():
    state, _ = run(PARALLEL, Start())
    a, b = open_steps(state)["a"], open_steps(state)["b"]

    state, commands = run(PARALLEL, Complete(a), state=state)
    assert list(open_steps(state)) == ["b"]
    assert commands[-1] == JoinArrived(3, "and2", "f2")

    state, commands = run(PARALLEL, Complete(b), state=state)
    assert JoinFired("and2", (3, 4)) in commands
    assert list(open_steps(state)) == ["z"]


def test_join_consumes_one_token_per_flow_and_keeps_the_surplus_for_the_next_round():
    # The second arrow into `b` sends two tokens over one branch of the join.
    definition = drawn("start > and1 > a > and2 > z > end", "and1 > b > and2", "and1 > c > b")
    state, _ = run(definition, Start())
    state, _ = finish(definition, state, "c")
    for token in [token.id for token in state.tokens if token.node == "b"]:
        state, commands = run(definition, Complete(token), state=state)
    assert [token.via for token in state.tokens if token.state is TokenState.joining] == ["f6", "f6"]

    state, commands = finish(definition, state, "a")
    (fired,) = commands_of(commands, JoinFired)
    assert len(fired.consumed) == 2
    assert [token.via for token in state.tokens if token.state is TokenState.joining] == ["f6"]
    assert list(open_steps(state)) == ["z"]


def test_second_round_of_parallel_checks_waits_for_both_again():
    definition = REPEATED_CHECKS
    state, _ = run(definition, Start())
    for step in ("t5", "t6", "t7", "t8"):
        state, _ = finish(definition, state, step)
    state, _ = finish(definition, state, "t9", {"again": 1})

    state, _ = finish(definition, state, "t5")
    state, _ = finish(definition, state, "t6")
    assert list(open_steps(state)) == ["t7"]

    state, _ = finish(definition, state, "t7")
    state, _ = finish(definition, state, "t8")
    assert list(open_steps(state)) == ["t9"]
    state, _ = finish(definition, state, "t9", {"again": 0})
    assert state.status is InstanceStatus.completed


def test_first_branch_at_its_end_does_not_finish_the_instance():
    definition = drawn("start > and1 > a > end1", "and1 > b > end2")
    state, _ = run(definition, Start())

    state, commands = finish(definition, state, "a")
    assert state.status is InstanceStatus.running
    state, commands = finish(definition, state, "b")
    assert commands[-1] == FinishInstance(InstanceStatus.completed)


def test_tokens_that_only_wait_for_each_other_raise_an_incident():
    definition = drawn("start > ask > xor1", "xor1 > and1 if yes = 1", "xor1 > and1 by default", "and1 > end")
    state, commands = run(definition, Start(), Complete(1))

    assert commands[-1] == RaiseIncident(2, "and1", IncidentCode.stuck_at_join)
    assert state.status is InstanceStatus.running


def test_automatic_loop_stops_at_the_cap_with_an_incident():
    definition = drawn("start > ask > xor1 > xor2", "xor2 > xor1 if go = 1", "xor2 > end by default")
    state, commands = run(definition, Start(), Complete(1, {"go": 1}))

    assert len(commands_of(commands, TakeFlow)) == MAX_MOVES + 1
    (incident,) = commands_of(commands, RaiseIncident)
    assert incident.code is IncidentCode.automatic_loop
    assert [(token.id, token.state) for token in state.tokens] == [(incident.token, TokenState.stopped)]


def test_cancelling_calls_off_every_token():
    state, _ = run(PARALLEL, Start(), Complete(1))
    state, commands = run(PARALLEL, Cancel("khách rút lại"), state=state)

    assert commands == [
        TokenCancelled(2, "b", "khách rút lại"),
        TokenCancelled(3, "and2", "khách rút lại"),
        FinishInstance(InstanceStatus.cancelled, "khách rút lại"),
    ]
    assert (state.status, state.tokens) == (InstanceStatus.cancelled, ())


# Refusals.


@pytest.mark.parametrize(
    ("definition", "before", "event", "code"),
    [
        (SIMPLE, [], Complete(1), Refusal.not_started),
        (SIMPLE, [], Cancel(), Refusal.not_started),
        (SIMPLE, [Start()], Start(), Refusal.already_started),
        (SIMPLE, [Start()], Complete(2), Refusal.task_not_open),
        (SIMPLE, [Start()], Complete(1, {}, "approve"), Refusal.outcome_unknown),
        (SIMPLE, [Start(), Complete(1)], Complete(1), Refusal.finished),
        (SIMPLE, [Start(), Cancel()], Cancel(), Refusal.finished),
        (PARALLEL, [Start(), Complete(1)], Complete(1), Refusal.task_not_open),
        (PARALLEL, [Start(), Complete(1)], Complete(3), Refusal.task_not_open),
        (APPROVAL, [Start()], Complete(1), Refusal.outcome_missing),
        (APPROVAL, [Start()], Complete(1, {}, "return"), Refusal.outcome_unknown),
        (APPROVAL, [], Start({"approve.outcome": "approve"}), Refusal.key_reserved),
        (APPROVAL, [Start()], Complete(1, {"start.amount": 1}, "approve"), Refusal.key_reserved),
    ],
)
def test_an_event_that_does_not_fit_is_refused(definition, before, event, code):
    state, _ = run(definition, *before)

    with pytest.raises(EngineRefusal) as refused:
        decide(definition, state, event, today=TODAY)
    assert refused.value.code is code


def test_suspended_instance_takes_no_work_but_can_be_called_off():
    state, _ = run(SIMPLE, Start())
    suspended = State(InstanceStatus.suspended, state.data, state.tokens, state.next_token, state.seq)

    with pytest.raises(EngineRefusal) as refused:
        decide(SIMPLE, suspended, Complete(1), today=TODAY)
    assert refused.value.code is Refusal.not_running
    assert decide(SIMPLE, suspended, Cancel(), today=TODAY).state.status is InstanceStatus.cancelled


def test_dotted_key_that_names_no_step_is_ordinary_data():
    state, _ = run(SIMPLE, Start({"order.code": "DH01"}))

    assert state.data["order.code"] == "DH01"


# What holds whatever happens.


class Journey:
    """A random process, worked through in a random order, with every event, state and command on record."""

    def __init__(self, seed):
        rng = random.Random(seed)
        self.definition = drawn(*oracle.arrows(oracle.random_block(rng, ("seq", "xor", "and", "loop"))))
        self.states, self.events, self.commands = [State()], [], []
        self._apply(Start({"amount": 1}))
        for done in range(rng.randint(0, 40)):
            steps = open_steps(self.states[-1])
            if not steps:
                break
            step = rng.choice(sorted(steps))
            answers = {f"{step}_c": rng.randint(0, 2), f"{step}_again": int(done < 25 and rng.random() < 0.5)}
            self._apply(Cancel("thôi") if rng.random() < 0.02 else Complete(steps[step], answers))

    def _apply(self, event):
        decision = decide(self.definition, self.states[-1], event, today=TODAY)
        self.events.append(event)
        self.states.append(decision.state)
        self.commands.append(decision.commands)

    @property
    def all_commands(self):
        return [command for commands in self.commands for command in commands]


journeys = st.integers(min_value=0, max_value=2**32).map(Journey)


@given(journeys)
def test_same_events_give_the_same_decisions(journey):
    state = State()
    for event, expected_state, expected_commands in zip(
        journey.events, journey.states[1:], journey.commands, strict=True
    ):
        decision = decide(journey.definition, state, event, today=TODAY)
        assert (decision.state, decision.commands) == (expected_state, expected_commands)
        state = decision.state


@given(journeys)
def test_open_tasks_are_exactly_the_tokens_on_steps(journey):
    opened = {}
    for commands, state in zip(journey.commands, journey.states[1:], strict=True):
        for command in commands:
            if isinstance(command, OpenTask):
                assert command.token not in opened
                opened[command.token] = command.step
            elif isinstance(command, CloseTask | TokenCancelled):
                opened.pop(command.token, None)
        assert opened == {token.id: token.node for token in state.tokens if token.state is TokenState.waiting}


@given(journeys)
def test_no_token_is_lost_or_made_up(journey):
    commands = journey.all_commands
    created = {command.token for command in commands_of(commands, OpenTask) + commands_of(commands, JoinArrived)}
    consumed = [command.token for command in commands_of(commands, CloseTask) + commands_of(commands, TokenCancelled)]
    consumed += [token for command in commands_of(commands, JoinFired) for token in command.consumed]
    last = journey.states[-1]

    assert len(consumed) == len(set(consumed))
    assert created - set(consumed) == {token.id for token in last.tokens}
    assert created == set(range(1, last.next_token))
    assert (last.status in FINAL) == (not last.tokens)


@given(journeys)
def test_joins_consume_exactly_one_token_per_incoming_flow(journey):
    arrived = Counter((c.node, c.flow) for c in commands_of(journey.all_commands, JoinArrived))
    flow_of = {c.token: c.flow for c in commands_of(journey.all_commands, JoinArrived)}
    for fired in commands_of(journey.all_commands, JoinFired):
        assert [flow_of[token] for token in fired.consumed] == list(journey.definition.nodes[fired.node].ins)
        arrived.subtract((fired.node, flow) for flow in journey.definition.nodes[fired.node].ins)
    last = journey.states[-1]
    if last.status is not InstanceStatus.cancelled:
        waiting = Counter((token.node, token.via) for token in last.tokens if token.state is TokenState.joining)
        assert +arrived == waiting
    assert all(count >= 0 for count in arrived.values())


@given(journeys)
def test_sequence_counts_the_commands(journey):
    for before, after, commands in zip(journey.states, journey.states[1:], journey.commands, strict=False):
        assert after.seq == before.seq + len(commands)
        assert after.next_token >= before.next_token


@given(journeys, st.sampled_from([Start(), Complete(1), Cancel()]))
def test_a_finished_instance_refuses_everything(journey, event):
    last = journey.states[-1]
    finished = last if last.status in FINAL else decide(journey.definition, last, Cancel(), today=TODAY).state

    with pytest.raises(EngineRefusal):
        decide(journey.definition, finished, event, today=TODAY)


def test_a_step_costs_the_same_in_the_thousandth_round():
    definition = drawn("start > xor1 > ask > xor2", "xor2 > xor1 if again = 1", "xor2 > end by default")
    state, _ = run(definition, Start())
    for _ in range(1_000):
        state, commands = finish(definition, state, "ask", {"again": 1})
        assert len(commands) == 5
    assert (len(state.tokens), state.data) == (1, {"again": 1, "ask.again": 1})
