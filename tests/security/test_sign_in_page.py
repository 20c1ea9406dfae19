"""The page before the door: the company's face, both languages, no name of anybody, and nothing lost by a wrong try."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.company.services import receive_logo, remove_logo, set_logo
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.demo.people import COMPANY
from app.security import queries, services
from app.security.models import Member
from app.security.rules import TRIES
from tests.cast import PASSWORD
from tests.company.pictures import as_file, png


def page_of(answer) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "html.parser")


@pytest.fixture
def logo(app):
    """logo() → the company has one from now on; logo(None) → it is taken away."""

    def change(content: bytes | None = b"") -> None:
        with app.app_context():
            received = None if content is None else receive_logo(as_file(content or png(64, 64)), "logo.png")
            with transaction(SYSTEM) as session:
                if received is None:
                    remove_logo(session, by=SYSTEM)
                else:
                    set_logo(session, received, by=SYSTEM)

    return change


def face(browser):
    return page_of(browser.get("/login/")).select_one("img.tt-login__face")


def fetched(browser, address: str):
    """A file's answer, read and closed."""
    with browser.get(address) as answer:
        assert answer.data
        return answer


def test_it_names_the_company_and_nobody_who_works_there(app, client):
    with app.app_context():
        names = list(db.session.scalars(select(Member.name)))
    shown = client().get("/login/").text
    assert COMPANY in shown
    assert names
    assert not [name for name in names if name in shown or name.split()[-1] + " " in shown]


def test_whoever_was_signed_out_is_told_why_and_nobody_else(app, client):
    browser = client("lan")
    with app.app_context(), transaction(SYSTEM) as session:
        lan = queries.member_by_username(session, "lan")
        services.end_sign_ins(session, lan.id, reason="roles")
    assert browser.get("/khach-hang/list/").status_code == 302
    told = page_of(browser.get("/login/")).select_one(".tt-login__box .tt-note").get_text()
    assert "Quyền của bạn đã thay đổi" in told
    assert not page_of(client().get("/login/")).select(".tt-login__box .tt-note")
    browser.post("/login/", data={"username": "lan", "password": PASSWORD})
    assert browser.get("/khach-hang/list/").status_code == 200


def test_without_a_logo_our_own_mark_stands_alone(client):
    browser = client()
    assert face(browser) is None
    assert page_of(browser.get("/login/")).select_one(".tt-brand svg") is not None
    assert browser.get("/cong-ty/logo").status_code == 404


def test_the_logo_is_a_picture_for_everybody_and_nothing_that_runs(client, logo):
    logo()
    browser = client()
    answer = fetched(browser, face(browser)["src"])
    assert (answer.status_code, answer.content_type, answer.data) == (200, "image/png", png(64, 64))
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert answer.headers["Cache-Control"] == "public, max-age=86400"


def test_a_new_logo_has_a_new_address_and_the_old_one_is_not_kept_for_it(client, logo):
    logo()
    browser = client()
    before = face(browser)["src"]
    logo(png(80, 40))
    after = face(browser)["src"]
    assert after != before
    assert fetched(browser, after).data == png(80, 40)
    for old in (before, "/cong-ty/logo", "/cong-ty/logo?v=x"):
        assert fetched(browser, old).headers["Cache-Control"] == "no-cache"


def test_a_logo_that_is_taken_away_is_gone_everywhere(client, logo):
    logo()
    logo(None)
    assert face(client()) is None
    assert client().get("/cong-ty/logo").status_code == 404
    assert page_of(client("lan").get("/")).select_one(".tt-company img") is None


def test_the_logo_stands_beside_the_companys_name_on_every_page(client, logo):
    logo()
    assert page_of(client("lan").get("/")).select_one(".tt-company img")["src"] == face(client())["src"]


# ── languages ──
def test_the_other_language_is_a_link_that_keeps_where_one_was_going(client):
    browser = client()
    page = page_of(browser.get("/login/?next=/khach-hang/list/?q=mai"))
    assert page.html["lang"] == "vi"
    link = page.find("a", lang="en")["href"]
    english = browser.get("/login/" + link)
    assert page_of(english).html["lang"] == "en"
    signed_in = browser.post("/login/" + link, data={"username": "lan", "password": PASSWORD})
    assert signed_in.location == "/khach-hang/list/?q=mai"


def test_a_wrong_try_answers_in_the_language_of_the_page(client):
    answer = client().post("/login/?lang=en", data={"username": "lan", "password": "sai"})
    assert answer.status_code == 401
    page = page_of(answer)
    assert page.html["lang"] == "en"
    assert "User name or password is not right." in page.find(role="alert").text
    assert page.find("form", class_="tt-login__box").get("action") is None  # sent to this very address again


def test_too_many_tries_are_told_in_a_sentence(client):
    browser = client()
    for _try in range(TRIES):
        browser.post("/login/", data={"username": "lan", "password": "sai"})
    answer = browser.post("/login/?lang=en", data={"username": "lan", "password": PASSWORD})
    assert answer.status_code == 429
    assert "Too many attempts" in page_of(answer).find(role="alert").text


def test_an_unknown_language_is_vietnamese(client):
    for lang in ("fr", "x" * 5000, "<b>"):
        assert page_of(client().get("/login/", query_string={"lang": lang})).html["lang"] == "vi"


def test_whoever_leaves_in_english_finds_the_page_in_english(client):
    browser = client("lan")
    browser.post("/tai-khoan/ngon-ngu", data={"language": "en", "back": "/"})
    page = page_of(browser.post("/logout/", follow_redirects=True))
    assert page.html["lang"] == "en"
    assert client("binh").post("/logout/").location == "/login/"


# ── typing ──
def test_the_cursor_waits_where_something_is_to_be_typed(client):
    fresh = page_of(client().get("/login/"))
    assert fresh.find(id="username").has_attr("autofocus")
    assert not fresh.find(id="password").has_attr("autofocus")
    again = page_of(client().post("/login/", data={"username": "lan", "password": "sai"}))
    assert again.find(id="username")["value"] == "lan"
    assert not again.find(id="username").has_attr("autofocus")
    assert again.find(id="password").has_attr("autofocus")


def test_a_wrong_password_does_not_come_back_in_the_page(client):
    assert "bi-mat-cua-toi" not in client().post("/login/", data={"username": "lan", "password": "bi-mat-cua-toi"}).text


def test_what_is_missing_is_told_beside_its_field(client):
    page = page_of(client().post("/login/", data={"username": "", "password": ""}))
    assert page.find(id="username-error").text.strip()
    assert page.find(id="password-error").text.strip()


def test_the_password_can_be_shown_and_caps_lock_is_told(client):
    page = page_of(client().get("/login/"))
    assert page.find("button", attrs={"data-reveal": True})["aria-label"] == "Hiện mật khẩu"
    notice = page.find(attrs={"data-caps": True})
    assert "Caps Lock" in notice.text
    assert notice.has_attr("hidden")
