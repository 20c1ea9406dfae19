from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.core.timewords import LatenessKind, length_text, moment_text, time_left

ZONE = "Asia/Ho_Chi_Minh"


def vietnam(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)


NOW = vietnam("2026-11-20T09:15:00")  # a Friday


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-11-20T14:30", "Today 14:30"),
        ("2026-11-20T00:00", "Today 00:00"),
        ("2026-11-21T09:15", "Tomorrow 09:15"),
        ("2026-11-19T16:42", "Yesterday 16:42"),
        ("2026-11-23T09:15", "Monday 23/11 09:15"),
        ("2026-11-15T08:00", "Sunday 15/11 08:00"),
        ("2027-01-04T08:00", "04/01/2027 08:00"),
    ],
)
def test_moments_in_words(at, words):
    assert str(moment_text(vietnam(at), NOW, ZONE)) == words


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
        (timedelta(days=3), LatenessKind.ok, "Monday 23/11 09:15"),
    ],
)
def test_a_due_moment_tells_how_it_stands(left, kind, words):
    lateness = time_left(NOW + left, NOW, ZONE)
    assert (lateness.kind, str(lateness.text)) == (kind, words)


def test_what_soon_means_can_be_said_per_task():
    assert time_left(NOW + timedelta(hours=1), NOW, ZONE, soon=timedelta(minutes=2)).kind is LatenessKind.ok
    tomorrow = time_left(NOW + timedelta(days=1), NOW, ZONE, soon=timedelta(days=2))
    assert (tomorrow.kind, str(tomorrow.text)) == (LatenessKind.soon, "Tomorrow 09:15")


def test_without_a_due_moment_nothing_is_late():
    lateness = time_left(None, NOW, ZONE)
    assert (lateness.kind, str(lateness.text)) == (LatenessKind.none, "No due date")
