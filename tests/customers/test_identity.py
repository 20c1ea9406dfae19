"""Tax codes, citizen numbers and birthdays: which is right, and what one tells of the other."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.vn import mst

from app.customers import identity
from app.customers.models import ID_NUMBER_LENGTH, TAX_CODE_LENGTH, Gender
from app.customers.rules import UnreadableError

TODAY = date(2026, 11, 22)


def tax_code(typed, **more):
    return identity.read_tax_code(typed, today=TODAY, **more)


def citizen_id(typed, **more):
    return identity.read_citizen_id(typed, today=TODAY, **more)


def birthday(typed):
    return identity.read_birthday(typed, today=TODAY)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("0100233488", "0100233488"),
        (" 01.002.334 88 ", "0100233488"),
        ("MST: 0314409058-002", "0314409058-002"),
        ("0314409058002", "0314409058-002"),
        ("０１００２３３４８８", "0100233488"),
        ("Mã số thuế 0312 68 78 78 – 001", "0312687878-001"),
        ("001 190 000 123", "001190000123"),  # a person's, since July 2025
        ("", None),
        ("  ", None),
    ],
)
def test_a_tax_code_has_one_normal_form(typed, stored):
    assert tax_code(typed) == stored


@pytest.mark.parametrize(
    "typed", ["0100233480", "12345", "0314409058-000", "abc", "01002334881", "0000000000", "100233488"]
)
def test_a_tax_code_with_a_wrong_digit_is_refused(typed):
    with pytest.raises(UnreadableError):
        tax_code(typed)


def test_zeros_that_a_sheet_lost_come_back():
    assert tax_code("100233488", from_sheet=True) == "0100233488"
    assert citizen_id("1190000123", from_sheet=True) == "001190000123"
    with pytest.raises(UnreadableError):
        citizen_id("1190000123")


@given(st.integers(1, 99), st.integers(1, 9_999_999), st.integers(0, 999))
def test_one_changed_digit_of_a_tax_code_shows(province, number, branch):
    nine = f"{province:02}{number:07}"
    check = mst.calc_check_digit(nine)
    if len(check) > 1:
        return  # such numbers are not given out
    code = f"{nine}{check}-{branch:03}" if branch else nine + check
    assert tax_code(code) == code
    assert len(code) <= TAX_CODE_LENGTH
    with pytest.raises(UnreadableError):
        tax_code(f"{nine}{(int(check) + 1) % 10}")


def test_citizen_numbers_begin_with_the_63_provinces_of_old():
    assert len(identity.BIRTH_PROVINCES) == 63
    assert citizen_id("CCCD 001 190 000 123") == "001190000123"
    assert len("001190000123") == ID_NUMBER_LENGTH
    assert citizen_id("001326000123") == "001326000123"  # of this year
    assert citizen_id("146190000123") == "146190000123"  # born abroad


@pytest.mark.parametrize(
    ("typed", "told"),
    [("012345678", "CMND"), ("0123456789", "this one has 10"), ("003190000123", "003"), ("001227000123", "2027"),
     ("001990000123", "2390"), ("999999999999", "999"), ("111111111111", "111"), ("00119000012a", "12 digits")],
)  # fmt: skip
def test_a_number_that_is_on_no_card_is_refused_with_the_reason(typed, told):
    with pytest.raises(UnreadableError) as refused:
        citizen_id(typed)
    assert told in str(refused.value.sentence)


@pytest.mark.parametrize(
    ("number", "year", "gender"),
    [("001090000123", 1990, Gender.male), ("001190000123", 1990, Gender.female), ("079205000123", 2005, Gender.male),
     ("079305000123", 2005, Gender.female)],
)  # fmt: skip
def test_a_citizen_number_tells_year_and_gender(number, year, gender):
    assert (identity.birth_year(number), identity.gender_told(number)) == (year, gender)
    assert identity.identity_hints(number, date(year, 5, 3), gender) == []
    assert identity.identity_hints(number, None, Gender.other) == identity.identity_hints(None, None, gender) == []
    other = Gender.female if gender is Gender.male else Gender.male
    hints = identity.identity_hints(number, date(year + 1, 5, 3), other)
    assert len(hints) == 2
    assert str(year) in str(hints[0])


@pytest.mark.parametrize(
    ("typed", "day"),
    [("5/3/1990", date(1990, 3, 5)), ("05-03-90", date(1990, 3, 5)), ("5.3.26", date(2026, 3, 5)),
     ("5/3/40", date(1940, 3, 5)), ("22/11/26", TODAY), ("23/11/26", date(1926, 11, 23)),
     ("1990-03-05", date(1990, 3, 5)), ("29/2/48", date(1948, 2, 29)), ("", None)],
)  # fmt: skip
def test_a_birthday_lies_in_the_past(typed, day):
    assert birthday(typed) == day


@pytest.mark.parametrize(
    ("typed", "told"),
    [("31/02/1990", "31/02/1990"), ("29/02/2023", "only 28 days"), ("23/11/2026", "future"), ("31/12/1899", "1900"),
     ("5/3", "year is missing"),
     ("31/02", "only 29 days"), ("5/13", "12 months"), ("1990", "not a date"), ("hôm qua", "not a date"),
     ("99/99/99", "12 months"),
     ("32 13 2000", "not a date")],
)  # fmt: skip
def test_a_day_that_is_none_is_refused_with_the_reason(typed, told):
    with pytest.raises(UnreadableError) as refused:
        birthday(typed)
    assert told in str(refused.value.sentence)


@given(st.dates(identity.EARLIEST_BIRTH, TODAY))
def test_every_birthday_is_read_back(day):
    assert birthday(f"{day.day}/{day.month}/{day.year}") == day
    if day > TODAY - timedelta(days=36_500):
        assert birthday(f"{day:%d/%m/%y}") == day


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    for read in (tax_code, citizen_id, birthday):
        with suppress(UnreadableError):
            read(text)
