"""A person changes his own account and nobody else's; what he ends is over, and nobody guesses his password there."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.security.models import Member, SignIn
from app.security.rules import SIGN_IN_LASTS, TRIES, device_words, is_handheld
from tests.cast import PASSWORD, Cast

HERE = "/tai-khoan/"
PROBE = "/api/v1/teams/"
NEW = "trời hôm nay xanh quá"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1"


def page_of(answer) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "lxml")


def is_in(browser) -> bool:
    return browser.get("/").status_code == 200


def profile(browser, **changes: str) -> dict[str, str]:
    """What the form holds, as the browser would send it back."""
    form = page_of(browser.get(HERE)).find("form", action="/tai-khoan/ho-so")
    filled = {field["name"]: field.get("value", "") for field in form.find_all("input")}
    for choice in form.find_all("select"):
        filled[choice["name"]] = choice.find("option", selected=True)["value"]
    return {**filled, **changes}


def passwords(present: str = PASSWORD, new: str = NEW, again: str | None = None) -> dict[str, str]:
    return {"present": present, "password": new, "repeat": new if again is None else again}


@pytest.fixture
def stored(app):
    """stored("lan") → (name, sort key, phone, language, time zone) as the database has them."""

    def read(username: str) -> tuple:
        with app.app_context():
            member = Cast(db.session()).member(username)
            return member.name, member.sort_key, member.phone, member.language, member.time_zone

    return read


# ── who sees it ──
def test_nobody_signed_in_is_asked_to_sign_in(client):
    assert client().get(HERE).location.startswith("/login/")
    for action in ("ho-so", "mat-khau", "ngon-ngu", "thiet-bi/1/ket-thuc", "thiet-bi/ket-thuc-khac"):
        assert client().post(HERE + action).location.startswith("/login/"), action


@pytest.mark.parametrize("username", ["lan", "minh", "hoa"])
def test_everybody_sees_his_own_account_whatever_his_role(client, username):
    page = page_of(client(username).get(HERE))
    assert page.h1.text == "Tài khoản của bạn"
    assert f"{username}@phosen.example" in page.text
    assert "Thiết bị này" in page.text


def test_it_shows_roles_by_their_label(client):
    assert "Nhân viên" in page_of(client("lan").get(HERE)).find("aside", class_="tt-rail").text
    assert "Staff" not in client("lan").get(HERE).text


# ── about you ──
@pytest.mark.both_databases
def test_what_one_says_of_oneself_is_kept(client, stored):
    browser = client("lan")
    answer = browser.post(HERE + "ho-so", data=profile(browser, family_name="Nguyễn Thị", given_name="Ngọc Lan",
                          phone="0912.345.678", time_zone="Asia/Tokyo"))  # fmt: skip
    assert (answer.status_code, answer.location) == (302, HERE)
    name, _key, phone, language, zone = stored("lan")
    assert (name, phone, language, zone) == ("Nguyễn Thị Ngọc Lan", "+84912345678", "vi", "Asia/Tokyo")
    assert "0912 345 678" in browser.get(HERE).text


def test_the_signature_is_plain_text_of_several_lines(app, client):
    browser = client("lan")
    assert browser.post(HERE + "ho-so", data=profile(browser, signature="Trân trọng\r\n<b>Lan</b>")).status_code == 302
    assert page_of(browser.get(HERE)).find("textarea", {"name": "signature"}).text.strip() == "Trân trọng\n<b>Lan</b>"
    answer = browser.post(HERE + "ho-so", data=profile(browser, signature="x" * 1001))
    assert answer.status_code == 422
    assert page_of(answer).find(id="signature-error")


def test_the_title_is_not_ones_own_to_change(client, app):
    browser = client("lan")
    browser.post(HERE + "ho-so", data=profile(browser, title="Giám đốc"))
    with app.app_context():
        assert Cast(db.session()).member("lan").title == "Nhân viên CSKH"


def test_a_changed_name_is_sorted_anew(client, stored):
    before = stored("lan")[1]
    browser = client("lan")
    browser.post(HERE + "ho-so", data=profile(browser, given_name="Zung"))
    assert stored("lan")[1] != before


def test_every_change_is_in_the_audit_log(app, client):
    browser = client("lan")
    browser.post(HERE + "ho-so", data=profile(browser, time_zone="Asia/Tokyo"))
    with app.app_context():
        lan = Cast(db.session()).member("lan")
        row = db.session.scalars(
            select(AuditEvent).where(AuditEvent.table_name == "member", AuditEvent.actor_id == lan.id)
            .order_by(AuditEvent.id.desc())
        ).first()  # fmt: skip
        assert row.changes == {"time_zone": ["Asia/Ho_Chi_Minh", "Asia/Tokyo"]}


def test_what_nobody_sees_is_not_kept_in_a_name(client, stored):
    browser = client("lan")
    browser.post(
        HERE + "ho-so", data=profile(browser, family_name="Nguyê\u0303n\u202e  Ngọc", given_name="La\u00adn\u2069")
    )
    assert stored("lan")[0] == "Nguyễn Ngọc Lan"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"phone": "12"}, "0912 345 678"),
        ({"phone": "0912345678 hoặc 0987654321"}, "0912 345 678"),
        ({"given_name": "  "}, "Nhập tên của bạn."),
        ({"family_name": ""}, "Nhập họ và tên đệm của bạn."),
        ({"family_name": "\u200b"}, "Nhập họ và tên đệm của bạn."),
        ({"given_name": "\u3164\u0301\u2066"}, "Nhập tên của bạn."),
        ({"family_name": "x" * 65}, "64"),
        ({"phone": "9" * 41}, "40"),
        ({"language": "fr"}, "Chọn lại trong danh sách."),
        ({"time_zone": "Mars/Olympus"}, "Chọn lại trong danh sách."),
    ],
    ids=str,
)
def test_what_will_not_do_is_told_beside_its_field_and_nothing_typed_is_lost(client, stored, wrong, sentence):
    browser = client("lan")
    before = stored("lan")
    answer = browser.post(HERE + "ho-so", data=profile(browser, **({"family_name": "Giữ Lại"} | wrong)))
    assert answer.status_code == 422
    field = page_of(answer).find(id=next(iter(wrong)))
    assert field["aria-invalid"] == "true"
    assert sentence in page_of(answer).find(id=f"{field['id']}-error").text
    assert "family_name" in wrong or 'value="Giữ Lại"' in answer.text
    assert stored("lan") == before


def test_a_form_that_is_older_than_the_account_is_not_saved_unseen(client, stored):
    browser = client("lan")
    old = profile(browser, given_name="Cũ")
    browser.post(HERE + "ho-so", data=profile(browser, time_zone="Asia/Tokyo"))
    answer = browser.post(HERE + "ho-so", data=old)
    assert answer.status_code == 409
    assert 'value="Cũ"' in answer.text
    assert "Cũ" not in stored("lan")[0]
    again = page_of(answer).find("form", action="/tai-khoan/ho-so").find("input", attrs={"name": "rev"})["value"]
    assert browser.post(HERE + "ho-so", data={**old, "rev": again}).status_code == 302
    assert stored("lan")[0].endswith("Cũ")


def test_a_nul_is_refused(client):
    browser = client("lan")
    sent = [
        ("ho-so", profile(browser, given_name="a\0b")),
        ("mat-khau", passwords(new="abcd\0efgh ijk")),
        ("ngon-ngu", {"language": "vi\0"}),
        ("ngon-ngu", {"language": "vi", "back": "/\0"}),
    ]
    for action, data in sent:
        assert browser.post(HERE + action, data=data).status_code == 400, action


# ── language ──
@pytest.mark.both_databases
def test_the_chosen_language_holds_on_every_page_that_follows(client, stored):
    browser = client("lan")
    answer = browser.post(HERE + "ngon-ngu", data={"language": "en", "back": "/khach-hang/list/?q=mai"})
    assert (answer.status_code, answer.location) == (302, "/khach-hang/list/?q=mai")
    for address in ("/", "/khach-hang/list/", HERE):
        assert page_of(browser.get(address)).html["lang"] == "en", address
    assert page_of(client("lan").get(HERE)).h1.text == "Your account"  # on another device too
    assert stored("lan")[3] == "en"
    assert stored("minh")[3] == "vi"


def test_it_is_said_in_the_language_that_was_chosen(client):
    browser = client("lan")
    browser.post(HERE + "ngon-ngu", data={"language": "en", "back": "/"})
    assert "Now in English." in browser.get("/").text
    browser.post(HERE + "ngon-ngu", data={"language": "vi", "back": "/"})
    assert "Đã chuyển sang Tiếng Việt." in browser.get("/").text


@pytest.mark.parametrize("language", ["", "fr", "vi_VN", "EN", "x" * 10_000])
def test_a_language_that_is_not_there_is_refused_with_a_sentence(client, stored, language):
    answer = client("lan").post(HERE + "ngon-ngu", data={"language": language, "back": "/"})
    assert answer.status_code == 400
    assert "Chọn Tiếng Việt hoặc English." in answer.text
    assert stored("lan")[3] == "vi"


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", None])
def test_after_choosing_one_stays_in_the_house(client, back):
    data = {"language": "en"} | ({"back": back} if back else {})
    assert client("lan").post(HERE + "ngon-ngu", data=data).location == "/"


def test_no_address_alone_changes_anything(client, stored):
    browser = client("lan")
    for address in (HERE + "ngon-ngu?language=en", HERE + "ho-so", HERE + "mat-khau", HERE + "thiet-bi/ket-thuc-khac"):
        assert browser.get(address).location == HERE
    browser.get("/?lang=en")
    assert stored("lan")[3] == "vi"


# ── password ──
@pytest.mark.both_databases
def test_the_new_password_counts_and_ends_every_other_browser_and_program(app, client, token):
    here, other, headers, binh = client("lan"), client("lan"), token("lan"), client("binh")
    assert here.post(HERE + "mat-khau", data=passwords()).status_code == 302
    assert is_in(here)
    assert not is_in(other)
    assert app.test_client().get(PROBE, headers=headers).status_code == 401
    assert is_in(binh)
    for password, status in ((PASSWORD, 401), (NEW, 302)):
        assert app.test_client().post("/login/", data={"username": "lan", "password": password}).status_code == status


def test_a_stolen_copy_of_this_very_cookie_is_out_with_the_old_password(app, client):
    here, thief = client("lan"), app.test_client()
    thief.set_cookie("tantam", here.get_cookie("tantam").value)
    assert is_in(thief)
    here.post(HERE + "mat-khau", data=passwords())
    assert not is_in(thief)
    assert is_in(here)
    assert len(devices(here)) == 1


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        (passwords(present="sai bét"), "present", "không phải mật khẩu hiện tại"),
        (passwords(present=""), "present", "Nhập mật khẩu bạn đang dùng."),
        (passwords(new="x7!"), "password", "ít nhất 8 ký tự. Ví dụ:"),
        (passwords(new="x" * 129), "password", "tối đa 128 ký tự. Ví dụ:"),
        (passwords(new="matkhau2026"), "password", "Quá dễ đoán."),
        (passwords(new="mưa chiều thứ tư"), "password", "câu ví dụ"),
        (passwords(new=PASSWORD), "password", "đang dùng"),
        (passwords(again="khác hẳn"), "repeat", "Hai mật khẩu khác nhau."),
        (passwords(present="x" * 100_000), "present", "1000"),
    ],
    ids=["wrong", "none", "short", "long", "easy", "example", "same", "differ", "huge"],
)
def test_a_refused_password_is_told_beside_its_field_with_the_reason(app, client, typed, field, sentence):
    browser, other = client("lan"), client("lan")
    answer = browser.post(HERE + "mat-khau", data=typed)
    assert answer.status_code == 422
    assert sentence in page_of(answer).find(id=f"{field}-error").text
    assert all(secret not in answer.text for secret in typed.values() if secret and secret != "mưa chiều thứ tư")
    assert is_in(other)
    assert app.test_client().post("/login/", data={"username": "lan", "password": PASSWORD}).status_code == 302


def test_the_rules_are_said_before_one_types(client):
    page = page_of(client("lan").get(HERE))
    assert "Từ 8 đến 128 ký tự" in page.find(id="password-help").text
    assert page.find(id="password")["aria-describedby"] == "password-help"


@pytest.mark.both_databases
def test_a_browser_left_open_is_no_place_to_guess_the_password(app, client):
    browser = client("lan")
    for _try in range(TRIES):
        assert browser.post(HERE + "mat-khau", data=passwords(present="sai bét")).status_code == 422
    for present in ("sai bét", PASSWORD):
        refused = browser.post(HERE + "mat-khau", data=passwords(present=present))
        assert refused.status_code == 429
        assert "thử quá nhiều lần" in page_of(refused).find(id="present-error").text
    with app.app_context():
        lan = Cast(db.session()).member("lan")
        noted = select(func.count()).where(AuditEvent.name == "password_not_confirmed", AuditEvent.actor_id == lan.id)
        assert db.session.scalar(noted) == TRIES


def test_tries_here_and_at_the_door_are_counted_together(app, client):
    browser = client("lan")
    for _try in range(TRIES):
        app.test_client().post("/login/", data={"username": "lan", "password": "sai"},
                               environ_base={"REMOTE_ADDR": "10.0.0.9"})  # fmt: skip
    assert browser.post(HERE + "mat-khau", data=passwords()).status_code == 429


def test_the_audit_log_knows_of_the_change_and_not_of_the_password(app, client):
    client("lan").post(HERE + "mat-khau", data=passwords())
    with app.app_context():
        told = [str(row.changes) for row in db.session.scalars(select(AuditEvent))]
    assert any("'password': ['…', '…']" in one for one in told)
    assert not any(NEW in one or PASSWORD in one for one in told)


# ── devices ──
def devices(browser) -> list[str]:
    return [" ".join(one.text.split()) for one in page_of(browser.get(HERE)).select(".tt-devices > li")]


def test_devices_are_told_in_words_this_one_first(app, client, token):
    phone = app.test_client()
    phone.post("/login/", data={"username": "lan", "password": PASSWORD}, headers={"User-Agent": IPHONE},
               environ_base={"REMOTE_ADDR": "10.1.2.3"})  # fmt: skip
    desk = app.test_client()
    desk.post("/login/", data={"username": "lan", "password": PASSWORD}, headers={"User-Agent": CHROME})
    token("lan")
    client("binh")
    shown = devices(desk)
    assert len(shown) == 3
    assert "Chrome trên Windows" in shown[0]
    assert "Thiết bị này" in shown[0]
    assert "Chương trình:" in shown[1]
    assert "Safari trên iPhone" in shown[2]
    assert "10.1.2.3" in shown[2]
    assert not any("Thiết bị này" in one for one in shown[1:])


def test_what_has_ended_or_expired_is_not_shown(client):
    with clock.at(clock.now() - SIGN_IN_LASTS):
        client("lan")
    browser = client("lan")
    client("lan").post("/logout/")
    assert len(devices(browser)) == 1


@pytest.mark.both_databases
def test_an_ended_device_is_out_and_the_others_stay(app, client):
    desk, phone = client("lan"), client("lan")
    with app.app_context():
        sign_in = db.session.scalars(select(SignIn.id).order_by(SignIn.id.desc())).first()
    assert desk.post(f"{HERE}thiet-bi/{sign_in}/ket-thuc").location == HERE
    assert not is_in(phone)
    assert is_in(desk)
    assert len(devices(desk)) == 1
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.name == "sign_ins_ended")).one()
        assert event.changes == {"reason": "by_owner", "count": 1}
    assert desk.post(f"{HERE}thiet-bi/{sign_in}/ket-thuc").status_code == 302  # pressed twice


def test_a_program_can_be_put_out_too(app, client, token):
    desk, headers = client("lan"), token("lan")
    button = page_of(desk.get(HERE)).find("form", action=re.compile(r"/thiet-bi/\d+/ket-thuc"))
    desk.post(button["action"])
    assert app.test_client().get(PROBE, headers=headers).status_code == 401


@pytest.mark.parametrize("username", ["minh", "hoa"])
def test_another_ones_device_is_not_there_not_even_for_his_head_or_an_admin(app, client, username):
    lan = client("lan")
    with app.app_context():
        sign_in = db.session.scalars(select(SignIn.id)).one()
    assert client(username).post(f"{HERE}thiet-bi/{sign_in}/ket-thuc").status_code == 404
    assert is_in(lan)


@pytest.mark.parametrize("number", ["0", "999", "4294967296", "abc", "-1", "%00"])
def test_a_device_that_never_was_is_not_there(client, number):
    assert client("lan").post(f"{HERE}thiet-bi/{number}/ket-thuc").status_code in (400, 404)


def test_all_others_are_out_at_once(app, client, token):
    desk, phone, headers, binh = client("lan"), client("lan"), token("lan"), client("binh")
    assert desk.post(HERE + "thiet-bi/ket-thuc-khac").location == HERE
    assert "2 thiết bị khác" in desk.get(HERE).text
    assert is_in(desk)
    assert not is_in(phone)
    assert app.test_client().get(PROBE, headers=headers).status_code == 401
    assert is_in(binh)
    desk.post(HERE + "thiet-bi/ket-thuc-khac")
    assert "chỉ đang đăng nhập trên thiết bị này" in desk.get(HERE).text


def test_every_button_here_asks_for_the_token_of_the_page(app, client, monkeypatch, stored):
    browser = client("lan")
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    sent = {
        "ho-so": {"given_name": "Kẻ Gian"},
        "mat-khau": passwords(),
        "ngon-ngu": {"language": "en"},
        "thiet-bi/1/ket-thuc": {},
        "thiet-bi/ket-thuc-khac": {},
    }
    for action, data in sent.items():
        assert browser.post(HERE + action, data=data).status_code == 400, action
    assert stored("lan")[3] == "vi"
    assert is_in(browser)


@pytest.mark.parametrize(
    ("agent", "words", "handheld"),
    [
        (CHROME, "Chrome trên Windows", False),
        (IPHONE, "Safari trên iPhone", True),
        (CHROME.replace("Chrome/", "coc_coc_browser/120 Chrome/"), "Cốc Cốc trên Windows", False),
        (CHROME + " Edg/130.0", "Edge trên Windows", False),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox trên Linux", False),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit Chrome/120 Mobile Safari/537.36 Zalo android/1",
         "Zalo trên Android", True),
        ("python-requests/2.32", "python-requests", False),
        ("", "Thiết bị không xác định", False),
        (None, "Thiết bị không xác định", False),
        ("<script>alert(1)</script>" * 20, "<script>alert(1)<", False),
    ],
    ids=str,
)  # fmt: skip
def test_a_browser_is_called_by_what_people_call_it(app, agent, words, handheld):
    with app.test_request_context():
        assert str(device_words(agent)) == words
    assert is_handheld(agent) is handheld


def test_a_device_that_calls_itself_a_program_runs_nothing(app):
    browser = app.test_client()
    browser.post("/login/", data={"username": "lan", "password": PASSWORD}, headers={"User-Agent": "<script>x"})
    assert "<script>x" not in browser.get(HERE).text


def test_one_members_page_does_not_tell_of_another(client, app):
    with app.app_context():
        names = {member.name for member in db.session.scalars(select(Member))}
        mine = Cast(db.session()).member("lan").name
    shown = client("lan").get(HERE).text
    assert mine in shown
    assert not [name for name in names - {mine} if name in shown]
