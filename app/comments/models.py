"""What was said about which record, by whom, and who was mentioned in it?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Entity, Revisioned, Stamped, UtcDateTime
from app.security.models import Member


class Comment(Revisioned, Stamped, Entity):
    """What one person wrote on a record of any kind. Files hang on it (core.files, owner "comment").

    Earlier wordings stand in the audit log; an archived comment is seen by those alone who may bring it back.
    """

    __tablename__ = "comment"
    __table_args__: ClassVar = (Index("ix_comment_record", "resource", "record_id", "id"), {"extend_existing": False})

    #: the kind of record by its name in security.roles, as its feature registered it (comments.events)
    resource: Mapped[str] = mapped_column(String(60))
    record_id: Mapped[int] = mapped_column()
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))
    #: as typed, a mention as @username; empty where files say it all
    text: Mapped[str] = mapped_column(Text, info={"sensitive": True})
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    archived_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"))

    author: Mapped[Member] = relationship(foreign_keys=[author_id])
    mentions: Mapped[list[CommentMention]] = relationship(back_populates="comment", order_by="CommentMention.id")


class CommentMention(Entity):
    """Somebody was mentioned in a comment, and told of it: once, however often the comment is edited."""

    __tablename__ = "comment_mention"
    __table_args__: ClassVar = (
        UniqueConstraint("comment_id", "member_id", name="uq_comment_mention_once"),
        {"extend_existing": False},
    )

    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id", ondelete="RESTRICT"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="RESTRICT"), index=True)
    #: how the text calls him, in lower case: the mention stays his when his user name changes
    called: Mapped[str] = mapped_column(String(64))

    comment: Mapped[Comment] = relationship(back_populates="mentions")
    member: Mapped[Member] = relationship(foreign_keys=[member_id])
