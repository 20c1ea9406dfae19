from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from email.message import EmailMessage
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, text

from app.core import clock, leases
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.errors import ConflictError
from app.core.leases import LeaseState
from app.notifications import events, jobs
from app.notifications.channels import smtp
from app.notifications.channels.settings import MailSettings, configure, parse_smtp_url
from app.notifications.models import Outbox
from app.notifications.rules import NOT_WANTED
from app.notifications.services import resend_mail
from tests.forked import ended, forked
from tests.notifications.sink import Sink, talker
from tests.notifications.small_app import small_app
from tests.ports import free_port


def after(**time: float):
    return clock.at(clock.now() + timedelta(**time))


def test_a_mail_leaves_and_is_marked(a_mail, mail_row, mail_by, sink):
    mail_id = a_mail(task="Gọi lại cho khách hàng Nguyễn Thị Ánh Tuyết và xác nhận sự hài lòng")
    mail_by(sink.url)

    assert jobs.dispatch_outbox() == 1

    (message,) = sink.mails
    row = mail_row(mail_id)
    assert message["Subject"] == "Quá hạn: Gọi lại cho khách hàng Nguyễn Thị Ánh Tuyết và xác nhận sự hài lòng"
    assert message["Message-ID"] == row.message_id
    assert message["From"] == "Tận Tâm <cskh@phosen.example>"
    assert message["To"] == "lan@phosen.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"] is None
    assert message["Date"].datetime == row.created_at.replace(microsecond=0)
    assert "Gọi lại cho khách hàng Nguyễn Thị Ánh Tuyết" in message.get_body(("plain",)).get_content()
    assert '<a href="http://127.0.0.1:8080/t/1">' in message.get_body(("html",)).get_content()
    assert (row.status, row.attempts, row.last_error) == (LeaseState.done, 1, None)
    assert row.sent_at is not None


def test_the_secret_of_an_invitation_leaves_with_the_mail(a_mail, mail_row, mail_by, sink):
    secret = "http://127.0.0.1:8080/loi-moi/kXw3-JY8Wd5Tq_0vVwR4m2nPzL7sB1cE"
    mail_id = a_mail(link=secret)
    mail_by(sink.url)
    jobs.dispatch_outbox()
    (message,) = sink.mails
    assert secret in message.get_body(("plain",)).get_content()
    row = mail_row(mail_id)
    kept = f"{row.body_text} {row.body_html}"
    assert "kXw3" not in kept
    assert kept.count("/loi-moi/…") >= 2


def test_what_is_not_wanted_any_more_does_not_go_out(a_mail, mail_row, mail_by, sink, monkeypatch):
    unwanted, wanted = a_mail(), a_mail()
    monkeypatch.setattr(events, "_guards", [lambda _session, mail: NOT_WANTED if mail.id == unwanted else None])
    mail_by(sink.url)
    assert (jobs.dispatch_outbox(), len(sink.mails)) == (1, 1)
    row = mail_row(unwanted)
    assert (row.status, row.last_error, mail_row(wanted).status) == (LeaseState.dead, NOT_WANTED, LeaseState.done)


def test_a_sent_mail_is_not_sent_again(a_mail, mail_by, sink):
    a_mail()
    mail_by(sink.url)
    jobs.dispatch_outbox()

    assert jobs.dispatch_outbox() == 0
    with after(days=2):
        assert jobs.dispatch_outbox() == 0
    assert len(sink.mails) == 1


def test_without_a_server_mails_stay_and_leave_once_there_is_one(a_mail, mail_row, mail_by, sink):
    mail_id = a_mail()

    assert jobs.dispatch_outbox() == 0
    assert (mail_row(mail_id).status, mail_row(mail_id).attempts) == (LeaseState.waiting, 0)

    mail_by(sink.url)
    with after(days=3):
        assert jobs.dispatch_outbox() == 1


def test_one_connection_carries_the_batch(a_mail, mail_by, sink):
    for number in range(12):
        a_mail(task=f"Việc {number}")
    mail_by(sink.url)

    assert jobs.dispatch_outbox() == 12
    assert sink.connections == 1
    assert [message["Subject"] for message in sink.mails] == [f"Quá hạn: Việc {number}" for number in range(12)]


def test_more_than_a_batch_leaves_in_one_run(a_mail, mail_by, sink):
    for number in range(jobs.BATCH + 5):
        a_mail(task=f"Việc {number}")
    mail_by(sink.url)

    assert jobs.dispatch_outbox() == jobs.BATCH + 5


def test_no_transaction_is_open_while_sending(app, database_url, a_mail, mail_by, sink):
    a_mail()
    mail_by(sink.url)
    written: list[bool] = []

    def write_meanwhile() -> None:
        other = small_app(database_url)
        with other.app_context():
            if db.engine.dialect.name == "sqlite":
                db.session.execute(text("PRAGMA busy_timeout=0"))
                db.session.rollback()
            with transaction() as session:
                session.execute(text("UPDATE ab_user SET last_name = 'x'"))
            written.append(True)
            db.session.remove()
            db.engine.dispose()

    def in_a_thread() -> None:
        thread = Thread(target=write_meanwhile)
        thread.start()
        thread.join()

    sink.before_250 = in_a_thread
    assert jobs.dispatch_outbox() == 1
    assert written == [True]


@pytest.mark.parametrize("where", ["recipient", "text"])
def test_a_final_no_makes_the_mail_dead_at_once_and_the_others_leave(a_mail, mail_row, mail_by, sink, where):
    bad = a_mail(to="gone@phosen.example")
    mail_by(sink.url)
    if where == "recipient":
        sink.replies["gone@phosen.example"] = ["550 5.1.1 no such person"]
    else:
        sink.data_reply = "554 not that"
        assert jobs.dispatch_outbox() == 0
        sink.data_reply = None
    good = a_mail()

    assert jobs.dispatch_outbox() == 1
    assert (mail_row(bad).status, mail_row(bad).attempts) == (LeaseState.dead, 1)
    assert ("550" if where == "recipient" else "554") in mail_row(bad).last_error
    assert mail_row(good).status == LeaseState.done
    with after(days=1):
        assert jobs.dispatch_outbox() == 0


def test_a_not_now_is_tried_again_after_a_pause(a_mail, mail_row, mail_by, sink):
    mail_id = a_mail()
    mail_by(sink.url)
    sink.replies["lan@phosen.example"] = ["451 4.7.1 greylisted"]
    first_try = clock.now()

    with clock.at(first_try):
        assert jobs.dispatch_outbox() == 0
    row = mail_row(mail_id)
    assert (row.status, row.attempts) == (LeaseState.waiting, 1)
    assert row.failing_since is not None
    assert "greylisted" in row.last_error
    with clock.at(first_try + timedelta(seconds=20)):
        assert jobs.dispatch_outbox() == 0
    with clock.at(first_try + timedelta(seconds=40)):
        assert jobs.dispatch_outbox() == 1
    assert (mail_row(mail_id).status, mail_row(mail_id).attempts) == (LeaseState.done, 2)


def test_twelve_times_not_now_is_dead(a_mail, mail_row, mail_by, sink):
    mail_id = a_mail()
    mail_by(sink.url)
    sink.replies["lan@phosen.example"] = ["451 not now"] * 20

    tries = 0
    moment = clock.now()
    while mail_row(mail_id).status == LeaseState.waiting:
        moment = max(moment, mail_row(mail_id).next_at)
        with clock.at(moment):
            jobs.dispatch_outbox()
        tries += 1
    assert (tries, mail_row(mail_id).attempts, mail_row(mail_id).status) == (12, 12, LeaseState.dead)


def test_a_dead_mail_can_be_sent_again_by_hand_and_a_sent_one_cannot(a_mail, mail_row, mail_by, sink):
    mail_id = a_mail()
    mail_by(sink.url)
    sink.replies["lan@phosen.example"] = ["550 no"]
    jobs.dispatch_outbox()
    message_id = mail_row(mail_id).message_id

    with transaction() as session:
        resend_mail(session, session.get_one(Outbox, mail_id), by=SYSTEM)
    assert jobs.dispatch_outbox() == 1
    assert sink.mails[0]["Message-ID"] == message_id

    with pytest.raises(ConflictError), transaction() as session:
        resend_mail(session, session.get_one(Outbox, mail_id), by=SYSTEM)


def test_mails_wait_for_a_server_that_refuses_connections(a_mail, mail_row, mail_by):
    ids = [a_mail(task=f"Việc {number}") for number in range(3)]
    port = free_port()
    mail_by(f"smtp://127.0.0.1:{port}")

    # An outage of thirty hours with a try a minute: no attempt is used up, nothing dies.
    for minute in range(0, 1800, 90):
        with after(minutes=minute):
            assert jobs.dispatch_outbox() == 0
    for mail_id in ids:
        row = mail_row(mail_id)
        assert (row.status, row.attempts, row.failing_since) == (LeaseState.waiting, 0, None)
        assert "No mail server" in row.last_error

    with Sink(port).running() as sink, after(minutes=1800 + 5):
        assert jobs.dispatch_outbox() == 3
    assert len(sink.mails) == 3


@pytest.mark.parametrize(
    ("lines", "greeting"),
    [
        ({}, None),
        ({"EHLO": None}, "220 here"),
        ({"MAIL": None}, "220 here"),
        ({"RCPT": None}, "220 here"),
        ({"DATA": None}, "220 here"),
        ({}, "421 too busy"),
        ({}, "554 go away"),
        ({"MAIL": "421 closing"}, "220 here"),
        ({"MAIL": "530 sign in first"}, "220 here"),
        ({"RCPT": "421 closing"}, "220 here"),
        ({"RCPT": "what"}, "220 here"),
    ],
)
def test_mails_wait_for_a_server_that_hangs_or_serves_nobody(a_mail, mail_row, mail_by, lines, greeting):
    ids = [a_mail(task=f"Việc {number}") for number in range(3)]
    with talker(lines, greeting=greeting) as port:
        mail_by(f"smtp://127.0.0.1:{port}", timeout=0.2)
        assert jobs.dispatch_outbox() == 0

    for mail_id in ids:
        row = mail_row(mail_id)
        assert (row.status, row.attempts) == (LeaseState.waiting, 0)
        assert row.next_at <= clock.now() + timedelta(minutes=5)
    with Sink().running() as sink, after(minutes=5):
        mail_by(sink.url)
        assert jobs.dispatch_outbox() == 3


def test_silence_after_the_whole_text_counts_since_each_try_may_bring_a_copy(a_mail, mail_row, mail_by):
    first, second = a_mail(task="Một"), a_mail(task="Hai")
    with talker({"DATA": "354 go on", ".": None}) as port:
        mail_by(f"smtp://127.0.0.1:{port}", timeout=2)  # in which all before the silence is answered
        assert jobs.dispatch_outbox() == 0

    assert (mail_row(first).status, mail_row(first).attempts) == (LeaseState.waiting, 1)
    assert (mail_row(second).status, mail_row(second).attempts) == (LeaseState.waiting, 0)
    with Sink().running() as sink, after(minutes=1):
        mail_by(sink.url)
        assert jobs.dispatch_outbox() == 2


def test_one_mail_that_silences_the_server_does_not_hold_up_the_others(a_mail, mail_row, mail_by):
    """The server answers others, so the silence counts against this mail; were it first in line, it goes to the end."""
    silent = a_mail(to="tarpit@phosen.example")
    others = [a_mail(task=f"Việc {number}") for number in range(3)]

    class Tarpit(Sink):
        async def handle_RCPT(self, server, session, envelope, address, options):
            if address.startswith("tarpit"):
                server.transport.close()
            return await super().handle_RCPT(server, session, envelope, address, options)

    with Tarpit().running() as sink:
        mail_by(sink.url)
        assert jobs.dispatch_outbox() == 0
        with after(seconds=31):
            assert jobs.dispatch_outbox() == 3
        a_mail(at=clock.now())
        with after(seconds=61):
            assert jobs.dispatch_outbox() == 1
    assert [mail_row(mail_id).status for mail_id in others] == [LeaseState.done] * 3
    assert (mail_row(silent).status, mail_row(silent).attempts) == (LeaseState.waiting, 1)


def test_a_lone_sender_refusal_for_size_is_final(a_mail, mail_row, mail_by, sink):
    mail_id = a_mail()
    sink.mail_reply = "552 too large"
    mail_by(sink.url)
    jobs.dispatch_outbox()
    assert mail_row(mail_id).status == LeaseState.dead


def send_and_die(database_url: str, smtp_url: str) -> None:
    """After the mail server has taken the first one."""
    leases.mark_done = lambda *_, **__: os._exit(9)
    configure(MailSettings(server=parse_smtp_url(smtp_url)))
    with small_app(database_url).app_context():
        jobs.dispatch_outbox()


@pytest.mark.usefixtures("machine_time")
def test_a_worker_killed_between_250_and_mark_sends_a_second_copy_with_the_same_id(
    a_mail, mail_row, mail_by, sink, database_url
):
    first, second = a_mail(task="Một"), a_mail(task="Hai")
    db.session.remove()
    assert ended(forked(send_and_die, database_url, sink.url), 60) == 9
    assert len(sink.mails) == 1
    assert mail_row(first).status == mail_row(second).status == LeaseState.leased

    mail_by(sink.url)
    assert jobs.dispatch_outbox() == 0  # the lease still stands
    with clock.at(clock.now() + jobs.LEASE):
        assert jobs.dispatch_outbox() == 2
    copies = Counter(message["Message-ID"] for message in sink.mails)
    assert copies == {mail_row(first).message_id: 2, mail_row(second).message_id: 1}
    assert mail_row(first).attempts == 2


def test_several_workers_send_each_mail_once(app, database_url, a_mail, mail_by, sink):
    for number in range(40):
        a_mail(task=f"Việc {number}")
    mail_by(sink.url)
    db.session.remove()
    start = Barrier(4)
    sent: list[int] = []
    apps = [small_app(database_url) for _ in range(4)]

    def work(number: int) -> None:
        with apps[number].app_context():
            start.wait()
            while some := jobs.dispatch_outbox():
                sent.append(some)
            db.session.remove()
            db.engine.dispose()

    workers = [Thread(target=work, args=(number,)) for number in range(4)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "BATCH", 3)
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    assert sum(sent) == 40
    assert max(Counter(message["Message-ID"] for message in sink.mails).values()) == 1
    assert len(sink.mails) == 40
    assert set(db.session.scalars(select(Outbox.status))) == {LeaseState.done}


def test_a_worker_whose_lease_was_lost_leaves_the_mail_to_the_other(a_mail, mail_row, mail_by, sink, app):
    """Slow sending: the lease is renewed before each mail, and what another took meanwhile is not sent."""
    first, second, third = a_mail(task="Một"), a_mail(task="Hai"), a_mail(task="Ba")
    mail_by(sink.url)
    start = clock.now()
    moment = [start]

    def slow_server() -> None:
        moment[0] = start + timedelta(seconds=100)

    real_done = leases.mark_done

    def done_then_lost(*args, **values):
        result = real_done(*args, **values)
        if args[2] == first:
            args[0].execute(text("UPDATE outbox SET lease_owner = 'another' WHERE id = :id"), {"id": second})
        return result

    sink.before_250 = slow_server
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leases, "mark_done", done_then_lost)
        patch.setattr(clock, "now", lambda: moment[0])
        patch.setattr(jobs, "LONGEST_RUN", timedelta(hours=1))
        assert jobs.dispatch_outbox() == 2
    assert [message["Message-ID"] for message in sink.mails] == [
        mail_row(first).message_id,
        mail_row(third).message_id,
    ]
    assert mail_row(second).status == LeaseState.leased


def test_a_mail_that_cannot_be_written_is_dead_and_does_not_stop_the_rest(a_mail, mail_row, mail_by, sink):
    broken, good = a_mail(task="Hỏng"), a_mail(task="Lành")
    with transaction() as session:
        session.execute(
            text("UPDATE outbox SET message_id = :broken WHERE id = :id"), {"id": broken, "broken": "<a\nb>"}
        )
    mail_by(sink.url)

    assert jobs.dispatch_outbox() == 1
    assert mail_row(good).status == LeaseState.done
    assert mail_row(broken).status == LeaseState.dead
    assert mail_row(broken).last_error


def test_a_bug_with_one_mail_does_not_stop_the_rest(a_mail, mail_row, mail_by, sink, monkeypatch):
    broken, good = a_mail(task="Hỏng"), a_mail(task="Lành")
    mail_by(sink.url)
    write = smtp.build_message

    def write_or_break(mail: smtp.Mail, logo: smtp.Logo | None) -> EmailMessage:
        if mail.id == broken:
            raise ZeroDivisionError
        return write(mail, logo)

    monkeypatch.setattr(smtp, "build_message", write_or_break)
    assert jobs.dispatch_outbox() == 1
    assert mail_row(good).status == LeaseState.done
    assert (mail_row(broken).status, mail_row(broken).attempts) == (LeaseState.waiting, 1)
