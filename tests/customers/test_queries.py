from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access import ACTIONS, SYSTEM, Actor, get_visible, visible
from app.core.errors import NotAllowedError, NotFoundError
from app.customers import queries, search, services
from app.customers.models import ContactKind, ContactPoint, Customer, TimelineEntry
from app.security.models import Right
from app.security.services import end_grants, hand_over


def a_customer(session: Session, by: Actor = SYSTEM, name: str = "Đặng Thị Ánh Nguyệt", **values) -> Customer:
    values.setdefault("duplicate_reason", "Một người ở hai bộ phận")
    values.setdefault("phone", "0912 345 678")
    values.setdefault("email", "Nguyet.Dang@PhoSen.example")
    return services.create_customer(session, by=by, name=name, **values)


def names(session: Session, typed: str, actor: Actor = SYSTEM) -> list[str]:
    return [customer.name for customer in session.scalars(search.found(typed, actor))]


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
