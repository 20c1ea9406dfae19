"""Answers on their page: who, when, from where; corrected, locked, voided; with dots for whoever reads dots."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select, text

from app.core.audit import AuditEvent
from app.core.db import db
from app.core.guarded import REVEALED
from app.forms.models import Submission, SubmissionRevision, SubmissionState, SubmissionValue
from app.forms.submissions import rules, services
from tests.security.test_field_rights import HIDDEN, MASKED, OPENED, hold_back


def field(page, name):
    return BeautifulSoup(page.text, "lxml").find(attrs={"name": name})


def correct(who, number, *, reason="Khách đọc lại số tiền", rev=None, **answers):
    path = f"/phieu/{number}/sua"
    page = who.get(path)
    assert page.status_code == 200, page.text
    soup = BeautifulSoup(page.text, "lxml")
    sent = {}
    for one in soup.select("form.tt-page [name]"):
        if one.name == "textarea":
            sent[one["name"]] = one.text
        elif one.get("type") not in ("radio", "checkbox") or one.has_attr("checked"):
            sent[one["name"]] = one.get("value", "")
    sent |= {f"answer_{key}": value for key, value in answers.items()} | {"reason": reason}
    return who.post(path, data=sent | ({"rev": rev} if rev else {}))


def test_the_page_tells_who_when_from_where_and_under_which_version(client, given):
    page = client("lan").get(f"/phieu/{given.first}").text
    for told in ("Trang điền phiếu", "phiên bản 1", "Phở nguội", "50.000"):
        assert told in page, told
    assert "Lần sửa" not in page


def test_a_correction_is_a_revision_and_what_was_before_stays_readable(app, client, given):
    lan = client("lan")
    sent = correct(lan, given.first, amount="70000", note="Phở nguội ngắt")
    assert sent.status_code == 302, sent.text
    page = lan.get(sent.location)
    told = re.sub(r"\s+", " ", BeautifulSoup(page.text, "lxml").get_text(" "))
    assert "Lần sửa 2" in told
    assert "Khách đọc lại số tiền" in told
    assert re.search(r"Đền bù 50\.000\s₫ 70\.000\s₫", told), told
    with app.app_context():
        kept = db.session.get(Submission, given.first)
        assert (kept.revision, kept.answers["amount"], kept.answers["inside"]) == (2, 70000, "Khách quen")
        before = db.session.scalars(select(SubmissionRevision)).one()
        assert (before.number, before.answers["amount"], before.reason) == (1, 50000, None)
        values = select(SubmissionValue.number).where(
            SubmissionValue.submission_id == given.first, SubmissionValue.field_key == "amount"
        )
        assert db.session.scalars(values).all() == [70000]
        with pytest.raises(Exception, match="does not change"):
            db.session.execute(text("UPDATE submission_revision SET number = 9"))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"reason": ""}, "Nói lý do"),
        ({"reason": "x" * 301}, "300"),
        ({"amount": "nhiều lắm"}, "Số tiền"),
        ({}, "Không có gì khác"),
    ],
)
def test_a_correction_that_is_not_right_is_told_and_nothing_typed_is_lost(client, given, typed, told):
    answer = correct(client("lan"), given.first, **typed)
    assert answer.status_code == 422
    assert told in answer.text
    for name, value in typed.items():
        if value:
            assert value[:200] in answer.text, name


def test_two_who_correct_at_once_one_is_told(client, given):
    page = client("minh").get(f"/phieu/{given.first}/sua")
    rev = field(page, "rev")["value"]
    assert correct(client("lan"), given.first, amount="1000").status_code == 302
    late = correct(client("minh"), given.first, amount="2000", rev=rev)
    assert late.status_code == 409
    (row,) = BeautifulSoup(late.text, "lxml").select(".tt-rows tbody tr")
    assert [one.get_text(strip=True) for one in row.select("th, td")] == ["Đền bù", "1.000\xa0₫", "2.000\xa0₫"]
    assert "2000" in late.text
    again = field(late, "rev")["value"]
    assert correct(client("minh"), given.first, amount="2000", rev=again).status_code == 302


def test_what_is_locked_is_corrected_by_nobody_until_it_is_opened(client, given):
    minh, lan = client("minh"), client("lan")
    rev = field(minh.get(f"/phieu/{given.first}/khoa"), "rev")["value"]
    assert minh.post(f"/phieu/{given.first}/khoa", data={"reason": "Đã đối chiếu", "rev": rev}).status_code == 302
    assert "Đã đối chiếu" in lan.get(f"/phieu/{given.first}").text
    assert f"/phieu/{given.first}/sua" not in lan.get(f"/phieu/{given.first}").text
    assert lan.get(f"/phieu/{given.first}/mo-khoa").status_code == 403
    rev = field(minh.get(f"/phieu/{given.first}/mo-khoa"), "rev")["value"]
    assert minh.post(f"/phieu/{given.first}/mo-khoa", data={"reason": "Khách báo lại", "rev": rev}).status_code == 302
    assert correct(lan, given.first, amount="1000").status_code == 302


@pytest.mark.parametrize(("verb", "told"), [("lock", "Đã khóa"), ("void", "Đã hủy")])
def test_a_page_that_can_change_nothing_says_why_since_when_and_by_whom_and_leads_back(
    change, client, given, verb, told
):
    change(lambda session, cast: services.DECISIONS[rules.Verb[verb]](
        session, session.get_one(Submission, given.first), by=cast.hoa, reason="Đã đối chiếu"))  # fmt: skip
    for path in ("sua", *(["huy"] if verb == "lock" else ["khoa"])):
        page = client("hoa").get(f"/phieu/{given.first}/{path}")
        assert page.status_code == 422
        soup = BeautifulSoup(page.text, "lxml")
        said = re.sub(r"\s+", " ", soup.main.get_text(" "))
        assert re.search(f"{told}: Lê Thị Hoa, hôm nay 09:00 – Đã đối chiếu", said), said
        assert soup.select_one(f"main a.btn[href='/phieu/{given.first}']"), path


def test_what_was_typed_stays_when_the_answers_were_locked_meanwhile(change, client, given):
    lan = client("lan")
    rev = field(lan.get(f"/phieu/{given.first}/sua"), "rev")["value"]
    change(lambda session, cast: services.lock(
        session, session.get_one(Submission, given.first), by=cast.minh, reason="Đã đối chiếu"))  # fmt: skip
    sent = {"rev": rev, "answer_fault": "cold", "answer_note": "Phở nguội ngắt", "reason": "Khách gọi lại"}
    page = lan.post(f"/phieu/{given.first}/sua", data=sent)
    assert (page.status_code, "Phiếu này đã khóa" in page.text) == (422, True)
    assert (field(page, "answer_note")["value"], field(page, "reason").text.strip()) == (
        "Phở nguội ngắt", "Khách gọi lại")  # fmt: skip


def test_what_is_voided_stays_readable_and_counts_nowhere(app, client, given, void):
    void(given.first)
    assert "Điền nhầm khách" in client("lan").get(f"/phieu/{given.first}").text
    with app.app_context():
        counted = select(SubmissionValue.counts).where(SubmissionValue.submission_id == given.first).distinct()
        assert db.session.scalars(counted).all() == [False]
        assert db.session.get(Submission, given.first).state is SubmissionState.voided


def test_nobody_changes_answers_that_are_not_his_to_see(client, given):
    for path in ("", "/sua", "/phieu.pdf", "/mo/illness"):
        assert client("lan").get(f"/phieu/{given.other}{path}").status_code == 404, path
    assert client("lan").get(f"/phieu/{given.first}/huy").status_code == 403
    assert client("lan").post(f"/phieu/{given.first}/khoa", data={"reason": "Tôi muốn thế"}).status_code == 403


@pytest.fixture
def held(app, given):
    """held(rule): Lan's role holds sensitive answers back."""

    def hold(rule):
        with app.app_context():
            hold_back("Staff", rule, "answers_sensitive", resource="Submission")

    return hold


@pytest.mark.parametrize("rule", [HIDDEN, MASKED], ids=["hidden", "masked"])
def test_sensitive_answers_are_told_to_nobody_who_may_not_read_them(client, given, held, rule):
    held(rule)
    lan = client("lan")
    told = lan.get(f"/phieu/{given.first}").text + lan.get(f"/phieu/{given.first}/sua").text
    told += lan.get("/bieu-mau/mon-an/phieu/list/").text + lan.get(f"/bieu-mau/mon-an/phieu/panel/{given.first}").text
    columns = {"columns": "number,answers.illness", "view": 0}
    told += lan.get("/bieu-mau/mon-an/phieu/list/", query_string=columns).text
    where = {"where": "answers.illness = 'Dị ứng'", "view": 0}
    assert lan.get("/bieu-mau/mon-an/phieu/list/", query_string=where).status_code == 400
    assert "Dị ứng" not in told
    assert ("D•••" in told) is (rule is MASKED)
    assert lan.get(f"/phieu/{given.first}/mo/illness").status_code == (403 if rule is MASKED else 404)
    assert "Dị ứng" in client("hoa").get(f"/phieu/{given.first}").text


def test_an_answer_with_dots_is_opened_with_a_reason_that_the_audit_keeps(app, client, given, held):
    held(OPENED)
    lan, path = client("lan"), f"/phieu/{given.first}/mo/illness"
    assert path in lan.get(f"/phieu/{given.first}").text
    assert "Dị ứng" not in lan.get(path).text
    assert lan.post(path, data={"reason": ""}).status_code == 422
    assert "Dị ứng" in lan.post(path, data={"reason": "Báo cho bếp biết"}).text
    with app.app_context():
        opened = db.session.scalars(select(AuditEvent).where(AuditEvent.name == REVEALED)).one()
        assert (opened.record_id, opened.changes["field"]) == (given.first, [None, "illness"])


def test_a_hidden_answer_stays_as_it_was_when_somebody_else_corrects(app, client, given):
    assert "Khách quen" not in client("lan").get(f"/phieu/{given.first}/sua").text
    correct(client("lan"), given.first, note="Khác")
    with app.app_context():
        assert db.session.get(Submission, given.first).answers["inside"] == "Khách quen"


def test_every_decision_is_told_to_the_audit(app, change, given):
    change(lambda session, cast: services.lock(
        session, session.get_one(Submission, given.first), by=cast.minh, reason="Đã đối chiếu"))  # fmt: skip
    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.table_name == "submission")).all()
        assert ["submitted", "locked"] in [one.changes.get("state") for one in rows]
