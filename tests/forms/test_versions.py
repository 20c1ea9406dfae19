"""On a form's page: its fields, its versions in words, who uses a field; published, copied, carried out and in."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy.orm import Session

from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.models import SavedView
from app.customers.segments.models import Segment
from app.forms import queries, services
from app.forms.models import FormPurpose
from app.processes import queries as processes
from tests.forms.own_fields.drawing import publish
from tests.processes.drawn import Drawn
from tests.processes.engine.drawing import TASK
from tests.rest import Rest

NOTE = {"key": "note", "type": "text", "label": "Ghi chú", "required": True}
AMOUNT = {"key": "amount", "type": "money", "label": "Số tiền"}
TWICE = {"key": "twice", "type": "calculated", "label": "Gấp đôi", "formula": "amount * 2"}
SHOWN = "/bieu-mau/show/{}?tab={}"


@pytest.fixture
def hoa(app: Flask) -> Rest:
    """Hoa, with a published form."""
    rest = Rest(app, "hoa")
    rest.post("forms/", {"code": "thu", "name": "Phiếu thử"})
    rest.put("forms/thu/draft", {"name": "Phiếu thử", "fields": [NOTE, AMOUNT, TWICE]})
    assert rest.post("forms/thu/publish").status_code == 200
    return rest


def words(answer: Any) -> str:
    return BeautifulSoup(answer.get_data(as_text=True), "html.parser").get_text(" ", strip=True)


def shown(hoa: Rest, tab: str) -> str:
    return SHOWN.format(hoa.get("forms/thu").json["id"], tab)


def test_the_list_tells_which_version_is_in_use_and_a_form_s_page_begins_with_its_fields(client, hoa):
    hoa.post("forms/", {"code": "nhap", "name": "Phiếu nháp"})
    browser = client("hoa")
    told = words(browser.get("/bieu-mau/list/"))
    assert "Phiếu thử Phiếu để điền v1 thu" in told
    assert "Phiếu nháp Phiếu để điền — nhap" in told
    page = BeautifulSoup(browser.get(f"/bieu-mau/show/{hoa.get('forms/thu').json['id']}").text, "html.parser")
    assert page.select_one(".tt-tabs [aria-current]").get_text(strip=True) == "Các trường"
    assert page.find("a", href="/bieu-mau/thu/phieu/bieu-do")


def test_a_field_is_retired_published_and_what_changed_is_told(client, hoa):
    browser = client("hoa")
    assert "Gấp đôi" in words(browser.get("/bieu-mau/thu/truong/amount"))
    assert browser.get("/bieu-mau/thu/truong/khong").status_code == 404
    assert browser.post("/bieu-mau/thu/truong/amount/xoa").status_code == 404
    browser.post("/bieu-mau/thu/truong/amount/ngung")
    browser.post("/bieu-mau/thu/phat-hanh")
    assert hoa.get("forms/thu").json["active_edition"] == 1
    browser.post("/bieu-mau/thu/truong/twice/ngung")
    assert "“Số tiền”" in words(browser.get(shown(hoa, "phien-ban")))
    browser.post("/bieu-mau/thu/phat-hanh")
    assert hoa.get("forms/thu").json["active_edition"] == 2
    assert "“Gấp đôi”" in words(browser.get(shown(hoa, "phien-ban")))
    fields = words(browser.get(shown(hoa, "truong")))
    assert "amount Ngừng dùng" in fields
    assert "twice Ngừng dùng" in fields
    browser.post("/bieu-mau/thu/truong/amount/hoi-lai")
    assert hoa.get("forms/thu").json["draft"]["schema"]["fields"][1] == AMOUNT


def test_whoever_may_not_draw_sees_what_is_published_and_no_doors(client, hoa):
    hoa.put("forms/thu/draft", {"fields": [{**NOTE, "label": "Bí mật"}]})
    lan = client("lan")
    for tab in ("truong", "phien-ban"):
        page = lan.get(shown(hoa, tab))
        assert page.status_code == 200
        assert "Bí mật" not in words(page)
        assert "/bieu-mau/thu/" not in page.get_data(as_text=True).replace(
            "/bieu-mau/thu/phieu/", ""
        )  # to read answers
    for path in ("thu/sao-chep", "thu/bieu-mau.json", "nhap", "thu/truong/note"):
        assert lan.get(f"/bieu-mau/{path}").status_code == 403


def test_a_form_is_copied_and_goes_through_a_file(client, hoa):
    browser = client("hoa")
    refused = browser.post("/bieu-mau/thu/sao-chep", data={"name": "Bản hai", "code": "thu"})
    assert refused.status_code == 422
    assert "Bản hai" in refused.get_data(as_text=True)
    assert browser.post("/bieu-mau/thu/sao-chep", data={"name": "Bản hai", "code": "ban-hai"}).status_code == 302
    copied = hoa.get("forms/ban-hai").json["draft"]["schema"]
    assert copied == {"name": "Bản hai", "fields": [NOTE, AMOUNT, TWICE]}
    file = browser.get("/bieu-mau/thu/bieu-mau.json")
    assert "attachment" in file.headers["Content-Disposition"]

    def sent(data: bytes, code: str = "") -> int:
        answer = browser.post("/bieu-mau/nhap", data={"file": (io.BytesIO(data), "x.json"), "code": code})
        return int(answer.status_code)

    refused = browser.post("/bieu-mau/nhap", data={"file": (io.BytesIO(file.data), "x.json"), "code": ""})
    assert refused.status_code == 422
    assert "“thu” đã dùng" in refused.text
    # One that is free stands there already.
    free = BeautifulSoup(refused.text, "html.parser").find("input", {"name": "code"})["value"]
    assert sent(file.data, free) == 302
    assert browser.post("/bieu-mau/thu/sao-chep", data={"name": "Bản ba"}).status_code == 302
    assert "thu-2" in [one["code"] for one in hoa.get("forms/").json["result"]]
    for wrong in (b"", b"x", b"[]", b"\xff", json.dumps({"kind": "tantam.form"}).encode()):
        assert sent(wrong, "moi") == 422
    assert sent(file.data, "moi") == 302
    assert hoa.get("forms/moi").json["draft"]["schema"]["fields"] == [NOTE, AMOUNT, TWICE]


def test_a_form_of_another_company_is_not_published_with_what_is_only_there(client, hoa):
    where = {"key": "where", "type": "choice", "label": "Vùng", "catalogue": "vung-mien"}
    secret = {**NOTE, "read_roles": ["Ketoan", "Manager"]}
    rows = {"key": "rows", "type": "rows", "label": "Các dòng", "fields": [where]}
    hoa.put("forms/thu/draft", {"name": "Phiếu thử", "fields": [secret, where, rows]})
    refused = hoa.post("forms/thu/publish")
    assert refused.status_code == 422
    assert [(one["path"], one["code"]) for one in refused.json["problems"]] == [
        ("fields[0].read_roles", "no_such_role"), ("fields[1].catalogue", "no_such_catalogue"),
        ("fields[2].fields[0].catalogue", "no_such_catalogue"),
    ]  # fmt: skip
    assert "danh mục “vung-mien”" in words(client("hoa").get(shown(hoa, "phien-ban")))
    hoa.put("forms/thu/draft", {"name": "Phiếu thử", "fields": [NOTE, {**where, "retired": True}]})
    assert hoa.post("forms/thu/publish").status_code == 200


def test_a_process_that_goes_on_by_an_answer_is_told(story, session, cast):
    story.process()
    form_code, key = _asked(session)
    form = queries.form_by_code(session, form_code)
    assert any("Giao hàng chậm" in told for told in queries.field_uses(session, form, key, cast.hoa).mentions)
    assert queries.field_uses(session, form, "khong_co", cast.hoa).mentions == []


def test_all_that_a_process_does_with_an_answer_is_told(session, cast):
    session.rollback()
    publish()
    kinds = {
        "who": "member",
        "day": "date_time",
        "likes": "text",
        "mail": "email",
        "sum": "money",
        "there": "address",
        "spare": "text",
    }
    drawn = {"name": "Hỏi", "fields": [{"key": key, "type": kind, "label": key} for key, kind in kinds.items()]}
    with transaction() as inside:
        form = services.create_form(inside, code="hoi", name="Hỏi", by=SYSTEM)
        services.save_draft(inside, form, drawn, by=SYSTEM)
        services.publish_form(inside, form, by=SYSTEM)
    Drawn(
        session, cast, "start > ask > serve > serve_out > send > wait > call > xor1",
        "xor1 > end if there.ward = '00004'",
        "xor1 > look by default", "look > end",
        tasks={"ask": f'{TASK} form="hoi"', "call": 'assign="field:who" due="PT1H"'}, timers={"wait": "ask.day"},
        services={"serve": "set field='kept' value='likes' | set field='customer.own.dish' value='likes'",
                  "serve_out": "http url='https://kho.phosen.example/' body='sum'",
                  "send": "mail template='process_news' to='field:mail'"},
    )  # fmt: skip

    def told(form, key, who=cast.hoa):
        return list(queries.field_uses(session, form, key, who).mentions)

    form = queries.form_by_code(session, "hoi")
    name = "Quy trình “Thử nghiệm”"
    assert told(form, "who") == [f"{name} giao việc cho người được chọn ở đây"]
    assert told(form, "day") == [f"{name} chờ theo câu trả lời"]
    assert told(form, "likes") == [f"{name} ghi câu trả lời vào một giá trị"]
    assert told(form, "mail") == [f"{name} gửi thư dùng câu trả lời"]
    assert told(form, "sum") == [f"{name} gửi câu trả lời cho phần mềm khác"]
    assert told(form, "there") == [f"{name} rẽ nhánh theo câu trả lời này"]
    assert told(form, "spare") == []
    own = queries.form_of_purpose(session, FormPurpose.customers)
    assert told(own, "dish") == [f"{name} ghi vào trường này"]
    assert told(own, "parties") == []


def test_views_and_segments_that_look_by_a_field_are_told_to_whom_they_are_shown(session, cast):
    form = services.create_form(session, code="rieng", name="Riêng", by=SYSTEM, purpose=FormPurpose.customers)
    where = {"field": "own.parties", "op": ">", "value": 3}
    wanted = {
        "Đông khách": {"where": {"and": [where]}},
        "Theo bàn": {"order": "-own.parties"},
        "Khác": {"columns": ["name", "own.other"], "labels": {"own.parties": "Bàn"}},
    }
    views = [
        SavedView(list_key="CustomerScreen", name=name, owner_id=cast.hoa.user_id, position=0, wanted=wanted[name])
        for name in wanted
    ]
    session.add_all([*views, Segment(name="Tiệc lớn", condition=where, owner_id=cast.hoa.user_id)])
    session.flush()

    def told(who):
        return queries.field_uses(session, form, "parties", who).mentions

    assert [one.split("“")[1].split("”")[0] for one in told(cast.hoa)] == ["Theo bàn", "Đông khách", "Tiệc lớn"]
    assert told(cast.tuan) == ["3 mục mà bạn không xem được"]


def _asked(session: Session) -> tuple[str, str]:
    """A form and a field by whose answer the shipped process goes on."""
    process = processes.process_by_code(session, "giao-hang-cham")
    drawn = processes.definition_of(processes.active_version(session, process.id))
    keys = {key.rpartition(".")[2] for flow in drawn.flows.values() if flow.condition for key in flow.condition.keys}
    for node in drawn.nodes.values():
        if node.task is not None and node.task.form:
            version = queries.published_version(session, node.task.form)
            for one in queries.definition_of(version).fields:
                if one.key in keys:
                    return node.task.form, one.key
    raise LookupError
