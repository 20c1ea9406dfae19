from __future__ import annotations

import email
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.policy import default

import pytest
from aiosmtpd.smtp import AuthResult
from hypothesis import given
from hypothesis import strategies as st

from app.notifications import jobs
from app.notifications.channels import DeliveryError
from app.notifications.channels.settings import SmtpServer
from app.notifications.channels.smtp import LONGEST_MAIL, Mail, SmtpConnection, build_message
from app.notifications.models import Security
from app.notifications.rules import SILENT, STRANGE_LETTERS, UNREACHABLE, UNWRITABLE
from tests.notifications.sink import Sink, dripper, talker

MAIL = Mail(
    id=1,
    message_id="<abc@phosen.example>",
    from_address="Tận Tâm <cskh@phosen.example>",
    to_address="lan@phosen.example",
    subject="Quá hạn: Gọi lại",
    body_text="Chào bạn,\n.\n..\nHết\n",
    body_html="<p>Chào bạn</p>",
    created_at=datetime(2026, 11, 23, 2, 0, tzinfo=UTC),
    attempts=1,
    failing_since=None,
)


class Elsewhere(SmtpServer):
    """The same server, as if it stood on another machine."""

    is_this_machine = False


def send(server: SmtpServer, *mails: Mail) -> None:
    with SmtpConnection(server, timeout=30) as connection:
        for mail in mails or (MAIL,):
            connection.send(mail)


def test_lines_with_dots_arrive_as_they_are(sink):
    send(SmtpServer("127.0.0.1", sink.port))
    assert sink.mails[0].get_body(("plain",)).get_content().replace("\r\n", "\n") == MAIL.body_text
    assert sink.mails[0]["Date"].datetime == MAIL.created_at


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_subject_or_text_makes_a_header(subject, body):
    safe = body.encode("utf-8", "replace").decode()
    message = build_message(replace(MAIL, subject=f"x\r\nBcc: a@b.vn\n{subject}", body_text=safe))
    read = email.message_from_bytes(message.as_bytes(), policy=default)
    assert set(read.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"
    }  # fmt: skip
    assert read["Bcc"] is None
    assert message.as_bytes().isascii()


@pytest.mark.parametrize("to", ["a@b.vn\r\nBcc: c@d.vn", "a@b.vn> SIZE=1\r\nRCPT TO:<c@d.vn", "a@b.vn,c@d.vn", ""])
def test_an_address_that_would_say_more_is_refused_before_the_server_hears_of_it(sink, to):
    with pytest.raises(DeliveryError) as refused:
        send(SmtpServer("127.0.0.1", sink.port), replace(MAIL, to_address=to))
    assert refused.value.permanent
    assert sink.connections == 0


def test_an_address_with_vietnamese_letters_needs_a_server_that_takes_it(sink):
    with pytest.raises(DeliveryError) as refused:
        send(SmtpServer("127.0.0.1", sink.port), replace(MAIL, to_address="nguyễn@phosen.example"))
    assert refused.value.permanent
    assert str(refused.value).startswith((UNWRITABLE, STRANGE_LETTERS))


def test_encryption_is_used_when_offered():
    with Sink().running(starttls=True) as sink:
        send(SmtpServer("127.0.0.1", sink.port), MAIL, MAIL)
    assert sink.encrypted == [True, True]


def test_a_certificate_that_nobody_signed_is_taken_from_this_machine_only():
    with Sink().running(starttls=True) as sink:
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED") as refused:
            send(Elsewhere("127.0.0.1", sink.port))
        assert refused.value.unreachable
        assert sink.mails == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_signing_in():
    def check(_server, _session, _envelope, _mechanism, data) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"cskh", b"geheim"))

    with Sink().running(authenticator=check, auth_required=True, auth_require_tls=False) as sink:
        send(SmtpServer("127.0.0.1", sink.port, user="cskh", password="geheim"))
    assert len(sink.mails) == 1


def test_a_wrong_password_is_our_fault_and_not_the_mails():
    heard = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "535 wrong"}
    with talker(heard) as port, pytest.raises(DeliveryError, match="535") as refused:
        send(SmtpServer("127.0.0.1", port, user="cskh", password="geheim"))
    assert refused.value.unreachable
    assert "geheim" not in str(refused.value)


def test_no_password_leaves_this_machine_unencrypted():
    heard = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "235 thanks"}
    with talker(heard) as port, pytest.raises(DeliveryError, match="not sent") as refused:
        send(Elsewhere("127.0.0.1", port, user="cskh", password="geheim"))
    assert refused.value.unreachable


def test_a_connection_that_the_server_dropped_between_two_mails_is_begun_anew(sink):
    with SmtpConnection(SmtpServer("127.0.0.1", sink.port), timeout=30) as connection:
        connection.send(MAIL)
        connection._smtp.sock.shutdown(2)
        connection.send(MAIL)
    assert len(sink.mails) == sink.connections == 2


def test_a_refused_mail_does_not_spoil_the_next(sink):
    sink.replies["gone@phosen.example"] = ["550 no"]
    with SmtpConnection(SmtpServer("127.0.0.1", sink.port), timeout=30) as connection:
        with pytest.raises(DeliveryError, match="RCPT TO: 550 no"):
            connection.send(replace(MAIL, to_address="gone@phosen.example"))
        connection.send(MAIL)
    assert sink.recipients == ["lan@phosen.example"]
    assert sink.connections == 1


@pytest.mark.parametrize(
    ("greeting", "drop", "secure"),
    [
        (b"", b"2", False),  # a line that never ends
        (b"", b"220-wait\r\n", False),  # an answer that never ends
        (b"220 here\r\n", b"250-wait\r\n", False),
        (b"220 here\r\n250 here\r\n250 ok\r\n", b"2", False),  # with the mail begun
        (b"", b"\x16\x03\x03\x40\x00", True),  # encryption that never comes about
    ],
)
def test_a_server_that_drips_its_answers_is_cut_off(greeting, drop, secure):
    with dripper(drop, greeting=greeting) as port:
        server = SmtpServer("127.0.0.1", port, security=Security.tls if secure else Security.offered)
        with (
            SmtpConnection(server, timeout=10, longest=0.3) as connection,
            pytest.raises(DeliveryError, match=r"longer than 0\.3 s") as refused,
        ):
            connection.send(MAIL)
    assert refused.value.unreachable or not refused.value.answered
    assert str(refused.value).startswith(UNREACHABLE if refused.value.unreachable else SILENT)


def test_one_mail_never_outlasts_its_lease():
    for_the_name_server = 30
    assert LONGEST_MAIL + for_the_name_server < (jobs.LEASE - jobs.RENEW_AFTER).total_seconds()


def test_the_time_is_each_mails_own(sink):
    with SmtpConnection(SmtpServer("127.0.0.1", sink.port), timeout=30, longest=4) as connection:
        for _mail in range(3):
            sink.before_250 = lambda: time.sleep(1.5)
            connection.send(MAIL)
    assert len(sink.mails) == 3
    assert sink.connections == 1
