"""Everybody takes locks in the same order, and reads what he changes only behind them: nobody waits in a circle."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import event, text

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers.models import Customer
from app.customers.services import change_customer, record_timeline
from app.forms import queries as form_queries
from app.forms import services as forms
from app.forms.about_customer import hold
from app.processes import drawing, messages, queries, services
from app.processes.drawing import ProcessNotPublishableError
from app.processes.models import AssignTurn
from app.tasks.services import complete_task
from tests.forms.test_filling import publish
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import bpmn
from tests.processes.test_calling import CHILD, Pair
from tests.story import MONDAY
from tests.threads import at_once

SETS = {"services": {"serve": "set field='customer.note' value='said'"}}
IN_TURN = 'assign="round_robin:role:Staff" due="PT1H"'


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(MONDAY):
        yield


@pytest.fixture
def elsewhere(app):
    """elsewhere(act): it happens in another session; it must not wait for this one."""

    def happen(act):
        failed = []

        def run():
            with app.app_context(), clock.at(MONDAY):
                try:
                    act()
                except Exception as error:  # noqa: BLE001 - told below
                    failed.append(error)
                finally:
                    db.session.remove()

        thread = Thread(target=run)
        thread.start()
        thread.join(30)
        assert not thread.is_alive(), "it waits for somebody who waits for it"
        assert failed == []

    return happen


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
def test_whoever_was_changed_just_now_is_set_as_he_is_by_then(session, cast, story, elsewhere):
    drawn = Drawn(session, cast, "start > ask > serve > call > end", **SETS)
    instance = drawn.start(story.customer_id, said="Khách dễ tính")
    task_id, lan, customer_id = drawn.task(instance, "ask").id, cast.lan, story.customer_id

    def rename():
        with transaction(SYSTEM) as inside:
            customer = inside.get_one(Customer, customer_id)
            change_customer(inside, customer, by=SYSTEM, rev=customer.rev, name="Đặng Mỹ Duyên")

    begun = []

    def rename_once(*_about):
        if not begun:  # just before the process does its own part
            begun.append(True)
            elsewhere(rename)

    event.listen(db.engine, "savepoint", rename_once)
    try:
        with transaction(lan) as inside:
            assert inside.get_one(Customer, customer_id).note is None  # read before, as a page or a mail does
            complete_task(inside, task_id, by=lan)
    finally:
        event.remove(db.engine, "savepoint", rename_once)
    assert (drawn.instance(instance).incident, drawn.open(instance)) == (None, ["call"])
    customer = session.get_one(Customer, customer_id, populate_existing=True)
    assert (customer.name, customer.note) == ("Đặng Mỹ Duyên", "Khách dễ tính")


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
def test_whoever_writes_about_a_customer_does_not_hold_up_who_sets_something_of_him(session, cast, story, elsewhere):
    """Two runs for one customer both write down something about him, and then each sets a field of him."""
    drawn = Drawn(session, cast, "start > ask > serve > call > end", **SETS)
    instance = drawn.start(story.customer_id, said="Khách dễ tính")
    task_id, lan, customer_id = drawn.task(instance, "ask").id, cast.lan, story.customer_id

    def finish():
        with transaction(lan) as inside:
            inside.execute(text("SET LOCAL lock_timeout = '3s'"))
            complete_task(inside, task_id, by=lan)

    with transaction(SYSTEM) as inside:
        record_timeline(inside, customer_id, kind="restored", by=SYSTEM)
        inside.flush()
        elsewhere(finish)
    assert drawn.open(instance) == ["call"]


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
def test_whose_turn_it_is_comes_before_the_number_of_a_process_file(session, cast):
    pair = Pair(session, cast, (("start > one > end",), {"tasks": {"one": IN_TURN}}),
                ("start > ask > two > and1 > call > and2 > end", "and1 > three > and2"), calls={"call": CHILD},
                tasks={"ask": IN_TURN, "two": IN_TURN, "three": IN_TURN})  # fmt: skip
    asked = []

    def note(_connection, _cursor, statement, *_rest):
        asked.extend(name for name in ("pg_advisory_xact_lock", "INSERT INTO counter") if name in statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        instance = pair.start()
        first, asked[:] = tuple(asked), ()
        task = pair.task(instance, "ask")
        for step in ("ask", "two"):
            task = pair.task(instance, step)
            with transaction(SYSTEM) as inside:
                complete_task(inside, task.id, by=cast.actor(task.assignee.user.username))
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    for order in (first, asked):
        assert "INSERT INTO counter" in order
        assert order[0] == "pg_advisory_xact_lock"


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
def test_who_answers_about_a_customer_holds_up_nobody_who_refers_to_him(session, cast, story, elsewhere):
    """One holds the customer and will wait for his turn; the other has his turn, and writes down for whom it is."""
    drawn = Drawn(session, cast, "start > ask > end")
    with transaction(SYSTEM) as inside:
        form = forms.create_form(inside, code="hoi-tham", name="Hỏi thăm", by=SYSTEM)
        publish(inside, form, {"name": "Hỏi thăm", "fields": [
            {"key": "who", "type": "text", "label": "Tên", "maps_to": "name"},
        ]})  # fmt: skip

    def begin():
        with transaction(cast.lan) as inside:
            inside.execute(text("SET LOCAL lock_timeout = '3s'"))
            process, customer = queries.process_by_code(inside, drawn.code), inside.get_one(Customer, story.customer_id)
            services.start_instance(inside, process, by=cast.lan, customer=customer, data={})

    with transaction(SYSTEM) as inside:
        hold(inside, form_queries.published_version(inside, "hoi-tham"), story.customer_id)
        elsewhere(begin)


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("by", ["message", "clock"])
def test_a_process_that_begins_by_itself_holds_up_nobody_who_notes_a_first_turn_of_it(session, cast, elsewhere, by):
    begins = {"messages": {"start": "complained"}} if by == "message" else {"timers": {"start": "R/PT1H wall"}}
    drawn, begun = Drawn(session, cast, "start > ask > end", **begins), []

    def note():
        with transaction(SYSTEM) as inside:
            inside.execute(text("SET LOCAL lock_timeout = '3s'"))
            inside.add(AssignTurn(process_id=drawn.process_id, step="other", last_id=1))

    def meanwhile(_connection, _cursor, statement, *_rest):
        if "INSERT INTO process_instance" in statement and not begun:
            begun.append(True)
            elsewhere(note)

    event.listen(db.engine, "before_cursor_execute", meanwhile)
    try:
        if by == "clock":
            assert drawn.work_at(MONDAY + timedelta(hours=1)) == 1
        else:
            with transaction(SYSTEM) as inside:
                messages.deliver(inside, messages.Arrival("shop", "1", "complained"), by=SYSTEM)
    finally:
        event.remove(db.engine, "before_cursor_execute", meanwhile)
    assert begun


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
def test_of_two_who_publish_at_once_one_sees_the_message_with_which_the_other_begins(app, session, cast):
    def publisher(code):
        def publish_it():
            with transaction(cast.hoa) as inside:
                process = queries.process_by_code(inside, code)
                try:
                    drawing.publish_process(inside, process, by=cast.hoa)
                except ProcessNotPublishableError:
                    return code
            return None

        return publish_it

    codes = [f"thu-{number}" for number in range(4)]
    with transaction(SYSTEM) as inside:
        for code in codes:
            process = drawing.create_process(inside, code=code, name=code, by=SYSTEM)
            drawing.save_draft(inside, process, bpmn("start > ask > end", messages={"start": "complained"}), by=SYSTEM)
    refused = at_once(app, [publisher(code) for code in codes], moment=MONDAY)
    assert len(list(filter(None, refused))) == 3
