"""The list of staff: whose roles it tells to whom, and how it is narrowed by team, role and sign-in."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import db
from tests.cast import Cast

LIST = "/nhan-su/list/"
EVERYBODY = ["Đỗ Thanh Bình", "Lê Thị Hoa", "Nguyễn Ngọc Lan", "Phạm Quang Minh", "Trần Anh Tuấn"]


def soup(browser: FlaskClient, **query: str) -> BeautifulSoup:
    answer = browser.get(f"{LIST}?{urlencode(query)}")
    assert answer.status_code == 200, answer.text[-2000:]
    return BeautifulSoup(answer.text, "lxml")


def names(page: BeautifulSoup) -> list[str]:
    return sorted(one.text for one in page.select("tbody .tt-rowlink .tt-clip"))


def roles(page: BeautifulSoup) -> dict[str, str]:
    return {
        row.select_one(".tt-clip").text: row.select_one("td[data-label='Vai trò']").text
        for row in page.select("tbody tr")
    }


@pytest.mark.both_databases
def test_it_is_narrowed_by_role_team_and_sign_in(client):
    hoa = client("hoa")
    assert names(soup(hoa, where="roles = 'Manager'")) == sorted(["Đỗ Thanh Bình", "Phạm Quang Minh"])
    assert names(soup(hoa, where="roles not in ('Manager', 'Admin')")) == ["Nguyễn Ngọc Lan", "Trần Anh Tuấn"]
    assert names(soup(client("lan"), where="memberships = my_teams()")) == ["Nguyễn Ngọc Lan", "Phạm Quang Minh"]
    assert names(soup(hoa, where="standing = 'active'")) == sorted(EVERYBODY)
    assert names(soup(hoa, where="standing in ('invited', 'waiting')")) == []
    assert names(soup(hoa, where="user.username = 'lan'")) == ["Nguyễn Ngọc Lan"]


@pytest.mark.both_databases
def test_whoever_has_left_stands_under_a_tab_of_his_own_and_in_no_team(client, change, app):
    change(lambda session, cast: setattr(cast.member("tuan"), "deactivated_at", clock.now()))
    change(lambda session, cast: setattr(cast.member("tuan").user, "active", False))
    hoa = client("hoa")
    page = soup(hoa)
    assert "Trần Anh Tuấn" not in names(page)
    assert [one.text.strip() for one in page.select(".tt-tabs a")][:3] == ["Đang làm việc", "Đã nghỉ", "Tất cả"]
    assert names(soup(hoa, view="0", where="standing = 'gone'")) == ["Trần Anh Tuấn"]
    assert names(soup(hoa, view="0")) == sorted(EVERYBODY)
    with app.app_context():
        team = Cast(db.session()).member("tuan").team_id
    assert "Trần Anh Tuấn" not in hoa.get(f"/bo-phan/show/{team}").text


@pytest.mark.both_databases
def test_roles_are_a_column_for_those_who_may_see_roles(client):
    assert roles(soup(client("hoa"), columns="name,roles"))["Phạm Quang Minh"] == "Quản lý"
    lan = client("lan")
    assert not soup(lan).select("[data-column=roles]")
    assert "roles" not in [one["key"] for one in lan.get("/nhan-su/fields").json["fields"]]
    # Nor are they found by guessing.
    for query in ({"columns": "name,roles"}, {"where": "roles = 'Admin'"}, {"where": "roles empty"}):
        assert lan.get(LIST, query_string=query).status_code == 400, query


def test_more_columns_and_orders_are_offered(client):
    page = soup(client("hoa"), columns="name,user.username,user.email,roles", order="-name")
    assert len(page.select("thead th[scope=col]")) == 5  # the box to choose a row too
    assert page.select_one("tbody .tt-rowlink .tt-clip").text == "Trần Anh Tuấn"
