from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.vietnamese import format_date, format_datetime, format_time, parse_date


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("23/11/2026", date(2026, 11, 23)),
        ("5/9/2026", date(2026, 9, 5)),  # day first: 5 September
        ("２３/１１/２０２６", date(2026, 11, 23)),
        (" 2026-11-23 ", date(2026, 11, 23)),
        ("29/02/2028", date(2028, 2, 29)),
    ],
)
def test_days_are_read_day_first_or_iso(typed, day):
    assert parse_date(typed) == day


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "31/02/2026",
        "29/02/2026",
        "11/23/2026",
        "23/11/26",
        "23-11-2026",
        "2026-W48-1",
        "20261123",
        "23/11/2026 09:00",
    ],
)
def test_what_is_no_day_is_refused(typed):
    assert parse_date(typed) is None


@given(st.dates())
def test_a_shown_day_can_be_typed_back(day):
    assert parse_date(format_date(day)) == day
    assert parse_date(day.isoformat()) == day


def test_a_moment_is_shown_on_the_wall_clock_of_its_reader():
    moment = datetime(2026, 11, 23, 18, 5, tzinfo=UTC)
    assert format_datetime(moment, "Asia/Ho_Chi_Minh") == "24/11/2026 01:05"
    assert format_datetime(moment, ZoneInfo("America/New_York")) == "23/11/2026 13:05"
    assert format_time(moment, "Asia/Ho_Chi_Minh") == "01:05"


def test_a_naive_moment_and_a_moment_as_day_are_bugs():
    with pytest.raises(ValueError, match="naive"):
        format_datetime(datetime(2026, 11, 23), "Asia/Ho_Chi_Minh")
    with pytest.raises(TypeError):
        format_date(datetime(2026, 11, 23, tzinfo=UTC))
