"""Who is found to be entered twice: keys, the score of a pair, and 1,000 planted pairs."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.customers import matching
from app.customers.matching import Candidate, Match, Reason
from app.customers.models import ADDRESS_KEY_LENGTH, NAME_LENGTH, CustomerKind, Gender
from bench.duplicates import planted

PERSON, COMPANY = CustomerKind.person, CustomerKind.company
DAY = date(1990, 3, 5)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Đặng Thị Ưu", "dang thi uu"),
        ("Chị ĐẶNG  thị ưu (Cầu Giấy)", "dang thi uu"),
        ("Mr. Trần Văn Kỹ - 0912 345 678", "tran van ky"),
        ("Anh", "anh"),  # a name of its own
        ("chị Lan", "lan"),
        ("Cô Chú Bác", "bac"),
        ("!?", ""),
    ],
)
def test_the_key_of_a_person_is_the_bare_name(name, key):
    assert matching.name_key(name, PERSON) == key


@pytest.mark.parametrize(
    "name",
    ["Công ty TNHH Thương mại Dịch vụ An Phát", "CTY TNHH TM DV AN PHÁT", "cong ty tnhh mtv TMDV An Phat",
     "Công ty CP Thương mại và Dịch vụ An Phát", "Thuong mai dich vu An Phat Co., Ltd", "HKD TM - DV An Phát"],
)  # fmt: skip
def test_companies_that_differ_only_in_their_legal_form_have_one_key(name):
    assert matching.name_key(name, COMPANY) == "thuong mai dich vu an phat"


def test_a_company_that_was_entered_as_a_person_keeps_the_key_of_a_company():
    assert matching.name_key("Cty CP Sữa Việt Nam", PERSON) == matching.name_key("Công ty Sữa VN", COMPANY)
    assert matching.name_key("Công ty TNHH", COMPANY) == "cong ty tnhh"


@pytest.mark.parametrize(
    "street", ["12/3 Lê Lợi", "Số 12/3, đường Lê Lợi", "số nhà 12/3 le loi", "12/3 LÊ LỢI,", "Nhà số 12/3 Đ. Lê Lợi"]
)
def test_one_house_has_one_key(street):
    assert matching.addr_key(street, "26743", "79") == "12/3 le loi|26743"


def test_an_address_without_anything_below_the_ward_has_no_key():
    assert matching.addr_key("", "26743", "79") == matching.addr_key(None, None, None, "Q.1, TP.HCM") == ""
    assert matching.addr_key("", "26743", "79", "12 Lê Lợi, P. Bến Nghé, Q.1, TPHCM") == matching.addr_key(
        None, None, None, "Số 12 đường Lê Lợi, phường Bến Nghé, quận 1, TP HCM"
    )
    assert matching.addr_key("Thôn Đoài", "09319", "24") == "thon doai|09319"


@given(st.text(max_size=700), st.sampled_from(CustomerKind))
def test_keys_of_any_text_fit_their_columns_and_stay_as_they_are(text, kind):
    assert len(matching.name_key(text, kind)) <= NAME_LENGTH
    assert len(matching.addr_key(text, "26743", "79", text)) <= ADDRESS_KEY_LENGTH
    assert len(matching.addr_key("", "", "", text)) <= ADDRESS_KEY_LENGTH


def person(number, name, **more):
    return Candidate(number, PERSON, matching.name_key(name, PERSON), **more)


LAN = person(1, "Nguyễn Thị Ngọc Lan", birthday=DAY, addr_key="12 le loi|26743", tails=frozenset({"345678"}))


@pytest.mark.parametrize(
    ("other", "reasons"),
    [
        (person(2, "chị NGUYEN THI NGOC LAN", birthday=DAY), {Reason.same_name, Reason.same_birthday}),
        (person(2, "Lan Nguyễn Thị Ngọc", birthday=DAY), {Reason.similar_name, Reason.same_birthday}),
        (person(2, "Nguyễn T. N. Lan", tails=LAN.tails), {Reason.similar_name, Reason.same_phone_tail}),
        (person(2, "Nguyễn Lan", addr_key=LAN.addr_key), {Reason.similar_name, Reason.same_address}),
        (person(2, "Nguyễn Thị Ngọc Lan", birthday=date(1990, 5, 3)), {Reason.same_name, Reason.turned_birthday}),
        (person(2, "Ngyuễn Thị Ngọc Lan", birthday=DAY), {Reason.similar_name, Reason.same_birthday}),
    ],
)  # fmt: skip
def test_a_like_name_and_one_fact_more_make_a_pair(other, reasons):
    points, told = matching.score(LAN, other)
    assert points >= matching.THRESHOLD
    assert set(told) == reasons
    assert matching.score(other, LAN) == (points, told)
    assert all(str(matching.REASON_WORDS[reason]) for reason in told)


@pytest.mark.parametrize(
    "other",
    [
        person(2, "Nguyễn Thị Ngọc Lan"),
        person(2, "Trần Thị Ngọc Lan", addr_key=LAN.addr_key, tails=LAN.tails),
        person(2, "Nguyễn Thị Ngọc Loan", addr_key=LAN.addr_key),  # her sister
        person(2, "Nguyễn Văn Hùng", birthday=DAY, addr_key=LAN.addr_key),
        person(2, "Nguyễn Thị Ngọc Lan", birthday=date(1960, 8, 1), addr_key=LAN.addr_key),  # her mother
        LAN._replace(id=2, kind=COMPANY),
    ],
)
def test_a_name_alone_or_another_name_makes_none(other):
    assert matching.score(LAN, other)[0] < matching.THRESHOLD


def test_what_differs_speaks_against_it():
    woman = LAN._replace(gender=Gender.female, id_number="001190000123")
    assert matching.score(woman, woman._replace(id=2, name_key="x"))[0] == 1.0
    assert matching.score(woman, LAN._replace(id=2, id_number="001190000999"))[0] < 1.0
    alone = woman._replace(id=2, addr_key="", tails=frozenset(), id_number="001190000999")
    assert matching.score(woman, alone)[0] < matching.THRESHOLD


def test_a_common_name_needs_more_than_a_birthday():
    other = person(2, "Nguyễn Thị Ngọc Lan", birthday=DAY)
    assert matching.score(LAN, other, namesakes=500)[0] < matching.THRESHOLD
    assert matching.score(LAN, other._replace(tails=LAN.tails), namesakes=500)[0] >= matching.THRESHOLD
    new_year = LAN._replace(birthday=date(1990, 1, 1))
    assert matching.score(new_year, other._replace(birthday=date(1990, 1, 1)))[0] < matching.THRESHOLD


def test_each_pair_is_told_once_with_the_smaller_number_first():
    twice = [LAN._replace(id=9), LAN._replace(id=4), person(7, "Trần Văn Kỹ", birthday=DAY)]
    (pair,) = matching.find_pairs(twice)
    assert pair == Match(
        4, 9, 1.0, (Reason.same_name, Reason.same_phone_tail, Reason.same_birthday, Reason.same_address)
    )


def test_a_day_that_thousands_have_is_no_reason_to_compare_them_all(monkeypatch):
    compared = []
    monkeypatch.setattr(matching, "names_alike", lambda one, other: compared.append(1) or 0.0)
    assert list(matching.find_pairs(person(n, f"Lê Văn A{n % 1500}", birthday=DAY) for n in range(3_000))) == []
    assert len(compared) <= 3_000


def test_of_1000_planted_pairs_95_in_100_are_found_and_9_of_10_found_are_true():
    candidates, true = planted(15_000, 1_000, seed="another seed than that of the measurement")
    found = {(one.first, one.second) for one in matching.find_pairs(candidates)}
    assert len(true) == 1_000
    assert len(true & found) >= 950
    assert len(true & found) >= 0.9 * len(found)
