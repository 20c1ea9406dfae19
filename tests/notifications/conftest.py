from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import db, transaction
from app.notifications.channels.settings import MailSettings, configure, operators_settings, parse_smtp_url
from app.notifications.models import Outbox
from app.notifications.services import queue_mail
from tests.notifications.sink import Sink
from tests.notifications.small_app import make_tables, small_app


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """A file, since threads and processes share it; or the database that TANTAM_TEST_DATABASE_URL names."""
    return os.environ.get("TANTAM_TEST_DATABASE_URL") or f"sqlite:///{tmp_path / 'small.db'}"


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = small_app(database_url)
    with app.app_context():
        make_tables()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink().running() as sink:
        yield sink


@pytest.fixture
def mail_by():
    """Say through which server mail goes; afterwards it is as before."""
    before = operators_settings()

    def use(url: str, timeout: float = 30.0) -> None:
        configure(MailSettings(server=parse_smtp_url(url), sender="Tận Tâm <cskh@phosen.example>", timeout=timeout))

    use("")
    yield use
    configure(before)


@pytest.fixture
def a_mail(app: Flask, mail_by):
    """Queue a mail as the overdue scan does, in its own transaction; gives its id."""

    def queue(to: str = "lan@phosen.example", task: str = "Tiếp nhận phản ánh", **more) -> int:
        with transaction() as session:
            mail = queue_mail(
                session,
                to_address=to,
                template="task_overdue",
                values={
                    "task": task,
                    "name": "Lan",
                    "due": "22/11/2026 09:00",
                    "link": more.pop("link", "http://127.0.0.1:8080/t/1"),
                },
                language=more.pop("language", "vi"),
                at=more.pop("at", clock.now()),
                **more,
            )
            return mail.id

    return queue


@pytest.fixture
def mail_row(app: Flask):
    """The mail as it now lies in the outbox."""

    def load(mail_id: int) -> Outbox:
        db.session.rollback()
        return db.session.get_one(Outbox, mail_id)

    return load
