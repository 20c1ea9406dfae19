"""Whatever write of a merge fails, both customers are as they were; of several merges at once, one happens."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.db import transaction
from app.customers import services, tags
from app.customers.duplicates import merging
from app.customers.duplicates.fields import Side
from app.customers.duplicates.models import CustomerMerge
from app.customers.models import Customer
from tests.failing import all_or_nothing
from tests.threads import at_once


def a_pair(cast) -> tuple[int, int]:
    with transaction(cast.minh) as inside:
        kept = services.create_customer(inside, by=cast.minh, name="Nguyễn Ánh", phone="0912 345 678", stage="new")
        merged = services.create_customer(inside, by=cast.minh, name="Ánh", phone="0977 000 111", stage="loyal")
        tags.set_tags(inside, merged, ["Sỉ"], by=cast.minh)
        return kept.id, merged.id


@pytest.mark.both_databases(slow=True)
def test_merging_and_undoing_happen_as_a_whole_or_not_at_all(session, cast):
    kept, merged = a_pair(cast)
    minh, number = cast.minh, [0]

    def merge() -> None:
        with transaction(minh) as inside:
            revs = [inside.get_one(Customer, one).rev for one in (kept, merged)]
            log = merging.merge_customers(
                inside, by=minh, kept_id=kept, merged_id=merged, revs=(revs[0], revs[1]), sides={"stage": Side.merged}
            )
            number[0] = log.id

    def undo() -> None:
        with transaction(minh) as inside:
            merging.undo_merge(inside, number[0], by=minh)

    for verb in (merge, undo):
        writes, changed = all_or_nothing(session, verb)
        assert writes > 8
        assert {"customer", "contact_point", "customer_tag", "customer_stage", "customer_merge", "timeline_entry",
                "audit_event"} <= changed  # fmt: skip


@pytest.mark.both_databases
def test_of_merges_and_changes_at_once_nothing_is_lost(app, session, cast):
    kept, merged = a_pair(cast)
    minh = cast.minh
    session.rollback()
    with transaction(minh) as inside:
        revs = tuple(inside.get_one(Customer, one).rev for one in (kept, merged))

    def merge(one, other, seen):
        with transaction(minh) as inside:
            merging.merge_customers(inside, by=minh, kept_id=one, merged_id=other, revs=seen, sides={})
        return "merged"

    def change():
        with transaction(minh) as inside:
            row = inside.get_one(Customer, merged)
            services.change_customer(inside, row, by=minh, rev=revs[1], note="Gọi buổi sáng")
        return "changed"

    results = at_once(app, [lambda: merge(kept, merged, revs), lambda: merge(merged, kept, revs[::-1]), change])
    assert len([one for one in results if isinstance(one, str)]) == 1, results
    refused = {type(one).__name__ for one in results if not isinstance(one, str)}
    assert refused <= {"MergedMeanwhileError", "CustomerArchivedError", "ConflictError"}, results
    session.expire_all()
    assert len(session.scalars(select(CustomerMerge)).all()) == (0 if "changed" in results else 1)
