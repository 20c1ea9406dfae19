"""Sent back, paused and led on in the browser and by programs; only whoever may sees how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup

from app.core import clock
from app.core.db import db
from app.core.errors import ConflictError
from app.processes import migrating, version_view
from app.processes.engine.state import InstanceStatus
from tests.cast import Cast
from tests.processes.drawn import Drawn
from tests.processes.test_moving import ARROWS as MOVING_ARROWS
from tests.processes.test_operations import LINE, STOPPED, TIMED
from tests.rest import Rest
from tests.story import MONDAY

MOVING = (MOVING_ARROWS, {})


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(MONDAY):
        yield


@pytest.fixture
def make(app):
    """make(drawing, act): draw it and do something with it, before any request. Gives what `act` gives."""

    def made(drawing: Any, act: Callable[[Drawn], Any]) -> Any:
        with app.app_context():
            return act(Drawn(db.session(), Cast(db.session()), *drawing[0], **drawing[1]))

    return made


@pytest.fixture
def ask(app):
    """ask(lambda drawn: …): look at what there is by now."""

    def asked(question: Callable[[Drawn], Any]) -> Any:
        with app.app_context():
            drawn = Drawn.__new__(Drawn)
            drawn.session, drawn.cast = db.session(), Cast(db.session())
            return question(drawn)

    return asked


def at_the_check(drawn):
    instance = drawn.start()
    for step, who in (("ask", "lan"), ("do", "minh"), ("look", "lan")):
        drawn.finish(instance, step, who=who)
    return instance, drawn.task(instance, "check").id


def stopped(drawn):
    instance = drawn.start(amount=3)
    drawn.finish(instance, "ask")
    (token,) = drawn.state(instance).tokens
    return instance, token.id, drawn.instance(instance).code


def test_the_page_of_the_task_sends_it_back(make, ask, client):
    instance, number = make(LINE, at_the_check)
    minh = client("minh")
    assert 'id="tra-lai"' in minh.get(f"/cong-viec/{number}").text
    refused = minh.post(f"/cong-viec/{number}/tra-lai", data={"to": "ask", "note": ""}, follow_redirects=True)
    assert "Hãy nói vì sao trả lại" in refused.text
    long = minh.post(f"/cong-viec/{number}/tra-lai", data={"to": "ask", "note": "Thiếu ảnh " * 600})
    box = BeautifulSoup(long.text, "lxml").select_one("#tra-lai")
    assert (long.status_code, box.has_attr("data-open")) == (422, True)
    assert box.textarea.text.strip() == ("Thiếu ảnh " * 600).strip()
    sent = minh.post(f"/cong-viec/{number}/tra-lai", data={"to": "ask", "note": "Thiếu ảnh"}, follow_redirects=True)
    assert sent.status_code == 200
    lan = client("lan")
    again = lan.get(f"/cong-viec/{ask(lambda drawn: drawn.task(instance, 'ask').id)}").text
    assert "Thiếu ảnh" in again
    assert "trả lại từ bước" in again
    assert "trả việc từ bước" in lan.get(f"/ho-so/{instance}").text
    assert 'id="tra-lai"' not in again


def test_the_page_of_the_run_pauses_it_and_lets_it_go_on(make, ask, client):
    instance, lan = make(TIMED, lambda drawn: drawn.start()), client("lan")
    assert "Sẽ tự diễn ra" in lan.get(f"/ho-so/{instance}").text
    refused = lan.post(f"/ho-so/{instance}/tam-dung", data={"reason": ""}, follow_redirects=True)
    assert "Hãy cho biết lý do" in refused.text or "lý do" in refused.text
    lan.post(f"/ho-so/{instance}/tam-dung", data={"reason": "Chờ khách"})
    assert ask(lambda drawn: drawn.instance(instance).status) is InstanceStatus.suspended
    paused = lan.get(f"/ho-so/{instance}").text
    assert "chay-tiep" in paused
    assert "tạm dừng: Chờ khách" in paused
    assert "Chờ đến khi hồ sơ chạy tiếp" in paused
    lan.post(f"/ho-so/{instance}/chay-tiep")
    assert ask(lambda drawn: drawn.instance(instance).status) is InstanceStatus.running


def test_a_second_click_does_nothing_a_second_time(make, ask, client):
    instance, lan = make(TIMED, lambda drawn: drawn.start()), client("lan")
    page = BeautifulSoup(lan.get(f"/ho-so/{instance}").text, "lxml")
    form = page.select_one(f'form[action="/ho-so/{instance}/dung"]')
    typed = {"key": form.select_one("[name=key]")["value"], "reason": "Khách thôi"}
    first, second = (lan.post(f"/ho-so/{instance}/dung", data=typed) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert first.location == second.location
    assert ask(lambda drawn: drawn.instance(instance).status) is InstanceStatus.cancelled
    other = lan.post(f"/ho-so/{instance}/dung", data={**typed, "reason": "Khác"})
    assert other.status_code == 409
    assert "Bạn đã dùng trang này rồi" in other.text


def test_the_page_of_the_run_leads_it_on_for_admins_alone(make, ask, client):
    instance, token, code = make(STOPPED, stopped)
    seen = client("lan").get(f"/ho-so/{instance}").text
    assert "Quản trị viên cần xem" in seen
    assert "go-vuong" not in seen
    assert client("lan").post(f"/ho-so/{instance}/go-vuong", data={"token": token}).status_code == 403
    hoa = client("hoa")
    assert "go-vuong" in hoa.get(f"/ho-so/{instance}").text
    assert code in hoa.get("/ho-so/bang/list/?where=is_stuck+%3D+true").text
    typed = {"token": token, "flow": "", "value_key": "amount", "value": "9", "reason": "Sửa số tiền"}
    assert hoa.post(f"/ho-so/{instance}/go-vuong", data={**typed, "reason": ""}).status_code == 422
    assert ask(lambda drawn: drawn.open(instance)) == []
    again = BeautifulSoup(hoa.post(f"/ho-so/{instance}/go-vuong", data={**typed, "flow": "f9"}).text, "lxml")
    assert [again.select_one(f"[name={name}][value]")["value"] for name in ("value_key", "value")] == ["amount", "9"]
    assert "Sửa số tiền" in str(again)
    hoa.post(f"/ho-so/{instance}/go-vuong", data=typed)
    assert ask(lambda drawn: drawn.open(instance)) == ["pay"]
    assert ask(lambda drawn: drawn.instance(instance).data["amount"]) == 9
    hoa.get("/ho-so/")  # it tells that it was done
    assert code not in hoa.get("/ho-so/bang/list/?where=is_stuck+%3D+true").text


def test_programs_do_the_same(app, make, ask, token):
    instance, number, _code = make(STOPPED, stopped)
    api, hoa, lan = app.test_client(), token("hoa"), token("lan")
    path = f"/api/v1/instances/{instance}"
    (told,) = api.get(path, headers=hoa).json["incidents"]
    assert (told["token"], told["node"], told["code"], len(told["ways"])) == (number, "xor1", "no_way_chosen", 2)
    assert api.post(f"{path}/retry", json={"token": number, "reason": "Thử"}, headers=lan).status_code == 403
    assert api.post(f"{path}/suspend", json={"reason": "Chờ"}, headers=lan).json["status"] == "suspended"
    paused = api.post(f"{path}/lead", json={"token": number, "flow": told["ways"][0], "reason": "Đi"}, headers=hoa)
    assert (paused.status_code, paused.json["error"]) == (409, "instance_paused")
    assert api.post(f"{path}/resume", headers=lan).json["status"] == "running"
    assert api.post(f"{path}/values", json={"values": {"amount": 1}, "reason": "Sửa"}, headers=hoa).status_code == 200
    done = api.post(f"{path}/retry", json={"token": number, "reason": "Đã sửa"}, headers=hoa).json
    assert ([task["step"] for task in done["open_tasks"]], done["incidents"]) == (["thank"], [])
    (task,) = done["open_tasks"]
    shown = api.get(f"/api/v1/tasks/{task['id']}", headers=lan).json
    assert shown["ways_back"] == [{"step": "ask", "name": "ask"}]
    sent = api.post(f"/api/v1/tasks/{task['id']}/return", json={"to": "ask", "note": "Hỏi lại"}, headers=lan)
    assert (sent.status_code, sent.json["outcome"]) == (200, "return")
    assert ask(lambda drawn: drawn.open(instance)) == ["ask"]


def begun(drawn):
    instance = drawn.start()
    drawn.finish(instance, "ask")
    return instance


def test_programs_and_the_page_move_it_and_say_in_vietnamese_why_not(make, ask, app, client):
    instance = make(MOVING, begun)
    hoa, path = Rest(app, "hoa"), f"instances/{instance}/move"
    asked = {"from": "a", "to": "last", "reason": "Khách bỏ bước này"}
    refused = hoa.post(path, asked)
    why = "Khi đó “and2” sẽ chờ mãi một nhánh không thể tới nữa."
    assert (refused.status_code, refused.json["fields"]) == (422, {"to": [why]})
    assert Rest(app, "lan").post(path, asked).status_code == 403
    moved = hoa.post(path, {**asked, "to": "b"})
    assert (moved.status_code, {one["step"] for one in moved.json["open_tasks"]}) == (200, {"b", "c"})
    assert hoa.post(path, {**asked, "to": "b"}).json["error"] == "branch_gone"

    page, typed = client("hoa"), {"to": "last", "reason": "Nhầm"}
    assert "chuyen-buoc" not in client("lan").get(f"/ho-so/{instance}").text
    seen = page.get(f"/ho-so/{instance}").text
    assert "Chuyển việc sang bước khác" in seen
    assert "từ a sang b: Khách bỏ bước này" in seen
    token = ask(lambda drawn: next(one.id for one in drawn.state(instance).tokens if one.node == "b"))
    again = page.post(f"/ho-so/{instance}/chuyen-buoc", data={**typed, "token": token})
    box = BeautifulSoup(again.text, "lxml").select_one("#chuyen-buoc")
    assert (again.status_code, box.has_attr("data-open"), box.textarea.text) == (422, True, "Nhầm")
    assert why in again.text
    page.post(f"/ho-so/{instance}/chuyen-buoc", data={**typed, "token": token, "to": "a"})
    assert sorted(ask(lambda drawn: drawn.open(instance))) == ["a", "c"]


def two_by_the_first_version(drawn: Drawn) -> tuple[int, int]:
    safe, stays = drawn.start(), drawn.start()
    drawn.finish(stays, "ask")
    drawn.publish("start > ask > look > end", by=drawn.cast.hoa)
    return safe, stays


def test_programs_ask_which_can_be_moved_to_the_next_version_and_move_those(app, make, client, token):
    safe, stays = make((("start > ask > check > end",), {}), two_by_the_first_version)
    api, hoa, lan = app.test_client(), token("hoa"), token("lan")
    of_it = {"process": "thu-nghiem", "to": 2}
    asked = api.post("/api/v1/migrations/check", json=of_it, headers=hoa)
    assert [(one["id"], one["movable"]) for one in asked.json["result"]] == [(safe, True), (stays, False)]
    assert asked.json["result"][1]["reasons"][0]["code"] == "step_gone"
    wish = {**of_it, "instances": [safe, stays, 999], "reason": "Bước mới"}
    for _again in range(2):
        done = api.post("/api/v1/migrations/", json=wish, headers={**hoa, "Idempotency-Key": "m1"})
        assert [(one["id"], one["moved"]) for one in done.json["result"]] == [
            (safe, True),
            (stays, False),
            (999, False),
        ]
    for at, wrong in (("", {**wish, "reason": ""}), ("check", {"to": 9}), ("check", {"map": {"check": "x"}})):
        answer = api.post(f"/api/v1/migrations/{at}", json={**of_it, **wrong}, headers=hoa)
        assert answer.status_code == 422, answer.text
    assert api.post("/api/v1/migrations/", json=wish, headers=lan).status_code == 403
    assert "từ phiên bản 1 sang phiên bản 2: Bước mới" in client("hoa").get(f"/ho-so/{safe}").text


def test_the_page_of_the_versions_says_which_can_be_moved_and_moves_those(make, client):
    safe, stays = make((("start > ask > check > end",), {}), two_by_the_first_version)
    hoa, path = client("hoa"), "/phien-ban/thu-nghiem/"
    assert f'href="{path}"' in hoa.get("/tu-dong/thu-nghiem/").text
    shown = hoa.get(path)
    assert "Hồ sơ đang ở “check”, bước này không có trong phiên bản kia." in shown.text
    ticks = [one["value"] for one in BeautifulSoup(shown.text, "lxml").select("input[name=ho_so]")]
    assert ticks == [str(safe)]
    typed = {"ho_so": [str(safe), str(stays)], "reason": ""}
    refused = hoa.post(f"{path}?den=2", data=typed)
    assert (refused.status_code, 'id="reason-e"' in refused.text) == (422, True)
    half = hoa.post(f"{path}?den=2", data={**typed, "reason": "Bước mới"})
    assert (half.status_code, "Đã chuyển 1 hồ sơ" in half.text) == (200, True)
    assert "1 hồ sơ giữ nguyên, lý do ghi bên cạnh." in half.text
    assert [
        len(one.select("p.tt-err")) for one in BeautifulSoup(half.text, "lxml").select("tbody")[-1].select("tr")
    ] == [1]
    assert [one["value"] for one in BeautifulSoup(half.text, "lxml").select("input[name=ho_so]")] == []
    assert 'id="reason"' not in half.text
    again = hoa.post(f"{path}?den=2", data={**typed, "reason": "Bước mới"})
    assert (again.status_code, "Đã chuyển" in again.text) == (409, False)
    through = hoa.post(f"{path}?den=2", data={"ho_so": str(safe), "reason": "Bước mới"})
    assert (through.status_code, "đã kết thúc hoặc đã theo phiên bản này" in through.text) == (422, True)
    named = hoa.get(f"{path}?den=2&sang_check=look")
    assert [one["value"] for one in BeautifulSoup(named.text, "lxml").select("input[name=ho_so]")] == [str(stays)]
    moved = {"ho_so": str(stays), "reason": "Đổi tên"}
    assert hoa.post(f"{path}?den=2", data=moved).status_code == 409
    assert "Đã chuyển 1 hồ sơ" in hoa.post(f"{path}?den=2&sang_check=look", data=moved, follow_redirects=True).text
    assert hoa.get(f"{path}?den=x").status_code == 200
    assert client("lan").get(path).status_code in (403, 404)


def test_those_that_cannot_be_moved_are_told_beside_their_rows_and_hide_nobody(make, client):
    def many(drawn):
        stay = [drawn.start() for _one in range(version_view.ROWS + 1)]
        for one in stay:
            drawn.finish(one, "ask")
        return [*stay, two_by_the_first_version(drawn)[0]]

    *stay, safe = make((("start > ask > check > end",), {}), many)
    hoa, path = client("hoa"), "/phien-ban/thu-nghiem/?den=2"

    def rows(answer):
        return [
            (
                one.select_one("a, input").get("value") or one.a.text,
                [why.text.strip() for why in one.select("p.tt-err")],
            )
            for one in BeautifulSoup(answer.text, "lxml").select("tbody")[-1].select("tr")
        ]

    gone = ["Hồ sơ đang ở “check”, bước này không có trong phiên bản kia."]
    assert [why for _one, why in rows(hoa.get(path))] == [gone] * version_view.ROWS
    second = hoa.get(f"{path}&page=2")
    assert [(one, why) for one, why in rows(second) if not why] == [(str(safe), [])]
    assert "den=2&amp;page=1" in second.text
    refused = hoa.post(f"{path}&page=2", data={"ho_so": [str(one) for one in stay[:-1]], "reason": "Bước mới"})
    assert (refused.status_code, [why for _one, why in rows(refused)]) == (409, [gone] * version_view.ROWS)
    assert f"{version_view.ROWS} hồ sơ giữ nguyên, lý do ghi bên cạnh." in refused.text
    assert "Bước mới" in refused.text
    assert len(refused.headers.get("Set-Cookie", "")) < 1000
    assert "Trang này không còn nữa" in hoa.get(f"{path}&page=9").text


def test_what_goes_wrong_only_when_it_is_moved_stands_beside_its_row(make, client, monkeypatch):
    safe, _stays = make((("start > ask > check > end",), {}), two_by_the_first_version)
    monkeypatch.setattr(migrating, "move_to_version", _too_late)
    answer = client("hoa").post("/phien-ban/thu-nghiem/?den=2", data={"ho_so": str(safe), "reason": "Bước mới"})
    assert answer.status_code == 409
    assert "Hồ sơ này vừa được người khác đổi." in BeautifulSoup(answer.text, "lxml").select("tbody")[-1].text


def _too_late(*_all, **_more):
    raise ConflictError("Hồ sơ này vừa được người khác đổi.")
