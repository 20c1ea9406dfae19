"""Clocks in the database: each strikes once, in time or late, whoever works, sleeps or dies meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.core import clock, leases
from app.core.access import SYSTEM
from app.core.accounts import Role
from app.core.db import transaction
from app.core.leases import LeaseState
from app.processes import drawing, jobs, queries, services, timers
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessEvent, ProcessInstance, ProcessTimer
from app.security.models import Member
from app.tasks.models import TaskState
from app.tasks.services import TaskNotOpenError, complete_task
from tests.failing import all_or_nothing
from tests.processes.drawn import Drawn
from tests.story import MONDAY
from tests.threads import at_once

# On the other database daily what people do at once; the rest is the same code there.
pytestmark = pytest.mark.both_databases(slow=True)
HOUR = timedelta(hours=1)
ENDING = (
    ("start > ask > end", "edge > chase > end2"),
    {"timers": {"edge": "PT1H"}, "edges": {"edge": "ask"}},
)
BESIDE = (
    ("start > ask > end", "edge > remind > end2"),
    {"timers": {"edge": "R3/PT1H wall"}, "edges": {"edge": "ask beside"}},
)
BETWEEN = (("start > ask > wait > call > end",), {"timers": {"wait": "P2D wall"}})


@pytest.fixture
def draw(session, cast):
    with clock.at(MONDAY):
        yield lambda drawing: Drawn(session, cast, *drawing[0], **drawing[1])


def test_a_clock_ends_the_work_when_its_time_is_over(session, cast, draw):
    drawn = draw(ENDING)
    instance = drawn.start()
    assert drawn.clocks(instance) == [("edge", MONDAY + HOUR, LeaseState.waiting)]

    assert drawn.work_at(MONDAY + HOUR - timedelta(seconds=1)) == 0
    assert drawn.work_at(MONDAY + HOUR) == 1
    assert drawn.open(instance) == ["chase"]
    assert drawn.task(instance, "ask").state is TaskState.cancelled
    assert drawn.clocks(instance) == []
    fired = session.scalars(select(ProcessEvent).where(ProcessEvent.kind == "timer_fired")).one()
    assert (fired.node, fired.actor_id, fired.at) == ("edge", None, MONDAY + HOUR)
    drawn.check(instance)


def test_work_that_is_finished_stops_the_clock(draw):
    drawn = draw(ENDING)
    instance = drawn.start()
    drawn.finish(instance, "ask")

    assert drawn.clocks(instance) == []
    assert drawn.work_at(MONDAY + 5 * HOUR) == 0
    assert drawn.instance(instance).status is InstanceStatus.completed
    drawn.check(instance)


def test_a_clock_that_was_due_while_no_worker_was_there_strikes_once(draw):
    drawn = draw(BETWEEN)
    instance = drawn.start()
    drawn.finish(instance, "ask")
    assert drawn.clocks(instance) == [("wait", MONDAY + timedelta(days=2), LeaseState.waiting)]

    assert drawn.work_at(MONDAY + timedelta(days=40)) == 1
    assert drawn.work_at(MONDAY + timedelta(days=41)) == 0
    assert drawn.open(instance) == ["call"]
    drawn.check(instance)


def test_what_repeats_strikes_from_moment_to_moment_and_makes_up_for_nothing_missed(draw):
    drawn = draw(BESIDE)
    instance = drawn.start()
    drawn.work_at(MONDAY + HOUR + timedelta(minutes=7))
    assert drawn.clocks(instance) == [("edge", MONDAY + 2 * HOUR, LeaseState.waiting)]

    drawn.work_at(MONDAY + 9 * HOUR + timedelta(minutes=30))
    assert drawn.open(instance) == ["ask", "remind", "remind"]
    assert drawn.clocks(instance) == [("edge", MONDAY + 10 * HOUR, LeaseState.waiting)]

    drawn.work_at(MONDAY + 10 * HOUR)
    assert drawn.clocks(instance) == []
    assert drawn.open(instance) == ["ask", "remind", "remind", "remind"]
    drawn.check(instance)


def test_working_time_is_what_a_clock_counts_unless_it_says_otherwise(draw):
    friday_evening = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)  # 17:00; the company works until 17:30
    drawn = draw(ENDING)
    with clock.at(friday_evening):
        instance = drawn.start()

    ((_node, due_at, _status),) = drawn.clocks(instance)
    assert due_at.date() > friday_evening.date()


def test_a_moment_without_a_zone_is_meant_on_the_company_s_walls(draw):
    drawn = draw((("start > wait > call > end",), {"timers": {"wait": "2026-12-01T08:30"}}))
    instance = drawn.start()

    assert drawn.clocks(instance) == [("wait", datetime(2026, 12, 1, 1, 30, tzinfo=UTC), LeaseState.waiting)]


def test_a_moment_from_the_answers(draw):
    drawn = draw((("start > wait > call > end",), {"timers": {"wait": "appointment"}}))
    instance = drawn.start(appointment="2026-11-30")
    assert drawn.clocks(instance) == [("wait", datetime(2026, 11, 29, 17, tzinfo=UTC), LeaseState.waiting)]

    stopped = drawn.start(appointment="tuần sau")
    assert drawn.clocks(stopped) == []
    assert drawn.instance(stopped).incident == "no_moment"
    drawn.check(stopped)


def test_calling_off_stops_the_clocks(draw, cast):
    drawn = draw(BESIDE)
    instance = drawn.start()
    with transaction(cast.lan) as inside:
        services.cancel_instance(inside, instance, by=cast.lan, reason="Khách đổi ý")

    assert drawn.clocks(instance) == []
    drawn.check(instance)


@pytest.mark.both_databases
def test_two_workers_and_one_who_finishes_meet_at_one_clock(app, session, cast, draw):
    drawn = draw(ENDING)
    instances = [drawn.start() for _ in range(6)]
    lan, tasks = cast.lan, {one: drawn.task(one, "ask").id for one in instances}
    session.rollback()

    def finish():
        done = 0
        for task_id in tasks.values():
            try:
                with transaction(lan) as inside:
                    complete_task(inside, task_id, by=lan)
                done += 1
            except TaskNotOpenError:
                continue
        return done

    struck_a, struck_b, finished = at_once(app, [jobs.strike_due, jobs.strike_due, finish], moment=MONDAY + HOUR)
    assert struck_a + struck_b + finished == len(instances)
    for one in instances:
        drawn.check(one)
        assert drawn.open(one) in (["chase"], [])
        assert drawn.clocks(one) == []


def test_a_worker_who_dies_over_a_clock_gives_it_back(session, draw):
    drawn = draw(ENDING)
    instance = drawn.start()
    session.rollback()
    with clock.at(MONDAY + HOUR):
        leases.claim(ProcessTimer, owner="dead", at=clock.now(), limit=1, lease=jobs.LEASE)
    assert drawn.work_at(MONDAY + HOUR + timedelta(seconds=1)) == 0
    assert drawn.work_at(MONDAY + HOUR + jobs.LEASE) == 1
    assert drawn.open(instance) == ["chase"]


def test_one_clock_that_fails_does_not_hold_back_the_others(session, draw, monkeypatch):
    drawn = draw(ENDING)
    bad, good = drawn.start(), drawn.start()
    strike = timers.strike

    def fails_for_one(inside, timer_id, *, owner):
        if inside.get_one(ProcessTimer, timer_id).instance_id == bad:
            raise RuntimeError("broken")
        return strike(inside, timer_id, owner=owner)

    monkeypatch.setattr(timers, "strike", fails_for_one)
    assert drawn.work_at(MONDAY + HOUR) == 1
    assert drawn.open(good) == ["chase"]
    assert drawn.open(bad) == ["ask"]
    monkeypatch.undo()
    assert drawn.work_at(MONDAY + 2 * HOUR) == 1
    assert drawn.open(bad) == ["chase"]


def test_striking_happens_as_a_whole_or_not_at_all(session, draw):
    drawn = draw(BESIDE)
    instance = drawn.start()
    timer_id = session.scalars(select(ProcessTimer.id)).one()
    with transaction() as inside:
        inside.execute(update(ProcessTimer).values(status="leased", lease_owner="me", lease_until=MONDAY + 9 * HOUR))

    def strike() -> None:
        with clock.at(MONDAY + HOUR), transaction() as inside:
            assert timers.strike(inside, timer_id, owner="me")

    writes, changed = all_or_nothing(session, strike)
    assert writes > 8
    assert {"process_timer", "process_token", "process_event", "task"} <= changed
    drawn.check(instance)


# Processes that begin by themselves.

DAILY = (("start > check > end",), {"timers": {"start": "R/2026-11-20T08:00/P1D wall"}})


def starts(session):
    session.rollback()
    rows = select(ProcessTimer.due_at).where(ProcessTimer.version_id.is_not(None))
    return list(session.scalars(rows))


def test_a_process_begins_by_itself_day_after_day(session, cast, draw):
    drawn = draw(DAILY)
    next_day = datetime(2026, 11, 24, 1, tzinfo=UTC)  # 08:00; today's moment had passed
    assert starts(session) == [next_day]

    assert drawn.work_at(next_day) == 1
    instance = session.scalars(select(ProcessInstance)).one()
    assert (instance.initiator_id, instance.started_at, instance.customer_id) == (cast.hoa.user_id, next_day, None)
    assert drawn.open(instance.id) == ["check"]
    begun = session.scalars(select(ProcessEvent).where(ProcessEvent.kind == "instance_started")).one()
    assert begun.actor_id is None
    assert starts(session) == [next_day + timedelta(days=1)]
    drawn.check(instance.id)

    # Three days without a worker: one instance, not three.
    assert drawn.work_at(next_day + timedelta(days=3, hours=1)) == 1
    assert starts(session) == [next_day + timedelta(days=4)]


def test_a_new_version_takes_over_the_clock(session, cast, draw):
    drawn = draw(DAILY)
    drawn.publish("start > look > end", by=cast.hoa, timers={"start": "R/P1D wall"})
    assert starts(session) == [MONDAY + timedelta(days=1)]

    drawn.work_at(MONDAY + timedelta(days=1))
    assert drawn.open(session.scalars(select(ProcessInstance.id)).one()) == ["look"]
    drawn.publish("start > look > end", by=cast.hoa)
    assert starts(session) == []


def test_a_retired_process_begins_no_more_until_it_is_used_again(session, cast, draw):
    drawn = draw(DAILY)
    before = starts(session)

    def change(verb):
        with transaction(cast.hoa) as inside:
            verb(inside, queries.process_by_code(inside, drawn.code), by=cast.hoa)

    change(drawing.retire_process)
    assert starts(session) == []
    change(drawing.bring_back_process)
    assert starts(session) == before


def test_a_process_that_begins_once(session, draw):
    drawn = draw((("start > check > end",), {"timers": {"start": "2026-12-01"}}))
    day = datetime(2026, 11, 30, 17, tzinfo=UTC)
    assert starts(session) == [day]

    assert drawn.work_at(day) == 1
    assert starts(session) == []


def test_a_moment_that_had_passed_when_it_was_published_begins_nothing(session, draw):
    draw((("start > check > end",), {"timers": {"start": "2026-11-01"}}))

    assert starts(session) == []


def test_when_the_publisher_has_left_an_administrator_is_named(session, cast, draw):
    drawn = draw(DAILY)
    with transaction(SYSTEM) as inside:
        inside.get_one(Member, cast.hoa.user_id).user.active = False
        other = inside.get_one(Member, cast.minh.user_id)
        other.user.roles.append(inside.scalars(select(Role).where(Role.name == "Admin")).one())
    drawn.work_at(datetime(2026, 11, 24, 1, tzinfo=UTC))

    assert session.scalars(select(ProcessInstance.initiator_id)).one() == cast.minh.user_id
