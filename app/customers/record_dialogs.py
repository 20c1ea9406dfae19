"""What is written into the cards of a customer's page: another way to reach him, what he agreed to, his tags.

What cannot be kept stays in its form, on the page it was typed on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from app.core import edge, files, links
from app.core.access import get_visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.pages import done
from app.core.screens import route
from app.customers import consent, services, tags
from app.customers.dialogs import ConsentDialog, ContactPointDialog, TagsDialog
from app.customers.duplicates.hard import DuplicateCustomerError
from app.customers.duplicates.views import REASON, ask_why
from app.customers.log_dialogs import put_beside
from app.customers.models import ContactKind, Customer
from app.customers.record_page import CustomerPage

Write = Callable[[Session, Customer], object]


class CustomerCards(CustomerPage):
    """The dialogs in the rail of the page."""

    @route("/<pk>/lien-he", right="edit", methods=("POST",))
    def add_contact(self, pk: str) -> Any:
        dialog = ContactPointDialog()

        def write(session: Session, customer: Customer) -> None:
            services.add_contact_point(
                session, customer, by=edge.actor(), kind=ContactKind(dialog.kind.data), text=dialog.text.data or "",
                preferred=dialog.preferred.data, shared=dialog.shared.data, duplicate_reason=request.form.get(REASON),
            )  # fmt: skip

        return self._written(row_id(pk), "contact", dialog, write, _("The contact is saved."))

    @route("/<pk>/dong-y", right="edit", methods=("POST",))
    def record_consent(self, pk: str) -> Any:
        dialog = ConsentDialog()
        received: list[files.ReceivedFile] = []

        def write(session: Session, customer: Customer) -> None:
            channel, state = dialog.said
            consent.record_consent(
                session, customer, by=edge.actor(), purpose=dialog.purpose.data or "", channel=channel, state=state,
                proof=dialog.proof.data or "", file=received[0] if received else None,
                text_version=dialog.text_version.data or "",
            )  # fmt: skip

        def receive() -> None:
            upload = request.files.get("file")
            if upload is not None and upload.filename:
                received.append(files.receive(upload.stream, upload.filename))

        kept = False
        try:
            answer = self._written(
                row_id(pk), "consent", dialog, write, _("What the customer said is written down."), before=receive
            )
            kept = not isinstance(answer, tuple)
            return answer
        finally:
            if not kept:
                for file in received:
                    files.forget(file)

    @route("/<pk>/the", right="edit", methods=("POST",))
    def set_tags(self, pk: str) -> Any:
        """The difference to what the form began with: what somebody else put on meanwhile stays."""
        dialog = TagsDialog()

        def write(session: Session, customer: Customer) -> None:
            tags.change_tags(session, customer, dialog.typed, instead_of=dialog.began, by=edge.actor())

        return self._written(row_id(pk), "tags", dialog, write, _("The tags are saved."))

    def _written(
        self, number: int, name: str, dialog: Any, write: Write, said: Any, *, before: Callable[[], None] | None = None
    ) -> Any:
        """Back to the page, or the page with the dialog as it was typed and what is wrong in it: 422."""
        get_visible(db.session(), Customer, number, edge.actor(), "edit")
        if dialog.validate():
            try:
                if before is not None:
                    before()
                with edge.transaction() as session:
                    write(session, get_visible(session, Customer, number, edge.actor(), "edit"))
                return done(links.customer_path(number), said)
            except NotFoundError:
                raise
            except DuplicateCustomerError as refusal:
                return ask_why(refusal, links.customer_path(number))
            except InvalidInputError as error:
                if REASON in error.fields:
                    return ask_why(error, links.customer_path(number))
                put_beside(dialog, error)
            except files.FileRefusedError as error:
                dialog.file.errors = [str(error.message)]
            except BusinessError as error:
                dialog.form_errors.append(str(error.message))
        return self._customer_page(number, dialogs={name: dialog}), 422
