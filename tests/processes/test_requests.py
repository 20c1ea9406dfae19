"""A process calls a program outside: after its event is kept, once in effect, and never for longer than the drawing
says."""

from __future__ import annotations

import json
from datetime import timedelta
from threading import Event
from time import sleep

import pytest
from sqlalchemy import delete, select, update

from app.core import clock, leases
from app.core.db import db, transaction
from app.core.errors import InvalidInputError
from app.core.leases import LeaseState
from app.notifications.models import Notification
from app.processes import incidents, jobs, receivers, requests, services, stopped
from app.processes.engine.bpmn import read
from app.processes.engine.events import Done
from app.processes.engine.known import Known
from app.processes.engine.lint import check
from app.processes.engine.problems import Severity
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessEvent, ProcessRequest, Receiver, RequestCount
from app.security import queries as people
from tests.failing import all_or_nothing
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import bpmn
from tests.receiver import receiver_here
from tests.story import MONDAY
from tests.threads import at_once

FLOW = "start > ask > serve > call > end"
HTTP = "http receiver='kho' path='/orders' body='amount, code=order_code' takes='stock=result.count, note'"


# ── the drawing ──
@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("http url='http://kho.example.vn'", "bad-url"),
        ("http url='https://127.0.0.1/'", "bad-url"),
        ("http url='https://lan:x@kho.example.vn/'", "bad-url"),
        ("http", "no-receiver"),
        ("http url='https://kho.example.vn' receiver='kho'", "no-receiver"),
        ("http receiver='khong-co'", "unknown-receiver"),
        ("http receiver='kho' path='../x'", "bad-path"),
        ("http receiver='kho' path='/a/../x'", "bad-path"),
        ("http receiver='kho' path='@127.0.0.1/'", "bad-path"),
        ("http receiver='kho' method='TRACE'", "bad-method"),
        ("http receiver='kho' headers='Host=kho'", "bad-headers"),
        ("http receiver='kho' headers='Idempotency-Key=1'", "bad-headers"),
        ("http receiver='kho' body='a b'", "bad-body"),
        ("http receiver='kho' takes='a=b..c'", "bad-takes"),
        ("http receiver='kho' takes='serve.outcome=b'", "bad-takes"),
        ("http receiver='kho' limit='PT10M'", "bad-limit"),
        ("http receiver='kho' tries='PT1M,x'", "bad-tries"),
        ("http receiver='kho' tries='P2D'", "bad-tries"),
        ("http receiver='kho' color='red'", "unknown-attribute"),
        ("http receiver='kho' | http receiver='kho'", "several-calls"),
        ("http receiver='kho' | set field='a' value='1'", "several-services"),
    ],
)
def test_what_is_wrong_is_named(service, code):
    definition, problems = read(bpmn(FLOW, services={"serve": service}))
    assert definition is not None
    problems = [*problems, *check(definition, known=Known(receivers=frozenset({"kho"})))]
    assert ("serve", code) in {(one.element, one.code) for one in problems if one.severity is Severity.error}


def test_an_edge_of_what_is_done_at_once_waits_for_errors_only():
    def codes(service, **more):
        drawing = bpmn(FLOW, "edge > end", services={"serve": service}, edges={"edge": "serve"}, **more)
        definition, problems = read(drawing)
        assert definition is not None
        problems = [*problems, *check(definition, known=Known(receivers=frozenset({"kho"})))]
        return {one.code for one in problems if one.element == "edge" and one.severity is Severity.error}

    assert codes("http receiver='kho'", timers={"edge": "PT1H wall"}) == set()
    assert codes("http receiver='kho'", errors={"edge": "HTTP_4XX"}) == set()
    assert codes("set field='customer.note' value='1'", errors={"edge": ""}) == set()
    assert codes("set field='customer.note' value='1'", timers={"edge": "PT1H wall"}) == {"edge-of-errand"}
    assert codes("set field='a' value='1'", errors={"edge": ""}) == {"no-error-comes"}


# ── the company's list ──
def keep(cast, receiver_url, *, inside=True, headers="Authorization: Bearer bi-mat-9"):
    with transaction(cast.hoa) as inside_it:
        return receivers.save(
            inside_it, None, code="kho", name="Kho hàng", url=receiver_url, may_be_inside=inside, headers=headers,
            by=cast.hoa,
        ).id  # fmt: skip


def test_what_signs_in_is_kept_locked_and_stays_with_its_address(session, cast):
    number = keep(cast, "https://kho.example.vn/api")
    row = session.get_one(Receiver, number)
    assert "bi-mat-9" not in row.headers
    assert receivers.headers_of(row) == {"Authorization": "Bearer bi-mat-9"}
    for url, headers, wrong in (
        ("https://ke-gian.example/api", "", {"headers"}),
        ("http://kho.example.vn/api", "-", {"url"}),
        ("https://10.0.0.1/", "-", {"url"}),
        ("https://kho.example.vn/api", "Host: x", {"headers"}),
        ("https://kho.example.vn/api", "Authorization", {"headers"}),
    ):
        with pytest.raises(InvalidInputError) as refused, transaction(cast.hoa) as inside:
            receivers.save(inside, inside.get_one(Receiver, number), name="Kho", url=url, headers=headers, by=cast.hoa)
        assert set(refused.value.fields) == wrong
        assert "bi-mat" not in str(refused.value.fields)
    with transaction(cast.hoa) as inside:
        row = inside.get_one(Receiver, number)
        receivers.save(inside, row, name="Kho", url="https://kho.example.vn/v2", by=cast.hoa)
    session.expire_all()
    assert receivers.headers_of(session.get_one(Receiver, number)) == {"Authorization": "Bearer bi-mat-9"}


# ── the run ──
@pytest.fixture
def outside():
    with receiver_here() as one:
        yield one


@pytest.fixture
def draw(session, cast, outside):
    with clock.at(MONDAY):
        keep(cast, outside.url)

        def make(service=HTTP, *more, **others):
            return Drawn(session, cast, FLOW, *more, services={"serve": service}, **others)

        yield make


def begun(drawn, **data):
    """Until the program is to be asked."""
    instance = drawn.start(**{"amount": 5, "order_code": "DH-1", **data})
    drawn.finish(instance, "ask")
    return instance


def work(after=timedelta()):
    db.session().rollback()
    with clock.at(MONDAY + after):
        told = jobs.ask_outside()
        db.session().rollback()
        return told


def waiting(session, instance):
    session.rollback()
    return session.scalars(select(ProcessRequest).where(ProcessRequest.instance_id == instance)).all()


@pytest.mark.both_databases
def test_it_is_asked_after_the_event_is_kept_and_goes_on_with_the_answer(session, draw, outside):
    outside.says(201, {"result": {"count": 7, "more": [1]}, "note": None})
    drawn = draw()
    instance = begun(drawn)
    assert (outside.heard, drawn.open(instance)) == ([], [])
    assert work() == 1
    heard = outside.heard[0]
    assert (heard.method, heard.path, heard.json) == ("POST", "/orders", {"amount": 5, "code": "DH-1"})
    assert heard.headers["Authorization"] == "Bearer bi-mat-9"
    assert len(heard.headers["Idempotency-Key"]) == 36
    data = drawn.instance(instance).data
    assert (data["stock"], data["note"], data["serve.stock"]) == (7, None, 7)
    assert drawn.open(instance) == ["call"]
    assert (waiting(session, instance), work()) == ([], 0)
    drawn.check(instance)


def test_what_is_asked_for_by_get_stands_in_the_address(draw, outside):
    drawn = draw("http receiver='kho' method='GET' body='amount, code=order_code, gone' headers='X-Shop=hanoi'")
    begun(drawn, order_code="Đơn 1&2")
    work()
    heard = outside.heard[0]
    assert (heard.path, heard.body) == ("/?amount=5&code=%C4%90%C6%A1n+1%262", b"")
    assert heard.headers["X-Shop"] == "hanoi"


def test_what_the_company_says_of_a_receiver_stands_above_the_drawing_however_it_is_written(session, cast, outside):
    with clock.at(MONDAY):
        keep(cast, outside.url, headers="X-Shop: ha-noi")
        drawn = Drawn(
            session, cast, FLOW, services={"serve": "http receiver='kho' headers='x-shop=hue, ACCEPT=text/csv'"}
        )
        begun(drawn)
        work()
    told = sorted((name.lower(), value) for name, value in outside.heard[0].headers.items())
    assert [value for name, value in told if name == "x-shop"] == ["ha-noi"]
    assert [value for name, value in told if name == "accept"] == ["text/csv"]


@pytest.mark.both_databases
def test_a_day_of_trouble_costs_four_calls_and_one_incident(session, cast, draw, outside):
    outside.says(500, {"error": "x"})
    drawn = draw()
    instance = begun(drawn)
    for minutes in range(0, 24 * 60, 5):
        work(timedelta(minutes=minutes))
    assert len(outside.heard) == 4
    assert len({heard.headers["Idempotency-Key"] for heard in outside.heard}) == 1
    assert drawn.instance(instance).incident == "webhook_failed"
    told = session.scalars(select(ProcessEvent.body).where(ProcessEvent.kind == "branch_failed")).one()
    assert (told["error"], told["reason"]) == (
        "HTTP_500", "Kho hàng đang gặp trục trặc (mã 500). Đã thử 4 lần.",
    )  # fmt: skip
    drawn.check(instance)
    # It is mended, and the administrator lets it try again: the same key, for the same is sent.
    outside.says(200, {"result": {"count": 1}})
    token = drawn.state(instance).tokens[0].id
    with transaction(cast.hoa) as inside:
        services.retry_branch(inside, instance, token, by=cast.hoa, reason="Kho đã chạy lại")
    assert work() == 1
    assert outside.heard[4].headers["Idempotency-Key"] == outside.heard[0].headers["Idempotency-Key"]
    assert (drawn.open(instance), drawn.instance(instance).incident) == (["call"], None)
    drawn.check(instance)


@pytest.mark.both_databases
def test_a_corrected_value_is_sent_under_another_key(session, cast, draw, outside):
    outside.says(422, {"error": "amount"})
    drawn = draw()
    instance = begun(drawn)
    assert work() == 1
    assert drawn.instance(instance).incident == "webhook_failed"
    outside.says(200, {})
    token = drawn.state(instance).tokens[0].id
    with transaction(cast.hoa) as inside:
        services.correct_values(inside, instance, {"amount": 6}, by=cast.hoa, reason="Gõ nhầm")
        services.retry_branch(inside, instance, token, by=cast.hoa, reason="Đã sửa")
    work()
    first, second = outside.heard
    assert (first.json["amount"], second.json["amount"]) == (5, 6)
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert drawn.open(instance) == ["call"]


def test_a_branch_led_past_it_asks_no_more(session, cast, draw, outside):
    outside.says(404, {})
    drawn = draw()
    instance = begun(drawn)
    work()
    state = drawn.state(instance)
    flow = next(stop.ways[0][0] for stop in _stops(session, drawn, instance))
    with transaction(cast.hoa) as inside:
        services.lead_branch(inside, instance, state.tokens[0].id, flow, by=cast.hoa, reason="Làm tay")
    assert (drawn.open(instance), waiting(session, instance), work()) == (["call"], [], 0)
    drawn.check(instance)


def _stops(session, drawn, instance):
    from app.processes import stopped

    return stopped.stops(session, drawn.instance(instance))


@pytest.mark.parametrize(
    ("caught", "status", "leads"),
    [("HTTP_404", 404, True), ("HTTP_4XX", 422, True), ("", 404, True), ("HTTP_5XX", 404, False),
     ("HTTP_500", 500, True)],
)  # fmt: skip
def test_an_event_at_the_edge_catches_what_is_meant_for_it(draw, outside, caught, status, leads):
    outside.says(status, {})
    drawn = draw(
        f"{HTTP} tries='none'", "edge > mend > end", edges={"edge": "serve"}, errors={"edge": caught},
    )  # fmt: skip
    instance = begun(drawn)
    work()
    assert drawn.open(instance) == (["mend"] if leads else [])
    assert drawn.instance(instance).incident == (None if leads else "webhook_failed")
    if leads:
        assert drawn.instance(instance).data["serve.error"] == f"HTTP_{status}"
    drawn.check(instance)


def test_a_mail_that_was_refused_is_caught_at_its_edge(session, cast):
    with clock.at(MONDAY):
        drawn = Drawn(
            session, cast, "start > ask > send > call > end", "edge > mend > end", edges={"edge": "send"},
            errors={"edge": "MAIL_REFUSED"}, services={"send": "mail template='customer_thanks'"},
        )  # fmt: skip
        instance = drawn.start()
        drawn.finish(instance, "ask")
        assert drawn.open(instance) == ["mend"]
        drawn.check(instance)


def _ten_megabytes(to, _heard):
    to.send_response(200)
    to.end_headers()
    for _part in range(100):
        to.wfile.write(b" " * 100_000)


def _hanging(to, _heard):
    to.receiver.over.wait(20)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda to, _heard: to.say(302, {}, Location="http://127.0.0.1:1/"), "HTTP_REDIRECT"),
        (_ten_megabytes, "HTTP_TOO_LARGE"),
        (_hanging, "HTTP_TIMEOUT"),
        (lambda to, _heard: to.say(200, b"<html>"), "HTTP_UNREADABLE"),
        (lambda to, _heard: to.say(200, b"[" * 200_000), "HTTP_UNREADABLE"),
        (lambda to, _heard: to.say(200, {"note": [1, 2]}), "HTTP_UNREADABLE"),
        (lambda to, _heard: to.say(200, b'{"note": NaN}'), "HTTP_UNREADABLE"),
        (lambda to, _heard: to.say(200, {"note": "a\0b"}), "HTTP_UNREADABLE"),
        (lambda to, _heard: to.say(200, {"note": "nửa chữ \ud83d"}), "HTTP_UNREADABLE"),
        (lambda to, _heard: to.say(403, {}), "HTTP_403"),
    ],
)
def test_whatever_the_program_does_the_process_stops_with_a_sentence(session, draw, outside, answer, error):
    outside.answer = answer
    drawn = draw(f"{HTTP} tries='none' limit='PT1S'")
    instance = begun(drawn)
    work()
    assert len(outside.heard) == 1
    assert drawn.instance(instance).incident == "webhook_failed"
    told = session.scalars(select(ProcessEvent.body).where(ProcessEvent.kind == "branch_failed")).one()
    assert told["error"] == error
    assert "Kho hàng" in told["reason"]
    drawn.check(instance)


def test_nobody_is_called_inside_unless_he_was_allowed_to_be_there(session, cast, outside, draw):
    with transaction() as inside:
        inside.execute(update(Receiver).values(may_be_inside=False, url=f"https://127.0.0.1:{outside.port}"))
    drawn = draw(f"{HTTP} tries='none'")
    instance = begun(drawn)
    work()
    assert (outside.heard, drawn.instance(instance).incident) == ([], "webhook_failed")
    told = session.scalars(select(ProcessEvent.body).where(ProcessEvent.kind == "branch_failed")).one()
    assert told["error"] == "HTTP_NOT_ALLOWED"


@pytest.mark.parametrize("broken", ["retired", "unlocked"])
def test_a_receiver_that_is_gone_or_cannot_sign_in_stops_the_process(session, cast, draw, outside, broken):
    drawn = draw()
    instance = begun(drawn)
    with transaction(cast.hoa) as inside:
        row = inside.scalars(select(Receiver)).one()
        if broken == "retired":
            receivers.retire(inside, row, by=cast.hoa)
        else:
            row.headers = "gAAAAA"
    work()
    assert (outside.heard, drawn.instance(instance).incident) == ([], "webhook_failed")


@pytest.mark.both_databases
def test_killed_between_asking_and_telling_it_asks_again_with_the_same_key(session, draw, outside, monkeypatch):
    drawn = draw()
    instance = begun(drawn)

    def die(*_args, **_more):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(jobs.requests, "settle", die)
        with pytest.raises(SystemExit):
            work()
    assert (len(outside.heard), drawn.open(instance)) == (1, [])
    assert work(timedelta(seconds=60)) == 0  # the lease of the dead one still runs
    assert work(timedelta(seconds=121)) == 1
    first, second = outside.heard
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body
    assert drawn.open(instance) == ["call"]
    drawn.check(instance)


def test_what_was_answered_and_could_not_be_told_is_told_later_and_not_asked_again(draw, outside, monkeypatch):
    drawn = draw(f"{HTTP} tries='none'")
    instance = begun(drawn)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "_happen", lambda *_args: (_ for _ in ()).throw(RuntimeError("the disk is full")))
        assert work() == 0
    work(timedelta(seconds=121))
    assert (len(outside.heard), drawn.open(instance), drawn.instance(instance).incident) == (1, ["call"], None)
    drawn.check(instance)


@pytest.mark.both_databases
def test_two_workers_who_count_a_result_for_the_first_time_lose_nothing(app, session):
    """The first has counted and is not done yet when the second comes."""
    session.execute(delete(RequestCount))
    session.commit()
    counted = Event()

    def count(wait, pause=0.0):
        assert wait(5)
        with transaction() as inside:
            requests.count_result(inside, requests.Answer({}))
            inside.flush()
            counted.set()
            sleep(pause)

    assert at_once(app, [lambda: count(bool, 0.3), lambda: count(counted.wait)]) == [None] * 2
    assert session.scalar(select(RequestCount.count).where(RequestCount.result == "ok")) == 2


def test_a_worker_that_dies_each_time_does_not_die_for_ever(draw, outside, monkeypatch):
    drawn = draw(f"{HTTP} tries='PT1M'")
    instance = begun(drawn)
    with monkeypatch.context() as patched:
        patched.setattr(jobs.requests, "settle", lambda *_args, **_more: (_ for _ in ()).throw(SystemExit))
        for minutes in (0, 3):
            with pytest.raises(SystemExit):
                work(timedelta(minutes=minutes))
    work(timedelta(minutes=6))
    assert len(outside.heard) == 2
    assert drawn.instance(instance).incident == "webhook_failed"


@pytest.mark.both_databases
def test_an_answer_that_can_never_be_told_ends_at_the_administrators(session, cast, draw, outside, monkeypatch):
    drawn = draw(f"{HTTP} tries='none'", "edge > other > end", edges={"edge": "serve"}, errors={"edge": ""})
    instance = begun(drawn)

    def stumble(inside, row, event):
        if isinstance(event, Done):
            raise OverflowError("the product stumbles over these values")
        happen(inside, row, event)

    happen = jobs._happen
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "_happen", stumble)
        work()
        with transaction() as inside:
            inside.execute(update(ProcessRequest).values(attempts=ProcessRequest.max_attempts - 1))
        for minutes in (3, 6, 9):
            work(timedelta(minutes=minutes))
    drawn.session.rollback()
    assert (drawn.instance(instance).incident, drawn.open(instance)) == ("webhook_failed", [])
    (stop,) = stopped.stops(session, drawn.instance(instance))
    assert stop.reason == "Lần nào thực hiện, tiến trình nền cũng dừng giữa chừng. Đã thử 50 lần."
    told = select(Notification).where(Notification.kind == incidents.STUCK, Notification.subject_id == instance)
    assert len(session.scalars(told).all()) == len(people.members_with_role(session, "Admin"))
    with transaction(cast.hoa) as inside:
        services.retry_branch(inside, instance, stop.token, by=cast.hoa, reason="Đã sửa phần mềm")
    work(timedelta(minutes=12))
    assert drawn.open(instance) == ["call"]
    assert len({one.headers["Idempotency-Key"] for one in outside.heard}) == 1
    drawn.check(instance)


def test_one_that_cannot_even_be_given_up_is_tried_again_later_and_holds_up_nobody(draw, outside, monkeypatch):
    drawn = draw(f"{HTTP} tries='none'")
    instance = begun(drawn)
    with transaction() as inside:
        inside.execute(update(ProcessRequest).values(status=LeaseState.dead, last_error=leases.WORN_OUT, attempts=50))
    tried = []

    def stumble(inside, row, **_more):
        tried.append(row.id)
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(jobs.requests, "tell_worn_out", stumble)
        for minutes in (0, 1, 59, 61):
            work(timedelta(minutes=minutes))
        assert len(tried) == 2
    work(timedelta(minutes=122))
    assert drawn.instance(instance).incident == "webhook_failed"


def test_what_wore_out_while_it_was_paused_waits_until_the_process_goes_on(session, cast, draw, outside):
    drawn = draw(f"{HTTP} tries='none'")
    instance = begun(drawn)
    with transaction() as inside:
        inside.execute(update(ProcessRequest).values(status=LeaseState.dead, last_error=leases.WORN_OUT, attempts=50))
    with transaction(cast.hoa) as inside:
        services.suspend_instance(inside, instance, by=cast.hoa, reason="Chờ khách")
    work()
    assert (len(outside.heard), drawn.instance(instance).incident) == (0, None)
    with transaction(cast.hoa) as inside:
        services.resume_instance(inside, instance, by=cast.hoa)
    work(timedelta(minutes=1))
    assert drawn.instance(instance).incident == "webhook_failed"


@pytest.mark.both_databases
def test_cancelled_while_it_is_asked_the_answer_is_of_no_use(session, cast, draw, outside):
    drawn = draw()
    instance = begun(drawn)

    def cancel(to, _heard):
        with clock.at(MONDAY), drawn_app(), transaction(cast.hoa) as inside:
            services.cancel_instance(inside, instance, by=cast.hoa, reason="Khách đổi ý")
        to.say(200, {"result": {"count": 9}})

    app = _app()

    def drawn_app():
        return app.app_context()

    outside.answer = cancel
    assert work() == 0
    assert drawn.instance(instance).status is InstanceStatus.cancelled
    assert "stock" not in drawn.instance(instance).data
    assert waiting(session, instance) == []
    drawn.check(instance)


def _app():
    from flask import current_app

    return current_app._get_current_object()  # type: ignore[attr-defined]


@pytest.mark.both_databases
def test_an_answer_that_comes_while_it_is_paused_is_kept(session, cast, draw, outside):
    drawn = draw()
    instance = begun(drawn)
    app = _app()

    def pause(to, _heard):
        with clock.at(MONDAY), app.app_context(), transaction(cast.hoa) as inside:
            services.suspend_instance(inside, instance, by=cast.hoa, reason="Chờ")
        to.say(200, {"result": {"count": 9}})

    outside.answer = pause
    work()
    assert [(row.status, row.outcome) for row in waiting(session, instance)] == [
        (LeaseState.held, {"values": {"stock": 9, "note": None}})
    ]
    assert work() == 0
    with clock.at(MONDAY), transaction(cast.hoa) as inside:
        services.resume_instance(inside, instance, by=cast.hoa)
    work(timedelta(seconds=1))
    assert len(outside.heard) == 1
    assert (drawn.open(instance), drawn.instance(instance).data["stock"]) == (["call"], 9)
    drawn.check(instance)


def test_paused_before_it_was_asked_nobody_is_asked(cast, draw, outside):
    drawn = draw()
    instance = begun(drawn)
    with transaction(cast.hoa) as inside:
        services.suspend_instance(inside, instance, by=cast.hoa, reason="Chờ")
    work()
    assert outside.heard == []
    with transaction(cast.hoa) as inside:
        services.resume_instance(inside, instance, by=cast.hoa)
    assert work() == 1
    assert drawn.open(instance) == ["call"]


def test_a_clock_at_the_edge_ends_the_waiting(session, draw, outside):
    outside.says(503, {})
    drawn = draw(HTTP, "edge > mend > end", edges={"edge": "serve"}, timers={"edge": "PT10M wall"})
    instance = begun(drawn)
    work()
    drawn.work_at(MONDAY + timedelta(minutes=11))
    assert (drawn.open(instance), waiting(session, instance)) == (["mend"], [])
    drawn.check(instance)


def test_the_request_is_kept_with_the_event_or_not_at_all(session, cast, draw, outside):
    from app.tasks.services import complete_task

    drawn = draw()
    instance = drawn.start(amount=5, order_code="DH-1")
    task_id, lan = drawn.task(instance, "ask").id, cast.lan

    def finish():
        with transaction(lan) as inside:
            complete_task(inside, task_id, by=lan)

    writes, changed = all_or_nothing(session, finish)
    assert writes > 5
    assert "process_request" in changed
    assert work() == 1


def test_what_is_answered_is_told_whole_or_not_at_all(session, draw, outside):
    outside.says(200, {"result": {"count": 7}})
    drawn = draw()
    instance = begun(drawn)
    row = waiting(session, instance)[0].id
    with transaction() as inside:
        inside.execute(
            update(ProcessRequest).values(
                status="leased", lease_owner="w", lease_until=MONDAY + timedelta(minutes=2), attempts=1
            )
        )

    def tell():
        with transaction() as inside:
            answer = requests.Answer({"stock": 7, "note": None})
            requests.settle(inside, row, answer, owner="w", happen=jobs._happen)

    all_or_nothing(session, tell)
    assert (drawn.open(instance), waiting(session, instance)) == (["call"], [])
    drawn.check(instance)


def test_two_branches_ask_beside_each_other_each_with_its_own_key(session, cast, outside):
    with clock.at(MONDAY):
        keep(cast, outside.url)
        drawn = Drawn(
            session, cast, "start > ask > and1 > serve1 > and2 > call > end", "and1 > serve2 > and2",
            services={"serve1": "http receiver='kho' path='/1'", "serve2": "http receiver='kho' path='/2'"},
        )  # fmt: skip
        instance = begun(drawn)
        assert work() == 2
        assert sorted(heard.path for heard in outside.heard) == ["/1", "/2"]
        assert len({heard.headers["Idempotency-Key"] for heard in outside.heard}) == 2
        assert json.loads(outside.heard[0].body) == {}
        assert drawn.open(instance) == ["call"]
        drawn.check(instance)
