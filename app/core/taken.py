"""Was another one faster? What a unique constraint refuses is told as a sentence, not as a bug."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from app.core.errors import BusinessError
from app.core.i18n import _

TAKEN = _("Another record has this already.")


@contextmanager
def refused_if_taken() -> Iterator[None]:
    """Around a transaction. What another one took between our check and our writing raises BusinessError."""
    try:
        yield
    except IntegrityError as error:
        if not _is_taken(error):
            raise
        raise BusinessError(TAKEN) from error


def _is_taken(error: IntegrityError) -> bool:
    """Is it a unique constraint? PostgreSQL says so by its code, SQLite in its text."""
    return getattr(error.orig, "sqlstate", None) == "23505" or "UNIQUE constraint failed" in str(error.orig)
