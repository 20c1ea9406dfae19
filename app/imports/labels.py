"""What are the phases, findings and choices of an import called?"""

from __future__ import annotations

from app.core.i18n import _
from app.imports.models import Finding, ImportPhase, ImportTarget, OnDuplicate, OnUpdate, Outcome

TARGET_LABELS = {
    ImportTarget.customers: _("Customers"),
    ImportTarget.purchases: _("Purchases"),
    ImportTarget.interactions: _("Contacts with customers"),
}
PHASE_LABELS = {
    ImportPhase.draft: _("Columns to be matched"),
    ImportPhase.checking: _("Being looked through"),
    ImportPhase.checked: _("Looked through"),
    ImportPhase.applying: _("Being written"),
    ImportPhase.applied: _("Brought in"),
    ImportPhase.undoing: _("Being taken back"),
    ImportPhase.undone: _("Import undone"),
    ImportPhase.failed: _("Stopped"),
    ImportPhase.cancelled: _("Cancelled"),
}
#: kinds of templates/_parts/ui.html status
PHASE_KINDS = {
    ImportPhase.applied: "ok",
    ImportPhase.failed: "late",
    ImportPhase.checking: "open",
    ImportPhase.applying: "open",
    ImportPhase.undoing: "open",
    ImportPhase.checked: "soon",
    ImportPhase.draft: "soon",
}
FINDING_LABELS = {
    Finding.error: _("Mistake"),
    Finding.duplicate: _("Duplicate"),
    Finding.new: _("New"),
    Finding.update: _("To be brought up to date"),
    Finding.unchanged: _("Nothing new"),
}
FINDING_KINDS = {
    Finding.error: "late", Finding.duplicate: "soon", Finding.new: "ok", Finding.update: "open",
    Finding.unchanged: "done",
}  # fmt: skip
OUTCOME_LABELS = {
    Outcome.made: _("Made"),
    Outcome.changed: _("Brought up to date"),
    Outcome.skipped: _("Left out"),
    Outcome.undone: _("Import undone"),
    Outcome.left: _("Not taken back, or not whole"),
}
UPDATE_LABELS = {
    OnUpdate.fill: _("Fill in only what is empty"),
    OnUpdate.overwrite: _("Write over what is there"),
}
DUPLICATE_LABELS = {
    OnDuplicate.skip: _("Leave these rows out"),
    OnDuplicate.update: _("Write them to that customer, or to the one made of the earlier row"),
    OnDuplicate.make: _("Make them all the same, and say why"),
}
#: of purchases and contacts, which are like an earlier row of the file
DUPLICATE_ROW_LABELS = {
    OnDuplicate.skip: _("Write each of them once"),
    OnDuplicate.make: _("Write all of them, and say why"),
}
#: events of the audit log
IMPORT_EVENTS = {
    "import.begun": _("File brought in: begun"),
    "import.applied": _("File brought in"),
    "import.failed": _("File brought in: stopped"),
    "import.undone": _("Import taken back"),
}
