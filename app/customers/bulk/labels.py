"""What are the states of a bulk edit, and what became of its customers, called?"""

from __future__ import annotations

from app.core.i18n import _
from app.customers.bulk.models import BulkOutcome, BulkPhase
from app.customers.bulk.queries import Fate

PHASE_LABELS = {
    BulkPhase.draft: _("Not done yet"),
    BulkPhase.applying: _("Customers are being changed"),
    BulkPhase.applied: _("Done"),
    BulkPhase.undoing: _("Being taken back"),
    BulkPhase.undone: _("Taken back"),
    BulkPhase.failed: _("Stopped by a mistake"),
    BulkPhase.cancelled: _("Stopped by hand"),
}
PHASE_KINDS = {
    BulkPhase.applying: "open", BulkPhase.applied: "ok", BulkPhase.undoing: "open", BulkPhase.undone: "done",
    BulkPhase.failed: "late", BulkPhase.cancelled: "soon",
}  # fmt: skip
OUTCOME_LABELS = {
    BulkOutcome.changed: _("Were changed"),
    BulkOutcome.same: _("Had it already"),
    BulkOutcome.refused: _("Not changed"),
    BulkOutcome.undone: _("Given back"),
    BulkOutcome.left: _("Not given back whole"),
}
#: why a customer would not be changed
FATE_REASONS = {
    Fate.hidden: _("Not yours to see any more"),
    Fate.archived: _("Archived: restore the customer first"),
    Fate.not_yours: _("You may see them, and not change them"),
    Fate.not_to_hand: _("You may not give them to another person or team"),
}
#: events of the audit log
BULK_EVENTS = {
    "bulk_edit.begun": _("Bulk edit: begun"),
    "bulk_edit.applied": _("Bulk edit: done"),
    "bulk_edit.failed": _("Bulk edit: stopped"),
    "bulk_edit.undone": _("Bulk edit: taken back"),
}
