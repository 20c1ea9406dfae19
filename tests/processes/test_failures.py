"""Whatever write fails, the database is as it was: a process step happens as a whole or not at all."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.db import transaction
from app.customers.models import Customer
from app.processes.engine.state import InstanceStatus
from app.processes.services import cancel_instance, start_instance
from app.tasks.models import Task, TaskState
from app.tasks.services import claim_task, complete_task
from tests.failing import all_or_nothing

pytestmark = pytest.mark.both_databases


def test_starting_an_instance(session, cast, story):
    lan = cast.lan

    def start() -> None:
        with transaction(lan) as inside:
            start_instance(inside, story.process(), by=lan, customer=inside.get(Customer, story.customer_id))

    writes, changed = all_or_nothing(session, start)
    assert writes > 10
    assert {"process_instance", "process_token", "process_event", "task", "task_event", "access_grant", "counter",
            "timeline_entry", "audit_event"} <= changed  # fmt: skip
    assert [task.step for task in session.scalars(select(Task))] == ["receive"]


def test_completing_a_task(session, cast, story):
    instance_id, lan = story.start(), cast.lan
    task = story.task(instance_id, "receive")
    task_id, answers = task.id, story.answers(task, "lan", compensation=600_000)

    def complete() -> None:
        with transaction(lan) as inside:
            complete_task(inside, task_id, by=lan, answers=answers)

    writes, changed = all_or_nothing(session, complete)
    assert writes > 15
    assert {"task", "task_event", "submission", "process_token", "process_event", "access_grant", "timeline_entry",
            "audit_event"} <= changed  # fmt: skip
    assert story.task(instance_id, "receive").state is TaskState.completed
    assert story.task(instance_id, "find-order").state is TaskState.ready


@pytest.mark.both_databases(slow=True)
def test_approving(session, cast, story):
    instance_id, minh = story.start(), cast.minh
    task_id = story.run_to(instance_id, "approve", compensation=600_000).id

    def approve() -> None:
        with transaction(minh) as inside:
            complete_task(inside, task_id, by=minh, outcome="approve", note="Đúng quy định")

    writes, changed = all_or_nothing(session, approve)
    assert writes > 10
    assert {"task", "process_instance", "notification", "audit_event"} <= changed  # the bell of who calls back
    assert story.instance(instance_id).data["approve.outcome"] == "approve"
    assert story.task(instance_id, "call-back").assignee_id == cast.lan.user_id


@pytest.mark.both_databases(slow=True)
def test_claiming_a_task(session, cast, story):
    task_id, binh = story.run_to(story.start(), "find-order").id, cast.binh

    def claim() -> None:
        with transaction(binh) as inside:
            claim_task(inside, task_id, by=binh)

    writes, changed = all_or_nothing(session, claim)
    assert writes > 3
    assert {"task", "task_event", "access_grant", "audit_event"} <= changed


@pytest.mark.both_databases(slow=True)
def test_calling_off(session, cast, story):
    instance_id, lan = story.start(), cast.lan
    story.run_to(instance_id, "find-order")

    def cancel() -> None:
        with transaction(lan) as inside:
            cancel_instance(inside, instance_id, by=lan, reason="Khách đổi ý")

    writes, changed = all_or_nothing(session, cancel)
    assert writes > 5
    assert {"task", "process_instance", "process_token", "process_event", "access_grant"} <= changed
    assert story.instance(instance_id).status is InstanceStatus.cancelled
