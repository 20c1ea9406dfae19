"""Five fields that a company adds to its customers, and what is said to them: of 100,000 customers in ten seconds."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import SYSTEM
from app.forms import services
from app.forms.models import FormPurpose
from app.forms.own_fields import queries
from app.forms.own_fields.models import CustomerAnswers, CustomerValue
from app.forms.own_fields.services import value_rows
from bench.bulk import Bulk

_DISHES = ("Phở tái", "Phở gà", "Bún chả", "Bún bò", "Cơm tấm", "Bánh cuốn", "Xôi xéo", "Mì Quảng")
_CHANNELS = {"zalo": "Zalo", "call": "Gọi điện", "mail": "E-mail", "visit": "Đến cửa hàng"}
_FIELDS: list[dict[str, Any]] = [
    {"key": "dish", "type": "text", "label": "Món hay dùng", "searchable": True},
    {"key": "parties", "type": "integer", "label": "Số lần đặt tiệc/năm", "searchable": True},
    {"key": "signed", "type": "date", "label": "Ngày ký hợp đồng", "searchable": True},
    {"key": "channel", "type": "choice", "label": "Kênh ưa thích", "searchable": True,
     "options": [{"value": code, "label": label} for code, label in _CHANNELS.items()]},
    {"key": "credit", "type": "money", "label": "Hạn mức công nợ", "searchable": True},
]  # fmt: skip
_ANSWERS = ("customer_id", "form_version_id", "answers", "rev", "created_at", "updated_at")
_VALUES = ("customer_id", "field_key", "item", "text", "number", "date", "moment", "sort")
_LOT = 10_000


def draw(session: Session) -> None:
    form = services.create_form(
        session, code="truong-khach", name="Thông tin riêng", by=SYSTEM, purpose=FormPurpose.customers
    )
    services.save_draft(session, form, {"name": "Thông tin riêng", "fields": _FIELDS}, by=SYSTEM)
    services.publish_form(session, form, by=SYSTEM)


def write(session: Session, bulk: Bulk, first: int, count: int, rng: random.Random, *, now: datetime) -> None:
    """Nine of ten customers have said something to all of them."""
    drawn = queries.drawn(session)
    assert drawn is not None
    day = date(2020, 1, 1)
    for start in range(first, first + count, _LOT):
        answers: list[tuple[Any, ...]] = []
        values: list[tuple[Any, ...]] = []
        for number in range(start, min(start + _LOT, first + count)):
            if rng.random() < 0.1:
                continue
            said = {
                "dish": rng.choice(_DISHES), "parties": min(int(rng.expovariate(0.25)), 60),
                "signed": (day + timedelta(days=rng.randrange(2_300))).isoformat(),
                "channel": rng.choice(list(_CHANNELS)), "credit": rng.randrange(200) * 500_000,
            }  # fmt: skip
            answers.append((number, drawn.version_id, said, 1, now, now))
            for key, value in said.items():
                values += [
                    (number, *(row[name] for name in _VALUES[1:])) for row in value_rows(drawn.fields[key], value)
                ]
        bulk.write(CustomerAnswers.__table__, _ANSWERS, answers)
        bulk.write(CustomerValue.__table__, _VALUES, values)
