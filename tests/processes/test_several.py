"""Several people decide one step: each has a task of his own, and everybody sees who has answered and who has not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import NotAllowedError
from app.processes import queries, services, several
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessInstance
from app.tasks.models import Task, TaskState
from app.tasks.services import complete_task, reassign_task, return_task
from tests.cast import Cast
from tests.failing import all_or_nothing
from tests.processes.drawn import Drawn
from tests.story import MONDAY

# The other database daily: test_late_delivery.py, test_races.py and test_store.py.
pytestmark = pytest.mark.both_databases(slow=True)

ARROWS = ("start > ask > ok > xor1", "xor1 > pay if ok.outcome = 'approve'", "xor1 > sorry by default", "pay > end",
          "sorry > end")  # fmt: skip


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(MONDAY):
        yield


@pytest.fixture
def shown(app, client):
    """shown(act, who, address): do something, and then read a page as that person."""

    def read(act, who, address):
        with app.app_context():
            instance_id, told = act(db.session(), Cast(db.session()))
        return instance_id, told, client(who).get(address.format(instance_id))

    return read


def drawn(
    session, cast, tasks='assign="team:cskh" due="PT1H" approval="all" outcomes="approve,reject"', many="", **more
):
    return Drawn(session, cast, *ARROWS, tasks={"ok": tasks}, many={"ok": many} if many else {}, **more)


def parts(process, instance_id):
    """The tasks of the step, the oldest first."""
    process.session.rollback()
    rows = select(Task).where(Task.owner_id == instance_id, Task.step == "ok").order_by(Task.id)
    return list(process.session.scalars(rows))


def decide(process, cast, instance_id, who, outcome="approve", note=""):
    actor = cast.actor(who)
    mine = next(one for one in parts(process, instance_id) if one.assignee_id == actor.user_id and one.is_open)
    with transaction(actor) as inside:
        complete_task(inside, mine.id, by=actor, outcome=outcome, note=note)


def test_every_member_of_the_team_has_a_task_of_his_own_and_all_have_to_approve(session, cast):
    process = drawn(session, cast)
    instance_id = process.start()
    process.finish(instance_id, "ask")
    names = {one.name for one in parts(process, instance_id)}
    assert {f"ok ({cast.member('lan').name})", f"ok ({cast.member('minh').name})"} <= names
    process.check(instance_id)
    for one in parts(process, instance_id):
        assert process.open(instance_id).count("ok") > 0
        decide(process, cast, instance_id, one.assignee.user.username)
    assert process.open(instance_id) == ["pay"]
    assert process.instance(instance_id).data["ok.count_approve"] == len(names)
    process.check(instance_id)


@pytest.mark.parametrize("picker", ["round_robin", "least_open"])
def test_two_who_must_approve_are_two_although_the_rule_picks_one(session, cast, picker):
    process = drawn(session, cast, f'assign="{picker}:team:cskh" due="PT1H" approval="2" outcomes="approve,reject"')
    instance_id = process.start()
    process.finish(instance_id, "ask")
    decide(process, cast, instance_id, "lan")
    assert process.open(instance_id).count("ok") > 0
    decide(process, cast, instance_id, "minh")
    assert process.open(instance_id) == ["pay"]
    process.check(instance_id)


def test_the_page_and_programs_read_who_has_answered(shown):
    def act(session, cast):
        process = drawn(session, cast)
        instance_id = process.start()
        process.finish(instance_id, "ask")
        decide(process, cast, instance_id, "lan")
        return instance_id, len(parts(process, instance_id))

    _number, total, page = shown(act, "minh", "/ho-so/{}")
    card = BeautifulSoup(page.text, "html.parser").find("section", attrs={"aria-labelledby": "hoi-1"})
    text = card.get_text(" ", strip=True)
    assert f"1/{total} đã trả lời" in text
    assert "Đã duyệt" in text
    assert text.count("Chưa trả lời") == total - 1


def test_the_first_who_refuses_ends_it_and_the_others_are_asked_no_more(shown):
    def act(session, cast):
        process = drawn(session, cast)
        instance_id = process.start()
        process.finish(instance_id, "ask")
        (asked,) = several.asked_now(session, queries.definition_of(process.instance(instance_id).version),
                                     process.state(instance_id), parts(process, instance_id))  # fmt: skip
        assert (asked.count, asked.needed) == (0, len(asked.elements))
        decide(process, cast, instance_id, "minh", "reject", "Không đúng quy định")
        states = [one.state for one in parts(process, instance_id)]
        assert states.count(TaskState.completed) == 1
        assert states.count(TaskState.cancelled) == len(states) - 1
        assert process.open(instance_id) == ["sorry"]
        process.check(instance_id)
        return instance_id, None

    page = shown(act, "lan", "/ho-so/{}")[2]
    assert "những người khác đã quyết định" in page.text


def test_whoever_did_the_other_step_is_not_among_those_who_are_asked(session, cast):
    process = drawn(session, cast, 'assign="team:cskh" due="PT1H" approval="all" notBy="ask"')
    instance_id = process.start()
    process.finish(instance_id, "ask")
    asked = {one.assignee_id for one in parts(process, instance_id)}
    assert cast.minh.user_id in asked
    assert cast.lan.user_id not in asked


def test_nobody_decides_for_two(session, cast):
    process = drawn(session, cast)
    instance_id = process.start()
    process.finish(instance_id, "ask")
    minh = cast.minh
    decide(process, cast, instance_id, "minh")
    other = next(one for one in parts(process, instance_id) if one.is_open)
    with transaction(minh) as inside:
        reassign_task(inside, other.id, cast.member("minh"), by=minh)
    with pytest.raises(NotAllowedError), transaction(minh) as inside:
        complete_task(inside, other.id, by=minh, outcome="approve")
    process.check(instance_id)


def test_a_clock_at_its_edge_a_return_a_pause_and_a_cancel(session, cast):
    process = drawn(session, cast, timers={"edge": "PT1H wall"}, edges={"edge": "ok"})
    process.publish(*ARROWS, "edge > late > end", by=cast.hoa,
                    tasks={"ok": 'assign="team:cskh" approval="all" outcomes="approve,reject"'},
                    timers={"edge": "PT1H wall"}, edges={"edge": "ok"})  # fmt: skip
    late, back, paused = process.start(), process.start(), process.start()
    for one in (late, back, paused):
        process.finish(one, "ask")
        process.check(one)
    minh = cast.minh
    mine = next(one for one in parts(process, back) if one.assignee_id == minh.user_id)
    with transaction(minh) as inside:
        return_task(inside, mine.id, to="ask", note="Thiếu ảnh", by=minh)
    assert process.open(back) == ["ask"]
    process.check(back)
    with transaction(cast.hoa) as inside:
        services.suspend_instance(inside, paused, by=cast.hoa, reason="Chờ khách")
    assert process.work_at(MONDAY + timedelta(hours=2)) == 1
    assert process.open(late) == ["late"]
    with transaction(cast.hoa) as inside:
        services.cancel_instance(inside, paused, by=cast.hoa, reason="Thôi")
    assert process.open(paused) == []
    assert process.instance(paused).status is InstanceStatus.cancelled
    for one in (late, back, paused):
        process.check(one)


def test_one_after_the_other_for_each_part_of_an_answer(session, cast):
    process = drawn(session, cast, 'assign="initiator" due="PT1H"', 'sequential collection="3"')
    instance_id = process.start()
    process.finish(instance_id, "ask")
    for number in range(1, 4):
        assert [one.name for one in parts(process, instance_id) if one.is_open] == [f"ok ({number}/3)"]
        process.finish(instance_id, "ok")
        process.check(instance_id)
    assert process.instance(instance_id).data["ok.count"] == 3


def test_asking_several_and_deciding_happens_as_a_whole_or_not_at_all(session, cast):
    process = drawn(session, cast)
    instance_id = process.start()
    task_id, lan = process.task(instance_id, "ask").id, cast.lan

    def ask() -> None:
        with transaction(lan) as inside:
            complete_task(inside, task_id, by=lan)

    writes, changed = all_or_nothing(session, ask)
    assert writes > 10
    assert {"task", "process_token", "process_event"} <= changed
    decided = next(one for one in parts(process, instance_id) if one.assignee_id == lan.user_id).id

    def refuse() -> None:
        with transaction(lan) as inside:
            complete_task(inside, decided, by=lan, outcome="reject", note="Không")

    all_or_nothing(session, refuse)
    process.check(instance_id)


def test_whom_a_field_names_is_asked_as_it_was_answered_just_now(session, cast):
    process = drawn(session, cast)
    process.publish("start > ok > end", by=cast.hoa, tasks={"ok": 'assign="field:who" due="PT1H" approval="all"'})
    instance_id = process.start(who="minh")
    assert [one.assignee_id for one in parts(process, instance_id)] == [cast.minh.user_id]


def test_where_the_rule_finds_nobody_an_administrator_has_to_look(session, cast):
    process = drawn(session, cast, 'assign="head" due="PT1H" approval="all"')
    instance_id = process.start()
    with transaction() as inside:
        inside.get_one(ProcessInstance, instance_id).team_id = None
    process.finish(instance_id, "ask")
    assert (process.open(instance_id), process.instance(instance_id).incident) == ([], "nobody_to_ask")
    process.check(instance_id)
