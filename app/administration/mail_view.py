"""/quan-tri/thu: through which server the company's mail goes, tried before it is kept."""

from __future__ import annotations

from typing import Any

from app.administration.dialogs import MailDialog
from app.core import edge, settings
from app.core.db import db
from app.core.errors import BusinessError, InvalidInputError
from app.core.i18n import _
from app.core.pages import Page, done, page, show, trail
from app.notifications import mail_server
from app.notifications.mail_server import Outcome
from app.notifications.queries import find_mail_server, mail_settings
from app.notifications.server_rules import TypedServer

HOME = "/quan-tri/"
PATH = f"{HOME}thu"
_FIELDS = ("mail_from_name", "sender_address", "reply_to", "host", "port", "security", "username", "password")


class MailSettingPages(Page):
    """/quan-tri/thu: server, sender, and a test mail with what is typed."""

    resource = "Setting"
    route_base = PATH

    @page("/")
    def index(self) -> Any:
        return _page(None)

    @page("/", "POST", right="edit")
    def save(self) -> Any:
        dialog = MailDialog()
        try:
            with edge.transaction() as session:
                mail_server.save_mail_server(session, _typed(dialog), rev=dialog.rev.data or 0, by=edge.actor())
                has_server = mail_settings(session).server is not None
        except InvalidInputError as error:
            return _page(dialog, refused=error, status=422)
        except BusinessError as error:
            return _page(dialog, problem=error, status=error.status)
        told = _("The mail settings are saved. Waiting mails leave within a minute.") if has_server else \
            _("The mail settings are saved. Without a server mails wait.")  # fmt: skip
        return done(f"{PATH}/", told)

    @page("/thu", "POST", right="edit")
    def try_out(self) -> Any:
        """The part of the page that tells what became of it."""
        dialog = MailDialog()
        wrong: list[tuple[str, Any, Any]] = []
        try:
            with edge.transaction() as session:
                trial = mail_server.begin_trial(session, _typed(dialog), by=edge.actor())
            db.session.remove()  # the server may take its time; nobody waits for our connection meanwhile
            outcome = mail_server.run_trial(trial)
        except BusinessError as error:
            outcome = Outcome(False, error.message)
            wrong = [(key, dialog[key].label.text, one) for key, told in error.fields.items() for one in told]
        return show("administration/_trial.html", outcome=outcome, wrong=wrong)


def _typed(dialog: MailDialog) -> TypedServer:
    return TypedServer(**{key: dialog[key].data or "" for key in _FIELDS})


def _page(
    dialog: MailDialog | None, *, refused: InvalidInputError | None = None, problem: BusinessError | None = None,
    status: int = 200,
) -> Any:  # fmt: skip
    session, may_edit = db.session(), edge.actor().may("edit", "Setting")
    row, sending = find_mail_server(session), mail_settings(session)
    if dialog is None:
        kept = {key: getattr(row, key) for key in _FIELDS if row is not None and hasattr(row, key)}
        kept |= {"mail_from_name": settings.get(session, "mail_from_name"), "rev": row.rev if row is not None else 0}
        dialog = MailDialog(formdata=None, data={"port": 587, "security": "starttls", **kept})
    for key, told in (refused.fields if refused is not None else {}).items():
        dialog[key].errors = [str(sentence) for sentence in told]
    dialog.mail_from_name.render_kw = {**dialog.mail_from_name.render_kw,
                                       "placeholder": settings.get(session, "company_name")}  # fmt: skip
    dialog.sender_address.render_kw = {**dialog.sender_address.render_kw, "placeholder": sending.sender_address}
    has_password = row is not None and row.password is not None
    dialog.password.description = str(
        _("A password is kept, and never shown. Empty: it stays.") if has_password
        else _("It is kept encrypted and never shown again.")
    )  # fmt: skip
    for field in dialog if not may_edit else ():
        field.render_kw = {**(field.render_kw or {}), "disabled": True}
    return show(
        "administration/mail.html", status, form=dialog, problem=problem,
        is_of_the_operator=sending.is_of_the_operator, server=sending.server, password_is_lost=sending.password_is_lost,
        may_edit=may_edit, back=HOME, try_url=f"{PATH}/thu",
        crumbs=trail((_("Administration home"), HOME), here=_("Mail settings")),
    )  # fmt: skip
