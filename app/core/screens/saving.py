"""What stands between a form and the database? The transaction, the chosen rows, who changed them last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

from sqlalchemy.orm import Session

from app.core import edge
from app.core.access import Actor
from app.core.accounts import User
from app.core.db import row_id
from app.core.errors import BadRequestError, NotFoundError
from app.core.i18n import _
from app.core.paging import LARGEST_PAGE_SIZE

_STEP = re.compile("[1-9][0-9]{0,9}")


@contextmanager
def saving() -> Iterator[Session]:
    """The screen's transaction. What another one took between our check and our writing is a refusal, not a bug."""
    with edge.transaction() as session:
        yield session


def chosen_ids(typed: Sequence[str]) -> Sequence[int]:
    """The chosen rows, each once. Raises BadRequestError for none, for too many and for what is no id."""
    try:
        chosen = list(dict.fromkeys(row_id(one) for one in typed))
    except NotFoundError:
        raise BadRequestError from None
    if not 1 <= len(chosen) <= LARGEST_PAGE_SIZE:
        raise BadRequestError(_("Please choose 1 to %(largest)d rows.", largest=LARGEST_PAGE_SIZE))
    return chosen


def packed(ids: Sequence[int]) -> str:
    """Many rows in one short word: 12.1.1.5 are 12, 13, 14 and 19."""
    ordered = sorted(ids)
    return ".".join(str(one - before) for one, before in zip(ordered, [0, *ordered], strict=False))


def unpacked(word: str, most: int) -> Sequence[int]:
    """The rows again. Raises BadRequestError for what is no such word, and for more than `most`."""
    steps = word.split(".")
    if len(steps) > most or not all(_STEP.fullmatch(step) for step in steps):
        raise BadRequestError
    return [row_id(str(one)) for one in accumulate(map(int, steps))]


#: in place of a name: whoever looks did it himself, in another tab or by a bulk edit or an import
HIMSELF = ""


def changed_by(session: Session, item: Any, who: Actor | None = None) -> str | None:
    """Who changed the row last, as people call him; HIMSELF where it was `who`."""
    changer = getattr(item, "updated_by_id", None)
    if who is not None and changer is not None and changer == who.user_id:
        return HIMSELF
    user = session.get(User, changer) if changer else None
    return f"{user.last_name} {user.first_name}".strip() if user else None
