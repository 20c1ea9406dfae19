"""The main job: a late delivery, from the first call to the call back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM, get_visible, visible
from app.core.db import transaction
from app.core.errors import NotFoundError
from app.customers.models import Customer
from app.customers.queries import customer_card
from app.customers.services import create_customer
from app.forms.queries import context_for
from app.forms.services import parse_answers
from app.notifications.models import Alert, Notification, Outbox
from app.processes import library, queries, services
from app.processes.engine.core import InstanceStatus
from app.tasks import queries as task_queries
from app.tasks.jobs import scan_overdue
from app.tasks.models import Task, TaskState
from app.tasks.services import (
    TaskNotOpenError,
    TaskTakenError,
    claim_task,
    complete_task,
    reassign_task,
    release_task,
)

pytestmark = pytest.mark.both_databases

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 09:00 in Vietnam, a working day

ANSWERS = {
    "receive": {"happened": "Đơn trễ một ngày", "compensation": 0, "apology": "Em xin lỗi chị"},
    "find-order": {"finding": "Xe hỏng ở Gia Lâm"},
    "update": {"message": "Hẹn giao sáng mai"},
    "call-back": {"satisfied": True},
}


@pytest.fixture
def at_work(session):
    with clock.at(MONDAY):
        yield


@pytest.fixture
def process(session, cast, at_work):
    with transaction(SYSTEM) as inside:
        library.install(inside, "giao-hang-cham", by=SYSTEM)
    return queries.process_by_code(session, "giao-hang-cham")


@pytest.fixture
def customer(session, cast, at_work):
    with transaction(cast.lan) as inside:
        return create_customer(inside, by=cast.lan, name="Đặng Thị Mỹ Duyên", phone="0912 345 678")


def start(session, cast, customer, who="lan"):
    with transaction(cast.actor(who)) as inside:
        process = queries.process_by_code(inside, "giao-hang-cham")
        return services.start_instance(inside, process, by=cast.actor(who), customer=inside.get(Customer, customer.id)).id


def the_task(session, instance_id, step):
    return session.scalars(select(Task).where(Task.owner_id == instance_id, Task.step == step)).one()


def do(session, cast, who, task, outcome=None, **more):
    actor = cast.actor(who)
    task_id, answers = task.id, None
    if task.form_version is not None:
        raw = {**ANSWERS[task.step], **first_options(task), **more}
        answers = parse_answers(task.form_version, raw, context=context_for(session, actor))
    with transaction(actor) as inside:
        complete_task(inside, task_id, by=actor, answers=answers, outcome=outcome)


def first_options(task):
    """Any choice will do where the story does not care."""
    fields = task.form_version.definition["fields"]
    return {f["key"]: f["options"][0]["value"] for f in fields if f["type"] == "choice"}


def run_to(session, cast, instance_id, step, compensation=0):
    for before, who in (("receive", "lan"), ("find-order", "binh"), ("update", "lan"), ("approve", "minh")):
        if before == step:
            return the_task(session, instance_id, step)
        if before == "approve" and compensation <= 500_000:
            continue
        task = the_task(session, instance_id, before)
        more = {"compensation": compensation} if before == "receive" else {}
        do(session, cast, who, task, outcome="approve" if before == "approve" else None, **more)
    return the_task(session, instance_id, step)


def test_a_small_compensation_needs_no_approval(session, cast, process, customer):
    instance_id = start(session, cast, customer)
    call_back = run_to(session, cast, instance_id, "call-back", compensation=500_000)
    assert call_back.assignee_id == cast.lan.user_id
    do(session, cast, "lan", call_back)
    instance = session.get(services.ProcessInstance, instance_id)
    assert instance.status is InstanceStatus.completed
    assert session.scalars(select(Task.step).where(Task.owner_id == instance_id).order_by(Task.id)).all() == [
        "receive", "find-order", "update", "call-back",
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", ["approve", "reject"])
def test_the_head_decides_on_a_large_compensation_and_the_process_goes_on(session, cast, process, customer, outcome):
    instance_id = start(session, cast, customer)
    approve = run_to(session, cast, instance_id, "approve", compensation=500_001)
    assert approve.assignee_id == cast.minh.user_id
    do(session, cast, "minh", approve, outcome=outcome)
    instance = session.get(services.ProcessInstance, instance_id)
    assert instance.data["approve.outcome"] == outcome
    assert the_task(session, instance_id, "call-back").state is TaskState.claimed


def test_work_handed_over_shows_the_customers_header_while_it_is_offered(session, cast, process, customer):
    for stranger in (cast.tuan, cast.binh):
        with pytest.raises(NotFoundError):
            customer_card(session, customer.id, stranger)
    instance_id = start(session, cast, customer)
    task = run_to(session, cast, instance_id, "find-order")
    for colleague in (cast.tuan, cast.binh):
        card = customer_card(session, customer.id, colleague)
        assert (card.name, card.full) == ("Đặng Thị Mỹ Duyên", False)
        assert session.scalar(select(Customer.id).where(visible(Customer, colleague))) is None
        assert get_visible(session, services.ProcessInstance, instance_id, colleague).id == instance_id
    with transaction(cast.binh) as inside:
        claim_task(inside, task.id, by=cast.binh)
    assert customer_card(session, customer.id, cast.binh).name == "Đặng Thị Mỹ Duyên"
    with pytest.raises(NotFoundError):
        customer_card(session, customer.id, cast.tuan)
    do(session, cast, "binh", the_task(session, instance_id, "find-order"))
    assert customer_card(session, customer.id, cast.binh)
    with transaction(cast.lan) as inside:
        services.cancel_instance(inside, instance_id, by=cast.lan, reason="Khách đổi ý")
    with pytest.raises(NotFoundError):
        customer_card(session, customer.id, cast.binh)


def test_the_second_to_claim_learns_who_was_first(session, cast, process, customer):
    task = run_to(session, cast, start(session, cast, customer), "find-order")
    with transaction(cast.binh) as inside:
        claim_task(inside, task.id, by=cast.binh)
    with pytest.raises(TaskTakenError) as refused, transaction(cast.tuan) as inside:
        claim_task(inside, task.id, by=cast.tuan)
    assert refused.value.details["by"] == "Đỗ Thanh Bình"


def test_the_second_to_finish_learns_who_was_first(session, cast, process, customer):
    task = run_to(session, cast, start(session, cast, customer), "find-order")
    do(session, cast, "binh", task)
    with pytest.raises(TaskNotOpenError) as refused:
        do(session, cast, "tuan", task)
    assert refused.value.details["by"] == "Đỗ Thanh Bình"


def test_a_head_reassigns_work_of_the_team(session, cast, process, customer):
    task = the_task(session, start(session, cast, customer), "receive")
    with transaction(cast.lan) as inside:
        claim_task(inside, task.id, by=cast.lan)
    with transaction(cast.minh) as inside:
        reassign_task(inside, task.id, inside.get(type(cast.member("minh")), cast.minh.user_id), by=cast.minh)
    assert the_task(session, task.owner_id, "receive").assignee_id == cast.minh.user_id
    with pytest.raises(TaskTakenError), transaction(cast.lan) as inside:
        release_task(inside, task.id, by=cast.lan)


def test_deadlines_count_working_time(session, cast, process, customer):
    instance_id = start(session, cast, customer)
    assert the_task(session, instance_id, "receive").due_at == MONDAY + timedelta(minutes=5)


def test_an_overdue_task_is_told_of_once(session, cast, process, customer):
    instance_id = start(session, cast, customer)
    task = the_task(session, instance_id, "receive")
    rev = task.rev
    with clock.at(MONDAY + timedelta(minutes=6)):
        assert scan_overdue() == 1
        assert scan_overdue() == 0
    alert = session.scalars(select(Alert)).one()
    assert alert.recipient_id == cast.minh.user_id  # nobody has claimed it: the head of the team
    assert "Tiếp nhận" in session.scalars(select(Outbox)).one().subject
    assert session.scalars(select(Notification).where(Notification.kind == "task_overdue")).one().user_id == cast.minh.user_id
    assert the_task(session, instance_id, "receive").rev == rev
    assert task_queries.overdue(MONDAY) is not None
