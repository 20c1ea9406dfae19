"""How is an import taken back? What it made is put away, what it changed becomes what it was; what a person has
changed since stays as it is, and is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session, selectinload

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.audit import AuditAction, AuditEvent
from app.core.i18n import _
from app.core.screens import extra
from app.customers import former, indexing, reach
from app.customers.interactions import STRUCK, last_contact, retell
from app.customers.models import Customer, TimelineEntry
from app.customers.profile_models import CustomerTag, Interaction, Purchase
from app.imports.customers import SUBJECT
from app.imports.models import ImportJob, ImportPhase, ImportRow, ImportTarget, Outcome

#: of the timeline: as what the rows of other targets stand there
_SUBJECTS = {ImportTarget.purchases: "purchase", ImportTarget.interactions: "interaction"}


def take_back(session: Session, job: ImportJob, rows: Sequence[ImportRow], *, by: Actor) -> None:
    """These rows, the last one of the file first. Each gets the outcome undone or left."""
    if job.target is ImportTarget.customers:
        _take_back_customers(session, job, rows, by)
    elif job.target is ImportTarget.purchases:
        _take_back_events(session, Purchase, rows, by)
    else:
        _take_back_events(session, Interaction, rows, by)
    session.flush()


def _leave(row: ImportRow) -> None:
    row.outcome = Outcome.left
    row.reasons = [*row.reasons, str(_("Somebody has changed it since: it was left as it is."))]


# ── customers ──
def _take_back_customers(session: Session, job: ImportJob, rows: Sequence[ImportRow], by: Actor) -> None:
    ids = {row.record_id for row in rows if row.record_id is not None}
    customers = {
        one.id: one for one in session.scalars(
            select(Customer).where(Customer.id.in_(sorted(ids))).order_by(Customer.id)
            .options(selectinload(Customer.all_contact_points)).with_for_update(of=Customer)
        )
    }  # fmt: skip
    touched, employed = _touched(session, job, ids), _employed(session, ids)
    changed: set[int] = set()
    for row in rows:
        customer = customers.get(row.record_id or 0)
        lost: list[str] = []
        is_made = row.outcome is Outcome.made
        is_used = customer is not None and (customer.id in touched or bool(employed.get(customer.id)))
        if customer is None or customer.is_archived or (is_made and is_used):
            _leave(row)
            continue
        if is_made:
            customer.archived_at, customer.archived_by_id = clock.now(), by.user_id
            kind = "archived"
            employed.get(customer.company_id or 0, set()).discard(customer.id)
        elif not former.is_as_written(customer, (row.before or {})["columns"]):
            _leave(row)
            continue
        else:
            lost = _put_back(session, customer, row.before or {})
            row.reasons = [*row.reasons, *lost]
            changed.add(customer.id)
            kind = "changed"
        row.outcome = Outcome.left if lost else Outcome.undone
        fields = sorted((row.before or {}).get("columns", {})) if kind == "changed" else []
        session.add(TimelineEntry(
            customer_id=customer.id, at=clock.now(), kind=kind, actor_id=by.user_id, subject_type=SUBJECT,
            subject_id=job.id, data={"fields": fields} if fields else {},
        ))  # fmt: skip
    session.flush()
    if changed:
        indexing.renew(session, changed)
        indexing.changed(session, Customer.company_id.in_(changed))


def _touched(session: Session, job: ImportJob, ids: Collection[int]) -> set[int]:
    """With whom anybody has done anything since this import made him: his timeline tells. What imports did that were
    taken back, and this one itself, does not count."""
    is_ours = and_(TimelineEntry.subject_type == SUBJECT, TimelineEntry.subject_id == job.id)
    made = (
        select(TimelineEntry.customer_id, func.min(TimelineEntry.id).label("first"))
        .where(is_ours, TimelineEntry.customer_id.in_(sorted(ids))).group_by(TimelineEntry.customer_id).subquery()
    )  # fmt: skip
    undone = select(ImportJob.id).where((ImportJob.id == job.id) | (ImportJob.phase == ImportPhase.undone))
    is_undone = and_(TimelineEntry.subject_type == SUBJECT, TimelineEntry.subject_id.in_(undone))
    for target, subject in _SUBJECTS.items():
        rows = select(ImportRow.record_id).join(ImportJob, ImportJob.id == ImportRow.job_id).where(
            ImportJob.target == target, ImportRow.outcome == Outcome.undone
        )  # fmt: skip
        is_undone |= and_(TimelineEntry.subject_type == subject, TimelineEntry.subject_id.in_(rows))
    since = (
        select(TimelineEntry.customer_id).join(made, made.c.customer_id == TimelineEntry.customer_id)
        .where(TimelineEntry.id > made.c.first, TimelineEntry.actor_id.is_not(None))
        .where(or_(TimelineEntry.subject_type.is_(None), ~is_undone)).distinct()
    )  # fmt: skip
    return set(session.scalars(since))


def _employed(session: Session, ids: Collection[int]) -> dict[int, set[int]]:
    """Company → the customers in use who work there."""
    found: dict[int, set[int]] = {}
    rows = select(Customer.company_id, Customer.id).where(
        Customer.company_id.in_(sorted(ids)), Customer.archived_at.is_(None)
    )
    for company, number in session.execute(rows):
        if company is not None:
            found.setdefault(company, set()).add(number)
    return found


def _put_back(session: Session, customer: Customer, before: dict[str, Any]) -> list[str]:
    """What stood there before; in sentences, what could not be given back."""
    added = set(before.get("contacts", ()))
    for point in [one for one in customer.contact_points if one.id in added]:
        reach.take_out_of_use(customer, point)
    worn = before.get("tags", ())
    if worn:
        put_on = CustomerTag.customer_id == customer.id, CustomerTag.tag_id.in_(worn)
        for tag in session.scalars(select(CustomerTag).where(*put_on)):
            session.delete(tag)
    former.put_back(session, customer, before["columns"])
    return _own_back(session, customer, before.get("own") or {})


def _own_back(session: Session, customer: Customer, told: Mapping[str, Sequence[Any]]) -> list[str]:
    """The same of the company's own fields: bare key → [before, what was written]."""
    company = extra.extra_of("Customer")
    if not told or company is None:
        return []
    now = company.values(session, [customer.id], SYSTEM)[customer.id]
    back = {key: old for key, (old, new) in told.items() if now.get(key) == new}
    # What would not be taken today (it is required by now, somebody else has it) stays as the file has left it.
    refused = extra.save_what_goes(company, session, customer.id, back, by=SYSTEM, is_told=False)
    labels = extra.fields_of("Customer")
    lost = []
    for key, (old, _new) in told.items():
        label = labels[extra.PREFIX + key].label if extra.PREFIX + key in labels else key
        if key in refused:
            why = " ".join(map(str, refused[key]))
            lost.append(str(_("%(field)s: what stood there before could not be given back. %(why)s",
                              field=label, why=why)))  # fmt: skip
        elif key not in back and now.get(key) != old:
            lost.append(str(_("%(field)s: changed since, left as it is.", field=label)))
    return lost


# ── purchases and contacts ──
def _take_back_events(session: Session, model: type[Any], rows: Sequence[ImportRow], by: Actor) -> None:
    ids = {row.record_id for row in rows if row.record_id is not None}
    found = {one.id: one for one in session.scalars(select(model).where(model.id.in_(sorted(ids))))}
    edited = set(session.scalars(
        select(AuditEvent.record_id).where(
            AuditEvent.table_name == model.__tablename__, AuditEvent.record_id.in_(sorted(ids)),
            AuditEvent.action == AuditAction.change, AuditEvent.actor_id.is_not(None),
        )
    ))  # fmt: skip
    gone: list[Any] = []
    changed: list[Any] = []
    for row in rows:
        one = found.get(row.record_id or 0)
        is_made = row.outcome is Outcome.made
        before = row.before or {}
        if one is None or one.archived_at is not None or (is_made and one.id in edited):
            _leave(row)
        elif is_made:
            one.archived_at = clock.now()
            gone.append((one, before))
            row.outcome = Outcome.undone
        elif not former.is_as_written(one, before["columns"]):
            _leave(row)
        else:
            for key, (old, _new) in before["columns"].items():
                setattr(one, key, former.value_of(model, key, old))
            row.outcome = Outcome.undone
            changed.append((one, before))
    session.flush()
    if model is Interaction:
        _strike(session, gone)
        retell(session, [one for one, _before in changed])
        _unsay(session, [*gone, *changed])
    else:
        session.add_all(
            TimelineEntry(customer_id=one.customer_id, at=clock.now(), kind="purchase_removed", actor_id=by.user_id,
                          subject_type="purchase", subject_id=one.id,
                          data={"product": one.product, "amount": one.amount, "code": one.code})
            for one, _before in gone
        )  # fmt: skip


def _strike(session: Session, gone: Sequence[tuple[Interaction, dict[str, Any]]]) -> None:
    """They leave the timeline."""
    session.execute(
        update(TimelineEntry)
        .where(TimelineEntry.subject_type == "interaction", TimelineEntry.subject_id.in_([one.id for one, _b in gone]))
        .values(kind=STRUCK).execution_options(synchronize_session=False)
    )  # fmt: skip


def _unsay(session: Session, said: Sequence[tuple[Interaction, dict[str, Any]]]) -> None:
    """What they changed of the customers themselves."""
    customers = {
        one.id: one for one in session.scalars(
            select(Customer).where(Customer.id.in_(sorted({one.customer_id for one, _b in said}))).order_by(Customer.id)
            .with_for_update(of=Customer)
        )
    }  # fmt: skip
    for one, before in said:
        old, new = before.get("next_contact_on", (None, None))
        customer = customers[one.customer_id]
        if new is not None and customer.next_contact_on == date.fromisoformat(new):
            customer.next_contact_on = date.fromisoformat(old) if old else None
    for customer in customers.values():
        customer.last_contact_at = last_contact(session, customer.id)
