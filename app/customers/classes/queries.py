"""What does each customer do, and which class would he be in by these rules?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Select, case, func, literal, select
from sqlalchemy.orm import Session, joinedload

from app.core import clock
from app.core.access import Actor, row_rule, visible
from app.core.formats import local
from app.core.i18n import DEFAULT_TIME_ZONE
from app.customers.classes import rules
from app.customers.classes.models import ClassKind, ClassMove, ClassRule, ClassRun
from app.customers.classes.rules import EVER, Facts, Rule
from app.customers.models import Customer
from app.customers.profile_models import Purchase

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


@dataclass(frozen=True)
class Move:
    """A customer who belongs somewhere else than he is."""

    customer_id: int
    kind: ClassKind
    before: str | None
    after: str
    reason: Mapping[str, int]


@dataclass(frozen=True)
class Piece:
    """Customers who were looked at together: how many, the last one's id, and those who move."""

    examined: int
    last_id: int
    moves: Sequence[Move]


def pieces(session: Session, by_kind: Mapping[ClassKind, Sequence[Rule]], *, after: int = 0) -> Iterator[Piece]:
    """All live customers behind the one with this id, PIECE at a time in the order of their ids."""
    today = clock.today(DEFAULT_TIME_ZONE)
    every = [rule for some in by_kind.values() for rule in some]
    while True:
        rows = session.execute(
            select(Customer.id, Customer.tier, Customer.behaviour, Customer.tier_is_fixed, Customer.last_contact_at)
            .where(Customer.id > after, Customer.archived_at.is_(None)).order_by(Customer.id).limit(PIECE)
        ).all()  # fmt: skip
        if not rows:
            return
        first, after = rows[0].id, rows[-1].id
        bought = _bought(session, first, after, every, today)
        moves: list[Move] = []
        for row in rows:
            heard = row.last_contact_at and local(row.last_contact_at, DEFAULT_TIME_ZONE).date()
            known = bought.get(row.id, _NOTHING)
            facts = Facts(known.bought_days, known.pause, rules.days_since(heard, today), known.times, known.amount)
            for kind, some in by_kind.items():
                if kind is ClassKind.tier and row.tier_is_fixed:
                    continue
                before = getattr(row, kind.value)
                found = rules.chosen(some, facts)
                if found is not None and found[0].code != before:
                    moves.append(Move(row.id, kind, before, found[0].code, found[1]))
        yield Piece(len(rows), after, moves)


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

    @property
    def moved(self) -> int:
        return sum(self.moves.values())


def preview(session: Session, by_kind: Mapping[ClassKind, Sequence[Rule]]) -> Preview:
    examined, counted = 0, Counter[tuple[ClassKind, str | None, str]]()
    for piece in pieces(session, by_kind):
        examined += piece.examined
        counted.update((one.kind, one.before, one.after) for one in piece.moves)
    return Preview(examined, dict(counted.most_common()))


def runs(limit: int) -> Select[ClassRun]:
    """The newest first."""
    return select(ClassRun).order_by(ClassRun.id.desc()).limit(limit)


def moves_of(customer_id: int, who: Actor) -> Select[ClassMove]:
    rows = select(ClassMove).where(ClassMove.customer_id == customer_id, visible(ClassMove, who))
    return rows.order_by(ClassMove.id.desc())


def latest_moves(who: Actor, limit: int) -> Select[ClassMove]:
    """Of customers whom he sees, the newest first."""
    rows = select(ClassMove).where(visible(ClassMove, who)).order_by(ClassMove.id.desc()).limit(limit)
    return rows.options(joinedload(ClassMove.customer))
