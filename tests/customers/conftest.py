"""A small database with the cast of design.md §7."""

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
from app.customers import services as _customers  # noqa: F401 - all tables that it stands on
from app.security import services
from app.security.models import Member, Team
from app.security.queries import actor_of, forget_rights, member_by_username, team_by_code


def _app(path: Path) -> Flask:
    app = Flask("test")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
    app.config["SECRET_KEY"] = "only for tests"
    db.init_app(app)
    Babel(app, default_locale="en")
    return app


def _listen() -> None:
    listen_to(db.engine, synchronous="NORMAL")
    # Until 3.44 or so SQLite lets no trigger write into an FTS5 table while the schema is not trusted.
    event.listen(db.engine, "connect", lambda connection, _record: connection.execute("PRAGMA trusted_schema=ON"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("customers") / "template.db"
    app = _app(path)
    with app.app_context():
        _listen()
        Model.metadata.create_all(db.engine)
        with transaction(SYSTEM) as session:
            services.ensure_roles(session)
            cskh = services.create_team(session, code="cskh", name="CSKH", by=SYSTEM)
            van_hanh = services.create_team(session, code="van-hanh", name="Vận hành", by=SYSTEM)
            for username, family, given, role, team in (
                ("lan", "Nguyễn Ngọc", "Lan", "Staff", cskh),
                ("minh", "Trần Quang", "Minh", "Manager", cskh),
                ("hoa", "Lê Thị", "Hoa", "Admin", None),
                ("tuan", "Phạm Anh", "Tuấn", "Staff", van_hanh),
                ("binh", "Đỗ Văn", "Bình", "Manager", van_hanh),
            ):
                member = services.create_member(
                    session, username=username, family_name=family, given_name=given, roles=[role],
                    email=f"{username}@phosen.example", password_hash="x", by=SYSTEM,
                )  # fmt: skip
                if team is not None:
                    services.join_team(session, team, member, primary=True, by=SYSTEM)
                    if role == "Manager":
                        services.appoint_head(session, team, member, by=SYSTEM)
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
    minh: Actor
    hoa: Actor
    tuan: Actor
    binh: Actor


@pytest.fixture
def cast(session: Session) -> Cast:
    return Cast(**{name: actor_of(session, member(session, name)) for name in ("lan", "minh", "hoa", "tuan", "binh")})


def member(session: Session, username: str) -> Member:
    found = member_by_username(session, username)
    assert found is not None
    return found


def team(session: Session, code: str) -> Team:
    found = team_by_code(session, code)
    assert found is not None
    return found
