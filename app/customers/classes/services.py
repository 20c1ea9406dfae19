"""Say by which rules customers are put into classes, ask for a round, and move whoever belongs elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from random import SystemRandom
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from app.catalogues.queries import offered
from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.audit import record_changed
from app.core.db import queue_up, transaction
from app.core.errors import ConflictError, InvalidInputError, Sentence
from app.core.i18n import _
from app.core.leases import LeaseState, backoff, claim, held_by, mark_done, mark_failed, new_owner, renew
from app.core.turns import LostError
from app.customers.classes import queries, rules
from app.customers.classes.models import ClassKind, ClassMove, ClassRule, ClassRun
from app.customers.classes.queries import Move
from app.customers.classes.rules import Rule
from app.customers.forgotten import keeping
from app.customers.models import Customer
from app.customers.profile import CATALOGUES, FIXED
from app.customers.services import record_timeline

logger = logging.getLogger(__name__)

_random = SystemRandom()
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
        try:
            moved += _go_on(number, owner, until)
        except LostError:
            logger.info("the round %s is no longer this worker's", number)
        except Exception:
            logger.exception("the round %s broke", number)
            _fail(number, owner)
    return moved


def _go_on(number: int, owner: str, until: datetime) -> int:
    moved = 0
    with transaction(SYSTEM) as session:
        by_kind = queries.in_use(session, queries.all_rules(session))
        piece = _next(session, by_kind, session.get_one(ClassRun, number).reached)
    while piece is not None:
        for begin in range(0, max(len(piece.moves), 1), TOGETHER):
            some = piece.moves[begin : begin + TOGETHER]
            is_last = begin + TOGETHER >= len(piece.moves)
            moved += _keep(number, owner, some, piece if is_last else None)
        if clock.now() > until:
            with transaction(SYSTEM) as session:
                _let_go(session, number, owner)
            return moved
        with transaction(SYSTEM) as session:
            piece = _next(session, by_kind, piece.last_id)
    with transaction(SYSTEM) as session:
        mark_done(session, ClassRun, number, owner=owner, finished_at=clock.now())
    return moved


def _keep(number: int, owner: str, moves: Sequence[Move], piece: queries.Piece | None) -> int:
    """These together; where that breaks, each alone, past those who cannot be moved."""
    try:
        return _together(number, owner, moves, piece)
    except LostError:
        raise
    except Exception:
        logger.exception("customers could not be put into their classes together")
    done = 0
    for move in moves:
        try:
            done += _together(number, owner, [move], None)
        except LostError:
            raise
        except Exception:
            logger.exception("customer %s cannot be put into a class", move.customer_id)
            with transaction(SYSTEM) as session:
                _count_failed(session, number, 1)
    _together(number, owner, [], piece)
    return done


def _together(number: int, owner: str, moves: Sequence[Move], piece: queries.Piece | None) -> int:
    """`piece`: the one that is done with these. Raises LostError when another worker has taken the round over."""
    with transaction(SYSTEM) as session:
        if number not in held_by(session, ClassRun, [number], owner=owner):
            raise LostError
        done = _move(session, number, moves)
        _note(session, number, done, piece)
        if piece is not None and piece.failed:
            _count_failed(session, number, piece.failed)
        renew(session, ClassRun, [number], owner=owner, at=clock.now(), lease=LEASE)
    return done


def _fail(number: int, owner: str) -> None:
    """What broke outside of every customer is tried again later, or the round is given up."""
    at = clock.now()
    with transaction(SYSTEM) as session:
        attempts = session.get_one(ClassRun, number).attempts
        is_final = attempts >= ClassRun.max_attempts
        mark_failed(session, ClassRun, number, owner=owner, error="broke", at=at,
                    retry_at=None if is_final else at + backoff(attempts, _random))  # fmt: skip


def _next(session: Session, by_kind: Mapping[ClassKind, Sequence[Rule]], after: int) -> queries.Piece | None:
    return next(queries.pieces(session, by_kind, after=after), None)


def _move(session: Session, run_id: int, moves: Sequence[Move]) -> int:
    """Those of them who still are where they were found."""
    ids = sorted({one.customer_id for one in moves})
    if not ids:
        return 0
    now, table = clock.now(), Customer.__table__
    told = [table.c.id, table.c.archived_at, *(table.c[name] for pair in FIXED.items() for name in pair)]
    locked = select(*told).where(table.c.id.in_(ids)).order_by(table.c.id).with_for_update()
    customers = {row.id: row._mapping for row in session.execute(locked)}
    changed: dict[int, dict[str, tuple[str | None, str | None]]] = {}
    for move in moves:
        column, customer = move.kind.value, customers[move.customer_id]
        if customer[FIXED[column]] or customer["archived_at"] is not None or customer[column] != move.before:
            continue
        changed.setdefault(move.customer_id, {})[column] = (move.before, move.after or None)
        session.add(
            ClassMove(customer_id=move.customer_id, run_id=run_id, at=now, kind=move.kind, before=move.before,
                      after=move.after, reason=dict(move.reason))
        )  # fmt: skip
        record_timeline(
            session, move.customer_id, kind="classified", by=SYSTEM,
            data={"field": column, "from": move.before, "to": move.after or None, "reason": dict(move.reason)},
        )  # fmt: skip
    session.flush()
    _write(session, changed)
    return sum(map(len, changed.values()))


def _write(session: Session, changed: Mapping[int, Mapping[str, tuple[str | None, str | None]]]) -> None:
    """Past the rows' own revision and stamps: nobody changed the customers themselves."""
    table = Customer.__table__
    for column in FIXED:
        rows = [{"number": number, "to": one[column][1]} for number, one in changed.items() if column in one]
        if rows:
            change = update(table).where(table.c.id == bindparam("number"))
            values = {column: bindparam("to"), "updated_at": table.c.updated_at}
            session.connection().execute(change.values(values), rows)
    record_changed(session, Customer, changed)
    keeping.renew(session, sorted(changed))


def _note(session: Session, number: int, moved: int, piece: queries.Piece | None) -> None:
    values: dict[str, Any] = {"moved": ClassRun.moved + moved}
    if piece is not None:
        values |= {"reached": piece.last_id, "examined": ClassRun.examined + piece.examined}
    session.execute(update(ClassRun).where(ClassRun.id == number).values(**values))


def _count_failed(session: Session, number: int, count: int) -> None:
    session.execute(update(ClassRun).where(ClassRun.id == number).values(failed=ClassRun.failed + count))


def _let_go(session: Session, number: int, owner: str) -> None:
    """Its turn is over: anybody goes on with it, and the attempt does not count."""
    session.execute(
        update(ClassRun)
        .where(ClassRun.id == number, ClassRun.lease_owner == owner)
        .values(status=LeaseState.waiting, attempts=ClassRun.attempts - 1, lease_owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )
