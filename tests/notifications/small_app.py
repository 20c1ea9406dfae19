"""An application with nothing but a database in a file and the tables of notifications: no screens, fast to make."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from flask_babel import Babel

from app.core import audit, settings
from app.core.db import db, listen_to
from app.notifications import models

# The audit listens to every session of the process, and the sender's name is a setting of the company.
TABLES = [
    User.__table__,
    *(kind.__table__ for kind in (audit.AuditEvent, audit.AuditSensitive, settings.Setting)),
    *(kind.__table__ for kind in (models.Alert, models.Notification, models.Outbox, models.MessageTemplate)),
    models.MailServer.__table__,
]


def small_app(url: str) -> Flask:
    app = Flask("small")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SECRET_KEY="only for tests")
    Babel(app)
    db.init_app(app)
    with app.app_context():
        listen_to(db.engine, synchronous="NORMAL")
    return app


def make_tables() -> None:
    """Anew in the current application's database, with three people."""
    Model.metadata.drop_all(db.engine, tables=TABLES)
    Model.metadata.create_all(db.engine, tables=TABLES)
    for name in ("lan", "minh", "hoa"):
        db.session.add(User(first_name=name, last_name="", username=name, email=f"{name}@phosen.example"))
    db.session.commit()
