"""What is typed finds the customer that is meant: in any order, without accents, by any spelling of a number."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.access import SYSTEM, Actor
from app.core.finding import Capped
from app.customers import search, services
from app.customers.models import ContactKind, Customer


def a_customer(session: Session, by: Actor = SYSTEM, name: str = "Đặng Thị Ánh Nguyệt", **values) -> Customer:
    values.setdefault("phone", "0912 345 678")
    values.setdefault("email", "Nguyet.Dang@PhoSen.example")
    values.setdefault("duplicate_reason", "another of the family")
    return services.create_customer(session, by=by, name=name, **values)


def names(session: Session, typed: str, actor: Actor = SYSTEM) -> list[str]:
    return [customer.name for customer in session.scalars(search.found(typed, actor))]


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
        "09 12 34 56 78",
        "0-9-1-2-3-4-5-6-7-8",
        "SĐT: 0912345678",
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


def test_a_whole_e_mail_finds_its_owner_alone(session):
    for mail, phone in (("moi6_21@vidu.vn", "0912 000 001"), ("moi6@vidu.vn", "0912 002 199")):
        a_customer(session, name=mail, email=mail, phone=phone)
    assert len(names(session, "moi6_21@vidu.vn")) == 2, "its parts are words of both"
    (hit,) = search.find_customers(session, SYSTEM, "Moi6_21@vidu.vn ", 10)
    assert (hit.title, hit.exact, "moi6_21@vidu.vn" in hit.hint) == ("moi6_21@vidu.vn", True, True)


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
    assert session.scalars(search.found("nguyet", cast.lan, limit=1)).all() == [mine]


def test_the_first_by_name_are_shown_whoever_came_first(session):
    for name in ("Trần Vân", "Trần Yến", "Trần Bình", "Trần An"):
        a_customer(session, name=name)
    first = search.found("tran", SYSTEM, limit=2)
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
    searched = select(Customer.id).where(Customer.id == customer.id, search.search(name))
    if any(letter.isalnum() for letter in name):
        assert session.scalar(searched) == customer.id


# ── the order, and the end ──


@pytest.mark.both_databases
def test_a_name_written_as_it_was_typed_stands_before_those_with_other_accents(session):
    for name in ("Đàng Thị An", "ĐẶNG THỊ YẾN", "Dang Thi Ba", "Đặng Thị Vân", "Trần Thị An"):
        a_customer(session, name=name, email="")
    assert names(session, "đặng") == ["Đặng Thị Vân", "ĐẶNG THỊ YẾN", "Đàng Thị An", "Dang Thi Ba"]
    assert names(session, "dang") == ["Đàng Thị An", "Dang Thi Ba", "Đặng Thị Vân", "ĐẶNG THỊ YẾN"]
    assert names(session, "thị đặ") == names(session, "ĐẶNG thi") == names(session, "đặng")


def test_more_than_are_counted_are_cut_and_said_so(session, monkeypatch):
    for name in ("Trần An", "Trần Bình", "Trần Chi"):
        a_customer(session, name=name)
    assert not isinstance(search.find_customers(session, SYSTEM, "tran", 2), Capped)
    monkeypatch.setattr(search, "MOST_COUNTED", 2)
    hits = search.find_customers(session, SYSTEM, "tran", 2)
    assert (len(hits), isinstance(hits, Capped)) == (2, True)


# ── by phone ──


def told(session: Session, typed: str, who: Actor = SYSTEM) -> list[tuple[str, str, str, bool]]:
    return [(hit.title, hit.hint, hit.marked, hit.exact) for hit in search.find_customers(session, who, typed, 5)]


def test_of_several_numbers_the_one_that_was_typed_is_shown_and_marked(session):
    points = [(ContactKind.phone, "0977 111 222"), (ContactKind.zalo, "0168 123 4567")]
    a_customer(session, name="Lan", contact_points=points)
    a_customer(session, name="Hoa 1222", phone="0966 000 333")
    lan, hoa = "KH000001 · {}", "KH000002 · 0966 000 333"
    assert told(session, "sđt 0977.111.222") == [("Lan", lan.format("0977 111 222"), "0977 111 222", True)]
    assert told(session, "0168 123 4567") == [("Lan", lan.format("0381 234 567"), "0381 234 567", True)]
    assert told(session, "lan 4567") == [("Lan", lan.format("0381 234 567"), "4 567", True)]
    assert told(session, "1222") == [
        ("Hoa 1222", hoa, "", False), ("Lan", lan.format("0977 111 222"), "1 222", True)
    ]  # fmt: skip
    assert told(session, "0977") == [("Lan", lan.format("0912 345 678"), "", False)]


@given(st.sampled_from(["+84", "84", "0"]), st.sampled_from([" ", ".", "-", ""]), st.sampled_from(["", "SĐT ", "lan "]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_any_spelling_of_a_number_names_its_customer(session, lead, sign, before):
    if not names(session, "lan"):
        a_customer(session, name="Lan", phone="0912345678")
    assert [hit.exact for hit in search.find_customers(session, SYSTEM, f"{before}{lead}912{sign}345{sign}678", 5)] == [
        True
    ]


def test_a_longer_number_that_begins_alike_is_another(session):
    a_customer(session, name="Tổng đài", phone="1900 123456")
    assert told(session, "1900 1234") == [("Tổng đài", "KH000001 · 1900 123456", "", False)]


@pytest.mark.both_databases
def test_search_reads_the_text_index_and_sorts_only_what_it_found(session):
    a_customer(session)
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        # One row is read faster without any index.
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_indexscan = off"))
        session.execute(text("DROP INDEX ix_customer_live"))
        session.execute(text("DROP INDEX ix_customer_live_id"))
    compiled = search.found("nguyet", SYSTEM).compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[dialect]
    rows = session.connection().exec_driver_sql(f"{explain} {compiled}").all()
    plan = " / ".join(str(row[-1]) for row in rows)
    assert {"sqlite": "customer_fts VIRTUAL TABLE INDEX", "postgresql": "ix_customer_search"}[dialect] in plan
    assert "SCAN customer" not in plan.replace("SCAN customer_fts", "")
