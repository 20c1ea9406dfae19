"""Messages in the database: each is taken once, by one instance, whoever comes first, twice, too early or too late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.errors import InvalidInputError
from app.processes import drawing, jobs, messages, queries, services
from app.processes.engine.state import InstanceStatus
from app.processes.messages import Arrival, UsedEventError
from app.processes.models import MessageState, ProcessInstance, ProcessMessage, ProcessSubscription
from tests.failing import all_or_nothing
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import bpmn
from tests.story import MONDAY
from tests.threads import at_once

# On the other database daily what people do at once; the rest is the same code there.
pytestmark = pytest.mark.both_databases(slow=True)
HOUR = timedelta(hours=1)
HEARING = (("start > ask > hear > call > end",), {"messages": {"hear": "paid order_code amount"}})
FIRST = (
    ("start > ask > race1", "race1 > wait1 > chase > xor1", "race1 > hear2 > xor1", "xor1 > end"),
    {"timers": {"wait1": "PT1H wall"}, "messages": {"hear2": "paid order_code"}},
)
BEGINNING = (("start > call > end",), {"messages": {"start": "complained - text"}})


@pytest.fixture
def draw(session, cast):
    with clock.at(MONDAY):
        yield lambda drawing: Drawn(session, cast, *drawing[0], **drawing[1])


def tell(event="1", name="paid", key="DH-7", **more):
    with transaction(SYSTEM) as inside:
        told, is_new = messages.deliver(inside, Arrival("shop", event, name, key, **more), by=SYSTEM)
        return told.state, told.instance_id, is_new


def kept(session):
    session.rollback()
    return [one.event_id for one in session.scalars(select(ProcessMessage).order_by(ProcessMessage.id))
            if one.state is MessageState.kept]  # fmt: skip


def test_a_message_goes_on_with_whoever_waits_for_it_longest(session, draw):
    drawn = draw(HEARING)
    first, second, other = drawn.start(order_code="DH-7"), drawn.start(order_code="DH-7"), drawn.start(order_code="8")
    for one in (second, first, other):
        drawn.finish(one, "ask")
    assert tell(values={"amount": 5, "secret": "x"}) == (MessageState.taken, second, True)
    assert [drawn.open(one) for one in (first, second, other)] == [[], ["call"], []]
    assert drawn.instance(second).data["amount"] == 5
    assert "secret" not in drawn.instance(second).data
    assert tell("2", key=8) == (MessageState.taken, other, True)
    assert session.scalars(select(ProcessMessage.values)).all() == [{}, {}]
    for one in (first, second, other):
        drawn.check(one)


def test_what_comes_before_it_is_waited_for_is_kept_and_taken_at_once(session, draw):
    drawn = draw(HEARING)
    assert tell(values={"amount": 5})[0] is MessageState.kept
    instance = drawn.start(order_code="DH-7")
    drawn.finish(instance, "ask")
    assert drawn.open(instance) == ["call"]
    assert (drawn.instance(instance).data["amount"], kept(session)) == (5, [])
    drawn.check(instance)


def test_what_nobody_takes_goes_after_its_time(session, draw):
    drawn = draw(HEARING)
    tell(ttl="PT2H")
    tell("2", ttl="P3D")
    with clock.at(MONDAY + 2 * HOUR):
        instance = drawn.start(order_code="DH-7")
        drawn.finish(instance, "ask")
        assert drawn.open(instance) == ["call"]  # the second one; the first one's time is over
        assert kept(session) == ["1"]
        session.rollback()
        assert jobs.hand_over_messages() == 0
        assert kept(session) == []


def test_the_same_event_is_taken_once(session, draw):
    drawn = draw(HEARING)
    one, two = drawn.start(order_code="DH-7"), drawn.start(order_code="DH-7")
    drawn.finish(one, "ask")
    drawn.finish(two, "ask")
    assert tell() == (MessageState.taken, one, True)
    assert tell() == (MessageState.taken, one, False)
    assert [drawn.open(one), drawn.open(two)] == [["call"], []]
    with pytest.raises(UsedEventError):
        tell(key="DH-8")
    with transaction() as inside:
        messages.forget(inside, at=MONDAY + messages.REMEMBERED_FOR - HOUR)
    assert tell()[2] is False


@pytest.mark.both_databases
def test_eight_times_the_same_event_at_once_and_two_events_for_one_who_waits(app, session, draw):
    drawn = draw(HEARING)
    instance = drawn.start(order_code="DH-7")
    drawn.finish(instance, "ask")
    session.rollback()
    told = at_once(
        app, [*(lambda: tell("same") for _ in range(6)), lambda: tell("b"), lambda: tell("c")], moment=MONDAY
    )
    assert sum(is_new for _state, _who, is_new in told) == 3
    assert len({(state, who) for state, who, _new in told[:6]}) == 1
    assert len(kept(session)) == 2
    drawn.check(instance)
    assert drawn.open(instance) == ["call"]


def test_a_message_for_a_file_that_is_paused_waits_for_it(session, cast, draw):
    drawn = draw(HEARING)
    instance = drawn.start(order_code="DH-7")
    drawn.finish(instance, "ask")
    with transaction(cast.lan) as inside:
        services.suspend_instance(inside, instance, by=cast.lan, reason="Chờ kho")
    assert tell()[0] is MessageState.kept
    with clock.at(MONDAY + timedelta(days=3)):
        session.rollback()
        assert jobs.hand_over_messages() == 0
        assert kept(session) == ["1"]  # its time is over, but somebody waits for it
        with transaction(cast.lan) as inside:
            services.resume_instance(inside, instance, by=cast.lan)
        assert jobs.hand_over_messages() == 1
    assert drawn.open(instance) == ["call"]
    drawn.check(instance)


def test_a_message_for_a_file_that_is_paused_begins_no_other_one(session, cast, draw):
    drawn = draw((("start > hear > call > end",), {"messages": {"start": "paid", "hear": "paid order_code"}}))
    instance = drawn.start(order_code="DH-7")
    with transaction(cast.lan) as inside:
        services.suspend_instance(inside, instance, by=cast.lan, reason="Chờ kho")
    assert tell()[0] is MessageState.kept
    session.rollback()
    assert jobs.hand_over_messages() == 0
    assert session.scalars(select(ProcessMessage.attempts)).all() == [0]  # nor was that tried in vain
    session.rollback()
    with clock.at(MONDAY + timedelta(days=3)):
        with transaction(cast.lan) as inside:
            services.resume_instance(inside, instance, by=cast.lan)
        assert jobs.hand_over_messages() == 1
    assert drawn.open(instance) == ["call"]
    assert session.scalar(select(func.count(ProcessInstance.id))) == 1


def test_whoever_begins_to_wait_once_its_time_is_over_does_not_get_it(session, draw):
    drawn = draw(HEARING)
    assert tell(ttl="PT1H")[0] is MessageState.kept
    with clock.at(MONDAY + 2 * HOUR):  # the worker has not come by since
        instance = drawn.start(order_code="DH-7")
        drawn.finish(instance, "ask")
        session.rollback()
        assert jobs.hand_over_messages() == 0
    assert (drawn.open(instance), kept(session)) == ([], [])


def test_of_a_clock_and_a_message_the_first_one_wins(session, draw):
    drawn = draw(FIRST)
    early, late = drawn.start(order_code="DH-7"), drawn.start(order_code="DH-8")
    drawn.finish(early, "ask")
    drawn.finish(late, "ask")
    assert tell()[1] == early
    assert drawn.instance(early).status is InstanceStatus.completed
    assert drawn.work_at(MONDAY + HOUR) == 1
    assert drawn.open(late) == ["chase"]
    assert tell("2", key="DH-8")[0] is MessageState.kept
    assert session.scalar(select(func.count(ProcessSubscription.id))) == 0
    for one in (early, late):
        drawn.check(one)


@pytest.mark.both_databases
def test_a_message_and_a_clock_at_the_same_moment(app, session, draw):
    drawn = draw(FIRST)
    instances = [drawn.start(order_code=f"DH-{n}") for n in range(4)]
    for one in instances:
        drawn.finish(one, "ask")
    session.rollback()

    def hear():
        return sum(tell(str(n), key=f"DH-{n}")[0] is MessageState.taken for n in range(4))

    struck, heard = at_once(app, [jobs.strike_due, hear], moment=MONDAY + HOUR)
    assert struck + heard == 4
    for one in instances:
        drawn.check(one)


# ── beginning ──
def test_a_message_begins_a_process_once_with_the_values_that_it_asks_for(session, draw):
    drawn = draw(BEGINNING)
    state, instance, _new = tell(name="complained", key=None, values={"text": "Trễ", "more": 1})
    assert state is MessageState.taken
    assert tell(name="complained", key=None, values={"text": "Trễ", "more": 1}) == (state, instance, False)
    assert session.scalar(select(func.count(ProcessInstance.id))) == 1
    assert drawn.instance(instance).data == {"text": "Trễ", "start.text": "Trễ"}
    assert drawn.open(instance) == ["call"]
    drawn.check(instance)


def test_the_latest_published_version_begins(session, cast, draw):
    drawn = draw(BEGINNING)
    drawn.publish("start > other > end", by=cast.hoa, messages={"start": "complained"})
    first = tell(name="complained")[1]
    assert drawn.open(first) == ["other"]
    drawn.publish("start > other > end", by=cast.hoa)
    assert tell("2", name="complained")[0] is MessageState.kept


def test_one_message_begins_one_process(session, cast, draw):
    drawn = draw(BEGINNING)
    with transaction(SYSTEM) as inside:
        other = drawing.create_process(inside, code="khac", name="Khác", by=SYSTEM)
        drawing.save_draft(inside, other, bpmn("start > ask > end", messages={"start": "complained"}), by=SYSTEM)
    with pytest.raises(drawing.ProcessNotPublishableError) as refused, transaction(cast.hoa) as inside:
        drawing.publish_process(inside, queries.process_by_code(inside, "khac"), by=cast.hoa)
    assert [(one.code, "Thử nghiệm" in str(one.message)) for one in refused.value.problems] == [("message-taken", True)]
    with transaction(cast.hoa) as inside:
        drawing.retire_process(inside, queries.process_by_code(inside, drawn.code), by=cast.hoa)
    assert tell(name="complained")[0] is MessageState.kept


def test_what_came_before_the_process_was_published_begins_it(draw):
    assert tell(name="complained")[0] is MessageState.kept
    drawn = draw(BEGINNING)
    assert jobs.hand_over_messages() == 1
    assert len(drawn.session.scalars(select(ProcessInstance.id)).all()) == 1


def test_bad_messages_stop_nobody_and_go_when_their_time_is_over(session, draw, monkeypatch):
    draw(BEGINNING)
    for number in range(3):
        tell(str(number), name="unheard", ttl="P1D")
    bad, hand_over = set(session.scalars(select(ProcessMessage.id))), messages.hand_over_kept
    session.rollback()
    with transaction() as inside:
        for one in inside.scalars(select(ProcessMessage)):
            one.name = "complained"

    def meet(inside, message_id):
        if message_id in bad:
            raise RuntimeError("a bad row")
        return hand_over(inside, message_id)

    monkeypatch.setattr(messages, "hand_over_kept", meet)
    monkeypatch.setattr(jobs, "BATCH", 2)
    tell("good", name="unheard")
    with transaction() as inside:
        inside.scalars(select(ProcessMessage).where(ProcessMessage.event_id == "good")).one().name = "complained"
    assert (jobs.hand_over_messages(), kept(session)) == (1, ["0", "1", "2"])
    session.rollback()
    assert jobs.hand_over_messages() == 0
    assert set(session.scalars(select(ProcessMessage.attempts).where(ProcessMessage.id.in_(bad)))) == {1}, "not yet"
    for hour in range(1, 30):
        session.rollback()
        with clock.at(MONDAY + hour * HOUR):
            jobs.hand_over_messages()
    assert kept(session) == []


# ── what may not be ──
@pytest.mark.parametrize(
    ("wrong", "beside"),
    [
        ({"event": ""}, "event_id"),
        ({"event": "a\nb"}, "event_id"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"key": "x" * 201}, "key"),
        ({"values": {"a.b": 1}}, "values.a.b"),
        ({"values": {"a": [1]}}, "values.a"),
        ({"ttl": "P1M"}, "ttl"),
        ({"ttl": "P31D"}, "ttl"),
        ({"ttl": "1"}, "ttl"),
    ],
)
def test_what_cannot_be_taken_in_is_told_beside_it(session, draw, wrong, beside):
    with pytest.raises(InvalidInputError) as refused:
        tell(**wrong)
    assert list(refused.value.fields) == [beside]


def test_delivering_is_all_or_nothing(session, draw):
    drawn = draw(HEARING)
    instance = drawn.start(order_code="DH-7")
    drawn.finish(instance, "ask")
    writes, changed = all_or_nothing(session, tell)
    assert writes > 8
    assert {"process_message", "process_subscription", "process_token", "process_event", "task"} <= changed
    drawn.check(instance)
