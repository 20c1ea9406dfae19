"""Work comes back to a step: each has his own part of it again, and finds what he himself had answered."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import transaction
from app.forms import services as forms
from app.forms.rules import Answers
from app.processes import services
from app.tasks import queries as task_queries
from app.tasks.models import Task, TaskState
from app.tasks.services import complete_task, return_task
from tests.processes.drawn import Drawn
from tests.processes.test_migrating import move, published
from tests.story import MONDAY

pytestmark = pytest.mark.both_databases

FORM = {"name": "Ý kiến", "fields": [{"key": "said", "type": "text", "label": "Ý kiến"}]}
DECIDED = 'assign="team:cskh" due="PT1H" outcomes="approve,reject"'


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(MONDAY):
        yield


@pytest.fixture
def opinions(session):
    with transaction() as inside:
        form = forms.create_form(inside, code="y-kien", name="Ý kiến", by=SYSTEM)
        forms.save_draft(inside, form, FORM, by=SYSTEM)
        forms.publish_form(inside, form, by=SYSTEM)


def parts(process, instance_id, step="ok"):
    """The open tasks of the step, the oldest first."""
    process.session.rollback()
    rows = select(Task).where(Task.owner_id == instance_id, Task.step == step, Task.state.in_(OPEN)).order_by(Task.id)
    return list(process.session.scalars(rows))


OPEN = (TaskState.ready, TaskState.claimed, TaskState.in_progress)


def answer(task, who, said=None, outcome=None):
    with transaction(who) as inside:
        answers = Answers({"said": said}) if said is not None else None
        complete_task(inside, task.id, by=who, answers=answers, outcome=outcome)


def send_back(process, cast, instance_id, step="pay", to="ok"):
    lan, task = cast.lan, process.task(instance_id, step)
    with transaction(lan) as inside:
        return_task(inside, task.id, to=to, note="Thiếu ảnh", by=lan)


def test_each_of_several_finds_his_own_answers_at_the_step_that_was_renamed_by_a_move(session, cast, opinions):
    def drawing(step):
        several = {step: 'collection="team:cskh"'}
        return {"many": several, "tasks": {step: 'assign="team:cskh" due="PT1H" form="y-kien"'}}

    process = Drawn(session, cast, "start > ok > pay > end", **drawing("ok"))
    instance_id = process.start()
    for one in parts(process, instance_id):
        name = one.assignee.user.username
        answer(one, cast.actor(name), name)
    published(process, "start > agree > pay > end", **drawing("agree"))
    move(process, instance_id, 2, names={"ok": "agree"})
    send_back(process, cast, instance_id, to="agree")
    found = [(one, task_queries.answered_before(session, one)) for one in parts(process, instance_id, "agree")]
    assert len(found) > 1
    assert [before and before.answers for _one, before in found] == [
        {"said": one.assignee.user.username} for one, _before in found
    ]
    process.check(instance_id)


def test_each_of_several_finds_his_own_answers_and_nobody_elses(session, cast, opinions):
    process = Drawn(session, cast, "start > ok > pay > end", many={"ok": 'collection="team:cskh"'},
                    tasks={"ok": 'assign="team:cskh" due="PT1H" form="y-kien"'})  # fmt: skip
    instance_id = process.start()
    for turn in (1, 2):
        for one in parts(process, instance_id):
            name = one.assignee.user.username
            answer(one, cast.actor(name), f"{name} {turn}")
            process.check(instance_id)
        send_back(process, cast, instance_id)
        again = parts(process, instance_id)
        assert {one.attempt for one in again} == {turn + 1}
        found = {one.assignee.user.username: task_queries.answered_before(session, one) for one in again}
        assert {"lan", "minh"} <= set(found)
        assert {who: before.answers for who, before in found.items()} == {
            who: {"said": f"{who} {turn}"} for who in found
        }


@pytest.mark.parametrize("many", ['collection="2"', 'sequential collection="2"', 'collection="parts"'])
def test_each_part_comes_back_to_whoever_did_it(session, cast, opinions, many):
    process = Drawn(
        session, cast, "start > first > ok > pay > end", many={"ok": many}, tasks={"ok": f'{DECIDED} form="y-kien"'}
    )
    data = {"parts": ["Áo", "Quần"]} if "parts" in many else {}
    instance_id = process.start()
    if data:
        with transaction(cast.hoa) as inside:  # a list is nothing that somebody types
            services.store.lock(inside, instance_id).data = data
    process.finish(instance_id, "first")
    doers = ("minh", "lan")

    def done_by(turn):
        for position, who in enumerate(doers):
            waiting = parts(process, instance_id)
            answer(waiting[0], cast.actor(who), f"{who} {turn}.{position}", "approve")

    done_by(1)
    send_back(process, cast, instance_id)
    found = []
    while waiting := parts(process, instance_id):
        one = waiting[0]
        before = task_queries.answered_before(session, one)
        found.append((one.attempt, one.assignee.user.username, before.answers["said"]))
        answer(one, cast.actor(doers[len(found) - 1]), "again", "approve")
    assert found == [(2, "minh", "minh 1.0"), (2, "lan", "lan 1.1")]


def test_a_part_that_nobody_had_done_goes_by_the_rule(session, cast, opinions):
    process = Drawn(session, cast, "start > ok > pay > end", many={"ok": 'collection="2" rule="any"'},
                    tasks={"ok": 'assign="team:cskh" due="PT1H" form="y-kien"'})  # fmt: skip
    instance_id = process.start()
    answer(parts(process, instance_id)[1], cast.minh, "phần hai")
    send_back(process, cast, instance_id)
    first, second = parts(process, instance_id)
    assert (first.assignee_id, first.state, task_queries.answered_before(session, first)) == (None, "ready", None)
    assert (second.assignee_id, task_queries.answered_before(session, second).answers) == (
        cast.minh.user_id, {"said": "phần hai"},
    )  # fmt: skip


def test_what_was_called_off_meanwhile_hides_nothing_that_was_answered(session, cast, opinions):
    process = Drawn(session, cast, "start > first > ok > pay > end",
                    tasks={"ok": 'assign="team:cskh" due="PT1H" form="y-kien"'})  # fmt: skip
    instance_id = process.start()
    process.finish(instance_id, "first")
    answer(parts(process, instance_id)[0], cast.minh, "một")
    send_back(process, cast, instance_id)
    with transaction(cast.hoa) as inside:
        services.move_branch(inside, instance_id, "first", by=cast.hoa, reason="Nhầm", at="ok")
    with transaction(cast.hoa) as inside:
        services.move_branch(inside, instance_id, "ok", by=cast.hoa, reason="Không nhầm", at="first")
    (again,) = parts(process, instance_id)
    assert (again.attempt, again.assignee_id) == (3, cast.minh.user_id)
    assert task_queries.answered_before(session, again).answers == {"said": "một"}


def test_what_opens_because_of_a_move_goes_by_its_rule(session, cast):
    """Moved past a join that then need not wait: the step behind that join is not put there by hand."""
    process = Drawn(
        session, cast, "start > ior1", "ior1 > one", "ior1 > two", "one > ior2", "two > ior2", "ior2 > after > xor1",
        "xor1 > ior1 if again = true", "xor1 > end by default", "two > end",
        tasks={"after": 'assign="team:cskh" due="PT1H"'},
    )  # fmt: skip
    instance_id = process.start(again=True)
    for step in ("one", "two"):
        process.finish(instance_id, step)
    (after,) = parts(process, instance_id, "after")
    answer(after, cast.minh)
    process.finish(instance_id, "one")
    with transaction(cast.hoa) as inside:
        services.move_branch(inside, instance_id, "after", by=cast.hoa, reason="Gấp", at="two")
    opened = parts(process, instance_id, "after")
    assert [(one.attempt, one.assignee_id) for one in opened] == [(2, cast.minh.user_id), (1, None)]
