"""What waits in whose bell, how is the outbox, and through which server do its mails go?"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from email.headerregistry import Address
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, select, true
from sqlalchemy.orm import Session

from app.company.services import find_logo
from app.core import files, guarded
from app.core import settings as company
from app.core.access import Actor, Scope, private, row_rule, scoped
from app.core.leases import LeaseState
from app.core.masking import DOTS
from app.core.vault import LostKeyError
from app.notifications import events
from app.notifications.channels.settings import MailSettings, SmtpServer, operators_settings
from app.notifications.channels.smtp import Logo
from app.notifications.models import Alert, MailServer, MessageTemplate, Notification, Outbox
from app.notifications.rules import one_line
from app.notifications.server_rules import password_inside
from app.security import queries as people
from app.security.role_rules import is_beyond
from app.security.rules import without_secrets

#: bytes that a picture may add to each mail
LARGEST_IN_MAILS = 200 * 1024
_KINDS_IN_MAILS = ("png", "jpeg")


@row_rule(Notification)
def notifications_of(actor: Actor, _action: str) -> ColumnElement[bool]:
    """A bell is private."""
    return private(actor, Notification.user_id)


@row_rule(Alert)
def alerts_of(actor: Actor, action: str) -> ColumnElement[bool]:
    return scoped(actor.scope("Alert", action), actor, owner_id=Alert.recipient_id)


@row_rule(Outbox)
def mails_of(actor: Actor, action: str) -> ColumnElement[bool]:
    """Mails hold customers' names: all of them for those with the whole reach, else nothing."""
    return true() if actor.scope("Outbox", action) is Scope.all else false()


@row_rule(MessageTemplate)
def templates_of(actor: Actor, action: str) -> ColumnElement[bool]:
    return true() if actor.scope("MessageTemplate", action) is not Scope.none else false()


def text_for(session: Session, mail: Outbox, actor: Actor) -> str:
    """What the mail says, or dots; the secret of an invitation only to those who could have let the person in
    themselves."""
    if not events.may_read(session, mail, actor):
        return DOTS
    shown = without_secrets(mail.body_text)
    if shown == mail.body_text:
        return shown
    member = people.member_by_id(session, mail.to_user_id) if mail.to_user_id is not None else None
    if member is None or not actor.may("add", "Member") or is_beyond(actor, people.actor_of(session, member)):
        return shown
    return mail.body_text


def reads_addresses(actor: Actor) -> bool:
    """Does he read the addresses of everybody to whom mail goes out?"""
    return actor.reads("Member", "email") and actor.reads("Customer", "email")


def address_of(mail: Outbox, actor: Actor) -> str | None:
    """To whom the mail goes, as this person may read addresses of colleagues, or else of customers."""
    seen: str | None = guarded.seen(actor, _whose(mail), "email", mail.to_address)
    return seen


def error_of(mail: Outbox, actor: Actor) -> str | None:
    """Why it was not sent; servers like to name the address in it."""
    if not mail.last_error or actor.reads(_whose(mail), "email"):
        return mail.last_error
    return re.sub(re.escape(mail.to_address), DOTS, mail.last_error, flags=re.IGNORECASE)


def _whose(mail: Outbox) -> str:
    return "Member" if mail.to_user_id is not None else "Customer"


def bell_lines_of(user_id: int) -> Select[Notification]:
    """Newest first."""
    return select(Notification).where(Notification.user_id == user_id).order_by(Notification.id.desc())


def unread(user_id: Any, *, at_most: int = 100) -> Select[int]:
    """How many unread lines; counting stops at `at_most` (the bell shows "99+")."""
    lines = select(Notification.id).where(Notification.user_id == user_id, Notification.read_at.is_(None))
    return select(func.count()).select_from(lines.limit(at_most).correlate_except(Notification).subquery())


def unread_count(session: Session, user_id: int, *, at_most: int = 100) -> int:
    return session.scalar(unread(user_id, at_most=at_most)) or 0


def dead_mail_count(session: Session) -> int:
    return session.scalar(select(func.count()).where(Outbox.status == LeaseState.dead)) or 0


def oldest_waiting_mail_at(session: Session, *, at: datetime) -> datetime | None:
    """When the oldest mail that should be out by now was queued. None: the outbox is empty."""
    return session.scalar(
        select(func.min(Outbox.created_at)).where(Outbox.status == LeaseState.waiting, Outbox.next_at <= at)
    )


def mail_settings(session: Session) -> MailSettings:
    """Through which server mail goes at this moment, and in whose name: the one answer for every process.

    What the operator named at the start goes before what was set in the browser.
    """
    operator, row, values = operators_settings(), find_mail_server(session), company.all_values(session)
    name = one_line(values["mail_from_name"] or values["company_name"], 100)
    address = row.sender_address if row is not None and row.sender_address else operator.sender_address
    named = replace(operator, sender=str(Address(name, addr_spec=address)), reply_to=row.reply_to if row else "")
    if operator.server is not None:
        return replace(named, is_of_the_operator=True)
    if row is None or not row.host:
        return named
    try:
        password = password_inside(row)
    except LostKeyError:
        return replace(named, password_is_lost=True)
    return replace(named, server=SmtpServer(row.host, row.port, row.username or None, password, row.security))


def find_mail_server(session: Session) -> MailServer | None:
    """What was set in the browser; None: nothing yet."""
    return session.get(MailServer, 1)


def logo_of_mails(session: Session) -> Logo | None:
    """The company's logo if every mail program shows its kind and it is small enough to go along with each mail."""
    file = find_logo(session)
    kind = file.content_type.rpartition("/")[2] if file is not None else ""
    if file is None or kind not in _KINDS_IN_MAILS or file.size > LARGEST_IN_MAILS:
        return None
    try:
        return Logo(files.location(file).read_bytes(), kind)
    except OSError:
        return None
