"""People come in from a sheet: what is read, what is refused with its row, and that it is all or nothing."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from app.core.access import SYSTEM, FieldRight, FieldRule, Scope
from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.errors import NotAllowedError
from app.core.sheet_reading import SheetRefusedError, read_sheet
from app.notifications.models import Outbox
from app.security import people_import, queries, services
from app.security.models import Member, RoleScope
from app.security.people_import import Finding, SheetChangedError
from app.security.people_sheet import HeadingsError, PersonRow, read_rows
from tests.cast import Cast

HEAD = ["Họ", "Tên", "Tên đăng nhập", "E-mail", "Điện thoại", "Chức danh", "Bộ phận", "Vai trò"]
UNG = ["Đặng Thị", "Ưng Hòa", "", "ung@phosen.example", "0912 345 678", "Nhân viên", "CSKH; van-hanh", "Nhân viên"]
QUY = ["Trần", "Quý", "quy.tran", "quy@phosen.example", "", "", "", ""]


def workbook(*rows) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def csv_of(*rows, separator=",", encoding="utf-8-sig") -> bytes:
    return "\r\n".join(separator.join(f'"{cell}"' for cell in row) for row in rows).encode(encoding)


def read(data, most_rows=2_000, name=""):
    return read_sheet(data, name=name, most_rows=most_rows, largest=5 * 1024 * 1024)


def person(number=2, **more):
    given = {"family_name": "Đặng Thị", "given_name": "Ưng Hòa", "email": "ung@phosen.example", **more}
    return PersonRow(number, **given)


def page_of(answer) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "lxml")


def problems(checkup):
    return [" ".join(map(str, one.problems)) for one in checkup.rows]


# ── reading ──
@pytest.mark.parametrize(
    "data",
    [workbook(HEAD, UNG), csv_of(HEAD, UNG), csv_of(HEAD, UNG, separator=";"), csv_of(HEAD, UNG, separator="\t"),
     csv_of(HEAD, UNG, encoding="utf-16")],
    ids=["xlsx", "csv", "csv;", "tab", "utf-16"],
)  # fmt: skip
def test_a_person_reads_the_same_from_every_kind_of_file(data):
    (row,) = read_rows(read(data))
    assert (row.number, row.name, row.email, row.phone) == (2, "Đặng Thị Ưng Hòa", "ung@phosen.example", "0912 345 678")
    assert (row.teams, row.roles) == (("CSKH", "van-hanh"), ("Nhân viên",))


def test_a_phone_number_that_excel_took_for_a_number_has_its_zero_again():
    (row,) = read_rows(read(workbook(["Tên", "Họ", "Email", "SĐT"], [], ["Quý", "Trần", "q@a.vn", 912345678])))
    assert (row.number, row.phone) == (3, "0912345678")


@pytest.mark.parametrize(
    ("rows", "told"),
    [([["Họ", "Tên"], ["a", "b"]], "E-mail"), ([[*HEAD, "Lương"], UNG], "Lương"),
     ([[*HEAD, "SĐT"], UNG], "Phone number"), ([HEAD], "nobody"), ([], "empty")],
)  # fmt: skip
def test_headings_that_do_not_fit_are_refused_by_name(rows, told):
    with pytest.raises(HeadingsError) as refused:
        read_rows(rows)
    assert told in str(refused.value)


def _bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 90 * 1024 * 1024)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8\xff\xe0\x00\x10JFIF", "Họ,Tên".encode("cp1258", "replace") + b"\xd2", b"PK\x03\x04broken",
     b"a" * (5 * 1024 * 1024 + 1), workbook(HEAD, UNG, UNG, UNG), None],
    ids=["empty", "picture", "old letters", "broken archive", "too large", "too many rows", "bomb"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_sentence(data):
    with pytest.raises(SheetRefusedError):
        read(_bomb() if data is None else data, most_rows=2)
    with pytest.raises(SheetRefusedError):
        read(b"hello", name="nhan-su.XLSX")


def _lying(data: bytes, offset: int, *said: int) -> bytes:
    """The workbook with other bytes behind the mark of each of its parts, in both of their headings."""
    told = bytearray(data)
    for mark, behind in ((b"PK\x03\x04", offset), (b"PK\x01\x02", offset + 2)):
        at = told.find(mark)
        while at >= 0:
            told[at + behind : at + behind + len(said)] = said
            at = told.find(mark, at + 1)
    return bytes(told)


def _scratched(data: bytes) -> bytes:
    """Packed bytes that do not unpack."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
    start = part.header_offset + 30 + len(part.filename)
    return data[:start] + b"\xff" * part.compress_size + data[start + part.compress_size :]


@pytest.mark.parametrize(
    "data",
    [_scratched(workbook(HEAD, UNG)), _lying(workbook(HEAD, UNG), 6, 1), _lying(workbook(HEAD, UNG), 8, 97)],
    ids=["scratched", "encrypted", "packed otherwise"],
)
def test_a_broken_workbook_is_refused_with_a_sentence(data):
    with pytest.raises(SheetRefusedError):
        read(data)


# ── the dry run ──
def test_the_dry_run_tells_new_and_known_and_writes_nothing(session, cast):
    before = session.scalar(select(func.count()).select_from(Member))
    checkup = people_import.check(
        session, [person(teams=("CSKH", "van-hanh")), person(3, email="LAN@phosen.example")], by=cast.hoa
    )
    new, known = checkup.rows
    assert known.known_as == "Nguyễn Ngọc Lan"
    assert (new.finding, known.finding, checkup.is_good) == (Finding.new, Finding.known, True)
    assert (new.username, new.team_names, new.roles) == ("hoa.dang", ("CSKH", "Vận hành"), ("Staff",))
    assert session.scalar(select(func.count()).select_from(Member)) == before


def test_a_sheet_does_not_tell_whose_an_address_is_to_whoever_may_not_read_it(session, cast):
    rows = [person(email="LAN@phosen.example")]

    def holding_back(right):
        return replace(cast.hoa, fields={("Member", "email"): FieldRule(right)})

    (known,) = people_import.check(session, rows, by=holding_back(FieldRight.masked)).rows
    assert (known.finding, known.username) == (Finding.known, "")
    with pytest.raises(NotAllowedError):
        people_import.check(session, rows, by=holding_back(FieldRight.hidden))


def test_every_mistake_is_told_in_its_row_with_what_is_wrong(session, cast):
    rows = [
        person(2, teams=("Kho",), roles=("Giám đốc",), phone="12"),
        person(3, email="khac@phosen.example", username="lan"),
        person(4, email="khac@phosen.example", username="UPPER"),
        PersonRow(5),
    ]
    first, second, third, empty = problems(people_import.check(session, rows, by=cast.hoa))
    assert all(word in first for word in ("Kho", "Giám đốc", "12"))
    assert "lan2" in second
    assert "3" in third
    assert "UPPER" in third
    assert "Thiếu họ" in empty


def test_two_people_of_one_name_get_two_user_names(session, cast):
    rows = [person(2), person(3, email="b@phosen.example"), person(4, email="c@phosen.example", username="hoa.dang2")]
    assert [one.username for one in people_import.check(session, rows, by=cast.hoa).rows] == [
        "hoa.dang", "hoa.dang3", "hoa.dang2",
    ]  # fmt: skip


def test_teams_of_one_name_are_told_apart_by_their_codes(session, cast):
    with transaction(SYSTEM) as inside:
        services.create_team(inside, code="cskh-2", name="Cskh", by=SYSTEM)
    (told,) = problems(people_import.check(session, [person(teams=("c s k h",))], by=cast.hoa))
    assert "cskh, cskh-2" in told
    assert people_import.check(session, [person(teams=("cskh",))], by=cast.hoa).rows[0].team_names == ("CSKH",)


def test_nobody_gives_what_is_not_his_to_give(session, cast):
    with pytest.raises(NotAllowedError):
        people_import.check(session, [person()], by=cast.lan)
    with transaction(SYSTEM) as inside:
        role = queries.role_by_code(inside, "Manager")
        have = {(p.permission.name, p.view_menu.name): p for p in queries.role_by_code(inside, "Admin").permissions}
        for resource, action in (("Member", "add"), ("Role", "assign")):
            role.permissions.append(have[f"can_{action}", resource])
            inside.add(RoleScope(role_id=role.id, resource=resource, action=action, scope=Scope.all))
        inside.execute(Member.__table__.update().values(rights_version=Member.rights_version + 1))
    (told,) = problems(people_import.check(session, [person(teams=("cskh",), roles=("Admin",))], by=cast.minh))
    assert "CSKH" in told
    assert len(told.split(".")) > 2


def test_nobody_brings_in_whom_he_would_not_see_or_who_would_reach_other_teams_than_he(session, cast):
    mine = frozenset({cast.team("van-hanh").id})
    keeper = replace(cast.hoa, roles=frozenset({"nhan-su"}), team_ids=mine,
                     scopes={**cast.hoa.scopes, ("Customer", "view"): Scope.team})  # fmt: skip
    narrow = replace(keeper, scopes={**keeper.scopes, ("Member", "view"): Scope.team})
    rows = [person(), person(3, email="b@phosen.example", teams=("van-hanh",))]
    unseen, seen = problems(people_import.check(session, rows, by=narrow))
    assert (bool(unseen), bool(seen)) == (True, False)
    with pytest.raises(SheetChangedError, match="2"), transaction(keeper) as inside:
        people_import.bring_in(inside, [person(teams=("cskh",))], by=keeper)
    with transaction(keeper) as inside:
        people_import.bring_in(inside, [person(teams=("van-hanh",))], by=keeper)


# ── bringing in ──
def test_everybody_comes_in_at_once_with_teams_roles_and_an_invitation(session, cast):
    rows = [person(teams=("CSKH", "van-hanh"), phone="0912345678"), person(3, email="b@phosen.example")]
    with transaction(cast.hoa) as inside:
        added = people_import.bring_in(inside, rows, by=cast.hoa)
        assert len(added) == 2
    ung = cast.member("hoa.dang")
    assert (ung.phone, ung.role_codes, ung.is_active) == ("+84912345678", ["Staff"], False)
    assert ung.team_id == cast.team("cskh").id
    assert ung.more_team_ids == [cast.team("van-hanh").id]
    mailed = set(session.scalars(select(Outbox.to_user_id)))
    assert {ung.id, cast.member("hoa.dang2").id} <= mailed
    event = session.scalars(select(AuditEvent).where(AuditEvent.name == "people_imported")).one()
    assert (event.actor_id, event.changes) == (cast.hoa.user_id, {"rows": 2})


def test_one_wrong_row_and_nobody_comes_in(session, cast):
    before = session.scalar(select(func.count()).select_from(Member))
    with pytest.raises(SheetChangedError), transaction(cast.hoa) as inside:
        people_import.bring_in(inside, [person(), person(3, email="b@phosen.example", teams=("Kho",))], by=cast.hoa)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Member)) == before


# ── on the page ──
@pytest.fixture
def told(app):
    def ask(question):
        with app.app_context():
            return question(db.session(), Cast(db.session()))

    return ask


def sent(browser, data, name="nhan-su.xlsx"):
    return browser.post("/nhan-su/nhap/", data={"file": (io.BytesIO(data), name)})


def test_a_sheet_is_looked_at_then_brought_in_by_mail(client, told):
    hoa = client("hoa")
    page = page_of(sent(hoa, workbook(HEAD, UNG, QUY)))
    rows = page.find("input", {"name": "rows"})["value"]
    assert "hoa.dang" in page.text
    assert "quy.tran" in page.text
    assert told(lambda s, _c: queries.member_by_username(s, "quy.tran")) is None
    assert hoa.post("/nhan-su/nhap/xong", data={"rows": rows, "way": "mail"}).status_code == 302
    assert told(lambda _s, cast: cast.member("quy.tran").name) == "Trần Quý"
    again = hoa.post("/nhan-su/nhap/xong", data={"rows": rows, "way": "mail"})
    assert again.status_code == 422


def test_first_passwords_are_shown_once_and_as_a_file_and_open_the_door(client, told):
    hoa = client("hoa")
    rows = page_of(sent(hoa, csv_of(HEAD, QUY), "a.csv")).find("input", {"name": "rows"})["value"]
    answer = hoa.post("/nhan-su/nhap/xong", data={"rows": rows, "way": "password"})
    assert answer.headers["Cache-Control"] == "no-store"
    page = page_of(answer)
    file = hoa.post("/nhan-su/nhap/mat-khau", data={"lines": page.find("input", {"name": "lines"})["value"]})
    line = [cell.value for cell in list(load_workbook(io.BytesIO(file.data)).active.rows)[1]]
    assert line == ["Trần Quý", "quy.tran", page.find("code").text]
    assert client().post("/login/", data={"username": "quy.tran", "password": line[2]}).status_code == 302
    assert told(lambda _s, cast: cast.member("quy.tran").must_change_password)


def test_mistakes_are_shown_with_their_row_and_nothing_can_be_confirmed(client):
    page = page_of(sent(client("hoa"), workbook(HEAD, UNG, [*QUY[:6], "Kho lạnh", ""])))
    (row,) = page.select("section[aria-labelledby=sai] tbody tr")
    assert row.td.text == "3"
    assert "Kho lạnh" in row.text
    assert page.find("input", {"name": "rows"}) is None


def test_the_template_is_taken_back_as_it_is_filled_in(client):
    hoa = client("hoa")
    book = load_workbook(io.BytesIO(hoa.get("/nhan-su/nhap/mau.xlsx").data))
    assert len([cell.value for cell in book.active[1]]) == len(HEAD)
    _empty, example, known = book.worksheets
    assert all(example[2][place].value for place in (0, 1, 3, 6, 7))
    assert ("CSKH", "cskh") in [row[:2] for row in known.iter_rows(values_only=True)]
    book.active.append(UNG)
    file = io.BytesIO()
    book.save(file)
    assert sent(hoa, file.getvalue()).status_code == 200


def test_what_is_not_ours_is_refused(client):
    hoa, minh = client("hoa"), client("minh")
    assert hoa.post("/nhan-su/nhap/", data={}).status_code == 422
    assert hoa.post("/nhan-su/nhap/xong", data={"rows": "tampered", "way": "mail"}).status_code == 404
    assert hoa.post("/nhan-su/nhap/mat-khau", data={"lines": ""}).status_code == 404
    assert minh.get("/nhan-su/nhap/").status_code == 403
    assert sent(minh, workbook(HEAD, UNG)).status_code == 403
