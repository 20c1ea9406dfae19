"""How does somebody learn that the demo is gone, or that it is not? By a line in his bell."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core import clock
from app.core.i18n import _
from app.demo.models import DemoRemoval, RemovalPhase
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell

_DONE, _FAILED = "demo_removed", "demo_removal_failed"

register_bell_kind(_DONE, lambda _data: _("The demo company is removed"))
register_bell_kind(_FAILED, lambda _data: _("The removal of the demo company has stopped"))


def tell_of_removal(session: Session, removal: DemoRemoval) -> None:
    """It is over. Whoever asked for it is told."""
    post_bell(
        session, to=removal.member_id, kind=_DONE if removal.phase is RemovalPhase.removed else _FAILED, data={},
        subject_type=DemoRemoval.__tablename__, subject_id=removal.id, at=clock.now(),
    )  # fmt: skip
