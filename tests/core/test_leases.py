from __future__ import annotations

import os
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Barrier, Thread

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from app.core import leases
from app.core.db import db, transaction
from app.core.errors import ConflictError
from app.core.leases import LeaseState
from app.notifications.models import Channel, Outbox
from tests.notifications.small_app import make_tables, small_app

NINE = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LEASE = timedelta(minutes=2)


@pytest.fixture
def app(tmp_path: Path):
    app = small_app(os.environ.get("TANTAM_TEST_DATABASE_URL") or f"sqlite:///{tmp_path / 'leases.db'}")
    with app.app_context():
        make_tables()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def work(app: Flask):
    """Put a piece of work (an outbox row) there; gives its id."""

    def put(*, next_at: datetime = NINE, **more) -> int:
        with transaction() as session:
            row = Outbox(
                channel=Channel.mail,
                message_id=uuid.uuid4().hex,
                from_address="",
                to_address="",
                subject="",
                body_text="",
                next_at=next_at,
                **more,
            )
            session.add(row)
            session.flush()
            return row.id

    return put


def row(work_id: int) -> Outbox:
    db.session.rollback()
    return db.session.get_one(Outbox, work_id)


def claim(owner: str = "a", at: datetime = NINE, limit: int = 10) -> list[int]:
    return leases.claim(Outbox, owner=owner, at=at, limit=limit, lease=LEASE)


def test_due_work_is_claimed_oldest_first_and_only_once(work):
    later, sooner = work(next_at=NINE), work(next_at=NINE - timedelta(hours=1))
    work(next_at=NINE + timedelta(seconds=1))
    assert claim(limit=1) == [sooner]
    assert claim("b") == [later]
    assert claim("c") == []
    assert (row(sooner).status, row(sooner).attempts, row(sooner).lease_owner) == (LeaseState.leased, 1, "a")
    assert row(sooner).lease_until == NINE + LEASE


@pytest.mark.parametrize("status", [LeaseState.done, LeaseState.dead, LeaseState.held])
def test_what_is_done_dead_or_held_is_not_claimed(work, status):
    work(status=status)
    assert claim() == []


def test_work_of_a_dead_worker_is_claimable_when_its_lease_runs_out(work):
    work_id = work()
    claim("dead")
    assert claim("b", NINE + LEASE - timedelta(seconds=1)) == []
    assert claim("b", NINE + LEASE) == [work_id]
    assert row(work_id).attempts == 2


def test_work_that_kills_each_worker_dies_itself(work):
    work_id = work()
    at = NINE
    claims = 0
    while claim(f"worker {claims}", at):
        claims += 1
        at += LEASE
    assert claims == Outbox.max_attempts
    assert row(work_id).status == LeaseState.dead
    assert row(work_id).last_error


def test_a_late_worker_changes_nothing(work):
    work_id = work()
    claim("late")
    claim("other", NINE + LEASE)
    later = NINE + timedelta(hours=1)
    with transaction() as session:
        assert not leases.mark_done(session, Outbox, work_id, owner="late")
        assert not leases.mark_failed(session, Outbox, work_id, owner="late", error="x", at=later, retry_at=None)
        assert leases.give_back(session, Outbox, [work_id], owner="late", next_at=later, error="x") == 0
        leases.renew(session, Outbox, [work_id], owner="late", at=later, lease=LEASE)
        assert leases.held_by(session, Outbox, [work_id], owner="late") == set()
        assert leases.held_by(session, Outbox, [work_id], owner="other") == {work_id}
    assert (row(work_id).lease_owner, row(work_id).lease_until) == ("other", NINE + 2 * LEASE)

    with transaction() as session:
        assert leases.mark_done(session, Outbox, work_id, owner="other", sent_at=later)
        assert not leases.mark_done(session, Outbox, work_id, owner="other")
    assert (row(work_id).status, row(work_id).sent_at, row(work_id).lease_owner) == (LeaseState.done, later, None)


def test_failed_work_comes_back_when_told_and_remembers_since_when(work):
    work_id = work()
    again = NINE + timedelta(minutes=1)
    claim()
    with transaction() as session:
        leases.mark_failed(session, Outbox, work_id, owner="a", error="e" * 900, at=NINE, retry_at=again)
    assert claim(at=again - timedelta(seconds=1)) == []
    assert claim(at=again) == [work_id]
    with transaction() as session:
        leases.mark_failed(session, Outbox, work_id, owner="a", error="no", at=again, retry_at=None)
    assert (row(work_id).status, row(work_id).failing_since, row(work_id).attempts) == (LeaseState.dead, NINE, 2)
    assert row(work_id).last_error == "no"


def test_work_given_back_keeps_its_attempts(work):
    work_id = work()
    claim()
    with transaction() as session:
        leases.give_back(session, Outbox, [work_id], owner="a", next_at=NINE, error="nobody there")
    assert (row(work_id).status, row(work_id).attempts, row(work_id).failing_since) == (LeaseState.waiting, 0, None)


@pytest.mark.parametrize("status", [LeaseState.waiting, LeaseState.dead, LeaseState.held])
def test_resend_begins_anew(work, status):
    work_id = work(status=status, attempts=12, failing_since=NINE, next_at=NINE + timedelta(days=1))
    with transaction() as session:
        leases.resend(session, session.get_one(Outbox, work_id), at=NINE)
    assert claim() == [work_id]
    assert (row(work_id).attempts, row(work_id).failing_since) == (1, None)


@pytest.mark.parametrize("status", [LeaseState.leased, LeaseState.done])
def test_resend_refuses_what_is_under_way_or_done(work, status):
    work_id = work(status=status, lease_until=NINE + LEASE)
    with pytest.raises(ConflictError), transaction() as session:
        leases.resend(session, session.get_one(Outbox, work_id), at=NINE)
    assert row(work_id).status == status


def test_workers_at_the_same_time_share_the_work(app, work):
    ids = [work() for _ in range(60)]
    start = Barrier(4)
    got: list[int] = []

    def take(number: int) -> None:
        with app.app_context():
            start.wait()
            while some := claim(f"worker {number}", limit=3):
                got.extend(some)
            db.session.remove()

    threads = [Thread(target=take, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(got) == Counter(ids)


def test_the_claim_reads_the_partial_indexes_only(app, work):
    work()
    seen: list[tuple[str, object]] = []

    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        seen.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    claim()
    event.remove(db.engine, "before_cursor_execute", note)
    (expire, select_due) = [pair for pair in seen if "outbox" in pair[0]][:2]

    with db.engine.connect() as connection:
        on_sqlite = db.engine.dialect.name == "sqlite"
        if not on_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        for (statement, parameters), index in (
            (expire, "ix_outbox_lease_until"),
            (select_due, "ix_outbox_next_at_id"),
        ):
            explain = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
            plan = str(connection.exec_driver_sql(explain + statement, parameters).all())
            assert index in plan
            assert "SCAN outbox" not in plan
            assert "Seq Scan" not in plan


def test_owners_differ():
    assert leases.new_owner() != leases.new_owner()


@given(st.integers(1, 10_000), st.integers())
def test_pauses_double_from_thirty_seconds_and_end_at_an_hour(attempts, seed):
    pause = leases.backoff(attempts, Random(seed)).total_seconds()
    expected = min(30 * 2 ** (min(attempts, 20) - 1), 3600)
    assert expected * 0.8 <= pause <= min(expected * 1.2, 3600)
