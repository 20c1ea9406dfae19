"""How does a test run a process in the pure core? Event by event, looking at what is open and which clocks run."""

from __future__ import annotations

from datetime import date

from app.processes.engine.core import decide
from app.processes.engine.events import Complete, Fire, Receive
from app.processes.engine.state import State, TokenState
from tests.processes.engine.replay import happened, replayed, shown

TODAY = date(2026, 11, 23)
#: a longer log is not read again after each event
LONGEST_REPLAY = 300


class Run:
    """One instance, and all that was ever commanded in it; after each event the log must lead to the state."""

    def __init__(self, definition, *events, people=lambda _rule, _step, _data: ()):
        self.definition, self.state, self.commands, self.people = definition, State(), [], people
        for event in events:
            self.do(event)

    def do(self, event):
        decision = decide(self.definition, self.state, event, today=TODAY, people=self.people)
        self.state = decision.state
        self.commands += decision.commands
        self.last = decision.commands
        if len(self.commands) < LONGEST_REPLAY:
            assert replayed(happened(self.commands)) == shown(self.state)
        assert {one.token for one in (*self.state.timers, *self.state.subscriptions)} <= {
            token.id for token in self.state.tokens
        }
        return self

    @property
    def open(self):
        """The open steps, in the order in which they were opened."""
        return [token.node for token in self.state.tokens if token.state is TokenState.waiting]

    @property
    def clocks(self):
        return sorted(timer.node for timer in self.state.timers)

    @property
    def heard(self):
        """The messages that are waited for: name and key."""
        return sorted((one.name, one.key) for one in self.state.subscriptions)

    def receive(self, node, **values):
        return self.do(Receive(next(one.id for one in self.state.subscriptions if one.node == node), values))

    def token(self, node):
        return next(token.id for token in self.state.tokens if token.node == node)

    def token_waiting(self, step):
        return next(one.id for one in self.state.tokens if one.node == step and one.state is TokenState.waiting)

    def commands_of(self, kind):
        return [command for command in self.commands if isinstance(command, kind)]

    def finish(self, step, outputs=None, outcome=None):
        return self.do(Complete(self.token_waiting(step), outputs or {}, outcome))

    def strike(self, node):
        return self.do(Fire(next(timer.id for timer in self.state.timers if timer.node == node)))
