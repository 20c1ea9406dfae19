"""A record's history tells who changed what, from what to what, in people's words; and no more than one may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, event

from app.core import audit, clock, history
from app.core.audit import AuditSensitive
from app.core.db import transaction
from app.core.errors import BadRequestError
from app.core.i18n import _
from app.customers.models import Customer
from app.customers.services import archive_customer, change_customer, create_customer, restore_customer
from app.security.models import Team
from tests.story import MONDAY

BOTH = pytest.mark.both_databases
LABELS = {"name": _("Name"), "note": _("Note"), "source": _("Came through"), "owner_id": _("Person in charge"),
          "team_id": _("Team")}  # fmt: skip


@pytest.fixture
def customer_id(session, cast):
    with clock.at(MONDAY), transaction(cast.lan) as inside:
        return create_customer(inside, by=cast.lan, name="Đặng Thị Mỹ Duyên", note="Gọi sau 14:30").id


def told(session, customer_id, who, labels=LABELS, **more):
    session.rollback()
    subject = history.Subject(Customer, customer_id, labels, known=(Team,))
    return history.of(session, [subject], who, **more)


def entries(*arguments, **more):
    return [entry for day in told(*arguments, **more).days for entry in day.entries]


def rename(cast, customer_id, name, at=MONDAY + timedelta(hours=1)):
    with clock.at(at), transaction(cast.minh) as inside:
        customer = inside.get_one(Customer, customer_id)
        change_customer(inside, customer, by=cast.minh, rev=customer.rev, name=name)


@BOTH
def test_a_change_is_told_with_who_when_and_from_what_to_what(session, cast, customer_id):
    rename(cast, customer_id, "Đặng Mỹ Duyên")
    newest, first = entries(session, customer_id, cast.lan)
    assert (newest.who, newest.time, newest.happened) == ("Phạm Quang Minh", "10:00", history.Happened.changed)
    assert [(line.old, line.new) for line in newest.lines] == [("Đặng Thị Mỹ Duyên", "Đặng Mỹ Duyên")]
    assert first.happened is history.Happened.created
    values = {str(line.label): line.new for line in first.lines}
    assert cast.lan.name in values.values()
    assert "Gọi sau 14:30" in values.values()


def test_people_and_teams_are_told_by_name(session, cast, customer_id):
    (first,) = entries(session, customer_id, cast.lan, {"owner_id": _("Person in charge"), "team_id": _("Team")})
    team = session.get_one(Team, cast.lan.primary_team_id)
    assert [line.new for line in first.lines] == [cast.lan.name, team.name]


def test_a_row_that_the_reader_may_not_see_is_not_named(session, cast, customer_id):
    stranger = replace(cast.lan, permissions=cast.lan.permissions - {("view", "Team")})
    name = session.get_one(Team, cast.lan.primary_team_id).name
    for who, is_named in ((cast.lan, True), (stranger, False)):
        subject = history.Subject(Customer, customer_id, {"team_id": _("Team")})
        (entry,) = history.of(session, [subject], who).newest(1)
        assert (entry.lines[0].new == name) is is_named


def test_a_field_that_is_not_named_leaves_no_trace(session, cast, customer_id):
    rename(cast, customer_id, "Đặng Mỹ Duyên")
    found = entries(session, customer_id, cast.lan, {"source": _("Came through")})
    assert [entry.happened for entry in found] == [history.Happened.created]
    assert found[0].lines == ()


@BOTH
def test_what_was_erased_is_not_told_and_the_change_is(session, cast, customer_id):
    rename(cast, customer_id, "Đặng Mỹ Duyên")
    with transaction() as inside:
        inside.execute(delete(AuditSensitive))
    (line,) = entries(session, customer_id, cast.lan)[0].lines
    for value in (line.old, line.new):
        assert "Duyên" not in str(value)
        assert "hmac" not in str(value)


def test_archiving_and_restoring_have_their_own_words(session, cast, customer_id):
    for change in (archive_customer, restore_customer):
        with transaction(cast.minh) as inside:
            change(inside, inside.get_one(Customer, customer_id), by=cast.minh)
    happened = [entry.happened for entry in entries(session, customer_id, cast.lan)]
    assert happened == [history.Happened.restored, history.Happened.archived, history.Happened.created]


@BOTH
def test_it_is_read_page_by_page_without_a_gap_or_a_repeat(session, cast, customer_id):
    for number in range(5):
        rename(cast, customer_id, f"Tên {number}", at=MONDAY + timedelta(hours=number))
    seen, before = [], None
    while True:
        page = told(session, customer_id, cast.lan, before=before, size=2)
        seen += [entry.id for day in page.days for entry in day.entries]
        if page.older is None:
            break
        before = page.older
    assert len(seen) == 6
    assert seen == sorted(set(seen), reverse=True)


def test_days_are_those_of_the_readers_clock(session, cast, customer_id):
    rename(cast, customer_id, "Đặng Mỹ Duyên", at=MONDAY + timedelta(hours=16))  # 01:00 on Tuesday in Vietnam
    with clock.at(MONDAY + timedelta(days=3)):
        labels = [str(day.label) for day in told(session, customer_id, cast.lan).days]
    assert len(labels) == 2
    assert "24" in labels[0]
    assert "23" in labels[1]


def test_an_event_without_words_is_not_told(session, cast, customer_id):
    with transaction(cast.hoa) as inside:
        audit.record(inside, "customer.looked_at", table="customer", record_id=customer_id)
    assert [entry.happened for entry in entries(session, customer_id, cast.lan)] == [history.Happened.created]
    subject = history.Subject(Customer, customer_id, {}, events={"customer.looked_at": "Đã xem"})
    newest = history.of(session, [subject], cast.lan).newest(1)[0]
    assert (newest.what, newest.who) == ("Đã xem", cast.hoa.name)


def test_as_many_queries_however_much_has_happened(session, cast, customer_id):
    counted = []
    for number in range(8):
        rename(cast, customer_id, f"Tên {number}")
        statements = []
        session.rollback()
        listen = lambda *told, into=statements: into.append(told[2])  # noqa: E731
        event.listen(session.get_bind(), "before_cursor_execute", listen)
        entries(session, customer_id, cast.lan)
        event.remove(session.get_bind(), "before_cursor_execute", listen)
        counted.append(len(statements))
    assert len(set(counted)) == 1, counted


def test_it_counts_what_it_tells_and_nothing_of_what_it_does_not(session, cast, customer_id, monkeypatch):
    with transaction(cast.hoa) as inside:
        audit.record(inside, "customer.looked_at", table="customer", record_id=customer_id)
    for number in range(4):
        rename(cast, customer_id, f"Tên {number}", at=MONDAY + timedelta(hours=number))
    session.rollback()
    for labels in (LABELS, {"source": _("Came through")}, {"name": _("Name"), "note": _("Note")}):
        subjects = [history.Subject(Customer, customer_id, labels)]
        assert history.count(session, subjects, cast.lan) == (
            len(entries(session, customer_id, cast.lan, labels)),
            False,
        )
    monkeypatch.setattr(history, "MOST_COUNTED", 3)
    assert history.count(session, [history.Subject(Customer, customer_id, LABELS)], cast.lan) == (3, True)


@pytest.mark.parametrize("typed", ["", "0x1", "-1", "٣", "1" * 19])
def test_a_place_that_is_none_is_refused(typed):
    with pytest.raises(BadRequestError):
        history.asked_before(typed)
