"""A process tells others something: once, kept while nobody waits, never in a circle; and waits for its mails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.leases import LeaseState
from app.notifications.models import Outbox
from app.processes import drawing, jobs, queries, services, stopped, telling
from app.processes.engine.bpmn import read
from app.processes.engine.events import Done, Failed, Retry, Skip, Start
from app.processes.engine.problems import Severity
from app.processes.engine.state import IncidentCode, InstanceStatus
from app.processes.models import AwaitedMail, MessageState, ProcessInstance, ProcessMessage
from app.tasks.services import complete_task
from tests.failing import all_or_nothing
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import bpmn
from tests.processes.engine.drawing import drawn as definition_of
from tests.processes.engine.running import Run
from tests.story import MONDAY

TOLD = "message name='paid' key='order' gives='amount, who=asked_by' ttl='PT2H'"
HEARING = ("start > hear > call > end",), {"messages": {"hear": "paid order amount"}}


# ── the engine ──
@pytest.mark.parametrize("element", ["throw", "send", "ende"])
def test_it_is_sent_between_steps_by_a_task_or_with_an_end(element):
    arrows = "start > ask > ende" if element == "ende" else f"start > ask > {element} > call > end"
    run = Run(definition_of(arrows, services={element: TOLD}), Start({"order": "DH-7"})).finish("ask")
    assert (run.open, run.heard) == ([], [])
    assert run.last[-1].__class__.__name__ == "BeginErrand"
    run.do(Done(run.token(element)))
    assert run.open == ([] if element == "ende" else ["call"])
    assert run.state.status is (InstanceStatus.completed if element == "ende" else InstanceStatus.running)


def test_what_cannot_be_sent_stops_at_an_end_too_and_can_be_tried_again():
    run = Run(definition_of("start > ask > ende", services={"ende": TOLD}), Start()).finish("ask")
    run.do(Failed(run.token("ende"), "MESSAGE_REFUSED", IncidentCode.message_failed))
    assert run.state.status is InstanceStatus.running
    run.do(Retry(run.token("ende")))
    run.do(Done(run.token("ende")))
    assert run.state.status is InstanceStatus.completed


def test_where_it_can_never_be_sent_the_end_is_reached_without_it():
    drawing = definition_of("start > and1 > ask > ende", "and1 > pay > end", services={"ende": TOLD})
    run = Run(drawing, Start()).finish("ask")
    run.do(Failed(run.token("ende"), "MESSAGE_REFUSED", IncidentCode.message_failed))
    assert drawing.nodes["ende"].ways_out == ("ende",)
    run.do(Skip(run.token("ende"), "ende", "Không có mã đơn"))
    assert len(run.state.tokens) == 1
    assert run.state.status is (InstanceStatus.running)


def test_a_throwing_event_without_a_message_is_passed():
    run = Run(definition_of("start > ask > throw > call > end"), Start()).finish("ask")
    assert run.open == ["call"]


@pytest.mark.parametrize(
    ("element", "service", "code"),
    [
        ("throw", "message name=''", "bad-message"),
        ("throw", "message name='paid' key='1.000.000'", "bad-correlation"),
        ("throw", "message name='paid' gives='a b'", "bad-gives"),
        ("throw", "message name='paid' ttl='P90D'", "bad-ttl"),
        ("throw", "message name='paid' ttl='tomorrow'", "bad-ttl"),
        ("send", "message name='paid' | mail template='customer_thanks'", "several-mails"),
    ],
)
def test_what_is_wrong_is_named(element, service, code):
    _definition, problems = read(bpmn(f"start > ask > {element} > end", services={element: service}))
    assert (element, code) in {(one.element, one.code) for one in problems if one.severity is Severity.error}


# ── the rows ──
class Two(Drawn):
    """Besides the one that tells, a process that hears."""

    def __init__(self, session, cast, *arrows, hearing=HEARING, **more):
        with transaction(SYSTEM) as inside:
            other = drawing.create_process(inside, code="kia", name="Bên kia", by=SYSTEM)
            drawing.save_draft(inside, other, bpmn(*hearing[0], **hearing[1]), by=SYSTEM)
            drawing.publish_process(inside, other, by=cast.hoa)
        super().__init__(session, cast, *arrows, **more)

    def begin_other(self, **data):
        lan = self.cast.lan
        with transaction(lan) as inside:
            return services.start_instance(inside, queries.process_by_code(inside, "kia"), by=lan, data=data).id

    def hand_over(self, at=MONDAY):
        self.session.rollback()
        with clock.at(at):
            return jobs.hand_over_messages()

    def others(self):
        self.session.rollback()
        rows = select(ProcessInstance.id).order_by(ProcessInstance.id)
        return [one for one in self.session.scalars(rows) if self.instance(one).version.process.code == "kia"]

    def messages(self):
        self.session.rollback()
        return self.session.scalars(select(ProcessMessage).order_by(ProcessMessage.id)).all()


TELLING = ("start > ask > throw > look > end",), {"services": {"throw": TOLD}}


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(MONDAY):
        yield


@pytest.mark.both_databases
def test_whoever_waits_for_that_very_key_takes_it_and_nobody_else(session, cast):
    drawn = Two(session, cast, *TELLING[0], **TELLING[1])
    meant, other = drawn.begin_other(order="DH-7"), drawn.begin_other(order="DH-8")
    instance = drawn.start(order="DH-7", amount=500, asked_by="Lan", salary=9)
    drawn.finish(instance, "ask")
    assert (drawn.open(instance), drawn.open(meant)) == (["look"], [])
    (told,) = drawn.messages()
    assert (told.source, told.values, told.state) == (
        "@process", {"amount": 500, "who": "Lan"}, MessageState.kept,
    )  # fmt: skip
    assert (drawn.hand_over(), drawn.hand_over()) == (1, 0)
    assert (drawn.open(meant), drawn.open(other)) == (["call"], [])
    assert drawn.instance(meant).data["amount"] == 500
    for one in (instance, meant, other):
        drawn.check(one)


@pytest.mark.both_databases
def test_the_process_that_begins_with_it_begins(session, cast):
    drawn = Two(session, cast, *TELLING[0], **TELLING[1],
                hearing=(("start > call > end",), {"messages": {"start": "paid - amount"}}))  # fmt: skip
    drawn.finish(drawn.start(order="DH-7", amount=500), "ask")
    assert drawn.hand_over() == 1
    (begun,) = drawn.others()
    assert (drawn.open(begun), drawn.instance(begun).data["amount"]) == (["call"], 500)


@pytest.mark.parametrize(("after", "is_taken"), [(timedelta(hours=1), True), (timedelta(hours=3), False)])
def test_what_nobody_waits_for_is_kept_for_its_time_and_no_longer(session, cast, after, is_taken):
    drawn = Two(session, cast, *TELLING[0], **TELLING[1])
    drawn.finish(drawn.start(order="DH-7", amount=500), "ask")
    drawn.hand_over(MONDAY + after)
    with clock.at(MONDAY + after):
        late = drawn.begin_other(order="DH-7")
    assert drawn.open(late) == (["call"] if is_taken else [])


@pytest.mark.both_databases
def test_a_failure_of_any_write_sends_nothing(session, cast):
    drawn = Two(session, cast, *TELLING[0], **TELLING[1])
    instance = drawn.start(order="DH-7")
    task, lan = drawn.task(instance, "ask").id, cast.lan

    def finish():
        with transaction(lan) as inside:
            complete_task(inside, task, by=lan)

    writes, changed = all_or_nothing(session, finish)
    assert writes > 8
    assert {"process_message", "process_event"} <= changed
    assert len(drawn.messages()) == 1


def test_without_its_key_it_stops_and_says_why(session, cast):
    drawn = Two(session, cast, *TELLING[0], **TELLING[1])
    instance = drawn.start(amount=1)
    drawn.finish(instance, "ask")
    assert (drawn.open(instance), drawn.instance(instance).incident) == ([], "message_failed")
    assert drawn.messages() == []
    (stop,) = stopped.stops(session, drawn.instance(instance))
    assert (str(stop.sentence), stop.reason) == (
        "Chưa gửi được tin của “throw”.", "Giá trị để biết tin gửi cho hồ sơ nào đang trống.",
    )  # fmt: skip


MAILED = "mail template='process_news' to='initiator' wait='sent'"
AFTER_MAIL = ("start > ask > send > look > end", "edge > late > end2", "edge2 > call > end3")
EDGES = {
    "edges": {"edge": "send", "edge2": "send"},
    "timers": {"edge": "PT4H wall"},
    "errors": {"edge2": "MAIL_REFUSED"},
}


def end_mail(drawn, status, error=None):
    with transaction() as inside:
        mail = inside.scalars(select(Outbox).order_by(Outbox.id.desc()).limit(1)).one()
        mail.status, mail.last_error = status, error
    drawn.session.rollback()
    return jobs.go_on_after_mails()


@pytest.mark.both_databases
def test_it_goes_on_once_the_mail_is_out_and_not_before(session, cast):
    drawn = Drawn(session, cast, "start > ask > send > look > end", services={"send": MAILED})
    instance = drawn.start()
    drawn.finish(instance, "ask")
    assert (drawn.open(instance), jobs.go_on_after_mails()) == ([], 0)
    with transaction(cast.lan) as inside:
        services.suspend_instance(inside, instance, by=cast.lan, reason="chờ")
    assert end_mail(drawn, LeaseState.done) == 0
    with transaction(cast.lan) as inside:
        services.resume_instance(inside, instance, by=cast.lan)
    assert (jobs.go_on_after_mails(), jobs.go_on_after_mails()) == (1, 0)
    assert drawn.open(instance) == ["look"]
    drawn.check(instance)


def test_mails_that_cannot_be_told_of_wait_longer_each_time_and_hold_up_nobody(session, cast, monkeypatch):
    drawn = Drawn(session, cast, "start > ask > send > look > end", services={"send": MAILED})
    bad = [drawn.start() for _ in range(2)]
    good = drawn.start()
    for instance in (*bad, good):
        drawn.finish(instance, "ask")
    with transaction() as inside:
        inside.execute(update(Outbox).values(status=LeaseState.done))
    tried, happen = [], jobs._happen

    def some_fail(inside, instance, event):
        tried.append(instance.id)
        if instance.id in bad:
            raise RuntimeError("the disk is full")
        happen(inside, instance, event)

    def tried_after(seconds):
        tried.clear()
        session.rollback()
        with clock.at(MONDAY + timedelta(seconds=seconds)):
            jobs.go_on_after_mails()
        return list(tried)

    monkeypatch.setattr(jobs, "BATCH", 2)
    monkeypatch.setattr(jobs, "_happen", some_fail)
    assert tried_after(0) == [*bad, good]
    assert drawn.open(good) == ["look"]
    assert [tried_after(seconds) for seconds in (1, 20, 37, 60, 120)] == [[], [], bad, [], bad]
    monkeypatch.setattr(jobs, "_happen", happen)
    tried_after(7200)
    assert [drawn.open(instance) for instance in bad] == [["look"], ["look"]]


@pytest.mark.parametrize(("edges", "opened", "incident"), [({}, [], "mail_failed"), (EDGES, ["call"], None)])
def test_a_mail_that_never_goes_out_stops_it_or_is_caught(session, cast, edges, opened, incident):
    arrows = AFTER_MAIL if edges else AFTER_MAIL[:1]
    drawn = Drawn(session, cast, *arrows, services={"send": MAILED}, **edges)
    instance = drawn.start()
    drawn.finish(instance, "ask")
    assert end_mail(drawn, LeaseState.dead, "550 no such user") == 1
    assert (drawn.open(instance), drawn.instance(instance).incident) == (opened, incident)
    drawn.check(instance)


def test_a_clock_at_its_edge_may_be_faster_and_the_mail_is_awaited_no_more(session, cast):
    drawn = Drawn(session, cast, *AFTER_MAIL, services={"send": MAILED}, **EDGES)
    instance = drawn.start()
    drawn.finish(instance, "ask")
    assert drawn.work_at(MONDAY + timedelta(hours=5)) == 1
    assert drawn.open(instance) == ["late"]
    assert end_mail(drawn, LeaseState.done) == 0
    assert session.scalars(select(AwaitedMail)).all() == []
    drawn.check(instance)


def test_two_that_answer_each_other_for_ever_are_stopped(session, cast, monkeypatch):
    monkeypatch.setattr(telling, "MOST_HOPS", 5)
    arrows = ("start > xor2 > throw > hear > xor1", "xor1 > xor2 if order = '1'", "xor1 > end by default")
    drawn = Two(
        session, cast, *arrows, services={"throw": "message name='ping' key='order'"}, messages={"hear": "pong order"},
        hearing=(arrows, {"messages": {"hear": "ping order"},
                          "services": {"throw": "message name='pong' key='order'"}}),
    )  # fmt: skip
    other, mine = drawn.begin_other(order="1"), drawn.start(order="1")
    for _ in range(20):
        drawn.hand_over()
    assert {drawn.instance(other).incident, drawn.instance(mine).incident} == {"automatic_loop"}
    assert len(drawn.messages()) <= 12
