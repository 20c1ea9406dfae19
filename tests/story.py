"""How does a test get a late delivery to the step that it is about? Through the services, as people would."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access import SYSTEM
from app.core.db import transaction
from app.customers.models import Customer
from app.customers.services import create_customer
from app.forms.queries import context_for
from app.forms.rules import Answers
from app.forms.services import parse_answers
from app.processes import library, queries, services
from app.processes.models import Process, ProcessInstance
from app.tasks.models import Task
from app.tasks.services import complete_task
from tests.cast import Cast

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 09:00 in Vietnam, a working day
ANSWERS: dict[str, dict[str, Any]] = {
    "receive": {"happened": "Đơn trễ một ngày", "compensation": 0, "apology": "Em xin lỗi chị"},
    "find-order": {"finding": "Xe hỏng ở Gia Lâm"},
    "update": {"message": "Hẹn giao sáng mai"},
    "call-back": {"satisfied": True},
}
STEPS = (("receive", "lan"), ("find-order", "binh"), ("update", "lan"), ("approve", "minh"))


class Story:
    """The process "Giao hàng chậm" and a customer whose delivery is late."""

    def __init__(self, session: Session, cast: Cast, customer_id: int | None = None) -> None:
        """Of a `customer_id` both are there already."""
        self.session, self.cast = session, cast
        if customer_id is None:
            with transaction(SYSTEM) as inside:
                library.install(inside, "giao-hang-cham", by=SYSTEM)
            with transaction(cast.lan) as inside:
                customer_id = create_customer(inside, by=cast.lan, name="Đặng Thị Mỹ Duyên", phone="0912 345 678").id
        self.customer_id = customer_id

    def process(self) -> Process:
        found = queries.process_by_code(self.session, "giao-hang-cham")
        assert found is not None
        return found

    def start(self, who: str = "lan") -> int:
        """Begin an instance; its id."""
        actor = self.cast.actor(who)
        with transaction(actor) as inside:
            customer = inside.get(Customer, self.customer_id)
            return services.start_instance(inside, self.process(), by=actor, customer=customer).id

    def instance(self, instance_id: int) -> ProcessInstance:
        return self.session.get_one(ProcessInstance, instance_id)

    def task(self, instance_id: int, step: str) -> Task:
        return self.session.scalars(select(Task).where(Task.owner_id == instance_id, Task.step == step)).one()

    def answers(self, task: Task, who: str, **more: Any) -> Answers | None:
        """What is answered at that step; the first option where the story does not care."""
        if task.form_version is None:
            return None
        fields = task.form_version.definition["fields"]
        options = {field["key"]: field["options"][0]["value"] for field in fields if field["type"] == "choice"}
        context = context_for(self.session, self.cast.actor(who))
        return parse_answers(task.form_version, {**ANSWERS[task.step], **options, **more}, context=context)

    def do(self, who: str, task: Task, outcome: str | None = None, **more: Any) -> None:
        """Finish the task as that person."""
        actor, task_id, answers = self.cast.actor(who), task.id, self.answers(task, who, **more)
        with transaction(actor) as inside:
            complete_task(inside, task_id, by=actor, answers=answers, outcome=outcome)

    def run_to(self, instance_id: int, step: str, compensation: int = 0) -> Task:
        """Finish what comes before the step; the step's task."""
        for before, who in STEPS:
            if before == step:
                break
            if before == "approve" and compensation <= 500_000:
                continue
            more = {"compensation": compensation} if before == "receive" else {}
            self.do(who, self.task(instance_id, before), "approve" if before == "approve" else None, **more)
        return self.task(instance_id, step)
