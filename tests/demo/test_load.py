"""The demo company: what it holds, what it must not hold, and that it is loaded once."""

from __future__ import annotations

import stat
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import current_app
from sqlalchemy import func, select
from werkzeug.security import check_password_hash

from app import create_app
from app.cli import prepare
from app.comments.models import Comment
from app.core import audit, clock
from app.core.access import visible
from app.core.db import Model, db
from app.core.remembered import forget_all
from app.core.vietnamese import phone_e164
from app.customers.models import ContactPoint, Customer, TimelineEntry
from app.deadlines.queries import company_calendar
from app.demo import load
from app.demo.load import load_demo
from app.demo.names import KNOWN, is_reserved
from app.demo.people import COLLEAGUES, PEOPLE
from app.forms.models import Submission
from app.notifications.models import Alert, Notification, Outbox
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessInstance
from app.security.queries import member_by_username
from app.tasks import queries as tasks
from app.tasks.jobs import scan_overdue
from app.tasks.models import Task, TaskState
from config import TestConfig
from tests.demo.conftest import LOADED_AT

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
#: a customer whom a colleague wrote down once more, and one with the number of another
TYPED_TWICE = 2
HALF_AN_HOUR = timedelta(minutes=30)


def open_tasks(session):
    return list(session.scalars(select(Task).where(tasks.is_open())))


def rows(session):
    """Table → how many rows it has."""
    return {
        table.name: session.scalar(select(func.count()).select_from(table)) for table in Model.metadata.sorted_tables
    }


# ── what is there ──
def test_some_hundred_customers_belong_to_those_who_care_for_them(phosen, staff):
    owners = Counter(phosen.scalars(select(Customer.owner_id)))
    assert sum(owners.values()) == load.CUSTOMERS + TYPED_TWICE
    colleagues = [staff.member(username).id for username in ("lan", "dat", "thuy", "nhi", "nhu")]
    assert min(owners[colleague] for colleague in colleagues) >= 20
    of_operations = phosen.scalars(select(Customer).where(Customer.team_id == staff.team("van-hanh").id)).all()
    assert 5 <= len(of_operations) <= 30
    archived = phosen.scalar(select(func.count()).where(Customer.archived_at.is_not(None)))
    assert 3 <= archived <= 20
    assert {known.name for known in KNOWN} <= set(phosen.scalars(select(Customer.name)))


def test_customers_came_one_by_one_through_the_months(phosen):
    customers = phosen.scalars(select(Customer).order_by(Customer.id)).all()
    moments = [customer.created_at for customer in customers]
    assert moments == sorted(moments)
    assert moments[0] < LOADED_AT - timedelta(days=150)
    assert sum(moment > LOADED_AT - timedelta(days=7) for moment in moments) >= 10
    assert all(customer.created_by_id is not None for customer in customers)


def test_every_number_is_valid_unique_and_not_reserved(phosen):
    numbers = phosen.scalars(select(ContactPoint.value).where(ContactPoint.kind == "phone")).all()
    assert len(set(numbers)) == len(numbers) - 1 >= load.CUSTOMERS, "husband and wife share theirs"
    for number in numbers:
        assert phone_e164(number) == number
        assert not is_reserved("0" + number.removeprefix("+84"))


def test_work_stands_in_every_state(phosen):
    states = Counter(map(tuple, phosen.execute(select(Task.step, Task.state))))
    open_ones = {("receive", TaskState.ready), ("receive", TaskState.claimed), ("find-order", TaskState.ready),
                 ("find-order", TaskState.claimed), ("update", TaskState.claimed), ("update", TaskState.in_progress),
                 ("approve", TaskState.claimed), ("call-back", TaskState.claimed),
                 ("call-back", TaskState.in_progress)}  # fmt: skip
    assert open_ones <= set(states)
    assert TaskState.cancelled in {state for _step, state in states}
    assert {"approve", "reject"} <= set(phosen.scalars(select(Task.outcome)))
    of_status = Counter(phosen.scalars(select(ProcessInstance.status)))
    assert set(of_status) == {InstanceStatus.running, InstanceStatus.completed, InstanceStatus.cancelled}
    assert 40 <= sum(of_status.values()) <= 60
    assert phosen.scalar(select(func.count()).select_from(Comment)) >= 15


def test_what_was_answered_stands_in_the_submissions_and_in_the_instance(phosen):
    done = phosen.scalars(select(Task).where(Task.step == "receive", Task.state == TaskState.completed)).all()
    assert done
    for task in done:
        answers = phosen.get_one(Submission, task.submission_id).answers
        assert answers.items() <= phosen.get_one(ProcessInstance, task.owner_id).data.items()
        assert "{" not in answers["happened"] + answers["apology"]


def test_the_past_is_told_on_timelines_and_in_the_audit_log_in_working_hours(phosen):
    kinds = set(phosen.scalars(select(TimelineEntry.kind)))
    assert kinds >= {"created", "changed", "contact_added", "archived", "restored", "instance_started"}
    assert kinds >= {"task_completed", "instance_completed", "instance_cancelled"}
    calendar = company_calendar(phosen)
    moments = phosen.scalars(select(TimelineEntry.at)).all()
    assert len(moments) > 500
    for moment in moments:
        # An interval's end is a moment at which one still hangs up.
        assert calendar.is_working(moment) or calendar.is_working(moment - timedelta(seconds=1)), moment
    ordered = phosen.scalars(select(audit.AuditEvent.at).where(audit.AuditEvent.at < LOADED_AT).order_by("id")).all()
    assert list(ordered) == sorted(ordered)


def test_each_change_is_stamped_with_who_made_it(phosen, staff):
    for done in phosen.scalars(select(Task).where(Task.state == TaskState.completed)):
        assert done.updated_by_id == done.completed_by_id
    created = phosen.scalars(
        select(audit.AuditEvent).where(audit.AuditEvent.table_name == "customer", audit.AuditEvent.action == "create")
    ).all()
    assert len(created) == load.CUSTOMERS + TYPED_TWICE
    for event in created:
        customer = phosen.get_one(Customer, event.record_id)
        assert (event.actor_id, event.at) == (customer.created_by_id, customer.created_at)


# ── who sees what ──
@pytest.mark.parametrize("username", ["tuan", "binh"])
def test_operations_see_their_own_customers_and_of_others_only_what_was_handed_over(phosen, staff, username):
    actor, team = staff.actor(username), staff.team("van-hanh").id
    seen = phosen.scalars(select(Customer).where(visible(Customer, actor))).all()
    assert seen
    assert {customer.team_id for customer in seen} == {team}
    work = phosen.scalars(select(Task).where(visible(Task, actor), tasks.is_open())).all()
    assert work
    for task in work:
        assert task.offered_team_id == team or task.team_id == team


def test_the_manager_sees_open_work_of_all_his_people(phosen, staff):
    people = {task.assignee.user.username for task in phosen.scalars(tasks.of_my_teams(staff.minh)) if task.assignee}
    assert people >= {"lan", "dat", "thuy", "nhi", "nhu", "minh"}


# ── lateness ──
def test_late_work_is_lans_and_her_teams_and_operations_and_nobodys(phosen):
    late = [task for task in open_tasks(phosen) if task.due_at < LOADED_AT]
    assert {task.assignee.user.username for task in late if task.assignee} >= {"lan", "thuy", "nhi", "minh", "binh"}
    assert {task.step for task in late if task.assignee is None} == {"receive", "find-order"}


def test_late_work_has_its_alert_of_that_moment_and_no_mail(phosen):
    late = [task for task in open_tasks(phosen) if task.due_at < LOADED_AT]
    assert len(late) >= 8
    for task in late:
        alert = phosen.scalars(select(Alert).where(Alert.subject_id == task.id)).one()
        assert alert.due_moment == task.due_at
        assert task.due_at < alert.raised_at < task.due_at + timedelta(seconds=30)
        line = phosen.scalars(select(Notification).where(Notification.alert_id == alert.id)).one()
        assert (line.user_id, line.created_at) == (alert.recipient_id, alert.raised_at)
        assert task.next_alert_at is None
    assert phosen.scalar(select(func.count()).select_from(Outbox)) == 0


def test_the_clock_finds_nothing_to_tell_of_and_nothing_to_send(phosen):
    for moment in (LOADED_AT, LOADED_AT + HALF_AN_HOUR):
        with clock.at(moment):
            assert scan_overdue() == 0
    assert phosen.scalar(select(func.count()).select_from(Outbox)) == 0


def test_bells_hold_read_and_unread_lines(phosen):
    lines = phosen.scalars(select(Notification)).all()
    assert any(line.read_at for line in lines)
    assert any(line.read_at is None for line in lines)


@pytest.mark.parametrize(
    ("moment", "fresh"),
    [
        pytest.param((2026, 11, 20, 17, 29), 0, id="Friday", marks=pytest.mark.slow),
        pytest.param((2027, 2, 7, 12, 30), 1, id="Tết"),
    ],
)
def test_nothing_falls_due_or_becomes_due_soon_within_half_an_hour_of_loading(empty_app, moment, fresh):
    now = datetime(*moment, tzinfo=VIETNAM).astimezone(UTC)
    with clock.at(now):
        load_demo(empty_app, customers=20, finished=0)
    session = db.session()
    assert_calm(open_tasks(session), now)
    assert_late_and_ahead(open_tasks(session), now)
    with clock.at(now + HALF_AN_HOUR):
        assert scan_overdue() == 0
    # While nobody works, one who called in the last minute may still be waiting for the first answer.
    assert sum(task.step == "receive" and task.next_alert_at is not None for task in open_tasks(session)) == fresh


def test_during_work_nothing_falls_due_or_becomes_due_soon_either(phosen):
    assert_calm(open_tasks(phosen), LOADED_AT)
    assert_late_and_ahead(open_tasks(phosen), LOADED_AT)
    assert not any(task.step == "receive" and task.next_alert_at for task in open_tasks(phosen))


def assert_calm(found, now):
    for task in found:
        for moment in (task.due_at, task.warn_at):
            assert not now - timedelta(minutes=1) <= moment <= now + HALF_AN_HOUR, (task.name, moment)


def assert_late_and_ahead(found, now):
    assert sum(task.due_at < now for task in found) >= 8
    assert sum(task.due_at > now for task in found) >= 8
    assert any(task.warn_at < now < task.due_at for task in found)


def test_the_same_moment_makes_the_same_company(empty_app, initialised):
    from tests.demo.conftest import _put

    companies = []
    for _time in range(2):
        _put(empty_app, initialised)
        with clock.at(LOADED_AT):
            load_demo(empty_app, customers=25, running=6, finished=6)
        session = db.session()
        customers = session.execute(select(Customer.code, Customer.name, Customer.created_at)).all()
        work = session.execute(select(Task.name, Task.state, Task.due_at, Task.customer_id)).all()
        companies.append((customers, work, rows(session)))
    assert companies[0] == companies[1]


# ── loading ──
def test_loading_again_changes_nothing_and_names_the_accounts_again(phosen, shared_app, capsys):
    before = rows(phosen)
    load_demo(shared_app)
    assert rows(phosen) == before
    told = capsys.readouterr().out
    assert all(person.username in told for person in PEOPLE)


def test_a_company_that_is_there_already_is_left_alone(app, session, capsys):
    before = rows(session)
    load_demo(app)
    assert rows(session) == before


def test_a_load_that_fails_leaves_nothing_and_can_be_repeated(empty_app, monkeypatch):
    before = rows(db.session())

    def fail(*_arguments, **_more):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr("app.demo.acts.complete_task", fail)
        with pytest.raises(RuntimeError):
            load_demo(empty_app, customers=20, running=2, finished=0)
    assert rows(db.session()) == before
    load_demo(empty_app, customers=20, running=2, finished=0)
    assert db.session().scalar(select(func.count()).select_from(Customer)) == 20 + TYPED_TWICE


def test_without_a_password_of_the_operators_one_is_made_and_kept_for_him_alone(
    empty_app, monkeypatch, tmp_path, capsys
):
    file = tmp_path / "demo-password"
    monkeypatch.setitem(empty_app.config, "DEMO_PASSWORD", None)
    monkeypatch.setitem(empty_app.config, "DEMO_PASSWORD_FILE", file)
    load_demo(empty_app, customers=20, running=1, finished=0)
    password = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(password) >= 16
    told = capsys.readouterr().out
    assert str(file) in told
    assert password not in told
    assert empty_app.config["BASE_URL"] in told
    for person in (*PEOPLE, *COLLEAGUES):
        assert check_password_hash(member_by_username(db.session(), person.username).user.password, password)
    assert [line.split()[0] for line in told.splitlines() if line.startswith("  ")][1:] == [
        "lan", "minh", "hoa", "tuan", "binh",
    ]  # fmt: skip


def test_the_operators_own_password_is_taken_and_written_nowhere(empty_app, monkeypatch, tmp_path, capsys):
    file = tmp_path / "demo-password"
    file.write_text("of a company that is gone")
    monkeypatch.setitem(empty_app.config, "DEMO_PASSWORD_FILE", file)
    monkeypatch.setitem(empty_app.config, "DEMO_PASSWORD", "Hoa-sen-2026")
    load_demo(empty_app, customers=20, running=1, finished=0)
    told = capsys.readouterr().out
    assert not file.exists()
    assert "TANTAM_DEMO_PASSWORD" in told
    assert "Hoa-sen-2026" not in told
    assert check_password_hash(member_by_username(db.session(), "lan").user.password, "Hoa-sen-2026")


@pytest.mark.postgres
def test_it_loads_into_postgresql_too(postgres, tmp_path):
    with postgres().database() as url, create_app(TestConfig(tmp_path, database_url=url)).app_context():
        forget_all()
        with clock.at(LOADED_AT):
            Model.metadata.create_all(db.engine)
            prepare()
            load_demo(current_app, customers=20, running=3, finished=5)
            session = db.session()
            assert_calm(open_tasks(session), LOADED_AT)
            assert session.scalar(select(func.count()).select_from(Outbox)) == 0
            before = rows(session)
            load_demo(current_app)
            assert rows(session) == before
        db.session.remove()
        db.engine.dispose()
