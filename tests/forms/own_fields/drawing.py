"""The own fields that the tests' company draws, and how they are published."""

from __future__ import annotations

from typing import Any

from app.core.access import SYSTEM
from app.core.db import transaction
from app.forms import services
from app.forms.models import FormPurpose

FIELDS: list[dict[str, Any]] = [
    {"key": "dish", "type": "text", "label": {"vi": "Món hay dùng", "en": "Favourite dish"}, "searchable": True},
    {"key": "parties", "type": "integer", "label": "Số lần đặt tiệc/năm", "searchable": True, "min": 0, "max": 500},
    {"key": "signed", "type": "date", "label": "Ngày ký hợp đồng", "searchable": True},
    {"key": "channel", "type": "choice", "label": "Kênh ưa thích", "searchable": True, "options": [
        {"value": "zalo", "label": "Zalo"}, {"value": "call", "label": "Gọi điện"},
        {"value": "mail", "label": "E-mail"},
    ]},
    {"key": "likes", "type": "choices", "label": "Quan tâm", "searchable": True, "options": [
        {"value": "pho", "label": "Phở"}, {"value": "bun", "label": "Bún"}, {"value": "com", "label": "Cơm"},
    ]},
    {"key": "limit", "type": "money", "label": "Hạn mức công nợ", "searchable": True, "personal_data": "sensitive"},
    {"key": "vat", "type": "yes_no", "label": "Lấy hoá đơn", "searchable": True},
    {"key": "rate", "type": "decimal", "label": "Chiết khấu", "searchable": True},
    {"key": "helper", "type": "member", "label": "Người hỗ trợ", "searchable": True},
    {"key": "memo", "type": "long_text", "label": "Điều cần nhớ"},
]  # fmt: skip


def drawn(fields: list[dict[str, Any]] = FIELDS) -> dict[str, Any]:
    return {"name": "Thông tin riêng", "fields": fields}


def publish(fields: list[dict[str, Any]] = FIELDS, *, by: Any = SYSTEM) -> None:
    """In a transaction of its own; the form is made with its first publication."""
    with transaction(by) as session:
        form = services.queries.form_of_purpose(session, FormPurpose.customers) or services.create_form(
            session, code="truong-khach", name="Thông tin riêng", by=by, purpose=FormPurpose.customers
        )
        services.save_draft(session, form, drawn(fields), by=by)
        services.publish_form(session, form, by=by)
