"""What does each customer do, and which class would he be in by these rules?"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, literal, null, select
from sqlalchemy.orm import Session, joinedload

from app.catalogues.queries import offered
from app.core import clock
from app.core.access import Actor, row_rule, visible
from app.core.db import UtcDateTime
from app.core.formats import local
from app.core.i18n import DEFAULT_TIME_ZONE
from app.customers.classes import rules
from app.customers.classes.models import ClassKind, ClassMove, ClassRule, ClassRun
from app.customers.classes.rules import EVER, Facts, Rule
from app.customers.models import Customer
from app.customers.profile import CATALOGUES, FIXED
from app.customers.profile_models import Purchase

logger = logging.getLogger(__name__)

#: customers who are looked at together
PIECE = 2000
_NOTHING = Facts()


@row_rule(ClassRule)
@row_rule(ClassRun)
def _settings(actor: Actor, action: str) -> ColumnElement[bool]:
    return literal(actor.may("view" if action in ("view", "export") else "edit", "Setting"))


@row_rule(ClassMove)
def _moves(actor: Actor, action: str) -> ColumnElement[bool]:
    return ClassMove.customer_id.in_(select(Customer.id).where(visible(Customer, actor, action)).correlate(None))


def rules_of(session: Session, kind: ClassKind) -> list[Rule]:
    """In the order in which they are tried."""
    rows = session.scalars(select(ClassRule).where(ClassRule.kind == kind).order_by(ClassRule.position))
    return [Rule(row.code, **{name: getattr(row, name) for name in rules.COLUMNS}) for row in rows]


def all_rules(session: Session) -> dict[ClassKind, list[Rule]]:
    return {kind: rules_of(session, kind) for kind in ClassKind}


def in_use(session: Session, by_kind: Mapping[ClassKind, Sequence[Rule]]) -> dict[ClassKind, list[Rule]]:
    """Those into whose class somebody can be put: nobody comes into a retired one."""
    offers = {kind: {code for code, _label in offered(session, CATALOGUES[kind.value], None)} for kind in by_kind}
    return {kind: [rule for rule in some if rule.code in offers[kind]] for kind, some in by_kind.items()}


@dataclass(frozen=True)
class Move:
    """A customer who belongs somewhere else than he is."""

    customer_id: int
    kind: ClassKind
    before: str | None
    #: empty: none, since no rule fits any more
    after: str
    reason: Mapping[str, int]


@dataclass(frozen=True)
class Piece:
    """Customers who were looked at together: how many, the last one's id, and those who move."""

    examined: int
    last_id: int
    moves: Sequence[Move]
    #: those of whom nobody can say where they belong
    failed: int


def pieces(session: Session, by_kind: Mapping[ClassKind, Sequence[Rule]], *, after: int = 0) -> Iterator[Piece]:
    """All live customers behind the one with this id, PIECE at a time in the order of their ids."""
    today = clock.today(DEFAULT_TIME_ZONE)
    every = [rule for some in by_kind.values() for rule in some]
    while True:
        rows = session.execute(
            select(Customer.id, Customer.tier, Customer.behaviour, Customer.tier_is_fixed, Customer.behaviour_is_fixed,
                   Customer.last_contact_at)
            .where(Customer.id > after, Customer.archived_at.is_(None)).order_by(Customer.id).limit(PIECE)
        ).all()  # fmt: skip
        if not rows:
            return
        first, after = rows[0].id, rows[-1].id
        bought, given = _bought(session, first, after, every, today), _given(session, first, after)
        moves: list[Move] = []
        failed = 0
        for row in rows:
            try:
                moves += _moves_of(row, by_kind, bought.get(row.id, _NOTHING), given, today)
            except Exception:
                # One customer is not to stop the round of all others.
                logger.exception("nobody can say into which classes customer %s belongs", row.id)
                failed += 1
        yield Piece(len(rows), after, moves, failed)


def _moves_of(
    row: Any, by_kind: Mapping[ClassKind, Sequence[Rule]], known: Facts, given: Mapping[tuple[int, ClassKind], str],
    today: date,
) -> list[Move]:  # fmt: skip
    heard = row.last_contact_at and local(row.last_contact_at, DEFAULT_TIME_ZONE).date()
    facts = Facts(known.bought_days, known.pause, rules.days_since(heard, today), known.times, known.amount)
    moves = []
    for kind, some in by_kind.items():
        if getattr(row, FIXED[kind.value]):
            continue
        before = getattr(row, kind.value)
        found = rules.chosen(some, facts)
        if found is not None and found[0].code != before:
            moves.append(Move(row.id, kind, before, found[0].code, found[1]))
        elif found is None and before is not None and given.get((row.id, kind)) == before:
            # What a rule gave goes with what it rested on; what came otherwise stays.
            moves.append(Move(row.id, kind, before, "", {}))
    return moves


def _given(session: Session, first: int, last: int) -> dict[tuple[int, ClassKind], str]:
    """(customer, kind) → the class that a rule gave him last, of all between these ids."""
    newest = select(func.max(ClassMove.id)).where(ClassMove.customer_id.between(first, last))
    rows = select(ClassMove.customer_id, ClassMove.kind, ClassMove.after).where(
        ClassMove.id.in_(newest.group_by(ClassMove.customer_id, ClassMove.kind))
    )
    return {(row.customer_id, row.kind): row.after for row in session.execute(rows)}


def _bought(session: Session, first: int, last: int, every: Sequence[Rule], today: date) -> dict[int, Facts]:
    """Customer id → what he bought; in two queries for all between these ids."""
    windows = sorted({rule.over_days or EVER for rule in every})
    columns = []
    for days in windows:
        inside = Purchase.bought_on > today - timedelta(days=days) if days else literal(True)
        columns += [func.sum(case((inside, 1), else_=0)), func.sum(case((inside, Purchase.amount), else_=0))]
    given = (Purchase.customer_id.between(first, last), Purchase.archived_at.is_(None), Purchase.bought_on <= today)
    summed = select(Purchase.customer_id, func.max(Purchase.bought_on), *columns).where(*given)
    rows = session.execute(summed.group_by(Purchase.customer_id))
    before = _day_before_last(session, given) if any(rule.pause for rule in every) else {}
    found = {}
    for customer_id, newest, *sums in rows:
        earlier = before.get(customer_id)
        found[customer_id] = Facts(
            bought_days=rules.days_since(newest, today),
            pause=(newest - earlier).days if earlier is not None else None,
            times=dict(zip(windows, map(int, sums[0::2]), strict=True)),
            amount=dict(zip(windows, map(int, sums[1::2]), strict=True)),
        )
    return found


def _day_before_last(session: Session, given: Sequence[ColumnElement[bool]]) -> dict[int, date]:
    """Customer id → the last day but one on which he bought something."""
    rank = func.dense_rank().over(partition_by=Purchase.customer_id, order_by=Purchase.bought_on.desc())
    ranked = select(Purchase.customer_id, Purchase.bought_on, rank.label("place")).where(*given).subquery()
    rows = select(ranked.c.customer_id, ranked.c.bought_on).where(ranked.c.place == 2).distinct()
    return dict(session.execute(rows).all())


@dataclass(frozen=True)
class Preview:
    """What rules would do to all customers."""

    examined: int
    #: (kind, from, to) → how many
    moves: Mapping[tuple[ClassKind, str | None, str], int]
    #: how many were put there by hand, and no rule moves
    held: Mapping[ClassKind, int]

    @property
    def moved(self) -> int:
        return sum(self.moves.values())


def preview(session: Session, by_kind: Mapping[ClassKind, Sequence[Rule]]) -> Preview:
    """By one statement that adds up where everybody is and would be: somebody waits for it."""
    bought = _bought_by_each(session, [rule for some in by_kind.values() for rule in some])
    columns: list[ColumnElement[Any]] = []
    for kind in ClassKind:
        before = getattr(Customer, kind.value).expression
        columns += [before, _after(session, kind, by_kind.get(kind, ()), bought)]
    placed = select(*(column.label(f"at_{place}") for place, column in enumerate(columns)))
    rows = (
        placed.outerjoin(bought, bought.c.customer_id == Customer.id).where(Customer.archived_at.is_(None)).subquery()
    )
    counted = session.execute(select(func.count(), *rows.c).group_by(*rows.c))
    examined, moves = 0, Counter[tuple[ClassKind, str | None, str]]()
    for count, *places in counted:
        examined += count
        for kind, before, after in zip(ClassKind, places[0::2], places[1::2], strict=True):
            if before != after:
                moves[kind, before, after or ""] += count
    fixed = [func.count().filter(getattr(Customer, FIXED[kind.value])) for kind in ClassKind]
    counts = session.execute(select(*fixed).where(Customer.archived_at.is_(None))).one()
    return Preview(examined, dict(moves.most_common()), dict(zip(ClassKind, counts, strict=True)))


def _after(session: Session, kind: ClassKind, some: Sequence[Rule], bought: Subquery) -> ColumnElement[Any]:
    """The class in which a customer would be: what _moves_of says of one, said of all."""
    before = getattr(Customer, kind.value).expression
    move = select(ClassMove.after).where(ClassMove.customer_id == Customer.id, ClassMove.kind == kind)
    given = move.order_by(ClassMove.id.desc()).limit(1).correlate(Customer).scalar_subquery()
    fits = [(asked, literal(rule.code)) for rule in some if (asked := _asked(session, rule, bought)) is not None]
    is_fixed = getattr(Customer, FIXED[kind.value]).expression
    return case((is_fixed, before), *fits, (before == given, null()), else_=before)


def _asked(session: Session, rule: Rule, bought: Subquery) -> ColumnElement[bool] | None:
    """All that the rule asks; None: nothing."""
    today, over, days = clock.today(DEFAULT_TIME_ZONE), rule.over_days or EVER, timedelta(days=1)
    last, asks = bought.c.last, []
    if rule.bought_within is not None:
        asks.append(last >= today - rule.bought_within * days)
    if rule.bought_before is not None:
        asks.append(last < today - rule.bought_before * days)
    if rule.times is not None:
        asks.append(bought.c[f"times_{over}"] >= rule.times)
    if rule.amount is not None:
        asks.append(bought.c[f"amount_{over}"] >= rule.amount)
    if rule.pause is not None:
        is_sqlite = session.get_bind().dialect.name == "sqlite"
        passed = func.julianday(last) - func.julianday(bought.c.before) if is_sqlite else last - bought.c.before
        asks.append(passed >= rule.pause)
    if rule.heard_within is not None:
        day = datetime.combine(today - rule.heard_within * days, time(), ZoneInfo(DEFAULT_TIME_ZONE))
        asks.append(Customer.last_contact_at >= literal(day, UtcDateTime()))
    return and_(*asks) if asks else None


def _bought_by_each(session: Session, every: Sequence[Rule]) -> Subquery:
    """customer_id, last, before (the last day but one), and times_N, amount_N over so many days: of all who bought."""
    today = clock.today(DEFAULT_TIME_ZONE)
    earlier = func.lag(Purchase.bought_on).over(partition_by=Purchase.customer_id, order_by=Purchase.bought_on)
    one = (
        select(Purchase.customer_id, Purchase.bought_on, Purchase.amount, earlier.label("earlier"))
        .where(Purchase.archived_at.is_(None), Purchase.bought_on <= today).subquery().c
    )  # fmt: skip
    columns: list[ColumnElement[Any]] = []
    for days in sorted({rule.over_days or EVER for rule in every}):
        inside = one.bought_on > today - timedelta(days=days) if days else literal(True)
        columns.append(func.sum(case((inside, 1), else_=0)).label(f"times_{days}"))
        columns.append(func.sum(case((inside, one.amount), else_=0)).label(f"amount_{days}"))
    if any(rule.pause for rule in every):
        columns.append(func.max(case((one.earlier < one.bought_on, one.earlier))).label("before"))
    summed = select(one.customer_id, func.max(one.bought_on).label("last"), *columns).group_by(one.customer_id)
    return summed.subquery()


def runs(limit: int) -> Select[ClassRun]:
    """The newest first."""
    return select(ClassRun).order_by(ClassRun.id.desc()).limit(limit)


def latest_moves(who: Actor, limit: int) -> Select[ClassMove]:
    """Of customers whom he sees, the newest first."""
    rows = select(ClassMove).where(visible(ClassMove, who)).order_by(ClassMove.id.desc()).limit(limit)
    return rows.options(joinedload(ClassMove.customer))
