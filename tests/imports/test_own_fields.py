"""Columns of a file for the fields that the company added: guessed by their labels, read as what they are, undone."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.db import transaction
from app.core.screens.extra import extra_of
from app.customers.models import Customer
from app.customers.services import create_customer
from app.forms.own_fields.models import CustomerAnswers, CustomerValue
from app.imports.fields import lacking
from app.imports.models import ImportTarget, OnDuplicate
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
        "Ngô Văn Dũng,0909111333,A1,,Trần An,,\n"
        "Lý Ba,0909111555,B1,,,1,301\n"
        "Võ Tư,0909111666,,,Không Ai,1,\n"
    )
    job.check()
    assert "Tầng: còn thiếu" in job.reasons(3)
    assert "Người giới thiệu" in job.reasons(5)
    job.apply(OnDuplicate.update)

    lives = {"province": "01", "ward": "00004", "street": "12 Hàng Bông"}
    assert answers(session, "Lê Thị Cúc") == {
        "card": "B1", "lives": lives, "friend": friend, "floor": "2", "room": "201"
    }  # fmt: skip
    assert answers(session, "Ngô Văn Dũng") == {"friend": friend}
    assert answers(session, "Lý Ba") == {"floor": "1"}
    assert "Số thẻ" in job.reasons(3)
    assert "Số thẻ" in job.reasons(4)
    assert "Phòng" in job.reasons(4)


def test_what_every_customer_has_and_the_file_lacks_is_told_before_it_is_read(session, cast, brought):
    session.rollback()
    publish(ASKED)
    mapping = brought("Họ tên,Số điện thoại\nLê Thị Cúc,0909111222\n").job.mapping
    assert lacking(cast.minh, ImportTarget.customers, mapping) == ["Tầng"]
    assert lacking(cast.minh, ImportTarget.customers, [*mapping, "own.floor"]) == []
