"""What the answers come to, and how old ones get their place in the index."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.errors import InvalidInputError
from app.core.i18n import in_language
from app.forms.models import AnswerIndexing, Submission, SubmissionValue
from app.forms.queries import context_for
from app.forms.rules import Answers, read_field
from app.forms.submissions import charts as charts_module
from app.forms.submissions import running, services
from app.forms.submissions.charts import charts_of
from tests.cast import Cast
from tests.forms.submissions.conftest import DRAWN, publish, submit

PAGE = "/bieu-mau/mon-an/phieu/bieu-do"


def charts(who):
    page = who.get(PAGE)
    assert page.status_code == 200, page.text
    soup = BeautifulSoup(page.text, "lxml")
    return {
        one.h2.text: [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in one.select("tbody tr")]
        for one in soup.select(".tt-charts > section")
    }


def test_each_choice_number_and_day_is_counted_as_a_table_that_needs_no_script(client, given):
    found = charts(client("hoa"))
    assert found["Lỗi"] == [["Nguội", "1", "33"], ["Trễ", "2", "67"]]
    assert [row[1] for row in found["Sao"]] == ["0", "1", "0", "1", "0"]
    assert found["Ngày ăn"] == [["11/2026", "2", "100"]]
    assert (found["Đền bù"][0][1], found["Đền bù"][-1][1]) == ("1", "1")


@pytest.mark.both_databases
@pytest.mark.parametrize("most", [charts_module.MOST_VALUES, 0])
def test_numbers_stand_in_tenths_of_how_far_they_lie_apart_however_they_are_counted(app, client, monkeypatch, most):
    monkeypatch.setattr(charts_module, "MOST_VALUES", most)
    with app.app_context(), transaction(SYSTEM) as session:
        publish(session)
        for amount in (0, 100, 199, 1000, 1800, 1999, 2000):
            submit(session, {"fault": "cold", "amount": amount, "stars": 3}, by=SYSTEM)
    found = charts(client("hoa"))
    assert [row[1] for row in found["Đền bù"]] == ["3", "0", "0", "0", "0", "1", "0", "0", "0", "3"]
    assert [row[1] for row in found["Sao"]] == ["0", "0", "7", "0", "0"]


@pytest.mark.both_databases
def test_only_what_one_may_see_is_counted_and_nothing_that_was_voided(client, given, void):
    assert charts(client("lan"))["Lỗi"] == [["Nguội", "1", "50"], ["Trễ", "1", "50"]]
    void(given.first)
    assert charts(client("hoa"))["Lỗi"] == [["Trễ", "2", "100"]]


@pytest.mark.both_databases
def test_old_answers_can_be_filtered_once_their_question_can(app, given):
    plain = {**DRAWN, "fields": [{**one, "searchable": False} for one in DRAWN["fields"]]}
    with app.app_context():
        with transaction(SYSTEM) as session:
            publish(session, plain, code="cu")
            first = submit(session, {"fault": "cold", "note": "Cũ"}, by=SYSTEM, code="cu").id
        with transaction(SYSTEM) as session:
            publish(session, DRAWN, code="cu")
        wanted = select(SubmissionValue.text).where(
            SubmissionValue.submission_id == first, SubmissionValue.field_key == "note"
        )
        assert db.session.scalars(wanted).all() == []
        db.session.rollback()
        running.run_waiting()
        assert db.session.scalars(wanted).all() == ["Cũ"]
        job = db.session.scalars(select(AnswerIndexing)).one()
        assert (str(job.status), job.done, job.total) == ("done", 1, 1)


@pytest.mark.parametrize("is_looked_through", [False, True])
def test_what_is_wanted_only_once_is_looked_for_in_old_answers_too(app, given, is_looked_through):
    plain = {"name": "Thẻ", "fields": [{"key": "card", "type": "text", "label": "Số thẻ"}]}
    once = {"name": "Thẻ", "fields": [{"key": "card", "type": "text", "label": "Số thẻ", "unique": "form"}]}
    with app.app_context():
        with transaction(SYSTEM) as session:
            publish(session, plain, code="the")
            submit(session, {"card": "A1"}, by=SYSTEM, code="the")
        with transaction(SYSTEM) as session:
            publish(session, once, code="the")
        if is_looked_through:
            running.run_waiting()
        with pytest.raises(InvalidInputError) as refused, transaction(SYSTEM) as session:
            submit(session, {"card": "A1"}, by=SYSTEM, code="the")
        assert list(refused.value.fields) == ["card"]
        with transaction(SYSTEM) as session:
            submit(session, {"card": "A2"}, by=SYSTEM, code="the")


@pytest.mark.both_databases
def test_an_old_answer_that_is_corrected_is_filtered_and_given_once_as_the_latest_version_wants(app, given):
    plain = {"name": "Thẻ", "fields": [{"key": "card", "type": "text", "label": "Số thẻ"}]}
    once = {"name": "Thẻ", "fields": [{"key": "card", "type": "text", "label": "Số thẻ", "unique": "form"}]}
    with app.app_context():
        with transaction(SYSTEM) as session:
            publish(session, plain, code="the")
            old = submit(session, {"card": "A1"}, by=SYSTEM, code="the").id
        with transaction(SYSTEM) as session:
            publish(session, once, code="the")
        running.run_waiting()
        with transaction(SYSTEM) as session:
            read = Answers({"card": "A9"})
            services.correct(session, session.get_one(Submission, old), read, by=SYSTEM, reason="Gõ nhầm số", rev=None)
        rows = select(SubmissionValue.text).where(SubmissionValue.submission_id == old)
        assert db.session.scalars(rows).all() == ["A9"]
        with pytest.raises(InvalidInputError), transaction(SYSTEM) as session:
            submit(session, {"card": "A9"}, by=SYSTEM, code="the")
        with transaction(SYSTEM) as session:
            submit(session, {"card": "A1"}, by=SYSTEM, code="the")


@pytest.mark.both_databases
def test_a_number_wanted_once_is_compared_with_numbers_alone(app, given):
    words = {"name": "Thẻ", "fields": [{"key": "card", "type": "text", "label": "Số thẻ"}]}
    once = {"name": "Thẻ", "fields": [{"key": "card", "type": "integer", "label": "Số thẻ", "unique": "form"}]}
    with app.app_context():
        with transaction(SYSTEM) as session:
            publish(session, words, code="the")
            submit(session, {"card": "chưa có"}, by=SYSTEM, code="the")
        with transaction(SYSTEM) as session:
            publish(session, once, code="the")  # and the index does not tell of the old answers yet
            submit(session, {"card": 0}, by=SYSTEM, code="the")
        with pytest.raises(InvalidInputError), transaction(SYSTEM) as session:
            submit(session, {"card": 0}, by=SYSTEM, code="the")


@pytest.mark.both_databases
def test_months_are_those_of_the_reader_s_calendar(app, given):
    asked = {"name": "Hẹn", "fields": [{"key": "at", "type": "date_time", "label": "Lúc", "searchable": True}]}
    moments = ("2026-10-31T16:59:00Z", "2026-10-31T17:00:00Z", "2026-08-01T00:00:00Z", "2027-01-01T02:00:00Z")
    with app.app_context(), transaction(SYSTEM) as session:
        version = publish(session, asked, code="hen")
        cast = Cast(session)
        for moment in moments:
            submit(session, {"at": moment}, by=cast.lan, code="hen")
        found = {}
        for who, zone in ((cast.hoa, "Asia/Ho_Chi_Minh"), (cast.lan, "Europe/Paris")):
            reader = replace(who, time_zone=zone)
            (chart,) = charts_of(session, version.form_id, version, reader, context_for(session, reader)).charts
            found[zone] = {bar.label: bar.count for bar in chart.bars}
    assert found["Asia/Ho_Chi_Minh"] == {"08/2026": 1, "10/2026": 1, "11/2026": 1, "01/2027": 1}
    assert found["Europe/Paris"] == {"08/2026": 1, "10/2026": 2, "01/2027": 1}


@pytest.mark.parametrize(("drawn", "said", "told"), [
    ({"type": "money"}, (1.5, 1, 2), ["2\xa0₫", "1\xa0₫", "2\xa0₫"]),
    ({"type": "money"}, (1999.6, 1000, 1_250_000), ["2.000\xa0₫", "1.000\xa0₫", "1.250.000\xa0₫"]),
    ({"type": "decimal"}, (0.3335, 0.001, 99.999), ["0,33", "0,001", "99,999"]),
    ({"type": "decimal"}, (20.0, 10.0, 1_000.0), ["20", "10", "1.000"]),
    ({"type": "percent"}, (12.345, 0.5, 100), ["12,35%", "0,5%", "100%"]),
])  # fmt: skip
def test_averages_and_ends_are_told_as_what_was_said(drawn, said, told):
    one = read_field({"key": "n", "label": "N", **drawn})
    mean, low, high = said
    with in_language("vi"):
        facts = charts_module._spread(one, charts_module._Spread(2, low, high, mean, {})).facts
        assert [str(text) for _name, text in facts] == told
