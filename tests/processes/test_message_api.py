"""Can a program tell a process that something has happened, and does an administrator see what is waited for?"""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from app.core import clock
from tests.processes.engine.drawing import bpmn
from tests.rest import Rest
from tests.story import MONDAY

TOLD = {"source": "web-shop", "event_id": "1", "name": "paid", "key": "DH-7"}


@pytest.fixture
def hoa(app):
    """Hoa, with a process that waits for a payment, and one that begins with a complaint."""
    with clock.at(MONDAY):
        hoa = Rest(app, "hoa")
        for code, arrows, messages in (
            ("cho-tien", "start > hear > call > end", {"hear": "paid order_code"}),
            ("khieu-nai", "start > call > end", {"start": "complained"}),
        ):
            assert hoa.post("processes/", {"code": code, "name": f"Quy trình {code}"}).status_code == 201
            drawn = hoa.put(f"processes/{code}/draft", data=bpmn(arrows, messages=messages).encode(),
                            content_type="application/xml")  # fmt: skip
            assert drawn.status_code == 200
            assert hoa.post(f"processes/{code}/publish").status_code == 200
        yield hoa


def test_programs_tell_through_the_interface(app, hoa):
    instance = hoa.post("instances/", {"process": "cho-tien", "data": {"order_code": "DH-7"}}).json["id"]
    assert hoa.get(f"instances/{instance}").json["messages"] == [{"node": "hear", "name": "paid", "key": "DH-7"}]
    assert Rest(app, "lan").post("messages/", TOLD).status_code == 403
    answer = hoa.post("messages/", TOLD, key="k1")
    assert (answer.status_code, answer.json["state"], answer.json["instance"]) == (201, "taken", instance)
    assert answer.json["duplicate"] is False
    assert hoa.post("messages/", TOLD, key="k1").json == answer.json
    assert hoa.post("messages/", TOLD).json["duplicate"] is True
    assert hoa.post("messages/", {**TOLD, "key": "DH-9"}).json["error"] == "event_used"
    assert hoa.post("messages/", {**TOLD, "ttl": "x"}).json["fields"]["ttl"]
    assert hoa.post("messages/", {**TOLD, "key": [1]}).json["fields"]["key"]
    assert [one["event_id"] for one in hoa.rows("messages/", state="taken", name="paid")] == ["1"]
    assert [one["kind"] for one in hoa.rows(f"instances/{instance}/events", kind="message_taken")] == ["message_taken"]


def test_an_administrator_sees_what_is_waited_for_kept_and_taken(app, hoa, client):
    instance = hoa.post("instances/", {"process": "cho-tien", "data": {"order_code": "DH-7"}}).json["id"]
    hoa.post("messages/", {**TOLD, "key": "DH-8"})
    hoa.post("messages/", {**TOLD, "event_id": "2", "name": "complained"})
    browser = client("hoa")

    def rows(part):
        page = BeautifulSoup(browser.get(f"/tin-bao/?muc={part}").text, "html.parser")
        return [" ".join(row.get_text(" ").split()) for row in page.select("tbody tr")]

    waited = rows("")
    assert len(waited) == 2
    assert "complained" in waited[1]
    assert "Quy trình khieu-nai" in waited[1]
    assert "paid DH-7" in waited[0]
    assert ["paid DH-8" in row for row in rows("giu")] == [True]
    assert ["complained" in row for row in rows("da-nhan")] == [True]
    assert browser.get("/tin-bao/?muc=khac").status_code == 400
    page = BeautifulSoup(browser.get(f"/ho-so/{instance}").text, "html.parser").select_one("#cho-tin")
    assert "DH-7" in page.find_parent("section").get_text()
    assert client("lan").get("/tin-bao/").status_code == 403
