"""Where a form is read: on a Vietnamese page, and by services in the name of Vietnamese readers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.core.i18n import in_language


@pytest.fixture
def page(app: Flask) -> Iterator[None]:
    """Inside of a request in which nobody is signed in."""
    with app.test_request_context():
        yield


@pytest.fixture
def session(session: Session) -> Iterator[Session]:
    with in_language("vi"):
        yield session
