"""When are two values equal, and which is more? Answers None, never an error, when they cannot be compared."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo

from app.core.i18n import DEFAULT_TIME_ZONE
from app.core.vietnamese import plain_letters

MAX_VALUE = 10_000  # characters of a text and items of a list that a comparison looks into
ZONE = ZoneInfo(DEFAULT_TIME_ZONE)  # a moment falls on the day it has in the company, not in Greenwich
BLANKS = " \t\r\n\u00a0"
LISTS = (list, tuple, set, frozenset)
NUMBERS = (int, float, Decimal)


@dataclass(frozen=True, slots=True)
class Period:
    """The calendar days from `first` to `last`, both included."""

    first: date
    last: date


Value: TypeAlias = bool | int | float | Decimal | date | str | Period

_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


def read(raw: object) -> Value | None:
    """A plain value, or None for what is missing or cannot be compared (lists, records, NaN, endless texts).

    Types are asked of `type(raw)`, so that no code of a foreign object runs; a StrEnum becomes its text.
    """
    kind = type(raw)
    if kind is int or kind is bool:
        return raw  # type: ignore[return-value]
    if issubclass(kind, str):
        return _text(str.__str__(raw))
    if issubclass(kind, int):
        return int.__int__(raw)  # type: ignore[arg-type]
    if issubclass(kind, float):
        number = float.__float__(raw)  # type: ignore[arg-type]
        return number if math.isfinite(number) else None
    if issubclass(kind, Decimal):
        return raw if Decimal.is_finite(raw) else None  # type: ignore[arg-type, return-value]
    if kind is Period:
        return raw  # type: ignore[return-value]
    return moment_of(raw) if issubclass(kind, date) else None


def _text(text: str) -> str | None:
    if len(text) > MAX_VALUE:
        return None
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def equal(left: Value | None, right: Value | None) -> bool | None:
    """Are they the same? Texts letter by letter, numbers by value, moments by the day if one of them is a date."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right or order(left, right) == 0
    if isinstance(left, bool) and isinstance(right, bool):
        return left is right
    sign = order(left, right)
    return None if sign is None else sign == 0


def order(left: Value | None, right: Value | None) -> int | None:
    """-1, 0 or 1 for two numbers or two moments; texts other than ISO dates have no order ('9' is not above '10').

    A moment is before a period, in it (0) or after it.
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return None
    if isinstance(left, NUMBERS) or isinstance(right, NUMBERS):
        both = isinstance(left, NUMBERS) and isinstance(right, NUMBERS)
        return _order_numbers(left, right) if both else None  # type: ignore[arg-type]
    if isinstance(right, Period):
        return _order_in(day_of(left), right)
    if isinstance(left, Period):
        sign = _order_in(day_of(right), left)
        return None if sign is None else -sign
    first = moment_of(left)
    second = None if first is None else moment_of(right)
    if first is None or second is None:
        return None
    if not (isinstance(first, datetime) and isinstance(second, datetime)):
        first, second = _day(first), _day(second)
    return (first > second) - (first < second)


def _order_in(day: date | None, period: Period) -> int | None:
    return None if day is None else (day > period.last) - (day < period.first)


def _order_numbers(left: float | Decimal, right: float | Decimal) -> int:
    # 0.1 as typed and Decimal("0.1") as stored are one number to the reader, though not to binary arithmetic.
    if isinstance(left, float) and isinstance(right, Decimal):
        left = Decimal(repr(left))
    elif isinstance(left, Decimal) and isinstance(right, float):
        right = Decimal(repr(right))
    return (left > right) - (left < right)


def contains(container: object, wanted: Value | None) -> bool | None:
    """Is the text part of the text (capitals and marks or not), or the value one of the list?"""
    if wanted is None:
        return None
    kind = type(container)
    if issubclass(kind, str):
        text = _text(str.__str__(container))
        return None if text is None or not isinstance(wanted, str) else plain_letters(wanted) in plain_letters(text)
    if issubclass(kind, LISTS):
        items = container if len(container) <= MAX_VALUE else None  # type: ignore[arg-type]
        return None if items is None else any(equal(read(item), wanted) for item in items)  # type: ignore[attr-defined]
    return None


def is_empty(raw: object) -> bool:
    """Nothing there: missing, a blank text, a list or record without items. Zero and false are something."""
    kind = type(raw)
    if issubclass(kind, str):
        return not str.__str__(raw).strip(BLANKS)
    return raw is None or (issubclass(kind, (*LISTS, dict)) and not len(raw))  # type: ignore[arg-type]


def moment_of(raw: object) -> date | datetime | None:
    """The date, or the moment as company wall time without zone, of a date, a datetime or an ISO text."""
    kind = type(raw)
    if issubclass(kind, str):
        text = str.__str__(raw)
        if len(text) < 10 or text[4] != "-" or not _ISO.fullmatch(text):
            return None
        try:
            raw = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
        except ValueError:  # 30 February
            return None
        kind = type(raw)
    if issubclass(kind, datetime):
        moment: datetime = raw  # type: ignore[assignment]
        try:
            return moment if moment.tzinfo is None else moment.astimezone(ZONE).replace(tzinfo=None)
        except (ArithmeticError, ValueError, TypeError, RuntimeError):  # the year 1, or a zone that cannot tell
            return None
    return raw if issubclass(kind, date) else None  # type: ignore[return-value]


def day_of(raw: object) -> date | None:
    """The calendar day in the company."""
    moment = moment_of(raw)
    return None if moment is None else _day(moment)


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
