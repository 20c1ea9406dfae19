"""When are customers put into their classes? Every night, and whenever somebody asked for it."""

from __future__ import annotations

from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.formats import local
from app.core.i18n import DEFAULT_TIME_ZONE
from app.customers.classes import services
from app.customers.classes.models import ClassRun

#: by the clock on the company's wall
FROM_HOUR, UNTIL_HOUR = 2, 6


def classify() -> int:
    """Tonight's round once, and go on with whatever round waits; returns how many customers moved.

    A night that nobody worked is made up for during the day, but nobody's customers move by surprise on the first day.
    """
    now = local(clock.now(), DEFAULT_TIME_ZONE)
    if now.hour >= FROM_HOUR:
        session = db.session()
        known = session.scalars(select(ClassRun.night).where(ClassRun.night.is_not(None)).order_by(
            ClassRun.night.desc()).limit(1)).one_or_none()  # fmt: skip
        session.rollback()
        is_first = known is None
        if known != now.date() and (not is_first or now.hour < UNTIL_HOUR):
            with transaction(SYSTEM) as session:
                services.ask_tonight(session, now.date())
    return services.work()
