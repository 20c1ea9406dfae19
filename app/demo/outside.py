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
from app.customers.models import ContactKind, ContactPoint
from app.demo.acts import Act, Book
from app.demo.past import DAY, WorkingPast
from app.forms import library
from app.forms.models import Form
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
    {"stars": 1, "reason": "other", "words": "Vay nhanh lãi thấp http://vay.example http://vay.example/1 www.vay.example"},
)
#: by number of _SAID, whose answers come from somebody in the customer list
_KNOWN = (0, 1, 3)


def feedback_acts(book: Book, names: Sequence[str], *, past: WorkingPast, rng: random.Random) -> list[Act]:
    """Hoa opens the form; those of `names` are customers with a phone number."""
    opened = past.ago(12 * DAY)
    acts = [Act(opened, "hoa", _open)]
    known = dict(zip(_KNOWN, names, strict=False))
    for number, said in enumerate(_SAID):
        at = past.ago(DAY * rng.uniform(0.5, 10))
        acts.append(Act(at, "hoa", _sent(book, said, known.get(number), nonce=f"{number:032x}")))
    return acts


def _open(session: Session, by: Actor) -> None:
    form = create_form(session, code=FORM, name=library.load(FORM)["name"], by=by)
    save_draft(session, form, library.load(FORM), by=by)
    publish_form(session, form, by=by)
    services.set_link(
        session, form, by=by, source="store", team=team_by_code(session, "cskh"), thanks=_THANKS, sites="",
    )  # fmt: skip
    services.open_link(session, form, by=by)


def _sent(book: Book, said: Mapping[str, Any], name: str | None, *, nonce: str) -> Any:
    def do(session: Session, _by: Actor) -> None:
        # Nobody of the company does this.
        session.info["actor"] = None
        link = session.scalars(select(Form).where(Form.code == FORM)).one()
        door = queries.link_of(session, link)
        found = queries.open_link(session, door.key) if door else None
        assert found is not None
        who = {} if name is None else {"name": name, "phone": _number(session, book, name)}
        answers = parse_answers(found[1], {**who, **said}, context=queries.context_for_all(session, found[0].key))
        page = rules.OpenedPage(clock.now() - timedelta(seconds=48), nonce)
        arrival = services.Arrival(page, address_key=nonce, campaign="hoa-don", medium="qr")
        entry = services.receive(session, *found, Answers(answers.values), arrival)
        assert entry is not None
        if entry.state is EntryState.received:
            services.take(session, entry)
            services.settle(entry)

    return do


def _number(session: Session, book: Book, name: str) -> str:
    number = select(ContactPoint.shown).where(
        ContactPoint.customer_id == book.customers[name], ContactPoint.kind == ContactKind.phone
    )
    return session.scalars(number.order_by(ContactPoint.id)).first() or ""
