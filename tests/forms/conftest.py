"""A small database with Lan, who answers, and Hoa, who draws the forms."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask_appbuilder import Model
from flask_babel import Babel
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.core.access import SYSTEM, Actor
from app.core.db import db, listen_to, transaction
from app.forms import services as _forms  # noqa: F401 - all tables that it stands on
from app.security import services
from app.security.queries import actor_of, forget_rights, member_by_username


def _app(path: Path) -> Flask:
    app = Flask("test")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
    app.config["SECRET_KEY"] = "only for tests"
    app.config["WTF_CSRF_ENABLED"] = False
    db.init_app(app)
    Babel(app, default_locale="vi")
    return app


def _listen() -> None:
    listen_to(db.engine, synchronous="NORMAL")
    # Older SQLite lets no trigger write into an FTS5 table while the schema is not trusted.
    event.listen(db.engine, "connect", lambda connection, _record: connection.execute("PRAGMA trusted_schema=ON"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("forms") / "template.db"
    app = _app(path)
    with app.app_context():
        _listen()
        Model.metadata.create_all(db.engine)
        with transaction(SYSTEM) as session:
            services.ensure_roles(session)
            team = services.create_team(session, code="cskh", name="CSKH", by=SYSTEM)
            for username, family, given, role in (
                ("lan", "Nguyễn Ngọc", "Lan", "Staff"),
                ("hoa", "Lê Thị", "Hoa", "Admin"),
            ):
                member = services.create_member(
                    session, username=username, family_name=family, given_name=given, roles=[role],
                    email=f"{username}@phosen.example", password_hash="x", by=SYSTEM,
                )  # fmt: skip
                services.join_team(session, team, member, primary=True, by=SYSTEM)
        db.session.remove()
        db.engine.dispose()
    return path


@pytest.fixture
def app(template: Path, tmp_path: Path) -> Iterator[Flask]:
    path = tmp_path / "test.db"
    shutil.copy(template, path)
    app = _app(path)
    forget_rights()
    with app.app_context():
        _listen()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    with transaction(SYSTEM) as session:
        yield session


@dataclass(frozen=True)
class Cast:
    lan: Actor
    hoa: Actor


@pytest.fixture
def cast(session: Session) -> Cast:
    actors = {}
    for name in ("lan", "hoa"):
        member = member_by_username(session, name)
        assert member is not None
        actors[name] = actor_of(session, member)
    return Cast(**actors)
