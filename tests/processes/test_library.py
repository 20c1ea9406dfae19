"""Does the process that comes with the product run as its story says?"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

import app.processes
from app.processes.engine.bpmn import read
from app.processes.engine.core import decide
from app.processes.engine.events import Complete, Start
from app.processes.engine.lint import Known, check
from app.processes.engine.state import InstanceStatus, State

TODAY = date(2026, 11, 23)
LATE_DELIVERY = Path(app.processes.__file__).parent / "library" / "giao-hang-cham.bpmn"


@pytest.fixture(scope="module")
def late_delivery():
    definition, problems = read(LATE_DELIVERY.read_bytes())
    assert problems == []
    return definition


def test_late_delivery_has_nothing_to_complain_about(late_delivery):
    known = Known(
        forms={
            "phan-anh-giao-cham": frozenset({"compensation"}),
            "tinh-trang-don": frozenset(),
            "cap-nhat-khach": frozenset(),
            "goi-lai": frozenset(),
        },
        roles=frozenset({"Staff", "Manager"}),
        teams=frozenset({"cskh", "van-hanh"}),
    )

    assert check(late_delivery, known=known) == []


def test_late_delivery_names_who_does_what_until_when(late_delivery):
    assert [(step.id, str(step.assignment), step.task.due, step.task.stage) for step in late_delivery.steps] == [
        ("receive", "team:cskh", timedelta(minutes=5), "tiep-nhan"),
        ("find-order", "team:van-hanh", timedelta(hours=1), "van-hanh"),
        ("update", "initiator", timedelta(hours=2), "cap-nhat"),
        ("approve", "head:cskh", timedelta(hours=4), "cap-nhat"),
        ("call-back", "initiator", timedelta(hours=1), "goi-lai"),
    ]


@pytest.mark.parametrize(
    ("compensation", "outcome", "steps"),
    [
        (500_000, None, ["receive", "find-order", "update", "call-back"]),
        (500_001, "approve", ["receive", "find-order", "update", "approve", "call-back"]),
        (500_001, "reject", ["receive", "find-order", "update", "approve", "call-back"]),
    ],
)
def test_late_delivery_asks_for_approval_above_half_a_million(late_delivery, compensation, outcome, steps):
    state, done = decide(late_delivery, State(), Start(), today=TODAY).state, []
    while state.status is InstanceStatus.running:
        (token,) = state.tokens
        done.append(token.node)
        answers = {"compensation": compensation} if token.node == "receive" else {}
        chosen = outcome if token.node == "approve" else None
        state = decide(late_delivery, state, Complete(token.id, answers, chosen), today=TODAY).state

    assert done == steps
    assert state.status is InstanceStatus.completed
    assert state.data.get("approve.outcome") == outcome
