"""How are these customers changed, and given back what stood there? A lot at a time, each by the rules that hold for
one, by as many statements as for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.core import clock, guarded
from app.core.access import Actor, visible
from app.core.audit import AuditEvent
from app.core.errors import BusinessError, ConflictError, NotAllowedError, NotFoundError, Sentence
from app.core.formats import exact_text
from app.core.i18n import _
from app.core.screens import extra
from app.core.turns import added
from app.customers import former, services, stages, tags
from app.customers.bulk import fields
from app.customers.bulk.fields import TAGS_ADD, TAGS_REMOVE
from app.customers.bulk.models import BulkEdit, BulkEditRow, BulkOutcome
from app.customers.models import Customer, TimelineEntry
from app.customers.profile import Problems
from app.customers.profile_models import Tag
from app.security.models import Member

#: customers in one transaction of the worker
LOT = 500
HIDDEN: Sentence = _("This customer is not yours to see any more.")


@dataclass(frozen=True)
class _Locked:
    """A customer as he is now, whom nobody else changes until the end, and what the actor may do with him."""

    customer: Customer
    may_edit: bool
    may_assign: bool


@dataclass
class _Change:
    """What becomes of one customer."""

    row: BulkEditRow
    customer: Customer
    #: column → what stands there from now on
    columns: dict[str, Any] = field(default_factory=dict)
    stage_reason: str | None = None
    put_on: list[Tag] = field(default_factory=list)
    taken_off: list[Tag] = field(default_factory=list)


def change_lot(session: Session, job: BulkEdit, *, by: Actor, limit: int) -> int:
    """Change the next customers; how many it was done with. What is refused for one is kept with him."""
    rows = _next(session, job, None, limit)
    values, locked = fields.values_of(session, job.changes), _lock(session, rows, by)
    off = frozenset(tags.read_names(job.changes.get(TAGS_REMOVE, ())))
    on = tags.called(session, job.changes.get(TAGS_ADD, ())) if rows else ()
    worn = tags.worn(session, locked) if on or off else {}
    read: dict[tuple[Any, ...], dict[str, Any]] = {}
    changes: list[_Change] = []
    for row in rows:
        with _refused(row, by, BulkOutcome.refused):
            found = _the_one(locked, row, by)
            customer = found.customer
            if customer.rev != row.rev:
                name = session.scalar(select(Member.name).where(Member.id == customer.updated_by_id))
                raise ConflictError(by=name, at=customer.updated_at, rev=customer.rev)
            # The rules look at nothing else of him: whoever stands as another one did is read as that one was.
            present = tuple(getattr(customer, column) for column in (*fields.COLUMNS, "kind", "company_id"))
            if present not in read:
                problems = Problems()
                new = services.read_values(session, customer, values, problems, by=by)
                problems.refuse_any()
                read[present] = new
            new = read[present]
            written = {column: value for column, value in new.items()
                       if column != "stage_reason" and getattr(customer, column) != value}  # fmt: skip
            _may_write(written, found, by)
            change = _Change(row, customer, written, new.get("stage_reason"))
            present_tags = worn.get(customer.id, ())
            change.taken_off = [tag for tag in present_tags if tag.key in off and tag not in on]
            change.put_on = [tag for tag in on if tag not in present_tags]
            tags.refuse_many(len(present_tags) + len(change.put_on) - len(change.taken_off))
            own = _set_own(session, customer, fields.own_of(job.changes), by)
            row.outcome = BulkOutcome.same
            if written or change.put_on or change.taken_off or own:
                row.outcome, row.before = BulkOutcome.changed, _before(change) | {"own": own}
                changes.append(change)
    _write(session, changes, by)
    _count(session, job, rows)
    return len(rows)


def give_back_lot(session: Session, job: BulkEdit, *, by: Actor, limit: int) -> int:
    """Give the next of the changed customers back what stood there, where nobody has changed it since."""
    rows = _next(session, job, BulkOutcome.changed, limit)
    locked = _lock(session, rows, by)
    moved = {number for row in rows for key in ("added", "removed") for number in (row.before or {}).get(key, ())}
    known = {tag.id: tag for tag in session.scalars(select(Tag).where(Tag.id.in_(sorted(moved))))} if moved else {}
    worn = tags.worn(session, locked) if moved else {}
    owners = {(row.before or {}).get("columns", {}).get("owner_id", [None])[0] for row in rows} - {None}
    # Held until the end: the session forgets what nobody holds, and would ask for each again.
    staff = session.scalars(select(Member).where(Member.id.in_(sorted(owners)))).all() if owners else ()
    gone = {member.id: member.name for member in staff if not member.is_active}
    changes: list[_Change] = []
    for row in rows:
        with _refused(row, by, BulkOutcome.left):
            found, before = _the_one(locked, row, by), row.before or {}
            customer = found.customer
            change, why = _Change(row, customer), []
            for group in fields.together(before.get("columns", {})):
                hindrance = _hindrance(session, job, customer, group, gone, by)
                if hindrance is None:
                    change.columns |= {key: former.value_of(Customer, key, old) for key, (old, _new) in group.items()}
                else:
                    why.append(hindrance)
            _may_write(change.columns, found, by)
            why += _retag_back(change, before, worn.get(customer.id, ()), known)
            why += _own_back(session, customer, before, by)
            changes.append(change)
            row.outcome = BulkOutcome.left if why else BulkOutcome.undone
            row.reasons = [*row.reasons, *why]
    _write(session, changes, by)
    _count(session, job, rows)
    return len(rows)


def _next(session: Session, job: BulkEdit, outcome: BulkOutcome | None, limit: int) -> Sequence[BulkEditRow]:
    rows = select(BulkEditRow).where(BulkEditRow.job_id == job.id)
    here = BulkEditRow.outcome.is_(None) if outcome is None else BulkEditRow.outcome == outcome
    return session.scalars(rows.where(here).order_by(BulkEditRow.id).limit(limit)).all()


def _lock(session: Session, rows: Iterable[BulkEditRow], by: Actor) -> dict[int, _Locked]:
    """By id, those of whom he may see everything."""
    by.must("edit", "Customer")
    may = (visible(Customer, by, action).label(action) for action in ("edit", "assign"))
    found = session.execute(
        select(Customer, *may).where(Customer.id.in_([row.customer_id for row in rows]), visible(Customer, by))
        .order_by(Customer.id).with_for_update(of=Customer).execution_options(populate_existing=True)
    )  # fmt: skip
    return {row[0].id: _Locked(row[0], bool(row.edit), bool(row.assign)) for row in found}


def _the_one(locked: Mapping[int, _Locked], row: BulkEditRow, by: Actor) -> _Locked:
    """Raises what services.lock_for raises."""
    found = locked.get(row.customer_id)
    if found is None:
        raise NotFoundError
    if not found.may_edit:
        raise NotAllowedError
    if found.customer.is_archived:
        raise services.CustomerArchivedError
    return found


def _may_write(columns: Collection[str], found: _Locked, by: Actor) -> None:
    guarded.refuse_unwritable(by, "Customer", columns)
    if {"owner_id", "team_id"} & set(columns) and not found.may_assign:
        raise NotAllowedError


@contextmanager
def _refused(row: BulkEditRow, by: Actor, outcome: BulkOutcome) -> Iterator[None]:
    """A refusal is about this one alone, of whom nothing is written yet."""
    try:
        yield
    except BusinessError as refusal:
        row.outcome, row.reasons = outcome, [*row.reasons, *_sentences(refusal, by)]


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


def _before(change: _Change) -> dict[str, Any]:
    customer = change.customer
    return {
        "columns": {column: [former.kept(getattr(customer, column)), former.kept(value)]
                    for column, value in change.columns.items()},
        "added": sorted(tag.id for tag in change.put_on), "removed": sorted(tag.id for tag in change.taken_off),
    }  # fmt: skip


def _set_own(session: Session, customer: Customer, said: Mapping[str, Any], by: Actor) -> dict[str, list[Any]]:
    """What the company wants to know besides; bare key → [before, now] of what is another now. All of it or none."""
    added_fields = extra.extra_of("Customer")
    if added_fields is None or not said:
        return {}
    was = added_fields.values(session, [customer.id], by)[customer.id]
    added_fields.save(session, customer.id, said, by=by, is_new=False, is_whole=False)
    now = added_fields.values(session, [customer.id], by)[customer.id]
    return {key: [was.get(key), now.get(key)] for key in said if was.get(key) != now.get(key)}


def _own_back(session: Session, customer: Customer, before: Mapping[str, Any], by: Actor) -> list[str]:
    told, added_fields = before.get("own") or {}, extra.extra_of("Customer")
    if not told or added_fields is None:
        return []
    now = added_fields.values(session, [customer.id], by)[customer.id]
    back = {key: old for key, (old, new) in told.items() if now.get(key) == new}
    refused = extra.save_what_goes(added_fields, session, customer.id, back, by=by)
    labels = extra.fields_of("Customer")
    return [
        str(_("%(field)s: changed since, left as it is.", field=labels[extra.PREFIX + key].label))
        for key in told if (key not in back or key in refused) and extra.PREFIX + key in labels
    ]  # fmt: skip


def _write(session: Session, changes: Sequence[_Change], by: Actor) -> None:
    """All of them, and what is told of each on his timeline."""
    told: list[tuple[_Change, str, dict[str, Any]]] = []
    for change in changes:
        came_from, goes_to = change.customer.stage, change.columns.get("stage")
        told += ((change, kind, data) for kind, data in services.told_of(change.columns, came_from, goes_to))
        if change.put_on or change.taken_off:
            named = {"added": change.put_on, "removed": change.taken_off}
            told.append((change, "tagged", {key: [tag.name for tag in some] for key, some in named.items()}))
    by_reason: dict[str | None, dict[Customer, str | None]] = defaultdict(dict)
    for change in changes:
        if "stage" in change.columns:
            by_reason[change.stage_reason][change.customer] = change.columns["stage"]
    for reason, staged in by_reason.items():
        stages.enter_all(session, staged, reason=reason)
    for change in changes:
        for column, value in change.columns.items():
            setattr(change.customer, column, value)
    session.flush()
    tags.retag(session, {one.customer.id: (one.put_on, one.taken_off) for one in changes
                         if one.put_on or one.taken_off})  # fmt: skip
    if told:
        now = clock.now()
        session.execute(insert(TimelineEntry), [
            {"customer_id": change.customer.id, "at": now, "kind": kind, "actor_id": by.user_id, "data": data}
            for change, kind, data in told
        ])  # fmt: skip


# ── back ──
def _hindrance(
    session: Session, job: BulkEdit, customer: Customer, group: dict[str, Any], gone: Mapping[int, str], by: Actor
) -> str | None:
    """Why what belongs together is left as it stands now; None: it can be given back. `gone`: who left the company."""
    label = fields.COLUMNS[next(iter(group))].label
    if not former.is_as_written(customer, group):
        return _since(session, job, customer, set(group), label, by)
    name = gone.get(group["owner_id"][0]) if "owner_id" in group else None
    return str(_("%(field)s: %(name)s does not work here any more.", field=label, name=name)) if name else None


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


def _retag_back(
    change: _Change, before: Mapping[str, Any], worn: Sequence[Tag], known: Mapping[int, Tag]
) -> list[str]:  # fmt: skip
    put_on, taken_off = before.get("added", ()), before.get("removed", ())
    present = {tag.id: tag for tag in worn}
    gone = [number for number in put_on if number not in present]
    come = [number for number in taken_off if number in present]
    change.taken_off = [present[number] for number in put_on if number in present]
    change.put_on = [known[number] for number in taken_off if number not in present]
    tags.refuse_many(len(present) + len(change.put_on) - len(change.taken_off))
    if not gone and not come:
        return []
    told = ", ".join(known[number].name for number in (*gone, *come))
    return [str(_("Tags: %(names)s changed since, left as they are.", names=told))]
