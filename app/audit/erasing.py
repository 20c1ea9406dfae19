"""How are the personal values of one record, and of all that tells of it, taken out of the log for good?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.audit.kinds import KINDS
from app.audit.records import words_of
from app.core import history
from app.core.access import Actor
from app.core.audit import AuditEvent, AuditSensitive
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.removing import a_few, erase_values

LONGEST_REASON = 500

Rows = Mapping[str, Collection[int]]


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
    rows = rows_of(session, table, record_id)
    erased = sum(erase_values(session, one, ids, reason=reason, by=by) for one, ids in rows.items())
    if not erased:
        raise NothingKeptError
    return erased


def whole_of(session: Session, table: str, record_id: int) -> tuple[str, int]:
    """The record that people know, of which such a row is a part, or beside which it lies; else the row itself."""
    known = KINDS[table]
    if known.beside:
        return whole_of(session, known.beside, record_id)
    model = history.model_of(table)
    if known.part_of is None or model is None:
        return table, record_id
    above = session.scalar(select(getattr(model, known.part_of[0])).where(model.id == record_id))
    return (table, record_id) if above is None else whole_of(session, known.part_of[1], above)


def rows_of(session: Session, table: str, record_id: int) -> Rows:
    """All that tells of the record, by table: itself, what is beside it, its parts, what names it as its customer or
    its subject, and what tells of those in turn."""
    whole, number = whole_of(session, table, record_id)
    found: dict[str, set[int]] = {whole: {number}}
    fresh: dict[str, set[int]] = {whole: {number}}
    while fresh:
        reached: defaultdict[str, set[int]] = defaultdict(set)
        for target, ids in fresh.items():
            for other in KINDS:
                reached[other] |= _telling_of(session, other, target, ids)
        fresh = {other: new for other, ids in reached.items() if (new := ids - found.get(other, set()))}
        for other, ids in fresh.items():
            found.setdefault(other, set()).update(ids)
    return found


def _telling_of(session: Session, table: str, target: str, ids: Collection[int]) -> set[int]:
    """The rows of one table that tell of these of another one."""
    known, model = KINDS[table], history.model_of(table)
    if model is None:
        return set()
    if known.beside == target:
        return set(ids)
    by_key = dict([known.part_of] if known.part_of else []) | dict(known.tells_of)
    columns = [getattr(model, column) for column, whose in by_key.items() if whose == target]
    words = words_of(target)
    found: set[int] = set()
    for some in a_few(ids):
        either = [column.in_(some) for column in columns]
        if known.about is not None and words:
            kind, number = (getattr(model, column) for column in known.about)
            either.append(and_(kind.in_(words), number.in_(some)))
        if either:
            found |= set(session.scalars(select(model.id).where(or_(*either))))
    return found


def values_kept(session: Session, rows: Rows) -> dict[tuple[str, int], int]:
    """How many personal values the log still keeps of each of these rows; rows without any are left out."""
    found: dict[tuple[str, int], int] = {}
    for table, ids in rows.items():
        for some in a_few(ids):
            counted = session.execute(
                select(AuditEvent.record_id, func.count(AuditSensitive.id))
                .join(AuditSensitive, AuditSensitive.event_id == AuditEvent.id)
                .where(AuditEvent.table_name == table, AuditEvent.record_id.in_(some)).group_by(AuditEvent.record_id)
            )  # fmt: skip
            found |= {(table, record_id or 0): count for record_id, count in counted}
    return found
