"""Whoever passes by the page is held to the form all the same: each refusal stands under its field, in words."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.access import SYSTEM
from app.core.db import transaction
from app.forms import services
from tests.rest import Rest

WAYS = [{"value": "refund", "label": "Hoàn tiền"}, {"value": "sorry", "label": "Xin lỗi"}]
ON = {"field": "way", "op": "="}
FIELDS = [
    {"key": "way", "type": "choice", "label": "Khách muốn", "options": WAYS},
    {"key": "amount", "type": "money", "label": "Số tiền", "visible_if": {**ON, "value": "refund"}},
    {"key": "order", "type": "text", "label": "Mã đơn", "pattern": "(a+)+$"},
    {"key": "channel", "type": "choice", "label": "Kênh", "default": "refund", "options": WAYS,
     "readonly_if": {**ON, "value": "sorry"}},
    {"key": "day", "type": "date", "label": "Ngày", "message": "Ngày khách nhận hàng, ví dụ 22/11/2026"},
    {"key": "twice", "type": "calculated", "label": "Gấp đôi", "formula": "amount * 2"},
    {"key": "items", "type": "rows", "label": "Món", "fields": [{"key": "price", "type": "money", "label": "Giá"}]},
]  # fmt: skip


def drawn(app: Any, fields: list[dict[str, Any]], *, publish: bool) -> None:
    with app.app_context(), transaction(SYSTEM) as session:
        form = services.create_form(session, code="phan-anh", name="Phản ánh", by=SYSTEM)
        services.save_draft(session, form, {"name": "Phản ánh", "fields": fields}, by=SYSTEM)
        if publish:
            services.publish_form(session, form, by=SYSTEM)


@pytest.mark.both_databases
def test_what_no_page_sends_is_refused_under_its_field_and_nothing_is_kept(app):
    drawn(app, FIELDS, publish=True)
    lan = Rest(app, "lan")
    for answers, told in (
        ({"colour": "đỏ"}, {"colour": "Biểu mẫu không có trường này."}),
        ({"way": "sorry", "amount": 5}, {"amount": "không hỏi mục này"}),
        ({"way": "sorry", "channel": "sorry"}, {"channel": "chỉ đọc"}),
        ({"twice": 4}, {"twice": "hệ thống tự tính"}),
        ({"day": "mai"}, {"day": "Ngày khách nhận hàng, ví dụ 22/11/2026"}),
        ({"day": 20261122}, {"day": "Ngày khách nhận hàng"}),
        ({"way": "refund", "amount": "nhiều"}, {"amount": "Ví dụ: 500.000"}),
        ({"way": ["refund"]}, {"way": "Chọn một"}),
        ({"items": [{"price": "x", "size": 1}]}, {"items.0.price": "Ví dụ: 500.000"}),
        ({"way": "refund", "amount": "x", "day": "x"}, {"amount": "Ví dụ", "day": "Ngày khách"}),
    ):
        answer = lan.post("forms/phan-anh/submissions", {"answers": answers})
        assert answer.status_code == 422, answers
        for key, words in told.items():
            assert words in answer.json["fields"][key][0], (answers, answer.json["fields"])
    assert lan.rows("forms/phan-anh/submissions") == []
    right = {"way": "refund", "amount": "500.000 đ", "channel": "refund", "items": [{"price": 3}]}
    assert lan.post("forms/phan-anh/submissions", {"answers": right}).json["answers"]["twice"] == 1_000_000


@pytest.mark.timeout(60)  # a backtracking engine needs longer than the world is old
def test_a_pattern_that_would_hang_others_is_answered(app):
    drawn(app, [{**FIELDS[2], "max_length": 500}], publish=True)
    answer = Rest(app, "lan").post("forms/phan-anh/submissions", {"answers": {"order": "a" * 499 + "b"}})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("fields", "code", "told"),
    [
        ([{"key": "a", "type": "calculated", "label": "Tổng A", "formula": "b + 1"},
          {"key": "b", "type": "calculated", "label": "Tổng B", "formula": "a + 1"}], "loop", "Tổng A, Tổng B"),
        ([{"key": "a", "type": "calculated", "label": "Tổng A", "formula": "gone + 1"}], "dead_reference",
         "“Tổng A” cần trường gone"),
        ([{**FIELDS[0], "visible_if": {"field": "gone", "op": "=", "value": "x"}}], "dead_reference",
         "“Khách muốn” cần trường gone"),
        ([FIELDS[2], {**FIELDS[4], "key": "order"}], "duplicate_key", "“Mã đơn” và “Ngày” đang dùng chung khóa order"),
        ([{**FIELDS[2], "pattern": "(a"}], "bad_pattern", "Ví dụ: PS-[0-9]{5}"),
    ],
)  # fmt: skip
def test_what_cannot_be_published_is_told_by_name(app, fields, code, told):
    drawn(app, fields, publish=False)
    answer = Rest(app, "hoa").post("forms/phan-anh/publish")
    assert answer.status_code == 422
    problem = answer.json["problems"][0]
    assert problem["code"] == code
    assert told in problem["message"]
