"""Where a form is read: on a page in the company's language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask


@pytest.fixture
def page(app: Flask) -> Iterator[None]:
    """Inside of a request in which nobody is signed in."""
    with app.test_request_context():
        yield
