"""What the engine decided comes back from the rows as it was, and what happened stays as it happened."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.core.db import transaction
from app.processes import queries, store
from app.processes.engine.state import InstanceStatus, State, Token, TokenState
from app.processes.models import ProcessEvent, ProcessToken, ProcessVersion
from tests.story import MONDAY

pytestmark = pytest.mark.both_databases


def state_of(session, instance_id: int) -> State:
    session.rollback()
    with transaction() as inside:
        return store.load(inside, store.lock(inside, instance_id))


def test_the_state_comes_back_from_the_rows(session, cast, story):
    instance_id = story.start()
    state = state_of(session, instance_id)
    assert (state.status, state.data) == (InstanceStatus.running, {})
    assert [(token.node, token.state) for token in state.tokens] == [("receive", TokenState.waiting)]
    story.do("lan", story.task(instance_id, "receive"), compensation=600_000, happened="Đơn trễ “một ngày”")
    state = state_of(session, instance_id)
    assert [token.node for token in state.tokens] == ["find-order"]
    assert state.data["compensation"] == 600_000
    assert state.data["happened"] == "Đơn trễ “một ngày”"
    assert state.next_token > max(token.id for token in state.tokens)
    assert all(isinstance(token, Token) for token in state.tokens)


def test_a_finished_instance_has_no_tokens_and_keeps_what_it_learnt(session, cast, story):
    instance_id = story.start()
    story.do("lan", story.run_to(instance_id, "call-back"))
    state = state_of(session, instance_id)
    assert (state.status, state.tokens) == (InstanceStatus.completed, ())
    instance = story.instance(instance_id)
    assert instance.ended_at == MONDAY
    assert instance.data["satisfied"] is True
    assert session.scalars(select(ProcessToken)).all() == []


def test_events_are_numbered_without_a_gap_and_say_who_and_which_task(session, cast, story):
    instance_id = story.start()
    story.do("lan", story.run_to(instance_id, "call-back", compensation=600_000))
    events = session.scalars(queries.events(instance_id)).all()
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[0].kind == "instance_started"
    assert events[-1].kind == "finish_instance"
    opened = [event for event in events if event.kind == "open_task"]
    assert [event.node for event in opened] == ["receive", "find-order", "update", "approve", "call-back"]
    assert [event.task_id for event in opened] == [story.task(instance_id, event.node).id for event in opened]
    assert {event.actor_id for event in events} == {cast.lan.user_id, cast.binh.user_id, cast.minh.user_id}
    assert {event.at for event in events} == {MONDAY}


@pytest.mark.parametrize("statement", ["UPDATE process_event SET kind = 'x'", "DELETE FROM process_event"])
def test_what_happened_is_never_changed(session, cast, story, statement):
    story.start()
    with pytest.raises(IntegrityError, match="never changed"), transaction() as inside:
        inside.execute(text(statement))


@pytest.mark.parametrize(
    "change",
    [
        "bpmn = '<x/>'",
        "number = 99",
        "state = 'draft'",
        "form_pins = '{}'",
        "published_at = NULL",
        "published_at = '2020-01-01 00:00:00'",
    ],
)
def test_a_published_version_never_changes(session, cast, story, change):
    with pytest.raises(IntegrityError), transaction() as inside:
        inside.execute(text(f"UPDATE process_version SET {change}"))


def test_a_published_version_is_not_deleted_and_a_draft_may_be(session, cast, story):
    with transaction(cast.hoa) as inside:
        process = inside.merge(story.process(), load=True)
        draft = ProcessVersion(process_id=process.id, number=2, bpmn="<x/>", form_pins={})
        inside.add(draft)
        inside.flush()
        inside.execute(text("UPDATE process_version SET bpmn = '<y/>' WHERE state = 'draft'"))
        inside.execute(text("DELETE FROM process_version WHERE state = 'draft'"))
    with pytest.raises(IntegrityError, match="never changes"), transaction() as inside:
        inside.execute(text("DELETE FROM process_version"))


def test_a_version_retires_when_the_next_one_is_published(session, cast, story):
    with transaction() as inside:
        inside.execute(text("UPDATE process_version SET state = 'archived' WHERE state = 'published'"))
    assert queries.active_version(session, story.process().id) is None


def test_two_instances_do_not_share_tokens(session, cast, story):
    one, two = story.start(), story.start()
    story.do("lan", story.task(one, "receive"))
    assert [token.node for token in state_of(session, one).tokens] == ["find-order"]
    assert [token.node for token in state_of(session, two).tokens] == ["receive"]
    assert session.scalars(select(ProcessEvent.seq).where(ProcessEvent.instance_id == two)).all()[0] == 1
