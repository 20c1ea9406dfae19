"""The first administrator of a new company comes in by a link that works once."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.core import settings
from app.core.db import db, transaction
from app.core.errors import BusinessError, NotFoundError
from app.security import queries
from app.security.models import SetupLink
from app.security.services import make_first_admin, make_setup_link, open_setup_link
from tests.threads import at_once

ADMIN = {"company": "Công ty Bún Bò", "username": "mai", "family_name": "Trần", "given_name": "Mai",
         "email": "mai@bunbo.example", "password": "một mật khẩu dài", "repeat": "một mật khẩu dài"}  # fmt: skip


@pytest.fixture
def link(session, cast) -> str:
    """The link of a company that has no administrator yet."""
    with transaction() as inside:
        inside.get_one(User, cast.hoa.user_id).active = False
        return make_setup_link(inside)


def first_admin(session, token: str, username: str = "mai"):
    values = {key: value for key, value in ADMIN.items() if key not in ("password", "repeat")}
    return make_first_admin(
        session, token, **{**values, "username": username, "email": f"{username}@bunbo.example"}, password_hash="x"
    )


def test_the_page_makes_the_company_and_its_administrator(app, session, link, client):
    browser = app.test_client()
    assert browser.get(f"/thiet-lap/{link}").status_code == 200
    assert browser.post(f"/thiet-lap/{link}", data=ADMIN).status_code == 302
    assert settings.get(session, "company_name") == "Công ty Bún Bò"
    mai = queries.member_by_username(session, "mai")
    assert queries.actor_of(session, mai).roles == {"Admin"}
    signed_in = browser.post("/login/", data={"username": "mai", "password": ADMIN["password"]})
    assert signed_in.status_code == 302


def test_the_link_works_once(app, link):
    browser = app.test_client()
    assert browser.post(f"/thiet-lap/{link}", data=ADMIN).status_code == 302
    assert browser.get(f"/thiet-lap/{link}").status_code == 404
    assert browser.post(f"/thiet-lap/{link}", data={**ADMIN, "username": "ke-trom"}).status_code == 404


@pytest.mark.both_databases
def test_two_who_use_it_at_once_do_not_both_become_administrators(app, session, link):
    def use(username: str) -> str:
        with transaction() as inside:
            first_admin(inside, link, username)
        return username

    results = at_once(app, [lambda n=n: use(f"mai{n}") for n in range(4)])
    assert len([result for result in results if isinstance(result, str)]) == 1
    assert [type(result) for result in results if not isinstance(result, str)] == [NotFoundError] * 3
    session.expire_all()
    assert len(queries.members_with_role(session, "Admin")) == 1


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "../login"])
def test_a_link_that_never_was_leads_nowhere(app, link, token):
    assert app.test_client().get(f"/thiet-lap/{token}").status_code == 404


def test_a_new_link_replaces_the_one_before(session, link):
    with transaction() as inside:
        newer = make_setup_link(inside)
    with pytest.raises(NotFoundError):
        open_setup_link(session, link)
    assert open_setup_link(session, newer)


def test_a_company_with_an_administrator_has_no_link(app, session, cast):
    with pytest.raises(BusinessError), transaction() as inside:
        make_setup_link(inside)
    answer = app.test_cli_runner().invoke(args=["setup-link"])
    assert (answer.exit_code, answer.output) == (0, "")


def test_an_unused_link_is_dead_once_there_is_an_administrator(session, cast, link):
    with transaction() as inside:
        inside.get_one(User, cast.hoa.user_id).active = True
    with pytest.raises(NotFoundError):
        open_setup_link(session, link)


def test_the_database_keeps_no_link_that_works(session, link):
    kept = session.scalars(select(SetupLink.token_hash)).one()
    assert kept != link
    with pytest.raises(NotFoundError):
        open_setup_link(session, kept)


@pytest.mark.parametrize(
    "wrong",
    [{"password": "ngắn", "repeat": "ngắn"}, {"password": "matkhau123", "repeat": "matkhau123"}, {"repeat": "khác"},
     {"username": "Mai Trần"}, {"username": ""}, {"email": "không phải"}, {"company": ""}, {"given_name": "  "},
     {"company": "x" * 201}, {"username": "mai\n"}],
    ids=str,
)  # fmt: skip
def test_what_is_missing_or_wrong_is_told_in_the_form_and_the_link_stays(app, session, link, wrong):
    browser = app.test_client()
    answer = browser.post(f"/thiet-lap/{link}", data={**ADMIN, **wrong})
    assert answer.status_code == 422
    if "company" not in wrong:
        assert "Công ty Bún Bò" in answer.text
    assert ADMIN["password"] not in answer.text
    db.session.rollback()
    assert open_setup_link(session, link)


def test_what_somebody_has_already_is_told_in_the_form_too(app, session, link):
    answer = app.test_client().post(f"/thiet-lap/{link}", data={**ADMIN, "username": "lan"})
    assert answer.status_code == 422
    assert BeautifulSoup(answer.text, "lxml").find(id="username-error") is not None
    assert "Công ty Bún Bò" in answer.text
    db.session.rollback()
    assert open_setup_link(session, link)


def test_the_password_rules_are_said_before_and_the_reason_after(app, link):
    browser = app.test_client()
    page = BeautifulSoup(browser.get(f"/thiet-lap/{link}").text, "lxml")
    assert "Từ 8 đến 128 ký tự" in page.find(id="password-help").text
    answer = browser.post(f"/thiet-lap/{link}", data={**ADMIN, "password": "12345678", "repeat": "12345678"})
    assert "Quá dễ đoán." in BeautifulSoup(answer.text, "lxml").find(id="password-error").text


def test_whoever_sets_up_in_english_goes_on_in_english(app, session, link):
    browser = app.test_client()
    page = BeautifulSoup(browser.get(f"/thiet-lap/{link}?lang=en").text, "lxml")
    assert page.html["lang"] == "en"
    assert page.find("a", lang="vi")["href"] == "?lang=vi"
    answer = browser.post(f"/thiet-lap/{link}?lang=en", data=ADMIN)
    assert answer.location == "/login/?lang=en"
    assert queries.member_by_username(session, "mai").language == "en"
