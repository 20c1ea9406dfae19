"""A process file that stands still says why, since when and what can be done: on its page, in the list, to programs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select, update

from app.core import clock
from app.core.db import db, transaction
from app.core.leases import LeaseState
from app.processes import drawing, jobs, queries, receivers, services, stopped
from app.processes.engine.state import IncidentCode
from app.processes.models import ProcessTimer
from app.security.models import Team
from app.tasks.models import Task
from tests.cast import Cast
from tests.processes import test_instance_screen as table
from tests.processes.drawn import Drawn
from tests.receiver import receiver_here
from tests.story import MONDAY

STEPS = "start > ask > xor1"
WEBHOOK = "http receiver='kho' tries='PT1M' takes='stock=result.count'"
SEVERAL = 'assign="team:vang" due="PT1H" approval="all" outcomes="approve,reject"'


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(MONDAY):
        yield


def test_every_reason_has_its_sentence_and_says_what_to_do():
    codes = {str(code) for code in IncidentCode}
    assert (set(stopped.SENTENCES), set(stopped.ADVICE)) == (codes, codes)


def empty_team(session, hoa):
    with transaction(hoa) as inside:
        inside.add(Team(code="vang", name="Bảo hành", sort_key="bao hanh"))


def ask_twice(drawn):
    """A program that is in trouble both times that it is asked."""
    with receiver_here() as kho:
        kho.says(500, {})
        with transaction(drawn.cast.hoa) as inside:
            receivers.by_code(inside, "kho").url = kho.url
        for late in (0, 2):
            drawn.session.rollback()
            with clock.at(MONDAY + timedelta(minutes=late)):
                jobs.ask_outside()


def worn_out(drawn, instance, monkeypatch):
    """A clock that failed as often as it may."""
    with transaction() as inside:
        inside.execute(update(ProcessTimer).values(attempts=ProcessTimer.max_attempts - 1))
    monkeypatch.setattr("app.processes.timers.strike", lambda *_a, **_k: 1 / 0)
    drawn.work_at(MONDAY + timedelta(hours=3))


CASES = {
    "a condition on a value that is missing": (
        ((STEPS, "xor1 > pay if amount > 500000", "pay > end"), {"undecided": True}), {},
        ["“xor1” không điều kiện nào đúng", "Đi “pay” khi: amount trên 500000", "amount: chưa có giá trị",
         "hoặc tự chọn đường đi tiếp"],
    ),
    "a condition on a text against a number": (
        ((STEPS, "xor1 > pay if amount > 500000", "pay > end"), {"undecided": True}), {"amount": "nhiều"},
        ["amount: nhiều"],
    ),
    "a message without its key": (
        (("start > ask > hear > end",), {"messages": {"hear": "paid order_code"}}), {},
        ["thiếu giá trị", "order_code: chưa có giá trị", "đi tiếp không chờ tin báo"],
    ),
    "a moment that is none": (
        (("start > ask > wait > end",), {"timers": {"wait": "day"}}), {"day": "mai"},
        ["day: mai", "2026-11-24T09:00"],
    ),
    "nobody among several": (
        (("start > ask > ok > xor1", "xor1 > end if ok.outcome = 'approve'", "xor1 > pay by default", "pay > end"),
         {"tasks": {"ok": SEVERAL}}), {},
        ["hiện không có ai để giao", "Thêm người vào bộ phận"],
    ),
    "a mail to nobody": (
        (("start > ask > send > end",), {"services": {"send": "mail template='customer_thanks' to='customer'"}}), {},
        ["không gắn với khách hàng nào nên không có ai để gửi thư", "đi tiếp không gửi thư"],
    ),
    "a linked process that was retired": (
        (("start > ask > call > end",), {"calls": {"call": "con"}}), {},
        ["không còn được dùng", "Dùng lại hoặc phát hành"],
    ),
    "a program in trouble": (
        (("start > ask > serve > end",), {"services": {"serve": WEBHOOK}}), {},
        ["Kho hàng đang gặp trục trặc (mã 500). Đã thử 2 lần.", "Đứng yên từ hôm nay 09:00",
         "không việc gì bị làm hai lần"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_file_and_the_list_say_why_since_when_and_what_to_do(app, client, token, case):
    (arrows, more), data, told = CASES[case]
    with app.app_context():
        session, cast = db.session(), Cast(db.session())
        empty_team(session, cast.hoa)
        with transaction(cast.hoa) as inside:
            receivers.save(inside, None, code="kho", name="Kho hàng", url="http://127.0.0.1:9", may_be_inside=True,
                           by=cast.hoa)  # fmt: skip
            drawing.create_process(inside, code="con", name="Con", by=cast.hoa)
        drawn = Drawn.__new__(Drawn)
        drawn.session, drawn.cast, drawn.code = session, cast, "con"
        drawn.publish("start > look > end", by=cast.hoa)
        drawn = Drawn(session, cast, *arrows, **more)
        if "call" in str(more):
            with transaction(cast.hoa) as inside:
                drawing.retire_process(inside, queries.process_by_code(inside, "con"), by=cast.hoa)
        instance = drawn.start(**data)
        drawn.finish(instance, "ask")
        if "serve" in str(more):
            ask_twice(drawn)
        code = drawn.instance(instance).code
    page = BeautifulSoup(client("hoa").get(f"/ho-so/{instance}").text, "lxml").get_text(" ", strip=True)
    assert [one for one in told if one not in page] == []
    rows = BeautifulSoup(client("minh").get("/ho-so/vuong").text, "lxml").select("tbody tr")
    (row,) = [one.get_text(" ", strip=True) for one in rows if code in one.text]
    (stop,) = app.test_client().get(f"/api/v1/instances/{instance}", headers=token("hoa")).json["incidents"]
    assert [one for one in (stop["message"], stop["reason"] or "", stop["advice"]) if one not in row] == []
    assert stop["since"] == "2026-11-23T02:00:00Z"
    assert "Sửa một giá trị" not in client("lan").get(f"/ho-so/{instance}").text


def test_a_clock_that_was_given_up_says_how_often_it_was_tried_and_why(app, client, monkeypatch):
    with app.app_context():
        drawn = Drawn(db.session(), Cast(db.session()), "start > ask > end", "edge > look > end",
                      edges={"edge": "ask beside"}, timers={"edge": "PT1H wall"})  # fmt: skip
        instance = drawn.start()
        worn_out(drawn, instance, monkeypatch)
        assert [one[2] for one in drawn.clocks(instance)] == [LeaseState.dead]
    told = "Phần mềm gặp lỗi của chính nó ở đây (ZeroDivisionError)"
    page = BeautifulSoup(client("hoa").get(f"/ho-so/{instance}").text, "lxml").select_one("[aria-labelledby=hen-gio]")
    assert "Đã thử 12 lần mà không được" in page.text
    assert told in page.text
    row = BeautifulSoup(client("hoa").get("/ho-so/vuong").text, "lxml").select_one("tbody tr").get_text(" ", strip=True)
    assert told in row
    assert "Cho thử lại ngay trên trang hồ sơ" in row


@pytest.mark.parametrize(
    ("assign", "leaves", "told"),
    [
        ("team:vang", None, "Không ai trong bộ phận “Bảo hành” làm được việc này. Hãy giao cho một người."),
        ("user:tuan", "tuan", "Phạm Văn Tuấn không còn làm ở đây. Hãy giao cho người khác."),
    ],
)
def test_work_without_anybody_says_whom_it_lacks(app, client, assign, leaves, told):
    with app.app_context():
        session, cast = db.session(), Cast(db.session())
        empty_team(session, cast.hoa)
        drawn = Drawn(session, cast, "start > ask > ok > end", tasks={"ok": f'assign="{assign}" due="PT1H"'})
        instance = drawn.start()
        drawn.finish(instance, "ask")
        if leaves:
            with transaction(cast.hoa) as inside:
                task = inside.scalars(select(Task).where(Task.owner_id == instance, Task.step == "ok")).one()
                task.assignee.user.active = False
                told = told.replace("Phạm Văn Tuấn", task.assignee.name)
    hoa = client("hoa")
    assert told in hoa.get(f"/ho-so/{instance}").text
    assert told in hoa.get("/ho-so/vuong").text


class Other(Drawn):
    """A second process beside the first."""

    code = "cho-tin"


@pytest.mark.both_databases
def test_what_has_stood_still_longest_stands_first(app, client):
    with app.app_context():
        session, cast = db.session(), Cast(db.session())
        empty_team(session, cast.hoa)
        drawn = Drawn(session, cast, "start > ask > ok > end", tasks={"ok": 'assign="team:vang" due="PT1H"'})
        late, early = drawn.start(), drawn.start()
        waits = Other(session, cast, "start > ask > hear > end", messages={"hear": "paid code"})
        first, last, done = waits.start(), waits.start(), waits.start()
        for hours, one, of in (
            (1, early, drawn),
            (2, last, waits),
            (3, late, drawn),
            (0, first, waits),
            (0, done, waits),
        ):
            with clock.at(MONDAY + timedelta(hours=hours)):
                of.finish(one, "ask")
        (stop,) = stopped.stops(session, waits.instance(done))
        with transaction(cast.hoa) as inside:
            services.lead_branch(inside, done, stop.token, stop.ways[0][0], by=cast.hoa, reason="Khách đã trả")
        assert [(waits.instance(one).incident_at is None) for one in (first, done)] == [False, True]
        codes = [drawn.instance(one).code for one in (first, early, last, late)]
    for page in ("", "?page=2"):
        rows = BeautifulSoup(client("hoa").get(f"/ho-so/vuong{page}").text, "lxml").select(
            "tbody tr small:first-of-type"
        )
        shown = [one.text.split(" ·")[0] for one in rows if one.text.startswith("HS-")]
        assert shown == (codes if not page else [])


def test_the_list_costs_the_same_however_long_it_is(app, client):
    def stand_still(count):
        with app.app_context():
            drawn = Drawn.__new__(Drawn)
            drawn.session, drawn.cast = db.session(), Cast(db.session())
            for _one in range(count):
                drawn.finish(drawn.start(), "ask")

    with app.app_context():
        Drawn(db.session(), Cast(db.session()), "start > ask > hear > end", messages={"hear": "paid code"})
    hoa, counted = client("hoa"), []
    for more in (1, 4):
        stand_still(more)
        hoa.get("/ho-so/vuong")
        with table.listened(app) as statements:
            hoa.get("/ho-so/vuong")
        counted.append(len(statements))
    assert 0 < counted[0] == counted[1] <= 12, counted


def test_who_pauses_what_is_paused_learns_who_did_and_keeps_what_he_typed(app, client, token):
    with app.app_context():
        drawn = Drawn(db.session(), Cast(db.session()), "start > ask > end")
        instance = drawn.start()
        with transaction(drawn.cast.minh) as inside:
            services.suspend_instance(inside, instance, by=drawn.cast.minh, reason="Chờ khách về nước")
    again = client("lan").post(f"/ho-so/{instance}/tam-dung", data={"reason": "Khách đi vắng"})
    assert again.status_code == 409
    assert "đã tạm dừng hồ sơ này rồi: Chờ khách về nước" in again.text
    assert "Khách đi vắng" in BeautifulSoup(again.text, "lxml").select_one(".tt-note--soon[role=alert]").text
    refused = app.test_client().post(
        f"/api/v1/instances/{instance}/suspend", json={"reason": "Khác"}, headers=token("lan")
    )
    assert (refused.status_code, refused.json["error"]) == (409, "instance_paused")
    assert "Chờ khách về nước" in refused.json["message"]


@pytest.mark.parametrize(
    ("verb", "box"), [("tam-dung", "#tam-dung-ho-so"), ("dung", "#huy-ho-so"), ("chuyen-buoc", "#chuyen-buoc")]
)
@pytest.mark.parametrize(
    ("reason", "told"),
    [("", "Ghi rõ lý do"), (" \n", "Ghi rõ lý do"), ("Dài " * 3000, "Nhập tối đa 10.000 ký tự")],
)
def test_a_refused_reason_stands_in_its_dialog_with_the_sentence_beside_it(app, client, verb, box, reason, told):
    with app.app_context():
        drawn = Drawn(db.session(), Cast(db.session()), "start > ask > end")
        instance = drawn.start()
        token = drawn.state(instance).tokens[0].id
    page = client("hoa").post(f"/ho-so/{instance}/{verb}", data={"reason": reason, "token": token, "to": "ask"})
    dialog = BeautifulSoup(page.text, "lxml").select_one(box)
    assert (page.status_code, dialog.has_attr("data-open")) == (422, True)
    field = dialog.textarea
    assert field.text == reason
    assert told in dialog.select_one(f"#{field['aria-describedby']}").text


def test_what_is_gone_meanwhile_is_told_in_the_dialog_that_asked_for_it(app, client):
    with app.app_context():
        drawn = Drawn(db.session(), Cast(db.session()), "start > ask > look > end")
        instance = drawn.start()
        token = drawn.state(instance).tokens[0].id
        drawn.finish(instance, "ask")
    page = client("hoa").post(
        f"/ho-so/{instance}/chuyen-buoc", data={"reason": "Khách đổi ý", "token": token, "to": "look"}
    )
    dialog = BeautifulSoup(page.text, "lxml").select_one("#chuyen-buoc")
    assert (page.status_code, dialog.textarea.text) == (409, "Khách đổi ý")
    assert "hồ sơ vừa chạy tiếp" in dialog.select_one("[role=alert]").text
