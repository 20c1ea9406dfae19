"""What a process does by itself: values and customers are set, mails are written, in its own transaction."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.errors import BusinessError
from app.core.screens.extra import extra_of
from app.customers.models import Customer, TimelineEntry
from app.customers.tags import set_tags, worn
from app.forms import services as forms
from app.forms.fields.base import Context
from app.notifications.models import Outbox
from app.processes import services
from app.processes.drawing import ProcessNotPublishableError
from app.processes.engine.bpmn import read
from app.processes.engine.events import Start
from app.processes.engine.known import Known
from app.processes.engine.lint import check
from app.processes.engine.problems import Severity
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessEvent
from app.tasks.services import complete_task
from tests.failing import all_or_nothing
from tests.forms.own_fields.drawing import publish
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import TASK, bpmn
from tests.processes.engine.drawing import drawn as definition_of
from tests.processes.engine.running import Run
from tests.processes.test_calling import CHILD, Pair
from tests.story import MONDAY

KNOWN = Known(
    texts={"customer": frozenset({"customer_thanks"}), "colleague": frozenset({"process_news"})},
    customer_fields=frozenset({"note"}),
)


# ── the engine ──
def test_values_of_the_process_are_set_at_once():
    run = Run(
        definition_of("start > serve > xor1", "xor1 > call if level = 'high'", "xor1 > end by default", "call > end",
                      services={"serve": "set field='level' value=\"'high'\" | set field='sum' value='amount'"}),
        Start({"amount": 5}),
    )  # fmt: skip
    assert run.open == ["call"]
    assert {key: run.state.data[key] for key in ("level", "sum", "serve.level")} == {
        "level": "high", "sum": 5, "serve.level": "high",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("serve: set field='a' value='1.000.000'", "bad-value"),
        ("serve: set field='a' value=\"__import__('os')\"", "bad-value"),
        ("serve: set field='a.b' value='1'", "bad-field"),
        ("serve: set field='' value='1'", "bad-field"),
        ("serve: set field='a'", "no-value"),
        ("serve: set field='customer.name' value=\"'x'\"", "unknown-field"),
        ("send: mail template=''", "no-template"),
        ("send: mail template='customer_thanks' | mail template='customer_thanks'", "several-mails"),
        ("send: mail template='khong-co'", "unknown-template"),
        ("send: mail template='process_news'", "unknown-template"),
        ("send: mail template='customer_thanks' to='initiator'", "unknown-template"),
        ("send: mail template='customer_thanks' to='boss'", "bad-recipient"),
        ("send: mail template='customer_thanks' words='a b'", "bad-words"),
    ],
)
def test_what_is_wrong_is_named(service, code):
    element, text = service.split(": ", 1)
    definition, problems = read(bpmn(f"start > ask > {element} > end", services={element: text}))
    if definition is not None:
        problems = [*problems, *check(definition, known=KNOWN)]
    assert (element, code) in {(one.element, one.code) for one in problems if one.severity is Severity.error}


def test_a_task_that_does_nothing_is_named():
    for element in ("serve", "send"):
        _definition, problems = read(bpmn(f"start > ask > {element} > end"))
        assert [one.element for one in problems] == [element]


# ── the rows ──
@pytest.fixture
def draw(session, cast):
    with clock.at(MONDAY):
        yield lambda service, element="serve": Drawn(
            session, cast, f"start > ask > {element} > call > end", services={element: service}
        )


@pytest.mark.both_databases
def test_a_field_of_the_customer_is_set_and_told(session, draw, story):
    drawn = draw("set field='customer.note' value='said' | set field='done' value='true'")
    instance = drawn.start(story.customer_id, said="Khách dễ tính")
    drawn.finish(instance, "ask")
    assert session.get_one(Customer, story.customer_id, populate_existing=True).note == "Khách dễ tính"
    assert drawn.instance(instance).data["done"] is True
    assert drawn.open(instance) == ["call"]
    told = session.scalars(select(TimelineEntry).where(TimelineEntry.customer_id == story.customer_id)).all()
    assert [entry.actor_id for entry in told if "changed" in entry.kind] == [None]
    drawn.check(instance)


LIKES = {
    "name": "Sở thích",
    "fields": [
        {"key": "likes", "type": "choices", "label": "Quan tâm", "options": [
            {"value": "pho", "label": "Phở"}, {"value": "bun", "label": "Bún"},
        ]},
        {"key": "lives", "type": "address", "label": "Nơi ở"},
    ],
}  # fmt: skip


@pytest.fixture
def liked(session, story):
    """A form that asks for several choices, own fields that take several or one, and a customer with a tag."""
    session.rollback()
    publish()
    with transaction() as inside:
        form = forms.create_form(inside, code="so-thich", name="Sở thích", by=SYSTEM)
        forms.save_draft(inside, form, LIKES, by=SYSTEM)
        forms.publish_form(inside, form, by=SYSTEM)
        set_tags(inside, inside.get_one(Customer, story.customer_id), ["Khách quen"], by=SYSTEM)
    return story.customer_id


def of_likes(service):
    return {"tasks": {"ask": f'{TASK} form="so-thich"'}, "services": {"serve": service}}


@pytest.mark.both_databases
def test_several_choices_are_set_where_several_are_taken(session, cast, liked):
    sets = ("set field='kept' value='likes'", "set field='customer.tags' value='ask.likes'",
            "set field='customer.own.likes' value='likes'")  # fmt: skip
    with clock.at(MONDAY):
        drawn = Drawn(session, cast, "start > ask > serve > call > end", **of_likes(" | ".join(sets)))
        instance = drawn.start(liked)
        task = drawn.task(instance, "ask")
        answers = forms.parse_answers(task.form_version, {"likes": ["pho", "bun"]}, context=Context())
        task_id = task.id
        with transaction(cast.lan) as inside:
            complete_task(inside, task_id, by=cast.lan, answers=answers)
        assert drawn.open(instance) == ["call"]
        assert drawn.instance(instance).data["kept"] == ["pho", "bun"]
        assert [tag.name for tag in worn(session, [liked])[liked]] == ["Khách quen", "Phở", "Bún"]
        assert extra_of("Customer").values(session, [liked], SYSTEM)[liked]["likes"] == ["pho", "bun"]
        drawn.check(instance)


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("set field='customer.note' value='likes'", "several-values"),
        ("set field='customer.own.dish' value='ask.likes'", "several-values"),
        ("set field='kept' value='lives'", "no-value"),
        ("set field='customer.own.khong_co' value='likes'", "unknown-field"),
    ],
)
def test_several_choices_are_refused_at_publishing_where_one_is_taken(session, cast, liked, service, code):
    with pytest.raises(ProcessNotPublishableError) as refused:
        Drawn(session, cast, "start > ask > serve > call > end", **of_likes(service))
    assert [(one.element, one.code) for one in refused.value.problems if one.severity is Severity.error] == [
        ("serve", code)
    ]


@pytest.mark.both_databases
def test_what_is_refused_stops_the_branch_until_it_can_be_done(session, cast, draw, story):
    drawn = draw("set field='customer.next_contact_on' value='day'")
    instance = drawn.start(story.customer_id, day="mai")
    drawn.finish(instance, "ask")
    assert (drawn.open(instance), drawn.instance(instance).incident) == ([], "record_refused")
    why = session.scalars(select(ProcessEvent.body).where(ProcessEvent.kind == "branch_failed")).one()
    assert "mai" in why["reason"]
    drawn.check(instance)
    token = drawn.state(instance).tokens[0].id
    with transaction(cast.hoa) as inside:
        services.correct_values(inside, instance, {"day": "2026-12-01"}, by=cast.hoa, reason="Gõ nhầm")
        services.retry_branch(inside, instance, token, by=cast.hoa, reason="Đã sửa")
    assert drawn.open(instance) == ["call"]
    assert str(session.get_one(Customer, story.customer_id, populate_existing=True).next_contact_on) == "2026-12-01"
    assert drawn.instance(instance).incident is None
    drawn.check(instance)


@pytest.mark.parametrize(
    ("said", "day"),
    [("2026-12-01T17:30:00+00:00", "2026-12-02"), ("2026-12-01T16:30:00Z", "2026-12-01"),
     ("2026-12-01T23:59", "2026-12-01"), ("2026-12-02T06:00:00+07:00", "2026-12-02")],
)  # fmt: skip
def test_the_day_of_a_moment_is_the_one_on_the_walls_of_the_company(session, draw, story, said, day):
    drawn = draw("set field='customer.next_contact_on' value='day'")
    drawn.finish(drawn.start(story.customer_id, day=said), "ask")
    assert str(session.get_one(Customer, story.customer_id, populate_existing=True).next_contact_on) == day


@pytest.mark.parametrize(
    ("day", "is_one"),
    [("2026-12-01", True), ("2026-12-01T09:00", True), ("20261201", False), ("2026-W49-2", False), ("mai", False)],
)
def test_a_day_that_is_always_the_same_is_judged_as_it_is_read(draw, story, day, is_one):
    service = f"set field='customer.next_contact_on' value=\"'{day}'\""
    if not is_one:
        with pytest.raises(BusinessError):
            draw(service)
        return
    drawn = draw(service)
    instance = drawn.start(story.customer_id)
    drawn.finish(instance, "ask")
    assert drawn.open(instance) == ["call"]


@pytest.mark.both_databases
def test_errands_beside_each_other_and_in_a_linked_run_are_all_run(session, cast, story):
    inner = ("start > send > serve > end",), {
        "services": {
            "send": "mail template='process_news' to='initiator'", "serve": "set field='customer.note' value='said'",
        }
    }  # fmt: skip
    with clock.at(MONDAY):
        pair = Pair(
            session, cast, inner,
            ("start > ask > and1 > send > and2 > look > end", "and1 > call > and2", "and1 > serve > and2"),
            calls={"call": f'{CHILD} in="said"'},
            services={
                "send": "mail template='process_news' to='initiator'",
                "serve": "set field='customer.next_contact_on' value=\"'2026-12-01'\"",
            },
        )  # fmt: skip
        instance = pair.start(story.customer_id, said="Khách dễ tính")
        pair.finish(instance, "ask")
        assert pair.instance(pair.called(instance)).status is InstanceStatus.completed
        assert pair.open(instance) == ["look"]
        assert len(session.scalars(select(Outbox)).all()) == 2
        customer = session.get_one(Customer, story.customer_id, populate_existing=True)
        assert (customer.note, str(customer.next_contact_on)) == ("Khách dễ tính", "2026-12-01")
        pair.check(instance)


@pytest.mark.parametrize("said", ["", "không phải thư"])
def test_an_address_that_is_none_stops_the_branch(session, draw, said):
    drawn = draw("mail template='process_news' to='field:said'", "send")
    instance = drawn.start(said=said)
    drawn.finish(instance, "ask")
    assert (drawn.open(instance), drawn.instance(instance).incident) == ([], "mail_failed")
    assert session.scalars(select(Outbox)).all() == []


def test_without_a_customer_there_is_nobody_to_change_or_to_write_to(session, draw):
    drawn = draw("mail template='customer_thanks'", "send")
    instance = drawn.start()
    drawn.finish(instance, "ask")
    assert (drawn.open(instance), drawn.instance(instance).incident) == ([], "mail_failed")
    assert session.scalars(select(Outbox)).all() == []


def test_whoever_began_it_is_written_to_in_the_same_transaction(session, cast, draw, story):
    drawn = draw("mail template='process_news' to='initiator' words='said'", "send")
    instance = drawn.start(story.customer_id, said="Kho đã {{ name }} nhận")
    task_id, lan = drawn.task(instance, "ask").id, cast.lan

    def finish():
        with transaction(lan) as inside:
            complete_task(inside, task_id, by=lan)

    writes, changed = all_or_nothing(session, finish)
    assert writes > 10
    assert {"outbox", "process_event", "task"} <= changed
    mail = session.scalars(select(Outbox)).one()
    assert mail.to_user_id == lan.user_id
    assert "Kho đã {{ name }} nhận" in mail.body_text
    assert drawn.open(instance) == ["call"]
    drawn.check(instance)


def test_a_customer_is_written_to_as_his_consent_says(session, draw, story):
    drawn = draw("mail template='customer_thanks'", "send")
    customer = session.get_one(Customer, story.customer_id)
    with transaction() as inside:
        customer = inside.get_one(Customer, story.customer_id)
        customer.do_not_contact, customer.do_not_contact_reason = True, "Khách yêu cầu"
    instance = drawn.start(story.customer_id)
    drawn.finish(instance, "ask")
    assert drawn.instance(instance).incident == "mail_failed"
    assert session.scalars(select(Outbox)).all() == []
    assert drawn.instance(instance).status is InstanceStatus.running
