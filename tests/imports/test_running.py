"""Whoever dies, loses his rights or is cancelled half-way: nothing is written twice, and nothing is half written."""

from __future__ import annotations

import io
import os
import signal
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import Workbook
from sqlalchemy import func, select

from app import create_app
from app.core import clock, turns
from app.core.access import Scope
from app.core.db import db, transaction
from app.core.errors import BusinessError, ConflictError
from app.customers.models import ContactPoint, Customer
from app.imports import running, services
from app.imports.models import Finding, ImportJob, ImportKey, ImportPhase, ImportRow, Outcome
from app.jobs import present_actor, run_imports
from app.notifications.models import Notification
from app.security import leaving
from app.security import services as security
from app.security.models import RoleField
from app.security.queries import role_by_code
from config import TestConfig
from tests.core.test_exports import counted
from tests.core.test_sheet_reading import windows_1258
from tests.forked import ended, forked
from tests.imports.conftest import Brought

ROWS = 2_100


def sheet(rows: int) -> str:
    lines = (f"Nguyễn Thị {number},09{10_000_000 + number},Khách {number % 7}\n" for number in range(rows))
    return "Họ tên,Điện thoại,Chức vụ\n" + "".join(lines)


def total() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Customer.id)).where(Customer.name.like("Nguyễn Thị %"))) or 0


def run_and_die(folder: str, database_url: str) -> None:
    """In the midst of the third lot."""
    app = create_app(TestConfig(Path(folder), database_url=database_url))
    keep, lots = running._keep, []

    def keep_and_die(*arguments):
        keep(*arguments)
        lots.append(1)
        if len(lots) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    running._keep = keep_and_die
    with app.app_context():
        run_imports()


@pytest.mark.usefixtures("machine_time")
@pytest.mark.both_databases(slow=True)
def test_a_worker_killed_half_way_is_followed_by_one_that_goes_on_with_the_next_row(app: Flask, brought):
    job = brought(sheet(ROWS)).apply(work=False)
    assert job.job.found == {}
    db.session.close()
    place = app.config["UPLOAD_FOLDER"].removesuffix("/uploads")
    died = forked(run_and_die, place, db.engine.url.render_as_string(hide_password=False))
    assert ended(died, 120) == -signal.SIGKILL
    assert total() == 2 * running.LOT  # the third lot went with its transaction
    run_imports()
    assert total() == 2 * running.LOT  # its lease still stands
    with clock.at(clock.now() + turns.LEASE):
        run_imports()
    assert job.job.phase is ImportPhase.applied
    assert job.job.written == {Outcome.made: ROWS}
    assert total() == ROWS
    points = select(func.count(ContactPoint.id)).where(ContactPoint.value.like("+84910%"))
    assert db.session.scalar(points) == ROWS
    rows = select(func.count(ImportRow.id)).where(ImportRow.job_id == job.number)
    assert db.session.scalar(rows) == ROWS


def test_the_number_of_statements_grows_with_lots_not_with_rows(app: Flask, brought):
    few, many = brought(sheet(20)), brought(sheet(400).replace("Thị", "Thu").replace(",0910", ",0911"))
    spent = []
    for job in (few, many):
        job.apply(work=False)
        with counted() as statements:
            run_imports()
        spent.append(len(statements))
    assert many.job.written == {Outcome.made: 400}
    assert spent[1] <= spent[0] + 10


def one_lot_a_turn(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    def is_over(turn: turns.Turn[ImportJob]) -> bool:
        turn.give_back()
        return True

    monkeypatch.setattr(running, "LOT", size)
    monkeypatch.setattr(running._Run, "is_over", is_over)


def test_every_turn_costs_the_same_and_knows_the_numbers_of_all_rows_before(app: Flask, brought, monkeypatch):
    lines = [f"Lê Văn {number},09{20_000_000 + number},khach{number}@example.com" for number in range(60)]
    lines[1] = "Trần Văn Khác,0920000000,rieng@example.com"  # the number of row 2: left out, with its address
    lines[55] = "Đỗ Thị Sau,,rieng@example.com"
    job = brought("\n".join(["Họ tên,Điện thoại,Email", *lines])).apply(work=False)
    one_lot_a_turn(monkeypatch, 10)
    read, spent = [], []
    reads = running.CustomerTarget.read
    monkeypatch.setattr(running.CustomerTarget, "read", lambda target, *row: (read.append(1), reads(target, *row))[1])
    for _turn in range(6):
        turn = turns.leases.claim(ImportJob, owner="one", at=clock.now(), limit=1, lease=turns.LEASE)
        assert turn == [job.number]
        db.session.rollback()
        before = len(read)
        with counted() as statements:
            running._Run(job.number, "one", clock.now(), present_actor, lambda *_told: None).attempt()
        spent.append((len(statements), len(read) - before))
    assert [rows for _count, rows in spent] == [10] * 6
    assert max(count for count, _rows in spent) <= spent[0][0] + 3
    run_imports()
    assert job.job.phase is ImportPhase.applied
    assert job.job.written == {Outcome.made: 58, Outcome.skipped: 2}
    assert "dòng 3" in job.reasons(57)
    assert db.session.scalar(select(func.count(ImportKey.id))) == 0


def test_an_owner_who_is_gone_stops_it_with_a_clear_message_and_administrators_learn_of_it(brought, cast, session):
    job = brought(sheet(5)).apply(work=False)
    before = total()
    with transaction(cast.hoa) as inside:
        takes_over = dict.fromkeys(("teams", "customers"), cast.member("lan"))
        leaving.deactivate_member(inside, cast.member("minh"), by=cast.hoa, receivers=takes_over)
    run_imports()
    assert (job.job.phase, total()) == (ImportPhase.failed, before)
    assert "khóa" in (job.job.problem or "")
    told = select(Notification.kind).where(Notification.user_id == cast.hoa.user_id)
    assert "import_failed" in db.session.scalars(told).all()


def test_a_right_that_is_taken_away_stops_it(brought, cast, session):
    job = brought(sheet(5)).apply(work=False)
    with transaction() as inside:
        role = role_by_code(inside, "Manager")
        assert role is not None
        role.permissions = [one for one in role.permissions if one.view_menu.name != "Import"]
        security.rights_changed(inside, [cast.minh.user_id or 0])
    run_imports()
    assert (job.job.phase, total()) == (ImportPhase.failed, 0)


def test_what_is_cancelled_goes_no_further_and_can_be_taken_back(brought, cast):
    job = brought(sheet(5)).apply(work=False)
    with transaction(job.by) as session:
        services.cancel(session, session.get_one(ImportJob, job.number), by=job.by)
    run_imports()
    assert (job.job.phase, total()) == (ImportPhase.cancelled, 0)
    with transaction(job.by) as session, pytest.raises(ConflictError):
        services.undo(session, session.get_one(ImportJob, job.number), by=job.by)


def test_a_third_of_bad_rows_is_told_row_by_row(brought):
    text = "Tên,Điện thoại,Ngày sinh\n" + "".join(
        f"Khách {number},{'09' if number % 3 else 'x'}{20_000_000 + number},{'' if number % 3 else '30/02/2000'}\n"
        for number in range(60)
    )
    job = brought(text).apply()
    assert job.job.found == {Finding.new: 40, Finding.error: 20}
    assert "30/02/2000" in job.reasons(2)
    assert job.job.written == {Outcome.made: 40}


def packed(rows: list[list[str]]) -> bytes:
    file, book = io.BytesIO(), Workbook()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def bomb() -> bytes:
    """400 MB of nothing, in a few hundred kilobytes."""
    file = io.BytesIO(packed([["Tên"], ["Lan"]]))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/more.xml", "w") as part:
        for _piece in range(400):
            part.write(b" " * 1_000_000)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(lambda: packed([[f"Cột {n}" for n in range(200)], ["x"] * 200]), "a.xlsx", id="200 columns"),
        pytest.param(lambda: b"Lan,0912345678\nMai,0912345679\n", "a.csv", id="no heading"),
        pytest.param(bomb, "a.xlsx", id="zip bomb"),
        pytest.param(lambda: b"PK\x03\x04 xl/workbook.xml no book", "a.xlsx", id="no workbook"),
        pytest.param(lambda: "Tên,Điện thoại\n".encode(), "a.csv", id="nothing below"),
    ],
)
def test_what_is_no_sheet_is_refused_with_a_sentence(cast, session, data, name):
    with pytest.raises(BusinessError) as refusal:
        Brought(cast.minh).bring(data(), name)
    assert str(refusal.value)


def test_a_file_in_the_old_encoding_is_read_and_its_columns_are_remembered(brought, cast):
    text = "Khách của Lan;Số máy\nNguyễn Thị Hồng;0908111222\n"
    first = Brought(cast.minh).bring(windows_1258(text))
    assert first.job.mapping == ["", ""]
    first.check(mapping=["name", "phone"]).apply()
    assert first.job.written == {Outcome.made: 1}
    assert Brought(cast.minh).bring(text).job.mapping == ["name", "phone"]


def test_a_field_that_is_read_only_for_somebody_is_no_column_of_his(cast, session):
    with transaction() as inside:
        role = role_by_code(inside, "Manager")
        assert role is not None
        inside.add(RoleField(role_id=role.id, resource="Customer", field="birthday", right="read_only"))
        security.rights_changed(inside, [cast.minh.user_id or 0])
    assert cast.minh.scope("Import") is Scope.own
    job = Brought(cast.minh).bring("Tên,Ngày sinh\nLan,5/3/1990\n")
    assert job.job.mapping == ["name", ""]
    with pytest.raises(BusinessError):
        job.check(mapping=["name", "birthday"])
