"""A form with a question of many kinds, and a few answers to it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.core.access import SYSTEM
from app.core.db import transaction
from app.forms import services as forms
from app.forms.models import Submission
from app.forms.queries import context_for, form_by_code, published_version
from app.forms.submissions import services
from tests.cast import Cast

DRAWN = {
    "name": "Phản ánh món ăn",
    "fields": [
        {"key": "fault", "type": "choice", "label": "Lỗi", "required": True, "searchable": True,
         "options": [{"value": "cold", "label": "Nguội"}, {"value": "late", "label": "Trễ"}]},
        {"key": "amount", "type": "money", "label": "Đền bù", "searchable": True},
        {"key": "on", "type": "date", "label": "Ngày ăn", "searchable": True},
        {"key": "note", "type": "text", "label": "Ghi chú", "searchable": True},
        {"key": "illness", "type": "text", "label": "Bệnh", "personal_data": "sensitive", "searchable": True},
        {"key": "inside", "type": "text", "label": "Nội bộ", "read_roles": ["Manager", "Admin"]},
        {"key": "stars", "type": "stars", "label": "Sao"},
    ],
}  # fmt: skip


def publish(session, drawn=DRAWN, code="mon-an"):
    form = form_by_code(session, code)
    form = form or forms.create_form(session, code=code, name=drawn["name"], by=SYSTEM)
    forms.save_draft(session, form, drawn, by=SYSTEM)
    return forms.publish_form(session, form, by=SYSTEM)


def submit(session, answers, *, by, code="mon-an", **about):
    version = published_version(session, code)
    read = forms.parse_answers(version, answers, context=context_for(session, by))
    return forms.submit(session, version, read, by=by, **about)


@pytest.fixture
def given(app):
    """Three answers: two of Lan's, one of Tuấn's; their numbers."""
    with app.app_context(), transaction(SYSTEM) as session:
        cast = Cast(session)
        publish(session)
        ids = [
            submit(session, answers, by=by).id for answers, by in (
                ({"fault": "cold", "amount": 50000, "on": "2026-11-20", "note": "Phở nguội", "illness": "Dị ứng",
                  "inside": "Khách quen", "stars": 2}, cast.lan),
                ({"fault": "late", "amount": 200000, "on": "2026-11-21", "note": "Trễ hẹn", "stars": 4}, cast.lan),
                ({"fault": "late", "note": "=1+1"}, cast.tuan),
            )
        ]  # fmt: skip
    return SimpleNamespace(first=ids[0], second=ids[1], other=ids[2], ids=ids)


@pytest.fixture
def void(change):
    """void(number): these answers count no more."""

    def voided(number):
        change(lambda session, cast: services.void(
            session, session.get_one(Submission, number), by=cast.hoa, reason="Điền nhầm khách"))  # fmt: skip

    return voided
