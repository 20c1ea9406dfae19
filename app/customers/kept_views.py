"""What was written down about a customer, put right or taken back: purchases, contacts, promises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import abort
from sqlalchemy.orm import Session

from app.core import edge, links
from app.core.access import get_visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.pages import Page, Undo, done, page, refused_onto
from app.customers import beside_fields, interactions, kept_form, promises, purchases
from app.customers.beside_fields import BOUGHT, SAID
from app.customers.labels import INTERACTION_LABELS
from app.customers.log_dialogs import InteractionDialog, KeptPromiseDialog, PurchaseDialog, put_beside
from app.customers.models import Customer
from app.customers.profile_models import Direction, Interaction, InteractionKind, Purchase
from app.customers.promise_models import Promise, PromiseState

_SETTLED = {"giu": PromiseState.kept, "lo": PromiseState.broken, "mo-lai": PromiseState.open}
_SETTLED_SAID = {
    "giu": _("The promise was kept."), "lo": _("The promise was broken."), "mo-lai": _("The promise is open again."),
}  # fmt: skip
_PURCHASE_VERBS: dict[str, tuple[Callable[..., None], object]] = {
    "bo": (purchases.archive_purchase, _("The purchase is taken out.")),
    "khoi-phuc": (purchases.restore_purchase, _("The purchase is back.")),
}
_CONTACT_VERBS: dict[str, tuple[Callable[..., None], object]] = {
    "bo": (interactions.archive_interaction, _("The contact counts no more.")),
    "khoi-phuc": (interactions.restore_interaction, _("The contact is back.")),
}


class PurchasePages(Page):
    """/khach-hang/…/mua-hang: what a customer bought, added, put right and taken out."""

    resource = "Customer"
    route_base = "/khach-hang"
    default_view = "add"

    @page("/<customer_id>/mua-hang/them", "GET", "POST", right="edit")
    def add(self, customer_id: str) -> Any:
        customer = get_visible(db.session(), Customer, row_id(customer_id), edge.actor(), "edit")
        beside_fields.must_write(edge.actor(), BOUGHT, is_new=True)
        dialog = PurchaseDialog()
        onto = f"{links.customer_path(customer.id)}?phan=mua-hang"
        if dialog.validate_on_submit():
            try:
                with edge.transaction() as session:
                    found = get_visible(session, Customer, customer.id, edge.actor(), "edit")
                    purchases.add_purchase(session, found, by=edge.actor(), **_typed(dialog))
            except InvalidInputError as error:
                put_beside(dialog, error)
            else:
                return done(onto, _("The purchase is written down."))
        return kept_form.page(customer, dialog, title=_("New purchase"), onto=onto)

    @page("/<customer_id>/mua-hang/<purchase_id>", "GET", "POST", right="edit")
    def change(self, customer_id: str, purchase_id: str) -> Any:
        row = _of(Purchase, customer_id, purchase_id)
        beside_fields.must_write(edge.actor(), BOUGHT)
        base, is_out = f"/khach-hang/{row.customer_id}/mua-hang/{row.id}", row.archived_at is not None
        verb = (f"{base}/khoi-phuc", _("Put it back"), "refresh") if is_out else (
            f"{base}/bo", _("Take it out"), "archive")  # fmt: skip

        def write(session: Session, found: Purchase, dialog: PurchaseDialog, as_of: datetime) -> None:
            purchases.change_purchase(session, found, by=edge.actor(), as_of=as_of, **_typed(dialog))

        onto = f"{links.customer_path(row.customer_id)}?phan=mua-hang"
        told = {"title": row.product, "onto": onto, "verb": verb}
        return kept_form.change(row, PurchaseDialog, write, told=told, saved=_("The purchase is saved."))

    @page("/<customer_id>/mua-hang/<purchase_id>/<verb>", "POST", right="edit")
    def act(self, customer_id: str, purchase_id: str, verb: str) -> Any:
        row = _of(Purchase, customer_id, purchase_id)
        onto = f"{links.customer_path(row.customer_id)}?phan=mua-hang"
        return _act(Purchase, row.id, verb, _PURCHASE_VERBS, onto, f"/khach-hang/{row.customer_id}/mua-hang/{row.id}")


class InteractionPages(Page):
    """/khach-hang/…/lien-lac: a call, mail, message, visit or note, put right or struck out."""

    resource = "Customer"
    route_base = "/khach-hang"
    default_view = "change"

    @page("/<customer_id>/lien-lac/<interaction_id>", "GET", "POST", right="edit")
    def change(self, customer_id: str, interaction_id: str) -> Any:
        row = _of(Interaction, customer_id, interaction_id)
        beside_fields.must_write(edge.actor(), SAID)
        base, is_out = f"/khach-hang/{row.customer_id}/lien-lac/{row.id}", row.archived_at is not None
        verb = (f"{base}/khoi-phuc", _("Put it back"), "refresh") if is_out else (
            f"{base}/bo", _("Written by mistake"), "archive")  # fmt: skip
        kind = row.kind

        def dialog_of(**given: Any) -> InteractionDialog:
            dialog = InteractionDialog(**given)
            if kind is not InteractionKind.call:
                del dialog.result
            if kind is InteractionKind.note:
                del dialog.direction
                del dialog.channel
            return dialog

        def write(session: Session, found: Interaction, dialog: InteractionDialog, as_of: datetime) -> None:
            typed = {field.short_name: field.data for field in dialog}
            direction = typed.get("direction")
            interactions.change_interaction(
                session, found, by=edge.actor(), result=typed.get("result"), channel=typed.get("channel"),
                text=typed.get("text") or "", direction=Direction(direction) if direction else None, as_of=as_of,
            )  # fmt: skip

        told = {"title": INTERACTION_LABELS[kind], "onto": links.customer_path(row.customer_id), "verb": verb}
        return kept_form.change(row, dialog_of, write, told=told, saved=_("What was written is saved."))

    @page("/<customer_id>/lien-lac/<interaction_id>/<verb>", "POST", right="edit")
    def act(self, customer_id: str, interaction_id: str, verb: str) -> Any:
        row = _of(Interaction, customer_id, interaction_id)
        onto, base = links.customer_path(row.customer_id), f"/khach-hang/{row.customer_id}/lien-lac/{row.id}"
        return _act(Interaction, row.id, verb, _CONTACT_VERBS, onto, base)


_PROMISE_VERBS: dict[str, tuple[Callable[..., None], object]] = {
    "bo": (promises.archive_promise, _("The promise counts no more.")),
    "khoi-phuc": (promises.restore_promise, _("The promise is back.")),
}


class PromisePages(Page):
    """/khach-hang/…/loi-hua: was it kept, and was it written down right?"""

    resource = "Customer"
    route_base = "/khach-hang"
    default_view = "settle"

    @page("/<customer_id>/loi-hua/<promise_id>", "GET", "POST", right="edit")
    def change(self, customer_id: str, promise_id: str) -> Any:
        row = _of(Promise, customer_id, promise_id)
        beside_fields.must_write(edge.actor(), SAID)
        base, is_out = f"/khach-hang/{row.customer_id}/loi-hua/{row.id}", row.archived_at is not None
        verb = (f"{base}/khoi-phuc", _("Put it back"), "refresh") if is_out else (
            f"{base}/bo", _("Written by mistake"), "archive")  # fmt: skip

        def write(session: Session, found: Promise, dialog: KeptPromiseDialog, as_of: datetime) -> None:
            promises.change_promise(
                session, found, by=edge.actor(), text=dialog.text.data or "", due_on=dialog.due_on.data, as_of=as_of
            )

        told = {"title": _("Promise"), "onto": links.customer_path(row.customer_id), "verb": verb}
        return kept_form.change(row, KeptPromiseDialog, write, told=told, saved=_("The promise is saved."))

    @page("/<customer_id>/loi-hua/<promise_id>/<verb>", "POST", right="edit")
    def settle(self, customer_id: str, promise_id: str, verb: str) -> Any:
        row = _of(Promise, customer_id, promise_id)
        onto, base = links.customer_path(row.customer_id), f"/khach-hang/{row.customer_id}/loi-hua/{row.id}"
        if verb in _PROMISE_VERBS:
            return _act(Promise, row.id, verb, _PROMISE_VERBS, onto, base)
        if verb not in _SETTLED:
            abort(404)
        try:
            with edge.transaction() as session:
                found = get_visible(session, Promise, row.id, edge.actor(), "edit")
                promises.settle_promise(session, found, _SETTLED[verb], by=edge.actor())
        except BusinessError as error:
            return refused_onto(onto, error)
        return done(onto, _SETTLED_SAID[verb], undo=None if verb == "mo-lai" else Undo(f"{base}/mo-lai"))


def _of(model: type[Any], customer_id: str, number: str) -> Any:
    """A row of this very customer whom he may change. Raises NotFoundError."""
    row = get_visible(db.session(), model, row_id(number), edge.actor(), "edit")
    if row.customer_id != row_id(customer_id):
        raise NotFoundError
    return row


def _typed(dialog: PurchaseDialog) -> Any:
    typed = {field.short_name: field.data for field in dialog if field.short_name != "csrf_token"}
    return {key: value for key, value in typed.items() if key != "quantity" or value is not None}


def _act(model: type[Any], number: int, verb: str, verbs: Any, onto: str, base: str) -> Any:
    if verb not in verbs:
        abort(404)
    change, said = verbs[verb]
    try:
        with edge.transaction() as session:
            change(session, get_visible(session, model, number, edge.actor(), "edit"), by=edge.actor())
    except BusinessError as error:
        return refused_onto(onto, error)
    return done(onto, said, undo=Undo(f"{base}/khoi-phuc") if verb == "bo" else None)
