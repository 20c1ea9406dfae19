"""Is it up, is it ready, does the clock tick? Three questions that a monitor may ask without signing in."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.db import db
from app.core.models import JobHeartbeat
from app.core.worker import PULSE

logger = logging.getLogger(__name__)

#: An older pulse means that nothing is sent and nobody is warned.
OLDEST_PULSE = timedelta(seconds=60)
#: Clocks of two hosts may differ this much; a pulse further ahead was written under a wrong clock and proves nothing.
CLOCK_SKEW = timedelta(seconds=5)

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.after_request
def _never_stored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/live")
def live() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@blueprint.get("/ready")
def ready() -> tuple[Response, int]:
    """A page can be served: the database answers and has this version's tables, the assets are built."""
    checks = {
        **_database_checks(),
        "assets": "ok" if Path(current_app.config["ASSETS_MANIFEST"]).is_file() else "missing",
    }
    is_ready = set(checks.values()) == {"ok"}
    return jsonify(status="ok" if is_ready else "not ready", checks=checks), 200 if is_ready else 503


@blueprint.get("/scheduler")
def scheduler() -> tuple[Response, int]:
    """The worker's pulse, and how each job did last. Only the pulse decides the status."""
    try:
        rows = db.session.scalars(select(JobHeartbeat).order_by(JobHeartbeat.name)).all()
    except SQLAlchemyError:
        logger.exception("the heartbeat cannot be read")
        return jsonify(status="unknown", pulse_age_s=None, jobs={}), 503
    at = clock.now()
    status = pulse_status(next((row.last_ok_at for row in rows if row.name == PULSE), None), at)
    jobs = {
        row.name: {
            "last_started_age_s": _age(row.last_started_at, at),
            "last_ok_age_s": _age(row.last_ok_at, at),
            "failing": bool(row.last_error),  # the text may name people: admins read it, monitors do not
            "beats": row.beats,
        }
        for row in rows
    }
    pulse_age = jobs.get(PULSE, {}).get("last_ok_age_s")
    return jsonify(status=status, pulse_age_s=pulse_age, jobs=jobs), 200 if status == "ok" else 503


def pulse_status(last_ok_at: datetime | None, at: datetime) -> str:
    """ok, never (no worker has run yet), stale, or future (a clock was wrong then or is wrong now)."""
    if last_ok_at is None:
        return "never"
    if last_ok_at - at > CLOCK_SKEW:
        return "future"
    return "stale" if at - last_ok_at > OLDEST_PULSE else "ok"


def _age(moment: datetime | None, at: datetime) -> float | None:
    return None if moment is None else round((at - moment).total_seconds(), 1)


def _database_checks() -> dict[str, str]:
    try:
        with db.engine.connect() as connection:
            found = set(MigrationContext.configure(connection).get_current_heads())
    except SQLAlchemyError:
        logger.exception("the database does not answer")
        return {"database": "does not answer", "migrations": "unknown"}
    wanted = _heads(Path(current_app.config["MIGRATIONS_FOLDER"]))
    return {"database": "ok", "migrations": "ok" if found == wanted else "not at head"}


@lru_cache(maxsize=4)
def _heads(folder: Path) -> frozenset[str]:
    """The newest revisions in this version's code; the files do not change while it runs."""
    return frozenset(ScriptDirectory(str(folder)).get_heads())
