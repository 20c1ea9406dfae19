"""How is a day, a moment, a number, an amount written for this reader, and which one did he type?

What is shown is lazy like a sentence: written in the language of whoever reads it. What is typed is read by the same
language. Two things are alike in both: days are typed dd/MM/yyyy, and ₫ stands behind its amount.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from app.core.errors import Sentence
from app.core.i18n import LazySentence, _, grouped, reader_language
from app.core.vietnamese import as_typed, dialled_at_home
from babel import Locale, dates, numbers

NO_BREAK_SPACE = "\u00a0"
# Both databases keep 64 bits; nobody types more than 18 digits on purpose.
MOST_DIGITS = 18
#: years of two digits are 1950 to 2049, as in Excel on today's Windows (assets/js/dates.js does the same)
_CENTURY_TURNS = 50
_MONTHS = 12
_LEAP_YEAR = 2024
#: Vietnamese numbers by their first two digits: mobiles, and those of a place
_PHONE_DIGITS = {"03": 10, "05": 10, "07": 10, "08": 10, "09": 10, "02": 11}
#: of so few digits nobody can say what is wrong with them
_BEGUN = 5

_DAY_FIRST = re.compile(r"(?P<day>[0-9]{1,2})([/.-])(?P<month>[0-9]{1,2})\2(?P<year>[0-9]{4}|[0-9]{2})")
_NO_YEAR = re.compile(r"(?P<day>[0-9]{1,2})[/.-](?P<month>[0-9]{1,2})[/.-]?")
_UNBROKEN = re.compile(r"(?P<day>[0-9]{2})(?P<month>[0-9]{2})(?P<year>(?:19|20|21)?[0-9]{2})")
_ISO = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_CODE = re.compile(r"\b[A-ZĐ]{2,6}-[0-9]+\b")
_PLAIN = re.compile(r"[0-9]+")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:([., ])[0-9]{3})(?:\1[0-9]{3})*")
_CURRENCY = re.compile(r"(?:(?:₫|vnd|vnđ)\s*)?(.*?)(?:\s*(?:₫|đồng|đ|dong|d|vnd|vnđ))?")


@lru_cache(maxsize=1000)  # the days of a list are few, and written row after row
def _written(day: date, pattern: str, language: str) -> str:
    return dates.format_date(day, pattern, locale=language)


@dataclass(frozen=True)
class Style:
    """How one language writes. Patterns are those of Unicode's CLDR; Babel knows the names and signs in them."""

    locale: Locale
    day: str
    weekday: str
    decimal: str
    group: str
    #: what begins differently in the middle of a sentence
    capital: str = ""

    def write(self, day: date, pattern: str) -> str:
        return _written(day, pattern, self.locale.language)

    def number(self, number: float | Decimal) -> str:
        # Babel reads the pattern anew for every number; the counts of a page are few and come again.
        if type(number) is int:
            return grouped(number, self.locale.language)
        return numbers.format_decimal(number, "#,##0.##########", locale=self.locale)

    def inside(self, text: str) -> str:
        """The same words in the middle of a sentence."""
        return text[0].lower() + text[1:] if self.capital and text.startswith(self.capital) else text


STYLES = {
    # The days from Monday to Saturday are "thứ Hai …" in a sentence; "Chủ Nhật" keeps its capital.
    "vi": Style(Locale("vi"), "dd/MM/yyyy", "EEEE dd/MM", ",", ".", capital="Thứ"),
    "en": Style(Locale("en"), "d MMM y", "EEEE d MMM", ".", ","),
}


def _for_reader(write: Callable[[Style], str]) -> LazySentence:
    """Written when it is shown, in the style of the language that is spoken then."""
    return LazySentence(lambda: write(_style()))


def _style() -> Style:
    return STYLES[reader_language()]


# -- days and moments


#: no moment of it is taken: on another clock it would lie beyond the calendar
LATEST_YEAR = 9999


def local(moment: datetime, tz: str | tzinfo) -> datetime:
    """The moment on the wall clock of that zone. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"naive datetime {moment!r}: moments are aware UTC")
    return moment.astimezone(ZoneInfo(tz) if isinstance(tz, str) else tz)


def time_text(moment: datetime, tz: str | tzinfo) -> str:
    """14:30, in every language."""
    return f"{local(moment, tz):%H:%M}"


def day_text(day: date) -> LazySentence:
    """22/11/2026 · 22 Nov 2026. A moment is refused (TypeError): its day depends on the time zone, see `exact_text`."""
    if isinstance(day, datetime):
        raise TypeError("a moment has no day of its own: use exact_text")
    return _for_reader(lambda style: style.write(day, style.day))


def weekday_text(day: date) -> LazySentence:
    """Thứ Hai 23/11 · Monday 23 Nov"""
    return _for_reader(lambda style: style.write(day, style.weekday))


def weekday_inside(day: date) -> LazySentence:
    """thứ Hai 23/11 · Monday 23 Nov, in the middle of a sentence"""
    return _for_reader(lambda style: style.inside(style.write(day, style.weekday)))


def exact_text(moment: datetime, tz: str | tzinfo) -> LazySentence:
    """22/11/2026 14:30 · 22 Nov 2026 14:30"""
    there = local(moment, tz)
    return _for_reader(lambda style: f"{style.write(there.date(), style.day)} {there:%H:%M}")


def typed_day(day: date) -> str:
    """As one types it, in every language: 22/11/2026."""
    return f"{day.day:02}/{day.month:02}/{day.year:04}"


def typed_moment(moment: datetime, tz: str | tzinfo) -> str:
    """As one types it, in every language: 22/11/2026 14:30."""
    return f"{typed_day(local(moment, tz).date())} {time_text(moment, tz)}"


def read_day(text: str) -> date | None:
    """A day as typed (5/9/26, 05/09/2026, 050926, 05092026) or as a browser sends it (ISO). None if it is none."""
    parts = _day_parts(text)
    try:
        return date(*parts) if parts is not None else None
    except ValueError:
        return None


def day_problem(text: str) -> Sentence:
    """Why `read_day` made nothing of it."""
    return missing_day(text) or _("This is not a date. Example: 31/12/2026")


def missing_day(text: str) -> Sentence | None:
    """31/02/2026 is written like a day, and the calendar has none; None: there is one, or it is not written like it.

    15/03 and 31/02 are days without a year.
    """
    if match := _NO_YEAR.fullmatch(as_typed(text)):
        return _yearless(int(match["day"]), int(match["month"]))
    year, month, day = _day_parts(text) or (0, 0, 0)
    if not 1 <= year <= MAXYEAR or not month or not day:
        return None
    typed = f"{day:02}/{month:02}/{year:04}"
    if month > _MONTHS:
        return _("There is no %(day)s: a year has 12 months.", day=typed)
    last = monthrange(year, month)[1]
    if day <= last:
        return None
    return _("There is no %(day)s: that month has only %(count)d days.", day=typed, count=last)


def _yearless(day: int, month: int) -> Sentence | None:
    if not month or not day:
        return None
    typed = f"{day:02}/{month:02}"
    if month > _MONTHS:
        return _("There is no %(day)s: a year has 12 months.", day=typed)
    most = monthrange(_LEAP_YEAR, month)[1]
    if day > most:
        return _("There is no %(day)s: that month has only %(count)d days.", day=typed, count=most)
    return _("The year is missing. Example: %(day)s", day=f"{typed}/1990")


def _day_parts(text: str) -> tuple[int, int, int] | None:
    """Year, month and day as they are written, be there such a day or not."""
    typed = as_typed(text)
    match = _DAY_FIRST.fullmatch(typed) or _UNBROKEN.fullmatch(typed) or _ISO.fullmatch(typed)
    if match is None:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:
        year += 2000 if year < _CENTURY_TURNS else 1900
    return year, int(match["month"]), int(match["day"])


# -- phone numbers


def phone_problem(text: str) -> Sentence:
    """Why nobody can be called by what was typed: too short, too long, or with a beginning that no number has."""
    example = _("Example: 0912 345 678")
    digits = dialled_at_home(text) or ""
    right = _PHONE_DIGITS.get(digits[:2])
    if not digits.startswith("0") or len(digits) <= _BEGUN:
        return _("This phone number is not right yet. Example: 0912 345 678")
    if right is None:
        return _(
            "No phone number in Vietnam begins with %(beginning)s. %(example)s", beginning=digits[:2], example=example
        )
    if len(digits) == right:
        return _(
            "No phone number in Vietnam begins with %(beginning)s. %(example)s", beginning=digits[:3], example=example
        )
    return _(
        "A number that begins with %(beginning)s has %(right)d digits; this one has %(count)d. %(example)s",
        beginning=digits[:2], right=right, count=len(digits), example=example,
    )  # fmt: skip


# -- numbers and amounts


def number_text(number: float | Decimal) -> LazySentence:
    """1.250.000 · 1,250,000; with all its decimals: 2,4 · 2.4"""
    return _for_reader(lambda style: style.number(number))


def unbroken_codes(text: object) -> Markup:
    """The text with its codes (HS-000030) in elements that no line break cuts: browsers would at the hyphen."""
    return Markup(_CODE.sub(r'<span class="tt-code">\g<0></span>', str(escape(text))))  # noqa: S704 - escaped


def money_text(amount: int) -> LazySentence:
    """1.250.000 ₫ · 1,250,000 ₫, unbreakable"""
    return _for_reader(lambda style: f"{style.number(amount)}{NO_BREAK_SPACE}₫")


def typed_number(number: float | Decimal) -> str:
    """As this reader types it, so that it is read back: 1.250 · 1,250; nine eighths are 1,1250 · 1.1250."""
    text = str(number_text(number))
    return f"{text}0" if reads_two_ways(text) else text


def read_integer(text: str) -> int | None:
    """A whole number as typed: 1250000, 1.250.000, 1,250,000, 1 250 000. None if it is none or `reads_two_ways`."""
    return None if reads_two_ways(text) else _whole(as_typed(text))


def reads_two_ways(text: str) -> bool:
    """One group behind the reader's decimal sign: 1,250 is a little more than one, or more than a thousand."""
    digits = as_typed(text).lstrip("-− ")
    return digits.count(_style().decimal) == 1 and _whole(digits) is not None


def integer_problem(text: str) -> Sentence:
    """Why `read_integer` did not read this, with an example that it reads."""
    if not reads_two_ways(text):
        return _("This is not a whole number yet. Example: %(example)s", example=number_text(1250))
    meant = _whole(as_typed(text)) or 0
    return _(
        "“%(typed)s” can be read in two ways. If it is a whole number, write %(grouped)s or %(plain)s.",
        typed=as_typed(text), grouped=number_text(meant), plain=str(meant),
    )  # fmt: skip


def read_decimal(text: str) -> Decimal | None:
    """A number as typed, with the reader's decimal sign: 1.250,5 · 1,250.5. None if it is none or `reads_two_ways`."""
    if reads_two_ways(text):
        return None
    typed, style = as_typed(text).replace("−", "-").replace(" ", ""), _style()
    whole, sign, decimals = typed.partition(style.decimal)
    if sign and not _PLAIN.fullmatch(decimals):
        return None
    if not _PLAIN.fullmatch(digits := whole.removeprefix("-").replace(style.group, "")) or len(digits) > MOST_DIGITS:
        return None
    if style.group in whole and _whole(whole) is None:
        return None
    return Decimal(f"{'-' if whole.startswith('-') else ''}{digits}.{decimals or 0}")


def decimal_problem(text: str) -> Sentence:
    """Why `read_decimal` did not read this, with an example that it reads."""
    if not reads_two_ways(text):
        return _("This is not a number yet. Example: %(example)s", example=number_text(1250.5))
    return _(
        "“%(typed)s” can be read in two ways. Write %(whole)s for a whole number, %(decimal)s for one with decimals.",
        typed=as_typed(text), whole=number_text(_whole(as_typed(text)) or 0), decimal=f"{as_typed(text)}0",
    )  # fmt: skip


def read_money(text: str) -> int | None:
    """An amount in whole dong, with or without its sign (₫, đ, đồng, VND). None if it is none.

    The dong has no decimals: `500,000` and `500.000` can only be five hundred thousand.
    """
    amount = _CURRENCY.fullmatch(unicodedata.normalize("NFC", as_typed(text)).lower())
    return _whole(amount[1]) if amount else None


def _whole(text: str) -> int | None:
    sign, digits = (-1, text[1:].lstrip()) if text[:1] in {"-", "−"} else (1, text)
    if not (_PLAIN.fullmatch(digits) or _GROUPED.fullmatch(digits)):
        return None
    digits = re.sub("[., ]", "", digits)
    return sign * int(digits) if len(digits) <= MOST_DIGITS else None
