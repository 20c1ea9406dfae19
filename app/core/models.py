"""Which rows does the machinery itself keep, and how do people look at their lists?"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Entity, Json, Revisioned, Stamped, UtcDateTime


class JobHeartbeat(Entity):
    """One row per scheduled job: is it alive, and did its last run end well? Written by the worker, read by /health."""

    __tablename__ = "job_heartbeat"
    __audited__: ClassVar[bool] = False

    name: Mapped[str] = mapped_column(String(80), unique=True)
    last_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_ok_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Of the last run; empty when that ended well.
    last_error: Mapped[str] = mapped_column(String(500), default="")
    #: Finished runs since the table was made.
    beats: Mapped[int] = mapped_column(BigInteger, default=0)


class SavedView(Revisioned, Stamped, Entity):
    """How somebody looks at a list, under a name: what narrows it, its order, its columns. His own, or a role's too."""

    __tablename__ = "saved_view"
    __table_args__: ClassVar = (
        Index("ix_saved_view_owner", "list_key", "owner_id"),
        Index("ix_saved_view_role", "list_key", "role_id"),
        Index("uq_saved_view_live_name", "owner_id", "list_key", "name", unique=True,
              sqlite_where=text("archived_at IS NULL"), postgresql_where=text("archived_at IS NULL")),
        {"extend_existing": False},
    )  # fmt: skip

    #: the list's name among saved views (core.lists.Listed.key)
    list_key: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(60))
    #: the member who keeps it
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    #: whose members see it too; None: the owner alone
    role_id: Mapped[int | None] = mapped_column(ForeignKey("ab_role.id", ondelete="RESTRICT"), index=True)
    #: what it asks for: {"where": stored condition, "q", "order", "columns": [key, …], "page_size",
    #: "labels": {key: what it was called}}; what is as usual is left out
    wanted: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, info={"sensitive": True})
    #: the same before it was saved over the last time
    earlier: Mapped[dict[str, Any] | None] = mapped_column(Json, info={"sensitive": True})
    #: its place among the owner's own, or among those of the role
    position: Mapped[int] = mapped_column(default=0)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SavedViewDefault(Stamped, Entity):
    """With which view a list opens for a member, or for the members of a role who chose none themselves."""

    __tablename__ = "saved_view_default"
    __table_args__: ClassVar = (
        CheckConstraint("(member_id IS NULL) <> (role_id IS NULL)", name="one_receiver"),
        UniqueConstraint("list_key", "member_id"),
        UniqueConstraint("list_key", "role_id"),
        {"extend_existing": False},
    )

    list_key: Mapped[str] = mapped_column(String(80))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    role_id: Mapped[int | None] = mapped_column(ForeignKey("ab_role.id", ondelete="RESTRICT"), index=True)
    #: None: the list as it is by itself
    view_id: Mapped[int | None] = mapped_column(ForeignKey("saved_view.id", ondelete="RESTRICT"), index=True)
