from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from app.core.i18n import in_language
from app.core.timewords import LatenessKind, day_heading, length_text, moment_inside, moment_text, time_left, until_text

ZONE = "Asia/Ho_Chi_Minh"


def vietnam(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)


NOW = vietnam("2026-11-20T09:15:00")  # a Friday


@pytest.fixture
def reader(request: pytest.FixtureRequest, prepared) -> Iterator[str]:
    """Whoever reads: "vi" or "en"."""
    with prepared("sqlite").app.test_request_context(), in_language(request.param):
        yield request.param


MOMENTS = [
    # moment, alone and inside a sentence in Vietnamese, in English
    ("2026-11-20T14:30", "Hôm nay 14:30", "hôm nay 14:30", "Today 14:30", "today 14:30"),
    ("2026-11-20T00:00", "Hôm nay 00:00", "hôm nay 00:00", "Today 00:00", "today 00:00"),
    ("2026-11-21T09:15", "Ngày mai 09:15", "ngày mai 09:15", "Tomorrow 09:15", "tomorrow 09:15"),
    ("2026-11-19T16:42", "Hôm qua 16:42", "hôm qua 16:42", "Yesterday 16:42", "yesterday 16:42"),
    ("2026-11-23T09:15", "Thứ Hai 23/11 09:15", "thứ Hai 23/11 09:15", "Monday 23 Nov 09:15", "Monday 23 Nov 09:15"),
    ("2026-11-15T08:00", "Chủ Nhật 15/11 08:00", "Chủ Nhật 15/11 08:00", "Sunday 15 Nov 08:00", "Sunday 15 Nov 08:00"),
    ("2027-01-04T08:00", "04/01/2027 08:00", "04/01/2027 08:00", "4 Jan 2027 08:00", "4 Jan 2027 08:00"),
]


@pytest.mark.parametrize("reader", ["vi", "en"], indirect=True)
@pytest.mark.parametrize("moment", MOMENTS, ids=[moment[0] for moment in MOMENTS])
def test_moments_in_words(reader, moment):
    at, *words = moment
    shown = [str(say(vietnam(at), NOW, ZONE)) for say in (moment_text, moment_inside)]
    assert shown == (words[:2] if reader == "vi" else words[2:])


@pytest.mark.parametrize(
    ("reader", "headings"),
    [
        ("vi", ["Hôm nay", "Hôm qua", "Ngày mai", "Thứ Hai 16/11", "31/12/2025"]),
        ("en", ["Today", "Yesterday", "Tomorrow", "Monday 16 Nov", "31 Dec 2025"]),
    ],
    indirect=["reader"],
)
def test_days_head_what_happened_on_them(reader, headings):
    today = NOW.date()
    days = [today, today - timedelta(1), today + timedelta(1), date(2026, 11, 16), date(2025, 12, 31)]
    assert [str(day_heading(day, today)) for day in days] == headings


def test_tomorrow_crosses_the_new_year():
    assert str(moment_text(vietnam("2027-01-01T08:00"), vietnam("2026-12-31T23:00"), ZONE)) == "Tomorrow 08:00"


def test_today_is_the_readers_day_not_that_of_utc():
    evening_in_utc = datetime(2026, 11, 19, 18, 0, tzinfo=UTC)  # 01:00 on the 20th in Vietnam
    assert str(moment_text(evening_in_utc, NOW, ZONE)) == "Today 01:00"
    assert str(moment_text(evening_in_utc, NOW, "UTC")) == "Yesterday 18:00"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "0 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=15, seconds=59), "15 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=2, minutes=1), "2 hours 1 minute"),
        (timedelta(hours=23, minutes=59), "23 hours 59 minutes"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=3, hours=20), "3 days"),
        (timedelta(minutes=-5), "0 minutes"),
    ],
)
def test_lengths_in_words(length, words):
    assert str(length_text(length)) == words


@pytest.mark.parametrize(
    ("left", "kind", "words"),
    [
        (timedelta(minutes=-15), LatenessKind.late, "15 minutes late"),
        (timedelta(days=-3), LatenessKind.late, "3 days late"),
        (timedelta(seconds=-59), LatenessKind.late, "Just due"),
        (timedelta(0), LatenessKind.late, "Just due"),
        (timedelta(seconds=1), LatenessKind.soon, "1 minute left"),
        (timedelta(minutes=25), LatenessKind.soon, "25 minutes left"),
        (timedelta(hours=1, minutes=15), LatenessKind.soon, "1 hour 15 minutes left"),
        (timedelta(hours=2), LatenessKind.ok, "2 hours left"),
        (timedelta(hours=2, minutes=15), LatenessKind.ok, "Today 11:30"),
        (timedelta(days=1), LatenessKind.ok, "Tomorrow 09:15"),
    ],
)
def test_a_due_moment_tells_how_it_stands(left, kind, words):
    lateness = time_left(NOW + left, NOW, ZONE)
    assert (lateness.kind, str(lateness.text)) == (kind, words)
    assert lateness.is_moment == (str(moment_text(NOW + left, NOW, ZONE)) == words)


def test_what_soon_means_can_be_said_per_task():
    assert time_left(NOW + timedelta(hours=1), NOW, ZONE, soon=timedelta(minutes=2)).kind is LatenessKind.ok
    tomorrow = time_left(NOW + timedelta(days=1), NOW, ZONE, soon=timedelta(days=2))
    assert (tomorrow.kind, str(tomorrow.text)) == (LatenessKind.soon, "Tomorrow 09:15")


def test_without_a_due_moment_nothing_is_late():
    lateness = time_left(None, NOW, ZONE)
    assert (lateness.kind, str(lateness.text)) == (LatenessKind.none, "No due date")


@pytest.mark.parametrize("reader", ["vi"], indirect=True)
def test_what_ends_with_a_day_says_that_day_and_not_the_next(reader):
    assert str(until_text(vietnam("2026-12-01T00:00"), "Asia/Ho_Chi_Minh")) == "hết 30/11/2026"
    assert str(until_text(vietnam("2026-11-30T14:30"), "Asia/Ho_Chi_Minh")) == "đến 30/11/2026 14:30"
