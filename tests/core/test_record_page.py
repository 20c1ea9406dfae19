"""The page of a record: its head, its tabs with their counts, its facts, its history; and the panel beside the list."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import event, select

from app.core.db import db, transaction
from app.security.models import Team
from app.security.queries import actor_of, member_by_username
from app.security.services import create_team


def shown(answer):
    assert answer.status_code == 200, answer.text[:500]
    return BeautifulSoup(answer.text, "lxml")


def tabs(page):
    return {link.contents[0].strip(): link.small and link.small.text for link in page.select(".tt-tabs a")}


@pytest.fixture
def team_id(app):
    with app.app_context():
        return db.session.scalar(select(Team.id).where(Team.code == "cskh"))


def test_every_tab_tells_how_much_is_in_it(client, team_id):
    counted = tabs(shown(client("hoa").get(f"/bo-phan/show/{team_id}")))
    assert counted["Nhân sự"].isdigit()
    assert int(counted["Nhân sự"]) > 1
    assert counted["Bộ phận trực thuộc"] == "0"
    assert list(counted)[-1] == "Lịch sử thay đổi"
    assert counted["Lịch sử thay đổi"].isdigit()


def test_as_many_queries_whatever_the_tabs_hold(app, client, team_id):
    hoa, path, counted = client("hoa"), f"/bo-phan/show/{team_id}?tab=TeamScreen", []
    for round_ in range(3):
        hoa.get(path)
        statements = []
        with app.app_context():
            engine = db.engine
        listen = lambda *told, into=statements: into.append(told[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", listen)
        hoa.get(path)
        event.remove(engine, "before_cursor_execute", listen)
        counted.append(len(statements))
        with app.app_context():
            by = actor_of(db.session(), member_by_username(db.session(), "hoa"))
            with transaction(by) as session:
                parent = session.get_one(Team, team_id)
                for number in range(3):
                    create_team(session, code=f"t{round_}{number}", name=f"Tổ {round_}{number}", parent=parent, by=by)
    assert counted[1] == counted[2], counted


def test_a_tab_keeps_its_own_search_in_the_address(client, team_id):
    page = shown(client("hoa").get(f"/bo-phan/show/{team_id}?tab=MemberScreen&q=Lan"))
    rows = [row.text for row in page.select("tbody [data-row]")]
    assert len(rows) == 1
    assert "Ngọc Lan" in rows[0]
    kept = {one["name"]: one["value"] for one in page.select(".tt-quick input[type=hidden]")}
    assert kept["tab"] == "MemberScreen"


@pytest.mark.parametrize("query", ["tab=luong", "tab=lich-su&before=x", "tab=lich-su&q=a", "tab=MemberScreen&page=0"])
def test_what_is_not_on_offer_is_refused(query, client, team_id):
    assert client("hoa").get(f"/bo-phan/show/{team_id}?{query}").status_code in (400, 404)


def test_the_history_of_a_customer_tells_fields_by_their_labels(client, begun):
    page = shown(client("lan").get(f"/khach-hang/show/{begun['customer']}?phan=lich-su"))
    told = page.select_one(".tt-log").get_text(" ", strip=True)
    assert "Nguyễn Ngọc Lan" in told
    assert "Kênh liên hệ" in told
    assert "sort_key" not in told
    assert "hmac" not in told


def test_the_panel_is_a_part_and_by_itself_leads_to_the_page(client, begun, team_id):
    for path, page in (
        (f"/khach-hang/panel/{begun['customer']}", f"/khach-hang/show/{begun['customer']}"),
        (f"/bo-phan/panel/{team_id}", f"/bo-phan/show/{team_id}"),
    ):
        hoa = client("hoa")
        part = hoa.get(path, headers={"X-Part": "1"})
        assert "<html" not in part.text
        assert shown(part).select_one(".tt-panel__foot a")["href"] == page
        alone = hoa.get(path)
        assert alone.status_code == 302
        assert alone.location.endswith(page)


def test_who_may_not_see_the_row_gets_no_panel_and_no_history(client, begun):
    tuan = client("tuan")
    for path in ("/khach-hang/panel/{}", "/khach-hang/show/{}?phan=lich-su"):
        answer = tuan.get(path.format(begun["customer"]), headers={"X-Part": "1"})
        assert answer.status_code == 404


def test_an_archived_record_offers_to_be_restored(client, begun):
    hoa, path = client("hoa"), f"/khach-hang/show/{begun['customer']}"
    hoa.post(f"/khach-hang/action/archive/{begun['customer']}")
    assert "Đã lưu trữ" in shown(hoa.get(path)).select_one(".tt-rechead").text
    with_history = shown(hoa.get(f"{path}?phan=lich-su"))
    assert "Lưu trữ" in with_history.select_one(".tt-log .tt-ev p").text
