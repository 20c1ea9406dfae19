"""What is done to the audit log? Nothing but this: personal values of one record are taken out of it."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.audit import queries
from app.audit.kinds import KINDS
from app.core import audit
from app.core.access import Actor
from app.core.audit import AuditEvent, AuditSensitive
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.i18n import _

LONGEST_REASON = 500


class NothingKeptError(BusinessError):
    """There is no personal value to take out."""

    code = "nothing_kept"
    message = _("The log keeps no personal values of this record.")


def erase_sensitive(session: Session, table: str, record_id: int, reason: str, *, by: Actor) -> int:
    """Take the old and new personal values of a record, and of all that tells of it, out of the log; how many.

    Of a part the whole record is meant. That they changed, when and by whom stays, and so does the chain: it holds
    their fingerprints alone. Each row's erasure is an event of its own. Raises NotFoundError for a table that the log
    does not know, InvalidInputError without a reason, NothingKeptError.
    """
    by.must("delete", "Audit")
    if table not in KINDS:
        raise NotFoundError
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidInputError(fields={"reason": [_("Say why. Example: the customer asked for it on 12/11/2026.")]})
    if len(reason) > LONGEST_REASON:
        raise InvalidInputError(fields={"reason": [_("At most %(count)d characters, please.", count=LONGEST_REASON)]})
    kept = queries.values_kept(session, queries.rows_of(session, table, record_id))
    if not kept:
        raise NothingKeptError
    for (one, row_id), count in kept.items():
        events = select(AuditEvent.id).where(AuditEvent.table_name == one, AuditEvent.record_id == row_id)
        session.execute(
            delete(AuditSensitive).where(AuditSensitive.event_id.in_(events)),
            execution_options={"synchronize_session": False},
        )
        audit.record(
            session, audit.ERASED, table=one, record_id=row_id, changes={"values": count}, reason=reason, by=by
        )
    return sum(kept.values())
