"""What is written down on a customer's page without leaving it: a call, a note, a message or visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.errors import Sentence
from app.core.i18n import _
from app.customers import interactions, promises
from app.customers.beside_fields import SAID
from app.customers.events import QuickAction
from app.customers.log_dialogs import CallDialog, MetDialog, NoteDialog, PromiseDialog
from app.customers.models import Customer
from app.customers.profile_models import Direction, Interaction, InteractionKind

_PROMISE = ("promise", "promise_on")


class _Log(QuickAction):
    dialog: type[Any]
    verb = _("Write down")

    def is_for(self, actor: Actor) -> bool:
        return actor.may("edit", "Customer") and actor.writes("Customer", SAID, is_new=True)

    def form(self, session: Session, customer: Customer, actor: Actor, typed: Any | None) -> Any:
        return self.dialog(formdata=typed)

    def _promised(self, session: Session, customer: Customer, form: Any, row: Interaction, by: Actor) -> None:
        """Also what was promised in it, when something was."""
        if form.promise.data or form.promise_on.data:
            promises.make_promise(
                session, customer, by=by, text=form.promise.data or "", due_on=form.promise_on.data, interaction=row
            )


class LogCall(_Log):
    """How a call ended says nothing of what was said."""

    key = "goi"
    label = _("Call")
    icon = "phone"
    dialog = CallDialog
    fields = ("result", "text", "next_on")
    more: Sequence[str] = ("direction", *_PROMISE)

    def is_for(self, actor: Actor) -> bool:
        return actor.may("edit", "Customer")

    def write(self, session: Session, customer: Customer, form: Any, *, by: Actor) -> Sentence:
        row = interactions.log_interaction(
            session, customer, by=by, kind=InteractionKind.call, result=form.result.data, text=form.text.data or "",
            direction=Direction(form.direction.data), next_on=form.next_on.data,
        )  # fmt: skip
        self._promised(session, customer, form, row, by)
        return _("The call is written down.")


class WriteNote(_Log):
    key = "ghi-chu"
    label = _("Note")
    icon = "note"
    dialog = NoteDialog
    fields = ("text", "next_on")
    more: Sequence[str] = _PROMISE

    def write(self, session: Session, customer: Customer, form: Any, *, by: Actor) -> Sentence:
        row = interactions.log_interaction(
            session, customer, by=by, kind=InteractionKind.note, text=form.text.data or "", next_on=form.next_on.data
        )
        self._promised(session, customer, form, row, by)
        return _("The note is written down.")


class LogMessage(_Log):
    """A message or a visit; a mail that was written elsewhere too."""

    key = "tin-nhan"
    label = _("Met or written")
    icon = "message-2"
    dialog = MetDialog
    fields = ("kind", "text", "next_on")
    more: Sequence[str] = ("channel", "direction", *_PROMISE)

    def write(self, session: Session, customer: Customer, form: Any, *, by: Actor) -> Sentence:
        row = interactions.log_interaction(
            session, customer, by=by, kind=InteractionKind(form.kind.data), text=form.text.data or "",
            channel=form.channel.data, direction=Direction(form.direction.data), next_on=form.next_on.data,
        )  # fmt: skip
        self._promised(session, customer, form, row, by)
        return _("The contact is written down.")


class MakePromise(_Log):
    key = "loi-hua"
    label = _("Promise")
    icon = "clock"
    dialog = PromiseDialog
    fields = ("promise", "promise_on")
    more: Sequence[str] = ()

    def write(self, session: Session, customer: Customer, form: Any, *, by: Actor) -> Sentence:
        promises.make_promise(session, customer, by=by, text=form.promise.data or "", due_on=form.promise_on.data)
        return _("The promise is written down.")
