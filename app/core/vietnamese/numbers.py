"""Which whole number or amount was typed, and how is one shown?"""

from __future__ import annotations

import re
import unicodedata

from app.core.vietnamese.keyboard import as_typed

NO_BREAK_SPACE = "\u00a0"
# Both databases keep 64 bits; nobody types more than 18 digits on purpose.
MOST_DIGITS = 18
_PLAIN = re.compile(r"[0-9]+")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:([., ])[0-9]{3})(?:\1[0-9]{3})*")
_ONE_COMMA = re.compile(r"[0-9]+,[0-9]+")
_CURRENCY = re.compile(r"(?:(?:₫|vnd|vnđ)\s*)?(.*?)(?:\s*(?:₫|đồng|đ|dong|d|vnd|vnđ))?")


def _whole(text: str) -> int | None:
    sign, digits = (-1, text[1:].lstrip()) if text[:1] in {"-", "−"} else (1, text)
    if not (_PLAIN.fullmatch(digits) or _GROUPED.fullmatch(digits)):
        return None
    digits = re.sub("[., ]", "", digits)
    return sign * int(digits) if len(digits) <= MOST_DIGITS else None


def parse_integer(text: str) -> int | None:
    """A whole number as typed: 1250000, 1.250.000, 1,250,000, 1 250 000. None if it is none or could be read twice.

    `1.250` is 1250; a single comma is the Vietnamese decimal sign, so `1,250` is refused rather than guessed.
    """
    typed = as_typed(text)
    return None if _ONE_COMMA.fullmatch(typed.lstrip("-− ")) else _whole(typed)


def parse_money(text: str) -> int | None:
    """An amount in whole dong, with or without its sign (₫, đ, đồng, VND). None if it is none.

    The dong has no decimals: `500,000` can only be five hundred thousand here.
    """
    amount = _CURRENCY.fullmatch(unicodedata.normalize("NFC", as_typed(text)).lower())
    return _whole(amount[1]) if amount else None


def format_integer(number: int) -> str:
    """1250000 → 1.250.000"""
    return f"{number:,}".replace(",", ".")


def format_money(amount: int) -> str:
    """1250000 → 1.250.000 ₫, unbreakable."""
    return f"{format_integer(amount)}{NO_BREAK_SPACE}₫"
