"""A page that tells of a broken database asks it nothing more."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError


@pytest.fixture
def failing():
    """From the third statement on, the database is away."""
    seen: list[str] = []

    def fail(_connection, _cursor, statement, *_more):
        seen.append(statement)
        if len(seen) > 2:
            raise OperationalError(statement, None, Exception("gone"))

    yield lambda: event.listen(Engine, "before_cursor_execute", fail)
    if event.contains(Engine, "before_cursor_execute", fail):
        event.remove(Engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("address", ["/", "/cong-viec/", "/khach-hang/list/"])
def test_a_database_that_goes_away_is_told_of_in_a_page(client, failing, address):
    lan = client("lan")
    lan.get(address)
    failing()
    answer = lan.get(address)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "<h1>" in answer.text
