"""An installation as `flask init` leaves it, without people, and the demo company loaded into it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.cli import prepare
from app.core import clock
from app.core.db import Model, db
from app.core.remembered import forget_all
from app.demo.load import load_demo
from tests.cast import Cast
from tests.conftest import Prepared

#: 10:15 on a working day, between a Sunday and the holiday of 24/11
LOADED_AT = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)


def _file(app: Flask) -> Path:
    return Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))


def _put(app: Flask, template: Path | None) -> None:
    """Replace the application's database by a copy of this one; None: by nothing."""
    file = _file(app)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    for old in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        old.unlink(missing_ok=True)
    if template is not None:
        shutil.copy(template, file)
    forget_all()


def _keep(app: Flask, template: Path) -> Path:
    db.session.remove()
    db.engine.dispose()
    shutil.copy(_file(app), template)
    return template


@pytest.fixture(scope="session")
def shared_app(prepared: Callable[[str], Prepared]) -> Flask:
    return prepared("sqlite").app


@pytest.fixture(scope="session")
def initialised(shared_app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Path:
    _put(shared_app, None)
    with shared_app.app_context(), clock.at(LOADED_AT):
        Model.metadata.create_all(db.engine)
        prepare()
        return _keep(shared_app, tmp_path_factory.mktemp("demo") / "initialised.db")


@pytest.fixture(scope="session")
def loaded(shared_app: Flask, initialised: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo as `make run` loads it."""
    _put(shared_app, initialised)
    with shared_app.app_context(), clock.at(LOADED_AT):
        load_demo(shared_app)
        return _keep(shared_app, tmp_path_factory.mktemp("demo") / "loaded.db")


@pytest.fixture
def empty_app(shared_app: Flask, initialised: Path) -> Iterator[Flask]:
    """The application on a fresh installation, inside its context."""
    _put(shared_app, initialised)
    with shared_app.app_context():
        yield shared_app
        db.session.rollback()


@pytest.fixture
def phosen(shared_app: Flask, loaded: Path) -> Iterator[Session]:
    """A session on the loaded demo company, at the moment of loading."""
    _put(shared_app, loaded)
    with shared_app.app_context(), clock.at(LOADED_AT):
        yield db.session()
        db.session.rollback()


@pytest.fixture
def staff(phosen: Session) -> Cast:
    return Cast(phosen)
