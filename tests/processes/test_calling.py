"""A process calls another one: what happens to one of them happens to the other, in the same transaction."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import event, select, update

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.errors import ConflictError
from app.processes import drawing, family, queries, services
from app.processes.drawing import ProcessNotPublishableError
from app.processes.engine.state import InstanceStatus
from app.processes.family import CallerPausedError
from app.processes.models import ProcessCall, ProcessInstance
from app.tasks.models import Task, TaskState
from app.tasks.services import complete_task, return_task
from tests.cast import Cast
from tests.failing import all_or_nothing
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import bpmn
from tests.story import MONDAY
from tests.threads import at_once

# On the other database daily what people do at once; the rest is the same code there.
pytestmark = pytest.mark.both_databases(slow=True)

CHILD = "kiem-tra"
PARENT = ("start > ask > call > look > end", "edge > chase > end")
CAUGHT = {"calls": {"call": f'{CHILD} in="amount" out="result"'}, "edges": {"edge": "call"}, "errors": {"edge": "TRE"}}
INNER = (
    ("start > one > two > xor1", "xor1 > end if result = 'ok'", "xor1 > end2 by default"),
    {"errors": {"end2": "TRE"}},
)


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(MONDAY):
        yield


class Pair(Drawn):
    """A process that calls another one."""

    def __init__(self, session, cast, inner=INNER, arrows=PARENT, **more):
        with transaction(SYSTEM) as inside:
            drawing.create_process(inside, code=CHILD, name="Kiểm tra kho", by=SYSTEM)
        self.session, self.cast = session, cast
        self.publish_inner(*inner[0], **inner[1])
        super().__init__(session, cast, *arrows, **(more or CAUGHT))

    def publish_inner(self, *arrows, **more):
        self.code, code = CHILD, self.code
        self.publish(*arrows, by=self.cast.hoa, **more)
        self.code = code

    def called(self, instance_id):
        """The linked run that began last."""
        self.session.rollback()
        rows = select(ProcessCall.child_id).where(ProcessCall.parent_id == instance_id).order_by(ProcessCall.id.desc())
        return self.session.scalars(rows.limit(1)).one()

    def at_the_call(self, **data):
        instance_id = self.start(**data)
        self.finish(instance_id, "ask")
        return instance_id, self.called(instance_id)

    def check(self, instance_id):
        """As ever; and every branch that waits for a linked run has exactly one that goes on."""
        super().check(instance_id)
        calls = self.session.execute(
            select(ProcessCall.token, ProcessInstance.status, ProcessInstance.id)
            .join(ProcessInstance, ProcessInstance.id == ProcessCall.child_id)
            .where(ProcessCall.parent_id == instance_id)
        ).all()
        live = sorted(
            token for token, status, _id in calls if status in (InstanceStatus.running, InstanceStatus.suspended)
        )
        assert live == sorted(
            one.id for one in self.state(instance_id).tokens if one.node.startswith("call") and one.state == "listening"
        )
        for _token, _status, child_id in calls:
            self.check(child_id)


def finish(pair, instance_id, step, **values):
    """Finish a step of a process without a form, with these values put into the data by an admin before."""
    hoa = pair.cast.hoa
    if values:
        with transaction(hoa) as inside:
            services.correct_values(inside, instance_id, values, by=hoa, reason="thử")
    pair.finish(instance_id, step)


def test_the_linked_run_begins_with_what_is_handed_on_and_its_end_goes_on_here(session, cast):
    pair = Pair(session, cast)
    instance_id, child = pair.at_the_call(amount=5, secret="x")
    pair.check(instance_id)
    assert pair.open(instance_id) == []
    assert pair.instance(child).data == {"amount": 5, "start.amount": 5}
    finish(pair, child, "one", result="ok")
    pair.finish(child, "two")
    assert pair.instance(child).status is InstanceStatus.completed
    assert pair.open(instance_id) == ["look"]
    assert pair.instance(instance_id).data["call.result"] == "ok"
    pair.check(instance_id)


def test_a_linked_run_that_is_called_off_while_its_caller_is_paused_is_told_when_that_one_goes_on(session, cast):
    pair = Pair(session, cast)
    instance_id, child = pair.at_the_call(amount=5)
    lan = cast.lan
    with transaction(lan) as inside:
        services.suspend_instance(inside, instance_id, by=lan, reason="Chờ kho")
    with transaction(lan) as inside:
        services.cancel_instance(inside, child, by=lan, reason="Khách đổi ý")
    assert pair.instance(child).status is InstanceStatus.cancelled
    assert (pair.instance(instance_id).status, pair.instance(instance_id).incident) == (InstanceStatus.suspended, None)
    with transaction(lan) as inside:
        services.resume_instance(inside, instance_id, by=lan)
    assert pair.instance(instance_id).incident == "call_cancelled"
    pair.check(instance_id)


def test_a_loop_around_a_linked_process_costs_the_same_each_turn(session, cast):
    pair = Pair(session, cast, (("start > end",), {}), ("start > ask > call > again > xor1", "xor1 > ask if amount > 0",
                "xor1 > end by default"), calls={"call": f"{CHILD} in=\"amount\""})  # fmt: skip
    instance_id, asked = pair.start(amount=1), []

    def turn():
        pair.finish(instance_id, "ask")
        task_id = pair.task(instance_id, "again").id
        asked.append(0)
        with transaction(cast.lan) as inside:
            complete_task(inside, task_id, by=cast.lan)

    def count(*_about):
        if asked:
            asked[-1] += 1

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        for _turn in range(5):
            turn()
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    assert asked[-1] <= asked[1]


def test_an_error_of_the_linked_run_is_caught_at_the_edge(session, cast):
    pair = Pair(session, cast)
    instance_id, child = pair.at_the_call()
    pair.finish(child, "one")
    pair.finish(child, "two")
    assert pair.instance(child).status is InstanceStatus.failed
    assert pair.open(instance_id) == ["chase"]
    pair.check(instance_id)


def test_an_error_that_nothing_catches_and_a_linked_run_called_off_need_an_admin(session, cast):
    pair = Pair(session, cast, INNER, ("start > ask > call > look > end",), calls={"call": CHILD})
    hoa = cast.hoa
    instance_id, child = pair.at_the_call()
    pair.finish(child, "one")
    pair.finish(child, "two")
    assert pair.instance(instance_id).incident == "call_failed"
    (stopped,) = pair.state(instance_id).tokens
    with transaction(hoa) as inside:
        services.retry_branch(inside, instance_id, stopped.id, by=hoa, reason="làm lại")
    again = pair.called(instance_id)
    assert again != child
    with transaction(hoa) as inside:
        services.cancel_instance(inside, again, by=hoa, reason="nhầm")
    assert pair.instance(instance_id).incident == "call_cancelled"
    pair.check(instance_id)


def test_cancel_pause_and_resume_reach_the_linked_runs_of_linked_runs(session, cast):
    pair = Pair(session, cast, (("start > xor1", "xor1 > call if deep = 1", "xor1 > one by default", "call > end",
                                 "one > end"), {"calls": {"call": CHILD}}),
                ("start > ask > call > look > end",), calls={"call": f'{CHILD} in="deep"'})  # fmt: skip
    hoa = cast.hoa
    root, middle = pair.at_the_call(deep=1)
    leaf = pair.called(middle)
    pair.check(root)
    with transaction(hoa) as inside:
        services.suspend_instance(inside, root, by=hoa, reason="chờ")
    assert {pair.instance(one).status for one in (root, middle, leaf)} == {InstanceStatus.suspended}
    with pytest.raises(ConflictError):
        pair.finish(leaf, "one")
    with pytest.raises(CallerPausedError), transaction(hoa) as inside:
        services.resume_instance(inside, leaf, by=hoa)
    with transaction(hoa) as inside:
        services.resume_instance(inside, root, by=hoa)
    assert {pair.instance(one).status for one in (root, middle, leaf)} == {InstanceStatus.running}
    with transaction(hoa) as inside:
        services.cancel_instance(inside, root, by=hoa, reason="khách thôi")
    assert {pair.instance(one).status for one in (root, middle, leaf)} == {InstanceStatus.cancelled}
    assert pair.task(leaf, "one").state is TaskState.cancelled
    pair.check(root)


def test_a_step_is_sent_back_inside_and_the_call_itself_is_withdrawn_by_a_return(session, cast):
    pair = Pair(
        session, cast, INNER, ("start > ask > and1 > call > and2 > end", "and1 > b > and2"), calls={"call": CHILD}
    )
    lan = cast.lan
    instance_id, child = pair.at_the_call()
    pair.finish(child, "one")
    two = pair.task(child, "two").id
    with transaction(lan) as inside:
        return_task(inside, two, to="one", note="thiếu ảnh", by=lan)
    assert pair.open(child) == ["one"]
    assert pair.task(child, "one").attempt == 2
    pair.check(instance_id)
    beside = pair.task(instance_id, "b").id
    with transaction(lan) as inside:
        return_task(inside, beside, to="ask", note="sai đơn", by=lan)
    assert pair.instance(child).status is InstanceStatus.cancelled
    assert pair.open(instance_id) == ["ask"]
    pair.check(instance_id)


@pytest.mark.parametrize(("version", "step"), [("latest", "new"), ("pinned", "one")])
def test_the_version_is_the_newest_or_the_one_that_was_pinned(session, cast, version, step):
    pair = Pair(session, cast, INNER, ("start > ask > call > end",), calls={"call": f'{CHILD} version="{version}"'})
    pair.publish_inner("start > new > end")
    _instance_id, child = pair.at_the_call()
    assert pair.open(child) == [step]


def test_a_process_may_call_itself_but_not_without_end(session, cast):
    pair = Pair(session, cast, (("start > call > end",), {"calls": {"call": CHILD}}), ("start > ask > call > end",),
                calls={"call": CHILD})  # fmt: skip
    instance_id, _child = pair.at_the_call()
    depths = sorted(session.scalars(select(ProcessCall.depth)))
    assert depths == list(range(1, 21))
    incidents = session.scalars(select(ProcessInstance.incident).where(ProcessInstance.incident.is_not(None))).all()
    assert incidents == ["call_too_deep"]
    with transaction(cast.hoa) as inside:
        services.cancel_instance(inside, instance_id, by=cast.hoa, reason="vẽ sai")
    assert session.scalars(select(ProcessInstance.id).where(ProcessInstance.ended_at.is_(None))).all() == []


def test_linked_runs_that_end_by_themselves_in_a_circle_stop_it(session, cast):
    pair = Pair(session, cast, (("start > end",), {}), ("start > ask > xor1 > call > xor2", "xor2 > xor1 if go = 1",
                "xor2 > end by default"), calls={"call": CHILD})  # fmt: skip
    instance_id = pair.start(go=1)
    pair.finish(instance_id, "ask")
    assert pair.instance(instance_id).incident == "automatic_loop"


def test_who_calls_nothing_that_can_be_called_cannot_be_published(session, cast):
    hoa = cast.hoa
    for called, code in (("khong-co", "unknown-process"), ("chua-xong", "process-not-published")):
        with transaction(SYSTEM) as inside:
            process = drawing.create_process(inside, code=f"goi-{called}", name="Gọi", by=SYSTEM)
            if code == "process-not-published":
                drawing.create_process(inside, code=called, name="Chưa xong", by=SYSTEM)
        with transaction(hoa) as inside:
            process = inside.merge(process)
            drawing.save_draft(inside, process, bpmn("start > call > end", calls={"call": called}), by=hoa)
        with pytest.raises(ProcessNotPublishableError) as refused, transaction(hoa) as inside:
            drawing.publish_process(inside, inside.merge(process), by=hoa)
        assert [problem.code for problem in refused.value.problems] == [code]


def test_both_pages_lead_to_the_other_and_programs_read_it(app, client, token):
    with app.app_context():
        parent, child = Pair(db.session(), Cast(db.session())).at_the_call()
    lan = client("lan")
    assert f'href="/ho-so/{child}"' in lan.get(f"/ho-so/{parent}").text
    assert f'href="/ho-so/{parent}"' in lan.get(f"/ho-so/{child}").text
    shown = app.test_client().get(f"/api/v1/instances/{parent}", headers=token("lan")).json
    assert [(one["id"], one["process"], one["status"]) for one in shown["children"]] == [(child, CHILD, "running")]
    shown = app.test_client().get(f"/api/v1/instances/{child}", headers=token("lan")).json
    assert shown["parent"]["id"] == parent


def test_of_many_that_it_called_the_newest_are_told_and_how_many_there_are(app, client, token, monkeypatch):
    with app.app_context():
        pair = Pair(db.session(), Cast(db.session()))
        parent, first = pair.at_the_call()
        others = [pair.at_the_call()[1] for _one in range(3)]
        with transaction() as inside:
            moved = update(ProcessCall).where(ProcessCall.child_id.in_(others))
            inside.execute(moved.values(parent_id=parent, root_id=parent))
    monkeypatch.setattr(family, "MOST_SHOWN", 2)
    page = BeautifulSoup(client("lan").get(f"/ho-so/{parent}").text, "lxml")
    box = page.select_one("[aria-labelledby=lien-ket]")
    assert [one["href"] for one in box.select("a")] == [f"/ho-so/{one}" for one in others[1:]]
    assert box.select_one(".tt-tag").text == "4"
    assert "và 2 hồ sơ trước đó" in box.text
    program, headers = app.test_client(), token("lan")
    shown = program.get(f"/api/v1/instances/{parent}", headers=headers).json
    assert ([one["id"] for one in shown["children"]], shown["children_count"]) == (others[1:], 4)
    rest = program.get(f"/api/v1/instances/?parent={parent}&order=id", headers=headers).json
    assert [one["id"] for one in rest["result"]] == [first, *others]


def test_the_end_of_a_linked_run_happens_as_a_whole_or_not_at_all(session, cast):
    pair = Pair(session, cast)
    lan = cast.lan
    instance_id = pair.start()
    task_id = pair.task(instance_id, "ask").id

    def begin():
        with transaction(lan) as inside:
            complete_task(inside, task_id, by=lan)

    _writes, changed = all_or_nothing(session, begin)
    assert {"process_call", "process_instance", "task", "process_event"} <= changed
    child = pair.called(instance_id)
    finish(pair, child, "one", result="ok")
    last = pair.task(child, "two").id

    def end():
        with transaction(lan) as inside:
            complete_task(inside, last, by=lan)

    all_or_nothing(session, end)
    assert pair.open(instance_id) == ["look"]
    pair.check(instance_id)


@pytest.mark.both_databases
def test_the_end_of_the_linked_run_and_a_cancel_of_its_caller_wait_for_each_other(app, session, cast):
    pair = Pair(session, cast)
    lan, hoa = cast.lan, cast.hoa
    instance_id, child = pair.at_the_call()
    finish(pair, child, "one", result="ok")
    last = pair.task(child, "two").id
    session.rollback()

    def end():
        with transaction(lan) as inside:
            complete_task(inside, last, by=lan)

    def cancel():
        with transaction(hoa) as inside:
            services.cancel_instance(inside, instance_id, by=hoa, reason="thôi")

    at_once(app, [end, cancel])
    assert pair.instance(instance_id).status is InstanceStatus.cancelled
    assert pair.instance(child).status in (InstanceStatus.completed, InstanceStatus.cancelled)
    assert session.scalars(select(Task.id).where(Task.state.in_(["ready", "claimed"]))).all() == []
    pair.check(instance_id)


LANES = """<laneSet id="l"><lane id="kho" name="Kho" tt:role="Manager"><flowNodeRef>call</flowNodeRef></lane>
    <lane id="cskh" name="CSKH" tt:role="Staff"><flowNodeRef>ask</flowNodeRef></lane></laneSet>"""
OWN = '<laneSet id="m"><lane id="in" tt:role="Staff"><flowNodeRef>one</flowNodeRef></lane></laneSet>'
OPEN = {"one": 'due="PT1H"', "ask": 'due="PT1H"', "two": 'due="PT1H" approval="all" outcomes="approve,reject"'}


class Family(Drawn):
    """cha calls con, con calls chau; only cha has lanes, unless con gets some."""

    def __init__(self, session, cast, own=""):
        self.session, self.cast = session, cast
        self.draw("chau", "start > two > xor1", "xor1 > end if two.outcome = 'approve'", "xor1 > end2 by default")
        self.draw("con", "start > one > call > end", calls={"call": "chau"}, inside=own)

    def draw(self, code, *arrows, **more):
        by = self.cast.hoa
        with transaction(by) as inside:
            process = drawing.create_process(inside, code=code, name=code, by=by)
            drawing.save_draft(inside, process, bpmn(*arrows, tasks=OPEN, **more), by=by)

    def publish(self, code):
        """The codes of what it warns of."""
        with transaction(self.cast.hoa) as inside:
            process = queries.process_by_code(inside, code)
            return [one.code for one in drawing.publish_process(inside, process, by=self.cast.hoa)[1]]

    def called(self, instance_id):
        self.session.rollback()
        rows = select(ProcessCall.child_id).where(ProcessCall.parent_id == instance_id)
        return self.session.scalars(rows).one()

    def offered(self, instance_id, step):
        """Of its tasks: to which role, or to whom."""
        self.session.rollback()
        rows = select(Task).where(Task.owner_id == instance_id, Task.step == step).order_by(Task.id)
        return [one.offered_role or one.assignee.user.username for one in self.session.scalars(rows)]


def test_without_lanes_of_its_own_it_is_done_in_the_lane_from_which_it_is_called(session, cast):
    family = Family(session, cast)
    with pytest.raises(ProcessNotPublishableError) as refused:
        family.publish("chau")  # no lane stands behind it yet
    assert "no-assignee" in {one.code for one in refused.value.problems}
    family.draw("cha", "start > ask > call > end", calls={"call": "con"}, inside=LANES)
    assert [family.publish(code) for code in ("chau", "con", "cha")] == [["callers-lane"], ["callers-lane"], []]

    family.code = "cha"
    instance_id = family.start()
    assert family.offered(instance_id, "ask") == ["Staff"]
    family.finish(instance_id, "ask")
    child = family.called(instance_id)
    assert family.offered(child, "one") == ["Manager"]
    family.finish(child, "one", who="minh")
    # Where several are asked it is everybody in the lane's role.
    assert set(family.offered(family.called(child), "two")) >= {"minh", "binh"}

    family.code = "con"
    by_hand = family.start()
    assert family.task(by_hand, "one").nobody_found


def test_its_own_lanes_come_before_those_of_whoever_calls_it(session, cast):
    family = Family(session, cast, OWN.replace("one</flowNodeRef>", "one</flowNodeRef><flowNodeRef>call</flowNodeRef>"))
    family.draw("cha", "start > ask > call > end", calls={"call": "con"}, inside=LANES)
    assert [family.publish(code) for code in ("chau", "con", "cha")] == [["callers-lane"], [], []]
    family.code = "cha"
    instance_id = family.start()
    family.finish(instance_id, "ask")
    assert family.offered(family.called(instance_id), "one") == ["Staff"]
