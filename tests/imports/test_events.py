"""Purchases and contacts are written to the customers they name; the same line twice is one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.core.db import db
from app.customers.models import Customer, TimelineEntry
from app.customers.profile_models import Interaction, InteractionKind, Purchase
from app.imports.models import Finding, ImportPhase, OnUpdate, Outcome

CUSTOMERS = "Tên,Điện thoại,Email\nMai Thu,0907111222,mai@example.com\nVũ Nam,0907111333,\n"
PURCHASES = (
    "SĐT;Ngày mua;Mã đơn;Sản phẩm;Số lượng;Thành tiền\n"
    "0907 111 222;5/3/26;DH-1;Phở gói;2,5;1.250.000\n"
    "0907 111 222;6/3/26;DH-1;Bún khô;1;90.000 ₫\n"
    "0907 111 222;6/3/26;DH-1;Bún khô;1;90.000 ₫\n"
    "0999 999 999;6/3/26;DH-2;Bún khô;1;90000\n"
    "0907 111 333;31/02/2026;DH-3;Bún khô;1;90000\n"
    "0907 111 333;6/3/26;DH-3;Bún khô;1;chín mươi\n"
)


@pytest.mark.both_databases
def test_purchases_are_written_once_and_taken_back(brought):
    brought(CUSTOMERS).apply()
    job = brought(PURCHASES, target="purchases")
    assert job.job.found == {Finding.new: 2, Finding.duplicate: 1, Finding.error: 3}, job.job.problem
    assert job.reasons(6) == "Ngày mua: Không có ngày 31/02/2026: tháng đó chỉ có 28 ngày."
    assert "“chín mươi”" in job.reasons(7)
    job.apply()
    rows = db.session.scalars(select(Purchase).order_by(Purchase.id)).all()[-2:]
    assert [(one.bought_on, one.product, one.quantity, one.amount) for one in rows] == [
        (date(2026, 3, 5), "Phở gói", Decimal("2.5"), 1_250_000), (date(2026, 3, 6), "Bún khô", Decimal(1), 90_000),
    ]  # fmt: skip
    told = select(TimelineEntry.kind).where(TimelineEntry.customer_id == rows[0].customer_id)
    assert list(db.session.scalars(told)).count("purchased") == 2
    again = brought(PURCHASES, target="purchases")
    assert again.job.found[Finding.unchanged] == 2
    dearer = brought(PURCHASES.replace("1.250.000", "1.300.000"), target="purchases", on_update=OnUpdate.overwrite)
    assert dearer.apply().job.written[Outcome.changed] == 1
    dearer.undo()
    job.undo()
    assert job.job.phase is ImportPhase.undone
    # What a later import has changed stays as it is, as what a person has changed does.
    assert job.job.written[Outcome.undone] + job.job.written.get(Outcome.left, 0) == 2
    live = db.session.scalars(select(Purchase).where(Purchase.archived_at.is_(None))).all()
    assert [one.amount for one in live if one.product == "Phở gói"] in ([], [1_250_000])


@pytest.mark.both_databases
def test_contacts_are_written_once_and_taken_back(brought):
    brought(CUSTOMERS).apply()
    sheet = (
        "Mã KH,Email,Thời gian,Loại,Kết quả,Nội dung\n"
        ",mai@example.com,5/3/2026 14:30,Gọi điện,Đã nói chuyện,Hẹn giao thứ Hai\n"
        ",mai@example.com,6/3/2026,Ghi chú,,Thích phở bò\n"
        ",mai@example.com,6/3/2026,Gọi điện,,Không rõ\n"
        "KH999999,,6/3/2026,Ghi chú,,Ai đó\n"
    )
    job = brought(sheet, target="interactions")
    good = 2
    assert job.job.found == {Finding.new: good, Finding.error: 2}, [row.reasons for row in job.rows().values()]
    job.apply()
    rows = db.session.scalars(select(Interaction).order_by(Interaction.id)).all()[-good:]
    assert rows[-1].kind is InteractionKind.note
    assert rows[-1].text == "Thích phở bò"
    assert brought(sheet, target="interactions").job.found[Finding.unchanged] == good
    job.undo()
    left = select(Interaction.id).where(Interaction.id.in_([one.id for one in rows]), Interaction.archived_at.is_(None))
    assert db.session.scalars(left).all() == []
    assert db.session.scalar(select(Customer.last_contact_at).where(Customer.id == rows[0].customer_id)) is None
