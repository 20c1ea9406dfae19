"""How does whoever asked for a file learn that it is ready? By a line in his bell."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core import clock
from app.core.exports import Export, ExportState, title_of
from app.core.i18n import _
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell

EXPORT_DONE = "export_done"
EXPORT_FAILED = "export_failed"

register_bell_kind(EXPORT_DONE, lambda data: _("Your file is ready: %(list)s", list=title_of(data["list_key"])))
register_bell_kind(
    EXPORT_FAILED, lambda data: _("Your file could not be written: %(list)s", list=title_of(data["list_key"]))
)


def tell_of_export(session: Session, export: Export) -> None:
    """The file that he asked for is ready, or will never be."""
    post_bell(
        session,
        to=export.member_id,
        kind=EXPORT_DONE if export.state is ExportState.done else EXPORT_FAILED,
        data={"list_key": export.list_key},
        subject_type="export",
        subject_id=export.id,
        at=clock.now(),
    )
