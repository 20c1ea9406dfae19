"""Does the builder begin with all that it needs, show half a drawing as a form, and read its conditions?"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.forms.fields import TYPES
from tests.rest import Rest

PATH = "/bieu-mau/phan-anh/ve"


@pytest.fixture
def draw(app: Flask) -> Callable[..., None]:
    """draw(field, …): what stands in the draft of the form phan-anh."""
    rest = Rest(app, "hoa")
    assert rest.post("forms/", {"code": "phan-anh", "name": "Phản ánh"}).status_code == 201

    def draw(*fields: dict[str, Any], **more: Any) -> None:
        drawn = {"name": "Phản ánh", "fields": list(fields), **more}
        assert rest.put("forms/phan-anh/draft", drawn).status_code == 200

    return draw


def text(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "text", "label": key.title(), **more}


def begun(hoa: FlaskClient) -> dict[str, Any]:
    page = hoa.get(PATH).get_data(as_text=True)
    found = re.search(r"data-drawing='([^']*)'", page)
    assert found is not None
    told: dict[str, Any] = json.loads(html.unescape(found[1]))
    return told


def test_the_builder_begins_with_the_draft_its_problems_and_every_kind_of_field(client, draw):
    draw(text("shop"), text("Bad key"))
    told = begun(client("hoa"))
    assert {one["code"] for one in told["types"]} == set(TYPES)
    assert {one["group"] for one in told["types"]} <= {one["key"] for one in told["groups"]}
    assert [one["path"] for one in told["problems"]] == ["fields[1].key"]
    assert [one["key"] for one in told["definition"]["fields"]] == ["shop", "Bad key"]
    assert (told["rev"], told["published"]) == (2, None)
    (yes_no,) = (one for one in told["types"] if one["code"] == "yes_no")
    assert [value for value, _label in yes_no["answers"]] == ["yes", "no"]


def test_half_a_drawing_is_shown_as_far_as_it_stands(client, draw):
    draw(
        text("shop", section="order", width="third"), text("Bad key"), text("why", section="reason"),
        sections=[{"key": "order", "title": "Đơn hàng"}, {"key": "reason"}],
    )  # fmt: skip
    answer = client("hoa").get(f"{PATH}/xem")
    page = answer.get_data(as_text=True)
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert "Đơn hàng" in page
    assert 'name="answer_shop"' in page
    assert 'name="answer_why"' in page
    assert "Bad key" not in page


def test_a_trial_says_what_is_wrong_and_keeps_nothing(client, draw):
    draw(text("shop", required=True))
    hoa = client("hoa")
    assert hoa.post(f"{PATH}/xem", data={"answer_shop": ""}).status_code == 422
    assert hoa.post(f"{PATH}/xem", data={"answer_shop": "Q1"}).status_code == 200
    assert hoa.get("/api/v1/submissions/").get_json()["count"] == 0


def test_a_condition_looks_at_the_other_fields_and_is_read_back(client, draw):
    draw(
        text("shop"),
        {"key": "paid", "type": "money", "label": "Số tiền"},
        {"key": "how", "type": "choice", "label": "Kênh", "options": [{"value": "zalo", "label": "Zalo"}]},
    )
    hoa = client("hoa")
    offered = hoa.get(f"{PATH}/truong?khoa=shop").get_json()["fields"]
    assert [(one["key"], one["kind"]) for one in offered] == [("paid", "money"), ("how", "choice")]
    read = hoa.post(f"{PATH}/dieu-kien", data={"khoa": "shop", "where": "paid > 500000 and how = 'zalo'"}).get_json()
    assert read["stored"]["and"][0] == {"field": "paid", "op": ">", "value": 500000}
    assert "Số tiền" in read["sentence"]
    assert "Zalo" in read["sentence"]
    again = hoa.post(f"{PATH}/dieu-kien", data={"khoa": "shop", "where": json.dumps(read["stored"])}).get_json()
    assert again["text"] == read["text"]
    assert "refusal" in hoa.post(f"{PATH}/dieu-kien", data={"khoa": "shop", "where": "shop = 'Q1'"}).get_json()


def test_a_number_or_a_day_is_compared_with_one(client, draw):
    draw(
        text("shop"), {"key": "bowls", "type": "integer", "label": "Số bát"},
        {"key": "paid", "type": "money", "label": "Tiền"}, {"key": "day", "type": "date", "label": "Ngày"},
    )  # fmt: skip
    hoa = client("hoa")

    def read(where):
        return hoa.post(f"{PATH}/dieu-kien", data={"khoa": "shop", "where": where}).get_json()

    for typed in ("bowls = '3x'", "paid != '12a' and bowls = 3", "bowls in (1, '2x')", "bowls contains '3'",
                  "not (bowls = true)", "day = 'hôm qua'", '{"field": "bowls", "op": "=", "value": "3x"}'):  # fmt: skip
        assert "như vậy được. Ví dụ: " in read(typed).get("refusal", ""), typed
    for typed in ("bowls = 3", "bowls > [paid]", "bowls = me()", "bowls empty", "day = '2026-11-23'",
                  "day = this_week()", "days_between(day, today()) > 3"):  # fmt: skip
        assert "stored" in read(typed), typed


def test_what_stands_in_a_section_is_nothing_for_its_own_condition(client, draw):
    draw(text("shop", section="order"), text("why", section="reason"), sections=[{"key": "order"}, {"key": "reason"}])
    offered = client("hoa").get(f"{PATH}/truong?phan=reason").get_json()["fields"]
    assert [one["key"] for one in offered] == ["shop"]


def test_a_form_is_made_with_a_code_of_its_name_and_leads_to_where_it_is_drawn(client, draw):
    hoa = client("hoa")
    assert "/bieu-mau/moi" in hoa.get("/bieu-mau/list/").get_data(as_text=True)
    for code in ("dieu-tra-2-giao-cham", "dieu-tra-2-giao-cham-2"):
        made = hoa.post("/bieu-mau/moi", data={"name": "  Điều tra 2: giao chậm "})
        assert (made.status_code, made.headers["Location"]) == (302, f"/bieu-mau/{code}/ve")
    for name, code in (("", ""), ("???", ""), ("Phản ánh", "phan-anh"), ("Phản ánh", "Có dấu")):
        refused = hoa.post("/bieu-mau/moi", data={"name": name, "code": code})
        assert refused.status_code == 422
        assert name in refused.get_data(as_text=True)
    assert client("lan").get("/bieu-mau/moi").status_code == 403


def test_only_who_may_draw_gets_in(client, draw):
    assert client("lan").get(PATH).status_code == 403
    assert client("hoa").get("/bieu-mau/khong-co/ve").status_code == 404
