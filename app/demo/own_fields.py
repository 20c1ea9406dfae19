"""What Phở Sen wants to know of its customers besides: fields that Hoa drew, and what the staff filled in since."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.demo.acts import Act, Book
from app.forms import services
from app.forms.models import FormPurpose
from app.forms.own_fields.services import change

CODE = "thong-tin-rieng"
_NAME = {"vi": "Thông tin riêng của khách", "en": "What we want to know besides"}
_DISHES = ("Phở tái", "Phở gà", "Phở chay", "Bún chả", "Bún bò Huế", "Nem rán", "Xôi gấc")
_CHANNELS = ("zalo", "call", "shop")
_FIELDS: list[dict[str, Any]] = [
    {"key": "mon_hay_dung", "type": "text", "searchable": True, "max_length": 100,
     "label": {"vi": "Món hay dùng", "en": "Favourite dish"}},
    {"key": "tiec_moi_nam", "type": "integer", "searchable": True, "min": 0, "max": 365,
     "label": {"vi": "Số lần đặt tiệc/năm", "en": "Parties a year"}},
    {"key": "ngay_ky_hop_dong", "type": "date", "searchable": True,
     "label": {"vi": "Ngày ký hợp đồng", "en": "Contract signed on"}},
    {"key": "kenh_ua_thich", "type": "choice", "searchable": True,
     "label": {"vi": "Kênh ưa thích", "en": "Favourite channel"}, "options": [
         {"value": "zalo", "label": {"vi": "Nhắn Zalo", "en": "Zalo message"}},
         {"value": "call", "label": {"vi": "Gọi điện", "en": "Call"}},
         {"value": "shop", "label": {"vi": "Gặp tại quán", "en": "At the shop"}},
     ]},
]  # fmt: skip


def draw(at: datetime) -> Act:
    """Hoa publishes the form as any admin does."""

    def do(session: Session, by: Actor) -> None:
        form = services.create_form(session, code=CODE, name=_NAME["vi"], by=by, purpose=FormPurpose.customers)
        services.save_draft(session, form, {"name": _NAME, "fields": _FIELDS}, by=by)
        services.publish_form(session, form, by=by)

    return Act(at, "hoa", do)


def fill_in(
    book: Book, name: str, rng: random.Random, *, is_company: bool, at: datetime, who: str
) -> Iterator[Act]:  # fmt: skip
    """Of every second customer something is known."""
    if rng.random() < 0.45:
        return
    said: dict[str, Any] = {"kenh_ua_thich": rng.choice(_CHANNELS)}
    if rng.random() < 0.8:
        said["mon_hay_dung"] = rng.choice(_DISHES)
    if is_company or rng.random() < 0.3:
        said["tiec_moi_nam"] = rng.randrange(1, 25)
    if is_company:
        said["ngay_ky_hop_dong"] = (at.date() - timedelta(days=rng.randrange(20, 700))).isoformat()

    def do(session: Session, by: Actor) -> None:
        change(session, book.customers[name], said, by=by, is_new=True)

    yield Act(at, who, do)
