"""What did customers say by the code on their receipt? A form that stands open to everybody, and a few who used it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor
from app.customers.models import ContactKind, ContactPoint, Customer
from app.demo.acts import Act, Book
from app.demo.past import DAY, WorkingPast
from app.forms import library
from app.forms.models import Form, Submission
from app.forms.public import queries, rules, services
from app.forms.public.models import EntryState
from app.forms.rules import Answers
from app.forms.services import create_form, parse_answers, publish_form, save_draft
from app.security.queries import team_by_code

FORM = "gop-y-cua-khach"
_THANKS = "Phở Sen cảm ơn bạn. Nếu bạn để lại số điện thoại, chúng tôi sẽ gọi lại trong ngày làm việc."

#: (stars, why not more, words) of those who are known; name and phone number come from their profiles
_TOLD: Sequence[tuple[int, str, str]] = (
    (5, "", "Phở bò khô thơm, cả nhà đều thích. Sẽ đặt tiếp dịp Tết."),
    (2, "packing", "Hộp bị móp, hai gói gia vị rách."),
    (4, "", "Giao đúng hẹn, bạn giao hàng lễ phép."),
    (3, "late", "Hẹn buổi sáng mà gần tối mới tới."),
    (5, "", ""),
    (5, "", "Nước dùng đậm đà, giống quán nhà tôi hay ăn."),
    (4, "", "Ngon, nhưng nên có thêm gói ớt sa tế."),
    (2, "late", "Đặt từ thứ Hai mà thứ Năm mới nhận được."),
    (5, "", "Tổng đài gọi lại rất nhanh, nói chuyện dễ chịu."),
    (3, "taste", "Bánh phở lần này hơi bở, nấu lâu là nát."),
    (4, "", ""),
    (5, "", "Mua làm quà cho mẹ, mẹ khen mãi."),
    (1, "staff", "Gọi hai lần không ai nghe máy, lần thứ ba thì bảo chờ."),
    (4, "", "Hộp quà đẹp, thiệp viết tay rất có tâm."),
    (5, "", ""),
    (3, "packing", "Dán băng keo kỹ quá, mở ra rách cả hộp."),
    (2, "late", "Đơn hàng đi vòng qua kho khác, mất thêm hai ngày."),
    (5, "", "Đã mua lần thứ tư, lần nào cũng ưng."),
)
_SPAM = "Vay nhanh lãi thấp http://vay.example http://vay.example/1 www.vay.example"
_SAID: Sequence[Mapping[str, Any]] = (
    *({"stars": stars} | ({"reason": reason} if reason else {}) | ({"words": words} if words else {})
      for stars, reason, words in _TOLD),
    {"stars": 1, "reason": "other", "words": _SPAM},
)  # fmt: skip
#: the last one is no customer
_CUSTOMERS = len(_SAID) - 1


def feedback_acts(book: Book, *, past: WorkingPast, rng: random.Random) -> list[Act]:
    """Hoa opens the form, and within ten days nineteen people answer."""
    opened = past.ago(12 * DAY)
    acts = [Act(opened, "hoa", open_form)]
    for number, said in enumerate(_SAID):
        at = past.ago(DAY * rng.uniform(0.5, 10))
        acts.append(Act(at, "hoa", _sent(book, said, is_known=number < _CUSTOMERS, nonce=f"{number:032x}")))
    return acts


def open_form(session: Session, by: Actor) -> None:
    form = create_form(session, code=FORM, name=library.load(FORM)["name"], by=by)
    save_draft(session, form, library.load(FORM), by=by)
    publish_form(session, form, by=by)
    services.set_link(
        session, form, by=by, source="store", team=team_by_code(session, "cskh"), thanks=_THANKS, sites="",
    )  # fmt: skip
    services.open_link(session, form, by=by)


def _sent(book: Book, said: Mapping[str, Any], *, is_known: bool, nonce: str) -> Any:
    def do(session: Session, _by: Actor) -> None:
        # Nobody of the company does this.
        session.info["actor"] = None
        link = session.scalars(select(Form).where(Form.code == FORM)).one()
        door = queries.link_of(session, link)
        found = queries.open_link(session, door.key) if door else None
        assert found is not None
        who = _somebody(session, book) if is_known else {}
        answers = parse_answers(found[1], {**who, **said}, context=queries.context_for_all(session, found[0].key))
        page = rules.OpenedPage(clock.now() - timedelta(seconds=48), nonce)
        arrival = services.Arrival(page, address_key=nonce, campaign="hoa-don", medium="qr")
        entry = services.receive(session, *found, Answers(answers.values), arrival)
        assert entry is not None
        if entry.state is EntryState.received:
            services.take(session, entry)
            services.settle(entry)

    return do


def _somebody(session: Session, book: Book) -> dict[str, str]:
    """The latest customer who has not written yet, as he himself would type his name and number; nobody by whose
    number somebody else is reached too: of him it would be asked who he is."""
    once = select(ContactPoint.value).group_by(ContactPoint.value).having(func.count() == 1)
    written = select(Submission.customer_id).where(Submission.subject_type == services.SUBJECT)
    row = session.execute(
        select(Customer.name, ContactPoint.shown)
        .join(ContactPoint, ContactPoint.customer_id == Customer.id)
        .where(Customer.id.in_(book.customers.values()), Customer.archived_at.is_(None),
               ContactPoint.kind == ContactKind.phone, ContactPoint.archived_at.is_(None), ContactPoint.value.in_(once),
               Customer.id.not_in(written.where(Submission.customer_id.is_not(None))))
        .order_by(Customer.id.desc(), ContactPoint.id).limit(1)
    ).one_or_none()  # fmt: skip
    return {} if row is None else {"name": row.name, "phone": row.shown}
