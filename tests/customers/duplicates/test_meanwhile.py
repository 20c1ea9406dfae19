"""What is written for a customer while he is merged; on SQLite nobody begins to write while a merge is under way."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select, text

from app.core import clock
from app.core.db import db, transaction
from app.customers.duplicates import merging
from app.customers.models import Customer
from app.notifications.models import Notification
from app.notifications.services import post_bell
from tests.customers.duplicates.test_merging import two as two


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_written_for_him_while_he_is_merged_goes_where_he_goes(app, session, cast, two, is_first):
    """A notification whose transaction did not hold him: begun before the merge, and kept before or after it."""
    revs = tuple(session.get_one(Customer, one).rev for one in two)
    session.rollback()
    may_go_on, has_begun = threading.Event(), threading.Event()

    def merge_now() -> None:
        with app.app_context():
            with transaction(cast.minh) as inside:
                merging.merge_customers(inside, by=cast.minh, kept_id=two[0], merged_id=two[1], revs=revs, sides={})
                has_begun.set()
                may_go_on.wait()
            db.session.remove()

    def post(inside) -> None:
        post_bell(inside, to=cast.lan.user_id, kind="mail_failed", data={"customer": "Ánh"}, subject_type="customer",
                  subject_id=two[1], at=clock.now())  # fmt: skip
        inside.flush()

    def write() -> None:
        with app.app_context():
            with transaction(cast.lan) as inside:
                post(inside)
            db.session.remove()

    def waits() -> bool:
        with db.engine.connect() as other:
            return bool(other.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

    merger, writer = threading.Thread(target=merge_now), threading.Thread(target=write)
    if is_first:
        may_go_on.set()
        with transaction(cast.lan) as inside:
            post(inside)
            merger.start()
            while merger.is_alive() and not waits():
                pass
    else:
        merger.start()
        has_begun.wait()
        writer.start()
        while writer.is_alive() and not waits():
            pass
        may_go_on.set()
        writer.join()
    merger.join()
    session.rollback()
    assert session.scalars(select(Notification.subject_id).where(Notification.subject_type == "customer")).all() == [
        two[0]
    ]
