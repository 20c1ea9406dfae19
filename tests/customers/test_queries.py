from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.access import ACTIONS, SYSTEM, Actor, get_visible, visible
from app.core.errors import NotAllowedError, NotFoundError
from app.customers import queries, services
from app.customers.models import ContactKind, ContactPoint, Customer, TimelineEntry
from app.security.models import Right
from app.security.services import end_grants, hand_over


def a_customer(session: Session, by: Actor = SYSTEM, name: str = "Đặng Thị Ánh Nguyệt", **values) -> Customer:
    values.setdefault("phone", "0912 345 678")
    values.setdefault("email", "Nguyet.Dang@PhoSen.example")
    return services.create_customer(session, by=by, name=name, **values)


def names(session: Session, typed: str, actor: Actor = SYSTEM) -> list[str]:
    return [customer.name for customer in session.scalars(queries.found(typed, actor))]


# ── Search ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "typed",
    [
        "Đặng Thị Ánh Nguyệt",
        "dang thi anh nguyet",
        "nguyet dang",
        "NGU ĐA",
        "đặng",
        "Ða\u0323\u0306ng",
        "KH000001",
        "kh0",
        "0912 345 678",
        "0912.345.678",
        "+84 912 345 678",
        "(+84) 912-345-678",
        "84912345678",
        "912345678",
        "０９１２３４５６７８",
        "0912 3",
        "5678",
        "nguyet 5678",
        "Nguyet.Dang@PhoSen.example",
        "phosen",
        "",
        "   ",
    ],
)
@pytest.mark.both_databases
def test_a_customer_is_found_by(session, typed):
    customer = a_customer(session)
    services.create_customer(session, by=SYSTEM, name="Lê Bảo", phone="0977 000 111")
    assert customer.name in names(session, typed)


@pytest.mark.parametrize(
    "typed",
    ["dang bao", "guyet", "0912 345 679", "6789", "KH000002", "345", "*", "%", "_", "\"'", "🙂", "\0", "OR AND"],
)
@pytest.mark.both_databases
def test_a_customer_is_not_found_by(session, typed):
    a_customer(session)
    assert names(session, typed) == []


def test_old_numbers_find_the_customer_under_his_new_one(session):
    a_customer(session, phone="0168 123 4567")
    assert names(session, "0381234567") == names(session, "0168 123 4567") == ["Đặng Thị Ánh Nguyệt"]


@pytest.mark.both_databases
def test_matches_stand_in_name_order(session):
    for name in ("Trần Văn Đức", "Trần Thị An", "Trần Ánh", "Trần Dũng"):
        services.create_customer(session, by=SYSTEM, name=name)
    assert names(session, "tran") == ["Trần Thị An", "Trần Ánh", "Trần Dũng", "Trần Văn Đức"]


def test_a_search_sees_no_more_than_the_list(session, cast):
    a_customer(session, by=cast.lan)
    assert names(session, "nguyet", cast.minh) == ["Đặng Thị Ánh Nguyệt"]
    assert names(session, "nguyet", cast.tuan) == []


def test_other_peoples_matches_do_not_use_up_the_limit(session, cast):
    for _ in range(5):
        a_customer(session, by=cast.tuan)
    mine = a_customer(session, by=cast.lan)
    assert session.scalars(queries.found("nguyet", cast.lan, limit=1)).all() == [mine]


def test_the_first_by_name_are_shown_whoever_came_first(session):
    for name in ("Trần Vân", "Trần Yến", "Trần Bình", "Trần An"):
        a_customer(session, name=name)
    first = queries.found("tran", SYSTEM, limit=2)
    assert [customer.name for customer in session.scalars(first)] == ["Trần An", "Trần Bình"]


HOSTILE = [
    '"', "'", 'a"b', "a'b", "*", "a*", "NEAR(a b)", "a AND", "-a", "^a", "a:b", "{a}", "a\0b", "\\", ":*", "& | !",
    "'); DROP TABLE customer; --", "🙂" * 100, "a " * 5_000, "x" * 10_000, "9" * 10_000, "\ud800", "ﷺ" * 300,
    "١٢٣٤", "²³", "一二三", "\u0301", "𞤀𞤁",
]  # fmt: skip


@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.both_databases
def test_no_search_is_an_error(session, typed):
    a_customer(session)
    names(session, typed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text(max_size=60) | st.text("0123456789 +().-*\"':&|!@a", max_size=40))
def test_no_search_whatsoever_is_an_error(session, typed):
    names(session, typed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text("ăâđêôơưáàảãạ abcxyz0123456789.,-", min_size=1, max_size=40).filter(lambda name: name.strip()))
def test_every_customer_is_found_by_his_own_name(session, name):
    customer = services.create_customer(session, by=SYSTEM, name=name)
    searched = select(Customer.id).where(Customer.id == customer.id, queries.search(name))
    if any(letter.isalnum() for letter in name):
        assert session.scalar(searched) == customer.id


@pytest.mark.both_databases
def test_search_reads_the_text_index_and_sorts_only_what_it_found(session):
    a_customer(session)
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        # One row is read faster without any index.
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_indexscan = off"))
        session.execute(text("DROP INDEX ix_customer_live"))
    compiled = queries.found("nguyet", SYSTEM).compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[dialect]
    rows = session.connection().exec_driver_sql(f"{explain} {compiled}").all()
    plan = " / ".join(str(row[-1]) for row in rows)
    assert {"sqlite": "customer_fts VIRTUAL TABLE INDEX", "postgresql": "ix_customer_search"}[dialect] in plan
    assert "SCAN customer" not in plan.replace("SCAN customer_fts", "")


# ── Who may see what ─────────────────────────────────────────────────────────────────────────────────────────────────


def seen(session: Session, model: type, actor: Actor, action: str = "view") -> int:
    return len(session.scalars(select(model).where(visible(model, actor, action))).all())


def test_a_customer_is_seen_by_his_team_its_head_and_the_admin(session, cast):
    a_customer(session, by=cast.lan)
    sees = {name: seen(session, Customer, getattr(cast, name)) for name in ("lan", "minh", "hoa", "tuan", "binh")}
    assert sees == {"lan": 1, "minh": 1, "hoa": 1, "tuan": 0, "binh": 0}


def test_scope_own_reaches_what_one_made_and_what_one_looks_after(session, cast):
    scopes = {**cast.tuan.scopes, ("Customer", "view"): type(cast.tuan.scopes["Customer", "view"]).own}
    tuan = Actor(
        user_id=cast.tuan.user_id, permissions=cast.tuan.permissions, scopes=scopes, team_ids=cast.tuan.team_ids
    )
    made = a_customer(session, by=cast.tuan)
    looked_after = a_customer(session, by=cast.lan)
    looked_after.owner_id = tuan.user_id
    a_customer(session, by=cast.binh)
    ids = session.scalars(select(Customer.id).where(visible(Customer, tuan)).order_by(Customer.id)).all()
    assert ids == [made.id, looked_after.id]


def test_work_shows_the_header_and_the_contact_points_and_no_more(session, cast):
    customer = a_customer(session, by=cast.lan, note="hay gọi buổi tối")
    hand_over(session, "Customer", customer.id, right=Right.header, reason="task:1", team_id=cast.binh.primary_team_id)
    for actor in (cast.binh, cast.tuan):
        card = queries.customer_card(session, customer.id, actor)
        assert (card.full, card.code, card.name, card.phone) == (False, "KH000001", customer.name, "0912 345 678")
        assert [point.shown for point in card.contact_points] == ["0912 345 678", "Nguyet.Dang@PhoSen.example"]
        assert seen(session, ContactPoint, actor) == 2
        assert (seen(session, Customer, actor), seen(session, TimelineEntry, actor)) == (0, 0)
        assert names(session, "nguyet", actor) == []
        with pytest.raises(NotFoundError):
            get_visible(session, Customer, customer.id, actor)
    end_grants(session, reason="task:1")
    with pytest.raises(NotFoundError):
        queries.customer_card(session, customer.id, cast.binh)
    assert seen(session, ContactPoint, cast.binh) == 0


def test_a_shared_customer_is_seen_in_full_but_changed_only_with_the_right_to_edit(session, cast):
    customer = a_customer(session, by=cast.lan)
    hand_over(session, "Customer", customer.id, right=Right.view, reason="share", member_id=cast.tuan.user_id)
    assert queries.customer_card(session, customer.id, cast.tuan).full
    assert seen(session, TimelineEntry, cast.tuan) == 1
    with pytest.raises(NotAllowedError):
        services.change_customer(session, customer, by=cast.tuan, rev=1, name="Ánh")
    hand_over(session, "Customer", customer.id, right=Right.edit, reason="share", member_id=cast.tuan.user_id)
    services.change_customer(session, customer, by=cast.tuan, rev=1, name="Ánh")
    assert seen(session, ContactPoint, cast.tuan, "edit") == 2


def test_a_grant_reaches_neither_export_nor_archive(session, cast):
    customer = a_customer(session, by=cast.lan)
    hand_over(session, "Customer", customer.id, right=Right.edit, reason="share", member_id=cast.binh.user_id)
    reach = {
        action: seen(session, Customer, cast.binh, action) for action in ACTIONS if action not in ("add", "approve")
    }
    assert reach == {"view": 1, "edit": 1, "export": 0, "delete": 0, "assign": 0}
    assert seen(session, ContactPoint, cast.binh, "export") == 0
    assert seen(session, TimelineEntry, cast.binh, "export") == 0


def test_without_the_right_to_customers_not_even_ones_own_are_seen(session, cast):
    customer = a_customer(session, by=cast.lan)
    nobody = Actor(user_id=cast.lan.user_id, team_ids=cast.lan.team_ids)
    assert seen(session, Customer, nobody) == 0
    with pytest.raises(NotFoundError):
        queries.customer_card(session, customer.id, nobody)


def test_the_timeline_is_written_by_services_alone(session, cast):
    a_customer(session, by=cast.lan)
    assert seen(session, TimelineEntry, cast.hoa) == 1
    assert seen(session, TimelineEntry, cast.hoa, "edit") == 0
    assert seen(session, TimelineEntry, cast.hoa, "delete") == 0


def test_rules_of_related_rows_hold_inside_a_query_that_joins_customers(session, cast):
    mine = a_customer(session, by=cast.lan)
    a_customer(session, by=cast.tuan)
    joined = select(ContactPoint.customer_id).join(Customer).where(visible(ContactPoint, cast.lan)).distinct()
    assert session.scalars(joined).all() == [mine.id]


def test_cards_come_by_id_without_those_out_of_sight(session, cast):
    mine, other = a_customer(session, by=cast.lan), a_customer(session, by=cast.tuan)
    assert set(queries.customer_cards(session, [mine.id, other.id, 999], cast.lan)) == {mine.id}
    assert queries.customer_cards(session, [], cast.lan) == {}


def test_a_card_shows_contact_points_in_use_the_preferred_one_first(session, cast):
    customer = a_customer(session, by=cast.lan)
    services.prefer_contact_point(session, customer.contact_points[1], by=cast.lan)
    services.add_contact_point(session, customer, by=cast.lan, kind=ContactKind.phone, text="0977000111")
    services.remove_contact_point(session, customer.contact_points[1], by=cast.lan)
    card = queries.customer_card(session, customer.id, cast.lan)
    assert [point.shown for point in card.contact_points] == ["Nguyet.Dang@PhoSen.example", "0977 000 111"]


# ── Nobody twice ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_phone_or_mail_in_any_spelling_is_a_possible_duplicate(session, cast):
    customer = a_customer(session, by=cast.lan)
    for given_values in ({"phone": "+84 912.345.678"}, {"email": " nguyet.dang@PHOSEN.example"}):
        (duplicate,) = queries.possible_duplicates(session, actor=cast.minh, **given_values)
        assert (duplicate.customer_id, duplicate.code, duplicate.name) == (customer.id, "KH000001", customer.name)


def test_a_duplicate_out_of_sight_shows_initials_and_no_way_to_it(session, cast):
    a_customer(session, by=cast.lan)
    (duplicate,) = queries.possible_duplicates(session, actor=cast.tuan, phone="0912345678")
    assert (duplicate.customer_id, duplicate.code, duplicate.name) == (None, None, "Đ… T… Á… N…")


def test_a_zalo_number_matches_a_phone(session, cast):
    services.create_customer(session, by=cast.lan, name="Ánh", contact_points=[(ContactKind.zalo, "0912345678")])
    assert len(queries.possible_duplicates(session, actor=cast.lan, phone="0912345678")) == 1


def test_the_customer_being_edited_and_contacts_out_of_use_are_no_duplicates(session, cast):
    customer = a_customer(session, by=cast.lan)
    assert queries.possible_duplicates(session, actor=cast.lan, phone="0912345678", besides=customer.id) == []
    services.change_customer(session, customer, by=cast.lan, rev=1, phone=None)
    assert queries.possible_duplicates(session, actor=cast.lan, phone="0912345678") == []


@pytest.mark.parametrize(("phone", "email"), [(None, None), ("", " "), ("12", "x@"), ("\0", "\0")])
def test_what_cannot_be_read_matches_nobody(session, cast, phone, email):
    a_customer(session, by=cast.lan)
    assert queries.possible_duplicates(session, actor=cast.lan, phone=phone, email=email) == []
