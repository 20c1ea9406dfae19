"""How often is the number of a remembered list asked for, and does nobody read an old one?"""

from __future__ import annotations

from app.core import versions
from app.core.db import db, transaction
from tests.core.test_exports import counted


def test_within_one_transaction_a_number_is_asked_for_once_and_a_change_of_ones_own_is_seen(cast):
    session = db.session()
    session.rollback()
    with counted() as asked:
        first = [versions.current(session, "lists") for _time in range(5)]
    assert (first, sum("counter" in one for one in asked)) == ([0] * 5, 1)
    with transaction(cast.hoa) as inside:
        assert versions.current(inside, "lists") == 0
        versions.changed(inside, "lists")
        assert versions.current(inside, "lists") == 1
    assert versions.current(db.session(), "lists") == 1


def test_what_was_taken_back_is_not_remembered(cast):
    session = db.session()
    try:
        with transaction(cast.hoa) as inside:
            versions.changed(inside, "lists")
            assert versions.current(inside, "lists") == 1
            raise ValueError
    except ValueError:
        pass
    assert versions.current(session, "lists") == 0
