"""What is known of a customer: read, kept, refused beside its field, and told on the timeline."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from app.core import clock
from app.core.access import FieldRight, FieldRule
from app.core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.customers import consent, interactions, places, profile_queries, purchases, queries, services, tags
from app.customers.keys import fill_keys
from app.customers.models import ContactKind, Customer, CustomerKind, Gender
from app.customers.profile_models import (
    ConsentChannel,
    ConsentEvent,
    ConsentState,
    CustomerStage,
    Direction,
    Interaction,
    InteractionKind,
    Purchase,
)

TODAY = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
BEN_THANH = next(one for one in places.search("ben thanh", province_code="79"))


@pytest.fixture(autouse=True)
def today():
    with clock.at(TODAY):
        yield


@pytest.fixture
def anh(session, cast) -> Customer:
    return services.create_customer(session, by=cast.lan, name="Nguyễn Thị Ánh", phone="0912345678")


def change(session, customer, by, **values):
    return services.change_customer(session, customer, by=by, rev=customer.rev, **values)


def told(session, customer, who):
    return [(entry.kind, entry.data) for entry in session.scalars(queries.timeline(customer.id, who))]


@pytest.mark.both_databases
def test_a_whole_profile_is_kept_in_one_go(session, cast):
    company = services.create_customer(session, by=cast.lan, name="Công ty Ánh Sáng", kind=CustomerKind.company)
    person = services.create_customer(
        session, by=cast.lan, name="Đỗ Thị Ánh", honorific="chi", gender=Gender.female, birthday=date(1990, 3, 5),
        tax_code="MST: 0100109106", id_number="001190000123", company=company, job_title="  Kế  toán ",
        street="12 Lê Lợi", ward_code=BEN_THANH.code, touchpoint="advice", tier="vip", behaviour="regular",
        stage="new", stage_reason="Gọi đến lần đầu", next_contact_on=date(2026, 11, 30),
    )  # fmt: skip
    assert (person.rev, person.company_id, person.job_title) == (1, company.id, "Kế toán")
    assert (person.tax_code, person.id_number, person.province_code) == ("0100109106", "001190000123", "79")
    assert person.tier_is_fixed
    (stage,) = session.scalars(select(CustomerStage).where(CustomerStage.customer_id == person.id))
    assert (stage.stage, stage.since, stage.until, stage.reason) == ("new", TODAY, None, "Gọi đến lần đầu")
    there = session.scalars(profile_queries.people_at(company.id, cast.lan)).all()
    assert [one.name for one in there] == ["Đỗ Thị Ánh"]


WRONG = {
    "honorific": "sep", "birthday": date(2027, 1, 1), "tax_code": "0100109107", "id_number": "12", "ward_code": "xxxxx",
    "street": "x" * 201, "tier": "gold", "next_contact_on": date(2026, 11, 1), "old_address": "x" * 301,
}  # fmt: skip


def test_every_problem_of_a_profile_is_told_beside_its_field(session, cast, anh):
    with pytest.raises(InvalidInputError) as refused:
        change(session, anh, cast.lan, **WRONG, company=anh, do_not_contact=True)
    assert set(refused.value.fields) == {*WRONG, "company", "do_not_contact_reason"}
    assert anh.rev == 1
    with pytest.raises(InvalidInputError) as refused:
        change(session, anh, cast.lan, province_code="01", ward_code=BEN_THANH.code)
    assert set(refused.value.fields) == {"ward_code"}


def test_a_company_works_nowhere(session, cast, anh):
    company = services.create_customer(session, by=cast.lan, name="Sen", kind=CustomerKind.company)
    change(session, anh, cast.lan, company=company)
    with pytest.raises(InvalidInputError) as refused:
        change(session, anh, cast.lan, kind=CustomerKind.company)
    assert set(refused.value.fields) == {"company"}
    change(session, anh, cast.lan, kind=CustomerKind.company, company=None)
    assert anh.company_id is None


def test_the_way_of_a_customer_is_dated_and_told(session, cast, anh):
    change(session, anh, cast.lan, stage="new")
    with clock.at(TODAY + timedelta(days=2)):
        change(session, anh, cast.lan, stage="considering", stage_reason="Hỏi giá")
    with clock.at(TODAY + timedelta(days=3)):
        change(session, anh, cast.lan, stage="considering", stage_reason="Không đổi gì")
        change(session, anh, cast.lan, stage=None)
    way = [(one.stage, one.since, one.until) for one in session.scalars(profile_queries.stages_of(anh.id, cast.lan))]
    day = timedelta(days=1)
    assert way == [("considering", TODAY + 2 * day, TODAY + 3 * day), ("new", TODAY, TODAY + 2 * day)]
    stages = [data for kind, data in told(session, anh, cast.lan) if kind == "stage_changed"]
    assert stages == [
        {"from": "considering", "to": None}, {"from": "new", "to": "considering"}, {"from": None, "to": "new"},
    ]  # fmt: skip


def test_a_risk_and_a_restriction_have_a_reason_and_a_day(session, cast, anh):
    change(session, anh, cast.lan, risk_reason="Chậm trả tiền", do_not_contact=True, do_not_contact_reason="Yêu cầu")
    assert (anh.risk_since, anh.do_not_contact) == (TODAY, True)
    with clock.at(TODAY + timedelta(days=1)):
        change(session, anh, cast.lan, risk_reason="Chậm trả tiền hai lần", do_not_contact=False)
    assert (anh.risk_since, anh.do_not_contact, anh.do_not_contact_reason) == (TODAY, False, None)
    change(session, anh, cast.lan, risk_reason=None)
    assert anh.risk_since is None


def test_an_address_that_one_may_not_read_is_not_written(session, cast, anh):
    rules = {("Customer", "address"): FieldRule(FieldRight.read_only)}
    lan = replace(cast.lan, fields=rules)
    with pytest.raises(InvalidInputError) as refused:
        change(session, anh, lan, street="1 Hàng Bài", tier="vip")
    assert set(refused.value.fields) == {"street"}


# ── consent ──
@pytest.mark.both_databases
def test_the_last_word_on_a_purpose_and_channel_counts(session, cast, anh):
    given = {"by": cast.lan, "purpose": "marketing", "channel": ConsentChannel.zalo}
    assert profile_queries.consents_now(session, anh.id, cast.lan) == {}
    agreed = select(Customer.id).where(profile_queries.agreed("marketing", ConsentChannel.zalo))
    with pytest.raises(InvalidInputError) as refused:
        consent.record_consent(session, anh, state=ConsentState.given, **given)
    assert set(refused.value.fields) == {"proof"}
    consent.record_consent(
        session, anh, state=ConsentState.given, proof="Cuộc gọi 23/11", text_version="2026-01", **given
    )
    assert session.scalars(agreed).all() == [anh.id]
    with clock.at(TODAY + timedelta(hours=1)):
        consent.record_consent(session, anh, state=ConsentState.withdrawn, **given)
    assert session.scalars(agreed).all() == []
    ((key, event),) = profile_queries.consents_now(session, anh.id, cast.lan).items()
    assert (key.purpose, key.channel, event.state) == ("marketing", ConsentChannel.zalo, ConsentState.withdrawn)
    assert len(session.scalars(profile_queries.ledger(anh.id, cast.lan)).all()) == 2


@pytest.mark.both_databases
@pytest.mark.parametrize("attempt", [
    lambda: update(ConsentEvent).values(state=ConsentState.given), lambda: update(ConsentEvent).values(proof="Khác"),
    lambda: delete(ConsentEvent),
])  # fmt: skip
def test_the_ledger_is_only_ever_added_to(session, cast, anh, attempt):
    consent.record_consent(
        session, anh, by=cast.lan, purpose="care", channel=ConsentChannel.call, state=ConsentState.withdrawn
    )
    with pytest.raises(DatabaseError, match="append-only"), session.begin_nested():
        session.execute(attempt())
    session.execute(update(ConsentEvent).values(proof=None))


# ── tags ──
def test_a_tag_is_one_whatever_its_accents(session, cast, anh):
    tags.set_tags(session, anh, ["Khách quen", "khach QUEN", "#Trà sữa"], by=cast.lan)
    (known,) = profile_queries.tags_of_each(session, [anh.id]).values()
    assert [tag.name for tag in known] == ["Khách quen", "Trà sữa"]
    assert session.scalars(select(Customer.id).where(profile_queries.tagged("TRÀ SỮA"))).all() == [anh.id]
    tags.change_tags(session, anh, ["tra sua"], instead_of=["Khách quen", "Trà sữa"], by=cast.lan)
    assert [one.name for one in profile_queries.tags_of_each(session, [anh.id])[anh.id]] == ["Trà sữa"]
    assert [one.name for one in session.scalars(profile_queries.offered_tags("quen"))] == ["Khách quen"]
    assert told(session, anh, cast.lan)[0] == ("tagged", {"added": [], "removed": ["Khách quen"]})
    with pytest.raises(InvalidInputError):
        tags.set_tags(session, anh, [f"t{number}" for number in range(31)], by=cast.lan)
    with pytest.raises(NotAllowedError):
        tags.change_tag(session, known[0], by=cast.lan, name="Khác")


# ── purchases ──
@pytest.mark.both_databases
def test_purchases_are_kept_exactly_and_taken_over_once(session, cast, anh):
    line = {"bought_on": date(2026, 11, 1), "product": "Gạo ST25", "amount": 1_250_000}
    first = purchases.add_purchase(
        session, anh, by=cast.lan, quantity=Decimal("2.5"), source="shopee", external_id="A1", **line
    )
    session.expire(first)
    assert (first.quantity, first.amount) == (Decimal("2.5"), 1_250_000)
    with pytest.raises(ConflictError):
        purchases.add_purchase(session, anh, by=cast.lan, source="shopee", external_id="A1", **line)
    purchases.add_purchase(session, anh, by=cast.lan, **line)
    assert profile_queries.bought(session, anh.id, cast.lan) == (2, 2_500_000)
    purchases.archive_purchase(session, first, by=cast.lan)
    assert profile_queries.bought(session, anh.id, cast.lan) == (1, 1_250_000)
    with pytest.raises(InvalidInputError) as refused:
        purchases.add_purchase(session, anh, by=cast.lan, bought_on=date(2027, 1, 1), quantity=Decimal(0), amount=-1)
    assert set(refused.value.fields) == {"bought_on", "product", "quantity", "amount"}


# ── interactions ──
@pytest.mark.both_databases
def test_a_call_stands_on_the_timeline_and_says_when_the_next_is(session, cast, anh):
    log = interactions.log_interaction
    missed = log(session, anh, by=cast.lan, kind=InteractionKind.call, result="no-answer", next_on=date(2026, 11, 24))
    assert (anh.next_contact_on, anh.last_contact_at, missed.channel) == (date(2026, 11, 24), None, "phone")
    reached = log(session, anh, by=cast.lan, kind=InteractionKind.call, result="reached", text="Khen ngon")
    log(session, anh, by=cast.lan, kind=InteractionKind.message, channel="zalo", text="Xin chào",
        direction=Direction.inbound, at=TODAY - timedelta(days=4))  # fmt: skip
    log(session, anh, by=cast.lan, kind=InteractionKind.note, text="Thích ít đường")
    assert anh.last_contact_at == TODAY
    newest = session.scalars(queries.timeline(anh.id, cast.lan)).first()
    assert (newest.kind, newest.subject_type) == ("note", "interaction")
    assert "text" not in newest.data
    interactions.archive_interaction(session, reached, by=cast.lan)
    assert anh.last_contact_at == TODAY - timedelta(days=4)
    assert len(session.scalars(profile_queries.interactions_of(anh.id, cast.lan)).all()) == 3
    with pytest.raises(InvalidInputError) as refused:
        log(session, anh, by=cast.lan, kind=InteractionKind.call, at=TODAY + timedelta(days=1), channel="fax",
            next_on=date(2026, 11, 1))  # fmt: skip
    assert set(refused.value.fields) == {"result", "at", "channel", "next_on"}


def test_what_belongs_to_a_customer_is_seen_with_him_alone(session, cast, anh):
    interactions.log_interaction(session, anh, by=cast.lan, kind=InteractionKind.note, text="Kín")
    purchases.add_purchase(session, anh, by=cast.lan, bought_on=date(2026, 11, 1), product="Gạo", amount=1)
    for rows in (profile_queries.interactions_of, profile_queries.purchases_of, profile_queries.ledger):
        assert session.scalars(rows(anh.id, cast.tuan)).all() == []
    with pytest.raises(NotFoundError):
        interactions.log_interaction(session, anh, by=cast.tuan, kind=InteractionKind.note, text="Lạ")
    assert {type(one) for one in (*session.scalars(select(Interaction)), *session.scalars(select(Purchase)))} == {
        Interaction, Purchase,
    }  # fmt: skip


@pytest.mark.both_databases
def test_an_entry_that_a_customer_has_is_not_deleted(session, cast, anh):
    change(session, anh, cast.lan, honorific="chi", stage="new")
    for code in ("chi", "new"):
        with pytest.raises(DatabaseError, match="customers have this entry"), session.begin_nested():
            session.execute(text(f"DELETE FROM catalogue_entry WHERE code = '{code}'"))
    session.execute(text("DELETE FROM catalogue_entry WHERE code = 'bac'"))


def test_a_number_of_a_family_says_so(session, cast, anh):
    point = services.add_contact_point(
        session, anh, by=cast.lan, kind=ContactKind.shop_id, text="Shopee: pho.sen", shared=True
    )
    assert point.is_shared
    services.share_contact_point(session, point, by=cast.lan, shared=False)
    assert [kind for kind, _data in told(session, anh, cast.lan)][:2] == ["contact_own", "contact_added"]


@pytest.mark.both_databases
def test_keys_that_are_missing_are_worked_out_without_a_change_of_the_customer(session, cast, anh):
    session.execute(text("UPDATE customer SET name_key = NULL, updated_at = '2020-01-01 00:00:00'"))
    assert (fill_keys(session), fill_keys(session)) == (1, 0)
    session.expire_all()
    assert (anh.name_key, anh.rev, anh.updated_at.year) == ("nguyen thi anh", 1, 2020)


def test_what_the_rules_chose_can_be_pinned_and_what_was_chosen_by_hand_stays(session, cast, anh):
    anh.tier, anh.behaviour = "vip", "regular"
    session.flush()
    change(session, anh, cast.lan, tier="vip", behaviour="loyal")
    assert (anh.tier_is_fixed, anh.behaviour_is_fixed) == (False, True)
    change(session, anh, cast.lan, tier="vip", tier_is_fixed=True, behaviour="loyal", behaviour_is_fixed=False)
    assert (anh.tier_is_fixed, anh.behaviour_is_fixed) == (True, False)
    change(session, anh, cast.lan, tier=None, tier_is_fixed=True)
    assert (anh.tier, anh.tier_is_fixed) == (None, False)
