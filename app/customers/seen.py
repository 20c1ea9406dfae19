"""Was a row that has no revision of its own changed since somebody looked at it?"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import ConflictError
from app.customers.profile_models import Interaction, Purchase
from app.customers.promise_models import Promise
from app.security.models import Member


def refuse_stale(session: Session, row: Interaction | Purchase | Promise, seen: datetime | None) -> None:
    """Raises ConflictError when it was changed after it was read as of `seen`; None: nobody says what he had read.

    Reads the row anew: to be asked once its customer is locked.
    """
    session.refresh(row)
    if seen is not None and row.updated_at != seen:
        name = session.scalar(select(Member.name).where(Member.id == row.updated_by_id))
        raise ConflictError(by=name, at=row.updated_at)
