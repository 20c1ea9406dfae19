"""Somebody without an account fills in a form, and so does a program that sends advertisements."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import event, select

from app.company.services import receive_logo, set_logo
from app.core import clock, leases
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers import places
from app.customers.models import ContactKind, Customer, TimelineEntry
from app.customers.profile_models import ConsentEvent
from app.customers.services import archive_customer, create_customer
from app.forms import services as forms
from app.forms.models import Form, Submission
from app.forms.public import rules, services
from app.forms.public.models import EntryState, PublicEntry
from app.notifications.models import Notification
from app.security.queries import team_by_code
from tests.company.pictures import as_file, png
from tests.forms.public.conftest import DRAWN, Stranger, opened
from tests.story import MONDAY

WARD = places.wards_of("01")[0]
WHO = {"who": "Trần Thị Bưởi", "call": "0987 654 321"}


def rows(app, table):
    with app.app_context():
        return list(db.session.scalars(select(table).order_by(table.id)))


def made(app, **values):
    with app.app_context(), transaction(SYSTEM) as session:
        return create_customer(session, by=SYSTEM, **values).id


def test_an_answer_becomes_a_submission_of_a_new_customer(app, stranger, worker):
    stranger.opens("?utm_campaign=tet-2027&utm_medium=qr&utm_source=zalo")
    sent = stranger.sends(**WHO, mail="Buoi@Vuon.vn", born="7/3/1990", stars="2", why="Phở nguội", news="yes",
                          where__province=WARD.province_code, where__ward=WARD.code,
                          where__street="12 Hàng Mã")  # fmt: skip
    assert sent.status_code == 303
    assert sent.location.endswith("/cam-on")
    assert "chúng tôi đã nhận được" in stranger.browser.get(sent.location).text
    assert rows(app, Submission) == []  # nothing is looked up while he waits
    worker()
    (entry,), (submission,), (customer,) = rows(app, PublicEntry), rows(app, Submission), rows(app, Customer)
    assert (entry.state, entry.submission_id) == (EntryState.taken, submission.id)
    assert (entry.campaign, entry.medium, entry.came_from, entry.seconds) == ("tet-2027", "qr", "zalo", 20)
    assert submission.customer_id == customer.id
    assert submission.answers["why"] == "Phở nguội"
    with app.app_context():
        customer = db.session.get(Customer, customer.id)
        assert (customer.name, customer.source, customer.birthday) == ("Trần Thị Bưởi", "website", date(1990, 3, 7))
        assert (customer.street, customer.ward_code) == ("12 Hàng Mã", WARD.code)
        assert {(one.kind, one.value) for one in customer.contact_points} == {
            (ContactKind.phone, "+84987654321"), (ContactKind.email, "buoi@vuon.vn"),
        }  # fmt: skip
        assert customer.team.code == "cskh"
        assert customer.owner_id is None
        assert submission.team_id == customer.team_id
    kinds = [one.kind for one in rows(app, TimelineEntry)]
    assert "form_sent" in kinds
    assert "consent_given" in kinds
    (consent,) = rows(app, ConsentEvent)
    assert (consent.purpose, str(consent.channel)) == ("marketing", "sms")
    assert "Góp ý" in consent.proof
    (bell,) = rows(app, Notification)
    with app.app_context():
        assert bell.user_id == team_by_code(db.session(), "cskh").head_id
    worker()
    assert len(rows(app, Submission)) == 1


def test_no_cookie_is_set_and_whoever_is_signed_in_is_nobody_here(app, client, door, worker):
    for number, who in enumerate((None, "lan")):
        stranger = Stranger(client(who), door)
        assert who or "Set-Cookie" not in stranger.browser.get(f"/f/{door}").headers
        stranger.opens(at=MONDAY + timedelta(minutes=number))
        answer = stranger.sends(**{**WHO, "who": f"Khách {number}"})
        assert answer.status_code == 303
        assert who or "Set-Cookie" not in answer.headers
    worker()
    assert [one.created_by_id for one in rows(app, Submission)] == [None, None]


def test_somebody_known_is_not_changed_and_nothing_tells_that_he_is_known(app, client, door, worker):
    known = made(app, name="Bưởi Cũ", phone="0987654321")
    asked: dict[str, list[str]] = {"known": [], "new": []}
    answers = {}
    for name, call in (("known", "0987 654 321"), ("new", "0911 222 333")):
        stranger = Stranger(client(), door)
        stranger.opens(at=MONDAY + timedelta(minutes=len(answers)))

        def note(_connection, _cursor, statement, *_rest, into=asked[name]):
            into.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            answers[name] = stranger.sends(who="Ai Đó", call=call, news="yes", born="1/1/1980")
        finally:
            event.remove(engine, "before_cursor_execute", note)
    assert asked["known"] == asked["new"]
    assert len(asked["known"]) > 3
    assert answers["known"].location == answers["new"].location
    assert answers["known"].data == answers["new"].data
    worker()
    first, second = rows(app, Submission)
    assert first.customer_id == known
    assert second.customer_id != known
    with app.app_context():
        customer = db.session.get(Customer, known)
        assert (customer.name, customer.birthday, customer.rev) == ("Bưởi Cũ", None, 1)
        agreed = db.session.scalars(select(ConsentEvent.customer_id)).all()
        assert agreed == [second.customer_id]  # of the other one anybody could have said so


def test_two_with_the_same_number_and_an_archived_one_wait_for_a_person(app, client, door, worker):
    with app.app_context(), transaction(SYSTEM) as session:
        one = create_customer(session, by=SYSTEM, name="Một", phone="0911000001")
        create_customer(session, by=SYSTEM, name="Hai", phone="0911000001", duplicate_reason="Hai chị em dùng chung")
        gone = create_customer(session, by=SYSTEM, name="Ba", phone="0911000002")
        archive_customer(session, gone, by=SYSTEM)
        assert one.id
    for number, call in enumerate(("0911 000 001", "0911 000 002")):
        stranger = Stranger(client(), door)
        stranger.opens(at=MONDAY + timedelta(minutes=number))
        assert stranger.sends(who="Ai", call=call).status_code == 303
    worker()
    assert [(one.state, one.reasons) for one in rows(app, PublicEntry)] == [
        (EntryState.held, ["several"]), (EntryState.held, ["archived"]),
    ]  # fmt: skip
    assert rows(app, Submission) == []


def test_without_a_way_to_know_him_the_answers_are_about_nobody(app, stranger, worker):
    stranger.opens()
    assert stranger.sends(who="Khách qua đường", stars="5").status_code == 303
    worker()
    (submission,) = rows(app, Submission)
    assert submission.customer_id is None
    assert rows(app, Customer) == []


def test_what_is_wrong_is_told_beside_its_question_and_nothing_typed_is_lost(app, stranger):
    page = stranger.opens()
    assert "Ghi chú nội bộ" not in page.text  # asked of managers alone
    answer = stranger.sends(who="", call="12", born="31/02/2000", why="Phở nguội")
    assert answer.status_code == 422
    page = stranger.reads(answer)
    assert page.select_one("[name=answer_call]")["value"] == "12"
    assert page.select_one("[name=answer_born]")["value"] == "31/02/2000"
    assert len(page.select(".tt-err")) == 3
    assert rows(app, PublicEntry) == []


def test_a_page_that_stood_open_for_a_day_is_sent_once_more(app, stranger, worker):
    stranger.opens()
    stale = stranger.sends(after=86_400, **WHO)
    assert stale.status_code == 409
    assert rows(app, PublicEntry) == []
    page = stranger.reads(stale)
    assert page.select_one("[name=answer_who]")["value"] == WHO["who"]
    stranger.at = MONDAY + timedelta(days=1)
    assert stranger.sends(**WHO).status_code == 303


@pytest.mark.parametrize("wrong_after", [40, 86_400])
def test_whoever_corrects_what_was_refused_is_no_script_for_being_quick(app, stranger, wrong_after):
    stranger.opens()
    stranger.reads(stranger.sends(after=wrong_after, **{**WHO, "who": ""}))
    assert stranger.sends(after=wrong_after + 1, **WHO).status_code == 303
    (entry,) = rows(app, PublicEntry)
    assert entry.reasons == []


def test_a_page_counts_once(app, stranger, worker):
    stranger.opens()
    assert [stranger.sends(**WHO).status_code for _ in range(3)] == [303, 303, 303]
    assert len(rows(app, PublicEntry)) == 1
    # Whoever goes back to the old page and mends his number is told, and the page that comes back sends it.
    mended = WHO | {"call": "0987 000 111"}
    soup = stranger.reads(again := stranger.sends(**mended))
    assert (again.status_code, soup.select_one("[name=answer_call]")["value"]) == (409, "0987 000 111")
    assert stranger.sends(**mended).status_code == 303
    assert [one.answers["call"] for one in rows(app, PublicEntry)] == ["+84987654321", "+84987000111"]


def test_whoever_goes_back_and_sends_the_same_again_counts_once_and_another_answer_counts(app, stranger):
    for said in (WHO, WHO, {**WHO, "who": "Trần Thị Bưởi Năm"}):
        stranger.opens()
        assert stranger.sends(**said).status_code == 303
    assert len(rows(app, PublicEntry)) == 2


def test_a_spam_script_is_put_aside_then_refused_and_loses_nothing_of_others(app, client, door, worker):
    script = Stranger(client(), door)
    statuses = []
    for number in range(rules.TOO_MANY + 3):
        script.opens(at=MONDAY + timedelta(seconds=number))
        statuses.append(script.sends(after=1, trap="http://buy", who=f"Bot {number}", call=f"09120000{number:02}"))
    codes = [one.status_code for one in statuses]
    assert codes == [303] * rules.TOO_MANY + [429] * 3
    refused = statuses[-1]
    assert refused.headers["Retry-After"] == "600"
    assert 'value="Bot 22"' in refused.text
    worker()
    assert rows(app, Submission) == []
    assert rows(app, Customer) == []
    entries = rows(app, PublicEntry)
    assert {one.state for one in entries} == {EntryState.held}
    assert entries[0].reasons == ["trap", "fast"]
    assert entries[7].reasons == ["trap", "fast", "many"]


def test_a_flood_from_everywhere_does_not_fill_the_disk(app, stranger, monkeypatch):
    monkeypatch.setattr(rules, "MOST_HELD", 2)
    codes = []
    for number, trap in enumerate(("x", "x", "x", "")):
        stranger.opens()
        codes.append(stranger.sends(trap=trap, **{**WHO, "who": f"Khách {number}"}).status_code)
    assert codes == [303, 303, 429, 303]
    monkeypatch.setattr(rules, "TOO_MANY_TO_FORM", 3)
    stranger.opens()
    refused = stranger.sends(**WHO)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "600"
    assert WHO["who"] in refused.text
    assert len(rows(app, PublicEntry)) == 3


def test_what_nobody_decides_on_is_forgotten_after_three_months(app, stranger):
    stranger.opens()
    stranger.sends(trap="x", **WHO)
    with app.app_context():
        for days, left in ((89, 1), (91, 0)):
            with transaction(SYSTEM) as session:
                services.forget(session, at=MONDAY + timedelta(days=days))
            assert len(db.session.scalars(select(PublicEntry.id)).all()) == left


def test_the_company_s_logo_stands_over_its_form(app, client, door):
    with app.app_context(), transaction(SYSTEM) as session:
        set_logo(session, receive_logo(as_file(png(64, 64)), "logo.png"), by=SYSTEM)
    page = client().get(f"/f/{door}")
    address = BeautifulSoup(page.text, "html.parser").select_one("header img")["src"]
    with client().get(address) as picture:
        assert picture.status_code == 200


def test_a_forged_page_keeps_nothing(app, stranger):
    stranger.opens()
    for opened_at in ("", "x.y", stranger.held["opened"][:-3] + "abc"):
        stranger.held["opened"] = opened_at
        assert stranger.sends(**WHO).status_code == 409
    assert rows(app, PublicEntry) == []
    stranger.opens()
    assert stranger.sends(**{**WHO, next(iter(WHO)): "a\0b"}).status_code == 422


def test_what_is_closed_renewed_or_never_was_looks_the_same(app, client, door):
    browser = client()
    with app.app_context(), transaction(SYSTEM) as session:
        form = session.scalars(select(Form).where(Form.code == "gop-y")).one()
        new = services.renew_link(session, form, by=SYSTEM).key
    assert browser.get(f"/f/{door}").status_code == 404
    assert browser.get(f"/f/{new}").status_code == 200
    with app.app_context(), transaction(SYSTEM) as session:
        services.close_link(session, session.scalars(select(Form).where(Form.code == "gop-y")).one(), by=SYSTEM)
    told = {
        browser.get(f"/f/{key}{rest}").status_code for key in (new, "x" * 22, "lan", "%00") for rest in ("", "/nhung")
    }
    assert told <= {400, 404}
    # He is no member of staff who has lost his way, and what he has typed is his.
    page = browser.post(f"/f/{new}", data={"answer_name": "Cù Thị Ngoài", "website_url": "x"})
    assert page.status_code == 404
    soup = BeautifulSoup(page.text, "html.parser")
    assert soup.textarea.text.strip() == "Cù Thị Ngoài"
    assert not soup.select("main a[href]")
    assert soup.h1.text == BeautifulSoup(browser.get(f"/f/{'x' * 22}").text, "html.parser").h1.text


def test_only_named_sites_may_show_it_inside_and_nothing_else_of_ours(app, client):
    key = opened(app, "khao-sat", {**DRAWN, "name": "Khảo sát"}, sites="https://phosen.vn\nhttps://shop.phosen.vn")
    browser = client()
    inside, alone = (browser.get(f"/f/{key}{rest}").headers["Content-Security-Policy"] for rest in ("/nhung", ""))
    assert "frame-ancestors https://phosen.vn https://shop.phosen.vn;" in inside
    assert "frame-ancestors 'none'" in alone
    assert browser.get(f"/f/{key}").headers["X-Robots-Tag"] == "noindex"
    stranger = Stranger(browser, f"{key}/nhung")
    stranger.opens(Referer="https://phosen.vn/lien-he?ai=toi")
    assert stranger.action == f"/f/{key}/nhung?utm_source=phosen.vn"
    assert stranger.sends(**WHO).location == f"/f/{key}/nhung/cam-on"
    (entry,) = rows(app, PublicEntry)
    assert entry.came_from == "phosen.vn"


def test_wards_are_offered_behind_an_open_door_alone(client, door):
    browser = client()
    answer = browser.get(f"/f/{door}/phuong-xa?q=hoan kiem")
    assert answer.status_code == 200
    assert answer.json["results"]
    assert browser.get(f"/f/{'x' * 22}/phuong-xa?q=hoan").status_code == 404
    assert f'data-url="/f/{door}/phuong-xa"' in browser.get(f"/f/{door}").text


@pytest.mark.parametrize("kind", ["customer", "member", "team", "file", "photo"])
def test_a_form_that_would_show_the_company_is_not_opened(app, kind):
    drawn = {"name": "Kín", "fields": [{"key": "x", "type": kind, "label": "Ai ở đây"}]}
    with pytest.raises(Exception, match="Ai ở đây"):
        opened(app, "kin", drawn)


def test_killed_over_it_the_next_worker_makes_it_once(app, stranger, worker):
    stranger.opens()
    stranger.sends(**WHO)
    with app.app_context(), clock.at(MONDAY + timedelta(minutes=1)):
        assert leases.claim(PublicEntry, owner="dead", at=clock.now(), limit=1, lease=timedelta(minutes=2))
    worker()
    assert len(rows(app, Submission)) == len(rows(app, Customer)) == 1


@pytest.mark.parametrize(
    "text", ["\x00", "\ud83d", "ﷺ" * 5000, "<script>alert(1)</script>", "' OR 1=1 --", "\u202e\u0000"]
)
def test_naughty_texts_are_taken_or_refused_in_words(app, stranger, text):
    stranger.opens()
    data = {**stranger.held, "answer_who": text, "answer_why": text, "website_url": text, "opened": text or "x"}
    for changed in ({"answer_who": text}, {"opened": text}, {"version": text}, {"website_url": text}, data):
        with clock.at(MONDAY + timedelta(seconds=30)):
            answer = stranger.browser.post(stranger.path, data={
                name: value.encode("utf-8", "surrogatepass") for name, value in {**stranger.held, **changed}.items()
            })  # fmt: skip
        assert answer.status_code < 500, answer.text
        assert "<script>alert(1)" not in answer.text


def test_what_waits_rings_once_until_it_is_looked_at(app, client, door):
    for number in range(3):
        program = Stranger(client(), door)
        program.opens(at=MONDAY + timedelta(minutes=number))
        program.sends(trap="x", **WHO)
    assert [one.kind for one in rows(app, Notification)] == ["public_entry_held"]


def test_an_open_form_is_not_published_with_what_cannot_be_asked_of_everybody(app, door):
    with app.app_context(), transaction(SYSTEM) as session:
        form = session.scalars(select(Form).where(Form.code == "gop-y")).one()
        asked = {"key": "ai", "type": "member", "label": "Ai"}
        forms.save_draft(session, form, {**DRAWN, "fields": [*DRAWN["fields"], asked]}, by=SYSTEM)
        with pytest.raises(forms.FormNotPublishableError) as refused:
            forms.publish_form(session, form, by=SYSTEM)
        assert [one.code for one in refused.value.problems] == ["closed_to_all"]
        services.close_link(session, form, by=SYSTEM)
        assert forms.publish_form(session, form, by=SYSTEM)


def test_a_company_is_known_by_its_tax_code_too(app, client, worker):
    fields = [*DRAWN["fields"], {"key": "mst", "type": "tax_code", "label": "MST", "maps_to": "tax_code"}]
    stranger = Stranger(client(), opened(app, "dai-ly", {"name": "Đại lý", "fields": fields}))
    known = made(app, name="Công ty Sen", tax_code="0100109106")
    stranger.opens()
    assert stranger.sends(mst="0100109106", **WHO).status_code == 303
    worker()
    found = rows(app, Submission)
    assert [one.customer_id for one in found] == [known]
