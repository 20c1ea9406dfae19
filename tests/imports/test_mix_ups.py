"""What a file says is not mixed up with somebody else, another address, another day or rights of yesterday."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select, update

from app.core import clock
from app.core.access import FieldRight, FieldRule
from app.core.accounts import User
from app.core.db import db, transaction
from app.core.leases import LeaseState
from app.core.sheet_reading import SheetRefusedError
from app.customers import services as customers
from app.customers.duplicates import merging
from app.customers.duplicates.models import DuplicatePair
from app.customers.models import ContactPoint, Customer, CustomerKind, TimelineEntry
from app.customers.profile_models import Interaction, Purchase
from app.imports import running
from app.imports.models import ImportJob, ImportPhase, OnDuplicate, OnUpdate
from app.imports.sheet import open_sheet
from app.jobs import run_imports
from app.notifications.models import Notification

ONE = "Tên,Điện thoại\nHồ Thu,0904111222\n"
MAKE = OnDuplicate.make, "Hai mẹ con"


def last(model=Customer):
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(model).order_by(model.id.desc()).limit(1)).one_or_none()


def holders(number: str) -> int:
    return db.session.scalar(select(func.count()).select_from(ContactPoint).where(ContactPoint.value == number)) or 0


def test_rows_of_one_customer_become_one_with_each_tag_once_and_are_taken_back_unless_somebody_worked(brought, cast):
    heads = "Tên,Điện thoại,Email,Nhãn\n"
    file = brought(f"{heads}Hồ Thu,0904111222,,VIP\nHồ Thu Hà,0904111222,ha@x.vn,vip\nHà,,ha@x.vn,\n", tags=["Chợ"])
    file.apply(OnDuplicate.update)
    assert (file.job.phase, file.job.written) == (ImportPhase.applied, {"made": 1, "changed": 1, "skipped": 1})
    code, number = last().code, last().id
    again = brought(f"Mã KH,Email\n{code},a@x.vn\n{code},b@x.vn\n", tags=["Hội"]).apply()
    assert again.job.written == {"changed": 2}
    again.undo()
    with transaction(cast.minh) as session:
        customers.record_timeline(session, number, kind="note", by=cast.minh, data={})
    file.undo()
    assert file.job.written["left"] == 1, "somebody worked with him between the import and its undo"
    assert not db.session.get_one(Customer, number).is_archived


def test_what_is_written_is_what_the_look_through_said_wherever_in_the_file_a_row_stands(brought, monkeypatch):
    monkeypatch.setattr(running, "LOT", 2)
    brought(ONE).apply()
    rows = ["Hồ Thu,0904111222,Kế toán,", "A,0906100001,,", "B,0906100002,,b@x.vn", "Hồ Thu,0904111222,,x@y.vn",
            "C,0906100002,,c@x.vn", "D,0906100003,,", "E,,,c@x.vn"]  # fmt: skip
    file = brought("Tên,Điện thoại,Chức vụ,Email\n" + "\n".join(rows) + "\n")
    found = file.job.found
    file.apply()
    assert found == file.job.found == {"update": 1, "new": 3, "duplicate": 3}
    assert file.job.written == {"changed": 1, "made": 3, "skipped": 3}
    twins = "Tên,Điện thoại\nAn Thu,0904111333\nBa Hà,0904111333\nMột,0906200001\nAn Bình,0904111333\n"
    brought(twins).apply(*MAKE)
    assert db.session.scalar(select(func.count()).select_from(DuplicatePair)) == 3, "also of two in one lot"


def test_a_code_of_another_system_and_a_number_of_another_customer_change_nobody(brought, cast):
    brought(ONE + "Lê Nam,0905777888\n").apply()
    nam = last()
    thu = db.session.get_one(Customer, nam.id - 1)
    numbers, codes = (thu.id, nam.id), (thu.code, nam.code)
    heads = "Mã KH,Họ tên,Điện thoại\n"
    file = brought(f"{heads}{codes[0]},Trần Văn An,0905777999\n{codes[0]},,0905777888\n{codes[0]},,0905000111\n"
                   ",Người Khác,0905000111\n")  # fmt: skip
    assert file.job.found == {"duplicate": 3, "update": 1}
    assert codes[0] in file.reasons(2)
    file.apply()
    assert (holders("+84905777999"), holders("+84905777888"), holders("+84905000111")) == (0, 1, 1)
    brought(f"{heads}{codes[0]},,0905777888\n").apply(OnDuplicate.update)
    assert holders("+84905777888") == 1, "nobody takes over what another one has"
    kept, merged = (db.session.get_one(Customer, number) for number in numbers)
    revs = kept.rev, merged.rev
    with transaction(cast.minh) as session:
        merging.merge_customers(session, by=cast.minh, kept_id=numbers[0], merged_id=numbers[1], revs=revs, sides={})
    bought = brought(f"Mã KH,Ngày mua,Mã đơn,Sản phẩm,Thành tiền\n{codes[1]},1/10/2026,DH1,Phở,500.000\n",
                     target="purchases").apply()  # fmt: skip
    assert (bought.job.written, last(Purchase).customer_id) == ({"made": 1}, numbers[0])


def test_an_address_is_not_put_together_of_two_and_only_a_person_works_at_a_company(brought):
    brought("Tên,Loại\nCông ty An Phát,công ty\n").apply()
    company = last().code
    brought("Tên,Điện thoại,Tỉnh,Nơi làm việc\nHồ Thu,0904111222,Hà Nội,An Phát\n").apply()
    heads = "Tên,Điện thoại,Tỉnh,Phường,Loại\nHồ Thu,0904111222,TP.HCM,Bến Thành,công ty\n"
    brought(heads).apply()
    assert (last().province_code, last().ward_code) == ("01", None)
    brought(heads, on_update=OnUpdate.overwrite).apply()
    assert (last().province_code, bool(last().ward_code)) == ("79", True)
    assert (last().kind, last().company_id is None) == (CustomerKind.person, False)
    brought("Tên,Điện thoại,Tỉnh\nHồ Thu,0904111222,Hà Nội\n", on_update=OnUpdate.overwrite).apply()
    assert (last().province_code, last().ward_code) == ("01", None)
    brought(f"Mã KH,Tên\n{company},Công ty Hoàng Gia\n", on_update=OnUpdate.overwrite).apply()
    assert "hoang gia" in last().search_text


@pytest.mark.usefixtures("machine_time")
def test_texts_days_and_times_are_read_whole(brought, time_machine):
    time_machine.move_to(datetime.fromisoformat("2026-11-23T08:00:00+07:00"), tick=False)
    note = "x" * 1500
    brought(f"Tên,Điện thoại,Ghi chú,Ngày sinh\nHồ Thu,0904111222,{note},29/02/36\n").apply()
    assert (last().note, last().birthday) == (note, date(1936, 2, 29))
    long = brought(f"Tên,Điện thoại,Ghi chú\nHồ Hà,0904111223,{'x' * 10_001}\n")
    assert long.job.found == {"error": 1}
    heads = "Điện thoại,Ngày,Giờ,Loại,Nội dung\n"
    spoken = brought(f"{heads}0904111222,1/10/2026,2h30 chiều,Gặp,abc\n0904111222,1/10/2026,chiều,Gặp,abd\n",
                     target="interactions").apply()  # fmt: skip
    assert last(Interaction).at == datetime.fromisoformat("2026-10-01T14:30:00+07:00")
    assert spoken.job.found == {"new": 1, "error": 1}
    book, file = Workbook(), io.BytesIO()
    for row in (["Điện thoại", "Ngày", "Loại", "Nội dung"], ["0904111222", date(2026, 10, 2), "Gặp", "abc"],
                ["0904111222", date(2026, 11, 23), "Gặp", "abc"]):  # fmt: skip
        book.active.append(row)
    book.save(file)
    brought(file.getvalue(), target="interactions", name="a.xlsx").apply()
    assert last().last_contact_at == datetime.fromisoformat("2026-11-23T08:00:00+07:00")
    time_machine.move_to(datetime.fromisoformat("2026-11-23T08:05:00+07:00"), tick=False)
    text = "Điện thoại,Ngày,Loại,Nội dung\n0904111222,2/10/2026,Gặp,abc\n0904111222,23/11/2026,Gặp,abc\n"
    assert brought(text, target="interactions").job.found == {"unchanged": 2}


def test_what_a_file_does_not_say_of_an_order_stays_and_what_it_says_of_a_contact_counts(brought):
    brought(ONE).apply()
    told = "0904111222,1/10/2026,DH1,Phở gói"
    brought(f"Điện thoại,Ngày mua,Mã đơn,Sản phẩm,Số lượng,Thành tiền\n{told},5,500.000\n", target="purchases").apply()
    again = f"Khách hàng,Điện thoại,Ngày mua,Mã đơn,Sản phẩm,Thành tiền\nHồ Thu,{told},550.000\n"
    brought(again, target="purchases", on_update=OnUpdate.overwrite).apply()
    assert (last(Purchase).quantity, last(Purchase).amount) == (5, 550_000)
    heads = "Điện thoại,Ngày giờ,Loại,Kết quả,Nội dung,Hẹn lại\n0904111222,1/10/2026 14:30,Gọi,"
    brought(f"{heads}no-answer,abc,\n", target="interactions").apply()
    assert last().last_contact_at is None
    said = f"{heads}reached,abc,1/1/2027\n"
    changed = brought(said, target="interactions", on_update=OnUpdate.overwrite).apply()
    entry = select(TimelineEntry).where(TimelineEntry.subject_type == "interaction")
    assert (last().last_contact_at is not None, last().next_contact_on) == (True, date(2027, 1, 1))
    assert db.session.scalars(entry).one().data["result"] == "reached"
    changed.undo()
    assert (last().last_contact_at, last().next_contact_on) == (None, None)
    assert db.session.scalars(entry).one().data["result"] == "no-answer"


def test_the_heading_is_found_beside_a_column_without_a_name_and_no_column_is_left_out_unseen():
    text = "Họ tên,Địa chỉ,,Nhóm\nHồ Thu,Lê Lợi,gần chợ,VIP\nHồ Hà,Hàng Bài,xa,VIP\n"
    opened = open_sheet(io.BytesIO(text.encode()), "a.csv")
    assert (opened.headings[3], len(list(opened.rows))) == ("Nhóm", 2)
    twice = open_sheet(io.BytesIO("Họ tên,Điện thoại,Ghi chú,Ghi chú\nHồ Thu,0904111222,a,b\n".encode()), "a.csv")
    assert twice.headings[2] == twice.headings[3] == "Ghi chú"
    book, file = Workbook(), io.BytesIO()
    for column, text in ((1, "Tên"), (2, "SĐT"), (60, "Ghi chú")):
        book.active.cell(1, column, text)
    book.active.cell(2, 1, "Hồ Thu")
    book.save(file)
    with pytest.raises(SheetRefusedError):
        open_sheet(io.BytesIO(file.getvalue()), "a.xlsx")


def test_whoever_lost_a_right_since_writes_nothing_with_it(brought, cast):
    wide = "Tên,Điện thoại,CCCD\nHồ Thu,0904111222,001190000123\n"
    nothing = replace(cast.minh, permissions=cast.minh.permissions - {("add", "Customer")})
    blind = replace(cast.minh, fields={("Customer", "id_number"): FieldRule(FieldRight.hidden)})
    for who in (nothing, blind):
        file = brought(wide).apply(work=False)
        running.run_waiting(lambda _session, _number, who=who: who, lambda *_told: None)
        assert (file.job.phase, file.job.written, bool(file.job.problem)) == (ImportPhase.failed, {}, True)
    file = brought(ONE, owner_id=cast.lan.user_id)
    with transaction() as session:
        session.get_one(User, cast.lan.user_id).active = False
    assert file.apply().job.written == {}
    assert last() is None


def test_undo_leaves_a_company_where_people_work_and_forgets_what_was_taken_back_itself(brought):
    file = brought("Tên,Loại\nCông ty An Phát,công ty\n").apply()
    people = brought("Tên,Điện thoại,Nơi làm việc\nHồ Thu,0904111222,An Phát\n").apply()
    bought = brought("Điện thoại,Ngày mua,Sản phẩm,Thành tiền\n0904111222,1/10/2026,Phở,500.000\n", target="purchases")
    bought.apply()
    assert file.undo().job.written == {"made": 1, "left": 1}
    bought.undo()
    assert people.undo().job.written == {"made": 1, "undone": 1}
    assert (people.job.progress, people.job.percent) == ((1, 1), 100)


def test_an_import_over_which_every_worker_died_is_told(brought, cast):
    file = brought(ONE).apply(work=False)
    with transaction() as session:
        session.execute(update(ImportJob).values(
            status=LeaseState.leased, attempts=3, lease_owner="dead", lease_until=clock.now() - timedelta(seconds=1)
        ))  # fmt: skip
    run_imports()
    assert (file.job.phase, bool(file.job.problem)) == (ImportPhase.failed, True)
    bells = select(Notification.id).where(Notification.user_id == cast.minh.user_id)
    told = db.session.scalars(bells).all()
    assert told
    run_imports()
    assert db.session.scalars(bells).all() == told
