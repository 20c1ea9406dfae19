"""Two processes as somebody would try them by hand, through REST: a loop with a join inside, and a linked process
with a returned step and a cancelled caller. Whatever is sent is sent twice under one key, as a program does that
heard no answer: the second time nothing happens, and the answer is the same.
"""

from __future__ import annotations

import itertools

import pytest
from flask import Flask

from app.core import clock
from tests.failing import everything
from tests.processes.engine.drawing import bpmn
from tests.rest import Rest
from tests.story import MONDAY

# The other database daily: test_late_delivery.py, test_races.py and test_store.py.
pytestmark = pytest.mark.both_databases(slow=True)

LOOP = bpmn(
    "start > xor1 > and1 > stock > and2 > decide > xor2", "and1 > carrier > and2",
    "xor2 > xor1 if decide.outcome = 'reject'",
    "xor2 > end by default",
    tasks={"decide": 'assign="initiator" due="PT1H" approval="any" outcomes="approve,reject"'},
)  # fmt: skip
CALLED = bpmn("start > one > two > end")
CALLING = bpmn("start > ask > call > look > end", calls={"call": "kiem-kho"})


#: what a repetition must not change
HELD = (
    "process_instance", "process_token", "process_event", "task", "task_event", "audit_event", "timeline_entry"
)  # fmt: skip


class Twice:
    """Lan, who sends everything twice, and Hoa, who draws."""

    def __init__(self, app: Flask) -> None:
        self.app, self.lan, self.hoa, self._keys = app, Rest(app, "lan"), Rest(app, "hoa"), itertools.count(1)

    def publish(self, code: str, drawing: str) -> None:
        assert self.hoa.post("processes/", {"code": code, "name": code}).status_code == 201
        put = self.hoa.put(f"processes/{code}/draft", data=drawing.encode(), content_type="application/xml")
        assert put.status_code == 200
        assert self.hoa.post(f"processes/{code}/publish").status_code == 200

    def send(self, path: str, body: dict) -> dict:
        key = f"by-hand-{next(self._keys)}"
        first = self.lan.post(path, body, key=key)
        assert first.status_code in (200, 201), first.text
        before = self._rows()
        again = self.lan.post(path, body, key=key)
        assert (again.status_code, again.json, self._rows()) == (first.status_code, first.json, before)
        return first.json

    def _rows(self) -> object:
        with self.app.app_context():
            rows = everything()
        return {name: rows[name] for name in HELD}

    def start(self, code: str) -> int:
        return self.send("instances/", {"process": code})["id"]

    def open(self, instance: int) -> dict[str, int]:
        return {task["step"]: task["id"] for task in self.lan.get(f"instances/{instance}").json["open_tasks"]}

    def finish(self, instance: int, step: str, **more: str) -> None:
        self.send(f"tasks/{self.open(instance)[step]}/complete", {"answers": {}, **more})


@pytest.fixture
def hand(app):
    with clock.at(MONDAY):
        yield Twice(app)


def test_a_loop_with_a_join_inside(hand):
    hand.publish("vong", LOOP)
    run = hand.start("vong")
    for first, second, outcome in (
        ("stock", "carrier", "reject"), ("carrier", "stock", "reject"), ("stock", "carrier", "approve"),
    ):  # fmt: skip
        assert set(hand.open(run)) == {"stock", "carrier"}
        hand.finish(run, first)
        assert set(hand.open(run)) == {second}, "the join waits for this round's other branch"
        hand.finish(run, second)
        assert set(hand.open(run)) == {"decide"}
        hand.finish(run, "decide", outcome=outcome, note="Chưa rõ")
    shown = hand.lan.get(f"instances/{run}").json
    assert (shown["status"], shown["open_tasks"]) == ("completed", [])
    assert len(hand.lan.rows(f"instances/{run}/events", kind="join_fired")) == 3


def test_a_linked_process_with_a_returned_step_and_a_cancelled_caller(hand):
    hand.publish("kiem-kho", CALLED)
    hand.publish("khieu-nai", CALLING)
    run = hand.start("khieu-nai")
    hand.finish(run, "ask")
    (child,) = hand.lan.get(f"instances/{run}").json["children"]
    assert hand.open(run) == {}
    hand.finish(child["id"], "one")
    hand.send(f"tasks/{hand.open(child['id'])['two']}/return", {"to": "one", "note": "Thiếu ảnh"})
    assert set(hand.open(child["id"])) == {"one"}
    hand.finish(child["id"], "one")
    hand.send(f"instances/{run}/suspend", {"reason": "Chờ khách"})
    assert hand.lan.get(f"instances/{child['id']}").json["status"] == "suspended"
    hand.send(f"instances/{run}/resume", {})
    hand.send(f"instances/{run}/cancel", {"reason": "Khách thôi"})
    for one in (run, child["id"]):
        shown = hand.lan.get(f"instances/{one}").json
        assert (shown["status"], shown["open_tasks"]) == ("cancelled", [])
