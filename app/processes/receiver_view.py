"""/noi-nhan: the programs outside that processes may call, for administrators."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.core import edge
from app.core.db import db, row_id
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.pages import Page, Undo, done, page, show
from app.processes import receivers
from app.processes.dialogs import ReceiverDialog
from app.processes.models import Receiver

PATH = "/noi-nhan/"


class ReceiverPages(Page):
    """/noi-nhan: left the list, right the form of one, or of a new one."""

    resource = "Setting"
    route_base = "/noi-nhan"

    @page("/")
    def index(self) -> Any:
        return _page(None, ReceiverDialog(formdata=None))

    @page("/", "POST", right="edit")
    def add(self) -> Any:
        return _save(None)

    @page("/<receiver_id>")
    def receiver(self, receiver_id: str) -> Any:
        row = _row(receiver_id)
        kept = {key: getattr(row, key) for key in ("rev", "name", "code", "url", "may_be_inside")}
        return _page(row, ReceiverDialog(formdata=None, data=kept))

    @page("/<receiver_id>", "POST", right="edit")
    def change(self, receiver_id: str) -> Any:
        return _save(_row(receiver_id).id)

    @page("/<receiver_id>/<verb>", "POST", right="edit")
    def act(self, receiver_id: str, verb: str) -> Any:
        number, by = _row(receiver_id).id, edge.actor()
        if verb not in ("ngung", "dung-lai"):
            raise NotFoundError
        with edge.transaction() as session:
            row = session.get_one(Receiver, number)
            (receivers.retire if verb == "ngung" else receivers.bring_back)(session, row, by=by)
            name = row.name
        if verb == "ngung":
            told = _("“%(name)s” is not called any more. A process that wants to stops there.", name=name)
            return done(PATH, told, undo=Undo(f"{PATH}{number}/dung-lai"))
        return done(PATH, _("Back in use: %(name)s", name=name))


def _row(text: str) -> Receiver:
    row: Receiver | None = db.session().get(Receiver, row_id(text))
    if row is None:
        raise NotFoundError
    return row


def _save(number: int | None) -> Any:
    dialog = ReceiverDialog()
    try:
        with edge.transaction() as session:
            row = session.get_one(Receiver, number) if number else None
            name = receivers.save(
                session, row, name=dialog.name.data or "", url=dialog.url.data or "", code=dialog.code.data or "",
                may_be_inside=bool(dialog.may_be_inside.data), headers=dialog.headers.data,
                rev=dialog.rev.data if row else None, by=edge.actor(),
            ).name  # fmt: skip
    except InvalidInputError as error:
        for key, told in error.fields.items():
            dialog[key].errors = [str(sentence) for sentence in told]
        return _page(_again(number), dialog, status=422)
    except BusinessError as error:
        return _page(_again(number), dialog, problem=error, status=error.status)
    return done(PATH, _("Saved: %(name)s", name=name))


def _again(number: int | None) -> Receiver | None:
    return db.session().get(Receiver, number) if number else None


def _page(
    row: Receiver | None, dialog: ReceiverDialog, *, problem: BusinessError | None = None, status: int = 200
) -> Any:
    may_edit = edge.actor().may("edit", "Setting")
    dialog.headers.description = str(
        _("Kept, and never shown. Empty: they stay. A dash: they are forgotten.") if row is not None and row.headers
        else _("One a line, kept encrypted and never shown again. Example: Authorization: Bearer abc123")
    )  # fmt: skip
    if row is not None:
        dialog.code.render_kw = {**dialog.code.render_kw, "readonly": True}
        dialog.code.data = row.code
    for one in dialog if not may_edit else ():
        one.render_kw = {**(one.render_kw or {}), "disabled": True}
    return show(
        "processes/receivers.html", status,
        rows=db.session().scalars(select(Receiver).order_by(Receiver.archived_at.is_not(None), Receiver.name)).all(),
        row=row, form=dialog, problem=problem, path=PATH, may_edit=may_edit,
    )  # fmt: skip
