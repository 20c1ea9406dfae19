"""A company with its people and nothing else, for what is measured inside this process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.core.access import SYSTEM, Actor
from app.core.db import Model, db, transaction
from app.demo import people
from app.security import queries
from config import TestConfig
from tests.database import postgres_server


@contextmanager
def company(database: str) -> Iterator[str]:
    """An application context on an empty database of that kind ("sqlite", "postgresql"); its address."""
    from app import create_app
    from app.cli import prepare
    from app.security.services import hash_password

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tantam-bench-")))
        url = f"sqlite:///{folder}/tantam.db"
        if database == "postgresql":
            server = stack.enter_context(postgres_server())
            url = server.url(server.create_database())
        app = create_app(TestConfig(folder, database_url=url))
        stack.enter_context(app.app_context())
        Model.metadata.create_all(db.engine)
        prepare()
        with transaction(SYSTEM) as session:
            people.hire(session, people.PEOPLE, password_hash=hash_password("Sen-2026-thom", "pbkdf2:sha256:1"))
        stack.callback(db.engine.dispose)
        stack.callback(db.session.remove)
        yield url


def person(username: str) -> Actor:
    """With the rights of this moment."""
    session = db.session()
    member = queries.member_by_username(session, username)
    assert member is not None
    return queries.actor_of(session, member)
