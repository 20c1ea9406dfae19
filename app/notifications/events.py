"""Who else learns what became of a mail? Told in the transaction that marks it, in the order of registering."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from app.notifications.models import Outbox

#: (session, the mail, when): it was taken by the server, or given up; its row says which and why
MailEnded = Callable[[Session, Outbox, datetime], None]
_listeners: list[MailEnded] = []


def register_mail_ended(listener: MailEnded) -> None:
    if listener not in _listeners:
        _listeners.append(listener)


def mail_ended(session: Session, mail_id: int, at: datetime) -> None:
    if not _listeners:
        return
    mail = session.get_one(Outbox, mail_id, populate_existing=True)
    for listener in _listeners:
        listener(session, mail, at)
