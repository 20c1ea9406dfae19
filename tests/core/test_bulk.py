"""Actions on many rows: told before in numbers, after in one sentence, undone from the message, on all that match."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.core.db import LARGEST_ID
from app.core.screens import acting
from app.core.screens.saving import packed, unpacked
from app.customers.models import Customer
from app.customers.services import archive_customer, create_customer
from app.security.models import Team
from app.security.services import create_team
from tests.rest import statements

NAMES = ("Ánh", "Bảo", "Cúc")


@pytest.fixture
def three(change) -> list[int]:
    """Lan's customers KH000001 to KH000003; the last of them is archived."""
    made: list[int] = []

    def make(session, cast) -> None:
        made.extend(create_customer(session, by=cast.lan, name=name, source="zalo").id for name in NAMES)
        archive_customer(session, session.get_one(Customer, made[-1]), by=cast.hoa)

    change(make)
    return made


def soup(answer) -> BeautifulSoup:
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def toast(browser) -> str:
    return soup(browser.get("/khach-hang/list/")).select_one(".tt-toast > span").text


def archived(change) -> set[str]:
    found: set[str] = set()
    change(
        lambda session, _cast: found.update(
            session.scalars(select(Customer.name).where(Customer.archived_at.is_not(None)))
        )
    )
    return found


@pytest.mark.both_databases
def test_the_result_is_one_sentence_with_its_reasons_and_an_undo(client, three, change):
    hoa = client("hoa")
    sent = {"action": "archive", "rowid": [*three, 999_999], "back": "/khach-hang/list/"}
    assert hoa.post("/khach-hang/action_post", data=sent).status_code == 302
    told = soup(hoa.get("/khach-hang/list/")).select_one(".tt-flash")
    sentence = "2 xong, 2 bị từ chối: KH000003 – Việc này đã được làm rồi, hoặc không áp dụng ở đây."
    assert told.select_one("span").text == sentence
    assert [one.text.split(" – ")[0] for one in told.select(".tt-reasons li")] == ["#999999"]
    undo = {one["name"]: one["value"] for one in told.select("form input[type=hidden]")}
    assert unpacked(undo["rows"], 1000) == three[:2]
    assert hoa.post(told.form["action"], data=undo).status_code == 302
    assert archived(change) == {"Cúc"}
    assert toast(hoa) == "Đã khôi phục 2 khách hàng"


def test_the_result_names_what_was_done_and_how_many(client, three):
    hoa = client("hoa")
    hoa.post("/khach-hang/action_post", data={"action": "archive", "rowid": three[:2]})
    assert toast(hoa) == "Đã lưu trữ 2 khách hàng"
    hoa.post(f"/khach-hang/action/restore/{three[0]}")
    assert toast(hoa) == "Đã khôi phục “Ánh”"


def test_more_rows_than_a_page_are_taken_back_too_and_those_that_no_message_can_name_are_said_to_stay(
    client, three, change, monkeypatch
):
    hoa = client("hoa")
    hoa.post("/khach-hang/action_post", data={"action": "archive", "rows": packed(three)})
    assert archived(change) == set(NAMES)
    monkeypatch.setattr(acting, "_LONGEST_UNDO", 1)
    hoa.post("/khach-hang/action_post", data={"action": "restore", "rows": packed(three)})
    hoa.get("/khach-hang/list/")
    hoa.post("/khach-hang/action_post", data={"action": "archive", "rows": packed(three)})
    told = soup(hoa.get("/khach-hang/list/")).select_one(".tt-toast")
    assert told.span.text == "Đã lưu trữ 3 khách hàng. Nhiều dòng quá nên không hoàn tác cùng lúc được."
    assert told.form is None


@pytest.mark.parametrize("word", ["", "1.", "0.1", "-4", "1.2.x", "9999999999.9999999999", ".".join("1" * 1001)])
def test_rows_that_no_preview_could_have_named_are_refused(client, three, word):
    answer = client("hoa").post("/khach-hang/action_post", data={"action": "archive", "rows": word})
    assert answer.status_code in (400, 404)


@given(st.sets(st.integers(1, LARGEST_ID), min_size=1, max_size=50))
def test_many_rows_travel_in_one_word(ids):
    assert unpacked(packed(list(ids)), 50) == sorted(ids)


def test_nothing_done_says_only_what_was_refused(client, three):
    hoa = client("hoa")
    hoa.post("/khach-hang/action_post", data={"action": "archive", "rowid": three[-1:]})
    assert soup(hoa.get("/khach-hang/list/")).select_one(".tt-flash span").text.startswith("1 bị từ chối: KH000003 – ")


def test_before_it_is_done_it_says_in_numbers_what_will_happen(client, begun, three):
    hoa = client("hoa")
    sent = {"action": "archive", "rowid": [begun["customer"], *three[:2]]}
    told = hoa.post("/khach-hang/preview_post", data=sent, headers={"Accept": "application/json"}).json
    assert (told["heading"], told["yes"]) == ("Lưu trữ 3 khách hàng?", "Lưu trữ")
    assert "1 việc đang mở liên quan được giữ lại." in told["told"]
    page = soup(hoa.post("/khach-hang/preview_post", data=sent))
    assert page.h1.text == "Lưu trữ 3 khách hàng?"
    form = page.select_one("main form")
    assert form["action"] == "/khach-hang/action_post"
    assert unpacked(form.select_one("input[name=rows]")["value"], 1000) == sorted(sent["rowid"])


def test_one_row_is_told_by_its_name_and_a_team_that_is_needed_by_whom(client, three, change):
    hoa = client("hoa")
    told = hoa.get(f"/khach-hang/preview/archive/{three[0]}", headers={"Accept": "application/json"}).json
    assert told["heading"] == "Lưu trữ “Ánh”?"
    teams: list[int] = []
    change(lambda _session, cast: teams.append(cast.team("cskh").id))
    refused = hoa.get(f"/bo-phan/preview/archive/{teams[0]}", headers={"Accept": "application/json"}).json
    assert refused["yes"] is None
    assert "2 người" in refused["told"][0]
    assert hoa.post(f"/bo-phan/action/archive/{teams[0]}").status_code == 422


@pytest.mark.both_databases
def test_a_preview_asks_as_much_for_many_teams_as_for_two(app, client, change):
    made: list[int] = []

    def make(session, cast) -> None:
        teams = (create_team(session, code=f"to-{number}", name=f"Tổ {number}", by=cast.hoa) for number in range(25))
        made.extend(team.id for team in teams)
        create_team(session, code="duoi", name="Tổ dưới", parent=session.get_one(Team, made[0]), by=cast.hoa)

    change(make)
    hoa, counted = client("hoa"), []
    for rows in (made[:2], made):
        sent = {"action": "archive", "rowid": rows}
        hoa.post("/bo-phan/preview_post", data=sent)
        with statements(app) as asked:
            told = hoa.post("/bo-phan/preview_post", data=sent, headers={"Accept": "application/json"}).json
        assert [one for one in told["told"] if "Tổ dưới" in one] == [
            "to-0 – Bộ phận này còn: bộ phận Tổ dưới. Chuyển sang bộ phận khác trước."
        ]
        counted.append(len(asked))
    assert 0 < counted[0] == counted[1] <= 20, counted


@pytest.mark.parametrize(("who", "path", "status"), [
    ("lan", "/khach-hang/preview/archive/{id}", 403),
    ("hoa", "/khach-hang/preview/nothing/{id}", 404),
    ("hoa", "/khach-hang/preview/archive/999999", 404),
])  # fmt: skip
def test_a_preview_asks_the_rights_of_the_action(client, three, who, path, status):
    assert client(who).get(path.format(id=three[0])).status_code == status


@pytest.mark.both_databases
def test_all_that_match_are_taken_by_the_lists_own_arguments(client, three, change):
    hoa = client("hoa")
    told = {"action": "archive", "all": "1", "query": "?q=bảo&page=2&page_size=25"}
    seen = hoa.post("/khach-hang/preview_post", data=told, headers={"Accept": "application/json"}).json
    assert seen["heading"] == "Lưu trữ “Bảo”?"
    # What comes to the list between the question and the answer is left alone.
    change(lambda session, cast: create_customer(session, by=cast.lan, name="Bảo Ngọc"))
    assert hoa.post("/khach-hang/action_post", data={"action": "archive", "rows": seen["rows"]}).status_code == 302
    assert archived(change) == {"Bảo", "Cúc"}


def test_all_that_match_are_bounded_and_what_is_asked_is_checked(client, three, monkeypatch):
    hoa = client("hoa")

    def sent(query: str) -> int:
        return hoa.post("/khach-hang/preview_post", data={"action": "archive", "all": "1", "query": query}).status_code

    assert sent("?q=khongcoai") == 400
    assert sent("?order=created_by.password") == 400
    assert sent("?q=" + "x" * 3000) == 400
    monkeypatch.setattr(acting, "MOST_AT_ONCE", 1)
    assert sent("") == 422


def test_the_list_offers_all_rows_when_there_are_more_than_a_page(client, change):
    def make(session, cast) -> None:
        for number in range(27):
            create_customer(session, by=cast.lan, name=f"Khách {number}")

    change(make)
    hoa = client("hoa")
    page = soup(hoa.get("/khach-hang/list/?q=khách"))
    offered = page.select_one("[data-bulk-all]")
    assert re.search(r"Chọn tất cả 27 dòng khớp", offered.text)
    assert page.select_one("[data-bulk] input[name=query]")["value"].startswith("?")
    assert soup(hoa.get("/khach-hang/list/?q=khách 3")).select_one("[data-bulk-all]") is None


@pytest.mark.usefixtures("three")
def test_everything_that_matches_what_was_never_said_is_refused(client):
    hoa = client("hoa")
    before = soup(hoa.get("/khach-hang/list/")).select("tbody tr")
    assert before
    for address in ("action_post", "preview_post"):
        assert hoa.post(f"/khach-hang/{address}", data={"action": "archive", "all": "1"}).status_code == 400
    assert len(soup(hoa.get("/khach-hang/list/")).select("tbody tr")) == len(before)
