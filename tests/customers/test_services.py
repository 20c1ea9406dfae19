from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.core.i18n import in_language
from app.customers import queries, search, services
from app.customers.models import ContactKind, Customer, CustomerKind, TimelineEntry


def kinds(session: Session, customer: Customer) -> list[str]:
    of_customer = select(TimelineEntry).where(TimelineEntry.customer_id == customer.id).order_by(TimelineEntry.id)
    return [entry.kind for entry in session.scalars(of_customer)]


def indexed(session: Session, word: str) -> list[int]:
    found = select(Customer.id).where(search.search(word)).order_by(Customer.id)
    return list(session.scalars(found))


# ── Create ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_customer_belongs_to_its_creator_and_his_primary_team(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Nguyễn Thị Ánh", phone="0912.345.678")
    assert customer.code == "KH000001"
    assert customer.created_by_id == customer.owner_id == cast.lan.user_id
    assert customer.team_id == cast.lan.primary_team_id
    assert (customer.phone, customer.contact_points[0].value) == ("0912 345 678", "+84912345678")
    assert customer.contact_points[0].is_preferred


def test_a_customer_can_be_made_for_a_colleague(session, cast):
    minh = cast.member("minh")
    assert services.create_customer(session, by=cast.lan, name="Ánh", owner=minh).owner_id == minh.id


def test_creation_is_the_first_thing_on_the_timeline(session, cast):
    with clock.at(datetime(2026, 3, 5, 3, 0, tzinfo=UTC)):
        customer = services.create_customer(session, by=cast.lan, name="Ánh")
    (entry,) = session.scalars(queries.timeline(customer.id, cast.lan))
    assert (entry.kind, entry.actor_id, entry.at) == (
        "created",
        cast.lan.user_id,
        datetime(2026, 3, 5, 3, 0, tzinfo=UTC),
    )


def test_every_problem_is_told_at_once_beside_its_field(session, cast):
    with pytest.raises(InvalidInputError) as refused:
        services.create_customer(
            session, by=cast.lan, name=" ", phone="12", email="lan@", source="s" * 61, note="\0",
            contact_points=[(ContactKind.zalo, "ok"), (ContactKind.phone, "x")],
        )  # fmt: skip
    assert set(refused.value.fields) == {"name", "phone", "email", "source", "note", "contact_points.1"}
    with in_language("en"):
        assert str(refused.value.fields["phone"][0]) == "This phone number is not right yet. Example: 0912 345 678"
    assert session.scalars(select(Customer)).all() == []


def test_a_name_over_200_letters_is_refused(session, cast):
    services.create_customer(session, by=cast.lan, name="L" * 200)
    with pytest.raises(InvalidInputError) as refused:
        services.create_customer(session, by=cast.lan, name="L" * 201)
    with in_language("en"):
        assert str(refused.value.fields["name"][0]) == "Please use at most 200 characters."


def test_the_same_contact_typed_twice_is_kept_once(session, cast):
    customer = services.create_customer(
        session, by=cast.lan, name="Ánh", phone="0912345678", contact_points=[(ContactKind.phone, "+84 912 345 678")]
    )
    assert len(customer.all_contact_points) == 1


def test_who_may_not_add_customers_cannot(session, cast):
    auditor = type(cast.lan)(user_id=cast.lan.user_id, permissions=frozenset({("view", "Customer")}))
    with pytest.raises(NotAllowedError):
        services.create_customer(session, by=auditor, name="Ánh")


def test_eight_writers_at_once_get_eight_different_codes(app: Flask):
    codes: list[str] = []
    together = threading.Barrier(8)

    def write() -> None:
        with app.app_context():
            together.wait()
            for _ in range(3):
                with transaction(SYSTEM) as session:
                    codes.append(services.create_customer(session, by=SYSTEM, name="Ánh").code)
            db.session.remove()

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(codes) == [f"KH{number:06d}" for number in range(1, 25)]


# ── Change ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_what_is_given_changes(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh", phone="0912345678", note="quen")
    services.change_customer(session, customer, by=cast.lan, rev=1, name="Công ty Ánh Sáng", kind=CustomerKind.company)
    assert (customer.name, customer.kind, customer.note, customer.phone) == (
        "Công ty Ánh Sáng", CustomerKind.company, "quen", "0912 345 678",
    )  # fmt: skip
    assert customer.rev == 2
    last = session.scalars(queries.timeline(customer.id, cast.lan)).first()
    assert (last.kind, last.data) == ("changed", {"fields": ["kind", "name"]})


def test_a_change_that_changes_nothing_leaves_no_trace(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh", phone="0912345678")
    services.change_customer(session, customer, by=cast.lan, rev=1, name=" Ánh ", phone="84912345678")
    assert (customer.rev, kinds(session, customer)) == (1, ["created"])


def test_a_change_on_an_older_revision_says_who_was_faster(session, cast, monkeypatch):
    customer = services.create_customer(session, by=cast.lan, name="Ánh")
    monkeypatch.setitem(session.info, "actor", cast.minh)
    services.change_customer(session, customer, by=cast.minh, rev=1, name="Ánh Dương")
    with pytest.raises(ConflictError) as refused:
        services.change_customer(session, customer, by=cast.lan, rev=1, name="Ánh Tuyết")
    assert refused.value.details["by"] == cast.minh.name
    assert customer.name == "Ánh Dương"


def test_a_refused_change_tells_all_fields_and_changes_none(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh")
    with pytest.raises(InvalidInputError) as refused:
        services.change_customer(session, customer, by=cast.lan, rev=1, name="", phone="1", email="x", note="mới")
    assert set(refused.value.fields) == {"name", "phone", "email"}
    assert (customer.name, customer.note, customer.rev) == ("Ánh", None, 1)


def test_a_new_phone_takes_the_place_of_the_main_one_and_the_old_one_is_kept(session, cast):
    customer = services.create_customer(
        session, by=cast.lan, name="Ánh", phone="0912345678", email="anh@phosen.example"
    )
    services.change_customer(session, customer, by=cast.lan, rev=1, phone="0977 000 111")
    session.expire_all()
    assert [point.shown for point in customer.contact_points] == ["0977 000 111", "anh@phosen.example"]
    assert customer.contact_points[0].is_preferred
    assert len(customer.all_contact_points) == 3
    assert (indexed(session, "0912345678"), indexed(session, "0977000111")) == ([], [customer.id])


def test_an_emptied_phone_goes_out_of_use_and_the_next_contact_is_preferred(session, cast):
    customer = services.create_customer(
        session, by=cast.lan, name="Ánh", phone="0912345678", email="anh@phosen.example"
    )
    services.change_customer(session, customer, by=cast.lan, rev=1, phone=None)
    session.expire_all()
    assert (customer.phone, customer.email) == (None, "anh@phosen.example")
    assert customer.contact_points[0].is_preferred


def test_a_new_owner_needs_the_right_to_assign(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh")
    minh = cast.member("minh")
    with pytest.raises(NotAllowedError):
        services.change_customer(session, customer, by=cast.lan, rev=1, owner=minh)
    services.change_customer(session, customer, by=cast.minh, rev=1, owner=minh)
    assert customer.owner_id == minh.id


def test_a_customer_out_of_sight_cannot_be_changed(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh")
    with pytest.raises(NotFoundError):
        services.change_customer(session, customer, by=cast.tuan, rev=1, name="x")
    with pytest.raises(NotFoundError):
        services.archive_customer(session, customer, by=cast.binh)


# ── Contact points ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_contact_point_can_be_added_preferred_removed_and_added_again(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh", phone="0912345678")
    zalo = services.add_contact_point(session, customer, by=cast.lan, kind=ContactKind.zalo, text="0977000111")
    assert [point.kind for point in customer.contact_points] == ["phone", "zalo"]
    services.prefer_contact_point(session, zalo, by=cast.lan)
    assert [point.is_preferred for point in customer.contact_points] == [True, False]
    assert customer.contact_points[0] is zalo
    services.remove_contact_point(session, zalo, by=cast.lan)
    assert [(point.kind, point.is_preferred) for point in customer.contact_points] == [("phone", True)]
    assert indexed(session, "0977000111") == []
    again = services.add_contact_point(session, customer, by=cast.lan, kind=ContactKind.zalo, text="0977 000 111")
    assert again is zalo
    assert indexed(session, "0977000111") == [customer.id]
    assert kinds(session, customer) == [
        "created", "contact_added", "contact_preferred", "contact_removed", "contact_added",
    ]  # fmt: skip


@pytest.mark.parametrize("typed", ["84912345678", "không phải số", ""])
def test_a_contact_that_is_there_or_is_none_is_refused_beside_the_field(session, cast, typed):
    customer = services.create_customer(session, by=cast.lan, name="Ánh", phone="0912345678")
    with pytest.raises(InvalidInputError) as refused:
        services.add_contact_point(session, customer, by=cast.lan, kind=ContactKind.phone, text=typed)
    assert set(refused.value.fields) == {"text"}


def test_a_contact_out_of_use_cannot_be_preferred(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh", phone="0912345678")
    point = services.remove_contact_point(session, customer.contact_points[0], by=cast.lan)
    with pytest.raises(BusinessError):
        services.prefer_contact_point(session, point, by=cast.lan)


# ── Archive ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_archived_customer_leaves_the_lists_stays_readable_and_comes_back(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh")
    services.archive_customer(session, customer, by=cast.minh)
    assert (customer.is_archived, customer.archived_by_id) == (True, cast.minh.user_id)
    assert session.scalars(search.found("ánh", cast.lan)).all() == []
    assert queries.customer_card(session, customer.id, cast.lan).full
    with pytest.raises(services.CustomerArchivedError):
        services.change_customer(session, customer, by=cast.lan, rev=customer.rev, name="x")
    with pytest.raises(services.CustomerArchivedError):
        services.archive_customer(session, customer, by=cast.minh)
    services.restore_customer(session, customer, by=cast.minh)
    services.restore_customer(session, customer, by=cast.minh)
    assert session.scalars(search.found("ánh", cast.lan)).all() == [customer]
    assert kinds(session, customer) == ["created", "archived", "restored"]


def test_archiving_needs_its_own_right(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh")
    with pytest.raises(NotAllowedError):
        services.archive_customer(session, customer, by=cast.lan)


# ── The text index ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_text_index_keeps_in_step_with_every_write(session, cast):
    first = services.create_customer(session, by=cast.lan, name="Đặng Ánh")
    second = services.create_customer(session, by=cast.lan, name="Đặng Bảo")
    assert indexed(session, "dang") == [first.id, second.id]
    services.change_customer(session, first, by=cast.lan, rev=1, name="Trần Ánh")
    assert (indexed(session, "dang"), indexed(session, "tran")) == ([second.id], [first.id])
    session.execute(text("UPDATE customer SET search_text = 'le bao' WHERE id = :id"), {"id": second.id})
    assert (indexed(session, "dang"), indexed(session, "le")) == ([], [second.id])
    session.execute(text("DELETE FROM timeline_entry WHERE customer_id = :id"), {"id": second.id})
    session.execute(text("DELETE FROM customer WHERE id = :id"), {"id": second.id})
    assert indexed(session, "le") == []
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("INSERT INTO customer_fts (customer_fts, rank) VALUES ('integrity-check', 1)"))


def test_what_is_rolled_back_is_not_found(app: Flask):
    def create_and_fail() -> None:
        with transaction(SYSTEM) as session:
            services.create_customer(session, by=SYSTEM, name="Đặng Ánh")
            raise BusinessError

    with app.app_context():
        with pytest.raises(BusinessError):
            create_and_fail()
        with transaction(SYSTEM) as session:
            assert indexed(session, "dang") == []
            assert services.create_customer(session, by=SYSTEM, name="Đặng Ánh").code == "KH000001"


def test_features_write_on_the_timeline(session, cast):
    customer = services.create_customer(session, by=cast.lan, name="Ánh")
    at = datetime(2027, 1, 1, tzinfo=UTC)
    services.record_timeline(
        session, customer.id, kind="task_completed", by=SYSTEM, at=at, subject_type="task", subject_id=7,
        data={"name": "Gọi lại"},
    )  # fmt: skip
    newest = session.scalars(queries.timeline(customer.id, cast.lan)).first()
    assert (newest.kind, newest.at, newest.actor_id, newest.subject_type, newest.subject_id, newest.data) == (
        "task_completed", at, None, "task", 7, {"name": "Gọi lại"},
    )  # fmt: skip
