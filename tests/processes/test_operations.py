"""Sent back, put aside, led on: whatever is done to a run of a process is told with its reason, and undone by none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock, leases
from app.core.access import SYSTEM
from app.core.audit import AuditEvent
from app.core.db import transaction
from app.core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.core.leases import LeaseState
from app.notifications.models import Notification
from app.processes import jobs, services, stopped, timers
from app.processes.applying import BranchNotStoppedError, InstancePausedError
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessEvent, ProcessInstance, ProcessTimer
from app.security.models import Member
from app.tasks.jobs import scan_overdue
from app.tasks.models import Task, TaskState
from app.tasks.services import TaskNotOpenError, complete_task, reassign_task, return_task
from tests.failing import all_or_nothing
from tests.processes.drawn import Drawn
from tests.story import MONDAY
from tests.threads import at_once

# On the other database daily what people do at once; the rest is the same code there.
pytestmark = pytest.mark.both_databases(slow=True)
HOUR = timedelta(hours=1)
TEAM = 'assign="team:cskh" due="PT1H"'
NAMED = 'assign="user:lan" due="PT1H"'
LINE = (("start > ask > and1 > do > and2 > check > end", "and1 > look > and2"),
        {"tasks": {"ask": TEAM, "do": TEAM, "look": TEAM, "check": 'assign="user:minh" due="PT1H"'}})  # fmt: skip
STOPPED = (
    ("start > ask > xor1", "xor1 > pay if amount > 5", "xor1 > thank if amount < 2", "pay > end", "thank > end"),
    {"tasks": dict.fromkeys(("ask", "pay", "thank"), NAMED), "undecided": True},
)
TIMED = (
    ("start > ask > end", "edge > chase > end2"),
    {"timers": {"edge": "PT1H wall"}, "edges": {"edge": "ask"}, "tasks": {"ask": NAMED}},
)


@pytest.fixture
def draw(session, cast):
    with clock.at(MONDAY):
        yield lambda drawing: Drawn(session, cast, *drawing[0], **drawing[1])


def back(drawn, instance, step, to, who="lan", note="Thiếu ảnh gói hàng"):
    actor, task_id = drawn.cast.actor(who), drawn.task(instance, step).id
    with transaction(actor) as inside:
        return return_task(inside, task_id, to=to, note=note, by=actor).id


def to_check(drawn):
    instance = drawn.start()
    drawn.finish(instance, "ask")
    drawn.finish(instance, "do", who="minh")
    drawn.finish(instance, "look")
    return instance


def last_event(session, kind):
    session.rollback()
    rows = select(ProcessEvent).where(ProcessEvent.kind == kind).order_by(ProcessEvent.id.desc()).limit(1)
    return session.scalars(rows).one()


# Back to an earlier step.


def test_work_is_sent_back_to_whoever_did_it_with_the_reason(session, cast, draw):
    drawn = draw(LINE)
    instance = to_check(drawn)
    sent = back(drawn, instance, "check", "ask", who="minh")

    assert drawn.open(instance) == ["ask"]
    again = drawn.task(instance, "ask")
    assert (again.attempt, again.assignee_id, again.state) == (2, cast.lan.user_id, TaskState.claimed)
    before = session.get_one(Task, sent)
    assert (before.state, before.outcome, before.note) == (TaskState.completed, "return", "Thiếu ảnh gói hàng")
    told = session.scalars(select(Notification).where(Notification.kind == "task_returned")).one()
    assert told.user_id == cast.lan.user_id
    event = last_event(session, "return_task")
    assert (event.node, event.task_id, event.actor_id) == ("check", sent, cast.minh.user_id)
    assert event.body["to"] == "ask"
    drawn.check(instance)


def test_what_is_ahead_is_withdrawn_and_done_again(session, draw):
    drawn = draw(LINE)
    instance = drawn.start()
    drawn.finish(instance, "ask")
    drawn.finish(instance, "do")
    back(drawn, instance, "look", "ask")
    assert drawn.open(instance) == ["ask"]
    for step in ("ask", "look", "do"):
        drawn.finish(instance, step)
    assert drawn.open(instance) == ["check"]
    drawn.finish(instance, "check", who="minh")
    assert drawn.instance(instance).status is InstanceStatus.completed
    assert drawn.task(instance, "do").attempt == 1  # not sent back to: opened anew by what came before it
    drawn.check(instance)


@pytest.mark.parametrize(
    ("to", "note", "key"), [("do", "Thiếu", "to"), ("end", "Thiếu", "to"), ("ask", "  ", "note"), ("ask", "\0", "note"),
                            ("ask", " @caller ", "note")],
)  # fmt: skip
def test_without_a_reason_or_a_way_nothing_is_sent_back(draw, to, note, key):
    drawn = draw(LINE)
    instance = to_check(drawn)
    with pytest.raises(InvalidInputError) as refused:
        back(drawn, instance, "check", to, who="minh", note=note)
    assert set(refused.value.fields) == {key}
    assert drawn.open(instance) == ["check"]


def test_whoever_may_not_finish_it_may_not_send_it_back(draw):
    drawn = draw(LINE)
    instance = to_check(drawn)
    with pytest.raises((NotFoundError, NotAllowedError, ConflictError)):
        back(drawn, instance, "check", "ask", who="tuan")


def test_of_somebody_who_has_left_it_goes_to_whom_the_step_is_for(session, cast, draw):
    drawn = draw(LINE)
    instance = drawn.start()
    drawn.finish(instance, "ask")
    drawn.finish(instance, "do")
    drawn.finish(instance, "look")
    with transaction(SYSTEM) as inside:
        inside.get_one(type(cast.member("lan")), cast.lan.user_id).user.active = False
    back(drawn, instance, "check", "ask", who="minh")

    again = drawn.task(instance, "ask")
    assert (again.assignee_id, again.offered_team_id) == (None, cast.team("cskh").id)


@pytest.mark.parametrize(
    ("verb", "key"),
    [
        (lambda one, number, lan, hoa: reassign_task(one, number, lan, by=hoa, reason="@timer"), "reason"),
        (lambda one, number, _lan, hoa: complete_task(one, number, by=hoa, note="@timer "), "note"),
    ],
)
def test_nobody_types_a_sign_that_is_read_as_the_reason_of_the_product(cast, draw, verb, key):
    drawn = draw(LINE)
    instance = drawn.start()
    number = drawn.task(instance, "ask").id
    with pytest.raises(InvalidInputError) as refused, transaction(cast.hoa) as inside:
        verb(inside, number, inside.get_one(Member, cast.lan.user_id), cast.hoa)
    assert set(refused.value.fields) == {key}
    assert drawn.open(instance) == ["ask"]


@pytest.mark.both_databases
def test_four_who_send_back_or_finish_one_task(app, session, cast, draw):
    drawn = draw(LINE)
    instance = to_check(drawn)
    task_id, minh = drawn.task(instance, "check").id, cast.minh
    session.rollback()

    def send() -> str:
        with transaction(minh) as inside:
            return_task(inside, task_id, to="ask", note="Thiếu", by=minh)
        return "back"

    def finish() -> str:
        with transaction(minh) as inside:
            complete_task(inside, task_id, by=minh)
        return "done"

    results = at_once(app, [send, finish, send, finish], moment=MONDAY)
    winners = [result for result in results if isinstance(result, str)]
    assert len(winners) == 1
    assert [type(result) for result in results if not isinstance(result, str)] == [TaskNotOpenError] * 3
    assert drawn.open(instance) == (["ask"] if winners == ["back"] else [])
    drawn.check(instance)


def test_sending_back_happens_as_a_whole_or_not_at_all(session, cast, draw):
    drawn = draw(LINE)
    instance = drawn.start()
    drawn.finish(instance, "ask")
    task_id, lan = drawn.task(instance, "look").id, cast.lan

    def send() -> None:
        with transaction(lan) as inside:
            return_task(inside, task_id, to="ask", note="Thiếu", by=lan)

    writes, changed = all_or_nothing(session, send)
    assert writes > 10
    assert {"task", "task_event", "process_token", "process_event"} <= changed
    drawn.check(instance)


# Put aside.


def test_a_paused_run_takes_no_work_and_its_clocks_wait(session, cast, draw):
    drawn = draw(TIMED)
    instance, lan = drawn.start(), cast.lan
    with transaction(lan) as inside:
        services.suspend_instance(inside, instance, by=lan, reason="Chờ khách gửi ảnh")
    assert drawn.instance(instance).status is InstanceStatus.suspended
    assert drawn.clocks(instance) == [("edge", MONDAY + HOUR, LeaseState.held)]
    assert drawn.work_at(MONDAY + 2 * HOUR) == 0
    with pytest.raises(InstancePausedError):
        drawn.finish(instance, "ask")
    with pytest.raises(InstancePausedError), transaction(lan) as inside:
        services.suspend_instance(inside, instance, by=lan, reason="Nữa")
    drawn.check(instance)

    with transaction(lan) as inside:
        services.resume_instance(inside, instance, by=lan)
    assert drawn.work_at(MONDAY + 2 * HOUR) == 1
    assert drawn.open(instance) == ["chase"]
    with pytest.raises(ConflictError), transaction(lan) as inside:
        services.resume_instance(inside, instance, by=lan)
    assert last_event(session, "instance_suspended").body["reason"] == "Chờ khách gửi ảnh"
    drawn.check(instance)


def test_a_paused_run_can_be_called_off(cast, draw):
    drawn = draw(TIMED)
    instance, lan = drawn.start(), cast.lan
    with transaction(lan) as inside:
        services.suspend_instance(inside, instance, by=lan, reason="Chờ")
    with transaction(lan) as inside:
        services.cancel_instance(inside, instance, by=lan, reason="Khách thôi")
    assert drawn.clocks(instance) == []
    drawn.check(instance)


@pytest.mark.parametrize("reason", ["", "  ", "\0", "x" * 10_001])
def test_nothing_is_paused_or_called_off_without_a_reason(cast, draw, reason):
    drawn = draw(TIMED)
    instance, lan = drawn.start(), cast.lan
    for verb in (services.suspend_instance, services.cancel_instance):
        with pytest.raises(InvalidInputError), transaction(lan) as inside:
            verb(inside, instance, by=lan, reason=reason)


# Led on.


def stop(drawn, amount=3):
    instance = drawn.start(amount=amount)
    drawn.finish(instance, "ask")
    (token,) = drawn.state(instance).tokens
    return instance, token.id


def test_an_admin_corrects_a_value_and_lets_it_try_again(session, cast, draw):
    drawn = draw(STOPPED)
    instance, token = stop(drawn)
    assert drawn.instance(instance).incident == "no_way_chosen"
    with transaction(cast.hoa) as inside:
        services.correct_values(inside, instance, {"amount": 9}, by=cast.hoa, reason="Lan gõ nhầm")
        services.retry_branch(inside, instance, token, by=cast.hoa, reason="Đã sửa")

    assert drawn.open(instance) == ["pay"]
    assert (drawn.instance(instance).incident, drawn.instance(instance).data["amount"]) == (None, 9)
    assert last_event(session, "data_edited").body == {"keys": ["amount"], "reason": "Lan gõ nhầm"}
    assert last_event(session, "incident_settled").actor_id == cast.hoa.user_id
    drawn.check(instance)


def test_an_admin_leads_it_on_by_a_way_out(cast, draw):
    drawn = draw(STOPPED)
    instance, token = stop(drawn)
    with pytest.raises(InvalidInputError) as refused, transaction(cast.hoa) as inside:
        services.lead_branch(inside, instance, token, "f0", by=cast.hoa, reason="Khách quen")
    assert set(refused.value.fields) == {"flow"}
    ways = drawn_ways(drawn, instance)
    with transaction(cast.hoa) as inside:
        services.lead_branch(inside, instance, token, ways["thank"], by=cast.hoa, reason="Khách quen")
    assert drawn.open(instance) == ["thank"]
    with pytest.raises(BranchNotStoppedError), transaction(cast.hoa) as inside:
        services.retry_branch(inside, instance, token, by=cast.hoa, reason="Lần nữa")
    drawn.check(instance)


def drawn_ways(drawn, instance):
    (found,) = stopped.stops(drawn.session, drawn.instance(instance))
    return {name: flow for flow, name in found.ways}


@pytest.mark.parametrize("who", ["lan", "minh", "tuan"])
def test_nobody_but_an_admin_leads_it_on(cast, draw, who):
    drawn = draw(STOPPED)
    instance, token = stop(drawn)
    actor = cast.actor(who)
    for verb in (
        lambda one: services.retry_branch(one, instance, token, by=actor, reason="Thử"),
        lambda one: services.lead_branch(one, instance, token, "f2", by=actor, reason="Thử"),
        lambda one: services.correct_values(one, instance, {"amount": 9}, by=actor, reason="Thử"),
    ):
        with pytest.raises((NotAllowedError, NotFoundError)), transaction(actor) as inside:
            verb(inside)


@pytest.mark.parametrize("values", [{}, {"a b": 1}, {"amount": [1]}, {"amount": "x" * 10_001}])
def test_values_that_conditions_cannot_ask_for_are_refused(cast, draw, values):
    drawn = draw(STOPPED)
    instance, _token = stop(drawn)
    with pytest.raises(InvalidInputError), transaction(cast.hoa) as inside:
        services.correct_values(inside, instance, values, by=cast.hoa, reason="Sửa")


def test_an_end_that_ends_everything_calls_the_open_work_off(session, draw):
    drawn = draw((("start > and1 > a > end1", "and1 > b > end2"), {"ends": {"end1": "error"}}))
    instance = drawn.start()
    drawn.finish(instance, "a")

    assert drawn.instance(instance).status is InstanceStatus.failed
    assert drawn.task(instance, "b").state is TaskState.cancelled
    drawn.check(instance)


# ── nothing warns of what is put aside ──
def test_what_is_put_aside_warns_nobody_until_it_goes_on(session, cast, draw):
    drawn = draw(TIMED)
    instance = drawn.start()
    with transaction(cast.hoa) as inside:
        services.suspend_instance(inside, instance, by=cast.hoa, reason="Chờ khách")
    rev = drawn.task(instance, "ask").rev
    with clock.at(MONDAY + 3 * HOUR):
        assert scan_overdue() == 0
        session.rollback()
        with transaction(cast.hoa) as inside:
            services.resume_instance(inside, instance, by=cast.hoa)
        assert (scan_overdue(), scan_overdue()) == (1, 0)
        with transaction(cast.hoa) as inside:
            services.suspend_instance(inside, instance, by=cast.hoa, reason="Chờ khách")
            services.resume_instance(inside, instance, by=cast.hoa)
        assert scan_overdue() == 0, "what was told of before is not told of again"
    assert drawn.task(instance, "ask").rev == rev


# ── a clock that was given up ──
@pytest.mark.parametrize("begins", [False, True])
def test_a_clock_over_which_every_worker_died_is_an_incident_too(session, cast, draw, begins):
    drawn = draw((("start > ask > end",), {"timers": {"start": "R/PT1H wall"}}) if begins else TIMED)
    instance = None if begins else drawn.start()
    session.rollback()
    moment = MONDAY + HOUR
    for _worker in range(ProcessTimer.max_attempts + 1):
        with clock.at(moment):
            leases.claim(ProcessTimer, owner="dead", at=moment, limit=1, lease=jobs.LEASE)
        moment += 2 * jobs.LEASE
    drawn.work_at(moment)
    drawn.work_at(moment + HOUR)
    kind = "start_failed" if begins else "instance_stuck"
    told = select(Notification.id).where(Notification.user_id == cast.hoa.user_id, Notification.kind == kind)
    assert len(session.scalars(told).all()) == 1
    if instance is not None:
        assert drawn.instance(instance).incident == "clock_failed"


@pytest.mark.parametrize("number", [0, 10**30])
def test_a_clock_that_there_cannot_be_was_not_given_up(cast, draw, number):
    instance = draw(TIMED).start()
    with pytest.raises(BranchNotStoppedError), transaction(cast.hoa) as inside:
        services.retry_clock(inside, instance, number, by=cast.hoa, reason="Thử")


def test_why_it_was_done_stands_in_the_audit_log_as_far_as_there_is_room(session, cast, draw):
    instance = draw(TIMED).start()
    why = "Kho báo đóng cửa. " * 60
    with transaction(cast.hoa) as inside:
        services.cancel_instance(inside, instance, by=cast.hoa, reason=why)
    session.rollback()
    rows = select(AuditEvent.reason).where(
        AuditEvent.table_name == "process_instance", AuditEvent.record_id == instance, AuditEvent.action == "change"
    )
    assert session.scalars(rows.order_by(AuditEvent.id.desc())).first() == why.strip()[:500]


def test_what_ends_at_an_error_is_told_to_those_who_have_to_know(session, cast, draw):
    drawn = draw((("start > ask > end",), {"ends": {"end": "error"}, "tasks": {"ask": NAMED}}))
    instance = drawn.start()
    drawn.finish(instance, "ask")
    assert drawn.instance(instance).status is InstanceStatus.failed
    told = session.execute(
        select(Notification.user_id, Notification.data).where(Notification.kind == "instance_failed")
    ).all()
    assert [(row.user_id, row.data["end"]) for row in told] == [(cast.hoa.user_id, "end")]


def test_a_branch_that_another_one_ended_in_the_same_moment_raises_no_alarm(session, cast, draw):
    drawn = draw(
        (("start > ask > and1 > xor1", "and1 > end", "xor1 > pay if amount > 5", "xor1 > thank if amount < 2",
          "pay > end2", "thank > end2"),
         {"ends": {"end": "terminate"}, "tasks": dict.fromkeys(("ask", "pay", "thank"), NAMED), "undecided": True})
    )  # fmt: skip
    instance = drawn.start(amount=3)
    drawn.finish(instance, "ask")
    after = drawn.instance(instance)
    assert (after.status, after.incident) == (InstanceStatus.completed, None)
    assert last_event(session, "raise_incident").node == "xor1"  # it did come to that, before the other one ended it
    assert session.scalars(select(Notification.id).where(Notification.kind == "instance_stuck")).all() == []


def test_a_clock_that_was_given_up_is_an_incident_that_hoa_lets_try_again(session, cast, draw, monkeypatch):
    drawn = draw(TIMED)
    instance = drawn.start()
    with monkeypatch.context() as broken:
        broken.setattr(timers, "apply", lambda *_args, **_more: 1 / 0)
        for hours in range(1, 200):
            drawn.work_at(MONDAY + hours * HOUR)
    ((_node, _due, state),) = drawn.clocks(instance)
    assert (state, drawn.instance(instance).incident) == (LeaseState.dead, "clock_failed")
    told = select(Notification.data).where(
        Notification.user_id == cast.hoa.user_id, Notification.kind == "instance_stuck"
    )
    assert [line["step"] for line in session.scalars(told)] == ["edge"]
    number = drawn.state(instance).timers[0].id

    def retry(who):
        with transaction(cast.actor(who)) as inside:
            services.retry_clock(inside, instance, number, by=cast.actor(who), reason="Đã sửa lịch")

    with clock.at(MONDAY + 250 * HOUR), transaction(cast.lan) as inside:  # what else happens in it hides it for nobody
        services.suspend_instance(inside, instance, by=cast.lan, reason="Chờ kho")
        inside.get_one(ProcessInstance, instance).incident = "no_way_chosen"
        services.resume_instance(inside, instance, by=cast.lan)
    assert drawn.instance(instance).incident == "clock_failed"

    with pytest.raises((NotAllowedError, NotFoundError)):
        retry("lan")
    session.rollback()
    with clock.at(MONDAY + 300 * HOUR):
        retry("hoa")
    assert drawn.instance(instance).incident is None
    with pytest.raises(BranchNotStoppedError):
        retry("hoa")
    assert drawn.work_at(MONDAY + 301 * HOUR) == 1
    assert drawn.open(instance) == ["chase"]
    drawn.check(instance)


def test_the_administrators_hear_of_a_branch_that_stops(session, cast, draw):
    drawn = draw(STOPPED)
    instance = drawn.start(amount=3)
    drawn.finish(instance, "ask")
    told = select(Notification).where(Notification.kind == "instance_stuck", Notification.subject_id == instance)
    assert [line.user_id for line in session.scalars(told)] == [cast.hoa.user_id]
