"""Which rows does the machinery itself keep?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Entity, UtcDateTime


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
