"""Who else learns what became of a mail, stops it, or keeps its words back? Asked and told in the order of
registering; what became of it, in the transaction that marks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.notifications.models import Outbox

#: (session, the mail, when): it was taken by the server, or given up; its row says which and why
MailEnded = Callable[[Session, Outbox, datetime], None]
_listeners: list[MailEnded] = []
#: (session, the mail) → why it may not go out any more, one of the reasons of notifications.rules; None: it may
MailGuard = Callable[[Session, Outbox], str | None]
_guards: list[MailGuard] = []


#: (session, the mail, who asks) → may he read what it says?
MailReader = Callable[[Session, Outbox, Actor], bool]
_readers: list[MailReader] = []


def register_mail_ended(listener: MailEnded) -> None:
    if listener not in _listeners:
        _listeners.append(listener)


def register_mail_guard(guard: MailGuard) -> None:
    """Asked of every mail at the moment when it would go out: it may have waited long."""
    if guard not in _guards:
        _guards.append(guard)


def register_mail_reader(rule: MailReader) -> None:
    """Asked besides the right to the outbox: what a mail says may be held back from some who see that it was sent."""
    if rule not in _readers:
        _readers.append(rule)


def may_read(session: Session, mail: Outbox, who: Actor) -> bool:
    return all(rule(session, mail, who) for rule in _readers)


def refusal(session: Session, mail_id: int) -> str | None:
    if not _guards:
        return None
    mail = session.get_one(Outbox, mail_id, populate_existing=True)
    return next((why for why in (guard(session, mail) for guard in _guards) if why is not None), None)


def mail_ended(session: Session, mail_id: int, at: datetime) -> None:
    if not _listeners:
        return
    mail = session.get_one(Outbox, mail_id, populate_existing=True)
    for listener in _listeners:
        listener(session, mail, at)
