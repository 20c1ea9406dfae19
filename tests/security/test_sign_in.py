"""Nobody gets in by guessing, nobody stays in who should not, and a stolen table opens no door."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import unquote

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.security.leaving import deactivate_member
from app.security.models import Member, SignIn, SignInFailure, SignInKind
from app.security.rules import SIGN_IN_LASTS, TRIES, TRIES_WINDOW, token_hash
from app.security.services import change_password, hash_password
from tests.cast import PASSWORD, Cast
from tests.story import MONDAY
from tests.threads import at_once

LOGIN = "/api/v1/security/login"
PROBE = "/api/v1/teams/"
STEP = timedelta(seconds=1)


@pytest.fixture
def program(app):
    """program("lan", "wrong", address="10.0.0.9") → the answer to a program that signs in."""

    def sign_in(username: str, password: str = PASSWORD, *, address: str = "10.0.0.1", **headers: str):
        body = {"username": username, "password": password, "provider": "db"}
        return app.test_client().post(LOGIN, json=body, headers=headers, environ_base={"REMOTE_ADDR": address})

    return sign_in


@pytest.fixture
def page(app):
    """The same by page."""

    def sign_in(username: str, password: str = PASSWORD, *, address: str = "10.0.0.1"):
        body = {"username": username, "password": password}
        return app.test_client().post("/login/", data=body, environ_base={"REMOTE_ADDR": address})

    return sign_in


def is_in(browser) -> bool:
    answer = browser.get("/")
    assert answer.status_code in (200, 302)
    return answer.status_code == 200


# ── too many tries ──
def told(app, *names: str) -> list[tuple[str, int | None, str | None]]:
    with app.app_context():
        rows = select(AuditEvent.name, AuditEvent.record_id, AuditEvent.address).where(AuditEvent.name.in_(names))
        return [tuple(row) for row in db.session.execute(rows.order_by(AuditEvent.id))]


def test_whoever_is_kept_waiting_stands_in_the_log_once_as_long_as_he_waits(app, program):
    with app.app_context():
        lan = Cast(db.session()).lan.user_id
    with clock.at(MONDAY):
        for number in range(TRIES + 4):
            program("lan", "sai", address="10.0.0.1" if number % 2 else "10.0.0.2")
        program("ai đó", "sai", address="10.0.0.1")
    assert told(app, "sign_in_throttled") == [("sign_in_throttled", lan, "10.0.0.2")]
    with clock.at(MONDAY + TRIES_WINDOW + STEP):
        for _number in range(TRIES + 2):
            program("lan", "sai", address="10.0.0.3")
    assert told(app, "sign_in_throttled")[1:] == [("sign_in_throttled", lan, "10.0.0.3")]


def test_a_right_password_that_opens_no_door_stands_in_the_log(app, program, change):
    change(lambda session, cast: setattr(session.get_one(Member, cast.lan.user_id), "must_change_password", True))
    assert program("lan").status_code == 403
    ((name, who, address),) = told(app, "sign_in_refused", "sign_in")
    assert (name, address) == ("sign_in_refused", "10.0.0.1")
    assert who is not None


@pytest.mark.both_databases
def test_the_eleventh_try_for_one_account_is_refused_from_wherever(program):
    for number in range(TRIES):
        assert program("lan", "sai", address=f"10.0.0.{number}").status_code == 401
    refused = program("lan", "sai", address="10.0.1.1")
    assert (refused.status_code, refused.json["error"]) == (429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) == 300
    assert program("lan", PASSWORD, address="10.0.1.1").status_code == 429  # even with the right password
    assert program("LAN@phosen.example ", PASSWORD, address="10.0.1.1").status_code == 429  # the same account
    assert program("binh", PASSWORD, address="10.0.1.1").status_code == 200


@pytest.mark.both_databases
def test_tries_by_name_and_by_mail_are_tries_for_one_account(program, session):
    for number in range(TRIES):
        assert program(["lan", "LAN@phosen.example"][number % 2], "sai", address=f"10.0.0.{number}").status_code == 401
    for name in ("lan", "lan@phosen.example"):
        assert program(name, PASSWORD, address="10.0.1.1").status_code == 429
    assert set(session.scalars(select(SignInFailure.account))) == {"lan"}


def test_a_name_that_nobody_has_is_refused_after_as_many_tries_and_in_the_same_words(program):
    refused = {}
    for name in ("lan", "nobody"):
        for number in range(TRIES):
            answer = program(name, "sai", address=f"10.0.0.{number + (100 if name == 'lan' else 0)}")
            assert answer.status_code == 401
        refused[name] = program(name, "sai", address="10.0.1.1")
    assert refused["lan"].status_code == refused["nobody"].status_code == 429
    assert refused["lan"].json == refused["nobody"].json


def test_the_eleventh_try_from_one_address_is_refused_for_whomever(program):
    for number in range(TRIES):
        assert program(f"ai{number}", "sai").status_code == 401
    assert program("lan", PASSWORD).status_code == 429
    assert program("lan", PASSWORD, address="10.0.0.2").status_code == 200


def test_pages_and_programs_are_counted_together(program, page):
    for number in range(TRIES // 2):
        assert program("lan", "sai", address=f"10.0.0.{number}").status_code == 401
        assert page("lan", "sai", address=f"10.0.1.{number}").status_code == 401
    assert program("lan", "sai", address="10.0.2.1").status_code == 429
    assert page("lan", PASSWORD, address="10.0.2.1").status_code == 429


def test_after_five_minutes_one_may_try_again(program):
    with clock.at(MONDAY):
        for _try in range(TRIES):
            program("lan", "sai")
    with clock.at(MONDAY + TRIES_WINDOW - STEP):
        assert program("lan").status_code == 429
    with clock.at(MONDAY + TRIES_WINDOW):
        assert program("lan").status_code == 200


def test_a_right_password_between_wrong_ones_does_not_begin_the_count_anew(program):
    for number in range(TRIES):
        program("lan", "sai", address=f"10.0.0.{number}")
        if number == TRIES - 2:
            assert program("lan", address="10.0.1.1").status_code == 200
    assert program("lan", address="10.0.1.1").status_code == 429


def test_an_address_that_the_sender_made_up_does_not_count(program):
    for number in range(TRIES):
        program(f"ai{number}", "sai", **{"X-Forwarded-For": f"10.9.9.{number}"})
    assert program("lan", **{"X-Forwarded-For": "10.9.9.200"}).status_code == 429


@pytest.mark.both_databases
def test_guesses_at_the_same_moment_are_counted_one_by_one(app, program):
    guesses = [lambda n=n: program("lan", "sai", address=f"10.0.0.{n}").status_code for n in range(2 * TRIES)]
    answers = sorted(at_once(app, guesses))
    assert answers == [401] * TRIES + [429] * TRIES


def test_old_failures_are_forgotten(app, program, session):
    with clock.at(MONDAY):
        program("lan", "sai")
    with clock.at(MONDAY + 13 * TRIES_WINDOW):
        program("lan", "sai")
    assert len(session.scalars(select(SignInFailure)).all()) == 1


# ── who gets in ──
@pytest.mark.parametrize("name", ["lan", "LAN", " lan ", "lan@phosen.example"])
def test_signing_in_by_name_or_mail(program, name):
    assert program(name).json.keys() == {"access_token"}


@pytest.mark.parametrize(
    ("name", "password"),
    [("lan", PASSWORD.lower()), ("lan", PASSWORD + " "), ("nobody", PASSWORD), ("lan\0", PASSWORD), ("lan", "x" * 5000),
     ("x" * 190, "y"), ("' OR 1=1 --", PASSWORD)],
)  # fmt: skip
def test_a_wrong_name_and_a_wrong_password_look_alike(program, name, password):
    answer = program(name, password)
    assert answer.status_code == (422 if "\0" in name else 401)
    assert "access_token" not in answer.text


def test_a_wrong_password_leaves_the_name_in_the_form(page):
    answer = page("lan", "sai")
    assert answer.status_code == 401
    assert 'value="lan"' in answer.text
    assert "sai" not in answer.text.split("<form", 1)[1].split('name="password"')[1][:200]


def test_who_has_left_does_not_get_in(program, change):
    change(lambda session, cast: deactivate_member(session, cast.member("lan"), by=cast.hoa))
    assert program("lan").status_code == 401


def test_after_signing_in_one_goes_where_one_wanted_but_never_elsewhere(app):
    elsewhere = (
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\evil.example", "/\t/evil.example", "/a\\b",
        "http://localhost/cong-viec", "cong-viec", "javascript:alert(1)", "", "///evil.example",
    )  # fmt: skip
    ours = ("/cong-viec", "/tim/?q=duyen&page=2", "/ho-so/?trang_thai=đang-chạy")
    for wanted, goes in [*((page, page) for page in ours), *((page, "/") for page in elsewhere)]:
        browser = app.test_client()
        answer = browser.post("/login/", query_string={"next": wanted}, data={"username": "lan", "password": PASSWORD})
        assert answer.status_code == 302
        assert unquote(answer.location) == goes, wanted
        assert unquote(browser.get("/login/", query_string={"next": wanted}).location) == goes, wanted


# ── what the audit log has of it ──
@pytest.fixture
def told_of(app):
    """told_of("sign_in") → what the log has of it: (who did it, of whom, from where, what more), the oldest first."""

    def read(name: str) -> list[tuple]:
        columns = (AuditEvent.actor_id, AuditEvent.record_id, AuditEvent.address, AuditEvent.changes)
        with app.app_context():
            rows = db.session.execute(
                select(*columns)
                .where(AuditEvent.name == name, AuditEvent.table_name == "member")
                .order_by(AuditEvent.id)
            )
            return [tuple(row) for row in rows]

    return read


@pytest.fixture
def id_of(app):
    def read(username: str) -> int:
        with app.app_context():
            return Cast(db.session()).member(username).id

    return read


@pytest.mark.both_databases
def test_who_signed_in_and_out_is_in_the_audit_log(app, program, told_of, id_of):
    lan = id_of("lan")
    program("lan", address="10.0.0.7")
    browser = app.test_client()
    browser.post("/login/", data={"username": "lan", "password": PASSWORD})
    assert told_of("sign_in") == [
        (lan, lan, "10.0.0.7", {"kind": "bearer"}), (lan, lan, "127.0.0.1", {"kind": "web"}),
    ]  # fmt: skip
    assert told_of("sign_out") == []
    browser.post("/logout/")
    assert told_of("sign_out") == [(lan, lan, "127.0.0.1", {"kind": "web"})]


def test_a_failed_sign_in_is_in_the_audit_log_without_what_was_typed(program, told_of, id_of):
    program("lan@phosen.example", "sai-bét", address="10.0.0.7")
    program("MậtKhẩuGõNhầm", "sai-bét", address="10.0.0.8")
    assert told_of("sign_in_failed") == [(None, id_of("lan"), "10.0.0.7", {}), (None, None, "10.0.0.8", {})]


def test_the_log_knows_that_an_account_was_closed_and_whoever_knocks_is_told_no_more(program, change, told_of, id_of):
    change(lambda session, cast: deactivate_member(session, cast.member("tuan"), by=cast.hoa))
    assert program("tuan").status_code == program("tuan", "sai-bét").status_code
    assert [one[1] for one in told_of("sign_in_closed")] == [id_of("tuan")] * 2
    assert told_of("sign_in_failed") == []


def test_the_end_of_all_sessions_is_in_the_audit_log_when_there_were_any(token, change, told_of, id_of):
    change(ENDS["another password"])
    assert told_of("sign_ins_ended") == []
    for name in ("binh", "tuan", "tuan"):
        token(name)
    change(lambda session, cast: deactivate_member(session, cast.member("tuan"), by=cast.hoa))
    assert told_of("sign_ins_ended") == [(None, id_of("tuan"), None, {"reason": "deactivated", "count": 2})]


# ── who stays in ──
def test_signing_out_ends_this_browser_and_no_other(app, client):
    one, other = client("lan"), client("lan")
    assert is_in(one)
    cookie = one.get_cookie("tantam").value
    assert one.post("/logout/").status_code == 302
    assert not is_in(one)
    one.set_cookie("tantam", cookie)  # kept by somebody who looked over her shoulder
    assert not is_in(one)
    assert is_in(other)


def test_signing_out_is_no_link(client):
    browser = client("lan")
    assert browser.get("/logout/").status_code == 405
    assert is_in(browser)


ENDS = {
    "another password": lambda s, cast: change_password(
        s, cast.member("lan"), password_hash=hash_password("Khác hẳn 9")
    ),
    "deactivation": lambda s, cast: deactivate_member(s, cast.member("lan"), by=cast.hoa),
    "a switch in another program": lambda s, cast: setattr(s.get_one(User, cast.lan.user_id), "active", False),
}


@pytest.mark.both_databases
@pytest.mark.parametrize("end", ENDS)
def test_it_ends_every_browser_and_every_program_at_once(app, client, token, change, end):
    browser, headers, binh = client("lan"), token("lan"), client("binh")
    assert is_in(browser)
    assert app.test_client().get(PROBE, headers=headers).status_code == 200
    change(ENDS[end])
    assert not is_in(browser)
    assert app.test_client().get(PROBE, headers=headers).status_code == 401
    assert is_in(binh)


def test_a_session_ends_by_itself(app, client, token):
    with clock.at(MONDAY):
        browser, headers = client("lan"), token("lan")
    with clock.at(MONDAY + SIGN_IN_LASTS - STEP):
        assert is_in(browser)
        assert app.test_client().get(PROBE, headers=headers).status_code == 200
    with clock.at(MONDAY + SIGN_IN_LASTS):
        assert not is_in(browser)
        assert app.test_client().get(PROBE, headers=headers).status_code == 401


def test_a_browsers_token_is_no_bearer_and_a_programs_no_cookie(app, client, token):
    browser = client("lan")
    with browser.session_transaction() as kept:
        cookie_token = kept["token"]
    assert app.test_client().get(PROBE, headers={"Authorization": f"Bearer {cookie_token}"}).status_code == 401
    thief = app.test_client()
    with thief.session_transaction() as kept:
        kept["token"] = token("lan")["Authorization"].removeprefix("Bearer ")
    assert not is_in(thief)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer abc", "Basic bGFuOlNlbg==", "bearer x y", "Token t"]
)
def test_a_header_that_signs_nobody_in_is_refused_whatever_the_cookie_says(client, header):
    browser = client("lan")
    assert browser.get(PROBE).status_code == 200
    assert browser.get(PROBE, headers={"Authorization": header}).status_code == 401


def test_the_table_of_sessions_opens_no_door(app, client, token):
    client("lan")
    secret = token("lan")["Authorization"].removeprefix("Bearer ")
    with app.app_context():
        rows = db.session.scalars(select(SignIn)).all()
    assert [row.kind for row in rows] == [SignInKind.web, SignInKind.bearer]
    assert rows[1].token_hash == token_hash(secret) != secret
    assert app.test_client().get(PROBE, headers={"Authorization": f"Bearer {rows[1].token_hash}"}).status_code == 401


def test_signing_in_begins_a_session_of_its_own(app):
    """What somebody planted in the browser before is gone with it."""
    browser = app.test_client()
    with browser.session_transaction() as planted:
        planted["token"] = "planted"
        planted["other"] = "planted"
    browser.post("/login/", data={"username": "lan", "password": PASSWORD})
    with browser.session_transaction() as kept:
        assert kept["token"] != "planted"
        assert "other" not in kept


def test_the_cookie_is_for_the_server_alone(app):
    answer = app.test_client().post("/login/", data={"username": "lan", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_nobody_deactivates_himself(session, cast):
    with pytest.raises(Exception, match="tài khoản của mình"), transaction(cast.hoa) as inside:
        deactivate_member(inside, inside.get_one(Member, cast.hoa.user_id), by=cast.hoa)
