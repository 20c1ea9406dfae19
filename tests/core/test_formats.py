from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import formats
from app.core.i18n import in_language

SAIGON = "Asia/Ho_Chi_Minh"
BOTH = pytest.mark.parametrize("reader", ["vi", "en"], indirect=True)


@pytest.fixture
def reader(request: pytest.FixtureRequest, prepared) -> Iterator[str]:
    """Whoever reads and types: "vi" or "en"."""
    with prepared("sqlite").app.test_request_context(), in_language(request.param):
        yield request.param


@pytest.mark.parametrize(
    ("reader", "shown"),
    [
        ("vi", ["22/11/2026", "Chủ Nhật 22/11", "23/11/2026 01:05", "1.250.000", "2,4"]),
        ("en", ["22 Nov 2026", "Sunday 22 Nov", "23 Nov 2026 01:05", "1,250,000", "2.4"]),
    ],
    indirect=["reader"],
)
def test_everything_is_written_as_its_reader_writes_it(reader, shown):
    day, moment = date(2026, 11, 22), datetime(2026, 11, 22, 18, 5, tzinfo=UTC)
    assert [
        str(formats.day_text(day)),
        str(formats.weekday_text(day)),
        str(formats.exact_text(moment, SAIGON)),
        str(formats.number_text(1_250_000)),
        str(formats.number_text(2.4)),
    ] == shown


@pytest.mark.parametrize(
    ("reader", "amounts"),
    [
        ("vi", ["1.250.000\u00a0₫", "0\u00a0₫", "-500\u00a0₫"]),
        ("en", ["1,250,000\u00a0₫", "0\u00a0₫", "-500\u00a0₫"]),
    ],
    indirect=["reader"],
)
def test_the_sign_of_the_dong_stands_behind_and_never_breaks_off(reader, amounts):
    assert [str(formats.money_text(amount)) for amount in (1_250_000, 0, -500)] == amounts


def test_what_was_made_for_one_reader_is_written_for_whoever_reads_it(prepared):
    amount, day = formats.money_text(1_250_000), formats.day_text(date(2026, 11, 22))
    with prepared("sqlite").app.test_request_context():
        with in_language("en"):
            assert (str(amount), str(day)) == ("1,250,000\u00a0₫", "22 Nov 2026")
        with in_language("vi"):
            assert (str(amount), str(day)) == ("1.250.000\u00a0₫", "22/11/2026")


@pytest.mark.parametrize(
    ("reader", "monday", "sunday"),
    [("vi", "thứ Hai 23/11", "Chủ Nhật 22/11"), ("en", "Monday 23 Nov", "Sunday 22 Nov")],
    indirect=["reader"],
)
def test_weekdays_in_the_middle_of_a_sentence(reader, monday, sunday):
    assert str(formats.weekday_inside(date(2026, 11, 23))) == monday
    assert str(formats.weekday_inside(date(2026, 11, 22))) == sunday


def test_a_moment_is_shown_on_the_wall_clock_of_its_reader():
    moment = datetime(2026, 11, 23, 18, 5, tzinfo=UTC)
    assert str(formats.exact_text(moment, ZoneInfo("America/New_York"))) == "23/11/2026 13:05"
    assert formats.typed_moment(moment, SAIGON) == "24/11/2026 01:05"
    assert formats.time_text(moment, SAIGON) == "01:05"


def test_a_naive_moment_and_a_moment_as_day_are_bugs():
    with pytest.raises(ValueError, match="naive"):
        formats.exact_text(datetime(2026, 11, 23), SAIGON)
    with pytest.raises(TypeError):
        formats.day_text(datetime(2026, 11, 23, tzinfo=UTC))


@BOTH
@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("23/11/2026", date(2026, 11, 23)),
        ("5/9/2026", date(2026, 9, 5)),  # day first: 5 September
        ("２３/１１/２０２６", date(2026, 11, 23)),
        (" 2026-11-23 ", date(2026, 11, 23)),
        ("23-11-2026", date(2026, 11, 23)),
        ("5.9.26", date(2026, 9, 5)),
        ("251126", date(2026, 11, 25)),
        ("25112026", date(2026, 11, 25)),
        ("31/12/49", date(2049, 12, 31)),
        ("1/1/50", date(1950, 1, 1)),
        ("29/02/2028", date(2028, 2, 29)),
    ],
)
def test_days_are_read_day_first_or_iso_in_both_languages(reader, typed, day):
    assert formats.read_day(typed) == day


NO_DAY = ("", "31/02/2026", "29/02/2026", "11/23/2026", "23/11/026", "23-11/2026", "2026-W48-1", "20261123",
          "20011123", "2511226", "321126", "23/11/2026 09:00")  # fmt: skip


@pytest.mark.parametrize("typed", NO_DAY)
def test_what_is_no_day_is_refused(typed):
    assert formats.read_day(typed) is None


@given(st.dates())
def test_a_day_can_be_typed_back(day):
    assert formats.read_day(formats.typed_day(day)) == day
    assert formats.read_day(day.isoformat()) == day


WHOLE = [
    ("1250000", 1_250_000),
    ("1.250.000", 1_250_000),
    ("1,250,000", 1_250_000),
    ("1 250 000", 1_250_000),
    ("1\u00a0250\u202f000", 1_250_000),
    ("１２５０", 1250),
    ("0", 0),
    ("007", 7),
    ("-1 250", -1250),
    ("−5", -5),
]
NOT_WHOLE = [
    "", "-", "1,5", "1.5", "1.25", "0.500", "0,500", "1.250,000", "1,250.000", "1.250.00", "1.25.000", "1..250",
    "12 50", "500k", "1e6", "½", "5²", "٣", "--5", "9" * 19, "9" * 5000,
]  # fmt: skip


@BOTH
@pytest.mark.parametrize(("typed", "number"), WHOLE)
def test_whole_numbers_are_read_however_they_are_grouped(reader, typed, number):
    assert formats.read_integer(typed) == number
    assert formats.read_money(typed) == number


@BOTH
@pytest.mark.parametrize("typed", NOT_WHOLE, ids=lambda typed: repr(typed)[:20])
def test_decimals_and_the_unclear_are_refused(reader, typed):
    assert formats.read_integer(typed) is None
    assert formats.read_money(typed) is None


@pytest.mark.parametrize(
    ("reader", "clear", "unclear", "told"),
    [("vi", "1.250", "1,250", "1.250 hoặc 1250"), ("en", "1,250", "1.250", "1,250 or 1250")],
    indirect=["reader"],
)
def test_one_group_behind_the_decimal_sign_of_the_reader_is_told_to_read_two_ways(reader, clear, unclear, told):
    for sign, factor in (("", 1), ("-", -1)):
        assert formats.read_integer(sign + clear) == 1250 * factor
        assert formats.read_integer(sign + unclear) is None
        assert formats.read_money(sign + unclear) == 1250 * factor, "the dong has no decimals"
    assert unclear in str(formats.integer_problem(unclear))
    assert told in str(formats.integer_problem(unclear))
    assert clear in str(formats.integer_problem("x"))


@pytest.mark.parametrize(
    "typed",
    ["1250000 đ", "1.250.000₫", "1.250.000 Đ", "1,250,000 VND", "VND 1,250,000", "1250000 vnđ", "1.250.000 đồng"],
)
def test_money_may_carry_its_sign(typed):
    assert formats.read_money(typed) == 1_250_000
    assert formats.read_integer(typed) is None


@pytest.mark.parametrize("typed", ["đ", "VND", "1,5 triệu", "5 $", "12,5 đ"])
def test_a_sign_alone_or_another_unit_is_no_amount(typed):
    assert formats.read_money(typed) is None


@pytest.mark.parametrize(
    ("reader", "right", "wrong"),
    [
        (
            "vi",
            {"12,5": "12.5", "-1.250,5": "-1250.5", "1.250": "1250", "0,125": "0.125", "1,2500": "1.25"},
            ["12.5", "1.25,0", "x", "1,250", "-125,000"],
        ),
        (
            "en",
            {"12.5": "12.5", "-1,250.5": "-1250.5", "1,250": "1250", "0.125": "0.125", "1.2500": "1.25"},
            ["12,5", "1,25.0", "x", "1.250", "-125.000"],
        ),
    ],
    indirect=["reader"],
)
def test_decimals_are_read_by_the_sign_of_the_reader(reader, right, wrong):
    assert {typed: formats.read_decimal(typed) for typed in right} == {
        typed: Decimal(number) for typed, number in right.items()
    }
    assert [formats.read_decimal(typed) for typed in wrong] == [None] * len(wrong)


@pytest.mark.parametrize(
    ("reader", "unclear", "told"),
    [("vi", "1,250", ["1.250", "1,2500"]), ("en", "1.250", ["1,250", "1.2500"])],
    indirect=["reader"],
)
def test_a_decimal_that_reads_two_ways_is_told_how_to_write_either(reader, unclear, told):
    assert all(f" {way} " in str(formats.decimal_problem(unclear)) for way in told)
    assert [formats.read_decimal(way) for way in told] == [Decimal(1250), Decimal("1.25")]
    assert str(formats.number_text(1250.5)) in str(formats.decimal_problem("x"))


@BOTH
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(number=st.decimals(min_value=-(10**12), max_value=10**12, places=3))
def test_a_decimal_stands_in_its_field_as_it_is_read_back(reader, number):
    assert formats.read_decimal(formats.typed_number(number)) == number


@BOTH
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(amount=st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1))
def test_what_is_shown_can_be_typed_back(reader, amount):
    assert formats.read_money(str(formats.money_text(amount))) == amount
    assert formats.read_integer(str(formats.number_text(amount))) == amount
    assert formats.read_decimal(str(formats.number_text(amount))) == amount
