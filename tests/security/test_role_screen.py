"""Roles are read by people: labels, a matrix in words, who holds them; members and teams lead to each other."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup, Tag
from sqlalchemy import event, select

from app.core.access import ACTIONS, SYSTEM, FieldRight, FieldRule, Scope
from app.core.accounts import Role, User
from app.core.db import db, transaction
from app.security import field_rights, queries, role_services
from app.security.models import Member, RoleProfile, RoleScope, Team
from app.security.roles import ACTION_LABELS, RESOURCE_GROUPS, RESOURCES, SCOPE_LABELS, SHIPPED
from app.security.services import create_team, rights_changed
from app.security.teams import add_person
from tests.cast import Cast

LISTS = ("/vai-tro/list/", "/nhan-su/list/", "/bo-phan/list/")


def page_of(answer) -> BeautifulSoup:
    assert answer.status_code == 200, answer.status_code
    return BeautifulSoup(answer.text, "lxml")


@pytest.fixture
def id_of(app):
    """id_of(Role, "Staff"), id_of(Team, "cskh"), id_of(Member, "lan")"""

    def read(model, name: str) -> int:
        with app.app_context():
            cast = Cast(db.session())
            if model is Role:
                return queries.role_by_code(db.session(), name).id
            return (cast.team(name) if model is Team else cast.member(name)).id

    return read


def give_role(session, user_id: int, role: Role) -> None:
    user = session.get_one(User, user_id)
    user.roles.append(role)
    session.flush()
    rights_changed(session, [user_id])


def texts(page: BeautifulSoup) -> list[str]:
    """Of every row of the list: its cells, with a blank between them."""
    return [" ".join(row.get_text(" ").split()) for row in page.select("tbody tr")]


def cells(page: BeautifulSoup, part: str) -> dict[str, str]:
    """Of one row of the matrix: what stands under each right."""
    heads = [head.text for head in page.select(".tt-matrix thead th")][1:]
    row = next(row for row in page.select(".tt-matrix tbody tr") if row.th.text.strip() == part)
    return dict(zip(heads, [chosen(cell) for cell in row.find_all("td")], strict=True))


def chosen(cell: Tag) -> str:
    """What a right says: the option that is chosen, or words."""
    option = cell.select_one("option[selected]")
    return " ".join((option or cell).text.split())


# ── who sees roles ──
@pytest.mark.parametrize(("username", "status"), [("hoa", 200), ("lan", 403), ("minh", 403)])
def test_roles_are_for_those_who_may_see_them(client, id_of, username, status):
    browser = client(username)
    for address in ("/vai-tro/list/", f"/vai-tro/show/{id_of(Role, 'Staff')}"):
        assert browser.get(address).status_code == status, address
    assert ("/vai-tro/list/" in browser.get("/").text) is (status == 200)


def test_an_auditor_sees_them_too(client, change, id_of):
    change(lambda session, cast: give_role(session, cast.tuan.user_id, queries.role_by_code(session, "Auditor")))
    assert client("tuan").get(f"/vai-tro/show/{id_of(Role, 'Admin')}").status_code == 200


@pytest.mark.parametrize("number", ["0", "99", "4294967296", "abc"])
def test_a_role_that_is_not_there(client, number):
    assert client("hoa").get(f"/vai-tro/show/{number}").status_code == 404


def test_nothing_is_deleted_there(client, id_of):
    hoa = client("hoa")
    address = f"/vai-tro/delete/{id_of(Role, 'Staff')}"
    assert hoa.get(address).status_code == hoa.post(address).status_code == 404


# ── what is shown ──
def test_the_list_says_what_a_role_is_for_and_who_holds_it(client):
    rows = texts(page_of(client("hoa").get("/vai-tro/list/")))
    assert len(rows) == 4
    assert rows[0].startswith("Quản trị Thiết lập công ty")
    assert rows[0].endswith("1 người")
    assert rows[2].startswith("Nhân viên")
    assert rows[2].endswith("2 người")
    assert rows[3].endswith("chưa có ai")


def test_who_has_left_does_not_hold_a_role(client, change, id_of):
    change(lambda session, cast: setattr(session.get_one(User, cast.tuan.user_id), "active", False))
    hoa = client("hoa")
    assert "1 người" in page_of(hoa.get("/vai-tro/list/")).select("tbody tr")[2].text
    assert "Tuấn" not in page_of(hoa.get(f"/vai-tro/show/{id_of(Role, 'Staff')}")).select("table")[-1].text


def test_the_matrix_says_how_far_each_right_reaches(client, id_of):
    page = page_of(client("hoa").get(f"/vai-tro/show/{id_of(Role, 'Manager')}"))
    assert page.h1.text == "Quản lý"
    assert cells(page, "Khách hàng") == {
        "Xem": "Cả cấp dưới", "Thêm": "Có", "Sửa": "Cả cấp dưới", "Lưu trữ": "Cả cấp dưới", "Xuất": "Cả cấp dưới",
        "Giao việc": "Cả cấp dưới", "Duyệt": "Không có quyền này",
    }  # fmt: skip
    assert cells(page, "Công việc")["Duyệt"] == "Của mình"
    assert cells(page, "Cài đặt")["Sửa"] == "Không"
    assert cells(page, "Khách hàng")["Duyệt"] == "Không có quyền này"


def test_what_an_admin_has_changed_is_what_is_shown(client, change, id_of):
    def narrow(session, _cast) -> None:
        staff = queries.role_by_code(session, "Staff")
        row = select(RoleScope).where(
            RoleScope.role_id == staff.id, RoleScope.resource == "Customer", RoleScope.action == "view"
        )
        session.scalars(row).one().scope = Scope.own
        staff.permissions.remove(next(p for p in staff.permissions if p.view_menu.name == "Team"))

    change(narrow)
    page = page_of(client("hoa").get(f"/vai-tro/show/{id_of(Role, 'Staff')}"))
    assert cells(page, "Khách hàng")["Xem"] == "Của mình"
    assert cells(page, "Bộ phận")["Xem"] == "Không"  # the reach is still there, the right is not


@pytest.mark.both_databases
@pytest.mark.parametrize("code", SHIPPED)
def test_the_matrix_is_what_a_holder_may_do(session, cast, code):
    role = queries.role_by_code(session, code)
    with transaction() as inside:
        user = inside.get_one(User, cast.lan.user_id)
        user.roles = [inside.get_one(Role, role.id)]
        cast.member("lan").rights_version += 1
    actor, matrix = cast.lan, queries.matrix_of(session, role)
    for resource, known in RESOURCES.items():
        for action in ACTIONS:
            told = matrix[resource][action]
            assert (told is None) is (action not in known), (resource, action)
            assert (told or Scope.none) is actor.scope(resource, action), (resource, action)


def test_every_resource_action_and_reach_has_its_place_and_word():
    shown = [resource for _heading, resources in RESOURCE_GROUPS for resource in resources]
    assert sorted(shown) == sorted(RESOURCES)
    assert tuple(ACTION_LABELS) == ACTIONS
    assert set(SCOPE_LABELS) == set(Scope)


def test_no_technical_name_is_on_the_page(client, id_of):
    shown = page_of(client("hoa").get(f"/vai-tro/show/{id_of(Role, 'Manager')}")).find("main").get_text(" ")
    words = set(shown.split())
    assert not words & {*RESOURCES, *SHIPPED, "can_view", "subtree", "own", "none", "RoleScope"}


def test_in_english_too(client, id_of):
    hoa = client("hoa")
    hoa.post("/tai-khoan/ngon-ngu", data={"language": "en", "back": "/"})
    page = page_of(hoa.get(f"/vai-tro/show/{id_of(Role, 'Manager')}"))
    assert page.h1.text == "Manager"
    assert cells(page, "Customers")["View"] == "All below"


# ── members and teams ──
def test_a_member_is_told_in_words(client, change):
    change(lambda session, cast: setattr(session.get_one(User, cast.tuan.user_id), "active", False))
    change(lambda _session, cast: setattr(cast.member("lan"), "phone", "+84912345678"))
    rows = {row.a["title"]: row for row in page_of(client("minh").get("/nhan-su/list/")).select("tbody tr")}
    lan = " ".join(rows["Nguyễn Ngọc Lan"].get_text(" ").split())
    assert "Nhân viên CSKH CSKH 0912 345 678 Được đăng nhập" in lan
    assert rows["Nguyễn Ngọc Lan"].select_one(".tt-av") is not None
    assert "Chưa có lời mời" in rows["Trần Anh Tuấn"].text


def test_a_member_leads_to_his_teams_and_roles(client, id_of):
    hoa = client("hoa")
    address = f"/nhan-su/show/{id_of(Member, 'lan')}"
    teams = page_of(hoa.get(address))
    assert [row.a.text.strip() for row in teams.select("tbody tr")] == ["CSKH"]
    roles = page_of(hoa.get(f"{address}?tab=RoleScreen"))
    assert [one.partition(" Chăm sóc")[0] for one in texts(roles)] == ["Nhân viên"]


def test_whoever_may_not_see_roles_has_no_such_tab(client, id_of):
    address = f"/nhan-su/show/{id_of(Member, 'lan')}"
    assert "tab=RoleScreen" not in client("minh").get(address).text


def test_nor_is_he_told_elsewhere_who_holds_which(client, change, id_of):
    change(lambda session, cast: give_role(session, cast.lan.user_id, queries.role_by_code(session, "Auditor")))
    for address in ("/nhan-su/list/", f"/nhan-su/show/{id_of(Member, 'lan')}"):
        shown = page_of(client("minh").get(address)).find("main").get_text(" ")
        assert "Vai trò" not in shown, address
        assert "Kiểm soát" not in shown, address
    assert client("minh").get(f"{address}?tab=RoleScreen").status_code == 404


def test_a_team_leads_to_its_members_and_to_the_teams_below(client, change, id_of):
    def grow(session, cast) -> None:
        below = create_team(session, code="cskh-dem", name="CSKH ca đêm", parent=cast.team("cskh"), by=SYSTEM)
        add_person(session, below, cast.member("tuan"), by=SYSTEM)

    change(grow)
    minh = client("minh")
    address = f"/bo-phan/show/{id_of(Team, 'cskh')}"
    members = page_of(minh.get(address))
    assert [row.a["title"] for row in members.select("tbody tr")] == ["Nguyễn Ngọc Lan", "Phạm Quang Minh"]
    below = page_of(minh.get(f"{address}?tab=TeamScreen"))
    assert [row.a["title"] for row in below.select("tbody tr")] == ["CSKH ca đêm"]
    assert "Bộ phận trực thuộc" in below.text
    assert "CSKH ca đêm" in page_of(minh.get("/bo-phan/list/")).text


@pytest.mark.parametrize("address", LISTS)
def test_a_longer_list_asks_the_database_no_more_often(app, client, change, address):
    """As many queries for many rows as for few."""
    hoa = client("hoa")

    def asked() -> int:
        seen: list[str] = []

        def note(_connection, _cursor, statement, *_rest) -> None:
            seen.append(statement)

        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", note)
        assert hoa.get(address).status_code == 200
        with app.app_context():
            event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    def grow(numbers: range) -> None:
        def add(session, cast) -> None:
            parent = cast.team("cskh")
            for number in numbers:
                team = create_team(session, code=f"t{number}", name=f"T{number}", parent=parent, by=SYSTEM)
                for username in ("lan", "minh", "hoa"):
                    add_person(session, team, cast.member(username), by=SYSTEM)
                role = Role(name=f"R{number}")
                session.add(role)
                session.flush()
                session.add(RoleProfile(id=role.id))
                give_role(session, cast.lan.user_id, role)
                team.head_id = cast.member("tuan").id

        change(add)
        asked()  # whose rights have changed are read anew once

    grow(range(1))
    before = asked()
    grow(range(1, 7))
    assert asked() <= before


# ── changing it ──
def form_of(page: BeautifulSoup) -> dict[str, str]:
    """The matrix as a browser would send it."""
    form = page.select_one("form[data-rights]")
    sent = {one["name"]: one["value"] for one in form.select("input[name]")}
    for one in form.select("select:not([disabled])"):
        sent[one["name"]] = (one.select_one("option[selected]") or one.option)["value"]
    return sent


def test_the_matrix_is_changed_in_place_and_told_in_the_history(client, id_of):
    hoa, staff = client("hoa"), id_of(Role, "Staff")
    sent = form_of(page_of(hoa.get(f"/vai-tro/show/{staff}")))
    sent |= {"Customer.export": "own", "Team.view": "none"}
    assert hoa.post(f"/vai-tro/rights/{staff}", data=sent).status_code == 302
    page = page_of(hoa.get(f"/vai-tro/show/{staff}?tab=lich-su"))
    assert (cells(page, "Khách hàng")["Xuất"], cells(page, "Bộ phận")["Xem"]) == ("Của mình", "Không")
    told = " ".join(page.select_one("main").get_text(" ").split())
    assert "Lê Thị Hoa · Đã đổi quyền Khách hàng: Xuất trước: Không nay: Của mình" in told
    assert "Bộ phận: Xem trước: Tất cả nay: Không" in told


def test_a_change_of_field_rights_is_told_in_the_history_of_the_role_and_in_the_log(client, change, id_of):
    def cover(session, cast):
        role = session.scalars(select(Role).where(Role.name == "Staff")).one()
        session.info["actor"] = cast.hoa
        for right in (FieldRight.masked, FieldRight.read_only):
            rules = {("Customer", "phone"): FieldRule(right, may_reveal=False)}
            version = field_rights.version_of(field_rights.rules_of(session, role.id))
            field_rights.change(session, role, rules, version=version, by=cast.hoa)

    change(cover)
    hoa, staff = client("hoa"), id_of(Role, "Staff")
    page = page_of(hoa.get(f"/vai-tro/show/{staff}?tab=lich-su"))
    told = " ".join(page.select_one("main").get_text(" ").split())
    assert "Khách hàng: Số điện thoại" in told
    assert "trước: Che bớt nay: Chỉ xem" in told
    listed = hoa.get("/nhat-ky/list/?view=0&where=kind+%3D+'field_right'")
    assert "phone" not in page_of(listed).select_one("table").text
    entry = page_of(listed).select_one("tr[data-row] a")["href"]
    assert "Khách hàng: Số điện thoại" in page_of(hoa.get(entry)).select_one("main").text


def test_what_was_chosen_comes_back_when_somebody_was_faster(client, id_of):
    hoa, staff = client("hoa"), id_of(Role, "Staff")
    sent = form_of(page_of(hoa.get(f"/vai-tro/show/{staff}")))
    hoa.post(f"/vai-tro/rights/{staff}", data=sent | {"Customer.export": "own"})
    answer = hoa.post(f"/vai-tro/rights/{staff}", data=sent | {"Customer.delete": "team"})
    assert answer.status_code == 409
    page = BeautifulSoup(answer.text, "lxml")
    assert "Có người vừa đổi vai trò này" in page.select_one("[data-problems]").text
    assert cells(page, "Khách hàng")["Lưu trữ"] == "Bộ phận"
    others = page.select_one("select[name='Customer.export']")  # untouched here, so what the faster one chose
    assert (others["data-was"], others.select_one("[selected]")["value"]) == ("own", "own")
    assert page.select_one("form[data-unsaved]") is not None
    sent = form_of(page)
    assert hoa.post(f"/vai-tro/rights/{staff}", data=sent).status_code == 302


def test_what_reaches_further_than_ones_own_is_closed_with_the_reason(client, change, id_of):
    def keeper(session, cast) -> None:
        made = role_services.create_role(session, label_vi="Giữ vai trò", by=SYSTEM)
        rights = dict.fromkeys([("Role", one) for one in RESOURCES["Role"]], Scope.all)
        role_services.change_rights(session, made, rights, rev=made.rev, by=SYSTEM)
        role_services.assign_roles(session, cast.member("minh"), ["Manager", made.name], by=SYSTEM)

    change(keeper)
    minh = client("minh")
    page = page_of(minh.get(f"/vai-tro/show/{id_of(Role, 'Auditor')}"))
    closed = page.select_one("select[name='Customer.view']")
    assert closed.has_attr("disabled")
    assert "Cả cấp dưới" in closed["aria-description"]
    staff = id_of(Role, "Staff")
    page = page_of(minh.get(f"/vai-tro/show/{staff}"))
    assert page.select_one("select[name='Customer.view'] option[value=all]").has_attr("disabled")
    assert not page.select_one("select[name='Customer.view'] option[value=subtree]").has_attr("disabled")
    answer = minh.post(f"/vai-tro/rights/{staff}", data=form_of(page) | {"Customer.view": "all"})
    assert answer.status_code == 422
    assert "Khách hàng: Xem" in BeautifulSoup(answer.text, "lxml").select_one("[data-problems]").text


def test_administrators_are_shown_and_not_changed(client, id_of):
    page = page_of(client("hoa").get(f"/vai-tro/show/{id_of(Role, 'Admin')}"))
    assert page.select("form[data-rights] select") == []
    assert "Quản trị luôn có đủ mọi quyền" in page.text


@pytest.mark.parametrize(
    "sent", [{"rev": "x"}, {}, {"rev": "1", "Customer.view": "far"}, {"rev": "1", "Moon.view": "all"},
             {"rev": "1", "Role.view": "own"}, {"rev": "9" * 12}],
)  # fmt: skip
def test_nonsense_is_refused_with_a_sentence(client, id_of, sent):
    answer = client("hoa").post(f"/vai-tro/rights/{id_of(Role, 'Staff')}", data=sent)
    assert answer.status_code == 400
    assert "<h1" in answer.text


def test_a_role_is_made_as_a_copy_and_renamed(client, id_of):
    hoa = client("hoa")
    page = page_of(hoa.get(f"/vai-tro/add?like={id_of(Role, 'Staff')}"))
    assert page.select_one("#like option[selected]").text == "Nhân viên"
    typed = {"label_vi": "Trưởng ca", "label_en": "", "purpose": "Xếp ca.", "like": str(id_of(Role, "Staff"))}
    made = hoa.post("/vai-tro/add", data=typed)
    assert made.status_code == 302, made.text
    page = page_of(hoa.get(made.location))
    assert (page.h1.text, cells(page, "Khách hàng")["Xem"]) == ("Trưởng ca", "Bộ phận")
    assert "truong-ca" not in page.find("main").get_text(" ")
    again = hoa.post("/vai-tro/add", data=typed)
    assert again.status_code == 422
    assert "Đã có vai trò khác tên như vậy" in again.text
    assert "Trưởng ca" in page_of(hoa.get("/nhan-su/add")).text
