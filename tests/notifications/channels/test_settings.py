from __future__ import annotations

import pytest

from app.notifications.channels.settings import MailSettings, SmtpServer, parse_smtp_url
from app.notifications.models import Security


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", None),
        ("  ", None),
        ("smtp://127.0.0.1:2525", SmtpServer("127.0.0.1", 2525)),
        ("smtp://mail.phosen.vn", SmtpServer("mail.phosen.vn", 25)),
        ("smtps://mail.phosen.vn", SmtpServer("mail.phosen.vn", 465, security=Security.tls)),
        ("smtp://[::1]:25/", SmtpServer("::1", 25)),
        (
            "smtp://cskh%40phosen.vn:m%C3%A2t%3Akh%E1%BA%A9u@mail:587",
            SmtpServer("mail", 587, "cskh@phosen.vn", "mât:khẩu"),
        ),
    ],
)
def test_addresses_of_mail_servers(url, server):
    assert parse_smtp_url(url) == server


@pytest.mark.parametrize(
    "url", ["mail.phosen.vn", "http://mail", "smtp://", "smtp://host:port", "smtp://u:geheim@h:99999", "smtp://h?x=1"]
)
def test_wrong_addresses_are_refused_without_telling_the_password(url):
    with pytest.raises(ValueError, match="TANTAM_SMTP_URL") as refused:
        parse_smtp_url(url)
    assert "geheim" not in str(refused.value)


def test_a_password_is_never_shown():
    assert "geheim" not in repr(MailSettings(server=parse_smtp_url("smtp://u:geheim@mail")))


@pytest.mark.parametrize("sender", ["", "Tận Tâm", "Tận Tâm <x>", "a@b.vn\r\nBcc: c@d.vn"])
def test_a_wrong_sender_is_refused(sender):
    with pytest.raises(ValueError, match="TANTAM_MAIL_FROM"):
        MailSettings(sender=sender)


@pytest.mark.parametrize(
    ("host", "is_it"), [("localhost", True), ("127.0.0.2", True), ("::1", True), ("10.0.0.1", False), ("mail", False)]
)
def test_which_servers_are_on_this_machine(host, is_it):
    assert SmtpServer(host, 25).is_this_machine is is_it
