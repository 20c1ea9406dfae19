"""Whose bulk edits are these, and what would one do: to how many customers, and not to which, and why?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, select, true
from sqlalchemy.orm import Session

from app.core.access import Actor, row_rule, scoped, visible
from app.core.conditions.fields import Kind
from app.core.screens import extra
from app.core.vietnamese import fold
from app.customers.bulk.fields import FIELDS, HANDED, TAGS_ADD, TAGS_REMOVE
from app.customers.bulk.models import BulkEdit, BulkEditRow, BulkOutcome
from app.customers.models import Customer
from app.customers.profile_models import CustomerTag, Tag

#: customers that a preview names for each reason
NAMED = 8


@row_rule(BulkEdit)
def _edits(actor: Actor, action: str) -> ColumnElement[bool]:
    """One's own; whoever may change all customers sees, and takes back, everybody's that were begun."""
    if not actor.may("edit", "Customer"):
        return false()
    reached = scoped(actor.scope("Customer", "edit"), actor, owner_id=BulkEdit.member_id)
    return reached & (BulkEdit.applied_at.is_not(None) | (BulkEdit.member_id == actor.user_id))


def edits(who: Actor) -> Select[BulkEdit]:
    """Newest first, without those that nobody went on with."""
    rows = select(BulkEdit).where(visible(BulkEdit, who), BulkEdit.applied_at.is_not(None))
    return rows.order_by(BulkEdit.id.desc())


class Fate(StrEnum):
    """What would become of a customer, as far as it is known before."""

    change = auto()
    same = auto()
    hidden = auto()
    archived = auto()
    not_yours = auto()
    not_to_hand = auto()


@dataclass(frozen=True)
class Preview:
    """How many customers each fate has, and the first ones that would be refused, by their codes and names."""

    counts: Mapping[Fate, int]
    named: Mapping[Fate, Sequence[tuple[str, str]]] = field(default_factory=dict)

    @property
    def changes(self) -> int:
        return self.counts.get(Fate.change, 0)

    @property
    def refused(self) -> int:
        return sum(count for fate, count in self.counts.items() if fate not in (Fate.change, Fate.same))


def preview(session: Session, job: BulkEdit, who: Actor) -> Preview:
    """Two queries, however many customers were chosen. Of those that he does not see, only their number is told."""
    fate = _fate(job.changes, who).label("fate")
    rows = select(fate, func.count()).select_from(BulkEditRow).join(Customer, Customer.id == BulkEditRow.customer_id)
    counts = {Fate(name): count for name, count in session.execute(
        rows.where(BulkEditRow.job_id == job.id).group_by(fate)
    )}  # fmt: skip
    told = [one for one in (Fate.archived, Fate.not_yours, Fate.not_to_hand) if counts.get(one)]
    named = {one: _named(session, job, who, one) for one in told}
    return Preview(counts, named)


def _named(session: Session, job: BulkEdit, who: Actor, fate: Fate) -> Sequence[tuple[str, str]]:
    rows = (
        select(Customer.code, Customer.name).join(BulkEditRow, BulkEditRow.customer_id == Customer.id)
        .where(BulkEditRow.job_id == job.id, visible(Customer, who), _fate(job.changes, who) == fate)
        .order_by(BulkEditRow.id).limit(NAMED)
    )  # fmt: skip
    return [(row.code, row.name) for row in session.execute(rows)]


def _fate(changes: Mapping[str, Any], who: Actor) -> ColumnElement[Any]:
    may_hand = visible(Customer, who, "assign") if set(changes) & set(HANDED) else true()
    return case(
        (~visible(Customer, who), literal(str(Fate.hidden))),
        (Customer.archived_at.is_not(None), literal(str(Fate.archived))),
        (~visible(Customer, who, "edit"), literal(str(Fate.not_yours))),
        (~may_hand, literal(str(Fate.not_to_hand))),
        (_is_so(changes), literal(str(Fate.same))),
        else_=literal(str(Fate.change)),
    )


def _is_so(changes: Mapping[str, Any]) -> ColumnElement[bool]:
    """Customers on whom everything stands already that is set."""
    so: list[ColumnElement[bool]] = [true()]
    for key, value in changes.items():
        if key == TAGS_ADD:
            so += [_wears(name) for name in value]
        elif key == TAGS_REMOVE:
            so += [~_wears(name) for name in value]
        elif key in FIELDS:
            column = getattr(Customer, FIELDS[key].column or key)
            plain = date.fromisoformat(value) if key == "next_contact_on" and value else value
            so.append(column.is_not_distinct_from(plain))
        elif key.startswith(extra.PREFIX):
            so.append(_own_is_so(key, value))
        elif key == "do_not_contact_reason" and value is not None:
            so.append(Customer.do_not_contact_reason.is_not_distinct_from(value))
    return and_(*so)


def _own_is_so(key: str, value: Any) -> ColumnElement[bool]:
    """Of a field that the company added; of what is told by another record's name nobody says it beforehand."""
    one = extra.fields_of("Customer").get(key)
    if one is None or one.derived.kind in (Kind.person, Kind.team):
        return false()
    plain = "\n".join(value) if isinstance(value, list) else value
    if value is not None and one.derived.kind is Kind.date:
        plain = date.fromisoformat(value)
    elif value is not None and one.derived.kind is Kind.moment:
        plain = datetime.fromisoformat(value)
    found: ColumnElement[bool] = one.derived.value.is_not_distinct_from(plain)
    return found


def _wears(name: str) -> ColumnElement[bool]:
    rows = select(CustomerTag.id).join(Tag, Tag.id == CustomerTag.tag_id)
    return rows.where(CustomerTag.customer_id == Customer.id, Tag.key == fold(name)).correlate(Customer).exists()


# ── what became of the customers ──
@dataclass(frozen=True)
class RowTold:
    """One of the customers; without a code he is not this reader's to see."""

    code: str
    name: str
    customer_id: int | None
    outcome: BulkOutcome
    reasons: Sequence[str]


def rows_of(
    session: Session, job: BulkEdit, outcomes: Collection[BulkOutcome], who: Actor, *, limit: int
) -> Sequence[RowTold]:
    seen = visible(Customer, who).label("seen")
    rows = (
        select(BulkEditRow.outcome, BulkEditRow.reasons, Customer.id, Customer.code, Customer.name, seen)
        .join(Customer, Customer.id == BulkEditRow.customer_id)
        .where(BulkEditRow.job_id == job.id, BulkEditRow.outcome.in_(list(outcomes)))
        .order_by(BulkEditRow.id).limit(limit)
    )  # fmt: skip
    return [
        RowTold(row.code, row.name, row.id, row.outcome, row.reasons) if row.seen
        else RowTold("", "", None, row.outcome, row.reasons if job.member_id == who.user_id else [])
        for row in session.execute(rows)
    ]  # fmt: skip
