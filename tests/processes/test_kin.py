"""Runs within runs, where several things happen at once: nothing is begun in vain, and nothing goes round for ever."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core import clock, links
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers.models import TimelineEntry
from app.processes import drawing, queries, services
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessCall, ProcessEvent, ProcessInstance
from app.tasks.services import end_grants_of, return_task
from tests.cast import Cast
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import bpmn
from tests.processes.test_calling import CHILD, Pair
from tests.story import MONDAY, Story

CALL = {"calls": {"call": CHILD}}
LOOP = ("start > ask > xor1 > serve > many > xor2", "xor2 > xor1 if go = 1", "xor2 > end by default")


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(MONDAY):
        yield


@pytest.mark.both_databases
def test_what_a_process_does_by_itself_in_a_circle_stops_it(session, cast, story):
    drawn = Drawn(session, cast, *LOOP, services={"serve": "set field='customer.note' value='said'"},
                  many={"many": 'collection="nothing"'})  # fmt: skip
    instance = drawn.start(story.customer_id, go=1, said="Khách dễ tính")
    drawn.finish(instance, "ask")
    assert drawn.instance(instance).incident == "automatic_loop"
    drawn.check(instance)
    stopped = drawn.state(instance).tokens[0].id
    with transaction(cast.hoa) as inside:
        services.correct_values(inside, instance, {"go": 0}, by=cast.hoa, reason="Vẽ sai")
        services.retry_branch(inside, instance, stopped, by=cast.hoa, reason="Đã sửa")
    assert drawn.instance(instance).status is InstanceStatus.completed


@pytest.mark.both_databases
def test_no_linked_run_begins_for_a_branch_that_another_one_has_ended(session, cast):
    """Two linked runs end at once: the first one's end leads to a third call, the second one's ends all of it."""
    with transaction(SYSTEM) as inside:
        other = drawing.create_process(inside, code="khac", name="Khác", by=SYSTEM)
        drawing.save_draft(inside, other, bpmn("start > one > end"), by=SYSTEM)
        drawing.publish_process(inside, other, by=cast.hoa)
    inner = ("start > xor1", "xor1 > end2 if bad = 1", "xor1 > end by default"), {"errors": {"end2": "TRE"}}
    pair = Pair(
        session, cast, inner,
        ("start > ask > and1 > call > call3 > and2 > end", "and1 > call2 > and2", "edge > end3"),
        calls={"call": CHILD, "call2": f'{CHILD} in="bad"', "call3": "khac"}, edges={"edge": "call2"},
        errors={"edge": "TRE"}, ends={"end3": "terminate"},
    )  # fmt: skip
    instance = pair.start(bad=1)
    with transaction(cast.hoa) as inside:
        drawing.retire_process(inside, queries.process_by_code(inside, "khac"), by=cast.hoa)
    pair.finish(instance, "ask")
    assert pair.instance(instance).status is InstanceStatus.completed


@pytest.mark.both_databases
def test_what_was_paused_by_hand_goes_on_by_hand(session, cast):
    pair = Pair(session, cast, (("start > one > end",), {}),
                ("start > ask > and1 > call > and2 > end", "and1 > call2 > and2"),
                calls={"call": CHILD, "call2": CHILD})  # fmt: skip
    lan = cast.lan
    instance = pair.start()
    pair.finish(instance, "ask")
    by_hand, along = session.scalars(select(ProcessCall.child_id).order_by(ProcessCall.id)).all()
    with transaction(lan) as inside:
        services.suspend_instance(inside, by_hand, by=lan, reason="Chờ kho")
        services.suspend_instance(inside, instance, by=lan, reason="Chờ khách")
    assert {pair.instance(one).status for one in (by_hand, along)} == {InstanceStatus.suspended}
    with transaction(lan) as inside:
        services.resume_instance(inside, instance, by=lan)
    assert (pair.instance(by_hand).status, pair.instance(along).status) == (
        InstanceStatus.suspended, InstanceStatus.running,
    )  # fmt: skip
    with transaction(lan) as inside:
        services.resume_instance(inside, by_hand, by=lan)
    assert pair.instance(by_hand).status is InstanceStatus.running
    pair.check(instance)


def test_people_read_why_in_their_words(app, client):
    with app.app_context():
        story = Story(db.session(), Cast(db.session()))
        arrows = ("start > ask > and1 > call > and2 > end", "and1 > b > and2")
        pair = Pair(db.session(), story.cast, (("start > one > end",), {}), arrows, **CALL)
        lan = story.cast.lan
        parent = pair.start(story.customer_id)
        pair.finish(parent, "ask")
        child = pair.called(parent)
        task, customer = pair.task(child, "one").id, story.customer_id
        beside = pair.task(parent, "b").id
        with transaction(lan) as inside:
            services.suspend_instance(inside, parent, by=lan, reason="Chờ khách")
            services.resume_instance(inside, parent, by=lan)
            return_task(inside, beside, to="ask", note="Sai đơn", by=lan)
        reasons = db.session.scalars(select(TimelineEntry.data).where(TimelineEntry.subject_id == child)).all()
        assert "@return" in {data.get("reason") for data in reasons}
    lan = client("lan")
    run, *others = (lan.get(where).text for where in (
        links.instance_path(child), links.customer_path(customer), links.task_path(task)
    ))  # fmt: skip
    assert "theo hồ sơ chính mà hồ sơ này thuộc về" in run
    assert "phải làm lại một bước trước đó" in run
    assert ["Phải làm lại một bước trước đó" in page for page in others] == [True, True]
    assert [code in page for page in (run, *others) for code in ("@caller", "@return")] == [False] * 6


def test_the_page_names_no_kin_that_its_reader_may_not_see(app, client):
    with app.app_context():
        session = db.session()
        pair = Pair(session, Cast(session))
        parent, child = pair.at_the_call()
        hoa = pair.cast.hoa
        with transaction(hoa) as inside:
            run = inside.get_one(ProcessInstance, child)
            run.initiator_id, run.team_id = hoa.user_id, None
            end_grants_of(inside, "instance", child)
        code = pair.instance(child).code
    page = client("lan").get(f"/ho-so/{parent}")
    assert page.status_code == 200
    assert code not in BeautifulSoup(page.text, "html.parser").get_text()
    assert code in client("hoa").get(f"/ho-so/{parent}").text


def test_events_tell_each_pause_as_it_was_caused(session, cast):
    pair = Pair(session, cast, (("start > one > end",), {}), ("start > ask > call > end",), **CALL)
    root, child = pair.at_the_call()
    with transaction(cast.lan) as inside:
        services.suspend_instance(inside, root, by=cast.lan, reason="Chờ khách")
    told = select(ProcessEvent.instance_id, ProcessEvent.body).where(ProcessEvent.kind == "instance_suspended")
    assert {one: body["reason"] for one, body in session.execute(told)} == {root: "Chờ khách", child: "@caller"}
