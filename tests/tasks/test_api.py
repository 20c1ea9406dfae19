"""Can a program find, take, finish and hand on work?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app.core import clock
from tests.rest import STEPS, Rest, finish, install_late_delivery, statements

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 09:00 in Vietnam, a working day
RECEIVED = STEPS["receive"][1]


@pytest.fixture(autouse=True)
def late_delivery(app: Flask, once):
    with clock.at(MONDAY):
        once("late delivery", lambda: install_late_delivery(app))
        yield


def receive(app: Flask) -> dict:
    """The first task of a new instance for a customer of Lan's."""
    lan = Rest(app, "lan")
    return lan.start(lan.customer()["id"])["open_tasks"][0]


def handed_over(app: Flask) -> dict:
    """The task that waits for the team Vận hành."""
    lan = Rest(app, "lan")
    return finish(app, lan.start(lan.customer()["id"]))["open_tasks"][0]


def to_approve(app: Flask) -> dict:
    lan = Rest(app, "lan")
    instance = finish(app, lan.start(lan.customer()["id"]), compensation=600_000)
    while instance["open_tasks"][0]["step"] != "approve":
        instance = finish(app, instance)
    return instance["open_tasks"][0]


# ── one task ──


def test_a_task_tells_what_to_fill_in(app):
    task = Rest(app, "lan").get(f"tasks/{receive(app)['id']}").json
    assert task["form"]["properties"]["compensation"]["type"] == "integer"
    assert {"happened", "compensation", "apology"} <= set(task["form"]["required"])
    assert (task["outcomes"], task["state"], task["assignee"], task["offered_to"]) == ([], "ready", None, "team:cskh")
    assert task["customer"]["name"] == "Đặng Thị Mỹ Duyên"
    assert task["customer"]["contact_points"][0]["value"] == "+84912345678"
    assert task["due_at"] == "2026-11-23T02:05:00Z"
    assert isinstance(task["rev"], int)


def test_an_approval_has_outcomes_and_no_form(app):
    task = Rest(app, "minh").get(f"tasks/{to_approve(app)['id']}").json
    assert (task["form"], task["outcomes"], task["assignee"]) == (None, ["approve", "reject"], "minh")


@pytest.mark.parametrize("number", ["999", "0", "-1", "x", "2147483648", "99999999999999999999"])
def test_a_task_that_is_not_there(app, number):
    lan = Rest(app, "lan")
    assert lan.get(f"tasks/{number}").status_code == 404
    for verb in ("claim", "release", "complete"):
        assert lan.post(f"tasks/{number}/{verb}").status_code == 404
    assert lan.post(f"tasks/{number}/comment", {"text": "x"}).status_code == 404
    assert lan.post(f"tasks/{number}/reassign", {"assignee": "minh"}).status_code == 404


@pytest.mark.parametrize("verb", ["suspend", "resume", "move"])
def test_verbs_that_do_not_exist_are_not_there(app, verb):
    assert Rest(app, "lan").post(f"tasks/{receive(app)['id']}/{verb}").status_code == 404


def test_a_colleague_of_another_team_does_not_see_the_task(app):
    task, tuan = receive(app), Rest(app, "tuan")
    assert tuan.get(f"tasks/{task['id']}").status_code == 404
    assert tuan.post(f"tasks/{task['id']}/claim").status_code == 404
    assert tuan.post(f"tasks/{task['id']}/reassign", {"assignee": "tuan"}).status_code == 404
    assert tuan.rows("tasks/") == []


# ── taking and giving back ──


@pytest.mark.both_databases
def test_one_takes_it_and_the_other_learns_who_and_when(app):
    task, binh, tuan = handed_over(app), Rest(app, "binh"), Rest(app, "tuan")
    assert tuan.get(f"tasks/{task['id']}").status_code == 200
    taken = binh.post(f"tasks/{task['id']}/claim")
    assert (taken.status_code, taken.json["state"], taken.json["assignee"]) == (200, "claimed", "binh")
    refused = tuan.post(f"tasks/{task['id']}/claim")
    assert (refused.status_code, refused.json["error"]) == (409, "task_taken")
    assert (refused.json["by"], refused.json["at"]) == ("Đỗ Thanh Bình", "2026-11-23T02:00:00Z")
    assert tuan.get(f"tasks/{task['id']}").status_code == 404


def test_released_work_waits_for_its_team_again(app):
    task, binh, tuan = handed_over(app), Rest(app, "binh"), Rest(app, "tuan")
    binh.post(f"tasks/{task['id']}/claim")
    free = binh.post(f"tasks/{task['id']}/release")
    assert (free.status_code, free.json["state"], free.json["assignee"]) == (200, "ready", None)
    assert tuan.post(f"tasks/{task['id']}/claim").status_code == 200


def test_a_head_reassigns_and_staff_do_not(app):
    task, lan, minh = receive(app), Rest(app, "lan"), Rest(app, "minh")
    address = f"tasks/{task['id']}/reassign"
    assert lan.post(address, {"assignee": "minh"}).status_code == 403
    assert "assignee" in minh.post(address, {"assignee": "khong-ai"}).json["fields"]
    assert "assignee" in minh.post(address).json["fields"]
    done = minh.post(address, {"assignee": "lan", "reason": "Lan quen khách này"})
    assert (done.status_code, done.json["assignee"]) == (200, "lan")


def test_a_stale_rev_is_a_conflict(app):
    task, lan = receive(app), Rest(app, "lan")
    rev = lan.get(f"tasks/{task['id']}").json["rev"]
    lan.post(f"tasks/{task['id']}/claim", {"rev": rev})
    stale = lan.post(f"tasks/{task['id']}/complete", {"answers": RECEIVED, "rev": rev})
    assert (stale.status_code, stale.json["by"]) == (409, "Nguyễn Ngọc Lan")
    assert stale.json["rev"] == rev + 1


# ── finishing ──


def test_wrong_answers_are_told_by_key_and_nothing_happens(app):
    task, lan = receive(app), Rest(app, "lan")
    wrong = lan.post(
        f"tasks/{task['id']}/complete", {"answers": {"compensation": "nhiều", "extra": 1, "happened": " "}}
    )
    assert wrong.status_code == 422
    assert {"compensation", "extra", "happened", "apology"} <= set(wrong.json["fields"])
    assert lan.get(f"tasks/{task['id']}").json["state"] == "ready"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"answers": []}, "answers"),
        ({"answers": RECEIVED, "outcome": "approve"}, "outcome"),
        ({"answers": RECEIVED, "outcome": 1}, "outcome"),
        ({"answers": RECEIVED, "note": "x" * 5001}, "note"),
        ({"answers": RECEIVED, "note": "x\0"}, "note"),
        ({"answers": RECEIVED, "rev": "1"}, "rev"),
        ({"answers": RECEIVED, "rev": True}, "rev"),
        ({"answers": RECEIVED, "state": "completed"}, "state"),
    ],
)
def test_a_wrong_completion_is_told_by_key(app, body, key):
    answer = Rest(app, "lan").post(f"tasks/{receive(app)['id']}/complete", body)
    assert answer.status_code == 422
    assert key in answer.json["fields"]


def test_an_approval_takes_an_outcome_and_no_answers(app):
    task, minh = to_approve(app), Rest(app, "minh")
    address = f"tasks/{task['id']}/complete"
    for body, key in (
        ({}, "outcome"),
        ({"outcome": "return"}, "outcome"),
        ({"outcome": "approve", "answers": {"a": 1}}, "answers"),
    ):
        assert key in minh.post(address, body).json["fields"]
    done = minh.post(address, {"answers": {}, "outcome": "reject", "note": "Chưa đủ căn cứ"})
    assert (done.status_code, done.json["outcome"], done.json["note"]) == (200, "reject", "Chưa đủ căn cứ")


@pytest.mark.both_databases
def test_the_second_to_finish_learns_who_was_first(app):
    task, binh, tuan = handed_over(app), Rest(app, "binh"), Rest(app, "tuan")
    answers = {"answers": STEPS["find-order"][1]}
    done = binh.post(f"tasks/{task['id']}/complete", answers)
    assert (done.status_code, done.json["state"], done.json["completed_by"]) == (200, "completed", "binh")
    assert done.json["answers"]["finding"] == "Xe hỏng ở Gia Lâm"
    for late in (answers, {"answers": {}}):
        refused = tuan.post(f"tasks/{task['id']}/complete", late)
        assert (refused.status_code, refused.json["error"]) == (409, "task_not_open")
        assert (refused.json["by"], refused.json["at"]) == ("Đỗ Thanh Bình", "2026-11-23T02:00:00Z")


def test_finishing_twice_under_one_key_finishes_once(app):
    task, lan = receive(app), Rest(app, "lan")
    first = lan.post(f"tasks/{task['id']}/complete", {"answers": RECEIVED}, key="k")
    again = lan.post(f"tasks/{task['id']}/complete", {"answers": RECEIVED}, key="k")
    assert (again.status_code, again.json) == (200, first.json)


def test_a_note_is_seen_by_whoever_sees_the_task(app):
    task, binh, tuan = handed_over(app), Rest(app, "binh"), Rest(app, "tuan")
    noted = binh.post(f"tasks/{task['id']}/comment", {"text": "Đã gọi kho"})
    assert noted.status_code == 200
    (comment,) = tuan.get(f"tasks/{task['id']}").json["comments"]
    assert (comment["author"], comment["text"]) == ("binh", "Đã gọi kho")
    for body in ({}, {"text": " "}, {"text": "x" * 10_001}, {"text": 1}):
        assert "text" in binh.post(f"tasks/{task['id']}/comment", body).json["fields"]


# ── lists ──


def test_mine_queue_and_overdue(app):
    waiting, lan, minh = receive(app), Rest(app, "lan"), Rest(app, "minh")
    taken = receive(app)
    lan.post(f"tasks/{taken['id']}/claim")

    def ids(rest: Rest, **query):
        return [row["id"] for row in rest.rows("tasks/", **query)]

    assert ids(lan, mine=1) == [taken["id"]]
    assert ids(lan, queue=1) == [waiting["id"]]
    assert ids(lan) == ids(minh) == [waiting["id"], taken["id"]]
    assert ids(lan, mine=0) == [waiting["id"], taken["id"]]
    assert ids(lan, overdue=1) == []
    with clock.at(MONDAY + timedelta(minutes=6)):
        assert ids(lan, overdue=1) == [waiting["id"], taken["id"]]
        assert lan.rows("tasks/")[0]["overdue"] is True
    assert ids(minh, assignee="lan") == [taken["id"]]
    assert ids(lan, instance=lan.get(f"tasks/{taken['id']}").json["instance_id"]) == [taken["id"]]
    assert ids(lan, customer=lan.get(f"tasks/{waiting['id']}").json["customer_id"]) == [waiting["id"]]
    assert len(ids(lan, q="5678")) == 2
    assert ids(lan, q="nguyen van khac") == []
    lan.post(f"tasks/{taken['id']}/complete", {"answers": RECEIVED})
    assert ids(lan, state="completed") == [taken["id"]]
    assert ids(lan) == [waiting["id"]]
    assert set(ids(lan, state="all")) == {waiting["id"], taken["id"]}


@pytest.mark.parametrize(
    "query", [{"mine": "yes"}, {"state": "done"}, {"instance": "x"}, {"customer": "-1"}, {"order": "customer"}]
)
def test_what_a_list_does_not_understand_is_refused(app, query):
    assert Rest(app, "lan").get("tasks/", **query).status_code == 400


def test_the_customer_is_hidden_from_who_sees_the_task_but_not_him(app):
    task, tuan, binh = handed_over(app), Rest(app, "tuan"), Rest(app, "binh")
    tuan.post(f"tasks/{task['id']}/claim")
    # Bình heads the team, so he sees its work; the customer was handed to Tuấn alone.
    shown = binh.get(f"tasks/{task['id']}").json
    assert (shown["assignee"], shown["customer"]) == ("tuan", None)


@pytest.mark.parametrize("who", ["lan", "minh", "hoa", "tuan"])
def test_a_list_costs_few_queries_however_long_it_is(app, who):
    for _ in range(3):
        handed_over(app)
        receive(app)
    Rest(app, "binh").post(f"tasks/{handed_over(app)['id']}/claim")
    rest = Rest(app, who)
    rest.get("tasks/")
    with statements(app) as seen:
        assert rest.get("tasks/").status_code == 200
    assert len(seen) <= 8, seen
