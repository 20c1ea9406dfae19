"""What is known of the customers whom everybody in the demo company knows: who they are, what they bought and said?"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor
from app.core.formats import local
from app.customers import consent, interactions, promises, purchases, tags
from app.customers.models import Customer, Gender
from app.customers.profile_models import ConsentChannel, ConsentState, Direction, InteractionKind
from app.customers.promise_models import PromiseState
from app.customers.services import change_customer, create_customer
from app.demo.acts import Act, Book
from app.demo.casting import Cast, Seeded
from app.demo.past import DAY, WorkingPast


@dataclass(frozen=True)
class Life:
    """What stands in the profile beside name and numbers."""

    honorific: str | None
    ward: str
    street: str
    tier: str
    stage: str
    behaviour: str
    tags: Sequence[str] = ()
    birthday: date | None = None
    risk: str | None = None
    #: what was promised and still waits: its words and in how many days
    promised: tuple[str, int] | None = None
    #: in how many days to get in touch again
    next_in: int | None = None
    gender: Gender | None = None


LIVES = {
    "Đặng Thị Mỹ Duyên": Life(
        "chi", "00199", "12 ngõ 95 Chùa Láng", "vip", "after-sale", "regular", ("khách quen Cầu Giấy",),
        date(1987, 3, 8), "2 khiếu nại trong 30 ngày", ("Gọi lại xác nhận hài lòng", 0), 2, Gender.female,
    ),
    "Ưng Hoàng Đức": Life("anh", "00166", "8 Trần Thái Tông", "medium", "buying", "returning", (), date(1991, 7, 19),
                          next_in=0, gender=Gender.male),
    "Nguyễn Đình Phước": Life("chu", "20242", "41 Bạch Đằng", "small", "considering", "potential",
                              promised=("Gửi bảng giá phở khô", 1), gender=Gender.male),
    "Khách sạn Sông Đuống": Life(None, "00166", "2 Duy Tân", "vip", "loyal", "loyal", ("đặt tiệc", "xuất hóa đơn"),
                                 promised=("Báo thực đơn tiệc tất niên", 3), next_in=5),
    "Công ty TNHH Thực phẩm Đại Ưng": Life(None, "26743", "115 Lê Lợi", "vip", "buying", "regular", ("combo Tết",),
                                           promised=("Gửi báo giá combo Tết", 2)),
    "Lương Ỹ Nhi": Life("chi", "26737", "27 Trần Quang Khải", "medium", "after-sale", "regular", ("thích phở gà",),
                        date(1994, 12, 2), gender=Gender.female),
    "Đỗ Thị Hồng Nhung": Life("chi", "00160", "6 Hoàng Quốc Việt", "medium", "buying", "returning", (),
                              date(1989, 1, 27), next_in=1, gender=Gender.female),
    "Trần Văn Kỹ": Life("bac", "11311", "19 Hoàng Văn Thụ", "medium", "lost", "dormant", ("khách lâu năm",),
                        risk="Sáu tháng chưa mua lại", gender=Gender.male),
    "Vũ Quỳnh Như": Life("chi", "31135", "3 Hòa Bình", "small", "new", "potential", (), gender=Gender.female),
    "Phan Thị Ngưỡng": Life("co", "20242", "77 Ông Ích Khiêm", "medium", "loyal", "loyal", ("gọi sau giờ trưa",),
                            gender=Gender.female),
}  # fmt: skip
#: who was written down a second time by a colleague: typed without accents at the new number, and a husband at hers
TWICE, SHARED = "Đỗ Thị Hồng Nhung", "Phan Thị Ngưỡng"
VIP = "vip"
ZONE = "Asia/Ho_Chi_Minh"
_EVERY_WAY = (ConsentChannel.call, ConsentChannel.zalo, ConsentChannel.email)
_PRODUCTS = (
    ("Phở bò khô Sen 24 gói", 480_000), ("Phở gà khô Sen 24 gói", 456_000), ("Combo Tết Sen Vàng", 690_000),
    ("Nước dùng phở cô đặc 6 hũ", 312_000), ("Bánh phở tươi 5 kg", 175_000),
)  # fmt: skip
_SAID: Sequence[tuple[InteractionKind, str | None, Direction, str | None, str]] = (
    (InteractionKind.call, None, Direction.outbound, "reached", "Hỏi thăm sau giao hàng, khách khen nước dùng thơm."),
    (InteractionKind.message, "zalo", Direction.inbound, None, "Em ơi đổi giờ giao sang tối được không?"),
    (InteractionKind.call, None, Direction.outbound, "no-answer", "Gọi lúc trưa, không nghe máy."),
    (InteractionKind.call, None, Direction.inbound, "reached", "Khách hỏi còn combo Tết không, muốn đặt sớm."),
    (InteractionKind.visit, "store", Direction.inbound, None, "Ghé cửa hàng nếm thử phở gà, mua mang về."),
    (InteractionKind.note, None, Direction.outbound, None, "Nhà có cháu nhỏ, nên giao trước 18 giờ."),
    (InteractionKind.message, "facebook", Direction.inbound, None, "Shop cho mình xin bảng giá mới nhé."),
)


def life_acts(book: Book, cast: Cast, *, past: WorkingPast, rng: random.Random) -> Iterator[Act]:
    """What was written down of them, three acts each: once they are known, since then, and lately."""
    for seeded in cast.customers:
        life = LIVES.get(seeded.profile.name)
        if life is None:
            continue
        who = seeded.creator
        yield Act(past.ago(seeded.minutes * 0.88), who, _known(book, seeded, life))
        lived = min(seeded.minutes * 0.3, DAY * 6)
        yield Act(past.ago(lived), who, _lived(book, seeded, life, past, lived, rng))
        yield Act(past.ago(DAY * rng.uniform(0.3, 0.9)), who, _lately(book, seeded, life))
        if seeded.profile.name == TWICE:
            yield Act(past.ago(DAY * 1.5), "dat" if who != "dat" else "thuy", _once_more(life))
        elif seeded.profile.name == SHARED:
            yield Act(past.ago(DAY * 2.5), who, _husband(seeded.profile.phone))


def _known(book: Book, seeded: Seeded, life: Life) -> Any:
    def do(session: Session, by: Actor) -> None:
        customer = _customer(book, session, seeded)
        if customer is None:
            return
        change_customer(
            session, customer, by=by, rev=customer.rev, honorific=life.honorific, gender=life.gender,
            birthday=life.birthday, ward_code=life.ward, street=life.street, tier=life.tier, behaviour=life.behaviour,
            stage="new",
        )  # fmt: skip
        if life.tags:
            tags.set_tags(session, customer, list(life.tags), by=by)
        for channel in _EVERY_WAY if life.tier == VIP else _EVERY_WAY[:1]:
            consent.record_consent(
                session, customer, by=by, purpose="care", channel=channel, state=ConsentState.given,
                proof="Đồng ý khi đặt hàng lần đầu, có ghi âm.", text_version="2026-01",
            )  # fmt: skip

    return do


def _lived(
    book: Book, seeded: Seeded, life: Life, past: WorkingPast, until: float, rng: random.Random
) -> Any:  # fmt: skip
    """What happened on working days before that moment, `until` working minutes ago."""
    bought = [
        (local(past.ago(until + DAY * rng.uniform(2, 50)), ZONE).date(), *rng.choice(_PRODUCTS), rng.randint(1, 4))
        for _turn in range(3 if life.tier == VIP else 2)
    ]
    said = [
        (past.ago(until + DAY * rng.uniform(0.3, 30)), one) for one in rng.sample(_SAID, 4 if life.tier == VIP else 2)
    ]

    def do(session: Session, by: Actor) -> None:
        customer = _customer(book, session, seeded)
        if customer is None:
            return
        for number, (day, product, price, count) in enumerate(bought):
            purchases.add_purchase(
                session, customer, by=by, bought_on=day, product=product, amount=price * count,
                quantity=Decimal(count), code=f"PS-{20_000 + customer.id * 10 + number}",
            )  # fmt: skip
        for at, (kind, channel, direction, result, text) in said:
            interactions.log_interaction(
                session, customer, by=by, kind=kind, at=at, direction=direction,
                channel=channel, result=result, text=text,
            )  # fmt: skip
        change_customer(session, customer, by=by, rev=customer.rev, stage=life.stage, risk_reason=life.risk)
        if life.tier != VIP:
            return
        kept = promises.make_promise(session, customer, by=by, text="Đổi gói bị rách", due_on=_day(0))
        promises.settle_promise(session, kept, PromiseState.kept, by=by)

    return do


def _lately(book: Book, seeded: Seeded, life: Life) -> Any:
    def do(session: Session, by: Actor) -> None:
        customer = _customer(book, session, seeded)
        if customer is None:
            return
        interactions.log_interaction(
            session, customer, by=by, kind=InteractionKind.call, direction=Direction.outbound, result="reached",
            text="Khách vẫn hài lòng, hẹn liên hệ lại." if life.next_in is not None else "Khách đang bận, nói ngắn.",
            next_on=_day(life.next_in) if life.next_in is not None else None,
        )  # fmt: skip
        if life.promised is not None:
            words, days = life.promised
            promises.make_promise(session, customer, by=by, text=words, due_on=_day(days))

    return do


def _once_more(life: Life) -> Any:
    """The number is new, so nothing warned; name, birthday and street tell the worker."""

    def do(session: Session, by: Actor) -> None:
        create_customer(
            session, by=by, name="Do Thi Hong Nhung", phone="0869 217 350", source="facebook", birthday=life.birthday,
            ward_code=life.ward, street=life.street, note="Nhắn qua Facebook, hỏi combo Tết.",
        )  # fmt: skip

    return do


def _husband(phone: str) -> Any:
    def do(session: Session, by: Actor) -> None:
        create_customer(
            session, by=by, name="Lê Văn Thịnh", phone=phone, source="phone", honorific="bac",
            duplicate_reason="Chồng cô Ngưỡng, hai vợ chồng dùng chung số.",
        )  # fmt: skip

    return do


def _customer(book: Book, session: Session, seeded: Seeded) -> Customer | None:
    """None: put away meanwhile."""
    customer = book.customer(session, seeded.profile.name)
    return None if customer.is_archived else customer


def _day(days: int) -> date:
    return clock.today(ZONE) + timedelta(days=days)
