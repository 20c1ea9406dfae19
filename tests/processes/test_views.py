"""The list of instances: what is asked for is what stands there, under its own name; what a process went through."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from app.processes.engine.state import InstanceStatus

EMPTY = {
    InstanceStatus.running: "Chưa có hồ sơ nào đang chạy",
    InstanceStatus.completed: "Chưa có hồ sơ nào hoàn thành",
    InstanceStatus.cancelled: "bị hủy",
}


@pytest.mark.parametrize("status", InstanceStatus)
def test_every_status_has_its_tab_and_its_sentence_when_it_is_asked_for(client, status):
    page = BeautifulSoup(client("lan").get(f"/ho-so/?trang_thai={status}").text, "lxml")
    tabs = {tab["href"]: tab for tab in page.select(".tt-listhead .tt-tabs a")}
    assert len(tabs) == (3 if status in EMPTY else 4)
    assert [href for href, tab in tabs.items() if tab.has_attr("aria-current")] == [f"/ho-so/?trang_thai={status}"]
    told = page.select_one(".tt-empty").text
    assert [other for other, words in EMPTY.items() if words in told] == [one for one in EMPTY if one is status]


@pytest.mark.parametrize("status", ["", "late", "running ", "%00"])
def test_a_status_that_is_none_is_refused(client, status):
    assert client("lan").get(f"/ho-so/?trang_thai={status}").status_code == 400


def test_the_history_of_a_process_tells_that_it_was_published(client, begun):
    page = client("hoa").get(f"/quy-trinh/show/{begun['process']}?tab=lich-su").text
    assert "Phát hành" in page
