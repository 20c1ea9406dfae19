"""Who runs the scheduled jobs, and who notices when he stops? A pulse without memory; the tables are the truth."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.base import STATE_STOPPED
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask
from sqlalchemy import select

from app.core import audit, clock
from app.core.db import transaction
from app.core.errors import Sentence
from app.core.models import JobHeartbeat

logger = logging.getLogger(__name__)

#: The job that writes down how all the others are; /health/scheduler reads its age.
PULSE = "heartbeat"
PULSE_EVERY = timedelta(seconds=5)
#: A loop that has not turned for this long is dead.
STALL = timedelta(seconds=60)
#: Exit code of a worker that ended itself (EX_SOFTWARE); the supervisor starts another one.
STALLED = 70

_NAP = 0.5  # seconds between two looks at the clock: also the longest wait for a stop
_JUMP = 30.0  # seconds between wall clock and steady clock that mean: somebody set the wall clock
_LONGEST_ERROR = 500


@dataclass(frozen=True)
class Job:
    """A piece of scheduled work. It must be safe to run twice, and to be killed anywhere."""

    name: str
    run: Callable[[], object]
    #: A period, or a cron trigger in the company's time zone.
    every: timedelta | BaseTrigger
    reason: str
    #: A run longer than this hangs: it holds the job's only place, so the worker ends itself.
    limit: timedelta = timedelta(minutes=15)
    #: what it does, as the page of administration calls it
    label: Sentence = ""

    def trigger(self) -> BaseTrigger:
        if isinstance(self.every, timedelta):
            return IntervalTrigger(seconds=self.every.total_seconds(), timezone=UTC)
        return self.every


@dataclass(frozen=True)
class Beat:
    """What is known of one job since the last heartbeat was written."""

    started_at: datetime | None = None
    ok_at: datetime | None = None
    error: str = ""
    beats: int = 0


@dataclass
class _Running:
    """Which jobs run right now (name → steady clock at the start), and what there is to write down."""

    since: dict[str, float] = field(default_factory=dict)
    beats: dict[str, Beat] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Worker(BlockingScheduler):
    """Runs jobs in threads until told to stop. No job's error, no locked database and no set clock ends it."""

    def __init__(
        self, app: Flask, jobs: Iterable[Job], *, pulse_every: timedelta = PULSE_EVERY, stall: timedelta = STALL
    ) -> None:
        pulse = Job(PULSE, self._write_heartbeat, pulse_every, "shows that the worker lives")
        self._app = app
        self._jobs = (*jobs, pulse)
        names = [job.name for job in self._jobs]
        if len(names) != len(set(names)):
            raise ValueError(f"two jobs have one name: {sorted(names)}")
        self._stall = stall
        self._stopping = False
        self._ended = threading.Event()
        self._turns = 0
        self._running = _Running()
        super().__init__(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            # A place for every job: one that waits for a locked database keeps nobody else from running.
            executors={"default": ThreadPoolExecutor(len(self._jobs))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        # A skipped run is no news: the job is still at it, and the heartbeat tells since when.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def run(self) -> None:
        """Work until stop(); jobs that are running then may end. Meant for a process of its own."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        self._schedule()
        logger.info("worker started with %s", ", ".join(job.name for job in self._jobs))
        try:
            self.start()
        finally:
            self._ended.set()
        logger.info("worker stopped")

    def stop(self) -> None:
        """Only a mark: it may be called from a signal handler, where taking a lock can hang."""
        self._stopping = True

    # The loop ---------------------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        """Every job anew, due at once and then by its period; what was due before is due now."""
        for job in self._jobs:
            due = datetime.now(UTC) if isinstance(job.every, timedelta) else None  # noqa: TID251 - APScheduler's clock
            first: dict[str, Any] = {"next_run_time": due} if due else {}
            self.add_job(self._run_job, job.trigger(), args=[job], id=job.name, replace_existing=True, **first)

    def _main_loop(self) -> None:
        """APScheduler's loop with a short nap: it sees a stop and a set clock within half a second.

        APScheduler itself stands still for as long as the wall clock was set back, and collects every run that a clock
        set forward has skipped.
        """
        offset = time.time() - time.monotonic()  # noqa: TID251 - compared with itself, never stored
        wait = 0.0
        while not self._stopping:
            self._event.wait(min(wait, _NAP))
            self._event.clear()
            shift = time.time() - time.monotonic() - offset  # noqa: TID251
            if abs(shift) > _JUMP:
                logger.warning("the clock was set by %+.0f s; all jobs are due now", shift)
                offset += shift
                self._schedule()
            due_in = self._process_jobs()
            wait = _NAP if due_in is None else due_in
            self._turns += 1
        if self.state != STATE_STOPPED:
            self.shutdown(wait=True)

    def _watch(self) -> None:
        """The watchdog: ends the process when the loop stands still, or a job outlives its limit.

        It counts its own naps without a turn, so that a machine that slept is not taken for a loop that died.
        """
        nap = min(5.0, self._stall.total_seconds() / 4)
        limits = {job.name: job.limit.total_seconds() for job in self._jobs}
        seen, naps = -1, 0
        while not self._ended.wait(nap):
            naps = naps + 1 if self._turns == seen else 0
            seen = self._turns
            with self._running.lock:
                hanging = [
                    name for name, since in self._running.since.items() if time.monotonic() - since > limits[name]
                ]
            if naps * nap >= self._stall.total_seconds():
                _end("the loop has not turned for %.0f s", naps * nap)
            elif hanging:
                _end("these jobs hang: %s", ", ".join(hanging))

    # The jobs ---------------------------------------------------------------------------------------------------------

    def _run_job(self, job: Job) -> None:
        """One run: inside an app context, its outcome noted, its error kept from everybody else."""
        started_at = clock.now()
        audit.came_by(audit.Origin.job)
        with self._running.lock:
            self._running.since[job.name] = time.monotonic()
            self._running.beats[job.name] = replace(self._beat(job.name), started_at=started_at)
        error: str | None = None
        try:
            with self._app.app_context():
                job.run()
        except (Exception, SystemExit) as problem:
            error = f"{type(problem).__name__}: {problem}"[:_LONGEST_ERROR]
            logger.exception("job %s failed", job.name)
        with self._running.lock:
            del self._running.since[job.name]
            beat = self._beat(job.name)
            ok_at = clock.now() if error is None else beat.ok_at
            self._running.beats[job.name] = replace(beat, ok_at=ok_at, error=error or "", beats=beat.beats + 1)

    def _beat(self, name: str) -> Beat:
        return self._running.beats.get(name, Beat())

    def _write_heartbeat(self) -> None:
        """All outcomes in one small transaction. When the database refuses, they wait for the next beat."""
        with self._running.lock:
            noted, self._running.beats = self._running.beats, {}
        try:
            with transaction() as session:
                # This very run is its own good news: it is seen only when it was written.
                noted[PULSE] = replace(noted.get(PULSE, Beat()), ok_at=clock.now(), error="")
                known = select(JobHeartbeat).order_by(JobHeartbeat.id).with_for_update()
                rows = {row.name: row for row in session.scalars(known)}
                for name, beat in noted.items():
                    row = rows.get(name)
                    if row is None:
                        row = JobHeartbeat(name=name, last_error="", beats=0)
                        session.add(row)
                    _note(row, beat)
        except Exception:
            with self._running.lock:
                for name, beat in noted.items():
                    self._running.beats[name] = _joined(beat, self._beat(name))
            raise


def _note(row: JobHeartbeat, beat: Beat) -> None:
    row.last_started_at = beat.started_at or row.last_started_at
    row.last_ok_at = beat.ok_at or row.last_ok_at
    if beat.beats:
        row.last_error = beat.error
        row.beats += beat.beats


def _joined(earlier: Beat, later: Beat) -> Beat:
    return Beat(
        started_at=later.started_at or earlier.started_at,
        ok_at=later.ok_at or earlier.ok_at,
        error=later.error if later.beats else earlier.error,
        beats=earlier.beats + later.beats,
    )


def _end(reason: str, value: object) -> None:
    logger.critical("the worker ends itself: " + reason, value)  # noqa: G003 - the reason is one of two above
    logging.shutdown()
    os._exit(STALLED)
