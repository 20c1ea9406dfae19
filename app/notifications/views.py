"""The bell of whoever looks, and for admins the mails that went out or wait."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import redirect, request
from sqlalchemy import select

from app.core import clock, edge, links, paging
from app.core.access import Actor, get_visible, visible
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError
from app.core.i18n import _
from app.core.leases import LeaseState
from app.core.pages import Page, done, page, page_number, page_of, refused_onto, show, trail
from app.core.timewords import moment_inside
from app.notifications import queries, services
from app.notifications.exported import EXPORT_DONE, EXPORT_FAILED
from app.notifications.models import Notification, Outbox
from app.notifications.people import HANDED_OVER
from app.notifications.queries import mail_settings, text_for
from app.notifications.rules import bell_text, why_not_sent

LINES = 100


def _orphans(_first: int) -> str:
    return links.ORPHANS


def _desk(_before: int) -> str:
    """One's own work: that of somebody who left lies there now."""
    return "/cong-viec/"


#: where a bell line leads, by the kind of its subject
_PATHS = {"task": links.task_path, "instance": links.instance_path, "comment": links.comment_path,
          "customer": links.customer_path, "process": links.process_path,
          "export": links.export_path, "import_job": links.import_path,
          "bulk_edit": links.customers_edit_path,
          "demo_removal": links.demo_path, "work": _desk, "orphans": _orphans}  # fmt: skip

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
    is_private = True

    @page("/")
    def index(self) -> Any:
        actor, number = edge.actor(), page_number()
        mine = queries.bell_lines_of(actor.user_id or 0)
        lines = db.session.scalars(mine.limit(LINES).offset((number - 1) * LINES)).all()
        counted = paging.count(db.session(), mine, Notification.id)
        return show(
            "notifications/bell.html",
            lines=[
                {
                    "text": bell_text(line),
                    "url": f"/thong-bao/{line.id}",
                    "at": line.created_at,
                    "sign": _SIGNS.get(line.kind, "bell"),
                    "kind": "late" if line.kind in _LATE else "",
                    "unread": line.read_at is None,
                }
                for line in lines
            ],
            unread_url="/thong-bao/da-doc",
            crumbs=trail((_("This morning"), "/"), here=_("Notifications")),
            page=page_of(number, len(lines), counted, size=LINES),
        )

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
        lists = {"": rows, **{str(key): rows.where(Outbox.status == key) for key in STATE_LABELS}}
        counts = paging.counts(session, lists, Outbox.id)
        number = page_number()
        mails = session.scalars(lists[state].order_by(Outbox.id.desc()).limit(LINES).offset((number - 1) * LINES)).all()
        tabs = [("", _("All")), *((str(key), label) for key, label in STATE_LABELS.items() if counts[str(key)][0])]
        server = mail_settings(session).server
        return show(
            "notifications/mails.html",
            mail_tabs=[
                {
                    "label": label,
                    "url": f"/thu-di/?trang_thai={key}" if key else "/thu-di/",
                    "current": key == state,
                    "count": counts[key][0],
                    "capped": counts[key][1],
                    "late": key == LeaseState.dead,
                }
                for key, label in tabs
            ],
            scope=state,
            server=server.host if server else None,
            rows=[_mail(mail, now, actor, has_server=server is not None) for mail in mails],
            page=page_of(number, len(mails), counts[state], size=LINES),
        )

    @page("/<mail_id>")
    def mail(self, mail_id: str) -> Any:
        actor, session = edge.actor(), db.session()
        mail = get_visible(session, Outbox, row_id(mail_id), actor)
        row = _mail(mail, clock.now(), actor, has_server=mail_settings(session).server is not None)
        told = {
            **row,
            "sender": mail.from_address,
            "body": text_for(session, mail, actor),
            "message_id": mail.message_id,
            "sent_at": mail.sent_at,
        }
        return show("notifications/mail.html", mail=told, resend_url=row["resend_url"],
                    crumbs=trail((_("Outgoing mail"), "/thu-di/"), here=mail.subject))  # fmt: skip

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


_KINDS = {LeaseState.done: "ok", LeaseState.dead: "late", LeaseState.leased: "soon", LeaseState.held: "none"}
#: what somebody has to see to
_ALARMS = (
    "task_overdue",
    "task_orphaned",
    "tasks_orphaned",
    "instance_stuck",
    "instance_failed",
    "start_failed",
    "promise_overdue",
)
_LATE = frozenset({*_ALARMS, "customer_mail_failed"})
_SIGNS = {**dict.fromkeys(_ALARMS, "alert-circle"), "promise_today": "clock", "customer_mail_failed": "mail",
          "task_assigned": "user-check", "mentioned": "at", HANDED_OVER: "user-share", EXPORT_DONE: "download",
          EXPORT_FAILED: "alert-circle"}  # fmt: skip


def _mail(mail: Outbox, now: datetime, actor: Actor, *, has_server: bool) -> dict[str, Any]:
    """One line of the viewer: what became of the mail, in words."""
    state, kind = STATE_LABELS[mail.status], _KINDS.get(mail.status, "none")
    if mail.status is LeaseState.waiting and not has_server:
        state = _("No mail server yet")
    elif mail.status is LeaseState.waiting and mail.last_error:
        when = str(moment_inside(mail.next_at, now, actor.time_zone))
        state, kind = _("Will be tried again: %(when)s", when=when), "soon"
    error = queries.error_of(mail, actor)
    resendable = mail.status in (LeaseState.waiting, LeaseState.dead, LeaseState.held) and actor.may("edit", "Outbox")
    return {
        "url": f"/thu-di/{mail.id}",
        "subject": mail.subject,
        "to": queries.address_of(mail, actor) or _("(personal)"),
        "kind": kind,
        "state": state,
        "at": mail.sent_at or mail.created_at,
        "attempts": mail.attempts,
        "last_error": why_not_sent(error) if error else None,
        "resend_url": f"/thu-di/{mail.id}/gui-lai" if resendable else None,
    }
