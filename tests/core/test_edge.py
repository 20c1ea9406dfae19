"""What is told when it breaks on our side, even before it is known who asks?"""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from flask import url_for
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app.core.db import db
from app.core.edge import our_page

LOCKED = OperationalError("SELECT 1", {}, Exception("database is locked"))
BROKEN = RuntimeError("a bug")


@pytest.fixture
def breaks(app):
    """breaks(error): from now on every statement raises it."""
    listening = []

    def use(error: Exception) -> None:
        def fail(*_args) -> None:
            raise error

        listening.append(fail)
        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", fail)

    yield use
    with app.app_context():
        for fail in listening:
            event.remove(db.engine, "before_cursor_execute", fail)


@pytest.mark.parametrize(
    ("error", "status", "code", "told"),
    [
        (LOCKED, 503, "unavailable", {"en": "The database is busy", "vi": "Hệ thống đang bận"}),
        (BROKEN, 500, "internal_error", {"en": "Internal error ", "vi": "Lỗi hệ thống "}),
    ],
)
def test_a_program_is_told_in_a_translated_sentence(token, app, breaks, error, status, code, told):
    headers = token("lan")
    breaks(error)
    for language, begin in told.items():
        answer = app.test_client().get("/api/v1/customers/", headers=headers | {"Accept-Language": language})
        assert (answer.status_code, answer.json["error"]) == (status, code)
        assert answer.json["message"].startswith(begin)
        assert "%" not in answer.json["message"]


@pytest.mark.parametrize(("error", "status"), [(LOCKED, 503), (BROKEN, 500)])
def test_a_page_says_so_too(client, breaks, error, status):
    browser = client("lan")
    breaks(error)
    answer = browser.get("/cong-viec/")
    assert answer.status_code == status
    assert '<html lang="vi"' in answer.text


def test_a_page_of_ours_is_a_path_and_nothing_else(app):
    with app.test_request_context():
        assert our_page(url_for("AuthView.login", next="/cong-viec/"), "/") == "/login/?next=/cong-viec/"
    for asked in (None, "", "//evil.example", "/\\evil.example", "/\n/evil.example", "https://evil.example", "a"):
        assert our_page(asked, "/khac") == "/khac"


@pytest.mark.parametrize(("error", "status"), [(LOCKED, 503), (BROKEN, 500)])
def test_what_was_typed_outlives_a_failure(client, app, breaks, error, status):
    lan = client("lan")
    breaks(error)
    page = lan.post("/khach-hang/add?back=/", data={"name": "Phan Thị Ngưỡng <b>", "kind": "person"})
    assert page.status_code == status
    form = BeautifulSoup(page.text, "lxml").select_one("form[action='/khach-hang/add?back=/']")
    assert {field["name"]: field["value"] for field in form.find_all("input")}.items() >= {
        ("name", "Phan Thị Ngưỡng <b>"),
        ("kind", "person"),
    }


def test_a_password_is_not_written_into_the_page(client, breaks):
    nobody = client()
    breaks(LOCKED)
    page = nobody.post("/login/", data={"username": "lan", "password": "Bí mật 123"})
    assert page.status_code == 503
    assert "Bí mật 123" not in page.text


@pytest.mark.parametrize(
    ("posted", "page"),
    [
        ("/cong-viec/167/hoan-thanh", "/cong-viec/167"),
        ("/tai-khoan/mat-khau", "/tai-khoan/"),
        ("/cai-dat/cong-ty?x=1", "/cai-dat/"),
    ],
)
def test_an_address_that_only_takes_forms_leads_to_the_page_above_it(client, posted, page):
    answer = client("lan").get(posted)
    assert (answer.status_code, answer.location) == (302, page)


@pytest.mark.parametrize("path", ["/logout/", "/api/v1/tasks/1/claim"])
def test_where_no_page_is_above_or_a_program_asks_it_stays_refused(client, path):
    assert client("lan").get(path).status_code == 405
