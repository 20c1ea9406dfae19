"""The mail server is set in the browser: its password is kept locked, and goes to its own server alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiosmtpd.smtp import AuthResult
from sqlalchemy import func, select, text

from app.core import settings, vault
from app.core.access import SYSTEM
from app.core.audit import AuditEvent, AuditSensitive
from app.core.db import transaction
from app.core.errors import ConflictError, InvalidInputError
from app.core.leases import LeaseState
from app.notifications import jobs, mail_server
from app.notifications.channels.settings import MailSettings, SmtpServer, configure, is_out_of_bounds
from app.notifications.channels.smtp import Logo, SmtpConnection, build_message
from app.notifications.mail_server import Trial, run_trial, save_mail_server
from app.notifications.models import MailServer, Security
from app.notifications.queries import mail_settings
from app.notifications.rules import render, template_kinds
from app.notifications.server_rules import TypedServer
from tests.notifications.channels.test_smtp import MAIL, Elsewhere
from tests.notifications.sink import Sink, talker
from tests.ports import free_port

SECRET = "ngoc-lan-7734"
TYPED = TypedServer(host="smtp.phosen.example", port="587", security="starttls", username="cskh", password=SECRET)


@pytest.fixture(autouse=True)
def locked(mail_by):
    vault.configure("a secret for tests alone, long enough")


@pytest.fixture
def save(session):
    """Save as the form does, on what was last saved."""

    def run(typed: TypedServer, rev: int | None = None) -> None:
        with transaction(SYSTEM) as inside:
            row = inside.get(MailServer, 1)
            save_mail_server(inside, typed, rev=(row.rev if row else 0) if rev is None else rev, by=SYSTEM)

    return run


def problems(save, typed: TypedServer) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as refused:
        save(typed)
    return {key: str(told[0]) for key, told in refused.value.fields.items()}


def test_what_is_set_is_used_by_the_next_run_without_a_restart(a_mail, mail_row, session, save, sink):
    settings.put(session, "company_name", "Phở Sen", by=SYSTEM)
    session.commit()
    mail_id = a_mail()
    assert jobs.dispatch_outbox() == 0
    save(TypedServer(host="127.0.0.1", port=str(sink.port), security="none", sender_address="cskh@sen.vn",
                     reply_to="hoi@sen.vn", mail_from_name="Chăm sóc Phở Sen"))  # fmt: skip
    assert jobs.dispatch_outbox() == 1
    (mail,) = sink.mails
    assert (mail["From"], mail["Reply-To"]) == ("Chăm sóc Phở Sen <cskh@sen.vn>", "hoi@sen.vn")
    assert mail_row(mail_id).from_address == "Chăm sóc Phở Sen <cskh@sen.vn>"
    again = a_mail()
    save(TypedServer())
    assert jobs.dispatch_outbox() == 0
    assert mail_row(again).status is LeaseState.waiting


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_the_kept_password_signs_in_over_starttls(a_mail, save):
    def check(_server, session, _envelope, _mechanism, data) -> AuthResult:
        return AuthResult(success=session.ssl is not None and (data.login, data.password) == (b"cskh", SECRET.encode()))

    with Sink().running(starttls=True, authenticator=check, auth_required=True) as sink:
        a_mail()
        save(replace(TYPED, host="127.0.0.1", port=str(sink.port)))
        assert jobs.dispatch_outbox() == 1
        assert sink.encrypted == [True]


def test_the_password_lies_nowhere_in_the_clear(session, save):
    save(TYPED)
    save(replace(TYPED, password="mat-khau-moi-99"))
    kept = [
        str(row)
        for table in ("mail_server", "audit_event", "audit_sensitive", "setting")
        for row in session.execute(text(f"SELECT * FROM {table}"))
    ]
    assert kept
    assert not [row for row in kept if SECRET in row or "mat-khau-moi-99" in row]
    password = session.execute(text("SELECT password FROM mail_server")).scalar_one()
    told = session.scalars(select(AuditEvent).where(AuditEvent.table_name == "mail_server")).all()
    assert [event.changes["password"] for event in told] == [[None, "…"], ["…", "…"]]
    assert not [event for event in told if password in str(event.changes)]
    assert session.scalar(select(func.count()).where(AuditSensitive.field == "password")) == 0
    assert "mat-khau" not in repr(mail_settings(session))
    assert "mat-khau" not in repr(replace(TYPED, password="mat-khau-moi-99"))


@pytest.mark.parametrize("other", [{"host": "smtp.evil.example"}, {"port": "2525"}, {"username": "khac"}])
def test_the_password_goes_to_no_other_server_unless_it_is_typed_again(session, save, other):
    save(TYPED)
    assert "smtp.phosen.example" in problems(save, replace(TYPED, password="", **other))["password"]
    assert mail_settings(session).server.host == "smtp.phosen.example"
    save(replace(TYPED, password="", security="tls"))
    assert mail_settings(session).server.password == SECRET
    save(replace(TYPED, password="khac-roi-1234", **other))
    session.expire_all()
    assert mail_settings(session).server.password == "khac-roi-1234"


def test_a_row_that_was_changed_past_the_product_gives_the_password_to_nobody(session, save):
    save(TYPED)
    with transaction(SYSTEM) as inside:
        inside.execute(text("UPDATE mail_server SET host = 'smtp.evil.example'"))
    session.expire_all()
    assert (mail_settings(session).server, mail_settings(session).password_is_lost) == (None, True)


def test_with_another_key_the_password_is_asked_for_again_and_mails_wait(a_mail, mail_row, session, save):
    save(TYPED)
    mail_id = a_mail()
    vault.configure("another secret for tests, long enough")
    assert mail_settings(session).password_is_lost
    assert jobs.dispatch_outbox() == 0
    assert mail_row(mail_id).status is LeaseState.waiting
    assert list(problems(save, replace(TYPED, password=""))) == ["password"]
    save(TYPED)
    session.expire_all()
    assert mail_settings(session).server.password == SECRET


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"host": "smtp://x"}, "host"),
        ({"host": "hai ten"}, "host"),
        ({"host": "169.254.169.254"}, "host"),
        ({"host": "[fe80::1]"}, "host"),
        ({"host": "::ffff:169.254.169.254"}, "host"),
        ({"port": "0"}, "port"),
        ({"port": "99999"}, "port"),
        ({"port": "năm"}, "port"),
        ({"security": "ssl3"}, "security"),
        ({"security": "offered"}, "security"),
        ({"security": "none"}, "security"),
        ({"password": ""}, "password"),
        ({"password": "x" * 201}, "password"),
        ({"sender_address": "Sen <a@b.vn>"}, "sender_address"),
        ({"sender_address": "a..b@c.vn"}, "sender_address"),
        ({"sender_address": "a@c..vn"}, "sender_address"),
        ({"sender_address": "nguyễn@c.vn"}, "sender_address"),
        ({"reply_to": "=?utf-8?q?a?=@c.vn"}, "reply_to"),
        ({"reply_to": "a@b.vn\r\nBcc: c@d.vn"}, "reply_to"),
        ({"mail_from_name": "x" * 101}, "mail_from_name"),
    ],
)
def test_what_is_no_setting_is_told_beside_its_field(session, save, typed, field):
    assert list(problems(save, replace(TYPED, **typed))) == [field]
    assert session.get(MailServer, 1) is None


def test_two_who_save_at_once_do_not_overwrite_each_other(save):
    save(TYPED)
    with pytest.raises(ConflictError):
        save(TYPED, rev=0)


def test_the_operators_server_goes_before_and_stays(session, save):
    save(TYPED)
    configure(MailSettings(server=SmtpServer("mail.noi-bo", 25), sender="Tận Tâm <may@sen.vn>"))
    now = mail_settings(session)
    assert (now.server.host, now.is_of_the_operator, now.sender_address) == ("mail.noi-bo", True, "may@sen.vn")
    save(TypedServer(sender_address="cskh@sen.vn"))
    session.expire_all()
    assert mail_settings(session).sender_address == "cskh@sen.vn"
    assert session.get_one(MailServer, 1).host == "smtp.phosen.example"


@pytest.mark.parametrize(
    ("address", "is_it"),
    [
        ("169.254.169.254", True), ("fe80::1%eth0", True), ("::ffff:169.254.169.254", True), ("0.0.0.0", True),
        ("64:ff9b::a9fe:a9fe", True), ("2002:a9fe:a9fe::1", True), ("fd00:ec2::254", True), ("224.0.0.1", True),
        ("100.100.100.200", True), ("127.0.0.1", False), ("10.0.0.5", False), ("::1", False), ("2001:db8::5", False),
    ],
)  # fmt: skip
def test_where_no_mail_server_is(address, is_it):
    assert is_out_of_bounds(address) is is_it


# ── a try tells in plain words what to look at ──
def told(server: SmtpServer) -> tuple[bool, str]:
    outcome = run_trial(Trial(server, MAIL, None))
    return outcome.went, str(outcome.told)


def test_a_name_that_leads_to_the_metadata_of_the_machine_is_not_called(app):
    assert "leads to an address" in told(SmtpServer("2852039166", 25))[1]  # 169.254.169.254 as one number


@pytest.mark.parametrize(
    ("heard", "security", "words"),
    [
        ({"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "535 5.7.8 wrong"}, Security.none, "refuses the user name"),
        ({"EHLO": "250 here"}, Security.starttls, "offers no STARTTLS"),
        ({"EHLO": "250 here"}, Security.none, "One cannot sign in"),
        ({"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": None}, Security.none, "broke off while"),
    ],
)
def test_why_it_did_not_go_is_told_so_that_one_knows_where_to_look(app, monkeypatch, heard, security, words):
    monkeypatch.setattr(mail_server, "_PATIENCE", 0.5)
    with talker(heard) as port:
        went, sentence = told(SmtpServer("127.0.0.1", port, "cskh", SECRET, security))
    assert not went
    assert words in sentence


def test_what_the_server_says_of_sender_and_reader_is_told_apart(app, sink):
    server = SmtpServer("127.0.0.1", sink.port, security=Security.none)
    sink.mail_reply = "530 5.7.0 Authentication required"
    assert "wants a user name" in told(server)[1]
    sink.mail_reply = "550 5.7.1 not your address"
    assert "this sender address" in told(server)[1]
    sink.mail_reply = None
    sink.replies[MAIL.to_address] = ["550 gone"]
    assert "does not take mail for your address" in told(server)[1]
    assert told(server)[0]
    assert "does not speak TLS" in told(replace(server, security=Security.tls))[1]
    assert "takes no calls" in told(SmtpServer("127.0.0.1", free_port()))[1]


def test_a_server_whose_certificate_nobody_signed_is_told_so(app):
    with Sink().running(starttls=True) as sink:
        assert "certificate" in told(Elsewhere("127.0.0.1", sink.port, security=Security.starttls))[1]


def test_required_encryption_is_not_done_without():
    with talker({"EHLO": "250 here"}) as port, SmtpConnection(
        SmtpServer("127.0.0.1", port, security=Security.starttls), timeout=10
    ) as connection, pytest.raises(Exception, match="STARTTLS"):  # fmt: skip
        connection.send(MAIL)


# ── whose mail it is ──
def test_every_mail_says_whose_company_it_is_and_how_it_is_reached(a_mail, mail_row, session):
    for key, value in {"company_name": "Phở Sen & Con", "address": "12 Nguyễn Huệ", "phone": "1900 1234",
                       "website": "phosen.vn"}.items():  # fmt: skip
        settings.put(session, key, value, by=SYSTEM)
    session.commit()
    row = mail_row(a_mail(language="vi"))
    assert row.body_text.endswith("-- \nPhở Sen & Con\n12 Nguyễn Huệ\nHotline: 1900 1234 · phosen.vn\n")
    assert "<b>Phở Sen &amp; Con</b>" in row.body_html
    kind = next(iter(template_kinds.values()))
    signed = render(kind, subject="", body="Trân trọng,\nPhở Sen", values={}, language="vi", footer=["Phở Sen", "Huế"])
    assert (signed.text.count("Phở Sen"), signed.html.count("Phở Sen"), "Huế" in signed.html) == (1, 1, True)


def test_a_small_logo_goes_along_inside_of_the_mail():
    html = MAIL.body_html + "<!-- logo -->"
    message = build_message(replace(MAIL, body_html=html), Logo(b"\x89PNG", "png"))
    (picture,) = [part for part in message.walk() if part.get_content_maintype() == "image"]
    assert picture["Content-ID"] == "<logo@tantam>"
    assert 'src="cid:logo@tantam"' in message.get_body(("html",)).get_content()
    without = build_message(replace(MAIL, body_html=html))
    assert "cid:" not in without.get_body(("html",)).get_content()
