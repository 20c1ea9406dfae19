"""How do two customers become one, and two again? All of it in one transaction; nothing of either is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.access import SYSTEM, Actor, get_visible
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.screens import extra
from app.customers import indexing, profile_queries
from app.customers.duplicates import children, fields
from app.customers.duplicates.fields import Side
from app.customers.duplicates.models import UNDO_WITHIN, CustomerMerge, DuplicatePair, PairState
from app.customers.models import ContactPoint, Customer
from app.customers.profile_models import ConsentEvent, ConsentState, CustomerStage
from app.customers.services import CustomerArchivedError, record_timeline
from app.security.models import Member

#: whoever works on a row of these holds it before the customer: taken in this order, nobody waits for each other
_LOCKED_FIRST = ("process_instance", "task")
_OWN = "own"
_POINTS, _STAGES, _PAIRS, _PRESENT = "points", "closed_stages", "pairs", "present_stage"


class MergedMeanwhileError(ConflictError):
    """Somebody changed one of the two since they were looked at."""

    message = _("Somebody has changed one of the two in the meantime. Look at them again: nothing was merged.")


@dataclass(frozen=True)
class Undone:
    """What a merge that was taken back could not put back: fields that were changed since, and rows that were."""

    kept: Customer
    merged: Customer
    fields: Sequence[str]
    rows: int

    @property
    def is_whole(self) -> bool:
        return not self.fields and not self.rows


def merge_customers(
    session: Session, *, by: Actor, kept_id: int, merged_id: int, revs: tuple[int, int], sides: Mapping[str, Side],
    preferred: Side = Side.kept,
) -> CustomerMerge:  # fmt: skip
    """`merged_id` becomes part of `kept_id`: fields as chosen, all that belongs to him handed over, the row archived.

    `revs` are those of both (kept, merged) that were looked at: raises MergedMeanwhileError on others. Who merges must
    be able to edit both and to archive the one. Fields that he may not write follow fields.beforehand, whatever `sides`
    says. Withdrawn consent and "do not contact" win.
    """
    if kept_id == merged_id:
        raise InvalidInputError(fields={"merged": [_("Choose two different customers.")]})
    kept, merged = _both(session, kept_id, merged_id, by)
    refuse_merged(session, kept, merged, revs)
    allowed = {one.key for one in fields.CHOICES if fields.may_choose(by, one)}
    taken = fields.resulting(kept, merged, {key: side for key, side in sides.items() if key in allowed})
    log = CustomerMerge(
        kept_id=kept.id, merged_id=merged.id, by_id=by.user_id, at=clock.now(), moved={},
        before={"kept": fields.snapshot(kept), "merged": fields.snapshot(merged)},
        after={column: fields.plain(value) for column, value in taken.items()},
    )  # fmt: skip
    moved: dict[str, Any] = {}
    moved |= _join_stages(session, kept, merged, taken["stage"])
    moved |= _join_points(session, kept, merged, preferred)
    withdrawn = _withdrawn(session, kept, merged)
    moved |= _join_pairs(session, kept, merged, by)
    added = extra.extra_of("Customer")
    if added is not None:
        chosen = {key: side is Side.merged for key, side in sides.items() if key.startswith(extra.PREFIX)}
        log.before |= {_OWN: added.join(session, kept.id, merged.id, chosen, by=by)}
    given = children.hand_over(session, merged.id, kept.id)
    for event, side in withdrawn:
        event.customer_id = kept.id
        session.add(event)
        session.flush()
        data = {"purpose": event.purpose, "channel": str(event.channel)}
        record_timeline(
            session, kept.id, kind="consent_withdrawn", by=by, subject_type="consent_event", subject_id=event.id,
            data=data,
        )  # fmt: skip
        if side is Side.merged:  # taken apart again, it says of the other one what he said himself
            given.setdefault("consent_event.customer_id", []).append(event.id)
    session.flush()
    for column, value in taken.items():
        setattr(kept, column, value)
    merged.archived_at, merged.archived_by_id = log.at, by.user_id
    session.flush()
    _renewed(session, kept, merged)
    log.moved = moved | {"given": given}
    session.add(log)
    session.flush()
    record_timeline(
        session, kept.id, kind="merged", by=by, subject_type="customer_merge", subject_id=log.id,
        data={"code": merged.code},
    )  # fmt: skip
    counted = {key.partition(".")[0]: [None, len(ids)] for key, ids in given.items()}
    for one, other in ((kept, merged), (merged, kept)):
        audit.record(
            session, "customer.merged", table="customer", record_id=one.id, by=by,
            changes={"other": [None, other.code], **(counted if one is kept else {})},
        )  # fmt: skip
    session.flush()
    return log


def refuse_merged(session: Session, kept: Customer, merged: Customer, revs: tuple[int, int]) -> None:
    """Raises MergedMeanwhileError for other revisions than those, and BusinessError for two that cannot be one."""
    if (kept.rev, merged.rev) != revs:
        changed = kept if kept.rev != revs[0] else merged
        name = session.scalar(select(Member.name).where(Member.id == changed.updated_by_id))
        raise MergedMeanwhileError(by=name, at=changed.updated_at)
    if kept.is_archived or merged.is_archived:
        raise CustomerArchivedError
    if kept.kind is not merged.kind:
        raise BusinessError(_("One of the two is a person, the other one a company. Change the kind first."))


def undo_merge(session: Session, log_id: int, *, by: Actor) -> Undone:
    """Two customers again, each with what was his. What was changed since stays with the one who was kept, and is told.

    Raises BusinessError after 30 days, while the kept one is himself part of another, and where one of them would have
    what only one may have and somebody has by now.
    """
    log = session.get(CustomerMerge, log_id)
    if log is None:
        raise NotFoundError
    kept, merged = _both(session, log.kept_id, log.merged_id, by)
    session.refresh(log, with_for_update=True)
    refuse_undone(session, log)
    lost = children.give_back(session, log.moved["given"], kept.id, merged.id)
    lost += _part_pairs(session, log, by)
    now = {column: fields.plain(getattr(kept, column)) for column in fields.COLUMNS}
    was = log.before["kept"]
    left = [
        column for column in fields.COLUMNS if now[column] != log.after[column] and log.after[column] != was[column]
    ]
    added = extra.extra_of("Customer")
    if added is not None and log.before.get(_OWN) is not None:
        left += added.part(session, kept.id, log.before[_OWN])
    for column in fields.COLUMNS:
        if now[column] == log.after[column]:
            setattr(kept, column, fields.typed(column, was[column]))
    session.flush()
    lost += _part_points(session, log)
    _part_stages(session, log, is_restored="stage" not in left and now["stage"] == log.after["stage"])
    merged.archived_at, merged.archived_by_id = None, None
    session.flush()
    _renewed(session, kept, merged)
    log.undone_at, log.undone_by_id = clock.now(), by.user_id
    session.flush()
    for one in (merged, kept):
        extra.refuse_not_alone("Customer", session, one.id)
    for one, other in ((kept, merged), (merged, kept)):
        data: dict[str, Any] = {"code": other.code}
        if one is kept and left:
            data["fields"] = left
        record_timeline(session, one.id, kind="merge_undone", by=by, data=data)
        audit.record(
            session, "customer.merge_undone", table="customer", record_id=one.id, by=by,
            changes={"other": [None, other.code]},
        )  # fmt: skip
    session.flush()
    return Undone(kept, merged, left, lost)


def refuse_undone(session: Session, log: CustomerMerge) -> None:
    """Raises BusinessError for a merge that cannot be taken back (any more, or yet)."""
    if log.undone_at is not None:
        raise ConflictError(_("This merge was taken back already."))
    if log.at < clock.now() - UNDO_WITHIN:
        raise BusinessError(_("A merge can be taken back for 30 days; this one is older."))
    later = session.scalars(
        select(CustomerMerge).where(
            CustomerMerge.undone_at.is_(None), CustomerMerge.id > log.id,
            or_(CustomerMerge.merged_id == log.kept_id, CustomerMerge.kept_id == log.kept_id),
        ).order_by(CustomerMerge.id.desc()).limit(1)
    ).first()  # fmt: skip
    if later is not None:
        told = _("Take back the later merge of %(other)s into %(kept)s first.",
                 other=later.merged.code, kept=later.kept.code)  # fmt: skip
        raise BusinessError(told)


# ── Inside ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _both(session: Session, kept_id: int, merged_id: int, by: Actor) -> tuple[Customer, Customer]:
    """Both as they are now, kept from others, once they are the actor's to change."""
    by.must("delete", "Customer")
    for number in (kept_id, merged_id):
        get_visible(session, Customer, number, by, "edit")
    get_visible(session, Customer, merged_id, by, "delete")
    for number in sorted((kept_id, merged_id)):
        children.lock_all(session, number, _LOCKED_FIRST)
    session.expire_all()
    rows = select(Customer).where(Customer.id.in_((kept_id, merged_id))).order_by(Customer.id)
    found = {one.id: one for one in session.scalars(rows.with_for_update(of=Customer))}
    for one in found.values():
        session.refresh(one, ["all_contact_points"])
    return found[kept_id], found[merged_id]


def _renewed(session: Session, *customers: Customer) -> None:
    """What was handed over past the session is read again, and what they are found by is worked out anew."""
    for one in customers:
        session.refresh(one)
        session.refresh(one, ["all_contact_points"])
        indexing.index(session, one)
        session.flush()
        indexing.changed(session, indexing.works_at(one.id))
        session.refresh(one)


# stages
def _present(session: Session, customer: Customer) -> CustomerStage | None:
    rows = select(CustomerStage).where(CustomerStage.customer_id == customer.id, CustomerStage.until.is_(None))
    return session.scalars(rows).one_or_none()


def _join_stages(session: Session, kept: Customer, merged: Customer, chosen: str | None) -> dict[str, Any]:
    """One way from now on, with one present stage: that of the stage that was chosen."""
    his, other = _present(session, kept), _present(session, merged)
    goes_on = his if his is not None and his.stage == chosen else None
    goes_on = goes_on or (other if other is not None and other.stage == chosen else None)
    closed = [one for one in (his, other) if one is not None and one is not goes_on]
    for one in closed:
        one.until = clock.now()
    rows = select(CustomerStage.id).where(CustomerStage.customer_id == merged.id).order_by(CustomerStage.id)
    ids = list(session.scalars(rows))
    session.flush()
    children.point_to(session, CustomerStage.__table__.c.customer_id, ids, kept.id)
    session.expire_all()
    return {
        "stages": ids, _STAGES: [one.id for one in closed],
        _PRESENT: [one.id if one is not None else None for one in (his, other)],
    }  # fmt: skip


def _part_stages(session: Session, log: CustomerMerge, *, is_restored: bool) -> None:
    moved = log.moved
    his, other = moved[_PRESENT]
    given = set(moved["stages"])
    # What he entered since the merge ends where his stage is again what it was before.
    present = _present(session, log.kept)
    if present is not None and present.id not in given and present.id != his and is_restored:
        present.until = clock.now()
    if other is not None:
        # At most one stage of a customer is open: it is closed here, handed back and opened there.
        _end(session, other)
    session.flush()
    children.point_to(session, CustomerStage.__table__.c.customer_id, moved["stages"], log.merged_id, of=log.kept_id)
    session.expire_all()
    if other is not None:
        session.get_one(CustomerStage, other).until = None
    if his is not None and _present(session, log.kept) is None and is_restored:
        session.get_one(CustomerStage, his).until = None
    session.flush()


def _end(session: Session, stage_id: int) -> None:
    row = session.get_one(CustomerStage, stage_id)
    row.until = row.until or clock.now()


# ways to reach
def _state(point: ContactPoint) -> list[Any]:
    return [point.id, fields.plain(point.archived_at), point.is_preferred, point.is_shared]


def _join_points(session: Session, kept: Customer, merged: Customer, preferred: Side) -> dict[str, Any]:
    """All ways to reach either; what both have stays with each, and is in use if it was with one of them."""
    before = {
        "kept": list(map(_state, kept.all_contact_points)),
        "merged": list(map(_state, merged.all_contact_points)),
    }
    first = next((one for one in merged.contact_points if one.is_preferred), None)
    his_first = next((one for one in kept.contact_points if one.is_preferred), None)
    own = {(one.kind, one.value): one for one in kept.all_contact_points}
    goes: list[ContactPoint] = []
    for point in list(merged.all_contact_points):
        twin = own.get((point.kind, point.value))
        if twin is None:
            goes.append(point)
            continue
        if point.archived_at is None:
            twin.archived_at, point.archived_at = None, clock.now()
        twin.is_shared = twin.is_shared or point.is_shared
        if point is first:
            first = twin
        point.is_preferred = False
    wanted = first if first is not None and (preferred is Side.merged or his_first is None) else his_first
    for point in (*kept.all_contact_points, *goes):
        point.is_preferred = point is wanted
    session.flush()
    ids = [one.id for one in goes]
    children.point_to(session, ContactPoint.__table__.c.customer_id, ids, kept.id)
    session.expire_all()
    session.refresh(kept, ["all_contact_points"])
    after = [_state(one) for one in kept.all_contact_points]
    return {_POINTS: {"given": ids, "before": before, "after": after}}


def _part_points(session: Session, log: CustomerMerge) -> int:
    """Each way to reach as it was, unless it was changed since; how many were."""
    told = log.moved[_POINTS]
    lost = len(told["given"])
    lost -= children.point_to(
        session, ContactPoint.__table__.c.customer_id, told["given"], log.merged_id, of=log.kept_id
    )
    session.expire_all()
    after = {one[0]: one for one in told["after"]}
    for number, archived_at, is_preferred, is_shared in (*told["before"]["kept"], *told["before"]["merged"]):
        point = session.get(ContactPoint, number)
        if point is None:
            continue
        if number in after and _state(point) != after[number]:
            lost += 1
            continue
        point.archived_at = fields.typed("archived_at", archived_at)
        point.is_preferred, point.is_shared = is_preferred, is_shared
    session.flush()
    for customer in (log.kept, log.merged):
        session.refresh(customer, ["all_contact_points"])
        _one_preferred(customer)
    session.flush()
    return lost


def _one_preferred(customer: Customer) -> None:
    """At most one is, and one while there is any: something may have been added since."""
    in_use = customer.contact_points
    for point in customer.all_contact_points:
        point.is_preferred = bool(in_use) and point is in_use[0]


# consent
def _withdrawn(session: Session, kept: Customer, merged: Customer) -> list[tuple[ConsentEvent, Side]]:
    """What has to be written into the ledger so that the stricter one wins, and by whom it was said.

    Withdrawn is stricter than given. Where one of them never said anything, what the other one said holds.
    """
    his = profile_queries.consents_now(session, kept.id, SYSTEM)
    other = profile_queries.consents_now(session, merged.id, SYSTEM)
    found = []
    for key in sorted(set(his) & set(other)):
        a, b = his[key], other[key]
        last = max(a, b, key=lambda event: (event.at, event.id))
        if a.state is b.state or last.state is ConsentState.withdrawn:
            continue
        by_whom = Side.kept if a.state is ConsentState.withdrawn else Side.merged
        said = a if by_whom is Side.kept else b
        proof = str(_("Two records became one: what was withdrawn in one of them stays withdrawn."))
        event = ConsentEvent(
            purpose=said.purpose, channel=said.channel, state=ConsentState.withdrawn, at=clock.now(), proof=proof
        )
        found.append((event, by_whom))
    return found


# pairs
def _join_pairs(session: Session, kept: Customer, merged: Customer, by: Actor) -> dict[str, Any]:
    """The pair of both is settled; what was said of the merged one and others holds for the one who stays."""
    before: list[list[Any]] = []
    known = {_other(one, kept.id): one for one in _pairs_of(session, kept.id)}
    for pair in _pairs_of(session, merged.id):
        before.append([pair.id, pair.first_id, pair.second_id, str(pair.state)])
        third = _other(pair, merged.id)
        if third == kept.id:
            pair.state, pair.decided_at, pair.decided_by_id = PairState.merged, clock.now(), by.user_id
        elif third not in known:
            pair.first_id, pair.second_id = sorted((kept.id, third))
        elif pair.state is PairState.not_duplicate and known[third].state is PairState.open:
            his = known[third]  # nobody is asked again what was answered of one of them
            before.append([his.id, his.first_id, his.second_id, str(his.state)])
            his.state, his.decided_at, his.decided_by_id = pair.state, pair.decided_at, pair.decided_by_id
    session.flush()
    return {_PAIRS: before}


def _part_pairs(session: Session, log: CustomerMerge, by: Actor) -> int:
    lost = 0
    for number, first, second, state in log.moved[_PAIRS]:
        pair = session.get(DuplicatePair, number)
        if pair is None:
            continue
        if pair.state is PairState.merged and {first, second} == {log.kept_id, log.merged_id}:
            pair.state = PairState(state)
            pair.decided_at, pair.decided_by_id = None, None
        elif (pair.first_id, pair.second_id) != (first, second):
            pair.first_id, pair.second_id = first, second
        elif state == PairState.open and pair.state is PairState.not_duplicate:
            pair.state, pair.decided_at, pair.decided_by_id = PairState.open, None, None
    session.flush()
    return lost


def _pairs_of(session: Session, customer_id: int) -> Sequence[DuplicatePair]:
    rows = select(DuplicatePair).where(
        or_(DuplicatePair.first_id == customer_id, DuplicatePair.second_id == customer_id)
    )
    return session.scalars(rows.order_by(DuplicatePair.id)).all()


def _other(pair: DuplicatePair, customer_id: int) -> int:
    return pair.second_id if pair.first_id == customer_id else pair.first_id
