"""The list of instances: what is asked for is what stands there, under its own name; what a process went through."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import insert, select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import transaction
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessEvent
from app.tasks.models import Task, TaskState

EMPTY = {
    InstanceStatus.running: "Chưa có hồ sơ nào đang chạy",
    InstanceStatus.completed: "Chưa có hồ sơ nào hoàn thành",
    InstanceStatus.cancelled: "bị hủy",
}


@pytest.mark.parametrize("status", InstanceStatus)
def test_every_status_has_its_tab_and_its_sentence_when_it_is_asked_for(client, status):
    page = BeautifulSoup(client("lan").get(f"/ho-so/?trang_thai={status}").text, "lxml")
    tabs = {tab["href"]: tab for tab in page.select(".tt-listhead .tt-tabs a")}
    assert "/ho-so/vuong" in tabs
    assert len(tabs) == (4 if status in EMPTY else 5)
    assert [href for href, tab in tabs.items() if tab.has_attr("aria-current")] == [f"/ho-so/?trang_thai={status}"]
    told = page.select_one(".tt-empty").text
    assert [other for other, words in EMPTY.items() if words in told] == [one for one in EMPTY if one is status]


@pytest.mark.parametrize("status", ["", "late", "running ", "%00"])
def test_a_status_that_is_none_is_refused(client, status):
    assert client("lan").get(f"/ho-so/?trang_thai={status}").status_code == 400


def test_the_history_of_a_process_tells_that_it_was_published(client, begun):
    page = client("hoa").get(f"/quy-trinh/show/{begun['process']}?tab=lich-su").text
    assert "Phát hành" in page


def test_the_page_of_a_process_file_stays_small_whatever_happened_in_it(app, client, begun):
    """Fifteen hundred turns of a loop: the newest stand there, and older ones are a click away."""
    with app.app_context(), transaction(SYSTEM) as session:
        task = session.scalars(select(Task).where(Task.owner_id == begun["instance"]).order_by(Task.id).limit(1)).one()
        done = {column.name: getattr(task, column.key) for column in Task.__table__.columns if column.name != "id"}
        done |= {"state": TaskState.completed, "completed_at": clock.now(), "completed_by_id": task.created_by_id}
        session.execute(insert(Task.__table__), [
            {**done, "token": 1000 + number, "name": f"Vòng {number}", "note": "Khách chưa nghe máy"}
            for number in range(1500)
        ])  # fmt: skip
        session.execute(insert(ProcessEvent.__table__), [
            {"instance_id": begun["instance"], "seq": 1000 + number, "kind": kind, "node": "receive", "at": clock.now(),
             "body": {}}
            for number, kind in enumerate(["close_task", "take_flow"] * 1500)
        ])  # fmt: skip
    lan, address = client("lan"), f"/ho-so/{begun['instance']}"
    page = lan.get(address)
    assert page.status_code == 200
    assert len(page.data) <= 150_000
    for card, of_it in (("ls", "li"), ("phieu", "details")):
        shown = BeautifulSoup(page.text, "lxml").select_one(f"section[aria-labelledby={card}]")
        further = lan.get(shown.select_one(f"a[href$='#{card}']")["href"])
        assert further.status_code == 200
        assert len(further.data) <= 150_000
        older = BeautifulSoup(further.text, "lxml").select_one(f"section[aria-labelledby={card}]")
        assert len(shown.select(of_it)) == len(older.select(of_it)) in (30, 100)
        if card == "phieu":
            assert ["Vòng 1470" in one.text for one in (shown, older)] == [True, False]
            assert ["Vòng 1469" in one.text for one in (shown, older)] == [False, True]
    assert lan.get(f"{address}?truoc=x&phieu=-1").status_code == 200
