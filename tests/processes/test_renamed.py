"""A step is called otherwise in the version to which a run is moved: what stands still there, and whose turn it was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.db import transaction
from app.processes import jobs, receivers, services, stopped
from app.processes.models import ProcessInstance, ProcessRequest, ProcessTimer
from app.security.queries import members_of_team
from tests.processes.drawn import Drawn
from tests.processes.test_migrating import move, published
from tests.receiver import receiver_here
from tests.story import MONDAY

pytestmark = pytest.mark.both_databases

WEBHOOK = "http receiver='kho' takes='stock=result.count'"
TURNS = 'assign="round_robin:team:cskh" due="PT1H"'


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(MONDAY):
        yield


@pytest.fixture
def draw(session, cast):
    return lambda *arrows, **more: Drawn(session, cast, *arrows, **more)


def stop(drawn, instance):
    drawn.session.rollback()
    row = drawn.session.get_one(ProcessInstance, instance, populate_existing=True)
    return next(iter(stopped.stops(drawn.session, row)), None)


def again(drawn, instance):
    token = stop(drawn, instance).token
    with transaction(drawn.cast.hoa) as inside:
        services.retry_branch(inside, instance, token, by=drawn.cast.hoa, reason="Đã sửa")


def lead(drawn, instance, flow):
    token = stop(drawn, instance).token
    with transaction(drawn.cast.hoa) as inside:
        services.lead_branch(inside, instance, token, flow, by=drawn.cast.hoa, reason="Đi tiếp")


def choice(name, steps):
    return f"start > ask > {name}", f"{name} > pay if amount > {steps}", "pay > end"


def test_a_choice_that_stands_still_is_tried_again_or_led_on_by_its_new_name(draw):
    drawn = draw(*choice("xor1", 5), undecided=True)
    tried, led = drawn.start(amount=3), drawn.start(amount=3)
    for one in (tried, led):
        drawn.finish(one, "ask")
    published(drawn, *choice("xor9", 2), undecided=True)
    for one in (tried, led):
        before = stop(drawn, one)
        move(drawn, one, 2, names={"xor1": "xor9"})
        after = stop(drawn, one)
        assert (after.token, after.node, after.code, after.since) == (
            before.token, "xor9", "no_way_chosen", before.since,
        )  # fmt: skip
        drawn.check(one)
    again(drawn, tried)
    lead(drawn, led, stop(drawn, led).ways[0][0])
    for one in (tried, led):
        assert drawn.open(one) == ["pay"]
        assert drawn.instance(one).incident is None
        drawn.check(one)


def test_a_program_that_was_asked_in_vain_is_asked_again_under_the_same_number(draw, cast):
    with receiver_here() as kho:
        kho.says(404, {})
        with transaction(cast.hoa) as inside:
            receivers.save(inside, None, code="kho", name="Kho", url=kho.url, may_be_inside=True, by=cast.hoa)
        drawn = draw("start > ask > serve > pay > end", services={"serve": WEBHOOK})
        tried, led = drawn.start(), drawn.start()
        for one in (tried, led):
            drawn.finish(one, "ask")
        drawn.session.rollback()
        jobs.ask_outside()
        keys = {row.instance_id: row.key for row in drawn.session.scalars(select(ProcessRequest))}
        published(drawn, "start > ask > serve9 > pay > end", services={"serve9": WEBHOOK})
        for one in (tried, led):
            move(drawn, one, 2, names={"serve": "serve9"})
            assert (stop(drawn, one).node, stop(drawn, one).code) == ("serve9", "webhook_failed")
            drawn.check(one)
        kho.says(200, {"result": {"count": 7}})
        again(drawn, tried)
        drawn.session.rollback()
        jobs.ask_outside()
        lead(drawn, led, stop(drawn, led).ways[0][0])
        *both, once_more = [heard.headers["Idempotency-Key"] for heard in kho.heard]  # both at once, in either order
        assert sorted(both) == sorted([keys[tried], keys[led]])
        assert once_more == keys[tried]
    for one in (tried, led):
        assert drawn.open(one) == ["pay"]
        drawn.check(one)
    assert drawn.instance(tried).data["stock"] == 7


def test_a_clock_that_was_given_up_strikes_by_its_new_name(draw, monkeypatch):
    clock_at = {"edges": {"edge1": "ask"}, "timers": {"edge1": "PT1H wall"}}
    drawn = draw("start > ask > end", "edge1 > late > end", **clock_at)
    instance = drawn.start()
    with transaction() as inside:
        inside.execute(update(ProcessTimer).values(attempts=ProcessTimer.max_attempts - 1))
    with monkeypatch.context() as broken:
        broken.setattr("app.processes.timers.strike", lambda *_a, **_k: 1 / 0)
        drawn.work_at(MONDAY + timedelta(hours=3))
    published(
        drawn, "start > receive > end", "edge9 > late > end", edges={"edge9": "receive"}, timers={"edge9": "PT1H wall"}
    )
    move(drawn, instance, 2, names={"ask": "receive", "edge1": "edge9"})
    drawn.session.rollback()
    row = drawn.session.get_one(ProcessInstance, instance, populate_existing=True)
    (given_up,) = stopped.clocks_given_up(drawn.session, [instance])
    assert (row.incident, given_up.node) == ("clock_failed", "edge9")
    number = given_up.number
    with transaction(drawn.cast.hoa) as inside:
        services.retry_clock(inside, instance, number, by=drawn.cast.hoa, reason="Đã sửa")
    assert drawn.work_at(MONDAY + timedelta(hours=3)) == 1
    assert (drawn.open(instance), drawn.instance(instance).incident) == (["late"], None)
    drawn.check(instance)


def test_taking_turns_goes_on_where_it_was_at_the_renamed_step(draw, cast):
    drawn = draw("start > ask > end", tasks={"ask": TURNS})
    members = sorted(one.id for one in members_of_team(drawn.session, cast.team("cskh").id))
    first = drawn.start()
    published(drawn, "start > receive > end", tasks={"receive": TURNS})
    move(drawn, first, 2, names={"ask": "receive"})
    second = drawn.start()
    # Whoever comes to the new version later, while turns are taken there, does not set them back.
    move(drawn, first, 1, names={"receive": "ask"})
    move(drawn, first, 2, names={"ask": "receive"})
    third = drawn.start()
    held = [drawn.task(one, "receive").assignee_id for one in (first, second, third)]
    assert held == (members * 3)[:3]
    assert len(members) > 1
