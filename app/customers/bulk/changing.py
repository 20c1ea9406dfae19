"""How are these customers changed, and given back what stood there? One by one through the service that changes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor, get_visible
from app.core.audit import AuditEvent
from app.core.errors import BusinessError, ConflictError, NotFoundError, Sentence
from app.core.formats import exact_text
from app.core.i18n import _
from app.core.screens import extra
from app.core.turns import added
from app.customers import former, services, tags
from app.customers.bulk import fields
from app.customers.bulk.fields import TAGS_ADD, TAGS_REMOVE
from app.customers.bulk.models import BulkEdit, BulkEditRow, BulkOutcome
from app.customers.models import Customer
from app.customers.profile_models import CustomerTag, Tag
from app.security.models import Member

#: customers in one transaction of the worker
LOT = 100
HIDDEN: Sentence = _("This customer is not yours to see any more.")


def change_lot(session: Session, job: BulkEdit, *, by: Actor, limit: int) -> int:
    """Change the next customers; how many it was done with. What is refused for one is kept with him."""
    rows = session.scalars(
        select(BulkEditRow).where(BulkEditRow.job_id == job.id, BulkEditRow.outcome.is_(None))
        .order_by(BulkEditRow.id).limit(limit)
    ).all()  # fmt: skip
    values = fields.values_of(session, job.changes)
    for row in rows:
        _each(session, row, by, partial(_change, session, job, row, values, by), otherwise=BulkOutcome.refused)
    _count(session, job, rows)
    return len(rows)


def give_back_lot(session: Session, job: BulkEdit, *, by: Actor, limit: int) -> int:
    """Give the next of the changed customers back what stood there, where nobody has changed it since."""
    rows = session.scalars(
        select(BulkEditRow).where(BulkEditRow.job_id == job.id, BulkEditRow.outcome == BulkOutcome.changed)
        .order_by(BulkEditRow.id).limit(limit)
    ).all()  # fmt: skip
    for row in rows:
        _each(session, row, by, partial(_give_back, session, job, row, by), otherwise=BulkOutcome.left)
    _count(session, job, rows)
    return len(rows)


def _each(
    session: Session, row: BulkEditRow, by: Actor, does: Callable[[], BulkOutcome], *, otherwise: BulkOutcome
) -> None:
    """All of it, or nothing and the reason."""
    try:
        with session.begin_nested():
            row.outcome = does()
    except BusinessError as refusal:
        row.outcome, row.reasons = otherwise, [*row.reasons, *_sentences(refusal, by)]


def _sentences(refusal: BusinessError, by: Actor) -> list[str]:
    if isinstance(refusal, NotFoundError):
        return [str(HIDDEN)]
    if isinstance(refusal, ConflictError) and refusal.details.get("by"):
        time = exact_text(refusal.details["at"], by.time_zone)
        return [str(_("%(name)s changed this customer at %(time)s.", name=refusal.details["by"], time=time))]
    told = [str(one) for sentences in refusal.fields.values() for one in sentences]
    return told or [str(refusal.message)]


def _count(session: Session, job: BulkEdit, rows: Sequence[BulkEditRow]) -> None:
    session.flush()
    job.rows_done += len(rows)
    job.written = added(job.written, (row.outcome for row in rows))
    session.flush()


# ── forth ──
def _change(session: Session, job: BulkEdit, row: BulkEditRow, values: dict[str, Any], by: Actor) -> BulkOutcome:
    customer = get_visible(session, Customer, row.customer_id, by)
    old = {column: getattr(customer, column) for column in fields.COLUMNS}
    services.change_customer(session, customer, by=by, rev=row.rev, **values)
    written = {
        column: [former.kept(value), former.kept(getattr(customer, column))]
        for column, value in old.items() if getattr(customer, column) != value
    }  # fmt: skip
    put_on, taken_off = _retag(session, customer, job.changes, by)
    own = _set_own(session, customer, fields.own_of(job.changes), by)
    if not (written or put_on or taken_off or own):
        return BulkOutcome.same
    row.before = {"columns": written, "added": put_on, "removed": taken_off, "own": own}
    return BulkOutcome.changed


def _set_own(session: Session, customer: Customer, said: dict[str, Any], by: Actor) -> dict[str, list[Any]]:
    """What the company wants to know besides; bare key → [before, now] of what is another now."""
    added = extra.extra_of("Customer")
    if added is None or not said:
        return {}
    was = added.values(session, [customer.id], by)[customer.id]
    added.save(session, customer.id, said, by=by, is_new=False, is_whole=False)
    now = added.values(session, [customer.id], by)[customer.id]
    return {key: [was.get(key), now.get(key)] for key in said if was.get(key) != now.get(key)}


def _own_back(session: Session, customer: Customer, before: dict[str, Any], by: Actor) -> list[str]:
    told, added = before.get("own") or {}, extra.extra_of("Customer")
    if not told or added is None:
        return []
    now = added.values(session, [customer.id], by)[customer.id]
    back = {key: old for key, (old, new) in told.items() if now.get(key) == new}
    added.save(session, customer.id, back, by=by, is_new=False, is_whole=False)
    labels = extra.fields_of("Customer")
    return [
        str(_("%(field)s: changed since, left as it is.", field=labels[extra.PREFIX + key].label))
        for key in told if key not in back and extra.PREFIX + key in labels
    ]  # fmt: skip


def _retag(session: Session, customer: Customer, changes: dict[str, Any], by: Actor) -> tuple[list[int], list[int]]:
    """The tags that were put on, and taken off."""
    if not {TAGS_ADD, TAGS_REMOVE} & changes.keys():
        return [], []
    worn = _worn(session, customer.id)
    off = tags.read_names(changes.get(TAGS_REMOVE, ())).keys()
    kept = [tag.name for tag in worn.values() if tag.key not in off]
    tags.set_tags(session, customer, [*kept, *changes.get(TAGS_ADD, ())], by=by)
    now = _worn(session, customer.id)
    return sorted(now.keys() - worn.keys()), sorted(worn.keys() - now.keys())


def _worn(session: Session, customer_id: int) -> dict[int, Tag]:
    rows = select(Tag).join(CustomerTag, CustomerTag.tag_id == Tag.id).where(CustomerTag.customer_id == customer_id)
    return {tag.id: tag for tag in session.scalars(rows.order_by(CustomerTag.id))}


# ── back ──
def _give_back(session: Session, job: BulkEdit, row: BulkEditRow, by: Actor) -> BulkOutcome:
    before = row.before or {}
    customer = get_visible(session, Customer, row.customer_id, by, "edit")
    services.lock_for(session, customer, by, "edit")
    back: dict[str, Any] = {}
    why: list[str] = []
    for group in fields.together(before.get("columns", {})):
        hindrance = _hindrance(session, job, customer, group, by)
        if hindrance is None:
            back |= group
        else:
            why.append(hindrance)
    services.give_back(session, customer, back, by=by)
    why += _retag_back(session, customer, before, by)
    why += _own_back(session, customer, before, by)
    row.reasons = [*row.reasons, *why]
    return BulkOutcome.left if why else BulkOutcome.undone


def _hindrance(session: Session, job: BulkEdit, customer: Customer, group: dict[str, Any], by: Actor) -> str | None:
    """Why what belongs together is left as it stands now; None: it can be given back."""
    label = fields.COLUMNS[next(iter(group))].label
    if not former.is_as_written(customer, group):
        return _since(session, job, customer, set(group), label, by)
    owner_id = group["owner_id"][0] if "owner_id" in group else None
    owner = session.get(Member, owner_id) if owner_id else None
    if owner is not None and not owner.is_active:
        return str(_("%(field)s: %(name)s does not work here any more.", field=label, name=owner.name))
    return None


def _since(session: Session, job: BulkEdit, customer: Customer, columns: set[str], label: Sentence, by: Actor) -> str:
    """Who has changed one of these columns since, and when."""
    events = session.execute(
        select(AuditEvent.changes, AuditEvent.at, Member.name).outerjoin(Member, Member.id == AuditEvent.actor_id)
        .where(AuditEvent.table_name == "customer", AuditEvent.record_id == customer.id)
        .where(AuditEvent.at >= (job.applied_at or clock.now())).order_by(AuditEvent.id.desc()).limit(50)
    )  # fmt: skip
    found = next((one for one in events if columns & set(one.changes or {})), None)
    if found is None or found.name is None:
        return str(_("%(field)s: changed since, left as it is.", field=label))
    time = exact_text(found.at, by.time_zone)
    return str(_("%(field)s: changed by %(name)s at %(time)s.", field=label, name=found.name, time=time))


def _retag_back(session: Session, customer: Customer, before: dict[str, Any], by: Actor) -> list[str]:
    put_on, taken_off = before.get("added", ()), before.get("removed", ())
    if not put_on and not taken_off:
        return []
    worn = _worn(session, customer.id)
    gone = [number for number in put_on if number not in worn]
    come = [number for number in taken_off if number in worn]
    names = [tag.name for number, tag in worn.items() if number not in put_on]
    names += [session.get_one(Tag, number).name for number in taken_off if number not in worn]
    tags.set_tags(session, customer, names, by=by)
    if not gone and not come:
        return []
    told = ", ".join(session.get_one(Tag, number).name for number in (*gone, *come))
    return [str(_("Tags: %(names)s changed since, left as they are.", names=told))]
