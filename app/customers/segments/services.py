"""Name a group of customers, change what it looks at, hold its members fast and let them go again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.access import Actor, Scope, get_visible
from app.core.conditions import Condition
from app.core.errors import BadRequestError, BusinessError, ConflictError, InvalidInputError, NotAllowedError
from app.core.i18n import _
from app.customers import rules as typed_texts
from app.customers.models import Customer
from app.customers.profile import Problems
from app.customers.segments import queries, rules
from app.customers.segments.models import NAME_LENGTH, PURPOSE_LENGTH, Segment, SegmentKind, SegmentMember
from app.security.models import Team

MOST_SEGMENTS = 200

NOT_YOURS = _("You cannot share segments with this team.")
_ALREADY = _("This segment is frozen already.")
_NOT_WITHOUT_HIM = _("Only whoever keeps this segment can freeze it, or somebody who sees all customers.")
FROZEN = _("This segment is frozen. Let it move again before you change its conditions.")


@dataclass(frozen=True)
class Typed:
    """What is said of a segment; `where` is a typed condition or its stored form."""

    name: str
    where: str
    purpose: str = ""
    team_id: int | None = None


def create_segment(session: Session, typed: Typed, *, by: Actor) -> Segment:
    """Raises InvalidInputError with every problem beside its field: name, purpose, where, team."""
    by.must("view", "Customer")
    assert by.user_id is not None
    his = select(Segment.id).where(Segment.owner_id == by.user_id, Segment.archived_at.is_(None))
    if len(session.scalars(his.limit(MOST_SEGMENTS)).all()) == MOST_SEGMENTS:
        raise BusinessError(_("At most %(most)d segments of one's own. Archive one of them first.", most=MOST_SEGMENTS))
    told = _read(session, typed, by, None)
    segment = Segment(owner_id=by.user_id, **told)
    session.add(segment)
    session.flush()
    return segment


def change_segment(session: Session, number: int, typed: Typed, *, rev: int, by: Actor) -> Segment:
    """Raises ConflictError for another revision than the one that was looked at, and what create_segment raises."""
    segment = _lock(session, number, by, rev)
    told = _read(session, typed, by, segment)
    if segment.is_frozen and told["condition"] != segment.condition:
        raise InvalidInputError(fields={"where": [FROZEN]})
    for column, value in told.items():
        if getattr(segment, column) != value:
            setattr(segment, column, value)
    session.flush()
    return segment


def freeze(session: Session, number: int, *, by: Actor) -> int:
    """Whoever belongs to it now, as far as he sees them, belongs to it from now on; how many those are.

    Raises BusinessError where it is frozen already, or its condition is none for him, and NotAllowedError for whoever
    would leave out customers of the one whose segment it is.
    """
    segment = _lock(session, number, by)
    if segment.is_frozen:
        raise BusinessError(_ALREADY)
    if segment.owner_id != by.user_id and by.scope("Customer", "view") is not Scope.all:
        raise NotAllowedError(_NOT_WITHOUT_HIM)
    try:
        whoever = queries.seen(by, queries.belongs(segment, by))
    except BadRequestError as refusal:
        raise BusinessError(refusal.message) from None
    session.execute(delete(SegmentMember).where(SegmentMember.segment_id == segment.id))
    ids = whoever.with_only_columns(literal(segment.id), Customer.id)
    session.execute(insert(SegmentMember).from_select(["segment_id", "customer_id"], ids))
    segment.frozen_at, segment.frozen_by_id = clock.now(), by.user_id
    return _frozen(session, segment)


def freeze_again(session: Session, number: int, *, by: Actor) -> int:
    """It was let go by mistake: whoever belonged to it when it was frozen last belongs to it again; how many."""
    segment = _lock(session, number, by)
    if segment.is_frozen:
        raise BusinessError(_ALREADY)
    if segment.frozen_at is None:
        raise BusinessError(_("This segment was never frozen."))
    return _frozen(session, segment)


def unfreeze(session: Session, number: int, *, by: Actor) -> Segment:
    """It follows its condition again. Who belonged to it is kept until it is frozen anew."""
    segment = _lock(session, number, by)
    if not segment.is_frozen:
        raise BusinessError(_("This segment is not frozen."))
    segment.kind = SegmentKind.dynamic
    session.flush()
    return segment


def _frozen(session: Session, segment: Segment) -> int:
    segment.kind = SegmentKind.frozen
    session.flush()
    held = select(func.count()).where(SegmentMember.segment_id == segment.id)
    count = session.scalar(held) or 0
    audit.record(session, "segment.frozen", table="segment", record_id=segment.id, changes={"members": [None, count]})
    return count


def archive_segment(session: Session, number: int, *, by: Actor) -> Segment:
    """Nobody is offered it any more."""
    segment = _lock(session, number, by)
    if segment.archived_at is None:
        segment.archived_at = clock.now()
        session.flush()
    return segment


def restore_segment(session: Session, number: int, *, by: Actor) -> Segment:
    segment = _lock(session, number, by)
    if segment.archived_at is not None:
        segment.archived_at = None
        session.flush()
    return segment


def _lock(session: Session, number: int, by: Actor, rev: int | None = None) -> Segment:
    segment = get_visible(session, Segment, number, by, "edit")
    session.refresh(segment, with_for_update=True)
    if rev is not None and segment.rev != rev:
        raise ConflictError(at=segment.updated_at, rev=segment.rev)
    return segment


def _read(session: Session, typed: Typed, by: Actor, segment: Segment | None) -> dict[str, Any]:
    problems = Problems()
    told: dict[str, Any] = {"team_id": typed.team_id}
    with problems.beside("name"):
        told["name"] = typed_texts.read_line(typed.name, NAME_LENGTH)
        if not told["name"]:
            raise typed_texts.UnreadableError(_("Give the segment a name. Example: VIP ở Đà Nẵng"))
    with problems.beside("purpose"):
        told["purpose"] = typed_texts.read_line(typed.purpose, PURPOSE_LENGTH) or None
    with problems.beside("where"):
        told["condition"] = read_where(typed.where, by).to_json()
    is_other = segment is None or segment.team_id != typed.team_id
    with problems.beside("team"):
        may = typed.team_id is None or not is_other or queries.may_share(by, typed.team_id)
        if not may or (typed.team_id is not None and session.get(Team, typed.team_id) is None):
            raise typed_texts.UnreadableError(NOT_YOURS)
    if segment is not None and segment.owner_id != by.user_id and typed.team_id is None:
        raise NotAllowedError(_("Only its owner takes a shared segment back for himself."))
    problems.refuse_any()
    return told


def read_where(typed: str, by: Actor) -> Condition:
    """Raises UnreadableError with the sentence of what is wrong in it."""
    condition, refused = read_rows(typed, by)
    if refused is not None:
        raise typed_texts.UnreadableError(refused.sentence)
    assert condition is not None
    return condition


def read_rows(typed: str, by: Actor) -> tuple[Condition | None, rules.Refused | None]:
    """A typed condition on customers as far as he may compare them, or what is wrong in it and in which row."""
    listed = queries.customer_list()
    return rules.read(typed, listed.fields_for(by), lambda condition: listed.narrowed(condition, by))
