"""Which forms stand open to everybody, behind which link, and what came in through it?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Entity, Json, Revisioned, Stamped, UtcDateTime, stored
from app.core.leases import Leased, lease_indexes
from app.customers.models import SOURCE_LENGTH
from app.forms.models import Form, FormVersion, Submission
from app.security.models import Team

#: 128 random bits as text (secrets.token_urlsafe)
KEY_LENGTH = 22
#: a name of a campaign, of a medium, of the site where the link stood
TOLD_LENGTH = 200
#: of the person's network address only this is kept: HMAC-SHA256 as hex
ADDRESS_KEY_LENGTH = 64
NONCE_LENGTH = 32
_HELD = "state = 'held'"


class EntryState(StrEnum):
    """How far something is that came in from outside."""

    #: the worker makes a submission of it within seconds
    received = auto()
    #: somebody has to look at it first: `reasons` say why
    held = auto()
    #: it became a submission
    taken = auto()
    #: somebody found that it is nothing
    refused = auto()


class PublicLink(Revisioned, Stamped, Entity):
    """The door through which everybody answers one form. Closed or renewed, what came through it stays."""

    __tablename__ = "public_link"

    form_id: Mapped[int] = mapped_column(ForeignKey("form.id", ondelete="RESTRICT"), unique=True)
    #: the secret part of its address; a new one shuts the old address
    key: Mapped[str] = mapped_column(String(KEY_LENGTH), unique=True)
    #: since then; None: closed
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: the channel of customers who come through it: a code of the catalogue customers.models.SOURCES
    source: Mapped[str | None] = mapped_column(String(SOURCE_LENGTH))
    #: whose new customers and submissions they are; none: the administrators'
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    #: what is said when the answers are in; "": the usual sentence
    thanks: Mapped[str] = mapped_column(Text, default="")
    #: sites that may show the form inside of theirs: "https://phosen.example"
    sites: Mapped[list[str]] = mapped_column(Json, default=list)

    form: Mapped[Form] = relationship()
    team: Mapped[Team | None] = relationship()

    def __str__(self) -> str:
        return self.form.name

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None and self.form.archived_at is None


class PublicEntry(Leased, Stamped, Entity):
    """What somebody without an account answered. It is no submission yet: the worker makes one of it, or a person."""

    __tablename__ = "public_entry"
    # A flood of them is not to fill the audit log; the submission that comes of one is in it.
    __audited__ = False
    __table_args__: ClassVar = (
        *lease_indexes(),
        Index("ix_public_entry_address", "address_key", "created_at"),
        Index("ix_public_entry_link", "link_id", "created_at"),
        Index("ix_public_entry_held", "id", sqlite_where=text(_HELD), postgresql_where=text(_HELD)),
        {"extend_existing": False},
    )

    link_id: Mapped[int] = mapped_column(ForeignKey("public_link.id", ondelete="RESTRICT"))
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_version.id", ondelete="RESTRICT"), index=True)
    #: that of the link when it came
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    state: Mapped[EntryState] = mapped_column(stored(EntryState), default=EntryState.received)
    #: why somebody has to look at it: codes of rules.REASONS
    reasons: Mapped[list[str]] = mapped_column(Json, default=list)
    #: field key → value, as it was read and found right
    answers: Mapped[dict[str, Any]] = mapped_column(Json, info={"sensitive": True})
    #: of the page that sent it: a page is sent once
    nonce: Mapped[str] = mapped_column(String(NONCE_LENGTH), unique=True)
    address_key: Mapped[str] = mapped_column(String(ADDRESS_KEY_LENGTH))
    #: how long the page stood open
    seconds: Mapped[int] = mapped_column()
    #: where the link stood, as its address told (utm_campaign, utm_medium, utm_source or Referer)
    campaign: Mapped[str] = mapped_column(String(TOLD_LENGTH), default="")
    medium: Mapped[str] = mapped_column(String(TOLD_LENGTH), default="")
    came_from: Mapped[str] = mapped_column(String(TOLD_LENGTH), default="")
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id", ondelete="RESTRICT"), unique=True)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)

    link: Mapped[PublicLink] = relationship()
    version: Mapped[FormVersion] = relationship()
    submission: Mapped[Submission | None] = relationship()

    def __str__(self) -> str:
        return self.version.form.name
