"""Health: what a monitor is told, and that it is told nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core import clock
from app.core.db import db, listen_to
from app.core.health import blueprint, pulse_status
from app.core.models import JobHeartbeat
from app.core.worker import PULSE
from config import TestConfig

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
REVISION = "0001"


@pytest.fixture
def app(tmp_path) -> Iterator[Flask]:
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "migrations" / "versions" / "0001_first.py").write_text(
        f"revision = '{REVISION}'\ndown_revision = None\n"
    )
    (tmp_path / "manifest.json").write_text("{}")
    app = Flask("health")
    app.config.from_object(
        TestConfig(tmp_path, MIGRATIONS_FOLDER=tmp_path / "migrations", ASSETS_MANIFEST=tmp_path / "manifest.json")
    )
    db.init_app(app)
    app.register_blueprint(blueprint)
    with app.app_context():
        listen_to(db.engine, synchronous="NORMAL")
        JobHeartbeat.__table__.create(db.engine)
        with db.engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:now)"), {"now": REVISION})
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app) -> FlaskClient:
    return app.test_client()


def beat(app: Flask, name: str, **values: object) -> None:
    with app.app_context():
        db.session.add(JobHeartbeat(name=name, **values))
        db.session.commit()


def test_a_process_that_answers_is_alive(client):
    answer = client.get("/health/live")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_ready_means_database_schema_and_assets(client):
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "assets": "ok"}}


def test_an_old_schema_is_not_ready(app, client):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json["checks"]["migrations"] == "not at head"


def test_missing_assets_are_not_ready(app, client):
    Path(app.config["ASSETS_MANIFEST"]).unlink()
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["checks"]["assets"]) == (503, "missing")


def test_a_database_that_is_gone_is_not_ready_and_nothing_of_it_is_told(app, client, tmp_path):
    with app.app_context():
        db.engine.dispose()
    (tmp_path / "tantam.db").unlink()
    (tmp_path / "tantam.db").mkdir()
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["checks"]["database"]) == (503, "does not answer")
    assert str(tmp_path) not in answer.text
    scheduler = client.get("/health/scheduler")
    assert (scheduler.status_code, scheduler.json["status"]) == (503, "unknown")


@pytest.mark.parametrize(
    ("age", "status", "code"),
    [
        (timedelta(seconds=0), "ok", 200),
        (timedelta(seconds=60), "ok", 200),
        (timedelta(seconds=61), "stale", 503),
        (timedelta(days=3), "stale", 503),
        (timedelta(seconds=-5), "ok", 200),
        (timedelta(seconds=-6), "future", 503),
        (timedelta(hours=-1), "future", 503),
    ],
)
def test_the_pulse_is_young_and_not_from_the_future(app, client, age, status, code):
    beat(app, PULSE, last_ok_at=NOON - age, last_error="", beats=7)
    with clock.at(NOON):
        answer = client.get("/health/scheduler")
    assert (answer.status_code, answer.json["status"]) == (code, status)
    assert answer.json["pulse_age_s"] == age.total_seconds()


def test_before_the_first_pulse_the_scheduler_is_not_healthy(client):
    answer = client.get("/health/scheduler")
    assert (answer.status_code, answer.json) == (503, {"status": "never", "pulse_age_s": None, "jobs": {}})


def test_a_failing_job_is_shown_without_its_words(app, client):
    beat(app, PULSE, last_ok_at=NOON, last_error="", beats=1)
    beat(app, "mail", last_started_at=NOON - timedelta(seconds=2), last_error="KeyError: 'Lan 0912345678'", beats=3)
    with clock.at(NOON):
        answer = client.get("/health/scheduler")
    assert answer.status_code == 200
    assert answer.json["jobs"]["mail"] == {
        "last_started_age_s": 2.0,
        "last_ok_age_s": None,
        "failing": True,
        "beats": 3,
    }
    assert "0912345678" not in answer.text


def test_no_pulse_at_all_is_never():
    assert pulse_status(None, NOON) == "never"
