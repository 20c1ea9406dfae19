"""What was told to whom, and which mails are on their way?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Entity, Json, Revisioned, Stamped, UtcDateTime, stored
from app.core.leases import Leased, lease_indexes


class Alert(Entity):
    """One person was warned of one thing: once per rule, subject, level, due moment and repetition."""

    __tablename__ = "alert"
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint(
            "rule_key",
            "subject_type",
            "subject_id",
            "level",
            "due_moment",
            "repeat_no",
            "recipient_id",
            name="uq_alert_once",
        ),
        Index(None, "recipient_id", "id"),
        {"extend_existing": False},
    )

    rule_key: Mapped[str] = mapped_column(String(80))
    subject_type: Mapped[str] = mapped_column(String(60))
    subject_id: Mapped[int] = mapped_column(Integer)
    #: grows with the lateness: 0 due soon, 1 overdue, then the steps of escalation
    level: Mapped[int] = mapped_column(Integer)
    #: the deadline that was missed; a moved deadline warns again
    due_moment: Mapped[datetime] = mapped_column(UtcDateTime)
    repeat_no: Mapped[int] = mapped_column(Integer, default=0)
    recipient_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Notification(Entity):
    """A line in somebody's bell. Its text is made from kind and data when it is shown (rules.bell_text)."""

    __tablename__ = "notification"
    __audited__ = False
    __table_args__: ClassVar = (
        Index(
            "ix_notification_unread",
            "user_id",
            "id",
            sqlite_where=text("read_at IS NULL"),
            postgresql_where=text("read_at IS NULL"),
        ),
        Index(None, "user_id", "id"),
        {"extend_existing": False},
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(String(60))
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    subject_type: Mapped[str] = mapped_column(String(60))
    subject_id: Mapped[int] = mapped_column(Integer)
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id", ondelete="RESTRICT"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Channel(StrEnum):
    mail = auto()


class Security(StrEnum):
    """How the conversation with a mail server is protected."""

    #: asked for after the greeting, and nothing is said without it (mostly port 587)
    starttls = auto()
    #: from the first byte (mostly port 465)
    tls = auto()
    none = auto()
    #: STARTTLS if the server has it; a password only then, or to this very machine
    offered = auto()


class Outbox(Leased, Entity):
    """A message to the outside, written in the transaction of what it tells, sent later.

    `message_id` is fixed here: when a worker dies between sending and marking, the second copy bears the same one.
    Without a mail server the row waits, untried (`attempts` 0), and can be read in the mail viewer.
    """

    __tablename__ = "outbox"
    __audited__ = False
    __table_args__: ClassVar = (*lease_indexes(), {"extend_existing": False})

    channel: Mapped[Channel] = mapped_column(stored(Channel), default=Channel.mail)
    message_id: Mapped[str] = mapped_column(String(255), unique=True)
    #: None: may be queued any number of times
    idempotency_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    from_address: Mapped[str] = mapped_column(String(500))
    to_address: Mapped[str] = mapped_column(String(320))
    to_user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    subject: Mapped[str] = mapped_column(String(300))
    body_text: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MailServer(Revisioned, Stamped, Entity):
    """Through which server the company's mail goes, and in whose name: one row, or none as long as nobody set it."""

    __tablename__ = "mail_server"
    __table_args__: ClassVar = (CheckConstraint("id = 1", name="the_only_one"), {"extend_existing": False})

    #: empty: none; mails wait
    host: Mapped[str] = mapped_column(String(253), default="")
    port: Mapped[int] = mapped_column(Integer, default=587)
    security: Mapped[Security] = mapped_column(stored(Security), default=Security.starttls)
    username: Mapped[str] = mapped_column(String(254), default="")
    #: locked by core.vault together with the server that it is for (mail_server.bound)
    password: Mapped[str | None] = mapped_column(Text)
    #: empty: the one of the installation
    sender_address: Mapped[str] = mapped_column(String(254), default="")
    reply_to: Mapped[str] = mapped_column(String(254), default="")

    def __str__(self) -> str:
        return self.host


class MessageTemplate(Revisioned, Stamped, Entity):
    """The wording of one message in one language; admins change it, `rules` says which keys it may use."""

    __tablename__ = "message_template"
    __table_args__: ClassVar = (UniqueConstraint("code", "language"), {"extend_existing": False})

    code: Mapped[str] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(5))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)

    def __str__(self) -> str:
        return f"{self.code} ({self.language})"
