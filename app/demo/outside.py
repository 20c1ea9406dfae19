"""What did customers say by the code on their receipt? A form that stands open to everybody, and a few who used it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
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

#: what was answered; "name" and "phone" of those who are known come from their profiles
_SAID: Sequence[Mapping[str, Any]] = (
    {"stars": 5, "words": "Phở bò khô thơm, cả nhà đều thích. Sẽ đặt tiếp dịp Tết."},
    {"stars": 2, "reason": "packing", "words": "Hộp bị móp, hai gói gia vị rách."},
    {"stars": 4, "words": "Giao đúng hẹn, bạn giao hàng lễ phép."},
    {"stars": 3, "reason": "late", "words": "Hẹn buổi sáng mà gần tối mới tới."},
    {"stars": 5},
    {
        "stars": 1,
        "reason": "other",
        "words": "Vay nhanh lãi thấp http://vay.example http://vay.example/1 www.vay.example",
    },
)
#: the last one is no customer
_CUSTOMERS = len(_SAID) - 1


def feedback_acts(book: Book, *, past: WorkingPast, rng: random.Random) -> list[Act]:
    """Hoa opens the form, and within ten days six people answer."""
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
    """The latest customer who has not written yet, as he himself would type his name and number."""
    written = select(Submission.customer_id).where(Submission.subject_type == services.SUBJECT)
    row = session.execute(
        select(Customer.name, ContactPoint.shown)
        .join(ContactPoint, ContactPoint.customer_id == Customer.id)
        .where(Customer.id.in_(book.customers.values()), Customer.archived_at.is_(None),
               ContactPoint.kind == ContactKind.phone, ContactPoint.archived_at.is_(None),
               Customer.id.not_in(written.where(Submission.customer_id.is_not(None))))
        .order_by(Customer.id.desc(), ContactPoint.id).limit(1)
    ).one_or_none()  # fmt: skip
    return {} if row is None else {"name": row.name, "phone": row.shown}
