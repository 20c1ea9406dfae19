"""Alerts, the bell and the outgoing mail for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, edge
from app.core.access import get_visible
from app.core.api import Api, equals, flag, id_is, listing, moment, state_is, usernames, verb
from app.core.db import LARGEST_ID, db
from app.core.leases import LeaseState
from app.core.schema import list_of, record, whole_number
from app.notifications import queries, services
from app.notifications.models import Alert, Notification, Outbox
from app.notifications.rules import bell_text

MOST_LINES = 1000

_READ = record(ids=list_of(whole_number(), most=MOST_LINES))
_ALERT_ORDERS = {"id": Alert.id, "raised_at": Alert.raised_at}
_LINE_ORDERS = {"id": Notification.id, "created_at": Notification.created_at}
_MAIL_ORDERS = {"id": Outbox.id, "created_at": Outbox.created_at, "sent_at": Outbox.sent_at}


class AlertApi(Api):
    """One's own alerts; an admin's reach is everybody's."""

    resource_name = "alerts"
    resource = "Alert"

    @verb(
        "/", "GET", "Alerts, the newest first",
        query=listing(_ALERT_ORDERS, unread="1: not read yet", rule="exactly", subject_type="exactly", subject_id="id"),
    )  # fmt: skip
    def index(self) -> dict[str, Any]:
        return self.page(
            select(Alert).where(queries.alerts_of(edge.actor(), "view")),
            show_all=_alerts,
            orders=_ALERT_ORDERS,
            default_order="-id",
            filters={
                "unread": lambda rows, text: flag(rows, text, Alert.read_at.is_(None)),
                "rule": equals(Alert.rule_key),
                "subject_type": equals(Alert.subject_type),
                "subject_id": id_is(Alert.subject_id),
            },
            key=Alert.id,
        )


class NotificationApi(Api):
    """The lines of one's own bell."""

    resource_name = "notifications"
    resource = "Notification"

    @verb("/", "GET", "Lines of the bell, the newest first", query=listing(_LINE_ORDERS, unread="1: not read yet"))
    def index(self) -> dict[str, Any]:
        return self.page(
            select(Notification).where(queries.notifications_of(edge.actor(), "view")),
            show=_line,
            orders=_LINE_ORDERS,
            default_order="-id",
            filters={"unread": lambda rows, text: flag(rows, text, Notification.read_at.is_(None))},
            key=Notification.id,
        )

    @verb("/read", "POST", "These lines are read; without ids all of them", body=_READ)
    def read_lines(self) -> dict[str, Any]:
        ids = self.read().get("ids")

        def mark(session: Session) -> dict[str, Any]:
            user_id, at = edge.actor().user_id or 0, clock.now()
            if ids is None:
                return {"read": services.mark_all_read(session, user_id, at=at)}
            possible = [line for line in ids if 0 < line <= LARGEST_ID]
            return {"read": services.mark_read(session, user_id, possible, at=at)}

        return self.write(mark)


class OutboxApi(Api):
    """Mails hold customers' names: they are for those with the whole reach."""

    resource_name = "outbox"
    resource = "Outbox"

    @verb(
        "/", "GET", "Outgoing mails, the newest first",
        query=listing(_MAIL_ORDERS, status=f"one of {', '.join(LeaseState)}", to="mail address, exactly"),
    )  # fmt: skip
    def index(self) -> dict[str, Any]:
        who = edge.actor()
        filters = {"status": state_is(Outbox.status, LeaseState)}
        if queries.reads_addresses(who):
            filters["to"] = equals(Outbox.to_address)
        return self.page(
            select(Outbox).where(queries.mails_of(who, "view")),
            show=_mail,
            orders=_MAIL_ORDERS,
            default_order="-id",
            filters=filters,
            key=Outbox.id,
        )

    @verb("/<id>", "GET", "One mail with its text")
    def get(self, id: str) -> dict[str, Any]:
        mail = get_visible(db.session(), Outbox, self.id(id), edge.actor())
        return {**_mail(mail), "body_text": queries.text_for(db.session(), mail, edge.actor())}

    @verb("/<id>/resend", "POST", "Try a dead or waiting mail again, now", right="edit")
    def resend(self, id: str) -> dict[str, Any]:
        mail_id = self.id(id)

        def resend(session: Session) -> dict[str, Any]:
            mail = get_visible(session, Outbox, mail_id, edge.actor())
            services.resend_mail(session, mail, by=edge.actor())
            return _mail(mail)

        return self.write(resend)


def _alerts(found: Sequence[Alert]) -> list[dict[str, Any]]:
    """`recipient` is a user name."""
    names = usernames(alert.recipient_id for alert in found)
    return [
        {
            "id": alert.id,
            "rule": alert.rule_key,
            "level": alert.level,
            "subject_type": alert.subject_type,
            "subject_id": alert.subject_id,
            "recipient": names.get(alert.recipient_id),
            "raised_at": moment(alert.raised_at),
            "read_at": moment(alert.read_at),
        }
        for alert in found
    ]


def _line(line: Notification) -> dict[str, Any]:
    return {
        "id": line.id,
        "kind": line.kind,
        "text": str(bell_text(line)),
        "subject_type": line.subject_type,
        "subject_id": line.subject_id,
        "alert_id": line.alert_id,
        "created_at": moment(line.created_at),
        "read_at": moment(line.read_at),
    }


def _mail(mail: Outbox) -> dict[str, Any]:
    """`to` is null for whoever does not read such addresses."""
    who = edge.actor()
    return {
        "id": mail.id,
        "channel": mail.channel,
        "status": mail.status,
        "to": queries.address_of(mail, who),
        "subject": mail.subject,
        "message_id": mail.message_id,
        "attempts": mail.attempts,
        "last_error": queries.error_of(mail, who),
        "created_at": moment(mail.created_at),
        "next_at": moment(mail.next_at) if mail.status is LeaseState.waiting else None,
        "sent_at": moment(mail.sent_at),
    }
