"""The bell of whoever looks, and for admins the mails that went out or wait."""

from __future__ import annotations

from typing import Any

from flask import redirect, request
from sqlalchemy import func, select

from app.core import clock, edge, links
from app.core.access import get_visible, visible
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError
from app.core.i18n import _
from app.core.leases import LeaseState
from app.core.pages import Page, done, page, refused_onto, show
from app.core.timewords import moment_text
from app.notifications import queries, services
from app.notifications.channels.settings import mail_settings
from app.notifications.models import Notification, Outbox
from app.notifications.rules import bell_text

LINES = 100
#: where a bell line leads, by the kind of its subject
_PATHS = {"task": links.task_path, "instance": links.instance_path}

STATE_LABELS = {
    LeaseState.waiting: _("Waiting"),
    LeaseState.leased: _("Being sent"),
    LeaseState.done: _("Sent"),
    LeaseState.dead: _("Given up"),
    LeaseState.held: _("On hold"),
}


class BellPages(Page):
    """/thong-bao: what I have been told."""

    resource = "Notification"
    route_base = "/thong-bao"

    @page("/")
    def index(self) -> Any:
        actor, now = edge.actor(), clock.now()
        lines = db.session.scalars(queries.bell_lines_of(actor.user_id or 0).limit(LINES)).all()
        return show(
            "notifications/bell.html",
            lines=[
                {"id": line.id, "kind": line.kind, "text": bell_text(line), "url": f"/thong-bao/{line.id}",
                 "when": moment_text(line.created_at, now, actor.time_zone), "at": line.created_at,
                 "unread": line.read_at is None}
                for line in lines
            ],
            unread=sum(line.read_at is None for line in lines),
        )  # fmt: skip

    @page("/<line_id>", "POST")
    def open(self, line_id: str) -> Any:
        """Opening what a line tells of reads the line: a POST, since it changes something."""
        actor = edge.actor()
        line = get_visible(db.session(), Notification, row_id(line_id), actor)
        path = _PATHS.get(line.subject_type)
        onward = path(line.subject_id) if path else "/thong-bao/"
        with edge.transaction() as session:
            services.mark_read(session, actor.user_id or 0, [row_id(line_id)], at=clock.now())
        return redirect(onward)

    @page("/da-doc", "POST")
    def read_all(self) -> Any:
        with edge.transaction() as session:
            services.mark_all_read(session, edge.actor().user_id or 0, at=clock.now())
        return done("/thong-bao/", _("All marked as read."))


class MailPages(Page):
    """/thu-di: the built-in mail viewer."""

    resource = "Outbox"
    route_base = "/thu-di"

    @page("/")
    def index(self) -> Any:
        actor, now, session = edge.actor(), clock.now(), db.session()
        state = request.args.get("trang_thai", "")
        if state and state not in set(LeaseState):
            raise BadRequestError
        rows = select(Outbox).where(visible(Outbox, actor))
        counts = dict(
            session.execute(
                select(Outbox.status, func.count()).where(visible(Outbox, actor)).group_by(Outbox.status)
            ).tuples().all()
        )  # fmt: skip
        if state:
            rows = rows.where(Outbox.status == state)
        mails = session.scalars(rows.order_by(Outbox.id.desc()).limit(LINES)).all()
        return show(
            "notifications/mails.html",
            mails=[_mail(mail, now, actor) for mail in mails],
            state=state,
            tabs=[{"key": "", "label": _("All"), "count": sum(counts.values())}]
            + [{"key": str(key), "label": label, "count": counts[key]} for key, label in STATE_LABELS.items() if key in counts],
            has_server=mail_settings().server is not None,
            can_resend=actor.may("edit", "Outbox"),
        )

    @page("/<mail_id>")
    def mail(self, mail_id: str) -> Any:
        actor = edge.actor()
        mail = get_visible(db.session(), Outbox, row_id(mail_id), actor)
        return show("notifications/mail.html", mail={**_mail(mail, clock.now(), actor), "body": mail.body_text,
                    "message_id": mail.message_id}, can_resend=actor.may("edit", "Outbox"),
                    has_server=mail_settings().server is not None)  # fmt: skip

    @page("/<mail_id>/gui-lai", "POST", right="edit")
    def resend(self, mail_id: str) -> Any:
        number = row_id(mail_id)
        try:
            with edge.transaction() as session:
                mail = get_visible(session, Outbox, number, edge.actor(), "edit")
                services.resend_mail(session, mail, by=edge.actor())
        except BusinessError as error:
            if error.status == 404:
                raise
            return refused_onto(f"/thu-di/{number}", error)
        return done(f"/thu-di/{number}", _("The mail will be sent again."))


def _mail(mail: Outbox, now: Any, actor: Any) -> dict[str, Any]:
    return {
        "id": mail.id, "url": f"/thu-di/{mail.id}", "to": mail.to_address, "subject": mail.subject,
        "state": str(mail.status), "state_label": STATE_LABELS[mail.status], "attempts": mail.attempts,
        "last_error": mail.last_error or "", "created": moment_text(mail.created_at, now, actor.time_zone),
        "sent": moment_text(mail.sent_at, now, actor.time_zone) if mail.sent_at else "",
        "next": moment_text(mail.next_at, now, actor.time_zone) if mail.next_at and str(mail.status) == "waiting" else "",
        "can_resend": str(mail.status) in ("waiting", "dead", "held"),
    }  # fmt: skip
