"""How do rows go for good, where a company is rid of what was never real? By name, past the triggers that keep them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import ClassVar

from sqlalchemy import String, Table, UniqueConstraint, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.access import Actor
from app.core.audit import ERASED, AuditEvent, AuditSensitive, record
from app.core.db import Entity
from app.core.ddl import removable

#: as many ids stand in one statement
AT_ONCE = 500


class RemovalPermit(Entity):
    """A row that may be deleted although its table keeps its rows. There is none outside of `remove`: no transaction
    ends with one."""

    __tablename__ = "removal_permit"
    __audited__ = False
    __table_args__: ClassVar = (UniqueConstraint("table_name", "record_id"), {"extend_existing": False})

    table_name: Mapped[str] = mapped_column(String(60))
    record_id: Mapped[int] = mapped_column()


_UNSYNCED = {"synchronize_session": False}


def remove(session: Session, table: Table, ids: Collection[int]) -> None:
    """Delete these rows. What points to them has to be gone: IntegrityError otherwise. Writes no audit: the caller
    says in his own event what went."""
    keeps_rows = table.name in removable
    for some in a_few(ids):
        if keeps_rows:
            session.execute(insert(RemovalPermit), [{"table_name": table.name, "record_id": one} for one in some])
        session.execute(delete(table).where(table.c.id.in_(some)))
        if keeps_rows:
            used = delete(RemovalPermit).where(RemovalPermit.table_name == table.name)
            session.execute(used, execution_options=_UNSYNCED)


def erase_values(
    session: Session, table: str, ids: Collection[int], *, reason: str | None = None, by: Actor | None = None
) -> int:
    """Take the personal values of these rows out of the audit log; how many. Its events stay, and each row's erasure
    is an event of its own: by that `flask audit-verify` knows that nobody took them in secret."""
    erased = 0
    for some in a_few(ids):
        of_these = (AuditEvent.table_name == table) & AuditEvent.record_id.in_(some)
        counted = session.execute(
            select(AuditEvent.record_id, func.count(AuditSensitive.id))
            .join(AuditSensitive, AuditSensitive.event_id == AuditEvent.id)
            .where(of_these).group_by(AuditEvent.record_id)
        ).all()  # fmt: skip
        if counted:
            kept = delete(AuditSensitive).where(AuditSensitive.event_id.in_(select(AuditEvent.id).where(of_these)))
            session.execute(kept, execution_options=_UNSYNCED)
        for record_id, count in counted:
            record(session, ERASED, table=table, record_id=record_id, changes={"values": count}, reason=reason, by=by)
            erased += count
    return erased


def a_few(ids: Collection[int]) -> Iterator[Sequence[int]]:
    listed = sorted(ids)
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]
