"""What somebody meant by a cell: numbers, days, and which row is the heading."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.sheet_values import (
    Habits,
    habits_of,
    heading_row,
    is_heading,
    is_shortened,
    missing_date,
    read_amount,
    read_date,
    read_number,
)

AMERICAN = Habits(decimal=".", month_first=True)
DAY = date(2026, 3, 5)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1.250.000", "1250000"), ("1,250,000", "1250000"), ("1 250 000", "1250000"), ("1'250'000", "1250000"),
        ("1.250.000,50", "1250000.50"), ("1,250,000.50", "1250000.50"), ("1,5", "1.5"), ("1.5", "1.5"),
        ("0,125", "0.125"), ("1250,5", "1250.5"), ("12,50", "12.50"), ("(1.250.000)", "-1250000"), ("-5", "-5"),
        ("−5", "-5"), ("5-", "-5"), ("500k", "500000"), ("1,2 triệu", "1200000"), ("2 tỷ", "2000000000"),
        ("500 nghìn đ", "500000"), ("1.250.000 ₫", "1250000"), ("VND 5.500.000", "5500000"), ("1.250.000đ", "1250000"),
        ("1.25E+06", "1250000"), ("１.２５０.０００", "1250000"), ("1\u00a0250\u00a0000", "1250000"), ("007", "7"),
    ],
)  # fmt: skip
def test_a_number_reads_the_same_in_every_file(cell, number):
    assert read_number(cell) == read_number(cell, Habits(".")) == Decimal(number)


def test_a_lone_group_is_read_by_the_habits_of_its_column():
    assert (read_number("1.250"), read_number("1.250", AMERICAN)) == (Decimal(1250), Decimal("1.250"))
    assert (read_number("1,250"), read_number("1,250", AMERICAN)) == (Decimal("1.250"), Decimal(1250))
    assert habits_of(["1.250", "2.000", ""]) == Habits()
    assert habits_of(["1.250", "2.5"]) == Habits(".")
    assert habits_of(["1,250.00", "2,000"]) == Habits(".")
    assert habits_of(["1,5", "1.250"]) == Habits(",")


@pytest.mark.parametrize(
    ("cell", "amount"),
    [("1.250", 1250), ("1,250", 1250), ("1.250.000,00", 1_250_000), ("1.250.000,50", None), ("1,5 triệu", 1_500_000),
     ("", None), ("một triệu", None)],
)  # fmt: skip
def test_an_amount_is_whole_dong(cell, amount):
    assert read_amount(cell) == amount


@pytest.mark.parametrize(
    "cell", ["", "abc", "12.34.56", "1..2", ".5", "5.", "1,2,3", "1.25.000", "5/3/26", "9" * 19, "1 2", "- "]
)
def test_what_is_no_number_is_none(cell):
    assert read_number(cell) is None


@given(st.integers(-(10**15), 10**15), st.sampled_from([(".", ","), (",", "."), (" ", ","), ("", ",")]))
def test_every_number_is_read_back(number, signs):
    group, decimal = signs
    grouped = f"{number:,}".replace(",", group)
    assert read_amount(grouped) == number
    assert read_number(f"{grouped}{decimal}75") == Decimal(f"{number}.75")


@given(st.integers(-(10**12), 10**12))
def test_what_excel_shows_in_short_is_known(number):
    assert is_shortened(f"{number:.4E}")
    assert not is_shortened(str(number))


@pytest.mark.parametrize(
    "cell",
    ["5/3/26", "05/03/2026", "05-03-2026", "5.3.2026", "2026-03-05", "2026-03-05T08:00:00", "2026-03-05 00:00:00",
     "20260305", "05032026", "2026/3/5", "05/03/2026 14:30", "ngày 5 tháng 3 năm 2026", "Thứ Năm, 5 tháng 3, 2026",
     "5-Mar-26", "05 March 2026", "46086", "46086.75", "０５/０３/２０２６"],
)  # fmt: skip
def test_a_day_reads_the_same_however_it_is_written(cell):
    assert read_date(cell) == DAY


def test_an_american_column_shows_by_days_after_the_twelfth():
    column = ["3/25/2026", "3/5/2026", ""]
    assert habits_of(column).month_first
    assert [read_date(cell, habits_of(column)) for cell in column] == [date(2026, 3, 25), DAY, None]
    assert not habits_of(["25/3/2026", "3/5/2026"]).month_first
    assert not habits_of(["3/5/2026"]).month_first


@pytest.mark.parametrize(
    "cell", ["", "31/02/2026", "3/25/2026", "2026", "12", "912345678", "0912345678", "5/3", "99999999", "mai"]
)
def test_what_is_no_day_is_none(cell):
    assert read_date(cell) is None


@pytest.mark.parametrize(
    ("cell", "habits"),
    [("31/2/26", Habits()), ("31.02.2026 08:00", Habits()), ("2/31/2026", AMERICAN), ("2026-02-31T00:00:00", Habits()),
     ("ngày 31 tháng 2 năm 2026", Habits()), ("31022026", Habits()), ("31-Feb-26", Habits())],
)  # fmt: skip
def test_a_day_that_no_calendar_has_is_known_however_it_is_written(cell, habits):
    assert read_date(cell, habits) is None
    assert str(missing_date(cell, habits)) == "There is no 31/02/2026: that month has only 28 days."
    assert missing_date("28/02/2026") is missing_date("mai") is None


@given(st.dates(date(1930, 1, 1), date(2170, 1, 1)))
def test_every_day_is_read_back_also_as_excel_counts(day):
    assert read_date(str((day - date(1899, 12, 30)).days)) == day
    assert read_date(f"{day:%d/%m/%Y}") == read_date(f"{day:%m/%d/%Y}", AMERICAN) == read_date(day.isoformat()) == day


@given(st.text(max_size=80))
def test_any_cell_is_read_or_none(cell):
    habits = habits_of([cell])
    read_number(cell, habits)
    read_amount(cell)
    read_date(cell, habits)
    is_heading([cell])


HEAD = ["Họ tên", "Số điện thoại", "Ngày sinh", ""]
LAN = ["Đặng Thị Lan", "0912 345 678", "5/3/1990", "12 Lê Lợi"]


def test_the_heading_is_found_below_a_title():
    assert heading_row([HEAD, LAN]) == 0
    assert heading_row([["DANH SÁCH KHÁCH HÀNG THÁNG 3"], [], HEAD, LAN, LAN]) == 2
    assert heading_row([HEAD]) == 0


def test_a_sheet_that_begins_with_data_has_no_heading():
    assert heading_row([LAN, LAN]) is None
    assert heading_row([]) is None
    assert is_heading(["Ghi chú", "Ghi chú"])
    assert not is_heading(["Tên", "lan@phosen.example"])
