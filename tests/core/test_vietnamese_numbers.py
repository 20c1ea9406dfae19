from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.vietnamese import format_integer, format_money, parse_integer, parse_money

WHOLE = [
    ("1250000", 1_250_000),
    ("1.250.000", 1_250_000),
    ("1,250,000", 1_250_000),
    ("1 250 000", 1_250_000),
    ("1\u00a0250\u202f000", 1_250_000),
    (" 500.000 ", 500_000),
    ("１２５０", 1250),
    ("0", 0),
    ("007", 7),
    ("-1.250", -1250),
    ("−5", -5),
]
NOT_WHOLE = [
    "",
    "-",
    "1,5",
    "1.5",
    "1.25",
    "0.500",
    "1.250,000",
    "1,250.000",
    "1.250.00",
    "1.25.000",
    "1..250",
    "12 50",
    "500k",
    "1e6",
    "½",
    "5²",
    "٣",
    "--5",
    "9" * 19,
    "9" * 5000,
]


@pytest.mark.parametrize(("typed", "number"), WHOLE)
def test_whole_numbers_are_read_however_they_are_grouped(typed, number):
    assert parse_integer(typed) == number
    assert parse_money(typed) == number


@pytest.mark.parametrize("typed", NOT_WHOLE)
def test_decimals_and_the_unclear_are_refused(typed):
    assert parse_integer(typed) is None
    assert parse_money(typed) is None


@pytest.mark.parametrize(
    "typed",
    ["1250000 đ", "1.250.000₫", "1.250.000 Đ", "1,250,000 VND", "VND 1,250,000", "1250000 vnđ", "1.250.000 đồng"],
)
def test_money_may_carry_its_sign(typed):
    assert parse_money(typed) == 1_250_000
    assert parse_integer(typed) is None


@pytest.mark.parametrize("typed", ["đ", "VND", "1,5 triệu", "5 $", "12,5 đ"])
def test_a_sign_alone_or_another_unit_is_no_amount(typed):
    assert parse_money(typed) is None


def test_a_single_comma_is_clear_for_money_only():
    assert parse_money("500,000") == 500_000
    assert parse_integer("500,000") is None
    assert parse_integer("-500,000") is None


def test_money_is_shown_with_dots_and_an_unbreakable_sign():
    assert format_money(1_250_000) == "1.250.000\u00a0₫"
    assert format_money(0) == "0\u00a0₫"
    assert format_money(-500) == "-500\u00a0₫"


@given(st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1))
def test_what_is_shown_can_be_typed_back(amount):
    assert parse_money(format_money(amount)) == amount
    assert parse_integer(format_integer(amount)) == amount
