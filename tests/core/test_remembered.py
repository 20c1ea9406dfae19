"""Is what one application remembers of its database ever told by another in the same process?"""

from __future__ import annotations

from app import create_app
from app.catalogues.queries import entries
from app.catalogues.shipped import CUSTOMER_TIER
from app.core import versions
from app.core.db import Model, db, transaction
from app.core.remembered import Remembered
from config import TestConfig


def test_another_application_begins_with_nothing(app, tmp_path):
    with app.app_context():
        assert entries(db.session(), CUSTOMER_TIER)
        db.session.remove()
    with create_app(TestConfig(tmp_path)).app_context():
        Model.metadata.create_all(db.engine)
        assert entries(db.session(), CUSTOMER_TIER) == ()
        db.session.remove()
        db.engine.dispose()


def test_it_is_read_again_when_the_list_was_changed_and_not_at_all_before_where_that_says_nothing(cast):
    read = []

    def numbered(_session) -> int:
        read.append(len(read) + 1)
        return len(read)

    remembered = Remembered("what_is_tested", numbered, at_first=0)
    session = db.session()
    session.rollback()
    assert (remembered(session), remembered(session), read) == (0, 0, [])
    for change in (1, 2):
        with transaction(cast.hoa) as inside:
            versions.changed(inside, "what_is_tested")
            assert {remembered(inside) for _time in range(3)} == {2 * change - 1}
        # what was read inside could have been undone: it is read once more, and then kept
        assert (remembered(session), remembered(session)) == (2 * change, 2 * change)
        session.rollback()
