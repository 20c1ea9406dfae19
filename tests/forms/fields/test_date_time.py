from __future__ import annotations

from dataclasses import replace

from tests.forms.examples import CONTEXT, Examples, a_field, read

EXAMPLES = Examples(
    "date_time",
    right=(
        ("22/11/2026 14:30", "2026-11-22T07:30:00Z", "22/11/2026 14:30"),
        ("22/11/2026  0h05", "2026-11-21T17:05:00Z", "22/11/2026 00:05"),
        ("2026-11-22T14:30:59+07:00", "2026-11-22T07:30:00Z", "22/11/2026 14:30"),
        ("2026-11-22T07:30:00Z", "2026-11-22T07:30:00Z", "22/11/2026 14:30"),
        ("2026-11-22T14:30", "2026-11-22T07:30:00Z", "22/11/2026 14:30"),
    ),
    wrong=("22/11/2026", "14:30", "31/02/2026 10:00", "22/11/2026 25:00", "hôm qua 10:00",
           20261122, "0001-01-01T00:00Z",
           "9999-12-31T23:59Z"),
)  # fmt: skip


def test_a_moment_is_typed_and_shown_on_the_readers_clock():
    tokyo = replace(CONTEXT, time_zone="Asia/Tokyo")
    assert read("date_time", "22/11/2026 14:30", tokyo).value == "2026-11-22T05:30:00Z"
    one = a_field("date_time")
    assert one.type.show("2026-11-22T05:30:00Z", one.spec, tokyo) == "22/11/2026 14:30"


def test_a_day_that_is_none_is_named():
    assert "31/02/2026" in str(read("date_time", "31/02/2026 10:00").problems[0])


def test_a_limit_is_a_day_of_the_company_from_wherever_it_is_typed():
    berlin = replace(CONTEXT, time_zone="Europe/Berlin")
    assert read("date_time", "22/11/2026 20:00", berlin, min="2026-11-23").value == "2026-11-22T19:00:00Z"
    assert read("date_time", "22/11/2026 20:00", berlin, max="2026-11-22").problems != ()
    assert read("date_time", "2026-11-21T17:00:00Z", min="2026-11-22").problems == ()
    assert read("date_time", "2026-11-21T16:59:00Z", min="2026-11-22").problems != ()
