"""Who is in here twice although no number says so? The worker looks, and keeps a list of pairs for people.

A run that was broken off is done again from the start: what it found before is known, and nothing is told twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import db, transaction
from app.core.formats import local
from app.customers import keys, matching, rules
from app.customers.duplicates.models import DuplicatePair, DuplicateRun, PairState, RunKind
from app.customers.matching import Candidate
from app.customers.models import ContactPoint, Customer

#: a change is looked at again when it may have been written, but not yet committed, when the last run looked
_MARGIN = timedelta(minutes=5)
#: from this hour on everybody is compared
_NIGHT = 2
#: runs are kept for so long
_REMEMBERED = timedelta(days=90)
#: rows a transaction
_BATCH = 1_000

Pair = tuple[int, int]
_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def look_when_due(time_zone: str) -> int:
    """Once a night everybody with everybody, in between those who are new or were changed; how many pairs are new."""
    now = local(clock.now(), time_zone)
    rows = select(DuplicateRun.started_at).where(DuplicateRun.kind == RunKind.full, DuplicateRun.ended_at.is_not(None))
    last = db.session().scalars(rows.order_by(DuplicateRun.started_at.desc()).limit(1)).first()
    is_night = last is None or (now.hour >= _NIGHT and local(last, time_zone).date() < now.date())
    return look(RunKind.full if is_night else RunKind.changed)


def look(kind: RunKind) -> int:
    """Compare everybody, or those who were changed since the last run, with everybody; how many pairs are new."""
    _fill_keys()
    session = db.session()
    since = _looked_until(session)
    if since is None:
        kind = RunKind.full
    among = _changed(session, since - _MARGIN) if kind is RunKind.changed and since is not None else None
    if among is not None and not among:
        session.rollback()
        return 0
    with transaction() as inside:
        run = DuplicateRun(kind=kind)
        inside.add(run)
        inside.flush()
        number = run.id
    everyone = list(_candidates(session))
    session.rollback()
    found = {(one.first, one.second): one for one in matching.find_pairs(everyone, among=among)}
    fresh = _write(found)
    gone = _forget(set(found), among, {one.id for one in everyone})
    with transaction() as inside:
        inside.execute(delete(DuplicateRun).where(DuplicateRun.started_at < clock.now() - _REMEMBERED))
        done = inside.get_one(DuplicateRun, number)
        done.ended_at, done.found, done.gone = clock.now(), fresh, gone
        done.compared = len(everyone) if among is None else len(among)
    return fresh


def _fill_keys() -> None:
    while True:
        with transaction() as session:
            if not keys.fill_keys(session):
                return


def _looked_until(session: Session) -> datetime | None:
    """Up to when the last finished run saw everything; None: there was none."""
    rows = select(DuplicateRun.started_at).where(DuplicateRun.ended_at.is_not(None))
    return session.scalars(rows.order_by(DuplicateRun.started_at.desc()).limit(1)).first()


def _changed(session: Session, since: datetime) -> set[int]:
    """Who was changed since, or one of the ways to reach whom was."""
    rows = session.scalars(select(Customer.id).where(Customer.updated_at > since, Customer.archived_at.is_(None)))
    points = session.scalars(select(ContactPoint.customer_id).where(ContactPoint.updated_at > since))
    return {*rows, *points}


def _candidates(session: Session) -> Iterator[Candidate]:
    numbers: dict[int, list[str]] = defaultdict(list)
    for customer_id, value in session.execute(
        select(ContactPoint.customer_id, ContactPoint.value).where(
            ContactPoint.kind.in_(sorted(rules.PHONE_KINDS)), ContactPoint.archived_at.is_(None),
            ContactPoint.is_shared.is_(False),
        )
    ):  # fmt: skip
        if rules.is_number(value):
            numbers[customer_id].append(value)
    rows = session.execute(
        select(
            Customer.id, Customer.kind, Customer.name_key, Customer.birthday, Customer.addr_key, Customer.gender,
            Customer.id_number, Customer.tax_code,
        ).where(Customer.archived_at.is_(None), Customer.name_key.is_not(None))
    )  # fmt: skip
    for row in rows:
        yield Candidate(
            row.id, row.kind, row.name_key, row.birthday, row.addr_key or "", matching.tails(numbers.get(row.id, ())),
            row.gender, row.id_number, row.tax_code,
        )  # fmt: skip


def _write(found: Mapping[Pair, matching.Match]) -> int:
    """Keep what is new, and bring the score of what is still open up to date; how many are new."""
    known = {(row.first_id, row.second_id): row for row in _pairs(db.session())}
    db.session().rollback()
    fresh = [one for pair, one in found.items() if pair not in known]
    now, count = clock.now(), 0
    for some in _parts(fresh):
        with transaction() as session:
            insert = _INSERT[session.get_bind().dialect.name](DuplicatePair.__table__).on_conflict_do_nothing()
            values = [
                {"first_id": one.first, "second_id": one.second, "score": round(one.score * 1000),
                 "reasons": list(map(str, one.reasons)), "state": PairState.open, "found_at": now}
                for one in some
            ]  # fmt: skip
            session.connection().execute(insert, values)
            count += len(values)
    other = [
        (row.id, one) for pair, one in found.items()
        if (row := known.get(pair)) is not None and row.state is PairState.open and row.note is None
        and (row.score, row.reasons) != (round(one.score * 1000), list(map(str, one.reasons)))
    ]  # fmt: skip
    table = DuplicatePair.__table__
    for changed in _parts(other):
        with transaction() as session:
            for number, one in changed:
                here = table.c.id == number, table.c.state == PairState.open
                told = update(DuplicatePair).where(*here)
                told = told.values(score=round(one.score * 1000), reasons=list(map(str, one.reasons)))
                session.connection().execute(told)
    return count


def _forget(found: Collection[Pair], among: Collection[int] | None, everyone: Collection[int]) -> int:
    """Nobody has to look at what is no longer alike; what people said of a pair stays for ever."""
    gone = [
        row.id for row in _pairs(db.session())
        if row.state is PairState.open and row.note is None and (row.first_id, row.second_id) not in found
        and row.first_id in everyone and row.second_id in everyone
        and (among is None or row.first_id in among or row.second_id in among)
    ]  # fmt: skip
    db.session().rollback()
    for some in _parts(gone):
        with transaction() as session:
            rows = delete(DuplicatePair).where(DuplicatePair.id.in_(some), DuplicatePair.state == PairState.open)
            session.connection().execute(rows)
    return len(gone)


def _pairs(session: Session) -> Sequence[Any]:
    columns = (
        DuplicatePair.id, DuplicatePair.first_id, DuplicatePair.second_id, DuplicatePair.state, DuplicatePair.note,
        DuplicatePair.score, DuplicatePair.reasons,
    )  # fmt: skip
    return session.execute(select(*columns)).all()


def _parts(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]
