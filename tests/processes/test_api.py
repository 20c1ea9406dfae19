"""Can a program draw, publish, start, follow and call off a process?"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest
from flask import Flask

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.processes import queries
from app.processes.drawing import retire_process
from tests.cast import Cast
from tests.processes.drawn import Drawn
from tests.rest import LATE_DELIVERY, Rest, finish, install_late_delivery, statements
from tests.threads import at_once

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 09:00 in Vietnam, a working day
XML = "application/xml"
START_FORM = {
    "name": {"vi": "Mở hồ sơ", "en": "Open a case"},
    "fields": [
        {"key": "amount", "type": "money", "label": {"vi": "Số tiền", "en": "Amount"}, "required": True},
        {"key": "channel", "type": "choice", "label": "Kênh", "options": [{"value": "zalo", "label": "Zalo"}]},
    ],
}


def drawing(code: str = "hoan-tien", *, start_form: str = "", condition: str = "") -> str:
    """One step by whoever started it."""
    start = f'<bpmn:extensionElements><tt:task form="{start_form}"/></bpmn:extensionElements>' if start_form else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:tt="https://tantam.vn/schema/bpmn/1" targetNamespace="https://tantam.vn/processes">
  <!-- giữ nguyên từng dấu cách -->
  <bpmn:process id="{code}" name="Hoàn tiền" isExecutable="true">
    <bpmn:startEvent id="start">{start}</bpmn:startEvent>
    <bpmn:userTask id="refund" name="Hoàn tiền cho khách">
      <bpmn:extensionElements><tt:task assign="initiator" due="PT1H"/></bpmn:extensionElements>
    </bpmn:userTask>
    <bpmn:endEvent id="end"/>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="refund"/>
    <bpmn:sequenceFlow id="f2" sourceRef="refund" targetRef="end"/>
  </bpmn:process>
</bpmn:definitions>
"""


def put_drawing(rest: Rest, code: str, xml: str, media: str = XML):
    return rest.put(f"processes/{code}/draft", data=xml.encode(), content_type=media)


@pytest.fixture
def drawn(app: Flask) -> Rest:
    """Hoa, with a process that has a draft."""
    hoa = Rest(app, "hoa")
    assert hoa.post("processes/", {"code": "hoan-tien", "name": "Hoàn tiền"}).status_code == 201
    assert put_drawing(hoa, "hoan-tien", drawing()).status_code == 200
    return hoa


@pytest.fixture
def at_work():
    with clock.at(MONDAY):
        yield


@pytest.fixture
def late_delivery(app: Flask, at_work, once):
    once("late delivery", lambda: install_late_delivery(app))


# ── drawing ──


def test_a_process_is_made_drawn_and_published(app, drawn):
    assert drawn.get("processes/hoan-tien").json["active_version"] is None
    published = drawn.post("processes/hoan-tien/publish")
    assert (published.status_code, published.json["version"], published.json["warnings"]) == (200, 1, [])
    shown = Rest(app, "lan").get("processes/hoan-tien").json
    assert {key: shown[key] for key in ("code", "name", "active_version", "start_form")} == {
        "code": "hoan-tien", "name": "Hoàn tiền", "active_version": 1, "start_form": None,
    }  # fmt: skip


def test_the_drawing_comes_back_as_it_was_sent(app, drawn):
    drawn.post("processes/hoan-tien/publish")
    answer = Rest(app, "lan").get("processes/hoan-tien/versions/1/bpmn")
    assert answer.content_type == "application/xml; charset=utf-8"
    assert answer.data == drawing().encode()


def test_a_draft_is_seen_by_those_who_draw_alone(app, drawn):
    assert drawn.get("processes/hoan-tien/versions/1/bpmn").status_code == 200
    assert Rest(app, "lan").get("processes/hoan-tien/versions/1/bpmn").status_code == 404
    assert "draft" not in Rest(app, "lan").get("processes/hoan-tien").json


@pytest.mark.parametrize("number", ["2", "0", "-1", "x", "2147483648", "99999999999999999999"])
def test_a_version_that_was_never_made_is_not_there(drawn, number):
    assert drawn.get(f"processes/hoan-tien/versions/{number}/bpmn").status_code == 404


@pytest.mark.parametrize("media", ["text/xml", "application/xml; charset=utf-8"])
def test_both_names_of_xml_are_understood(drawn, media):
    assert put_drawing(drawn, "hoan-tien", drawing(), media).status_code == 200


@pytest.mark.parametrize("media", ["application/json", "text/plain", "multipart/form-data", ""])
def test_a_drawing_in_another_form_is_refused_with_what_to_send(drawn, media):
    answer = put_drawing(drawn, "hoan-tien", '{"stages": []}', media)
    assert answer.status_code == 415
    assert "application/xml" in answer.json["message"]


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("", "not-xml"),
        ("<a", "not-xml"),
        ("\0", "not-xml"),
        ("<a/>", "not-bpmn"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "doctype"),
    ],
)
def test_what_is_no_bpmn_is_refused_with_the_reason(drawn, xml, code):
    answer = put_drawing(drawn, "hoan-tien", xml)
    assert answer.status_code == 422
    assert [problem["code"] for problem in answer.json["problems"]] == [code]


def test_a_drawing_in_another_alphabet_is_refused(drawn):
    sent = drawn.put("processes/hoan-tien/draft", data=drawing().encode("utf-16"), content_type=XML)
    assert sent.status_code == 400
    assert "UTF-8" in sent.json["message"]


def test_a_retired_process_is_read_and_drawn_anew(app, drawn):
    drawn.post("processes/hoan-tien/publish")
    with app.app_context(), transaction(SYSTEM) as session:
        process = queries.process_by_code(session, "hoan-tien")
        retire_process(session, process, by=SYSTEM)
    assert drawn.get("processes/hoan-tien").json["active_version"] == 1
    assert put_drawing(drawn, "hoan-tien", drawing()).status_code == 200
    assert drawn.post("instances/", {"process": "hoan-tien"}).json["error"] == "process_retired"


def test_a_drawing_beyond_two_megabytes_is_refused(drawn):
    assert put_drawing(drawn, "hoan-tien", drawing() + " " * 2_000_000).status_code == 413


def test_lint_names_each_element_and_the_version_before_stays(app, drawn):
    drawn.post("processes/hoan-tien/publish")
    put_drawing(drawn, "hoan-tien", drawing().replace('assign="initiator"', 'assign="team:khong-co"'))
    refused = drawn.post("processes/hoan-tien/publish")
    assert (refused.status_code, refused.json["error"]) == (422, "process_not_publishable")
    (problem,) = [p for p in refused.json["problems"] if p["severity"] == "error"]
    assert problem["element"] == "refund"
    assert problem["code"]
    assert problem["message"]
    assert drawn.get("processes/hoan-tien").json["active_version"] == 1


def test_without_a_draft_there_is_nothing_to_publish(drawn):
    drawn.post("processes/hoan-tien/publish")
    answer = drawn.post("processes/hoan-tien/publish")
    assert (answer.status_code, answer.json["error"]) == (422, "nothing_to_publish")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"code": "Giao Hàng", "name": "A"}, "code"),
        ({"code": "hoan-tien", "name": "A"}, "code"),
        ({"code": "a"}, "name"),
        ({"code": "a", "name": "x" * 201}, "name"),
        ({"code": "a", "name": "x\0"}, "name"),
        ({"code": "a", "name": 5}, "name"),
        ({"code": ["a"], "name": "A"}, "code"),
        ({"code": "a", "name": "A", "state": "published"}, "state"),
    ],
)
def test_a_wrong_process_is_told_beside_its_key(drawn, body, key):
    answer = drawn.post("processes/", body)
    assert answer.status_code == 422
    assert key in answer.json["fields"]


@pytest.mark.parametrize("who", ["lan", "minh"])
def test_only_administrators_draw(app, drawn, who):
    rest = Rest(app, who)
    assert rest.post("processes/", {"code": "moi", "name": "Mới"}).status_code == 403
    assert put_drawing(rest, "hoan-tien", drawing()).status_code == 403
    assert rest.post("processes/hoan-tien/publish").status_code == 403


def test_processes_are_found_without_accents(drawn):
    drawn.post("processes/", {"code": "doi-tra", "name": "Đổi trả hàng"})
    assert [row["code"] for row in drawn.rows("processes/", q="doi tra")] == ["doi-tra"]
    assert drawn.rows("processes/", q="khong co") == []
    assert [row["code"] for row in drawn.rows("processes/", order="-code")] == ["hoan-tien", "doi-tra"]


# ── starting ──


@pytest.mark.both_databases
def test_the_late_delivery_runs_from_start_to_end(app, late_delivery):
    lan = Rest(app, "lan")
    customer = lan.customer()
    started = lan.post("instances/", {"process": LATE_DELIVERY, "customer_id": customer["id"], "data": {}})
    assert started.status_code == 201
    instance = started.json
    assert instance["status"] == "running"
    assert instance["customer_id"] == customer["id"]
    (task,) = instance["open_tasks"]
    assert task == {
        "id": task["id"], "step": "receive", "name": "Tiếp nhận phản ánh và xin lỗi", "assignee": None,
        "due_at": "2026-11-23T02:05:00Z",
    }  # fmt: skip
    seen = []
    while instance["open_tasks"]:
        step = instance["open_tasks"][0]["step"]
        more = {"compensation": 700_000} if step == "receive" else {}
        instance = finish(app, instance, outcome="reject" if step == "approve" else None, **more)
        seen.append(step)
    assert seen == ["receive", "find-order", "update", "approve", "call-back"]
    assert (instance["status"], instance["ended_at"]) == ("completed", "2026-11-23T02:00:00Z")


@pytest.mark.both_databases
def test_events_tell_what_happened_in_order(app, late_delivery):
    lan = Rest(app, "lan")
    instance = finish(app, lan.start())
    listed = lan.get(f"instances/{instance['id']}/events").json
    assert [event["seq"] for event in listed["result"]] == list(range(1, listed["count"] + 1))
    opened = [event for event in listed["result"] if event["kind"] == "open_task"]
    assert [event["node"] for event in opened] == ["receive", "find-order"]
    assert opened[1]["task_id"] == instance["open_tasks"][0]["id"]
    assert opened[1]["actor"] == "lan"
    assert opened[1]["at"] == "2026-11-23T02:00:00Z"


def test_the_initiator_sees_open_tasks_that_he_cannot_open(app, late_delivery):
    lan = Rest(app, "lan")
    instance = finish(app, lan.start(lan.customer()["id"]))
    (task,) = instance["open_tasks"]
    assert Rest(app, "binh").post(f"tasks/{task['id']}/claim").status_code == 200
    assert lan.get(f"tasks/{task['id']}").status_code == 404
    (shown,) = lan.get(f"instances/{instance['id']}").json["open_tasks"]
    assert (shown["step"], shown["assignee"]) == ("find-order", "binh")


def test_a_process_for_nobody_takes_any_plain_values(app, drawn):
    drawn.post("processes/hoan-tien/publish")
    lan = Rest(app, "lan")
    data = {"amount": 5, "ratio": 0.5, "why": "Đổi ý", "urgent": True, "nothing": None}
    started = lan.post("instances/", {"process": "hoan-tien", "customer_id": None, "data": data})
    assert (started.status_code, started.json["customer_id"]) == (201, None)
    assert started.json["open_tasks"][0]["assignee"] == "lan"


@pytest.mark.parametrize(
    ("data", "key"),
    [({"a": [1]}, "a"), ({"a": {"b": 1}}, "a"), ({"a b": 1}, "a b"), ({"a": 1e300}, "a"), ({"a": "x\0"}, "a")],
)
def test_other_values_are_refused_beside_their_key(app, drawn, data, key):
    drawn.post("processes/hoan-tien/publish")
    answer = Rest(app, "lan").post("instances/", {"process": "hoan-tien", "data": data})
    assert answer.status_code == 422
    assert key in answer.json["fields"]


def test_a_start_form_is_told_as_json_schema_and_checks_the_data(app, drawn):
    drawn.post("forms/", {"code": "mo-ho-so", "name": "Mở hồ sơ"})
    drawn.put("forms/mo-ho-so/draft", START_FORM)
    drawn.post("forms/mo-ho-so/publish")
    put_drawing(drawn, "hoan-tien", drawing(start_form="mo-ho-so"))
    assert drawn.post("processes/hoan-tien/publish").status_code == 200
    schema = Rest(app, "lan", **{"Accept-Language": "en"}).get("processes/hoan-tien").json["start_form"]
    assert schema["title"] == "Open a case"
    assert schema["properties"]["amount"]["type"] == "integer"
    assert schema["properties"]["channel"]["oneOf"] == [{"const": "zalo", "title": "Zalo"}]
    assert schema["required"] == ["amount"]
    lan = Rest(app, "lan")
    wrong = lan.post("instances/", {"process": "hoan-tien", "data": {"channel": "fax", "other": 1}})
    assert wrong.status_code == 422
    assert set(wrong.json["fields"]) == {"amount", "channel", "other"}
    assert lan.rows("instances/") == []
    assert lan.post("instances/", {"process": "hoan-tien", "data": {"amount": "500.000 ₫"}}).status_code == 201


@pytest.mark.parametrize("process", ["khong-co", "a\0b", "x" * 200])
def test_an_unknown_process_is_not_there(app, process):
    answer = Rest(app, "lan").post("instances/", {"process": process})
    assert answer.status_code == (422 if "\0" in process else 404)


def test_a_process_that_was_never_published_cannot_be_started(app, drawn):
    answer = Rest(app, "lan").post("instances/", {"process": "hoan-tien"})
    assert (answer.status_code, answer.json["error"]) == (422, "process_not_published")


@pytest.mark.parametrize("customer_id", [999, 0, -1, 2**31, 10**30])
def test_an_unknown_customer_is_not_there(app, late_delivery, customer_id):
    answer = Rest(app, "lan").post("instances/", {"process": LATE_DELIVERY, "customer_id": customer_id})
    assert answer.status_code == 404


def test_nobody_starts_a_process_for_a_customer_whose_header_is_all_he_sees(app, late_delivery):
    lan = Rest(app, "lan")
    customer = lan.customer()
    finish(app, lan.start(customer["id"]))
    tuan = Rest(app, "tuan")
    assert tuan.get(f"customers/{customer['id']}").status_code == 200
    answer = tuan.post("instances/", {"process": LATE_DELIVERY, "customer_id": customer["id"]})
    assert answer.status_code == 404


# ── the same request twice ──


@pytest.mark.both_databases
def test_the_same_key_and_body_start_one_instance(app, late_delivery):
    lan = Rest(app, "lan")
    body = {"process": LATE_DELIVERY, "customer_id": lan.customer()["id"]}
    first, again = lan.post("instances/", body, key="don-17"), lan.post("instances/", body, key="don-17")
    assert (again.status_code, again.json) == (201, first.json)
    assert len(lan.rows("instances/")) == 1
    other = lan.post("instances/", {**body, "customer_id": None}, key="don-17")
    assert other.status_code == 409
    assert len(lan.rows("instances/")) == 1


def test_a_repeated_request_gets_its_answer_although_it_would_be_refused_by_now(app, drawn):
    drawn.post("processes/hoan-tien/publish")
    lan = Rest(app, "lan")
    body = {"process": "hoan-tien", "data": {"amount": 1, "note": "cũ"}}
    first = lan.post("instances/", body, key="k")
    drawn.post("forms/", {"code": "mo-ho-so", "name": "Mở hồ sơ"})
    drawn.put("forms/mo-ho-so/draft", START_FORM)
    drawn.post("forms/mo-ho-so/publish")
    put_drawing(drawn, "hoan-tien", drawing(start_form="mo-ho-so"))
    drawn.post("processes/hoan-tien/publish")
    assert lan.post("instances/", body).status_code == 422
    assert lan.post("instances/", body, key="k").json == first.json


def test_keys_of_two_people_and_of_two_addresses_do_not_meet(app, late_delivery):
    lan, minh = Rest(app, "lan"), Rest(app, "minh")
    body = {"process": LATE_DELIVERY}
    ids = {rest.post("instances/", body, key="1").json["id"] for rest in (lan, minh)}
    assert len(ids) == 2
    assert lan.post("customers/", {"name": "Anh Ba"}, key="1").status_code == 201


def test_a_refused_request_may_be_sent_again_corrected_under_its_key(app, late_delivery):
    lan = Rest(app, "lan")
    assert lan.post("instances/", {"process": "khong-co"}, key="1").status_code == 404
    assert lan.post("instances/", {"process": LATE_DELIVERY}, key="1").status_code == 201


@pytest.mark.parametrize("key", ["", "  ", "x" * 201])
def test_an_unfit_key_is_refused(app, late_delivery, key):
    assert Rest(app, "lan").post("instances/", {"process": LATE_DELIVERY}, key=key).status_code == 400


@pytest.mark.both_databases
def test_the_same_request_at_the_same_moment_starts_one_instance(app, late_delivery):
    programs = [Rest(app, "lan") for _ in range(2)]
    answers = at_once(
        app, [partial(rest.post, "instances/", {"process": LATE_DELIVERY}, key="once") for rest in programs]
    )
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert len(programs[0].rows("instances/")) == 1


# ── following and calling off ──


def test_work_handed_over_shows_the_instance_and_nothing_else(app, late_delivery):
    lan, tuan = Rest(app, "lan"), Rest(app, "tuan")
    instance = lan.start(lan.customer()["id"])
    for path in (f"instances/{instance['id']}", f"instances/{instance['id']}/events"):
        assert tuan.get(path).status_code == 404
    assert tuan.rows("instances/") == []
    finish(app, instance)
    assert tuan.get(f"instances/{instance['id']}").json["open_tasks"][0]["step"] == "find-order"
    assert [row["id"] for row in tuan.rows("instances/")] == [instance["id"]]
    # His is the work, not the case.
    assert tuan.post(f"instances/{instance['id']}/cancel", {"reason": "x"}).status_code == 403


@pytest.mark.both_databases
def test_an_instance_is_called_off_once_and_with_a_reason(app, late_delivery):
    lan = Rest(app, "lan")
    address = f"instances/{lan.start()['id']}/cancel"
    assert "reason" in lan.post(address).json["fields"]
    done = lan.post(address, {"reason": "Khách đổi ý"})
    assert (done.status_code, done.json["status"], done.json["open_tasks"]) == (200, "cancelled", [])
    again = lan.post(address, {"reason": "Khách đổi ý"})
    assert (again.status_code, again.json["error"]) == (409, "instance_over")


@pytest.mark.parametrize("number", ["999", "0", "-1", "x", "2147483648", "1e3", "１"])
def test_an_instance_that_is_not_there(app, number):
    lan = Rest(app, "lan")
    assert lan.get(f"instances/{number}").status_code == 404
    assert lan.get(f"instances/{number}/events").status_code == 404
    assert lan.post(f"instances/{number}/cancel", {"reason": "x"}).status_code == 404


def test_a_verb_that_does_not_exist_is_not_there(app, late_delivery):
    lan = Rest(app, "lan")
    assert lan.post(f"instances/{lan.start()['id']}/complete").status_code == 404


def test_instances_are_filtered(app, late_delivery):
    lan = Rest(app, "lan")
    customer = lan.customer()
    mine, other = lan.start(customer["id"]), lan.start()
    lan.post(f"instances/{other['id']}/cancel", {"reason": "thử"})

    def ids(**query):
        return [row["id"] for row in lan.rows("instances/", **query)]

    assert ids() == [other["id"], mine["id"]]
    assert ids(order="id") == [mine["id"], other["id"]]
    assert ids(status="running") == [mine["id"]]
    assert ids(customer=customer["id"]) == [mine["id"]]
    assert ids(customer=2**40) == []
    assert ids(q="dang my duyen") == [mine["id"]]
    assert ids(process=LATE_DELIVERY, code=other["code"]) == [other["id"]]
    assert ids(process="khac") == []
    assert lan.get("instances/", status="xong").status_code == 400
    assert lan.get("instances/", customer="x").status_code == 400


@pytest.mark.parametrize("who", ["lan", "minh", "hoa"])
def test_a_list_costs_few_queries_however_long_it_is(app, late_delivery, who):
    lan = Rest(app, "lan")
    for _ in range(3):
        lan.start()
    rest = Rest(app, who)
    rest.get("instances/")
    for path in ("instances/", "processes/"):
        with statements(app) as seen:
            assert rest.get(path).status_code == 200
        assert len(seen) <= 8, seen


def test_files_that_are_stuck_or_ask_several_cost_a_list_no_query_each(app, at_work):
    several = 'assign="team:cskh" due="PT1H" approval="all" outcomes="approve,reject"'
    with app.app_context():
        session = db.session()
        drawn = Drawn(session, Cast(session), "start > and1 > ok > end", "and1 > xor1", "xor1 > pay if amount > 5",
                      "xor1 > thank if amount < 2", "pay > end", "thank > end", tasks={"ok": several},
                      undecided=True)  # fmt: skip
        for _ in range(3):
            drawn.start(amount=3)
    hoa = Rest(app, "hoa")
    hoa.get("instances/")
    with statements(app) as seen:
        rows = hoa.rows("instances/")
    assert [(len(row["incidents"]), len(row["asked"])) for row in rows] == [(1, 1)] * 3
    # six for any list of files, and four more for what stands still and what several are asked: none of them for each
    assert len(seen) <= 8, "\n\n".join(map(str, seen))
