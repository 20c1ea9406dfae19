"""Which number or day did somebody mean by a cell of his sheet, and which row is the heading? Pure.

Unlike what is typed into a field (core.formats), a cell was written by somebody else's program: `1.250` is a thousand
in one file and a little more than one in the next. So a whole column is looked at first (`habits_of`), and only what
stays open is read the Vietnamese way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation

from app.core.errors import Sentence
from app.core.formats import MOST_DIGITS, missing_day, read_day
from app.core.vietnamese import as_typed, plain_letters, read_phone

#: longer cells are neither numbers nor days
_LONGEST = 60
#: looked at of a column: enough to tell
_MEASURED = 2_000
#: a heading stands among the first rows: above it are titles and logos
HEADING_WITHIN = 20
_LONGEST_HEADING = 60


@dataclass(frozen=True)
class Habits:
    """How the cells of one column are written; without a sign of another habit, the Vietnamese way."""

    #: what stands before decimals: "," or "."
    decimal: str = ","
    #: 3/25/2026, as American programs write
    month_first: bool = False


def habits_of(cells: Iterable[str]) -> Habits:
    """Of the cells of a column. Contradictions are decided by the majority, equal votes the Vietnamese way."""
    commas = points = month = day = 0
    for _number, cell in zip(range(_MEASURED), (cell for cell in cells if cell), strict=False):
        text = _plain(cell)
        if match := _TWO_NUMBERS.match(text):
            month += int(match[2]) > 12 >= int(match[1])
            day += int(match[1]) > 12 >= int(match[2])
        elif (match := _NUMBER.fullmatch(text)) and (sign := _decimal_sign(match["digits"])):
            commas += sign == ","
            points += sign == "."
    return Habits("." if points > commas else ",", month > day)


# ── Numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_MANY = {"k": 3, "nghin": 3, "ngan": 3, "n": 3, "tr": 6, "trieu": 6, "m": 6, "ty": 9, "ti": 9}
_NUMBER = re.compile(
    r"(?P<open>\()?(?P<sign>[-−+]?) ?(?:₫|vnd|d(?= ?[0-9]))? ?(?P<digits>[0-9][0-9.,' ]*)"
    rf" ?(?P<many>{'|'.join(sorted(_MANY, key=len, reverse=True))})? ?(?:₫|dong|vnd|d)?\)?(?P<behind>-)?"
)
_SHORTENED = re.compile(r"[-+]?[0-9](?:[.,][0-9]+)?e[+-]?[0-9]{1,3}", re.IGNORECASE)


def read_number(text: str, habits: Habits = Habits()) -> Decimal | None:
    """1.250.000 · 1,250,000 · 1 250 000 · 1.250.000,50 · 1,5 · (1.250) · 500k · 1,2 triệu · 1.250 ₫. None: no number.

    Both signs tell by themselves which one stands before the decimals, and so does one that is repeated or not followed
    by three digits; of a lone `1.250` the habits of the column decide.
    """
    return _number(text, habits.decimal)


def read_amount(text: str) -> int | None:
    """An amount in whole dong, which has no decimals: 1.250 and 1,250 are both a thousand and more.

    None: no number, or a part of a dong that is not zero.
    """
    number = _number(text, "")
    if number is None or number != number.to_integral_value() or abs(number) >= 10**MOST_DIGITS:
        return None
    return int(number)


def _number(text: str, decimal: str) -> Decimal | None:
    """`decimal`: what a sign is that could be either; "": one between groups."""
    plain = _plain(text)
    if is_shortened(plain):
        return _decimal(plain.replace(",", "."))
    match = _NUMBER.fullmatch(plain)
    if match is None:
        return None
    digits = match["digits"].rstrip()
    sign = _decimal_sign(digits) or (decimal if decimal in digits and _LONE_GROUP.fullmatch(digits) else "")
    whole, decimals = digits.rsplit(sign, 1) if sign else (digits, "0")
    if not decimals.isdecimal() or not (whole.isdecimal() or _GROUPS.fullmatch(whole)):
        return None
    plain_digits = re.sub("[^0-9]", "", whole)
    if len(plain_digits) > MOST_DIGITS:
        return None
    number = Decimal(f"{plain_digits}.{decimals}" if sign else plain_digits)
    if match["many"]:
        number = number.scaleb(_MANY[match["many"]])
    return -number if match["open"] or match["sign"] in {"-", "−"} or match["behind"] else number


_LONE_GROUP = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_GROUPS = re.compile(r"[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*")


def _decimal_sign(digits: str) -> str:
    """What stands before the decimals here; "": nothing does, or it could be either."""
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        return "," if comma > point else "."
    sign = "," if comma >= 0 else "."
    if digits.count(sign) != 1 or _LONE_GROUP.fullmatch(digits):
        return ""
    return sign


def is_shortened(text: str) -> bool:
    """Excel wrote a long number in short (8.49123E+10): of a phone or a code, the last digits are lost."""
    return _SHORTENED.fullmatch(as_typed(text[:_LONGEST])) is not None


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


# ── Days ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: what Excel counts days from, so that its 1900-02-29 is passed over
_EXCEL_BEGINS = date(1899, 12, 30)
#: five digits: 1927 to 2173; fewer may be a year, more are days without signs between
_SERIAL = re.compile(r"([1-9][0-9]{4})(?:[.,][0-9]+)?")
_HALF = "am|pm|sa|ch|sang|trua|chieu|toi|dem"
#: 14:30:00 · 14h30 · 9 gio 05 phut · 2:30 pm · 2 chieu
_CLOCK = (
    rf"(?P<hour>[0-9]{{1,2}})(?= ?(?::|h|g|{_HALF}))"
    r"(?:(?::| ?h| ?gio| ?g)(?: ?(?P<minute>[0-9]{2})(?: ?(?:phut|ph|p))?)?(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
    rf"(?: ?(?P<half>{_HALF}))?z?"
)
_TIME = rf"(?:[t ,]+{_CLOCK})?"
_TWO_NUMBERS = re.compile(rf"([0-9]{{1,2}})[/.-]([0-9]{{1,2}})[/.-]([0-9]{{4}}|[0-9]{{2}}){_TIME}$")
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})[-/. ]?([0-9]{{1,2}})[-/. ]?([0-9]{{1,2}}){_TIME}")
_SAID = re.compile(r"(?:[a-z ]+, ?)?(?:ngay )?([0-9]{1,2}) ?(?:thang|thg) ?([0-9]{1,2}),? ?(?:nam )?([0-9]{4})")
_ENGLISH = re.compile(r"([0-9]{1,2})[ -]([a-z]{3})[a-z]*[ ,-]+([0-9]{4}|[0-9]{2})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def read_date(text: str, habits: Habits = Habits()) -> date | None:
    """5/3/26 · 05-03-2026 · 5.3.2026 · 2026-03-05T08:00 · ngày 5 tháng 3 năm 2026 · 5-Mar-26 · 46086, as Excel counts.

    The day comes first, unless the habits of the column are American. A time of day is left out. None: no day.
    """
    plain = _plain(text)
    if match := _SERIAL.fullmatch(plain):
        return _EXCEL_BEGINS + timedelta(days=int(match[1]))
    return read_day(_usual(plain, habits) or plain)


def missing_date(text: str, habits: Habits = Habits()) -> Sentence | None:
    """31/02/2026 is written like a day, and the calendar has none; None: there is one, or it is not written like it."""
    plain = _plain(text)
    return missing_day(_usual(plain, habits) or plain)


def _usual(plain: str, habits: Habits) -> str | None:
    """The day as one types it: 5/3/2026, be there such a day or not. None: it is not written in one of these ways."""
    if match := _TWO_NUMBERS.fullmatch(plain):
        first, second, year = match[1], match[2], match[3]
        return f"{second}/{first}/{year}" if habits.month_first else f"{first}/{second}/{year}"
    # Six or eight digits may begin with the day.
    if (match := _YEAR_FIRST.fullmatch(plain)) and read_day(plain) is None and missing_day(plain) is None:
        return f"{match[3]}/{match[2]}/{match[1]}"
    if match := _SAID.fullmatch(plain):
        return f"{match[1]}/{match[2]}/{match[3]}"
    if (match := _ENGLISH.fullmatch(plain)) and match[2] in _MONTHS:
        return f"{match[1]}/{_MONTHS.index(match[2]) + 1}/{match[3]}"
    return None


_AT = re.compile(rf"(?:^|[t ,]){_CLOCK}$")
_FRACTION = re.compile(r"([0-9]*)[.,]([0-9]+)")
_DAY_SECONDS = 24 * 60 * 60


def read_time(text: str) -> time | None:
    """The time of day of a cell, alone or behind its day: 14:30 · 2h30 chiều · 2:30 PM · 0.604166, as Excel counts.

    None: none is told. Midnight behind a day is what programs add to a day without a time, and is none.
    """
    plain = _plain(text)
    if match := _FRACTION.fullmatch(plain):
        seconds = round(Decimal(f"0.{match[2]}") * _DAY_SECONDS)
        is_told = seconds < _DAY_SECONDS and (_SERIAL.fullmatch(plain) or match[1] in ("", "0"))
        return time(seconds // 3600, seconds // 60 % 60) if is_told else None
    match = _AT.search(plain)
    if match is None:
        return None
    hour, half = int(match["hour"]), match["half"] or ""
    if half in _MORNING and hour == 12:
        hour = 0
    elif (_FROM.get(half, 12) <= hour < 12) or (half == "trua" and hour < 4):
        hour += 12
    try:
        at = time(hour, int(match["minute"] or 0))
    except ValueError:
        return None
    return None if at == time() and match.start() > 0 else at


_MORNING = frozenset({"am", "sa", "sang", "dem"})
#: from which hour on it is one after noon: 9 h đêm is, 1 h đêm is not
_FROM = {"pm": 1, "ch": 1, "chieu": 1, "toi": 1, "dem": 6}


# ── The heading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def is_heading(cells: Sequence[str]) -> bool:
    """Could these be the names of columns: words, no numbers, days, phones or addresses among them?"""
    filled = [_plain(cell) for cell in cells if cell]
    return bool(filled) and all(len(cell) <= _LONGEST_HEADING and _names_a_column(cell) for cell in filled)


def _names_a_column(cell: str) -> bool:
    if "@" in cell or not any(sign.isalpha() for sign in cell):
        return False
    return read_number(cell) is None and read_date(cell) is None and read_phone(cell) is None


def heading_row(rows: Sequence[Sequence[str]]) -> int | None:
    """Where the names of the columns stand: in the first row that could be a heading, unless a later one is far wider.

    None: there is none, the sheet begins with data.
    """
    best, most = None, 0
    for at, cells in enumerate(rows[:HEADING_WITHIN]):
        filled = sum(1 for cell in cells if cell)
        if filled and not is_heading(cells) and filled > 1:
            break  # data have begun
        # The last column has often no name: a row that has one cell more is data. Titles have one.
        if filled > 2 * most or (most == 1 < filled):
            best, most = at, filled
    return best


def _plain(text: str) -> str:
    """Lower case, without accents and what is invisible; single spaces."""
    text = text[:_LONGEST]
    if not text.isascii():
        text = plain_letters(unicodedata.normalize("NFC", as_typed(text)))
    return " ".join(text.lower().split())
