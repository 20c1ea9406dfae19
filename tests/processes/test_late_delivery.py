"""The main job: a late delivery, from the first call to the call back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.access import get_visible, visible
from app.core.db import transaction
from app.core.errors import NotFoundError
from app.customers.models import Customer
from app.customers.queries import customer_card
from app.forms.models import Submission, SubmissionState
from app.notifications.models import Alert, Notification, Outbox
from app.processes import services
from app.processes.engine.state import InstanceStatus
from app.tasks import queries as task_queries
from app.tasks.jobs import scan_overdue
from app.tasks.models import Task, TaskState
from app.tasks.services import (
    TaskNotOpenError,
    TaskTakenError,
    claim_task,
    reassign_task,
    release_task,
)
from tests.story import MONDAY

pytestmark = pytest.mark.both_databases


def test_a_small_compensation_needs_no_approval(session, cast, story):
    instance_id = story.start()
    call_back = story.run_to(instance_id, "call-back", compensation=500_000)
    assert call_back.assignee_id == cast.lan.user_id
    story.do("lan", call_back)
    instance = story.instance(instance_id)
    assert instance.status is InstanceStatus.completed
    assert session.scalars(select(Task.step).where(Task.owner_id == instance_id).order_by(Task.id)).all() == [
        "receive", "find-order", "update", "call-back",
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", ["approve", "reject"])
def test_the_head_decides_on_a_large_compensation_and_the_process_goes_on(session, cast, story, outcome):
    instance_id = story.start()
    approve = story.run_to(instance_id, "approve", compensation=500_001)
    assert approve.assignee_id == cast.minh.user_id
    story.do("minh", approve, outcome=outcome)
    instance = story.instance(instance_id)
    assert instance.data["approve.outcome"] == outcome
    assert story.task(instance_id, "call-back").state is TaskState.claimed
    # What was approved is corrected by nobody any more.
    states = set(session.scalars(select(Submission.state)))
    assert states == {SubmissionState.locked if outcome == "approve" else SubmissionState.submitted}


def test_work_handed_over_shows_the_customers_header_while_it_is_offered(session, cast, story):
    for stranger in (cast.tuan, cast.binh):
        with pytest.raises(NotFoundError):
            customer_card(session, story.customer_id, stranger)
    instance_id = story.start()
    task = story.run_to(instance_id, "find-order")
    for colleague in (cast.tuan, cast.binh):
        card = customer_card(session, story.customer_id, colleague)
        assert (card.name, card.full) == ("Đặng Thị Mỹ Duyên", False)
        assert session.scalar(select(Customer.id).where(visible(Customer, colleague))) is None
        assert get_visible(session, services.ProcessInstance, instance_id, colleague).id == instance_id
    with transaction(cast.binh) as inside:
        claim_task(inside, task.id, by=cast.binh)
    assert customer_card(session, story.customer_id, cast.binh).name == "Đặng Thị Mỹ Duyên"
    with pytest.raises(NotFoundError):
        customer_card(session, story.customer_id, cast.tuan)
    story.do("binh", story.task(instance_id, "find-order"))
    assert customer_card(session, story.customer_id, cast.binh)
    with transaction(cast.lan) as inside:
        services.cancel_instance(inside, instance_id, by=cast.lan, reason="Khách đổi ý")
    with pytest.raises(NotFoundError):
        customer_card(session, story.customer_id, cast.binh)


def test_the_second_to_claim_learns_who_was_first(session, cast, story):
    task = story.run_to(story.start(), "find-order")
    with transaction(cast.binh) as inside:
        claim_task(inside, task.id, by=cast.binh)
    with pytest.raises(TaskTakenError) as refused, transaction(cast.tuan) as inside:
        claim_task(inside, task.id, by=cast.tuan)
    assert refused.value.details["by"] == "Đỗ Thanh Bình"


def test_the_second_to_finish_learns_who_was_first(session, cast, story):
    task = story.run_to(story.start(), "find-order")
    story.do("binh", task)
    with pytest.raises(TaskNotOpenError) as refused:
        story.do("tuan", task)
    assert refused.value.details["by"] == "Đỗ Thanh Bình"


def test_a_head_reassigns_work_of_the_team(session, cast, story):
    task = story.task(story.start(), "receive")
    with transaction(cast.lan) as inside:
        claim_task(inside, task.id, by=cast.lan)
    with transaction(cast.minh) as inside:
        reassign_task(inside, task.id, inside.get(type(cast.member("minh")), cast.minh.user_id), by=cast.minh)
    assert story.task(task.owner_id, "receive").assignee_id == cast.minh.user_id
    with pytest.raises(TaskTakenError), transaction(cast.lan) as inside:
        release_task(inside, task.id, by=cast.lan)


def test_deadlines_count_working_time(session, cast, story):
    instance_id = story.start()
    assert story.task(instance_id, "receive").due_at == MONDAY + timedelta(minutes=5)


def test_an_overdue_task_is_told_of_once(session, cast, story):
    instance_id = story.start()
    task = story.task(instance_id, "receive")
    rev = task.rev
    with clock.at(MONDAY + timedelta(minutes=6)):
        assert scan_overdue() == 1
        assert scan_overdue() == 0
    alert = session.scalars(select(Alert)).one()
    assert alert.recipient_id == cast.minh.user_id  # nobody has claimed it: the head of the team
    assert "Tiếp nhận" in session.scalars(select(Outbox)).one().subject
    assert (
        session.scalars(select(Notification).where(Notification.kind == "task_overdue")).one().user_id
        == cast.minh.user_id
    )
    assert story.task(instance_id, "receive").rev == rev
    late = [session.scalars(select(Task.id).where(task_queries.overdue(MONDAY + timedelta(minutes=after)))).all()
            for after in (4, 6)]  # fmt: skip
    assert late == [[], [task.id]]
