"""Several people, several workers, one moment: one wins, the others are told who, and nothing happens twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm.exc import StaleDataError

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.settings import Setting
from app.forms.models import Submission
from app.notifications.models import Alert, Notification, Outbox
from app.processes.models import ProcessEvent, ProcessInstance, ProcessToken
from app.processes.queries import process_by_code
from app.processes.services import start_instance
from app.security.services import create_member
from app.security.teams import add_person
from app.tasks import jobs
from app.tasks.models import Task, TaskState
from app.tasks.rules import Deadline, Offer
from app.tasks.services import TaskNotOpenError, TaskTakenError, claim_task, complete_task, open_task
from tests.proof import tried
from tests.story import MONDAY
from tests.threads import at_once

pytestmark = pytest.mark.both_databases
CROWD = 8
CALLED = 60


@pytest.fixture
def crowd(session, cast) -> list[str]:
    """The user names of eight people in Vận hành, any of whom may take its work."""
    names = ["binh", "tuan", *(f"nguoi{number}" for number in range(CROWD - 2))]
    with transaction(SYSTEM) as inside:
        for name in names[2:]:
            member = create_member(
                inside, username=name, family_name="Người", given_name=name, email=f"{name}@phosen.example",
                password_hash="x", roles=["Staff"], by=SYSTEM,
            )  # fmt: skip
            add_person(inside, cast.team("van-hanh"), member, primary=True, by=SYSTEM)
    return names


def actors_of(cast, names):
    return [cast.actor(name) for name in names]


def test_eight_finish_one_task(app, session, cast, story, crowd):
    instance_id = story.start()
    task = story.run_to(instance_id, "find-order")
    task_id, answers = task.id, story.answers(task, "binh")
    actors = actors_of(cast, crowd)
    session.rollback()

    def finish(actor):
        with transaction(actor) as inside:
            complete_task(inside, task_id, by=actor, answers=answers)
        return actor.name

    results = at_once(app, [lambda a=a: finish(a) for a in actors], moment=MONDAY)
    winners = [result for result in results if isinstance(result, str)]
    losers = [result for result in results if not isinstance(result, str)]
    tried(f"people finished one task at once, on {db.engine.dialect.name}", CROWD)
    assert len(winners) == 1
    assert [type(loser) for loser in losers] == [TaskNotOpenError] * (CROWD - 1)
    assert {loser.details["by"] for loser in losers} == set(winners)
    session.expire_all()
    assert story.task(instance_id, "update").state is TaskState.claimed  # .one(): exactly one next task
    assert session.scalar(select(func.count()).where(Submission.subject_id == task_id)) == 1
    assert session.scalar(select(func.count(ProcessToken.id)).where(ProcessToken.instance_id == instance_id)) == 1
    numbers = session.scalars(
        select(ProcessEvent.seq).where(ProcessEvent.instance_id == instance_id).order_by(ProcessEvent.seq)
    ).all()
    assert numbers == list(range(1, len(numbers) + 1))


def test_eight_claim_one_task(app, session, cast, story, crowd):
    task_id = story.run_to(story.start(), "find-order").id
    actors = actors_of(cast, crowd)
    session.rollback()

    def claim(actor):
        with transaction(actor) as inside:
            claim_task(inside, task_id, by=actor)
        return actor.name

    results = at_once(app, [lambda a=a: claim(a) for a in actors], moment=MONDAY)
    winners = [result for result in results if isinstance(result, str)]
    losers = [result for result in results if not isinstance(result, str)]
    assert len(winners) == 1
    assert [type(loser) for loser in losers] == [TaskTakenError] * (CROWD - 1)
    assert {loser.details["by"] for loser in losers} == set(winners)
    session.expire_all()
    assert session.get_one(Task, task_id).assignee.name == winners[0]


def test_two_starts_at_once_get_two_numbers(app, session, cast, story):
    lan = cast.lan
    session.rollback()

    def start():
        with transaction(lan) as inside:
            return start_instance(inside, process_by_code(inside, "giao-hang-cham"), by=lan).code

    codes = at_once(app, [start] * 4, moment=MONDAY)
    assert sorted(codes) == ["HS-000001", "HS-000002", "HS-000003", "HS-000004"]


def test_one_start_that_is_sent_four_times_begins_one_instance(app, session, cast, story, token):
    """Each gets the same answer, whether it came first or waited for the first."""
    headers = {**token("lan"), "Idempotency-Key": "a-click-and-three-more"}
    body = {"process": "giao-hang-cham", "customer_id": story.customer_id}
    session.rollback()

    def start() -> tuple[int, int]:
        answer = app.test_client().post("/api/v1/instances/", json=body, headers=headers)
        return answer.status_code, answer.json["id"]

    answers = at_once(app, [start] * 4, moment=MONDAY)
    session.expire_all()
    assert set(answers) == {(201, session.scalars(select(ProcessInstance.id)).one())}


def test_four_writers_lose_no_update(app, session):
    """Read, add one, write: what was acknowledged is there. SQLite queues them, PostgreSQL refuses the late one."""
    value_of = select(Setting).where(Setting.key == "logo_file_id")
    with transaction(SYSTEM) as inside:
        inside.add(Setting(key="logo_file_id", value=0))

    def add_up() -> int:
        acknowledged = 0
        for _ in range(25):
            try:
                with transaction(SYSTEM) as inside:
                    row = inside.scalars(value_of).one()
                    row.value = row.value + 1
            except StaleDataError:
                continue
            acknowledged += 1
        return acknowledged

    acknowledged = at_once(app, [add_up] * 4)
    session.expire_all()
    assert session.scalars(value_of).one().value == sum(acknowledged)
    if db.engine.dialect.name == "sqlite":
        assert acknowledged == [25] * 4


def test_two_workers_tell_of_each_overdue_task_once(app, session, cast, story, monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 6)  # so that they meet ten times, not once
    instance_id = story.start()
    due = MONDAY + timedelta(minutes=1)
    with transaction(SYSTEM) as inside:
        for number in range(CALLED):
            open_task(
                inside, owner_type="instance", owner_id=instance_id, step="receive", token=1000 + number,
                name=f"Việc {number}", context="", customer_id=None, offer=Offer(member_id=cast.lan.user_id),
                deadline=Deadline(due), form_version=None, by=SYSTEM,
            )  # fmt: skip
    session.rollback()
    told = at_once(app, [jobs.scan_overdue] * 2, moment=due)
    assert sum(told) == CALLED
    session.expire_all()
    assert session.scalar(select(func.count(Alert.id))) == CALLED
    assert session.scalar(select(func.count(Alert.subject_id.distinct()))) == CALLED
    assert session.scalar(select(func.count(Outbox.id))) == CALLED
    assert session.scalar(select(func.count(Outbox.subject.distinct()))) == CALLED
    assert session.scalar(select(func.count()).where(Notification.kind == "task_overdue")) == CALLED
