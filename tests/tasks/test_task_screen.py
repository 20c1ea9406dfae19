"""All work as a table: whose work is in it, how it is narrowed and ordered, what is done with many pieces at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.security.models import Grant
from app.tasks import services
from app.tasks.models import Task, TaskState
from app.tasks.rules import Deadline, Offer
from tests.cast import Cast
from tests.pages import tables
from tests.story import MONDAY, Story

LIST = "/cong-viec/bang/list/"
RECEIVE = "Tiếp nhận phản ánh và xin lỗi"


@pytest.fixture
def monday() -> Iterator[None]:
    with clock.at(MONDAY):
        yield


@pytest.fixture
def work(app: Flask, monday: None, once: Callable[..., dict[str, int]]) -> dict[str, int]:
    """Six pieces of work on Monday morning; name → id.

    "nhận": offered to CSKH, due within the hour. "trễ": Lan's, an hour late. "xong": finished by Lan, was late.
    "hủy": called off. "vận hành": Tuấn's, about Lan's customer, due on Tuesday.
    "không hạn": offered to CSKH, never due.
    """

    def make() -> dict[str, int]:
        with app.app_context():
            story = Story(db.session(), Cast(db.session()))
            cast, instance = story.cast, story.start()
            made = {"nhận": story.task(instance, "receive").id}
            hour = timedelta(hours=1)
            plan = (
                ("trễ", Offer(member_id=cast.lan.user_id), MONDAY - hour),
                ("xong", Offer(member_id=cast.lan.user_id), MONDAY - 2 * hour),
                ("hủy", Offer(team_id=cast.team("cskh").id), MONDAY - 3 * hour),
                ("vận hành", Offer(member_id=cast.tuan.user_id), MONDAY + timedelta(days=1)),
                ("không hạn", Offer(team_id=cast.team("cskh").id), None),
            )
            with transaction(SYSTEM) as session:
                for number, (name, offer, due_at) in enumerate(plan):
                    made[name] = services.open_task(
                        session, owner_type="instance", owner_id=instance, step="call-back", token=100 + number,
                        name=name, context="Giao hàng chậm, HS-000001", customer_id=story.customer_id, offer=offer,
                        deadline=Deadline(due_at, due_at), form_version=None, by=SYSTEM,
                    )  # fmt: skip
            with transaction(SYSTEM) as session:
                done = session.get_one(Task, made["xong"])
                done.state, done.completed_at, done.completed_by_id = TaskState.completed, MONDAY, cast.lan.user_id
                services.cancel_task(session, session.get_one(Task, made["hủy"]), by=SYSTEM, reason="")
        return made

    return once("six tasks", make)


def soup(answer) -> BeautifulSoup:
    assert answer.status_code == 200, answer.text[-3000:]
    return BeautifulSoup(answer.text, "lxml")


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.text[-3000:]
    return [link.text.strip().replace(RECEIVE, "nhận") for link in tables(answer.text).select(".tt-rowlink")]


def narrowed(browser: FlaskClient, where: str, **more: str) -> list[str]:
    return names(browser.get(f"{LIST}?{urlencode({'view': '0', 'where': where, **more})}"))


def cells(answer, name: str) -> dict[str, str]:
    row = next(row for row in tables(answer.text).select("tr") if name in row.select_one(".tt-rowlink").text)
    return {cell["data-label"]: cell.get_text(" ", strip=True) for cell in row.select("td[data-label]")}


@contextmanager
def listened(app: Flask) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_more) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


# ── whose work ──
@pytest.mark.both_databases
def test_an_address_without_arguments_shows_open_work_least_time_left_first(work, client):
    assert names(client("hoa").get(LIST)) == ["trễ", "nhận", "vận hành", "không hạn"]


@pytest.mark.both_databases
def test_everybody_sees_the_work_that_his_rights_reach(work, client):
    everything = f"{LIST}?view=0&order=opened_at"
    assert names(client("tuan").get(everything)) == ["vận hành"]
    assert names(client("lan").get(everything)) == ["nhận", "trễ", "xong", "không hạn"]
    assert names(client("minh").get(everything)) == ["nhận", "trễ", "xong", "hủy", "không hạn"]


def test_a_row_leads_to_the_page_of_the_task(work, client):
    lan = client("lan")
    link = soup(lan.get(LIST)).select_one("tbody .tt-rowlink")
    assert link["href"] == f"/cong-viec/{work['trễ']}"
    assert lan.get(f"/cong-viec/bang/show/{work['trễ']}").headers["Location"] == f"/cong-viec/{work['trễ']}"
    assert lan.get(link["href"]).status_code == 200


# ── beside the list ──
def glance(browser: FlaskClient, number: int) -> BeautifulSoup:
    return soup(browser.get(f"/cong-viec/bang/panel/{number}", headers={"X-Part": "1"}))


def facts(panel: BeautifulSoup) -> dict[str, str]:
    labels, values = panel.select(".tt-panel__body .tt-kv dt"), panel.select(".tt-panel__body .tt-kv dd")
    return {label.text: value.get_text(" ", strip=True) for label, value in zip(labels, values, strict=True)}


@pytest.mark.both_databases
def test_its_change_history_is_read_from_the_page_of_the_task_by_whoever_sees_it(work, client):
    page = BeautifulSoup(client("lan").get(f"/cong-viec/{work['trễ']}").text, "lxml")
    history = page.select_one(".tt-taskhead a[href*='tab=lich-su']")
    assert history is not None
    told = client("lan").get(history["href"])
    assert told.status_code == 200
    assert "Tạo mới" in BeautifulSoup(told.text, "lxml").main.text
    assert client("tuan").get(history["href"]).status_code == 404
    assert page.select_one(".tt-taskhead [data-print]") is not None


def test_the_panel_tells_for_whom_by_whom_until_when_and_that_it_is_late(work, client):
    panel = glance(client("lan"), work["trễ"])
    told = facts(panel)
    assert told["Khách hàng"] == "Đặng Thị Mỹ Duyên"
    assert told["Hạn"] == "Quá hạn 1 giờ"
    assert "Ngọc Lan" in told["Người phụ trách"]
    assert (told["Hồ sơ"], told["Bộ phận"]) == ("Giao hàng chậm, HS-000001", "CSKH")
    assert "Hoàn thành" not in told
    assert panel.select_one(".tt-panel__head .tt-st--late").text == "Quá hạn"
    customer = panel.select_one(".tt-panel__body dd a")
    assert client("lan").get(customer["href"]).status_code == 200


def test_the_panel_offers_the_one_thing_that_this_person_can_do(work, client):
    def step(who: str, name: str):
        return glance(client(who), work[name]).select_one(".tt-panel__head :is(form button, a.btn)")

    claim = step("lan", "nhận")
    assert (claim.text, claim.find_parent("form")["action"]) == ("Nhận việc", f"/cong-viec/{work['nhận']}/nhan")
    own = step("lan", "trễ")
    assert (own.text, own["href"]) == ("Làm ngay", f"/cong-viec/{work['trễ']}")
    assert step("minh", "trễ") is None
    assert step("lan", "xong") is None


def test_the_panel_of_finished_work_says_how_it_ended(work, client):
    panel = glance(client("lan"), work["xong"])
    assert panel.select_one(".tt-panel__head .tt-st--done").text == "Hoàn thành"
    assert "Ngọc Lan" in facts(panel)["Người hoàn thành"]


def test_nothing_is_written_by_a_form_of_the_table(work, client):
    hoa = client("hoa")
    for address in ("/cong-viec/bang/add", f"/cong-viec/bang/edit/{work['trễ']}"):
        assert hoa.get(address).status_code == 404
        assert hoa.post(address, data={"state": "completed"}).status_code in (404, 405)


# ── the customer, as far as one may know him ──
@pytest.mark.both_databases
def test_a_customer_whom_one_may_not_know_is_neither_shown_nor_found(app, work, client):
    browser = client("tuan")
    told = cells(browser.get(f"{LIST}?columns=name,customer,customer_code"), "vận hành")
    assert told == {"Khách hàng": "Đặng Thị Mỹ Duyên", "Mã khách hàng": "KH000001"}
    assert narrowed(browser, "customer contains 'Duyên'") == narrowed(browser, "customer_code = 'KH000001'") != []
    assert narrowed(browser, "customer = 'Đặng Thị Mỹ Duyên'") == ["vận hành"]
    with app.app_context():
        with transaction(SYSTEM) as session:
            for grant in session.scalars(select(Grant).where(Grant.resource == "Customer")):
                grant.ended_at = MONDAY
        db.session.remove()
    told = cells(browser.get(f"{LIST}?columns=name,customer,customer_code"), "vận hành")
    assert told == {"Khách hàng": "", "Mã khách hàng": ""}
    assert "Khách hàng" not in facts(glance(browser, work["vận hành"]))
    assert "Duyên" not in browser.get(f"/cong-viec/{work['vận hành']}").text
    for where in ("customer contains 'Duyên'", "customer_code = 'KH000001'", "customer not empty"):
        assert narrowed(browser, where) == []
    assert names(browser.get(f"{LIST}?q=duyen")) == []
    assert narrowed(browser, "customer empty") == ["vận hành"]


# ── narrowed ──
CONDITIONS = {
    "overdue = true": ["trễ"],
    "overdue = false": ["hủy", "xong", "nhận", "vận hành", "không hạn"],
    "is_open = true": ["trễ", "nhận", "vận hành", "không hạn"],
    "is_open = false": ["hủy", "xong"],
    "state = 'ready'": ["nhận", "không hạn"],
    "state in ('completed', 'cancelled')": ["hủy", "xong"],
    "state != 'ready' and is_open = true": ["trễ", "vận hành"],
    "name contains 'tre'": ["trễ"],
    "name contains 'TRỄ'": ["trễ"],
    "context contains 'hs-000001' and overdue = true": ["trễ"],
    "due_at empty": ["không hạn"],
    "due_at = tomorrow()": ["vận hành"],
    "due_at < '2026-11-23T09:00'": ["hủy", "xong", "trễ"],
    "completed_at = today()": ["xong"],
    "opened_at = last_week()": [],
    "assignee empty and is_open = true": ["nhận", "không hạn"],
    "assignee = me()": [],
    "team not empty and state = 'ready'": ["nhận", "không hạn"],
    "outcome empty and overdue = true": ["trễ"],
}


@pytest.mark.both_databases
def test_every_kind_of_column_narrows_the_table(work, client):
    hoa = client("hoa")
    assert {where: narrowed(hoa, where) for where in CONDITIONS} == CONDITIONS


def test_people_and_teams_are_compared_by_who_looks(work, client):
    lan = client("lan")
    assert narrowed(lan, "assignee = me()") == ["xong", "trễ"]
    assert narrowed(lan, "completed_by = me()") == ["xong"]
    assert narrowed(lan, "team = my_teams() and state = 'ready'") == ["nhận", "không hạn"]


def test_words_find_the_step_the_process_file_and_the_customer(work, client):
    lan = client("lan")
    assert names(lan.get(f"{LIST}?q=tiếp nhận")) == ["nhận"]
    assert names(lan.get(f"{LIST}?q=HS-000001")) == names(lan.get(f"{LIST}?q=my duyen")) != []
    assert names(lan.get(f"{LIST}?q=0912345678")) != []
    assert names(lan.get(f"{LIST}?q=zzzz")) == []


def test_what_cannot_be_narrowed_or_ordered_by_is_refused_with_a_sentence(work, client):
    lan = client("lan")
    for query in (
        "where=draft+%3D+'x'",
        "where=customer_id+%3D+1",
        "order=customer",
        "columns=note",
        "where=state+%3D+'x'",
    ):
        assert lan.get(f"{LIST}?{query}").status_code == 400, query


# ── views ──
def test_the_tabs_are_views_of_the_same_table(work, client):
    lan = client("lan")
    page = soup(lan.get(LIST))
    tabs = {tab.text.strip(): tab for tab in page.select(".tt-tabs a")}
    assert list(tabs) == ["Đang mở", "Quá hạn", "Của tôi", "Chờ nhận", "Mồ côi", "Đã xong", "Tất cả"]
    assert [name for name, tab in tabs.items() if tab.get("aria-current")] == ["Đang mở"]
    assert page.select(".tt-toolbar .tt-chip, .tt-filters__count") == []  # the tab says it
    shown = {name: names(lan.get(LIST + tab["href"])) for name, tab in tabs.items()}
    assert shown["Quá hạn"] == shown["Của tôi"] == ["trễ"]
    assert shown["Chờ nhận"] == ["nhận", "không hạn"]
    assert (shown["Mồ côi"], shown["Đã xong"]) == ([], ["xong"])
    assert len(shown["Tất cả"]) == 4
    for name, tab in tabs.items():
        here = soup(lan.get(LIST + tab["href"])).select(".tt-tabs [aria-current]")
        assert [one.text.strip() for one in here] == [name]


def test_what_the_table_shows_by_itself_can_be_narrowed_further_and_taken_off(work, client):
    lan = client("lan")
    page = soup(lan.get(f"{LIST}?{urlencode({'view': '0', 'where': 'is_open = true and overdue = true'})}"))
    assert page.select(".tt-tabs [aria-current]") == []
    assert page.select_one(".tt-filters__count").text == "2"
    off = page.select(".tt-toolbar .tt-chip a:last-child")
    assert len(off) == 2
    assert names(lan.get(LIST + off[0]["href"])) == ["trễ"]
    last = soup(lan.get(LIST + off[0]["href"].replace("overdue", "is_open"))).select_one(".tt-tabs [aria-current]")
    assert last.text.strip() == "Đang mở"
    everything = soup(lan.get(f"{LIST}?view=0"))
    assert everything.select_one(".tt-tabs [aria-current]").text.strip() == "Tất cả"


def test_an_ordered_view_stays_the_view(work, client):
    lan = client("lan")
    heads = soup(lan.get(LIST)).select("thead th a[href]")
    link = next(head for head in heads if head.text.strip() == "Công việc")
    page = soup(lan.get(LIST + link["href"]))
    assert page.select_one(".tt-tabs [aria-current]").text.strip() == "Đang mở"


# ── shown and ordered ──
def test_time_left_shows_on_open_work_alone(work, client):
    everything = client("hoa").get(f"{LIST}?view=0")
    due = {name: cells(everything, name)["Hạn"] for name in ("trễ", "xong", "hủy", "vận hành", "không hạn")}
    assert due == {
        "trễ": "Quá hạn 1 giờ", "xong": "23/11/2026 07:00", "hủy": "23/11/2026 06:00", "vận hành": "Ngày mai 09:00",
        "không hạn": "",
    }  # fmt: skip


def test_work_that_nobody_has_says_so(work, client):
    everything = client("hoa").get(f"{LIST}?view=0")
    held = {name: cells(everything, name)["Người phụ trách"] for name in ("không hạn", "hủy", "trễ")}
    assert held == {"không hạn": "Chưa có ai nhận", "hủy": "", "trễ": "L Nguyễn Ngọc Lan"}


ORDERS = {
    "due_at": ["hủy", "xong", "trễ", "nhận", "vận hành", "không hạn"],
    "-due_at": ["vận hành", "nhận", "trễ", "xong", "hủy", "không hạn"],
    "opened_at": ["nhận", "trễ", "xong", "hủy", "vận hành", "không hạn"],
    "-opened_at": ["không hạn", "vận hành", "hủy", "xong", "trễ", "nhận"],
    "-completed_at": ["xong", "không hạn", "vận hành", "hủy", "trễ", "nhận"],
    "assignee": ["trễ", "xong", "vận hành", "nhận", "hủy", "không hạn"],
}


@pytest.mark.both_databases
def test_the_table_is_ordered_and_turned(work, client):
    hoa = client("hoa")
    for order, found in ORDERS.items():
        assert names(hoa.get(f"{LIST}?view=0&order={order}")) == found, order
        page = soup(hoa.get(f"{LIST}?view=0&order={order}&page_size=4"))
        assert names(hoa.get(LIST + page.select_one(".tt-pager a[rel=next]")["href"])) == found[4:], order


# ── cost ──
def test_a_longer_page_costs_no_more_queries(app, work, client):
    with app.app_context():
        with transaction(SYSTEM) as session:
            lan, pattern = Cast(session).lan, session.get_one(Task, work["trễ"])
            for number in range(110):
                session.add(
                    Task(
                        owner_type="instance", owner_id=pattern.owner_id, step="call-back", token=1000 + number,
                        name=f"Việc {number}", context=pattern.context, customer_id=pattern.customer_id,
                        state=TaskState.claimed, assignee_id=lan.user_id, due_at=MONDAY, opened_at=MONDAY,
                    )
                )  # fmt: skip
        db.session.remove()
    lan, counted = client("lan"), []
    for size in (25, 100):
        lan.get(f"{LIST}?page_size={size}")
        with listened(app) as statements:
            assert len(names(lan.get(f"{LIST}?page_size={size}"))) == size
        counted.append(len(statements))
    assert 0 < counted[0] == counted[1] <= 8, counted


def test_open_work_is_asked_for_in_the_words_of_its_index(app, work, client):
    lan = client("lan")
    with listened(app) as statements:
        lan.get(LIST)
    (rows,) = [one for one in statements if "AS c0" in one]
    assert "task.state IN ('scheduled', 'ready', 'claimed', 'in_progress', 'waiting_customer', 'waiting_team')" in rows


# ── many at once ──
def press(browser: FlaskClient, action: str, *ids: int, **more: object) -> str:
    data = {"action": action, "rowid": [str(one) for one in ids], "back": LIST, **more}
    answer = browser.post("/cong-viec/bang/action_post", data=data, follow_redirects=True)
    assert answer.status_code == 200, answer.text[-2000:]
    return " ".join(BeautifulSoup(answer.text, "lxml").get_text(" ").split())


def holders(app: Flask, *ids: int) -> list[str | None]:
    with app.app_context():
        found = [db.session.get_one(Task, one).assignee for one in ids]
        return [one.name if one else None for one in found]


LAN, MINH, TUAN = "Nguyễn Ngọc Lan", "Phạm Quang Minh", "Trần Anh Tuấn"


@pytest.mark.both_databases
def test_what_can_be_claimed_is_claimed_and_the_rest_refused_with_the_reason(app, work, client):
    press(client("minh"), "claim", work["không hạn"])
    told = press(client("lan"), "claim", work["nhận"], work["không hạn"], work["xong"])
    assert f"{MINH} đã nhận việc này" in told
    assert f"{LAN} đã hoàn thành việc này" in told
    assert holders(app, work["nhận"], work["không hạn"]) == [LAN, MINH]


def test_work_that_is_one_s_own_already_is_not_counted_as_claimed(app, work, client):
    lan = client("lan")
    assert "Đã nhận 1 công việc" in press(lan, "claim", work["nhận"])
    told = press(lan, "claim", work["nhận"], work["không hạn"])
    assert "1 xong, 1 bị từ chối" in told
    assert "Việc này đã là của bạn" in told


def test_what_cannot_be_claimed_is_told_before(work, client):
    lan = client("lan")
    asked = {"action": "claim", "rowid": [work["nhận"], work["trễ"], work["xong"]]}
    told = lan.post("/cong-viec/bang/preview_post", data=asked, headers={"Accept": "application/json"}).json
    assert (told["heading"], told["yes"]) == ("Nhận 3 công việc?", "Nhận việc")
    assert "2 công việc sẽ bị từ chối." in told["told"]
    assert any(one.endswith("Việc này đã là của bạn.") for one in told["told"])
    assert any(one.endswith("đã hoàn thành việc này.") for one in told["told"])


def test_where_every_row_will_be_refused_nothing_is_asked(work, client):
    asked = {"action": "claim", "rowid": [work["trễ"], work["xong"]]}
    answer = client("lan").post("/cong-viec/bang/preview_post", data=asked, headers={"Accept": "application/json"})
    assert (answer.json["heading"], answer.json["yes"]) == ("Nhận việc: chưa làm được", None)
    assert answer.json["told"][0] == "2 công việc sẽ bị từ chối."


def take_back(browser: FlaskClient, ids: list[int], action: str, **more: object) -> None:
    """Do it, and press the button of the message that follows."""
    data = {"action": action, "rowid": [str(one) for one in ids], "back": LIST, **more}
    page = soup(browser.post("/cong-viec/bang/action_post", data=data, follow_redirects=True))
    undo = page.select_one("form[data-toast-undo], .tt-flash form")
    browser.post(undo["action"], data={one["name"]: one["value"] for one in undo.select("input")})


@pytest.mark.both_databases
def test_handing_on_is_taken_back_to_where_each_piece_was(app, work, client):
    ids = [work["nhận"], work["trễ"], work["không hạn"]]
    before = holders(app, *ids)
    with app.app_context():
        minh = str(Cast(db.session()).minh.user_id)
    take_back(client("minh"), ids, "reassign", member_id=minh)
    assert holders(app, *ids) == before
    assert set(before) == {LAN, None}


def test_handing_on_is_not_taken_back_once_something_has_been_done(app, work, client):
    with app.app_context():
        tuan = str(Cast(db.session()).tuan.user_id)
    hoa, row = client("hoa"), {"action": "take_back", "rowid": str(work["nhận"])}
    press(hoa, "reassign", work["nhận"], member_id=tuan)
    press(client("minh"), "release", work["nhận"])
    hoa.post("/cong-viec/bang/action_post", data=row)
    assert holders(app, work["nhận"]) == [None]


def test_who_has_the_work_already_is_not_given_it_again(app, work, client):
    with app.app_context():
        lan = str(Cast(db.session()).lan.user_id)
    assert f"Việc này đã ở {LAN}" in press(client("minh"), "reassign", work["trễ"], member_id=lan)


def test_claiming_is_taken_back_from_its_message(app, work, client):
    take_back(client("lan"), [work["nhận"]], "claim")
    assert holders(app, work["nhận"]) == [None]


def test_work_that_is_not_his_to_see_is_not_claimed(app, work, client):
    press(client("lan"), "claim", work["vận hành"])
    assert holders(app, work["vận hành"]) == [TUAN]


@pytest.mark.both_databases
def test_a_head_hands_many_pieces_to_one_person(app, work, client):
    with app.app_context():
        minh = Cast(db.session()).minh.user_id
    ids = [work["nhận"], work["trễ"], work["xong"]]
    told = press(client("minh"), "reassign", *ids, member_id=str(minh), note="Anh làm nhé")
    assert "đã hoàn thành việc này" in told
    assert holders(app, *ids) == [MINH, MINH, LAN]


def test_handing_on_needs_a_person_who_does_work(app, work, client):
    minh = client("minh")
    for chosen in ("", "abc", "999999"):
        assert "Chọn người sẽ làm việc này" in press(minh, "reassign", work["trễ"], member_id=chosen)
    assert holders(app, work["trễ"]) == [LAN]


def test_staff_hand_nothing_on(app, work, client):
    lan = client("lan")
    assert "hoi-reassign" not in lan.get(LIST).text
    data = {"action": "reassign", "rowid": str(work["trễ"]), "member_id": "1", "back": LIST}
    assert lan.post("/cong-viec/bang/action_post", data=data).status_code == 403


def test_taken_work_goes_back_to_the_team_and_work_given_by_name_does_not(app, work, client):
    lan = client("lan")
    press(lan, "claim", work["nhận"])
    told = press(lan, "release", work["nhận"], work["trễ"])
    assert "Việc này giao đích danh cho bạn" in told
    assert holders(app, work["nhận"], work["trễ"]) == [None, LAN]


# ── ways there and back ──
def test_the_inbox_leads_to_the_table_and_back(work, client):
    lan = client("lan")
    assert soup(lan.get("/cong-viec/")).select_one(f'a[href^="{LIST}?view=0"]')
    assert soup(lan.get(LIST)).select_one('.tt-listhead a[href="/cong-viec/"]')


def test_the_editor_of_the_filter_knows_every_column(work, client: Callable[..., FlaskClient]):
    fields = {one["key"]: one for one in client("lan").get("/cong-viec/bang/fields").json["fields"]}
    assert fields["assignee"]["kind"] == "person"
    assert fields["team"]["kind"] == "team"
    assert ["ready", "Chờ nhận"] in fields["state"]["choices"]
    assert fields["overdue"]["kind"] == "yes_no"
