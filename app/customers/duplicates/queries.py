"""Which pairs may one decide on, who became part of whom, and what was made one lately?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, aliased

from app.core import clock
from app.core.access import Actor, row_rule, visible
from app.customers.duplicates.models import UNDO_WITHIN, CustomerMerge, DuplicatePair, DuplicateRun, PairState
from app.customers.models import Customer

#: a chain of merges is not longer
_LONGEST_CHAIN = 50


def live_merge(customer_id: Any) -> Select[CustomerMerge]:
    """How he became part of another one; nothing for whoever did not."""
    return select(CustomerMerge).where(CustomerMerge.merged_id == customer_id, CustomerMerge.undone_at.is_(None))


def merged_into(session: Session, customer_id: int) -> int | None:
    """The one whom he is part of now, through whatever was merged since; None: he is himself."""
    found = None
    for _step in range(_LONGEST_CHAIN):
        log = session.scalars(live_merge(found or customer_id)).one_or_none()
        if log is None:
            break
        found = log.kept_id
    return found


def _editable(who: Actor, column: Any) -> ColumnElement[bool]:
    """Seen, edited and archived by him; in use, unless both were made one."""
    in_use = Customer.archived_at.is_(None) | (DuplicatePair.state == PairState.merged)
    allowed = (visible(Customer, who), visible(Customer, who, "edit"), visible(Customer, who, "delete"))
    return select(Customer.id).where(Customer.id == column, in_use, *allowed).correlate(DuplicatePair).exists()


@row_rule(DuplicatePair)
def _pairs(who: Actor, _action: str) -> ColumnElement[bool]:
    """Of two customers, both of whom are his."""
    return _editable(who, DuplicatePair.first_id) & _editable(who, DuplicatePair.second_id)


@row_rule(CustomerMerge)
def _merges(who: Actor, _action: str) -> ColumnElement[bool]:
    return CustomerMerge.kept_id.in_(
        select(Customer.id).where(visible(Customer, who), visible(Customer, who, "edit")).correlate(None)
    )


def pairs(who: Actor, state: PairState = PairState.open) -> Select[DuplicatePair]:
    """The surest first, those that were saved for a reason last; of those decided the last decided first."""
    rows = select(DuplicatePair).where(DuplicatePair.state == state, visible(DuplicatePair, who))
    if who.is_system and state is not PairState.merged:
        first, second = aliased(Customer), aliased(Customer)
        rows = rows.join(first, first.id == DuplicatePair.first_id).join(second, second.id == DuplicatePair.second_id)
        rows = rows.where(first.archived_at.is_(None), second.archived_at.is_(None))
    if state is PairState.open:
        return rows.order_by(DuplicatePair.note.is_not(None), DuplicatePair.score.desc(), DuplicatePair.id)
    return rows.order_by(DuplicatePair.decided_at.desc(), DuplicatePair.id.desc())


def pair_of(session: Session, one: int, other: int) -> DuplicatePair | None:
    first, second = sorted((one, other))
    rows = select(DuplicatePair).where(DuplicatePair.first_id == first, DuplicatePair.second_id == second)
    return session.scalars(rows).one_or_none()


def merges(who: Actor) -> Select[CustomerMerge]:
    """Those that can still be taken back, the last first."""
    rows = select(CustomerMerge).where(CustomerMerge.undone_at.is_(None), visible(CustomerMerge, who))
    return rows.where(CustomerMerge.at >= clock.now() - UNDO_WITHIN).order_by(CustomerMerge.id.desc())


def runs() -> Select[DuplicateRun]:
    return select(DuplicateRun).order_by(DuplicateRun.started_at.desc(), DuplicateRun.id.desc())
