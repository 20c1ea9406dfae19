"""Over the page of a customer who is forgotten: since when nobody has spoken with him, and what was aimed at."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import object_session

from app.core.access import Actor
from app.core.i18n import ngettext
from app.customers.events import Heeded
from app.customers.forgotten import queries
from app.customers.models import Customer


def heed_silence(customer: Customer, _who: Actor, now: datetime) -> Heeded | None:
    session = object_session(customer)
    over = queries.is_over(session, customer, now) if session is not None else None
    if over is None:
        return None
    silent, allowed = over
    text = ngettext(
        "Forgotten: nobody has spoken with this customer for %(num)d day; the target is %(target)s.",
        "Forgotten: nobody has spoken with this customer for %(num)d days; the target is %(target)s.",
        silent, target=allowed,
    )  # fmt: skip
    return Heeded(text, "soon", "clock")
