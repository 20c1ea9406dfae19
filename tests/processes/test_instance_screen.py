"""All process files as a table: whose are in it, how they are narrowed and ordered, and what is still open in each."""

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
from app.processes import services
from app.processes.engine.state import InstanceStatus
from app.processes.models import ProcessInstance
from app.security.models import Grant, Right
from app.security.services import hand_over
from tests.cast import Cast
from tests.pages import tables
from tests.story import MONDAY, Story

LIST = "/ho-so/bang/list/"


@pytest.fixture
def files(app: Flask, once: Callable[..., dict[str, int]]) -> Iterator[dict[str, int]]:
    """Three process files, a day after each other: running (HS-000001), called off (HS-000002), Minh's (HS-000003)."""

    def make() -> dict[str, int]:
        made = {}
        with app.app_context():
            with clock.at(MONDAY):
                story = Story(db.session(), Cast(db.session()))
                made["HS-000001"] = story.start()
            with clock.at(MONDAY + timedelta(days=1)):
                made["HS-000002"] = story.start()
                with transaction(story.cast.lan) as session:
                    services.cancel_instance(session, made["HS-000002"], by=story.cast.lan, reason="Nhầm khách")
            with clock.at(MONDAY + timedelta(days=2)):
                made["HS-000003"] = story.start("minh")
        return made

    made = once("three process files", make)
    with clock.at(MONDAY + timedelta(days=2, hours=1)):
        yield made


def soup(answer) -> BeautifulSoup:
    assert answer.status_code == 200, answer.text[-3000:]
    return BeautifulSoup(answer.text, "lxml")


def codes(answer) -> list[str]:
    assert answer.status_code == 200, answer.text[-3000:]
    return [link.text.strip() for link in tables(answer.text).select(".tt-rowlink")]


def narrowed(browser: FlaskClient, where: str, **more: str) -> list[str]:
    return codes(browser.get(f"{LIST}?{urlencode({'view': '0', 'where': where, **more})}"))


def cells(answer) -> dict[str, str]:
    row = tables(answer.text).select_one("tr")
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


@pytest.mark.both_databases
def test_an_address_without_arguments_shows_what_is_running_newest_first(files, client):
    assert codes(client("hoa").get(LIST)) == ["HS-000003", "HS-000001"]
    assert codes(client("hoa").get(f"{LIST}?view=0")) == ["HS-000003", "HS-000002", "HS-000001"]


def test_a_row_tells_where_the_process_file_stands(files, client):
    lan = client("lan")
    assert cells(lan.get(f"{LIST}?view=0&order=code")) == {
        "Quy trình": "Giao hàng chậm", "Khách hàng": "Đặng Thị Mỹ Duyên", "Tình trạng": "Đang chạy",
        "Người mở": "Nguyễn Ngọc Lan", "Bộ phận": "CSKH", "Mở lúc": "23/11/2026 09:00", "Việc đang mở": "1",
    }  # fmt: skip
    link = soup(lan.get(f"{LIST}?view=0&order=code")).select_one("tbody .tt-rowlink")["href"]
    assert link == f"/ho-so/{files['HS-000001']}"
    assert lan.get(f"/ho-so/bang/show/{files['HS-000001']}").headers["Location"] == link


@pytest.mark.both_databases
def test_everybody_sees_what_his_rights_reach_and_what_was_handed_to_him(app, files, client):
    tuan = client("tuan")
    assert codes(tuan.get(f"{LIST}?view=0")) == []
    assert narrowed(tuan, "code = 'HS-000001'") == codes(tuan.get(f"{LIST}?view=0&q=duyen")) == []
    with app.app_context():
        with transaction(SYSTEM) as session:
            member = Cast(session).tuan.user_id
            for resource, key in (("Instance", files["HS-000001"]), ("Instance", files["HS-000003"])):
                hand_over(session, resource, key, right=Right.view, reason="share", member_id=member)
        db.session.remove()
    assert codes(tuan.get(f"{LIST}?view=0")) == ["HS-000003", "HS-000001"]
    # The customer was not handed to him.
    assert cells(tuan.get(LIST))["Khách hàng"] == ""
    assert narrowed(tuan, "customer contains 'Duyên'") == []
    assert codes(tuan.get(f"{LIST}?view=0&q=duyen")) == []
    with app.app_context():
        with transaction(SYSTEM) as session:
            assert session.scalars(select(Grant).where(Grant.resource == "Instance")).first() is not None
            customer = session.get_one(ProcessInstance, files["HS-000001"]).customer_id
            hand_over(session, "Customer", customer, right=Right.header, reason="share", member_id=member)
        db.session.remove()
    assert cells(tuan.get(LIST))["Khách hàng"] == "Đặng Thị Mỹ Duyên"
    assert narrowed(tuan, "customer contains 'Duyên'") == ["HS-000003", "HS-000001"]


CONDITIONS = {
    "status = 'running'": ["HS-000003", "HS-000001"],
    "status in ('cancelled', 'failed')": ["HS-000002"],
    "status != 'running'": ["HS-000002"],
    "process contains 'giao hàng'": ["HS-000003", "HS-000002", "HS-000001"],
    "process = 'Khác'": [],
    "code = 'HS-000002'": ["HS-000002"],
    "customer = 'Đặng Thị Mỹ Duyên' and ended_at empty": ["HS-000003", "HS-000001"],
    "customer_code = 'KH000001' and ended_at = yesterday()": ["HS-000002"],
    "open_tasks >= 1": ["HS-000003", "HS-000001"],
    "open_tasks = 0": ["HS-000002"],
    "started_at = today()": ["HS-000003"],
    "started_at < today()": ["HS-000002", "HS-000001"],
    "team empty": [],
    "initiator = me()": [],
}
ORDERS = {
    "code": ["HS-000001", "HS-000002", "HS-000003"],
    "-started_at": ["HS-000003", "HS-000002", "HS-000001"],
    "initiator": ["HS-000001", "HS-000002", "HS-000003"],
    "-initiator": ["HS-000003", "HS-000002", "HS-000001"],
    "ended_at": ["HS-000002", "HS-000001", "HS-000003"],
    "process": ["HS-000001", "HS-000002", "HS-000003"],
}


@pytest.mark.both_databases
def test_every_kind_of_column_narrows_and_orders_the_table(files, client):
    hoa = client("hoa")
    assert {where: narrowed(hoa, where) for where in CONDITIONS} == CONDITIONS
    assert {order: codes(hoa.get(f"{LIST}?view=0&order={order}")) for order in ORDERS} == ORDERS
    page = soup(hoa.get(f"{LIST}?view=0&order=initiator&page_size=2"))
    assert codes(hoa.get(LIST + page.select_one(".tt-pager a[rel=next]")["href"])) == ["HS-000003"]
    assert narrowed(client("minh"), "initiator = me()") == ["HS-000003"]


def test_words_find_the_code_the_process_and_the_customer(files, client):
    lan = client("lan")
    assert codes(lan.get(f"{LIST}?view=0&q=hs-000002")) == ["HS-000002"]
    assert codes(lan.get(f"{LIST}?view=0&q=my duyen")) == codes(lan.get(f"{LIST}?view=0&q=giao")) != []
    assert codes(lan.get(f"{LIST}?view=0&q=GIAO hàng")) == codes(lan.get(f"{LIST}?view=0&q=hang giao")) != []
    assert "Giao hàng" in client("hoa").get("/quy-trinh/list/?q=HANG giao").text


def test_the_tabs_are_views_of_the_same_table(files, client):
    lan = client("lan")
    tabs = {tab.text.strip(): tab["href"] for tab in soup(lan.get(LIST)).select(".tt-tabs a")}
    shown = {name: codes(lan.get(LIST + href)) for name, href in tabs.items()}
    assert shown["Tôi mở"] == ["HS-000001"]
    assert shown["Hoàn thành"] == []
    assert shown["Đã hủy"] == ["HS-000002"]
    assert len(shown["Tất cả"]) >= 2


def test_the_page_of_the_day_leads_to_the_table_and_back(files, client):
    lan = client("lan")
    assert soup(lan.get("/ho-so/")).select_one(f'a[href^="{LIST}?view=0"]')
    assert soup(lan.get(LIST)).select_one('.tt-listhead a[href="/ho-so/"]')


def test_nothing_is_changed_in_the_table(files, client):
    hoa = client("hoa")
    page = soup(hoa.get(LIST))
    assert page.select("[data-bulk] button[name=action]") == []
    assert hoa.get("/ho-so/bang/add").status_code == 404


def test_a_longer_page_costs_no_more_queries(app, files, client):
    with app.app_context():
        with transaction(SYSTEM) as session:
            pattern = session.get_one(ProcessInstance, files["HS-000001"])
            for number in range(110):
                session.add(
                    ProcessInstance(
                        code=f"HS-{900 + number:06d}", version_id=pattern.version_id, customer_id=pattern.customer_id,
                        status=InstanceStatus.running, initiator_id=pattern.initiator_id, team_id=pattern.team_id,
                    )
                )  # fmt: skip
        db.session.remove()
    lan, counted = client("lan"), []
    for size in (25, 100):
        lan.get(f"{LIST}?page_size={size}")
        with listened(app) as statements:
            assert len(codes(lan.get(f"{LIST}?page_size={size}"))) == size
        counted.append(len(statements))
    assert 0 < counted[0] == counted[1] <= 8, counted


# ── beside the list ──
def glance(browser: FlaskClient, number: int) -> tuple[BeautifulSoup, dict[str, str]]:
    panel = soup(browser.get(f"/ho-so/bang/panel/{number}", headers={"X-Part": "1"}))
    labels, values = panel.select(".tt-panel__body .tt-kv dt"), panel.select(".tt-panel__body .tt-kv dd")
    return panel, {label.text: value.get_text(" ", strip=True) for label, value in zip(labels, values, strict=True)}


@pytest.mark.both_databases
def test_the_panel_tells_where_it_stands_that_it_is_late_and_leads_on(files, client):
    panel, told = glance(client("lan"), files["HS-000001"])
    assert told["Đang ở bước"] == "Tiếp nhận phản ánh và xin lỗi"
    assert told["Khách hàng"] == "Đặng Thị Mỹ Duyên"
    assert panel.select_one(".tt-panel__head .tt-st--late").text == "Quá hạn"
    step = panel.select_one(".tt-panel__head a.btn")
    assert step.text == "Đến công việc"
    assert client("lan").get(step["href"]).status_code == 200


def test_the_panel_of_one_that_was_called_off_has_nothing_to_do(files, client):
    panel, told = glance(client("lan"), files["HS-000002"])
    assert panel.select_one(".tt-panel__head .tt-st--done").text == "Đã hủy"
    assert "Đang ở bước" not in told
    assert panel.select_one(".tt-panel__head a.btn") is None
