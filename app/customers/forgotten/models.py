"""After how many days without a contact is a customer forgotten?"""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.catalogues.models import CODE_LENGTH
from app.core.db import Entity, Stamped

MOST_DAYS = 3650


class ContactTarget(Stamped, Entity):
    """How long customers of a tier may go without a contact. A tier without a row has no target either."""

    __tablename__ = "contact_target"

    #: a code of the catalogue of value tiers; empty: customers without a tier
    tier: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    #: None: nobody of this tier is ever forgotten
    days: Mapped[int | None] = mapped_column()
    #: up to which customer the days count by now, where they are new; None: for all
    renewed_to: Mapped[int | None] = mapped_column(default=0, server_default="0", sort_order=1)

    def __str__(self) -> str:
        return self.tier
