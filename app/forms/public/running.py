"""Who makes submissions of what came in from outside? The worker, one a transaction; killed anywhere, it goes on."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.errors import BusinessError
from app.core.turns import Turn
from app.forms.public.models import PublicEntry
from app.forms.public.services import HoldError, hold_back, take


class Arrivals(Turn[PublicEntry]):
    """One worker's turn at one entry."""

    model = PublicEntry

    def go(self) -> None:
        with transaction(SYSTEM) as session:
            entry = self.hold(session)
            take(session, entry)
            self.tell(session, self.finish(session))

    def stopped(self, session: Session, job: PublicEntry, problem: BusinessError | None) -> None:
        hold_back(session, job, problem.reason if isinstance(problem, HoldError) else "refused")
        self.tell(session, job)
