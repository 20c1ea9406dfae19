"""The calendar's tables and a session in the name of the system."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from flask_babel import Babel
from sqlalchemy.orm import Session

from app.core.access import SYSTEM
from app.core.audit import AuditEvent, AuditSensitive
from app.core.db import db, listen_to, transaction
from app.deadlines.models import Calendar, CalendarException, CalendarExceptionInterval, CalendarInterval

TABLES = (User, Calendar, CalendarInterval, CalendarException, CalendarExceptionInterval, AuditEvent, AuditSensitive)


@pytest.fixture
def app() -> Iterator[Flask]:
    app = Flask("test")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    Babel(app, default_locale="en")
    with app.app_context():
        listen_to(db.engine, synchronous="NORMAL")
        Model.metadata.create_all(db.engine, tables=[model.__table__ for model in TABLES])
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    with transaction(SYSTEM) as session:
        yield session
