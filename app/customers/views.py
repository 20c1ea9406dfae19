"""What is done on a customer's page by a button of its own, and who is offered where a form asks for a customer?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import abort, jsonify, request
from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from app.core import edge, links, paging
from app.core.access import Actor, get_visible, visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, NotFoundError
from app.core.finding import line
from app.core.i18n import _
from app.core.pages import Page, done, page, refused_onto
from app.core.screens import revealing
from app.customers import places, queries, rules, search, services
from app.customers.dialogs import CONTACT_LABELS
from app.customers.duplicates.hard import DuplicateCustomerError
from app.customers.duplicates.views import REASON, ask_why
from app.customers.models import ContactPoint, Customer

PICKED = 20
#: rows that a picker pages through; beyond them one types more
MOST_PICKED = 200


class CustomerPages(Page):
    """The buttons of the record page."""

    resource = "Customer"
    route_base = "/khach-hang"
    default_view = "change_contact"

    @page("/<customer_id>/lien-he/<point_id>/<verb>", "POST", right="edit")
    def change_contact(self, customer_id: str, point_id: str, verb: str) -> Any:
        number = row_id(customer_id)
        verbs: Mapping[str, Callable[..., object]] = {
            "uu-tien": services.prefer_contact_point,
            "bo": services.remove_contact_point,
            "dung-chung": partial(services.share_contact_point, shared=True),
            "rieng": partial(services.share_contact_point, shared=False, duplicate_reason=request.form.get(REASON)),
        }
        if verb not in verbs:
            abort(404)
        try:
            with edge.transaction() as session:
                point = get_visible(session, ContactPoint, row_id(point_id), edge.actor())
                if point.customer_id != number:
                    raise NotFoundError
                verbs[verb](session, point, by=edge.actor())
        except BusinessError as error:
            if isinstance(error, NotFoundError):
                raise
            if isinstance(error, DuplicateCustomerError) or REASON in error.fields:
                return ask_why(error, links.customer_path(number))
            return refused_onto(links.customer_path(number), error)
        return done(links.customer_path(number), _("The contacts are saved."))


class ContactPages(Page):
    """A number or address that its reader sees with dots, opened with a reason."""

    resource = "Customer"
    route_base = "/khach-hang"
    default_view = "reveal_contact"

    @page("/<customer_id>/lien-he/<point_id>/mo", "GET", "POST", right=None)
    def reveal_contact(self, customer_id: str, point_id: str) -> Any:
        """For whoever sees the customer's header, so also from work that was handed to him."""
        who, number = edge.actor(), row_id(customer_id)
        point = get_visible(db.session(), ContactPoint, row_id(point_id), who)
        seen = queries.contact_seen(rules.Contact(point.kind, point.value, point.shown), who)
        if point.customer_id != number or seen is None or seen.field is None or not seen.is_covered:
            raise NotFoundError
        card = queries.customer_card(db.session(), number, who)
        asked = revealing.Asked(
            CONTACT_LABELS[point.kind], seen.shown, card.name, links.customer_path(number), seen.field,
            ("Customer", ContactPoint.__tablename__, point.id),
        )  # fmt: skip
        return revealing.answer(asked, who, lambda: point.shown, (_("Customers"), "/khach-hang/list/"))


class CustomerPicker(Page):
    """/tim/khach-hang: customers to choose from inside forms."""

    resource = "Customer"
    route_base = "/tim"
    default_view = "pick"

    @page("/khach-hang")
    def pick(self) -> Any:
        """Customers for a picker, as its script reads them, a page at a time."""
        actor = edge.actor()
        text = request.args.get("q", "").strip()[:200].replace("\0", "")
        number = paging.asked_number(request.args, "page", 1, MOST_PICKED // PICKED)
        before = (number - 1) * PICKED
        rows = search.found(text, actor, limit=before + PICKED + 1) if text else _latest(actor)
        wanted = rows.offset(before).options(selectinload(Customer.all_contact_points))
        found = db.session.scalars(wanted).unique().all()
        return jsonify(
            results=[{"id": str(one.id), "text": one.name, "hint": _hint(one, actor)} for one in found[:PICKED]],
            more=len(found) > PICKED and before + PICKED < MOST_PICKED,
        )


class PlacePicker(Page):
    """/tim/phuong-xa: wards to choose from inside forms."""

    resource = "Customer"
    route_base = "/tim"
    default_view = "wards"

    @page("/phuong-xa")
    def wards(self) -> Any:
        """Wards whose words begin like what is typed, a page at a time; ?with= is the code of their province."""
        return ward_choices(request.args)


def ward_choices(asked: Mapping[str, str]) -> Response:
    """What a look-up of wards answers to `q`, `with` (the code of their province) and `page`."""
    text = asked.get("q", "").strip()[:200].replace("\0", "")
    province = asked.get("with", "")[: places.PROVINCE_LENGTH]
    number = paging.asked_number(asked, "page", 1, MOST_PICKED // PICKED)
    before = (number - 1) * PICKED
    if text:
        hits = places.search(text, MOST_PICKED + places.MOST_FOUND, province_code=province or None)
        found = [one for one in hits if not one.is_province]
    else:
        found = list(places.wards_of(province))
    shown = found[before : before + PICKED]
    return jsonify(
        results=[{"id": one.code, "text": one.name, "hint": _province_of(one, province)} for one in shown],
        more=before + PICKED < min(len(found), MOST_PICKED),
    )


def _province_of(ward: places.Place, asked: str) -> str:
    """Named where it was not chosen already."""
    province = None if asked else places.place(ward.province_code)
    return province.name if province is not None else ""


def _hint(customer: Customer, who: Actor) -> str:
    return line(customer.code, queries.reached_first(customer, who))


def _latest(actor: Actor) -> Select[Customer]:
    """What a picker offers before anything is typed: the newest."""
    rows = select(Customer).where(visible(Customer, actor), queries.live())
    return rows.order_by(Customer.id.desc()).limit(PICKED + 1)
