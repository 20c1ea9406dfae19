"""What did somebody say of a pair: not the same customer, or to be looked at again?"""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Actor, get_visible
from app.core.errors import ConflictError
from app.core.i18n import _
from app.customers.duplicates.models import DuplicatePair, PairState


def say_not_duplicate(session: Session, pair_id: int, *, by: Actor) -> DuplicatePair:
    """Remembered for ever: the worker never offers this pair again."""
    return _decide(session, pair_id, PairState.not_duplicate, by=by)


def look_again(session: Session, pair_id: int, *, by: Actor) -> DuplicatePair:
    """Take that back: the pair stands in the list again."""
    return _decide(session, pair_id, PairState.open, by=by)


def _decide(session: Session, pair_id: int, state: PairState, *, by: Actor) -> DuplicatePair:
    by.must("delete", "Customer")
    pair = get_visible(session, DuplicatePair, pair_id, by)
    session.refresh(pair, with_for_update={"of": DuplicatePair})
    if pair.state is PairState.merged:
        raise ConflictError(_("These two have been made one already."))
    if pair.state is not state:
        pair.state = state
        is_open = state is PairState.open
        pair.decided_at, pair.decided_by_id = (None, None) if is_open else (clock.now(), by.user_id)
        session.flush()
    return pair
