"""The button of a list gives its file at once, or a page that tells how far it is."""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

from app.core import exports
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.exports import Export
from app.customers.models import Customer, CustomerKind
from app.jobs import write_exports

BUTTON = "/khach-hang/export"


@pytest.fixture
def customers(change) -> Callable[[int], None]:
    def make(count: int) -> None:
        rows = [
            {"code": f"KH{number:06}", "kind": CustomerKind.person, "name": f"Khách {number:06}", "rev": 1,
             "sort_key": f"{number:06}", "search_text": f"khach {number:06}"}
            for number in range(1, count + 1)
        ]  # fmt: skip

        def insert_them(session, cast) -> None:
            team = cast.team("cskh").id
            session.execute(insert(Customer), [row | {"team_id": team} for row in rows])

        change(insert_them)

    return make


def read(answer: TestResponse) -> list[list[object]]:
    """The rows of a downloaded workbook, its header first."""
    assert answer.status_code == 200, answer.text
    book = load_workbook(io.BytesIO(answer.get_data()))
    answer.close()
    return [[cell.value for cell in row] for row in book.worksheets[0]]


def press(browser: FlaskClient, **fields: object) -> TestResponse:
    return browser.post(BUTTON, data={"format": "xlsx", "query": "?", **fields})


def page_of(answer: TestResponse) -> str:
    """Where a long export leads."""
    assert answer.status_code == 302
    assert answer.location.startswith("/xuat/")
    return answer.location


def work(app: Flask) -> None:
    with app.app_context():
        write_exports()
        db.session.remove()


def test_a_short_list_is_the_answer_of_the_click(app, client, customers):
    customers(3)
    browser = client("minh")
    answer = press(browser, query="?q=000002&order=name&columns=name,code&page=1")
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    cookies = answer.headers.getlist("Set-Cookie")
    assert any(f"tt_downloaded={quote('Đã tải xuống 1 dòng')};" in one for one in cookies), cookies
    assert read(answer) == [["Tên", "Mã"], ["Khách 000002", "KH000002"]]
    with app.app_context():
        [event] = db.session.scalars(select(AuditEvent).where(AuditEvent.name == "export"))
        assert (event.changes["rows"], event.record_id) == ([None, 1], None)
        assert db.session.scalars(select(Export)).all() == []
        db.session.remove()


def test_five_thousand_rows_are_at_once_and_one_more_goes_to_the_worker(app, client, customers):
    customers(exports.AT_ONCE + 1)
    browser = client("minh")
    short = press(browser, query="?where=code != 'KH000001'&columns=code")
    assert len(read(short)) == exports.AT_ONCE + 1
    page = page_of(press(browser, query="?columns=code"))
    waiting = browser.get(page)
    assert "0 trên 5.001 dòng" in waiting.text
    assert browser.get(f"{page}/tep").status_code == 404
    assert browser.get(f"{page}?phan=1").status_code == 200
    work(app)
    part = browser.get(f"{page}?phan=1")
    assert part.status_code == 286  # the page asks no more
    assert len(read(browser.get(f"{page}/tep"))) == exports.AT_ONCE + 2


@pytest.fixture
def long_one(app, client, customers, monkeypatch) -> tuple[FlaskClient, str]:
    """Minh's browser, and the page of a file that waits for the worker."""
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    customers(5)
    browser = client("minh")
    return browser, page_of(press(browser))


def test_whoever_leaves_the_page_finds_the_file_by_the_bell(app, long_one):
    browser, page = long_one
    work(app)
    assert "Tệp của bạn đã sẵn sàng: Khách hàng" in browser.get("/thong-bao/").text
    with app.app_context():
        line = db.session.scalar(select(Export.id))
        db.session.remove()
    assert page == f"/xuat/{line}"
    assert f'href="{page}"' in browser.get("/xuat/").text


def test_nobody_else_sees_the_file_its_page_or_its_button(app, client, long_one):
    _browser, page = long_one
    work(app)
    for username in ("hoa", "lan"):
        other = client(username)
        for address in (page, f"{page}/tep", f"{page}?phan=1"):
            assert other.get(address).status_code == 404
        assert other.post(f"{page}/huy").status_code == 404
        assert page not in other.get("/xuat/").text


def test_cancelling_says_that_nothing_was_kept(app, long_one):
    browser, page = long_one
    answer = browser.post(f"{page}/huy", follow_redirects=True)
    assert "Đã hủy. Không giữ lại gì của danh sách này." in answer.text
    work(app)
    assert browser.get(f"{page}/tep").status_code == 404
    again = browser.post(f"{page}/huy", follow_redirects=True)
    assert "Tệp này đã kết thúc rồi." in again.text


def test_a_fourth_file_is_refused_where_the_button_was(long_one):
    browser, _page = long_one
    press(browser)
    press(browser)
    answer = browser.post(
        BUTTON, data={"format": "csv", "query": "?", "back": "/khach-hang/list/?q=khach"}, follow_redirects=True
    )
    assert answer.request.full_path == "/khach-hang/list/?q=khach"
    assert "3 tệp của bạn đang được ghi" in answer.text


def test_too_long_a_list_is_refused_where_the_button_was(client, customers, monkeypatch):
    monkeypatch.setattr(exports.sources, "MOST_ROWS", 3)
    customers(5)
    answer = client("minh").post(BUTTON, data={"format": "xlsx", "query": "?"}, follow_redirects=True)
    assert "Mỗi tệp chứa tối đa 3 dòng" in answer.text


def test_staff_without_the_right_have_no_button_and_no_file(client):
    browser = client("lan")
    assert BUTTON not in browser.get("/khach-hang/list/").text
    assert press(browser).status_code == 403
    assert BUTTON in client("minh").get("/khach-hang/list/").text


@pytest.mark.parametrize(
    "fields",
    [{"format": "exe"}, {"query": "?where=password = 'x'"}, {"query": "?order=owner.password"}, {"query": "?zzz=1"},
     {"query": "?columns=note,password"}, {"rowid": "abc"}, {"rowid": ""}, {"query": "?q=%00"},
     {"query": "?" + "a" * 20_000}, {"query": "?" + "&".join("q=1" for _ in range(99))}],
)  # fmt: skip
def test_a_tampered_form_is_a_sentence_and_never_a_file(client, fields):
    answer = press(client("minh"), **fields)
    assert answer.status_code == 400
    assert "Content-Disposition" not in answer.headers


def test_what_a_view_had_asked_for_stands_beside_it(client, customers):
    customers(3)
    answer = press(client("minh"), query="?view=7&page=3&after=abc&q=000003&columns=code")
    assert read(answer) == [["Mã"], ["KH000003"]]


def test_chosen_rows_leave_by_the_same_address(client, customers, app):
    customers(3)
    with app.app_context():
        ids = db.session.scalars(select(Customer.id).order_by(Customer.id)).all()
        db.session.remove()
    answer = press(client("minh"), query="?columns=code&order=name", rowid=[ids[0], ids[2]])
    assert read(answer) == [["Mã"], ["KH000001"], ["KH000003"]]


def test_all_that_matches_is_more_than_the_page_that_was_chosen(client, customers, app):
    customers(3)
    with app.app_context():
        first = db.session.scalars(select(Customer.id).order_by(Customer.id)).first()
        db.session.remove()
    answer = press(client("minh"), query="?columns=code&order=name", rowid=first, all="1")
    assert len(read(answer)) == 4


def test_every_generated_list_can_be_exported_by_whoever_may(client):
    browser = client("hoa")
    for base in ("/nhan-su", "/bo-phan", "/vai-tro", "/quy-trinh", "/bieu-mau"):
        assert f"{base}/export" in browser.get(f"{base}/list/").text
        assert len(read(browser.post(f"{base}/export", data={"format": "xlsx", "query": "?", "columns": "all"}))) >= 1
