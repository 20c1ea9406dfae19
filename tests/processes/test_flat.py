"""A loop with an approval in it: a step costs the same however often the loop has turned, and so does its page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.forms import services as forms
from app.forms.rules import Answers
from app.tasks.services import complete_task
from tests.cast import Cast
from tests.processes.drawn import Drawn
from tests.rest import statements

ARROWS = ("start > ask > ok > xor1", "xor1 > end if ok.outcome = 'reject'", "xor1 > ask by default")
FORM = {"name": "Ý kiến", "fields": [{"key": "said", "type": "text", "label": "Ý kiến"}]}
STEPS = {
    "ask": 'assign="initiator" due="PT1H" form="y-kien"',
    "ok": 'assign="round_robin:team:cskh" notBy="ask" due="PT1H" outcomes="approve,reject"',
}
_OPCODES = 50
TURNS, AGAIN = 60, 5


@contextmanager
def work_of_the_database() -> Iterator[list[int]]:
    """How much SQLite has to do inside, in its own opcodes; it is the same in every run."""
    done = [0]

    def count() -> int:
        done[0] += _OPCODES
        return 0

    def listen(driver, *_more) -> None:
        driver.set_progress_handler(count, _OPCODES)

    def leave(driver, *_more) -> None:
        driver.set_progress_handler(None, 0)

    engine = db.engine
    event.listen(engine, "checkout", listen)
    event.listen(engine, "checkin", leave)
    try:
        yield done
    finally:
        event.remove(engine, "checkout", listen)
        event.remove(engine, "checkin", leave)


def turn(app: Flask, process: Drawn, instance_id: int) -> tuple[int, int]:
    asked = worked = 0
    for step in ("ask", "ok"):
        task = process.task(instance_id, step)
        number, who = task.id, process.cast.actor(task.assignee.user.username if task.assignee else "lan")
        answers = Answers({"said": "Được"}) if step == "ask" else None
        process.session.rollback()
        with statements(app) as seen, work_of_the_database() as done, transaction(who) as inside:
            complete_task(inside, number, by=who, answers=answers, outcome="approve" if step == "ok" else None)
        asked, worked = asked + len(seen), worked + done[0]
    return asked, worked


def begun(session: Session) -> tuple[Drawn, int]:
    with transaction() as inside:
        form = forms.create_form(inside, code="y-kien", name="Ý kiến", by=SYSTEM)
        forms.save_draft(inside, form, FORM, by=SYSTEM)
        forms.publish_form(inside, form, by=SYSTEM)
    process = Drawn(session, Cast(session), *ARROWS, tasks=STEPS)
    return process, process.start()


def test_a_step_and_its_page_cost_the_same_after_many_turns(app, client):
    with app.app_context():
        process, instance_id = begun(db.session())

        def turns(count: int) -> tuple[int, int]:
            """(statements, opcodes) of so many turns."""
            found = [turn(app, process, instance_id) for _turn in range(count)]
            return sum(asked for asked, _worked in found), sum(worked for _asked, worked in found)

        turns(TURNS)
        first = turns(AGAIN)
        turns(TURNS)
        last = turns(AGAIN)
        number = process.task(instance_id, "ask").id
        db.session.rollback()
    assert first[0] == last[0], (first, last)
    assert last[1] <= 1.1 * first[1], (first, last)
    page = client("hoa").get(f"/cong-viec/{number}")
    assert page.status_code == 200
    assert len(page.data) <= 150_000
    assert page.text.count("tt-earlier") <= 35
    assert f"/ho-so/{instance_id}?phieu=" in page.text
