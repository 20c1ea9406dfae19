"""What nobody reads before the transaction ends is written at its end: rows of one table by one statement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

#: writes rows that were put off, in the order in which they were
Writer = Callable[[Session, Sequence[Any]], None]

_WAITING = "later"
#: by savepoint how many waited when it began
_BEFORE = "later_before"


def later(session: Session, write: Writer, row: Any) -> None:
    """Let `write` have the row when the transaction is about to end. What is rolled back is never written."""
    session.info.setdefault(_WAITING, []).append((write, row))


def waits(session: Session) -> bool:
    """Is something put off that cannot be written yet? So inside a savepoint, which may be undone alone."""
    return bool(session.info.get(_WAITING)) and session.in_nested_transaction()


def write_now(session: Session) -> None:
    """Write what was put off so far. Inside a savepoint all of it waits on: that may be undone alone."""
    if session.in_nested_transaction():
        return
    rows: dict[Writer, list[Any]] = {}
    for write, row in session.info.pop(_WAITING, ()):
        rows.setdefault(write, []).append(row)
    for write, waiting in rows.items():
        write(session, waiting)


@event.listens_for(Session, "before_commit")
def _at_the_end(session: Session) -> None:
    write_now(session)


@event.listens_for(Session, "after_transaction_create")
def _savepoint_begins(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        session.info.setdefault(_BEFORE, {})[transaction] = len(session.info.get(_WAITING, ()))


@event.listens_for(Session, "after_transaction_end")
def _all_ends(session: Session, transaction: SessionTransaction) -> None:
    # Not with the savepoint itself: it ends before it is told of as undone, and all that waited would be gone.
    if transaction.parent is None:
        session.info.pop(_BEFORE, None)


@event.listens_for(Session, "after_soft_rollback")
def _undone(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        before: dict[SessionTransaction, int] = session.info.get(_BEFORE, {})
        del session.info.get(_WAITING, [])[before.pop(transaction, 0) :]
    elif not session.in_nested_transaction():
        session.info.pop(_WAITING, None)
