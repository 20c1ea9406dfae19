"""Two customers become one, and two again: nothing of either is lost, and nobody is asked twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Enum, func, insert, select, text

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import Entity, UtcDateTime, transaction
from app.core.errors import BusinessError, NotAllowedError, NotFoundError
from app.customers import consent, interactions, purchases, services, tags
from app.customers.duplicates import children, comparing, fields, hard, merging, queries
from app.customers.duplicates.fields import Side
from app.customers.duplicates.models import CustomerMerge, DuplicatePair, PairState
from app.customers.models import ContactKind, ContactPoint, Customer, TimelineEntry
from app.customers.profile_models import ConsentChannel, ConsentState, CustomerStage, InteractionKind, Purchase
from app.customers.segments import services as segments
from app.customers.segments.models import SegmentMember
from app.tasks import customer_tasks
from app.tasks import queries as tasks

pytestmark = pytest.mark.both_databases
MOMENT = datetime(2026, 3, 2, 3, tzinfo=UTC)
REASON = "Vợ chồng dùng chung số"


@pytest.fixture
def two(session, cast) -> tuple[int, int]:
    """The one to keep and the one to merge, each with something of everything."""
    with transaction(cast.minh) as inside:
        kept = services.create_customer(
            inside, by=cast.minh, name="Nguyễn Thị Ánh", phone="0912 345 678", note="Thích trà", stage="new",
        )  # fmt: skip
        merged = services.create_customer(
            inside, by=cast.minh, name="Nguyen Thi Anh", phone="0977 000 111", email="anh@sen.vn",
            tax_code="0101243150",
            birthday=date(1990, 5, 3), note="Gọi buổi chiều", stage="loyal",
            contact_points=[(ContactKind.phone, "0912345678")], duplicate_reason=REASON,
        )  # fmt: skip
        tags.set_tags(inside, kept, ["VIP cũ", "Trà"], by=cast.minh)
        tags.set_tags(inside, merged, ["Trà", "Sỉ"], by=cast.minh)
        purchases.add_purchase(inside, merged, by=cast.minh, bought_on=date(2026, 1, 2), product="Trà", amount=50_000)
        interactions.log_interaction(inside, merged, by=cast.minh, kind=InteractionKind.note, text="Đã hỏi giá")
    return kept.id, merged.id


def merge(session, cast, two, sides=None, by=None, **more):
    kept, merged = (session.get_one(Customer, one) for one in two)
    revs = more.pop("revs", (kept.rev, merged.rev))
    with transaction(by or cast.minh) as inside:
        log = merging.merge_customers(
            inside, by=by or cast.minh, kept_id=two[0], merged_id=two[1], revs=revs, sides=sides or {}, **more
        )
    session.expire_all()
    return log


def without(row, *names):
    return {name: value for name, value in row.items() if name not in names}


def state_of(session, customer_id):
    """All that the schema says of a customer, row by row."""
    session.expire_all()
    found = {}
    for column in children.foreign_keys():
        table = column.table
        if table.name in ("timeline_entry", "customer_merge", "customer_stage"):
            continue
        rows = session.execute(select(table).where(column == customer_id).order_by(table.c.id)).mappings()
        found[str(column)] = [without(row, "updated_at", "updated_by_id") for row in rows]
    row = session.execute(select(Customer.__table__).where(Customer.id == customer_id)).mappings().one()
    found["self"] = without(row, "rev", "updated_at", "updated_by_id")
    stages = session.execute(select(CustomerStage.stage, CustomerStage.until).where(
        CustomerStage.customer_id == customer_id).order_by(CustomerStage.id))  # fmt: skip
    found["stages"] = [tuple(one) for one in stages]
    return found


def test_all_that_belongs_to_the_one_belongs_to_the_other(session, cast, two):
    entries = session.scalar(select(func.count()).where(TimelineEntry.customer_id == two[1]))
    log = merge(session, cast, two, {"name": Side.kept, "birthday": Side.merged, "note": Side.both})
    kept, merged = (session.get_one(Customer, one) for one in two)
    assert (kept.name, kept.birthday, kept.tax_code) == ("Nguyễn Thị Ánh", date(1990, 5, 3), "0101243150")
    assert kept.note == "Thích trà\n\nGọi buổi chiều"
    assert {one.value for one in kept.contact_points} == {"+84912345678", "+84977000111", "anh@sen.vn"}
    assert [one.is_preferred for one in kept.all_contact_points].count(True) == 1
    assert merged.is_archived
    assert merged.contact_points == []
    assert len(log.moved["given"]["purchase.customer_id"]) == 1
    assert session.scalar(select(func.count()).where(TimelineEntry.customer_id == two[1])) == 0
    told = session.scalars(select(TimelineEntry.kind).where(TimelineEntry.customer_id == kept.id)).all()
    assert len(told) >= entries + 2
    assert "merged" in told
    assert session.scalars(select(DuplicatePair.state)).all() == [PairState.merged]
    assert merged.code.lower() in kept.search_text


def test_a_merge_is_taken_back_to_the_letter(session, cast, two):
    before = [state_of(session, one) for one in two]
    log = merge(session, cast, two, {"name": Side.merged, "stage": Side.merged}, preferred=Side.merged)
    with transaction(cast.minh) as inside:
        undone = merging.undo_merge(inside, log.id, by=cast.minh)
        assert undone.is_whole
    assert [state_of(session, one) for one in two] == before
    with pytest.raises(BusinessError), transaction(cast.minh) as inside:
        merging.undo_merge(inside, log.id, by=cast.minh)


def test_what_was_changed_since_stays_and_is_told(session, cast, two):
    log = merge(session, cast, two, {"name": Side.merged, "birthday": Side.merged})
    with transaction(cast.minh) as inside:
        kept = inside.get_one(Customer, two[0])
        services.change_customer(inside, kept, by=cast.minh, rev=kept.rev, name="Nguyễn Ánh")
        purchases.add_purchase(inside, kept, by=cast.minh, bought_on=date(2026, 2, 2), product="Bún", amount=1_000)
    with transaction(cast.minh) as inside:
        undone = merging.undo_merge(inside, log.id, by=cast.minh)
        assert list(undone.fields) == ["name"]
    session.expire_all()
    kept, merged = (session.get_one(Customer, one) for one in two)
    assert (kept.name, kept.birthday, merged.name) == ("Nguyễn Ánh", None, "Nguyen Thi Anh")
    assert list(session.scalars(select(Purchase.product).where(Purchase.customer_id == two[0]))) == ["Bún"]
    assert list(session.scalars(select(Purchase.product).where(Purchase.customer_id == two[1]))) == ["Trà"]


@pytest.mark.parametrize("first", [0, 1], ids=["kept", "merged"])
def test_the_stricter_consent_wins_and_comes_apart_again(session, cast, two, first):
    way = {"purpose": "marketing", "channel": ConsentChannel.call}
    with transaction(cast.minh) as inside:
        rows = [inside.get_one(Customer, one) for one in two]
        at = clock.now() - timedelta(days=2)
        consent.record_consent(inside, rows[first], by=cast.minh, state=ConsentState.withdrawn, at=at, **way)
        consent.record_consent(
            inside, rows[1 - first], by=cast.minh, state=ConsentState.given, proof="Phiếu số 7", **way
        )
        services.change_customer(inside, rows[1], by=cast.minh, rev=rows[1].rev, do_not_contact=True,
                                 do_not_contact_reason="Khách dặn")  # fmt: skip
    log = merge(session, cast, two)
    now = merging.profile_queries.consents_now(session, two[0], SYSTEM)
    assert [one.state for one in now.values()] == [ConsentState.withdrawn]
    kept = session.get_one(Customer, two[0])
    assert (kept.do_not_contact, kept.do_not_contact_reason) == (True, "Khách dặn")
    with transaction(cast.minh) as inside:
        merging.undo_merge(inside, log.id, by=cast.minh)
    states = [next(iter(merging.profile_queries.consents_now(session, one, SYSTEM).values())).state for one in two]
    assert states[first] is ConsentState.withdrawn
    assert states[1 - first] is ConsentState.given
    assert not session.get_one(Customer, two[0]).do_not_contact


def test_nothing_is_merged_when_somebody_saved_one_of_them_meanwhile(session, cast, two):
    kept, merged = (session.get_one(Customer, one) for one in two)
    revs = kept.rev, merged.rev
    with transaction(cast.minh) as inside:
        row = inside.get_one(Customer, two[1])
        services.change_customer(inside, row, by=cast.minh, rev=row.rev, note="Đổi ý")
    with pytest.raises(merging.MergedMeanwhileError) as refused:
        merge(session, cast, two, revs=revs)
    assert refused.value.details["by"] == cast.minh.name
    assert not session.get_one(Customer, two[1]).is_archived


def test_who_merges_sees_and_edits_both(session, cast, two):
    with pytest.raises(NotAllowedError):
        merge(session, cast, two, by=cast.lan)  # may not archive
    with transaction(cast.binh) as inside:
        other = services.create_customer(inside, by=cast.binh, name="Của Bình").id
    with pytest.raises(NotFoundError):
        merge(session, cast, (two[0], other), revs=(1, 1))


def test_a_merge_is_too_old_after_thirty_days_and_chains_come_apart_from_the_end(session, cast, two, time_machine):
    log = merge(session, cast, two).id
    with transaction(cast.minh) as inside:
        third = services.create_customer(inside, by=cast.minh, name="Ánh Nguyễn").id
    second = merge(session, cast, (third, two[0])).id
    with pytest.raises(BusinessError, match="KH"), transaction(cast.minh) as inside:
        merging.undo_merge(inside, log, by=cast.minh)
    for one in (second, log):
        with transaction(cast.minh) as inside:
            merging.undo_merge(inside, one, by=cast.minh)
    again = merge(session, cast, two).id
    session.get_one(CustomerMerge, again).at = clock.now() - timedelta(days=31)
    session.commit()
    with pytest.raises(BusinessError, match="30"), transaction(cast.minh) as inside:
        merging.undo_merge(inside, again, by=cast.minh)


def test_a_merged_customer_is_found_as_the_one_who_stayed(session, cast, two):
    merge(session, cast, two)
    found = hard.holders(session, {hard.HardKey(hard.HardField.phone, "+84977000111"),
                                   hard.HardKey(hard.HardField.tax_code, "0101243150")})  # fmt: skip
    assert set(map(tuple, found.values())) == {(two[0],)}
    with pytest.raises(BusinessError), transaction(cast.minh) as inside:
        services.restore_customer(inside, inside.get_one(Customer, two[1]), by=cast.minh)


def test_every_foreign_key_to_a_customer_is_handed_over():
    """A new table is handed over by itself, unless it has each customer once in a way that only it knows."""
    known = {f"{column.table.name}.{column.name}" for column in children.foreign_keys()}
    assert known >= children.OWN_WAY | children.STAYING
    for link in children.links():
        for others in children.unique_sets(link.column):
            assert others, f"{link.key} holds a customer once: say in children.py how two become one"


def a_value(column, number):
    """Something of the column's type, the same for the same number."""
    kind = column.type
    if isinstance(kind, Enum):
        return kind.enum_class(kind.enums[0]) if kind.enum_class else kind.enums[0]
    if isinstance(kind, UtcDateTime):
        return MOMENT
    return {str: f"{column.name}{number}"[: getattr(kind, "length", None)], int: number}.get(kind.python_type, {})


def test_what_both_have_once_is_no_hindrance_in_any_table(session, cast, two):
    """Of every constraint by which a customer has something only once, as the schema tells: both have the same."""
    met = 0
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    session.execute(
        text("PRAGMA defer_foreign_keys = ON" if is_sqlite else "SET LOCAL session_replication_role = replica")
    )
    for link in children.links():
        table, sets = link.table, list(children.unique_sets(link.column))
        if not sets or link.key == "task.owner_id":  # both have a task no. 1: it counts on, see below
            continue
        met += 1
        called = {kind: name for own, kind, _number, name in children.RECORDS if own == table.name}
        session.execute(table.delete())
        row = {
            one.name: a_value(one, 7) for one in table.c if one.name != "id" and not one.nullable
        } | called  # fmt: skip
        session.execute(insert(table), [row | {"id": place, link.column.name: of} for place, of in enumerate(two, 1)])
        given = children.hand_over(session, two[1], two[0])
        assert link.key not in given, "what he has already stays with the other one"
        assert children.give_back(session, given, two[0], two[1]) == 0
        whose = select(table.c.id, link.column).order_by(table.c.id)
        assert [tuple(one) for one in session.execute(whose)] == [(1, two[0]), (2, two[1])]
    session.rollback()
    assert met >= 3, "tags, frozen segments and alerts"


def test_tasks_and_answers_of_both_go_on_and_nobody_is_told_or_decides_what_he_may_not(session, cast, two):
    with transaction(cast.hoa) as inside:
        kept, merged = (inside.get_one(Customer, one) for one in two)
        secret = services.create_customer(inside, by=cast.hoa, name="Công ty Bí Mật", kind="company")
        third = services.create_customer(inside, by=cast.hoa, name="Ánh Ba", phone="0988000222")
        inside.flush()
        kept.company_id, kept.owner_id, merged.owner_id = secret.id, cast.minh.user_id, cast.lan.user_id
        for one in (kept, merged):
            customer_tasks.add_task(inside, one, by=cast.minh, name=f"Gọi {one.code}", due_at=None)
        states = (PairState.open, PairState.not_duplicate)
        inside.add_all(
            DuplicatePair(first_id=one.id, second_id=third.id, score=700, reasons=[], state=state)
            for one, state in zip((kept, merged), states, strict=True)
        )
    pair = select(DuplicatePair.state).where(DuplicatePair.first_id == two[0], DuplicatePair.second_id == third.id)
    who = replace(cast.minh, permissions=cast.minh.permissions - {("assign", "Customer")})
    kept, merged = (session.get_one(Customer, one) for one in two)
    told = {row.key: row for row in comparing.rows(session, kept, merged, who, {}, keeps_first=True)}
    assert (told["company_id"].values, told["owner_id"].may_choose) == (("", ""), False)
    log = merge(session, cast, two, {"owner_id": Side.merged}, by=who)
    assert session.get_one(Customer, two[0]).owner_id == cast.minh.user_id
    assert len(tasks.of_owner(session, customer_tasks.OWNER, two[0])) == 2
    assert session.scalar(pair) is PairState.not_duplicate
    assert [one.state for one in session.scalars(queries.pairs(who, PairState.merged))] == [PairState.merged]
    with transaction(cast.minh) as inside:
        merging.undo_merge(inside, log.id, by=cast.minh)
    assert [len(tasks.of_owner(session, customer_tasks.OWNER, one)) for one in two] == [1, 1]
    assert session.scalar(pair) is PairState.open


def test_two_of_one_frozen_segment_become_one_and_two_again(session, cast, two):
    with transaction(cast.minh) as inside:
        number = segments.create_segment(inside, segments.Typed("Ở Huế", "name contains 'a'"), by=cast.minh).id
        assert segments.freeze(inside, number, by=cast.minh) >= 2
    members = select(SegmentMember.customer_id).where(SegmentMember.segment_id == number)
    before = sorted(session.scalars(members))
    log = merge(session, cast, two)
    with transaction(cast.minh) as inside:
        assert merging.undo_merge(inside, log.id, by=cast.minh).is_whole
    assert sorted(session.scalars(members)) == before


def test_name_and_owner_are_of_the_one_who_stays_and_the_rest_is_the_newest_that_is_not_empty(session, cast, two):
    kept, merged = (session.get_one(Customer, one) for one in two)
    kept.updated_at, merged.updated_at = MOMENT, MOMENT + timedelta(days=1)
    sides = {one.key: fields.decided(kept, merged, one) for one in fields.CHOICES}
    assert sides["name"] == sides["owner_id"] == (Side.kept, fields.Why.stays)
    assert sides["stage"] == (Side.merged, fields.Why.newer)
    assert sides["birthday"] == (Side.merged, fields.Why.other_empty)
    kept.owner_id = None
    assert fields.resulting(kept, merged, {})["owner_id"] == merged.owner_id is not None
    session.rollback()


def test_every_column_of_a_customer_is_decided():
    decided = {
        *fields.COLUMNS, "id", "code", "kind", "sort_key", "search_text", "search_is_stale", "archived_at",
        "archived_by_id", "created_at", "updated_at", "created_by_id", "updated_by_id", "rev", "name_key", "addr_key",
        "forgotten_from",
    }  # fmt: skip
    assert set(Customer.__table__.columns.keys()) == decided


def test_records_of_any_kind_are_known():
    kinds = {"resource": "record_id", "subject_type": "subject_id", "owner_type": "owner_id"}
    found = {
        (table.name, kind) for table in Entity.metadata.sorted_tables for kind, number in kinds.items()
        if kind in table.c and number in table.c
    }  # fmt: skip
    assert found <= {(table, kind) for table, kind, *_rest in children.RECORDS}
    assert ContactPoint.__tablename__ == "contact_point"
