"""Hoa sets the mail server in the browser, tries it before she saves, and nobody reads its password again."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.notifications.channels.settings import MailSettings, SmtpServer, configure, operators_settings
from app.notifications.mail_server import PAUSE
from app.notifications.queries import mail_settings
from tests.notifications.sink import Sink

PAGE = "/quan-tri/thu/"
TRY = "/quan-tri/thu/thu"
SECRET = "sen-hong-8812"
TYPED = {"host": "smtp.sen.vn", "port": "587", "security": "starttls", "username": "cskh", "password": SECRET,
         "sender_address": "cskh@sen.vn", "rev": "0"}  # fmt: skip


@pytest.fixture
def operator():
    """operator(SmtpServer(…)): what was set at the start."""
    before = operators_settings()
    yield lambda server: configure(MailSettings(server=server, sender=before.sender))
    configure(before)


@pytest.mark.parametrize("who", ["lan", "minh", "tuan"])
def test_only_those_who_may_set_up_the_company_come_here(client, who):
    browser = client(who)
    assert browser.get(PAGE).status_code == 403
    assert browser.post(PAGE, data=TYPED).status_code == 403
    assert browser.post(TRY, data=TYPED).status_code == 403


@pytest.mark.both_databases
def test_what_is_saved_holds_at_once_and_the_password_is_never_shown(app, client):
    hoa = client("hoa")
    assert hoa.post(PAGE, data=TYPED).status_code == 302
    with app.app_context():
        assert mail_settings(db.session()).server == SmtpServer(
            "smtp.sen.vn", 587, "cskh", SECRET, mail_settings(db.session()).server.security
        )
    pages = [hoa.get(path).text for path in (PAGE, "/quan-tri/", "/nhat-ky/list/")]
    assert not [page for page in pages if SECRET in page]
    page = BeautifulSoup(pages[0], "lxml")
    assert page.find(id="host")["value"] == "smtp.sen.vn"
    assert not page.find(id="password").get("value")
    assert "smtp.sen.vn:587" in pages[1]
    kept = {**TYPED, "rev": "1", "password": "", "security": "tls", "port": "587"}
    assert hoa.post(PAGE, data=kept).status_code == 302
    elsewhere = hoa.post(PAGE, data={**kept, "rev": "2", "host": "smtp.khac.vn"})
    assert elsewhere.status_code == 422
    assert "nhập lại mật khẩu" in elsewhere.text
    assert 'value="smtp.khac.vn"' in elsewhere.text  # nothing typed is lost


def test_typed_settings_are_tried_before_they_are_saved(app, client):
    hoa = client("hoa")
    with Sink().running() as sink:
        typed = {"host": "127.0.0.1", "port": str(sink.port), "security": "none", "sender_address": "cskh@sen.vn",
                 "mail_from_name": "Phở Sen", "rev": "0"}  # fmt: skip
        good = hoa.post(TRY, data=typed)
        assert "đã nhận thư" in good.text
        assert (sink.mails[0]["From"], sink.recipients) == ("Phở Sen <cskh@sen.vn>", ["hoa@phosen.example"])
        assert "Bạn vừa thử" in hoa.post(TRY, data=typed).text
        assert len(sink.mails) == 1
        with clock.at(clock.now() + PAUSE):
            sink.mail_reply = "550 5.7.60 SMTP; Client does not have permissions"
            bad = hoa.post(TRY, data=typed)
    assert "địa chỉ người gửi" in bad.text
    assert "5.7.60" in bad.text  # the server's own words beside ours
    with app.app_context():
        assert mail_settings(db.session()).server is None
        tried = db.session.query(AuditEvent).filter_by(name="mail_server.tried").all()
    assert [event.changes["host"] for event in tried] == [[None, "127.0.0.1"]] * 2


def test_a_try_tells_what_is_wrong_with_the_fields_and_calls_nobody(client):
    told = client("hoa").post(TRY, data={**TYPED, "host": "169.254.169.254"})
    assert "không có máy chủ thư" in told.text.lower()
    assert client("hoa").post(TRY, data={**TYPED, "host": ""}).status_code == 200


def test_what_the_operator_has_set_is_shown_and_not_changed_here(app, client, operator):
    operator(SmtpServer("mail.noi-bo", 25, "may", "rat-bi-mat"))
    hoa = client("hoa")
    page = hoa.get(PAGE)
    assert "TANTAM_SMTP_URL" in page.text
    assert "mail.noi-bo" in page.text
    assert "rat-bi-mat" not in page.text
    assert BeautifulSoup(page.text, "lxml").find(id="host") is None
    assert hoa.post(PAGE, data={"sender_address": "cskh@sen.vn", "rev": "0", "host": "smtp.khac.vn"}).status_code == 302
    with app.app_context():
        assert mail_settings(db.session()).server.host == "mail.noi-bo"
        assert mail_settings(db.session()).sender_address == "cskh@sen.vn"
