"""How does somebody learn that the worker is through with his bulk edit, or why it is not? By a line in his bell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock
from app.core.i18n import _, ngettext
from app.customers.bulk.models import BulkEdit, BulkOutcome, BulkPhase
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell

_DONE, _UNDONE, _FAILED = "bulk_edit_done", "bulk_edit_undone", "bulk_edit_failed"
register_bell_kind(
    _DONE,
    lambda data: ngettext(
        "Your bulk edit has changed %(num)d customer", "Your bulk edit has changed %(num)d customers", _of(data)
    ),
)
register_bell_kind(
    _UNDONE,
    lambda data: ngettext(
        "Your bulk edit was taken back: %(num)d customer", "Your bulk edit was taken back: %(num)d customers", _of(data)
    ),
)
register_bell_kind(_FAILED, lambda _data: _("Your bulk edit has stopped"))
_KINDS = {BulkPhase.applied: (_DONE, BulkOutcome.changed), BulkPhase.undone: (_UNDONE, BulkOutcome.undone)}


def _of(data: Mapping[str, Any]) -> int:
    return int(data["count"])


def tell_of_bulk_edit(session: Session, job: BulkEdit) -> None:
    """It is over: whoever began it learns of it, and whoever took it back."""
    kind, outcome = _KINDS.get(job.state, (_FAILED, BulkOutcome.changed))
    for number in sorted({job.acting_id, job.member_id}):
        post_bell(session, to=number, kind=kind, data={"count": job.written.get(outcome, 0)}, subject_type="bulk_edit",
                  subject_id=job.id, at=clock.now())  # fmt: skip
