"""A file of customers is looked through, written, written again, and taken back."""

from __future__ import annotations

import io
from datetime import date
from threading import Event

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.errors import InvalidInputError
from app.core.formats import read_day
from app.customers import services as customers
from app.customers.models import Customer
from app.customers.profile_models import CustomerTag
from app.imports import bad_rows, fields, queries, shown
from app.imports.models import Finding, ImportPhase, OnDuplicate, OnUpdate, Outcome
from app.jobs import run_imports
from tests.threads import at_once

SHEET = """Khách hàng tháng 10,,,,,,
Họ tên,SĐT,Email,Ngày sinh,Tỉnh/Thành,Phường/Xã,Nhãn
Nguyễn Thị Lan,0912 345 678,lan@example.com,5/3/90,TP.HCM,P. Bến Thành,VIP; Hà Nội
Trần Văn Bình,0168 123 4567,,31/02/1990,,,
,0987654321,,,,,
Phạm Minh Châu,09123,,,,,
Lê Hoà,912345678,,,Tỉnh Đồng Nai cũ,Phường 5,
CTY TNHH An Phát,02838234567,info@anphat.vn,,,,
"""


def live() -> list[Customer]:
    return list(db.session.scalars(select(Customer).where(Customer.archived_at.is_(None)).order_by(Customer.id)))


def count() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Customer.id)).where(Customer.archived_at.is_(None))) or 0


@pytest.mark.both_databases
def test_who_is_not_to_be_contacted_is_brought_in_and_never_let_go_by_a_file(brought):
    head = "Họ tên,SĐT,Không liên hệ,Đồng ý nhận tin\n"
    job = brought(
        f"{head}Ngô Thị Một,0902111001,x,có\nNgô Thị Hai,0902111002,khách yêu cầu,\nNgô Thị Ba,0902111003,không,"
    )
    assert job.job.mapping[2:] == ["do_not_contact", ""]
    assert fields.why_not(job.target, job.job.headings[3]) is not None
    assert fields.why_not(job.target, "Không đồng ý kiến") is None
    job.apply()
    one, two, three = live()[-3:]
    assert [each.do_not_contact for each in (one, two, three)] == [True, True, False]
    assert (one.do_not_contact_reason, two.do_not_contact_reason) == ("Có trong tệp nhập vào.", "khách yêu cầu")
    again = brought(f"{head}Ngô Thị Một,0902111001,không,\nNgô Thị Ba,0902111003,có,").apply()
    assert again.job.written == {Outcome.changed: 1, Outcome.skipped: 1}
    assert [each.do_not_contact for each in live()[-3:]] == [True, True, True]
    again.undo()
    assert [each.do_not_contact for each in live()[-3:]] == [True, True, False]


def test_a_formula_that_was_never_counted_is_told_and_not_taken_for_empty(brought):
    book = Workbook()
    for row in (["Họ tên", "SĐT"], ['="Ngô Thị "&"Tư"', "0902111004"], ["Ngô Thị Năm", "0902111005"]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    job = brought(file.getvalue(), name="khach.xlsx")
    assert job.job.found == {Finding.error: 1, Finding.new: 1}
    assert "công thức chưa có giá trị" in job.reasons(2)
    assert "Thiếu tên" not in job.reasons(2)
    made = bad_rows.made(job.job)
    assert made is not None, "the worker made the workbook"
    assert load_workbook(made).active["A2"].value == 2


def test_rows_with_mistakes_come_back_as_they_were_and_are_brought_again_and_again(brought):
    book = Workbook()
    more = [f"Cột {number}" for number in range(47)]
    for row in (["Họ tên", "SĐT", "Ngày sinh", *more], ["Ngô Thị Bảy", "12", date(1990, 3, 5), *more]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    sheet = file.getvalue()
    for _time in range(3):
        made = bad_rows.made(brought(sheet, name="khach.xlsx").job)
        sheet = made.read_bytes()
        told, row = list(load_workbook(made).active.iter_rows(values_only=True))
        assert len(told) == len(row) == 52
        assert (told[2:5], row[2:4]) == (("Họ tên", "SĐT", "Ngày sinh"), ("Ngô Thị Bảy", "12"))
        assert read_day(str(row[4])) == date(1990, 3, 5)


@pytest.mark.both_databases
def test_a_number_that_somebody_saves_at_the_same_moment_is_found(app, brought, cast, session):
    job = brought("Họ tên,SĐT\nNgô Thị Sáu,0902111006\n")
    saving, importing = Event(), Event()

    def save():
        with transaction(cast.lan) as inside:
            customers.create_customer(inside, by=cast.lan, name="Chị Sáu", phone="0902 111 006")
            saving.set()
            importing.wait(10)

    def write():
        saving.wait(10)
        importing.set()
        run_imports()

    job.apply(work=False)
    session.rollback()
    at_once(app, [save, write])
    assert job.job.written == {Outcome.skipped: 1}
    assert [one.name for one in live()][-1] == "Chị Sáu"


@pytest.mark.both_databases
def test_a_file_is_looked_through_and_then_written(brought, cast, session):
    before = count()
    job = brought(SHEET)
    assert job.job.phase is ImportPhase.checked, job.job.problem
    assert job.job.found == {Finding.new: 2, Finding.error: 3, Finding.duplicate: 1}
    assert job.reasons(4) == "Ngày sinh: Không có ngày 31/02/1990: tháng đó chỉ có 28 ngày."
    assert job.reasons(5) == "Thiếu tên."
    assert "09123" in job.reasons(6)
    assert "3" in job.reasons(7)
    assert count() == before
    job.apply()
    assert (job.job.phase, job.job.written) == (ImportPhase.applied, {Outcome.made: 2, Outcome.skipped: 1})
    lan, company = live()[-2:]
    assert (lan.name, lan.phone, lan.birthday) == ("Nguyễn Thị Lan", "0912 345 678", date(1990, 3, 5))
    assert (lan.province_code, lan.ward_code) == ("79", "26743")
    assert (lan.owner_id, lan.team_id, company.kind) == (cast.minh.user_id, cast.minh.primary_team_id, "company")
    tags = db.session.scalar(select(func.count(CustomerTag.id)).where(CustomerTag.customer_id == lan.id))
    assert tags == 2
    events = db.session.scalars(select(AuditEvent).where(AuditEvent.table_name == "customer").order_by(AuditEvent.id))
    assert [one.actor_id for one in events][-2:] == [cast.minh.user_id] * 2


@pytest.mark.both_databases
def test_the_same_file_again_changes_nothing_and_a_changed_one_fills_or_overwrites(brought, cast):
    sheet = "Họ tên,Điện thoại,Chức vụ\nVũ Hạnh,0903111222,Kế toán\nĐỗ Không Số,,\n"
    brought(sheet).apply()
    there = count()
    again = brought(sheet)
    assert again.job.found == {Finding.unchanged: 2}
    again.apply()
    assert count() == there
    changed = sheet.replace("Kế toán", "Giám đốc").replace("Họ tên,", "Họ tên,Email,").replace("Hạnh,", "Hạnh,h@a.vn,")
    changed = changed.replace("Số,", "Số,,")
    filled = brought(changed).apply()
    assert filled.job.written[Outcome.changed] == 1
    hanh = live()[-2]
    assert (hanh.job_title, hanh.email) == ("Kế toán", "h@a.vn")
    over = brought(changed, on_update=OnUpdate.overwrite).apply()
    db.session.expire_all()
    assert live()[-2].job_title == "Giám đốc"
    over.undo()
    assert over.job.phase is ImportPhase.undone
    assert live()[-2].job_title == "Kế toán"
    filled.undo()
    assert live()[-2].email is None
    # Of those whom a file only changed none counts as put away by its undo, whatever became of him since.
    with transaction(cast.minh) as session:
        customers.archive_customer(session, live()[-2], by=cast.minh)
    assert db.session.scalar(queries.count_put_away(filled.job)) == 0


def test_a_province_that_is_none_is_told_and_taken_for_an_old_address_with_its_street(brought):
    job = brought("Tên,SĐT,Địa chỉ,Phường,Tỉnh,Địa chỉ cũ\nMột,0906111222,20 Lê Lợi,,Tỉnh Atlantis,\n"
                  "Hai,0906111333,20 Lê Lợi,Phường 5,TP.HCM,\nBa,0906111444,20 Lê Lợi,,Atlantis,Quận 3\n")  # fmt: skip
    assert job.job.found == {Finding.new: 3}
    assert "“Tỉnh Atlantis”: sẽ ghi vào địa chỉ trước tháng 7/2025" in job.reasons(2)
    assert job.reasons(3) == ""
    assert "“Atlantis”: bỏ qua" in job.reasons(4)
    assert shown.previews(db.session, job.job)[0]["told"].startswith("2 dòng có lưu ý")
    job.apply()
    assert [(one.street, one.province_code, one.old_address) for one in live()[-3:]] == [
        (None, None, "20 Lê Lợi, Tỉnh Atlantis"), ("20 Lê Lợi", "79", "Phường 5, TP.HCM"),
        ("20 Lê Lợi", None, "Quận 3"),
    ]  # fmt: skip


def test_columns_are_known_again_by_their_names_and_a_wrong_match_is_told(brought, cast):
    assert brought("Tên khách,SĐT khách,Hạng giá trị\nA,0906111001,\n").job.mapping == ["name", "phone", "tier"]
    mapping = ["name", "phone", "", "note"]
    first = brought("Tên,Di động,Ghi chú,Gần nhất\nA,1,x,y\nB,2,x,y\nC,3,x,y\n", mapping=mapping)
    assert "cột “Di động” chứa thông tin khác" in shown.doubt(db.session, first.job)
    back = bad_rows.made(first.job).read_bytes()
    again = brought(back, name="dòng lỗi.xlsx")
    assert again.job.mapping == ["", "", *mapping]
    # in another file the column that was left out may be the better one
    assert brought("Gần nhất,Tên\nx,A\n").job.mapping == ["note", "name"]
    assert brought("Ghi chú,Tên\nx,A\n").job.mapping == ["note", "name"]


@pytest.mark.both_databases
def test_a_word_that_no_list_has_is_left_out_and_told_of_its_row_and_the_rest_is_taken(brought):
    lines = [
        f"Khách {number},09{30_000_000 + number},{'Zalo' if number != 70 else 'Tờ rơi cũ'}" for number in range(80)
    ]
    job = brought("\n".join(["Họ tên,Điện thoại,Nguồn", *lines]))
    assert job.job.found == {Finding.new: 80}
    assert "“Tờ rơi cũ” không có trong danh mục" in job.reasons(72)  # kept, though fifty others of its kind are shown
    first = db.session.scalars(queries.rows_of(job.job, Finding.new).limit(1)).one()
    assert first.number == 72
    job.apply()
    assert job.job.written == {Outcome.made: 80}
    sources = dict(
        db.session.execute(select(Customer.name, Customer.source).where(Customer.name.like("Khách %"))).all()
    )
    assert (sources["Khách 70"], sources["Khách 71"]) == (None, "zalo")
    assert "Tờ rơi cũ" in job.reasons(72)


def test_rows_like_somebody_are_left_out_written_to_him_or_made_with_a_reason(brought, cast):
    brought("Tên,Điện thoại\nHồ Thu,0904111222\n").apply()
    there = count()
    like = "Tên,Điện thoại,Email\nHồ Thị Thu Hà,0904111222,ha@example.com\n"
    skipped = brought(like)
    assert skipped.job.found == {Finding.duplicate: 1}
    assert "Hồ Thu (KH" in skipped.reasons(2)
    skipped.apply()
    assert count() == there
    brought(like).apply(OnDuplicate.update)
    assert (count(), live()[-1].email) == (there, "ha@example.com")
    last = brought(like.replace("ha@", "hai@"))
    with pytest.raises(InvalidInputError):
        last.apply(OnDuplicate.make)
    last.apply(OnDuplicate.make, "Hai mẹ con dùng chung số")
    assert (count(), live()[-1].name) == (there + 1, "Hồ Thị Thu Hà")


def test_whoever_is_beyond_sight_is_told_masked_and_never_changed(brought, cast):
    with transaction(cast.tuan) as session:
        customers.create_customer(session, by=cast.tuan, name="Lý Bí Mật", phone="0905111222")
    job = brought("Tên,Điện thoại,Email\nLý Bí Mật,0905111222,x@example.com\n")
    assert job.job.found == {Finding.duplicate: 1}
    assert "Bí" not in job.reasons(2)
    job.apply(OnDuplicate.update)
    assert job.job.written == {Outcome.skipped: 1}


@pytest.mark.both_databases
def test_what_a_person_has_changed_since_is_left_and_told(brought, cast):
    job = brought("Tên,Điện thoại\nMột,0906111222\nHai,0906111333\n").apply()
    first, second = (one.id for one in live()[-2:])
    with transaction(cast.minh) as session:
        one = session.get_one(Customer, first)
        customers.change_customer(session, one, by=cast.minh, rev=one.rev, note="Khách quen")
    job.undo()
    assert job.job.written == {Outcome.made: 2, Outcome.undone: 1, Outcome.left: 1}
    db.session.expire_all()
    assert not db.session.get_one(Customer, first).is_archived
    assert db.session.get_one(Customer, second).is_archived
    assert job.rows()[2].reasons
    assert db.session.scalar(queries.count_put_away(job.job)) == 1
    # What was taken back can be brought in anew.
    assert brought("Tên,Điện thoại\nHai,0906111333\n").job.found == {Finding.new: 1}
