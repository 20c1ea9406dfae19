"""Who is told what? Alerts once, a line in the bell, a mail into the outbox; all in the transaction of what is told."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core import clock, leases
from app.core import settings as company
from app.core.access import Actor
from app.core.db import Entity
from app.core.errors import ConflictError
from app.core.i18n import DEFAULT_LANGUAGE, LANGUAGES, in_language
from app.notifications import rules, shipped
from app.notifications.models import Alert, Channel, MessageTemplate, Notification, Outbox
from app.notifications.queries import mail_settings

logger = logging.getLogger(__name__)

template_kinds = rules.template_kinds
TASK_OVERDUE = shipped.TASK_OVERDUE.code


def raise_alert(
    session: Session,
    *,
    rule: str,
    subject_type: str,
    subject_id: int,
    level: int,
    due_moment: datetime,
    recipient_id: int,
    at: datetime,
    repeat_no: int = 0,
) -> Alert | None:
    """Warn this person of this thing, once. None: he has been warned, tell him nothing more."""
    key = {
        Alert.rule_key: rule,
        Alert.subject_type: subject_type,
        Alert.subject_id: subject_id,
        Alert.level: level,
        Alert.due_moment: due_moment,
        Alert.repeat_no: repeat_no,
        Alert.recipient_id: recipient_id,
    }
    alert_id = _insert_once(session, Alert, {**key, Alert.raised_at: at}, once=list(key))
    return None if alert_id is None else session.get_one(Alert, alert_id)


def post_bell(
    session: Session,
    *,
    to: int,
    kind: str,
    data: Mapping[str, Any],
    subject_type: str,
    subject_id: int,
    at: datetime,
    alert: Alert | None = None,
) -> Notification:
    """Put a line into the bell of user `to`; `data` is what rules.bell_text needs: names, no sentences."""
    line = Notification(
        user_id=to,
        kind=kind,
        data=dict(data),
        subject_type=subject_type,
        subject_id=subject_id,
        alert_id=alert.id if alert else None,
        created_at=at,
    )
    session.add(line)
    return line


def queue_mail(
    session: Session,
    *,
    to_address: str,
    template: str,
    values: Mapping[str, object],
    language: str,
    at: datetime,
    to_user_id: int | None = None,
    idempotency_key: str | None = None,
) -> Outbox:
    """Write a mail in its reader's language and put it into the outbox; queued before under that key: that mail.

    `values` by the keys of the template; lazy sentences are put into the reader's language here. An address that
    cannot be one makes a dead mail that the admin sees, not an error for whoever did the work that is told of.
    """
    language = language if language in LANGUAGES else company.get(session, "language")
    with in_language(language):
        told = {key: str(value) for key, value in values.items() if value is not None}
    content = write(session, rules.template_kinds[template], language, told)
    settings = mail_settings(session)
    address = to_address.strip()
    possible = rules.is_address(address)
    row: dict[InstrumentedAttribute[Any], Any] = {
        Outbox.channel: Channel.mail,
        # Random, not made from the key: a database begun anew must not repeat the ids of the one before.
        Outbox.message_id: f"<{uuid.uuid4().hex}@{settings.domain}>",
        Outbox.idempotency_key: idempotency_key,
        Outbox.from_address: settings.sender,
        Outbox.to_address: address if possible else rules.one_line(address, 320),
        Outbox.to_user_id: to_user_id,
        Outbox.subject: content.subject,
        Outbox.body_text: content.text,
        Outbox.body_html: content.html,
        Outbox.created_at: at,
        Outbox.next_at: at,
    }
    if not possible:
        row |= {Outbox.status: leases.LeaseState.dead, Outbox.last_error: rules.NO_ADDRESS}
    mail_id = _insert_once(session, Outbox, row, once=[Outbox.idempotency_key])
    if mail_id is None:
        return session.scalars(select(Outbox).where(Outbox.idempotency_key == idempotency_key)).one()
    return session.get_one(Outbox, mail_id)


def mark_read(session: Session, user_id: int, ids: Collection[int], *, at: datetime) -> int:
    """These lines of his bell are read, and with them the alerts they told of. Others' lines stay. Returns lines."""
    return _mark_read(session, (Notification.user_id == user_id) & Notification.id.in_(list(ids)), at)


def mark_all_read(session: Session, user_id: int, *, at: datetime) -> int:
    return _mark_read(session, Notification.user_id == user_id, at)


def resend_mail(session: Session, mail: Outbox, *, by: Actor) -> None:
    """Try a dead or waiting mail again, now, with all attempts. Raises ConflictError when it is out or on its way."""
    by.must("edit", "Outbox")
    leases.resend(session, mail, at=clock.now())


def save_template(session: Session, template: MessageTemplate, *, subject: str, body: str, rev: int, by: Actor) -> None:
    """Reword a message. Raises MessageTemplateError with the keys it may use, ConflictError when reworded meanwhile."""
    by.must("edit", "MessageTemplate")
    if rev != template.rev:
        raise ConflictError
    body = body.replace("\r\n", "\n")
    subject = rules.one_line(subject, 10_000)
    rules.check_template(rules.template_kinds[template.code], subject=subject, body=body)
    template.subject = subject
    template.body = body
    session.flush()


def ensure_templates(session: Session) -> int:
    """Put the shipped wording where there is none yet; what an admin wrote stays. Returns how many were made."""
    there = {tuple(row) for row in session.execute(select(MessageTemplate.code, MessageTemplate.language))}
    missing = [
        MessageTemplate(code=kind.code, language=language, subject=subject, body=body)
        for kind in rules.template_kinds.values()
        for language, (subject, body) in kind.shipped.items()
        if (kind.code, language) not in there
    ]
    session.add_all(missing)
    session.flush()
    return len(missing)


def write(session: Session, kind: rules.TemplateKind, language: str, values: Mapping[str, str]) -> rules.Rendered:
    """The admin's wording; where there is none, or it says what is no longer known, the shipped one. Below it stands
    who the company is.
    """
    with in_language(language):
        footer = [str(line) for line in rules.footer_lines(company.all_values(session))]
    own = session.scalars(
        select(MessageTemplate).where(MessageTemplate.code == kind.code, MessageTemplate.language == language)
    ).one_or_none()
    if own is not None:
        try:
            return rules.render(
                kind, subject=own.subject, body=own.body, values=values, language=language, footer=footer
            )
        except rules.MessageTemplateError:
            logger.exception("message template %s (%s) cannot be used; the shipped one goes out", kind.code, language)
    language = language if language in kind.shipped else DEFAULT_LANGUAGE
    subject, body = kind.shipped[language]
    return rules.render(kind, subject=subject, body=body, values=values, language=language, footer=footer)


def _mark_read(session: Session, lines: ColumnElement[bool], at: datetime) -> int:
    unread = lines & Notification.read_at.is_(None)
    told = select(Notification.alert_id).where(unread, Notification.alert_id.is_not(None))
    session.execute(update(Alert).where(Alert.id.in_(told), Alert.read_at.is_(None)).values(read_at=at))
    done = session.execute(update(Notification).where(unread).values(read_at=at))
    return cast("CursorResult[Any]", done).rowcount


def _insert_once(
    session: Session,
    model: type[Entity],
    values: Mapping[InstrumentedAttribute[Any], Any],
    *,
    once: list[InstrumentedAttribute[Any]],
) -> int | None:
    """Insert unless a row with the same `once` is there. Returns the new id, or None; waits for rivals."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return session.scalar(
        insert(model)
        .values({column.key: value for column, value in values.items()})
        .on_conflict_do_nothing(index_elements=once)
        .returning(model.id)
    )
