"""Does a program learn of overdue work, in the bell and in the outgoing mail?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app.core import clock
from app.tasks.jobs import scan_overdue
from tests.rest import Rest, install_late_delivery, statements

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 09:00 in Vietnam, a working day
LATE = MONDAY + timedelta(minutes=6)


@pytest.fixture
def overdue(app: Flask, once):
    """A task of Lan's whose time has passed; the scan has seen it."""
    with clock.at(MONDAY):
        once("late delivery", lambda: install_late_delivery(app))
        lan = Rest(app, "lan")
        task = lan.start()["open_tasks"][0]
        lan.post(f"tasks/{task['id']}/claim")
    with clock.at(LATE):
        with app.app_context():
            scan_overdue()
        yield task


@pytest.mark.both_databases
def test_an_overdue_task_is_one_alert_for_its_assignee(app, overdue):
    (alert,) = Rest(app, "lan").rows("alerts/")
    assert alert == {
        "id": alert["id"], "rule": "task_overdue", "level": 1, "subject_type": "task", "subject_id": overdue["id"],
        "recipient": "lan", "raised_at": "2026-11-23T02:06:00Z", "read_at": None,
    }  # fmt: skip
    assert Rest(app, "tuan").rows("alerts/") == []
    assert Rest(app, "minh").rows("alerts/") == []
    assert Rest(app, "hoa").rows("alerts/", rule="task_overdue", subject_type="task", subject_id=overdue["id"]) == [
        alert
    ]
    assert Rest(app, "hoa").rows("alerts/", subject_id=2**40) == []


@pytest.mark.both_databases
def test_reading_the_bell_reads_the_alert(app, overdue):
    lan = Rest(app, "lan")
    (line,) = lan.rows("notifications/", unread=1)
    assert "Tiếp nhận" in line["text"]
    assert (line["kind"], line["subject_id"]) == ("task_overdue", overdue["id"])
    # Another one's line, and numbers that no line has, stay without effect.
    assert Rest(app, "tuan").post("notifications/read", {"ids": [line["id"]]}).json == {"read": 0}
    assert lan.post("notifications/read", {"ids": [-1, 0, 2**31, 10**30]}).json == {"read": 0}
    assert lan.post("notifications/read", {"ids": [line["id"]]}).json == {"read": 1}
    assert lan.rows("notifications/", unread=1) == lan.rows("alerts/", unread=1) == []
    assert lan.rows("alerts/")[0]["read_at"] == "2026-11-23T02:06:00Z"


def test_without_ids_the_whole_bell_is_read(app, overdue):
    lan = Rest(app, "lan")
    assert lan.post("notifications/read").json == {"read": 1}
    assert lan.post("notifications/read").json == {"read": 0}


@pytest.mark.parametrize("ids", [5, "1", [True], ["1"], [None], [1] * 1001])
def test_ids_are_a_list_of_numbers(app, ids):
    answer = Rest(app, "lan").post("notifications/read", {"ids": ids})
    assert answer.status_code == 422
    assert any(key.startswith("ids") for key in answer.json["fields"])


@pytest.mark.both_databases
def test_the_mail_is_read_and_sent_again_by_administrators_alone(app, overdue):
    hoa, lan = Rest(app, "hoa"), Rest(app, "lan")
    (mail,) = hoa.rows("outbox/")
    assert (mail["to"], mail["status"], mail["sent_at"]) == ("lan@phosen.example", "waiting", None)
    assert "Tiếp nhận" in mail["subject"]
    assert "http" in hoa.get(f"outbox/{mail['id']}").json["body_text"]
    again = hoa.post(f"outbox/{mail['id']}/resend")
    assert (again.status_code, again.json["attempts"]) == (200, 0)
    for answer in (lan.get("outbox/"), lan.get(f"outbox/{mail['id']}"), lan.post(f"outbox/{mail['id']}/resend")):
        assert answer.status_code == 403
    assert hoa.rows("outbox/", status="dead") == hoa.rows("outbox/", to="minh@phosen.example") == []
    assert hoa.get("outbox/999").status_code == hoa.post("outbox/999/resend").status_code == 404


def test_the_companys_calendar_is_told_in_hours(app):
    (calendar,) = Rest(app, "lan").rows("calendars/")
    assert calendar["code"] == "company"
    assert {"weekday": 0, "start": "08:00", "end": "12:00"} in calendar["week"]
    assert any(day["kind"] == "holiday" and day["hours"] == [] for day in calendar["exceptions"])


def test_lists_cost_few_queries(app, overdue):
    hoa = Rest(app, "hoa")
    for path in ("alerts/", "notifications/", "outbox/", "calendars/"):
        hoa.get(path)
        with statements(app) as seen:
            assert hoa.get(path).status_code == 200
        assert len(seen) <= 8, (path, seen)
