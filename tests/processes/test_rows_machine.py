"""Do the rows say what the engine says, whatever happens and whoever does it? A run beside the pure engine."""

from __future__ import annotations

from datetime import timedelta

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.errors import ConflictError
from app.processes import messages, queries, services
from app.processes.engine.events import Cancel, Complete, Resume, Return, Start, Suspend
from app.processes.engine.returning import ways_back
from app.processes.engine.state import FINAL, InstanceStatus
from app.processes.messages import Arrival
from app.processes.models import ProcessEvent, ProcessVersion
from app.tasks.services import TaskNotOpenError, complete_task, return_task
from tests.processes.drawn import Drawn
from tests.processes.engine.replay import shown
from tests.processes.engine.running import Run
from tests.proof import tried
from tests.story import MONDAY

ARROWS = (
    "start > xor1 > ask > and1 > a > and2 > last > xor2", "and1 > race1 > wait1 > b > xor3 > and2",
    "race1 > hear2 > xor3",
    "edge1 > late > end2", "xor2 > xor1 if go = 1", "xor2 > end by default",
)  # fmt: skip
MORE = {
    "timers": {"wait1": "PT1H wall", "edge1": "PT2H wall"}, "edges": {"edge1": "last beside"},
    "messages": {"hear2": "paid code"},
}  # fmt: skip


@pytest.mark.both_databases
def test_rows_and_engine_agree_whatever_happens(session, cast):
    many = hypothesis.settings.get_current_profile_name() == "thorough"
    with clock.at(MONDAY):
        drawn = Drawn(session, cast, *ARROWS, **MORE)
        settings = hypothesis.settings(max_examples=40 if many else 4, stateful_step_count=14)
        run_state_machine_as_test(lambda: Rows(drawn), settings=settings)


class Rows(RuleBasedStateMachine):
    """One run of the process, and the same in the pure engine (I2, I3)."""

    def __init__(self, drawn: Drawn) -> None:
        super().__init__()
        self.drawn, self.now, self.told, self.id, self.published = drawn, MONDAY, 0, 0, 0

    @initialize(go=st.integers(0, 1))
    def begin(self, go: int) -> None:
        count = self.drawn.session.scalar(select(func.count(ProcessEvent.id))) or 0
        self.code = f"DH-{count}"
        self.id = self.drawn.start(go=go, code=self.code)
        version = self.drawn.instance(self.id).version
        self.version, self.xml = version.id, version.bpmn
        self.core = Run(queries.definition_of(version), Start({"go": go, "code": self.code}))

    @precondition(lambda self: self.running and self.core.open)
    @rule(data=st.data())
    def a_task_is_finished_once(self, data) -> None:
        step = data.draw(st.sampled_from(sorted(set(self.core.open))))
        task, lan = self.drawn.task(self.id, step).id, self.drawn.cast.lan
        token = self.core.token_waiting(step)
        with clock.at(self.now), transaction(lan) as inside:
            complete_task(inside, task, by=lan)
        self.core.do(Complete(token))
        before = self.count
        with pytest.raises(TaskNotOpenError), transaction(lan) as inside:
            complete_task(inside, task, by=lan)
        assert self.count == before, "I8"

    @precondition(lambda self: self.running and self.core.clocks)
    @rule()
    def time_passes(self) -> None:
        """The next clock strikes when its moment has come, not before, and once (I12)."""
        node, due, _state = min(self.drawn.clocks(self.id), key=lambda one: one[1])
        self.drawn.work_at(due - timedelta(seconds=1))
        assert self.count == len(self.core.commands)
        due_now = [node for node, at, _state in self.drawn.clocks(self.id) if at <= due]
        self.now = max(self.now, due)
        self.drawn.work_at(due)
        for node in due_now:
            if node in self.core.clocks:
                self.core.strike(node)

    @precondition(lambda self: self.running and self.core.heard)
    @rule()
    def a_message_comes_twice(self) -> None:
        self.told += 1
        arrived = Arrival("shop", f"{self.code}-{self.told}", "paid", self.code)
        for is_new in (True, False):  # I9: the second time it is known
            with clock.at(self.now), transaction(SYSTEM) as inside:
                assert messages.deliver(inside, arrived, by=SYSTEM)[1] is is_new
        self.core.receive("hear2")

    @precondition(lambda self: self.running and self.core.open)
    @rule(data=st.data())
    def work_is_sent_back(self, data) -> None:
        step = data.draw(st.sampled_from(sorted(set(self.core.open))))
        token = next(one for one in self.core.state.tokens if one.id == self.core.token_waiting(step))
        ways = ways_back(self.core.definition, self.core.state.tokens, token)
        if ways:
            to, lan = data.draw(st.sampled_from(sorted(ways))), self.drawn.cast.lan
            task = self.drawn.task(self.id, step).id
            with clock.at(self.now), transaction(lan) as inside:
                return_task(inside, task, to=to, note="Thiếu ảnh", by=lan)
            self.core.do(Return(token.id, to, "Thiếu ảnh"))

    @precondition(lambda self: self.running)
    @rule()
    def it_is_paused_and_goes_on(self) -> None:
        lan = self.drawn.cast.lan
        with clock.at(self.now), transaction(lan) as inside:
            services.suspend_instance(inside, self.id, by=lan, reason="chờ")
            services.resume_instance(inside, self.id, by=lan)
        self.core.do(Suspend("chờ")).do(Resume())

    @precondition(lambda self: self.running and self.published < 2)
    @rule()
    def a_new_version_is_published_meanwhile(self) -> None:
        """I14: nothing moves a run to another version. It goes on as it was drawn, its open tasks are the same."""
        self.published += 1
        before = self.tasks
        with clock.at(self.now):
            self.drawn.publish(*ARROWS, "edge1 > end3", by=self.drawn.cast.hoa, **MORE)
        assert (self.tasks, self.drawn.instance(self.id).version_id) == (before, self.version), "I14"

    @precondition(lambda self: self.running and self.told % 3 == 2)
    @rule()
    def it_is_called_off(self) -> None:
        lan = self.drawn.cast.lan
        with transaction(lan) as inside:
            services.cancel_instance(inside, self.id, by=lan, reason="thôi")
        self.core.do(Cancel("thôi"))

    @precondition(lambda self: self.id and self.core.state.status in FINAL)
    @rule()
    def nothing_happens_to_what_is_over(self) -> None:
        lan, before = self.drawn.cast.lan, self.count
        for verb in (services.cancel_instance, services.suspend_instance):
            with pytest.raises(ConflictError), transaction(lan) as inside:
                verb(inside, self.id, by=lan, reason="x")
        assert self.count == before, "I7"

    @invariant()
    def rows_and_engine_agree(self) -> None:
        if not self.id:
            return
        assert shown(self.drawn.state(self.id)) == shown(self.core.state)
        tried(f"times that rows and engine agreed, and the log rebuilt them, on {db.engine.dialect.name}")
        self.drawn.check(self.id)  # I1, I2: the log rebuilds it, open tasks are the tokens that wait
        instance = self.drawn.instance(self.id)
        assert (instance.seq, self.count) == (self.core.state.seq, self.core.state.seq), "I13"
        assert (instance.version_id, self.drawn.session.get_one(ProcessVersion, self.version).bpmn) == (
            self.version, self.xml,
        ), "I17"  # fmt: skip

    def teardown(self) -> None:
        """What goes on would be struck by the clocks of the next one."""
        if self.running:
            lan = self.drawn.cast.lan
            with transaction(lan) as inside:
                services.cancel_instance(inside, self.id, by=lan, reason="thôi")

    @property
    def running(self) -> bool:
        return bool(self.id) and self.core.state.status is InstanceStatus.running

    @property
    def tasks(self) -> list[int]:
        return [self.drawn.task(self.id, step).id for step in sorted(set(self.core.open))]

    @property
    def count(self) -> int:
        self.drawn.session.rollback()
        events = select(func.count(ProcessEvent.id)).where(ProcessEvent.instance_id == self.id)
        return self.drawn.session.scalar(events) or 0
