"""One application for the whole run; every test begins with a fresh copy of one prepared database."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app import create_app
from app.cli import prepare
from app.core.access import SYSTEM
from app.core.db import Model, db, transaction

from app.demo import people
from app.security import queries as security
from app.security.services import hash_password
from config import TestConfig
from tests.cast import PASSWORD, Cast


def _empty_caches() -> None:
    """What a process remembers of its database is wrong for another one."""
    security.forget_rights()


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(TestConfig(tmp_path_factory.mktemp("app")))


@pytest.fixture(scope="session")
def prepared(shared_app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the schema, the roles and the cast."""
    template = tmp_path_factory.mktemp("template") / "prepared.db"
    with shared_app.app_context():
        Model.metadata.create_all(db.engine)
        prepare()
        with transaction(SYSTEM) as session:
            people.hire(session, people.PEOPLE, password_hash=hash_password(PASSWORD, "pbkdf2:sha256:1"))
        db.engine.dispose()
        shutil.copy(_file(shared_app), template)
    return template


def _file(app: Flask) -> Path:
    return Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))


@pytest.fixture
def app(shared_app: Flask, prepared: Path) -> Iterator[Flask]:
    """The application on a fresh database. No context is left open: requests would share their `g`."""
    file = _file(shared_app)
    with shared_app.app_context():
        db.engine.dispose()
    for leftover in (file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
        leftover.unlink(missing_ok=True)
    shutil.copy(prepared, file)
    _empty_caches()
    yield shared_app
    with shared_app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """For tests of services: a database session inside an application context, in no transaction of ours."""
    with app.app_context():
        yield db.session()
        db.session.rollback()


@pytest.fixture
def cast(session: Session) -> Cast:
    """Lan, Minh, Hoa, Tuấn and Bình as actors, with their teams."""
    return Cast(session)


@pytest.fixture
def client(app: Flask) -> Callable[..., FlaskClient]:
    """client("lan") → a browser in which Lan is signed in; client() → one in which nobody is."""

    def signed_in(username: str | None = None) -> FlaskClient:
        browser = app.test_client()
        if username is not None:
            answer = browser.post("/login/", data={"username": username, "password": PASSWORD})
            assert answer.status_code == 302, answer.text
        return browser

    return signed_in


@pytest.fixture
def token(app: Flask) -> Callable[[str], dict[str, str]]:
    """token("lan") → the headers with which a program acts as Lan."""

    def headers(username: str) -> dict[str, str]:
        body = {"username": username, "password": PASSWORD, "provider": "db"}
        answer = app.test_client().post("/api/v1/security/login", json=body)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json['access_token']}"}

    return headers


