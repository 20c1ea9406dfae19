"""The worker: jobs run, errors stay where they happen, and nothing makes the pulse stop unseen."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask, current_app
from sqlalchemy import create_engine, event, select, text

from app.core import clock
from app.core.db import db, listen_to
from app.core.models import JobHeartbeat
from app.core.worker import PULSE, STALLED, Job, Worker
from config import ROOT, TestConfig

SOON = timedelta(milliseconds=100)
PATIENCE = 60.0


@pytest.fixture
def app(tmp_path) -> Iterator[Flask]:
    app = Flask("worker")
    app.config.from_object(TestConfig(tmp_path))
    db.init_app(app)
    with app.app_context():
        listen_to(db.engine, synchronous="NORMAL")
        JobHeartbeat.__table__.create(db.engine)
    yield app
    with app.app_context():
        db.engine.dispose()


@contextmanager
def working(worker: Worker) -> Iterator[None]:
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def job(run: Callable[[], object], name: str = "work", every: timedelta = SOON) -> Job:
    return Job(name, run, every, "a test")


def rows(app: Flask) -> dict[str, JobHeartbeat]:
    with app.app_context():
        return {row.name: row for row in db.session.scalars(select(JobHeartbeat))}


def after(times: int) -> tuple[Callable[[], None], threading.Event]:
    """A job that sets the event at its n-th run."""
    done, left = threading.Event(), [times]

    def run() -> None:
        left[0] -= 1
        if left[0] <= 0:
            done.set()

    return run, done


def written(app: Flask, holds: Callable[[dict[str, JobHeartbeat]], bool]) -> tuple[Job, threading.Event]:
    """A job that looks at the heartbeats until they are as wanted."""
    seen = threading.Event()

    def look() -> None:
        if holds({row.name: row for row in db.session.scalars(select(JobHeartbeat))}):
            seen.set()

    return job(look, name="look"), seen


def test_a_job_runs_again_and_again_inside_an_app_context(app):
    names: list[str] = []
    run, done = after(3)
    with working(Worker(app, [job(lambda: (names.append(current_app.name), run()))])):
        assert done.wait(PATIENCE)
    assert set(names) == {"worker"}


def test_a_failing_job_is_noted_and_disturbs_nobody(app, caplog):
    def fail() -> None:
        raise ZeroDivisionError("no customers")

    run, others_go_on = after(5)
    look, seen = written(app, lambda rows: "fail" in rows and rows["fail"].beats >= 2 and "work" in rows)
    with working(Worker(app, [job(fail, name="fail"), job(run), look], pulse_every=SOON)):
        assert others_go_on.wait(PATIENCE)
        assert seen.wait(PATIENCE)
    kept = rows(app)
    assert kept["fail"].last_error == "ZeroDivisionError: no customers"
    assert kept["fail"].last_ok_at is None
    assert kept["fail"].last_started_at is not None
    assert kept["work"].last_error == ""
    assert kept["work"].last_ok_at is not None
    assert "job fail failed" in caplog.text


def test_an_error_that_is_over_is_no_longer_shown(app):
    runs: list[int] = []

    def fail_once() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise SystemExit("a job cannot end the worker either")

    look, seen = written(app, lambda rows: "work" in rows and rows["work"].last_ok_at is not None)
    with working(Worker(app, [job(fail_once), look], pulse_every=SOON)):
        assert seen.wait(PATIENCE)
    assert rows(app)["work"].last_error == ""


def test_a_locked_database_costs_heartbeats_and_not_the_worker(app, tmp_path):
    """The lock outlasts the patience of two writes; what happened meanwhile is written afterwards."""
    with app.app_context():
        event.listen(db.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=50"))
        db.engine.dispose()  # whoever is connected already has more patience
    refused = threading.Semaphore(0)
    with app.app_context():
        event.listen(db.engine, "handle_error", lambda _context: refused.release())
    worked, has_worked = after(1)
    stranger = create_engine(f"sqlite:///{tmp_path}/tantam.db", isolation_level=None)
    look, seen = written(app, lambda rows: PULSE in rows and "work" in rows)
    with stranger.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with working(Worker(app, [job(worked), look], pulse_every=SOON)):
            assert refused.acquire(timeout=PATIENCE)
            assert refused.acquire(timeout=PATIENCE)
            assert has_worked.wait(PATIENCE)
            assert not seen.is_set()
            connection.exec_driver_sql("ROLLBACK")
            assert seen.wait(PATIENCE)
    stranger.dispose()
    assert rows(app)[PULSE].last_ok_at is not None


@pytest.mark.slow
def test_a_database_locked_for_ten_seconds_delays_the_pulse_by_as_much(app, tmp_path):
    stranger = create_engine(f"sqlite:///{tmp_path}/tantam.db", isolation_level=None)
    look, seen = written(app, lambda rows: PULSE in rows)
    with stranger.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with working(Worker(app, [look], pulse_every=SOON)):
            assert not seen.wait(10)
            connection.exec_driver_sql("ROLLBACK")
            assert seen.wait(PATIENCE)
    stranger.dispose()


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=-400), timedelta(days=3), timedelta(days=3650)])
def test_a_clock_that_is_set_stops_no_job_and_floods_none(app, jump):
    runs: list[datetime] = []
    before, is_running = after(2)
    afterwards = threading.Event()
    jumped = threading.Event()

    def run() -> None:
        before()
        if jumped.is_set():
            runs.append(clock.now())
            if len(runs) >= 3:
                afterwards.set()

    with working(Worker(app, [job(run, every=timedelta(milliseconds=200))])):
        assert is_running.wait(PATIENCE)
        with time_machine.travel(clock.now() + jump, tick=True):
            jumped.set()
            assert afterwards.wait(PATIENCE)
    assert len(runs) < 100  # a run for each moment that was jumped over would be some million


def test_two_jobs_of_one_name_are_refused(app):
    with pytest.raises(ValueError, match="one name"):
        Worker(app, [job(print), job(print)])


DEAD_LOOP = "Job('freeze', lambda: worker._jobstores_lock.acquire(), timedelta(seconds=1), 'a dead loop')"
HUNG_JOB = "Job('hang', threading.Event().wait, timedelta(seconds=1), 'hangs', limit=timedelta(seconds=1))"


@pytest.mark.parametrize(("bad_job", "reason"), [(DEAD_LOOP, "has not turned"), (HUNG_JOB, "hang")])
def test_the_watchdog_ends_a_worker_that_stands_still(bad_job, reason):
    program = f"""
        import logging, threading
        from datetime import timedelta
        from flask import Flask
        from app.core.worker import Job, Worker
        logging.basicConfig(level="CRITICAL")
        worker = Worker(Flask("stalled"), [{bad_job}], pulse_every=timedelta(hours=1), stall=timedelta(seconds=2))
        worker.run()
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == STALLED, ended.stderr
    assert reason in ended.stderr


def test_other_readers_are_not_kept_waiting_by_the_heartbeat(app):
    """A page reads while the worker writes: WAL, and transactions of a few rows."""
    look, seen = written(app, lambda rows: PULSE in rows)
    with working(Worker(app, [look], pulse_every=SOON)):
        assert seen.wait(PATIENCE)
        with app.app_context():
            assert db.session.scalar(text("SELECT count(*) FROM job_heartbeat")) >= 1
