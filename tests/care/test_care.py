"""Forgotten customers: a task each, evenly spread over working days, once, and taken back."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from importlib import import_module

import pytest
from sqlalchemy import select, text, update

from app.care import queries, rules, services
from app.core import clock
from app.core.errors import BusinessError, NotFoundError
from app.customers import services as customers
from app.customers.forgotten import keeping
from app.customers.forgotten.models import ContactTarget
from app.customers.forgotten.services import ensure_targets
from app.deadlines.rules import WeeklyInterval, WorkCalendar
from app.security.models import Grant, Right
from app.tasks.customer_tasks import add_task
from app.tasks.models import Task, TaskState
from app.tasks.services import cancel_task
from tests.rest import Rest
from tests.security.test_field_rights import HIDDEN, hold_back


def test_each_persons_customers_are_spread_evenly_over_the_next_working_days():
    calendar = WorkCalendar.of("Asia/Ho_Chi_Minh", [WeeklyInterval(day, 480, 1020) for day in range(5)])
    days = rules.working_days(calendar, date(2026, 11, 20), 5)  # a Friday
    assert days == [date(2026, 11, 23) + timedelta(days=ahead) for ahead in range(5)]
    when = rules.spread({"lan": range(12), "tuan": range(100, 103)}, days)
    load = Counter(when[one] for one in range(12))
    assert max(load.values()) - min(load.values()) <= 1
    assert [when[one] for one in range(12)] == sorted(when[one] for one in range(12))
    assert len({when[one] for one in range(100, 103)}) == 3
    assert rules.deadlines(calendar, days[0], 1)[0][0].isoformat() == "2026-11-23T17:00:00+07:00"
    split = WorkCalendar.of("Asia/Ho_Chi_Minh", [WeeklyInterval(0, 480, 720), WeeklyInterval(0, 810, 1050)])
    hours = [f"{due:%H:%M}" for due, _warn in rules.deadlines(split, days[0], 4)]
    assert hours == ["10:00", "12:00", "15:30", "17:30"], "the break at noon is no work"
    assert len(rules.deadlines(split, days[0], 40)) == 40
    assert rules.spread({"lan": []}, days) == {}


@pytest.fixture
def silent(session, cast):
    """Seven of Lan's and one of Minh's that nobody has spoken with for 100 days, and one of Tuấn's."""
    ensure_targets(session)
    found = []
    for number, by in enumerate([cast.lan] * 7 + [cast.minh, cast.tuan]):
        one = customers.create_customer(session, by=by, name=f"Khách {number}")
        one.last_contact_at = clock.now() - timedelta(days=100 + number)
        found.append(one)
    session.flush()
    return found


def test_one_click_makes_a_task_each_and_a_second_one_none(session, cast, silent):
    made = services.make_tasks(session, by=cast.minh)
    assert (made.tasks, made.people) == (8, 2)
    tasks = session.scalars(select(Task).where(Task.owner_type == "care")).unique().all()
    assert sorted(Counter(task.assignee_id for task in tasks).values()) == [1, 7]
    assert all(task.state is TaskState.claimed and task.due_at > clock.now() for task in tasks)
    lan = Counter(task.due_at.date() for task in tasks if task.assignee_id == cast.lan.user_id)
    assert sorted(lan.values()) == [1, 1, 1, 2, 2]
    with pytest.raises(BusinessError):
        services.make_tasks(session, by=cast.minh)
    with pytest.raises(NotFoundError):
        services.take_back(session, made.round_id, by=cast.lan)
    tasks[0].state, tasks[0].draft = TaskState.in_progress, {"a": "b"}
    session.flush()
    assert services.take_back(session, made.round_id, by=cast.minh) == 7
    assert services.make_tasks(session, by=cast.minh).tasks == 7


def test_staff_make_them_for_their_own_and_see_how_many_each_has(session, cast, silent):
    assert {one.id: one.count for one in queries.owners(session, cast.lan)} == {
        cast.lan.user_id: 7,
        cast.minh.user_id: 1,
    }
    made = services.make_tasks(session, by=cast.lan, only=[silent[0].id, silent[7].id, silent[8].id])
    assert (made.tasks, made.people) == (1, 1)
    assert [queries.count_waiting(session, cast.minh, 9, one) for one in (None, cast.minh.user_id, queries.NOBODY)] == [
        7, 1, 0,
    ]  # fmt: skip
    assert services.make_tasks(session, by=cast.minh, owner=cast.minh.user_id).tasks == 1
    with pytest.raises(BusinessError):
        services.make_tasks(session, by=cast.minh, owner=queries.NOBODY)


def test_the_page_the_home_and_programs_tell_of_them(change, client, token):
    def make(session, cast):
        ensure_targets(session)
        for number in range(3):
            one = customers.create_customer(session, by=cast.lan, name=f"Khách {number}")
            one.last_contact_at = clock.now() - timedelta(days=70)

    change(make)
    lan = client("lan")
    page = lan.get("/khach-hang-bi-quen/").text
    assert "Khách 0" in page
    assert "70 ngày" in page
    assert "/khach-hang-bi-quen/?nguoi=" in lan.get("/").text
    rows = lan.get("/api/v1/forgotten/", headers=token("lan")).json
    page = lan.get(f"/khach-hang/show/{rows['result'][0]['id']}").text
    assert "Bị lãng quên: 70 ngày chưa trao đổi" in page
    assert (rows["count"], rows["result"][0]["days"], rows["result"][0]["target"]) == (3, 70, 60)
    answer = lan.post("/api/v1/forgotten/tasks", json={}, headers=token("lan"))
    assert (answer.status_code, answer.json["tasks"]) == (201, 3)
    assert lan.post("/khach-hang-bi-quen/viec", follow_redirects=True).status_code == 200
    undone = lan.post(f"/api/v1/forgotten/tasks/{answer.json['round']}/undo", json={}, headers=token("lan"))
    assert undone.json == {"cancelled": 3}
    told = lan.post("/khach-hang-bi-quen/viec", follow_redirects=True).text
    assert "Đã tạo 3 việc chăm sóc" in told
    # The way back does not go with the message that passes.
    page = lan.get("/khach-hang-bi-quen/").text
    assert "Bạn đã tạo 3 việc chăm sóc" in page
    (way_back,) = re.findall(r'action="(/khach-hang-bi-quen/hoan-tac/\d+)"', page)
    assert way_back not in client("minh").get("/khach-hang-bi-quen/").text
    assert "Đã hoàn tác 3 việc" in lan.post(way_back, follow_redirects=True).text
    assert way_back not in lan.get("/khach-hang-bi-quen/").text
    hoa = client("hoa")
    assert hoa.post("/khach-hang-bi-quen/muc-tieu/", data={"tier-vip": "0", "tier-": "60"}).status_code == 422
    assert hoa.post("/khach-hang-bi-quen/muc-tieu/", data={"tier-vip": "7", "tier-": ""}).status_code == 302
    assert "Khách 0" not in lan.get("/khach-hang-bi-quen/").text
    assert client("minh").post("/khach-hang-bi-quen/muc-tieu/", data={"tier-vip": "7"}).status_code == 403


@pytest.mark.both_databases
def test_from_when_on_somebody_is_forgotten_follows_every_change_and_new_targets_in_small_steps(session, cast):
    ensure_targets(session)
    some = [customers.create_customer(session, by=cast.hoa, name=f"Khách {number}") for number in range(5)]
    one, day = some[0], timedelta(days=1)
    assert one.forgotten_from == one.created_at + 60 * day
    customers.change_customer(session, one, by=cast.hoa, rev=one.rev, tier="vip")
    assert one.forgotten_from == one.created_at + 14 * day
    one.last_contact_at = clock.now() - 3 * day
    session.flush()
    assert one.forgotten_from == one.last_contact_at + 14 * day
    stopped = {"do_not_contact": True, "do_not_contact_reason": "Đã nhờ"}
    customers.change_customer(session, one, by=cast.hoa, rev=one.rev, **stopped)
    assert one.forgotten_from is None
    before = [(other.rev, other.updated_at) for other in some]
    for target in session.scalars(select(ContactTarget).where(ContactTarget.tier == "")):
        target.days, target.renewed_to = 1, 0
    session.flush()
    assert [keeping.refresh(session, 3) for _step in range(3)] == [3, 1, 0]
    for other in some:
        session.refresh(other)
    assert [other.forgotten_from for other in some[1:]] == [other.created_at + day for other in some[1:]]
    assert [(other.rev, other.updated_at) for other in some] == before


def test_work_on_a_customer_shows_no_more_of_him_once_it_is_over_and_says_whom_not_to_call(change, client, app):
    def make(session, cast):
        ensure_targets(session)
        made = customers.create_customer(session, by=cast.lan, name="Trần Bích", phone="0912 345 321")
        made.last_contact_at = clock.now() - timedelta(days=100)
        by_hand = add_task(session, made, by=cast.hoa, name="Hỏi kho", due_at=None, to=cast.member("tuan"))
        round_id = services.make_tasks(session, by=cast.lan).round_id
        assert {one.resource for one in session.scalars(select(Grant))} == {"Customer"}
        services.take_back(session, round_id, by=cast.lan)
        assert [one.member_id for one in session.scalars(select(Grant).where(Grant.ended_at.is_(None)))] == [
            cast.member("tuan").id
        ]
        customers.change_customer(
            session, made, by=cast.lan, rev=made.rev, do_not_contact=True, do_not_contact_reason="Đừng gọi nữa"
        )
        numbers.extend((made.id, by_hand.id))

    numbers: list[int] = []
    change(make)
    customer, task = numbers
    page, rest = client("tuan"), Rest(app, "tuan")
    for path in (f"/khach-hang/show/{customer}", f"/cong-viec/{task}"):
        shown = page.get(path).text
        assert ("0912 345 321" in shown, "Đừng gọi nữa" in shown, "tel:" in shown) == (True, True, False), path
    assert rest.get(f"customers/{customer}").json["do_not_contact_reason"] == "Đừng gọi nữa"
    done = rest.post(
        f"tasks/{task}/complete", {"answers": {}, "note": "", "rev": rest.get(f"tasks/{task}").json["rev"]}
    )
    assert done.status_code == 200
    assert rest.get(f"customers/{customer}").status_code == 404


def test_an_upgrade_ends_what_was_seen_because_of_work_that_is_over(session, cast):
    ensure_targets(session)
    made = customers.create_customer(session, by=cast.lan, name="Trần Bích")
    tasks = [add_task(session, made, by=cast.hoa, name=name, due_at=None, to=cast.member("tuan")) for name in "ab"]
    cancel_task(session, tasks[0], by=cast.hoa, reason="Xong rồi")
    # As it was before: nobody ended what the first one showed.
    session.execute(update(Grant).values(ended_at=None))
    session.add(Grant(resource="Customer", record_id=made.id, member_id=cast.member("binh").id, right=Right.view,
                      reason="share"))  # fmt: skip
    session.flush()
    session.execute(text(import_module("app.migrations.versions.0026_forgotten_from")._OVER))
    session.expire_all()
    live = session.scalars(select(Grant.reason).where(Grant.ended_at.is_(None)).order_by(Grant.id)).all()
    assert live == [f"task:{tasks[1].id}", "share"]


def test_who_may_not_read_who_is_in_charge_does_not_narrow_by_it(app, client):
    with app.app_context():
        hold_back("Staff", HIDDEN, "owner")
    assert client("lan").get("/khach-hang-bi-quen/").status_code == 200
    assert [client("lan").get(f"/khach-hang-bi-quen/?nguoi={one}").status_code for one in (0, 1)] == [400, 400]
    assert Rest(app, "lan").get("forgotten/owners").status_code == 403
