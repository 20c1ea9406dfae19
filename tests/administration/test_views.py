"""The first page of administration tells how things stand, by facts alone, and only to those who may know."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import event, func, select

from app.administration import services
from app.core import clock, settings
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.leases import LeaseState
from app.core.models import JobHeartbeat
from app.core.worker import PULSE
from app.jobs import JOBS
from app.notifications.channels.settings import MailSettings, SmtpServer
from app.notifications.models import Outbox

HOME = "/quan-tri/"


def page_of(answer) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "lxml")


def card(page: BeautifulSoup, key: str) -> str:
    """The words of one card."""
    return " ".join(page.find(id=key).find_parent("section").get_text(" ").split())


@pytest.fixture
def read(app):
    """read(lambda session: …): look into the database as a request would find it."""

    def run(look):
        with app.app_context():
            return look(db.session())

    return run


def beat(session, name: str, *, ago: timedelta, error: str = "") -> None:
    at = clock.now() - ago
    session.add(JobHeartbeat(name=name, last_started_at=at, last_ok_at=at, last_error=error, beats=1))


@pytest.mark.parametrize("who", ["lan", "minh", "tuan"])
def test_whoever_may_not_see_settings_sees_nothing_of_it(client, who):
    browser = client(who)
    assert "/quan-tri/" not in browser.get("/").text
    assert browser.get(HOME).status_code == 403
    assert browser.get("/quan-tri/cong-ty-mau").status_code == 403
    for path in ("thu-thu", "danh-sach-thiet-lap", "cong-ty-mau"):
        assert browser.post(f"/quan-tri/{path}").status_code == 403


@pytest.mark.both_databases
def test_the_page_stands_in_the_menu_and_asks_few_questions_and_writes_nothing(app, client, read):
    hoa = client("hoa")
    assert page_of(hoa.get("/")).select_one('a[href="/quan-tri/"]') is not None
    events = read(lambda session: session.scalar(select(func.count(AuditEvent.id))))
    asked: list[str] = []
    with app.app_context():
        engine = db.engine
    listener = lambda _c, _cur, statement, *_more: asked.append(statement)  # noqa: E731
    event.listen(engine, "before_cursor_execute", listener)
    try:
        answer = hoa.get(HOME)
    finally:
        event.remove(engine, "before_cursor_execute", listener)
    assert answer.status_code == 200
    assert len([one for one in asked if one.lstrip().upper().startswith(("SELECT", "WITH"))]) <= 12
    assert not [one for one in asked if one.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]
    assert read(lambda session: session.scalar(select(func.count(AuditEvent.id)))) == events


def test_a_password_of_the_mail_server_is_never_on_the_page(client, monkeypatch):
    server = SmtpServer("mail.example.vn", 587, user="cskh-gui-thu", password="rat-bi-mat")
    sending = MailSettings(server=server, sender="CSKH <cskh@example.vn>")
    monkeypatch.setattr("app.administration.views.mail_settings", lambda _session: sending)
    answer = client("hoa").get(HOME)
    assert "mail.example.vn:587" in answer.text
    assert "cskh@example.vn" in answer.text
    assert "rat-bi-mat" not in answer.text
    assert "cskh-gui-thu" not in answer.text


def test_a_worker_that_stands_still_and_a_job_that_fails_are_told_in_words(client, change):
    change(lambda session, _cast: beat(session, PULSE, ago=timedelta(minutes=7)))
    change(
        lambda session, _cast: beat(
            session, "audit.seal", ago=timedelta(minutes=8), error="CutShortError: the audit log lacks the seal"
        )
    )
    page = page_of(client("hoa").get(HOME))
    assert "đã dừng 7 phút" in page.select_one(".tt-adminnote").text
    jobs = card(page, "chay-ngam")
    assert "Nhật ký thiếu niêm phong cuối cùng" in jobs
    assert "lần tới" not in jobs  # nothing is next while nobody runs it
    assert "Không niêm phong được" in card(page, "nhat-ky")


def test_a_worker_that_runs_says_what_is_next(client, change):
    change(lambda session, _cast: beat(session, PULSE, ago=timedelta(seconds=1)))
    change(lambda session, _cast: beat(session, "audit.seal", ago=timedelta(seconds=5)))
    page = page_of(client("hoa").get(HOME))
    assert page.select_one(".tt-adminnote") is None
    assert "lần tới" in card(page, "chay-ngam")


def test_every_job_of_the_clock_has_a_name_for_people():
    assert [job.name for job in JOBS if not str(job.label)] == []


def test_a_test_mail_goes_through_the_outbox_to_oneself_once_a_minute(client, read):
    hoa = client("hoa")
    first = hoa.post("/quan-tri/thu-thu", follow_redirects=True)
    assert "hoa@phosen.example" in first.text
    assert "Chưa có máy chủ thư" in card(page_of(first), "thu")
    again = hoa.post("/quan-tri/thu-thu", follow_redirects=True)
    assert "Bạn vừa gửi một thư thử" in again.text
    mails = read(lambda session: session.scalars(select(Outbox)).all())
    assert [(mail.to_address, mail.status) for mail in mails] == [("hoa@phosen.example", LeaseState.waiting)]
    with clock.at(clock.now() + services.PAUSE):
        hoa.post("/quan-tri/thu-thu")
    assert read(lambda session: session.scalar(select(func.count(Outbox.id)))) == 2


@pytest.mark.parametrize(
    ("status", "told"),
    [(LeaseState.done, "Đã gửi"), (LeaseState.dead, "Không gửi được"), (LeaseState.leased, "Đang gửi")],
)
def test_what_became_of_the_test_mail_is_shown(client, change, monkeypatch, status, told):
    sending = MailSettings(server=SmtpServer("mail.example.vn", 587))
    monkeypatch.setattr("app.administration.views.mail_settings", lambda _session: sending)

    def sent(session, cast) -> None:
        mail = services.send_test_mail(session, by=cast.hoa)
        mail.status = status
        mail.last_error = "The address is not one." if status is LeaseState.dead else None

    change(sent)
    page = page_of(client("hoa").get(HOME))
    assert told in card(page, "thu")
    asks_again = page.select_one("#thu-thu[hx-get]")
    assert (asks_again is not None) is (status is LeaseState.leased)
    part = client("hoa").get("/quan-tri/?phan=thu")
    assert part.status_code == (200 if status is LeaseState.leased else 286)
    assert "<html" not in part.text


def test_the_set_up_list_believes_facts_alone_and_can_be_put_away(client, read, change):
    hoa = client("hoa")

    def done_steps() -> set[str]:
        return {one.text for one in page_of(hoa.get(HOME)).select(".tt-begin__steps .is-done .tt-grow > span")}

    assert done_steps() == {"Bộ phận đầu tiên", "Mời đồng nghiệp đầu tiên"}
    change(lambda session, cast: settings.put(session, "company_name", "Công ty Hạt Sen", by=cast.hoa))
    assert "Tên công ty và logo" not in done_steps()  # there is no logo yet

    def sent(session, cast) -> None:
        services.send_test_mail(session, by=cast.hoa).status = LeaseState.done

    change(sent)
    assert "Gửi thư thử thành công" in done_steps()
    hoa.post("/quan-tri/danh-sach-thiet-lap", data={"hidden": "1"})
    page = page_of(hoa.get(HOME))
    assert page.select_one(".tt-begin") is None
    assert "Hiện danh sách thiết lập" in page.text
    hoa.post("/quan-tri/danh-sach-thiet-lap", data={"hidden": "0"})
    assert page_of(hoa.get(HOME)).select_one(".tt-begin") is not None
