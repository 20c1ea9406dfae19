"""How does a test publish a process of its own and run it through the services, as people and workers would?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.leases import LeaseState
from app.customers.models import Customer
from app.processes import drawing, jobs, queries, services, store
from app.processes.engine import lint
from app.processes.engine.problems import Severity
from app.processes.engine.state import State, TokenState
from app.processes.models import ProcessInstance, ProcessTimer
from app.tasks.models import Task
from app.tasks.queries import is_open
from app.tasks.services import complete_task
from tests.cast import Cast
from tests.processes.engine.drawing import bpmn
from tests.processes.engine.replay import replayed, shown


@contextmanager
def before_defaults_were_asked_for() -> Iterator[None]:
    """What is published meanwhile may have choices without a default, as versions of that time have."""
    asked, lint.MISSING_DEFAULT = lint.MISSING_DEFAULT, Severity.warning
    try:
        yield
    finally:
        lint.MISSING_DEFAULT = asked


class Drawn:
    """A process that was drawn for this test, begun by Lan."""

    code = "thu-nghiem"

    def __init__(self, session: Session, cast: Cast, *arrows: str, **more: Any) -> None:
        self.session, self.cast = session, cast
        with transaction(SYSTEM) as inside:
            process = drawing.create_process(inside, code=self.code, name="Thử nghiệm", by=SYSTEM)
        self.publish(*arrows, by=cast.hoa, **more)
        self.process_id = process.id

    def publish(self, *arrows: str, by: Any, undecided: bool = False, **more: Any) -> None:
        """`undecided`: as when choices without a default could be published; such versions still run."""
        asked = before_defaults_were_asked_for() if undecided else nullcontext()
        with asked, transaction(by) as inside:
            process = queries.process_by_code(inside, self.code)
            assert process is not None
            drawing.save_draft(inside, process, bpmn(*arrows, **more), by=by)
            drawing.publish_process(inside, process, by=by)

    def start(self, customer_id: int | None = None, **data: Any) -> int:
        lan = self.cast.lan
        with transaction(lan) as inside:
            process = queries.process_by_code(inside, self.code)
            assert process is not None
            customer = inside.get(Customer, customer_id) if customer_id else None
            return services.start_instance(inside, process, by=lan, data=data, customer=customer).id

    def instance(self, instance_id: int) -> ProcessInstance:
        self.session.rollback()
        return self.session.get_one(ProcessInstance, instance_id, populate_existing=True)

    def open(self, instance_id: int) -> list[str]:
        rows = select(Task.step).where(Task.owner_type == "instance", Task.owner_id == instance_id, is_open())
        self.session.rollback()
        return list(self.session.scalars(rows.order_by(Task.id)))

    def task(self, instance_id: int, step: str) -> Task:
        """The newest of that step."""
        self.session.rollback()
        rows = select(Task).where(Task.owner_type == "instance", Task.owner_id == instance_id, Task.step == step)
        return self.session.scalars(rows.order_by(Task.id.desc()).limit(1)).one()

    def finish(self, instance_id: int, step: str, outcome: str | None = None, who: str = "lan") -> None:
        actor, task_id = self.cast.actor(who), self.task(instance_id, step).id
        with transaction(actor) as inside:
            complete_task(inside, task_id, by=actor, outcome=outcome)

    def clocks(self, instance_id: int) -> list[tuple[str, datetime, LeaseState]]:
        self.session.rollback()
        rows = select(ProcessTimer.node, ProcessTimer.due_at, ProcessTimer.status)
        return list(self.session.execute(rows.where(ProcessTimer.instance_id == instance_id).order_by(ProcessTimer.id)))

    def work_at(self, moment: datetime) -> int:
        """The worker comes by."""
        self.session.rollback()
        with clock.at(moment):
            return jobs.strike_due()

    def state(self, instance_id: int) -> State:
        self.session.rollback()
        with transaction() as inside:
            return store.load(inside, store.lock(inside, instance_id))

    def check(self, instance_id: int) -> None:
        """What holds whatever happened: open tasks are the tokens on steps, and the log rebuilds the state."""
        state = self.state(instance_id)
        rows = select(Task.token).where(Task.owner_type == "instance", Task.owner_id == instance_id, is_open())
        waiting = {token.id for token in state.tokens if token.state is TokenState.waiting}
        assert set(self.session.scalars(rows)) == waiting
        log = [(event.kind, event.node, event.body) for event in self.session.scalars(queries.events(instance_id))]
        assert replayed(log) == shown(state)
