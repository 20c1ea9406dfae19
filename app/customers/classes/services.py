"""Say by which rules customers are put into classes, ask for a round, and move whoever belongs elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.catalogues.queries import offered
from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import queue_up, transaction
from app.core.errors import ConflictError, InvalidInputError, Sentence
from app.core.i18n import _
from app.core.leases import LeaseState, claim, held_by, mark_done, new_owner, renew
from app.customers.classes import queries, rules
from app.customers.classes.models import ClassKind, ClassMove, ClassRule, ClassRun
from app.customers.classes.queries import Move
from app.customers.classes.rules import Rule
from app.customers.models import Customer
from app.customers.profile import CATALOGUES
from app.customers.services import record_timeline

#: customers moved in one transaction
TOGETHER = 200
LEASE = timedelta(minutes=3)
#: the other jobs of the worker are not to wait for a first night
LONGEST_TURN = timedelta(minutes=5)


def ensure_rules(session: Session) -> None:
    """The rules that every company begins with, where it has none of a kind."""
    for kind, some in rules.DEFAULTS.items():
        if not session.scalar(select(func.count(ClassRule.id)).where(ClassRule.kind == kind)):
            session.add_all(_row(kind, rule, place) for place, rule in enumerate(some, start=1))
    session.flush()


def save_rules(session: Session, by_kind: Mapping[ClassKind, Sequence[Rule]], *, by: Actor) -> None:
    """These are the rules from the next round on, each kind in this order.

    Raises InvalidInputError beside "kind.code.column", and NotAllowedError.
    """
    by.must("edit", "Setting")
    refuse(by_kind)
    for kind, some in by_kind.items():
        known = {row.code: row for row in session.scalars(select(ClassRule).where(ClassRule.kind == kind))}
        offers = {code for code, _label in offered(session, CATALOGUES[kind.value], None)} | known.keys()
        for place, rule in enumerate((one for one in some if one.code in offers), start=1):
            row = known.pop(rule.code, None)
            if row is None:
                session.add(_row(kind, rule, place))
                continue
            row.position = place
            for name in rules.COLUMNS:
                setattr(row, name, getattr(rule, name))
        for gone in known.values():
            session.delete(gone)
    session.flush()


def refuse(by_kind: Mapping[ClassKind, Sequence[Rule]]) -> None:
    told: dict[str, list[Sentence]] = {}
    for kind, some in by_kind.items():
        told |= {f"{kind}.{key}": sentences for key, sentences in rules.problems(some).items()}
    if told:
        raise InvalidInputError(fields=told)


def _row(kind: ClassKind, rule: Rule, place: int) -> ClassRule:
    return ClassRule(kind=kind, code=rule.code, position=place, **{name: getattr(rule, name) for name in rules.COLUMNS})


# ── rounds ──
def ask_round(session: Session, *, by: Actor) -> ClassRun:
    """The worker goes through all customers now. Raises ConflictError while it is at it."""
    by.must("edit", "Setting")
    queue_up(session, "class_run")
    if session.scalar(select(ClassRun.id).where(ClassRun.status.in_([LeaseState.waiting, LeaseState.leased])).limit(1)):
        raise ConflictError(_("Customers are being put into their groups already. Wait until that is done."))
    run = ClassRun(asked_at=clock.now(), asked_by_id=by.user_id)
    session.add(run)
    session.flush()
    return run


def ask_tonight(session: Session, night: date) -> None:
    """One round a night, however often this is called."""
    queue_up(session, "class_run")
    if session.scalar(select(ClassRun.id).where(ClassRun.night == night)) is None:
        session.add(ClassRun(night=night, asked_at=clock.now()))
        session.flush()


def work() -> int:
    """Go on with the round that waits, until it is done or this turn is over; returns how many customers moved.

    Every piece is one transaction with the place that was reached: killed anywhere, it goes on from there.
    """
    owner, until, moved = new_owner(), clock.now() + LONGEST_TURN, 0
    for number in claim(ClassRun, owner=owner, at=clock.now(), limit=1, lease=LEASE):
        moved += _go_on(number, owner, until)
    return moved


def _go_on(number: int, owner: str, until: datetime) -> int:
    moved = 0
    with transaction(SYSTEM) as session:
        by_kind = queries.all_rules(session)
        piece = _next(session, by_kind, session.get_one(ClassRun, number).reached)
    while piece is not None:
        for begin in range(0, max(len(piece.moves), 1), TOGETHER):
            some = piece.moves[begin : begin + TOGETHER]
            is_last = begin + TOGETHER >= len(piece.moves)
            with transaction(SYSTEM) as session:
                if number not in held_by(session, ClassRun, [number], owner=owner):
                    return moved
                done = _move(session, number, some)
                moved += done
                _note(session, number, done, piece if is_last else None)
                renew(session, ClassRun, [number], owner=owner, at=clock.now(), lease=LEASE)
        if clock.now() > until:
            with transaction(SYSTEM) as session:
                _let_go(session, number, owner)
            return moved
        with transaction(SYSTEM) as session:
            piece = _next(session, by_kind, piece.last_id)
    with transaction(SYSTEM) as session:
        mark_done(session, ClassRun, number, owner=owner, finished_at=clock.now())
    return moved


def _next(session: Session, by_kind: Mapping[ClassKind, Sequence[Rule]], after: int) -> queries.Piece | None:
    return next(queries.pieces(session, by_kind, after=after), None)


def _move(session: Session, run_id: int, moves: Sequence[Move]) -> int:
    """Those of them who still are where they were found."""
    ids = sorted({one.customer_id for one in moves})
    if not ids:
        return 0
    locked = select(Customer).where(Customer.id.in_(ids)).order_by(Customer.id).with_for_update()
    customers = {one.id: one for one in session.scalars(locked)}
    now, done = clock.now(), 0
    for move in moves:
        customer = customers[move.customer_id]
        is_free = move.kind is not ClassKind.tier or not customer.tier_is_fixed
        if not is_free or customer.is_archived or getattr(customer, move.kind.value) != move.before:
            continue
        setattr(customer, move.kind.value, move.after)
        session.add(
            ClassMove(customer_id=customer.id, run_id=run_id, at=now, kind=move.kind, before=move.before,
                      after=move.after, reason=dict(move.reason))
        )  # fmt: skip
        record_timeline(
            session, customer.id, kind="classified", by=SYSTEM,
            data={"field": move.kind.value, "from": move.before, "to": move.after, "reason": dict(move.reason)},
        )  # fmt: skip
        done += 1
    session.flush()
    return done


def _note(session: Session, number: int, moved: int, piece: queries.Piece | None) -> None:
    values: dict[str, Any] = {"moved": ClassRun.moved + moved}
    if piece is not None:
        values |= {"reached": piece.last_id, "examined": ClassRun.examined + piece.examined}
    session.execute(update(ClassRun).where(ClassRun.id == number).values(**values))


def _let_go(session: Session, number: int, owner: str) -> None:
    """Its turn is over: anybody goes on with it, and the attempt does not count."""
    session.execute(
        update(ClassRun)
        .where(ClassRun.id == number, ClassRun.lease_owner == owner)
        .values(status=LeaseState.waiting, attempts=ClassRun.attempts - 1, lease_owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )
