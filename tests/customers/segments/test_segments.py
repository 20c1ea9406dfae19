"""Groups of customers by a condition: what it finds, who sees how many, frozen and moving."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core import clock
from app.core.access import FieldRight, FieldRule
from app.core.conditions import editor
from app.core.errors import BadRequestError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.core.screens import chooser
from app.customers import consent, places, purchases, services, tags
from app.customers.forgotten.services import ensure_targets
from app.customers.models import Customer
from app.customers.profile_models import ConsentChannel, ConsentState
from app.customers.segments import queries, rules
from app.customers.segments import services as segments
from app.customers.segments.services import Typed
from tests.rest import Rest, statements


@pytest.fixture
def people(session, cast, app):
    """Three of Lan's and one of Tuấn's, each something else."""

    def made(by, name, **values):
        return services.create_customer(session, by=by, name=name, **values)

    an = made(cast.lan, "An", birthday=date(1996, 11, 22), tier="vip")
    binh = made(cast.lan, "Bình", birthday=date(1996, 11, 23), tier="small")
    chi = made(cast.lan, "Chi", risk_reason="Chậm trả tiền")
    dung = made(cast.tuan, "Dũng", birthday=date(1980, 2, 29), tier="vip")
    today = clock.today("Asia/Ho_Chi_Minh")
    for customer, days, amount, product in (
        (an, 3, 500_000, "Phở bò"), (an, 100, 700_000, "Trà sen"), (binh, 400, 900_000, "Phở gà"),
    ):  # fmt: skip
        purchases.add_purchase(
            session, customer, by=cast.lan, bought_on=today - timedelta(days=days), product=product, amount=amount,
            quantity=Decimal(1),
        )  # fmt: skip
    tags.set_tags(session, an, ["Khách quen"], by=cast.lan)
    for state in (ConsentState.given, ConsentState.withdrawn):
        consent.record_consent(session, binh, by=cast.lan, purpose="marketing", channel=ConsentChannel.zalo,
                               state=state, proof="cuộc gọi")  # fmt: skip
    consent.record_consent(session, an, by=cast.lan, purpose="marketing", channel=ConsentChannel.zalo,
                           state=ConsentState.given, proof="cuộc gọi")  # fmt: skip
    session.flush()
    return {"an": an, "binh": binh, "chi": chi, "dung": dung}


def found(session, who, where):
    condition, refused = segments.read_rows(where, who)
    assert refused is None, refused
    narrowed = queries.customer_list().narrowed(condition, who)
    return sorted(one.name for one in session.scalars(queries.seen(who, narrowed)).unique())


def test_conditions_look_at_age_purchases_tags_consent_and_silence(session, cast, people):
    today = clock.today("Asia/Ho_Chi_Minh")
    age_of_an = today.year - 1996 - ((today.month, today.day) < (11, 22))
    for where, names in {
        f"age = {age_of_an} and birth_month = '11'": ["An", "Bình"] if (today.month, today.day) != (11, 22) else ["An"],
        "age >= 18": ["An", "Bình"],
        "age empty": ["Chi"],
        "tag = 'khach quen'": ["An"],
        "tag != 'khach quen'": ["Bình", "Chi"],
        "bought_times >= 2": ["An"],
        "bought_times = 0": ["Chi"],
        "bought_amount_year >= 1000000": ["An"],
        "bought_amount_quarter = 500000": ["An"],
        "bought_days <= 30": ["An"],
        "bought_days > 365": ["Bình"],
        "product contains 'pho'": ["An", "Bình"],
        "product not contains 'tra sen'": ["Bình", "Chi"],
        "consent = 'marketing.zalo'": ["An"],
        "at_risk = true": ["Chi"],
        "silent_days = 0": ["An", "Bình", "Chi"],
        "(tier = 'vip' or at_risk = true) and not (bought_times = 0)": ["An"],
    }.items():
        assert found(session, cast.lan, where) == names, where
    assert found(session, cast.hoa, "tier = 'vip'") == ["An", "Dũng"]


def test_who_is_silent_longer_than_his_tier_allows_is_forgotten(session, cast, people):
    ensure_targets(session)
    now = clock.now()
    for name, days in (("an", 14), ("binh", 59), ("chi", 61)):
        people[name].last_contact_at = now - timedelta(days=days, minutes=1)
    session.flush()
    assert found(session, cast.lan, "forgotten = true") == ["An", "Chi"]
    people["an"].do_not_contact = True
    session.flush()
    assert found(session, cast.lan, "forgotten = true") == ["Chi"]
    assert found(session, cast.lan, "silent_days >= 61") == ["Chi"]
    assert found(session, cast.lan, "silent_days < 15") == ["An"]


def test_what_is_unknown_or_no_value_of_its_kind_is_told_with_its_row(session, cast):
    for where, row in (
        ("tier = 'vip' and nosuch = 3", 1), ("age >= '18'", None), ("tier = 'gold'", 0), ("age >= 1.5", 0),
        ("bought_times >= 1 or (tier = 'vip' and tag = 'không có')", 2), ("age >=", None), ("", None),
    ):  # fmt: skip
        condition, refused = segments.read_rows(where, cast.lan)
        assert condition is None
        assert refused is not None
        assert refused.row == row, where
        assert str(refused.sentence)


def test_what_somebody_may_not_read_is_no_condition_for_him(session, cast, people):
    made = segments.create_segment(session, Typed("Trẻ", "age < 40", team_id=cast.lan.primary_team_id), by=cast.minh)
    for right in (FieldRight.hidden, FieldRight.masked):
        lan = replace(cast.lan, fields={("Customer", "birthday"): FieldRule(right)})
        for where in ("age >= 18", "birth_month = '11'", "birthday = today()"):
            assert segments.read_rows(where, lan)[1] is not None
        told = queries.read(made, lan)
        assert (told.condition, told.hidden, "40" in str(told.sentence)) == (None, True, False)
    assert "40" in str(queries.read(made, cast.lan).sentence)


def test_a_frozen_segment_keeps_whoever_belonged_to_it_and_everybody_counts_his_own(session, cast, people):
    made = segments.create_segment(session, Typed("VIP", "tier = 'vip'"), by=cast.hoa)
    assert segments.freeze(session, made.id, by=cast.hoa) == 2
    people["binh"].tier, people["an"].tier = "vip", None
    session.flush()
    assert found(session, cast.hoa, f"segment = '{made.id}'") == ["An", "Dũng"]
    assert queries.counts(session, cast.hoa, [made]) == {made.id: (2, False)}
    with pytest.raises(InvalidInputError):
        segments.change_segment(session, made.id, Typed("VIP", "tier = 'small'"), rev=made.rev, by=cast.hoa)
    segments.unfreeze(session, made.id, by=cast.hoa)
    assert queries.count(session, cast.hoa, queries.belongs(made, cast.hoa)) == 2
    names = lambda: sorted(session.scalars(select(Customer.name).where(queries.belongs(made, cast.hoa))))  # noqa: E731
    assert names() == ["Bình", "Dũng"]
    assert segments.freeze_again(session, made.id, by=cast.hoa) == 2
    assert names() == ["An", "Dũng"]
    segments.unfreeze(session, made.id, by=cast.hoa)
    assert segments.freeze(session, made.id, by=cast.hoa) == 2
    assert names() == ["Bình", "Dũng"]


def test_a_colleague_does_not_freeze_a_segment_without_the_customers_whom_he_does_not_see(session, cast, people):
    shared = Typed("VIP", "tier = 'vip'", team_id=cast.lan.primary_team_id)
    made = segments.create_segment(session, shared, by=cast.hoa)
    with pytest.raises(NotAllowedError):
        segments.freeze(session, made.id, by=cast.minh)
    assert segments.freeze(session, made.id, by=cast.hoa) == 2


def test_who_belongs_to_a_frozen_segment_tells_nobody_what_he_may_not_read(session, cast, people):
    shared = Typed("Mua nhiều", "bought_amount > 800000", team_id=cast.lan.primary_team_id)
    made = segments.create_segment(session, shared, by=cast.hoa)
    segments.freeze(session, made.id, by=cast.hoa)
    assert found(session, cast.lan, f"segment = '{made.id}'") == ["An", "Bình"]
    blind = replace(cast.lan, fields={("Customer", "bought"): FieldRule(FieldRight.hidden)})
    with pytest.raises(BadRequestError):
        queries.belongs(made, blind)
    assert segments.read_rows(f"segment = '{made.id}'", blind)[0] is None or not found(
        session, blind, f"segment = '{made.id}'"
    )


def test_the_list_of_segments_asks_no_more_for_many_than_for_one(app, client, change):
    def keep(session, cast, *numbers):
        services.create_customer(session, by=cast.lan, name="Khách")
        made = services.create_customer(session, by=cast.lan, name="Khách quen")
        tags.set_tags(session, made, ["Quen", "Mới"], by=cast.lan)
        for number in numbers:
            segments.create_segment(session, Typed(f"Nhóm {number}", "tag = 'quen' or tag = 'moi'"), by=cast.lan)

    lan, counts = client("lan"), []
    for numbers in ((1,), (2, 3, 4)):
        change(lambda session, cast, some=numbers: keep(session, cast, *some))
        lan.get("/nhom-khach-hang/")
        with statements(app) as made:
            assert lan.get("/nhom-khach-hang/").status_code == 200
            told = lan.get("/nhom-khach-hang/?so=1").text
        counts.append(len(made))
    assert counts[0] == counts[1]
    assert [one.text for one in BeautifulSoup(told, "lxml").select("span[hx-swap-oob]")] == ["2", "2", "2", "2"]


def test_a_segment_is_its_owners_until_it_is_shared_with_a_team(session, cast):
    team = cast.lan.primary_team_id
    made = segments.create_segment(session, Typed("Của Minh", "tier = 'vip'"), by=cast.minh)
    with pytest.raises(NotFoundError):
        segments.archive_segment(session, made.id, by=cast.lan)
    shared = Typed("Của đội", "tier = 'vip'", team_id=team)
    segments.change_segment(session, made.id, shared, rev=made.rev, by=cast.minh)
    names = lambda who: [one.name for one in session.scalars(queries.segments(who)).unique()]  # noqa: E731
    assert (names(cast.lan), names(cast.tuan), names(cast.hoa)) == (["Của đội"], [], ["Của đội"])
    with pytest.raises(InvalidInputError) as refused:
        segments.create_segment(session, Typed(" ", "", team_id=team), by=cast.lan)
    assert set(refused.value.fields) == {"name", "where", "team"}
    with pytest.raises(ConflictError):
        segments.change_segment(session, made.id, Typed("Khác", "tier = 'vip'"), rev=made.rev - 1, by=cast.minh)


def test_the_comparisons_of_a_condition_are_counted_in_their_order():
    row = {"field": "a", "op": "empty"}
    assert list(rules.rows({"and": [row, {"or": [row, {"not": row}]}]})) == [row, row, row]


def test_a_ward_is_a_condition_told_with_its_province_and_looked_up_within_it(session, cast, app):
    ward = places.wards_of("01")[0]
    services.create_customer(session, by=cast.lan, name="An", ward_code=ward.code)
    services.create_customer(session, by=cast.lan, name="Bình", province_code="01")
    session.flush()
    assert found(session, cast.lan, f"ward_code = '{ward.code}'") == ["An"]
    assert found(session, cast.lan, "province_code = '01' and ward_code empty") == ["Bình"]
    fields = queries.customer_list().fields_for(cast.lan)
    condition, _refused = segments.read_rows(f"ward_code in ('{ward.code}')", cast.lan)
    assert condition is not None
    named = chooser.names_in(condition, fields, cast.lan)
    assert named == {"ward_code": {ward.code: f"{ward.name}, Thành phố Hà Nội"}}
    offer = editor.field_offer(fields["ward_code"])
    assert (offer["choices"], offer["choices_url"], offer["within"]) == ([], "/tim/phuong-xa", "province_code")
    condition, refused = segments.read_rows("ward_code = '99999'", cast.lan)
    assert condition is None
    assert refused is not None
    withheld = replace(cast.lan, fields={("Customer", "address"): FieldRule(FieldRight.masked)})
    assert "ward_code" not in queries.customer_list().fields_for(withheld)


def test_a_number_that_is_none_is_refused_past_the_browser_and_stays_as_it_was_typed(app, client):
    hoa, rest = client("hoa"), Rest(app, "hoa")
    for typed in (
        "bought_times = '12a'", "bought_times != '12a'", "bought_times >= '12a'", "bought_times >= 12a",
        "tier = 'vip' and bought_amount in (1, '12a')", '{"field": "bought_times", "op": "=", "value": "12a"}',
    ):  # fmt: skip
        assert rest.post("segments/", {"name": "Mua nhiều", "where": typed}).json["fields"].keys() == {"where"}
        for name, team in (("Mua nhiều", {"team_id": ""}), ("", {"team_id": ""}), ("Mua nhiều", {})):
            answer = hoa.post("/nhom-khach-hang/moi", data={"name": name, "where": typed, **team})
            page = BeautifulSoup(answer.text, "lxml")
            told = page.select_one("[data-fe-refusal]")
            assert answer.status_code == 422
            assert (told.text.strip() != "", told.has_attr("hidden")) == (True, False), typed
            assert page.select_one("textarea[name=where]").text == typed
            assert page.select_one("input[name=name]")["value"] == name
        counted = hoa.post("/nhom-khach-hang/dem", data={"where": typed}).json
        assert (counted["count"], counted["text"]) == (None, "")
        assert counted["refusal"]
    assert rest.rows("segments/") == []


def test_a_segment_that_is_there_keeps_its_condition_when_a_number_in_the_new_one_is_none(app, client):
    hoa, rest = client("hoa"), Rest(app, "hoa")
    made = rest.post("segments/", {"name": "Mua nhiều", "where": "bought_times >= 12"}).json
    sent = {"name": "Mua nhiều", "team_id": "", "rev": made["rev"], "where": "bought_times = '12a'"}
    answer = hoa.post(f"/nhom-khach-hang/{made['id']}", data=sent)
    page = BeautifulSoup(answer.text, "lxml")
    assert answer.status_code == 422
    assert page.select_one("[data-fe-refusal]").text.strip().startswith("Không so sánh “Số lần mua” như vậy được")
    assert page.select_one("textarea[name=where]").text == "bought_times = '12a'"
    assert rest.get(f"segments/{made['id']}").json["where"] == "bought_times >= 12"
