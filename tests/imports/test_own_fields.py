"""Columns of a file for the fields that the company added: guessed by their labels, read as what they are, undone."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import event, select

from app.core.db import db, transaction
from app.core.errors import BusinessError
from app.core.screens.extra import extra_of
from app.customers.models import Customer
from app.customers.services import create_customer, restore_customer
from app.forms.own_fields.models import CustomerAnswers, CustomerValue
from app.imports.fields import lacking
from app.imports.models import Finding, ImportTarget, OnDuplicate, OnUpdate, Outcome
from tests.forms.own_fields.drawing import publish

FILE = """Họ tên,Số điện thoại,Món hay dùng,Số lần đặt tiệc/năm,Ngày ký hợp đồng,Kênh ưa thích,Quan tâm,Hạn mức công nợ
Lê Thị Cúc,0909111222,Bún riêu,7,05/02/2026,Gọi điện,Phở; Bún,2.500.000
Ngô Văn Dũng,0909111333,,nhiều,31/02/2026,Fax,,
Trần An,0909111444,Cơm,3,,Zalo,,
"""


def answers(session, name):
    rows = select(CustomerAnswers.answers).join(Customer, Customer.id == CustomerAnswers.customer_id)
    session.expire_all()
    return session.scalar(rows.where(Customer.name == name))


@pytest.mark.both_databases
def test_they_are_read_written_and_taken_back(session, cast, brought):

    session.rollback()
    publish()
    with transaction(cast.minh) as inside:
        create_customer(inside, by=cast.minh, name="Trần An", phone="0909111444")
    job = brought(FILE)
    assert job.job.mapping[2:] == [
        "own.dish", "own.parties", "own.signed", "own.channel", "own.likes", "own.limit",
    ]  # fmt: skip
    job.check()
    told = job.reasons(3)
    for words in ("Số lần đặt tiệc/năm", "Ngày ký hợp đồng", "Kênh ưa thích"):
        assert words in told
    job.apply(OnDuplicate.update)
    assert answers(session, "Lê Thị Cúc") == {
        "dish": "Bún riêu", "parties": 7, "signed": "2026-02-05", "channel": "call", "likes": ["pho", "bun"],
        "limit": 2_500_000,
    }  # fmt: skip
    assert answers(session, "Trần An") == {"dish": "Cơm", "parties": 3, "channel": "zalo"}
    found = select(CustomerValue.field_key).join(Customer, Customer.id == CustomerValue.customer_id)
    assert set(session.scalars(found.where(Customer.name == "Trần An"))) == {"dish", "parties", "channel"}
    job.undo()
    assert answers(session, "Trần An") == {}


def test_what_cannot_be_kept_is_told_and_stops_neither_the_file_nor_its_undoing(session, cast, brought):
    session.rollback()
    dish = {"key": "dish", "type": "text", "label": "Món hay dùng"}
    parties = {"key": "parties", "type": "integer", "label": "Số lần đặt tiệc/năm",
               "visible_if": {"field": "dish", "op": "=", "value": "Phở"}}  # fmt: skip
    publish([dish, parties])
    with transaction(cast.minh) as inside:
        for name, phone in (("Trần An", "0909111444"), ("Lê Thị Cúc", "0909111222")):
            create_customer(inside, by=cast.minh, name=name, phone=phone)
    file = (
        "Họ tên,Số điện thoại,Món hay dùng,Số lần đặt tiệc/năm\nTrần An,0909111444,Cơm,3\nLê Thị Cúc,0909111222,Phở,5\n"
        "Lê Thị Cúc,0909111222,Bún,\nNgô Mới,0909111333,Cơm,7\nNgô Mới,0909111333,Phở,8\n"
    )
    job = brought(file)
    job.check()
    assert "Số lần đặt tiệc/năm" in job.reasons(5)
    job.apply(OnDuplicate.update)
    assert "Số lần đặt tiệc/năm" in job.reasons(5)
    # only what is empty is filled, by an earlier row of the same lot too
    assert answers(session, "Ngô Mới") == {"dish": "Cơm"}
    assert answers(session, "Trần An") == {"dish": "Cơm"}
    assert answers(session, "Lê Thị Cúc") == {"dish": "Phở", "parties": 5}
    assert "Số lần đặt tiệc/năm" in job.reasons(2)
    publish([{**dish, "required": True}, parties])
    job.undo()
    assert answers(session, "Trần An") == {"dish": "Cơm"}  # by now nobody is without it


ASKED = [
    {"key": "card", "type": "text", "label": "Số thẻ", "unique": "form"},
    {"key": "lives", "type": "address", "label": "Nơi ở"},
    {"key": "friend", "type": "customer", "label": "Người giới thiệu"},
    {"key": "floor", "type": "text", "label": "Tầng", "required": True},
    {"key": "room", "type": "text", "label": "Phòng", "visible_if": {"field": "floor", "op": "=", "value": "2"}},
]  # fmt: skip


@pytest.mark.both_databases
def test_what_is_once_an_address_or_a_customer_is_brought_in_and_what_is_missing_is_told(session, cast, brought):
    session.rollback()
    publish(ASKED)
    with transaction(cast.minh) as inside:
        first = create_customer(inside, by=cast.minh, name="Trần An", phone="0909111444")
        extra_of("Customer").save(inside, first.id, {"card": "A1"}, by=cast.minh, is_new=True, is_whole=False)
        code, friend = first.code, first.id
    job = brought(
        "Họ tên,Số điện thoại,Số thẻ,Nơi ở,Người giới thiệu,Tầng,Phòng\n"
        f'Lê Thị Cúc,0909111222,B1,"12 Hàng Bông, Phường Ba Đình, Hà Nội",{code.lower()},2,201\n'
        "Hồ Sáu,0909111777,A1,,Trần An,,\n"
        "Lý Ba,0909111555,B1,,,1,\n"
        "Võ Tư,0909111666,,,Không Ai,1,\n"
        "Ngô Văn Dũng,0909111333,D1,,Trần An,,301\n"
    )
    job.check()
    assert "Người giới thiệu" in job.reasons(5)
    rows = job.rows()
    assert [rows[number].finding for number in (2, 3, 4)] == [Finding.new, Finding.error, Finding.error]
    assert "Số thẻ: Đã có khách hàng khác" in job.reasons(3)
    assert "Số thẻ: Dòng 2 đã ghi" in job.reasons(4)
    job.apply(OnDuplicate.update)

    lives = {"province": "01", "ward": "00004", "street": "12 Hàng Bông"}
    assert answers(session, "Lê Thị Cúc") == {
        "card": "B1", "lives": lives, "friend": friend, "floor": "2", "room": "201"
    }  # fmt: skip
    assert answers(session, "Ngô Văn Dũng") == {"friend": friend, "card": "D1"}
    assert job.job.written == {Outcome.made: 2}
    assert "Số thẻ" in job.reasons(3)
    assert "Số thẻ" in job.reasons(4)
    assert "Tầng: còn thiếu" in job.reasons(6)
    assert "Phòng" in job.reasons(6)


def test_what_every_customer_has_and_the_file_lacks_is_told_before_it_is_read(session, cast, brought):
    session.rollback()
    publish(ASKED)
    mapping = brought("Họ tên,Số điện thoại\nLê Thị Cúc,0909111222\n").job.mapping
    assert lacking(cast.minh, ImportTarget.customers, mapping) == ["Tầng"]
    assert lacking(cast.minh, ImportTarget.customers, [*mapping, "own.floor"]) == []


CARD = {"key": "card", "type": "text", "label": "Số thẻ", "unique": "form"}


def test_what_only_one_may_have_is_told_of_known_customers_too_and_when_it_cannot_be_given_back(session, cast, brought):
    session.rollback()
    publish([CARD])
    numbers = {}
    with transaction(cast.minh) as inside:
        for name, phone, card in (("Trần An", "0909111444", "A1"), ("Lê Cúc", "0909111222", "B1")):
            numbers[name] = create_customer(inside, by=cast.minh, name=name, phone=phone).id
            say(inside, numbers[name], card, cast.minh)
    head = "Họ tên,Số điện thoại,Số thẻ\n"
    taken = brought(f"{head}Lê Cúc,0909111222,A1\n").check(on_update=OnUpdate.overwrite)
    assert taken.rows()[2].finding is Finding.error
    assert "Số thẻ" in taken.reasons(2)

    job = brought(f"{head}Lê Cúc,0909111222,B2\nMới Một,0909111333,C1\nTrần An,0909111444,A2\n")
    job.check(on_update=OnUpdate.overwrite).apply()
    with transaction(cast.minh) as inside:
        say(inside, create_customer(inside, by=cast.minh, name="Người Mới", phone="0909111999").id, "B1", cast.minh)
        say(inside, numbers["Trần An"], "A3", cast.minh)
    job.undo()
    assert answers(session, "Lê Cúc") == {"card": "B2"}
    assert job.rows()[2].outcome is Outcome.left
    assert "Số thẻ: không trả lại được" in job.reasons(2)
    assert answers(session, "Trần An") == {"card": "A3"}
    assert "Số thẻ: đã được đổi" in job.reasons(4)
    assert job.job.written[Outcome.left] == 2

    # whom that import had made holds nothing against the same file
    again = brought(f"{head}Mới Một,0909111333,C1\n").check()
    assert again.rows()[2].finding is Finding.new
    again.apply()
    assert "Số thẻ" not in again.reasons(2)


@contextmanager
def counted():
    """The statements that were sent meanwhile."""
    sent = []

    def note(_connection, _cursor, statement, *_more):
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def say(session, number, card, by):
    extra_of("Customer").save(session, number, {"card": card}, by=by, is_new=False, is_whole=False)


def test_a_customer_in_a_field_of_every_row_is_looked_up_with_the_others(session, cast, brought):
    session.rollback()
    publish([{"key": "friend", "type": "customer", "label": "Người giới thiệu"}])
    with transaction(cast.minh) as inside:
        codes = [create_customer(inside, by=cast.minh, name=f"Bạn {n}", phone=f"09{n:08}").code for n in range(200)]
    head = "Họ tên,Số điện thoại,Người giới thiệu\n"

    def asked(rows):
        job = brought(head + "".join(f"Khách {n},0938{n:06},{codes[n]}\n" for n in range(rows)))
        with counted() as statements:
            job.check().apply()
        assert job.job.written == {Outcome.made: rows}
        job.undo()
        return len(statements)

    few, many = asked(20), asked(200)
    assert many <= few + 40, (few, many)


def test_one_who_comes_back_has_nothing_that_another_one_has_by_now(session, cast, brought):
    session.rollback()
    publish([CARD])
    head = "Họ tên,Số điện thoại,Số thẻ\n"
    first = brought(f"{head}Mới Một,0909111333,C1\nMới Hai,0909111555,C2\n").check().apply()
    first.undo()
    brought(f"{head}Mới Một,0909111333,C1\n").check().apply()
    gone = {one.name: one for one in session.scalars(select(Customer).where(Customer.archived_at.is_not(None)))}
    session.rollback()
    with pytest.raises(BusinessError, match="Số thẻ"), transaction(cast.hoa) as inside:
        restore_customer(inside, inside.get_one(Customer, gone["Mới Một"].id), by=cast.hoa)
    with transaction(cast.hoa) as inside:
        assert not restore_customer(inside, inside.get_one(Customer, gone["Mới Hai"].id), by=cast.hoa).is_archived


def test_what_would_be_refused_of_rows_made_all_the_same_is_told_before(session, cast, brought):
    session.rollback()
    publish([CARD])
    with transaction(cast.minh) as inside:
        say(inside, create_customer(inside, by=cast.minh, name="Trần An", phone="0909111444").id, "A1", cast.minh)
    job = brought("Họ tên,Số điện thoại,Số thẻ\nNgười Khác,0909111444,A1\nNgười Nữa,0909111444,A2\n")
    job.check()
    assert [job.rows()[number].finding for number in (2, 3)] == [Finding.duplicate, Finding.duplicate]
    assert "Số thẻ" in job.reasons(2)
    assert "Số thẻ" not in job.reasons(3)


@pytest.mark.both_databases
def test_known_customers_are_told_of_the_company_s_fields_all_together(session, cast, brought):
    session.rollback()
    publish([CARD, {"key": "level", "type": "integer", "label": "Bậc", "min": 1}])
    with transaction(cast.minh) as inside:
        for n in range(60):
            create_customer(inside, by=cast.minh, name=f"Bạn {n}", phone=f"09{n:08}")
    head = "Họ tên,Số điện thoại,Số thẻ,Bậc\n"
    job = brought(head + "".join(f"Bạn {n},09{n:08},C{n},{n % 3 + 1}\n" for n in range(60))).check()
    with counted() as sent:
        job.apply()
    about = [one for one in sent if "customer_value" in one or "customer_answers" in one]
    assert len(about) < 15
    assert answers(session, "Bạn 4") == {"card": "C4", "level": 2}
    job.undo()
    assert answers(session, "Bạn 4") == {}
