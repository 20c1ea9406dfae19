"""Somebody always hears of overdue work, once: who has it, else who heads the team, else the administrators."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import transaction
from app.notifications.models import Alert, Notification, Outbox
from app.processes.services import cancel_instance
from app.security.models import Member, Team, TeamMember
from app.tasks import jobs
from app.tasks.alerts import recipients
from app.tasks.jobs import scan_overdue
from app.tasks.models import Task, TaskEvent, TaskEventKind, TaskState
from app.tasks.rules import ALERT_RETRY, Deadline, Offer
from app.tasks.services import claim_task, comment_task, open_task, release_task, save_draft
from tests.story import MONDAY

LATER = MONDAY + timedelta(hours=4)


@pytest.fixture
def a_task(session, cast, story):
    """a_task(team="van-hanh") → the id of a task due at MONDAY + 1 minute."""
    instance_id, tokens = story.start(), iter(range(900, 1000))

    def make(*, due=MONDAY + timedelta(minutes=1), member=None, team=None, role=None, name="Gọi kho") -> int:
        offer = Offer(
            member_id=cast.actor(member).user_id if member else None,
            team_id=cast.team(team).id if team else None,
            role=role,
        )
        with transaction() as inside:
            return open_task(
                inside, owner_type="instance", owner_id=instance_id, step="s", token=next(tokens), name=name,
                context="Giao hàng chậm, HS-000001", customer_id=story.customer_id, offer=offer,
                deadline=Deadline(due), form_version=None, by=SYSTEM,
            )  # fmt: skip

    with transaction() as inside:  # the story's own task is of no interest here
        inside.get_one(Task, story.task(instance_id, "receive").id).next_alert_at = None
    return make


def leave(session, cast, *names: str) -> None:
    with transaction() as inside:
        for name in names:
            inside.get_one(User, cast.actor(name).user_id).active = False


def told(session, task_id: int) -> set[str]:
    session.rollback()
    return {person.user.username for person in recipients(session, session.get_one(Task, task_id))}


# ── whose attention ──
def test_the_assignee_hears_of_it(session, cast, a_task):
    assert told(session, a_task(member="tuan")) == {"tuan"}


def test_nobody_has_taken_it_then_the_head_hears_of_it(session, cast, a_task):
    assert told(session, a_task(team="van-hanh")) == {"binh"}


def test_an_empty_team_then_the_administrators_hear_of_it(session, cast, a_task):
    task_id = a_task(team="van-hanh")
    with transaction() as inside:
        inside.execute(delete(TeamMember).where(TeamMember.team_id == cast.team("van-hanh").id))
    assert told(session, task_id) == {"hoa"}


def test_everybody_in_the_team_has_left_then_the_administrators_hear_of_it(session, cast, a_task):
    task_id = a_task(team="van-hanh")
    leave(session, cast, "tuan", "binh")
    assert told(session, task_id) == {"hoa"}


def test_the_head_has_left_then_the_administrators_hear_of_it(session, cast, a_task):
    task_id = a_task(team="van-hanh")
    leave(session, cast, "binh")
    assert told(session, task_id) == {"hoa"}


def test_a_team_without_a_head_then_the_administrators_hear_of_it(session, cast, a_task):
    task_id = a_task(team="van-hanh")
    with transaction() as inside:
        inside.get_one(Team, cast.team("van-hanh").id).head_id = None
    assert told(session, task_id) == {"hoa"}


def test_the_assignee_has_left_then_his_head_hears_of_it(session, cast, a_task):
    task_id = a_task(member="tuan")
    leave(session, cast, "tuan")
    assert told(session, task_id) == {"binh"}


def test_work_offered_to_a_role_is_the_administrators_to_watch(session, cast, a_task):
    assert told(session, a_task(role="Manager")) == {"hoa"}


def test_every_administrator_hears_of_it(session, cast, a_task):
    with transaction() as inside:
        roles = inside.get_one(User, cast.hoa.user_id).roles
        inside.get_one(User, cast.minh.user_id).roles = list(roles)
    task_id = a_task(role="Manager")
    with clock.at(LATER):
        scan_overdue()
    session.rollback()
    assert {alert.recipient_id for alert in session.scalars(select(Alert))} == {cast.hoa.user_id, cast.minh.user_id}
    assert len(session.scalars(select(Outbox)).all()) == 2
    assert told(session, task_id) == {"hoa", "minh"}


# ── what is told ──
@pytest.mark.both_databases
def test_one_alert_one_bell_line_one_mail(session, cast, a_task):
    task_id = a_task(member="tuan", name="Gọi kho Gia Lâm")
    with clock.at(MONDAY + timedelta(minutes=1)):
        assert scan_overdue() == 1
    alert = session.scalars(select(Alert)).one()
    assert (alert.subject_type, alert.subject_id, alert.recipient_id) == ("task", task_id, cast.tuan.user_id)
    assert alert.due_moment == MONDAY + timedelta(minutes=1)
    bell = session.scalars(select(Notification).where(Notification.kind == "task_overdue")).one()
    assert (bell.user_id, bell.alert_id, bell.data["task"]) == (cast.tuan.user_id, alert.id, "Gọi kho Gia Lâm")
    assert bell.data["customer"] == "Đặng Thị Mỹ Duyên"
    mail = session.scalars(select(Outbox)).one()
    assert (mail.to_address, mail.to_user_id) == ("tuan@phosen.example", cast.tuan.user_id)
    assert "Gọi kho Gia Lâm" in mail.subject
    assert "Đặng Thị Mỹ Duyên" in mail.body_text
    assert "09:01" in mail.body_text  # on his clock
    kinds = session.scalars(select(TaskEvent.kind).where(TaskEvent.task_id == task_id)).all()
    assert kinds.count(TaskEventKind.alerted) == 1


def test_the_mail_is_in_the_readers_language(session, cast, a_task):
    with transaction() as inside:
        inside.get_one(Member, cast.tuan.user_id).language = "en"
    a_task(member="tuan")
    a_task(member="lan")
    with clock.at(LATER):
        scan_overdue()
    mails = {mail.to_address.partition("@")[0]: mail.body_text for mail in session.scalars(select(Outbox))}
    assert "was due" in mails["tuan"]
    assert "quá hạn" in mails["lan"]


def test_before_its_moment_nothing_is_told(session, cast, a_task):
    a_task(member="tuan")
    with clock.at(MONDAY + timedelta(seconds=59)):
        assert scan_overdue() == 0
    assert session.scalars(select(Alert)).all() == []


def test_what_has_no_deadline_is_never_overdue(session, cast, a_task):
    a_task(member="tuan", due=None)
    with clock.at(MONDAY + timedelta(days=365)):
        assert scan_overdue() == 0


def test_it_is_told_once_however_often_one_looks_and_whatever_happens_meanwhile(session, cast, a_task):
    task_id = a_task(team="van-hanh")
    for minutes, act in ((2, claim_task), (3, release_task)):
        with clock.at(MONDAY + timedelta(minutes=minutes)), transaction(cast.tuan) as inside:
            act(inside, task_id, by=cast.tuan)
        with clock.at(MONDAY + timedelta(minutes=minutes)):
            scan_overdue()
    with clock.at(LATER):
        assert scan_overdue() == 0
    assert len(session.scalars(select(Alert)).all()) == 1
    assert len(session.scalars(select(Outbox)).all()) == 1


def test_a_second_look_after_a_crash_adds_nothing(session, cast, a_task):
    """The alert was raised, but the task is looked at again: its key keeps it one."""
    task_id = a_task(member="tuan")
    with clock.at(LATER):
        scan_overdue()
        with transaction() as inside:
            inside.get_one(Task, task_id).next_alert_at = MONDAY
        scan_overdue()
    assert len(session.scalars(select(Alert)).all()) == 1
    assert len(session.scalars(select(Outbox)).all()) == 1


def test_being_told_of_does_not_refuse_the_form_that_is_open(session, cast, a_task):
    task_id = a_task(member="tuan")
    rev = session.get_one(Task, task_id).rev
    with clock.at(LATER):
        scan_overdue()
        with transaction(cast.tuan) as inside:
            save_draft(inside, task_id, {}, by=cast.tuan, rev=rev)


@pytest.mark.both_databases
def test_finished_and_called_off_work_is_never_told_of(session, cast, story):
    one, two = story.start(), story.start()
    story.do("lan", story.task(one, "receive"))
    with transaction(cast.lan) as inside:
        cancel_instance(inside, two, by=cast.lan, reason="Nhầm")
    over = select(Task.next_alert_at).where(Task.state.in_([TaskState.completed, TaskState.cancelled]))
    assert session.scalars(over).all() == [None, None]
    session.rollback()
    with clock.at(MONDAY + timedelta(minutes=30)):  # find-order has an hour
        assert scan_overdue() == 0


def test_a_finished_task_that_was_left_in_the_index_is_only_taken_out(session, cast, a_task):
    task_id = a_task(member="tuan")
    with transaction() as inside:
        task = inside.get_one(Task, task_id)
        task.state, task.cancelled_at = TaskState.cancelled, MONDAY
    with clock.at(LATER):
        scan_overdue()
    session.rollback()
    assert session.get_one(Task, task_id).next_alert_at is None
    assert session.scalars(select(Alert)).all() == []


# ── many, and bad ones among them ──
def test_more_than_a_batch_is_told_of_in_one_look(session, cast, a_task, monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 3)
    for number in range(8):
        a_task(member="tuan", name=f"Việc {number}")
    with clock.at(LATER):
        assert scan_overdue() == 8
    assert len(session.scalars(select(Alert)).all()) == 8


def test_one_that_cannot_be_told_of_does_not_hold_back_the_others_and_is_tried_again(
    session, cast, a_task, monkeypatch, caplog
):
    ids = [a_task(member="tuan", name=f"Việc {number}") for number in range(5)]
    real = jobs.mail_overdue

    def broken(session, task, person, alert, *, at):
        if task.id == ids[2]:
            raise RuntimeError("template broken")
        real(session, task, person, alert, at=at)

    monkeypatch.setattr(jobs, "mail_overdue", broken)
    with clock.at(LATER):
        assert scan_overdue() == 4
        assert scan_overdue() == 0
    assert {alert.subject_id for alert in session.scalars(select(Alert))} == set(ids) - {ids[2]}
    assert session.get_one(Task, ids[2]).next_alert_at == LATER + ALERT_RETRY
    assert "template broken" in caplog.text
    session.rollback()
    monkeypatch.setattr(jobs, "mail_overdue", real)
    with clock.at(LATER + ALERT_RETRY):
        assert scan_overdue() == 1
    assert len(session.scalars(select(Outbox)).all()) == 5


def test_a_locked_database_postpones_nothing(session, cast, a_task, monkeypatch):
    task_id = a_task(member="tuan")

    def locked(*_args, **_more):
        raise OperationalError("INSERT INTO outbox", {}, Exception("database is locked"))

    with monkeypatch.context() as meanwhile, clock.at(LATER):
        meanwhile.setattr(jobs, "mail_overdue", locked)
        with pytest.raises(OperationalError):
            scan_overdue()
    session.rollback()
    assert session.get_one(Task, task_id).next_alert_at == MONDAY + timedelta(minutes=1)
    with clock.at(LATER):
        assert scan_overdue() == 1
    assert len(session.scalars(select(Outbox)).all()) == 1


def test_a_database_locked_in_the_midst_of_going_one_by_one_postpones_nothing(session, cast, a_task, monkeypatch):
    ids = [a_task(member="tuan", name=f"Việc {number}") for number in range(2)]
    errors = [RuntimeError("template broken"), OperationalError("INSERT", {}, Exception("database is locked"))]

    def broken(*_args, **_more):
        raise errors.pop(0)

    monkeypatch.setattr(jobs, "mail_overdue", broken)
    with clock.at(LATER), pytest.raises(OperationalError):
        scan_overdue()
    session.rollback()
    assert [session.get_one(Task, key).next_alert_at for key in ids] == [MONDAY + timedelta(minutes=1)] * 2


def test_an_alert_that_failed_is_tried_again_within_a_minute():
    assert timedelta(0) < ALERT_RETRY <= timedelta(minutes=1)


def test_with_nobody_to_tell_the_task_stays_due(session, cast, a_task, caplog):
    task_id = a_task(member="tuan")
    leave(session, cast, "tuan", "binh", "hoa")
    with clock.at(LATER):
        assert scan_overdue() == 0
        assert scan_overdue() == 0
    assert caplog.text.count("nobody to tell") == 1
    assert session.scalars(select(TaskEvent).where(TaskEvent.kind == TaskEventKind.alerted)).all() == []
    assert session.get_one(Task, task_id).next_alert_at == LATER + ALERT_RETRY
    with transaction() as inside:
        inside.get_one(User, cast.hoa.user_id).active = True
    with clock.at(LATER + ALERT_RETRY):
        assert scan_overdue() == 1
    assert session.scalars(select(Alert.recipient_id)).all() == [cast.hoa.user_id]


@pytest.mark.parametrize("end", ["told", "failed", "nobody there", "closed"])
def test_being_looked_at_is_no_change_of_the_work(session, cast, a_task, monkeypatch, end):
    task_id = a_task(member="tuan")
    if end == "failed":
        monkeypatch.setattr(jobs, "mail_overdue", lambda *_args, **_more: 1 / 0)
    if end == "nobody there":
        leave(session, cast, "tuan", "binh", "hoa")
    if end == "closed":
        with transaction() as inside:
            task = inside.get_one(Task, task_id)
            task.state, task.cancelled_at = TaskState.cancelled, MONDAY
    task = session.get_one(Task, task_id)
    before = (task.rev, task.updated_at)
    session.rollback()
    with clock.at(LATER):
        scan_overdue()
    session.rollback()
    task = session.get_one(Task, task_id)
    assert (task.rev, task.updated_at) == before
    assert task.next_alert_at in (None, LATER + ALERT_RETRY)


def test_an_address_that_is_none_still_leaves_the_bell(session, cast, a_task):
    with transaction() as inside:
        inside.get_one(User, cast.tuan.user_id).email = "không phải địa chỉ"
    a_task(member="tuan")
    with clock.at(LATER):
        assert scan_overdue() == 1
    bell = session.scalars(select(Notification).where(Notification.kind == "task_overdue")).one()
    assert bell.user_id == cast.tuan.user_id


def test_a_note_on_overdue_work_does_not_tell_of_it_again(session, cast, a_task):
    task_id = a_task(member="tuan")
    with clock.at(LATER):
        scan_overdue()
        with transaction(cast.tuan) as inside:
            comment_task(inside, task_id, "Đang làm", by=cast.tuan)
        assert scan_overdue() == 0
