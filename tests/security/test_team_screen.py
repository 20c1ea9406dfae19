"""Hoa makes teams and fills them through the pages; others look; the picture shows them all."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, insert, select

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.demo.people import TEAMS
from app.security import chart, queries, services
from app.security.models import Team
from app.security.team_queries import Node
from tests.cast import Cast


def page_of(answer) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "lxml")


@pytest.fixture
def told(app):
    def read(ask):
        with app.app_context():
            return ask(db.session(), Cast(db.session()))

    return read


def ids(told, code="cskh", name="lan"):
    return told(lambda _session, cast: (cast.team(code).id, cast.member(name).id))


def test_a_team_is_made_below_another_with_a_head_and_changed(client, told):
    hoa = client("hoa")
    above, tuan = ids(told, name="tuan")
    form = page_of(hoa.get(f"/bo-phan/add?parent={above}"))
    assert form.select_one("#parent option[selected]").text == "CSKH"
    assert hoa.get("/bo-phan/ma?name=Chăm sóc Hà Nội").json["made"] == "cham-soc-ha-noi"
    sent = {"name": "Chăm sóc Hà Nội", "parent": above, "head": tuan}
    refused = hoa.post("/bo-phan/add", data=sent)
    assert refused.status_code == 422
    assert "Trần Anh Tuấn" in page_of(refused).select_one("#head-error").text
    made = hoa.post("/bo-phan/add", data={**sent, "head_joins": "y"})
    assert made.status_code == 302
    page = page_of(hoa.get(made.location))
    assert "cham-soc-ha-noi" in page.text
    assert "Trần Anh Tuấn" in page.select_one("tbody").text

    edit = made.location.replace("show", "edit")
    form = page_of(hoa.get(edit))
    assert form.find("input", {"name": "code"}) is None
    seen = {one["name"]: one.get("value", "") for one in form.select("main form[data-guard] input[type=hidden]")}
    circle = hoa.post(f"/bo-phan/edit/{above}", data={
        "name": "CSKH", "parent": made.location.rsplit("/", 1)[1],
        "rev": told(lambda session, _cast: session.get_one(Team, above).rev)})  # fmt: skip
    assert circle.status_code == 422
    assert "Chăm sóc Hà Nội" in page_of(circle).select_one("#parent-error").text
    assert hoa.post(edit, data={**seen, "name": "Hà Nội", "parent": above, "head": tuan}).status_code == 302


def test_people_come_go_and_come_back_with_one_click_each(client, told):
    hoa, (team, tuan) = client("hoa"), ids(told, name="tuan")
    found = hoa.get(f"/bo-phan/nguoi/{team}?q=tuan").json["results"]
    assert [one["id"] for one in found] == [tuan]
    assert hoa.post(f"/bo-phan/nguoi/{team}", data={"member": tuan}).status_code == 302
    page = page_of(hoa.get(f"/bo-phan/show/{team}"))
    undo = page.select_one("form[data-toast-undo]")["action"]
    assert "Trần Anh Tuấn" in page.select_one("tbody").text
    hoa.post(f"/bo-phan/nguoi/{team}/{tuan}/chinh")
    assert told(lambda _s, cast: cast.tuan.primary_team_id) == team
    back = page_of(hoa.get(f"/bo-phan/show/{team}")).select_one("form[data-toast-undo]")["action"]
    hoa.post(back)
    assert told(lambda _s, cast: cast.tuan.primary_team_id) != team
    hoa.post(undo)
    assert team not in told(lambda _s, cast: cast.tuan.team_ids)


@pytest.mark.parametrize("path", ["nguoi/{team}", "nguoi/{team}/{person}/bo", "nguoi/{team}/{person}/chinh"])
def test_whoever_may_not_change_teams_changes_nothing(client, told, path):
    team, person = ids(told)
    lan = client("lan")
    assert lan.post("/bo-phan/" + path.format(team=team, person=person), data={"member": person}).status_code == 403
    page = page_of(lan.get(f"/bo-phan/show/{team}"))
    assert page.select_one(".tt-addperson") is None
    assert team in told(lambda _s, cast: cast.lan.team_ids)


@pytest.mark.parametrize("path", ["nguoi/9/{person}/xoa", "nguoi/{team}/99999999999/bo", "nguoi/99999/{person}/them"])
def test_what_is_not_there_is_not_found(client, told, path):
    team, person = ids(told)
    assert client("hoa").post("/bo-phan/" + path.format(team=team, person=person)).status_code == 404


def test_everybody_sees_the_teams_as_a_picture_and_as_a_list(app, client, told):
    with app.app_context(), transaction(SYSTEM) as session:
        above = queries.team_by_code(session, "cskh")
        services.create_team(session, code="dem", name="<b>Ca đêm</b>", parent=above, by=SYSTEM)
    page = page_of(client("lan").get("/bo-phan/so-do"))
    drawing, written = page.select_one("svg.tt-org"), page.select_one(".tt-orglist")
    assert "<b>Ca đêm</b>" in drawing.text
    assert "<b>Ca đêm</b>" in written.select_one("ul ul").text
    assert {one["href"] for one in drawing.select("a")} == {one["href"] for one in written.select("a")}
    assert page.select("[style]") == []


# ── where the boxes stand ──
def test_sixty_teams_fit_beside_the_menu_and_no_box_covers_another():
    wide = [Node(n, f"t{n}", "Phòng chăm sóc khách hàng doanh nghiệp khu vực miền Trung", "Lê Thị Hoa", 3)
            for n in range(1, 61)]  # fmt: skip
    for number in range(10, 60):
        wide[number % 10].below.append(wide[number])
    picture = chart.draw("Công ty Phở Sen", 30, wide[:10])
    assert len(picture.boxes) == 61
    assert picture.width <= chart.WIDEST
    corners = [(box.x, box.y, box.x + chart.BOX, box.y + box.height) for box in picture.boxes]
    for place, one in enumerate(corners):
        for other in corners[place + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_a_tree_may_be_as_deep_as_people_make_it(app, client):
    deep = 1_200
    with app.app_context(), transaction(SYSTEM) as session:
        first = session.scalar(select(func.max(Team.id))) + 1
        rows = [
            {"id": number, "code": f"t{number}", "name": f"Tổ {number}", "sort_key": "t", "rev": 1,
             "parent_id": number - 1 if number > first else None}
            for number in range(first, first + deep)
        ]  # fmt: skip
        session.execute(insert(Team), rows)
    answer = client("lan").get("/bo-phan/so-do")
    assert answer.status_code == 200
    drawing, written = answer.text.split("dang-chu", 1)
    last = f"/bo-phan/show/{first + deep - 1}"
    assert last in drawing
    assert last in written
    assert written.count("<ul>") == written.count("</ul>") >= deep
    assert written.count("<li>") == written.count("</li>") == deep + len(TEAMS) + 1


def test_long_names_are_wrapped_and_what_is_left_out_is_said():
    assert chart.wrapped("Phòng chăm sóc khách hàng", 16) == (["Phòng chăm sóc", "khách hàng"], False)
    lines, is_cut = chart.wrapped("x" * 200)
    assert is_cut
    assert all(len(line) <= 22 for line in lines)
    assert lines[-1].endswith(chart.CUT)


def test_a_single_top_stands_alone_above_the_others():
    top = Node(1, "bgd", "Ban giám đốc", "", 2, [Node(2, "a", "Một", "", 0), Node(3, "b", "Hai", "", 0)])
    company, first, *below = chart.draw("Sen", 2, [top]).boxes
    assert company.y < first.y < min(box.y for box in below)
    assert len({box.y for box in below}) == 1


def test_no_team_is_no_picture(app, client):
    with app.app_context(), transaction(SYSTEM) as session:
        for team in session.scalars(select(Team)):
            team.archived_at = team.created_at
    assert page_of(client("hoa").get("/bo-phan/so-do")).select_one("svg.tt-org") is None
