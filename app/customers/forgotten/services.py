"""Say how long customers of each tier may go without a contact."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access import Actor
from app.core.errors import InvalidInputError
from app.core.formats import number_text
from app.core.i18n import _
from app.customers.forgotten import keeping
from app.customers.forgotten.models import MOST_DAYS, ContactTarget

#: what every company begins with; "": customers without a tier
DEFAULTS: Mapping[str, int] = {"vip": 14, "medium": 30, "small": 60, "": 60}


def ensure_targets(session: Session) -> None:
    """The targets that every company begins with; those that are there are left alone."""
    known = set(session.scalars(select(ContactTarget.tier)))
    session.add_all(ContactTarget(tier=tier, days=days) for tier, days in DEFAULTS.items() if tier not in known)
    session.flush()
    keeping.refresh(session)


def save_targets(session: Session, days: Mapping[str, int | None], *, by: Actor) -> None:
    """Tier → days; None: nobody of it is ever forgotten. Raises InvalidInputError beside the tier, NotAllowedError."""
    by.must("edit", "Setting")
    sentence = _("A whole number from %(least)s to %(most)s.", least=1, most=number_text(MOST_DAYS))
    wrong = {tier: [sentence] for tier, value in days.items() if value is not None and not 1 <= value <= MOST_DAYS}
    if wrong:
        raise InvalidInputError(fields=wrong)
    known = {row.tier: row for row in session.scalars(select(ContactTarget))}
    for tier, value in days.items():
        if tier not in known:
            session.add(ContactTarget(tier=tier, days=value))
        elif known[tier].days != value:
            known[tier].days, known[tier].renewed_to = value, 0
    session.flush()
    keeping.refresh(session)
