"""How does somebody learn that his file is in, or why it is not? By a line in his bell, and in the administrators'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock
from app.core.i18n import _
from app.imports.models import ImportJob, ImportPhase
from app.imports.services import OWNER
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell
from app.security.queries import members_with_role
from app.security.roles import ADMIN

_DONE, _UNDONE, _FAILED = "import_done", "import_undone", "import_failed"


def _of(data: Mapping[str, Any]) -> str:
    return str(data["file"])


register_bell_kind(_DONE, lambda data: _("Your file is in: %(file)s", file=_of(data)))
register_bell_kind(_UNDONE, lambda data: _("Taken back: %(file)s", file=_of(data)))
register_bell_kind(_FAILED, lambda data: _("Bringing in %(file)s has stopped", file=_of(data)))
_KINDS = {ImportPhase.applied: _DONE, ImportPhase.undone: _UNDONE}


def tell_of_import(session: Session, job: ImportJob) -> None:
    """It is over. What stopped is told to the administrators too: its owner may be gone."""
    kind = _KINDS.get(job.state, _FAILED)
    people = {job.acting_id, job.member_id}
    if kind == _FAILED:
        people |= {member.id for member in members_with_role(session, ADMIN)}
    for number in sorted(people):
        post_bell(session, to=number, kind=kind, data={"file": job.file_name}, subject_type=OWNER, subject_id=job.id,
                  at=clock.now())  # fmt: skip
